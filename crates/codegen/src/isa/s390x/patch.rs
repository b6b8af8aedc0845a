//! What a patcher must know: NOPs, traps and the form of a site.
//!
//! A direct site is one `brasl r14`, six bytes; off, it is a `brcl` that never branches
//! with the same distance, so that they differ in the second byte only, and one store
//! of that byte switches a site wherever it stands. A site that calls through a register
//! is one `basr` of two bytes, and a NOP.

use crate::buffer::{BufferSpec, OffForm};

/// Every NOP encoding that code of this target may have: `bcr`, `bc` and `brcl` that
/// never branch.
pub const NOP_UNITS: &[&[u8]] = &[&[0x07, 0], &[0x47, 0, 0, 0], &[0xc0, 0x04, 0, 0, 0, 0]];

/// An instruction that never will be one.
pub const TRAP: &[u8] = &[0, 0];

/// What Linux takes for a breakpoint.
pub const BREAKPOINT: &[u8] = &[0, 1];

/// The buffer's facts.
pub const BUFFER_SPEC: BufferSpec = BufferSpec {
    nop_units: NOP_UNITS,
    trap_bytes: TRAP,
    function_alignment: 16,
    inst_alignment: 2,
    far_jump: None,
    off_form: OffForm::SecondByte { len: 6, value: 0x04 },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::s390x::encode::{distant, two};
    use crate::isa::s390x::ops::Op;

    #[test]
    fn forms_are_the_encoders() {
        assert_eq!(NOP_UNITS[0], two(Op::Bcr, 0, 0).bytes());
        assert_eq!(NOP_UNITS[2], distant(Op::Brcl, 0).bytes());
        let (on, off) = (distant(Op::Brasl, 14), distant(Op::Brcl, 0));
        let differing = (0..6).filter(|&n| on.bytes()[n] != off.bytes()[n]);
        assert_eq!(differing.collect::<Vec<_>>(), [1]);
        assert_eq!(off.bytes()[1], 0x04);
    }
}

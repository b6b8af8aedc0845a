//! What a patcher must know: NOPs, traps and the form of a site.
//!
//! A site is one direct `call` (opcode and displacement, five bytes) or one
//! `call_indirect` (two bytes); off, it is as many one-byte `nop`s. The
//! interpreter is stopped while sites are switched, so their alignment is free.

use crate::buffer::{BufferSpec, OffForm};
use pulley_interpreter::{ExtendedOpcode, Opcode};

const NOP: &[u8] = &[Opcode::Nop as u8];
/// The instruction that traps.
pub const TRAP: &[u8] = &[
    Opcode::ExtendedOp as u8,
    (ExtendedOpcode::Trap as u16).to_le_bytes()[0],
    (ExtendedOpcode::Trap as u16).to_le_bytes()[1],
];

/// Every NOP encoding.
pub const NOP_UNITS: &[&[u8]] = &[NOP];

/// The buffer's facts.
pub const BUFFER_SPEC: BufferSpec = BufferSpec {
    nop_units: NOP_UNITS,
    trap_bytes: TRAP,
    function_alignment: 1,
    inst_alignment: 1,
    far_jump: None,
    off_form: OffForm::Nops,
};

/// Bytes of a direct call or jump before its displacement.
pub const OPCODE_BYTES: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use pulley_interpreter::encode;

    #[test]
    fn forms_are_the_encoders() {
        let mut bytes = Vec::new();
        encode::nop(&mut bytes);
        assert_eq!(NOP_UNITS, [bytes.as_slice()]);
        bytes.clear();
        encode::trap(&mut bytes);
        assert_eq!(BUFFER_SPEC.trap_bytes, bytes);
        bytes.clear();
        encode::call(&mut bytes, 0);
        assert_eq!(bytes.len() as u32, OPCODE_BYTES + 4);
        assert_eq!(BUFFER_SPEC.nops(5), [NOP[0]; 5]);
    }
}

//! What a patcher must know: NOPs, traps and the form of a site.
//!
//! A site is one `jal ra` or one `jalr ra` through a register, four bytes at a
//! multiple of four; off, it is `addi x0, x0, 0`. Compressed instructions are never
//! emitted, so one aligned store of four bytes switches a site.

use super::ops::Op;
use crate::buffer::{BufferSpec, FarJump, OffForm};
use sidetrack_artifact::RelocKind;

/// Every NOP encoding that code of this target may have.
pub const NOP_UNITS: &[&[u8]] = &[&[0x13, 0, 0, 0]];

/// `unimp`: a write to a register that is read-only.
pub const TRAP: &[u8] = &Op::Unimp.bits().to_le_bytes();

/// The buffer's facts.
pub const BUFFER_SPEC: BufferSpec = BufferSpec {
    nop_units: NOP_UNITS,
    trap_bytes: TRAP,
    function_alignment: 16,
    inst_alignment: 4,
    far_jump: Some(FarJump { bytes: FAR_JUMP, kind: RelocKind::RiscvCall }),
    off_form: OffForm::Nops,
};

/// `auipc t6, 0; jalr x0, 0(t6)`, to be relocated.
const FAR_JUMP: &[u8] = &[0x97, 0x0f, 0, 0, 0x67, 0x80, 0x0f, 0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::riscv64::encode::{imm, upper};
    use crate::isa::riscv64::regs::{T6, X0};

    #[test]
    fn forms_are_the_encoders() {
        assert_eq!(NOP_UNITS[0], imm(Op::Addi, 0, 0, 0).to_le_bytes());
        let far = [upper(Op::Auipc, T6, 0).to_le_bytes(), imm(Op::Jalr, X0, T6, 0).to_le_bytes()];
        assert_eq!(FAR_JUMP, far.concat());
    }
}

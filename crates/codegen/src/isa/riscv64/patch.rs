//! What a patcher must know: NOPs, traps and the form of a site.
//!
//! A site is one `jal ra` or one `jalr ra` through a register, four bytes at a
//! multiple of four; off, it is `addi x0, x0, 0`. Compressed instructions are never
//! emitted, so one aligned store of four bytes switches a site.

use crate::buffer::BufferSpec;

/// Every NOP encoding that code of this target may have.
pub const NOP_UNITS: &[&[u8]] = &[&[0x13, 0, 0, 0]];

/// `unimp`: a write to a register that is read-only.
pub const TRAP: &[u8] = &[0x73, 0x10, 0x00, 0xc0];

/// The buffer's facts.
pub const BUFFER_SPEC: BufferSpec =
    BufferSpec { nop_units: NOP_UNITS, trap_bytes: TRAP, function_alignment: 16, inst_alignment: 4 };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::riscv64::encode::imm;
    use crate::isa::riscv64::ops::Op;

    #[test]
    fn forms_are_the_encoders() {
        assert_eq!(NOP_UNITS[0], imm(Op::Addi, 0, 0, 0).to_le_bytes());
        assert_eq!(TRAP, Op::Unimp.bits().to_le_bytes());
    }
}

//! Loops between `lr` and `sc`.
//!
//! Accesses of 8 and 16 bits work on a field of the aligned word around them. The
//! loops are short enough for the architecture's promise of progress, those with
//! bytes in the other order and without Zbb excepted.

use super::*;
use crate::isa::riscv64::inst::Field;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::{AtomicRmwOp, Type};

struct Words {
    lr: Op,
    sc: Op,
}

impl Words {
    fn of(wide: bool) -> Words {
        if wide { Words { lr: Op::LrD, sc: Op::ScD } } else { Words { lr: Op::LrW, sc: Op::ScW } }
    }

    fn load(&self, buffer: &mut Buf, d: u8, addr: u8, trap: Option<TrapCode>) {
        if let Some(code) = trap {
            buffer.add_trap(code);
        }
        buffer.three(self.lr, d, addr, 0);
    }

    /// Stores, and goes back to `start` if something came between.
    fn store(&self, buffer: &mut Buf, src: u8, addr: u8, trap: Option<TrapCode>, start: u32) {
        if let Some(code) = trap {
            buffer.add_trap(code);
        }
        buffer.three(self.sc, T6, addr, src);
        let back = start as i32 - buffer.offset() as i32;
        buffer.word(branch(Op::Bne, T6, X0, back));
    }
}

/// Appends a loop.
pub fn emit(inst: &Inst, isa: &Riscv64, buffer: &mut Buf) {
    match *inst {
        Inst::AtomicLoop { op, ty, big, dst, addr, operand, field, new, trap } => {
            let (dst, addr, operand, new) = (dst.hw_enc(), addr.hw_enc(), operand.hw_enc(), new.hw_enc());
            let words = Words::of(ty.bits() == 64);
            let start = buffer.offset();
            words.load(buffer, dst, addr, trap);
            let old = old_value(buffer, isa, ty, big, dst, field, new);
            change(buffer, op, ty, new, old, operand);
            if big {
                seq::swap_bytes(buffer, isa, new, new, ty, RA);
            }
            if let Some(field) = field {
                // What differs in the field, and nothing else.
                buffer.three(Op::Sllw, new, new, field.shift.hw_enc());
                buffer.three(Op::Xor, new, new, dst);
                buffer.three(Op::And, new, new, field.mask.hw_enc());
                buffer.three(Op::Xor, new, new, dst);
            }
            words.store(buffer, new, addr, trap, start);
            if let Some(field) = field {
                buffer.three(Op::Srlw, dst, dst, field.shift.hw_enc());
            }
            if big {
                seq::swap_bytes(buffer, isa, dst, dst, ty, RA);
            }
        }
        Inst::Cas { wide, dst, addr, expected, new, mask, trap } => {
            let (dst, addr, new) = (dst.hw_enc(), addr.hw_enc(), new.hw_enc());
            let words = Words::of(wide);
            let start = buffer.offset();
            words.load(buffer, dst, addr, trap);
            match mask {
                None => {
                    buffer.word(branch(Op::Bne, dst, expected.hw_enc(), 12));
                    words.store(buffer, new, addr, trap, start);
                }
                Some(mask) => {
                    buffer.three(Op::And, T6, dst, mask.hw_enc());
                    buffer.word(branch(Op::Bne, T6, expected.hw_enc(), 20));
                    buffer.three(Op::Xor, T6, T6, dst);
                    buffer.three(Op::Or, T6, T6, new);
                    words.store(buffer, T6, addr, trap, start);
                }
            }
        }
        _ => unreachable!("this file has no other loops"),
    }
}

/// The register with the old value, for which `ra` and `tmp` may be used.
fn old_value(
    buffer: &mut Buf,
    isa: &Riscv64,
    ty: Type,
    big: bool,
    word: u8,
    field: Option<Field>,
    tmp: u8,
) -> u8 {
    let mut old = word;
    if let Some(field) = field {
        buffer.three(Op::Srlw, RA, old, field.shift.hw_enc());
        old = RA;
    }
    if big {
        seq::swap_bytes(buffer, isa, RA, old, ty, tmp);
        old = RA;
    }
    old
}

/// The new value, from the old one and the operand, which is extended as the
/// operation needs it.
fn change(buffer: &mut Buf, op: AtomicRmwOp, ty: Type, new: u8, old: u8, operand: u8) {
    let keep = match op {
        AtomicRmwOp::Add => return buffer.three(Op::Add, new, old, operand),
        AtomicRmwOp::Sub => return buffer.three(Op::Sub, new, old, operand),
        AtomicRmwOp::And => return buffer.three(Op::And, new, old, operand),
        AtomicRmwOp::Or => return buffer.three(Op::Or, new, old, operand),
        AtomicRmwOp::Xor => return buffer.three(Op::Xor, new, old, operand),
        AtomicRmwOp::Xchg => return buffer.imm(Op::Addi, new, operand, 0),
        AtomicRmwOp::Nand => {
            buffer.three(Op::And, new, old, operand);
            return buffer.imm(Op::Xori, new, new, -1);
        }
        AtomicRmwOp::Smin => (Op::Blt, false),
        AtomicRmwOp::Smax => (Op::Blt, true),
        AtomicRmwOp::Umin => (Op::Bltu, false),
        AtomicRmwOp::Umax => (Op::Bltu, true),
    };
    let (less, swap) = keep;
    if ty.bits() < 32 {
        let amount = 64 - ty.bits() as i32;
        buffer.imm(Op::Slli, new, old, amount);
        buffer.imm(if less == Op::Blt { Op::Srai } else { Op::Srli }, new, new, amount);
    } else {
        buffer.imm(Op::Addi, new, old, 0);
    }
    let (a, b) = if swap { (operand, new) } else { (new, operand) };
    buffer.word(branch(less, a, b, 8));
    buffer.imm(Op::Addi, new, operand, 0);
}

//! Constants, and addresses at any distance from a base.

use super::*;
use crate::isa::aarch64::encode::{Imm12, LogicImm, float_imm8};

const SP: u8 = 31;
const FP: u8 = 29;

/// Puts a constant into a register, by the fewest instructions known.
pub fn load_imm(buffer: &mut Buf, dst: u8, value: u64) {
    // In 32 bits the upper half becomes zero.
    let size = if value >> 32 == 0 { Size::S32 } else { Size::S64 };
    let parts = size.bits() / 16;
    let part = |n: u8| (value >> (16 * n)) as u16;
    let different = |skip: u16| (0..parts).filter(|&n| part(n) != skip).count();
    let inverted = different(0xffff) < different(0);
    let (first, skip) = if inverted { (MovOp::Movn, 0xffff) } else { (MovOp::Movz, 0) };
    if different(skip) > 1
        && let Some(imm) = LogicImm::new(value, size)
    {
        return buffer.word(encode::alu_logic(AluOp::Orr, size, dst, 31, imm));
    }
    let mut op = first;
    for n in (0..parts).filter(|&n| part(n) != skip) {
        let imm = if op == MovOp::Movn { !part(n) } else { part(n) };
        buffer.word(encode::mov(op, size, dst, imm, n));
        op = MovOp::Movk;
    }
    if op == first {
        buffer.word(encode::mov(first, size, dst, 0, 0));
    }
}

/// `dst = n + value`, of which both registers may be the stack pointer and neither x16,
/// unless the value has up to 24 bits.
pub fn add_imm(buffer: &mut Buf, dst: u8, n: u8, value: i64) {
    let (op, size) = if value < 0 { (AluOp::Sub, value.unsigned_abs()) } else { (AluOp::Add, value as u64) };
    let (low, high) = (Imm12::new(size & 0xfff), Imm12::new(size & !0xfff));
    match (low, high) {
        _ if size == 0 && dst == n && dst == SP => {}
        (Some(imm), Some(_)) if size < 0x1000 => {
            buffer.word(encode::alu_imm12(op, Size::S64, dst, n, imm));
        }
        (Some(low), Some(high)) => {
            buffer.word(encode::alu_imm12(op, Size::S64, dst, n, high));
            if size & 0xfff != 0 {
                buffer.word(encode::alu_imm12(op, Size::S64, dst, dst, low));
            }
        }
        _ => {
            load_imm(buffer, SCRATCH, size);
            buffer.word(encode::alu_extended(op, Size::S64, dst, n, SCRATCH, Extend::Uxtx, 0));
        }
    }
}

/// Sets the stack pointer to where it is in the function's body.
pub fn restore_sp(frame: &FrameLayout, buffer: &mut Buf) {
    add_imm(buffer, SP, FP, -i64::from(frame.size()));
}

/// A load or store at any offset from a base that is not x16.
pub fn mem(buffer: &mut Buf, op: MemOp, t: u8, base: u8, offset: i32, trap: Option<TrapCode>) {
    let (scale, positive) = (op.scale(), offset as u32);
    let fits = |offset: u32| offset & ((1 << scale) - 1) == 0 && offset >> scale < 4096;
    if offset >= 0 && fits(positive) {
        may_trap(buffer, trap);
        return buffer.word(encode::mem_scaled(op, t, base, positive));
    }
    if (-256..256).contains(&offset) {
        may_trap(buffer, trap);
        return buffer.word(encode::mem_unscaled(op, t, base, offset));
    }
    if (0..1 << 24).contains(&offset) && fits(positive & 0xfff) {
        let high = Imm12::new(u64::from(positive & !0xfff)).expect("twelve bits, shifted");
        buffer.word(encode::alu_imm12(AluOp::Add, Size::S64, SCRATCH, base, high));
        may_trap(buffer, trap);
        return buffer.word(encode::mem_scaled(op, t, SCRATCH, positive & 0xfff));
    }
    load_imm(buffer, SCRATCH, i64::from(offset) as u64);
    may_trap(buffer, trap);
    buffer.word(encode::mem_index(op, t, base, SCRATCH, Extend::Uxtx, false));
}

/// A scalar float's bits in a vector register.
pub fn float(buffer: &mut Buf, wide: bool, dst: u8, bits: u64) {
    let size = if wide { Size::S64 } else { Size::S32 };
    // One move of sixteen bits into an integer register, and from there.
    let simple = (0..4).any(|n| bits & !(0xffff << (16 * n)) == 0);
    if bits == 0 {
        // movi
        buffer.word(0x2f00_e400 | u32::from(dst));
    } else if let Some(imm) = float_imm8(bits, wide) {
        buffer.word(encode::fmov_imm(wide, dst, imm));
    } else if simple {
        load_imm(buffer, SCRATCH, bits);
        buffer.word(encode::fmov_from_int(size, dst, SCRATCH));
    } else {
        let (len, op) = if wide { (8, MemOp::LdrD) } else { (4, MemOp::LdrS) };
        let label = buffer.constant(&bits.to_le_bytes()[..len], len as u32);
        word_to(buffer, encode::mem_literal(op, dst), label, Fixup::Literal);
    }
}

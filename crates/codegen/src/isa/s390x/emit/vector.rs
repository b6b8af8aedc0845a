//! Vectors: instructions, constants, loads and stores.

use super::*;
use crate::isa::s390x::vector::{VecInst, Vop, four, imm, join, mask, memory, pair, put, repeat, take};
use crate::isa::s390x::vector::{shift, three, two};

/// Appends an instruction on vectors.
pub fn emit(inst: &VecInst, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let n = |reg: Reg| reg.hw_enc();
    match *inst {
        VecInst::Two { op, m, dst, src } => buffer.code(two(op, n(dst), n(src), m)),
        VecInst::Three { op, m, dst, a, b } => buffer.code(three(op, n(dst), n(a), n(b), m)),
        VecInst::Four { op, m, dst, a, b, c } => buffer.code(four(op, n(dst), n(a), n(b), n(c), m)),
        VecInst::Repeat { m, index, dst, src } => buffer.code(repeat(n(dst), n(src), index, m)),
        VecInst::Join { by, dst, a, b } => buffer.code(join(n(dst), n(a), n(b), by)),
        VecInst::Shift { op, m, dst, src, amount } => {
            let (base, offset) = match amount {
                Amount::Reg(reg) => (n(reg), 0),
                Amount::Imm(by) => (0, by),
            };
            buffer.code(shift(op, n(dst), n(src), base, offset, m));
        }
        VecInst::Take { m, index, dst, src } => buffer.code(take(n(dst), n(src), index, m)),
        VecInst::Put { m, index, dst, src, .. } => buffer.code(put(n(dst), n(src), index, m)),
        VecInst::Pair { dst, high, low } => buffer.code(pair(n(dst), n(high), n(low))),
        VecInst::Const { dst, value } => constant(buffer, n(dst), value),
        VecInst::Load { op, m, dst, mem } => access(buffer, op, n(dst), mem, m, ctx),
        VecInst::Store { op, m, src, mem } => access(buffer, op, n(src), mem, m, ctx),
    }
}

/// A load or store; may use r1.
fn access(buffer: &mut Buf, op: Vop, reg: u8, mem: Mem, m: u8, ctx: &EmitCtx<'_>) {
    let (mut base, mut index, mut offset) = resolve(buffer, mem, ctx);
    if !fits12(offset.into()) {
        consts::indexed(buffer, Op::Lay, R1, base, index, offset);
        (base, index, offset) = (R1, 0, 0);
    }
    if let Some(code) = mem.trap {
        buffer.add_trap(code);
    }
    buffer.code(memory(op, reg, index, base, offset, m));
}

/// Puts a constant into a register: by an instruction that makes it, or from memory.
fn constant(buffer: &mut Buf, d: u8, value: u128) {
    let bytes = value.to_be_bytes();
    if bytes.iter().all(|&byte| byte == 0 || byte == 0xff) {
        let bits = bytes.iter().fold(0, |bits, &byte| bits << 1 | u16::from(byte == 0xff));
        return buffer.code(imm(Vop::Vgbm, d, bits, 0));
    }
    for size in 0..4u8 {
        let bits = 8u32 << size;
        let element = (value & (u128::MAX >> (128 - bits))) as u64;
        if (0..128 / bits).any(|n| (value >> (n * bits)) as u64 & (u64::MAX >> (64 - bits)) != element) {
            continue;
        }
        let signed = (element << (64 - bits)) as i64 >> (64 - bits);
        if let Ok(number) = i16::try_from(signed) {
            return buffer.code(imm(Vop::Vrepi, d, number as u16, size));
        }
        // A run of ones.
        let at_top = element << (64 - bits);
        let (start, end) = (at_top.leading_zeros(), bits - 1 - element.trailing_zeros());
        if at_top.count_ones() == end + 1 - start {
            return buffer.code(mask(d, start as u8, end as u8, size));
        }
    }
    let label = buffer.constant(&bytes, 16);
    distant(buffer, Op::Larl, R1, label);
    buffer.code(memory(Vop::Vl, d, 0, R1, 0, 0));
}

//! Vectors of 128 bits. A bitcast between vectors is the same register.
//!
//! Lane number n is element number n from the right, so what has low and high halves in
//! the IR has right and left ones here. Rooms: `int` integers and bits, `float` floats and
//! conversions, `lanes` single lanes and truth, `shuffle` permutations, `memory` loads and
//! stores.

mod float;
mod int;
mod lanes;
mod memory;
mod shuffle;

use super as scalar;
use super::*;
use crate::isa::s390x::vector::{VecInst, Vop};
use sidetrack_ir::types::{I8X16, I16X8, I32X4};

pub use lanes::truth;

/// Lowers an instruction on vectors; whether it was one. A `select` is not.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let dfg = &ctx.func.dfg;
    let values = dfg.args(inst).iter().chain(dfg.results(inst));
    // The type of the first operand that is a vector, or else of the result.
    let Some(ty) = values.map(|&v| dfg.value_type(v)).find(|ty| ty.is_vector()) else { return false };
    lanes::lower(ctx, inst, opcode, ty)
        || shuffle::lower(ctx, inst, opcode)
        || memory::lower(ctx, inst, opcode, ty)
        || int::lower(ctx, inst, opcode, ty)
        || float::lower(ctx, inst, opcode, ty)
}

/// A register with a constant.
pub fn constant(ctx: &mut Ctx<'_>, bytes: [u8; 16]) -> Reg {
    number(ctx, u128::from_le_bytes(bytes))
}

/// The mask for elements as wide as a type's lanes.
fn size(ty: Type) -> u8 {
    (ty.lane_bits() / 8).trailing_zeros() as u8
}

/// The number of the element that a lane is.
fn element(ty: Type, lane: u8) -> u8 {
    (128 / ty.lane_bits()) as u8 - 1 - lane
}

fn new(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Vector)
}

fn args<const N: usize>(ctx: &mut Ctx<'_>, inst: IrInst) -> [Reg; N] {
    std::array::from_fn(|n| {
        let v = ctx.arg(inst, n);
        ctx.reg(v)
    })
}

// Short forms of instructions. Those without `_to` write a new register.

fn number_to(ctx: &mut Ctx<'_>, dst: Reg, value: u128) {
    ctx.emit(Inst::Vec(VecInst::Const { dst, value }));
}

fn number(ctx: &mut Ctx<'_>, value: u128) -> Reg {
    let dst = new(ctx);
    number_to(ctx, dst, value);
    dst
}

/// A vector with these bits in every lane of a type.
fn splat(ty: Type, bits: u64) -> u128 {
    let width = ty.lane_bits();
    let lane = u128::from(bits) & (u128::MAX >> (128 - width));
    (0..128 / width).fold(0, |all, n| all | lane << (n * width))
}

/// The sign bit of each lane.
fn signs(ctx: &mut Ctx<'_>, ty: Type) -> Reg {
    number(ctx, splat(ty, 1 << (ty.lane_bits() - 1)))
}

fn two_to(ctx: &mut Ctx<'_>, op: Vop, m: [u8; 3], dst: Reg, src: Reg) {
    ctx.emit(Inst::Vec(VecInst::Two { op, m, dst, src }));
}

fn two(ctx: &mut Ctx<'_>, op: Vop, m: [u8; 3], src: Reg) -> Reg {
    let dst = new(ctx);
    two_to(ctx, op, m, dst, src);
    dst
}

fn three_to(ctx: &mut Ctx<'_>, op: Vop, size: u8, dst: Reg, a: Reg, b: Reg) {
    ctx.emit(Inst::Vec(VecInst::Three { op, m: [size, 0, 0], dst, a, b }));
}

fn three(ctx: &mut Ctx<'_>, op: Vop, size: u8, a: Reg, b: Reg) -> Reg {
    let dst = new(ctx);
    three_to(ctx, op, size, dst, a, b);
    dst
}

/// `yes` where the condition has ones, else `no`.
fn choose_to(ctx: &mut Ctx<'_>, dst: Reg, cond: Reg, yes: Reg, no: Reg) {
    ctx.emit(Inst::Vec(VecInst::Four { op: Vop::Vsel, m: [0; 2], dst, a: yes, b: no, c: cond }));
}

fn shift_to(ctx: &mut Ctx<'_>, op: Vop, m: u8, dst: Reg, src: Reg, amount: Amount) {
    ctx.emit(Inst::Vec(VecInst::Shift { op, m, dst, src, amount }));
}

fn shift(ctx: &mut Ctx<'_>, op: Vop, m: u8, src: Reg, by: u32) -> Reg {
    let dst = new(ctx);
    shift_to(ctx, op, m, dst, src, Amount::Imm(by as u8));
    dst
}

/// 64 bits, the upper ones of a vector or the lower.
fn half(ctx: &mut Ctx<'_>, src: Reg, low: bool) -> Reg {
    let dst = temp(ctx);
    ctx.emit(Inst::Vec(VecInst::Take { m: 3, index: u8::from(low), dst, src }));
    dst
}

/// A vector of two registers.
fn pair_to(ctx: &mut Ctx<'_>, dst: Reg, high: Reg, low: Reg) {
    ctx.emit(Inst::Vec(VecInst::Pair { dst, high, low }));
}

/// The result, or its opposite.
fn finish(ctx: &mut Ctx<'_>, inst: IrInst, not: bool, make: impl FnOnce(&mut Ctx<'_>, Reg)) {
    if not {
        let value = new(ctx);
        make(ctx, value);
        let dst = ctx.result(inst, 0);
        three_to(ctx, Vop::Vno, 0, dst, value, value);
    } else {
        let dst = ctx.result(inst, 0);
        make(ctx, dst);
    }
}

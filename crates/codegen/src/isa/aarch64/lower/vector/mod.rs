//! Vectors of 128 bits. A bitcast between vectors is the same register.
//!
//! Rooms: `int` arithmetic, logic and shifts, `compare` comparisons and choices, `widen`
//! changes of the lanes' width, `float` floats and conversions, `lanes` single lanes and
//! truth, `shuffle` permutations, `memory` loads and stores.

mod compare;
mod float;
mod int;
mod lanes;
mod memory;
mod shuffle;
mod widen;

use super::*;
use crate::isa::aarch64::neon::*;
use crate::lower::MAX_SAME;
use sidetrack_ir::types::{I8X16, I16X8, I32X4};

pub use compare::select;
pub use lanes::{extended_lane, truth};

/// Lowers an instruction on vectors; whether it was one. A `select` is not.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let Some(ty) = vector_type(ctx, inst) else { return Ok(false) };
    Ok(int::lower(ctx, inst, opcode, ty)
        || compare::lower(ctx, inst, opcode, ty)
        || widen::lower(ctx, inst, opcode, ty)
        || float::lower(ctx, inst, opcode, ty)
        || lanes::lower(ctx, inst, opcode, ty)
        || shuffle::lower(ctx, inst, opcode)
        || memory::lower(ctx, inst, opcode, ty))
}

/// The type of the first operand that is a vector, or else of the result.
fn vector_type(ctx: &Ctx<'_>, inst: IrInst) -> Option<Type> {
    let dfg = &ctx.func.dfg;
    let values = dfg.args(inst).iter().chain(dfg.results(inst));
    values.map(|&v| ctx.ty(v)).find(|ty| ty.is_vector())
}

/// The logarithm of a lane's bytes.
fn lane_size(ty: Type) -> u8 {
    (ty.lane_bits() / 8).trailing_zeros() as u8
}

/// The arrangement of a type.
fn arr(ty: Type) -> Arr {
    Arr::full(lane_size(ty))
}

/// The value behind bitcasts that change no byte.
fn behind_bitcasts(ctx: &Ctx<'_>, mut v: Value) -> Value {
    for _ in 0..MAX_SAME {
        match ctx.def_op(v, Opcode::Bitcast) {
            Some(inst) if ctx.ty(ctx.arg(inst, 0)).is_vector() && !mem::is_big(ctx, inst) => {
                v = ctx.arg(inst, 0);
            }
            _ => break,
        }
    }
    v
}

/// The instruction that defines a vector if it has this opcode, bitcasts apart.
fn def_op(ctx: &Ctx<'_>, v: Value, opcode: Opcode) -> Option<IrInst> {
    ctx.def_op(behind_bitcasts(ctx, v), opcode)
}

/// The bits of a constant vector.
fn vconst(ctx: &Ctx<'_>, v: Value) -> Option<u128> {
    ctx.vconst(behind_bitcasts(ctx, v)).map(u128::from_le_bytes)
}

/// A register with the value of argument number `n`.
fn arg(ctx: &mut Ctx<'_>, inst: IrInst, n: usize) -> Reg {
    let v = ctx.arg(inst, n);
    match vconst(ctx, v) {
        Some(bits) => vector_constant(ctx, bits),
        None => ctx.reg(v),
    }
}

/// All lanes with this value of their width.
fn splat(bits: u64, lane_bits: u32) -> u128 {
    let lane = u128::from(bits) & (u128::MAX >> (128 - lane_bits));
    (0..128 / lane_bits).fold(0, |all, n| all | lane << (n * lane_bits))
}

/// Appends the instruction that `make` makes of its destination, a new register.
fn new(ctx: &mut Ctx<'_>, make: impl FnOnce(Reg) -> VecInst) -> Reg {
    let dst = float_temp(ctx);
    ctx.emit(Inst::Vec(make(dst)));
    dst
}

/// Appends the instruction that `make` makes of the result's register.
fn result(ctx: &mut Ctx<'_>, inst: IrInst, make: impl FnOnce(Reg) -> VecInst) {
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Vec(make(dst)));
}

fn v3(ctx: &mut Ctx<'_>, op: V3Op, arr: Arr, n: Reg, m: Reg) -> Reg {
    new(ctx, |dst| VecInst::V3 { op, arr, dst, n, m })
}

fn v2(ctx: &mut Ctx<'_>, op: V2Op, arr: Arr, n: Reg) -> Reg {
    new(ctx, |dst| VecInst::V2 { op, arr, dst, n })
}

fn bits(ctx: &mut Ctx<'_>, op: VBitOp, n: Reg, m: Reg) -> Reg {
    new(ctx, |dst| VecInst::Bits { op, dst, n, m })
}

/// The reversal of the bytes of each lane, if lanes have several.
fn reversal(size: u8) -> Option<V2Op> {
    [None, Some(V2Op::Rev16), Some(V2Op::Rev32), Some(V2Op::Rev64)][usize::from(size)]
}

//! Vectors of 128 bits.
//!
//! All but moves needs SSSE3, SSE4.1 and SSE4.2; with AVX instructions have three operands and take
//! memory that is not aligned. Without it only constants are memory operands of
//! arithmetic. A bitcast between vectors is the same register.
//!
//! Rooms: `int` arithmetic, `shift` shifts, `compare` comparisons and choices, `widen`
//! changes of the lanes' width, `float` floats, `convert` conversions, `lanes` single
//! lanes, `shuffle` permutations, `memory` loads and stores.

mod compare;
mod convert;
mod float;
mod int;
mod lanes;
mod memory;
mod shift;
mod shuffle;
mod widen;

use super::*;
use crate::isa::x64::sse::*;
use crate::lower::MAX_SAME;
use sidetrack_ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};

pub use compare::test;
pub use lanes::{extract_store, is_zero_extended};

/// Lowers an instruction on vectors; whether it was one. A `select` is not.
///
/// # Errors
/// If the processor lacks what vectors need.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let Some(ty) = vector_type(ctx, inst) else { return Ok(false) };
    // What only moves them is part of the base.
    let moves = matches!(opcode, Opcode::Load | Opcode::Store | Opcode::Vconst | Opcode::Bitcast)
        && !mem::is_big(ctx, inst);
    if !moves && let Some(feature) = ctx.backend.features.missing_for_vectors() {
        return Err(format!("vectors need {feature}"));
    }
    let done = int::lower(ctx, inst, opcode, ty)
        || shift::lower(ctx, inst, opcode, ty)
        || compare::lower(ctx, inst, opcode, ty)
        || widen::lower(ctx, inst, opcode, ty)
        || float::lower(ctx, inst, opcode, ty)?
        || convert::lower(ctx, inst, opcode, ty)
        || lanes::lower(ctx, inst, opcode, ty)
        || shuffle::lower(ctx, inst, opcode)
        || memory::lower(ctx, inst, opcode, ty);
    Ok(done)
}

/// The type of the first operand that is a vector, or else of the result.
fn vector_type(ctx: &Ctx<'_>, inst: IrInst) -> Option<Type> {
    let dfg = &ctx.func.dfg;
    let values = dfg.args(inst).iter().chain(dfg.results(inst));
    values.map(|&v| ctx.ty(v)).find(|ty| ty.is_vector())
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
    let inst = def_op(ctx, v, Opcode::Vconst)?;
    match ctx.func.dfg.insts[inst].extra {
        Extra::Bytes(bytes) => Some(u128::from_le_bytes(bytes)),
        _ => None,
    }
}

/// A register with the value.
fn reg(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    let v = behind_bitcasts(ctx, v);
    match vconst(ctx, v) {
        Some(bits) => constant(ctx, bits),
        None => ctx.reg(v),
    }
}

/// A register with the value of argument number `n`.
fn arg(ctx: &mut Ctx<'_>, inst: IrInst, n: usize) -> Reg {
    reg(ctx, ctx.arg(inst, n))
}

/// A register with a constant.
pub fn constant(ctx: &mut Ctx<'_>, bits: u128) -> Reg {
    let dst = xmm_temp(ctx);
    constant_to(ctx, dst, bits);
    dst
}

fn constant_to(ctx: &mut Ctx<'_>, dst: Reg, bits: u128) {
    ctx.emit(match bits {
        0 => Inst::XmmZero { dst },
        u128::MAX => Inst::VecOnes { dst },
        // A load of 8 bytes makes the others zero.
        _ if bits >> 64 == 0 => {
            Inst::XmmUnary { op: XmmUnaryOp::Load, wide: true, dst, src: Rmi::constant(bits as u64, 8) }
        }
        _ => Inst::VecUnary { op: VecUnaryOp::Movups, vex: false, imm: 0, dst, src: Rmi::vector(bits) },
    });
}

fn zero(ctx: &mut Ctx<'_>) -> Reg {
    constant(ctx, 0)
}

/// All lanes with this value of their width.
fn splat(bits: u64, lane_bits: u32) -> u128 {
    let lane = u128::from(bits) & (u128::MAX >> (128 - lane_bits));
    (0..128 / lane_bits).fold(0, |all, n| all | lane << (n * lane_bits))
}

/// The value of `splat` as a memory operand.
fn mask(bits: u64, lane_bits: u32) -> Rmi {
    Rmi::vector(splat(bits, lane_bits))
}

/// The load of a whole vector that the current instruction can do, not through a
/// bitcast that others use.
fn sinkable(ctx: &Ctx<'_>, v: Value) -> Option<IrInst> {
    let mut at = v;
    while let Some(inst) = ctx.def_op(at, Opcode::Bitcast) {
        if !ctx.single_use(at) {
            return None;
        }
        at = ctx.arg(inst, 0);
    }
    if at != behind_bitcasts(ctx, v) || !ctx.backend.features.avx() {
        return None;
    }
    let load = ctx.sinkable_load(at)?;
    (ctx.func.dfg.insts[load].opcode == Opcode::Load && !mem::is_big(ctx, load)).then_some(load)
}

/// The value as a register or memory of 16 bytes.
fn operand(ctx: &mut Ctx<'_>, v: Value) -> Rmi {
    match vconst(ctx, v) {
        Some(0) => return Rmi::Reg(zero(ctx)),
        Some(bits) => return Rmi::vector(bits),
        None => {}
    }
    match sinkable(ctx, v) {
        Some(load) => {
            ctx.sink(load);
            Rmi::Mem(mem::access(ctx, load, 0))
        }
        None => Rmi::Reg(reg(ctx, v)),
    }
}

/// The operands of a commutative operation: what can be memory second.
fn commuted(ctx: &Ctx<'_>, a: Value, b: Value) -> (Value, Value) {
    let foldable = |v| vconst(ctx, v).is_some() || sinkable(ctx, v).is_some();
    if !foldable(b) && foldable(a) { (b, a) } else { (a, b) }
}

fn op_imm_to(ctx: &mut Ctx<'_>, op: VecOp, imm: u8, dst: Reg, src1: Reg, src2: Rmi) {
    let vex = ctx.backend.features.avx();
    ctx.emit(Inst::Vec { op, vex, imm, dst, src1, src2 });
}

fn op_imm(ctx: &mut Ctx<'_>, op: VecOp, imm: u8, src1: Reg, src2: Rmi) -> Reg {
    let dst = xmm_temp(ctx);
    op_imm_to(ctx, op, imm, dst, src1, src2);
    dst
}

fn op_to(ctx: &mut Ctx<'_>, op: VecOp, dst: Reg, src1: Reg, src2: Rmi) {
    op_imm_to(ctx, op, 0, dst, src1, src2);
}

/// `src1 op src2` in a new register.
fn op(ctx: &mut Ctx<'_>, op: VecOp, src1: Reg, src2: Rmi) -> Reg {
    op_imm(ctx, op, 0, src1, src2)
}

/// As `op`, of two registers.
fn op_rr(ctx: &mut Ctx<'_>, which: VecOp, src1: Reg, src2: Reg) -> Reg {
    op(ctx, which, src1, Rmi::Reg(src2))
}

fn unary_to(ctx: &mut Ctx<'_>, op: VecUnaryOp, imm: u8, dst: Reg, src: Rmi) {
    let vex = ctx.backend.features.avx();
    ctx.emit(Inst::VecUnary { op, vex, imm, dst, src });
}

fn unary(ctx: &mut Ctx<'_>, op: VecUnaryOp, imm: u8, src: Reg) -> Reg {
    let dst = xmm_temp(ctx);
    unary_to(ctx, op, imm, dst, Rmi::Reg(src));
    dst
}

fn shift_to(ctx: &mut Ctx<'_>, op: VecShiftOp, dst: Reg, src: Reg, amount: u32) {
    let vex = ctx.backend.features.avx();
    ctx.emit(Inst::VecShift { op, vex, dst, src, amount: amount as u8 });
}

fn shift_by(ctx: &mut Ctx<'_>, op: VecShiftOp, src: Reg, amount: u32) -> Reg {
    let dst = xmm_temp(ctx);
    shift_to(ctx, op, dst, src, amount);
    dst
}

fn copy_to(ctx: &mut Ctx<'_>, dst: Reg, src: Reg) {
    ctx.emit(Inst::Copy { dst, src, class: RegClass::Float });
}

/// Lanes of `yes` where the mask's lanes of `ty` are negative, else of `no`.
fn blend_to(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, mask: Reg, yes: Reg, no: Reg) {
    let op = match ty.lane_bits() {
        32 => BlendOp::Blendvps,
        64 => BlendOp::Blendvpd,
        _ => BlendOp::Pblendvb,
    };
    let vex = ctx.backend.features.avx();
    ctx.emit(Inst::VecBlend { op, vex, dst, src1: no, src2: yes, mask });
}

/// One of four by the width of the lanes, 8 bits first.
fn by_width<T: Copy>(ty: Type, ops: [T; 4]) -> T {
    ops[ty.lane_bits().trailing_zeros() as usize - 3]
}

/// The first for lanes of 32 bits, the second for 64.
fn by_float<T>(ty: Type, single: T, double: T) -> T {
    if ty == F64X2 { double } else { single }
}

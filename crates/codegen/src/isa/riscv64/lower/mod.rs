//! Rules: from IR instructions to machine instructions.
//!
//! Values of 32 bits are computed by instructions of 32 bits, which sign-extend
//! their results; comparisons, signed or not, are right on sign-extended operands.
//! What depends on upper bits extends its operands first, unless `extension` finds
//! that they are extended already; what does not leaves the upper bits as they come.

mod bits;
mod control;
mod extension;
mod float;
mod int;
mod mem;
mod overflow;
mod vector;

use super::Riscv64;
use super::encode::fits12;
use super::inst::{Cond, Inst};
use super::ops::Op;
use super::regs::ZERO;
use crate::buffer::Label;
use crate::lower::Lower;
use crate::reg::Reg;
use crate::vcode::MachInst;
pub use extension::params as extended_params;
use extension::{is_sign_extended, is_zero_extended};
use regalloc2::RegClass;
use sidetrack_ir::types::{F32, F64, I32, I64};
use sidetrack_ir::{Extra, Inst as IrInst, Opcode, Type, Value};
pub use vector::vector_constant;

type Ctx<'a> = Lower<'a, Riscv64>;

/// Lowers an instruction that does not end its block and is not a call.
///
/// # Errors
/// If there is no rule.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst) -> Result<(), String> {
    let opcode = ctx.func.dfg.insts[inst].opcode;
    let done = vector::lower(ctx, inst, opcode)
        || int::lower(ctx, inst, opcode)
        || bits::lower(ctx, inst, opcode)
        || overflow::lower(ctx, inst, opcode)
        || float::lower(ctx, inst, opcode)
        || mem::lower(ctx, inst, opcode)?
        || control::lower(ctx, inst, opcode);
    if done { Ok(()) } else { Err("the target has no rule for it".to_string()) }
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) -> Result<(), String> {
    control::lower_branch(ctx, inst, targets)
}

/// A register with a constant.
pub fn constant(ctx: &mut Ctx<'_>, ty: Type, bits: u64) -> Reg {
    let dst = ctx.temp(ty);
    ctx.emit(match ty {
        F32 | F64 => Inst::FloatImm { dst, bits, wide: ty == F64 },
        _ => Inst::Imm { dst, value: sign_extended(bits as i64, ty) },
    });
    dst
}

/// `wide` for 64-bit types, else `narrow`.
fn sized<T>(ty: Type, narrow: T, wide: T) -> T {
    if ty.bits() == 64 { wide } else { narrow }
}

/// The constant `imm` of an integer type, zero-extended.
fn zero_extended(imm: i64, ty: Type) -> i64 {
    (imm as u64 & (u64::MAX >> (64 - ty.bits()))) as i64
}

/// The constant `imm` of an integer type, sign-extended.
fn sign_extended(imm: i64, ty: Type) -> i64 {
    let shift = 64 - ty.bits();
    imm << shift >> shift
}

/// The value of a constant, sign-extended from its type.
fn immediate(ctx: &Ctx<'_>, v: Value) -> Option<i64> {
    Some(sign_extended(ctx.iconst(v)?, ctx.ty(v)))
}

/// As [`immediate`], if it fits in 12 bits.
fn immediate12(ctx: &Ctx<'_>, v: Value) -> Option<i32> {
    immediate(ctx, v).filter(|&imm| fits12(imm)).map(|imm| imm as i32)
}

/// The operands of a commutative instruction, a constant second.
fn ordered(ctx: &Ctx<'_>, inst: IrInst) -> (Value, Value) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if ctx.iconst(a).is_some() && ctx.iconst(b).is_none() { (b, a) } else { (a, b) }
}

// Short forms of instructions. Those without `_to` write a new register.

fn temp(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Int)
}

fn number(ctx: &mut Ctx<'_>, value: i64) -> Reg {
    if value == 0 { ZERO } else { constant(ctx, I64, value as u64) }
}

/// The value's register; zero for the constant 0.
fn operand(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    if ctx.iconst(v) == Some(0) { ZERO } else { ctx.reg(v) }
}

fn three_to(ctx: &mut Ctx<'_>, op: Op, dst: Reg, a: Reg, b: Reg) {
    ctx.emit(Inst::Three { op, dst, a, b });
}

fn three(ctx: &mut Ctx<'_>, op: Op, a: Reg, b: Reg) -> Reg {
    let dst = temp(ctx);
    three_to(ctx, op, dst, a, b);
    dst
}

fn two_to(ctx: &mut Ctx<'_>, op: Op, dst: Reg, src: Reg) {
    ctx.emit(Inst::Two { op, dst, src });
}

fn two(ctx: &mut Ctx<'_>, op: Op, src: Reg) -> Reg {
    let dst = temp(ctx);
    two_to(ctx, op, dst, src);
    dst
}

fn imm_to(ctx: &mut Ctx<'_>, op: Op, dst: Reg, src: Reg, imm: i32) {
    ctx.emit(Inst::WithImm { op, dst, src, imm });
}

fn imm(ctx: &mut Ctx<'_>, op: Op, src: Reg, value: i32) -> Reg {
    let dst = temp(ctx);
    imm_to(ctx, op, dst, src, value);
    dst
}

fn copy_to(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, class: RegClass) {
    ctx.emit(if src == ZERO { Inst::Imm { dst, value: 0 } } else { Inst::mov(dst, src, class) });
}

/// A register of type `ty` extended to 64 bits.
fn extend(ctx: &mut Ctx<'_>, src: Reg, ty: Type, signed: bool) -> Reg {
    if ty.bits() == 64 {
        return src;
    }
    let dst = temp(ctx);
    ctx.emit(Inst::extend(dst, src, ty, signed));
    dst
}

/// The value extended to 64 bits.
fn extended(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    let ty = ctx.ty(v);
    if let Some(value) = ctx.iconst(v) {
        return number(ctx, if signed { sign_extended(value, ty) } else { zero_extended(value, ty) });
    }
    let done = if signed { is_sign_extended(ctx, v) } else { is_zero_extended(ctx, v) };
    let src = ctx.reg(v);
    if done { src } else { extend(ctx, src, ty, signed) }
}

/// Whether operands of this type are sign-extended to be compared.
fn compares_signed(ty: Type, signed: bool) -> bool {
    signed || ty == I32
}

/// The value extended so that it compares, in all 64 bits, as its type does.
fn comparable(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    let signed = compares_signed(ctx.ty(v), signed);
    extended(ctx, v, signed)
}

/// A register that is zero just if the value is.
fn truth(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    if is_zero_extended(ctx, v) || is_sign_extended(ctx, v) {
        return operand(ctx, v);
    }
    comparable(ctx, v, false)
}

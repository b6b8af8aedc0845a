//! Rules: from IR instructions to machine instructions.
//!
//! Values of 32 bits are computed and compared by instructions of 32 bits, narrower ones
//! by the same after extending what depends on upper bits; what does not leaves the upper
//! bits as they come.

mod atomic;
mod bits;
mod control;
mod float;
mod int;
mod mem;
mod overflow;
mod vector;

use super::S390x;
use super::inst::{Amount, Compare, Cond, DIFFERENT, EQUAL, GREATER, Inst, LESS, UNORDERED};
use super::ops::Op;
use crate::buffer::Label;
use crate::lower::Lower;
use crate::reg::Reg;
use crate::vcode::MachInst;
use regalloc2::RegClass;
use sidetrack_ir::types::{F32, F64, I8, I16, I32, I64};
use sidetrack_ir::{Endianness, Extra, Inst as IrInst, Opcode, Type, Value};

pub use vector::constant as vector_constant;

type Ctx<'a> = Lower<'a, S390x>;

/// Lowers an instruction that does not end its block and is not a call.
///
/// # Errors
/// If there is no rule.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst) -> Result<(), String> {
    let opcode = ctx.func.dfg.insts[inst].opcode;
    let done = vector_op(ctx, inst, opcode)
        || int::lower(ctx, inst, opcode)
        || bits::lower(ctx, inst, opcode)
        || overflow::lower(ctx, inst, opcode)
        || float::lower(ctx, inst, opcode)
        || mem::lower(ctx, inst, opcode)?
        || atomic::lower(ctx, inst, opcode)
        || control::lower(ctx, inst, opcode);
    if done { Ok(()) } else { Err("the target has no rule for it".to_string()) }
}

/// As [`lower`], of vectors; choices among them are the same as among scalars.
fn vector_op(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    !matches!(opcode, Opcode::Select | Opcode::SelectSpectreGuard) && vector::lower(ctx, inst, opcode)
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
fn zero_extended(imm: i64, ty: Type) -> u64 {
    imm as u64 & (u64::MAX >> (64 - ty.bits()))
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

/// As [`immediate`], if it fits in 32 bits with sign.
fn immediate32(ctx: &Ctx<'_>, v: Value) -> Option<i32> {
    i32::try_from(immediate(ctx, v)?).ok()
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
    constant(ctx, I64, value as u64)
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

fn into_to(ctx: &mut Ctx<'_>, op: Op, dst: Reg, a: Reg, b: Reg) {
    ctx.emit(Inst::Into { op, dst, a, b });
}

fn into_imm_to(ctx: &mut Ctx<'_>, op: Op, dst: Reg, src: Reg, imm: i64) {
    ctx.emit(Inst::IntoImm { op, dst, src, imm });
}

fn into_imm(ctx: &mut Ctx<'_>, op: Op, src: Reg, imm: i64) -> Reg {
    let dst = temp(ctx);
    into_imm_to(ctx, op, dst, src, imm);
    dst
}

fn add_to(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, imm: i32) {
    ctx.emit(Inst::AddImm { dst, src, imm });
}

fn add(ctx: &mut Ctx<'_>, src: Reg, imm: i32) -> Reg {
    let dst = temp(ctx);
    add_to(ctx, dst, src, imm);
    dst
}

fn shift_to(ctx: &mut Ctx<'_>, op: Op, dst: Reg, src: Reg, amount: Amount) {
    ctx.emit(Inst::Shift { op, dst, src, amount });
}

/// Shifts by a constant.
fn shift(ctx: &mut Ctx<'_>, op: Op, src: Reg, by: u32) -> Reg {
    let dst = temp(ctx);
    shift_to(ctx, op, dst, src, Amount::Imm(by as u8));
    dst
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
        let value = if signed { sign_extended(value, ty) } else { zero_extended(value, ty) as i64 };
        return number(ctx, value);
    }
    let src = ctx.reg(v);
    if !signed && is_zero_extended(ctx, v) { src } else { extend(ctx, src, ty, signed) }
}

/// The value extended to 32 bits at least.
fn extended32(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    if ctx.ty(v).bits() >= 32 { ctx.reg(v) } else { extended(ctx, v, signed) }
}

/// Whether the value's register has zeros above it: that of a comparison, or of a load
/// that extends.
fn is_zero_extended(ctx: &Ctx<'_>, v: Value) -> bool {
    let Some(inst) = ctx.def_inst(v) else { return ctx.ty(v) == I64 };
    let data = &ctx.func.dfg.insts[inst];
    match data.opcode {
        Opcode::Icmp | Opcode::Fcmp => true,
        Opcode::Load | Opcode::Uload8 | Opcode::Uload16 => {
            let swapped =
                matches!(data.extra, Extra::Mem(flags, _) if flags.endianness == Some(Endianness::Little));
            !swapped || ctx.ty(v) == I8
        }
        _ => ctx.ty(v) == I64,
    }
}

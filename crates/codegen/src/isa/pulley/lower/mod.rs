//! Rules: from IR instructions to machine instructions.
//!
//! Values narrower than 32 bits are computed by 32-bit instructions. What depends
//! on upper bits (comparison, division, shifts to the right, counts) extends its
//! operands first; what does not leaves the upper bits as they come. A 32-bit
//! instruction leaves the upper half of its destination undefined, and so do the
//! rules here.

mod control;
mod float;
mod int;
mod mem;
mod overflow;
mod vector;

use super::Pulley;
use super::inst::Inst;
use super::ops::*;
use crate::buffer::Label;
use crate::lower::Lower;
use crate::reg::Reg;
use crate::vcode::MachInst;
use regalloc2::RegClass;
use sidetrack_ir::types::{F32, F64, I64};
use sidetrack_ir::{Opcode, Type, Value};

type Ctx<'a> = Lower<'a, Pulley>;

/// Lowers an instruction that does not end its block and is not a call.
///
/// # Errors
/// If there is no rule.
pub fn lower(ctx: &mut Ctx<'_>, inst: sidetrack_ir::Inst) -> Result<(), String> {
    let opcode = ctx.func.dfg.insts[inst].opcode;
    let done = vector::lower(ctx, inst, opcode)
        || int::lower(ctx, inst, opcode)
        || overflow::lower(ctx, inst, opcode)
        || float::lower(ctx, inst, opcode)
        || mem::lower(ctx, inst, opcode)?
        || control::lower(ctx, inst, opcode)?;
    if done { Ok(()) } else { Err("the target has no rule for it".to_string()) }
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: sidetrack_ir::Inst, targets: &[Label]) -> Result<(), String> {
    control::lower_branch(ctx, inst, targets)
}

/// A register with a constant.
pub fn constant(ctx: &mut Ctx<'_>, ty: Type, bits: u64) -> Reg {
    let dst = ctx.temp(ty);
    ctx.emit(match ty {
        F32 => Inst::FConst { dst, bits: u64::from(bits as u32), wide: false },
        F64 => Inst::FConst { dst, bits, wide: true },
        _ => Inst::XConst { dst, imm: bits as i64 },
    });
    dst
}

/// A register with a vector constant.
pub fn vconst(ctx: &mut Ctx<'_>, bytes: [u8; 16]) -> Reg {
    let dst = ctx.temp_class(RegClass::Vector);
    ctx.emit(Inst::VConst { dst, bytes });
    dst
}

/// `wider` for 64-bit types, else `narrow`.
fn sized<T>(ty: Type, narrow: T, wider: T) -> T {
    if ty.bits() == 64 { wider } else { narrow }
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

// Short forms of instructions. Those without `_to` write a new register.

fn x_temp(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Int)
}

fn xconst(ctx: &mut Ctx<'_>, imm: i64) -> Reg {
    constant(ctx, I64, imm as u64)
}

fn xx_to(ctx: &mut Ctx<'_>, op: Xx, dst: Reg, src: Reg) {
    ctx.emit(Inst::Xx { op, dst, src });
}

fn xx(ctx: &mut Ctx<'_>, op: Xx, src: Reg) -> Reg {
    let dst = x_temp(ctx);
    xx_to(ctx, op, dst, src);
    dst
}

fn xxx_to(ctx: &mut Ctx<'_>, op: Xxx, dst: Reg, a: Reg, b: Reg) {
    ctx.emit(Inst::Xxx { op, dst, a, b, trap: None });
}

fn xxx(ctx: &mut Ctx<'_>, op: Xxx, a: Reg, b: Reg) -> Reg {
    let dst = x_temp(ctx);
    xxx_to(ctx, op, dst, a, b);
    dst
}

fn shift_to(ctx: &mut Ctx<'_>, op: XxU6, dst: Reg, src: Reg, amount: u32) {
    ctx.emit(Inst::XxU6 { op, dst, src, imm: amount as u8 });
}

fn shift(ctx: &mut Ctx<'_>, op: XxU6, src: Reg, amount: u32) -> Reg {
    let dst = x_temp(ctx);
    shift_to(ctx, op, dst, src, amount);
    dst
}

/// A logical instruction with a constant.
fn logic_to(ctx: &mut Ctx<'_>, op: (XxI8, XxI32), dst: Reg, src: Reg, imm: i32) {
    ctx.emit(match i8::try_from(imm) {
        Ok(imm) => Inst::XxI8 { op: op.0, dst, src, imm },
        Err(_) => Inst::XxI32 { op: op.1, dst, src, imm },
    });
}

fn logic(ctx: &mut Ctx<'_>, op: (XxI8, XxI32), src: Reg, imm: i32) -> Reg {
    let dst = x_temp(ctx);
    logic_to(ctx, op, dst, src, imm);
    dst
}

const AND32: (XxI8, XxI32) = (XxI8::xband32_s8, XxI32::xband32_s32);
const OR32: (XxI8, XxI32) = (XxI8::xbor32_s8, XxI32::xbor32_s32);
const XOR32: (XxI8, XxI32) = (XxI8::xbxor32_s8, XxI32::xbxor32_s32);

/// The value extended to at least 32 bits.
fn extended(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    if ctx.ty(v).bits() >= 32 { ctx.reg(v) } else { extended_to_64(ctx, v, signed) }
}

/// The value extended to 64 bits.
fn extended_to_64(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    let ty = ctx.ty(v);
    if let Some(imm) = ctx.iconst(v) {
        let imm = if signed { sign_extended(imm, ty) } else { zero_extended(imm, ty) as i64 };
        return xconst(ctx, imm);
    }
    let src = ctx.reg(v);
    extend(ctx, src, ty, signed)
}

/// A register of type `ty` extended to 64 bits.
fn extend(ctx: &mut Ctx<'_>, src: Reg, ty: Type, signed: bool) -> Reg {
    if ty.bits() == 64 {
        return src;
    }
    let dst = x_temp(ctx);
    ctx.emit(Inst::extend(dst, src, ty, signed));
    dst
}

/// Whether the low 32 bits of the value's register are 0 or 1.
fn is_bool(ctx: &Ctx<'_>, v: Value) -> bool {
    let Some(inst) = ctx.def_inst(v) else { return false };
    match ctx.func.dfg.insts[inst].opcode {
        Opcode::Icmp | Opcode::Fcmp | Opcode::VanyTrue | Opcode::VallTrue => true,
        Opcode::UaddOverflow
        | Opcode::SaddOverflow
        | Opcode::UsubOverflow
        | Opcode::SsubOverflow
        | Opcode::UmulOverflow
        | Opcode::SmulOverflow
        | Opcode::UaddOverflowCin
        | Opcode::SaddOverflowCin
        | Opcode::UsubOverflowBin
        | Opcode::SsubOverflowBin => ctx.func.dfg.results(inst).get(1) == Some(&v),
        _ => false,
    }
}

/// A register whose low 32 bits are zero just if the value is.
fn condition_reg(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    let ty = ctx.ty(v);
    if ty.bits() == 64 {
        let (a, zero) = (ctx.reg(v), xconst(ctx, 0));
        xxx(ctx, Xxx::xneq64, a, zero)
    } else if is_bool(ctx, v) {
        ctx.reg(v)
    } else {
        extended(ctx, v, false)
    }
}

//! Rules: from IR instructions to machine instructions.
//!
//! Values narrower than 32 bits are computed by 32-bit instructions where their
//! upper bits do not matter, and otherwise by instructions of their own width or
//! from extended operands. Registers are all asked for before an instruction is
//! emitted that sets flags for another: asking may emit constants.
//!
//! Rooms: `int` arithmetic, `bits` counts, shifts and permutations, `overflow`
//! arithmetic with flags as results, `float` floats and conversions, `mem` memory,
//! `control` conditions, choices and branches, `vector` vectors.

mod bits;
mod control;
mod float;
mod int;
mod mem;
mod overflow;
mod vector;

use super::X64;
use super::inst::{Amode, Inst, Mem, Rmi};
use super::ops::*;
use crate::buffer::Label;
use crate::lower::Lower;
use crate::reg::Reg;
use regalloc2::RegClass;
use sidetrack_ir::types::{F32, F64};
use sidetrack_ir::{Extra, Inst as IrInst, Opcode, Type, Value};

type Ctx<'a> = Lower<'a, X64>;

/// Lowers an instruction that does not end its block and is not a call.
///
/// # Errors
/// If there is no rule.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst) -> Result<(), String> {
    let opcode = ctx.func.dfg.insts[inst].opcode;
    let done = vector::lower(ctx, inst, opcode)?
        || int::lower(ctx, inst, opcode)
        || bits::lower(ctx, inst, opcode)
        || overflow::lower(ctx, inst, opcode)
        || control::lower(ctx, inst, opcode)
        || mem::lower(ctx, inst, opcode)?
        || float::lower(ctx, inst, opcode)?;
    if done { Ok(()) } else { Err("the target has no rule for it".to_string()) }
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) -> Result<(), String> {
    control::lower_branch(ctx, inst, targets)
}

pub use vector::constant as vector_constant;

/// A register with a constant.
pub fn constant(ctx: &mut Ctx<'_>, ty: Type, bits: u64) -> Reg {
    let dst = ctx.temp(ty);
    constant_to(ctx, dst, ty, bits);
    dst
}

fn constant_to(ctx: &mut Ctx<'_>, dst: Reg, ty: Type, bits: u64) {
    let inst = match ty {
        F32 | F64 => {
            let bits = if ty == F32 { u64::from(bits as u32) } else { bits };
            match bits {
                0 => Inst::XmmZero { dst },
                _ => {
                    let src = Rmi::constant(bits, ty.bits() as u8 / 8);
                    Inst::XmmUnary { op: XmmUnaryOp::Load, wide: ty == F64, dst, src }
                }
            }
        }
        _ => {
            // The upper bits are free; zero-extended constants are the shortest.
            let imm =
                if ty.bits() == 64 { bits as i64 } else { i64::from(sign_extended(bits as i64, ty) as u32) };
            if imm == 0 { Inst::Zero { dst } } else { Inst::Imm { dst, imm } }
        }
    };
    ctx.emit(inst);
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

fn temp(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Int)
}

fn xmm_temp(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Float)
}

fn imm(ctx: &mut Ctx<'_>, imm: i64) -> Reg {
    let dst = temp(ctx);
    ctx.emit(if imm == 0 { Inst::Zero { dst } } else { Inst::Imm { dst, imm } });
    dst
}

/// The value as an immediate of an instruction of its width, if it is a constant
/// that fits.
fn immediate(ctx: &Ctx<'_>, v: Value) -> Option<i32> {
    let imm = sign_extended(ctx.iconst(v)?, ctx.ty(v));
    i32::try_from(imm).ok()
}

/// The value in memory, if it is loaded from there, by an instruction of its width,
/// for nothing else.
fn memory(ctx: &mut Ctx<'_>, v: Value) -> Option<Rmi> {
    let load = ctx.sinkable_load(v)?;
    if ctx.func.dfg.insts[load].opcode != Opcode::Load || mem::is_big(ctx, load) {
        return None;
    }
    ctx.sink(load);
    Some(Rmi::Mem(mem::access(ctx, load, 0)))
}

/// The value as a register or memory operand of 32 or 64 bits.
fn rm(ctx: &mut Ctx<'_>, v: Value) -> Rmi {
    if ctx.ty(v).bits() >= 32
        && let Some(mem) = memory(ctx, v)
    {
        return mem;
    }
    Rmi::Reg(ctx.reg(v))
}

/// The value as any operand.
fn rmi(ctx: &mut Ctx<'_>, v: Value) -> Rmi {
    match immediate(ctx, v) {
        Some(imm) => Rmi::Imm(imm),
        None => rm(ctx, v),
    }
}

/// Operands of a commutative operation: what can be an immediate or memory second.
fn ordered(ctx: &Ctx<'_>, a: Value, b: Value) -> (Value, Value) {
    let foldable = |v: Value| {
        let load = ctx.ty(v).bits() >= 32 && ctx.def_op(v, Opcode::Load).is_some();
        ctx.iconst(v).is_some() || load && ctx.sinkable_load(v).is_some()
    };
    if !foldable(b) && foldable(a) { (b, a) } else { (a, b) }
}

/// The value extended to 64 bits.
fn extended(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    let ty = ctx.ty(v);
    if ty.bits() == 64 {
        return ctx.reg(v);
    }
    if !signed && mem::upper_half_is_zero(ctx, v) {
        return ctx.reg(v);
    }
    if let Some(c) = ctx.iconst(v) {
        return imm(ctx, if signed { sign_extended(c, ty) } else { zero_extended(c, ty) as i64 });
    }
    let dst = temp(ctx);
    extend_to(ctx, dst, v, signed);
    dst
}

/// The value extended to 32 bits at least.
fn extended_to_32(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    if ctx.ty(v).bits() >= 32 { ctx.reg(v) } else { extended(ctx, v, signed) }
}

/// Extends a value to 64 bits.
fn extend_to(ctx: &mut Ctx<'_>, dst: Reg, v: Value, signed: bool) {
    let kind = MovKind::extend(Size::of(ctx.ty(v)), signed);
    if !signed && (vector::is_zero_extended(ctx, v) || mem::upper_half_is_zero(ctx, v)) {
        let src = ctx.reg(v);
        return ctx.emit(Inst::Copy { dst, src, class: RegClass::Int });
    }
    let src = match memory(ctx, v) {
        Some(mem) => mem,
        None => Rmi::Reg(ctx.reg(v)),
    };
    ctx.emit(Inst::Mov { kind, dst, src });
}

fn alu_to(ctx: &mut Ctx<'_>, op: AluOp, size: Size, dst: Reg, src1: Reg, src2: Rmi) {
    ctx.emit(Inst::Alu { op, size, dst, src1, src2 });
}

fn alu(ctx: &mut Ctx<'_>, op: AluOp, size: Size, src1: Reg, src2: Rmi) -> Reg {
    let dst = temp(ctx);
    alu_to(ctx, op, size, dst, src1, src2);
    dst
}

fn shift(ctx: &mut Ctx<'_>, op: ShiftOp, size: Size, src: Reg, amount: u8) -> Reg {
    let dst = temp(ctx);
    ctx.emit(Inst::ShiftImm { op, size, dst, src, amount });
    dst
}

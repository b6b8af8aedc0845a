//! Rules: from IR instructions to machine instructions.
//!
//! Values narrower than 32 bits are computed by 32-bit instructions where their upper
//! bits do not matter, and otherwise from extended operands. Registers are all asked
//! for before an instruction is emitted that sets flags for another: asking may emit
//! constants, which leave flags alone, but not what others compute.
//!
//! Rooms: `int` arithmetic and logic, `bits` shifts, counts and permutations,
//! `overflow` arithmetic with flags as results, `float` floats and conversions, `mem`
//! memory, `atomic` atomic accesses, `control` conditions, choices and branches,
//! `vector` vectors.

mod atomic;
mod bits;
mod control;
mod float;
mod int;
mod mem;
mod overflow;
mod vector;

use super::Aarch64;
use super::encode::{Extend, Imm12, LogicImm, Shift};
use super::inst::{Amode, Cond, Inst, Rm, cmp};
use super::neon::{Arr, VBitOp, VecInst};
use super::ops::*;
use super::regs::ZR;
use crate::buffer::Label;
use crate::lower::Lower;
use crate::reg::Reg;
use regalloc2::RegClass;
use sidetrack_ir::types::{F32, F64, I32, I64};
use sidetrack_ir::{Extra, Inst as IrInst, Opcode, Type, Value};

type Ctx<'a> = Lower<'a, Aarch64>;

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
        || atomic::lower(ctx, inst, opcode)
        || float::lower(ctx, inst, opcode);
    if done { Ok(()) } else { Err("the target has no rule for it".to_string()) }
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) -> Result<(), String> {
    control::lower_branch(ctx, inst, targets)
}

/// A register with a vector constant.
pub fn vector_constant(ctx: &mut Ctx<'_>, bits: u128) -> Reg {
    let dst = float_temp(ctx);
    ctx.emit(Inst::Vec(VecInst::Const { dst, bits }));
    dst
}

/// A register with a constant.
pub fn constant(ctx: &mut Ctx<'_>, ty: Type, bits: u64) -> Reg {
    if ty.is_int() && zero_extended(bits as i64, ty) == 0 {
        // Only a virtual register can be an argument of a block or call.
        let dst = temp(ctx);
        ctx.emit(Inst::Imm { dst, value: 0 });
        return dst;
    }
    let dst = ctx.temp(ty);
    constant_to(ctx, dst, ty, bits);
    dst
}

fn constant_to(ctx: &mut Ctx<'_>, dst: Reg, ty: Type, bits: u64) {
    let inst = match ty {
        F32 => Inst::FpConst { wide: false, dst, bits: u64::from(bits as u32) },
        F64 => Inst::FpConst { wide: true, dst, bits },
        // The upper bits are free; those of 32 bits come out shortest either way.
        _ if ty.bits() == 64 => Inst::Imm { dst, value: bits },
        _ => Inst::Imm { dst, value: u64::from(sign_extended(bits as i64, ty) as u32) },
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

fn float_temp(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Float)
}

fn imm(ctx: &mut Ctx<'_>, value: u64) -> Reg {
    let dst = temp(ctx);
    ctx.emit(Inst::Imm { dst, value });
    dst
}

/// The value's register; zero has one of its own, in instructions where number 31 means
/// it.
fn reg_or_zero(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    match ctx.iconst(v) {
        Some(c) if zero_extended(c, ctx.ty(v)) == 0 => ZR,
        _ => ctx.reg(v),
    }
}

/// How a value of this type is extended.
fn extend_of(ty: Type, signed: bool) -> Extend {
    match (ty.bits(), signed) {
        (8, false) => Extend::Uxtb,
        (16, false) => Extend::Uxth,
        (32, false) => Extend::Uxtw,
        (_, false) => Extend::Uxtx,
        (8, true) => Extend::Sxtb,
        (16, true) => Extend::Sxth,
        (32, true) => Extend::Sxtw,
        (_, true) => Extend::Sxtx,
    }
}

/// Whether a value is computed by an instruction of 32 bits, which makes the upper half
/// of its register zero; copies and spills keep all of a register.
fn upper_half_is_zero(ctx: &Ctx<'_>, v: Value) -> bool {
    let Some(inst) = ctx.def_inst(v) else { return false };
    ctx.ty(v) == I32
        && matches!(
            ctx.func.dfg.insts[inst].opcode,
            Opcode::Iadd
                | Opcode::Isub
                | Opcode::Imul
                | Opcode::Band
                | Opcode::Bor
                | Opcode::Bxor
                | Opcode::Bnot
                | Opcode::Ineg
                | Opcode::Ishl
                | Opcode::Ushr
                | Opcode::Sshr
                | Opcode::Udiv
                | Opcode::Urem
                | Opcode::Sdiv
                | Opcode::Srem
                | Opcode::Clz
                | Opcode::Ctz
                | Opcode::Load
                | Opcode::Uload8
                | Opcode::Uload16
                | Opcode::Sload8
                | Opcode::Sload16
                | Opcode::Select
                | Opcode::Uextend
                | Opcode::Extractlane
        )
}

/// Whether all bits of a narrow value's register above it are zero: a truth value.
fn is_truth(ctx: &Ctx<'_>, v: Value) -> bool {
    use Opcode::*;
    let Some(inst) = ctx.def_inst(v) else { return false };
    match ctx.func.dfg.insts[inst].opcode {
        Icmp | Fcmp | VanyTrue | VallTrue => true,
        UaddOverflow | SaddOverflow | UsubOverflow | SsubOverflow | UmulOverflow | SmulOverflow
        | UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin => {
            ctx.func.dfg.results(inst).get(1) == Some(&v)
        }
        _ => false,
    }
}

/// The value extended to 64 bits.
fn extended(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    let ty = ctx.ty(v);
    if ty.bits() == 64 {
        return ctx.reg(v);
    }
    if let Some(c) = ctx.iconst(v) {
        return imm(ctx, if signed { sign_extended(c, ty) as u64 } else { zero_extended(c, ty) });
    }
    if !signed && (upper_half_is_zero(ctx, v) || is_truth(ctx, v)) {
        return ctx.reg(v);
    }
    let dst = temp(ctx);
    extend_to(ctx, dst, v, signed, Size::S64);
    dst
}

/// The value extended to 32 bits at least.
fn extended_to_32(ctx: &mut Ctx<'_>, v: Value, signed: bool) -> Reg {
    let ty = ctx.ty(v);
    if ty.bits() >= 32 {
        return ctx.reg(v);
    }
    if let Some(c) = ctx.iconst(v) {
        return imm(ctx, if signed { u64::from(sign_extended(c, ty) as u32) } else { zero_extended(c, ty) });
    }
    if !signed && is_truth(ctx, v) {
        return ctx.reg(v);
    }
    let dst = temp(ctx);
    extend_to(ctx, dst, v, signed, Size::S32);
    dst
}

/// Extends a value to 32 or 64 bits.
fn extend_to(ctx: &mut Ctx<'_>, dst: Reg, v: Value, signed: bool, size: Size) {
    if vector::extended_lane(ctx, dst, v, signed, size) {
        return;
    }
    let (bits, n) = (ctx.ty(v).bits() as u8, ctx.reg(v));
    if !signed && bits == 32 {
        // A move of 32 bits.
        return alu_to(ctx, AluOp::Orr, Size::S32, dst, ZR, Rm::Reg(n));
    }
    // Zero-extension to 32 bits is one to 64.
    let (op, size) = if signed { (BitfieldOp::Sbfm, size) } else { (BitfieldOp::Ubfm, Size::S32) };
    ctx.emit(Inst::Bitfield { op, size, dst, n, immr: 0, imms: bits - 1 });
}

fn alu_to(ctx: &mut Ctx<'_>, op: AluOp, size: Size, dst: Reg, n: Reg, m: Rm) {
    ctx.emit(Inst::Alu { op, size, dst, n, m });
}

fn alu(ctx: &mut Ctx<'_>, op: AluOp, size: Size, n: Reg, m: Rm) -> Reg {
    let dst = temp(ctx);
    alu_to(ctx, op, size, dst, n, m);
    dst
}

fn op2_to(ctx: &mut Ctx<'_>, op: Op2, size: Size, dst: Reg, n: Reg, m: Reg) {
    ctx.emit(Inst::Op2 { op, size, dst, n, m });
}

fn op1(ctx: &mut Ctx<'_>, op: Op1, size: Size, n: Reg) -> Reg {
    let dst = temp(ctx);
    ctx.emit(Inst::Op1 { op, size, dst, n });
    dst
}

/// Shifts right by a constant below the width.
fn shift_right_to(ctx: &mut Ctx<'_>, dst: Reg, n: Reg, amount: u8, signed: bool, size: Size) {
    let op = if signed { BitfieldOp::Sbfm } else { BitfieldOp::Ubfm };
    ctx.emit(Inst::Bitfield { op, size, dst, n, immr: amount, imms: size.bits() - 1 });
}

/// Shifts left by a constant below the width.
fn shift_left_to(ctx: &mut Ctx<'_>, dst: Reg, n: Reg, amount: u8, size: Size) {
    let bits = size.bits();
    let (immr, imms) = ((bits - amount) % bits, bits - 1 - amount);
    ctx.emit(Inst::Bitfield { op: BitfieldOp::Ubfm, size, dst, n, immr, imms });
}

/// One if the condition holds, else zero.
fn set_if(ctx: &mut Ctx<'_>, dst: Reg, cc: Cc) {
    let (op, size) = (CselOp::Csinc, Size::S32);
    ctx.emit(Inst::Csel { op, size, dst, n: ZR, m: ZR, cc: cc.inverted() });
}

/// The value as a constant of arithmetic, and whether it is to be subtracted in place
/// of added.
fn arith_imm(ctx: &Ctx<'_>, v: Value) -> Option<(Imm12, bool)> {
    let c = sign_extended(ctx.iconst(v)?, ctx.ty(v));
    Imm12::new(c as u64)
        .map(|imm| (imm, false))
        .or_else(|| Imm12::new((c as u64).wrapping_neg()).map(|imm| (imm, true)))
}

/// The value as a constant of logic. The bits above a narrow type are free.
fn logic_imm(ctx: &Ctx<'_>, v: Value) -> Option<LogicImm> {
    let ty = ctx.ty(v);
    logic_imm_of(ctx.iconst(v)?, ty)
}

fn logic_imm_of(c: i64, ty: Type) -> Option<LogicImm> {
    let size = Size::of(ty);
    LogicImm::new(zero_extended(c, ty), size).or_else(|| LogicImm::new(sign_extended(c, ty) as u64, size))
}

/// A shift by a constant as the operand of another instruction, if the value is one
/// that nothing else uses.
fn shifted(ctx: &mut Ctx<'_>, v: Value) -> Option<Rm> {
    let ty = ctx.ty(v);
    if ty.bits() < 32 || !ctx.single_use(v) {
        return None;
    }
    let inst = ctx.def_inst(v)?;
    let shift = match ctx.func.dfg.insts[inst].opcode {
        Opcode::Ishl => Shift::Lsl,
        Opcode::Ushr => Shift::Lsr,
        Opcode::Sshr => Shift::Asr,
        _ => return None,
    };
    let amount = ctx.iconst(ctx.arg(inst, 1))? as u64 % u64::from(ty.bits());
    let reg = ctx.reg(ctx.arg(inst, 0));
    Some(Rm::Shifted(reg, shift, amount as u8))
}

/// An extension, perhaps shifted left by up to four, as the operand of addition.
fn extension(ctx: &mut Ctx<'_>, v: Value) -> Option<Rm> {
    if !ctx.single_use(v) || ctx.ty(v).bits() < 32 {
        return None;
    }
    let (mut inner, mut amount) = (v, 0);
    if let Some(shl) = ctx.def_op(v, Opcode::Ishl) {
        amount = ctx.iconst(ctx.arg(shl, 1)).filter(|amount| (0..=4).contains(amount))? as u8;
        inner = ctx.arg(shl, 0);
        if !ctx.single_use(inner) {
            return None;
        }
    }
    let inst = ctx.def_inst(inner)?;
    let signed = match ctx.func.dfg.insts[inst].opcode {
        Opcode::Uextend => false,
        Opcode::Sextend => true,
        _ => return None,
    };
    let narrow = ctx.arg(inst, 0);
    let extend = extend_of(ctx.ty(narrow), signed);
    Some(Rm::Extended(ctx.reg(narrow), extend, amount))
}

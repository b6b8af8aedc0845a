//! Float arithmetic, bitwise operations on floats, conversions.

use super::control::{Cond, trap_if};
use super::*;
use sidetrack_artifact::TrapCode;

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If a library call cannot be made.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::F32const | Opcode::F64const => {
            let Extra::Imm(bits) = ctx.func.dfg.insts[inst].extra else { return Ok(false) };
            let dst = ctx.result(inst, 0);
            constant_to(ctx, dst, if opcode == Opcode::F32const { F32 } else { F64 }, bits as u64);
        }
        Opcode::Fadd => binary(ctx, inst, XmmOp::Add),
        Opcode::Fsub => binary(ctx, inst, XmmOp::Sub),
        Opcode::Fmul => binary(ctx, inst, XmmOp::Mul),
        Opcode::Fdiv => binary(ctx, inst, XmmOp::Div),
        Opcode::Fmin | Opcode::Fmax => {
            let (src1, src2) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
            let dst = ctx.result(inst, 0);
            let max = opcode == Opcode::Fmax;
            ctx.emit(Inst::XmmMinMax { max, wide: ty == F64, dst, src1, src2 });
        }
        Opcode::Fcopysign => {
            let (x, y) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
            let magnitude = xmm(ctx, XmmOp::And, ty, x, Rmi::constant(!sign_bit(ty), 16));
            let sign = xmm(ctx, XmmOp::And, ty, y, Rmi::constant(sign_bit(ty), 16));
            let dst = ctx.result(inst, 0);
            xmm_to(ctx, XmmOp::Or, ty, dst, magnitude, Rmi::Reg(sign));
        }
        Opcode::Fneg | Opcode::Fabs => {
            let (op, mask) =
                if opcode == Opcode::Fneg { (XmmOp::Xor, sign_bit(ty)) } else { (XmmOp::And, !sign_bit(ty)) };
            let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            xmm_to(ctx, op, ty, dst, src, Rmi::constant(mask, 16));
        }
        Opcode::Sqrt => unary(ctx, inst, XmmUnaryOp::Sqrt, ty),
        Opcode::Nearest => round(ctx, inst, ty, 0, "Nearest")?,
        Opcode::Floor => round(ctx, inst, ty, 1, "Floor")?,
        Opcode::Ceil => round(ctx, inst, ty, 2, "Ceil")?,
        Opcode::Trunc => round(ctx, inst, ty, 3, "Trunc")?,
        Opcode::Fma => {
            let [a, b, c] = [0, 1, 2].map(|n| ctx.arg(inst, n));
            let [a, b, c] = [ctx.reg(a), ctx.reg(b), ctx.reg(c)];
            if ctx.backend.features.fma() {
                let dst = ctx.result(inst, 0);
                ctx.emit(Inst::XmmFma { wide: ty == F64, dst, a, b, c });
            } else {
                let src = fma_call(ctx, ty, &[a, b, c])?;
                let dst = ctx.result(inst, 0);
                ctx.emit(Inst::Copy { dst, src, class: RegClass::Float });
            }
        }
        Opcode::Fpromote | Opcode::Fdemote => {
            let v = ctx.arg(inst, 0);
            let from = ctx.ty(v);
            if from == ty {
                let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
                ctx.emit(Inst::Copy { dst, src, class: RegClass::Float });
            } else {
                unary(ctx, inst, XmmUnaryOp::Convert, from);
            }
        }
        Opcode::FcvtFromSint => from_int(ctx, inst, ty, true),
        Opcode::FcvtFromUint => from_int(ctx, inst, ty, false),
        Opcode::FcvtToSint => to_int(ctx, inst, ty, true),
        Opcode::FcvtToUint => to_int(ctx, inst, ty, false),
        Opcode::FcvtToSintSat | Opcode::FcvtToUintSat => {
            let v = ctx.arg(inst, 0);
            let (from, src, dst) = (ctx.ty(v), ctx.reg(v), ctx.result(inst, 0));
            to_int_sat(ctx, dst, src, from, ty, opcode == Opcode::FcvtToSintSat);
        }
        Opcode::Bitcast => bitcast(ctx, inst, ty),
        Opcode::Band => binary(ctx, inst, XmmOp::And),
        Opcode::Bor => binary(ctx, inst, XmmOp::Or),
        Opcode::Bxor => binary(ctx, inst, XmmOp::Xor),
        Opcode::Bnot => {
            let ones = Rmi::constant(u64::MAX, 16);
            let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            xmm_to(ctx, XmmOp::Xor, ty, dst, src, ones);
        }
        Opcode::Bitselect => bitselect(ctx, inst, ty),
        _ => return Ok(false),
    }
    Ok(true)
}

fn sign_bit(ty: Type) -> u64 {
    1 << (ty.bits() - 1)
}

fn xmm_to(ctx: &mut Ctx<'_>, op: XmmOp, ty: Type, dst: Reg, src1: Reg, src2: Rmi) {
    let vex = ctx.backend.features.avx();
    ctx.emit(Inst::Xmm { op, vex, wide: ty == F64, dst, src1, src2 });
}

fn xmm(ctx: &mut Ctx<'_>, op: XmmOp, ty: Type, src1: Reg, src2: Rmi) -> Reg {
    let dst = xmm_temp(ctx);
    xmm_to(ctx, op, ty, dst, src1, src2);
    dst
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, op: XmmOp) {
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if op.is_commutative(is_number(ctx, b)) {
        (a, b) = ordered(ctx, a, b);
    }
    // Memory operands of logical instructions are of 16 bytes.
    let src2 = if op.is_packed() { Rmi::Reg(ctx.reg(b)) } else { rm(ctx, b) };
    let (src1, ty) = (ctx.reg(a), ctx.ty(a));
    let dst = ctx.result(inst, 0);
    xmm_to(ctx, op, ty, dst, src1, src2);
}

/// Whether a value is a constant that is no NaN.
fn is_number(ctx: &Ctx<'_>, v: Value) -> bool {
    let constant = ctx.def_op(v, Opcode::F32const).or_else(|| ctx.def_op(v, Opcode::F64const));
    match constant.map(|inst| ctx.func.dfg.insts[inst].extra) {
        Some(Extra::Imm(bits)) if ctx.ty(v) == F64 => !f64::from_bits(bits as u64).is_nan(),
        Some(Extra::Imm(bits)) => !f32::from_bits(bits as u32).is_nan(),
        _ => false,
    }
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, op: XmmUnaryOp, from: Type) {
    let src = rm(ctx, ctx.arg(inst, 0));
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::XmmUnary { op, wide: from == F64, dst, src });
}

/// Rounds by an instruction, or by a library routine. Bit 3 of the mode keeps
/// quiet about inexact results.
fn round(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, mode: u8, name: &str) -> Result<(), String> {
    if ctx.backend.features.sse41() {
        unary(ctx, inst, XmmUnaryOp::Round(mode | 8), ty);
        return Ok(());
    }
    let src = ctx.reg(ctx.arg(inst, 0));
    let src = libcall(ctx, ty, name, &[src])?;
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Copy { dst, src, class: RegClass::Float });
    Ok(())
}

fn libcall(ctx: &mut Ctx<'_>, ty: Type, name: &str, args: &[Reg]) -> Result<Reg, String> {
    let name = format!("{name}{}", if ty == F64 { "F64" } else { "F32" });
    ctx.libcall(&name, &[ty; 3][..args.len()], ty, args)
}

/// `a * b + c` with one rounding, by a library routine.
///
/// # Errors
/// If it cannot be called.
pub fn fma_call(ctx: &mut Ctx<'_>, ty: Type, args: &[Reg; 3]) -> Result<Reg, String> {
    libcall(ctx, ty, "Fma", args)
}

fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let v = ctx.arg(inst, 0);
    let (src, size) = (ctx.reg(v), Size::of(ty));
    let dst = ctx.result(inst, 0);
    ctx.emit(match (ctx.ty(v).is_int(), ty.is_int()) {
        (true, false) => Inst::GprToXmm { size, dst, src },
        (false, true) => Inst::XmmToGpr { size, dst, src },
        (_, int) => Inst::Copy { dst, src, class: if int { RegClass::Int } else { RegClass::Float } },
    });
}

/// `y ^ ((x ^ y) & c)`: x where c has ones.
fn bitselect(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let [c, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let [c, x, y] = [ctx.reg(c), ctx.reg(x), ctx.reg(y)];
    let dst = ctx.result(inst, 0);
    if ty.is_int() {
        let size = Size::of(ty).widened();
        let differing = alu(ctx, AluOp::Xor, size, x, Rmi::Reg(y));
        let chosen = alu(ctx, AluOp::And, size, differing, Rmi::Reg(c));
        alu_to(ctx, AluOp::Xor, size, dst, chosen, Rmi::Reg(y));
    } else {
        let differing = xmm(ctx, XmmOp::Xor, ty, x, Rmi::Reg(y));
        let chosen = xmm(ctx, XmmOp::And, ty, differing, Rmi::Reg(c));
        xmm_to(ctx, XmmOp::Xor, ty, dst, chosen, Rmi::Reg(y));
    }
}

fn from_int(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let v = ctx.arg(inst, 0);
    let (from, wide) = (ctx.ty(v), ty == F64);
    if from.bits() == 64 && !signed {
        let src = ctx.reg(v);
        let (dst, tmp, tmp2) = (ctx.result(inst, 0), temp(ctx), temp(ctx));
        return ctx.emit(Inst::U64ToXmm { wide, dst, src, tmp, tmp2 });
    }
    let direct = from.bits() == 32 && signed;
    let src = if direct { ctx.reg(v) } else { extended(ctx, v, signed) };
    let (size, dst) = (if direct { Size::S32 } else { Size::S64 }, ctx.result(inst, 0));
    ctx.emit(Inst::IntToXmm { size, wide, dst, src });
}

/// A float constant in memory.
fn float(value: f64, ty: Type) -> Rmi {
    match ty {
        F32 => Rmi::constant((value as f32).to_bits().into(), 4),
        _ => Rmi::constant(value.to_bits(), 8),
    }
}

/// Converts a float in range.
fn convert(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, from: Type, to: Type, signed: bool) {
    let wide = from == F64;
    if to.bits() == 64 && !signed {
        let (tmp, tmp2) = (temp(ctx), xmm_temp(ctx));
        return ctx.emit(Inst::XmmToU64 { wide, dst, src, tmp, tmp2 });
    }
    let unsigned32 = to.bits() == 32 && !signed;
    let size = if unsigned32 { Size::S64 } else { Size::of(to).widened() };
    ctx.emit(Inst::XmmToInt { size, wide, dst, src });
}

/// A conversion that traps: on NaN with `bad_toint`, on what is out of range with
/// `int_ovf`.
fn to_int(ctx: &mut Ctx<'_>, inst: IrInst, to: Type, signed: bool) {
    let v = ctx.arg(inst, 0);
    let (from, src) = (ctx.ty(v), ctx.reg(v));
    let wide = from == F64;
    let check = |ctx: &mut Ctx<'_>, src2: Rmi, cc: Cc, code: TrapCode| {
        ctx.emit(Inst::XmmCmp { wide, src1: src, src2 });
        trap_if(ctx, Cond::One(cc), code);
    };
    check(ctx, Rmi::Reg(src), Cc::P, TrapCode::BadConversionToInteger);
    let bits = to.bits() as i32;
    let code = TrapCode::IntegerOverflow;
    let limit = 2f64.powi(if signed { bits - 1 } else { bits });
    check(ctx, float(limit, from), Cc::Ae, code);
    if !signed {
        check(ctx, float(-1.0, from), Cc::Be, code);
    } else if bits < if wide { 64 } else { 32 } {
        // The float below the least integer by one exists.
        check(ctx, float(-limit - 1.0, from), Cc::Be, code);
    } else {
        check(ctx, float(-limit, from), Cc::B, code);
    }
    let dst = ctx.result(inst, 0);
    convert(ctx, dst, src, from, to, signed);
}

/// A conversion of NaN to 0 and of what is out of range to the nearest integer.
pub fn to_int_sat(ctx: &mut Ctx<'_>, dst: Reg, mut src: Reg, from: Type, to: Type, signed: bool) {
    let ordered = xmm(ctx, XmmOp::CmpOrd, from, src, Rmi::Reg(src));
    src = xmm(ctx, XmmOp::And, from, src, Rmi::Reg(ordered));
    let bits = to.bits() as i32;
    let limit = 2f64.powi(if signed { bits - 1 } else { bits });
    if bits < 64 {
        // All bounds are exact in f64.
        if from == F32 {
            let wider = xmm_temp(ctx);
            ctx.emit(Inst::XmmUnary { op: XmmUnaryOp::Convert, wide: false, dst: wider, src: Rmi::Reg(src) });
            src = wider;
        }
        src = xmm(ctx, XmmOp::Min, F64, src, float(limit - 1.0, F64));
        src = xmm(ctx, XmmOp::Max, F64, src, float(if signed { -limit } else { 0.0 }, F64));
        return convert(ctx, dst, src, F64, to, signed);
    }
    // What is too low converts to the least number; what is too high is replaced.
    if !signed {
        src = xmm(ctx, XmmOp::Max, from, src, float(0.0, from));
    }
    let most = imm(ctx, if signed { i64::MAX } else { -1 });
    let converted = temp(ctx);
    convert(ctx, converted, src, from, to, signed);
    ctx.emit(Inst::XmmCmp { wide: from == F64, src1: src, src2: float(limit, from) });
    let size = Size::S64;
    ctx.emit(Inst::Cmov { cc: Cc::Ae, size, dst, src1: converted, src2: Rmi::Reg(most) });
}

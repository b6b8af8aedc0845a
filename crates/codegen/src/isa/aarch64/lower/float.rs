//! Float arithmetic, bitwise operations on floats, conversions.

use super::control::{Test, Truth, trap_if};
use super::*;
use crate::isa::aarch64::neon::{VSelectOp, VShiftOp};
use sidetrack_artifact::TrapCode;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::F32const | Opcode::F64const => {
            let Extra::Imm(bits) = ctx.func.dfg.insts[inst].extra else { return false };
            let dst = ctx.result(inst, 0);
            constant_to(ctx, dst, if opcode == Opcode::F32const { F32 } else { F64 }, bits as u64);
        }
        Opcode::Fadd => binary(ctx, inst, ty, Fp2::Fadd),
        Opcode::Fsub => binary(ctx, inst, ty, Fp2::Fsub),
        Opcode::Fmul => binary(ctx, inst, ty, Fp2::Fmul),
        Opcode::Fdiv => binary(ctx, inst, ty, Fp2::Fdiv),
        Opcode::Fmin => binary(ctx, inst, ty, Fp2::Fmin),
        Opcode::Fmax => binary(ctx, inst, ty, Fp2::Fmax),
        Opcode::Fneg => unary(ctx, inst, ty, Fp1::Fneg),
        Opcode::Fabs => unary(ctx, inst, ty, Fp1::Fabs),
        Opcode::Sqrt => unary(ctx, inst, ty, Fp1::Fsqrt),
        Opcode::Nearest => unary(ctx, inst, ty, Fp1::Frintn),
        Opcode::Floor => unary(ctx, inst, ty, Fp1::Frintm),
        Opcode::Ceil => unary(ctx, inst, ty, Fp1::Frintp),
        Opcode::Trunc => unary(ctx, inst, ty, Fp1::Frintz),
        Opcode::Fcopysign => copysign(ctx, inst, ty),
        Opcode::Fma => fma(ctx, inst, ty),
        Opcode::Fpromote | Opcode::Fdemote => {
            let v = ctx.arg(inst, 0);
            let (n, dst) = (ctx.reg(v), ctx.result(inst, 0));
            ctx.emit(if ctx.ty(v) == ty {
                Inst::Copy { dst, src: n, class: RegClass::Float }
            } else {
                Inst::Fcvt { wide: ty == F64, dst, n }
            });
        }
        Opcode::FcvtFromSint => from_int(ctx, inst, ty, true),
        Opcode::FcvtFromUint => from_int(ctx, inst, ty, false),
        Opcode::FcvtToSint => to_int(ctx, inst, ty, true),
        Opcode::FcvtToUint => to_int(ctx, inst, ty, false),
        Opcode::FcvtToSintSat => to_int_sat(ctx, inst, ty, true),
        Opcode::FcvtToUintSat => to_int_sat(ctx, inst, ty, false),
        Opcode::Bitcast => bitcast(ctx, inst, ty),
        Opcode::Band => bits(ctx, inst, VBitOp::And),
        Opcode::Bor => bits(ctx, inst, VBitOp::Orr),
        Opcode::Bxor => bits(ctx, inst, VBitOp::Eor),
        Opcode::Bnot => {
            let n = ctx.reg(ctx.arg(inst, 0));
            let ones = vector_constant(ctx, u128::MAX);
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Vec(VecInst::Bits { op: VBitOp::Eor, dst, n, m: ones }));
        }
        Opcode::Bitselect => {
            let [c, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
            let [acc, n, m] = [ctx.reg(c), ctx.reg(x), ctx.reg(y)];
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Vec(VecInst::Select { op: VSelectOp::Bsl, dst, acc, n, m }));
        }
        _ => return false,
    }
    true
}

/// Whether a value is the float constant +0.
pub fn is_zero(ctx: &Ctx<'_>, v: Value) -> bool {
    ctx.def_inst(v).is_some_and(|inst| {
        let data = &ctx.func.dfg.insts[inst];
        matches!(data.opcode, Opcode::F32const | Opcode::F64const) && data.extra == Extra::Imm(0)
    })
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Fp2) {
    let (n, m) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Fp2 { op, wide: ty == F64, dst, n, m });
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Fp1) {
    let (n, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
    ctx.emit(Inst::Fp1 { op, wide: ty == F64, dst, n });
}

fn bits(ctx: &mut Ctx<'_>, inst: IrInst, op: VBitOp) {
    let (n, m) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Vec(VecInst::Bits { op, dst, n, m }));
}

/// The sign shifted down, and inserted above the other bits.
fn copysign(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (acc, n) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
    let arr = if ty == F64 { Arr::D2 } else { Arr::S2 };
    let (amount, sign) = (ty.bits() as u8 - 1, float_temp(ctx));
    ctx.emit(Inst::Vec(VecInst::Shift { op: VShiftOp::Ushr, arr, dst: sign, n, amount }));
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Vec(VecInst::Sli { arr, dst, acc, n: sign, amount }));
}

/// `x * y + z`; a negation of a factor or of the sum is part of the instruction.
fn fma(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let [mut x, mut y, mut z] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let (mut product, mut sum) = (false, false);
    let negated = |ctx: &Ctx<'_>, v: Value| Some(ctx.arg(ctx.def_op(v, Opcode::Fneg)?, 0));
    for (v, sign) in [(&mut x, 0), (&mut y, 0), (&mut z, 1)] {
        if let Some(inner) = negated(ctx, *v) {
            *v = inner;
            *[&mut product, &mut sum][sign] ^= true;
        }
    }
    let op = match (product, sum) {
        (false, false) => Fp3::Fmadd,
        (true, false) => Fp3::Fmsub,
        (true, true) => Fp3::Fnmadd,
        (false, true) => Fp3::Fnmsub,
    };
    let [n, m, a] = [ctx.reg(x), ctx.reg(y), ctx.reg(z)];
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Fp3 { op, wide: ty == F64, dst, n, m, a });
}

fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let v = ctx.arg(inst, 0);
    let (n, size) = (ctx.reg(v), Size::of(ty));
    let dst = ctx.result(inst, 0);
    ctx.emit(match (ctx.ty(v).is_int(), ty.is_int()) {
        (true, false) => Inst::FmovFromInt { size, dst, n },
        (false, true) => Inst::FmovToInt { size, dst, n },
        (_, int) => Inst::Copy { dst, src: n, class: if int { RegClass::Int } else { RegClass::Float } },
    });
}

fn from_int(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let v = ctx.arg(inst, 0);
    let (size, n) = (Size::of(ctx.ty(v)), extended_to_32(ctx, v, signed));
    let op = if signed { FromInt::Scvtf } else { FromInt::Ucvtf };
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::FromInt { op, size, wide: ty == F64, dst, n });
}

fn float_constant(ctx: &mut Ctx<'_>, value: f64, ty: Type) -> Reg {
    let bits = if ty == F32 { u64::from((value as f32).to_bits()) } else { value.to_bits() };
    constant(ctx, ty, bits)
}

fn convert(ctx: &mut Ctx<'_>, dst: Reg, n: Reg, from: Type, to: Type, signed: bool) {
    let op = if signed { ToInt::Fcvtzs } else { ToInt::Fcvtzu };
    ctx.emit(Inst::ToInt { op, size: Size::of(to), wide: from == F64, dst, n });
}

/// A conversion that traps: on NaN with `bad_toint`, on what is out of range with
/// `int_ovf`.
fn to_int(ctx: &mut Ctx<'_>, inst: IrInst, to: Type, signed: bool) {
    let v = ctx.arg(inst, 0);
    let (from, n) = (ctx.ty(v), ctx.reg(v));
    let wide = from == F64;
    let bits = to.bits() as i32;
    let limit = 2f64.powi(if signed { bits - 1 } else { bits });
    // Below the least integer by one, if that float exists.
    let (low, low_cc) = if !signed {
        (-1.0, Cc::Ls)
    } else if bits < if wide { 64 } else { 32 } {
        (-limit - 1.0, Cc::Ls)
    } else {
        (-limit, Cc::Mi)
    };
    let (high, low) = (float_constant(ctx, limit, from), float_constant(ctx, low, from));
    let mut check = |m: Reg, cc: Cc, code: TrapCode| {
        let test = Test { set: Some(Inst::Fcmp { wide, n, m }), truth: Truth::One(Cond::Cc(cc)) };
        trap_if(ctx, test, code);
    };
    check(n, Cc::Vs, TrapCode::BadConversionToInteger);
    check(high, Cc::Ge, TrapCode::IntegerOverflow);
    check(low, low_cc, TrapCode::IntegerOverflow);
    let dst = ctx.result(inst, 0);
    convert(ctx, dst, n, from, to, signed);
}

/// A conversion of NaN to 0 and of what is out of range to the nearest integer: that is
/// what the instruction does to 32 and 64 bits.
fn to_int_sat(ctx: &mut Ctx<'_>, inst: IrInst, to: Type, signed: bool) {
    let v = ctx.arg(inst, 0);
    let (from, n) = (ctx.ty(v), ctx.reg(v));
    if to.bits() >= 32 {
        let dst = ctx.result(inst, 0);
        return convert(ctx, dst, n, from, to, signed);
    }
    let size = Size::S32;
    let largest = (1u64 << (to.bits() - u32::from(signed))) - 1;
    let high = imm(ctx, largest);
    let low = signed.then(|| imm(ctx, u64::from((-(largest as i32) - 1) as u32)));
    let exact = temp(ctx);
    convert(ctx, exact, n, from, I32, signed);
    let csel = |ctx: &mut Ctx<'_>, dst, n, m, cc| {
        ctx.emit(cmp(size, n, Rm::Reg(m)));
        ctx.emit(Inst::Csel { op: CselOp::Csel, size, dst, n, m, cc });
    };
    match low {
        None => {
            let dst = ctx.result(inst, 0);
            csel(ctx, dst, exact, high, Cc::Lo);
        }
        Some(low) => {
            let capped = temp(ctx);
            csel(ctx, capped, exact, high, Cc::Lt);
            let dst = ctx.result(inst, 0);
            csel(ctx, dst, capped, low, Cc::Gt);
        }
    }
}

//! Float arithmetic, comparison and conversion, and bitwise operations on floats.

use super::*;
use crate::isa::s390x::encode::{DOWN, NEAREST, TO_ZERO, UP};
use crate::isa::s390x::lower::bits::bit_select;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::FloatCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    let from_vector = |n: &Value| ctx.ty(*n).is_vector();
    if ty.is_vector() || ctx.func.dfg.args(inst).first().is_some_and(from_vector) {
        return false;
    }
    match opcode {
        Opcode::F32const | Opcode::F64const => {
            let Extra::Imm(bits) = ctx.func.dfg.insts[inst].extra else { return false };
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FloatImm { dst, bits: bits as u64, wide: opcode == Opcode::F64const });
        }
        Opcode::Fadd => binary(ctx, inst, Op::Aebr, Op::Adbr),
        Opcode::Fsub => binary(ctx, inst, Op::Sebr, Op::Sdbr),
        Opcode::Fmul => binary(ctx, inst, Op::Meebr, Op::Mdbr),
        Opcode::Fdiv => binary(ctx, inst, Op::Debr, Op::Ddbr),
        Opcode::Fcopysign => {
            let (number, sign) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
            let dst = ctx.result(inst, 0);
            three_to(ctx, Op::Cpsdr, dst, sign, number);
        }
        Opcode::Fmin | Opcode::Fmax => {
            let (a, b, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)), ctx.result(inst, 0));
            ctx.emit(Inst::MinMax { max: opcode == Opcode::Fmax, wide: ty == F64, dst, a, b });
        }
        Opcode::Sqrt => unary(ctx, inst, sized(ty, Op::Sqebr, Op::Sqdbr)),
        Opcode::Fneg => unary(ctx, inst, Op::Lcdfr),
        Opcode::Fabs => unary(ctx, inst, Op::Lpdfr),
        Opcode::Ceil => round(ctx, inst, UP),
        Opcode::Floor => round(ctx, inst, DOWN),
        Opcode::Trunc => round(ctx, inst, TO_ZERO),
        Opcode::Nearest => round(ctx, inst, NEAREST),
        Opcode::Fma => fma(ctx, inst),
        Opcode::Fcmp => {
            let cond = condition(ctx, inst);
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Set { cond, dst });
        }
        Opcode::Fpromote | Opcode::Fdemote => match (ctx.ty(ctx.arg(inst, 0)), ty) {
            (F32, F64) => unary(ctx, inst, Op::Ldebr),
            (F64, F32) => {
                let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
                ctx.emit(Inst::Rounded { op: Op::Ledbra, dst, src, mode: NEAREST });
            }
            _ => {
                let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
                ctx.emit(Inst::mov(dst, src, RegClass::Float));
            }
        },
        Opcode::FcvtToUint => to_int(ctx, inst, false),
        Opcode::FcvtToSint => to_int(ctx, inst, true),
        Opcode::FcvtToUintSat => to_int_sat(ctx, inst, false),
        Opcode::FcvtToSintSat => to_int_sat(ctx, inst, true),
        Opcode::FcvtFromUint => from_int(ctx, inst, false),
        Opcode::FcvtFromSint => from_int(ctx, inst, true),
        Opcode::Bitcast => bitcast(ctx, inst),
        Opcode::Band => bitwise(ctx, inst, Op::Ngrk),
        Opcode::Bor => bitwise(ctx, inst, Op::Ogrk),
        Opcode::Bxor => bitwise(ctx, inst, Op::Xgrk),
        Opcode::Bnot => {
            let v = ctx.arg(inst, 0);
            let (src, ones) = (bits(ctx, v), number(ctx, -1));
            let inverted = three(ctx, Op::Xgrk, src, ones);
            let dst = ctx.result(inst, 0);
            set_bits(ctx, dst, inverted, ty);
        }
        Opcode::Bitselect => {
            let [c, x, y] = [0, 1, 2].map(|n| {
                let v = ctx.arg(inst, n);
                bits(ctx, v)
            });
            let (chosen, dst) = (temp(ctx), ctx.result(inst, 0));
            bit_select(ctx, chosen, c, x, y);
            set_bits(ctx, dst, chosen, ty);
        }
        _ => return false,
    }
    true
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, op: Op) {
    let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
    two_to(ctx, op, dst, src);
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Op, wide: Op) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    into_to(ctx, sized(ctx.ty(va), narrow, wide), dst, a, b);
}

/// The addend's negation goes into the instruction; that of a factor would change the
/// sign of zero.
fn fma(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [a, b, mut c] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let ty = ctx.ty(a);
    let op = match ctx.def_op(c, Opcode::Fneg) {
        Some(neg) => {
            c = ctx.arg(neg, 0);
            sized(ty, Op::Msebr, Op::Msdbr)
        }
        None => sized(ty, Op::Maebr, Op::Madbr),
    };
    let (a, b, acc, dst) = (ctx.reg(a), ctx.reg(b), ctx.reg(c), ctx.result(inst, 0));
    ctx.emit(Inst::Fused { op, dst, acc, a, b });
}

fn round(ctx: &mut Ctx<'_>, inst: IrInst, mode: u8) {
    let v = ctx.arg(inst, 0);
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(Inst::Rounded { op: sized(ctx.ty(v), Op::Fiebra, Op::Fidbra), dst, src, mode });
}

/// The outcomes of a comparison for which a condition holds.
fn mask(cc: FloatCC) -> u8 {
    match cc {
        FloatCC::Equal => EQUAL,
        FloatCC::NotEqual => LESS | GREATER | UNORDERED,
        FloatCC::LessThan => LESS,
        FloatCC::LessThanOrEqual => LESS | EQUAL,
        FloatCC::GreaterThan => GREATER,
        FloatCC::GreaterThanOrEqual => GREATER | EQUAL,
        FloatCC::Ordered => EQUAL | LESS | GREATER,
        FloatCC::Unordered => UNORDERED,
        FloatCC::OrderedNotEqual => LESS | GREATER,
        FloatCC::UnorderedOrEqual => EQUAL | UNORDERED,
        FloatCC::UnorderedOrLessThan => LESS | UNORDERED,
        FloatCC::UnorderedOrLessThanOrEqual => LESS | EQUAL | UNORDERED,
        FloatCC::UnorderedOrGreaterThan => GREATER | UNORDERED,
        FloatCC::UnorderedOrGreaterThanOrEqual => GREATER | EQUAL | UNORDERED,
    }
}

/// The comparison of two floats.
fn compare(ty: Type, a: Reg, b: Reg) -> Compare {
    Compare::Regs(sized(ty, Op::Cebr, Op::Cdbr), a, b)
}

/// The condition that an `fcmp` holds.
pub fn condition(ctx: &mut Ctx<'_>, inst: IrInst) -> Cond {
    let Extra::FloatCC(cc) = ctx.func.dfg.insts[inst].extra else {
        unreachable!("the verifier has seen to it that a comparison has a condition")
    };
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b) = (ctx.reg(va), ctx.reg(vb));
    Cond { compare: compare(ctx.ty(va), a, b), mask: mask(cc) }
}

/// The float of type `ty` that is this number.
fn float_number(ctx: &mut Ctx<'_>, ty: Type, value: f64) -> Reg {
    let bits = if ty == F64 { value.to_bits() } else { u64::from((value as f32).to_bits()) };
    constant(ctx, ty, bits)
}

/// A conversion that traps on NaN with `bad_toint` and on what is out of range with
/// `int_ovf`. The instruction would give a limit, so both are checked before it.
fn to_int(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let (from, src) = (ctx.ty(v), ctx.reg(v));
    let unordered = Cond { compare: compare(from, src, src), mask: UNORDERED };
    ctx.emit(Inst::TrapIf { cond: unordered, code: TrapCode::BadConversionToInteger });
    let bits = to.bits() as i32;
    let high = float_number(ctx, from, 2f64.powi(if signed { bits - 1 } else { bits }));
    // The next number below the range, where the type has it; else the last in it.
    let digits = if from == F64 { 53 } else { 24 };
    let (limit, below) = match signed {
        false => (-1.0, LESS | EQUAL),
        true if bits <= digits => (-(2f64.powi(bits - 1)) - 1.0, LESS | EQUAL),
        true => (-(2f64.powi(bits - 1)), LESS),
    };
    let low = float_number(ctx, from, limit);
    let code = TrapCode::IntegerOverflow;
    for (limit, mask) in [(high, GREATER | EQUAL), (low, below)] {
        ctx.emit(Inst::TrapIf { cond: Cond { compare: compare(from, src, limit), mask }, code });
    }
    let op = match signed || bits < 64 {
        true => sized(from, Op::Cgebra, Op::Cgdbra),
        false => sized(from, Op::Clgebr, Op::Clgdbr),
    };
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Rounded { op, dst, src, mode: TO_ZERO });
}

/// The instruction gives the nearest limit; and for NaN the least number, which is to
/// be 0.
fn to_int_sat(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let (from, src) = (ctx.ty(v), ctx.reg(v));
    let op = match (to.bits() == 64, signed) {
        (false, true) => sized(from, Op::Cfebra, Op::Cfdbra),
        (false, false) => sized(from, Op::Clfebr, Op::Clfdbr),
        (true, true) => sized(from, Op::Cgebra, Op::Cgdbra),
        (true, false) => sized(from, Op::Clgebr, Op::Clgdbr),
    };
    let mut value = temp(ctx);
    ctx.emit(Inst::Rounded { op, dst: value, src, mode: TO_ZERO });
    if to.bits() < 32 {
        let bits = to.bits() - u32::from(signed);
        let op = if signed { Op::Cfi } else { Op::Clfi };
        value = limit(ctx, op, value, (1 << bits) - 1, GREATER);
        if signed {
            value = limit(ctx, op, value, -(1 << bits), LESS);
        }
    }
    let (zero, dst) = (number(ctx, 0), ctx.result(inst, 0));
    let cond = Cond { compare: compare(from, src, src), mask: UNORDERED };
    ctx.emit(Inst::Select { cond, dst, yes: zero, no: value });
}

/// The value, or the limit if the value compares to it so.
fn limit(ctx: &mut Ctx<'_>, op: Op, value: Reg, limit: i64, mask: u8) -> Reg {
    let (most, dst) = (number(ctx, limit), temp(ctx));
    let cond = Cond { compare: Compare::Imm(op, value, limit), mask };
    ctx.emit(Inst::Select { cond, dst, yes: most, no: value });
    dst
}

fn from_int(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let op = match (ctx.ty(v) == I64, signed) {
        (false, true) => sized(to, Op::Cefbra, Op::Cdfbra),
        (false, false) => sized(to, Op::Celfbr, Op::Cdlfbr),
        (true, true) => sized(to, Op::Cegbra, Op::Cdgbra),
        (true, false) => sized(to, Op::Celgbr, Op::Cdlgbr),
    };
    let (src, dst) = (extended32(ctx, v, signed), ctx.result(inst, 0));
    ctx.emit(Inst::Rounded { op, dst, src, mode: NEAREST });
}

/// The value's bits in an r register.
pub fn bits(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    let (ty, src) = (ctx.ty(v), ctx.reg(v));
    match ty {
        F32 => {
            let both = two(ctx, Op::Lgdr, src);
            shift(ctx, Op::Srlg, both, 32)
        }
        F64 => two(ctx, Op::Lgdr, src),
        _ => src,
    }
}

/// Makes the bits in an r register the value of a register of type `ty`.
pub fn set_bits(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type) {
    match ty {
        F32 => {
            let upper = shift(ctx, Op::Sllg, src, 32);
            two_to(ctx, Op::Ldgr, dst, upper);
        }
        F64 => two_to(ctx, Op::Ldgr, dst, src),
        _ => ctx.emit(Inst::mov(dst, src, RegClass::Int)),
    }
}

fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    if ctx.ty(v).is_float() && to.is_float() {
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return ctx.emit(Inst::mov(dst, src, RegClass::Float));
    }
    let (src, dst) = (bits(ctx, v), ctx.result(inst, 0));
    set_bits(ctx, dst, src, to);
}

/// A bitwise operation on floats.
fn bitwise(ctx: &mut Ctx<'_>, inst: IrInst, op: Op) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b) = (bits(ctx, va), bits(ctx, vb));
    let value = three(ctx, op, a, b);
    let dst = ctx.result(inst, 0);
    set_bits(ctx, dst, value, ctx.ty(va));
}

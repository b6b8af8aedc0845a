//! Float arithmetic, comparison and conversion, and bitwise operations on floats.

use super::*;
use crate::isa::riscv64::encode::{RDN, RNE, RTZ, RUP};
use crate::isa::riscv64::lower::bits::bit_select;
use crate::lower::MAX_SAME;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::FloatCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::F32const | Opcode::F64const => {
            let Extra::Imm(bits) = ctx.func.dfg.insts[inst].extra else { return false };
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FloatImm { dst, bits: bits as u64, wide: opcode == Opcode::F64const });
        }
        Opcode::Fadd => binary(ctx, inst, Op::FaddS, Op::FaddD),
        Opcode::Fsub => binary(ctx, inst, Op::FsubS, Op::FsubD),
        Opcode::Fmul => binary(ctx, inst, Op::FmulS, Op::FmulD),
        Opcode::Fdiv => binary(ctx, inst, Op::FdivS, Op::FdivD),
        Opcode::Fcopysign => binary(ctx, inst, Op::FsgnjS, Op::FsgnjD),
        Opcode::Fmin | Opcode::Fmax => {
            let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
            let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
            let (max, wide) = (opcode == Opcode::Fmax, ctx.ty(va) == F64);
            ctx.emit(Inst::MinMax { max, wide, dst, a, b });
        }
        Opcode::Sqrt => {
            let v = ctx.arg(inst, 0);
            let (op, src) = (sized(ctx.ty(v), Op::FsqrtS, Op::FsqrtD), ctx.reg(v));
            let dst = ctx.result(inst, 0);
            two_to(ctx, op, dst, src);
        }
        Opcode::Fneg => sign(ctx, inst, Op::FsgnjnS, Op::FsgnjnD),
        Opcode::Fabs => sign(ctx, inst, Op::FsgnjxS, Op::FsgnjxD),
        Opcode::Ceil => round(ctx, inst, RUP),
        Opcode::Floor => round(ctx, inst, RDN),
        Opcode::Trunc => round(ctx, inst, RTZ),
        Opcode::Nearest => round(ctx, inst, RNE),
        Opcode::Fma => fma(ctx, inst),
        Opcode::Fcmp => {
            let dst = ctx.result(inst, 0);
            if is_inverted(ctx, inst) {
                let opposite = temp(ctx);
                compare_to(ctx, inst, opposite);
                imm_to(ctx, Op::Xori, dst, opposite, 1);
            } else {
                compare_to(ctx, inst, dst);
            }
        }
        Opcode::Fpromote | Opcode::Fdemote => {
            let v = ctx.arg(inst, 0);
            let (from, to) = (ctx.ty(v), ctx.func.dfg.insts[inst].ty);
            let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
            match (from, to) {
                (F32, F64) => two_to(ctx, Op::FcvtDS, dst, src),
                (F64, F32) => two_to(ctx, Op::FcvtSD, dst, src),
                _ => copy_to(ctx, dst, src, RegClass::Float),
            }
        }
        Opcode::FcvtToUint => to_int(ctx, inst, false),
        Opcode::FcvtToSint => to_int(ctx, inst, true),
        Opcode::FcvtToUintSat => to_int_sat(ctx, inst, false),
        Opcode::FcvtToSintSat => to_int_sat(ctx, inst, true),
        Opcode::FcvtFromUint => from_int(ctx, inst, false),
        Opcode::FcvtFromSint => from_int(ctx, inst, true),
        Opcode::Bitcast => bitcast(ctx, inst),
        Opcode::Band => bitwise(ctx, inst, Op::And),
        Opcode::Bor => bitwise(ctx, inst, Op::Or),
        Opcode::Bxor => bitwise(ctx, inst, Op::Xor),
        Opcode::Bnot => {
            let v = ctx.arg(inst, 0);
            let src = bits(ctx, v);
            let inverted = imm(ctx, Op::Xori, src, -1);
            let dst = ctx.result(inst, 0);
            set_bits(ctx, dst, inverted, ctx.ty(v));
        }
        Opcode::Bitselect => {
            let [c, x, y] = [0, 1, 2].map(|n| {
                let v = ctx.arg(inst, n);
                bits(ctx, v)
            });
            let (chosen, dst) = (temp(ctx), ctx.result(inst, 0));
            bit_select(ctx, chosen, c, x, y);
            set_bits(ctx, dst, chosen, ctx.func.dfg.insts[inst].ty);
        }
        _ => return false,
    }
    true
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Op, wide: Op) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    three_to(ctx, sized(ctx.ty(va), narrow, wide), dst, a, b);
}

/// An instruction that takes the number and the sign from the same register.
fn sign(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Op, wide: Op) {
    let v = ctx.arg(inst, 0);
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    three_to(ctx, sized(ctx.ty(v), narrow, wide), dst, src, src);
}

/// The fused operations differ in the signs of product and addend; what negates an
/// operand goes into them.
fn fma(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (mut negative_product, mut negative_addend) = (false, false);
    let [a, b, c] = [0, 1, 2].map(|n| {
        let mut v = ctx.arg(inst, n);
        for _ in 0..MAX_SAME {
            let Some(neg) = ctx.def_op(v, Opcode::Fneg) else { break };
            v = ctx.arg(neg, 0);
            if n == 2 {
                negative_addend = !negative_addend;
            } else {
                negative_product = !negative_product;
            }
        }
        ctx.reg(v)
    });
    let (narrow, wide) = match (negative_product, negative_addend) {
        (false, false) => (Op::FmaddS, Op::FmaddD),
        (false, true) => (Op::FmsubS, Op::FmsubD),
        (true, false) => (Op::FnmsubS, Op::FnmsubD),
        (true, true) => (Op::FnmaddS, Op::FnmaddD),
    };
    let (op, dst) = (sized(ctx.func.dfg.insts[inst].ty, narrow, wide), ctx.result(inst, 0));
    ctx.emit(Inst::Four { op, dst, a, b, c });
}

fn round(ctx: &mut Ctx<'_>, inst: IrInst, mode: u8) {
    let v = ctx.arg(inst, 0);
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(Inst::Round { mode, wide: ctx.ty(v) == F64, dst, src });
}

fn float_cc(ctx: &Ctx<'_>, inst: IrInst) -> FloatCC {
    match ctx.func.dfg.insts[inst].extra {
        Extra::FloatCC(cc) => cc,
        _ => FloatCC::Equal,
    }
}

/// Whether [`compare_to`] computes the opposite of what is asked.
fn is_inverted(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    match float_cc(ctx, inst) {
        FloatCC::Equal
        | FloatCC::LessThan
        | FloatCC::LessThanOrEqual
        | FloatCC::GreaterThan
        | FloatCC::GreaterThanOrEqual
        | FloatCC::Ordered
        | FloatCC::OrderedNotEqual => false,
        FloatCC::NotEqual
        | FloatCC::Unordered
        | FloatCC::UnorderedOrEqual
        | FloatCC::UnorderedOrLessThan
        | FloatCC::UnorderedOrLessThanOrEqual
        | FloatCC::UnorderedOrGreaterThan
        | FloatCC::UnorderedOrGreaterThanOrEqual => true,
    }
}

/// Compares: makes the register 0 or 1, or the opposite if [`is_inverted`].
fn compare_to(ctx: &mut Ctx<'_>, inst: IrInst, dst: Reg) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (ctx.reg(va), ctx.reg(vb));
    let (eq, lt, le) = sized(ty, (Op::FeqS, Op::FltS, Op::FleS), (Op::FeqD, Op::FltD, Op::FleD));
    let (op, a, b) = match float_cc(ctx, inst) {
        FloatCC::Equal | FloatCC::NotEqual => (eq, a, b),
        FloatCC::LessThan | FloatCC::UnorderedOrGreaterThanOrEqual => (lt, a, b),
        FloatCC::LessThanOrEqual | FloatCC::UnorderedOrGreaterThan => (le, a, b),
        FloatCC::GreaterThan | FloatCC::UnorderedOrLessThanOrEqual => (lt, b, a),
        FloatCC::GreaterThanOrEqual | FloatCC::UnorderedOrLessThan => (le, b, a),
        FloatCC::Ordered | FloatCC::Unordered => {
            let (first, second) = (three(ctx, eq, a, a), three(ctx, eq, b, b));
            return three_to(ctx, Op::And, dst, first, second);
        }
        FloatCC::OrderedNotEqual | FloatCC::UnorderedOrEqual => {
            let (first, second) = (three(ctx, lt, a, b), three(ctx, lt, b, a));
            return three_to(ctx, Op::Or, dst, first, second);
        }
    };
    three_to(ctx, op, dst, a, b);
}

/// The condition that an `fcmp` holds.
pub fn condition(ctx: &mut Ctx<'_>, inst: IrInst) -> Cond {
    let reg = temp(ctx);
    compare_to(ctx, inst, reg);
    if is_inverted(ctx, inst) { Cond::zero(reg) } else { Cond::nonzero(reg) }
}

/// The instruction that converts to an integer of at least 32 bits.
fn conversion(from: Type, to: Type, signed: bool) -> Op {
    match (from == F64, to == I64, signed) {
        (false, false, true) => Op::FcvtWS,
        (false, false, false) => Op::FcvtWuS,
        (false, true, true) => Op::FcvtLS,
        (false, true, false) => Op::FcvtLuS,
        (true, false, true) => Op::FcvtWD,
        (true, false, false) => Op::FcvtWuD,
        (true, true, true) => Op::FcvtLD,
        (true, true, false) => Op::FcvtLuD,
    }
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
    let from = ctx.ty(v);
    let src = ctx.reg(v);
    let (eq, lt, le) = sized(from, (Op::FeqS, Op::FltS, Op::FleS), (Op::FeqD, Op::FltD, Op::FleD));
    let number = three(ctx, eq, src, src);
    ctx.emit(Inst::TrapIf { cond: Cond::zero(number), code: TrapCode::BadConversionToInteger });
    let bits = to.bits() as i32;
    let high = float_number(ctx, from, 2f64.powi(if signed { bits - 1 } else { bits }));
    // The next number below the range, where the type has it; else the last in it.
    let digits = if from == F64 { 53 } else { 24 };
    let (limit, op) = match signed {
        false => (-1.0, lt),
        true if bits <= digits => (-(2f64.powi(bits - 1)) - 1.0, lt),
        true => (-(2f64.powi(bits - 1)), le),
    };
    let low = float_number(ctx, from, limit);
    let code = TrapCode::IntegerOverflow;
    let (above, below) = (three(ctx, op, low, src), three(ctx, lt, src, high));
    let inside = three(ctx, Op::And, above, below);
    ctx.emit(Inst::TrapIf { cond: Cond::zero(inside), code });
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Rounded { op: conversion(from, to, signed), dst, src, mode: RTZ });
}

/// The instruction gives the nearest limit, and the greatest number for NaN, which
/// is to be 0.
fn to_int_sat(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let from = ctx.ty(v);
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    let mut value = temp(ctx);
    ctx.emit(Inst::Rounded { op: conversion(from, to, signed), dst: value, src, mode: RTZ });
    if to.bits() < 32 {
        let bits = to.bits() - u32::from(signed);
        let most = constant(ctx, I64, (1 << bits) - 1);
        value = least(ctx, value, most, if signed { Op::Blt } else { Op::Bltu });
        if signed {
            let last = constant(ctx, I64, -(1i64 << bits) as u64);
            let clamped = temp(ctx);
            let cond = Cond { op: Op::Blt, a: value, b: last };
            ctx.emit(Inst::Select { cond, dst: clamped, yes: last, no: value });
            value = clamped;
        }
    }
    let number = three(ctx, sized(from, Op::FeqS, Op::FeqD), src, src);
    let mask = three(ctx, Op::Sub, ZERO, number);
    three_to(ctx, Op::And, dst, value, mask);
}

/// The value, or `most` if that is less.
fn least(ctx: &mut Ctx<'_>, value: Reg, most: Reg, less: Op) -> Reg {
    let dst = temp(ctx);
    ctx.emit(Inst::Select { cond: Cond { op: less, a: most, b: value }, dst, yes: most, no: value });
    dst
}

fn from_int(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let op = match (to == F64, ctx.ty(v) == I64, signed) {
        (false, false, true) => Op::FcvtSW,
        (false, false, false) => Op::FcvtSWu,
        (false, true, true) => Op::FcvtSL,
        (false, true, false) => Op::FcvtSLu,
        (true, false, true) => Op::FcvtDW,
        (true, false, false) => Op::FcvtDWu,
        (true, true, true) => Op::FcvtDL,
        (true, true, false) => Op::FcvtDLu,
    };
    let src = if ctx.ty(v).bits() < 32 { extended(ctx, v, signed) } else { operand(ctx, v) };
    let dst = ctx.result(inst, 0);
    two_to(ctx, op, dst, src);
}

/// The value's bits in an x register.
fn bits(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    let (ty, src) = (ctx.ty(v), ctx.reg(v));
    if ty.is_int() { src } else { two(ctx, sized(ty, Op::FmvXW, Op::FmvXD), src) }
}

/// Makes the bits in an x register the value of a register of type `ty`.
fn set_bits(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type) {
    if ty.is_int() {
        return copy_to(ctx, dst, src, RegClass::Int);
    }
    two_to(ctx, sized(ty, Op::FmvWX, Op::FmvDX), dst, src);
}

fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    if ctx.ty(v).is_float() && to.is_float() {
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return copy_to(ctx, dst, src, RegClass::Float);
    }
    if ctx.ty(v).is_float() {
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return two_to(ctx, sized(to, Op::FmvXW, Op::FmvXD), dst, src);
    }
    let (src, dst) = (operand(ctx, v), ctx.result(inst, 0));
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

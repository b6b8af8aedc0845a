//! Integer arithmetic and comparison.

use super::*;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::IntCC;
use sidetrack_ir::types::I8;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::Iconst => {
            let Extra::Imm(value) = ctx.func.dfg.insts[inst].extra else { return false };
            let ty = ctx.func.dfg.insts[inst].ty;
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Imm { dst, value: sign_extended(value, ty) });
        }
        Opcode::Iadd => iadd(ctx, inst),
        Opcode::Isub => isub(ctx, inst),
        Opcode::Imul => binary(ctx, inst, Op::Mulw, Op::Mul),
        Opcode::Ineg => {
            let v = ctx.arg(inst, 0);
            let (op, src, dst) = (sized(ctx.ty(v), Op::Subw, Op::Sub), ctx.reg(v), ctx.result(inst, 0));
            three_to(ctx, op, dst, ZERO, src);
        }
        Opcode::Iabs => iabs(ctx, inst),
        Opcode::Umulhi => mulhi(ctx, inst, false),
        Opcode::Smulhi => mulhi(ctx, inst, true),
        Opcode::Udiv => division(ctx, inst, false, Op::Divuw, Op::Divu),
        Opcode::Urem => division(ctx, inst, false, Op::Remuw, Op::Remu),
        // The remainder of the least number by -1 is 0.
        Opcode::Srem => division(ctx, inst, true, Op::Remw, Op::Rem),
        Opcode::Sdiv => sdiv(ctx, inst),
        Opcode::Smin => min_max(ctx, inst, true, Op::Min, false),
        Opcode::Smax => min_max(ctx, inst, true, Op::Max, true),
        Opcode::Umin => min_max(ctx, inst, false, Op::Minu, false),
        Opcode::Umax => min_max(ctx, inst, false, Op::Maxu, true),
        Opcode::Icmp => {
            let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
            let (a, b, dst) = (ctx.arg(inst, 0), ctx.arg(inst, 1), ctx.result(inst, 0));
            compare_to(ctx, dst, cc, a, b);
        }
        Opcode::Uextend | Opcode::Sextend => {
            let (v, dst, signed) = (ctx.arg(inst, 0), ctx.result(inst, 0), opcode == Opcode::Sextend);
            let done = if signed { is_sign_extended(ctx, v) } else { is_zero_extended(ctx, v) };
            let (src, from) = (ctx.reg(v), ctx.ty(v));
            ctx.emit(if done {
                Inst::mov(dst, src, RegClass::Int)
            } else {
                Inst::extend(dst, src, from, signed)
            });
        }
        _ => return false,
    }
    true
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Op, wide: Op) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (operand(ctx, va), operand(ctx, vb), ctx.result(inst, 0));
    three_to(ctx, sized(ctx.ty(va), narrow, wide), dst, a, b);
}

fn iadd(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (a, b) = ordered(ctx, inst);
    let ty = ctx.ty(a);
    if let Some(value) = immediate12(ctx, b) {
        let (src, dst) = (operand(ctx, a), ctx.result(inst, 0));
        return imm_to(ctx, sized(ty, Op::Addiw, Op::Addi), dst, src, value);
    }
    if ctx.backend.features.zba() && ty == I64 {
        for (base, index) in [(a, b), (b, a)] {
            if let Some((op, index)) = scaled(ctx, index) {
                let (base, index) = (ctx.reg(base), ctx.reg(index));
                let dst = ctx.result(inst, 0);
                return three_to(ctx, op, dst, index, base);
            }
        }
    }
    binary(ctx, inst, Op::Addw, Op::Add);
}

/// The instruction of Zba that adds this value, extended or shifted, to another, and
/// what it extends or shifts.
fn scaled(ctx: &Ctx<'_>, v: Value) -> Option<(Op, Value)> {
    if let Some(index) = from_word(ctx, v) {
        return Some((Op::AddUw, index));
    }
    let shl = ctx.def_op(v, Opcode::Ishl)?;
    let (index, amount) = (ctx.arg(shl, 0), ctx.iconst(ctx.arg(shl, 1))? & 63);
    let word = from_word(ctx, index);
    let op = match (amount, word.is_some()) {
        (1, false) => Op::Sh1add,
        (2, false) => Op::Sh2add,
        (3, false) => Op::Sh3add,
        (1, true) => Op::Sh1addUw,
        (2, true) => Op::Sh2addUw,
        (3, true) => Op::Sh3addUw,
        _ => return None,
    };
    Some((op, word.unwrap_or(index)))
}

/// The value of 32 bits that this one zero-extends by an instruction of its own.
pub fn from_word(ctx: &Ctx<'_>, v: Value) -> Option<Value> {
    let extend = ctx.def_op(v, Opcode::Uextend)?;
    let word = ctx.arg(extend, 0);
    (ctx.ty(word) == I32 && !is_zero_extended(ctx, word)).then_some(word)
}

fn isub(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if let Some(value) = immediate(ctx, b)
        && fits12(value.wrapping_neg())
    {
        let (ty, src, dst) = (ctx.ty(a), operand(ctx, a), ctx.result(inst, 0));
        return imm_to(ctx, sized(ty, Op::Addiw, Op::Addi), dst, src, value.wrapping_neg() as i32);
    }
    binary(ctx, inst, Op::Subw, Op::Sub);
}

fn iabs(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let (src, dst) = (extended(ctx, v, true), ctx.result(inst, 0));
    if ctx.backend.features.zbb() {
        let negated = three(ctx, Op::Sub, ZERO, src);
        return three_to(ctx, Op::Max, dst, src, negated);
    }
    let sign = imm(ctx, Op::Srai, src, 63);
    let flipped = three(ctx, Op::Xor, src, sign);
    three_to(ctx, Op::Sub, dst, flipped, sign);
}

fn mulhi(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let dst = ctx.result(inst, 0);
    if ty == I64 {
        return three_to(ctx, if signed { Op::Mulh } else { Op::Mulhu }, dst, a, b);
    }
    let product = three(ctx, Op::Mul, a, b);
    imm_to(ctx, Op::Srai, dst, product, ty.bits() as i32);
}

/// Operands of a division, the divisor known not to be zero from there on. An
/// instruction of 32 bits needs no extension of its own.
fn division_operands(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool, extend_all: bool) -> (Reg, Reg) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let checked = ctx.iconst(vb).is_none_or(|value| value == 0);
    let a = if extend_all || ty.bits() < 32 { comparable(ctx, va, signed) } else { operand(ctx, va) };
    let b = comparable(ctx, vb, signed);
    if checked {
        ctx.emit(Inst::TrapIf { cond: Cond::zero(b), code: TrapCode::IntegerDivisionByZero });
    }
    (a, b)
}

/// A division that traps for no reason but a divisor of zero.
fn division(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool, narrow: Op, wide: Op) {
    let ty = ctx.func.dfg.insts[inst].ty;
    let (a, b) = division_operands(ctx, inst, signed, false);
    let dst = ctx.result(inst, 0);
    three_to(ctx, sized(ty, narrow, wide), dst, a, b);
}

fn sdiv(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (ty, divisor) = (ctx.func.dfg.insts[inst].ty, ctx.arg(inst, 1));
    let may_overflow = immediate(ctx, divisor).is_none_or(|value| value == -1);
    let (a, b) = division_operands(ctx, inst, true, may_overflow);
    let dst = ctx.result(inst, 0);
    three_to(ctx, sized(ty, Op::Divw, Op::Div), dst, a, b);
    if !may_overflow {
        return;
    }
    let code = TrapCode::IntegerOverflow;
    if ty.bits() < 32 {
        // The quotient of the least number by -1, in 32 bits.
        let beyond = number(ctx, 1 << (ty.bits() - 1));
        return ctx.emit(Inst::TrapIf { cond: Cond { op: Op::Beq, a: dst, b: beyond }, code });
    }
    // Of two negative numbers only the least and -1 have a negative quotient.
    let both = three(ctx, Op::And, a, b);
    let all = three(ctx, Op::And, both, dst);
    ctx.emit(Inst::TrapIf { cond: Cond { op: Op::Blt, a: all, b: ZERO }, code });
}

fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool, op: Op, max: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b) = (comparable(ctx, va, signed), comparable(ctx, vb, signed));
    let dst = ctx.result(inst, 0);
    if ctx.backend.features.zbb() {
        return three_to(ctx, op, dst, a, b);
    }
    let less = if signed { Op::Blt } else { Op::Bltu };
    let cond = if max { Cond { op: less, a, b } } else { Cond { op: less, a: b, b: a } };
    select(ctx, dst, cond, b, a);
}

/// Chooses `yes` if the condition holds.
pub fn select(ctx: &mut Ctx<'_>, dst: Reg, cond: Cond, yes: Reg, no: Reg) {
    if no == ZERO {
        // The other one's register is overwritten, so it cannot be zero.
        if yes == ZERO {
            return ctx.emit(Inst::Imm { dst, value: 0 });
        }
        return ctx.emit(Inst::Select { cond: cond.inverted(), dst, yes: no, no: yes });
    }
    ctx.emit(Inst::Select { cond, dst, yes, no });
}

/// Makes `dst` 1 if the comparison holds, else 0.
fn compare_to(ctx: &mut Ctx<'_>, dst: Reg, cc: IntCC, mut a: Value, mut b: Value) {
    let mut cc = cc;
    if ctx.iconst(a).is_some() && ctx.iconst(b).is_none() {
        (a, b, cc) = (b, a, cc.swap_args());
    }
    let ty = ctx.ty(a);
    let constant = ctx.iconst(b).map(|value| {
        if compares_signed(ty, cc.is_signed()) { sign_extended(value, ty) } else { zero_extended(value, ty) }
    });
    let less = if cc.is_signed() { (Op::Slt, Op::Slti) } else { (Op::Sltu, Op::Sltiu) };
    match cc {
        IntCC::Equal | IntCC::NotEqual => {
            let differ = difference(ctx, a, b, constant);
            if cc == IntCC::Equal {
                imm_to(ctx, Op::Sltiu, dst, differ, 1);
            } else {
                three_to(ctx, Op::Sltu, dst, ZERO, differ);
            }
        }
        IntCC::SignedLessThan | IntCC::UnsignedLessThan => less_to(ctx, dst, less, a, b, constant),
        IntCC::SignedGreaterThanOrEqual | IntCC::UnsignedGreaterThanOrEqual => {
            let opposite = temp(ctx);
            less_to(ctx, opposite, less, a, b, constant);
            imm_to(ctx, Op::Xori, dst, opposite, 1);
        }
        IntCC::SignedGreaterThan | IntCC::UnsignedGreaterThan => {
            let signed = cc.is_signed();
            let (a, b) = (comparable(ctx, a, signed), comparable(ctx, b, signed));
            three_to(ctx, less.0, dst, b, a);
        }
        IntCC::SignedLessThanOrEqual | IntCC::UnsignedLessThanOrEqual => {
            let signed = cc.is_signed();
            // Not more than `n` is less than `n + 1`, where there is one.
            if let Some(next) = constant.and_then(|value| value.checked_add(1))
                && fits12(next)
                && (signed || next != 0)
            {
                let src = comparable(ctx, a, signed);
                return imm_to(ctx, less.1, dst, src, next as i32);
            }
            let (a, b) = (comparable(ctx, a, signed), comparable(ctx, b, signed));
            let opposite = three(ctx, less.0, b, a);
            imm_to(ctx, Op::Xori, dst, opposite, 1);
        }
    }
}

fn less_to(ctx: &mut Ctx<'_>, dst: Reg, less: (Op, Op), a: Value, b: Value, constant: Option<i64>) {
    let signed = less.0 == Op::Slt;
    let a = comparable(ctx, a, signed);
    match constant {
        Some(value) if fits12(value) => imm_to(ctx, less.1, dst, a, value as i32),
        _ => {
            let b = comparable(ctx, b, signed);
            three_to(ctx, less.0, dst, a, b);
        }
    }
}

/// A register that is zero just if the values are equal.
fn difference(ctx: &mut Ctx<'_>, a: Value, b: Value, constant: Option<i64>) -> Reg {
    match constant {
        Some(0) => truth(ctx, a),
        Some(value) if fits12(value.wrapping_neg()) => {
            let a = comparable(ctx, a, false);
            imm(ctx, Op::Addi, a, value.wrapping_neg() as i32)
        }
        _ if ctx.ty(a) == I8 || constant.is_none() => {
            // What differs above the type goes away at the end, unless both are
            // extended already.
            let ty = ctx.ty(a);
            let same = |test: fn(&Ctx<'_>, Value) -> bool| test(ctx, a) && test(ctx, b);
            let done = same(is_sign_extended) || same(is_zero_extended);
            let (a, b) = (ctx.reg(a), ctx.reg(b));
            let differ = three(ctx, Op::Xor, a, b);
            if done { differ } else { extend(ctx, differ, ty, compares_signed(ty, false)) }
        }
        _ => {
            let (a, b) = (comparable(ctx, a, false), comparable(ctx, b, false));
            three(ctx, Op::Xor, a, b)
        }
    }
}

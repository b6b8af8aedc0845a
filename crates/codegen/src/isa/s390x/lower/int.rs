//! Integer arithmetic and comparison.

use super::*;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::IntCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    if ctx.func.dfg.insts[inst].ty.is_vector() {
        return false;
    }
    match opcode {
        Opcode::Iconst => {
            let Extra::Imm(value) = ctx.func.dfg.insts[inst].extra else { return false };
            let ty = ctx.func.dfg.insts[inst].ty;
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Imm { dst, value: sign_extended(value, ty) });
        }
        Opcode::Iadd => {
            let (a, b) = ordered(ctx, inst);
            match immediate32(ctx, b) {
                Some(imm) => {
                    let (src, dst) = (ctx.reg(a), ctx.result(inst, 0));
                    add_to(ctx, dst, src, imm);
                }
                None => binary(ctx, inst, Op::Ark, Op::Agrk),
            }
        }
        Opcode::Isub => match immediate32(ctx, ctx.arg(inst, 1)).and_then(i32::checked_neg) {
            Some(imm) => {
                let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
                add_to(ctx, dst, src, imm);
            }
            None => binary(ctx, inst, Op::Srk, Op::Sgrk),
        },
        Opcode::Imul => imul(ctx, inst),
        Opcode::Ineg => {
            let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            two_to(ctx, Op::Lcgr, dst, src);
        }
        Opcode::Iabs => {
            let (src, dst) = (extended(ctx, ctx.arg(inst, 0), true), ctx.result(inst, 0));
            two_to(ctx, Op::Lpgr, dst, src);
        }
        Opcode::Umulhi => mulhi(ctx, inst, false),
        Opcode::Smulhi => mulhi(ctx, inst, true),
        Opcode::Udiv => unsigned_division(ctx, inst, false),
        Opcode::Urem => unsigned_division(ctx, inst, true),
        Opcode::Sdiv => sdiv(ctx, inst),
        Opcode::Srem => srem(ctx, inst),
        Opcode::Smin => min_max(ctx, inst, IntCC::SignedLessThan),
        Opcode::Smax => min_max(ctx, inst, IntCC::SignedGreaterThan),
        Opcode::Umin => min_max(ctx, inst, IntCC::UnsignedLessThan),
        Opcode::Umax => min_max(ctx, inst, IntCC::UnsignedGreaterThan),
        Opcode::Icmp => {
            let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
            let cond = compare(ctx, cc, ctx.arg(inst, 0), ctx.arg(inst, 1));
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Set { cond, dst });
        }
        Opcode::Uextend | Opcode::Sextend => {
            let (v, dst, signed) = (ctx.arg(inst, 0), ctx.result(inst, 0), opcode == Opcode::Sextend);
            let done = !signed && is_zero_extended(ctx, v);
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
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    three_to(ctx, sized(ctx.ty(va), narrow, wide), dst, a, b);
}

fn imul(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (a, b) = ordered(ctx, inst);
    let ty = ctx.ty(a);
    if let Some(imm) = immediate32(ctx, b) {
        let (src, dst) = (ctx.reg(a), ctx.result(inst, 0));
        return into_imm_to(ctx, sized(ty, Op::Msfi, Op::Msgfi), dst, src, imm.into());
    }
    let (a, b, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
    into_to(ctx, sized(ty, Op::Msr, Op::Msgr), dst, a, b);
}

fn mulhi(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    if ty == I64 {
        let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
        return if signed {
            signed_high(ctx, dst, a, b)
        } else {
            ctx.emit(Inst::MulHigh { signed, dst, a, b })
        };
    }
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let (product, dst) = (temp(ctx), ctx.result(inst, 0));
    into_to(ctx, Op::Msgr, product, a, b);
    shift_to(ctx, Op::Srlg, dst, product, Amount::Imm(ty.bits() as u8));
}

/// The upper half of a product with sign: without an instruction for it that without,
/// less each factor if the other is negative.
pub fn signed_high(ctx: &mut Ctx<'_>, dst: Reg, a: Reg, b: Reg) {
    if ctx.backend.features.mie2() {
        return ctx.emit(Inst::MulHigh { signed: true, dst, a, b });
    }
    let high = temp(ctx);
    ctx.emit(Inst::MulHigh { signed: false, dst: high, a, b });
    let a_sign = shift(ctx, Op::Srag, a, 63);
    let b_sign = shift(ctx, Op::Srag, b, 63);
    let (for_a, for_b) = (three(ctx, Op::Ngrk, a_sign, b), three(ctx, Op::Ngrk, b_sign, a));
    let partial = three(ctx, Op::Sgrk, high, for_a);
    three_to(ctx, Op::Sgrk, dst, partial, for_b);
}

/// Operands of a division in 64 bits, the divisor known not to be zero from there on.
fn division_operands(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) -> (Reg, Reg) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let checked = ctx.iconst(vb).is_none_or(|value| zero_extended(value, ctx.ty(vb)) == 0);
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    if checked {
        ctx.emit(Inst::TrapIf { cond: Cond::zero(b), code: TrapCode::IntegerDivisionByZero });
    }
    (a, b)
}

fn unsigned_division(ctx: &mut Ctx<'_>, inst: IrInst, remainder: bool) {
    let (a, b) = division_operands(ctx, inst, false);
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Divide { signed: false, remainder, dst, a, b });
}

/// Whether a divisor may be -1.
fn may_be_minus_one(ctx: &Ctx<'_>, v: Value) -> bool {
    immediate(ctx, v).is_none_or(|value| value == -1)
}

fn sdiv(ctx: &mut Ctx<'_>, inst: IrInst) {
    let ty = ctx.func.dfg.insts[inst].ty;
    let may_overflow = may_be_minus_one(ctx, ctx.arg(inst, 1));
    let (a, b) = division_operands(ctx, inst, true);
    let code = TrapCode::IntegerOverflow;
    if may_overflow && ty == I64 {
        // The instruction traps at the least number by -1, but so that nobody knows why.
        let least = into_imm(ctx, Op::Xihf, a, 1 << 31);
        let not_one = add(ctx, b, 1);
        let either = three(ctx, Op::Ogrk, least, not_one);
        ctx.emit(Inst::TrapIf { cond: Cond::zero(either), code });
    }
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Divide { signed: true, remainder: false, dst, a, b });
    if may_overflow && ty != I64 {
        // The quotient of the least number by -1, in 64 bits.
        let compare = Compare::Imm(Op::Clgfi, dst, 1 << (ty.bits() - 1));
        ctx.emit(Inst::TrapIf { cond: Cond { compare, mask: EQUAL }, code });
    }
}

fn srem(ctx: &mut Ctx<'_>, inst: IrInst) {
    let overflows = ctx.func.dfg.insts[inst].ty == I64 && may_be_minus_one(ctx, ctx.arg(inst, 1));
    let (a, mut b) = division_operands(ctx, inst, true);
    if overflows {
        // The remainder by -1 is 0, as is that by 1.
        let (one, divisor) = (number(ctx, 1), temp(ctx));
        let cond = Cond { compare: Compare::Imm(Op::Cgfi, b, -1), mask: EQUAL };
        ctx.emit(Inst::Select { cond, dst: divisor, yes: one, no: b });
        b = divisor;
    }
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Divide { signed: true, remainder: true, dst, a, b });
}

fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, cc: IntCC) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let cond = compare(ctx, cc, a, b);
    let (yes, no, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
    ctx.emit(Inst::Select { cond, dst, yes, no });
}

/// The outcomes of a comparison for which a condition holds.
fn mask(cc: IntCC) -> u8 {
    match cc {
        IntCC::Equal => EQUAL,
        IntCC::NotEqual => DIFFERENT,
        IntCC::SignedLessThan | IntCC::UnsignedLessThan => LESS,
        IntCC::SignedGreaterThan | IntCC::UnsignedGreaterThan => GREATER,
        IntCC::SignedLessThanOrEqual | IntCC::UnsignedLessThanOrEqual => EQUAL | LESS,
        IntCC::SignedGreaterThanOrEqual | IntCC::UnsignedGreaterThanOrEqual => EQUAL | GREATER,
    }
}

/// The condition that a comparison holds.
pub fn compare(ctx: &mut Ctx<'_>, cc: IntCC, a: Value, b: Value) -> Cond {
    let (mut a, mut b, mut cc) = (a, b, cc);
    if ctx.iconst(a).is_some() && ctx.iconst(b).is_none() {
        (a, b, cc) = (b, a, cc.swap_args());
    }
    let (ty, mask) = (ctx.ty(a), mask(cc));
    let equality = matches!(cc, IntCC::Equal | IntCC::NotEqual);
    if let Some(value) = ctx.iconst(b) {
        let (signed, unsigned) = (sign_extended(value, ty), zero_extended(value, ty));
        // Narrow numbers compare for equality as they are extended at least cost.
        if (cc.is_signed() || equality && ty.bits() >= 32) && i32::try_from(signed).is_ok() {
            let reg = extended32(ctx, a, true);
            return Cond { compare: Compare::Imm(sized(ty, Op::Cfi, Op::Cgfi), reg, signed), mask };
        }
        if !cc.is_signed() && u32::try_from(unsigned).is_ok() {
            let reg = extended32(ctx, a, false);
            let compare = Compare::Imm(sized(ty, Op::Clfi, Op::Clgfi), reg, unsigned as i64);
            return Cond { compare, mask };
        }
    }
    let op = match cc.is_signed() || equality {
        true => sized(ty, Op::Cr, Op::Cgr),
        false => sized(ty, Op::Clr, Op::Clgr),
    };
    let (a, b) = (extended32(ctx, a, cc.is_signed()), extended32(ctx, b, cc.is_signed()));
    Cond { compare: Compare::Regs(op, a, b), mask }
}

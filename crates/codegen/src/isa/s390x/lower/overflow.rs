//! Arithmetic that tells whether it overflowed.
//!
//! Sums and differences of 32 and 64 bits set the condition code. Narrower types, and
//! products of up to 32 bits, are computed exactly in 64 bits from extended operands; the
//! operation overflowed if extending the result's low part does not give it back.

use super::*;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Add,
    Sub,
    Mul,
}

/// Condition codes of sums: there was a carry, and the number does not fit.
const CARRY: u8 = 3;
const OVERFLOW: u8 = 1;
/// Condition code of a difference that is less than zero.
const BORROW: u8 = 4;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let (kind, signed) = match opcode {
        Opcode::UaddOverflow | Opcode::UaddOverflowCin => (Kind::Add, false),
        Opcode::SaddOverflow | Opcode::SaddOverflowCin => (Kind::Add, true),
        Opcode::UsubOverflow | Opcode::UsubOverflowBin => (Kind::Sub, false),
        Opcode::SsubOverflow | Opcode::SsubOverflowBin => (Kind::Sub, true),
        Opcode::UmulOverflow => (Kind::Mul, false),
        Opcode::SmulOverflow => (Kind::Mul, true),
        Opcode::UaddOverflowTrap => return add_trap(ctx, inst),
        _ => return false,
    };
    match (ctx.ty(ctx.arg(inst, 0)).bits(), kind) {
        (64, Kind::Mul) => wide_mul(ctx, inst, signed),
        (32 | 64, Kind::Add | Kind::Sub) => sum(ctx, inst, kind, signed),
        _ => exact(ctx, inst, kind, signed),
    }
    true
}

/// The carry or borrow in as 0 or 1 in all 64 bits, if there is one.
fn carry(ctx: &mut Ctx<'_>, inst: IrInst) -> Option<Reg> {
    let v = *ctx.func.dfg.args(inst).get(2)?;
    let cond = control::condition(ctx, v);
    let dst = temp(ctx);
    ctx.emit(Inst::Set { cond, dst });
    Some(dst)
}

fn exact(ctx: &mut Ctx<'_>, inst: IrInst, kind: Kind, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let carry = carry(ctx, inst);
    let dst = ctx.result(inst, 0);
    match (kind, carry) {
        (Kind::Mul, _) => into_to(ctx, Op::Msgr, dst, a, b),
        (_, carry) => {
            let op = if kind == Kind::Add { Op::Agrk } else { Op::Sgrk };
            match carry {
                None => three_to(ctx, op, dst, a, b),
                Some(carry) => {
                    let partial = three(ctx, op, a, b);
                    three_to(ctx, op, dst, partial, carry);
                }
            }
        }
    }
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let of = ctx.result(inst, 1);
    let low = extend(ctx, dst, ty, signed);
    let cond = Cond { compare: Compare::Regs(Op::Cgr, low, dst), mask: DIFFERENT };
    ctx.emit(Inst::Set { cond, dst: of });
}

/// A sum or difference and its overflow. With a carry there are two of them, of which
/// one at most carries; of numbers with sign the second may undo what the first did.
fn sum(ctx: &mut Ctx<'_>, inst: IrInst, kind: Kind, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (narrow, wide, mask) = match (kind, signed) {
        (Kind::Add, false) => (Op::Alrk, Op::Algrk, CARRY),
        (Kind::Add, true) => (Op::Ark, Op::Agrk, OVERFLOW),
        (_, false) => (Op::Slrk, Op::Slgrk, BORROW),
        (_, true) => (Op::Srk, Op::Sgrk, OVERFLOW),
    };
    let op = sized(ty, narrow, wide);
    let (a, b, carry) = (ctx.reg(va), ctx.reg(vb), carry(ctx, inst));
    let dst = ctx.result(inst, 0);
    let needed = ctx.result_needed(inst, 1);
    let step = |ctx: &mut Ctx<'_>, dst, a, b, of: Option<Reg>| match of {
        Some(of) => ctx.emit(Inst::Overflow { op, dst, a, b, of, mask }),
        None => three_to(ctx, op, dst, a, b),
    };
    let of = needed.then(|| ctx.result(inst, 1));
    let Some(carry) = carry else { return step(ctx, dst, a, b, of) };
    let partial = temp(ctx);
    let (first, second) = (needed.then(|| temp(ctx)), needed.then(|| temp(ctx)));
    step(ctx, partial, a, b, first);
    step(ctx, dst, partial, carry, second);
    if let (Some(of), Some(first), Some(second)) = (of, first, second) {
        three_to(ctx, Op::Xgrk, of, first, second);
    }
}

fn wide_mul(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    into_to(ctx, Op::Msgr, dst, a, b);
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let (of, high) = (ctx.result(inst, 1), temp(ctx));
    let cond = if signed {
        int::signed_high(ctx, high, a, b);
        let sign = shift(ctx, Op::Srag, dst, 63);
        Cond { compare: Compare::Regs(Op::Cgr, high, sign), mask: DIFFERENT }
    } else {
        ctx.emit(Inst::MulHigh { signed: false, dst: high, a, b });
        Cond::nonzero(high)
    };
    ctx.emit(Inst::Set { cond, dst: of });
}

fn add_trap(ctx: &mut Ctx<'_>, inst: IrInst) -> bool {
    let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return false };
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    let op = sized(ctx.ty(va), Op::Alrk, Op::Algrk);
    ctx.emit(Inst::OverflowTrap { op, dst, a, b, mask: CARRY, code: crate::trap_code(code) });
    true
}

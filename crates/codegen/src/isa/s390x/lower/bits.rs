//! Logic, shifts, counts and other work on bits of integers.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    if !ty.is_int() {
        return false;
    }
    match opcode {
        Opcode::Band => logic(ctx, inst, Logic::And),
        Opcode::Bor => logic(ctx, inst, Logic::Or),
        Opcode::Bxor => logic(ctx, inst, Logic::Xor),
        Opcode::Bnot => {
            let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            let ones = i64::from(u32::MAX);
            if ty == I64 {
                let half = into_imm(ctx, Op::Xilf, src, ones);
                into_imm_to(ctx, Op::Xihf, dst, half, ones);
            } else {
                into_imm_to(ctx, Op::Xilf, dst, src, ones);
            }
        }
        Opcode::Bitselect => {
            let [c, x, y] = [0, 1, 2].map(|n| {
                let v = ctx.arg(inst, n);
                ctx.reg(v)
            });
            let dst = ctx.result(inst, 0);
            bit_select(ctx, dst, c, x, y);
        }
        Opcode::Ishl => {
            let amount = amount(ctx, inst, ty);
            let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            shift_to(ctx, sized(ty, Op::Sllk, Op::Sllg), dst, src, amount);
        }
        Opcode::Ushr | Opcode::Sshr => {
            let (signed, amount) = (opcode == Opcode::Sshr, amount(ctx, inst, ty));
            let (src, dst) = (extended32(ctx, ctx.arg(inst, 0), signed), ctx.result(inst, 0));
            let op = if signed { (Op::Srak, Op::Srag) } else { (Op::Srlk, Op::Srlg) };
            shift_to(ctx, sized(ty, op.0, op.1), dst, src, amount);
        }
        Opcode::Rotl => rotate(ctx, inst, ty, true),
        Opcode::Rotr => rotate(ctx, inst, ty, false),
        Opcode::Bitrev => bitrev(ctx, inst, ty),
        Opcode::Bswap => {
            let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            match ty {
                I16 => {
                    let upper = two(ctx, Op::Lrvr, src);
                    shift_to(ctx, Op::Srlk, dst, upper, Amount::Imm(16));
                }
                _ => two_to(ctx, sized(ty, Op::Lrvr, Op::Lrvgr), dst, src),
            }
        }
        Opcode::Clz => {
            let src = extended(ctx, ctx.arg(inst, 0), false);
            leading_zeros(ctx, inst, src, 64 - ty.bits());
        }
        Opcode::Cls => {
            // Without the sign's copies, and the sign itself.
            let src = extended(ctx, ctx.arg(inst, 0), true);
            let sign = shift(ctx, Op::Srag, src, 63);
            let differing = three(ctx, Op::Xgrk, src, sign);
            leading_zeros(ctx, inst, differing, 65 - ty.bits());
        }
        Opcode::Ctz => ctz(ctx, inst, ty),
        Opcode::Popcnt => popcnt(ctx, inst, ty),
        Opcode::Bmask => {
            let cond = control::condition(ctx, ctx.arg(inst, 0));
            let (bit, dst) = (temp(ctx), ctx.result(inst, 0));
            ctx.emit(Inst::Set { cond, dst: bit });
            two_to(ctx, Op::Lcgr, dst, bit);
        }
        _ => return false,
    }
    true
}

#[derive(Clone, Copy, PartialEq)]
enum Logic {
    And,
    Or,
    Xor,
}

fn logic(ctx: &mut Ctx<'_>, inst: IrInst, kind: Logic) {
    let (a, b) = ordered(ctx, inst);
    let ty = ctx.ty(a);
    let constant = ctx.iconst(b);
    if let Some(value) = constant
        && constant_logic(ctx, inst, kind, a, zero_extended(value, ty))
    {
        return;
    }
    let (mut a, mut b) = (a, b);
    if ctx.def_op(a, Opcode::Bnot).is_some() {
        (a, b) = (b, a);
    }
    if kind == Logic::And
        && ctx.backend.features.mie3()
        && let Some(not) = ctx.def_op(b, Opcode::Bnot)
    {
        let inverted = ctx.arg(not, 0);
        let (a, b, dst) = (ctx.reg(a), ctx.reg(inverted), ctx.result(inst, 0));
        return three_to(ctx, sized(ty, Op::Ncrk, Op::Ncgrk), dst, a, b);
    }
    let (narrow, wide) = match kind {
        Logic::And => (Op::Nrk, Op::Ngrk),
        Logic::Or => (Op::Ork, Op::Ogrk),
        Logic::Xor => (Op::Xrk, Op::Xgrk),
    };
    let (a, b, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
    three_to(ctx, sized(ty, narrow, wide), dst, a, b);
}

/// An operation with a constant, if one instruction does it.
fn constant_logic(ctx: &mut Ctx<'_>, inst: IrInst, kind: Logic, v: Value, value: u64) -> bool {
    let wide = ctx.ty(v) == I64;
    if kind == Logic::And
        && let Some((start, end)) = run_of_ones(value)
    {
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        ctx.emit(Inst::Bits { dst, src, start, end, rotate: 0 });
        return true;
    }
    let (high, low) = (value >> 32, value & 0xffff_ffff);
    // The half that stays as it is.
    let neutral = if kind == Logic::And { 0xffff_ffff } else { 0 };
    let (low_op, high_op) = match kind {
        Logic::And => (Op::Nilf, Op::Nihf),
        Logic::Or => (Op::Oilf, Op::Oihf),
        Logic::Xor => (Op::Xilf, Op::Xihf),
    };
    let (op, half) = match () {
        () if !wide || high == neutral => (low_op, low),
        () if low == neutral => (high_op, high),
        () => return false,
    };
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    into_imm_to(ctx, op, dst, src, half as i64);
    true
}

/// The first and the last bit, counted from the highest, if all ones are neighbours.
fn run_of_ones(value: u64) -> Option<(u8, u8)> {
    let (start, after) = (value.leading_zeros(), value.trailing_zeros());
    let contiguous = value != 0 && value.count_ones() == 64 - start - after;
    contiguous.then(|| (start as u8, 63 - after as u8))
}

/// Bits of `x` where those of `c` are 1, else of `y`.
pub fn bit_select(ctx: &mut Ctx<'_>, dst: Reg, c: Reg, x: Reg, y: Reg) {
    let differing = three(ctx, Op::Xgrk, x, y);
    let chosen = three(ctx, Op::Ngrk, differing, c);
    three_to(ctx, Op::Xgrk, dst, chosen, y);
}

/// How far to shift a value of type `ty`. The instructions use 6 bits.
fn amount(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> Amount {
    let v = ctx.arg(inst, 1);
    if let Some(by) = ctx.iconst(v) {
        return Amount::Imm((by as u64 & u64::from(ty.bits() - 1)) as u8);
    }
    let src = ctx.reg(v);
    if ty == I64 {
        return Amount::Reg(src);
    }
    let dst = temp(ctx);
    let start = 64 - ty.bits().trailing_zeros() as u8;
    ctx.emit(Inst::Bits { dst, src, start, end: 63, rotate: 0 });
    Amount::Reg(dst)
}

/// Narrow values are repeated, so that they rotate as 32 bits do.
fn rotate(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, left: bool) {
    let (v, by) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let amount = match ctx.iconst(by) {
        Some(by) => {
            let by = by as u64 & u64::from(ty.bits() - 1);
            Amount::Imm(if left { by } else { u64::from(ty.bits()) - by } as u8 & 63)
        }
        None => {
            let by = ctx.reg(by);
            Amount::Reg(if left { by } else { two(ctx, Op::Lcgr, by) })
        }
    };
    let mut src = extended32(ctx, v, false);
    match ty {
        I8 => src = into_imm(ctx, Op::Msfi, src, 0x0101_0101),
        I16 => src = into_imm(ctx, Op::Msfi, src, 0x0001_0001),
        _ => {}
    }
    let dst = ctx.result(inst, 0);
    shift_to(ctx, sized(ty, Op::Rll, Op::Rllg), dst, src, amount);
}

/// Bytes change places, then halves of bytes, quarters, and bits.
fn bitrev(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let src = ctx.reg(ctx.arg(inst, 0));
    let mut value = two(ctx, Op::Lrvgr, src);
    for (by, mask) in [(4, 0x0f0f_0f0f_0f0f_0f0f), (2, 0x3333_3333_3333_3333), (1, 0x5555_5555_5555_5555)] {
        let mask = number(ctx, mask);
        let upper = shift(ctx, Op::Srlg, value, by);
        let (upper, lower) = (three(ctx, Op::Ngrk, upper, mask), three(ctx, Op::Ngrk, value, mask));
        let lower = shift(ctx, Op::Sllg, lower, by);
        value = three(ctx, Op::Ogrk, upper, lower);
    }
    let dst = ctx.result(inst, 0);
    match 64 - ty.bits() {
        0 => ctx.emit(Inst::mov(dst, value, RegClass::Int)),
        by => shift_to(ctx, Op::Srlg, dst, value, Amount::Imm(by as u8)),
    }
}

/// How many zeros a number of 64 bits begins with, less some.
fn leading_zeros(ctx: &mut Ctx<'_>, inst: IrInst, src: Reg, less: u32) {
    let dst = ctx.result(inst, 0);
    if less == 0 {
        return ctx.emit(Inst::LeadingZeros { dst, src });
    }
    let zeros = temp(ctx);
    ctx.emit(Inst::LeadingZeros { dst: zeros, src });
    add_to(ctx, dst, zeros, -(less as i32));
}

/// What changes below a number when one is taken away is ones where it ends in zeros.
fn ctz(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let mut src = ctx.reg(ctx.arg(inst, 0));
    match ty {
        I8 | I16 => src = into_imm(ctx, Op::Oilf, src, 1 << ty.bits()),
        I32 => src = into_imm(ctx, Op::Oihf, src, 1),
        _ => {}
    }
    let less = add(ctx, src, -1);
    let changed = three(ctx, Op::Xgrk, less, src);
    let ones = three(ctx, Op::Ngrk, changed, less);
    let zeros = temp(ctx);
    ctx.emit(Inst::LeadingZeros { dst: zeros, src: ones });
    let negated = two(ctx, Op::Lcgr, zeros);
    let dst = ctx.result(inst, 0);
    add_to(ctx, dst, negated, 64);
}

/// The instruction counts in each byte; a product sums them up in the highest one.
fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let src = extended(ctx, ctx.arg(inst, 0), false);
    let dst = ctx.result(inst, 0);
    if ty == I8 {
        return two_to(ctx, Op::Popcnt, dst, src);
    }
    if ctx.backend.features.mie3() {
        return ctx.emit(Inst::CountBits { dst, src });
    }
    let (counts, ones, sum) = (two(ctx, Op::Popcnt, src), number(ctx, 0x0101_0101_0101_0101), temp(ctx));
    into_to(ctx, Op::Msgr, sum, counts, ones);
    shift_to(ctx, Op::Srlg, dst, sum, Amount::Imm(56));
}

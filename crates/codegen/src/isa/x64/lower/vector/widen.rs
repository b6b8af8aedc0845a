//! Wider and narrower lanes, and sums and products of widened lanes.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    match opcode {
        Opcode::SwidenLow => low(ctx, inst, ty, true),
        Opcode::UwidenLow => low(ctx, inst, ty, false),
        Opcode::SwidenHigh => high(ctx, inst, ty, true),
        Opcode::UwidenHigh => high(ctx, inst, ty, false),
        Opcode::Snarrow | Opcode::Unarrow | Opcode::Uunarrow => narrow(ctx, inst, opcode, ty),
        Opcode::IaddPairwise => pairwise(ctx, inst, ty),
        _ => return false,
    }
    true
}

/// The widening of the low half of lanes of this type.
pub fn extension(ty: Type, signed: bool) -> VecUnaryOp {
    use VecUnaryOp::*;
    let n = ty.lane_bits().trailing_zeros() as usize - 3;
    if signed { [Pmovsxbw, Pmovsxwd, Pmovsxdq][n] } else { [Pmovzxbw, Pmovzxwd, Pmovzxdq][n] }
}

fn low(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    unary_to(ctx, extension(ty, signed), 0, dst, Rmi::Reg(src));
}

fn high(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    let unpack = by_width(ty, [VecOp::Punpckhbw, VecOp::Punpckhwd, VecOp::Punpckhdq, VecOp::Punpckhqdq]);
    match (signed, ty) {
        (false, _) => {
            let zero = zero(ctx);
            op_to(ctx, unpack, dst, src, Rmi::Reg(zero));
        }
        (true, I32X4) => {
            let upper = self::unary(ctx, VecUnaryOp::Pshufd, 0b1110_1110, src);
            unary_to(ctx, VecUnaryOp::Pmovsxdq, 0, dst, Rmi::Reg(upper));
        }
        (true, _) => {
            // In the upper halves, then down with the sign.
            let twice = op_rr(ctx, unpack, src, src);
            let shift = if ty == I8X16 { VecShiftOp::Psraw } else { VecShiftOp::Psrad };
            shift_to(ctx, shift, dst, twice, ty.lane_bits());
        }
    }
}

fn narrow(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) {
    if ty == I64X2 {
        if !convert::narrowed_to_int(ctx, inst, opcode) {
            narrow_64(ctx, inst, opcode);
        }
        return;
    }
    let words = ty == I16X8;
    let op = match opcode {
        Opcode::Snarrow if words => VecOp::Packsswb,
        Opcode::Snarrow => VecOp::Packssdw,
        _ if words => VecOp::Packuswb,
        _ => VecOp::Packusdw,
    };
    if opcode != Opcode::Uunarrow {
        return int::binary(ctx, inst, op, false);
    }
    // The instruction takes signed numbers: none of these may look negative.
    let (min, limit) =
        if words { (VecOp::Pminuw, mask(0xff, 16)) } else { (VecOp::Pminud, mask(0xffff, 32)) };
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let (a, b) = (self::op(ctx, min, a, limit), self::op(ctx, min, b, limit));
    let dst = ctx.result(inst, 0);
    op_to(ctx, op, dst, a, Rmi::Reg(b));
}

fn narrow_64(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) {
    let (low, high) = match opcode {
        Opcode::Snarrow => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (0, i64::from(u32::MAX)),
    };
    let clamp = |ctx: &mut Ctx<'_>, src: Reg| {
        let (low, high) = (constant(ctx, splat(low as u64, 64)), constant(ctx, splat(high as u64, 64)));
        let mut value = src;
        if opcode != Opcode::Uunarrow {
            let less = compare::greater(ctx, I64X2, low, value, true);
            let raised = xmm_temp(ctx);
            blend_to(ctx, I64X2, raised, less, low, value);
            value = raised;
        }
        let more = compare::greater(ctx, I64X2, value, high, opcode != Opcode::Uunarrow);
        let lowered = xmm_temp(ctx);
        blend_to(ctx, I64X2, lowered, more, high, value);
        lowered
    };
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let (a, b) = (clamp(ctx, a), clamp(ctx, b));
    let dst = ctx.result(inst, 0);
    op_imm_to(ctx, VecOp::Shufps, 0b1000_1000, dst, a, Rmi::Reg(b));
}

/// The operand of a widening of this opcode, with the type that it is widened from.
fn widened(ctx: &Ctx<'_>, v: Value, opcode: Opcode) -> Option<(Value, Type)> {
    let v = ctx.arg(def_op(ctx, v, opcode)?, 0);
    Some((behind_bitcasts(ctx, v), ctx.ty(v)))
}

/// The two widenings of the low and the high half, and what they say.
const HALVES: [(Opcode, Opcode, bool); 2] =
    [(Opcode::SwidenLow, Opcode::SwidenHigh, true), (Opcode::UwidenLow, Opcode::UwidenHigh, false)];

/// A product of two lanes of half the width; whether it is one.
pub fn multiply(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> bool {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    for (low, high, signed) in HALVES {
        for (opcode, is_high) in [(low, false), (high, true)] {
            if let Some((x, from)) = widened(ctx, a, opcode)
                && let Some((y, other)) = widened(ctx, b, opcode)
                && [from, other].iter().all(|&from| from.widened() == Some(ty))
            {
                product(ctx, inst, from, [x, y], is_high, signed);
                return true;
            }
        }
    }
    false
}

fn product(ctx: &mut Ctx<'_>, inst: IrInst, from: Type, [x, y]: [Value; 2], high: bool, signed: bool) {
    let same = x == y;
    let (x, y, dst) = (reg(ctx, x), reg(ctx, y), ctx.result(inst, 0));
    if from == I16X8 {
        let low_halves = op_rr(ctx, VecOp::Pmullw, x, y);
        let upper_halves = op_rr(ctx, if signed { VecOp::Pmulhw } else { VecOp::Pmulhuw }, x, y);
        let unpack = if high { VecOp::Punpckhwd } else { VecOp::Punpcklwd };
        return op_to(ctx, unpack, dst, low_halves, Rmi::Reg(upper_halves));
    }
    // Lanes 0 and 1, or 2 and 3, to the places of 0 and 2.
    let order = if high { 0b1111_1010 } else { 0b0101_0000 };
    let x = unary(ctx, VecUnaryOp::Pshufd, order, x);
    let y = if same { x } else { unary(ctx, VecUnaryOp::Pshufd, order, y) };
    op_to(ctx, if signed { VecOp::Pmuldq } else { VecOp::Pmuludq }, dst, x, Rmi::Reg(y));
}

fn pairwise(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    if dot(ctx, inst) || sum_of_pairs(ctx, inst) {
        return;
    }
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    match ty {
        I16X8 => return int::binary(ctx, inst, VecOp::Phaddw, false),
        I32X4 => return int::binary(ctx, inst, VecOp::Phaddd, false),
        _ => {}
    }
    let (a, b) = (reg(ctx, a), reg(ctx, b));
    let dst = ctx.result(inst, 0);
    if ty == I64X2 {
        let (low, high) = (op_rr(ctx, VecOp::Punpcklqdq, a, b), op_rr(ctx, VecOp::Punpckhqdq, a, b));
        return op_to(ctx, VecOp::Paddq, dst, low, Rmi::Reg(high));
    }
    let sums = |ctx: &mut Ctx<'_>, src: Reg| {
        let upper = shift_by(ctx, VecShiftOp::Psrlw, src, 8);
        let sum = op_rr(ctx, VecOp::Paddw, src, upper);
        op(ctx, VecOp::Pand, sum, mask(0xff, 16))
    };
    let (a, b) = (sums(ctx, a), sums(ctx, b));
    op_to(ctx, VecOp::Packuswb, dst, a, Rmi::Reg(b));
}

/// The sums of neighbouring products of signed words.
fn dot(ctx: &mut Ctx<'_>, inst: IrInst) -> bool {
    let factors = |n: usize, opcode: Opcode| {
        let imul = def_op(ctx, ctx.arg(inst, n), Opcode::Imul)?;
        let factor = |n: usize| widened(ctx, ctx.arg(imul, n), opcode);
        Some((factor(0)?, factor(1)?))
    };
    let Some(low @ ((a, I16X8), (b, I16X8))) = factors(0, Opcode::SwidenLow) else { return false };
    if factors(1, Opcode::SwidenHigh) != Some(low) {
        return false;
    }
    let (a, b) = (reg(ctx, a), reg(ctx, b));
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Pmaddwd, dst, a, Rmi::Reg(b));
    true
}

/// The sums of neighbouring lanes, widened: products with ones.
fn sum_of_pairs(ctx: &mut Ctx<'_>, inst: IrInst) -> bool {
    for (low, high, signed) in HALVES {
        let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
        let Some((v, ty)) = widened(ctx, a, low) else { continue };
        if widened(ctx, b, high) != Some((v, ty)) || ty == I32X4 {
            continue;
        }
        let src = reg(ctx, v);
        let dst = ctx.result(inst, 0);
        match (ty, signed) {
            // The first factors are unsigned, the second ones signed.
            (I8X16, false) => op_to(ctx, VecOp::Pmaddubsw, dst, src, mask(1, 8)),
            (I8X16, true) => {
                let ones = constant(ctx, splat(1, 8));
                op_to(ctx, VecOp::Pmaddubsw, dst, ones, Rmi::Reg(src));
            }
            (_, true) => op_to(ctx, VecOp::Pmaddwd, dst, src, mask(1, 16)),
            (_, false) => {
                // Less 2^15 each, and the sums that much more again.
                let less = op(ctx, VecOp::Pxor, src, mask(0x8000, 16));
                let sum = op(ctx, VecOp::Pmaddwd, less, mask(1, 16));
                op_to(ctx, VecOp::Paddd, dst, sum, mask(0x1_0000, 32));
            }
        }
        return true;
    }
    false
}

//! Integer arithmetic, bitwise operations, counts.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    use VecOp::*;
    let ops = match opcode {
        Opcode::Iadd => [Paddb, Paddw, Paddd, Paddq],
        Opcode::Isub => [Psubb, Psubw, Psubd, Psubq],
        Opcode::Band | Opcode::Bor | Opcode::Bxor => {
            logical(ctx, inst, opcode, ty);
            return true;
        }
        _ => return other(ctx, inst, opcode, ty),
    };
    binary(ctx, inst, by_width(ty, ops), opcode == Opcode::Iadd);
    true
}

fn other(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    match opcode {
        Opcode::Bnot => {
            let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
            op_to(ctx, VecOp::Pxor, dst, src, Rmi::vector(u128::MAX));
        }
        Opcode::Ineg => {
            let src = operand(ctx, ctx.arg(inst, 0));
            let (zero, dst) = (zero(ctx), ctx.result(inst, 0));
            let sub = by_width(ty, [VecOp::Psubb, VecOp::Psubw, VecOp::Psubd, VecOp::Psubq]);
            op_to(ctx, sub, dst, zero, src);
        }
        Opcode::Iabs => iabs(ctx, inst, ty),
        Opcode::Imul => imul(ctx, inst, ty),
        Opcode::Smin => min_max(ctx, inst, ty, false, true),
        Opcode::Smax => min_max(ctx, inst, ty, true, true),
        Opcode::Umin => min_max(ctx, inst, ty, false, false),
        Opcode::Umax => min_max(ctx, inst, ty, true, false),
        Opcode::UaddSat => saturating(ctx, inst, ty, [VecOp::Paddusb, VecOp::Paddusw], uadd_sat),
        Opcode::SaddSat => saturating(ctx, inst, ty, [VecOp::Paddsb, VecOp::Paddsw], sadd_sat),
        Opcode::UsubSat => saturating(ctx, inst, ty, [VecOp::Psubusb, VecOp::Psubusw], usub_sat),
        Opcode::SsubSat => saturating(ctx, inst, ty, [VecOp::Psubsb, VecOp::Psubsw], ssub_sat),
        Opcode::AvgRound => saturating(ctx, inst, ty, [VecOp::Pavgb, VecOp::Pavgw], average),
        Opcode::SqmulRoundSat => sqmul_round_sat(ctx, inst, ty),
        Opcode::Popcnt => popcnt(ctx, inst, ty),
        _ => return false,
    }
    true
}

/// One instruction.
pub fn binary(ctx: &mut Ctx<'_>, inst: IrInst, op: VecOp, commutative: bool) {
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if commutative {
        (a, b) = commuted(ctx, a, b);
    }
    let (src2, src1) = (operand(ctx, b), reg(ctx, a));
    let dst = ctx.result(inst, 0);
    op_to(ctx, op, dst, src1, src2);
}

fn logical(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) {
    let float = ty.is_float_vector();
    if opcode == Opcode::Band {
        let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
        for (kept, v) in [(a, b), (b, a)] {
            if let Some(not) = def_op(ctx, v, Opcode::Bnot)
                && ctx.single_use(v)
            {
                let (src2, src1) = (operand(ctx, kept), arg(ctx, not, 0));
                let dst = ctx.result(inst, 0);
                return op_to(ctx, if float { VecOp::Andnps } else { VecOp::Pandn }, dst, src1, src2);
            }
        }
    }
    let op = match (opcode, float) {
        (Opcode::Band, false) => VecOp::Pand,
        (Opcode::Band, true) => VecOp::Andps,
        (Opcode::Bor, false) => VecOp::Por,
        (Opcode::Bor, true) => VecOp::Orps,
        (_, false) => VecOp::Pxor,
        (_, true) => VecOp::Xorps,
    };
    binary(ctx, inst, op, true);
}

/// All ones in the negative lanes of 64 bits.
pub fn sign_of_64(ctx: &mut Ctx<'_>, src: Reg) -> Reg {
    let zero = zero(ctx);
    op_rr(ctx, VecOp::Pcmpgtq, zero, src)
}

fn iabs(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let op = match ty {
        I8X16 => VecUnaryOp::Pabsb,
        I16X8 => VecUnaryOp::Pabsw,
        I32X4 => VecUnaryOp::Pabsd,
        _ if ctx.backend.features.avx512() => {
            let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
            return ctx.emit(Inst::EvexUnary { op: EvexUnaryOp::Vpabsq, dst, src });
        }
        _ => {
            // Minus one times, or not at all.
            let src = arg(ctx, inst, 0);
            let sign = sign_of_64(ctx, src);
            let flipped = op_rr(ctx, VecOp::Pxor, src, sign);
            let dst = ctx.result(inst, 0);
            return op_to(ctx, VecOp::Psubq, dst, flipped, Rmi::Reg(sign));
        }
    };
    let (src, dst) = (operand(ctx, ctx.arg(inst, 0)), ctx.result(inst, 0));
    unary_to(ctx, op, 0, dst, src);
}

fn imul(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    match ty {
        I16X8 => return binary(ctx, inst, VecOp::Pmullw, true),
        I32X4 | I64X2 if widen::multiply(ctx, inst, ty) => return,
        I32X4 => return binary(ctx, inst, VecOp::Pmulld, true),
        _ => {}
    }
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let dst = ctx.result(inst, 0);
    if ty == I8X16 {
        // The bytes of even number in the lower halves of words, the others in the
        // upper ones, where one factor stays.
        let even = op_rr(ctx, VecOp::Pmullw, a, b);
        let even = op(ctx, VecOp::Pand, even, mask(0xff, 16));
        let (a, b) = (shift_by(ctx, VecShiftOp::Psrlw, a, 8), op(ctx, VecOp::Pand, b, mask(0xff00, 16)));
        let odd = op_rr(ctx, VecOp::Pmullw, a, b);
        return op_to(ctx, VecOp::Por, dst, even, Rmi::Reg(odd));
    }
    if ctx.backend.features.avx512dq() {
        return ctx.emit(Inst::Evex { op: EvexOp::Vpmullq, dst, src1: a, src2: b });
    }
    // a * b = (a.hi * b.lo + b.hi * a.lo) << 32 + a.lo * b.lo
    let high = shift_by(ctx, VecShiftOp::Psrlq, a, 32);
    let cross = op_rr(ctx, VecOp::Pmuludq, high, b);
    let high = shift_by(ctx, VecShiftOp::Psrlq, b, 32);
    let other = op_rr(ctx, VecOp::Pmuludq, high, a);
    let cross = op_rr(ctx, VecOp::Paddq, cross, other);
    let cross = shift_by(ctx, VecShiftOp::Psllq, cross, 32);
    let low = op_rr(ctx, VecOp::Pmuludq, a, b);
    op_to(ctx, VecOp::Paddq, dst, low, Rmi::Reg(cross));
}

/// The instruction for the minimum or maximum; there is none for lanes of 64 bits.
pub fn min_max_op(ty: Type, max: bool, signed: bool) -> Option<VecOp> {
    use VecOp::*;
    let ops = match (max, signed) {
        (false, true) => [Pminsb, Pminsw, Pminsd],
        (true, true) => [Pmaxsb, Pmaxsw, Pmaxsd],
        (false, false) => [Pminub, Pminuw, Pminud],
        (true, false) => [Pmaxub, Pmaxuw, Pmaxud],
    };
    ops.get(ty.lane_bits().trailing_zeros() as usize - 3).copied()
}

fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, max: bool, signed: bool) {
    if let Some(op) = min_max_op(ty, max, signed) {
        return binary(ctx, inst, op, true);
    }
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let dst = ctx.result(inst, 0);
    min_max_to(ctx, ty, dst, a, b, max, signed);
}

fn min_max_to(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Reg, max: bool, signed: bool) {
    if let Some(op) = min_max_op(ty, max, signed) {
        return op_to(ctx, op, dst, a, Rmi::Reg(b));
    }
    let greater = compare::greater(ctx, ty, a, b, signed);
    let (yes, no) = if max { (a, b) } else { (b, a) };
    blend_to(ctx, ty, dst, greater, yes, no);
}

/// Lanes of 8 and 16 bits by an instruction, others by `rule`.
fn saturating(
    ctx: &mut Ctx<'_>,
    inst: IrInst,
    ty: Type,
    ops: [VecOp; 2],
    rule: fn(&mut Ctx<'_>, Type, Reg, Reg, Reg),
) {
    if ty.lane_bits() <= 16 {
        let op = ops[usize::from(ty == I16X8)];
        let commutative = ctx.func.dfg.insts[inst].opcode.is_commutative();
        return binary(ctx, inst, op, commutative);
    }
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let dst = ctx.result(inst, 0);
    rule(ctx, ty, dst, a, b);
}

fn add_op(ty: Type) -> VecOp {
    if ty == I64X2 { VecOp::Paddq } else { VecOp::Paddd }
}

fn sub_op(ty: Type) -> VecOp {
    if ty == I64X2 { VecOp::Psubq } else { VecOp::Psubd }
}

/// What is added is at most the distance to the greatest number.
fn uadd_sat(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Reg) {
    let room = op(ctx, VecOp::Pxor, b, Rmi::vector(u128::MAX));
    let added = xmm_temp(ctx);
    min_max_to(ctx, ty, added, a, room, false, false);
    op_to(ctx, add_op(ty), dst, added, Rmi::Reg(b));
}

fn usub_sat(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Reg) {
    let from = xmm_temp(ctx);
    min_max_to(ctx, ty, from, a, b, true, false);
    op_to(ctx, sub_op(ty), dst, from, Rmi::Reg(b));
}

fn sadd_sat(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Reg) {
    // Overflow: the sum's sign is that of neither.
    let sum = op_rr(ctx, add_op(ty), a, b);
    let (x, y) = (op_rr(ctx, VecOp::Pxor, a, sum), op_rr(ctx, VecOp::Pxor, b, sum));
    saturated(ctx, ty, dst, sum, x, y);
}

fn ssub_sat(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Reg) {
    let difference = op_rr(ctx, sub_op(ty), a, b);
    let (x, y) = (op_rr(ctx, VecOp::Pxor, a, b), op_rr(ctx, VecOp::Pxor, a, difference));
    saturated(ctx, ty, dst, difference, x, y);
}

/// The result, or where `x & y` is negative the limit on the other side of zero.
fn saturated(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, result: Reg, x: Reg, y: Reg) {
    let overflow = op_rr(ctx, VecOp::Pand, x, y);
    let sign = match ty {
        I64X2 => sign_of_64(ctx, result),
        _ => shift_by(ctx, VecShiftOp::Psrad, result, 31),
    };
    let limit = op(ctx, VecOp::Pxor, sign, mask(1 << (ty.lane_bits() - 1), ty.lane_bits()));
    blend_to(ctx, ty, dst, overflow, limit, result);
}

/// `(a | b) - ((a ^ b) >> 1)`
fn average(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Reg) {
    let differing = op_rr(ctx, VecOp::Pxor, a, b);
    let shift = if ty == I64X2 { VecShiftOp::Psrlq } else { VecShiftOp::Psrld };
    let half = shift_by(ctx, shift, differing, 1);
    let either = op_rr(ctx, VecOp::Por, a, b);
    op_to(ctx, sub_op(ty), dst, either, Rmi::Reg(half));
}

/// Only the product of the least number with itself overflows, to the least number.
fn sqmul_round_sat(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let (product, equal) = if ty == I16X8 {
        (op_rr(ctx, VecOp::Pmulhrsw, a, b), VecOp::Pcmpeqw)
    } else {
        let round = |ctx: &mut Ctx<'_>, a: Reg, b: Reg| {
            let product = op_rr(ctx, VecOp::Pmuldq, a, b);
            op(ctx, VecOp::Paddq, product, mask(1 << 30, 64))
        };
        let even = round(ctx, a, b);
        let even = shift_by(ctx, VecShiftOp::Psrlq, even, 31);
        let (a, b) = (shift_by(ctx, VecShiftOp::Psrlq, a, 32), shift_by(ctx, VecShiftOp::Psrlq, b, 32));
        let odd = round(ctx, a, b);
        let odd = shift_by(ctx, VecShiftOp::Psllq, odd, 1);
        (op_imm(ctx, VecOp::Pblendw, 0b1100_1100, even, Rmi::Reg(odd)), VecOp::Pcmpeqd)
    };
    let least = mask(1 << (ty.lane_bits() - 1), ty.lane_bits());
    let overflow = op(ctx, equal, product, least);
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Pxor, dst, product, Rmi::Reg(overflow));
}

/// The counts of both halves of each byte from a table, then sums.
fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    const COUNTS: u128 = 0x0403_0302_0302_0201_0302_0201_0201_0100;
    let src = arg(ctx, inst, 0);
    if ty == I8X16 && ctx.backend.features.avx512bitalg() {
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::EvexUnary { op: EvexUnaryOp::Vpopcntb, dst, src });
    }
    let low = op(ctx, VecOp::Pand, src, mask(15, 8));
    let high = shift_by(ctx, VecShiftOp::Psrlw, src, 4);
    let high = op(ctx, VecOp::Pand, high, mask(15, 8));
    let table = constant(ctx, COUNTS);
    let (low, high) = (op_rr(ctx, VecOp::Pshufb, table, low), op_rr(ctx, VecOp::Pshufb, table, high));
    let dst = ctx.result(inst, 0);
    if ty == I8X16 {
        return op_to(ctx, VecOp::Paddb, dst, low, Rmi::Reg(high));
    }
    let bytes = op_rr(ctx, VecOp::Paddb, low, high);
    match ty {
        I16X8 => op_to(ctx, VecOp::Pmaddubsw, dst, bytes, mask(1, 8)),
        I32X4 => {
            let words = op(ctx, VecOp::Pmaddubsw, bytes, mask(1, 8));
            op_to(ctx, VecOp::Pmaddwd, dst, words, mask(1, 16));
        }
        _ => {
            let zero = zero(ctx);
            op_to(ctx, VecOp::Psadbw, dst, bytes, Rmi::Reg(zero));
        }
    }
}

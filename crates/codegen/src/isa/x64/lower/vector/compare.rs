//! Comparisons, choices by lane, and tests of whole vectors.

use super::*;
use crate::isa::x64::lower::control::{Cond, Test};
use sidetrack_ir::{FloatCC, IntCC};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    match (opcode, ctx.func.dfg.insts[inst].extra) {
        (Opcode::Icmp, Extra::IntCC(cc)) => icmp(ctx, inst, ty, cc),
        (Opcode::Fcmp, Extra::FloatCC(cc)) => fcmp(ctx, inst, ty, cc),
        (Opcode::Bitselect, _) => bitselect(ctx, inst),
        (Opcode::VanyTrue | Opcode::VallTrue, _) => {
            let v = ctx.func.dfg.first_result(inst);
            let Some((set, Cond::One(cc))) = test(ctx, v) else { return false };
            let dst = ctx.result(inst, 0);
            ctx.emit(set);
            ctx.emit(Inst::Setcc { cc, dst });
        }
        (Opcode::VhighBits, _) => high_bits(ctx, inst, ty),
        _ => return false,
    }
    true
}

/// `a > b` by lane.
pub fn greater(ctx: &mut Ctx<'_>, ty: Type, a: Reg, b: Reg, signed: bool) -> Reg {
    let dst = xmm_temp(ctx);
    greater_to(ctx, ty, dst, a, Rmi::Reg(b), signed);
    dst
}

fn greater_to(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Rmi, signed: bool) {
    let which = by_width(ty, [VecOp::Pcmpgtb, VecOp::Pcmpgtw, VecOp::Pcmpgtd, VecOp::Pcmpgtq]);
    if signed {
        return op_to(ctx, which, dst, a, b);
    }
    // With the sign bits flipped the order is the signed one.
    let sign = constant(ctx, splat(1 << (ty.lane_bits() - 1), ty.lane_bits()));
    let (a, b) = (op_rr(ctx, VecOp::Pxor, a, sign), op(ctx, VecOp::Pxor, sign, b));
    op_to(ctx, which, dst, a, Rmi::Reg(b));
}

fn equal_op(ty: Type) -> VecOp {
    by_width(ty, [VecOp::Pcmpeqb, VecOp::Pcmpeqw, VecOp::Pcmpeqd, VecOp::Pcmpeqq])
}

fn icmp(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, cc: IntCC) {
    use IntCC::*;
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let signed =
        matches!(cc, SignedLessThan | SignedGreaterThan | SignedLessThanOrEqual | SignedGreaterThanOrEqual);
    // Where there is a minimum or maximum, it shows by being an operand.
    let limit = |max| int::min_max_op(ty, max, signed);
    let (operation, extreme, negated) = match cc {
        Equal => (Some((a, b)), None, false),
        NotEqual => (Some((a, b)), None, true),
        SignedGreaterThan => (Some((a, b)), None, false),
        SignedLessThan => (Some((b, a)), None, false),
        SignedGreaterThanOrEqual | UnsignedGreaterThanOrEqual => (None, limit(true), false),
        SignedLessThanOrEqual | UnsignedLessThanOrEqual => (None, limit(false), false),
        UnsignedGreaterThan => (None, limit(false), true),
        UnsignedLessThan => (None, limit(true), true),
    };
    let dst = ctx.result(inst, 0);
    let to = if negated { xmm_temp(ctx) } else { dst };
    match (operation, extreme) {
        (Some((a, b)), _) if matches!(cc, Equal | NotEqual) => {
            let (a, b) = commuted(ctx, a, b);
            let (src2, src1) = (operand(ctx, b), reg(ctx, a));
            op_to(ctx, equal_op(ty), to, src1, src2);
        }
        (Some((a, b)), _) => {
            let (src2, src1) = (operand(ctx, b), reg(ctx, a));
            greater_to(ctx, ty, to, src1, src2, true);
        }
        (None, Some(limit)) => {
            let (a, b) = (reg(ctx, a), operand(ctx, b));
            let limited = op(ctx, limit, a, b);
            op_to(ctx, equal_op(ty), to, limited, Rmi::Reg(a));
        }
        (None, None) => return order_64(ctx, cc, dst, a, b, signed),
    }
    if negated {
        op_to(ctx, VecOp::Pxor, dst, to, Rmi::vector(u128::MAX));
    }
}

fn order_64(ctx: &mut Ctx<'_>, cc: IntCC, dst: Reg, a: Value, b: Value, signed: bool) {
    use IntCC::*;
    let (a, b) = (reg(ctx, a), reg(ctx, b));
    let swap = matches!(cc, UnsignedLessThan | SignedGreaterThanOrEqual | UnsignedGreaterThanOrEqual);
    let (x, y) = if swap { (b, a) } else { (a, b) };
    if matches!(cc, UnsignedLessThan | UnsignedGreaterThan) {
        return greater_to(ctx, I64X2, dst, x, Rmi::Reg(y), signed);
    }
    let greater = greater(ctx, I64X2, x, y, signed);
    op_to(ctx, VecOp::Pxor, dst, greater, Rmi::vector(u128::MAX));
}

/// The predicates of `cmpps` and `cmppd` are eight; AVX has more.
fn fcmp(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, cc: FloatCC) {
    let (predicate, swap) = match cc {
        FloatCC::Equal => (0, false),
        FloatCC::LessThan => (1, false),
        FloatCC::GreaterThan => (1, true),
        FloatCC::LessThanOrEqual => (2, false),
        FloatCC::GreaterThanOrEqual => (2, true),
        FloatCC::Unordered => (3, false),
        FloatCC::NotEqual => (4, false),
        FloatCC::UnorderedOrGreaterThanOrEqual => (5, false),
        FloatCC::UnorderedOrLessThanOrEqual => (5, true),
        FloatCC::UnorderedOrGreaterThan => (6, false),
        FloatCC::UnorderedOrLessThan => (6, true),
        FloatCC::Ordered => (7, false),
        FloatCC::UnorderedOrEqual => (8, false),
        FloatCC::OrderedNotEqual => (12, false),
    };
    let compare = by_float(ty, VecOp::Cmpps, VecOp::Cmppd);
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if predicate < 8 || ctx.backend.features.avx() {
        let (a, b) = if swap { (b, a) } else { (a, b) };
        let (src2, src1) = (operand(ctx, b), reg(ctx, a));
        let dst = ctx.result(inst, 0);
        return op_imm_to(ctx, compare, predicate, dst, src1, src2);
    }
    // Equal or unordered; not equal and ordered.
    let (a, b) = (reg(ctx, a), reg(ctx, b));
    let (first, second, join) = if predicate == 8 { (0, 3, VecOp::Orps) } else { (4, 7, VecOp::Andps) };
    let first = op_imm(ctx, compare, first, a, Rmi::Reg(b));
    let second = op_imm(ctx, compare, second, a, Rmi::Reg(b));
    let dst = ctx.result(inst, 0);
    op_to(ctx, join, dst, first, Rmi::Reg(second));
}

/// `(c & x) | (!c & y)`
fn bitselect(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [c, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    if pseudo_min_max(ctx, inst, c, x, y) {
        return;
    }
    if ctx.backend.features.avx512() {
        let (x, y, c) = (reg(ctx, x), reg(ctx, y), reg(ctx, c));
        let (op, dst) = (EvexTernaryOp::Vpternlogd, ctx.result(inst, 0));
        // A bit for each triple of bits of c, x and y, the highest for three ones.
        let imm = 0b1100_1010;
        return ctx.emit(Inst::EvexTernary { op, imm, dst, src1: c, src2: x, src3: Rmi::Reg(y) });
    }
    let (x, y, c) = (operand(ctx, x), operand(ctx, y), reg(ctx, c));
    let (yes, no) = (op(ctx, VecOp::Pand, c, x), op(ctx, VecOp::Pandn, c, y));
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Por, dst, yes, Rmi::Reg(no));
}

/// `x < y ? x : y`, which is what the instructions for minimum and maximum do: their
/// result is the second operand if the operands are equal or one is a NaN.
fn pseudo_min_max(ctx: &mut Ctx<'_>, inst: IrInst, c: Value, x: Value, y: Value) -> bool {
    let Some(compare) = def_op(ctx, c, Opcode::Fcmp) else { return false };
    let Extra::FloatCC(cc) = ctx.func.dfg.insts[compare].extra else { return false };
    let (a, b) = (ctx.arg(compare, 0), ctx.arg(compare, 1));
    let [a, b, x, y] = [a, b, x, y].map(|v| behind_bitcasts(ctx, v));
    let ty = ctx.ty(ctx.arg(compare, 0));
    let min = match cc {
        FloatCC::LessThan if (a, b) == (x, y) => true,
        FloatCC::GreaterThan if (a, b) == (y, x) => true,
        FloatCC::LessThan if (a, b) == (y, x) => false,
        FloatCC::GreaterThan if (a, b) == (x, y) => false,
        _ => return false,
    };
    let op = match min {
        true => by_float(ty, VecOp::Minps, VecOp::Minpd),
        false => by_float(ty, VecOp::Maxps, VecOp::Maxpd),
    };
    let (src1, src2) = (reg(ctx, x), reg(ctx, y));
    let dst = ctx.result(inst, 0);
    op_to(ctx, op, dst, src1, Rmi::Reg(src2));
    true
}

/// The test of `vany_true` or `vall_true`, if the value is one: it sets flags, and may
/// be preceded by instructions that do not.
pub fn test(ctx: &mut Ctx<'_>, v: Value) -> Option<Test> {
    if let Some(any) = ctx.def_op(v, Opcode::VanyTrue) {
        let src = arg(ctx, any, 0);
        return Some((Inst::VecTest { src1: src, src2: Rmi::Reg(src) }, Cond::One(Cc::Ne)));
    }
    let all = ctx.def_op(v, Opcode::VallTrue)?;
    let v = ctx.arg(all, 0);
    let src = reg(ctx, v);
    let whole = def_op(ctx, v, Opcode::Icmp).or_else(|| def_op(ctx, v, Opcode::Fcmp));
    let ty = ctx.ty(v);
    let comparison =
        whole.is_some_and(|inst| ctx.ty(ctx.func.dfg.first_result(inst)).lane_bits() >= ty.lane_bits());
    if comparison {
        // Every lane is all ones or zero: is none of all ones missing?
        let ones = Rmi::vector(u128::MAX);
        return Some((Inst::VecTest { src1: src, src2: ones }, Cond::One(Cc::B)));
    }
    let zero = zero(ctx);
    let zeros = op_rr(ctx, equal_op(ty), src, zero);
    Some((Inst::VecTest { src1: zeros, src2: Rmi::Reg(zeros) }, Cond::One(Cc::E)))
}

fn high_bits(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (mut src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    let op = match ty.lane_bits() {
        8 => MaskOp::Pmovmskb,
        16 => {
            let zero = zero(ctx);
            src = op_rr(ctx, VecOp::Packsswb, src, zero);
            MaskOp::Pmovmskb
        }
        32 => MaskOp::Movmskps,
        _ => MaskOp::Movmskpd,
    };
    ctx.emit(Inst::VecMask { op, dst, src });
}

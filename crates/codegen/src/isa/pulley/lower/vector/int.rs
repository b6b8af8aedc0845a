//! Integer arithmetic, comparison, lanes made narrower and wider.

use super::*;
use sidetrack_ir::IntCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    use Opcode::*;
    let v = ctx.arg(inst, 0);
    let ty = ctx.ty(v);
    match opcode {
        Iadd => binary(ctx, inst, by_lane(ty, ADD)),
        Isub => binary(ctx, inst, by_lane(ty, SUB)),
        Imul => {
            let ops = [Vvv::vmuli8x16, Vvv::vmuli16x8, Vvv::vmuli32x4, Vvv::vmuli64x2];
            binary(ctx, inst, by_lane(ty, ops));
        }
        Ineg => unary(ctx, inst, by_lane(ty, [Vv::vneg8x16, Vv::vneg16x8, Vv::vneg32x4, Vv::vneg64x2])),
        Iabs => unary(ctx, inst, by_lane(ty, [Vv::vabs8x16, Vv::vabs16x8, Vv::vabs32x4, Vv::vabs64x2])),
        Popcnt => popcnt(ctx, inst, ty),
        Smin | Umin | Smax | Umax => min_max(ctx, inst, opcode, ty),
        Ishl => shift_by(ctx, inst, by_lane(ty, SHL)),
        Ushr => shift_by(ctx, inst, by_lane(ty, SHR_U)),
        Sshr => shift_by(ctx, inst, by_lane(ty, SHR_S)),
        Icmp => {
            let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
            let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            compare_to(ctx, cc, ty, dst, a, b);
        }
        UaddSat | SaddSat | UsubSat | SsubSat => saturating(ctx, inst, opcode, ty),
        AvgRound => average(ctx, inst, ty),
        SqmulRoundSat if ty.lane_bits() == 16 => binary(ctx, inst, Vvv::vqmulrsi16x8),
        SqmulRoundSat => product_of_words(ctx, inst),
        IaddPairwise => pairwise(ctx, inst, ty),
        Snarrow => {
            let ops = [Vvv::vnarrow16x8_s, Vvv::vnarrow32x4_s, Vvv::vnarrow64x2_s];
            binary(ctx, inst, ops[by_lane(ty, [0, 0, 1, 2])]);
        }
        Unarrow => binary(ctx, inst, narrow_unsigned(ty)),
        Uunarrow if ty.lane_bits() == 64 => binary(ctx, inst, Vvv::vunarrow64x2_u),
        Uunarrow => {
            // Cut off first, the lanes are no negative numbers.
            let min = by_lane(ty, [Vvv::vmin8x16_u, Vvv::vmin16x8_u, Vvv::vmin32x4_u, Vvv::vmin32x4_u]);
            let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            let greatest = splat_const(ctx, ty.lane_bits(), (1 << (ty.lane_bits() / 2)) - 1);
            let (a, b) = (vvv(ctx, min, a, greatest), vvv(ctx, min, b, greatest));
            vvv_to(ctx, narrow_unsigned(ty), dst, a, b);
        }
        SwidenLow => widen(ctx, inst, [Vv::vwidenlow8x16_s, Vv::vwidenlow16x8_s, Vv::vwidenlow32x4_s]),
        SwidenHigh => widen(ctx, inst, [Vv::vwidenhigh8x16_s, Vv::vwidenhigh16x8_s, Vv::vwidenhigh32x4_s]),
        UwidenLow => widen(ctx, inst, [Vv::vwidenlow8x16_u, Vv::vwidenlow16x8_u, Vv::vwidenlow32x4_u]),
        UwidenHigh => widen(ctx, inst, [Vv::vwidenhigh8x16_u, Vv::vwidenhigh16x8_u, Vv::vwidenhigh32x4_u]),
        _ => return false,
    }
    true
}

const ADD: [Vvv; 4] = [Vvv::vaddi8x16, Vvv::vaddi16x8, Vvv::vaddi32x4, Vvv::vaddi64x2];
const SUB: [Vvv; 4] = [Vvv::vsubi8x16, Vvv::vsubi16x8, Vvv::vsubi32x4, Vvv::vsubi64x2];
const SHL: [Vvx; 4] = [Vvx::vshli8x16, Vvx::vshli16x8, Vvx::vshli32x4, Vvx::vshli64x2];
const SHR_U: [Vvx; 4] = [Vvx::vshri8x16_u, Vvx::vshri16x8_u, Vvx::vshri32x4_u, Vvx::vshri64x2_u];
const SHR_S: [Vvx; 4] = [Vvx::vshri8x16_s, Vvx::vshri16x8_s, Vvx::vshri32x4_s, Vvx::vshri64x2_s];

/// An amount narrower than a register has undefined upper bits, none of which
/// count modulo the width of a lane.
fn shift_by(ctx: &mut Ctx<'_>, inst: IrInst, op: Vvx) {
    let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    ctx.emit(Inst::Vvx { op, dst, a, b });
}

fn widen(ctx: &mut Ctx<'_>, inst: IrInst, ops: [Vv; 3]) {
    let v = ctx.arg(inst, 0);
    unary(ctx, inst, ops[by_lane(ctx.ty(v), [0, 1, 2, 2])]);
}

fn narrow_unsigned(ty: Type) -> Vvv {
    let bytes = Vvv::vnarrow16x8_u;
    by_lane(ty, [bytes, bytes, Vvv::vnarrow32x4_u, Vvv::vnarrow64x2_u])
}

fn compare_to(ctx: &mut Ctx<'_>, cc: IntCC, ty: Type, dst: Reg, a: Reg, b: Reg) {
    use IntCC::*;
    let swapped = matches!(
        cc,
        SignedGreaterThan | SignedGreaterThanOrEqual | UnsignedGreaterThan | UnsignedGreaterThanOrEqual
    );
    let (cc, a, b) = if swapped { (cc.swap_args(), b, a) } else { (cc, a, b) };
    let ops = match cc {
        Equal => [Vvv::veq8x16, Vvv::veq16x8, Vvv::veq32x4, Vvv::veq64x2],
        NotEqual => [Vvv::vneq8x16, Vvv::vneq16x8, Vvv::vneq32x4, Vvv::vneq64x2],
        SignedLessThan => [Vvv::vslt8x16, Vvv::vslt16x8, Vvv::vslt32x4, Vvv::vslt64x2],
        SignedLessThanOrEqual => [Vvv::vslteq8x16, Vvv::vslteq16x8, Vvv::vslteq32x4, Vvv::vslteq64x2],
        UnsignedLessThan => [Vvv::vult8x16, Vvv::vult16x8, Vvv::vult32x4, Vvv::vult64x2],
        _ => [Vvv::vulteq8x16, Vvv::vulteq16x8, Vvv::vulteq32x4, Vvv::vulteq64x2],
    };
    vvv_to(ctx, by_lane(ty, ops), dst, a, b);
}

fn compare(ctx: &mut Ctx<'_>, cc: IntCC, ty: Type, a: Reg, b: Reg) -> Reg {
    let dst = v_temp(ctx);
    compare_to(ctx, cc, ty, dst, a, b);
    dst
}

fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) {
    let (ops, first_if) = match opcode {
        Opcode::Smin => ([Vvv::vmin8x16_s, Vvv::vmin16x8_s, Vvv::vmin32x4_s], IntCC::SignedLessThan),
        Opcode::Umin => ([Vvv::vmin8x16_u, Vvv::vmin16x8_u, Vvv::vmin32x4_u], IntCC::UnsignedLessThan),
        Opcode::Smax => ([Vvv::vmax8x16_s, Vvv::vmax16x8_s, Vvv::vmax32x4_s], IntCC::SignedGreaterThan),
        _ => ([Vvv::vmax8x16_u, Vvv::vmax16x8_u, Vvv::vmax32x4_u], IntCC::UnsignedGreaterThan),
    };
    if ty.lane_bits() < 64 {
        return binary(ctx, inst, ops[by_lane(ty, [0, 1, 2, 2])]);
    }
    let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    let first = compare(ctx, first_if, ty, a, b);
    bitselect_to(ctx, dst, first, a, b);
}

/// There are counts of bytes only; those of neighbours are added up.
fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    if ty.lane_bits() == 8 {
        return unary(ctx, inst, Vv::vpopcnt8x16);
    }
    let ([src], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    let mut counts = vv(ctx, Vv::vpopcnt8x16, src);
    let steps = by_lane(ty, [0, 1, 2, 3]);
    for step in 1..=steps {
        // Every lane of this step's width is the sum of two of half of it.
        let (half, lane) = (4 << step, step as usize);
        let mask = splat_const(ctx, half * 2, (1 << half) - 1);
        let low = vvv(ctx, Vvv::vband128, counts, mask);
        let high = vshift(ctx, SHR_U[lane], counts, half);
        if step == steps {
            return vvv_to(ctx, ADD[lane], dst, low, high);
        }
        counts = vvv(ctx, ADD[lane], low, high);
    }
}

fn saturating(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) {
    let ops = match opcode {
        Opcode::UaddSat => [Vvv::vaddu8x16_sat, Vvv::vaddu16x8_sat],
        Opcode::SaddSat => [Vvv::vaddi8x16_sat, Vvv::vaddi16x8_sat],
        Opcode::UsubSat => [Vvv::vsubu8x16_sat, Vvv::vsubu16x8_sat],
        _ => [Vvv::vsubi8x16_sat, Vvv::vsubi16x8_sat],
    };
    if ty.lane_bits() < 32 {
        return binary(ctx, inst, ops[by_lane(ty, [0, 1, 1, 1])]);
    }
    let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    let subtract = matches!(opcode, Opcode::UsubSat | Opcode::SsubSat);
    let wrapped = vvv(ctx, by_lane(ty, if subtract { SUB } else { ADD }), a, b);
    match opcode {
        Opcode::UaddSat => {
            let carry = compare(ctx, IntCC::UnsignedLessThan, ty, wrapped, a);
            vvv_to(ctx, Vvv::vbor128, dst, wrapped, carry);
        }
        Opcode::UsubSat => {
            let no_borrow = compare(ctx, IntCC::UnsignedLessThanOrEqual, ty, b, a);
            vvv_to(ctx, Vvv::vband128, dst, wrapped, no_borrow);
        }
        _ => {
            // A sum overflows if its sign is neither operand's; a difference if its
            // sign is not the first's, which is not the second's.
            let of_a = vvv(ctx, Vvv::vbxor128, a, wrapped);
            let of_b = vvv(ctx, Vvv::vbxor128, if subtract { a } else { wrapped }, b);
            let both = vvv(ctx, Vvv::vband128, of_a, of_b);
            let top = ty.lane_bits() - 1;
            let overflow = vshift(ctx, by_lane(ty, SHR_S), both, top);
            let sign = vshift(ctx, by_lane(ty, SHR_S), a, top);
            let greatest = splat_const(ctx, ty.lane_bits(), (1 << top) - 1);
            let limit = vvv(ctx, Vvv::vbxor128, sign, greatest);
            bitselect_to(ctx, dst, overflow, limit, wrapped);
        }
    }
}

/// `(a | b) - ((a ^ b) >> 1)`, where there is no instruction.
fn average(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    match ty.lane_bits() {
        8 => return binary(ctx, inst, Vvv::vavground8x16),
        16 => return binary(ctx, inst, Vvv::vavground16x8),
        _ => {}
    }
    let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    let (any, differing) = (vvv(ctx, Vvv::vbor128, a, b), vvv(ctx, Vvv::vbxor128, a, b));
    let half = vshift(ctx, by_lane(ty, SHR_U), differing, 1);
    vvv_to(ctx, by_lane(ty, SUB), dst, any, half);
}

/// `sqmul_round_sat` of 32-bit lanes, one after another.
fn product_of_words(ctx: &mut Ctx<'_>, inst: IrInst) {
    let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    let half = xconst(ctx, 1 << 30);
    let greatest = xconst(ctx, i64::from(i32::MAX));
    let mut result = a;
    for lane in 0..4 {
        let [x, y] = [a, b].map(|src| {
            let (narrow, op) = (x_temp(ctx), XvLane::xextractv32x4);
            ctx.emit(Inst::XvLane { op, dst: narrow, src, lane });
            xx(ctx, Xx::sext32, narrow)
        });
        let product = xxx(ctx, Xxx::xmul64, x, y);
        let rounded = xxx(ctx, Xxx::xadd64, product, half);
        // Only the square of the least number is too great.
        let shifted = shift(ctx, XxU6::xshr64_s_u6, rounded, 31);
        let limited = xxx(ctx, Xxx::xmin64_s, shifted, greatest);
        let next = if lane == 3 { dst } else { v_temp(ctx) };
        ctx.emit(Inst::VvxLane { op: VvxLane::vinsertx32, dst: next, a: result, b: limited, lane });
        result = next;
    }
}

fn pairwise(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    match ty.lane_bits() {
        16 => return binary(ctx, inst, Vvv::vaddpairwisei16x8_s),
        32 => return binary(ctx, inst, Vvv::vaddpairwisei32x4_s),
        _ => {}
    }
    let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    let size = ty.lane_bits() as usize / 8;
    let [even, odd] = [0, 1].map(|odd| {
        let mask = std::array::from_fn(|n| ((n / size * 2 + odd) * size + n % size) as u8);
        shuffle(ctx, a, b, mask)
    });
    vvv_to(ctx, by_lane(ty, ADD), dst, even, odd);
}

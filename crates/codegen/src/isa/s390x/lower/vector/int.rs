//! Integers and bits in lanes.

use super::*;
use sidetrack_ir::IntCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let wide = ty.lane_bits() == 64;
    let op = match opcode {
        Opcode::Iadd => Vop::Va,
        Opcode::Isub => Vop::Vs,
        Opcode::Imul if !wide => Vop::Vml,
        Opcode::Smin => Vop::Vmn,
        Opcode::Smax => Vop::Vmx,
        Opcode::Umin => Vop::Vmnl,
        Opcode::Umax => Vop::Vmxl,
        Opcode::AvgRound => Vop::Vavgl,
        Opcode::Bxor => Vop::Vx,
        Opcode::Band | Opcode::Bor => {
            logic(ctx, inst, opcode);
            return true;
        }
        _ => return other(ctx, inst, opcode, ty),
    };
    let ([a, b], dst) = (args(ctx, inst), ctx.result(inst, 0));
    three_to(ctx, op, if op == Vop::Vx { 0 } else { size(ty) }, dst, a, b);
    true
}

fn other(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let m = size(ty);
    match opcode {
        Opcode::Imul => multiply_64(ctx, inst),
        Opcode::Ineg | Opcode::Iabs => {
            let op = if opcode == Opcode::Ineg { Vop::Vlc } else { Vop::Vlp };
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            two_to(ctx, op, [m, 0, 0], dst, a);
        }
        Opcode::Bnot => {
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            three_to(ctx, Vop::Vno, 0, dst, a, a);
        }
        Opcode::Bitselect => {
            let ([c, x, y], dst) = (args(ctx, inst), ctx.result(inst, 0));
            choose_to(ctx, dst, c, x, y);
        }
        Opcode::Popcnt => popcnt(ctx, inst, ty),
        Opcode::Ishl => by_amount(ctx, inst, Vop::Vesl, m),
        Opcode::Ushr => by_amount(ctx, inst, Vop::Vesrl, m),
        Opcode::Sshr => by_amount(ctx, inst, Vop::Vesra, m),
        Opcode::UaddSat => {
            // As much as there is room for.
            let [a, b] = args(ctx, inst);
            let room = three(ctx, Vop::Vno, 0, a, a);
            let added = three(ctx, Vop::Vmnl, m, b, room);
            let dst = ctx.result(inst, 0);
            three_to(ctx, Vop::Va, m, dst, a, added);
        }
        Opcode::UsubSat => {
            let [a, b] = args(ctx, inst);
            let greater = three(ctx, Vop::Vmxl, m, a, b);
            let dst = ctx.result(inst, 0);
            three_to(ctx, Vop::Vs, m, dst, greater, b);
        }
        Opcode::SaddSat => signed_sat(ctx, inst, ty, Vop::Va),
        Opcode::SsubSat => signed_sat(ctx, inst, ty, Vop::Vs),
        Opcode::SqmulRoundSat => rounded_product(ctx, inst, ty),
        Opcode::Icmp => return icmp(ctx, inst, m),
        Opcode::IaddPairwise => pairwise(ctx, inst, ty),
        Opcode::Snarrow => narrow(ctx, inst, m, Vop::Vpks, false),
        Opcode::Unarrow => narrow(ctx, inst, m, Vop::Vpkls, true),
        Opcode::Uunarrow => narrow(ctx, inst, m, Vop::Vpkls, false),
        Opcode::SwidenLow | Opcode::SwidenHigh | Opcode::UwidenLow | Opcode::UwidenHigh => {
            let op = match opcode {
                Opcode::SwidenLow => Vop::Vupl,
                Opcode::SwidenHigh => Vop::Vuph,
                Opcode::UwidenLow => Vop::Vupll,
                _ => Vop::Vuplh,
            };
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            two_to(ctx, op, [m, 0, 0], dst, a);
        }
        _ => return false,
    }
    true
}

/// A conjunction with what is inverted is one instruction.
fn logic(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let inverted = |ctx: &Ctx<'_>, v| ctx.def_op(v, Opcode::Bnot).filter(|_| ctx.single_use(v));
    for (kept, not) in [(a, inverted(ctx, b)), (b, inverted(ctx, a))] {
        if let Some(not) = not.filter(|_| opcode == Opcode::Band) {
            let behind = ctx.arg(not, 0);
            let (a, b, dst) = (ctx.reg(kept), ctx.reg(behind), ctx.result(inst, 0));
            return three_to(ctx, Vop::Vnc, 0, dst, a, b);
        }
    }
    let ([a, b], dst) = (args(ctx, inst), ctx.result(inst, 0));
    three_to(ctx, if opcode == Opcode::Band { Vop::Vn } else { Vop::Vo }, 0, dst, a, b);
}

/// Products of 64 bits, by integer registers.
fn multiply_64(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [a, b] = args(ctx, inst);
    let [high, low] = [false, true].map(|low| {
        let (a, b, dst) = (half(ctx, a, low), half(ctx, b, low), temp(ctx));
        into_to(ctx, Op::Msgr, dst, a, b);
        dst
    });
    let dst = ctx.result(inst, 0);
    pair_to(ctx, dst, high, low);
}

/// Shifts all lanes by the same amount, modulo their width.
fn by_amount(ctx: &mut Ctx<'_>, inst: IrInst, op: Vop, m: u8) {
    let (v, by) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let amount = match ctx.iconst(by) {
        Some(by) => Amount::Imm(by as u8 & ((8 << m) - 1)),
        None => Amount::Reg(ctx.reg(by)),
    };
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    shift_to(ctx, op, m, dst, src, amount);
}

/// Counts of bytes, added up over each lane.
fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let ([a], m) = (args(ctx, inst), size(ty));
    if m == 0 || ctx.backend.features.vxe() {
        let dst = ctx.result(inst, 0);
        return two_to(ctx, Vop::Vpopct, [m, 0, 0], dst, a);
    }
    let counts = two(ctx, Vop::Vpopct, [0; 3], a);
    if m == 1 {
        let moved = shift(ctx, Vop::Vesl, 1, counts, 8);
        let sums = three(ctx, Vop::Va, 0, counts, moved);
        let dst = ctx.result(inst, 0);
        return shift_to(ctx, Vop::Vesrl, 1, dst, sums, Amount::Imm(8));
    }
    let zero = number(ctx, 0);
    let mut sums = counts;
    for step in [(Vop::Vsum, 0), (Vop::Vsumg, 2)].into_iter().take(usize::from(m) - 1) {
        sums = three(ctx, step.0, step.1, sums, zero);
    }
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::mov(dst, sums, RegClass::Vector));
}

/// A sum or difference; where its sign is wrong, the limit of the other sign.
fn signed_sat(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Vop) {
    let ([a, b], m, last) = (args(ctx, inst), size(ty), ty.lane_bits() - 1);
    let sum = three(ctx, op, m, a, b);
    // The operands' signs are the same, or differ, and the result's is not the first one's.
    let changed = three(ctx, Vop::Vx, 0, a, sum);
    let other = if op == Vop::Va { sum } else { a };
    let differing = three(ctx, Vop::Vx, 0, b, other);
    let wrong = three(ctx, Vop::Vn, 0, changed, differing);
    let wrong = shift(ctx, Vop::Vesra, m, wrong, last);
    let (sign, least) = (shift(ctx, Vop::Vesra, m, sum, last), signs(ctx, ty));
    let limit = three(ctx, Vop::Vx, 0, sign, least);
    let dst = ctx.result(inst, 0);
    choose_to(ctx, dst, wrong, limit, sum);
}

/// Products of fractions, rounded to the nearest, in twice the width.
fn rounded_product(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let ([a, b], m, bits) = (args(ctx, inst), size(ty), ty.lane_bits());
    let half = (0..128 / (2 * bits)).fold(0, |all, n| all | 1u128 << (n * 2 * bits + bits - 2));
    let half = number(ctx, half);
    let [even, odd] = [Vop::Vme, Vop::Vmo].map(|op| {
        let product = three(ctx, op, m, a, b);
        let sum = three(ctx, Vop::Va, m + 1, product, half);
        shift(ctx, Vop::Vesra, m + 1, sum, bits - 1)
    });
    let left = three(ctx, Vop::Vmrh, m + 1, even, odd);
    let right = three(ctx, Vop::Vmrl, m + 1, even, odd);
    let dst = ctx.result(inst, 0);
    three_to(ctx, Vop::Vpks, m + 1, dst, left, right);
}

fn icmp(ctx: &mut Ctx<'_>, inst: IrInst, m: u8) -> bool {
    let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
    let (op, swap, not) = match cc {
        IntCC::Equal => (Vop::Vceq, false, false),
        IntCC::NotEqual => (Vop::Vceq, false, true),
        IntCC::SignedGreaterThan => (Vop::Vch, false, false),
        IntCC::SignedLessThanOrEqual => (Vop::Vch, false, true),
        IntCC::SignedLessThan => (Vop::Vch, true, false),
        IntCC::SignedGreaterThanOrEqual => (Vop::Vch, true, true),
        IntCC::UnsignedGreaterThan => (Vop::Vchl, false, false),
        IntCC::UnsignedLessThanOrEqual => (Vop::Vchl, false, true),
        IntCC::UnsignedLessThan => (Vop::Vchl, true, false),
        IntCC::UnsignedGreaterThanOrEqual => (Vop::Vchl, true, true),
    };
    let [a, b] = args(ctx, inst);
    let (a, b) = if swap { (b, a) } else { (a, b) };
    finish(ctx, inst, not, |ctx, dst| three_to(ctx, op, m, dst, a, b));
    true
}

/// The sums of neighbours: in fields of two lanes in the lower one, and those packed.
fn pairwise(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let ([low, high], m) = (args(ctx, inst), size(ty));
    if m == 3 {
        let left = three(ctx, Vop::Vmrh, m, high, low);
        let right = three(ctx, Vop::Vmrl, m, high, low);
        let dst = ctx.result(inst, 0);
        return three_to(ctx, Vop::Va, m, dst, left, right);
    }
    let [low, high] = [low, high].map(|reg| {
        let upper = shift(ctx, Vop::Vesrl, m + 1, reg, ty.lane_bits());
        three(ctx, Vop::Va, m, reg, upper)
    });
    let dst = ctx.result(inst, 0);
    three_to(ctx, Vop::Vpk, m + 1, dst, high, low);
}

/// `from_zero`: what is below zero becomes zero first.
fn narrow(ctx: &mut Ctx<'_>, inst: IrInst, m: u8, op: Vop, from_zero: bool) {
    let [low, high] = args(ctx, inst);
    let zero = from_zero.then(|| number(ctx, 0));
    let [low, high] = [low, high].map(|reg| match zero {
        Some(zero) => three(ctx, Vop::Vmx, m, reg, zero),
        None => reg,
    });
    let dst = ctx.result(inst, 0);
    three_to(ctx, op, m, dst, high, low);
}

//! Floats in lanes, and conversions.
//!
//! The first vector facility has floats of 64 bits only, its first enhancement those of 32,
//! and the second one conversions of these. What is missing is done lane by lane.

use super::*;
use crate::isa::s390x::encode::{DOWN, NEAREST, TO_ZERO, UP};
use crate::isa::s390x::inst::UNORDERED;
use crate::isa::s390x::vector::{LIKE_JAVA, POSITIVE, QUIET};
use sidetrack_ir::FloatCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let there = ty.lane_bits() == 64 || ctx.backend.features.vxe();
    match opcode {
        Opcode::Fadd => binary(ctx, inst, ty, Vop::Vfa, Op::Aebr),
        Opcode::Fsub => binary(ctx, inst, ty, Vop::Vfs, Op::Sebr),
        Opcode::Fmul => binary(ctx, inst, ty, Vop::Vfm, Op::Meebr),
        Opcode::Fdiv => binary(ctx, inst, ty, Vop::Vfd, Op::Debr),
        Opcode::Sqrt if there => simple(ctx, inst, Vop::Vfsq, [size(ty), 0, 0]),
        Opcode::Sqrt => by_lanes(ctx, inst, ty, |ctx, dst, [a]| scalar::two_to(ctx, Op::Sqebr, dst, a)),
        Opcode::Fneg if there => simple(ctx, inst, Vop::Vflc, [size(ty), 0, 0]),
        Opcode::Fabs if there => simple(ctx, inst, Vop::Vflp, [size(ty), 0, POSITIVE]),
        Opcode::Fneg | Opcode::Fabs => {
            let ([a], signs) = (args(ctx, inst), signs(ctx, ty));
            let dst = ctx.result(inst, 0);
            three_to(ctx, if opcode == Opcode::Fneg { Vop::Vx } else { Vop::Vnc }, 0, dst, a, signs);
        }
        Opcode::Fcopysign => {
            let ([a, b], signs) = (args(ctx, inst), signs(ctx, ty));
            let dst = ctx.result(inst, 0);
            choose_to(ctx, dst, signs, b, a);
        }
        Opcode::Fmin | Opcode::Fmax => min_max(ctx, inst, ty, opcode == Opcode::Fmax),
        Opcode::Ceil => round(ctx, inst, ty, UP),
        Opcode::Floor => round(ctx, inst, ty, DOWN),
        Opcode::Trunc => round(ctx, inst, ty, TO_ZERO),
        Opcode::Nearest => round(ctx, inst, ty, NEAREST),
        Opcode::Fma if there => {
            let ([a, b, c], dst) = (args(ctx, inst), ctx.result(inst, 0));
            ctx.emit(Inst::Vec(VecInst::Four { op: Vop::Vfma, m: [size(ty), 0], dst, a, b, c }));
        }
        Opcode::Fma => by_lanes(ctx, inst, ty, |ctx, dst, [a, b, acc]| {
            ctx.emit(Inst::Fused { op: Op::Maebr, dst, acc, a, b });
        }),
        Opcode::Fcmp => return fcmp(ctx, inst, ty),
        Opcode::FcvtFromSint => from_int(ctx, inst, ty, Vop::Vcfps, Op::Cefbra),
        Opcode::FcvtFromUint => from_int(ctx, inst, ty, Vop::Vcfpl, Op::Celfbr),
        Opcode::FcvtToSintSat => to_int(ctx, inst, ty, Vop::Vcsfp, Op::Cfebra),
        Opcode::FcvtToUintSat => to_int(ctx, inst, ty, Vop::Vclfp, Op::Clfebr),
        Opcode::FvpromoteLow => {
            let [a] = args(ctx, inst);
            // Every second element is taken.
            let apart = three(ctx, Vop::Vmrl, 2, a, a);
            let dst = ctx.result(inst, 0);
            two_to(ctx, Vop::Vfll, [2, 0, 0], dst, apart);
        }
        Opcode::Fvdemote => {
            let [a] = args(ctx, inst);
            let apart = two(ctx, Vop::Vflr, [3, QUIET, NEAREST], a);
            let lower = shift(ctx, Vop::Vesrl, 3, apart, 32);
            let (zero, dst) = (number(ctx, 0), ctx.result(inst, 0));
            three_to(ctx, Vop::Vpk, 3, dst, zero, lower);
        }
        _ => return false,
    }
    true
}

fn simple(ctx: &mut Ctx<'_>, inst: IrInst, op: Vop, m: [u8; 3]) {
    let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
    two_to(ctx, op, m, dst, a);
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Vop, single: Op) {
    if ty.lane_bits() == 32 && !ctx.backend.features.vxe() {
        return by_lanes(ctx, inst, ty, |ctx, dst, [a, b]| into_to(ctx, single, dst, a, b));
    }
    let ([a, b], dst) = (args(ctx, inst), ctx.result(inst, 0));
    three_to(ctx, op, size(ty), dst, a, b);
}

/// Does an operation on the lanes of vectors of floats one by one.
fn by_lanes<const N: usize>(
    ctx: &mut Ctx<'_>,
    inst: IrInst,
    ty: Type,
    mut op: impl FnMut(&mut Ctx<'_>, Reg, [Reg; N]),
) {
    let (vectors, m) = (args::<N>(ctx, inst), size(ty));
    let lanes: Vec<Reg> = (0..(16 >> m) as u8)
        .map(|index| {
            let lanes = vectors.map(|src| {
                let dst = ctx.temp_class(RegClass::Float);
                ctx.emit(Inst::Vec(VecInst::Repeat { m, index, dst, src }));
                dst
            });
            let dst = ctx.temp_class(RegClass::Float);
            op(ctx, dst, lanes);
            dst
        })
        .collect();
    let dst = ctx.result(inst, 0);
    join_lanes(ctx, dst, &lanes);
}

/// A vector of two or four floats, from the left.
fn join_lanes(ctx: &mut Ctx<'_>, dst: Reg, lanes: &[Reg]) {
    if let [a, b, c, d] = *lanes {
        let left = three(ctx, Vop::Vmrh, 2, a, b);
        let right = three(ctx, Vop::Vmrh, 2, c, d);
        return three_to(ctx, Vop::Vmrh, 3, dst, left, right);
    }
    three_to(ctx, Vop::Vmrh, 3, dst, lanes[0], lanes[1]);
}

fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, max: bool) {
    if !ctx.backend.features.vxe() {
        let wide = ty.lane_bits() == 64;
        return by_lanes(ctx, inst, ty, |ctx, dst, [a, b]| {
            ctx.emit(Inst::MinMax { max, wide, dst, a, b });
        });
    }
    let ([a, b], dst) = (args(ctx, inst), ctx.result(inst, 0));
    let op = if max { Vop::Vfmax } else { Vop::Vfmin };
    ctx.emit(Inst::Vec(VecInst::Three { op, m: [size(ty), 0, LIKE_JAVA], dst, a, b }));
}

fn round(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, mode: u8) {
    if ty.lane_bits() == 64 || ctx.backend.features.vxe() {
        return simple(ctx, inst, Vop::Vfi, [size(ty), QUIET, mode]);
    }
    by_lanes(ctx, inst, ty, |ctx, dst, [src]| {
        ctx.emit(Inst::Rounded { op: Op::Fiebra, dst, src, mode });
    });
}

/// Comparisons are false for NaNs; those that are to be true are the opposites inverted.
fn fcmp(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> bool {
    let Extra::FloatCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
    let (op, swap, not) = match cc {
        FloatCC::Equal => (Vop::Vfce, false, false),
        FloatCC::NotEqual => (Vop::Vfce, false, true),
        FloatCC::GreaterThan => (Vop::Vfch, false, false),
        FloatCC::GreaterThanOrEqual => (Vop::Vfche, false, false),
        FloatCC::LessThan => (Vop::Vfch, true, false),
        FloatCC::LessThanOrEqual => (Vop::Vfche, true, false),
        FloatCC::UnorderedOrLessThan => (Vop::Vfche, false, true),
        FloatCC::UnorderedOrLessThanOrEqual => (Vop::Vfch, false, true),
        FloatCC::UnorderedOrGreaterThan => (Vop::Vfche, true, true),
        FloatCC::UnorderedOrGreaterThanOrEqual => (Vop::Vfch, true, true),
        FloatCC::Ordered | FloatCC::Unordered | FloatCC::OrderedNotEqual | FloatCC::UnorderedOrEqual => {
            // Greater (or equal), or less.
            let ordered = matches!(cc, FloatCC::Ordered | FloatCC::Unordered);
            let not = matches!(cc, FloatCC::Unordered | FloatCC::UnorderedOrEqual);
            let [a, b] = args(ctx, inst);
            let first = compare(ctx, ty, if ordered { Vop::Vfche } else { Vop::Vfch }, a, b);
            let second = compare(ctx, ty, Vop::Vfch, b, a);
            let op = if not { Vop::Vno } else { Vop::Vo };
            let dst = ctx.result(inst, 0);
            three_to(ctx, op, 0, dst, first, second);
            return true;
        }
    };
    let [a, b] = args(ctx, inst);
    let (a, b) = if swap { (b, a) } else { (a, b) };
    let value = compare(ctx, ty, op, a, b);
    finish(ctx, inst, not, |ctx, dst| ctx.emit(Inst::mov(dst, value, RegClass::Vector)));
    true
}

/// Ones in the lanes that compare so. Floats of 32 bits are compared as those of 64
/// where there is nothing else.
fn compare(ctx: &mut Ctx<'_>, ty: Type, op: Vop, a: Reg, b: Reg) -> Reg {
    if ty.lane_bits() == 64 || ctx.backend.features.vxe() {
        return three(ctx, op, size(ty), a, b);
    }
    let [left, right] = [Vop::Vmrh, Vop::Vmrl].map(|half| {
        let [a, b] = [a, b].map(|reg| {
            let apart = three(ctx, half, 2, reg, reg);
            two(ctx, Vop::Vfll, [2, 0, 0], apart)
        });
        three(ctx, op, 3, a, b)
    });
    three(ctx, Vop::Vpk, 3, left, right)
}

fn from_int(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Vop, single: Op) {
    if ty.lane_bits() == 64 || ctx.backend.features.vxe2() {
        return simple(ctx, inst, op, [size(ty), QUIET, NEAREST]);
    }
    let [vector] = args(ctx, inst);
    let lanes = [0, 1, 2, 3].map(|index| {
        let (src, dst) = (temp(ctx), ctx.temp_class(RegClass::Float));
        ctx.emit(Inst::Vec(VecInst::Take { m: 2, index, dst: src, src: vector }));
        ctx.emit(Inst::Rounded { op: single, dst, src, mode: NEAREST });
        dst
    });
    let dst = ctx.result(inst, 0);
    join_lanes(ctx, dst, &lanes);
}

/// The instructions give the nearest limit; and for NaN the least number, which is to be 0.
fn to_int(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Vop, single: Op) {
    let ([a], m) = (args(ctx, inst), size(ty));
    if ty.lane_bits() == 64 || ctx.backend.features.vxe2() {
        let value = two(ctx, op, [m, QUIET, TO_ZERO], a);
        let numbers = three(ctx, Vop::Vfce, m, a, a);
        let dst = ctx.result(inst, 0);
        return three_to(ctx, Vop::Vn, 0, dst, value, numbers);
    }
    let lanes = [0, 1, 2, 3].map(|index| {
        let lane = ctx.temp_class(RegClass::Float);
        ctx.emit(Inst::Vec(VecInst::Repeat { m, index, dst: lane, src: a }));
        let (value, zero, dst) = (temp(ctx), scalar::number(ctx, 0), temp(ctx));
        ctx.emit(Inst::Rounded { op: single, dst: value, src: lane, mode: TO_ZERO });
        let cond = Cond { compare: Compare::Regs(Op::Cebr, lane, lane), mask: UNORDERED };
        ctx.emit(Inst::Select { cond, dst, yes: zero, no: value });
        dst
    });
    let [left, right] = [0, 2].map(|n| {
        // Two of them in 64 bits.
        let upper = scalar::shift(ctx, Op::Sllg, lanes[n], 32);
        let lower = extend(ctx, lanes[n + 1], I32, false);
        scalar::three(ctx, Op::Ogrk, upper, lower)
    });
    let dst = ctx.result(inst, 0);
    pair_to(ctx, dst, left, right);
}

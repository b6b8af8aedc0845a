//! Integers and bits in lanes.

use super::*;
use crate::isa::riscv64::lower::number;
use sidetrack_ir::IntCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.ty(ctx.arg(inst, 0));
    let set = all(ty);
    let simple = match opcode {
        Opcode::Iadd => Op::Vadd,
        Opcode::Isub => Op::Vsub,
        Opcode::Imul => Op::Vmul,
        Opcode::Smin => Op::Vmin,
        Opcode::Umin => Op::Vminu,
        Opcode::Smax => Op::Vmax,
        Opcode::Umax => Op::Vmaxu,
        Opcode::UaddSat => Op::Vsaddu,
        Opcode::SaddSat => Op::Vsadd,
        Opcode::UsubSat => Op::Vssubu,
        Opcode::SsubSat => Op::Vssub,
        Opcode::AvgRound => Op::Vaaddu,
        Opcode::SqmulRoundSat => Op::Vsmul,
        Opcode::Band => Op::Vand,
        Opcode::Bor => Op::Vor,
        Opcode::Bxor => Op::Vxor,
        Opcode::Ishl => Op::VsllX,
        Opcode::Ushr => Op::VsrlX,
        Opcode::Sshr => Op::VsraX,
        _ => return other(ctx, inst, opcode, ty),
    };
    let [a, b] = args(ctx, inst);
    let dst = ctx.result(inst, 0);
    if matches!(opcode, Opcode::AvgRound | Opcode::SqmulRoundSat) {
        // To the nearest, up from the middle.
        ctx.emit(Inst::Control { op: Op::CsrVxrm, value: 0 });
    }
    vv_to(ctx, simple, set, dst, a, b);
    true
}

fn other(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let set = all(ty);
    match opcode {
        Opcode::Ineg => {
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            vi_to(ctx, Op::VrsubI, set, dst, a, 0);
        }
        Opcode::Iabs => {
            let [a] = args(ctx, inst);
            let negated = vi(ctx, Op::VrsubI, set, a, 0);
            let dst = ctx.result(inst, 0);
            vv_to(ctx, Op::Vmax, set, dst, a, negated);
        }
        Opcode::Bnot => {
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            vi_to(ctx, Op::VxorI, set, dst, a, -1);
        }
        Opcode::Bitselect => {
            let [c, x, y] = args(ctx, inst);
            let differing = vv(ctx, Op::Vxor, set, x, y);
            let chosen = vv(ctx, Op::Vand, set, differing, c);
            let dst = ctx.result(inst, 0);
            vv_to(ctx, Op::Vxor, set, dst, y, chosen);
        }
        Opcode::Popcnt => popcnt(ctx, inst, ty),
        Opcode::Icmp => {
            let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
            let ([a, b], dst) = (args(ctx, inst), ctx.result(inst, 0));
            let (op, a, b) = match cc {
                IntCC::Equal => (Op::Vmseq, a, b),
                IntCC::NotEqual => (Op::Vmsne, a, b),
                IntCC::SignedLessThan => (Op::Vmslt, a, b),
                IntCC::SignedLessThanOrEqual => (Op::Vmsle, a, b),
                IntCC::SignedGreaterThan => (Op::Vmslt, b, a),
                IntCC::SignedGreaterThanOrEqual => (Op::Vmsle, b, a),
                IntCC::UnsignedLessThan => (Op::Vmsltu, a, b),
                IntCC::UnsignedLessThanOrEqual => (Op::Vmsleu, a, b),
                IntCC::UnsignedGreaterThan => (Op::Vmsltu, b, a),
                IntCC::UnsignedGreaterThanOrEqual => (Op::Vmsleu, b, a),
            };
            mask(ctx, op, set, a, b);
            truth_to(ctx, set, dst, false);
        }
        Opcode::IaddPairwise => pairwise(ctx, inst, ty),
        Opcode::Snarrow => narrow(ctx, inst, ty, Op::Vnclip, false),
        Opcode::Unarrow => narrow(ctx, inst, ty, Op::Vnclipu, true),
        Opcode::Uunarrow => narrow(ctx, inst, ty, Op::Vnclipu, false),
        Opcode::SwidenLow => widen(ctx, inst, ty, Op::Vsext, false),
        Opcode::SwidenHigh => widen(ctx, inst, ty, Op::Vsext, true),
        Opcode::UwidenLow => widen(ctx, inst, ty, Op::Vzext, false),
        Opcode::UwidenHigh => widen(ctx, inst, ty, Op::Vzext, true),
        Opcode::VanyTrue | Opcode::VallTrue => {
            let ([a], any) = (args(ctx, inst), opcode == Opcode::VanyTrue);
            let op = if any { Op::VmsneI } else { Op::VmseqI };
            vi_to(ctx, op, set, V0, a, 0);
            let count = ctx.temp_class(RegClass::Int);
            one_to(ctx, Op::Vcpop, set, count, V0);
            let dst = ctx.result(inst, 0);
            if any {
                three_to(ctx, Op::Sltu, dst, ZERO, count);
            } else {
                imm_to(ctx, Op::Sltiu, dst, count, 1);
            }
        }
        Opcode::VhighBits => {
            let [a] = args(ctx, inst);
            mask(ctx, Op::VmsltX, set, a, ZERO);
            let bits = ctx.temp_class(RegClass::Int);
            one_to(ctx, Op::VmvXS, Setting::lanes(16), bits, V0);
            let dst = ctx.result(inst, 0);
            match set.count {
                16 => ctx.emit(Inst::extend(dst, bits, sidetrack_ir::types::I16, false)),
                count => imm_to(ctx, Op::Andi, dst, bits, (1 << count) - 1),
            }
        }
        _ => return false,
    }
    true
}

/// Sums of neighbouring bits, then pairs, then nibbles; bytes by a product.
fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let set = all(ty);
    let [a] = args(ctx, inst);
    let [ones, twos, fours, bytes] =
        [0x5555_5555_5555_5555, 0x3333_3333_3333_3333, 0x0f0f_0f0f_0f0f_0f0f, 0x0101_0101_0101_0101]
            .map(|value| number(ctx, value));
    let moved = vi(ctx, Op::VsrlI, set, a, 1);
    let odd = vv(ctx, Op::VandX, set, moved, ones);
    let pairs = vv(ctx, Op::Vsub, set, a, odd);
    let low = vv(ctx, Op::VandX, set, pairs, twos);
    let moved = vi(ctx, Op::VsrlI, set, pairs, 2);
    let high = vv(ctx, Op::VandX, set, moved, twos);
    let nibbles = vv(ctx, Op::Vadd, set, low, high);
    let moved = vi(ctx, Op::VsrlI, set, nibbles, 4);
    let sums = vv(ctx, Op::Vadd, set, nibbles, moved);
    let dst = ctx.result(inst, 0);
    if ty.lane_bits() == 8 {
        return vv_to(ctx, Op::VandX, set, dst, sums, fours);
    }
    let sums = vv(ctx, Op::VandX, set, sums, fours);
    let bytes = one(ctx, Op::VmvX, set, bytes);
    let total = vv(ctx, Op::Vmul, set, sums, bytes);
    let amount = number(ctx, i64::from(ty.lane_bits()) - 8);
    vv_to(ctx, Op::VsrlX, set, dst, total, amount);
}

/// The first halves of two vectors in one.
fn joined_to(ctx: &mut Ctx<'_>, set: Setting, dst: Reg, low: Reg, high: Reg) {
    let imm = (set.count / 2) as i8;
    ctx.emit(Inst::VectorIntoImm { op: Op::VslideupI, set, dst, old: low, a: high, imm });
}

fn pairwise(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (set, bits) = (all(ty), ty.lane_bits());
    let sums = args::<2>(ctx, inst).map(|reg| {
        if bits == 64 {
            let other = vi(ctx, Op::VslidedownI, set, reg, 1);
            return vv(ctx, Op::Vadd, set, reg, other);
        }
        // A pair is an element twice as wide; each half of it is its narrow part.
        let half = Setting::half(bits);
        let amount = number(ctx, bits.into());
        let even = vv(ctx, Op::Vnsrl, half, reg, ZERO);
        let odd = vv(ctx, Op::Vnsrl, half, reg, amount);
        vv(ctx, Op::Vadd, half, even, odd)
    });
    let dst = ctx.result(inst, 0);
    joined_to(ctx, set, dst, sums[0], sums[1]);
}

/// `from_zero`: what is below zero becomes zero first.
fn narrow(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Op, from_zero: bool) {
    let bits = ty.lane_bits() / 2;
    let parts = args::<2>(ctx, inst).map(|reg| {
        let reg = if from_zero { vv(ctx, Op::VmaxX, all(ty), reg, ZERO) } else { reg };
        vi(ctx, op, Setting::half(bits), reg, 0)
    });
    let dst = ctx.result(inst, 0);
    joined_to(ctx, Setting::lanes(bits), dst, parts[0], parts[1]);
}

fn widen(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Op, high: bool) {
    let [mut a] = args(ctx, inst);
    let set = all(ty);
    if high {
        a = vi(ctx, Op::VslidedownI, set, a, (set.count / 2) as i8);
    }
    let dst = ctx.result(inst, 0);
    one_to(ctx, op, Setting::lanes(2 * ty.lane_bits()), dst, a);
}

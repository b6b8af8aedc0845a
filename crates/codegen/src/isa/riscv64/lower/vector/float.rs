//! Floats in lanes, and conversions.

use super::*;
use crate::isa::riscv64::encode::{RDN, RNE, RTZ, RUP};
use sidetrack_ir::FloatCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.ty(ctx.arg(inst, 0));
    let set = all(ty);
    let simple = match opcode {
        Opcode::Fadd => Op::Vfadd,
        Opcode::Fsub => Op::Vfsub,
        Opcode::Fmul => Op::Vfmul,
        Opcode::Fdiv => Op::Vfdiv,
        Opcode::Fcopysign => Op::Vfsgnj,
        Opcode::Sqrt => Op::Vfsqrt,
        Opcode::FcvtFromSint => Op::VfcvtFX,
        Opcode::FcvtFromUint => Op::VfcvtFXu,
        _ => return other(ctx, inst, opcode, ty),
    };
    let two = ctx.func.dfg.args(inst).len() == 2;
    let [a] = args(ctx, inst);
    let b = if two { args::<2>(ctx, inst)[1] } else { ZERO };
    let dst = ctx.result(inst, 0);
    vv_to(ctx, simple, set, dst, a, b);
    true
}

fn other(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let set = all(ty);
    match opcode {
        Opcode::Fneg | Opcode::Fabs => {
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            let op = if opcode == Opcode::Fneg { Op::Vfsgnjn } else { Op::Vfsgnjx };
            vv_to(ctx, op, set, dst, a, a);
        }
        Opcode::Fma => {
            let ([a, b, c], dst) = (args(ctx, inst), ctx.result(inst, 0));
            ctx.emit(Inst::VectorInto { op: Op::Vfmacc, set, dst, old: c, a, b });
        }
        Opcode::Fmin => min_max(ctx, inst, set, Op::Vfmin),
        Opcode::Fmax => min_max(ctx, inst, set, Op::Vfmax),
        Opcode::Ceil => round(ctx, inst, ty, RUP),
        Opcode::Floor => round(ctx, inst, ty, RDN),
        Opcode::Trunc => round(ctx, inst, ty, RTZ),
        Opcode::Nearest => round(ctx, inst, ty, RNE),
        Opcode::Fcmp => {
            let dst = ctx.result(inst, 0);
            let inverted = compare(ctx, inst, set);
            truth_to(ctx, set, dst, inverted);
        }
        Opcode::FcvtToSintSat => to_int(ctx, inst, set, Op::VfcvtXF),
        Opcode::FcvtToUintSat => to_int(ctx, inst, set, Op::VfcvtXuF),
        Opcode::FvpromoteLow => {
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            one_to(ctx, Op::VfwcvtFF, Setting::half(32), dst, a);
        }
        Opcode::Fvdemote => {
            let ([a], old) = (args(ctx, inst), fill(ctx, Setting::lanes(32), 0));
            let (set, dst) = (Setting::half(32).keeping_tail(), ctx.result(inst, 0));
            ctx.emit(Inst::VectorInto { op: Op::VfncvtFF, set, dst, old, a, b: ZERO });
        }
        _ => return false,
    }
    true
}

/// The instruction alone would prefer a number to NaN; it orders zeros.
fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, set: Setting, op: Op) {
    let [a, b] = args(ctx, inst);
    let other = vv(ctx, Op::Vmfeq, set, b, b);
    mask(ctx, Op::Vmfeq, set, a, a);
    mask(ctx, Op::Vmand, set, V0, other);
    let (nan, number) = (vv(ctx, Op::Vfadd, set, a, b), vv(ctx, op, set, a, b));
    let dst = ctx.result(inst, 0);
    merge_to(ctx, set, dst, nan, number);
}

/// What is too great to have a fraction stays as it is, NaN becomes quiet; others go
/// through an integer, and keep their sign where that is zero.
fn round(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, mode: u8) {
    let set = all(ty);
    let [a] = args(ctx, inst);
    let (lane, limit) = match ty.lane_bits() {
        32 => (F32, u64::from(2f32.powi(23).to_bits())),
        _ => (F64, 2f64.powi(52).to_bits()),
    };
    let limit = constant(ctx, lane, limit);
    let size = vv(ctx, Op::Vfsgnjx, set, a, a);
    mask(ctx, Op::VmfltF, set, size, limit);
    let whole = if mode == RTZ {
        one(ctx, Op::VfcvtXF, set, a)
    } else {
        ctx.emit(Inst::Control { op: Op::CsrFrm, value: mode });
        one(ctx, Op::VfcvtXFR, set, a)
    };
    if !matches!(mode, RTZ | RNE) {
        ctx.emit(Inst::Control { op: Op::CsrFrm, value: RNE });
    }
    let rounded = one(ctx, Op::VfcvtFX, set, whole);
    let signed = vv(ctx, Op::Vfsgnj, set, rounded, a);
    let quiet = vv(ctx, Op::Vfmin, set, a, a);
    let dst = ctx.result(inst, 0);
    merge_to(ctx, set, dst, quiet, signed);
}

/// Makes the mask in v0; whether it is the opposite of what is asked.
fn compare(ctx: &mut Ctx<'_>, inst: IrInst, set: Setting) -> bool {
    let Extra::FloatCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
    let [a, b] = args(ctx, inst);
    let (op, a, b, inverted) = match cc {
        FloatCC::Equal => (Op::Vmfeq, a, b, false),
        FloatCC::NotEqual => (Op::Vmfne, a, b, false),
        FloatCC::LessThan => (Op::Vmflt, a, b, false),
        FloatCC::LessThanOrEqual => (Op::Vmfle, a, b, false),
        FloatCC::GreaterThan => (Op::Vmflt, b, a, false),
        FloatCC::GreaterThanOrEqual => (Op::Vmfle, b, a, false),
        FloatCC::UnorderedOrLessThan => (Op::Vmfle, b, a, true),
        FloatCC::UnorderedOrLessThanOrEqual => (Op::Vmflt, b, a, true),
        FloatCC::UnorderedOrGreaterThan => (Op::Vmfle, a, b, true),
        FloatCC::UnorderedOrGreaterThanOrEqual => (Op::Vmflt, a, b, true),
        FloatCC::Ordered | FloatCC::Unordered => {
            let other = vv(ctx, Op::Vmfeq, set, b, b);
            mask(ctx, Op::Vmfeq, set, a, a);
            mask(ctx, Op::Vmand, set, V0, other);
            return cc == FloatCC::Unordered;
        }
        FloatCC::OrderedNotEqual | FloatCC::UnorderedOrEqual => {
            let other = vv(ctx, Op::Vmflt, set, b, a);
            mask(ctx, Op::Vmflt, set, a, b);
            mask(ctx, Op::Vmor, set, V0, other);
            return cc == FloatCC::UnorderedOrEqual;
        }
    };
    mask(ctx, op, set, a, b);
    inverted
}

/// The instruction gives the nearest limit, and the greatest number for NaN, which is
/// to be 0. The comparison comes first: QEMU 7.2 aborts on a conversion with a rounding
/// mode of its own that is the first operation on vectors of floats in a block.
fn to_int(ctx: &mut Ctx<'_>, inst: IrInst, set: Setting, op: Op) {
    let [a] = args(ctx, inst);
    mask(ctx, Op::Vmfne, set, a, a);
    let value = one(ctx, op, set, a);
    let dst = ctx.result(inst, 0);
    vi_to(ctx, Op::VmergeI, set, dst, value, 0);
}

//! Comparisons, and choices by bits or by a condition.

use super::*;
use crate::isa::aarch64::lower::control::{Test, single_flag};
use sidetrack_ir::{FloatCC, IntCC};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    match (opcode, ctx.func.dfg.insts[inst].extra) {
        (Opcode::Icmp, Extra::IntCC(cc)) => icmp(ctx, inst, ty, cc),
        (Opcode::Fcmp, Extra::FloatCC(cc)) => fcmp(ctx, inst, ty, cc),
        (Opcode::Bitselect, _) => bitselect(ctx, inst),
        _ => return false,
    }
    true
}

/// Whether a vector is all zeros.
fn is_zero(ctx: &Ctx<'_>, v: Value) -> bool {
    vconst(ctx, v) == Some(0)
}

fn icmp(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, cc: IntCC) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    for (with, cc, at) in [(b, cc, 0), (a, cc.swap_args(), 1)] {
        let op = match cc {
            IntCC::Equal | IntCC::NotEqual => V2Op::Cmeq0,
            IntCC::SignedGreaterThan => V2Op::Cmgt0,
            IntCC::SignedGreaterThanOrEqual => V2Op::Cmge0,
            IntCC::SignedLessThan => V2Op::Cmlt0,
            IntCC::SignedLessThanOrEqual => V2Op::Cmle0,
            _ => continue,
        };
        if is_zero(ctx, with) {
            let v = ctx.arg(inst, at);
            if cc == IntCC::NotEqual
                && let Some(band) = def_op(ctx, v, Opcode::Band).filter(|_| ctx.single_use(v))
            {
                let (n, m, arr) = (arg(ctx, band, 0), arg(ctx, band, 1), arr(ty));
                return result(ctx, inst, |dst| VecInst::V3 { op: V3Op::Cmtst, arr, dst, n, m });
            }
            let (n, arr) = (arg(ctx, inst, at), arr(ty));
            let not = cc == IntCC::NotEqual;
            return finish(ctx, inst, not, |dst| VecInst::V2 { op, arr, dst, n });
        }
    }
    let (op, swap) = match cc {
        IntCC::Equal | IntCC::NotEqual => (V3Op::Cmeq, false),
        IntCC::SignedGreaterThan => (V3Op::Cmgt, false),
        IntCC::SignedGreaterThanOrEqual => (V3Op::Cmge, false),
        IntCC::SignedLessThan => (V3Op::Cmgt, true),
        IntCC::SignedLessThanOrEqual => (V3Op::Cmge, true),
        IntCC::UnsignedGreaterThan => (V3Op::Cmhi, false),
        IntCC::UnsignedGreaterThanOrEqual => (V3Op::Cmhs, false),
        IntCC::UnsignedLessThan => (V3Op::Cmhi, true),
        IntCC::UnsignedLessThanOrEqual => (V3Op::Cmhs, true),
    };
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let ((n, m), arr) = (if swap { (b, a) } else { (a, b) }, arr(ty));
    finish(ctx, inst, cc == IntCC::NotEqual, |dst| VecInst::V3 { op, arr, dst, n, m });
}

/// Appends a comparison, inverted if `not`.
fn finish(ctx: &mut Ctx<'_>, inst: IrInst, not: bool, make: impl FnOnce(Reg) -> VecInst) {
    if not {
        let n = new(ctx, make);
        result(ctx, inst, |dst| VecInst::V2 { op: V2Op::Not, arr: Arr::B16, dst, n });
    } else {
        result(ctx, inst, make);
    }
}

/// Comparisons are false for NaNs; those that are to be true are the opposites inverted.
fn fcmp(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, cc: FloatCC) {
    use VFloatOp::{Fcmeq, Fcmge, Fcmgt};
    let (a, b, arr) = (arg(ctx, inst, 0), arg(ctx, inst, 1), arr(ty));
    let compare = |op, n, m| move |dst| VecInst::Float { op, arr, dst, n, m };
    let (op, swap, not) = match cc {
        FloatCC::Equal => (Fcmeq, false, false),
        FloatCC::NotEqual => (Fcmeq, false, true),
        FloatCC::GreaterThan => (Fcmgt, false, false),
        FloatCC::GreaterThanOrEqual => (Fcmge, false, false),
        FloatCC::LessThan => (Fcmgt, true, false),
        FloatCC::LessThanOrEqual => (Fcmge, true, false),
        FloatCC::UnorderedOrLessThan => (Fcmge, false, true),
        FloatCC::UnorderedOrLessThanOrEqual => (Fcmgt, false, true),
        FloatCC::UnorderedOrGreaterThan => (Fcmge, true, true),
        FloatCC::UnorderedOrGreaterThanOrEqual => (Fcmgt, true, true),
        FloatCC::Ordered | FloatCC::Unordered | FloatCC::OrderedNotEqual | FloatCC::UnorderedOrEqual => {
            // Less, or greater (or equal).
            let first = if matches!(cc, FloatCC::Ordered | FloatCC::Unordered) { Fcmge } else { Fcmgt };
            let n = new(ctx, compare(first, a, b));
            let m = new(ctx, compare(Fcmgt, b, a));
            let not = matches!(cc, FloatCC::Unordered | FloatCC::UnorderedOrEqual);
            return finish(ctx, inst, not, |dst| VecInst::Bits { op: VBitOp::Orr, dst, n, m });
        }
    };
    let (n, m) = if swap { (b, a) } else { (a, b) };
    finish(ctx, inst, not, compare(op, n, m));
}

/// The first where the condition has ones; one that is inverted is not.
fn bitselect(ctx: &mut Ctx<'_>, inst: IrInst) {
    let c = ctx.arg(inst, 0);
    let not = def_op(ctx, c, Opcode::Bnot).filter(|_| ctx.single_use(c));
    let acc = match not {
        Some(not) => arg(ctx, not, 0),
        None => arg(ctx, inst, 0),
    };
    let (x, y) = (arg(ctx, inst, 1), arg(ctx, inst, 2));
    let (n, m) = if not.is_some() { (y, x) } else { (x, y) };
    result(ctx, inst, |dst| VecInst::Select { op: VSelectOp::Bsl, dst, acc, n, m });
}

/// `x` if the test holds, else `y`, all bytes of them.
pub fn select(ctx: &mut Ctx<'_>, dst: Reg, test: Test, x: Reg, y: Reg) {
    let cc = single_flag(ctx, test);
    let mask = temp(ctx);
    let (op, size) = (CselOp::Csinv, Size::S64);
    ctx.emit(Inst::Csel { op, size, dst: mask, n: ZR, m: ZR, cc: cc.inverted() });
    let acc = new(ctx, |dst| VecInst::Dup { arr: Arr::D2, dst, n: mask });
    ctx.emit(Inst::Vec(VecInst::Select { op: VSelectOp::Bsl, dst, acc, n: x, m: y }));
}

//! Changes of the lanes' width.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let (op, high) = match opcode {
        Opcode::SwidenLow => (VShiftOp::Sshll, false),
        Opcode::SwidenHigh => (VShiftOp::Sshll, true),
        Opcode::UwidenLow => (VShiftOp::Ushll, false),
        Opcode::UwidenHigh => (VShiftOp::Ushll, true),
        Opcode::Snarrow => return narrow(ctx, inst, ty, VNarrowOp::Sqxtn),
        Opcode::Unarrow => return narrow(ctx, inst, ty, VNarrowOp::Sqxtun),
        Opcode::Uunarrow => return narrow(ctx, inst, ty, VNarrowOp::Uqxtn),
        _ => return false,
    };
    let arr = if high { arr(ty) } else { Arr::half(lane_size(ty)) };
    let n = arg(ctx, inst, 0);
    result(ctx, inst, |dst| VecInst::Shift { op, arr, dst, n, amount: 0 });
    true
}

/// The lanes of both operands, those of the second in the upper half.
fn narrow(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: VNarrowOp) -> bool {
    let size = lane_size(ty) - 1;
    let (low, n) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let acc = new(ctx, |dst| VecInst::Narrow { op, arr: Arr::half(size), dst, n: low });
    result(ctx, inst, |dst| VecInst::NarrowHigh { op, arr: Arr::full(size), dst, acc, n });
    true
}

/// The sums of neighbours that were widened before, if the instruction is that.
pub fn pairwise(ctx: &mut Ctx<'_>, inst: IrInst) -> bool {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let rows = [
        (Opcode::SwidenLow, Opcode::SwidenHigh, V2Op::Saddlp),
        (Opcode::UwidenLow, Opcode::UwidenHigh, V2Op::Uaddlp),
    ];
    for (low, high, op) in rows {
        let (Some(low), Some(high)) = (ctx.def_op(a, low), ctx.def_op(b, high)) else { continue };
        let (x, y) = (ctx.arg(low, 0), ctx.arg(high, 0));
        if behind_bitcasts(ctx, x) == behind_bitcasts(ctx, y) {
            let (n, arr) = (arg(ctx, low, 0), arr(ctx.ty(x)));
            result(ctx, inst, |dst| VecInst::V2 { op, arr, dst, n });
            return true;
        }
    }
    false
}

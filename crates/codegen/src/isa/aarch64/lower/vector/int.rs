//! Integer arithmetic, logic and shifts.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    use V3Op::*;
    let wide = ty.lane_bits() == 64;
    let op = match opcode {
        Opcode::Iadd => Add,
        Opcode::Isub => Sub,
        Opcode::Imul if wide => {
            if !long_product(ctx, inst) {
                multiply_64(ctx, inst);
            }
            return true;
        }
        Opcode::Imul if long_product(ctx, inst) => return true,
        Opcode::Imul => Mul,
        Opcode::Smin | Opcode::Smax | Opcode::Umin | Opcode::Umax if wide => {
            min_max_64(ctx, inst, opcode);
            return true;
        }
        Opcode::Smin => Smin,
        Opcode::Smax => Smax,
        Opcode::Umin => Umin,
        Opcode::Umax => Umax,
        Opcode::UaddSat => Uqadd,
        Opcode::SaddSat => Sqadd,
        Opcode::UsubSat => Uqsub,
        Opcode::SsubSat => Sqsub,
        Opcode::AvgRound if wide => {
            // Half of what differs less than all that is in one of them.
            let (n, m) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
            let all = bits(ctx, VBitOp::Orr, n, m);
            let different = bits(ctx, VBitOp::Eor, n, m);
            let shift = VShiftOp::Ushr;
            let half =
                new(ctx, |dst| VecInst::Shift { op: shift, arr: Arr::D2, dst, n: different, amount: 1 });
            result(ctx, inst, |dst| VecInst::V3 { op: Sub, arr: Arr::D2, dst, n: all, m: half });
            return true;
        }
        Opcode::AvgRound => Urhadd,
        Opcode::SqmulRoundSat => Sqrdmulh,
        Opcode::IaddPairwise => {
            if widen::pairwise(ctx, inst) {
                return true;
            }
            Addp
        }
        _ => return unary(ctx, inst, opcode, ty) || logic(ctx, inst, opcode) || shift(ctx, inst, opcode, ty),
    };
    let (n, m, arr) = (arg(ctx, inst, 0), arg(ctx, inst, 1), arr(ty));
    result(ctx, inst, |dst| VecInst::V3 { op, arr, dst, n, m });
    true
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let op = match opcode {
        Opcode::Ineg => V2Op::Neg,
        Opcode::Iabs => V2Op::Abs,
        Opcode::Bnot => V2Op::Not,
        Opcode::Popcnt => {
            popcnt(ctx, inst, ty);
            return true;
        }
        _ => return false,
    };
    let arr = if op == V2Op::Not { Arr::B16 } else { arr(ty) };
    let n = arg(ctx, inst, 0);
    result(ctx, inst, |dst| VecInst::V2 { op, arr, dst, n });
    true
}

/// Ones in each byte, and pairs added up until lanes are wide enough.
fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let mut n = arg(ctx, inst, 0);
    let steps = lane_size(ty);
    for step in 0..=steps {
        let (op, arr) = match step {
            0 => (V2Op::Cnt, Arr::B16),
            _ => (V2Op::Uaddlp, Arr::full(step - 1)),
        };
        if step == steps {
            return result(ctx, inst, |dst| VecInst::V2 { op, arr, dst, n });
        }
        n = v2(ctx, op, arr, n);
    }
}

/// The product of lanes that were widened is one instruction.
fn long_product(ctx: &mut Ctx<'_>, inst: IrInst) -> bool {
    let rows = [
        (Opcode::SwidenLow, VLongOp::Smull, false),
        (Opcode::SwidenHigh, VLongOp::Smull, true),
        (Opcode::UwidenLow, VLongOp::Umull, false),
        (Opcode::UwidenHigh, VLongOp::Umull, true),
    ];
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    for (opcode, op, high) in rows {
        let (Some(a), Some(b)) = (ctx.def_op(a, opcode), ctx.def_op(b, opcode)) else { continue };
        let size = lane_size(ctx.ty(ctx.arg(a, 0)));
        let arr = if high { Arr::full(size) } else { Arr::half(size) };
        let (n, m) = (arg(ctx, a, 0), arg(ctx, b, 0));
        result(ctx, inst, |dst| VecInst::Long { op, arr, dst, n, m });
        return true;
    }
    false
}

/// Products of 64 bits: of the lower halves, and in the upper half the sum of those of a
/// lower and an upper half.
fn multiply_64(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let exchanged = v2(ctx, V2Op::Rev64, Arr::S4, b);
    let crossed = v3(ctx, V3Op::Mul, Arr::S4, exchanged, a);
    let sums = v2(ctx, V2Op::Uaddlp, Arr::S4, crossed);
    let shift = VShiftOp::Shl;
    let acc = new(ctx, |dst| VecInst::Shift { op: shift, arr: Arr::D2, dst, n: sums, amount: 32 });
    let low =
        |ctx: &mut Ctx<'_>, n| new(ctx, |dst| VecInst::Narrow { op: VNarrowOp::Xtn, arr: Arr::S2, dst, n });
    let (n, m) = (low(ctx, a), low(ctx, b));
    result(ctx, inst, |dst| VecInst::LongAcc { op: VLongAccOp::Umlal, arr: Arr::S2, dst, acc, n, m });
}

fn min_max_64(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) {
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let op = if matches!(opcode, Opcode::Smin | Opcode::Smax) { V3Op::Cmgt } else { V3Op::Cmhi };
    let acc = v3(ctx, op, Arr::D2, a, b);
    let max = matches!(opcode, Opcode::Smax | Opcode::Umax);
    let (n, m) = if max { (a, b) } else { (b, a) };
    result(ctx, inst, |dst| VecInst::Select { op: VSelectOp::Bsl, dst, acc, n, m });
}

fn logic(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let (op, inverted) = match opcode {
        Opcode::Band => (VBitOp::And, Some(VBitOp::Bic)),
        Opcode::Bor => (VBitOp::Orr, Some(VBitOp::Orn)),
        Opcode::Bxor => (VBitOp::Eor, None),
        _ => return false,
    };
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if let Some(op) = inverted {
        for (at, other) in [(b, 0), (a, 1)] {
            if let Some(not) = def_op(ctx, at, Opcode::Bnot).filter(|_| ctx.single_use(at)) {
                let (n, m) = (arg(ctx, inst, other), arg(ctx, not, 0));
                result(ctx, inst, |dst| VecInst::Bits { op, dst, n, m });
                return true;
            }
        }
    }
    let (n, m) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    result(ctx, inst, |dst| VecInst::Bits { op, dst, n, m });
    true
}

/// Shifts of all lanes by the same amount, modulo their width. Shifts by registers take
/// one for each lane, negative ones to the right.
fn shift(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let (by_constant, by_register) = match opcode {
        Opcode::Ishl => (VShiftOp::Shl, V3Op::Ushl),
        Opcode::Ushr => (VShiftOp::Ushr, V3Op::Ushl),
        Opcode::Sshr => (VShiftOp::Sshr, V3Op::Sshl),
        _ => return false,
    };
    let (by, arr, width) = (ctx.arg(inst, 1), arr(ty), ty.lane_bits());
    let n = arg(ctx, inst, 0);
    if let Some(amount) = ctx.iconst(by).map(|amount| (amount as u64 % u64::from(width)) as u8) {
        if amount == 0 {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Copy { dst, src: n, class: RegClass::Float });
        } else {
            result(ctx, inst, |dst| VecInst::Shift { op: by_constant, arr, dst, n, amount });
        }
        return true;
    }
    let amount = ctx.reg(by);
    let mask = logic_imm_of(i64::from(width) - 1, I32).expect("ones at the bottom are a pattern");
    let mut amount = alu(ctx, AluOp::And, Size::S32, amount, Rm::Logic(mask));
    if opcode != Opcode::Ishl {
        amount = alu(ctx, AluOp::Sub, Size::S32, ZR, Rm::Reg(amount));
    }
    // Only the lowest byte of a lane counts.
    let amounts = new(ctx, |dst| VecInst::Dup { arr, dst, n: amount });
    result(ctx, inst, |dst| VecInst::V3 { op: by_register, arr, dst, n, m: amounts });
    true
}

//! Float arithmetic, and conversions.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let op = match opcode {
        Opcode::Fadd => VFloatOp::Fadd,
        Opcode::Fsub => VFloatOp::Fsub,
        Opcode::Fmul => VFloatOp::Fmul,
        Opcode::Fdiv => VFloatOp::Fdiv,
        Opcode::Fmin => VFloatOp::Fmin,
        Opcode::Fmax => VFloatOp::Fmax,
        Opcode::Fcopysign => {
            // The sign shifted down, and inserted above the other bits.
            let (acc, n, arr) = (arg(ctx, inst, 0), arg(ctx, inst, 1), arr(ty));
            let amount = ty.lane_bits() as u8 - 1;
            let sign = new(ctx, |dst| VecInst::Shift { op: VShiftOp::Ushr, arr, dst, n, amount });
            result(ctx, inst, |dst| VecInst::Sli { arr, dst, acc, n: sign, amount });
            return true;
        }
        Opcode::Fma => {
            fma(ctx, inst, ty);
            return true;
        }
        Opcode::FvpromoteLow => {
            let n = arg(ctx, inst, 0);
            result(ctx, inst, |dst| VecInst::Fcvtl { dst, n });
            return true;
        }
        Opcode::Fvdemote => {
            let n = arg(ctx, inst, 0);
            result(ctx, inst, |dst| VecInst::Fcvtn { dst, n });
            return true;
        }
        _ => return unary(ctx, inst, opcode, ty),
    };
    let (n, m, arr) = (arg(ctx, inst, 0), arg(ctx, inst, 1), arr(ty));
    result(ctx, inst, |dst| VecInst::Float { op, arr, dst, n, m });
    true
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let op = match opcode {
        Opcode::Fneg => VFloat2Op::Fneg,
        Opcode::Fabs => VFloat2Op::Fabs,
        Opcode::Sqrt => VFloat2Op::Fsqrt,
        Opcode::Nearest => VFloat2Op::Frintn,
        Opcode::Floor => VFloat2Op::Frintm,
        Opcode::Ceil => VFloat2Op::Frintp,
        Opcode::Trunc => VFloat2Op::Frintz,
        // What does not fit goes to the nearest, NaN to zero.
        Opcode::FcvtToSintSat => VFloat2Op::Fcvtzs,
        Opcode::FcvtToUintSat => VFloat2Op::Fcvtzu,
        Opcode::FcvtFromSint => VFloat2Op::Scvtf,
        Opcode::FcvtFromUint => VFloat2Op::Ucvtf,
        _ => return false,
    };
    let (n, arr) = (arg(ctx, inst, 0), arr(ty));
    result(ctx, inst, |dst| VecInst::Float2 { op, arr, dst, n });
    true
}

/// `x * y + z`; a negated factor is subtracted.
fn fma(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let mut subtract = false;
    let [n, m] = [0, 1].map(|at| match def_op(ctx, ctx.arg(inst, at), Opcode::Fneg) {
        Some(neg) if ctx.ty(ctx.arg(neg, 0)) == ty => {
            subtract = !subtract;
            arg(ctx, neg, 0)
        }
        _ => arg(ctx, inst, at),
    });
    let (acc, arr) = (arg(ctx, inst, 2), arr(ty));
    let op = if subtract { VFmaOp::Fmls } else { VFmaOp::Fmla };
    result(ctx, inst, |dst| VecInst::Fma { op, arr, dst, acc, n, m });
}

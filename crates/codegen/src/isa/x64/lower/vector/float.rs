//! Float arithmetic.

use super::*;
use crate::isa::x64::lower::float;

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If a library call cannot be made.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> Result<bool, String> {
    use VecOp::*;
    let (op, commutative) = match opcode {
        Opcode::Fadd => (by_float(ty, Addps, Addpd), true),
        Opcode::Fsub => (by_float(ty, Subps, Subpd), false),
        Opcode::Fmul => (by_float(ty, Mulps, Mulpd), true),
        Opcode::Fdiv => (by_float(ty, Divps, Divpd), false),
        Opcode::Fmin | Opcode::Fmax => {
            min_max(ctx, inst, ty, opcode == Opcode::Fmax);
            return Ok(true);
        }
        Opcode::Fma => return fma(ctx, inst, ty).map(|()| true),
        _ => return Ok(bits(ctx, inst, opcode, ty) || rounding(ctx, inst, opcode, ty)),
    };
    // Of two NaNs the first one is the result: the operands may be exchanged only if
    // one of them is a number.
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let number = vconst(ctx, a).is_some() && vconst(ctx, b).is_none();
    let (a, b) = if commutative && number && !has_nan(ctx, a, ty) { (b, a) } else { (a, b) };
    let (src2, src1) = (operand(ctx, b), reg(ctx, a));
    let dst = ctx.result(inst, 0);
    op_to(ctx, op, dst, src1, src2);
    Ok(true)
}

/// Whether a constant has a lane that is a NaN.
fn has_nan(ctx: &Ctx<'_>, v: Value, ty: Type) -> bool {
    let bits = vconst(ctx, v).unwrap_or(0);
    (0..ty.lane_count()).map(|n| bits >> (n * ty.lane_bits())).any(|lane| match ty {
        F64X2 => f64::from_bits(lane as u64).is_nan(),
        _ => f32::from_bits(lane as u32).is_nan(),
    })
}

fn sign_bit(ty: Type) -> u64 {
    1 << (ty.lane_bits() - 1)
}

fn bits(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let (bits, sign) = (ty.lane_bits(), sign_bit(ty));
    let (op, mask) = match opcode {
        Opcode::Fneg => (VecOp::Xorps, mask(sign, bits)),
        Opcode::Fabs => (VecOp::Andps, mask(!sign, bits)),
        Opcode::Fcopysign => {
            let (x, y) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
            let magnitude = self::op(ctx, VecOp::Andps, x, mask(!sign, bits));
            let sign = self::op(ctx, VecOp::Andps, y, mask(sign, bits));
            let dst = ctx.result(inst, 0);
            op_to(ctx, VecOp::Orps, dst, magnitude, Rmi::Reg(sign));
            return true;
        }
        _ => return false,
    };
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    op_to(ctx, op, dst, src, mask);
    true
}

fn rounding(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let round = by_float(ty, VecUnaryOp::Roundps, VecUnaryOp::Roundpd);
    // Bit 3 of the mode keeps quiet about inexact results.
    let (op, mode) = match opcode {
        Opcode::Sqrt => (by_float(ty, VecUnaryOp::Sqrtps, VecUnaryOp::Sqrtpd), 0),
        Opcode::Nearest => (round, 8),
        Opcode::Floor => (round, 9),
        Opcode::Ceil => (round, 10),
        Opcode::Trunc => (round, 11),
        _ => return false,
    };
    // With AVX memory need not be aligned.
    let (src, dst) = (operand(ctx, ctx.arg(inst, 0)), ctx.result(inst, 0));
    unary_to(ctx, op, mode, dst, src);
    true
}

/// The instructions give their second operand for NaNs and for zeros. Both orders
/// together give the bits of equal numbers, and of zeros both signs; where one
/// operand is a NaN the result is that of an addition.
fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, max: bool) {
    use VecOp::*;
    let (which, both) = match max {
        true => (by_float(ty, Maxps, Maxpd), Andps),
        false => (by_float(ty, Minps, Minpd), Orps),
    };
    let (a, b) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    let (one, other) = (op_rr(ctx, which, a, b), op_rr(ctx, which, b, a));
    let number = op_rr(ctx, both, one, other);
    let sum = op_rr(ctx, by_float(ty, Addps, Addpd), a, b);
    let unordered = op_imm(ctx, by_float(ty, Cmpps, Cmppd), 3, a, Rmi::Reg(b));
    let dst = ctx.result(inst, 0);
    blend_to(ctx, ty, dst, unordered, sum, number);
}

/// With the instruction, or lane by lane in a library.
fn fma(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> Result<(), String> {
    let (mut a, mut negate) = (ctx.arg(inst, 0), false);
    if let Some(neg) = def_op(ctx, a, Opcode::Fneg).filter(|_| ctx.backend.features.fma()) {
        (a, negate) = (ctx.arg(neg, 0), true);
    }
    let (a, b, c) = (reg(ctx, a), arg(ctx, inst, 1), arg(ctx, inst, 2));
    if ctx.backend.features.fma() {
        let dst = ctx.result(inst, 0);
        ctx.emit(Inst::VecFma { wide: ty == F64X2, negate, dst, a, b, c });
        return Ok(());
    }
    let mut result = zero(ctx);
    for lane in 0..ty.lane_count() as u8 {
        let [a, b, c] = [a, b, c].map(|src| lanes::float_lane(ctx, ty, src, lane));
        let scalar = float::fma_call(ctx, ty.lane(), &[a, b, c])?;
        let next = xmm_temp(ctx);
        lanes::insert_float(ctx, ty, next, result, scalar, lane);
        result = next;
    }
    let dst = ctx.result(inst, 0);
    copy_to(ctx, dst, result);
    Ok(())
}

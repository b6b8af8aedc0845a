//! Float arithmetic, comparison and conversion.

use super::*;
use sidetrack_ir::FloatCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    use Opcode::*;
    match opcode {
        Fadd => float_binary(ctx, inst, Vvv::vaddf32x4, Vvv::vaddf64x2),
        Fsub => float_binary(ctx, inst, Vvv::vsubf32x4, Vvv::vsubf64x2),
        Fmul => float_binary(ctx, inst, Vvv::vmulf32x4, Vvv::vmulf64x2),
        Fdiv => float_binary(ctx, inst, Vvv::vdivf32x4, Vvv::vdivf64x2),
        Fmin => float_binary(ctx, inst, Vvv::vminimumf32x4, Vvv::vminimumf64x2),
        Fmax => float_binary(ctx, inst, Vvv::vmaximumf32x4, Vvv::vmaximumf64x2),
        Sqrt => float_unary(ctx, inst, Vv::vsqrt32x4, Vv::vsqrt64x2),
        Fneg => float_unary(ctx, inst, Vv::vnegf32x4, Vv::vnegf64x2),
        Fabs => float_unary(ctx, inst, Vv::vabsf32x4, Vv::vabsf64x2),
        Ceil => float_unary(ctx, inst, Vv::vceil32x4, Vv::vceil64x2),
        Floor => float_unary(ctx, inst, Vv::vfloor32x4, Vv::vfloor64x2),
        Trunc => float_unary(ctx, inst, Vv::vtrunc32x4, Vv::vtrunc64x2),
        Nearest => float_unary(ctx, inst, Vv::vnearest32x4, Vv::vnearest64x2),
        FcvtFromSint => float_unary(ctx, inst, Vv::vf32x4_from_i32x4_s, Vv::vf64x2_from_i64x2_s),
        FcvtFromUint => float_unary(ctx, inst, Vv::vf32x4_from_i32x4_u, Vv::vf64x2_from_i64x2_u),
        FcvtToSintSat => float_unary(ctx, inst, Vv::vi32x4_from_f32x4_s, Vv::vi64x2_from_f64x2_s),
        FcvtToUintSat => float_unary(ctx, inst, Vv::vi32x4_from_f32x4_u, Vv::vi64x2_from_f64x2_u),
        FvpromoteLow => unary(ctx, inst, Vv::vfpromotelow),
        Fvdemote => unary(ctx, inst, Vv::vfdemote),
        Fma => {
            let ([a, b, c], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            let op = sized_lane(ctx, inst, Vvvv::vfma32x4, Vvvv::vfma64x2);
            ctx.emit(Inst::Vvvv { op, dst, a, b, c });
        }
        Fcopysign => {
            let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            let ty = ctx.func.dfg.insts[inst].ty;
            let sign = splat_const(ctx, ty.lane_bits(), 1 << (ty.lane_bits() - 1));
            bitselect_to(ctx, dst, sign, b, a);
        }
        Fcmp => {
            let Extra::FloatCC(cc) = ctx.func.dfg.insts[inst].extra else { return false };
            let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            let wide = sized_lane(ctx, inst, false, true);
            compare_to(ctx, cc, wide, dst, a, b);
        }
        _ => return false,
    }
    true
}

/// `wider` for lanes of 64 bits, else `narrow`.
fn sized_lane<T>(ctx: &Ctx<'_>, inst: IrInst, narrow: T, wider: T) -> T {
    if ctx.ty(ctx.arg(inst, 0)).lane_bits() == 64 { wider } else { narrow }
}

fn float_unary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Vv, wider: Vv) {
    let op = sized_lane(ctx, inst, narrow, wider);
    unary(ctx, inst, op);
}

fn float_binary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Vvv, wider: Vvv) {
    let op = sized_lane(ctx, inst, narrow, wider);
    binary(ctx, inst, op);
}

/// There are equality and orders; what else asks for NaNs is joined of those, or
/// the opposite of one.
fn compare_to(ctx: &mut Ctx<'_>, cc: FloatCC, wide: bool, dst: Reg, a: Reg, b: Reg) {
    let [eq, ne, lt, le] = match wide {
        false => [Vvv::veqf32x4, Vvv::vneqf32x4, Vvv::vltf32x4, Vvv::vlteqf32x4],
        true => [Vvv::veqf64x2, Vvv::vneqf64x2, Vvv::vltf64x2, Vvv::vlteqf64x2],
    };
    let (op, x, y) = match cc {
        FloatCC::Equal => (eq, a, b),
        FloatCC::NotEqual => (ne, a, b),
        FloatCC::LessThan => (lt, a, b),
        FloatCC::LessThanOrEqual => (le, a, b),
        FloatCC::GreaterThan => (lt, b, a),
        FloatCC::GreaterThanOrEqual => (le, b, a),
        FloatCC::Ordered => {
            let (x, y) = (vvv(ctx, eq, a, a), vvv(ctx, eq, b, b));
            (Vvv::vband128, x, y)
        }
        FloatCC::Unordered => {
            let (x, y) = (vvv(ctx, ne, a, a), vvv(ctx, ne, b, b));
            (Vvv::vbor128, x, y)
        }
        FloatCC::OrderedNotEqual => {
            let (x, y) = (vvv(ctx, lt, a, b), vvv(ctx, lt, b, a));
            (Vvv::vbor128, x, y)
        }
        FloatCC::UnorderedOrEqual
        | FloatCC::UnorderedOrLessThan
        | FloatCC::UnorderedOrLessThanOrEqual
        | FloatCC::UnorderedOrGreaterThan
        | FloatCC::UnorderedOrGreaterThanOrEqual => {
            let opposite = v_temp(ctx);
            compare_to(ctx, cc.complement(), wide, opposite, a, b);
            return ctx.emit(Inst::Vv { op: Vv::vbnot128, dst, src: opposite });
        }
    };
    vvv_to(ctx, op, dst, x, y);
}

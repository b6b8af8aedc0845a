//! Lanes made from scalars, taken out, put in, moved, and asked for.

use super::*;
use sidetrack_ir::Endianness;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let extra = ctx.func.dfg.insts[inst].extra;
    match (opcode, extra) {
        (Opcode::Splat, _) => splat(ctx, inst),
        (Opcode::ScalarToVector, _) => {
            let [src] = operands(ctx, inst);
            let (zero, dst) = (vconst(ctx, [0; 16]), ctx.result(inst, 0));
            let ty = ctx.func.dfg.insts[inst].ty;
            insert_to(ctx, ty, dst, zero, src, 0);
        }
        (Opcode::Insertlane, Extra::Lane(lane)) => {
            let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            let ty = ctx.func.dfg.insts[inst].ty;
            insert_to(ctx, ty, dst, a, b, lane);
        }
        (Opcode::Extractlane, Extra::Lane(lane)) => {
            let ([src], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            extract_to(ctx, ctx.func.dfg.insts[inst].ty, dst, src, lane);
        }
        (Opcode::Swizzle, _) => binary(ctx, inst, Vvv::vswizzlei8x16),
        (Opcode::Shuffle, Extra::Bytes(mask)) => {
            let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            ctx.emit(Inst::Shuffle { dst, a, b, mask });
        }
        (Opcode::VanyTrue, _) => question(ctx, inst, [Xv::vanytrue8x16; 4]),
        (Opcode::VallTrue, _) => {
            let ops = [Xv::valltrue8x16, Xv::valltrue16x8, Xv::valltrue32x4, Xv::valltrue64x2];
            question(ctx, inst, ops);
        }
        (Opcode::VhighBits, _) => high_bits(ctx, inst),
        (Opcode::Bitcast, _) => bitcast(ctx, inst),
        _ => return false,
    }
    true
}

fn splat(ctx: &mut Ctx<'_>, inst: IrInst) {
    let ([src], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    let ty = ctx.func.dfg.insts[inst].ty;
    ctx.emit(if ty.is_float_vector() {
        Inst::Vf { op: sized(ty.lane(), Vf::vsplatf32, Vf::vsplatf64), dst, src }
    } else {
        Inst::Vx { op: by_lane(ty, [Vx::vsplatx8, Vx::vsplatx16, Vx::vsplatx32, Vx::vsplatx64]), dst, src }
    });
}

fn insert_to(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, a: Reg, b: Reg, lane: u8) {
    ctx.emit(if ty.is_float_vector() {
        Inst::VvfLane { op: sized(ty.lane(), VvfLane::vinsertf32, VvfLane::vinsertf64), dst, a, b, lane }
    } else {
        let ops = [VvxLane::vinsertx8, VvxLane::vinsertx16, VvxLane::vinsertx32, VvxLane::vinsertx64];
        Inst::VvxLane { op: by_lane(ty, ops), dst, a, b, lane }
    });
}

fn extract_to(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, src: Reg, lane: u8) {
    ctx.emit(if ty.is_float_vector() {
        Inst::Fv { op: sized(ty.lane(), Fv::fextractv32x4, Fv::fextractv64x2), dst, src, lane }
    } else {
        let ops =
            [XvLane::xextractv8x16, XvLane::xextractv16x8, XvLane::xextractv32x4, XvLane::xextractv64x2];
        Inst::XvLane { op: by_lane(ty, ops), dst, src, lane }
    });
}

/// A number of up to 32 bits about a vector.
fn question(ctx: &mut Ctx<'_>, inst: IrInst, ops: [Xv; 4]) {
    let v = ctx.arg(inst, 0);
    let (op, src, dst) = (by_lane(ctx.ty(v), ops), ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(Inst::Xv { op, dst, src });
}

fn high_bits(ctx: &mut Ctx<'_>, inst: IrInst) {
    let ops = [Xv::vbitmask8x16, Xv::vbitmask16x8, Xv::vbitmask32x4, Xv::vbitmask64x2];
    if ctx.func.dfg.insts[inst].ty != I64 {
        return question(ctx, inst, ops);
    }
    let v = ctx.arg(inst, 0);
    let (op, src, dst, low) = (by_lane(ctx.ty(v), ops), ctx.reg(v), ctx.result(inst, 0), x_temp(ctx));
    ctx.emit(Inst::Xv { op, dst: low, src });
    xx_to(ctx, Xx::zext32, dst, low);
}

/// The bits stay; in the other byte order lanes are turned round as on the way
/// through memory.
fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let sizes = [ctx.ty(v), ctx.func.dfg.insts[inst].ty].map(|ty| ty.lane().bytes() as usize);
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    let big = matches!(ctx.func.dfg.insts[inst].extra,
        Extra::Mem(flags, _) if flags.endianness == Some(Endianness::Big));
    if !big || sizes[0] == sizes[1] {
        return ctx.emit(Inst::mov(dst, src, RegClass::Vector));
    }
    let [from, to] = sizes.map(reversed_lanes);
    let mask = to.map(|n| from[usize::from(n)]);
    ctx.emit(Inst::Shuffle { dst, a: src, b: src, mask });
}

//! Single lanes, and vectors made of one scalar.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let extra = ctx.func.dfg.insts[inst].extra;
    match (opcode, extra) {
        (Opcode::Vconst, Extra::Bytes(bytes)) => {
            let dst = ctx.result(inst, 0);
            constant_to(ctx, dst, u128::from_le_bytes(bytes));
        }
        (Opcode::Splat, _) => splat_of(ctx, inst, ty),
        (Opcode::ScalarToVector, _) => scalar_to_vector(ctx, inst, ty),
        (Opcode::Extractlane, Extra::Lane(lane)) => extract(ctx, inst, ty, lane),
        (Opcode::Insertlane, Extra::Lane(lane)) => insert(ctx, inst, ty, lane),
        _ => return false,
    }
    true
}

/// The scalar as memory of its own width, if it is loaded for nothing else.
fn scalar_memory(ctx: &mut Ctx<'_>, v: Value) -> Option<Rmi> {
    if ctx.iconst(v).is_some() { None } else { crate::isa::x64::lower::memory(ctx, v) }
}

fn to_xmm(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    let (src, dst) = (ctx.reg(v), xmm_temp(ctx));
    let size = Size::of(ctx.ty(v)).widened();
    ctx.emit(Inst::GprToXmm { size, dst, src });
    dst
}

fn splat_of(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let v = ctx.arg(inst, 0);
    if let Some(imm) = ctx.iconst(v) {
        let dst = ctx.result(inst, 0);
        return constant_to(ctx, dst, splat(imm as u64, ty.lane_bits()));
    }
    if ctx.backend.features.avx2() {
        use BroadcastOp::*;
        let op = by_width(ty, [Vpbroadcastb, Vpbroadcastw, Vpbroadcastd, Vpbroadcastq]);
        let src = match scalar_memory(ctx, v) {
            Some(mem) => mem,
            None if ctx.ty(v).is_int() => Rmi::Reg(to_xmm(ctx, v)),
            None => Rmi::Reg(ctx.reg(v)),
        };
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Broadcast { op, dst, src });
    }
    if ty.lane_bits() == 64
        && let Some(src) = scalar_memory(ctx, v)
    {
        let dst = ctx.result(inst, 0);
        return unary_to(ctx, VecUnaryOp::Movddup, 0, dst, src);
    }
    let src = if ctx.ty(v).is_int() { to_xmm(ctx, v) } else { ctx.reg(v) };
    let dst = ctx.result(inst, 0);
    match ty.lane_bits() {
        8 => {
            let zero = zero(ctx);
            op_to(ctx, VecOp::Pshufb, dst, src, Rmi::Reg(zero));
        }
        16 => {
            let twice = unary(ctx, VecUnaryOp::Pshuflw, 0, src);
            unary_to(ctx, VecUnaryOp::Pshufd, 0, dst, Rmi::Reg(twice));
        }
        32 => unary_to(ctx, VecUnaryOp::Pshufd, 0, dst, Rmi::Reg(src)),
        _ => unary_to(ctx, VecUnaryOp::Pshufd, 0b0100_0100, dst, Rmi::Reg(src)),
    }
}

/// The scalar in lane 0, the others zero.
fn scalar_to_vector(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let v = ctx.arg(inst, 0);
    let (size, wide) = (Size::of(ctx.ty(v)), ty.lane_bits() == 64);
    if ty.lane_bits() >= 32
        && let Some(src) = scalar_memory(ctx, v)
    {
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::XmmUnary { op: XmmUnaryOp::Load, wide, dst, src });
    }
    if ctx.ty(v).is_int() {
        let (src, dst) = (extended_to_32(ctx, v, false), ctx.result(inst, 0));
        return ctx.emit(Inst::GprToXmm { size: size.widened(), dst, src });
    }
    let src = ctx.reg(v);
    if wide {
        let dst = ctx.result(inst, 0);
        return unary_to(ctx, VecUnaryOp::Movq, 0, dst, Rmi::Reg(src));
    }
    // From lane 0 to lane 0, the others zero.
    let dst = ctx.result(inst, 0);
    op_imm_to(ctx, VecOp::Insertps, 0b0000_1110, dst, src, Rmi::Reg(src));
}

/// The order of double words that puts a lane first.
fn to_front(ty: Type, lane: u8) -> u8 {
    if ty == F64X2 { 0b0100 | (lane * 0b1010) } else { lane }
}

/// A register whose low lane is this lane of floats.
pub fn float_lane(ctx: &mut Ctx<'_>, ty: Type, src: Reg, lane: u8) -> Reg {
    match lane {
        0 => src,
        _ => unary(ctx, VecUnaryOp::Pshufd, to_front(ty, lane), src),
    }
}

fn extract(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, lane: u8) {
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    if ty.is_float_vector() {
        return match lane {
            0 => copy_to(ctx, dst, src),
            _ => unary_to(ctx, VecUnaryOp::Pshufd, to_front(ty, lane), dst, Rmi::Reg(src)),
        };
    }
    ctx.emit(match (lane, ty.lane_bits()) {
        (0, 32 | 64) => Inst::XmmToGpr { size: Size::of(ty.lane()), dst, src },
        _ => Inst::VecExtract { op: extraction(ty), lane, dst, src },
    });
}

fn extraction(ty: Type) -> ExtractOp {
    by_width(ty, [ExtractOp::Pextrb, ExtractOp::Pextrw, ExtractOp::Pextrd, ExtractOp::Pextrq])
}

/// Whether the value is a lane that comes zero-extended into its register.
pub fn is_zero_extended(ctx: &Ctx<'_>, v: Value) -> bool {
    ctx.def_op(v, Opcode::Extractlane).is_some() && ctx.ty(v).is_int()
}

/// Stores a lane right from its vector, if the stored value is one and used for
/// nothing else; whether it is so.
pub fn extract_store(ctx: &mut Ctx<'_>, inst: IrInst) -> bool {
    let v = ctx.arg(inst, 0);
    let Some(extract) = ctx.def_op(v, Opcode::Extractlane) else { return false };
    let Extra::Lane(lane) = ctx.func.dfg.insts[extract].extra else { return false };
    if !ctx.single_use(v) || mem::is_big(ctx, inst) {
        return false;
    }
    let vector = ctx.arg(extract, 0);
    let (ty, mem) = (ctx.ty(vector), mem::access(ctx, inst, 1));
    let src = reg(ctx, vector);
    ctx.emit(match (lane, ty.lane_bits()) {
        (0, 32) => Inst::XmmStore { wide: false, src, mem },
        (0, 64) => Inst::XmmStore { wide: true, src, mem },
        (_, 64) => Inst::VecStoreHigh { src, mem },
        _ => Inst::VecExtractStore { op: extraction(ty), lane, src, mem },
    });
    true
}

fn insert(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, lane: u8) {
    let v = ctx.arg(inst, 1);
    if ty.is_int_vector() {
        let src2 = match scalar_memory(ctx, v) {
            Some(mem) => mem,
            None => Rmi::Reg(ctx.reg(v)),
        };
        let (src1, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
        let op = by_width(ty, [InsertOp::Pinsrb, InsertOp::Pinsrw, InsertOp::Pinsrd, InsertOp::Pinsrq]);
        let vex = ctx.backend.features.avx();
        return ctx.emit(Inst::VecInsert { op, vex, lane, dst, src1, src2 });
    }
    // `movsd` from memory would make the upper half zero.
    let memory = if ty == F64X2 && lane == 0 { None } else { scalar_memory(ctx, v) };
    let src2 = match memory {
        Some(mem) => mem,
        None => Rmi::Reg(ctx.reg(v)),
    };
    let (src1, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    insert_float_to(ctx, ty, dst, src1, src2, lane);
}

/// Puts the low lane of a register into a vector of floats.
pub fn insert_float(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, src1: Reg, src2: Reg, lane: u8) {
    insert_float_to(ctx, ty, dst, src1, Rmi::Reg(src2), lane);
}

fn insert_float_to(ctx: &mut Ctx<'_>, ty: Type, dst: Reg, src1: Reg, src2: Rmi, lane: u8) {
    match (ty, lane) {
        (F64X2, 0) => op_to(ctx, VecOp::Movsd, dst, src1, src2),
        (F64X2, _) => op_to(ctx, VecOp::Movlhps, dst, src1, src2),
        (_, 0) if matches!(src2, Rmi::Reg(_)) => op_to(ctx, VecOp::Movss, dst, src1, src2),
        _ => op_imm_to(ctx, VecOp::Insertps, lane << 4, dst, src1, src2),
    }
}

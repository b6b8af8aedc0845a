//! Conversions between vectors of integers and of floats.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let to = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Bitcast => bitcast(ctx, inst, ty, to),
        Opcode::FvpromoteLow => unary_arg(ctx, inst, VecUnaryOp::Cvtps2pd),
        Opcode::Fvdemote => unary_arg(ctx, inst, VecUnaryOp::Cvtpd2ps),
        Opcode::FcvtFromSint if ty == I32X4 => unary_arg(ctx, inst, VecUnaryOp::Cvtdq2ps),
        Opcode::FcvtFromSint => from_sint_64(ctx, inst),
        Opcode::FcvtFromUint if ty == I32X4 => from_uint_32(ctx, inst),
        Opcode::FcvtFromUint => from_uint_64(ctx, inst),
        Opcode::FcvtToSintSat if ty == F32X4 => to_sint_32(ctx, inst),
        Opcode::FcvtToUintSat if ty == F32X4 => to_uint_32(ctx, inst),
        Opcode::FcvtToSintSat => to_int_64(ctx, inst, true),
        Opcode::FcvtToUintSat => to_int_64(ctx, inst, false),
        _ => return false,
    }
    true
}

/// In little-endian order the bits stay. In big-endian order so do the bytes of the
/// memory that it would be stored to, lane after lane.
fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst, from: Type, to: Type) {
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    let (from, to) = (from.lane_bits() as u8 / 8, to.lane_bits() as u8 / 8);
    if !mem::is_big(ctx, inst) || from == to {
        return copy_to(ctx, dst, src);
    }
    let swapped = |width: u8, n: u8| n / width * width + width - 1 - n % width;
    let order: [u8; 16] = std::array::from_fn(|n| swapped(from, swapped(to, n as u8)));
    op_to(ctx, VecOp::Pshufb, dst, src, Rmi::vector(u128::from_le_bytes(order)));
}

fn unary_arg(ctx: &mut Ctx<'_>, inst: IrInst, op: VecUnaryOp) {
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    unary_to(ctx, op, 0, dst, Rmi::Reg(src));
}

fn float_mask(value: f64, ty: Type) -> Rmi {
    match ty {
        F64X2 => mask(value.to_bits(), 64),
        _ => mask((value as f32).to_bits().into(), 32),
    }
}

/// Numbers widened from 32 bits are converted from these; others one by one.
fn from_sint_64(ctx: &mut Ctx<'_>, inst: IrInst) {
    if let Some(widen) = def_op(ctx, ctx.arg(inst, 0), Opcode::SwidenLow) {
        return unary_arg_of(ctx, inst, widen);
    }
    let src = arg(ctx, inst, 0);
    let high = unary(ctx, VecUnaryOp::Pshufd, 0b1110_1110, src);
    let [low, high] = [src, high].map(|src| {
        let (bits, float) = (temp(ctx), xmm_temp(ctx));
        ctx.emit(Inst::XmmToGpr { size: Size::S64, dst: bits, src });
        ctx.emit(Inst::IntToXmm { size: Size::S64, wide: true, dst: float, src: bits });
        float
    });
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Movlhps, dst, low, Rmi::Reg(high));
}

fn unary_arg_of(ctx: &mut Ctx<'_>, inst: IrInst, widen: IrInst) {
    let (src, dst) = (arg(ctx, widen, 0), ctx.result(inst, 0));
    unary_to(ctx, VecUnaryOp::Cvtdq2pd, 0, dst, Rmi::Reg(src));
}

/// Both halves become the low bits of large floats: 2^23 + low, and
/// 2^39 + high * 2^16. Less 2^39 + 2^23 the latter is exact, so that the sum is
/// rounded once.
fn from_uint_32(ctx: &mut Ctx<'_>, inst: IrInst) {
    let src = arg(ctx, inst, 0);
    if ctx.backend.features.avx512() {
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::EvexUnary { op: EvexUnaryOp::Vcvtudq2ps, dst, src });
    }
    let low = op_imm(ctx, VecOp::Pblendw, 0b1010_1010, src, mask(0x4b00_0000, 32));
    let high = shift_by(ctx, VecShiftOp::Psrld, src, 16);
    let high = op(ctx, VecOp::Por, high, mask(0x5300_0000, 32));
    let high = op(ctx, VecOp::Subps, high, float_mask(2f64.powi(39) + 2f64.powi(23), F32X4));
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Addps, dst, high, Rmi::Reg(low));
}

/// As of 32 bits, with 2^52 + low and 2^84 + high * 2^32; numbers widened from 32
/// bits have no upper half.
fn from_uint_64(ctx: &mut Ctx<'_>, inst: IrInst) {
    let two_52 = 2f64.powi(52);
    if let Some(widen) = def_op(ctx, ctx.arg(inst, 0), Opcode::UwidenLow) {
        let src = arg(ctx, widen, 0);
        let biased = op(ctx, VecOp::Punpckldq, src, mask(two_52.to_bits() >> 32, 32));
        let dst = ctx.result(inst, 0);
        return op_to(ctx, VecOp::Subpd, dst, biased, float_mask(two_52, F64X2));
    }
    let src = arg(ctx, inst, 0);
    let two_84 = 2f64.powi(84);
    let low = op_imm(ctx, VecOp::Pblendw, 0b1100_1100, src, float_mask(two_52, F64X2));
    let high = shift_by(ctx, VecShiftOp::Psrlq, src, 32);
    let high = op(ctx, VecOp::Por, high, float_mask(two_84, F64X2));
    let high = op(ctx, VecOp::Subpd, high, float_mask(two_84 + two_52, F64X2));
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Addpd, dst, high, Rmi::Reg(low));
}

/// NaNs become zero. What does not fit converts to the least number, which is turned
/// into the greatest where the float is large.
fn to_sint_32(ctx: &mut Ctx<'_>, inst: IrInst) {
    let src = arg(ctx, inst, 0);
    let ordered = op_imm(ctx, VecOp::Cmpps, 0, src, Rmi::Reg(src));
    let number = op_rr(ctx, VecOp::Andps, ordered, src);
    let large = op_imm(ctx, VecOp::Cmpps, 5, number, float_mask(2f64.powi(31), F32X4));
    let converted = unary(ctx, VecUnaryOp::Cvttps2dq, 0, number);
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Pxor, dst, converted, Rmi::Reg(large));
}

/// What has 32 bits converts to 2^31, to which its excess over that is added: at most
/// 2^31 - 1, and nothing where there is none.
fn to_uint_32(ctx: &mut Ctx<'_>, inst: IrInst) {
    let src = arg(ctx, inst, 0);
    let zero = zero(ctx);
    let number = op_rr(ctx, VecOp::Maxps, src, zero);
    if ctx.backend.features.avx512() {
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::EvexUnary { op: EvexUnaryOp::Vcvttps2udq, dst, src: number });
    }
    let limit = float_mask(2f64.powi(31), F32X4);
    let excess = op(ctx, VecOp::Subps, number, limit);
    let large = op_imm(ctx, VecOp::Cmpps, 5, excess, limit);
    let excess = unary(ctx, VecUnaryOp::Cvttps2dq, 0, excess);
    let excess = op_rr(ctx, VecOp::Pxor, excess, large);
    let excess = op_rr(ctx, VecOp::Pmaxsd, excess, zero);
    let converted = unary(ctx, VecUnaryOp::Cvttps2dq, 0, number);
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Paddd, dst, converted, Rmi::Reg(excess));
}

/// Lane by lane, as scalars.
fn to_int_64(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let src = arg(ctx, inst, 0);
    let high = unary(ctx, VecUnaryOp::Pshufd, 0b1110_1110, src);
    let [low, high] = [src, high].map(|src| {
        let (integer, vector) = (temp(ctx), xmm_temp(ctx));
        crate::isa::x64::lower::float::to_int_sat(ctx, integer, src, F64, sidetrack_ir::types::I64, signed);
        ctx.emit(Inst::GprToXmm { size: Size::S64, dst: vector, src: integer });
        vector
    });
    let dst = ctx.result(inst, 0);
    op_to(ctx, VecOp::Punpcklqdq, dst, low, Rmi::Reg(high));
}

/// Floats of 64 bits converted to integers of 32, if the instruction is a narrowing
/// of a conversion, and of nothing: whether it is.
pub fn narrowed_to_int(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let conversion = match opcode {
        Opcode::Snarrow => Opcode::FcvtToSintSat,
        Opcode::Uunarrow => Opcode::FcvtToUintSat,
        _ => return false,
    };
    let Some(convert) = def_op(ctx, ctx.arg(inst, 0), conversion) else { return false };
    if vconst(ctx, ctx.arg(inst, 1)) != Some(0) {
        return false;
    }
    let src = arg(ctx, convert, 0);
    let dst = ctx.result(inst, 0);
    if opcode == Opcode::Snarrow {
        // The least of the float, or 0 if it is a NaN, and the greatest number.
        let ordered = op_imm(ctx, VecOp::Cmppd, 0, src, Rmi::Reg(src));
        let limit = op(ctx, VecOp::Andps, ordered, float_mask(f64::from(i32::MAX), F64X2));
        let number = op_rr(ctx, VecOp::Minpd, src, limit);
        unary_to(ctx, VecUnaryOp::Cvttpd2dq, 0, dst, Rmi::Reg(number));
        return true;
    }
    // Whole numbers from 0 to 2^32 - 1 are the low bits of themselves and 2^52.
    let zero = zero(ctx);
    let number = op_rr(ctx, VecOp::Maxpd, src, zero);
    let number = op(ctx, VecOp::Minpd, number, float_mask(f64::from(u32::MAX), F64X2));
    let whole = unary(ctx, VecUnaryOp::Roundpd, 11, number);
    let biased = op(ctx, VecOp::Addpd, whole, float_mask(2f64.powi(52), F64X2));
    op_imm_to(ctx, VecOp::Shufps, 0b1000_1000, dst, biased, Rmi::Reg(zero));
    true
}

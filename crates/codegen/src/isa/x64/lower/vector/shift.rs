//! Shifts of all lanes by one amount, modulo their width.
//!
//! There are no instructions for bytes, nor for arithmetic shifts of 64 bits: those
//! are logical ones, after which the sign is put right by `(x ^ m) - m`, where m is
//! the sign bit shifted likewise.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    if !matches!(opcode, Opcode::Ishl | Opcode::Ushr | Opcode::Sshr) {
        return false;
    }
    let amount = ctx.arg(inst, 1);
    match ctx.iconst(amount) {
        Some(imm) => by_constant(ctx, inst, opcode, ty, imm as u32 & (ty.lane_bits() - 1)),
        None => by_register(ctx, inst, opcode, ty, amount),
    }
    true
}

/// The shift of lanes of 16 bits or more by an immediate, if there is one.
fn immediate_op(opcode: Opcode, ty: Type) -> Option<VecShiftOp> {
    use VecShiftOp::*;
    Some(match (opcode, ty.lane_bits()) {
        (Opcode::Ishl, 64) => Psllq,
        (Opcode::Ishl, 32) => Pslld,
        (Opcode::Ishl, 16) => Psllw,
        (Opcode::Ushr, 64) => Psrlq,
        (Opcode::Ushr, 32) => Psrld,
        (Opcode::Ushr, 16) => Psrlw,
        (Opcode::Sshr, 32) => Psrad,
        (Opcode::Sshr, 16) => Psraw,
        _ => return None,
    })
}

fn by_constant(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type, amount: u32) {
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    if amount == 0 {
        return copy_to(ctx, dst, src);
    }
    if let Some(op) = immediate_op(opcode, ty) {
        return shift_to(ctx, op, dst, src, amount);
    }
    let bits = ty.lane_bits();
    if opcode == Opcode::Sshr && amount == bits - 1 {
        let zero = zero(ctx);
        let greater = if ty == I8X16 { VecOp::Pcmpgtb } else { VecOp::Pcmpgtq };
        return op_to(ctx, greater, dst, zero, Rmi::Reg(src));
    }
    if opcode == Opcode::Sshr && ty == I64X2 && ctx.backend.features.avx512() {
        return ctx.emit(Inst::Vpsraq { dst, src, amount: amount as u8 });
    }
    if opcode == Opcode::Ishl && amount == 1 {
        return op_to(ctx, VecOp::Paddb, dst, src, Rmi::Reg(src));
    }
    // What came from the neighbouring byte is masked away.
    let logical = |ctx: &mut Ctx<'_>, dst: Reg| match (ty, opcode) {
        (I64X2, _) => shift_to(ctx, VecShiftOp::Psrlq, dst, src, amount),
        (_, Opcode::Ishl) => {
            let shifted = shift_by(ctx, VecShiftOp::Psllw, src, amount);
            op_to(ctx, VecOp::Pand, dst, shifted, mask(0xff << amount, 8));
        }
        _ => {
            let shifted = shift_by(ctx, VecShiftOp::Psrlw, src, amount);
            op_to(ctx, VecOp::Pand, dst, shifted, mask(0xff >> amount, 8));
        }
    };
    if opcode != Opcode::Sshr {
        return logical(ctx, dst);
    }
    let shifted = xmm_temp(ctx);
    logical(ctx, shifted);
    let sign = mask(1 << (bits - 1 - amount), bits);
    let flipped = op(ctx, VecOp::Pxor, shifted, sign);
    op_to(ctx, if ty == I8X16 { VecOp::Psubb } else { VecOp::Psubq }, dst, flipped, sign);
}

fn by_register(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type, amount: Value) {
    use VecOp::*;
    let src = arg(ctx, inst, 0);
    let amount = ctx.reg(amount);
    let masked = alu(ctx, AluOp::And, Size::S32, amount, Rmi::Imm(ty.lane_bits() as i32 - 1));
    let count = xmm_temp(ctx);
    ctx.emit(Inst::GprToXmm { size: Size::S32, dst: count, src: masked });
    let dst = ctx.result(inst, 0);
    let which = match (opcode, ty.lane_bits()) {
        (_, 8) => return bytes_by_register(ctx, opcode, dst, src, count),
        (Opcode::Ishl, 16) => Psllw,
        (Opcode::Ishl, 32) => Pslld,
        (Opcode::Ishl, _) => Psllq,
        (Opcode::Ushr, 16) => Psrlw,
        (Opcode::Ushr, 32) => Psrld,
        (Opcode::Ushr, _) => Psrlq,
        (_, 16) => Psraw,
        (_, 32) => Psrad,
        _ if ctx.backend.features.avx512() => {
            return ctx.emit(Inst::Evex { op: EvexOp::Vpsraq, dst, src1: src, src2: count });
        }
        _ => {
            let sign = constant(ctx, splat(1 << 63, 64));
            let sign = op_rr(ctx, Psrlq, sign, count);
            let shifted = op_rr(ctx, Psrlq, src, count);
            let flipped = op_rr(ctx, Pxor, shifted, sign);
            return op_to(ctx, Psubq, dst, flipped, Rmi::Reg(sign));
        }
    };
    op_to(ctx, which, dst, src, Rmi::Reg(count));
}

/// Bytes of even number and the others are shifted apart, in the halves of words.
fn bytes_by_register(ctx: &mut Ctx<'_>, opcode: Opcode, dst: Reg, src: Reg, count: Reg) {
    use VecOp::*;
    let (low, high) = (mask(0xff, 16), mask(0xff00, 16));
    let (even, odd) = match opcode {
        Opcode::Ishl => {
            let even = op_rr(ctx, Psllw, src, count);
            let odd = op(ctx, Pand, src, high);
            (op(ctx, Pand, even, low), op_rr(ctx, Psllw, odd, count))
        }
        Opcode::Ushr => {
            let even = op(ctx, Pand, src, low);
            let odd = op_rr(ctx, Psrlw, src, count);
            (op_rr(ctx, Psrlw, even, count), op(ctx, Pand, odd, high))
        }
        _ => {
            let even = shift_by(ctx, VecShiftOp::Psllw, src, 8);
            let even = op_rr(ctx, Psraw, even, count);
            let odd = op_rr(ctx, Psraw, src, count);
            (shift_by(ctx, VecShiftOp::Psrlw, even, 8), op(ctx, Pand, odd, high))
        }
    };
    op_to(ctx, Por, dst, even, Rmi::Reg(odd));
}

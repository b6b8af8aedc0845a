//! Loads and stores of vectors.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    use VecUnaryOp::*;
    let (widening, from) = match opcode {
        Opcode::Load => {
            load(ctx, inst, ty);
            return true;
        }
        Opcode::Store => {
            store(ctx, inst, ty);
            return true;
        }
        Opcode::Uload8x8 => (Pmovzxbw, I8X16),
        Opcode::Sload8x8 => (Pmovsxbw, I8X16),
        Opcode::Uload16x4 => (Pmovzxwd, I16X8),
        Opcode::Sload16x4 => (Pmovsxwd, I16X8),
        Opcode::Uload32x2 => (Pmovzxdq, I32X4),
        Opcode::Sload32x2 => (Pmovsxdq, I32X4),
        _ => return false,
    };
    let mem = mem::access(ctx, inst, 0);
    let mut src = Rmi::Mem(mem);
    if let Some(order) = swapping(ctx, inst, from) {
        let raw = xmm_temp(ctx);
        unary_to(ctx, Movq, 0, raw, src);
        src = Rmi::Reg(op(ctx, VecOp::Pshufb, raw, order));
    }
    let dst = ctx.result(inst, 0);
    unary_to(ctx, widening, 0, dst, src);
    true
}

/// The order that reverses the bytes of each lane, if the access is big-endian and
/// lanes have several.
fn swapping(ctx: &Ctx<'_>, inst: IrInst, ty: Type) -> Option<Rmi> {
    let width = ty.lane_bits() as u8 / 8;
    let order: [u8; 16] = std::array::from_fn(|n| n as u8 ^ (width - 1));
    (mem::is_big(ctx, inst) && width > 1).then(|| Rmi::vector(u128::from_le_bytes(order)))
}

fn load(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let src = Rmi::Mem(mem::access(ctx, inst, 0));
    let dst = ctx.result(inst, 0);
    let order = swapping(ctx, inst, ty);
    let to = if order.is_some() { xmm_temp(ctx) } else { dst };
    ctx.emit(Inst::VecUnary { op: VecUnaryOp::Movups, vex: false, imm: 0, dst: to, src });
    if let Some(order) = order {
        op_to(ctx, VecOp::Pshufb, dst, to, order);
    }
}

fn store(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let mem = mem::access(ctx, inst, 1);
    let mut src = arg(ctx, inst, 0);
    if let Some(order) = swapping(ctx, inst, ty) {
        src = op(ctx, VecOp::Pshufb, src, order);
    }
    ctx.emit(Inst::VecStore { src, mem });
}

//! Atomic accesses: at an address in a register, by single instructions where the
//! processor has them (LSE), else by loops around exclusive ones.

use super::*;
use sidetrack_ir::AtomicRmwOp;
use sidetrack_ir::types::I8;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    let width = ty.bits().trailing_zeros() as u8 - 3;
    let trap = ctx.mem_trap(inst);
    match opcode {
        Opcode::AtomicLoad => {
            let addr = mem::address_reg(ctx, ctx.arg(inst, 0));
            let (dst, old) = old_value(ctx, inst);
            ctx.emit(Inst::LoadAcquire { width, dst: old, addr, trap });
            finish_old(ctx, inst, dst, old, ty);
        }
        Opcode::AtomicStore => {
            let addr = mem::address_reg(ctx, ctx.arg(inst, 1));
            let src = swapped(ctx, inst, ctx.arg(inst, 0));
            ctx.emit(Inst::StoreRelease { width, src, addr, trap });
        }
        Opcode::AtomicRmw => atomic_rmw(ctx, inst, ty, width),
        Opcode::AtomicCas => {
            let addr = mem::address_reg(ctx, ctx.arg(inst, 0));
            let (expected, new) = (ctx.arg(inst, 1), ctx.arg(inst, 2));
            let (expected, new) = (swapped(ctx, inst, expected), swapped(ctx, inst, new));
            let (dst, old) = old_value(ctx, inst);
            ctx.emit(match ctx.backend.features.lse() {
                true => Inst::Cas { width, dst: old, expected, new, addr, trap },
                false => Inst::CasLoop { width, dst: old, expected, new, addr, trap },
            });
            finish_old(ctx, inst, dst, old, ty);
        }
        Opcode::Fence => ctx.emit(Inst::Fence),
        _ => return false,
    }
    true
}

/// Whether the access is big-endian and of several bytes.
fn is_big(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    mem::is_big(ctx, inst) && ctx.func.dfg.insts[inst].ty != I8
}

/// The value in the byte order of the access.
fn swapped(ctx: &mut Ctx<'_>, inst: IrInst, v: Value) -> Reg {
    let (src, ty) = (ctx.reg(v), ctx.ty(v));
    if !is_big(ctx, inst) {
        return src;
    }
    let dst = temp(ctx);
    bits::swap_bytes(ctx, dst, src, ty);
    dst
}

/// The register of the result, and where the old value comes in the byte order of the
/// access.
fn old_value(ctx: &mut Ctx<'_>, inst: IrInst) -> (Reg, Reg) {
    let dst = ctx.result(inst, 0);
    if is_big(ctx, inst) { (dst, temp(ctx)) } else { (dst, dst) }
}

fn finish_old(ctx: &mut Ctx<'_>, inst: IrInst, dst: Reg, old: Reg, ty: Type) {
    if is_big(ctx, inst) {
        bits::swap_bytes(ctx, dst, old, ty);
    }
}

fn atomic_rmw(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, width: u8) {
    let Extra::Atomic(_, op) = ctx.func.dfg.insts[inst].extra else { return };
    let (big, trap) = (is_big(ctx, inst), ctx.mem_trap(inst));
    let addr = mem::address_reg(ctx, ctx.arg(inst, 0));
    let v = ctx.arg(inst, 1);
    let bitwise = matches!(op, AtomicRmwOp::Xchg | AtomicRmwOp::And | AtomicRmwOp::Or | AtomicRmwOp::Xor);
    // Bits do not care for their order.
    if ctx.backend.features.lse() && op != AtomicRmwOp::Nand && (bitwise || !big) {
        let mut src = swapped(ctx, inst, v);
        let size = Size::of(ty);
        let lse = match op {
            AtomicRmwOp::Add => LseOp::Ldadd,
            AtomicRmwOp::Sub => {
                src = alu(ctx, AluOp::Sub, size, ZR, Rm::Reg(src));
                LseOp::Ldadd
            }
            AtomicRmwOp::And | AtomicRmwOp::Nand => {
                src = alu(ctx, AluOp::Orn, size, ZR, Rm::Reg(src));
                LseOp::Ldclr
            }
            AtomicRmwOp::Or => LseOp::Ldset,
            AtomicRmwOp::Xor => LseOp::Ldeor,
            AtomicRmwOp::Xchg => LseOp::Swp,
            AtomicRmwOp::Umin => LseOp::Ldumin,
            AtomicRmwOp::Umax => LseOp::Ldumax,
            AtomicRmwOp::Smin => LseOp::Ldsmin,
            AtomicRmwOp::Smax => LseOp::Ldsmax,
        };
        let (dst, old) = old_value(ctx, inst);
        ctx.emit(Inst::Lse { op: lse, width, src, dst: old, addr, trap });
        return finish_old(ctx, inst, dst, old, ty);
    }
    let operand = ctx.reg(v);
    let (dst, old) = old_value(ctx, inst);
    ctx.emit(Inst::RmwLoop { op, width, big, dst: old, operand, addr, trap });
    finish_old(ctx, inst, dst, old, ty);
}

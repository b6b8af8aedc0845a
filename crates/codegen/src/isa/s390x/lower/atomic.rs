//! Atomic accesses.
//!
//! The machine orders everything but a load after a store to elsewhere, so atomic loads
//! are loads, and a store is followed by a serialisation. Those that read and write are.

use super::mem::is_little;
use super::*;
use crate::isa::s390x::inst::{Addr, Field, Mem};
use sidetrack_ir::AtomicRmwOp;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::AtomicLoad => {
            let (addr, trap) = (extended(ctx, ctx.arg(inst, 0), false), ctx.mem_trap(inst));
            let op = match (ty, is_little(ctx, inst, ty)) {
                (I8, _) => Op::Llgc,
                (I16, false) => Op::Llgh,
                (I16, true) => Op::Lrvh,
                (I32, false) => Op::Llgf,
                (I32, true) => Op::Lrv,
                (_, false) => Op::Lg,
                (_, true) => Op::Lrvg,
            };
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Load { op, dst, mem: Mem { addr: Addr::Base(addr, 0), trap } });
        }
        Opcode::AtomicStore => {
            let (src, ty) = (ctx.reg(ctx.arg(inst, 0)), ctx.ty(ctx.arg(inst, 0)));
            let (addr, trap) = (extended(ctx, ctx.arg(inst, 1), false), ctx.mem_trap(inst));
            let op = match (ty, is_little(ctx, inst, ty)) {
                (I8, _) => Op::Stcy,
                (I16, false) => Op::Sthy,
                (I16, true) => Op::Strvh,
                (I32, false) => Op::Sty,
                (I32, true) => Op::Strv,
                (_, false) => Op::Stg,
                (_, true) => Op::Strvg,
            };
            ctx.emit(Inst::Store { op, src, mem: Mem { addr: Addr::Base(addr, 0), trap } });
            ctx.emit(Inst::Fence);
        }
        Opcode::AtomicRmw => atomic_rmw(ctx, inst, ty),
        Opcode::AtomicCas => atomic_cas(ctx, inst),
        Opcode::Fence => ctx.emit(Inst::Fence),
        _ => return false,
    }
    true
}

/// The instruction that does the operation on words, or on doublewords.
fn amo(op: AtomicRmwOp) -> Option<(Op, Op)> {
    Some(match op {
        AtomicRmwOp::Add | AtomicRmwOp::Sub => (Op::Laa, Op::Laag),
        AtomicRmwOp::And => (Op::Lan, Op::Lang),
        AtomicRmwOp::Or => (Op::Lao, Op::Laog),
        AtomicRmwOp::Xor => (Op::Lax, Op::Laxg),
        _ => return None,
    })
}

/// The address of an atomic access, which has no offset. That of a narrow one is of the
/// aligned word around it, in which the field is.
fn atomic_address(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> (Reg, Option<Field>) {
    let addr = extended(ctx, ctx.arg(inst, 0), false);
    if ty.bits() >= 32 {
        return (addr, None);
    }
    let word = temp(ctx);
    ctx.emit(Inst::Bits { dst: word, src: addr, start: 0, end: 61, rotate: 0 });
    // The lowest address has the highest bits. Rotations of 32 bits use 6 bits of the
    // amount, of which the highest does not matter.
    (word, Some(Field { rotate: shift(ctx, Op::Sllk, addr, 3) }))
}

/// A value in the highest bits, of 32.
fn in_place(ctx: &mut Ctx<'_>, v: Value, field: Option<Field>) -> Reg {
    let (ty, src) = (ctx.ty(v), ctx.reg(v));
    if field.is_some() { shift(ctx, Op::Sllk, src, 32 - ty.bits()) } else { src }
}

/// The value that a word has, or its field.
fn take_out(ctx: &mut Ctx<'_>, dst: Reg, word: Reg, ty: Type, little: bool, field: Option<Field>) {
    let Some(field) = field else {
        return two_to(ctx, sized(ty, Op::Lrvr, Op::Lrvgr), dst, word);
    };
    let upper = temp(ctx);
    shift_to(ctx, Op::Rll, upper, word, Amount::Reg(field.rotate));
    if little {
        return two_to(ctx, Op::Lrvr, dst, upper);
    }
    shift_to(ctx, Op::Srlk, dst, upper, Amount::Imm(32 - ty.bits() as u8));
}

fn atomic_rmw(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let Extra::Atomic(_, op) = ctx.func.dfg.insts[inst].extra else { return };
    let (trap, little) = (ctx.mem_trap(inst), is_little(ctx, inst, ty));
    let v = ctx.arg(inst, 1);
    let (addr, field) = atomic_address(ctx, inst, ty);
    let dst = ctx.result(inst, 0);
    if let Some((word, double)) = amo(op)
        && field.is_none()
        && !little
    {
        let mut src = ctx.reg(v);
        if op == AtomicRmwOp::Sub {
            src = two(ctx, Op::Lcgr, src);
        }
        return ctx.emit(Inst::Amo { op: sized(ty, word, double), dst, addr, src, trap });
    }
    let mut operand = in_place(ctx, v, field);
    if matches!(op, AtomicRmwOp::And | AtomicRmwOp::Nand) && field.is_some() {
        // What is not the field's stays.
        operand = into_imm(ctx, Op::Oilf, operand, i64::from(u32::MAX >> ty.bits()));
    }
    let plain = field.is_none() && !little;
    let word = if plain { dst } else { temp(ctx) };
    ctx.emit(Inst::AtomicLoop { op, ty, little, dst: word, addr, operand, field, trap });
    if !plain {
        take_out(ctx, dst, word, ty, little, field);
    }
}

fn atomic_cas(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [_, expected, new] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let ty = ctx.ty(new);
    let (trap, little) = (ctx.mem_trap(inst), is_little(ctx, inst, ty));
    let (addr, field) = atomic_address(ctx, inst, ty);
    let (mut expected, mut new) = (in_place(ctx, expected, field), in_place(ctx, new, field));
    let dst = ctx.result(inst, 0);
    let plain = field.is_none() && !little;
    let word = if plain { dst } else { temp(ctx) };
    match field {
        Some(field) => {
            ctx.emit(Inst::CasField { ty, little, dst: word, addr, expected, new, field, trap });
        }
        None => {
            if little {
                for reg in [&mut expected, &mut new] {
                    *reg = two(ctx, sized(ty, Op::Lrvr, Op::Lrvgr), *reg);
                }
            }
            ctx.emit(Inst::Cas { wide: ty == I64, dst: word, addr, expected, new, trap });
        }
    }
    if !plain {
        take_out(ctx, dst, word, ty, little, field);
    }
}

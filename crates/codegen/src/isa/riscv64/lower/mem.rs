//! Memory: loads, stores, atomic accesses, addresses.
//!
//! Atomic accesses are sequentially consistent: read-modify-write instructions and
//! `lr` acquire and release, plain accesses stand between fences.

use super::*;
use crate::isa::riscv64::inst::{Addr, Field, Mem};
use sidetrack_ir::types::{I8, I16};
use sidetrack_ir::{AtomicRmwOp, Endianness};

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Load => load(ctx, inst, ty, None),
        Opcode::Uload8 => load(ctx, inst, I8, Some(false)),
        Opcode::Sload8 => load(ctx, inst, I8, Some(true)),
        Opcode::Uload16 => load(ctx, inst, I16, Some(false)),
        Opcode::Sload16 => load(ctx, inst, I16, Some(true)),
        Opcode::Uload32 => load(ctx, inst, I32, Some(false)),
        Opcode::Sload32 => load(ctx, inst, I32, Some(true)),
        Opcode::Store => store(ctx, inst, ty),
        Opcode::Istore8 => store(ctx, inst, I8),
        Opcode::Istore16 => store(ctx, inst, I16),
        Opcode::Istore32 => store(ctx, inst, I32),
        Opcode::AtomicLoad => {
            ctx.emit(Inst::Plain { op: Op::FenceRwRw });
            load(ctx, inst, ty, None);
            ctx.emit(Inst::Plain { op: Op::FenceRRw });
        }
        Opcode::AtomicStore => {
            ctx.emit(Inst::Plain { op: Op::FenceRwW });
            store(ctx, inst, ty);
        }
        Opcode::AtomicRmw => atomic_rmw(ctx, inst, ty),
        Opcode::AtomicCas => atomic_cas(ctx, inst),
        Opcode::Fence => ctx.emit(Inst::Plain { op: Op::FenceRwRw }),
        Opcode::StackAddr => {
            let (addr, dst) = (ctx.stack_addr(inst), ctx.result(inst, 0));
            ctx.emit(Inst::StackAddr { dst, addr });
        }
        Opcode::FuncAddr | Opcode::SymbolValue | Opcode::TlsValue => {
            let (name, offset, near) = ctx.symbol(inst)?;
            let (near, dst) = (near && i32::try_from(offset).is_ok(), ctx.result(inst, 0));
            ctx.emit(Inst::Symbol { dst, name, offset, near });
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Whether an access of a `memory` type is big-endian.
pub fn is_big(ctx: &Ctx<'_>, inst: IrInst, memory: Type) -> bool {
    memory != I8 && ctx.mem_flags(inst).0.endianness == Some(Endianness::Big)
}

/// The memory that an instruction accesses whose address is argument number `n`.
pub fn access(ctx: &mut Ctx<'_>, inst: IrInst, n: usize) -> Mem {
    let (v, offset) = (ctx.arg(inst, n), ctx.mem_flags(inst).1);
    Mem { addr: address(ctx, v, offset), trap: ctx.mem_trap(inst) }
}

/// An address plus an offset in bytes, with constants folded into it.
fn address(ctx: &mut Ctx<'_>, v: Value, offset: i32) -> Addr {
    if let Some(place) = ctx.frame_place(v, offset) {
        return Addr::Stack(place);
    }
    if ctx.ty(v) == I64
        && let Some(add) = ctx.def_op(v, Opcode::Iadd)
    {
        let (base, other) = ordered(ctx, add);
        if let Some(value) = ctx.iconst(other)
            && let Some(sum) = value.checked_add(i64::from(offset))
            && let Ok(sum) = i32::try_from(sum)
        {
            let base = ctx.reg(base);
            return based(ctx, base, sum);
        }
    }
    let base = extended(ctx, v, false);
    based(ctx, base, offset)
}

/// A register plus an offset, of which an access has the low 12 bits.
fn based(ctx: &mut Ctx<'_>, base: Reg, offset: i32) -> Addr {
    if fits12(offset.into()) {
        return Addr::Base(base, offset);
    }
    let near = if offset < 0 { -2048 } else { 2047 };
    if fits12(i64::from(offset) - i64::from(near)) {
        return Addr::Base(imm(ctx, Op::Addi, base, near), offset - near);
    }
    let low = offset << 20 >> 20;
    let high = number(ctx, i64::from(offset) - i64::from(low));
    Addr::Base(three(ctx, Op::Add, base, high), low)
}

/// Loads a `memory` type; an integer is extended with sign or without, to 64 bits.
fn load(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type, extension: Option<bool>) {
    let (mem, big) = (access(ctx, inst, 0), is_big(ctx, inst, memory));
    let dst = ctx.result(inst, 0);
    // Where nobody asks for an extension, that which costs nothing.
    let signed = extension.unwrap_or(memory == I32);
    let op = match (memory, signed) {
        (F32, _) => Op::Flw,
        (F64, _) => Op::Fld,
        (I8, false) => Op::Lbu,
        (I8, true) => Op::Lb,
        (I16, false) => Op::Lhu,
        (I16, true) => Op::Lh,
        (I32, false) => Op::Lwu,
        (I32, true) => Op::Lw,
        _ => Op::Ld,
    };
    if !big {
        return ctx.emit(Inst::Load { op, dst, mem });
    }
    let (op, ty) = match memory {
        F32 => (Op::Lw, I32),
        F64 => (Op::Ld, I64),
        _ => (op, memory),
    };
    let raw = temp(ctx);
    ctx.emit(Inst::Load { op, dst: raw, mem });
    if memory.is_float() {
        let bits = temp(ctx);
        ctx.emit(Inst::SwapBytes { dst: bits, src: raw, ty });
        two_to(ctx, sized(memory, Op::FmvWX, Op::FmvDX), dst, bits);
    } else if extension == Some(false) || memory == I16 {
        let value = temp(ctx);
        ctx.emit(Inst::SwapBytes { dst: value, src: raw, ty });
        ctx.emit(Inst::extend(dst, value, memory, signed));
    } else {
        ctx.emit(Inst::SwapBytes { dst, src: raw, ty });
    }
}

/// A register with the value in the byte order of the access.
fn in_order(ctx: &mut Ctx<'_>, inst: IrInst, v: Value, memory: Type) -> Reg {
    if !is_big(ctx, inst, memory) {
        return if ctx.ty(v).is_int() { operand(ctx, v) } else { ctx.reg(v) };
    }
    let mut src = ctx.reg(v);
    if memory.is_float() {
        src = two(ctx, sized(memory, Op::FmvXW, Op::FmvXD), src);
    }
    let dst = temp(ctx);
    let ty = match memory.bits() {
        16 => I16,
        32 => I32,
        _ => I64,
    };
    ctx.emit(Inst::SwapBytes { dst, src, ty });
    dst
}

fn store(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type) {
    let v = ctx.arg(inst, 0);
    let mem = access(ctx, inst, 1);
    let (src, big) = (in_order(ctx, inst, v, memory), is_big(ctx, inst, memory));
    let op = match memory {
        F32 if !big => Op::Fsw,
        F64 if !big => Op::Fsd,
        I8 => Op::Sb,
        I16 => Op::Sh,
        I32 | F32 => Op::Sw,
        _ => Op::Sd,
    };
    ctx.emit(Inst::Store { op, src, mem });
}

/// The instruction that does the operation on words, or on doublewords.
fn amo(op: AtomicRmwOp) -> Option<(Op, Op)> {
    Some(match op {
        AtomicRmwOp::Add | AtomicRmwOp::Sub => (Op::AmoAddW, Op::AmoAddD),
        AtomicRmwOp::And => (Op::AmoAndW, Op::AmoAndD),
        AtomicRmwOp::Or => (Op::AmoOrW, Op::AmoOrD),
        AtomicRmwOp::Xor => (Op::AmoXorW, Op::AmoXorD),
        AtomicRmwOp::Xchg => (Op::SwapW, Op::SwapD),
        AtomicRmwOp::Umin => (Op::AmoMinuW, Op::AmoMinuD),
        AtomicRmwOp::Umax => (Op::AmoMaxuW, Op::AmoMaxuD),
        AtomicRmwOp::Smin => (Op::AmoMinW, Op::AmoMinD),
        AtomicRmwOp::Smax => (Op::AmoMaxW, Op::AmoMaxD),
        AtomicRmwOp::Nand => return None,
    })
}

/// The address of an atomic access, which has no offset. That of a narrow one is of
/// the aligned word around it, in which the field is.
fn atomic_address(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> (Reg, Option<Field>) {
    let v = ctx.arg(inst, 0);
    let addr = extended(ctx, v, false);
    if ty.bits() >= 32 {
        return (addr, None);
    }
    let word = imm(ctx, Op::Andi, addr, -4);
    // Shifts of 32 bits use the low five bits of the amount.
    let shift = imm(ctx, Op::Slliw, addr, 3);
    let ones = number(ctx, (1 << ty.bits()) - 1);
    let mask = three(ctx, Op::Sllw, ones, shift);
    (word, Some(Field { shift, mask }))
}

fn atomic_rmw(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let Extra::Atomic(flags, op) = ctx.func.dfg.insts[inst].extra else { return };
    let (trap, big) = (flags.trap.map(crate::trap_code), is_big(ctx, inst, ty));
    let v = ctx.arg(inst, 1);
    let (addr, field) = atomic_address(ctx, inst, ty);
    if let Some((word, double)) = amo(op)
        && field.is_none()
        && !big
    {
        let mut src = operand(ctx, v);
        if op == AtomicRmwOp::Sub {
            src = three(ctx, Op::Sub, ZERO, src);
        }
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Amo { op: sized(ty, word, double), dst, addr, src, trap });
    }
    let signed = matches!(op, AtomicRmwOp::Smin | AtomicRmwOp::Smax);
    let operand = comparable(ctx, v, signed);
    let (dst, new) = (ctx.result(inst, 0), temp(ctx));
    ctx.emit(Inst::AtomicLoop { op, ty, big, dst, addr, operand, field, new, trap });
}

fn atomic_cas(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [_, expected, new] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let ty = ctx.ty(new);
    let (trap, big) = (ctx.mem_trap(inst), is_big(ctx, inst, ty));
    let (addr, field) = atomic_address(ctx, inst, ty);
    let (mut expected, mut new) = match (big, field) {
        (true, _) => (in_order(ctx, inst, expected, ty), in_order(ctx, inst, new, ty)),
        (false, None) => (extended(ctx, expected, true), operand(ctx, new)),
        (false, Some(_)) => (operand(ctx, expected), operand(ctx, new)),
    };
    if let Some(field) = field {
        for reg in [&mut expected, &mut new] {
            let shifted = three(ctx, Op::Sllw, *reg, field.shift);
            *reg = three(ctx, Op::And, shifted, field.mask);
        }
    }
    let dst = ctx.result(inst, 0);
    let old = if big || field.is_some() { temp(ctx) } else { dst };
    let mask = field.map(|field| field.mask);
    ctx.emit(Inst::Cas { wide: ty == I64, dst: old, addr, expected, new, mask, trap });
    match (field, big) {
        (None, false) => {}
        (None, true) => ctx.emit(Inst::SwapBytes { dst, src: old, ty }),
        (Some(field), false) => three_to(ctx, Op::Srlw, dst, old, field.shift),
        (Some(field), true) => {
            let value = three(ctx, Op::Srlw, old, field.shift);
            ctx.emit(Inst::SwapBytes { dst, src: value, ty });
        }
    }
}

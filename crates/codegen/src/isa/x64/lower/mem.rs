//! Memory: loads, stores, atomic accesses, addresses.

use super::*;
use sidetrack_artifact::SymbolName;
use sidetrack_ir::types::{I8, I16, I32, I64};
use sidetrack_ir::{AtomicRmwOp, Endianness};

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Load | Opcode::AtomicLoad => load(ctx, inst, ty, ty, false),
        Opcode::Uload8 => load(ctx, inst, I8, ty, false),
        Opcode::Sload8 => load(ctx, inst, I8, ty, true),
        Opcode::Uload16 => load(ctx, inst, I16, ty, false),
        Opcode::Sload16 => load(ctx, inst, I16, ty, true),
        Opcode::Uload32 => load(ctx, inst, I32, I64, false),
        Opcode::Sload32 => load(ctx, inst, I32, I64, true),
        Opcode::Store => store(ctx, inst, ty),
        Opcode::Istore8 => store(ctx, inst, I8),
        Opcode::Istore16 => store(ctx, inst, I16),
        Opcode::Istore32 => store(ctx, inst, I32),
        Opcode::AtomicStore => {
            let src = ctx.arg(inst, 0);
            let mem = access(ctx, inst, 1);
            let src = swapped(ctx, inst, src);
            let dst = temp(ctx);
            ctx.emit(Inst::Xchg { size: Size::of(ty), dst, src, mem });
        }
        Opcode::AtomicRmw => atomic_rmw(ctx, inst, ty),
        Opcode::AtomicCas => {
            let mem = access(ctx, inst, 0);
            let (expected, new) = (ctx.arg(inst, 1), ctx.arg(inst, 2));
            let (expected, src) = (swapped(ctx, inst, expected), swapped(ctx, inst, new));
            let (dst, old) = old_value(ctx, inst);
            ctx.emit(Inst::Cmpxchg { size: Size::of(ty), dst: old, expected, src, mem });
            finish_old(ctx, inst, dst, old, ty);
        }
        Opcode::Fence => ctx.emit(Inst::Fence),
        Opcode::StackAddr => {
            let (addr, dst) = (ctx.stack_addr(inst), ctx.result(inst, 0));
            ctx.emit(Inst::Lea { size: Size::S64, dst, addr: Amode::Stack(addr) });
        }
        Opcode::FuncAddr | Opcode::SymbolValue | Opcode::TlsValue => {
            let (name, offset, near) = ctx.symbol(inst)?;
            let dst = ctx.result(inst, 0);
            ctx.emit(symbol(dst, name, offset, near));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Whether an access is big-endian and not of one byte.
pub fn is_big(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    ctx.mem_flags(inst).0.endianness == Some(Endianness::Big)
}

/// The memory that an instruction accesses whose address is argument number `n`.
pub fn access(ctx: &mut Ctx<'_>, inst: IrInst, n: usize) -> Mem {
    let (v, offset) = (ctx.arg(inst, n), ctx.mem_flags(inst).1);
    Mem { amode: address(ctx, v, offset), trap: ctx.mem_trap(inst) }
}

/// A register with an address of 64 bits. A zero-extension costs nothing where the
/// register that it extends has a zero upper half already.
fn address_reg(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    match ctx.def_op(v, Opcode::Uextend) {
        Some(extend) if upper_half_is_zero(ctx, ctx.arg(extend, 0)) => ctx.reg(ctx.arg(extend, 0)),
        _ => ctx.reg(v),
    }
}

/// Whether a value is computed by an instruction of 32 bits, which makes the upper
/// half of its register zero; copies and spills keep all of a register.
pub fn upper_half_is_zero(ctx: &Ctx<'_>, v: Value) -> bool {
    let Some(inst) = ctx.def_inst(v) else { return false };
    ctx.ty(v) == I32
        && match ctx.func.dfg.insts[inst].opcode {
            Opcode::Iadd
            | Opcode::Isub
            | Opcode::Imul
            | Opcode::Band
            | Opcode::Bor
            | Opcode::Bxor
            | Opcode::Bnot
            | Opcode::Load
            | Opcode::Uload8
            | Opcode::Uload16
            | Opcode::Extractlane
            | Opcode::Select => true,
            // A shift by nothing is a copy.
            Opcode::Ishl | Opcode::Ushr | Opcode::Sshr => {
                ctx.iconst(ctx.arg(inst, 1)).is_none_or(|amount| amount % 32 != 0)
            }
            _ => false,
        }
}

/// An address plus an offset in bytes, with sums and small shifts folded into it.
fn address(ctx: &mut Ctx<'_>, v: Value, offset: i32) -> Amode {
    if ctx.ty(v) != I64 {
        return Amode::Base(extended(ctx, v, false), offset);
    }
    if let Some(place) = ctx.frame_place(v, offset) {
        return Amode::Stack(place);
    }
    let Some(add) = ctx.def_op(v, Opcode::Iadd) else { return Amode::Base(address_reg(ctx, v), offset) };
    let (a, b) = (ctx.arg(add, 0), ctx.arg(add, 1));
    for (base, other) in [(a, b), (b, a)] {
        if let Some(imm) = ctx.iconst(other)
            && let Some(sum) = imm.checked_add(i64::from(offset))
            && let Ok(sum) = i32::try_from(sum)
        {
            // One level more: the base may be a sum itself.
            return match ctx.def_op(base, Opcode::Iadd) {
                Some(inner) => self::sum(ctx, ctx.arg(inner, 0), ctx.arg(inner, 1), sum),
                None => Amode::Base(address_reg(ctx, base), sum),
            };
        }
    }
    sum(ctx, a, b, offset)
}

/// The address `a + b + disp`, one of the two perhaps shifted.
pub fn sum(ctx: &mut Ctx<'_>, a: Value, b: Value, disp: i32) -> Amode {
    for (base, index) in [(a, b), (b, a)] {
        if let Some(shl) = ctx.def_op(index, Opcode::Ishl)
            && let Some(amount) = ctx.iconst(ctx.arg(shl, 1))
            && let amount = amount as u64 % u64::from(ctx.ty(index).bits())
            && amount <= 3
        {
            let (index, base) = (address_reg(ctx, ctx.arg(shl, 0)), address_reg(ctx, base));
            return Amode::Index { base, index, shift: amount as u8, disp };
        }
    }
    Amode::Index { base: address_reg(ctx, a), index: address_reg(ctx, b), shift: 0, disp }
}

/// Loads a `memory` type, extended to `ty`.
fn load(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type, ty: Type, signed: bool) {
    let (mem, big) = (access(ctx, inst, 0), is_big(ctx, inst));
    let (dst, src) = (ctx.result(inst, 0), Rmi::Mem(mem));
    let size = Size::of(memory);
    let kind = match (size, signed && ty.bits() < 64) {
        (Size::S8, true) => MovKind::Sx8To32,
        (Size::S16, true) => MovKind::Sx16To32,
        _ => MovKind::extend(size, signed),
    };
    if memory.is_float() && !big {
        let wide = memory == F64;
        return ctx.emit(Inst::XmmUnary { op: XmmUnaryOp::Load, wide, dst, src });
    }
    if !big || size == Size::S8 {
        return ctx.emit(Inst::Mov { kind, dst, src });
    }
    let raw = temp(ctx);
    ctx.emit(Inst::Mov { kind: MovKind::extend(size, false), dst: raw, src });
    if memory.is_float() {
        let bits = temp(ctx);
        ctx.emit(Inst::Bswap { size, dst: bits, src: raw });
        ctx.emit(Inst::GprToXmm { size, dst, src: bits });
    } else if memory == ty {
        bits::swap_bytes(ctx, dst, raw, memory);
    } else {
        let value = temp(ctx);
        bits::swap_bytes(ctx, value, raw, memory);
        ctx.emit(Inst::Mov { kind, dst, src: Rmi::Reg(value) });
    }
}

/// Stores the result of an operation on what was loaded from the same place, by one
/// instruction; whether it is so.
fn update(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> bool {
    let (v, to) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let Some(change) = ctx.def_inst(v) else { return false };
    let op = match ctx.func.dfg.insts[change].opcode {
        Opcode::Iadd => AluOp::Add,
        Opcode::Isub => AluOp::Sub,
        Opcode::Band => AluOp::And,
        Opcode::Bor => AluOp::Or,
        Opcode::Bxor => AluOp::Xor,
        _ => return false,
    };
    if !ctx.single_use(v) || ty.bits() < 32 || !ty.is_int() || is_big(ctx, inst) {
        return false;
    }
    let (a, b) = (ctx.arg(change, 0), ctx.arg(change, 1));
    for (old, by) in [(a, b), (b, a)] {
        if (op != AluOp::Sub || old == a)
            && let Some(load) = ctx.sinkable_load(old)
            && ctx.func.dfg.insts[load].opcode == Opcode::Load
            && ctx.mem_flags(load) == ctx.mem_flags(inst)
            && ctx.arg(load, 0) == to
        {
            ctx.sink(load);
            let src = match immediate(ctx, by) {
                Some(imm) => Rmi::Imm(imm),
                None => Rmi::Reg(ctx.reg(by)),
            };
            let mem = access(ctx, inst, 1);
            ctx.emit(Inst::AluMem { op, size: Size::of(ty), mem, src });
            return true;
        }
    }
    false
}

fn store(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type) {
    if ctx.func.dfg.insts[inst].opcode == Opcode::Store
        && (update(ctx, inst, memory) || vector::extract_store(ctx, inst))
    {
        return;
    }
    let v = ctx.arg(inst, 0);
    let (mem, big, size) = (access(ctx, inst, 1), is_big(ctx, inst), Size::of(memory));
    if memory.is_float() {
        let (src, wide) = (ctx.reg(v), memory == F64);
        if !big {
            return ctx.emit(Inst::XmmStore { wide, src, mem });
        }
        let (raw, swapped) = (temp(ctx), temp(ctx));
        ctx.emit(Inst::XmmToGpr { size, dst: raw, src });
        ctx.emit(Inst::Bswap { size, dst: swapped, src: raw });
        return ctx.emit(Inst::Store { size, src: Rmi::Reg(swapped), mem });
    }
    let src = match ctx.iconst(v).map(|imm| i32::try_from(sign_extended(imm, memory))) {
        Some(Ok(imm)) if !big || size == Size::S8 => Rmi::Imm(imm),
        _ => {
            let mut src = ctx.reg(v);
            if big && size != Size::S8 {
                let swapped = temp(ctx);
                bits::swap_bytes(ctx, swapped, src, memory);
                src = swapped;
            }
            Rmi::Reg(src)
        }
    };
    ctx.emit(Inst::Store { size, src, mem });
}

/// The value in the byte order of the access.
fn swapped(ctx: &mut Ctx<'_>, inst: IrInst, v: Value) -> Reg {
    let (src, ty) = (ctx.reg(v), ctx.ty(v));
    if !is_big(ctx, inst) || ty == I8 {
        return src;
    }
    let dst = temp(ctx);
    bits::swap_bytes(ctx, dst, src, ty);
    dst
}

/// The register of the result, and where the old value comes in the byte order of
/// the access.
fn old_value(ctx: &mut Ctx<'_>, inst: IrInst) -> (Reg, Reg) {
    let dst = ctx.result(inst, 0);
    if is_big(ctx, inst) { (dst, temp(ctx)) } else { (dst, dst) }
}

fn finish_old(ctx: &mut Ctx<'_>, inst: IrInst, dst: Reg, old: Reg, ty: Type) {
    if is_big(ctx, inst) {
        bits::swap_bytes(ctx, dst, old, ty);
    }
}

fn atomic_rmw(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let Extra::Atomic(_, op) = ctx.func.dfg.insts[inst].extra else { return };
    let (size, big) = (Size::of(ty), is_big(ctx, inst) && ty != I8);
    let mem = access(ctx, inst, 0);
    let v = ctx.arg(inst, 1);
    match op {
        AtomicRmwOp::Xchg => {
            let src = swapped(ctx, inst, v);
            let (dst, old) = old_value(ctx, inst);
            ctx.emit(Inst::Xchg { size, dst: old, src, mem });
            finish_old(ctx, inst, dst, old, ty);
        }
        AtomicRmwOp::Add | AtomicRmwOp::Sub if !big => {
            let mut src = ctx.reg(v);
            if op == AtomicRmwOp::Sub {
                let negated = temp(ctx);
                ctx.emit(Inst::Unary { op: UnaryOp::Neg, size: size.widened(), dst: negated, src });
                src = negated;
            }
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Xadd { size, dst, src, mem });
        }
        _ => {
            let operand = ctx.reg(v);
            let (dst, old) = old_value(ctx, inst);
            let tmp = temp(ctx);
            ctx.emit(Inst::AtomicLoop { op, size, big, dst: old, tmp, operand, mem });
            finish_old(ctx, inst, dst, old, ty);
        }
    }
}

/// Puts the address of a symbol into a register; what is linked near is addressed
/// from the instruction, so that the code stays independent of its place.
fn symbol(dst: Reg, name: SymbolName, offset: i64, near: bool) -> Inst {
    match i32::try_from(offset) {
        Ok(offset) if near => Inst::NearSymbol { dst, name, offset },
        _ => Inst::Symbol { dst, name, offset },
    }
}

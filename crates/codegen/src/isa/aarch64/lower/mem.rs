//! Memory: loads, stores, addresses.

use super::*;
use crate::lower::MAX_SAME;
use sidetrack_artifact::SymbolName;
use sidetrack_ir::Endianness;
use sidetrack_ir::types::{I8, I16};

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Load => load(ctx, inst, ty, ty, false),
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
        Opcode::StackAddr => {
            let (addr, dst) = (ctx.stack_addr(inst), ctx.result(inst, 0));
            ctx.emit(Inst::FrameAddr { dst, addr });
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

/// A register with an address of 64 bits.
pub fn address_reg(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    match ctx.def_op(v, Opcode::Uextend) {
        Some(extend) if upper_half_is_zero(ctx, ctx.arg(extend, 0)) => ctx.reg(ctx.arg(extend, 0)),
        _ => extended(ctx, v, false),
    }
}

/// The index of an access of `bytes` bytes, if it can be one: extended, and multiplied
/// by the access's size.
fn index(ctx: &mut Ctx<'_>, base: Value, v: Value, bytes: u32) -> Option<Amode> {
    let (mut inner, mut scaled) = (v, false);
    if let Some(shl) = ctx.def_op(v, Opcode::Ishl)
        && ctx.iconst(ctx.arg(shl, 1)) == Some(i64::from(bytes.trailing_zeros()))
        && bytes > 1
    {
        (inner, scaled) = (ctx.arg(shl, 0), true);
    }
    for (opcode, extend) in [(Opcode::Uextend, Extend::Uxtw), (Opcode::Sextend, Extend::Sxtw)] {
        if let Some(inst) = ctx.def_op(inner, opcode)
            && ctx.ty(ctx.arg(inst, 0)) == I32
        {
            let (index, base) = (ctx.reg(ctx.arg(inst, 0)), address_reg(ctx, base));
            return Some(Amode::Index { base, index, extend, scaled });
        }
    }
    scaled.then(|| {
        let (index, base) = (ctx.reg(inner), address_reg(ctx, base));
        Amode::Index { base, index, extend: Extend::Uxtx, scaled }
    })
}

/// The address of an access of `bytes` bytes whose address is argument number `n`.
pub fn address(ctx: &mut Ctx<'_>, inst: IrInst, n: usize, bytes: u32) -> Amode {
    let (mut v, offset) = (ctx.arg(inst, n), ctx.mem_flags(inst).1);
    let mut offset = i64::from(offset);
    if ctx.ty(v) != I64 {
        return Amode::Base(extended(ctx, v, false), offset as i32);
    }
    // Constants added become the offset.
    for _ in 0..MAX_SAME {
        let Some(add) = ctx.def_op(v, Opcode::Iadd) else { break };
        let (a, b) = (ctx.arg(add, 0), ctx.arg(add, 1));
        let Some((rest, c)) = [(a, b), (b, a)].into_iter().find_map(|(rest, v)| Some((rest, ctx.iconst(v)?)))
        else {
            break;
        };
        match offset.checked_add(c).filter(|sum| i32::try_from(*sum).is_ok()) {
            Some(sum) => (v, offset) = (rest, sum),
            None => break,
        }
    }
    let offset = offset as i32;
    if let Some(place) = ctx.frame_place(v, offset) {
        return Amode::Stack(place);
    }
    if offset == 0
        && let Some(add) = ctx.def_op(v, Opcode::Iadd)
    {
        let (a, b) = (ctx.arg(add, 0), ctx.arg(add, 1));
        for (base, other) in [(a, b), (b, a)] {
            if let Some(amode) = index(ctx, base, other, bytes) {
                return amode;
            }
        }
        if ctx.iconst(a).is_none() && ctx.iconst(b).is_none() {
            let (base, index) = (address_reg(ctx, a), address_reg(ctx, b));
            return Amode::Index { base, index, extend: Extend::Uxtx, scaled: false };
        }
    }
    Amode::Base(address_reg(ctx, v), offset)
}

/// The load of a type, extended to 32 bits, or with its sign to 64.
fn load_op(memory: Type, to: Type, signed: bool) -> MemOp {
    match (memory.bits(), memory.is_int()) {
        (8, _) if signed && to == I64 => MemOp::LdrsbX,
        (8, _) if signed => MemOp::LdrsbW,
        (8, _) => MemOp::Ldrb,
        (16, _) if signed && to == I64 => MemOp::LdrshX,
        (16, _) if signed => MemOp::LdrshW,
        (16, _) => MemOp::Ldrh,
        (32, true) if signed && to == I64 => MemOp::LdrswX,
        (32, true) => MemOp::LdrW,
        (64, true) => MemOp::LdrX,
        (32, false) => MemOp::LdrS,
        (64, false) => MemOp::LdrD,
        _ => MemOp::LdrQ,
    }
}

fn store_op(memory: Type) -> MemOp {
    match (memory.bits(), memory.is_int()) {
        (8, _) => MemOp::Strb,
        (16, _) => MemOp::Strh,
        (32, true) => MemOp::StrW,
        (64, true) => MemOp::StrX,
        (32, false) => MemOp::StrS,
        (64, false) => MemOp::StrD,
        _ => MemOp::StrQ,
    }
}

/// Loads a `memory` type, extended to `ty`.
fn load(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type, ty: Type, signed: bool) {
    let (addr, trap) = (address(ctx, inst, 0, memory.bits() / 8), ctx.mem_trap(inst));
    let dst = ctx.result(inst, 0);
    if !is_big(ctx, inst) || memory == I8 {
        return ctx.emit(Inst::Load { op: load_op(memory, ty, signed), dst, addr, trap });
    }
    let raw = temp(ctx);
    let bits = if memory.bits() == 64 { I64 } else { I32 };
    let integer = if memory.is_int() { memory } else { bits };
    ctx.emit(Inst::Load { op: load_op(integer, integer, false), dst: raw, addr, trap });
    if memory == ty && memory.is_int() {
        return bits::swap_bytes(ctx, dst, raw, memory);
    }
    let value = temp(ctx);
    bits::swap_bytes(ctx, value, raw, integer);
    ctx.emit(match memory.is_int() {
        false => Inst::FmovFromInt { size: Size::of(memory), dst, n: value },
        true => {
            let op = if signed { BitfieldOp::Sbfm } else { BitfieldOp::Ubfm };
            Inst::Bitfield { op, size: Size::of(ty), dst, n: value, immr: 0, imms: memory.bits() as u8 - 1 }
        }
    });
}

fn store(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type) {
    let v = ctx.arg(inst, 0);
    let (addr, trap) = (address(ctx, inst, 1, memory.bits() / 8), ctx.mem_trap(inst));
    if !is_big(ctx, inst) || memory == I8 {
        let zero = float::is_zero(ctx, v);
        let (op, src) = match memory {
            F32 if zero => (MemOp::StrW, ZR),
            F64 if zero => (MemOp::StrX, ZR),
            _ if memory.is_int() => (store_op(memory), reg_or_zero(ctx, v)),
            _ => (store_op(memory), ctx.reg(v)),
        };
        return ctx.emit(Inst::Store { op, src, addr, trap });
    }
    let (mut src, size) = (ctx.reg(v), Size::of(memory));
    let bits = if size == Size::S64 { I64 } else { I32 };
    let integer = if memory.is_int() { memory } else { bits };
    if !memory.is_int() {
        let raw = temp(ctx);
        ctx.emit(Inst::FmovToInt { size, dst: raw, n: src });
        src = raw;
    }
    let swapped = temp(ctx);
    bits::swap_bytes(ctx, swapped, src, integer);
    ctx.emit(Inst::Store { op: store_op(integer), src: swapped, addr, trap });
}

/// Puts the address of a symbol into a register; what is linked near is addressed from
/// the instruction, so that the code stays independent of its place.
fn symbol(dst: Reg, name: SymbolName, offset: i64, near: bool) -> Inst {
    // What is added must leave the distance in reach.
    if near && offset.unsigned_abs() < 1 << 30 {
        Inst::NearSymbol { dst, name, offset }
    } else {
        Inst::Symbol { dst, name, offset }
    }
}

//! Memory: loads, stores, addresses. What is little-endian is turned around on its way.

use super::*;
use crate::isa::s390x::encode::fits20;
use crate::isa::s390x::inst::{Addr, Mem};
use crate::lower::MAX_SAME;

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Load if ty.is_vector() => return Ok(false),
        Opcode::Store if ctx.ty(ctx.arg(inst, 0)).is_vector() => return Ok(false),
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
        Opcode::StackAddr => {
            let (addr, dst) = (ctx.stack_addr(inst), ctx.result(inst, 0));
            ctx.emit(Inst::Address { dst, mem: Mem::stack(addr) });
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

/// Whether an access of a `memory` type is little-endian.
pub fn is_little(ctx: &Ctx<'_>, inst: IrInst, memory: Type) -> bool {
    memory != I8 && ctx.mem_flags(inst).0.endianness == Some(Endianness::Little)
}

/// The memory that an instruction accesses whose address is argument number `n`.
pub fn access(ctx: &mut Ctx<'_>, inst: IrInst, n: usize) -> Mem {
    let (v, offset) = (ctx.arg(inst, n), ctx.mem_flags(inst).1);
    Mem { addr: address(ctx, v, offset), trap: ctx.mem_trap(inst) }
}

/// An address plus an offset in bytes, with constants and sums folded into it.
fn address(ctx: &mut Ctx<'_>, v: Value, offset: i32) -> Addr {
    if let Some(place) = ctx.frame_place(v, offset) {
        return Addr::Stack(place);
    }
    if ctx.ty(v) != I64 {
        let base = extended(ctx, v, false);
        return based(ctx, base, offset);
    }
    let (mut v, mut offset) = (v, i64::from(offset));
    for _ in 0..MAX_SAME {
        let Some(add) = ctx.def_op(v, Opcode::Iadd) else { break };
        let (base, other) = ordered(ctx, add);
        let sum = ctx.iconst(other).and_then(|value| value.checked_add(offset));
        match sum.filter(|&sum| fits20(sum)) {
            Some(sum) => (v, offset) = (base, sum),
            None if fits20(offset) && ctx.iconst(other).is_none() => {
                return Addr::Index(ctx.reg(base), ctx.reg(other), offset as i32);
            }
            None => break,
        }
    }
    let base = ctx.reg(v);
    based(ctx, base, offset as i32)
}

/// A register plus an offset, of which an access has the low 20 bits.
fn based(ctx: &mut Ctx<'_>, base: Reg, offset: i32) -> Addr {
    if fits20(offset.into()) {
        return Addr::Base(base, offset);
    }
    Addr::Base(add(ctx, base, offset), 0)
}

/// Loads a `memory` type; an integer is extended with sign or without, to 64 bits.
fn load(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type, extension: Option<bool>) {
    let (mem, little) = (access(ctx, inst, 0), is_little(ctx, inst, memory));
    let dst = ctx.result(inst, 0);
    let signed = extension == Some(true);
    if !little {
        let op = match (memory, signed) {
            (F32, _) => Op::Ley,
            (F64, _) => Op::Ldy,
            (I8, false) => Op::Llgc,
            (I8, true) => Op::Lgb,
            (I16, false) => Op::Llgh,
            (I16, true) => Op::Lgh,
            (I32, false) => Op::Llgf,
            (I32, true) => Op::Lgf,
            _ => Op::Lg,
        };
        return ctx.emit(Inst::Load { op, dst, mem });
    }
    let op = match memory.bits() {
        16 => Op::Lrvh,
        32 => Op::Lrv,
        _ => Op::Lrvg,
    };
    if memory.is_int() && (extension.is_none() || memory == I64) {
        return ctx.emit(Inst::Load { op, dst, mem });
    }
    let raw = temp(ctx);
    ctx.emit(Inst::Load { op, dst: raw, mem });
    if memory.is_int() {
        ctx.emit(Inst::extend(dst, raw, memory, signed));
    } else {
        float::set_bits(ctx, dst, raw, memory);
    }
}

fn store(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type) {
    let v = ctx.arg(inst, 0);
    let (mem, little) = (access(ctx, inst, 1), is_little(ctx, inst, memory));
    let src = if little { float::bits(ctx, v) } else { ctx.reg(v) };
    let op = match (memory, little) {
        (F32, false) => Op::Stey,
        (F64, false) => Op::Stdy,
        (I8, _) => Op::Stcy,
        (I16, false) => Op::Sthy,
        (I16, true) => Op::Strvh,
        (I32, false) => Op::Sty,
        (I32 | F32, true) => Op::Strv,
        (_, false) => Op::Stg,
        (_, true) => Op::Strvg,
    };
    ctx.emit(Inst::Store { op, src, mem });
}

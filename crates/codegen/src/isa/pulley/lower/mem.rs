//! Memory: loads, stores, atomic accesses, addresses.
//!
//! An access that may trap uses the instruction that traps if its base register is
//! null, so nothing is folded into its address; one that cannot trap takes a
//! constant or a stack slot into it.

use super::*;
use crate::isa::pulley::inst::Addr;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::types::{I8, I16, I32};
use sidetrack_ir::{AtomicRmwOp, Endianness, Extra, Inst as IrInst};

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Load => load(ctx, inst, ty, None),
        Opcode::Uload8 => load(ctx, inst, I8, Some((ty, false))),
        Opcode::Sload8 => load(ctx, inst, I8, Some((ty, true))),
        Opcode::Uload16 => load(ctx, inst, I16, Some((ty, false))),
        Opcode::Sload16 => load(ctx, inst, I16, Some((ty, true))),
        Opcode::Uload32 => load(ctx, inst, I32, Some((I64, false))),
        Opcode::Sload32 => load(ctx, inst, I32, Some((I64, true))),
        Opcode::AtomicLoad => load(ctx, inst, ty, None),
        Opcode::Store | Opcode::AtomicStore => store(ctx, inst, ty),
        Opcode::Istore8 => store(ctx, inst, I8),
        Opcode::Istore16 => store(ctx, inst, I16),
        Opcode::Istore32 => store(ctx, inst, I32),
        Opcode::AtomicRmw => atomic_rmw(ctx, inst),
        Opcode::AtomicCas => atomic_cas(ctx, inst),
        Opcode::Fence => {}
        Opcode::StackAddr => {
            let (addr, dst) = (ctx.stack_addr(inst), ctx.result(inst, 0));
            ctx.emit(Inst::StackAddr { dst, addr });
        }
        Opcode::FuncAddr | Opcode::SymbolValue | Opcode::TlsValue => {
            let (name, offset, _) = ctx.symbol(inst)?;
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Symbol { dst, name, offset });
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// How memory is accessed.
pub struct Access {
    /// Where.
    pub addr: Addr,
    /// The code of its trap, if it can trap.
    pub trap: Option<TrapCode>,
    /// Whether the byte order is the other than the machine's.
    pub big: bool,
}

/// The access of an instruction whose address is `v`.
pub fn access(ctx: &mut Ctx<'_>, inst: IrInst, v: Value) -> Access {
    let ((flags, offset), trap) = (ctx.mem_flags(inst), ctx.mem_trap(inst));
    let addr = address(ctx, v, offset, trap.is_some());
    Access { addr, trap, big: flags.endianness == Some(Endianness::Big) }
}

fn address(ctx: &mut Ctx<'_>, v: Value, offset: i32, may_trap: bool) -> Addr {
    if let Some(place) = ctx.frame_place(v, offset) {
        return Addr::Stack(place);
    }
    if !may_trap && let Some(add) = ctx.def_op(v, Opcode::Iadd) {
        let (a, b) = (ctx.arg(add, 0), ctx.arg(add, 1));
        for (base, other) in [(a, b), (b, a)] {
            if let Some(imm) = ctx.iconst(other)
                && let Some(sum) = imm.checked_add(i64::from(offset))
                && let Ok(sum) = i32::try_from(sum)
            {
                return Addr::Reg(ctx.reg(base), sum);
            }
        }
    }
    Addr::Reg(ctx.reg(v), offset)
}

/// Loads a `memory` type, perhaps extended to a wider one.
fn load(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type, extend_to: Option<(Type, bool)>) {
    let v = ctx.arg(inst, 0);
    let access = access(ctx, inst, v);
    let dst = ctx.result(inst, 0);
    match extend_to {
        None => load_to(ctx, dst, &access, memory, false),
        Some((ty, signed)) if ty.bits() < 64 => load_to(ctx, dst, &access, memory, signed),
        Some((_, signed)) => {
            let low = x_temp(ctx);
            load_to(ctx, low, &access, memory, signed);
            ctx.emit(Inst::extend(dst, low, memory, signed));
        }
    }
}

/// Loads a `memory` type; narrow integers are extended to 32 bits.
fn load_to(ctx: &mut Ctx<'_>, dst: Reg, access: &Access, memory: Type, signed: bool) {
    let (addr, trap) = (access.addr, access.trap);
    let op = match (memory, access.big, signed) {
        (F32, big, _) => {
            let op = if big { FLoad::fload32be } else { FLoad::fload32le };
            return ctx.emit(Inst::FLoad { op, dst, addr, trap });
        }
        (F64, big, _) => {
            let op = if big { FLoad::fload64be } else { FLoad::fload64le };
            return ctx.emit(Inst::FLoad { op, dst, addr, trap });
        }
        (I8, _, false) => XLoad::xload8_u32,
        (I8, _, true) => XLoad::xload8_s32,
        (I16, false, false) => XLoad::xload16le_u32,
        (I16, false, true) => XLoad::xload16le_s32,
        (I16, true, false) => XLoad::xload16be_u32,
        (I16, true, true) => XLoad::xload16be_s32,
        (I32, false, _) => XLoad::xload32le,
        (I32, true, _) => XLoad::xload32be,
        (_, false, _) => XLoad::xload64le,
        (_, true, _) => XLoad::xload64be,
    };
    ctx.emit(Inst::XLoad { op, dst, addr, trap });
}

fn store(ctx: &mut Ctx<'_>, inst: IrInst, memory: Type) {
    let (value, v) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (access, src) = (access(ctx, inst, v), ctx.reg(value));
    store_from(ctx, src, &access, memory);
}

fn store_from(ctx: &mut Ctx<'_>, src: Reg, access: &Access, memory: Type) {
    let (addr, trap) = (access.addr, access.trap);
    let op = match (memory, access.big) {
        (F32, big) => {
            let op = if big { FStore::fstore32be } else { FStore::fstore32le };
            return ctx.emit(Inst::FStore { op, src, addr, trap });
        }
        (F64, big) => {
            let op = if big { FStore::fstore64be } else { FStore::fstore64le };
            return ctx.emit(Inst::FStore { op, src, addr, trap });
        }
        (I8, _) => XStore::xstore8,
        (I16, false) => XStore::xstore16le,
        (I16, true) => XStore::xstore16be,
        (I32, false) => XStore::xstore32le,
        (I32, true) => XStore::xstore32be,
        (_, false) => XStore::xstore64le,
        (_, true) => XStore::xstore64be,
    };
    ctx.emit(Inst::XStore { op, src, addr, trap });
}

fn atomic_rmw(ctx: &mut Ctx<'_>, inst: IrInst) {
    let Extra::Atomic(_, op) = ctx.func.dfg.insts[inst].extra else { return };
    let (address, operand) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(operand);
    let access = access(ctx, inst, address);
    let signed = matches!(op, AtomicRmwOp::Smin | AtomicRmwOp::Smax);
    let operand = extended(ctx, operand, signed);
    let old = ctx.result(inst, 0);
    load_to(ctx, old, &access, ty, signed);
    let op = match op {
        AtomicRmwOp::Xchg => {
            store_from(ctx, operand, &access, ty);
            return;
        }
        AtomicRmwOp::Add => sized(ty, Xxx::xadd32, Xxx::xadd64),
        AtomicRmwOp::Sub => sized(ty, Xxx::xsub32, Xxx::xsub64),
        AtomicRmwOp::And | AtomicRmwOp::Nand => sized(ty, Xxx::xband32, Xxx::xband64),
        AtomicRmwOp::Or => sized(ty, Xxx::xbor32, Xxx::xbor64),
        AtomicRmwOp::Xor => sized(ty, Xxx::xbxor32, Xxx::xbxor64),
        AtomicRmwOp::Umin => sized(ty, Xxx::xmin32_u, Xxx::xmin64_u),
        AtomicRmwOp::Umax => sized(ty, Xxx::xmax32_u, Xxx::xmax64_u),
        AtomicRmwOp::Smin => sized(ty, Xxx::xmin32_s, Xxx::xmin64_s),
        AtomicRmwOp::Smax => sized(ty, Xxx::xmax32_s, Xxx::xmax64_s),
    };
    let mut new = xxx(ctx, op, old, operand);
    if let Extra::Atomic(_, AtomicRmwOp::Nand) = ctx.func.dfg.insts[inst].extra {
        new = xx(ctx, sized(ty, Xx::xbnot32, Xx::xbnot64), new);
    }
    store_from(ctx, new, &access, ty);
}

/// Stores the old value if it was not the one expected.
fn atomic_cas(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [address, expected, new] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let ty = ctx.ty(new);
    let access = access(ctx, inst, address);
    let (expected, new) = (extended(ctx, expected, false), ctx.reg(new));
    let old = ctx.result(inst, 0);
    load_to(ctx, old, &access, ty, false);
    let equal = xxx(ctx, sized(ty, Xxx::xeq32, Xxx::xeq64), old, expected);
    let stored = x_temp(ctx);
    let op = sized(ty, Xxxx::xselect32, Xxxx::xselect64);
    ctx.emit(Inst::Xxxx { op, dst: stored, a: equal, b: new, c: old });
    store_from(ctx, stored, &access, ty);
}

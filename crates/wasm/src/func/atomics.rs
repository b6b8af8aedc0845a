//! Atomic operators on memories that are not shared.
//!
//! No other thread has such a memory, so they are plain loads and stores; but an address
//! that is no multiple of the access's size traps. Where the access is narrow, operands
//! are taken modulo its size.

use super::context::user_trap;
use super::state::Translator;
use crate::WasmError;
use sidetrack_artifact::vmctx::trap;
use sidetrack_ir::types::{I32, I64};
use sidetrack_ir::{IntCC, Opcode as Op, Type, Value};
use wasmparser::{MemArg, Operator};

/// What an operator does at an address.
#[derive(Clone, Copy)]
enum Kind {
    Load,
    Store,
    /// Puts the result of an operation with the operand there; the old value is the result.
    Rmw(Op),
    Exchange,
    CompareExchange,
}

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use Operator as O;
    match operator {
        O::AtomicFence { .. } => {}
        // Nobody can wait.
        O::MemoryAtomicNotify { memarg } => {
            t.pop();
            check_alignment(t, memarg, 4);
            if let Some(place) = t.pop_place(memarg, 4) {
                t.b.load(Op::Load, I32, place.flags, place.address, place.offset);
                let none = t.b.iconst(I32, 0);
                t.push(none);
            }
        }
        O::MemoryAtomicWait32 { .. } | O::MemoryAtomicWait64 { .. } => {
            t.pop_n(3);
            let always = t.b.iconst(I32, 1);
            t.b.cond_trap(Op::Trapnz, always, user_trap(trap::ATOMIC_WAIT));
            t.push(always);
        }
        _ => {
            let Some((memarg, ty, bytes, kind)) = access(operator) else {
                return Err(WasmError::unsupported(pc, &super::bulk::name(operator)));
            };
            translate_access(t, memarg, ty, bytes, kind);
        }
    }
    Ok(())
}

fn translate_access(t: &mut Translator<'_>, memarg: &MemArg, ty: Type, bytes: u64, kind: Kind) {
    let operands = match kind {
        Kind::Load => 0,
        Kind::Store | Kind::Rmw(_) | Kind::Exchange => 1,
        Kind::CompareExchange => 2,
    };
    let operands = t.pop_n(operands);
    check_alignment(t, memarg, bytes);
    let Some(place) = t.pop_place(memarg, bytes) else { return };
    let (load, store, load_ty) = match bytes {
        1 => (Op::Uload8, Op::Istore8, ty),
        2 => (Op::Uload16, Op::Istore16, ty),
        4 if ty == I64 => (Op::Uload32, Op::Istore32, Type::INVALID),
        _ => (Op::Load, Op::Store, ty),
    };
    if let Kind::Store = kind {
        t.b.store(store, place.flags, operands[0], place.address, place.offset);
        return;
    }
    let old = t.b.load(load, load_ty, place.flags, place.address, place.offset);
    let new = match kind {
        Kind::Load | Kind::Store => None,
        Kind::Rmw(op) => Some(t.b.op(op, &[old, operands[0]])),
        Kind::Exchange => Some(operands[0]),
        Kind::CompareExchange => {
            let expected = low(t, operands[0], ty, bytes);
            let same = t.b.icmp(IntCC::Equal, old, expected);
            Some(t.b.op(Op::Select, &[same, operands[1], old]))
        }
    };
    if let Some(new) = new {
        t.b.store(store, place.flags, new, place.address, place.offset);
    }
    t.push(old);
}

/// The value modulo so many bytes.
fn low(t: &mut Translator<'_>, value: Value, ty: Type, bytes: u64) -> Value {
    if bytes == u64::from(ty.bytes()) {
        return value;
    }
    let mask = t.b.iconst(ty, (1 << (8 * bytes)) - 1);
    t.b.op(Op::Band, &[value, mask])
}

/// Traps unless the address that the topmost operand makes is a multiple of `bytes`.
fn check_alignment(t: &mut Translator<'_>, memarg: &MemArg, bytes: u64) {
    if bytes == 1 {
        return;
    }
    let index = t.pop();
    t.push(index);
    let offset = memarg.offset & (bytes - 1);
    let ty = t.ty(index);
    let address = match offset {
        0 => index,
        _ => {
            let offset = t.b.iconst(ty, offset as i64);
            t.b.op(Op::Iadd, &[index, offset])
        }
    };
    let mask = t.b.iconst(ty, bytes as i64 - 1);
    let misaligned = t.b.op(Op::Band, &[address, mask]);
    t.b.cond_trap(Op::Trapnz, misaligned, user_trap(trap::UNALIGNED_ATOMIC));
}

/// The place, the type, the bytes in memory and the kind of an access.
fn access<'a>(operator: &'a Operator<'_>) -> Option<(&'a MemArg, Type, u64, Kind)> {
    use Kind::{CompareExchange, Exchange, Load, Rmw, Store};
    use Operator as O;
    Some(match operator {
        O::I32AtomicLoad { memarg } => (memarg, I32, 4, Load),
        O::I64AtomicLoad { memarg } => (memarg, I64, 8, Load),
        O::I32AtomicLoad8U { memarg } => (memarg, I32, 1, Load),
        O::I32AtomicLoad16U { memarg } => (memarg, I32, 2, Load),
        O::I64AtomicLoad8U { memarg } => (memarg, I64, 1, Load),
        O::I64AtomicLoad16U { memarg } => (memarg, I64, 2, Load),
        O::I64AtomicLoad32U { memarg } => (memarg, I64, 4, Load),
        O::I32AtomicStore { memarg } => (memarg, I32, 4, Store),
        O::I64AtomicStore { memarg } => (memarg, I64, 8, Store),
        O::I32AtomicStore8 { memarg } => (memarg, I32, 1, Store),
        O::I32AtomicStore16 { memarg } => (memarg, I32, 2, Store),
        O::I64AtomicStore8 { memarg } => (memarg, I64, 1, Store),
        O::I64AtomicStore16 { memarg } => (memarg, I64, 2, Store),
        O::I64AtomicStore32 { memarg } => (memarg, I64, 4, Store),
        O::I32AtomicRmwAdd { memarg } => (memarg, I32, 4, Rmw(Op::Iadd)),
        O::I64AtomicRmwAdd { memarg } => (memarg, I64, 8, Rmw(Op::Iadd)),
        O::I32AtomicRmw8AddU { memarg } => (memarg, I32, 1, Rmw(Op::Iadd)),
        O::I32AtomicRmw16AddU { memarg } => (memarg, I32, 2, Rmw(Op::Iadd)),
        O::I64AtomicRmw8AddU { memarg } => (memarg, I64, 1, Rmw(Op::Iadd)),
        O::I64AtomicRmw16AddU { memarg } => (memarg, I64, 2, Rmw(Op::Iadd)),
        O::I64AtomicRmw32AddU { memarg } => (memarg, I64, 4, Rmw(Op::Iadd)),
        O::I32AtomicRmwSub { memarg } => (memarg, I32, 4, Rmw(Op::Isub)),
        O::I64AtomicRmwSub { memarg } => (memarg, I64, 8, Rmw(Op::Isub)),
        O::I32AtomicRmw8SubU { memarg } => (memarg, I32, 1, Rmw(Op::Isub)),
        O::I32AtomicRmw16SubU { memarg } => (memarg, I32, 2, Rmw(Op::Isub)),
        O::I64AtomicRmw8SubU { memarg } => (memarg, I64, 1, Rmw(Op::Isub)),
        O::I64AtomicRmw16SubU { memarg } => (memarg, I64, 2, Rmw(Op::Isub)),
        O::I64AtomicRmw32SubU { memarg } => (memarg, I64, 4, Rmw(Op::Isub)),
        O::I32AtomicRmwAnd { memarg } => (memarg, I32, 4, Rmw(Op::Band)),
        O::I64AtomicRmwAnd { memarg } => (memarg, I64, 8, Rmw(Op::Band)),
        O::I32AtomicRmw8AndU { memarg } => (memarg, I32, 1, Rmw(Op::Band)),
        O::I32AtomicRmw16AndU { memarg } => (memarg, I32, 2, Rmw(Op::Band)),
        O::I64AtomicRmw8AndU { memarg } => (memarg, I64, 1, Rmw(Op::Band)),
        O::I64AtomicRmw16AndU { memarg } => (memarg, I64, 2, Rmw(Op::Band)),
        O::I64AtomicRmw32AndU { memarg } => (memarg, I64, 4, Rmw(Op::Band)),
        O::I32AtomicRmwOr { memarg } => (memarg, I32, 4, Rmw(Op::Bor)),
        O::I64AtomicRmwOr { memarg } => (memarg, I64, 8, Rmw(Op::Bor)),
        O::I32AtomicRmw8OrU { memarg } => (memarg, I32, 1, Rmw(Op::Bor)),
        O::I32AtomicRmw16OrU { memarg } => (memarg, I32, 2, Rmw(Op::Bor)),
        O::I64AtomicRmw8OrU { memarg } => (memarg, I64, 1, Rmw(Op::Bor)),
        O::I64AtomicRmw16OrU { memarg } => (memarg, I64, 2, Rmw(Op::Bor)),
        O::I64AtomicRmw32OrU { memarg } => (memarg, I64, 4, Rmw(Op::Bor)),
        O::I32AtomicRmwXor { memarg } => (memarg, I32, 4, Rmw(Op::Bxor)),
        O::I64AtomicRmwXor { memarg } => (memarg, I64, 8, Rmw(Op::Bxor)),
        O::I32AtomicRmw8XorU { memarg } => (memarg, I32, 1, Rmw(Op::Bxor)),
        O::I32AtomicRmw16XorU { memarg } => (memarg, I32, 2, Rmw(Op::Bxor)),
        O::I64AtomicRmw8XorU { memarg } => (memarg, I64, 1, Rmw(Op::Bxor)),
        O::I64AtomicRmw16XorU { memarg } => (memarg, I64, 2, Rmw(Op::Bxor)),
        O::I64AtomicRmw32XorU { memarg } => (memarg, I64, 4, Rmw(Op::Bxor)),
        O::I32AtomicRmwXchg { memarg } => (memarg, I32, 4, Exchange),
        O::I64AtomicRmwXchg { memarg } => (memarg, I64, 8, Exchange),
        O::I32AtomicRmw8XchgU { memarg } => (memarg, I32, 1, Exchange),
        O::I32AtomicRmw16XchgU { memarg } => (memarg, I32, 2, Exchange),
        O::I64AtomicRmw8XchgU { memarg } => (memarg, I64, 1, Exchange),
        O::I64AtomicRmw16XchgU { memarg } => (memarg, I64, 2, Exchange),
        O::I64AtomicRmw32XchgU { memarg } => (memarg, I64, 4, Exchange),
        O::I32AtomicRmwCmpxchg { memarg } => (memarg, I32, 4, CompareExchange),
        O::I64AtomicRmwCmpxchg { memarg } => (memarg, I64, 8, CompareExchange),
        O::I32AtomicRmw8CmpxchgU { memarg } => (memarg, I32, 1, CompareExchange),
        O::I32AtomicRmw16CmpxchgU { memarg } => (memarg, I32, 2, CompareExchange),
        O::I64AtomicRmw8CmpxchgU { memarg } => (memarg, I64, 1, CompareExchange),
        O::I64AtomicRmw16CmpxchgU { memarg } => (memarg, I64, 2, CompareExchange),
        O::I64AtomicRmw32CmpxchgU { memarg } => (memarg, I64, 4, CompareExchange),
        _ => return None,
    })
}

//! Atomic operators on memories that are not shared: loads and stores whose address must be
//! a multiple of their size.

use super::memory::place_of;
use crate::ValType;
use crate::debug::decode::{DecodeError, Decoder};
use crate::debug::op::{Bits, Op};
use wasmparser::{MemArg, Operator};

/// What an operator does at an address.
enum Access {
    Load,
    Store,
    /// What is put there, of the old value and the operand.
    Rmw(fn(Bits, Bits) -> Bits),
    CompareExchange,
}

/// Decodes an atomic operator; none if it is something else.
pub(super) fn decode(d: &mut Decoder<'_>, operator: &Operator<'_>) -> Result<Option<Op>, DecodeError> {
    use Operator as O;
    match operator {
        O::AtomicFence { .. } => return Ok(Some(Op::Nop)),
        O::MemoryAtomicNotify { memarg } => {
            let place = place_of(d, memarg, true)?;
            return d.apply(Op::Notify { place }, Some(ValType::I32)).map(Some);
        }
        O::MemoryAtomicWait32 { .. } | O::MemoryAtomicWait64 { .. } => {
            return d.apply(Op::Wait, Some(ValType::I32)).map(Some);
        }
        _ => {}
    }
    let Some((memarg, bytes, access, result)) = access(operator) else { return Ok(None) };
    let place = place_of(d, memarg, true)?;
    let op = match access {
        Access::Load => Op::Load { bytes, place, make: |x| x },
        Access::Store => Op::Store { bytes, place },
        Access::Rmw(make) => Op::Rmw { bytes, place, make },
        Access::CompareExchange => Op::CompareExchange { bytes, place },
    };
    d.apply(op, result).map(Some)
}

fn add(x: Bits, y: Bits) -> Bits {
    x.wrapping_add(y)
}

fn sub(x: Bits, y: Bits) -> Bits {
    x.wrapping_sub(y)
}

fn and(x: Bits, y: Bits) -> Bits {
    x & y
}

fn or(x: Bits, y: Bits) -> Bits {
    x | y
}

fn xor(x: Bits, y: Bits) -> Bits {
    x ^ y
}

fn exchange(_: Bits, y: Bits) -> Bits {
    y
}

/// The place, how many bytes are there, what is done, and the type of the result.
fn access<'a>(operator: &'a Operator<'_>) -> Option<(&'a MemArg, u8, Access, Option<ValType>)> {
    use Operator as O;
    use ValType::{I32, I64};
    Some(match operator {
        O::I32AtomicLoad { memarg } => (memarg, 4, Access::Load, Some(I32)),
        O::I64AtomicLoad { memarg } => (memarg, 8, Access::Load, Some(I64)),
        O::I32AtomicLoad8U { memarg } => (memarg, 1, Access::Load, Some(I32)),
        O::I32AtomicLoad16U { memarg } => (memarg, 2, Access::Load, Some(I32)),
        O::I64AtomicLoad8U { memarg } => (memarg, 1, Access::Load, Some(I64)),
        O::I64AtomicLoad16U { memarg } => (memarg, 2, Access::Load, Some(I64)),
        O::I64AtomicLoad32U { memarg } => (memarg, 4, Access::Load, Some(I64)),
        O::I32AtomicStore { memarg } => (memarg, 4, Access::Store, None),
        O::I64AtomicStore { memarg } => (memarg, 8, Access::Store, None),
        O::I32AtomicStore8 { memarg } => (memarg, 1, Access::Store, None),
        O::I32AtomicStore16 { memarg } => (memarg, 2, Access::Store, None),
        O::I64AtomicStore8 { memarg } => (memarg, 1, Access::Store, None),
        O::I64AtomicStore16 { memarg } => (memarg, 2, Access::Store, None),
        O::I64AtomicStore32 { memarg } => (memarg, 4, Access::Store, None),
        O::I32AtomicRmwAdd { memarg } => (memarg, 4, Access::Rmw(add), Some(I32)),
        O::I64AtomicRmwAdd { memarg } => (memarg, 8, Access::Rmw(add), Some(I64)),
        O::I32AtomicRmw8AddU { memarg } => (memarg, 1, Access::Rmw(add), Some(I32)),
        O::I32AtomicRmw16AddU { memarg } => (memarg, 2, Access::Rmw(add), Some(I32)),
        O::I64AtomicRmw8AddU { memarg } => (memarg, 1, Access::Rmw(add), Some(I64)),
        O::I64AtomicRmw16AddU { memarg } => (memarg, 2, Access::Rmw(add), Some(I64)),
        O::I64AtomicRmw32AddU { memarg } => (memarg, 4, Access::Rmw(add), Some(I64)),
        O::I32AtomicRmwSub { memarg } => (memarg, 4, Access::Rmw(sub), Some(I32)),
        O::I64AtomicRmwSub { memarg } => (memarg, 8, Access::Rmw(sub), Some(I64)),
        O::I32AtomicRmw8SubU { memarg } => (memarg, 1, Access::Rmw(sub), Some(I32)),
        O::I32AtomicRmw16SubU { memarg } => (memarg, 2, Access::Rmw(sub), Some(I32)),
        O::I64AtomicRmw8SubU { memarg } => (memarg, 1, Access::Rmw(sub), Some(I64)),
        O::I64AtomicRmw16SubU { memarg } => (memarg, 2, Access::Rmw(sub), Some(I64)),
        O::I64AtomicRmw32SubU { memarg } => (memarg, 4, Access::Rmw(sub), Some(I64)),
        O::I32AtomicRmwAnd { memarg } => (memarg, 4, Access::Rmw(and), Some(I32)),
        O::I64AtomicRmwAnd { memarg } => (memarg, 8, Access::Rmw(and), Some(I64)),
        O::I32AtomicRmw8AndU { memarg } => (memarg, 1, Access::Rmw(and), Some(I32)),
        O::I32AtomicRmw16AndU { memarg } => (memarg, 2, Access::Rmw(and), Some(I32)),
        O::I64AtomicRmw8AndU { memarg } => (memarg, 1, Access::Rmw(and), Some(I64)),
        O::I64AtomicRmw16AndU { memarg } => (memarg, 2, Access::Rmw(and), Some(I64)),
        O::I64AtomicRmw32AndU { memarg } => (memarg, 4, Access::Rmw(and), Some(I64)),
        O::I32AtomicRmwOr { memarg } => (memarg, 4, Access::Rmw(or), Some(I32)),
        O::I64AtomicRmwOr { memarg } => (memarg, 8, Access::Rmw(or), Some(I64)),
        O::I32AtomicRmw8OrU { memarg } => (memarg, 1, Access::Rmw(or), Some(I32)),
        O::I32AtomicRmw16OrU { memarg } => (memarg, 2, Access::Rmw(or), Some(I32)),
        O::I64AtomicRmw8OrU { memarg } => (memarg, 1, Access::Rmw(or), Some(I64)),
        O::I64AtomicRmw16OrU { memarg } => (memarg, 2, Access::Rmw(or), Some(I64)),
        O::I64AtomicRmw32OrU { memarg } => (memarg, 4, Access::Rmw(or), Some(I64)),
        O::I32AtomicRmwXor { memarg } => (memarg, 4, Access::Rmw(xor), Some(I32)),
        O::I64AtomicRmwXor { memarg } => (memarg, 8, Access::Rmw(xor), Some(I64)),
        O::I32AtomicRmw8XorU { memarg } => (memarg, 1, Access::Rmw(xor), Some(I32)),
        O::I32AtomicRmw16XorU { memarg } => (memarg, 2, Access::Rmw(xor), Some(I32)),
        O::I64AtomicRmw8XorU { memarg } => (memarg, 1, Access::Rmw(xor), Some(I64)),
        O::I64AtomicRmw16XorU { memarg } => (memarg, 2, Access::Rmw(xor), Some(I64)),
        O::I64AtomicRmw32XorU { memarg } => (memarg, 4, Access::Rmw(xor), Some(I64)),
        O::I32AtomicRmwXchg { memarg } => (memarg, 4, Access::Rmw(exchange), Some(I32)),
        O::I64AtomicRmwXchg { memarg } => (memarg, 8, Access::Rmw(exchange), Some(I64)),
        O::I32AtomicRmw8XchgU { memarg } => (memarg, 1, Access::Rmw(exchange), Some(I32)),
        O::I32AtomicRmw16XchgU { memarg } => (memarg, 2, Access::Rmw(exchange), Some(I32)),
        O::I64AtomicRmw8XchgU { memarg } => (memarg, 1, Access::Rmw(exchange), Some(I64)),
        O::I64AtomicRmw16XchgU { memarg } => (memarg, 2, Access::Rmw(exchange), Some(I64)),
        O::I64AtomicRmw32XchgU { memarg } => (memarg, 4, Access::Rmw(exchange), Some(I64)),
        O::I32AtomicRmwCmpxchg { memarg } => (memarg, 4, Access::CompareExchange, Some(I32)),
        O::I64AtomicRmwCmpxchg { memarg } => (memarg, 8, Access::CompareExchange, Some(I64)),
        O::I32AtomicRmw8CmpxchgU { memarg } => (memarg, 1, Access::CompareExchange, Some(I32)),
        O::I32AtomicRmw16CmpxchgU { memarg } => (memarg, 2, Access::CompareExchange, Some(I32)),
        O::I64AtomicRmw8CmpxchgU { memarg } => (memarg, 1, Access::CompareExchange, Some(I64)),
        O::I64AtomicRmw16CmpxchgU { memarg } => (memarg, 2, Access::CompareExchange, Some(I64)),
        O::I64AtomicRmw32CmpxchgU { memarg } => (memarg, 4, Access::CompareExchange, Some(I64)),
        _ => return None,
    })
}

//! Atomic operators. No memory is shared, so one after the other is all that they promise.

use crate::numeric;
use crate::run::Frame;
use crate::store::Store;
use crate::value::Trap;
use Action::{Compare, Load, Modify, Store as Put};
use wasmparser::{MemArg, Operator as O};

/// What happens to a cell.
enum Action {
    Load,
    Store,
    Modify(fn(u64, u64) -> u64),
    Compare,
}

/// Executes an atomic operator, or passes it on.
///
/// # Errors
/// If it traps.
pub(super) fn execute<'a>(op: &O<'a>, store: &mut Store<'a>, frame: &mut Frame<'a>) -> Result<(), Trap> {
    match op {
        O::AtomicFence { .. } => return Ok(()),
        O::MemoryAtomicNotify { memarg } => {
            frame.operands.take::<u32>();
            store.aligned_place(frame, memarg, 4)?;
            frame.operands.push(0u32);
            return Ok(());
        }
        O::MemoryAtomicWait32 { .. } | O::MemoryAtomicWait64 { .. } => return Err(Trap::AtomicWait),
        _ => {}
    }
    let Some((memarg, width, wide, action)) = decode(op) else {
        return numeric::execute(op, &mut frame.operands);
    };
    let number = |frame: &mut Frame<'a>| match wide {
        true => frame.operands.take::<u64>(),
        false => frame.operands.take::<u32>().into(),
    };
    let mask = u64::MAX >> (64 - 8 * width);
    // The topmost operands come first.
    let (top, below) = match action {
        Load => (0, 0),
        Put | Modify(_) => (number(frame), 0),
        Compare => (number(frame), number(frame)),
    };
    let bytes = store.aligned_place(frame, memarg, width)?;
    let old = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let new = match action {
        Load => old,
        Put => top,
        Modify(change) => change(old, top),
        Compare if old == below & mask => top,
        Compare => old,
    };
    bytes.copy_from_slice(&new.to_le_bytes()[..width as usize]);
    match (action, wide) {
        (Put, _) => {}
        (_, true) => frame.operands.push(old),
        (_, false) => frame.operands.push(old as u32),
    }
    Ok(())
}

/// The place, the width in bytes, whether the type is `i64`, and what happens.
fn decode<'o>(op: &'o O<'_>) -> Option<(&'o MemArg, u64, bool, Action)> {
    Some(match op {
        O::I32AtomicLoad { memarg } => (memarg, 4, false, Load),
        O::I64AtomicLoad { memarg } => (memarg, 8, true, Load),
        O::I32AtomicLoad8U { memarg } => (memarg, 1, false, Load),
        O::I32AtomicLoad16U { memarg } => (memarg, 2, false, Load),
        O::I64AtomicLoad8U { memarg } => (memarg, 1, true, Load),
        O::I64AtomicLoad16U { memarg } => (memarg, 2, true, Load),
        O::I64AtomicLoad32U { memarg } => (memarg, 4, true, Load),
        O::I32AtomicStore { memarg } => (memarg, 4, false, Put),
        O::I64AtomicStore { memarg } => (memarg, 8, true, Put),
        O::I32AtomicStore8 { memarg } => (memarg, 1, false, Put),
        O::I32AtomicStore16 { memarg } => (memarg, 2, false, Put),
        O::I64AtomicStore8 { memarg } => (memarg, 1, true, Put),
        O::I64AtomicStore16 { memarg } => (memarg, 2, true, Put),
        O::I64AtomicStore32 { memarg } => (memarg, 4, true, Put),
        O::I32AtomicRmwAdd { memarg } => (memarg, 4, false, Modify(u64::wrapping_add)),
        O::I64AtomicRmwAdd { memarg } => (memarg, 8, true, Modify(u64::wrapping_add)),
        O::I32AtomicRmw8AddU { memarg } => (memarg, 1, false, Modify(u64::wrapping_add)),
        O::I32AtomicRmw16AddU { memarg } => (memarg, 2, false, Modify(u64::wrapping_add)),
        O::I64AtomicRmw8AddU { memarg } => (memarg, 1, true, Modify(u64::wrapping_add)),
        O::I64AtomicRmw16AddU { memarg } => (memarg, 2, true, Modify(u64::wrapping_add)),
        O::I64AtomicRmw32AddU { memarg } => (memarg, 4, true, Modify(u64::wrapping_add)),
        O::I32AtomicRmwSub { memarg } => (memarg, 4, false, Modify(u64::wrapping_sub)),
        O::I64AtomicRmwSub { memarg } => (memarg, 8, true, Modify(u64::wrapping_sub)),
        O::I32AtomicRmw8SubU { memarg } => (memarg, 1, false, Modify(u64::wrapping_sub)),
        O::I32AtomicRmw16SubU { memarg } => (memarg, 2, false, Modify(u64::wrapping_sub)),
        O::I64AtomicRmw8SubU { memarg } => (memarg, 1, true, Modify(u64::wrapping_sub)),
        O::I64AtomicRmw16SubU { memarg } => (memarg, 2, true, Modify(u64::wrapping_sub)),
        O::I64AtomicRmw32SubU { memarg } => (memarg, 4, true, Modify(u64::wrapping_sub)),
        O::I32AtomicRmwAnd { memarg } => (memarg, 4, false, Modify(|x, y| x & y)),
        O::I64AtomicRmwAnd { memarg } => (memarg, 8, true, Modify(|x, y| x & y)),
        O::I32AtomicRmw8AndU { memarg } => (memarg, 1, false, Modify(|x, y| x & y)),
        O::I32AtomicRmw16AndU { memarg } => (memarg, 2, false, Modify(|x, y| x & y)),
        O::I64AtomicRmw8AndU { memarg } => (memarg, 1, true, Modify(|x, y| x & y)),
        O::I64AtomicRmw16AndU { memarg } => (memarg, 2, true, Modify(|x, y| x & y)),
        O::I64AtomicRmw32AndU { memarg } => (memarg, 4, true, Modify(|x, y| x & y)),
        O::I32AtomicRmwOr { memarg } => (memarg, 4, false, Modify(|x, y| x | y)),
        O::I64AtomicRmwOr { memarg } => (memarg, 8, true, Modify(|x, y| x | y)),
        O::I32AtomicRmw8OrU { memarg } => (memarg, 1, false, Modify(|x, y| x | y)),
        O::I32AtomicRmw16OrU { memarg } => (memarg, 2, false, Modify(|x, y| x | y)),
        O::I64AtomicRmw8OrU { memarg } => (memarg, 1, true, Modify(|x, y| x | y)),
        O::I64AtomicRmw16OrU { memarg } => (memarg, 2, true, Modify(|x, y| x | y)),
        O::I64AtomicRmw32OrU { memarg } => (memarg, 4, true, Modify(|x, y| x | y)),
        O::I32AtomicRmwXor { memarg } => (memarg, 4, false, Modify(|x, y| x ^ y)),
        O::I64AtomicRmwXor { memarg } => (memarg, 8, true, Modify(|x, y| x ^ y)),
        O::I32AtomicRmw8XorU { memarg } => (memarg, 1, false, Modify(|x, y| x ^ y)),
        O::I32AtomicRmw16XorU { memarg } => (memarg, 2, false, Modify(|x, y| x ^ y)),
        O::I64AtomicRmw8XorU { memarg } => (memarg, 1, true, Modify(|x, y| x ^ y)),
        O::I64AtomicRmw16XorU { memarg } => (memarg, 2, true, Modify(|x, y| x ^ y)),
        O::I64AtomicRmw32XorU { memarg } => (memarg, 4, true, Modify(|x, y| x ^ y)),
        O::I32AtomicRmwXchg { memarg } => (memarg, 4, false, Modify(|_, y| y)),
        O::I64AtomicRmwXchg { memarg } => (memarg, 8, true, Modify(|_, y| y)),
        O::I32AtomicRmw8XchgU { memarg } => (memarg, 1, false, Modify(|_, y| y)),
        O::I32AtomicRmw16XchgU { memarg } => (memarg, 2, false, Modify(|_, y| y)),
        O::I64AtomicRmw8XchgU { memarg } => (memarg, 1, true, Modify(|_, y| y)),
        O::I64AtomicRmw16XchgU { memarg } => (memarg, 2, true, Modify(|_, y| y)),
        O::I64AtomicRmw32XchgU { memarg } => (memarg, 4, true, Modify(|_, y| y)),
        O::I32AtomicRmwCmpxchg { memarg } => (memarg, 4, false, Compare),
        O::I64AtomicRmwCmpxchg { memarg } => (memarg, 8, true, Compare),
        O::I32AtomicRmw8CmpxchgU { memarg } => (memarg, 1, false, Compare),
        O::I32AtomicRmw16CmpxchgU { memarg } => (memarg, 2, false, Compare),
        O::I64AtomicRmw8CmpxchgU { memarg } => (memarg, 1, true, Compare),
        O::I64AtomicRmw16CmpxchgU { memarg } => (memarg, 2, true, Compare),
        O::I64AtomicRmw32CmpxchgU { memarg } => (memarg, 4, true, Compare),
        _ => return None,
    })
}

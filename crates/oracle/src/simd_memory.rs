//! Loads and stores of vectors and lanes.

use crate::run::Frame;
use crate::simd::{Lane, join, split};
use crate::store::Store;
use crate::value::Trap;
use wasmparser::{MemArg, Operator as O};

/// Executes a load or store of a vector, or passes the operator on.
///
/// # Errors
/// If it traps.
pub(super) fn execute<'a>(op: &O<'a>, store: &mut Store<'a>, frame: &mut Frame<'a>) -> Result<(), Trap> {
    match op {
        O::V128Load { memarg } => {
            let address = frame.operands.pop();
            frame.operands.0.extend([address, address]);
            // The upper half first: if it is inside of the memory, so is the lower.
            let high = store.load(frame, &further(memarg, 8)?, 8)?;
            let low = store.load(frame, memarg, 8)?;
            frame.operands.push(u128::from(high) << 64 | u128::from(low));
        }
        O::V128Store { memarg } => {
            let x = frame.operands.take::<u128>();
            let address = frame.operands.pop();
            frame.operands.0.extend([address, address]);
            store.store(frame, &further(memarg, 8)?, 8, (x >> 64) as u64)?;
            store.store(frame, memarg, 8, x as u64)?;
        }
        O::V128Load8x8S { memarg } => extend(store, frame, memarg, |x: i8| i16::from(x))?,
        O::V128Load8x8U { memarg } => extend(store, frame, memarg, |x: u8| u16::from(x))?,
        O::V128Load16x4S { memarg } => extend(store, frame, memarg, |x: i16| i32::from(x))?,
        O::V128Load16x4U { memarg } => extend(store, frame, memarg, |x: u16| u32::from(x))?,
        O::V128Load32x2S { memarg } => extend(store, frame, memarg, |x: i32| i64::from(x))?,
        O::V128Load32x2U { memarg } => extend(store, frame, memarg, |x: u32| u64::from(x))?,
        O::V128Load8Splat { memarg } => splat::<u8>(store, frame, memarg)?,
        O::V128Load16Splat { memarg } => splat::<u16>(store, frame, memarg)?,
        O::V128Load32Splat { memarg } => splat::<u32>(store, frame, memarg)?,
        O::V128Load64Splat { memarg } => splat::<u64>(store, frame, memarg)?,
        O::V128Load32Zero { memarg } => {
            let x = store.load(frame, memarg, 4)?;
            frame.operands.push(u128::from(x));
        }
        O::V128Load64Zero { memarg } => {
            let x = store.load(frame, memarg, 8)?;
            frame.operands.push(u128::from(x));
        }
        O::V128Load8Lane { memarg, lane } => load_lane::<u8>(store, frame, memarg, *lane)?,
        O::V128Load16Lane { memarg, lane } => load_lane::<u16>(store, frame, memarg, *lane)?,
        O::V128Load32Lane { memarg, lane } => load_lane::<u32>(store, frame, memarg, *lane)?,
        O::V128Load64Lane { memarg, lane } => load_lane::<u64>(store, frame, memarg, *lane)?,
        O::V128Store8Lane { memarg, lane } => store_lane::<u8>(store, frame, memarg, *lane)?,
        O::V128Store16Lane { memarg, lane } => store_lane::<u16>(store, frame, memarg, *lane)?,
        O::V128Store32Lane { memarg, lane } => store_lane::<u32>(store, frame, memarg, *lane)?,
        O::V128Store64Lane { memarg, lane } => store_lane::<u64>(store, frame, memarg, *lane)?,
        _ => return crate::atomic::execute(op, store, frame),
    }
    Ok(())
}

/// The place so many bytes after another.
fn further(arg: &MemArg, bytes: u64) -> Result<MemArg, Trap> {
    let offset = arg.offset.checked_add(bytes).ok_or(Trap::MemoryOutOfBounds)?;
    Ok(MemArg { offset, ..*arg })
}

/// Loads eight bytes of lanes and makes them wider.
fn extend<'a, T: Lane, U: Lane>(
    store: &mut Store<'a>,
    frame: &mut Frame<'a>,
    arg: &MemArg,
    f: impl Fn(T) -> U,
) -> Result<(), Trap> {
    let lanes = split::<T>(store.load(frame, arg, 8)?.into());
    let half = &lanes[..lanes.len() / 2];
    frame.operands.push(join(&half.iter().copied().map(f).collect::<Vec<U>>()));
    Ok(())
}

fn splat<'a, T: Lane>(store: &mut Store<'a>, frame: &mut Frame<'a>, arg: &MemArg) -> Result<(), Trap> {
    let lane = T::of(store.load(frame, arg, T::BITS as u64 / 8)?);
    frame.operands.push(join(&vec![lane; 128 / T::BITS]));
    Ok(())
}

fn load_lane<'a, T: Lane>(
    store: &mut Store<'a>,
    frame: &mut Frame<'a>,
    arg: &MemArg,
    lane: u8,
) -> Result<(), Trap> {
    let mut lanes = split::<T>(frame.operands.take());
    lanes[usize::from(lane)] = T::of(store.load(frame, arg, T::BITS as u64 / 8)?);
    frame.operands.push(join(&lanes));
    Ok(())
}

fn store_lane<'a, T: Lane>(
    store: &mut Store<'a>,
    frame: &mut Frame<'a>,
    arg: &MemArg,
    lane: u8,
) -> Result<(), Trap> {
    let lanes = split::<T>(frame.operands.take());
    store.store(frame, arg, T::BITS as u64 / 8, lanes[usize::from(lane)].bits())
}

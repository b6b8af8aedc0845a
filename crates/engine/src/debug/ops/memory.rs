//! Loads and stores of linear memory.

use super::lanes::splat;
use super::scalar::{Scalar, build, lane};
use crate::ValType;
use crate::debug::decode::{DecodeError, Decoder};
use crate::debug::op::{Bits, Op, Place};
use wasmparser::{MemArg, MemArgTarget, Operator};

/// Decodes a load or store; none if it is something else.
pub(super) fn decode(d: &mut Decoder<'_>, operator: &Operator<'_>) -> Result<Option<Op>, DecodeError> {
    if let Some((memarg, bytes, make, ty)) = load(operator) {
        let place = place(d, memarg)?;
        return d.apply(Op::Load { bytes, place, make }, Some(ty)).map(Some);
    }
    if let Some((memarg, bytes)) = store(operator) {
        let place = place(d, memarg)?;
        return d.apply(Op::Store { bytes, place }, None).map(Some);
    }
    if let Some((memarg, bytes, lane, is_load)) = one_lane(operator) {
        let place = place(d, memarg)?;
        let op =
            if is_load { Op::LoadLane { bytes, lane, place } } else { Op::StoreLane { bytes, lane, place } };
        return d.apply(op, is_load.then_some(ValType::V128)).map(Some);
    }
    Ok(None)
}

fn place(d: &mut Decoder<'_>, memarg: &MemArg) -> Result<u32, DecodeError> {
    place_of(d, memarg, false)
}

/// The number of the place of an access, whose address may have to be aligned.
pub(super) fn place_of(d: &mut Decoder<'_>, memarg: &MemArg, aligned: bool) -> Result<u32, DecodeError> {
    let MemArgTarget::Memory(memory) = memarg.target else { return Err(d.error("not supported")) };
    d.get(&d.info.memories, memory)?;
    Ok(d.place(Place { memory, offset: memarg.offset, aligned }))
}

type Load<'a> = (&'a MemArg, u8, fn(Bits) -> Bits, ValType);

/// How many bytes a load takes, what it makes of them, and its type.
fn load<'a>(operator: &'a Operator<'_>) -> Option<Load<'a>> {
    use Operator as O;
    use ValType::{F32, F64, I32, I64, V128};
    Some(match operator {
        O::I32Load { memarg } => (memarg, 4, same, I32),
        O::I64Load { memarg } => (memarg, 8, same, I64),
        O::F32Load { memarg } => (memarg, 4, same, F32),
        O::F64Load { memarg } => (memarg, 8, same, F64),
        O::I32Load8S { memarg } => (memarg, 1, |x| i32::from(i8::of(x)).bits(), I32),
        O::I32Load8U { memarg } => (memarg, 1, same, I32),
        O::I32Load16S { memarg } => (memarg, 2, |x| i32::from(i16::of(x)).bits(), I32),
        O::I32Load16U { memarg } => (memarg, 2, same, I32),
        O::I64Load8S { memarg } => (memarg, 1, |x| i64::from(i8::of(x)).bits(), I64),
        O::I64Load8U { memarg } => (memarg, 1, same, I64),
        O::I64Load16S { memarg } => (memarg, 2, |x| i64::from(i16::of(x)).bits(), I64),
        O::I64Load16U { memarg } => (memarg, 2, same, I64),
        O::I64Load32S { memarg } => (memarg, 4, |x| i64::from(i32::of(x)).bits(), I64),
        O::I64Load32U { memarg } => (memarg, 4, same, I64),
        O::V128Load { memarg } => (memarg, 16, same, V128),
        O::V128Load8x8S { memarg } => (memarg, 8, |x| build(|i| i16::from(lane::<i8>(x, i))), V128),
        O::V128Load8x8U { memarg } => (memarg, 8, |x| build(|i| u16::from(lane::<u8>(x, i))), V128),
        O::V128Load16x4S { memarg } => (memarg, 8, |x| build(|i| i32::from(lane::<i16>(x, i))), V128),
        O::V128Load16x4U { memarg } => (memarg, 8, |x| build(|i| u32::from(lane::<u16>(x, i))), V128),
        O::V128Load32x2S { memarg } => (memarg, 8, |x| build(|i| i64::from(lane::<i32>(x, i))), V128),
        O::V128Load32x2U { memarg } => (memarg, 8, |x| build(|i| u64::from(lane::<u32>(x, i))), V128),
        O::V128Load8Splat { memarg } => (memarg, 1, splat::<u8>, V128),
        O::V128Load16Splat { memarg } => (memarg, 2, splat::<u16>, V128),
        O::V128Load32Splat { memarg } => (memarg, 4, splat::<u32>, V128),
        O::V128Load64Splat { memarg } => (memarg, 8, splat::<u64>, V128),
        O::V128Load32Zero { memarg } => (memarg, 4, same, V128),
        O::V128Load64Zero { memarg } => (memarg, 8, same, V128),
        _ => return None,
    })
}

/// The bytes are the value's, and the rest of it is zero.
fn same(x: Bits) -> Bits {
    x
}

/// How many bytes a store writes.
fn store<'a>(operator: &'a Operator<'_>) -> Option<(&'a MemArg, u8)> {
    use Operator as O;
    Some(match operator {
        O::I32Store8 { memarg } | O::I64Store8 { memarg } => (memarg, 1),
        O::I32Store16 { memarg } | O::I64Store16 { memarg } => (memarg, 2),
        O::I32Store { memarg } | O::F32Store { memarg } | O::I64Store32 { memarg } => (memarg, 4),
        O::I64Store { memarg } | O::F64Store { memarg } => (memarg, 8),
        O::V128Store { memarg } => (memarg, 16),
        _ => return None,
    })
}

/// The bytes of a lane, the lane, and whether it is loaded.
fn one_lane<'a>(operator: &'a Operator<'_>) -> Option<(&'a MemArg, u8, u8, bool)> {
    use Operator as O;
    Some(match operator {
        O::V128Load8Lane { memarg, lane } => (memarg, 1, *lane, true),
        O::V128Load16Lane { memarg, lane } => (memarg, 2, *lane, true),
        O::V128Load32Lane { memarg, lane } => (memarg, 4, *lane, true),
        O::V128Load64Lane { memarg, lane } => (memarg, 8, *lane, true),
        O::V128Store8Lane { memarg, lane } => (memarg, 1, *lane, false),
        O::V128Store16Lane { memarg, lane } => (memarg, 2, *lane, false),
        O::V128Store32Lane { memarg, lane } => (memarg, 4, *lane, false),
        O::V128Store64Lane { memarg, lane } => (memarg, 8, *lane, false),
        _ => return None,
    })
}

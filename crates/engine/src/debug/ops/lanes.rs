//! Vectors: lanes and bits.

use super::scalar::{Scalar, build, count, lane, op};
use crate::ValType;
use crate::debug::op::{Bits, Op};
use wasmparser::Operator;

pub(super) fn pure(operator: &Operator<'_>) -> Option<(Op, ValType)> {
    use Operator as O;
    use ValType::{F32, F64, I32, I64, V128};
    Some(match *operator {
        O::I8x16Swizzle | O::I8x16RelaxedSwizzle => (Op::Binary(swizzle), V128),
        O::I8x16ExtractLaneS { lane } => (Op::ExtractLane(extract_signed::<i8>, lane), I32),
        O::I8x16ExtractLaneU { lane } => (Op::ExtractLane(extract::<u8>, lane), I32),
        O::I16x8ExtractLaneS { lane } => (Op::ExtractLane(extract_signed::<i16>, lane), I32),
        O::I16x8ExtractLaneU { lane } => (Op::ExtractLane(extract::<u16>, lane), I32),
        O::I32x4ExtractLane { lane } => (Op::ExtractLane(extract::<u32>, lane), I32),
        O::I64x2ExtractLane { lane } => (Op::ExtractLane(extract::<u64>, lane), I64),
        O::F32x4ExtractLane { lane } => (Op::ExtractLane(extract::<u32>, lane), F32),
        O::F64x2ExtractLane { lane } => (Op::ExtractLane(extract::<u64>, lane), F64),
        O::I8x16ReplaceLane { lane } => (Op::ReplaceLane(replace::<u8>, lane), V128),
        O::I16x8ReplaceLane { lane } => (Op::ReplaceLane(replace::<u16>, lane), V128),
        O::I32x4ReplaceLane { lane } => (Op::ReplaceLane(replace::<u32>, lane), V128),
        O::I64x2ReplaceLane { lane } => (Op::ReplaceLane(replace::<u64>, lane), V128),
        O::F32x4ReplaceLane { lane } => (Op::ReplaceLane(replace::<u32>, lane), V128),
        O::F64x2ReplaceLane { lane } => (Op::ReplaceLane(replace::<u64>, lane), V128),
        O::I8x16Splat => (Op::Unary(splat::<u8>), V128),
        O::I16x8Splat => (Op::Unary(splat::<u16>), V128),
        O::I32x4Splat | O::F32x4Splat => (Op::Unary(splat::<u32>), V128),
        O::I64x2Splat | O::F64x2Splat => (Op::Unary(splat::<u64>), V128),
        O::I8x16AllTrue => (Op::Unary(all_true::<u8>), I32),
        O::I16x8AllTrue => (Op::Unary(all_true::<u16>), I32),
        O::I32x4AllTrue => (Op::Unary(all_true::<u32>), I32),
        O::I64x2AllTrue => (Op::Unary(all_true::<u64>), I32),
        O::I8x16Bitmask => (Op::Unary(bitmask::<u8>), I32),
        O::I16x8Bitmask => (Op::Unary(bitmask::<u16>), I32),
        O::I32x4Bitmask => (Op::Unary(bitmask::<u32>), I32),
        O::I64x2Bitmask => (Op::Unary(bitmask::<u64>), I32),
        O::V128AnyTrue => (op!(u128, |x| x != 0), I32),
        O::V128Not => (op!(u128, |x| !x), V128),
        O::V128And => (op!(u128, |x, y| x & y), V128),
        O::V128Or => (op!(u128, |x, y| x | y), V128),
        O::V128Xor => (op!(u128, |x, y| x ^ y), V128),
        O::V128AndNot => (op!(u128, |x, y| x & !y), V128),
        O::V128Bitselect
        | O::I8x16RelaxedLaneselect
        | O::I16x8RelaxedLaneselect
        | O::I32x4RelaxedLaneselect
        | O::I64x2RelaxedLaneselect => (Op::Ternary(|x, y, mask| x & mask | y & !mask), V128),
        _ => return None,
    })
}

/// The bytes of `x` that `y` numbers; 0 where there is none.
fn swizzle(x: Bits, y: Bits) -> Bits {
    build(|i| {
        let number: u8 = lane(y, i);
        if number < 16 { lane::<u8>(x, number.into()) } else { 0 }
    })
}

/// The bytes of two vectors, one behind the other, that `numbers` numbers.
pub(in crate::debug) fn shuffle(x: Bits, y: Bits, numbers: Bits) -> Bits {
    build(|i| {
        let number: u8 = lane(numbers, i);
        lane::<u8>(if number < 16 { x } else { y }, u32::from(number % 16))
    })
}

/// The lane's bits; a lane that is not there is 0.
fn extract<T: Scalar>(vector: Bits, number: u8) -> Bits {
    if u32::from(number) < count::<T>() { lane::<T>(vector, number.into()).bits() } else { 0 }
}

/// The lane, sign-extended to an `i32`.
fn extract_signed<T: Scalar + Into<i32>>(vector: Bits, number: u8) -> Bits {
    Into::<i32>::into(T::of(extract::<T>(vector, number))).bits()
}

/// The vector with a lane replaced by the low bits of a value.
fn replace<T: Scalar>(vector: Bits, value: Bits, number: u8) -> Bits {
    build(|i| if i == number.into() { T::of(value) } else { lane(vector, i) })
}

/// The vector with a lane of so many bytes replaced.
pub(in crate::debug) fn replace_bytes(vector: Bits, value: Bits, number: u8, bytes: u8) -> Bits {
    match bytes {
        1 => replace::<u8>(vector, value, number),
        2 => replace::<u16>(vector, value, number),
        4 => replace::<u32>(vector, value, number),
        _ => replace::<u64>(vector, value, number),
    }
}

/// The lowest bits in every lane.
pub(super) fn splat<T: Scalar>(x: Bits) -> Bits {
    build(|_| T::of(x))
}

fn all_true<T: Scalar>(x: Bits) -> Bits {
    (0..count::<T>()).all(|i| lane::<T>(x, i).bits() != 0).bits()
}

/// The highest bit of every lane.
fn bitmask<T: Scalar>(x: Bits) -> Bits {
    (0..count::<T>()).fold(0, |mask, i| mask | (lane::<T>(x, i).bits() >> (T::WIDTH - 1)) << i)
}

//! Vectors of integers that become wider or narrower.

use super::scalar::{Scalar, build, count, lane, map2};
use crate::ValType;
use crate::debug::op::{Bits, Op};
use wasmparser::Operator;

pub(super) fn pure(operator: &Operator<'_>) -> Option<(Op, ValType)> {
    use Operator as O;
    let op = match *operator {
        O::I8x16NarrowI16x8S => Op::Binary(narrow::<i16, i8>),
        O::I8x16NarrowI16x8U => Op::Binary(narrow::<i16, u8>),
        O::I16x8NarrowI32x4S => Op::Binary(narrow::<i32, i16>),
        O::I16x8NarrowI32x4U => Op::Binary(narrow::<i32, u16>),

        O::I16x8ExtendLowI8x16S => Op::Unary(low::<i8>),
        O::I16x8ExtendLowI8x16U => Op::Unary(low::<u8>),
        O::I16x8ExtendHighI8x16S => Op::Unary(high::<i8>),
        O::I16x8ExtendHighI8x16U => Op::Unary(high::<u8>),
        O::I32x4ExtendLowI16x8S => Op::Unary(low::<i16>),
        O::I32x4ExtendLowI16x8U => Op::Unary(low::<u16>),
        O::I32x4ExtendHighI16x8S => Op::Unary(high::<i16>),
        O::I32x4ExtendHighI16x8U => Op::Unary(high::<u16>),
        O::I64x2ExtendLowI32x4S => Op::Unary(low::<i32>),
        O::I64x2ExtendLowI32x4U => Op::Unary(low::<u32>),
        O::I64x2ExtendHighI32x4S => Op::Unary(high::<i32>),
        O::I64x2ExtendHighI32x4U => Op::Unary(high::<u32>),

        O::I16x8ExtMulLowI8x16S => Op::Binary(|x, y| multiply::<i8>(low::<i8>(x), low::<i8>(y))),
        O::I16x8ExtMulLowI8x16U => Op::Binary(|x, y| multiply::<u8>(low::<u8>(x), low::<u8>(y))),
        O::I16x8ExtMulHighI8x16S => Op::Binary(|x, y| multiply::<i8>(high::<i8>(x), high::<i8>(y))),
        O::I16x8ExtMulHighI8x16U => Op::Binary(|x, y| multiply::<u8>(high::<u8>(x), high::<u8>(y))),
        O::I32x4ExtMulLowI16x8S => Op::Binary(|x, y| multiply::<i16>(low::<i16>(x), low::<i16>(y))),
        O::I32x4ExtMulLowI16x8U => Op::Binary(|x, y| multiply::<u16>(low::<u16>(x), low::<u16>(y))),
        O::I32x4ExtMulHighI16x8S => Op::Binary(|x, y| multiply::<i16>(high::<i16>(x), high::<i16>(y))),
        O::I32x4ExtMulHighI16x8U => Op::Binary(|x, y| multiply::<u16>(high::<u16>(x), high::<u16>(y))),
        O::I64x2ExtMulLowI32x4S => Op::Binary(|x, y| multiply::<i32>(low::<i32>(x), low::<i32>(y))),
        O::I64x2ExtMulLowI32x4U => Op::Binary(|x, y| multiply::<u32>(low::<u32>(x), low::<u32>(y))),
        O::I64x2ExtMulHighI32x4S => Op::Binary(|x, y| multiply::<i32>(high::<i32>(x), high::<i32>(y))),
        O::I64x2ExtMulHighI32x4U => Op::Binary(|x, y| multiply::<u32>(high::<u32>(x), high::<u32>(y))),

        O::I16x8ExtAddPairwiseI8x16S => Op::Unary(pairs::<i8>),
        O::I16x8ExtAddPairwiseI8x16U => Op::Unary(pairs::<u8>),
        O::I32x4ExtAddPairwiseI16x8S => Op::Unary(pairs::<i16>),
        O::I32x4ExtAddPairwiseI16x8U => Op::Unary(pairs::<u16>),
        O::I32x4DotI16x8S => Op::Binary(dot::<i16>),
        O::I16x8RelaxedDotI8x16I7x16S => Op::Binary(dot::<i8>),
        O::I32x4RelaxedDotI8x16I7x16AddS => Op::Ternary(|x, y, sum| {
            map2(pairs::<i16>(dot::<i8>(x, y)), sum, |x: u32, y: u32| x.wrapping_add(y))
        }),
        _ => return None,
    };
    Some((op, ValType::V128))
}

/// A lane that there is a wider one for.
trait Narrow: Scalar + Into<i64> {
    type Wide: Scalar;
    /// The low bits.
    fn wide(x: i64) -> Self::Wide;
}

macro_rules! narrow {
    ($($ty:ty => $wide:ty;)*) => {$(
        impl Narrow for $ty {
            type Wide = $wide;
            fn wide(x: i64) -> $wide {
                x as $wide
            }
        }
    )*};
}

narrow! {
    i8 => u16; u8 => u16; i16 => u32; u16 => u32; i32 => u64; u32 => u64;
}

/// The low half of the lanes, each extended as its type is signed or not.
fn low<T: Narrow>(x: Bits) -> Bits {
    build(|i| T::wide(lane::<T>(x, i).into()))
}

/// The high half.
fn high<T: Narrow>(x: Bits) -> Bits {
    low::<T>(x >> 64)
}

/// The products of extended lanes.
fn multiply<T: Narrow>(x: Bits, y: Bits) -> Bits {
    map2(x, y, |x: T::Wide, y: T::Wide| T::Wide::of(x.bits().wrapping_mul(y.bits())))
}

/// The sums of neighbouring lanes, extended.
fn pairs<T: Narrow>(x: Bits) -> Bits {
    let at = |i| -> i64 { lane::<T>(x, i).into() };
    build(|i| T::wide(at(2 * i) + at(2 * i + 1)))
}

/// The sums of neighbouring products, extended.
fn dot<T: Narrow>(x: Bits, y: Bits) -> Bits {
    let at = |vector, i| -> i64 { lane::<T>(vector, i).into() };
    let product = |i| at(x, i) * at(y, i);
    build(|i| T::wide(product(2 * i) + product(2 * i + 1)))
}

/// The lanes of two vectors as the nearest of a narrower type.
fn narrow<T: Scalar + Into<i64>, N: Scalar + Bounds>(x: Bits, y: Bits) -> Bits {
    let lanes = count::<T>();
    build(|i| {
        let (vector, at) = if i < lanes { (x, i) } else { (y, i - lanes) };
        let x: i64 = lane::<T>(vector, at).into();
        N::of(x.clamp(N::LEAST, N::GREATEST) as Bits)
    })
}

/// The range of a narrower type.
trait Bounds {
    const LEAST: i64;
    const GREATEST: i64;
}

macro_rules! bounds {
    ($($ty:ty)*) => {$(
        impl Bounds for $ty {
            const LEAST: i64 = <$ty>::MIN as i64;
            const GREATEST: i64 = <$ty>::MAX as i64;
        }
    )*};
}

bounds! { i8 u8 i16 u16 }

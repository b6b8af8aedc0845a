//! Numbers in the bits of a value, and lanes in those of a vector.

use crate::debug::op::Bits;

/// A number, or a truth, in the low bits of a value.
pub(super) trait Scalar: Copy {
    /// How many bits it has as a lane.
    const WIDTH: u32 = u8::BITS * size_of::<Self>() as u32;
    fn of(bits: Bits) -> Self;
    /// Zero-extended.
    fn bits(self) -> Bits;
}

macro_rules! scalar {
    ($($ty:ty, $unsigned:ty;)*) => {$(
        impl Scalar for $ty {
            fn of(bits: Bits) -> Self {
                bits as $ty
            }
            fn bits(self) -> Bits {
                self as $unsigned as Bits
            }
        }
    )*};
}

scalar! {
    u8, u8; i8, u8; u16, u16; i16, u16; u32, u32; i32, u32; u64, u64; i64, u64; u128, u128;
}

impl Scalar for f32 {
    fn of(bits: Bits) -> Self {
        f32::from_bits(bits as u32)
    }
    fn bits(self) -> Bits {
        self.to_bits().into()
    }
}

impl Scalar for f64 {
    fn of(bits: Bits) -> Self {
        f64::from_bits(bits as u64)
    }
    fn bits(self) -> Bits {
        self.to_bits().into()
    }
}

impl Scalar for bool {
    fn of(bits: Bits) -> Self {
        bits as u32 != 0
    }
    fn bits(self) -> Bits {
        self.into()
    }
}

/// How many lanes of a type a vector has.
pub(super) fn count<T: Scalar>() -> u32 {
    u128::BITS / T::WIDTH
}

/// A lane.
pub(super) fn lane<T: Scalar>(vector: Bits, lane: u32) -> T {
    T::of(vector >> (lane * T::WIDTH))
}

/// The vector whose lanes are these.
pub(super) fn build<T: Scalar>(lane: impl Fn(u32) -> T) -> Bits {
    (0..count::<T>()).fold(0, |vector, i| vector | lane(i).bits() << (i * T::WIDTH))
}

/// Each lane by itself.
pub(super) fn map<T: Scalar, R: Scalar>(x: Bits, f: impl Fn(T) -> R) -> Bits {
    build(|i| f(lane(x, i)))
}

/// The lanes of two vectors in the same place.
pub(super) fn map2<T: Scalar, R: Scalar>(x: Bits, y: Bits, f: impl Fn(T, T) -> R) -> Bits {
    build(|i| f(lane(x, i), lane(y, i)))
}

/// All bits of the lanes of which it is true.
pub(super) fn test2<T: Scalar>(x: Bits, y: Bits, f: impl Fn(T, T) -> bool) -> Bits {
    let ones = u128::MAX >> (u128::BITS - T::WIDTH);
    let mask = |i| if f(lane(x, i), lane(y, i)) { ones << (i * T::WIDTH) } else { 0 };
    (0..count::<T>()).fold(0, |vector, i| vector | mask(i))
}

/// A function of one or two numbers as an operator.
macro_rules! op {
    ($ty:ty, |$x:ident| $result:expr) => {
        Op::Unary(|x| {
            let $x = <$ty as Scalar>::of(x);
            Scalar::bits($result)
        })
    };
    ($ty:ty, |$x:ident, $y:ident| $result:expr) => {
        Op::Binary(|x, y| {
            let ($x, $y) = (<$ty as Scalar>::of(x), <$ty as Scalar>::of(y));
            Scalar::bits($result)
        })
    };
}

/// A function of one or two numbers that may trap as an operator.
macro_rules! try_op {
    ($ty:ty, |$x:ident| $result:expr) => {
        Op::TryUnary(|x| {
            let $x = <$ty as Scalar>::of(x);
            $result.map(Scalar::bits)
        })
    };
    ($ty:ty, |$x:ident, $y:ident| $result:expr) => {
        Op::TryBinary(|x, y| {
            let ($x, $y) = (<$ty as Scalar>::of(x), <$ty as Scalar>::of(y));
            $result.map(Scalar::bits)
        })
    };
}

/// A function of one or two lanes as an operator.
macro_rules! lanes {
    ($ty:ty, |$x:ident| $result:expr) => {
        Op::Unary(|x| map(x, |$x: $ty| $result))
    };
    ($ty:ty, |$x:ident, $y:ident| $result:expr) => {
        Op::Binary(|x, y| map2(x, y, |$x: $ty, $y: $ty| $result))
    };
}

/// A comparison of lanes as an operator.
macro_rules! test {
    ($ty:ty, |$x:ident, $y:ident| $result:expr) => {
        Op::Binary(|x, y| test2(x, y, |$x: $ty, $y: $ty| $result))
    };
}

pub(super) use {lanes, op, test, try_op};

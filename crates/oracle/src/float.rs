//! Floats: arithmetic with the NaNs that the module's header promises, and conversions.

use crate::value::Trap;
use std::ops::{Add, Div, Mul, Sub};

/// What the two widths have in common.
pub(super) trait Float:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The NaN that an invalid operation makes.
    const INVALID: Self;
    fn is_nan(self) -> bool;
    fn is_signalling(self) -> bool;
    /// The same NaN with the quiet bit set.
    fn quiet(self) -> Self;
    fn is_negative(self) -> bool;
    fn ceil(self) -> Self;
    fn floor(self) -> Self;
    fn trunc(self) -> Self;
    /// To the nearest integer, to the even one if two are as near.
    fn nearest(self) -> Self;
    fn sqrt(self) -> Self;
    /// With another sign, whatever it is.
    fn with_sign(self, negative: bool) -> Self;
}

macro_rules! float {
    ($ty:ident, $sign:expr, $quiet:expr) => {
        impl Float for $ty {
            const INVALID: Self = $ty::from_bits(
                $ty::INFINITY.to_bits() | $quiet | if cfg!(target_arch = "x86_64") { $sign } else { 0 },
            );
            fn is_signalling(self) -> bool {
                self.is_nan() && self.to_bits() & $quiet == 0
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            fn quiet(self) -> Self {
                $ty::from_bits(self.to_bits() | $quiet)
            }
            fn is_negative(self) -> bool {
                self.to_bits() & $sign != 0
            }
            fn ceil(self) -> Self {
                self.ceil()
            }
            fn floor(self) -> Self {
                self.floor()
            }
            fn trunc(self) -> Self {
                self.trunc()
            }
            fn nearest(self) -> Self {
                self.round_ties_even()
            }
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            fn with_sign(self, negative: bool) -> Self {
                $ty::from_bits(self.to_bits() & !$sign | if negative { $sign } else { 0 })
            }
        }
    };
}

float!(f32, 1 << 31, 1 << 22);
float!(f64, 1 << 63, 1 << 51);

/// What arithmetic on one float gives, if `result` is that without the rule for NaNs.
fn one<F: Float>(x: F, result: F) -> F {
    two(x, x, result)
}

/// What arithmetic on two floats gives, if `result` is that without the rule for NaNs.
fn two<F: Float>(x: F, y: F, result: F) -> F {
    let from = if KEEPS_PAYLOADS && !KEEPS_FIRST_NAN && y.is_signalling() && !x.is_signalling() {
        y
    } else if x.is_nan() {
        x
    } else {
        y
    };
    match from.is_nan() {
        true if KEEPS_PAYLOADS => from.quiet(),
        true => F::INVALID,
        false if result.is_nan() => F::INVALID,
        false => result,
    }
}

/// Whether the result has the payload of an operand.
const KEEPS_PAYLOADS: bool = !cfg!(target_arch = "riscv64");
/// Whether that is the first operand, even if the second alone is signalling.
const KEEPS_FIRST_NAN: bool = !cfg!(any(target_arch = "aarch64", target_arch = "s390x"));

pub(super) fn ceil<F: Float>(x: F) -> F {
    one(x, x.ceil())
}

pub(super) fn floor<F: Float>(x: F) -> F {
    one(x, x.floor())
}

pub(super) fn trunc<F: Float>(x: F) -> F {
    one(x, x.trunc())
}

pub(super) fn nearest<F: Float>(x: F) -> F {
    one(x, x.nearest())
}

pub(super) fn sqrt<F: Float>(x: F) -> F {
    one(x, x.sqrt())
}

pub(super) fn add<F: Float>(x: F, y: F) -> F {
    two(x, y, x + y)
}

pub(super) fn sub<F: Float>(x: F, y: F) -> F {
    two(x, y, x - y)
}

pub(super) fn mul<F: Float>(x: F, y: F) -> F {
    two(x, y, x * y)
}

pub(super) fn div<F: Float>(x: F, y: F) -> F {
    two(x, y, x / y)
}

/// The lesser; of two zeros the negative one.
pub(super) fn min<F: Float>(x: F, y: F) -> F {
    let first = if x == y { x.is_negative() } else { x < y };
    two(x, y, if first { x } else { y })
}

/// The greater; of two zeros the positive one.
pub(super) fn max<F: Float>(x: F, y: F) -> F {
    let first = if x == y { y.is_negative() } else { x > y };
    two(x, y, if first { x } else { y })
}

pub(super) fn abs<F: Float>(x: F) -> F {
    x.with_sign(false)
}

pub(super) fn neg<F: Float>(x: F) -> F {
    x.with_sign(!x.is_negative())
}

pub(super) fn copysign<F: Float>(x: F, y: F) -> F {
    x.with_sign(y.is_negative())
}

/// `pmin`: the second where it is less.
pub(super) fn pseudo_min<F: Float>(x: F, y: F) -> F {
    if y < x { y } else { x }
}

/// `pmax`: the second where it is greater.
pub(super) fn pseudo_max<F: Float>(x: F, y: F) -> F {
    if x < y { y } else { x }
}

/// `f64.promote_f32`: 23 bits of fraction become the upper ones of 52.
pub(super) fn promote(x: f32) -> f64 {
    if x.is_nan() && !KEEPS_PAYLOADS {
        return f64::INVALID;
    }
    if x.is_nan() {
        let (sign, fraction) = (u64::from(x.to_bits() >> 31), u64::from(x.to_bits() & 0x007f_ffff));
        return f64::from_bits(sign << 63 | 0x7ff << 52 | fraction << 29).quiet();
    }
    f64::from(x)
}

/// `f32.demote_f64`: of 52 bits of fraction the upper 23 are kept.
pub(super) fn demote(x: f64) -> f32 {
    if x.is_nan() && !KEEPS_PAYLOADS {
        return f32::INVALID;
    }
    if x.is_nan() {
        let (sign, fraction) = ((x.to_bits() >> 63) as u32, (x.to_bits() << 12 >> 41) as u32);
        return f32::from_bits(sign << 31 | 0xff << 23 | fraction).quiet();
    }
    x as f32
}

/// The integer part of `x`, which must be at least `least` and less than `past`.
pub(super) fn integer(x: f64, least: f64, past: f64) -> Result<i128, Trap> {
    if x.is_nan() {
        return Err(Trap::BadConversionToInteger);
    }
    let whole = x.trunc();
    if whole < least || whole >= past {
        return Err(Trap::IntegerOverflow);
    }
    Ok(whole as i128)
}

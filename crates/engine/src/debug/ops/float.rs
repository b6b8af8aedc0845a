//! Floats, and conversions between numbers.
//!
//! NaN operands are looked at before the host's own arithmetic is used, so that
//! results do not depend on the host.

use super::scalar::{Scalar, op, try_op};
use crate::debug::op::Op;
use crate::{Trap, ValType};
use std::ops::{Add, Mul};
use wasmparser::Operator;

/// What both types have in common.
pub(super) trait Float: Scalar + PartialOrd + Add<Output = Self> + Mul<Output = Self> {
    /// What an operation without a result gives.
    const DEFAULT_NAN: Self;
    fn quiet(self) -> Self;
    fn is_nan(self) -> bool;
    fn negative(self) -> bool;
}

impl Float for f32 {
    const DEFAULT_NAN: f32 = f32::from_bits(0xffc0_0000);
    fn quiet(self) -> f32 {
        f32::from_bits(self.to_bits() | 0x0040_0000)
    }
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
    fn negative(self) -> bool {
        self.to_bits() >> 31 != 0
    }
}

impl Float for f64 {
    const DEFAULT_NAN: f64 = f64::from_bits(0xfff8_0000_0000_0000);
    fn quiet(self) -> f64 {
        f64::from_bits(self.to_bits() | 0x0008_0000_0000_0000)
    }
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
    fn negative(self) -> bool {
        self.to_bits() >> 63 != 0
    }
}

/// The result of arithmetic on one operand.
pub(super) fn arith1<F: Float>(x: F, result: F) -> F {
    if x.is_nan() {
        x.quiet()
    } else if result.is_nan() {
        F::DEFAULT_NAN
    } else {
        result
    }
}

/// The result of arithmetic on two operands.
pub(super) fn arith<F: Float>(x: F, y: F, result: F) -> F {
    if !result.is_nan() {
        result
    } else if x.is_nan() {
        x.quiet()
    } else if y.is_nan() {
        y.quiet()
    } else {
        F::DEFAULT_NAN
    }
}

/// The lesser; -0 is less than 0.
pub(super) fn min<F: Float>(x: F, y: F) -> F {
    if x.is_nan() {
        x.quiet()
    } else if y.is_nan() {
        y.quiet()
    } else if x < y || (x == y && x.negative()) {
        x
    } else {
        y
    }
}

/// The greater; 0 is greater than -0.
pub(super) fn max<F: Float>(x: F, y: F) -> F {
    if x.is_nan() {
        x.quiet()
    } else if y.is_nan() {
        y.quiet()
    } else if x > y || (x == y && !x.negative()) {
        x
    } else {
        y
    }
}

/// As an `f64`; a NaN keeps its sign and payload, quieted.
pub(super) fn promote(x: f32) -> f64 {
    if !x.is_nan() {
        return f64::from(x);
    }
    let bits = u64::from(x.quiet().to_bits());
    f64::from_bits((bits >> 31) << 63 | f64::INFINITY.to_bits() | (bits & 0x007f_ffff) << 29)
}

/// As an `f32`; a NaN keeps its sign and the upper bits of its payload, quieted.
pub(super) fn demote(x: f64) -> f32 {
    if !x.is_nan() {
        return x as f32;
    }
    let bits = x.quiet().to_bits();
    let (sign, payload) = ((bits >> 63 << 31) as u32, (bits >> 29) as u32 & 0x007f_ffff);
    f32::from_bits(sign | f32::INFINITY.to_bits() | payload)
}

/// The integer part of a float that lies between these.
fn truncate(x: f64, least: f64, past: f64) -> Result<f64, Trap> {
    let whole = x.trunc();
    if x.is_nan() {
        Err(Trap::BadConversionToInteger)
    } else if whole >= least && whole < past {
        Ok(whole)
    } else {
        Err(Trap::IntegerOverflow)
    }
}

const TWO_31: f64 = 2_147_483_648.0;
const TWO_32: f64 = 4_294_967_296.0;
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

pub(super) fn pure(operator: &Operator<'_>) -> Option<(Op, ValType)> {
    use Operator as O;
    use ValType::{F32, F64, I32, I64};
    Some(match *operator {
        O::F32Eq => (op!(f32, |x, y| x == y), I32),
        O::F32Ne => (op!(f32, |x, y| x != y), I32),
        O::F32Lt => (op!(f32, |x, y| x < y), I32),
        O::F32Gt => (op!(f32, |x, y| x > y), I32),
        O::F32Le => (op!(f32, |x, y| x <= y), I32),
        O::F32Ge => (op!(f32, |x, y| x >= y), I32),
        O::F64Eq => (op!(f64, |x, y| x == y), I32),
        O::F64Ne => (op!(f64, |x, y| x != y), I32),
        O::F64Lt => (op!(f64, |x, y| x < y), I32),
        O::F64Gt => (op!(f64, |x, y| x > y), I32),
        O::F64Le => (op!(f64, |x, y| x <= y), I32),
        O::F64Ge => (op!(f64, |x, y| x >= y), I32),

        O::F32Abs => (op!(u32, |x| x & 0x7fff_ffff), F32),
        O::F32Neg => (op!(u32, |x| x ^ 0x8000_0000), F32),
        O::F32Copysign => (op!(u32, |x, y| x & 0x7fff_ffff | y & 0x8000_0000), F32),
        O::F32Ceil => (op!(f32, |x| arith1(x, x.ceil())), F32),
        O::F32Floor => (op!(f32, |x| arith1(x, x.floor())), F32),
        O::F32Trunc => (op!(f32, |x| arith1(x, x.trunc())), F32),
        O::F32Nearest => (op!(f32, |x| arith1(x, x.round_ties_even())), F32),
        O::F32Sqrt => (op!(f32, |x| arith1(x, x.sqrt())), F32),
        O::F32Add => (op!(f32, |x, y| arith(x, y, x + y)), F32),
        O::F32Sub => (op!(f32, |x, y| arith(x, y, x - y)), F32),
        O::F32Mul => (op!(f32, |x, y| arith(x, y, x * y)), F32),
        O::F32Div => (op!(f32, |x, y| arith(x, y, x / y)), F32),
        O::F32Min => (op!(f32, |x, y| min(x, y)), F32),
        O::F32Max => (op!(f32, |x, y| max(x, y)), F32),

        O::F64Abs => (op!(u64, |x| x & !(1 << 63)), F64),
        O::F64Neg => (op!(u64, |x| x ^ 1 << 63), F64),
        O::F64Copysign => (op!(u64, |x, y| x & !(1 << 63) | y & 1 << 63), F64),
        O::F64Ceil => (op!(f64, |x| arith1(x, x.ceil())), F64),
        O::F64Floor => (op!(f64, |x| arith1(x, x.floor())), F64),
        O::F64Trunc => (op!(f64, |x| arith1(x, x.trunc())), F64),
        O::F64Nearest => (op!(f64, |x| arith1(x, x.round_ties_even())), F64),
        O::F64Sqrt => (op!(f64, |x| arith1(x, x.sqrt())), F64),
        O::F64Add => (op!(f64, |x, y| arith(x, y, x + y)), F64),
        O::F64Sub => (op!(f64, |x, y| arith(x, y, x - y)), F64),
        O::F64Mul => (op!(f64, |x, y| arith(x, y, x * y)), F64),
        O::F64Div => (op!(f64, |x, y| arith(x, y, x / y)), F64),
        O::F64Min => (op!(f64, |x, y| min(x, y)), F64),
        O::F64Max => (op!(f64, |x, y| max(x, y)), F64),

        O::I32TruncF32S => (try_op!(f32, |x| truncate(promote(x), -TWO_31, TWO_31).map(|x| x as i32)), I32),
        O::I32TruncF32U => (try_op!(f32, |x| truncate(promote(x), 0.0, TWO_32).map(|x| x as u32)), I32),
        O::I32TruncF64S => (try_op!(f64, |x| truncate(x, -TWO_31, TWO_31).map(|x| x as i32)), I32),
        O::I32TruncF64U => (try_op!(f64, |x| truncate(x, 0.0, TWO_32).map(|x| x as u32)), I32),
        O::I64TruncF32S => (try_op!(f32, |x| truncate(promote(x), -TWO_63, TWO_63).map(|x| x as i64)), I64),
        O::I64TruncF32U => (try_op!(f32, |x| truncate(promote(x), 0.0, TWO_64).map(|x| x as u64)), I64),
        O::I64TruncF64S => (try_op!(f64, |x| truncate(x, -TWO_63, TWO_63).map(|x| x as i64)), I64),
        O::I64TruncF64U => (try_op!(f64, |x| truncate(x, 0.0, TWO_64).map(|x| x as u64)), I64),
        // `as` saturates, and makes 0 of a NaN.
        O::I32TruncSatF32S => (op!(f32, |x| x as i32), I32),
        O::I32TruncSatF32U => (op!(f32, |x| x as u32), I32),
        O::I32TruncSatF64S => (op!(f64, |x| x as i32), I32),
        O::I32TruncSatF64U => (op!(f64, |x| x as u32), I32),
        O::I64TruncSatF32S => (op!(f32, |x| x as i64), I64),
        O::I64TruncSatF32U => (op!(f32, |x| x as u64), I64),
        O::I64TruncSatF64S => (op!(f64, |x| x as i64), I64),
        O::I64TruncSatF64U => (op!(f64, |x| x as u64), I64),
        O::F32ConvertI32S => (op!(i32, |x| x as f32), F32),
        O::F32ConvertI32U => (op!(u32, |x| x as f32), F32),
        O::F32ConvertI64S => (op!(i64, |x| x as f32), F32),
        O::F32ConvertI64U => (op!(u64, |x| x as f32), F32),
        O::F64ConvertI32S => (op!(i32, |x| f64::from(x)), F64),
        O::F64ConvertI32U => (op!(u32, |x| f64::from(x)), F64),
        O::F64ConvertI64S => (op!(i64, |x| x as f64), F64),
        O::F64ConvertI64U => (op!(u64, |x| x as f64), F64),
        O::F32DemoteF64 => (op!(f64, |x| demote(x)), F32),
        O::F64PromoteF32 => (op!(f32, |x| promote(x)), F64),
        O::I32ReinterpretF32 => (op!(u32, |x| x), I32),
        O::F32ReinterpretI32 => (op!(u32, |x| x), F32),
        O::I64ReinterpretF64 => (op!(u64, |x| x), I64),
        O::F64ReinterpretI64 => (op!(u64, |x| x), F64),
        _ => return None,
    })
}

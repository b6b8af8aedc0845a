//! Floats, and conversions between numbers.
//!
//! NaNs are looked at before the host's own arithmetic is used: what becomes of them is a
//! rule of the machine that compiled code runs on, which is this one ([`NanRule`]), and
//! the compiler of this program does not keep to it.

use super::scalar::{Scalar, op, try_op};
use crate::debug::op::Op;
use crate::{Trap, ValType};
use std::ops::{Add, Mul};
use wasmparser::Operator;

/// What both types have in common.
pub(super) trait Float: Scalar + PartialOrd + Add<Output = Self> + Mul<Output = Self> {
    /// The quiet NaN without payload and sign.
    const CANONICAL_NAN: Self;
    /// The same with the sign.
    const NEGATIVE_NAN: Self;
    fn quiet(self) -> Self;
    fn is_nan(self) -> bool;
    fn is_signalling(self) -> bool;
    fn negative(self) -> bool;
}

macro_rules! float {
    ($ty:ident, $quiet:literal) => {
        impl Float for $ty {
            const CANONICAL_NAN: $ty = $ty::from_bits($ty::INFINITY.to_bits() | $quiet);
            const NEGATIVE_NAN: $ty = $ty::from_bits($ty::NEG_INFINITY.to_bits() | $quiet);
            fn quiet(self) -> $ty {
                $ty::from_bits(self.to_bits() | $quiet)
            }
            fn is_nan(self) -> bool {
                $ty::is_nan(self)
            }
            fn is_signalling(self) -> bool {
                $ty::is_nan(self) && self.to_bits() & $quiet == 0
            }
            fn negative(self) -> bool {
                self.is_sign_negative()
            }
        }
    };
}

float!(f32, 0x0040_0000);
float!(f64, 0x0008_0000_0000_0000);

/// What a machine's arithmetic makes of NaNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NanRule {
    /// The first operand that is a NaN, quieted; the negative NaN without payload if none
    /// is. x86-64.
    FirstOperand,
    /// The first operand that is a signalling NaN, quieted; else the first that is a NaN;
    /// the NaN without sign and payload if none is. AArch64, s390x.
    SignallingFirst,
    /// The NaN without sign and payload. RISC-V.
    Canonical,
}

impl NanRule {
    const HOST: NanRule = if cfg!(target_arch = "riscv64") {
        NanRule::Canonical
    } else if cfg!(any(target_arch = "aarch64", target_arch = "s390x")) {
        NanRule::SignallingFirst
    } else {
        NanRule::FirstOperand
    };

    /// The NaN that arithmetic on these operands gives.
    fn nan<F: Float>(self, x: F, y: F) -> F {
        let first = |is: fn(F) -> bool| [x, y].into_iter().find(|operand| is(*operand)).map(F::quiet);
        match self {
            NanRule::FirstOperand => first(F::is_nan).unwrap_or(F::NEGATIVE_NAN),
            NanRule::SignallingFirst => {
                first(F::is_signalling).or_else(|| first(F::is_nan)).unwrap_or(F::CANONICAL_NAN)
            }
            NanRule::Canonical => F::CANONICAL_NAN,
        }
    }
}

/// The result of arithmetic on one operand.
pub(super) fn arith1<F: Float>(x: F, result: F) -> F {
    arith(x, x, if x.is_nan() { x } else { result })
}

/// The result of arithmetic on two operands.
pub(super) fn arith<F: Float>(x: F, y: F, result: F) -> F {
    if result.is_nan() { NanRule::HOST.nan(x, y) } else { result }
}

/// The lesser; -0 is less than 0.
pub(super) fn min<F: Float>(x: F, y: F) -> F {
    if x.is_nan() || y.is_nan() {
        NanRule::HOST.nan(x, y)
    } else if x < y || (x == y && x.negative()) {
        x
    } else {
        y
    }
}

/// The greater; 0 is greater than -0.
pub(super) fn max<F: Float>(x: F, y: F) -> F {
    if x.is_nan() || y.is_nan() {
        NanRule::HOST.nan(x, y)
    } else if x > y || (x == y && !x.negative()) {
        x
    } else {
        y
    }
}

/// As an `f64`; a NaN keeps its sign and payload, if the machine keeps any.
pub(super) fn promote(x: f32) -> f64 {
    if !x.is_nan() {
        return f64::from(x);
    }
    let bits = u64::from(NanRule::HOST.nan(x, x).to_bits());
    f64::from_bits((bits >> 31) << 63 | f64::INFINITY.to_bits() | (bits & 0x007f_ffff) << 29)
}

/// As an `f32`; a NaN keeps its sign and the upper bits of its payload, if the machine
/// keeps any.
pub(super) fn demote(x: f64) -> f32 {
    if !x.is_nan() {
        return x as f32;
    }
    let bits = NanRule::HOST.nan(x, x).to_bits();
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

#[cfg(test)]
mod tests {
    use super::NanRule;

    #[test]
    fn each_machine_has_its_nans() {
        let (quiet, signalling, negative) = (0x7fc0_0001, 0x7f80_0002, 0xffc0_0003);
        let one = 1f32.to_bits();
        for (rule, x, y, expected) in [
            (NanRule::FirstOperand, one, one, 0xffc0_0000),
            (NanRule::FirstOperand, quiet, signalling, 0x7fc0_0001),
            (NanRule::FirstOperand, one, signalling, 0x7fc0_0002),
            (NanRule::SignallingFirst, one, one, 0x7fc0_0000),
            (NanRule::SignallingFirst, quiet, signalling, 0x7fc0_0002),
            (NanRule::SignallingFirst, negative, quiet, 0xffc0_0003),
            (NanRule::Canonical, one, one, 0x7fc0_0000),
            (NanRule::Canonical, negative, signalling, 0x7fc0_0000),
        ] {
            let nan = rule.nan(f32::from_bits(x), f32::from_bits(y));
            assert_eq!(nan.to_bits(), expected, "{rule:?} {x:x} {y:x}");
        }
    }
}

//! Float arithmetic and comparison.
//!
//! Both types go through one generic body; the trait [`Float`] is what the two
//! have in common. NaN operands are handled before the operation, so that the
//! result does not depend on the host.

use crate::data_value::DataValue;
use crate::inst::Extra;
use crate::opcode::Opcode;
use std::ops::{Add, Div, Mul, Sub};

trait Float:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The NaN that an invalid operation makes.
    const DEFAULT_NAN: Self;
    fn value(self) -> DataValue;
    fn quiet(self) -> Self;
    fn nan(self) -> bool;
    fn negative(self) -> bool;
    fn map(self, opcode: Opcode) -> Option<Self>;
    fn fma(self, y: Self, z: Self) -> Self;
    fn abs(self) -> Self;
    fn neg(self) -> Self;
    fn copysign(self, sign: Self) -> Self;
}

macro_rules! float {
    ($ty:ident, $variant:ident, $sign:literal, $quiet:literal, $default:literal) => {
        impl Float for $ty {
            const DEFAULT_NAN: Self = $ty::from_bits($default);
            fn value(self) -> DataValue {
                DataValue::$variant(self.to_bits())
            }
            fn quiet(self) -> Self {
                $ty::from_bits(self.to_bits() | $quiet)
            }
            fn nan(self) -> bool {
                self.is_nan()
            }
            fn negative(self) -> bool {
                self.to_bits() & $sign != 0
            }
            fn map(self, opcode: Opcode) -> Option<Self> {
                Some(match opcode {
                    Opcode::Sqrt => self.sqrt(),
                    Opcode::Ceil => self.ceil(),
                    Opcode::Floor => self.floor(),
                    Opcode::Trunc => self.trunc(),
                    Opcode::Nearest => self.round_ties_even(),
                    _ => return None,
                })
            }
            fn fma(self, y: Self, z: Self) -> Self {
                self.mul_add(y, z)
            }
            fn abs(self) -> Self {
                $ty::from_bits(self.to_bits() & !$sign)
            }
            fn neg(self) -> Self {
                $ty::from_bits(self.to_bits() ^ $sign)
            }
            fn copysign(self, sign: Self) -> Self {
                $ty::from_bits(self.to_bits() & !$sign | sign.to_bits() & $sign)
            }
        }
    };
}

float!(f32, F32, 0x8000_0000, 0x0040_0000, 0xffc0_0000);
float!(f64, F64, 0x8000_0000_0000_0000, 0x0008_0000_0000_0000, 0xfff8_0000_0000_0000);

/// Evaluates an operation on well-typed arguments; `None` when the opcode is not
/// one of this file's.
pub(super) fn eval(opcode: Opcode, extra: &Extra, args: &[DataValue]) -> Option<DataValue> {
    match *args {
        [DataValue::F32(x)] => unary(opcode, f32::from_bits(x)),
        [DataValue::F64(x)] => unary(opcode, f64::from_bits(x)),
        [DataValue::F32(x), DataValue::F32(y)] => binary(opcode, extra, f32::from_bits(x), f32::from_bits(y)),
        [DataValue::F64(x), DataValue::F64(y)] => binary(opcode, extra, f64::from_bits(x), f64::from_bits(y)),
        [DataValue::F32(x), DataValue::F32(y), DataValue::F32(z)] if opcode == Opcode::Fma => {
            Some(fma(f32::from_bits(x), f32::from_bits(y), f32::from_bits(z)))
        }
        [DataValue::F64(x), DataValue::F64(y), DataValue::F64(z)] if opcode == Opcode::Fma => {
            Some(fma(f64::from_bits(x), f64::from_bits(y), f64::from_bits(z)))
        }
        _ => None,
    }
}

/// The first NaN of the operands, quieted; else the result, with every NaN that
/// it is being the default one.
fn arithmetic<F: Float>(operands: &[F], result: F) -> DataValue {
    match operands.iter().find(|x| x.nan()) {
        Some(nan) => nan.quiet().value(),
        None if result.nan() => F::DEFAULT_NAN.value(),
        None => result.value(),
    }
}

fn unary<F: Float>(opcode: Opcode, x: F) -> Option<DataValue> {
    match opcode {
        Opcode::Fneg => Some(x.neg().value()),
        Opcode::Fabs => Some(x.abs().value()),
        _ => x.map(opcode).map(|result| arithmetic(&[x], result)),
    }
}

fn binary<F: Float>(opcode: Opcode, extra: &Extra, x: F, y: F) -> Option<DataValue> {
    let result = match opcode {
        Opcode::Fcmp => {
            let Extra::FloatCC(cc) = *extra else { return None };
            return Some(DataValue::bool(cc.test(x.partial_cmp(&y))));
        }
        Opcode::Fcopysign => return Some(x.copysign(y).value()),
        Opcode::Fadd => x + y,
        Opcode::Fsub => x - y,
        Opcode::Fmul => x * y,
        Opcode::Fdiv => x / y,
        // Equal operands differ in sign at most, for zeros; -0 is the lesser.
        Opcode::Fmin if x < y || (x == y && x.negative()) => x,
        Opcode::Fmax if x > y || (x == y && !x.negative()) => x,
        Opcode::Fmin | Opcode::Fmax => y,
        _ => return None,
    };
    Some(arithmetic(&[x, y], result))
}

fn fma<F: Float>(x: F, y: F, z: F) -> DataValue {
    arithmetic(&[x, y, z], x.fma(y, z))
}

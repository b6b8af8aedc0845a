//! Values at run time: what an SSA value of each scalar type holds.

use crate::immediates::{format_f32, format_f64, parse_f32, parse_f64, parse_int_of};
use crate::types::{F32, F64, I8, I16, I32, I64, Type};
use std::fmt;

/// A scalar with its type. Floats are bits, so that equality is bit by bit and
/// NaN payloads survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DataValue {
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    /// The bits of a binary32.
    F32(u32),
    /// The bits of a binary64.
    F64(u64),
}

impl DataValue {
    /// The value's type.
    pub fn ty(self) -> Type {
        match self {
            DataValue::I8(_) => I8,
            DataValue::I16(_) => I16,
            DataValue::I32(_) => I32,
            DataValue::I64(_) => I64,
            DataValue::F32(_) => F32,
            DataValue::F64(_) => F64,
        }
    }

    /// The bits, zero-extended.
    pub fn bits(self) -> u64 {
        match self {
            DataValue::I8(x) => u64::from(x as u8),
            DataValue::I16(x) => u64::from(x as u16),
            DataValue::I32(x) => u64::from(x as u32),
            DataValue::I64(x) => x as u64,
            DataValue::F32(x) => u64::from(x),
            DataValue::F64(x) => x,
        }
    }

    /// The value of a scalar type that has these bits; bits above the type's width
    /// are dropped.
    ///
    /// # Panics
    /// If `ty` is not a scalar.
    pub fn from_bits(ty: Type, bits: u64) -> DataValue {
        match ty {
            I8 => DataValue::I8(bits as i8),
            I16 => DataValue::I16(bits as i16),
            I32 => DataValue::I32(bits as i32),
            I64 => DataValue::I64(bits as i64),
            F32 => DataValue::F32(bits as u32),
            F64 => DataValue::F64(bits),
            _ => panic!("{ty} is not a scalar type"),
        }
    }

    /// The boolean 0 or 1 of type i8.
    pub fn bool(value: bool) -> DataValue {
        DataValue::I8(i8::from(value))
    }

    /// A binary32.
    pub fn f32(value: f32) -> DataValue {
        DataValue::F32(value.to_bits())
    }

    /// A binary64.
    pub fn f64(value: f64) -> DataValue {
        DataValue::F64(value.to_bits())
    }

    /// The integer sign-extended; a float's bits as they are.
    pub fn sext(self) -> i64 {
        match self {
            DataValue::I8(x) => i64::from(x),
            DataValue::I16(x) => i64::from(x),
            DataValue::I32(x) => i64::from(x),
            DataValue::I64(x) => x,
            DataValue::F32(_) | DataValue::F64(_) => self.bits() as i64,
        }
    }

    /// Whether this is a float that is not a number.
    pub fn is_nan(self) -> bool {
        match self {
            DataValue::F32(x) => f32::from_bits(x).is_nan(),
            DataValue::F64(x) => f64::from_bits(x).is_nan(),
            _ => false,
        }
    }

    /// The value of a scalar type that CLIF text calls `text`.
    ///
    /// # Errors
    /// If the text is no number of this type, or `ty` is not a scalar.
    pub fn parse(text: &str, ty: Type) -> Result<DataValue, String> {
        match ty {
            F32 => parse_f32(text).map(DataValue::F32),
            F64 => parse_f64(text).map(DataValue::F64),
            _ if ty.is_int() => {
                parse_int_of(text, ty.bits()).map(|value| DataValue::from_bits(ty, value as u64))
            }
            _ => Err(format!("{ty} has no scalar values")),
        }
    }
}

/// The value as CLIF text writes it: integers decimal and signed.
impl fmt::Display for DataValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            DataValue::F32(bits) => f.write_str(&format_f32(bits)),
            DataValue::F64(bits) => f.write_str(&format_f64(bits)),
            _ => write!(f, "{}", self.sext()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for ty in Type::SCALARS {
            for bits in [0, 1, 0x7f, 0x80, 0x3f80_0000, 0xff80_0001, 0x7ff0_0000_0000_0001, u64::MAX, 1 << 63]
            {
                let value = DataValue::from_bits(ty, bits);
                assert_eq!(DataValue::parse(&value.to_string(), ty), Ok(value), "{value}");
                assert_eq!(DataValue::from_bits(ty, value.bits()), value);
            }
        }
        assert_eq!(DataValue::parse("0xff", I8), Ok(DataValue::I8(-1)));
        assert_eq!(DataValue::parse("-0x1.8p1", F32), Ok(DataValue::f32(-3.0)));
        assert!(DataValue::parse("256", I8).is_err() && DataValue::parse("1.0", I32).is_err());
        assert!(DataValue::parse("1", Type::INVALID).is_err());
        assert_eq!(DataValue::I8(-1).to_string(), "-1");
    }
}

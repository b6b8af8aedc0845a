//! Values at run time: what an SSA value of each scalar type holds.

use crate::types::{F32, F64, I8, I16, I32, I64, Type};

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
}

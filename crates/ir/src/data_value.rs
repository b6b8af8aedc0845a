//! Values at run time: what an SSA value of each type holds.

use crate::immediates::{format_f32, format_f64, parse_f32, parse_f64, parse_int_of};
use crate::types::{F32, F64, I8, I16, I32, I64, Type};
use smallvec::SmallVec;
use std::fmt;

/// A scalar or vector with its type. Floats are bits, so that equality is bit by bit and
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
    /// A vector of 128 bits, little-endian: lane 0 first.
    V128(Type, [u8; 16]),
}

/// The lanes of a vector.
pub type Lanes = SmallVec<[DataValue; 16]>;

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
            DataValue::V128(ty, _) => ty,
        }
    }

    /// The bits, zero-extended; of a vector the low 64.
    pub fn bits(self) -> u64 {
        match self {
            DataValue::I8(x) => u64::from(x as u8),
            DataValue::I16(x) => u64::from(x as u16),
            DataValue::I32(x) => u64::from(x as u32),
            DataValue::I64(x) => x as u64,
            DataValue::F32(x) => u64::from(x),
            DataValue::F64(x) => x,
            DataValue::V128(_, [a, b, c, d, e, f, g, h, ..]) => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        }
    }

    /// All 128 bits of a vector; a scalar's bits, zero-extended.
    pub fn bits128(self) -> u128 {
        match self {
            DataValue::V128(_, bytes) => u128::from_le_bytes(bytes),
            _ => u128::from(self.bits()),
        }
    }

    /// The bytes of [`Self::bits128`], little-endian.
    pub fn bytes(self) -> [u8; 16] {
        self.bits128().to_le_bytes()
    }

    /// The value of a scalar type or vector of 128 bits that has these bits; bits
    /// above the type's width are dropped.
    ///
    /// # Panics
    /// If `ty` is neither.
    pub fn from_bits128(ty: Type, bits: u128) -> DataValue {
        if Type::VECTORS.contains(&ty) {
            DataValue::V128(ty, bits.to_le_bytes())
        } else {
            DataValue::from_bits(ty, bits as u64)
        }
    }

    /// The lanes of a vector, lane 0 first; a scalar is its own only lane.
    pub fn lanes(self) -> Lanes {
        let (lane, bits) = (self.ty().lane(), self.bits128());
        let lanes = (0..self.ty().lane_count()).map(|n| bits >> (n * lane.bits()));
        lanes.map(|bits| DataValue::from_bits(lane, bits as u64)).collect()
    }

    /// The value with these lanes, all scalars of one type that together have 128
    /// bits; one lane alone is itself.
    ///
    /// # Panics
    /// If they are not.
    pub fn from_lanes(lanes: &[DataValue]) -> DataValue {
        let [first, rest @ ..] = lanes else { panic!("a value has at least one lane") };
        if rest.is_empty() {
            return *first;
        }
        let ty = first.ty().vector(lanes.len() as u32).filter(|ty| ty.bits() == 128);
        let ty = ty.expect("the lanes make up 128 bits");
        let mut bits = 0;
        for lane in lanes.iter().rev() {
            assert_eq!(lane.ty(), first.ty(), "the lanes of a vector are of one type");
            bits = bits << lane.ty().bits() | lane.bits128();
        }
        DataValue::V128(ty, bits.to_le_bytes())
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

    /// The integer sign-extended; a float's bits as they are, a vector's low ones.
    pub fn sext(self) -> i64 {
        match self {
            DataValue::I8(x) => i64::from(x),
            DataValue::I16(x) => i64::from(x),
            DataValue::I32(x) => i64::from(x),
            DataValue::I64(x) => x,
            DataValue::F32(_) | DataValue::F64(_) | DataValue::V128(..) => self.bits() as i64,
        }
    }

    /// Whether this is a float that is not a number, or a vector with such a lane.
    pub fn is_nan(self) -> bool {
        match self {
            DataValue::F32(x) => f32::from_bits(x).is_nan(),
            DataValue::F64(x) => f64::from_bits(x).is_nan(),
            DataValue::V128(ty, _) => ty.is_float_vector() && self.lanes().into_iter().any(DataValue::is_nan),
            _ => false,
        }
    }

    /// The value that CLIF text calls `text`. A vector is its 128 bits in
    /// hexadecimal, or its lanes in brackets: `[1 2 3 4]`.
    ///
    /// # Errors
    /// If the text is no value of this type, or `ty` has no values.
    pub fn parse(text: &str, ty: Type) -> Result<DataValue, String> {
        match ty {
            F32 => parse_f32(text).map(DataValue::F32),
            F64 => parse_f64(text).map(DataValue::F64),
            _ if ty.is_int() => {
                parse_int_of(text, ty.bits()).map(|value| DataValue::from_bits(ty, value as u64))
            }
            _ if Type::VECTORS.contains(&ty) => match text.trim().strip_prefix('[') {
                Some(list) => parse_lanes(list, ty),
                None => parse_vector(text.trim()).map(|bits| DataValue::from_bits128(ty, bits)),
            },
            _ => Err(format!("{ty} has no values")),
        }
    }
}

fn parse_vector(text: &str) -> Result<u128, String> {
    let digits = text.strip_prefix("0x").map(|digits| digits.replace('_', ""));
    let bits = digits.filter(|digits| digits.len() <= 32).and_then(|hex| u128::from_str_radix(&hex, 16).ok());
    bits.ok_or_else(|| format!("`{text}` is no vector: `0x` and at most 32 digits, or `[` lanes `]`"))
}

fn parse_lanes(list: &str, ty: Type) -> Result<DataValue, String> {
    let list = list.strip_suffix(']').ok_or("the list of lanes is not closed")?;
    let lanes = list.split_whitespace().map(|text| DataValue::parse(text, ty.lane()));
    let lanes = lanes.collect::<Result<Lanes, String>>()?;
    if lanes.len() != ty.lane_count() as usize {
        return Err(format!("{} lanes given, {ty} has {}", lanes.len(), ty.lane_count()));
    }
    Ok(DataValue::from_lanes(&lanes))
}

/// The value as CLIF text writes it: integers decimal and signed, vectors in
/// hexadecimal.
impl fmt::Display for DataValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            DataValue::F32(bits) => f.write_str(&format_f32(bits)),
            DataValue::F64(bits) => f.write_str(&format_f64(bits)),
            DataValue::V128(..) => write!(f, "{:#034x}", self.bits128()),
            _ => write!(f, "{}", self.sext()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{F32X4, I32X4};

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
        for ty in Type::VECTORS {
            for bits in [0, 1, u128::MAX, 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10, 1 << 127] {
                let value = DataValue::from_bits128(ty, bits);
                assert_eq!(DataValue::parse(&value.to_string(), ty), Ok(value), "{value}");
                assert_eq!(DataValue::from_lanes(&value.lanes()), value);
            }
        }
        let value = DataValue::from_bits128(F32X4, 0x7fc0_0000_4000_0000_0000_0000_bf80_0000);
        assert_eq!(DataValue::parse("[-0x1.0 0.0 2.0 +NaN]", F32X4), Ok(value));
        assert_eq!(DataValue::parse("0x10", I32X4).map(|v| v.bits128()), Ok(16));
        for bad in [
            "[1 2 3]",
            "[1 2 3 4",
            "1 2 3 4",
            "[1 2 3 x]",
            "7",
            "0x",
            "0x1_0000_0000_0000_0000_0000_0000_0000_0000",
        ] {
            assert!(DataValue::parse(bad, I32X4).is_err(), "{bad}");
        }
        assert_eq!(DataValue::parse("0xff", I8), Ok(DataValue::I8(-1)));
        assert_eq!(DataValue::parse("-0x1.8p1", F32), Ok(DataValue::f32(-3.0)));
        assert!(DataValue::parse("256", I8).is_err() && DataValue::parse("1.0", I32).is_err());
        assert!(DataValue::parse("1", Type::INVALID).is_err());
        assert_eq!(DataValue::I8(-1).to_string(), "-1");
    }
}

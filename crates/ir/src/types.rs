//! Value types.
//!
//! A type is a scalar lane and a power-of-two lane count, packed in one byte:
//! the lane in the low four bits, log2 of the count in the high four.

use std::fmt;

/// The type of an SSA value, or [`Type::INVALID`] where an instruction has none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Type(u8);

/// 8-bit integer.
pub const I8: Type = Type(1);
/// 16-bit integer.
pub const I16: Type = Type(2);
/// 32-bit integer.
pub const I32: Type = Type(3);
/// 64-bit integer.
pub const I64: Type = Type(4);
/// IEEE 754 binary32.
pub const F32: Type = Type(5);
/// IEEE 754 binary64.
pub const F64: Type = Type(6);
/// Sixteen 8-bit integers.
pub const I8X16: Type = Type(1 | 4 << 4);
/// Eight 16-bit integers.
pub const I16X8: Type = Type(2 | 3 << 4);
/// Four 32-bit integers.
pub const I32X4: Type = Type(3 | 2 << 4);
/// Two 64-bit integers.
pub const I64X2: Type = Type(4 | 1 << 4);
/// Four IEEE 754 binary32.
pub const F32X4: Type = Type(5 | 2 << 4);
/// Two IEEE 754 binary64.
pub const F64X2: Type = Type(6 | 1 << 4);

impl Type {
    /// No type: the controlling type of an instruction that is not polymorphic.
    pub const INVALID: Type = Type(0);
    /// The scalar integers, narrowest first.
    pub const INTS: [Type; 4] = [I8, I16, I32, I64];
    /// The scalar types, integers first.
    pub const SCALARS: [Type; 6] = [I8, I16, I32, I64, F32, F64];
    /// The vectors of 128 bits, the only ones that values have; integers first.
    pub const VECTORS: [Type; 6] = [I8X16, I16X8, I32X4, I64X2, F32X4, F64X2];

    /// The scalar integer of this width in bits, if there is one.
    pub fn int(bits: u32) -> Option<Type> {
        Type::INTS.into_iter().find(|ty| ty.bits() == bits)
    }

    /// The type of one lane; a scalar is its own lane.
    pub fn lane(self) -> Type {
        Type(self.0 & 15)
    }

    /// How many lanes the type has: 1 for a scalar, 0 for [`Type::INVALID`].
    pub fn lane_count(self) -> u32 {
        if self == Type::INVALID { 0 } else { 1 << (self.0 >> 4) }
    }

    /// The vector of `count` lanes of this scalar. `None` unless `count` is a
    /// power of two of at least 2 and the vector has at most 512 bits.
    pub fn vector(self, count: u32) -> Option<Type> {
        let fits = count.is_power_of_two() && count > 1 && self.bits().checked_mul(count)? <= 512;
        (self.is_scalar() && fits).then(|| Type(self.0 | (count.trailing_zeros() as u8) << 4))
    }

    /// Width of one lane in bits.
    pub fn lane_bits(self) -> u32 {
        match self.lane() {
            I8 => 8,
            I16 => 16,
            I32 | F32 => 32,
            I64 | F64 => 64,
            _ => 0,
        }
    }

    /// Width of the whole value in bits.
    pub fn bits(self) -> u32 {
        self.lane_bits() * self.lane_count()
    }

    /// Size in memory in bytes.
    pub fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// Whether this is one lane of any kind.
    pub fn is_scalar(self) -> bool {
        self.lane_count() == 1
    }

    /// Whether this is a vector.
    pub fn is_vector(self) -> bool {
        self.lane_count() > 1
    }

    /// Whether this is a vector of integers.
    pub fn is_int_vector(self) -> bool {
        self.is_vector() && self.lane().is_int()
    }

    /// Whether this is a vector of floats.
    pub fn is_float_vector(self) -> bool {
        self.is_vector() && self.lane().is_float()
    }

    /// This type with every lane an integer of the same width.
    pub fn as_int(self) -> Type {
        let lane = match self.lane() {
            F32 => I32,
            F64 => I64,
            lane => lane,
        };
        Type(self.0 & !15 | lane.0)
    }

    /// This type with every lane a float of the same width, if there are such.
    pub fn as_float(self) -> Option<Type> {
        let lane = match self.lane() {
            I32 | F32 => F32,
            I64 | F64 => F64,
            _ => return None,
        };
        Some(Type(self.0 & !15 | lane.0))
    }

    /// The integer vector of the same width whose lanes are half as wide and twice
    /// as many, if this is an integer vector that has one.
    pub fn narrowed(self) -> Option<Type> {
        self.resized(self.lane_bits() / 2)
    }

    /// The integer vector of the same width whose lanes are twice as wide and half
    /// as many, if this is an integer vector that has one.
    pub fn widened(self) -> Option<Type> {
        self.resized(self.lane_bits() * 2)
    }

    fn resized(self, lane_bits: u32) -> Option<Type> {
        let lane = Type::int(lane_bits).filter(|_| self.is_int_vector())?;
        lane.vector(self.bits() / lane_bits)
    }

    /// Whether this is a scalar integer.
    pub fn is_int(self) -> bool {
        matches!(self, I8 | I16 | I32 | I64)
    }

    /// Whether this is a scalar float.
    pub fn is_float(self) -> bool {
        matches!(self, F32 | F64)
    }

    /// The mask of a scalar of at most 64 bits: all value bits set.
    pub fn mask(self) -> u64 {
        match self.bits() {
            0 => 0,
            bits => u64::MAX >> (64 - bits.min(64)),
        }
    }

    /// The type that CLIF text calls `name`, if this crate has it.
    pub fn parse(name: &str) -> Option<Type> {
        let (lane, count) = match name.split_once('x') {
            Some((lane, count)) => (lane, Some(count.parse::<u32>().ok()?)),
            None => (name, None),
        };
        let lane = Type::SCALARS.into_iter().find(|ty| ty.lane_name() == lane)?;
        match count {
            Some(count) => lane.vector(count),
            None => Some(lane),
        }
    }

    fn lane_name(self) -> &'static str {
        match self.lane() {
            I8 => "i8",
            I16 => "i16",
            I32 => "i32",
            I64 => "i64",
            F32 => "f32",
            F64 => "f64",
            _ => "INVALID",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.lane_name())?;
        if self.is_vector() { write!(f, "x{}", self.lane_count()) } else { Ok(()) }
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for ty in Type::SCALARS.into_iter().chain(Type::VECTORS) {
            assert_eq!(Type::parse(&ty.to_string()), Some(ty));
        }
        for (ty, lane) in Type::VECTORS.into_iter().zip(Type::SCALARS) {
            assert_eq!((ty.bits(), lane.vector(128 / lane.bits())), (128, Some(ty)));
        }
        assert_eq!(Type::parse("i32x3"), None);
        assert_eq!(Type::parse("i128"), None);
        assert_eq!(I32.vector(4).unwrap().bits(), 128);
        assert_eq!((F32X4.as_int(), F64.as_int(), I8X16.as_int()), (I32X4, I64, I8X16));
        assert_eq!((I64X2.as_float(), I16X8.as_float()), (Some(F64X2), None));
        assert_eq!((I16X8.narrowed(), I16X8.widened()), (Some(I8X16), Some(I32X4)));
        assert_eq!((I8X16.narrowed(), I64X2.widened(), F32X4.widened()), (None, None, None));
        assert_eq!(I64.mask(), u64::MAX);
        assert_eq!(I8.mask(), 0xff);
    }
}

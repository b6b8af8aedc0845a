//! Slots: how values pass between host and compiled code.

use sidetrack_artifact::ValType;
use sidetrack_artifact::vmctx::VALUE_SLOT;

/// A value of any type at the slot's start: a number in the host's byte order, a vector as it
/// is in linear memory, lane 0 first and little-endian, which no shape that code gives it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Slot([u8; VALUE_SLOT as usize]);

macro_rules! access {
    ($($get:ident $set:ident $ty:ty, $bytes:literal, $from:ident $to:ident;)*) => {$(
        /// The value as this type.
        pub fn $get(&self) -> $ty {
            let mut bytes = [0; $bytes];
            bytes.copy_from_slice(&self.0[..$bytes]);
            <$ty>::$from(bytes)
        }

        /// Sets the value; the rest of the slot stays.
        pub fn $set(&mut self, value: $ty) {
            self.0[..$bytes].copy_from_slice(&value.$to());
        }
    )*};
}

impl Slot {
    access! {
        u32 set_u32 u32, 4, from_ne_bytes to_ne_bytes;
        u64 set_u64 u64, 8, from_ne_bytes to_ne_bytes;
        u128 set_u128 u128, 16, from_le_bytes to_le_bytes;
    }

    /// The bits of a value of this type.
    pub fn bits(&self, ty: ValType) -> u128 {
        match ty {
            ValType::I32 | ValType::F32 => self.u32().into(),
            ValType::I64 | ValType::F64 | ValType::Ref(_) => self.u64().into(),
            ValType::V128 => self.u128(),
        }
    }

    /// Sets the bits of a value of this type.
    pub fn set_bits(&mut self, ty: ValType, bits: u128) {
        match ty {
            ValType::I32 | ValType::F32 => self.set_u32(bits as u32),
            ValType::I64 | ValType::F64 | ValType::Ref(_) => self.set_u64(bits as u64),
            ValType::V128 => self.set_u128(bits),
        }
    }
}

//! Where the generator's choices come from: bytes.

use crate::data_value::{DataValue, Lanes};
use crate::signature::Signature;
use crate::types::{F32, F64, Type};

/// A sequence of choices read from bytes; zeros after their end. The generator
/// takes the simplest choice for zero, so short input gives small functions, and
/// a fuzzer that shortens its input simplifies what it found.
#[derive(Clone, Debug)]
pub struct Entropy {
    bytes: Vec<u8>,
    at: usize,
}

impl Entropy {
    /// Choices from a fuzzer's input.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Entropy { bytes: bytes.to_vec(), at: 0 }
    }

    /// `len` bytes of choices, always the same for the same seed (SplitMix64).
    pub fn from_seed(seed: u64, len: usize) -> Self {
        let mut state = seed;
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
        }
        bytes.truncate(len);
        Entropy { bytes, at: 0 }
    }

    /// Whether no bytes are left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// The next eight bytes.
    pub fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, i| word | u64::from(self.byte()) << (8 * i))
    }

    /// A number below `n`, 0 when `n` is.
    pub fn below(&mut self, n: usize) -> usize {
        match n {
            0 | 1 => 0,
            2..=256 => usize::from(self.byte()) % n,
            _ => (usize::from(self.byte()) << 8 | usize::from(self.byte())) % n,
        }
    }

    /// True once in `n` times, false for zero bytes.
    pub fn one_in(&mut self, n: usize) -> bool {
        n > 0 && self.below(n) == n - 1
    }

    /// One of the items.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// A value of any type: often one where operations change behaviour, and often
    /// the same in all lanes of a vector.
    pub fn value(&mut self, ty: Type) -> DataValue {
        if ty.is_vector() {
            let first = self.value(ty.lane());
            let same = !self.one_in(2);
            let lanes = (0..ty.lane_count()).map(|n| match same || n == 0 {
                true => first,
                false => self.value(ty.lane()),
            });
            return DataValue::from_lanes(&lanes.collect::<Lanes>());
        }
        let bits = match ty {
            F32 => {
                let edges: [f32; 16] = [
                    0.0,
                    1.0,
                    -0.0,
                    -1.0,
                    0.5,
                    1.5,
                    2.5,
                    -2.5,
                    f32::INFINITY,
                    f32::NEG_INFINITY,
                    f32::NAN,
                    f32::MAX,
                    f32::from_bits(1),
                    2147483648.0,
                    9223372036854775808.0,
                    -128.5,
                ];
                if self.one_in(4) { self.word() } else { u64::from(self.pick(&edges).to_bits()) }
            }
            F64 => {
                let edges: [f64; 16] = [
                    0.0,
                    1.0,
                    -0.0,
                    -1.0,
                    0.5,
                    1.5,
                    2.5,
                    -2.5,
                    f64::INFINITY,
                    f64::NEG_INFINITY,
                    f64::NAN,
                    f64::MAX,
                    f64::from_bits(1),
                    2147483648.0,
                    18446744073709551616.0,
                    1e-40,
                ];
                if self.one_in(4) { self.word() } else { self.pick(&edges).to_bits() }
            }
            _ => {
                let top = 1u64 << (ty.bits().max(1) - 1);
                let edges =
                    [0, 1, 2, 3, 7, 8, 31, 63, 127, 128, 255, u64::MAX, top, top - 1, top + 1, top >> 1];
                match self.below(4) {
                    0 | 1 => self.pick(&edges),
                    2 => u64::from(self.byte()),
                    _ => self.word(),
                }
            }
        };
        DataValue::from_bits(ty, bits)
    }

    /// Arguments for a function of this signature.
    pub fn arguments(&mut self, signature: &Signature) -> Vec<DataValue> {
        signature.params.iter().map(|param| self.value(param.ty)).collect()
    }
}

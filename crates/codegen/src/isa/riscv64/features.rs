//! What a processor has beyond G.

use crate::isa::features::{self, Table};

/// A set of extensions.
pub type Features = features::Features<Extensions>;

/// The names of extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extensions;

/// Extensions that change nothing here.
const WITHOUT_MEANING: [&str; 21] = [
    "m", "a", "f", "d", "c", "g", "gc", "zca", "zcb", "zcd", "zfa", "zfh", "zfhmin", "zbc", "zbkb", "zicond",
    "zicsr", "zifencei", "zacas", "zabha", "zvfh",
];

impl Table for Extensions {
    const NAMES: &'static [&'static str] = &["zba", "zbb", "zbs", "v"];
    const PRESETS: &'static [(&'static str, u32)] =
        &[("generic", 0), ("rva20u64", 0), ("rva22u64", 0b0111), ("rva23u64", 0b1111)];

    /// The length of vector registers is without meaning: here 128 bits of them are used,
    /// which every processor for applications has.
    fn is_without_meaning(name: &str) -> bool {
        let bits = name.strip_prefix("zvl").and_then(|rest| rest.strip_suffix('b'));
        let is_number = |bits: &str| !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        WITHOUT_MEANING.contains(&name) || bits.is_some_and(is_number)
    }

    /// No more than the base is assumed of a RISC-V.
    #[cfg(target_arch = "riscv64")]
    fn host() -> Features {
        Features::default()
    }
}

impl Features {
    /// Address computation.
    pub fn zba(self) -> bool {
        self.has(1)
    }

    /// Basic bit manipulation.
    pub fn zbb(self) -> bool {
        self.has(1 << 1)
    }

    /// Single bits.
    pub fn zbs(self) -> bool {
        self.has(1 << 2)
    }

    /// Vectors.
    pub fn v(self) -> bool {
        self.has(1 << 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_lengths() {
        assert!(Extensions::is_without_meaning("zvl128b") && !Extensions::is_without_meaning("zvlb"));
    }
}

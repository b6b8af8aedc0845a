//! What a processor has beyond the base of x86-64.
//!
//! Flags and presets carry the names that other code generators for CLIF give
//! them; those that change nothing here are accepted all the same.

use crate::settings::SettingError;

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

/// Names of the features; the position is the bit.
const NAMES: [&str; 20] = [
    "sse3",
    "ssse3",
    "sse41",
    "sse42",
    "popcnt",
    "avx",
    "avx2",
    "fma",
    "bmi1",
    "bmi2",
    "lzcnt",
    "cmpxchg16b",
    "avx512f",
    "avx512dq",
    "avx512vl",
    "avx512bitalg",
    "avx512vbmi",
    "avx512bw",
    "avx512cd",
    "avx512vbmi2",
];

const V2: u32 = 0b1000_0001_1111;
const V3: u32 = V2 | 0b0111_1110_0000;
const V4: u32 = V3 | 0b110_0111_0000_0000_0000;

/// Presets and the features that each switches on.
const PRESETS: &[(&str, u32)] = &[
    ("baseline", 0),
    ("x86-64", 0),
    ("core2", 0b1000_0000_0011),
    ("penryn", 0b1000_0000_0111),
    ("nehalem", V2),
    ("westmere", V2),
    ("sandybridge", V2 | 1 << 5),
    ("ivybridge", V2 | 1 << 5),
    ("haswell", V3),
    ("broadwell", V3),
    ("skylake", V3),
    ("znver1", V3),
    ("znver2", V3),
    ("znver3", V3),
    ("znver4", V4),
    ("skylake-avx512", V4),
    ("cascadelake", V4),
    ("cooperlake", V4),
    ("cannonlake", V4),
    ("icelake-client", V4),
    ("icelake-server", V4),
    ("tigerlake", V4),
    ("sapphirerapids", V4),
    ("alderlake", V3),
    ("raptorlake", V3),
    ("x86-64-v2", V2),
    ("x86-64-v3", V3),
    ("x86-64-v4", V4),
];

impl Features {
    fn bit(name: &str) -> Option<u32> {
        NAMES.iter().position(|known| *known == name).map(|bit| 1 << bit)
    }

    #[cfg(test)]
    fn has(self, name: &str) -> bool {
        Self::bit(name).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Rounding instructions.
    pub fn sse41(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// The first of the features that vectors need and this set lacks.
    pub fn missing_for_vectors(self) -> Option<&'static str> {
        let needed = [(1, "ssse3"), (2, "sse4.1"), (3, "sse4.2")];
        needed.iter().find(|(bit, _)| self.0 & 1 << bit == 0).map(|(_, name)| *name)
    }

    /// Instructions of three operands.
    pub fn avx(self) -> bool {
        self.0 & 1 << 5 != 0
    }

    /// Broadcasts from registers.
    pub fn avx2(self) -> bool {
        self.0 & 1 << 6 != 0
    }

    /// AVX-512 on vectors of 128 bits.
    pub fn avx512(self) -> bool {
        self.has_all(1 << 12 | 1 << 14)
    }

    /// Products of 64 bits by lane.
    pub fn avx512dq(self) -> bool {
        self.has_all(1 << 12 | 1 << 13 | 1 << 14)
    }

    /// Counts of bits by lane.
    pub fn avx512bitalg(self) -> bool {
        self.has_all(1 << 12 | 1 << 14 | 1 << 15)
    }

    /// Bytes of two vectors in any order.
    pub fn avx512vbmi(self) -> bool {
        self.has_all(1 << 12 | 1 << 14 | 1 << 16)
    }

    fn has_all(self, bits: u32) -> bool {
        self.0 & bits == bits
    }

    /// `popcnt`.
    pub fn popcnt(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    /// Fused multiply-add.
    pub fn fma(self) -> bool {
        self.0 & 1 << 7 != 0
    }

    /// `andn`, `tzcnt`.
    pub fn bmi1(self) -> bool {
        self.0 & 1 << 8 != 0
    }

    /// Shifts that leave the flags alone.
    pub fn bmi2(self) -> bool {
        self.0 & 1 << 9 != 0
    }

    /// `lzcnt`.
    pub fn lzcnt(self) -> bool {
        self.0 & 1 << 10 != 0
    }

    /// Both sets together.
    pub fn union(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// A feature of this set that `other` lacks.
    pub fn first_beyond(self, other: Features) -> Option<String> {
        let missing = self.0 & !other.0;
        (missing != 0).then(|| format!("has_{}", NAMES[missing.trailing_zeros() as usize]))
    }

    /// Changes the set by a flag, `flag=true`, `flag=false` or a preset; a flag
    /// may be spelled with or without `has_`.
    ///
    /// # Errors
    /// If there is no such flag or preset, or it cannot have the value.
    pub fn set(&mut self, text: &str) -> Result<(), SettingError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let on = match value {
            None | Some("true" | "1" | "on" | "yes") => true,
            Some("false" | "0" | "off" | "no") => false,
            Some(value) => {
                return Err(SettingError::BadValue { name: name.to_string(), value: value.to_string() });
            }
        };
        let preset = PRESETS.iter().find(|(known, _)| *known == name).map(|(_, bits)| *bits);
        let flag = Self::bit(name.strip_prefix("has_").unwrap_or(name));
        let Some(bits) = flag.or(preset) else { return Err(SettingError::Unknown(name.to_string())) };
        self.0 = if on { self.0 | bits } else { self.0 & !bits };
        Ok(())
    }

    /// What the machine that this runs on has; nothing if it is no x86-64.
    pub fn host() -> Features {
        host_bits()
    }
}

#[cfg(target_arch = "x86_64")]
fn host_bits() -> Features {
    use std::arch::is_x86_feature_detected as has;
    let found = [
        has!("sse3"),
        has!("ssse3"),
        has!("sse4.1"),
        has!("sse4.2"),
        has!("popcnt"),
        has!("avx"),
        has!("avx2"),
        has!("fma"),
        has!("bmi1"),
        has!("bmi2"),
        has!("lzcnt"),
        has!("cmpxchg16b"),
        has!("avx512f"),
        has!("avx512dq"),
        has!("avx512vl"),
        has!("avx512bitalg"),
        has!("avx512vbmi"),
        has!("avx512bw"),
        has!("avx512cd"),
        has!("avx512vbmi2"),
    ];
    Features(found.iter().enumerate().fold(0, |bits, (n, has)| bits | u32::from(*has) << n))
}

#[cfg(not(target_arch = "x86_64"))]
fn host_bits() -> Features {
    Features::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_presets() {
        let mut features = Features::default();
        features.set("haswell").unwrap();
        assert!(features.fma() && features.bmi2() && features.lzcnt() && features.has("cmpxchg16b"));
        features.set("has_fma=false").unwrap();
        features.set("avx512f").unwrap();
        assert!(!features.fma() && features.has("avx512f") && features.bmi1());
        assert_eq!(features.set("has_what").unwrap_err().to_string(), "unknown setting `has_what`");
        assert!(features.set("has_fma=3").is_err());
        assert!(Features(V4).has("avx512vl") && !Features(V3).has("avx512f") && !Features(V2).has("avx"));
    }
}

//! What a processor has beyond the base of x86-64.

use crate::isa::features::{self, Table};

/// A set of extensions.
pub type Features = features::Features<Extensions>;

/// The names of extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extensions;

const V2: u32 = 0b1000_0001_1111;
const V3: u32 = V2 | 0b0111_1110_0000;
const V4: u32 = V3 | 0b110_0111_0000_0000_0000;

impl Table for Extensions {
    const NAMES: &'static [&'static str] = &[
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
    const PRESETS: &'static [(&'static str, u32)] = &[
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

    #[cfg(target_arch = "x86_64")]
    fn host() -> Features {
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
        Features::of(found.iter().enumerate().fold(0, |bits, (n, has)| bits | u32::from(*has) << n))
    }

    /// Nothing is known of an emulator.
    #[cfg(not(target_arch = "x86_64"))]
    fn host() -> Features {
        Features::default()
    }
}

impl Features {
    /// Rounding instructions.
    pub fn sse41(self) -> bool {
        self.has(1 << 2)
    }

    /// The first of the features that vectors need and this set lacks.
    pub fn missing_for_vectors(self) -> Option<&'static str> {
        let needed = [(1, "ssse3"), (2, "sse4.1"), (3, "sse4.2")];
        needed.iter().find(|(bit, _)| !self.has(1 << bit)).map(|(_, name)| *name)
    }

    /// Instructions of three operands.
    pub fn avx(self) -> bool {
        self.has(1 << 5)
    }

    /// Broadcasts from registers.
    pub fn avx2(self) -> bool {
        self.has(1 << 6)
    }

    /// AVX-512 on vectors of 128 bits.
    pub fn avx512(self) -> bool {
        self.has(1 << 12 | 1 << 14)
    }

    /// Products of 64 bits by lane.
    pub fn avx512dq(self) -> bool {
        self.has(1 << 12 | 1 << 13 | 1 << 14)
    }

    /// Counts of bits by lane.
    pub fn avx512bitalg(self) -> bool {
        self.has(1 << 12 | 1 << 14 | 1 << 15)
    }

    /// Bytes of two vectors in any order.
    pub fn avx512vbmi(self) -> bool {
        self.has(1 << 12 | 1 << 14 | 1 << 16)
    }

    /// `popcnt`.
    pub fn popcnt(self) -> bool {
        self.has(1 << 4)
    }

    /// Fused multiply-add.
    pub fn fma(self) -> bool {
        self.has(1 << 7)
    }

    /// `andn`, `tzcnt`.
    pub fn bmi1(self) -> bool {
        self.has(1 << 8)
    }

    /// Shifts that leave the flags alone.
    pub fn bmi2(self) -> bool {
        self.has(1 << 9)
    }

    /// `lzcnt`.
    pub fn lzcnt(self) -> bool {
        self.has(1 << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        let names = |bits| Features::of(bits).names();
        assert_eq!(names(V2), "sse3 ssse3 sse41 sse42 popcnt cmpxchg16b");
        assert_eq!(names(V3 & !V2), "avx avx2 fma bmi1 bmi2 lzcnt");
        assert_eq!(names(V4 & !V3), "avx512f avx512dq avx512vl avx512bw avx512cd");
    }
}

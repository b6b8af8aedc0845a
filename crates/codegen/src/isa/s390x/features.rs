//! What a processor has beyond the z13 without its vector facility.

use crate::isa::features::{self, Table};

/// A set of facilities.
pub type Features = features::Features<Facilities>;

/// The names of facilities.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facilities;

const Z13: u32 = 0b0_0001;
const Z14: u32 = 0b0_1011;
const Z15: u32 = 0b1_1111;

impl Table for Facilities {
    const NAMES: &'static [&'static str] = &["vx", "vxe", "vxe2", "mie2", "mie3"];
    const ALIASES: &'static [(&'static str, u32)] = &[("vxrs_ext2", 0b111), ("vector", 1)];
    const PRESETS: &'static [(&'static str, u32)] = &[
        ("generic", 0),
        ("z13", Z13),
        ("arch11", Z13),
        ("z14", Z14),
        ("arch12", Z14),
        ("z15", Z15),
        ("arch13", Z15),
        ("z16", Z15),
        ("arch14", Z15),
        ("z17", Z15),
        ("arch15", Z15),
        ("max", Z15),
    ];
    const BUILDS_ON: &'static [(u32, u32)] = &[(0b010, 0b001), (0b100, 0b011)];

    fn is_without_meaning(name: &str) -> bool {
        ["mie4", "vxrs_ext3"].contains(&name)
    }

    /// No more than the base is assumed of an s390x.
    #[cfg(target_arch = "s390x")]
    fn host() -> Features {
        Features::default()
    }
}

impl Features {
    /// The vector facility.
    pub fn vx(self) -> bool {
        self.has(1)
    }

    /// Its first enhancement.
    pub fn vxe(self) -> bool {
        self.has(1 << 1)
    }

    /// Its second enhancement.
    pub fn vxe2(self) -> bool {
        self.has(1 << 2)
    }

    /// The second facility of miscellaneous instructions.
    pub fn mie2(self) -> bool {
        self.has(1 << 3)
    }

    /// The third one.
    pub fn mie3(self) -> bool {
        self.has(1 << 4)
    }
}

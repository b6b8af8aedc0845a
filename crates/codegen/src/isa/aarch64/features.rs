//! What a processor has beyond the base of AArch64.

use crate::isa::features::{self, Table};

/// A set of extensions.
pub type Features = features::Features<Extensions>;

/// The names of extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extensions;

impl Table for Extensions {
    const NAMES: &'static [&'static str] = &["lse"];

    fn is_without_meaning(name: &str) -> bool {
        let signing = ["sign_return_address", "sign_return_address_all", "sign_return_address_with_bkey"];
        signing.contains(&name) || ["pauth", "fp16", "use_bti"].contains(&name)
    }

    #[cfg(target_arch = "aarch64")]
    fn host() -> Features {
        Features::of(u32::from(std::arch::is_aarch64_feature_detected!("lse")))
    }
}

impl Features {
    /// Atomic changes as single instructions.
    pub fn lse(self) -> bool {
        self.has(1)
    }
}

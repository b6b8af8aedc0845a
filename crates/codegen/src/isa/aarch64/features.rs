//! What a processor has beyond the base of AArch64: flags by the names that other code
//! generators for CLIF give them.

use crate::settings::SettingError;

/// A set of extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

/// Names of the extensions that change the code; the position is the bit.
const NAMES: [&str; 1] = ["has_lse"];

/// Flags that other code generators know and that change nothing here.
const WITHOUT_MEANING: [&str; 6] = [
    "has_pauth",
    "has_fp16",
    "sign_return_address",
    "sign_return_address_all",
    "sign_return_address_with_bkey",
    "use_bti",
];

impl Features {
    /// Atomic changes as single instructions.
    pub fn lse(self) -> bool {
        self.0 & 1 != 0
    }

    /// Both sets together.
    pub fn union(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// A flag of this set that `other` lacks.
    pub fn first_beyond(self, other: Features) -> Option<String> {
        let missing = self.0 & !other.0;
        (missing != 0).then(|| NAMES[missing.trailing_zeros() as usize].to_string())
    }

    /// Changes the set by `flag`, `flag=true` or `flag=false`.
    ///
    /// # Errors
    /// If there is no such flag, or it cannot have the value.
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
        let bit = NAMES.iter().position(|known| *known == name).map(|bit| 1 << bit);
        let bits = bit.or(WITHOUT_MEANING.contains(&name).then_some(0));
        let bits = bits.ok_or_else(|| SettingError::Unknown(name.to_string()))?;
        self.0 = if on { self.0 | bits } else { self.0 & !bits };
        Ok(())
    }

    /// What the machine that this runs on has. On another machine code for this one runs
    /// under an emulator, which has all.
    pub fn host() -> Features {
        #[cfg(target_arch = "aarch64")]
        return Features(u32::from(std::arch::is_aarch64_feature_detected!("lse")));
        #[cfg(not(target_arch = "aarch64"))]
        return Features((1 << NAMES.len()) - 1);
    }
}

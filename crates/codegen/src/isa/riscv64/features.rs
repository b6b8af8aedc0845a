//! What a processor has beyond G: flags by the names that other code generators
//! for CLIF give them.

use crate::settings::SettingError;

/// A set of extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

/// Names of the extensions that change the code; the position is the bit.
const NAMES: [&str; 4] = ["zba", "zbb", "zbs", "v"];

/// Extensions that other code generators know and that change nothing here.
const WITHOUT_MEANING: [&str; 21] = [
    "m", "a", "f", "d", "c", "g", "gc", "zca", "zcb", "zcd", "zfa", "zfh", "zfhmin", "zbc", "zbkb", "zicond",
    "zicsr", "zifencei", "zacas", "zabha", "zvfh",
];

/// Whether it says how long vector registers are at least: here 128 bits of them are
/// used, which every processor for applications has.
fn is_vector_length(name: &str) -> bool {
    let bits = name.strip_prefix("zvl").and_then(|rest| rest.strip_suffix('b'));
    bits.is_some_and(|bits| !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Presets and the extensions that each switches on.
const PRESETS: [(&str, u32); 4] = [("generic", 0), ("rva20u64", 0), ("rva22u64", 7), ("rva23u64", 15)];

impl Features {
    /// Address computation.
    pub fn zba(self) -> bool {
        self.0 & 1 != 0
    }

    /// Basic bit manipulation.
    pub fn zbb(self) -> bool {
        self.0 & 2 != 0
    }

    /// Single bits.
    pub fn zbs(self) -> bool {
        self.0 & 4 != 0
    }

    /// Vectors.
    pub fn v(self) -> bool {
        self.0 & 8 != 0
    }

    /// Both sets together.
    pub fn union(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// An extension of this set that `other` lacks.
    pub fn first_beyond(self, other: Features) -> Option<String> {
        let missing = self.0 & !other.0;
        (missing != 0).then(|| format!("has_{}", NAMES[missing.trailing_zeros() as usize]))
    }

    /// The names of the extensions, separated by spaces.
    pub fn names(self) -> String {
        let on = NAMES.iter().enumerate().filter(|(bit, _)| self.0 & 1 << bit != 0);
        on.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
    }

    /// Changes the set by a flag, `flag=true`, `flag=false` or a preset; a flag may be
    /// spelled with or without `has_`.
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
        let bare = name.strip_prefix("has_").unwrap_or(name);
        let flag = NAMES.iter().position(|known| *known == bare).map(|bit| 1 << bit);
        let preset = PRESETS.iter().find(|(known, _)| *known == name).map(|(_, bits)| *bits);
        let ignored = (WITHOUT_MEANING.contains(&bare) || is_vector_length(bare)).then_some(0);
        let bits = flag.or(preset).or(ignored);
        let bits = bits.ok_or_else(|| SettingError::Unknown(name.to_string()))?;
        self.0 = if on { self.0 | bits } else { self.0 & !bits };
        Ok(())
    }

    /// Every extension that this target knows.
    pub fn all() -> Features {
        Features((1 << NAMES.len()) - 1)
    }

    /// What the machine that this runs on has: no more than the base is assumed of a
    /// RISC-V, and under an emulator, which has all, this machine is none.
    pub fn host() -> Features {
        if cfg!(target_arch = "riscv64") { Features::default() } else { Features::all() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_presets() {
        let mut features = Features::default();
        features.set("rva22u64").unwrap();
        features.set("has_zbb=false").unwrap();
        assert!(features.zba() && !features.zbb() && features.zbs());
        assert_eq!(features.names(), "zba zbs");
        features.set("has_zcb").unwrap();
        features.set("has_zvl128b").unwrap();
        features.set("has_v").unwrap();
        assert!(features.v() && features.set("has_zvlb").is_err());
        assert_eq!(features.set("has_what").unwrap_err().to_string(), "unknown setting `has_what`");
        assert!(features.set("zba=3").is_err());
    }
}

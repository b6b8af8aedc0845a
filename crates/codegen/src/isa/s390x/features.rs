//! What a processor has beyond the z13 without its vector facility: flags by the names
//! that other code generators for CLIF give them, and the facility's own.

use crate::settings::SettingError;

/// A set of facilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

/// Names of the facilities that change the code; the position is the bit.
const NAMES: [&str; 5] = ["vx", "vxe", "vxe2", "mie2", "mie3"];

/// Facilities that other code generators know and that change nothing here.
const WITHOUT_MEANING: [&str; 2] = ["mie4", "vxrs_ext3"];

/// Other names.
const ALIASES: [(&str, u32); 2] = [("vxrs_ext2", 7), ("vector", 1)];

/// Presets and the facilities that each switches on.
const PRESETS: [(&str, u32); 12] = [
    ("generic", 0),
    ("z13", 1),
    ("arch11", 1),
    ("z14", 0b0_1011),
    ("arch12", 0b0_1011),
    ("z15", 0b1_1111),
    ("arch13", 0b1_1111),
    ("z16", 0b1_1111),
    ("arch14", 0b1_1111),
    ("z17", 0b1_1111),
    ("arch15", 0b1_1111),
    ("max", 0b1_1111),
];

impl Features {
    /// The vector facility.
    pub fn vx(self) -> bool {
        self.0 & 1 != 0
    }

    /// Its first enhancement.
    pub fn vxe(self) -> bool {
        self.0 & 2 != 0
    }

    /// Its second enhancement.
    pub fn vxe2(self) -> bool {
        self.0 & 4 != 0
    }

    /// The second facility of miscellaneous instructions.
    pub fn mie2(self) -> bool {
        self.0 & 8 != 0
    }

    /// The third one.
    pub fn mie3(self) -> bool {
        self.0 & 16 != 0
    }

    /// Both sets together.
    pub fn union(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// A facility of this set that `other` lacks.
    pub fn first_beyond(self, other: Features) -> Option<String> {
        let missing = self.0 & !other.0;
        (missing != 0).then(|| format!("has_{}", NAMES[missing.trailing_zeros() as usize]))
    }

    /// The names of the facilities, separated by spaces.
    pub fn names(self) -> String {
        let on = NAMES.iter().enumerate().filter(|(bit, _)| self.0 & 1 << bit != 0);
        on.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
    }

    /// Changes the set by a flag, `flag=true`, `flag=false` or a preset; a flag may be
    /// spelled with or without `has_`. What builds on the vector facility brings it along.
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
        // Each of the vector facilities builds on those before it.
        let flag = NAMES.iter().position(|known| *known == bare).map(|bit| match (bit, on) {
            (0..3, true) => (2 << bit) - 1,
            (0..3, false) => 7 & !((1 << bit) - 1),
            _ => 1 << bit,
        });
        let alias = ALIASES.iter().find(|(known, _)| *known == bare).map(|(_, bits)| *bits);
        let preset = PRESETS.iter().find(|(known, _)| *known == name).map(|(_, bits)| *bits);
        let ignored = WITHOUT_MEANING.contains(&bare).then_some(0);
        let bits = flag.or(alias).or(preset).or(ignored);
        let bits = bits.ok_or_else(|| SettingError::Unknown(name.to_string()))?;
        self.0 = if on { self.0 | bits } else { self.0 & !bits };
        Ok(())
    }

    /// Every facility that this target knows.
    pub fn all() -> Features {
        Features((1 << NAMES.len()) - 1)
    }

    /// What the machine that this runs on has: no more than the base is assumed of an
    /// s390x, and under an emulator, which has all, this machine is none.
    pub fn host() -> Features {
        if cfg!(target_arch = "s390x") { Features::default() } else { Features::all() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_presets() {
        let mut features = Features::default();
        features.set("has_vxe").unwrap();
        assert_eq!(features.names(), "vx vxe");
        features.set("vx=false").unwrap();
        assert_eq!(features, Features::default());
        features.set("arch13").unwrap();
        features.set("has_mie3=false").unwrap();
        features.set("has_mie4").unwrap();
        assert_eq!(features.names(), "vx vxe vxe2 mie2");
        assert_eq!(features.first_beyond(Features(3)), Some("has_vxe2".to_string()));
        assert_eq!(features.set("has_what").unwrap_err().to_string(), "unknown setting `has_what`");
        assert!(features.set("vx=3").is_err());
    }
}

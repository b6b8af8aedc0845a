//! A target's own flags: what it may use of a processor beyond the base.
//!
//! Flags and presets carry the names that other code generators for CLIF give them; those
//! that change nothing here are accepted all the same. The names are the target's
//! [`Table`]; choosing by them is here.

use crate::isa::{Builder, TargetIsa};
use crate::settings::{self, Flags, SettingError};
use std::marker::PhantomData;
use std::sync::Arc;

/// What a target's flags are called.
pub trait Table: Copy + Default + 'static {
    /// The flags that change the code; the position is the bit.
    const NAMES: &'static [&'static str];
    /// Other names, and the bits that each stands for.
    const ALIASES: &'static [(&'static str, u32)] = &[];
    /// Presets, and the bits that each stands for.
    const PRESETS: &'static [(&'static str, u32)] = &[];
    /// Flags, each with all those that it builds on.
    const BUILDS_ON: &'static [(u32, u32)] = &[];

    /// Whether this is a flag that changes nothing here.
    fn is_without_meaning(_name: &str) -> bool {
        false
    }

    /// What the machine that this runs on has. On another machine code for this one runs
    /// under an emulator, which has all.
    fn host() -> Features<Self> {
        Features::all()
    }
}

/// A set of a target's flags.
#[derive(Clone, Copy, Debug, Default)]
pub struct Features<T>(u32, PhantomData<T>);

impl<T: Table> Features<T> {
    /// The flags of these bits.
    pub fn of(bits: u32) -> Features<T> {
        Features(bits, PhantomData)
    }

    /// Every flag.
    pub fn all() -> Features<T> {
        Features::of((1 << T::NAMES.len()) - 1)
    }

    /// Whether all of these bits are in.
    pub fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }

    /// The names, separated by spaces.
    pub fn names(self) -> String {
        let on = T::NAMES.iter().enumerate().filter(|(bit, _)| self.has(1 << bit));
        on.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
    }

    /// Changes the set by a flag, `flag=true`, `flag=false` or a preset; a flag may be
    /// spelled with or without `has_`. It brings along what it builds on, and takes away
    /// what builds on it.
    fn set(&mut self, text: &str) -> Result<(), SettingError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let on = settings::boolean(name, value)?;
        let bare = name.strip_prefix("has_").unwrap_or(name);
        let find = |list: &[(&str, u32)], name| Some(list.iter().find(|(known, _)| *known == name)?.1);
        let flag = T::NAMES.iter().position(|known| *known == bare).map(|bit| 1 << bit);
        let bits = flag.or_else(|| find(T::ALIASES, bare)).or_else(|| find(T::PRESETS, name));
        let mut bits = match bits {
            Some(bits) => bits,
            None if T::is_without_meaning(bare) => 0,
            None => return Err(SettingError::Unknown(name.to_string())),
        };
        for &(flag, below) in T::BUILDS_ON {
            let (has, brings) = if on { (flag, below) } else { (below, flag) };
            if bits & has != 0 {
                bits |= brings;
            }
        }
        self.0 = if on { self.0 | bits } else { self.0 & !bits };
        Ok(())
    }
}

/// The flags while they are being chosen, and what makes the target of them.
struct Choice<T> {
    features: Features<T>,
    finish: fn(Flags, Features<T>) -> Arc<dyn TargetIsa>,
}

/// A builder with no flag on, of the target that `finish` makes.
pub fn builder_of<T: Table>(finish: fn(Flags, Features<T>) -> Arc<dyn TargetIsa>) -> Box<dyn Builder> {
    Box::new(Choice { features: Features::default(), finish })
}

impl<T: Table> Builder for Choice<T> {
    fn enable(&mut self, flag: &str) -> Result<(), SettingError> {
        self.features.set(flag)
    }

    fn enable_host(&mut self) {
        self.features.0 |= T::host().0;
    }

    fn missing_on_host(&self) -> Option<String> {
        let missing = self.features.0 & !T::host().0;
        (missing != 0).then(|| format!("has_{}", T::NAMES[missing.trailing_zeros() as usize]))
    }

    fn finish(&self, flags: Flags) -> Arc<dyn TargetIsa> {
        (self.finish)(flags, self.features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Default)]
    struct Machine;

    impl Table for Machine {
        const NAMES: &'static [&'static str] = &["add", "mul", "div", "v"];
        const ALIASES: &'static [(&'static str, u32)] = &[("math", 7)];
        const PRESETS: &'static [(&'static str, u32)] = &[("generic", 0), ("m2", 0b1010)];
        const BUILDS_ON: &'static [(u32, u32)] = &[(2, 1), (4, 3)];

        fn is_without_meaning(name: &str) -> bool {
            name == "c"
        }

        fn host() -> Features<Self> {
            Features::of(3)
        }
    }

    /// The names of what is on after all these settings.
    fn after(settings: &[&str]) -> String {
        let mut features = Features::<Machine>::default();
        settings.iter().for_each(|text| features.set(text).unwrap());
        features.names()
    }

    #[test]
    fn flags_and_presets() {
        assert_eq!(after(&["v", "has_add"]), "add v");
        assert_eq!(after(&["has_div"]), "add mul div");
        assert_eq!(after(&["div", "v=1", "has_mul=false"]), "add v");
        assert_eq!(after(&["has_math=yes", "has_c", "c=no", "generic"]), "add mul div");
        assert_eq!(after(&["m2", "m2=off"]), "add");
    }

    #[test]
    fn errors() {
        let mut features = Features::<Machine>::default();
        assert_eq!(features.set("has_what").unwrap_err().to_string(), "unknown setting `has_what`");
        assert_eq!(features.set("has_m2=on").unwrap_err().to_string(), "unknown setting `has_m2`");
        assert_eq!(features.set("has_v=3").unwrap_err().to_string(), "setting `has_v` cannot be `3`");
        assert_eq!(features.names(), "");
    }

    #[test]
    fn host() {
        let mut choice = Choice::<Machine> { features: Features::of(8), finish: |_, _| unreachable!() };
        assert_eq!(choice.missing_on_host(), Some("has_v".to_string()));
        choice.enable_host();
        assert_eq!(choice.features.names(), "add mul v");
    }
}

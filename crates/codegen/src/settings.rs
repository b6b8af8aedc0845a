//! Settings shared by all targets.

use std::fmt;

/// How much the mid-end does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptLevel {
    /// Translate as written.
    #[default]
    None,
    /// Optimise for speed.
    Speed,
}

/// Settings shared by all targets, changed by name with [`Flags::set`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    /// `opt_level=none|speed`; `speed_and_size` is taken as `speed`.
    pub opt_level: OptLevel,
    /// `live_patching`: place sites so that they can be switched while other
    /// threads execute them.
    pub live_patching: bool,
    /// `sites_off`: write the off form of every site, whatever its initial state.
    pub sites_off: bool,
    /// `enable_verifier`: verify functions before compiling them and after every pass.
    pub verifier: bool,
    /// `regalloc_checker`: check every register allocation.
    pub regalloc_checker: bool,
    /// `max_function_work=N`: the most work that a function may be. The unit is a machine
    /// instruction before registers are allocated, an operand of one, or a block; the time
    /// and memory of allocation grow with them.
    pub max_function_work: u64,
}

impl Default for Flags {
    fn default() -> Self {
        Flags {
            opt_level: OptLevel::None,
            live_patching: false,
            sites_off: false,
            verifier: true,
            regalloc_checker: false,
            max_function_work: u64::MAX,
        }
    }
}

/// Settings of other code generators for CLIF that have no meaning here: what
/// they choose does not exist or is always so.
const WITHOUT_MEANING: &[&str] = &[
    "bb_padding_log2_minus_one",
    "enable_alias_analysis",
    "enable_atomics",
    "enable_float",
    "enable_heap_access_spectre_mitigation",
    "enable_incremental_compilation_cache_checks",
    "enable_jump_tables",
    "enable_llvm_abi_extensions",
    "enable_multi_ret_implicit_sret",
    "enable_nan_canonicalization",
    "enable_pcc",
    "enable_pinned_reg",
    "enable_probestack",
    "enable_safepoints",
    "enable_simd",
    "enable_table_access_spectre_mitigation",
    "is_pic",
    "libcall_call_conv",
    "log2_min_function_alignment",
    "machine_code_cfg_info",
    "preserve_frame_pointers",
    "probestack_func_adjusts_sp",
    "probestack_size_log2",
    "probestack_strategy",
    "regalloc_algorithm",
    "regalloc_verbose_logs",
    "stack_switch_model",
    "tls_model",
    "unwind_info",
    "use_colocated_libcalls",
];

/// A setting that does not exist or a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting has this name.
    #[error("unknown setting `{0}`")]
    Unknown(String),
    /// The setting cannot have this value.
    #[error("setting `{name}` cannot be `{value}`")]
    BadValue {
        /// The setting.
        name: String,
        /// The value given.
        value: String,
    },
}

impl Flags {
    /// Changes a setting given as text. A boolean without value is switched on.
    /// Settings that other code generators for CLIF have, and that mean nothing
    /// here, are accepted and ignored.
    ///
    /// # Errors
    /// If the setting does not exist or the value is none of its values.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), SettingError> {
        let slot = match name {
            "opt_level" => {
                self.opt_level = match value {
                    Some("none") => OptLevel::None,
                    Some("speed" | "speed_and_size") => OptLevel::Speed,
                    _ => {
                        let value = value.unwrap_or_default().to_string();
                        return Err(SettingError::BadValue { name: name.to_string(), value });
                    }
                };
                return Ok(());
            }
            "max_function_work" => {
                let value = value.unwrap_or_default();
                let bad = || SettingError::BadValue { name: name.to_string(), value: value.to_string() };
                self.max_function_work = value.parse().map_err(|_| bad())?;
                return Ok(());
            }
            "live_patching" => &mut self.live_patching,
            "sites_off" => &mut self.sites_off,
            "enable_verifier" => &mut self.verifier,
            "regalloc_checker" => &mut self.regalloc_checker,
            _ if WITHOUT_MEANING.contains(&name) => return Ok(()),
            _ => return Err(SettingError::Unknown(name.to_string())),
        };
        *slot = boolean(name, value)?;
        Ok(())
    }
}

/// Whether a setting is on that is given without a value or with one.
pub(crate) fn boolean(name: &str, value: Option<&str>) -> Result<bool, SettingError> {
    match value {
        None | Some("true" | "1" | "on" | "yes") => Ok(true),
        Some("false" | "0" | "off" | "no") => Ok(false),
        Some(value) => Err(SettingError::BadValue { name: name.to_string(), value: value.to_string() }),
    }
}

impl fmt::Display for OptLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OptLevel::None => "none",
            OptLevel::Speed => "speed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_by_name() {
        let mut flags = Flags::default();
        flags.set("opt_level", Some("speed")).unwrap();
        flags.set("live_patching", None).unwrap();
        flags.set("is_pic", Some("1")).unwrap();
        flags.set("max_function_work", Some("1000")).unwrap();
        assert_eq!((flags.opt_level, flags.live_patching), (OptLevel::Speed, true));
        assert_eq!(flags.max_function_work, 1000);
        assert!(flags.set("max_function_work", None).is_err());
        let unknown = flags.set("no_such", None).unwrap_err();
        assert_eq!(unknown.to_string(), "unknown setting `no_such`");
        let bad = flags.set("opt_level", Some("max")).unwrap_err();
        assert_eq!(bad.to_string(), "setting `opt_level` cannot be `max`");
    }
}

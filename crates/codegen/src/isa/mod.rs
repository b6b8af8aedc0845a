//! Targets: what they have in common, and how one is looked up by name.

mod aarch64;
mod features;
#[cfg(test)]
mod llvm_mc;
mod pulley;
pub(crate) mod riscv64;
mod s390x;
pub(crate) mod x64;

use crate::settings::Flags;
use crate::{CodegenError, SettingError};
use sidetrack_artifact::{Architecture, CompiledFunction};
use sidetrack_ir::Function;
use std::sync::Arc;

/// A target with its settings, ready to compile.
pub trait TargetIsa: Send + Sync {
    /// The target's name: `x86_64`, `pulley64`.
    fn name(&self) -> &'static str;
    /// What images and objects of its code are for.
    fn architecture(&self) -> Architecture;
    /// The settings.
    fn flags(&self) -> &Flags;
    /// The target's own flags that are on, as text.
    fn features(&self) -> String {
        String::new()
    }
    /// The most bytes of which a store has written none if it faults. A longer one that
    /// reaches into a page that cannot be written may leave something in the page before.
    fn whole_stores(&self) -> u8;
    /// Every NOP encoding, ascending in size.
    fn nop_units(&self) -> &'static [&'static [u8]];
    /// Compiles a function that [`crate::compile`] has verified and legalised.
    ///
    /// # Errors
    /// As [`crate::compile`].
    fn compile_legal(&self, func: &Function) -> Result<CompiledFunction, CodegenError>;
}

/// A target's own flags while they are being chosen.
pub trait Builder {
    /// Switches on a flag of the target, or all of a preset's.
    ///
    /// # Errors
    /// If the target has no such flag.
    fn enable(&mut self, flag: &str) -> Result<(), SettingError>;
    /// Switches on what the machine that this runs on has.
    fn enable_host(&mut self);
    /// The first flag switched on that the machine this runs on lacks, if any.
    fn missing_on_host(&self) -> Option<String>;
    /// The target with these settings.
    fn finish(&self, flags: Flags) -> Arc<dyn TargetIsa>;
}

/// A target that is not here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown target `{0}`")]
pub struct LookupError(pub String);

/// The names of all targets.
pub const TARGETS: &[&str] = &[aarch64::NAME, pulley::NAME, riscv64::NAME, s390x::NAME, x64::NAME];

/// Finds a target by name; `x86_64` also by a triple that starts with it.
///
/// # Errors
/// If there is no such target.
pub fn lookup(name: &str) -> Result<Box<dyn Builder>, LookupError> {
    match name {
        pulley::NAME => Ok(pulley::builder()),
        _ if name == aarch64::NAME || name.starts_with("aarch64-") => Ok(aarch64::builder()),
        _ if name == riscv64::NAME || name == "riscv64gc" || name.starts_with("riscv64gc-") => {
            Ok(riscv64::builder())
        }
        _ if name == s390x::NAME || name.starts_with("s390x-") => Ok(s390x::builder()),
        _ if name == x64::NAME || name.starts_with("x86_64-") => Ok(x64::builder()),
        _ => Err(LookupError(name.to_string())),
    }
}

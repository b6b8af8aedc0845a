//! The targets that a file names, with their settings.

use crate::source::Source;
use sidetrack_codegen::{Flags, TargetIsa, lookup};
use sidetrack_ir::text::TargetLine;
use std::sync::Arc;

/// Targets of Cranelift that are none of ours, so that a file which names them is
/// skipped and a misspelled name is not.
pub const ELSEWHERE: &[&str] = &["pulley32", "pulley32be", "pulley64be", "x86", "i686"];

/// A target ready to compile, or why the file's line for it is passed over.
pub fn isa(source: &Source, line: &TargetLine, run_here: bool) -> Result<Arc<dyn TargetIsa>, String> {
    let flags = flags(source, line.settings_before)?;
    let arch = line.triple.split('-').next().unwrap_or_default();
    let mut builder = lookup(&line.triple).or_else(|_| lookup(arch)).map_err(|error| {
        if ELSEWHERE.contains(&arch) { format!("target {arch} is not here") } else { error.to_string() }
    })?;
    for flag in &line.flags {
        builder.enable(flag).map_err(|error| error.to_string())?;
    }
    if run_here && let Some(missing) = builder.missing_on_host() {
        return Err(format!("this machine has no {missing}"));
    }
    Ok(builder.finish(flags))
}

/// The settings above a `target` line. The verifier and the checker of register
/// allocation are on in every test.
///
/// # Errors
/// If a setting is not known.
pub fn flags(source: &Source, count: usize) -> Result<Flags, String> {
    let mut flags = Flags { verifier: true, regalloc_checker: true, ..Flags::default() };
    for setting in &source.header.settings[..count] {
        let (name, value) = match setting.text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (setting.text.as_str(), None),
        };
        flags.set(name, value).map_err(|error| error.to_string())?;
        // The code generator passes this over; results of a test depend on it.
        if name == "enable_nan_canonicalization" && !matches!(value, Some("false" | "0" | "off" | "no")) {
            return Err("NaN canonicalization is not here".to_string());
        }
    }
    flags.verifier = true;
    flags.regalloc_checker = true;
    Ok(flags)
}

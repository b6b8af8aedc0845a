//! One file for each verb, and what they share: reading input, choosing a target.

pub mod compile;
pub mod filetest;
pub mod objdump;
pub mod run;

use sidetrack_codegen::{Flags, TargetIsa, lookup};
use sidetrack_ir::Function;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What chooses a target and its settings.
#[derive(clap::Args)]
pub struct TargetArgs {
    /// The target: x86_64 or pulley64; the host if none is given.
    #[arg(long)]
    target: Option<String>,
    /// A setting of the code generator (`opt_level=speed`) or a flag of the target.
    #[arg(long = "set", value_name = "NAME[=VALUE]")]
    settings: Vec<String>,
}

impl TargetArgs {
    /// The target.
    pub fn isa(&self) -> Result<Arc<dyn TargetIsa>, String> {
        let name = self.target.as_deref().unwrap_or(std::env::consts::ARCH);
        let mut builder = lookup(name).map_err(|error| error.to_string())?;
        let mut flags = Flags::default();
        if self.target.is_none() {
            builder.enable_host();
        }
        for setting in &self.settings {
            let (name, value) = match setting.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (setting.as_str(), None),
            };
            match flags.set(name, value) {
                Err(sidetrack_codegen::SettingError::Unknown(_)) => {
                    builder.enable(setting).map_err(|error| error.to_string())?;
                }
                result => result.map_err(|error| error.to_string())?,
            }
        }
        Ok(builder.finish(flags))
    }
}

/// Reads the functions of a CLIF file.
pub fn read_functions(path: &Path) -> Result<Vec<Function>, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let functions = sidetrack_ir::text::parse_functions(&text)
        .map_err(|error| format!("{name}:{}: {}", error.line, error.message))?;
    if functions.is_empty() {
        return Err(format!("{name}: the file has no function"));
    }
    Ok(functions)
}

/// Writes a file in one step: whole, or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut temporary = PathBuf::from(path).into_os_string();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let result = std::fs::write(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result.map_err(failed)
}

/// Prints to standard output; a reader that went away is no error.
pub fn print(text: &str) -> Result<(), String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(()),
    }
}

//! The harness: found tools, and the program compiled once for each of its versions.
//!
//! It lies in the system's folder for temporary files, under a name that depends on
//! its text, and is put there by a rename, so that several processes may make it.

use super::Target;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

const SOURCE: &str = include_str!("../../harness/harness.c");

/// The compiled harness of a target.
///
/// # Errors
/// The tool that is not found; what the compiler says.
pub(super) fn program(target: &Target) -> Result<PathBuf, String> {
    static KNOWN: Mutex<Option<HashMap<&str, Result<PathBuf, String>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    known.entry(target.name).or_insert_with(|| make(target)).clone()
}

fn make(target: &Target) -> Result<PathBuf, String> {
    for tool in [target.emulator[0], target.compiler] {
        find(tool).ok_or_else(|| format!("{tool} not found"))?;
    }
    let mut hasher = DefaultHasher::new();
    (SOURCE, target.header).hash(&mut hasher);
    let folder = std::env::temp_dir().join(format!("sidetrack-harness-{:016x}", hasher.finish()));
    let program = folder.join(target.name);
    if program.exists() {
        return Ok(program);
    }
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    // Others may be at it, too.
    let work = folder.join(format!("{}-{}", target.name, std::process::id()));
    std::fs::create_dir_all(&work).map_err(|error| failed(&work, error))?;
    let source = work.join("harness.c");
    for (path, text) in [(&source, SOURCE), (&work.join("target.h"), target.header)] {
        std::fs::write(path, text).map_err(|error| failed(path, error))?;
    }
    let output = work.join("harness");
    let result = Command::new(target.compiler)
        .args(["-O1", "-Wall", "-static", "-DTARGET_HEADER=\"target.h\"", "-o"])
        .args([&output, &source])
        .arg("-lm")
        .output()
        .map_err(|error| format!("{}: {error}", target.compiler))?;
    if !result.status.success() {
        return Err(format!("{}: {}", target.compiler, String::from_utf8_lossy(&result.stderr)));
    }
    std::fs::rename(&output, &program).map_err(|error| failed(&program, error))?;
    let _ = std::fs::remove_dir_all(&work);
    Ok(program)
}

/// A program in the folders of `PATH`.
fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|path| path.is_file())
}

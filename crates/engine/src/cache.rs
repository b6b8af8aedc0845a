//! The folder of compiled modules.
//!
//! A file's name is the hash of the module's bytes, the version and the settings.
//! Files are written under another name and renamed, so that a reader sees a whole
//! file or none. What is not right in the folder is as good as not there, and
//! what cannot be written is not kept: a cache is never a reason to fail, and who asks
//! is told.

use crate::Engine;
use crate::serialize::{self, Artifact};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The name of a module's file.
pub(crate) fn key(engine: &Engine, bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(serialize::fingerprint(engine).as_bytes());
    hasher.update(&[0]);
    hasher.update(bytes);
    hasher.finalize().to_hex().to_string()
}

fn path(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.cwasm"))
}

/// The module kept under this key, if a good one is.
pub(crate) fn read(folder: &Path, key: &str, engine: &Engine) -> Option<Artifact> {
    let bytes = std::fs::read(path(folder, key)).ok()?;
    serialize::read(engine, &bytes).ok()
}

/// Keeps a module under this key.
///
/// # Errors
/// Why it is not kept; nothing is left of it then.
pub(crate) fn write(folder: &Path, key: &str, bytes: &[u8]) -> Result<(), String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let failed = |error: std::io::Error| format!("cache folder {}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!("{key}.{}.{number}.tmp", std::process::id()));
    let written = std::fs::write(&temporary, bytes);
    let result = written.and_then(|()| std::fs::rename(&temporary, path(folder, key)));
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result.map_err(failed)
}

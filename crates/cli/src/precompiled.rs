//! The one place of the command that is not safe: it runs machine code out of a file,
//! because the user has said that the file is to be trusted.

#![allow(unsafe_code)]

use sidetrack_engine::{Engine, Module};
use std::path::Path;

/// The module in the bytes of a compiled one, which the user trusts.
///
/// # Errors
/// As [`Module::deserialize`].
pub fn load(engine: &Engine, bytes: &[u8]) -> sidetrack_engine::Result<Module> {
    // SAFETY: the user vouches for the file: what the command says of compiled modules is
    // that their code is run as it is.
    unsafe { Module::deserialize(engine, bytes) }
}

/// The module in a file, which the user trusts.
///
/// # Errors
/// As [`Module::deserialize_file`].
pub fn load_file(engine: &Engine, path: &Path) -> sidetrack_engine::Result<Module> {
    // SAFETY: as above. That the file is not changed while a program out of it runs is what
    // is asked of any program's file.
    unsafe { Module::deserialize_file(engine, path) }
}

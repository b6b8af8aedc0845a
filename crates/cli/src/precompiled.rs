//! The one place of the command that is not safe: it runs machine code out of a file,
//! because the user has said that the file is to be trusted.

#![allow(unsafe_code)]

use sidetrack_engine::{Engine, Module};

/// The module in the bytes of a compiled one, which the user trusts.
///
/// # Errors
/// As [`Module::deserialize`].
pub fn load(engine: &Engine, bytes: &[u8]) -> sidetrack_engine::Result<Module> {
    // SAFETY: the user vouches for the file: what the command says of compiled modules is
    // that their code is run as it is.
    unsafe { Module::deserialize(engine, bytes) }
}

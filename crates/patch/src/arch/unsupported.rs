//! Instruction sets whose rules are not written yet.

use std::io;

/// Refuses.
pub(crate) fn synchronize(_code: &[u8]) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

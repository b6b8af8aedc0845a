//! Instruction sets whose rules are not written yet.

use std::io;
use std::ops::Range;

/// Refuses.
pub(crate) fn synchronize(_code: Range<usize>) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Changed code is always made known by [`synchronize`].
pub(crate) const SERIALIZES: bool = false;

/// Does nothing, see [`SERIALIZES`].
pub(crate) fn serialize() {}

/// None: no native code runs here.
pub(crate) fn kept_registers() -> [u64; 0] {
    []
}

//! x86-64 keeps its instruction caches coherent, but a core may have decoded the
//! old bytes already: each core must serialise.

use std::io;

/// Makes every core serialise.
pub(crate) fn synchronize(_code: &[u8]) -> io::Result<()> {
    crate::os::synchronize_cores()
}

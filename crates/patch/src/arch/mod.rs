//! What the instruction set needs before changed code may run.

use std::io;

/// Makes the current bytes of `_code` what every thread of this process executes next.
///
/// x86-64 keeps its instruction caches coherent, but a core may have decoded the
/// old bytes already: each core must serialise. The interpreter of portable
/// bytecode reads plain memory and needs nothing. Other instruction sets are
/// refused here until their cache maintenance is written.
pub(crate) fn synchronize(_code: &[u8]) -> io::Result<()> {
    if cfg!(target_arch = "x86_64") {
        crate::os::synchronize_cores()
    } else {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

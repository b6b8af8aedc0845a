//! A host whose native code the code generator does not make.

use crate::run::{CallHooks, Left};
use sidetrack_artifact::Architecture;
use std::io;

/// Native code that can run here.
pub(crate) const ARCHITECTURE: Option<Architecture> = None;

/// A stack of its own for compiled code.
#[derive(Debug)]
pub(crate) enum Stack {}

impl Stack {
    /// Refuses.
    pub(crate) fn new(_guard: usize, _size: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Refuses: this is where it is found out that native code does not run here.
pub(crate) fn prepare() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "native code does not run on this host"))
}

/// Nothing is installed here.
pub(crate) fn check_prepared() -> io::Result<()> {
    Ok(())
}

/// Leaves at once, since there is no native code that could run.
///
/// # Safety
/// None is needed.
pub(crate) unsafe fn enter(
    stub: *const u8,
    _: &[u64; 4],
    _: &CallHooks,
    _: Option<&Stack>,
) -> Result<(), Left> {
    Err(Left::Fault { pc: stub as usize, reason: "native code does not run on this host".to_string() })
}

/// Nobody asks, since no native code could use it.
pub(crate) fn stack_of_thread() -> Option<std::ops::Range<usize>> {
    None
}

/// There are none.
pub(crate) fn activation() -> usize {
    0
}

/// There is no such function here.
pub(crate) fn throw_address() -> Option<u64> {
    None
}

/// There is no such function here.
pub(crate) fn hook_address() -> Option<u64> {
    None
}

/// Nothing runs here, so nothing traps.
pub(crate) fn trapped() -> Option<sidetrack_artifact::TrapCode> {
    None
}

/// Never called, since nothing traps.
pub(crate) fn leave_trapped() -> ! {
    unreachable!("no native code runs on this host")
}

//! A host whose native code the code generator does not make.

use super::{CodeMemory, ExecTrap};
use sidetrack_artifact::Architecture;

/// Native code that can run here.
pub(super) const ARCHITECTURE: Option<Architecture> = None;

/// Never reached, since no image loads.
pub(super) fn invoke(_: &CodeMemory, _: u32, _: &mut [u64]) -> Result<(), ExecTrap> {
    Err(ExecTrap::Os("native code is not supported on this host".to_string()))
}

/// There is no such function here.
pub(super) fn throw_address() -> Option<u64> {
    None
}

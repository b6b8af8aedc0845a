//! Running native code in this process.
//!
//! Twins: `x86_64_linux` runs it; `unsupported.rs` refuses.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86_64_linux;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use x86_64_linux as host;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod unsupported;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
use unsupported as host;

pub(crate) use host::{
    ARCHITECTURE, Stack, enter, hook_address, leave_trapped, prepare, throw_address, trapped,
};

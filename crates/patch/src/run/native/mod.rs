//! Running native code in this process.
//!
//! Twins: `x86_64_linux.rs` runs it, with `signals.rs` for what faults;
//! `unsupported.rs` refuses.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod signals;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod stack;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86_64_linux;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use stack::Stack;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use x86_64_linux::{ARCHITECTURE, enter, prepare, throw_address};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod unsupported;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(crate) use unsupported::{ARCHITECTURE, Stack, enter, prepare, throw_address};

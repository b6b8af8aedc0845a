//! Targets on the engines that run their code.
//!
//! What each must do is in `ops` (every scalar operation, and random sets of
//! functions, compared with the reference interpreter); a module per target says
//! which engine runs it and adds what is its own.

mod calls;
mod harness;
mod ops;
mod pulley;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86_64;

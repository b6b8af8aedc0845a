//! What depends on the instruction set, one file for each: the assembly of
//! `sidetrack_enter`, `sidetrack_leave`, `sidetrack_throw` and `sidetrack_hook`, and the
//! registers in the context of a signal.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
#[cfg_attr(target_arch = "s390x", path = "s390x.rs")]
mod here;

pub(super) use here::{ARCHITECTURE, call, is_fetch, jump, registers};

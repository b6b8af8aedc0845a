//! What the instruction set needs before changed code may run.
//!
//! Twins, one for each instruction set that code can be patched on:
//! `synchronize(code)` makes the bytes of `code`, which were just written,
//! what every thread of this process executes next; `serialize()` what the thread that
//! calls it does, where `SERIALIZES` says so; `kept_registers()` gives the integer registers
//! that callees keep. An instruction set that is not
//! here has `unsupported.rs`, which refuses; the interpreter of portable bytecode
//! reads plain memory and does not ask.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
#[cfg_attr(target_arch = "s390x", path = "s390x.rs")]
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "s390x"
    )),
    path = "unsupported.rs"
)]
mod here;

pub(crate) use here::{SERIALIZES, kept_registers, serialize, synchronize};

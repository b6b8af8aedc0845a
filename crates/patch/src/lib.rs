//! Executable memory and the switching of patchable calls at run time.
//!
//! Problem: compiled code must change while it is in use, and a program whose
//! code is half written has nowhere to go. Approach: [`CodeMemory`] holds a loaded
//! image and is never writable and executable at once; a [`PatchSession`] switches
//! a batch of sites of code that does not run meanwhile; a [`SharedSession`] one of code
//! that may; a [`LivePatcher`] switches one site by one store; [`CodeMemory::ambush`] switches
//! on whatever site comes next. [`run`] enters and leaves code; [`exec`] is that
//! for tests and tools.
//!
//! This crate holds the unsafe code of the workspace's back half. What the
//! operating system must give is in `os`, what the instruction set must give in `arch`.

#![deny(unsafe_op_in_unsafe_fn)]

mod ambush;
mod arch;
pub mod exec;
mod live;
mod memory;
mod os;
pub mod run;
mod session;
mod shared;

pub use live::LivePatcher;
pub use memory::{CodeMemory, MemoryError};
pub use session::{PatchError, PatchSession};
pub use shared::SharedSession;

#[cfg(doctest)]
#[doc = include_str!("must_not_compile.md")]
mod must_not_compile {}

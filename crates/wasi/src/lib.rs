//! WASI preview 1: the functions of `wasi_snapshot_preview1` for guests of the engine.
//!
//! [`WasiCtxBuilder`] collects what a guest is given, [`WasiCtx`] has the 46
//! functions as methods on plain numbers and the guest's memory as a slice, and
//! the linker's side only binds them. Errors are values (`Errno`) that the guest
//! gets as numbers; a bad address is one of them (`FAULT`). Ending the guest is the one
//! thing that is an error of the call: [`Exit`].
//!
//! Sandbox: files are reached only through directories that were given, and all
//! lookups below them are cap-std's, which holds on to the directory: `..`, absolute
//! paths and symbolic links do not lead out of it.
//!
//! A guest is a stranger: whatever its arguments, what it makes the host hold has a limit,
//! and whatever it waits for can be ended from outside.
//!
//! Files by topic: `ctx` (what a guest has), `fd_table` and `rights` (descriptors),
//! `stream` and `directory` (what is behind one), `lookup` (what a path leads to), `files`,
//! `status`, `open`, `paths`, `poll`, `clock`, `random`, `args`, `process`, `socket` (the
//! functions), `memory`, `transfer`, `types` and `errno` (how they are passed), `interrupt`
//! (ending what waits), `linker` (what a module imports).
#![forbid(unsafe_code)]

mod args;
mod clock;
mod ctx;
mod directory;
mod errno;
mod fd_table;
mod files;
mod interrupt;
mod linker;
mod lookup;
mod memory;
mod open;
mod paths;
mod poll;
mod process;
mod random;
mod rights;
mod socket;
mod status;
mod stream;
mod transfer;
mod types;

pub use clock::{Clock, Clocks, HostClocks};
pub use ctx::{BuildError, DirAccess, WasiCtx, WasiCtxBuilder};
pub use errno::Errno;
pub use linker::add_to_linker;
pub use process::Exit;
pub use random::RandomSource;
pub use stream::{MemoryInputPipe, MemoryOutputPipe, Stdio};

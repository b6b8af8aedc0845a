//! Debugging: stops between sites, computed on a shadow of a frame.
//!
//! Problem: compiled code can be stopped only at its sites, but every operator is to
//! be a stop. Approach: a [`Body`] is a function decoded once into operators with
//! their operands at hand; a [`Shadow`] has the state that a frame had at a site and
//! interprets from there, one operator at a time, up to the wanted one. What it
//! writes goes into an [`Overlay`], through which memories and globals are then
//! read. The shadow is thrown away in the end, and the native code does the same
//! again, for real.
//!
//! Invariants: nothing here changes what the program sees, or runs native code; a
//! value that is not known is never guessed, what depends on it ends the run.

mod access;
mod armed;
mod body;
mod context;
mod control;
mod decode;
mod describe;
mod edit;
mod environment;
mod event;
mod instance_env;
mod interrupt;
mod op;
mod ops;
mod overlay;
mod runs;
mod shadow;
mod state;
mod stop;
mod touched;
mod types;

pub use access::Access;
pub use body::{Body, OpSet};
pub use context::{DebugContext, DebugFrame};
pub(crate) use control::Debugger;
pub use decode::DecodeError;
pub use describe::describe;
pub use edit::BreakpointEdit;
pub use environment::Environment;
pub use event::{DebugEvent, Resume};
pub(crate) use interrupt::Interrupts;
pub use interrupt::{InterruptHandle, InterruptSignal};
pub use overlay::Overlay;
pub(crate) use runs::ModuleDebug;
pub use shadow::{Shadow, Stop};
pub use state::{Callee, End, Step};
pub(crate) use stop::{Stopped, arm_entry, at_host_throw, at_site, at_trap};

/// The bits of a value, zero-extended; those of a reference are its address or
/// handle, zero for null. `None` is not available.
pub type Value = Option<u128>;

//! Running compiled code, for tests and tools.
//!
//! The caller compiles a *trampoline* along with the functions: a function with
//! the signature `(i64) system_v` that takes the address of an array of 8-byte
//! slots, reads arguments from it, and writes results to it. [`Native`] and
//! [`Pulley`] call it by name. However the code ends, it is a value: it returns,
//! or an [`ExecTrap`] says why not. An image is trusted to be what the code
//! generator made: code that writes to wild addresses does so here as well, which is why
//! to call it is unsafe.
//! Exceptions are as in [`crate::run`], which this is a client of.

mod native;
mod pulley;

pub use native::{HostSymbols, Native};
pub use pulley::Pulley;

use crate::run::{Exit, Left, builtins};
use crate::{MemoryError, PatchError};
use sidetrack_artifact::{
    Architecture, CompiledFunction, Image, ImageBuilder, LinkError, SymbolName, TrapCode,
};
use std::fmt;

/// Why compiled code did not return.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecTrap {
    /// An instruction trapped, or the stack ran out.
    #[error("{code} at {place}")]
    Trap {
        /// Why.
        code: TrapCode,
        /// Where.
        place: Place,
    },
    /// An instruction faulted that the image does not list as one that can.
    #[error("unexpected fault ({reason}) at {place}")]
    Fault {
        /// What the system or interpreter says.
        reason: String,
        /// Where.
        place: Place,
    },
    /// An exception that nobody handles.
    #[error("uncaught exception {tag} ({payloads:?})")]
    Uncaught {
        /// Its tag.
        tag: u64,
        /// Its payloads.
        payloads: [u64; 2],
    },
    /// The image has no function of this name.
    #[error("no function {0} in the image")]
    NoSuchFunction(SymbolName),
    /// The code called something that this host does not have.
    #[error("call of unknown host function {0}")]
    UnknownImport(SymbolName),
    /// The operating system refuses a stack or a signal handler.
    #[error("cannot run code: {0}")]
    Os(String),
}

impl ExecTrap {
    fn new(left: Left, place: impl Fn(usize) -> Place) -> Self {
        match left {
            Left::Exit(Exit::Trap { code: Some(code), pc, .. }) => ExecTrap::Trap { code, place: place(pc) },
            Left::Exit(Exit::Trap { code: None, pc, .. }) => {
                ExecTrap::Fault { reason: "no reason is known".to_string(), place: place(pc) }
            }
            Left::Exit(Exit::Uncaught { tag, payloads, .. }) => ExecTrap::Uncaught { tag, payloads },
            Left::Fault { pc, reason } => ExecTrap::Fault { reason, place: place(pc) },
            Left::Unknown { import, .. } => ExecTrap::UnknownImport(import),
        }
    }
}

/// A place in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Offset in the image.
    pub offset: u32,
    /// The function there.
    pub function: Option<SymbolName>,
}

impl Place {
    fn new(image: &Image, offset: u32) -> Self {
        Place { offset, function: image.symbol_at(offset).map(|s| s.name()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            Some(function) => write!(f, "{function} (image offset {:#x})", self.offset),
            None => write!(f, "image offset {:#x}", self.offset),
        }
    }
}

/// Why an image cannot be loaded to run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The image is for something else.
    #[error("the image is for {image:?}, which cannot run here")]
    Architecture {
        /// What it is for.
        image: Architecture,
    },
    /// Its memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// Links functions, with every undefined name that the host offers as an import.
///
/// # Errors
/// As [`ImageBuilder::finish`].
pub fn link(architecture: Architecture, functions: Vec<CompiledFunction>) -> Result<Image, LinkError> {
    let mut builder = ImageBuilder::new(architecture);
    for function in functions {
        builder.add(function);
    }
    for name in builder.undefined() {
        if builtins::is_builtin(&name) {
            builder.import(name);
        }
    }
    builder.finish()
}

/// Switches the sites of `function` that carry `tag` and says how many there were.
fn switch(
    memory: &mut crate::CodeMemory,
    function: &SymbolName,
    tag: u64,
    on: bool,
) -> Result<usize, PatchError> {
    let image = memory.image().clone();
    let mut session = memory.session();
    let mut count = 0;
    for index in image.sites_tagged(function, tag) {
        session.set(index, on)?;
        count += 1;
    }
    session.commit();
    Ok(count)
}

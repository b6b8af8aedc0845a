//! One compiled function.

use crate::{PatchSite, Reloc, SymbolName, TrapSite, UnwindInfo};
use serde::{Deserialize, Serialize};

/// Where an exception handler finds the context value that its tag matches in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandlerContext {
    /// At this byte offset from the stack pointer.
    SpOffset(u32),
}

/// One clause of a `try_call`'s exception table, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExceptionHandler {
    /// Handles exceptions with this tag.
    Tag {
        /// The tag.
        tag: u32,
        /// Code offset of the handler.
        handler: u32,
    },
    /// Handles every exception.
    Default {
        /// Code offset of the handler.
        handler: u32,
    },
    /// Changes the context of the clauses after it.
    Context(HandlerContext),
}

/// A call instruction of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSite {
    /// Code offset just after the call.
    pub return_offset: u32,
    /// Bytes from the frame pointer down to the stack pointer during the call.
    pub frame_offset: u32,
    /// The handlers of a `try_call`, in order; empty for an ordinary call.
    pub handlers: Vec<ExceptionHandler>,
}

/// Code from one place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRange {
    /// First code offset.
    pub start: u32,
    /// Code offset after the last byte.
    pub end: u32,
    /// The front end's location.
    pub location: u32,
}

/// The code of one function and all that is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledFunction {
    /// The function's own name.
    pub name: SymbolName,
    /// Machine code followed by its constants.
    pub code: Vec<u8>,
    /// Required alignment of the first byte, a power of two.
    pub alignment: u32,
    /// References to other symbols, sorted by offset.
    pub relocs: Vec<Reloc>,
    /// Instructions that can trap, sorted by offset.
    pub traps: Vec<TrapSite>,
    /// All calls, sorted by return offset.
    pub call_sites: Vec<CallSite>,
    /// Patchable calls, sorted by end offset.
    pub patch_sites: Vec<PatchSite>,
    /// What can be read at calls and sites, see [`crate::decode_states`].
    pub states: Vec<u8>,
    /// What can be read where instructions have trapped, see [`crate::decode_states`].
    pub trap_states: Vec<u8>,
    /// How to unwind through the function.
    pub unwind: UnwindInfo,
    /// Source locations, sorted and disjoint.
    pub sources: Vec<SourceRange>,
    /// Bytes of stack the function uses below its return address.
    pub frame_size: u32,
}

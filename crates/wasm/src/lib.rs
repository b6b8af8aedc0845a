//! WebAssembly to IR: validates modules and translates their functions.
//!
//! Problem: the code generator wants functions in SSA form over addresses; a module
//! has a stack machine over memories, tables and globals. Approach: wasmparser
//! decodes and validates; [`parse`] reads everything but the bodies into a
//! [`ModuleInfo`], and [`Translation::translate`] turns one body at a time into a
//! [`Function`], each on its own, so that they can be translated in parallel. What
//! an instance looks like in memory is the contract in `sidetrack_artifact::vmctx`.
//!
//! Invariants: only validated operators are translated; what comes out passes the
//! IR's verifier; every instruction carries the wasm pc of its operator (the byte
//! offset in the module) as source location.

#![forbid(unsafe_code)]

mod error;
mod features;
mod func;
mod module;
mod signatures;
mod stubs;

pub use error::WasmError;
pub use features::Features;
pub use module::{Translation, parse, parse_features};
pub use signatures::{entry_signature, ir_type, wasm_signature};
pub use stubs::{Stubs, entry_stub, exit_stub, needed_stubs, raise_stub};

use sidetrack_artifact::ModuleInfo;
use sidetrack_ir::Function;

/// What translation may assume of the machine that runs the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// An access outside of a 32-bit memory, or through a null reference, faults and
    /// is reported as the trap of the instruction that did it, so that neither needs
    /// a check.
    pub guard_pages: bool,
    /// The most bytes of which a store that faults has written none. A longer one is found
    /// out before it is begun if it goes past the end of the memory.
    pub whole_stores: u8,
    /// What debuggers need.
    pub instrument: Instrument,
}

/// What is in the code for debuggers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instrument {
    /// Nothing.
    #[default]
    Off,
    /// Sites, and the state at sites and calls.
    On {
        /// Sites also at block heads that are no joins.
        blocks: bool,
        /// Sites are fences, so that what a debugger writes is seen everywhere.
        writable: bool,
    },
}

impl Instrument {
    /// Whether there are sites.
    pub fn is_on(self) -> bool {
        self != Instrument::Off
    }

    fn is_writable(self) -> bool {
        matches!(self, Instrument::On { writable: true, .. })
    }

    fn has_blocks(self) -> bool {
        matches!(self, Instrument::On { blocks: true, .. })
    }
}

impl Translation<'_> {
    /// Validates the body of a function defined in the module.
    ///
    /// # Errors
    /// If the body is not valid.
    ///
    /// # Panics
    /// If `index` is not the index of a function that the module defines.
    pub fn validate(&self, index: u32) -> Result<(), WasmError> {
        let body = &self.bodies[(index - self.info.imported_functions) as usize];
        Ok(body.validator(index, self.features).validate(&body.code)?)
    }

    /// Validates the body of a function defined in the module and translates it.
    ///
    /// # Errors
    /// If the body is not valid.
    ///
    /// # Panics
    /// If `index` is not the index of a function that the module defines.
    pub fn translate(&self, index: u32, options: &Options) -> Result<Function, WasmError> {
        sidetrack_ir::work::measure("translate", || func::translate(self, index, options))
    }

    /// What the module declares, for keeping.
    pub fn into_info(self) -> ModuleInfo {
        self.info
    }
}

//! How to walk from a frame to its caller's, independent of any file format.

use serde::{Deserialize, Serialize};

/// One step of a prologue, in order of execution.
///
/// Registers are DWARF register numbers of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UnwindOp {
    /// The caller's frame pointer was pushed; `size` is the distance from the
    /// canonical frame address to the stack pointer, in bytes.
    PushFrame {
        /// Bytes from the CFA down to the stack pointer.
        size: u32,
    },
    /// The frame pointer now holds the stack pointer.
    DefineFrame,
    /// `reg` was saved at `cfa_offset` bytes below the CFA.
    SaveReg {
        /// DWARF number of the saved register.
        reg: u16,
        /// Bytes below the CFA.
        cfa_offset: u32,
    },
}

/// Unwind steps of one function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnwindInfo {
    /// Each step with the code offset just after the instruction that did it.
    pub ops: Vec<(u32, UnwindOp)>,
}

//! Compiled code that is run: in this process, in the interpreter, or in an emulator.
//! The one file of the crate that is not safe.

#![allow(unsafe_code)]

use crate::emulated::Emulated;
use sidetrack_artifact::SymbolName;
use sidetrack_patch::exec::{ExecTrap, Native, Pulley};

/// Code that is ready to run.
pub enum Loaded {
    /// On this processor.
    Native(Native),
    /// In the interpreter.
    Pulley(Pulley),
    /// In an emulator.
    Emulated(Emulated),
}

impl Loaded {
    /// Calls an entry with its slots. It is one that [`crate::program`] has made for a
    /// function, and the slots are as many as it uses.
    ///
    /// # Errors
    /// Whatever keeps the code from returning.
    pub fn invoke(&mut self, entry: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        match self {
            // SAFETY: the image is made of functions of a test file, compiled just now, and the
            // entry is right for the slots. What a function reads, writes and calls is what its
            // file says: to run a test file is to trust it, as one trusts a program.
            Loaded::Native(native) => unsafe { native.invoke(entry, slots) },
            // SAFETY: as above.
            Loaded::Pulley(pulley) => unsafe { pulley.invoke(entry, slots) },
            Loaded::Emulated(emulated) => emulated.invoke(entry, slots),
        }
    }
}

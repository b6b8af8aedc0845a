//! Running bytecode in the interpreter.

use super::{ExecTrap, LoadError, Place};
use crate::run::registry::Borrowed;
use crate::run::{CallHooks, Interpreter, pulley};
use crate::{CodeMemory, MemoryError, PatchError};
use sidetrack_artifact::{Architecture, Image, SymbolName};
use std::sync::Arc;

/// An image of bytecode, ready to run.
#[derive(Debug)]
pub struct Pulley {
    memory: CodeMemory,
    interpreter: Interpreter,
}

/// Bytes of stack that bytecode has.
const STACK_SIZE: usize = 1 << 20;

impl Pulley {
    /// Loads an image of bytecode.
    ///
    /// # Errors
    /// An image of something else; no memory.
    pub fn load(image: Image) -> Result<Self, LoadError> {
        if image.architecture != Architecture::Pulley64 {
            return Err(LoadError::Architecture { image: image.architecture });
        }
        // No address: a call of something that is not built in ends the run.
        let memory = CodeMemory::new(Arc::new(image), &mut |_| Some(0))?;
        let interpreter = Interpreter::new(STACK_SIZE).map_err(MemoryError::Os)?;
        Ok(Pulley { memory, interpreter })
    }

    /// The code, to look at and to patch.
    pub fn memory(&mut self) -> &mut CodeMemory {
        &mut self.memory
    }

    /// Switches the sites of `function` that carry `tag`; returns how many there are.
    ///
    /// # Errors
    /// As [`crate::PatchSession::set`].
    pub fn patch(&mut self, function: &SymbolName, tag: u64, on: bool) -> Result<usize, PatchError> {
        super::switch(&mut self.memory, function, tag, on)
    }

    /// Calls the trampoline `name` with the address of `slots`.
    ///
    /// # Errors
    /// Whatever keeps the code from returning.
    ///
    /// # Safety
    /// The image is the code generator's. `name` is a function of it with the signature
    /// `(i64) system_v`, which reads and writes no more of the array than `slots` has. What
    /// it and all that it calls read, write and call is what they may: code that stores to
    /// any other address does so to this process's memory.
    pub unsafe fn invoke(&mut self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        let image = self.memory.image();
        let symbol = image.symbol(name).ok_or_else(|| ExecTrap::NoSuchFunction(name.clone()))?;
        let base = self.memory.base();
        let stub = base.wrapping_add(symbol.offset as usize);
        let args = [slots.as_mut_ptr() as u64, 0, 0, 0];
        let hooks = CallHooks { max_frames: 0 };
        let registered = Borrowed::new(&self.memory);
        // SAFETY: by the caller stub is a function that takes the address of slots and does
        // nothing wrong with it; its image is published and registered for as long as it runs,
        // and &mut self keeps all others off the interpreter.
        let result = unsafe { pulley::enter(self.interpreter.vm(), stub, &args, &hooks) };
        drop(registered);
        let offset = |pc: usize| pc.wrapping_sub(base as usize) as u32;
        result.map_err(|left| ExecTrap::new(left, |pc| Place::new(image, offset(pc))))
    }
}

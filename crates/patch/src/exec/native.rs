//! Running native code in this process, on a stack of its own.
//!
//! The stack is small and has a guard below it that no frame jumps over, so that
//! code without checks of its own can be tested too: whatever faults there has
//! run out of stack, and every other fault of the code is a value as well.

use super::{ExecTrap, LoadError, Place};
use crate::run::native::{self, Stack};
use crate::run::registry::Borrowed;
use crate::run::{CallHooks, Machine, builtins};
use crate::{CodeMemory, PatchError};
use sidetrack_artifact::{Image, SymbolName};
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::sync::Arc;

/// An image of native code, ready to run.
#[derive(Debug)]
pub struct Native {
    memory: CodeMemory,
}

/// Addresses of host functions and data beyond the built-in ones.
#[derive(Clone, Debug, Default)]
pub struct HostSymbols {
    addresses: HashMap<SymbolName, u64>,
}

impl HostSymbols {
    /// Gives `name` an address.
    ///
    /// # Safety
    /// Whatever compiled code does with the name must be right for the address, for as
    /// long as an image that was loaded with these symbols runs: a function must have
    /// the signature and convention that callers assume.
    pub unsafe fn define(&mut self, name: SymbolName, address: u64) {
        self.addresses.insert(name, address);
    }
}

impl Native {
    /// Loads an image of this machine's code.
    ///
    /// # Errors
    /// An image of another architecture; an import that neither `symbols` nor the host has; no memory.
    pub fn load(image: Image, symbols: &HostSymbols) -> Result<Self, LoadError> {
        Self::check(&image)?;
        Ok(Native { memory: CodeMemory::new(Arc::new(image), &mut |name| resolve(name, symbols))? })
    }

    /// As [`Native::load`], for switching sites while threads run the code.
    ///
    /// # Errors
    /// As [`Native::load`].
    pub fn load_live(image: Image, symbols: &HostSymbols) -> Result<Self, LoadError> {
        Self::check(&image)?;
        Ok(Native { memory: CodeMemory::new_live(Arc::new(image), &mut |name| resolve(name, symbols))? })
    }

    fn check(image: &Image) -> Result<(), LoadError> {
        let fits = native::ARCHITECTURE == Some(image.architecture);
        if fits { Ok(()) } else { Err(LoadError::Architecture { image: image.architecture }) }
    }

    /// The code, to look at and to switch live.
    pub fn memory(&self) -> &CodeMemory {
        &self.memory
    }

    /// The code, to patch.
    pub fn memory_mut(&mut self) -> &mut CodeMemory {
        &mut self.memory
    }

    /// Switches the sites of `function` that carry `tag`; returns how many there are.
    ///
    /// # Errors
    /// As [`crate::PatchSession::set`].
    pub fn patch(&mut self, function: &SymbolName, tag: u64, on: bool) -> Result<usize, PatchError> {
        super::switch(&mut self.memory, function, tag, on)
    }

    /// Calls the trampoline `name` with the address of `slots`, on a stack of its own.
    ///
    /// # Errors
    /// Whatever keeps the code from returning.
    ///
    /// # Safety
    /// As [`super::Pulley::invoke`].
    pub unsafe fn invoke(&self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        let image = self.memory.image();
        let symbol = image.symbol(name).ok_or_else(|| ExecTrap::NoSuchFunction(name.clone()))?;
        if !self.memory.is_published() {
            return Err(ExecTrap::Os("the code memory is not published".to_string()));
        }
        // SAFETY: a function of the image, and the caller vouches for it.
        unsafe { invoke(&self.memory, symbol.offset, slots) }
    }
}

fn resolve(name: &SymbolName, symbols: &HostSymbols) -> Option<u64> {
    let defined = symbols.addresses.get(name).copied();
    defined.or_else(|| builtins::builtin_address(native::ARCHITECTURE?, name))
}

/// Calls the trampoline at `entry` with the address of `slots`.
///
/// # Safety
/// As [`Native::invoke`], with the offset of such a function.
unsafe fn invoke(memory: &CodeMemory, entry: u32, slots: &mut [u64]) -> Result<(), ExecTrap> {
    Machine::new(memory.image().architecture, 0).map_err(os)?;
    STACK.with(|cell| {
        if cell.get().is_none() {
            let _ = cell.set(OwnStack {
                stack: Stack::new(GUARD_SIZE, STACK_SIZE).map_err(os)?,
                in_use: Cell::new(false),
            });
        }
        let own = cell.get().ok_or_else(|| ExecTrap::Os("no stack".to_string()))?;
        if own.in_use.replace(true) {
            return Err(ExecTrap::Os("compiled code already runs on this thread".to_string()));
        }
        let registered = Borrowed::new(memory);
        let code = memory.base().wrapping_add(entry as usize);
        let args = [slots.as_mut_ptr() as u64, 0, 0, 0];
        let hooks = CallHooks { max_frames: 0 };
        // SAFETY: by the caller entry is a function that takes the address of slots and does
        // nothing wrong with it; its image is published and registered for as long as it runs,
        // and in_use keeps all others off the stack.
        let result = unsafe { native::enter(code, &args, &hooks, Some(&own.stack)) };
        drop(registered);
        own.in_use.set(false);
        let offset = |pc: usize| (pc - memory.base() as usize) as u32;
        result.map_err(|left| ExecTrap::new(left, |pc| Place::new(memory.image(), offset(pc))))
    })
}

fn os(error: std::io::Error) -> ExecTrap {
    ExecTrap::Os(error.to_string())
}

/// Bytes of stack that compiled code has.
const STACK_SIZE: usize = 1 << 20;
/// Bytes below the stack that fault; a frame larger than that could jump over them.
const GUARD_SIZE: usize = 16 << 20;

thread_local! {
    static STACK: OnceCell<OwnStack> = const { OnceCell::new() };
}

/// This thread's stack for compiled code.
struct OwnStack {
    stack: Stack,
    in_use: Cell<bool>,
}

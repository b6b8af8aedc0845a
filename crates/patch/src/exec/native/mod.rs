//! Running native code in this process.
//!
//! Twins: `x86_64_linux.rs` runs it; `unsupported.rs` refuses to load.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86_64_linux;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use x86_64_linux as host;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod unsupported;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
use unsupported as host;

use super::{ExecTrap, LoadError, builtins};
use crate::{CodeMemory, PatchError};
use sidetrack_artifact::{Image, SymbolName};
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
        let fits = host::ARCHITECTURE == Some(image.architecture);
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
    pub fn invoke(&self, name: &SymbolName, slots: &mut [u64]) -> Result<(), ExecTrap> {
        let image = self.memory.image();
        let symbol = image.symbol(name).ok_or_else(|| ExecTrap::NoSuchFunction(name.clone()))?;
        if !self.memory.is_published() {
            return Err(ExecTrap::Os("the code memory is not published".to_string()));
        }
        host::invoke(&self.memory, symbol.offset, slots)
    }
}

fn resolve(name: &SymbolName, symbols: &HostSymbols) -> Option<u64> {
    if let Some(&address) = symbols.addresses.get(name) {
        return Some(address);
    }
    if builtins::is_throw(name) {
        return host::throw_address();
    }
    builtins::math(name).map(|function| match function {
        builtins::MathFn::F32(f) => f as usize as u64,
        builtins::MathFn::F64(f) => f as usize as u64,
        builtins::MathFn::Fma32(f) => f as usize as u64,
        builtins::MathFn::Fma64(f) => f as usize as u64,
    })
}

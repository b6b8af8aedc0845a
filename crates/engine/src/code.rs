//! A module's code as one store runs it.

use crate::Result;
use crate::module::Module;
use crate::vm::code;
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::Registered;
use std::sync::{Arc, PoisonError};

/// Loaded code that no store uses: as it was loaded, and registered, by the module or by
/// the value here.
pub(crate) type SpareCode = (Arc<CodeMemory>, Option<Registered>);

/// How many a module keeps.
const MAX_SPARE: usize = 16;

/// A module's code in a store.
pub(crate) struct StoreCode {
    module: Module,
    memory: Arc<CodeMemory>,
    /// None if the module has registered it.
    registered: Option<Registered>,
}

impl StoreCode {
    /// Loads the code of a module: if it has sites, code of the store's own, which it may
    /// switch; that may be what another store has left.
    pub fn new(module: &Module) -> Result<Self> {
        let module = module.clone();
        if !module.image().has_sites() {
            let memory = module.memory().clone();
            return Ok(StoreCode { module, memory, registered: None });
        }
        let spare = module.spare().lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (memory, registered) = match spare {
            Some(spare) => spare,
            None => {
                let memory = Arc::new(module.memory().private_copy()?);
                (memory.clone(), Some(code::register(memory)))
            }
        };
        Ok(StoreCode { module, memory, registered })
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The code.
    pub fn memory(&self) -> &Arc<CodeMemory> {
        &self.memory
    }

    /// The address of its first byte.
    pub fn base(&self) -> usize {
        self.memory.base() as usize
    }

    /// Whether an address is in the code.
    pub fn contains(&self, pc: usize) -> bool {
        self.memory.addresses().contains(&pc)
    }

    /// The offset in the image of an address in the code.
    pub fn offset(&self, pc: usize) -> u32 {
        (pc - self.base()) as u32
    }
}

impl Drop for StoreCode {
    /// The store is gone. What it has not switched another one may have.
    fn drop(&mut self) {
        if self.module.image().has_sites() && self.memory.is_pristine() {
            let mut spare = self.module.spare().lock().unwrap_or_else(PoisonError::into_inner);
            if spare.len() < MAX_SPARE {
                spare.push((self.memory.clone(), self.registered.take()));
            }
        }
    }
}

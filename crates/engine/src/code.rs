//! A module's code as one store runs it.

use crate::Result;
use crate::module::Module;
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::Registered;
use std::sync::Arc;

/// A module's code in a store.
pub(crate) struct StoreCode {
    module: Module,
    memory: Arc<CodeMemory>,
    /// None if it is the code of all stores, which the module has registered.
    _registered: Option<Registered>,
}

impl StoreCode {
    /// Loads the code of a module: a copy of its own if it has sites, which this store
    /// may switch.
    pub fn new(module: &Module) -> Result<Self> {
        if module.image().patch_sites.is_empty() {
            return Ok(StoreCode {
                module: module.clone(),
                memory: module.memory().clone(),
                _registered: None,
            });
        }
        let memory = Arc::new(module.memory().private_copy()?);
        let registered = Registered::new(memory.clone());
        Ok(StoreCode { module: module.clone(), memory, _registered: Some(registered) })
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

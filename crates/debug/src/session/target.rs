//! The stopped program.

use anyhow::{Context as _, bail};
use sidetrack_engine::debug::Value;
use sidetrack_engine::{DebugContext, DebugFrame, HeapType, Instance, Module, Result, Val, ValType};

/// Values with their types.
pub type Values = Vec<(ValType, Value)>;

/// What a session asks of a program that is stopped: a [`DebugContext`], whatever data
/// its store has. Memories and globals are those of an instance, by index.
pub trait Target {
    /// The module of the innermost function.
    fn module(&self) -> &Module;
    /// The instance of the innermost function.
    fn instance(&self) -> Instance;
    /// The index of the innermost function.
    fn func(&self) -> u32;
    /// The wasm pc of the operator that is up.
    fn pc(&self) -> u32;
    /// The frame pointer of the innermost function.
    fn fp(&self) -> usize;
    /// The innermost function's locals.
    fn locals(&self) -> Values;
    /// The innermost function's operands, bottom first.
    fn operands(&self) -> Values;
    /// The functions on the stack, innermost first.
    ///
    /// # Errors
    /// As [`DebugContext::frames`].
    fn frames(&mut self) -> Result<Vec<DebugFrame>>;
    /// All instances, oldest first.
    fn instances(&mut self) -> Vec<Instance>;
    /// The module of an instance.
    fn module_of(&self, instance: Instance) -> Module;
    /// The size of a memory in bytes, if there is one.
    fn memory_size(&mut self, instance: Instance, memory: u32) -> Option<u64>;
    /// Reads bytes of a memory.
    ///
    /// # Errors
    /// If there is no such memory, or some bytes are outside.
    fn read_memory(&mut self, instance: Instance, memory: u32, address: u64, bytes: &mut [u8]) -> Result<()>;
    /// Writes bytes of a memory.
    ///
    /// # Errors
    /// If there is no such memory, and as [`DebugContext::write_memory`].
    fn write_memory(&mut self, instance: Instance, memory: u32, address: u64, bytes: &[u8]) -> Result<()>;
    /// The type and the bits of a global, if there is one.
    fn global(&mut self, instance: Instance, global: u32) -> Option<(ValType, u128)>;
    /// Sets a global.
    ///
    /// # Errors
    /// If there is no such global, and as [`DebugContext::write_global`].
    fn write_global(&mut self, instance: Instance, global: u32, value: Val) -> Result<()>;
    /// As [`DebugContext::reference_number`].
    fn reference_number(&mut self, heap: HeapType, reference: u64) -> Option<u64>;
    /// As [`DebugContext::sites`].
    ///
    /// # Errors
    /// As there.
    fn sites(&mut self, module: &Module, func: u32) -> Result<Vec<(u32, u32, bool)>>;
    /// As [`DebugContext::add_breakpoint`].
    ///
    /// # Errors
    /// As there.
    fn add_breakpoint(&mut self, module: &Module, pc: u32) -> Result<u32>;
    /// As [`DebugContext::remove_breakpoint`].
    ///
    /// # Errors
    /// As there.
    fn remove_breakpoint(&mut self, module: &Module, pc: u32) -> Result<()>;
    /// As [`DebugContext::catch_exceptions`].
    ///
    /// # Errors
    /// As there.
    fn catch_exceptions(&mut self, catches: bool) -> Result<()>;
}

fn memory<T: 'static>(
    stop: &mut DebugContext<'_, T>,
    instance: Instance,
    index: u32,
) -> Result<sidetrack_engine::Memory> {
    stop.memory(instance, index).with_context(|| format!("there is no memory {index}"))
}

impl<T: 'static> Target for DebugContext<'_, T> {
    fn module(&self) -> &Module {
        DebugContext::module(self)
    }

    fn instance(&self) -> Instance {
        DebugContext::instance(self)
    }

    fn func(&self) -> u32 {
        DebugContext::func(self)
    }

    fn pc(&self) -> u32 {
        DebugContext::pc(self)
    }

    fn fp(&self) -> usize {
        DebugContext::fp(self)
    }

    fn locals(&self) -> Values {
        let mut values = Vec::new();
        self.for_each_local(|ty, value| values.push((ty, value)));
        values
    }

    fn operands(&self) -> Values {
        let mut values = Vec::new();
        self.for_each_operand(|ty, value| values.push((ty, value)));
        values
    }

    fn frames(&mut self) -> Result<Vec<DebugFrame>> {
        DebugContext::frames(self)
    }

    fn instances(&mut self) -> Vec<Instance> {
        DebugContext::instances(self)
    }

    fn module_of(&self, instance: Instance) -> Module {
        instance.module(self).clone()
    }

    fn memory_size(&mut self, instance: Instance, index: u32) -> Option<u64> {
        Some(self.memory(instance, index)?.data_size(&*self) as u64)
    }

    fn read_memory(&mut self, instance: Instance, index: u32, address: u64, bytes: &mut [u8]) -> Result<()> {
        let memory = memory(self, instance, index)?;
        if DebugContext::read_memory(self, memory, address, bytes) {
            return Ok(());
        }
        let (end, size) = (address as u128 + bytes.len() as u128, memory.data_size(&*self));
        bail!("{address:#x}..{end:#x} is outside of memory {index}, which has {size:#x} bytes")
    }

    fn write_memory(&mut self, instance: Instance, index: u32, address: u64, bytes: &[u8]) -> Result<()> {
        let memory = memory(self, instance, index)?;
        let (end, size) = (address as u128 + bytes.len() as u128, memory.data_size(&*self));
        if end > size as u128 {
            bail!("{address:#x}..{end:#x} is outside of memory {index}, which has {size:#x} bytes");
        }
        DebugContext::write_memory(self, memory, address, bytes)
    }

    fn global(&mut self, instance: Instance, index: u32) -> Option<(ValType, u128)> {
        let global = DebugContext::global(self, instance, index)?;
        Some((global.ty(&*self).content, self.read_global(global)))
    }

    fn write_global(&mut self, instance: Instance, index: u32, value: Val) -> Result<()> {
        let global = DebugContext::global(self, instance, index);
        let global = global.with_context(|| format!("there is no global {index}"))?;
        DebugContext::write_global(self, global, value)
    }

    fn reference_number(&mut self, heap: HeapType, reference: u64) -> Option<u64> {
        DebugContext::reference_number(self, heap, reference)
    }

    fn sites(&mut self, module: &Module, func: u32) -> Result<Vec<(u32, u32, bool)>> {
        DebugContext::sites(self, module, func)
    }

    fn add_breakpoint(&mut self, module: &Module, pc: u32) -> Result<u32> {
        DebugContext::add_breakpoint(self, module, pc)
    }

    fn remove_breakpoint(&mut self, module: &Module, pc: u32) -> Result<()> {
        DebugContext::remove_breakpoint(self, module, pc)
    }

    fn catch_exceptions(&mut self, catches: bool) -> Result<()> {
        DebugContext::catch_exceptions(self, catches)
    }
}

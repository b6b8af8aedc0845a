//! Linear memories, as embedders see them.

use crate::store::StoreOpaque;
use crate::types::{Limits, MemoryType};
use crate::vm::memory::PAGE;
use crate::vm::{VmMemory, VmPtr};
use crate::{AsContext, AsContextMut, Result, StoreContext, StoreContextMut};
use anyhow::{anyhow, bail};

/// A linear memory in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(VmPtr<VmMemory>);

/// An access outside a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("out of bounds memory access")]
pub struct MemoryAccessError;

impl Memory {
    /// A new zeroed memory.
    ///
    /// # Errors
    /// If its size is not valid, the store's limiter refuses it, or there is no room.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Self> {
        let most = if ty.memory64 { 1 << 48 } else { 1 << 16 };
        if ty.limits.min > most || ty.limits.max.is_some_and(|max| max > most || max < ty.limits.min) {
            bail!("a memory cannot have these limits");
        }
        store.as_context_mut().opaque().push_memory(ty).map(Memory)
    }

    pub(crate) fn from_vm(memory: VmPtr<VmMemory>) -> Self {
        Memory(memory)
    }

    pub(crate) fn vm(self) -> VmPtr<VmMemory> {
        self.0
    }

    /// Its type, with the present size as minimum.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        self.present_type(store.as_context().opaque())
    }

    pub(crate) fn present_type(self, store: &StoreOpaque) -> MemoryType {
        let memory = self.0.get(store);
        let ty = memory.ty();
        MemoryType { limits: Limits { min: memory.pages(), max: ty.limits.max }, ..ty }
    }

    /// The contents.
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        self.0.get(store.into().opaque()).data()
    }

    /// The contents, to change.
    pub fn data_mut<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        self.0.get_mut(store.into().into_parts().0).data_mut()
    }

    /// The contents, to change, with the store's data.
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let (opaque, data) = store.into().into_parts();
        (self.0.get_mut(opaque).data_mut(), data)
    }

    /// The present size in bytes.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        self.0.get(store.as_context().opaque()).data().len()
    }

    /// The present size in pages of 64 KiB.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.data_size(store) as u64 / PAGE
    }

    /// Grows by `delta` pages and returns the previous size in pages.
    ///
    /// # Errors
    /// If its type, the store's limiter or the system refuses.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let grown = store.as_context_mut().opaque().grow_memory(self.0, delta)?;
        grown.ok_or_else(|| anyhow!("the memory cannot grow by {delta} pages"))
    }

    /// Reads the bytes from `offset` on.
    ///
    /// # Errors
    /// If some are outside; then `buffer` is unchanged.
    pub fn read(
        &self,
        store: impl AsContext,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), MemoryAccessError> {
        let store = store.as_context();
        let data = self.0.get(store.opaque()).data();
        let source = data.get(offset..).and_then(|rest| rest.get(..buffer.len())).ok_or(MemoryAccessError)?;
        buffer.copy_from_slice(source);
        Ok(())
    }

    /// Writes bytes from `offset` on.
    ///
    /// # Errors
    /// If some would be outside; then nothing is written.
    pub fn write(
        &self,
        mut store: impl AsContextMut,
        offset: usize,
        buffer: &[u8],
    ) -> Result<(), MemoryAccessError> {
        let mut store = store.as_context_mut();
        let data = self.0.get_mut(store.opaque()).data_mut();
        let target = data.get_mut(offset..).and_then(|rest| rest.get_mut(..buffer.len()));
        target.ok_or(MemoryAccessError)?.copy_from_slice(buffer);
        Ok(())
    }
}

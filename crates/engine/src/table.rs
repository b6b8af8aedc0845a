//! Tables, as embedders see them.

use crate::store::StoreOpaque;
use crate::types::{Limits, TableType, ValType};
use crate::vm::{Slot, VmPtr, VmTable};
use crate::{AsContext, AsContextMut, Result, Val};
use anyhow::{anyhow, ensure};

/// A table of references in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(VmPtr<VmTable>);

impl Table {
    /// A new table filled with `init`.
    ///
    /// # Errors
    /// If `init` is not of the element type, the store's limiter refuses, or it is too large.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Val) -> Result<Self> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let raw = raw(store, ty, init)?;
        store.push_table(ty, raw).map(Table)
    }

    pub(crate) fn from_vm(table: VmPtr<VmTable>) -> Self {
        Table(table)
    }

    pub(crate) fn vm(self) -> VmPtr<VmTable> {
        self.0
    }

    /// Its type, with the present size as minimum.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        self.present_type(store.as_context().opaque())
    }

    pub(crate) fn present_type(self, store: &StoreOpaque) -> TableType {
        let table = self.0.get(store);
        let ty = table.ty();
        TableType { limits: Limits { min: table.elements().len() as u64, max: ty.limits.max }, ..ty }
    }

    /// The present number of elements.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.0.get(store.as_context().opaque()).elements().len() as u64
    }

    /// The element at `index`, if there is one.
    pub fn get(&self, mut store: impl AsContextMut, index: u64) -> Option<Val> {
        let mut store = store.as_context_mut();
        let store = &*store.opaque();
        let table = self.0.get(store);
        let mut slot = Slot::default();
        slot.set_u64(*table.elements().get(usize::try_from(index).ok()?)?);
        Some(Val::from_slot(store, ValType::Ref(table.ty().element), &slot))
    }

    /// Sets the element at `index`.
    ///
    /// # Errors
    /// If there is none, or the value is not of the element type.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, value: Val) -> Result<()> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let raw = raw(store, self.0.get(store).ty(), value)?;
        let elements = self.0.get_mut(store).elements_mut();
        let element = usize::try_from(index).ok().and_then(|index| elements.get_mut(index));
        *element.ok_or_else(|| anyhow!("table element index {index} out of bounds"))? = raw;
        Ok(())
    }

    /// Grows by `delta` elements filled with `init`, and returns the previous length.
    ///
    /// # Errors
    /// If its type or the store's limiter refuses, or `init` is not of the element type.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Val) -> Result<u64> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let raw = raw(store, self.0.get(store).ty(), init)?;
        store
            .grow_table(self.0, delta, raw)?
            .ok_or_else(|| anyhow!("the table cannot grow by {delta} elements"))
    }
}

fn raw(store: &mut StoreOpaque, ty: TableType, value: Val) -> Result<u64> {
    ensure!(value.fits(ValType::Ref(ty.element)), "the value is no {}", ty.element);
    Ok(value.to_slot(store)?.u64())
}

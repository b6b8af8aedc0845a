//! Globals and tags, as embedders see them.

use crate::types::{FuncType, GlobalType};
use crate::vm::{Slot, VmPtr, VmTag};
use crate::{AsContext, AsContextMut, Result, Val};
use anyhow::ensure;

/// A global in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    slot: VmPtr<Slot>,
    ty: GlobalType,
}

impl Global {
    /// A new global.
    ///
    /// # Errors
    /// If the value is not of the global's type.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Self> {
        ensure!(value.fits(ty.content), "the value is no {}", ty.content);
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let slot = value.to_slot(store)?;
        Ok(Global { slot: store.push_global(slot), ty })
    }

    pub(crate) fn from_vm(slot: VmPtr<Slot>, ty: GlobalType) -> Self {
        Global { slot, ty }
    }

    pub(crate) fn vm(self) -> VmPtr<Slot> {
        self.slot
    }

    /// Its type.
    pub fn ty(&self, _store: impl AsContext) -> GlobalType {
        self.ty
    }

    pub(crate) fn global_type(self) -> GlobalType {
        self.ty
    }

    /// Its value.
    pub fn get(&self, mut store: impl AsContextMut) -> Val {
        let mut store = store.as_context_mut();
        let store = &*store.opaque();
        Val::from_slot(store, self.ty.content, self.slot.get(store))
    }

    /// Sets its value.
    ///
    /// # Errors
    /// If it is immutable or the value is not of its type.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<()> {
        ensure!(self.ty.mutable, "the global is immutable");
        ensure!(value.fits(self.ty.content), "the value is no {}", self.ty.content);
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let slot = value.to_slot(store)?;
        *self.slot.get_mut(store) = slot;
        Ok(())
    }
}

/// A tag of exceptions in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(VmPtr<VmTag>);

impl Tag {
    /// A new tag whose exceptions carry the parameters of `ty`.
    ///
    /// # Errors
    /// If the type has results.
    pub fn new(mut store: impl AsContextMut, ty: &FuncType) -> Result<Self> {
        ensure!(ty.results.is_empty(), "the type of a tag has no results");
        Ok(Tag(store.as_context_mut().opaque().push_tag(VmTag { ty: ty.clone() })))
    }

    pub(crate) fn from_vm(tag: VmPtr<VmTag>) -> Self {
        Tag(tag)
    }

    pub(crate) fn vm(self) -> VmPtr<VmTag> {
        self.0
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        self.0.get(store.as_context().opaque()).ty.clone()
    }
}

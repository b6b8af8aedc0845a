//! What modules import and instances export.

use crate::func::Func;
use crate::global::{Global, Tag};
use crate::memory::Memory;
use crate::store::StoreOpaque;
use crate::table::Table;
use crate::types::{ExternType, limits_match, matches};
use crate::vm::StoreId;
use crate::{AsContext, Result};
use anyhow::{bail, ensure};

/// One of the things that modules import and instances export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A global.
    Global(Global),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A tag.
    Tag(Tag),
}

impl Extern {
    /// The function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        if let Extern::Func(func) = self { Some(func) } else { None }
    }

    /// The global, if it is one.
    pub fn into_global(self) -> Option<Global> {
        if let Extern::Global(global) = self { Some(global) } else { None }
    }

    /// The table, if it is one.
    pub fn into_table(self) -> Option<Table> {
        if let Extern::Table(table) = self { Some(table) } else { None }
    }

    /// The memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        if let Extern::Memory(memory) = self { Some(memory) } else { None }
    }

    /// The tag, if it is one.
    pub fn into_tag(self) -> Option<Tag> {
        if let Extern::Tag(tag) = self { Some(tag) } else { None }
    }

    /// Its type; of memories and tables with the present size as minimum.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        self.extern_type(store.as_context().opaque())
    }

    fn extern_type(self, store: &StoreOpaque) -> ExternType {
        match self {
            Extern::Func(func) => ExternType::Func(func.func_type(store)),
            Extern::Global(global) => ExternType::Global(global.global_type()),
            Extern::Table(table) => ExternType::Table(table.present_type(store)),
            Extern::Memory(memory) => ExternType::Memory(memory.present_type(store)),
            Extern::Tag(tag) => ExternType::Tag(tag.vm().get(store).ty.clone()),
        }
    }

    /// The store that it is of.
    pub(crate) fn store(self) -> StoreId {
        match self {
            Extern::Func(func) => func.record().store(),
            Extern::Global(global) => global.vm().store(),
            Extern::Table(table) => table.vm().store(),
            Extern::Memory(memory) => memory.vm().store(),
            Extern::Tag(tag) => tag.vm().store(),
        }
    }
}

macro_rules! from {
    ($($ty:ident)*) => {$(
        impl From<$ty> for Extern {
            fn from(value: $ty) -> Extern {
                Extern::$ty(value)
            }
        }
    )*};
}

from! { Func Global Table Memory Tag }

/// Checks that something of this store may be imported where `wanted` is asked for.
pub(crate) fn check(store: &StoreOpaque, import: Extern, wanted: &ExternType) -> Result<()> {
    ensure!(import.store() == store.id(), "it is of another store");
    let actual = import.extern_type(store);
    let fits = match (&actual, wanted) {
        (ExternType::Func(actual), ExternType::Func(wanted)) => actual == wanted,
        (ExternType::Tag(actual), ExternType::Tag(wanted)) => actual == wanted,
        (ExternType::Global(actual), ExternType::Global(wanted)) => {
            actual.mutable == wanted.mutable
                && if wanted.mutable {
                    actual.content == wanted.content
                } else {
                    matches(actual.content, wanted.content)
                }
        }
        (ExternType::Table(actual), ExternType::Table(wanted)) => {
            actual.element == wanted.element
                && actual.table64 == wanted.table64
                && limits_match(actual.limits, wanted.limits)
        }
        (ExternType::Memory(actual), ExternType::Memory(wanted)) => {
            actual.memory64 == wanted.memory64 && limits_match(actual.limits, wanted.limits)
        }
        _ => false,
    };
    if !fits {
        bail!("expected {wanted}, found {actual}");
    }
    Ok(())
}

//! Types of values and of what modules import and export.

use crate::Engine;
use sidetrack_artifact::{EntityType, ModuleInfo};
pub use sidetrack_artifact::{
    FuncType, GlobalType, HeapType, Limits, MemoryType, RefType, TableType, ValType,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// The type of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A global.
    Global(GlobalType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A tag, by what its exceptions carry: the parameters.
    Tag(FuncType),
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = |f: &mut fmt::Formatter<'_>, limits: &Limits| match limits.max {
            Some(max) => write!(f, "{}..{max}", limits.min),
            None => write!(f, "{}..", limits.min),
        };
        match self {
            ExternType::Func(ty) => write!(f, "function {ty}"),
            ExternType::Global(ty) => {
                write!(f, "{}global {}", if ty.mutable { "mutable " } else { "" }, ty.content)
            }
            ExternType::Table(ty) => {
                write!(f, "{}table of {}, ", if ty.table64 { "64-bit " } else { "" }, ty.element)?;
                limits(f, &ty.limits)
            }
            ExternType::Memory(ty) => {
                write!(f, "{}memory of pages, ", if ty.memory64 { "64-bit " } else { "" })?;
                limits(f, &ty.limits)
            }
            ExternType::Tag(ty) => write!(f, "tag {ty}"),
        }
    }
}

impl ExternType {
    /// The type of an entity of a module.
    pub(crate) fn of(info: &ModuleInfo, ty: EntityType) -> Self {
        match ty {
            EntityType::Func(index) => ExternType::Func(info.types[index as usize].clone()),
            EntityType::Table(ty) => ExternType::Table(ty),
            EntityType::Memory(ty) => ExternType::Memory(ty),
            EntityType::Global(ty) => ExternType::Global(ty),
            EntityType::Tag(index) => ExternType::Tag(info.types[index as usize].clone()),
        }
    }
}

/// Whether limits `actual` are good where `wanted` are asked for.
pub(crate) fn limits_match(actual: Limits, wanted: Limits) -> bool {
    actual.min >= wanted.min
        && wanted.max.is_none_or(|wanted| actual.max.is_some_and(|actual| actual <= wanted))
}

/// Whether a value of type `actual` may stand where `wanted` is asked for.
pub(crate) fn matches(actual: ValType, wanted: ValType) -> bool {
    match (actual, wanted) {
        (ValType::Ref(actual), ValType::Ref(wanted)) => ref_matches(actual, wanted),
        _ => actual == wanted,
    }
}

/// Whether a reference of type `actual` may stand where `wanted` is asked for.
pub(crate) fn ref_matches(actual: RefType, wanted: RefType) -> bool {
    let heap = actual.heap == wanted.heap
        || matches!(
            (actual.heap, wanted.heap),
            (HeapType::NoFunc | HeapType::Concrete(_), HeapType::Func)
                | (HeapType::NoFunc, HeapType::Concrete(_))
                | (HeapType::NoExtern, HeapType::Extern)
                | (HeapType::NoExn, HeapType::Exn)
        );
    heap && (wanted.nullable || !actual.nullable)
}

/// The engine-wide ids of function types.
#[derive(Debug, Default)]
pub(crate) struct TypeRegistry(RwLock<Types>);

#[derive(Debug, Default)]
struct Types {
    ids: HashMap<FuncType, u32>,
    types: Vec<FuncType>,
}

impl TypeRegistry {
    /// The id of a type, which is the same for equal types.
    pub fn id(&self, ty: &FuncType) -> u32 {
        if let Some(&id) = self.0.read().unwrap_or_else(PoisonError::into_inner).ids.get(ty) {
            return id;
        }
        let mut types = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let next = types.types.len() as u32;
        let id = *types.ids.entry(ty.clone()).or_insert(next);
        if id == next {
            types.types.push(ty.clone());
        }
        id
    }

    /// The type with this id.
    ///
    /// # Panics
    /// If no type has it.
    pub fn ty(&self, id: u32) -> FuncType {
        self.0.read().unwrap_or_else(PoisonError::into_inner).types[id as usize].clone()
    }
}

impl Engine {
    pub(crate) fn type_id(&self, ty: &FuncType) -> u32 {
        self.types().id(ty)
    }
}

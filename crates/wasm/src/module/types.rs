//! Types, and how wasmparser's are written as ours.

use crate::WasmError;
use sidetrack_artifact::{
    FuncType, GlobalType, HeapType, Limits, MemoryType, ModuleInfo, RefType, TableType, ValType,
};
use wasmparser::{AbstractHeapType, TypeSectionReader, UnpackedIndex};

/// Reads the type section.
pub(super) fn read(info: &mut ModuleInfo, section: TypeSectionReader<'_>) -> Result<(), WasmError> {
    let start = section.range().start;
    for ty in section.into_iter_err_on_gc_types() {
        let ty = ty?;
        let list = |types: &[wasmparser::ValType]| types.iter().map(|&ty| value(ty, start)).collect();
        let (params, results): (Result<_, _>, Result<_, _>) = (list(ty.params()), list(ty.results()));
        info.types.push(FuncType { params: params?, results: results? });
    }
    Ok(())
}

/// A value type; `offset` is for the error.
pub(crate) fn value(ty: wasmparser::ValType, offset: u64) -> Result<ValType, WasmError> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => ValType::Ref(reference(ty, offset)?),
    })
}

/// A reference type; `offset` is for the error.
pub(crate) fn reference(ty: wasmparser::RefType, offset: u64) -> Result<RefType, WasmError> {
    use wasmparser::HeapType as H;
    let heap = match ty.heap_type() {
        H::Abstract { shared: false, ty } => match ty {
            AbstractHeapType::Func => Some(HeapType::Func),
            AbstractHeapType::Extern => Some(HeapType::Extern),
            AbstractHeapType::Exn => Some(HeapType::Exn),
            AbstractHeapType::NoFunc => Some(HeapType::NoFunc),
            AbstractHeapType::NoExtern => Some(HeapType::NoExtern),
            AbstractHeapType::NoExn => Some(HeapType::NoExn),
            _ => None,
        },
        H::Concrete(UnpackedIndex::Module(index)) => Some(HeapType::Concrete(index)),
        _ => None,
    };
    let heap = heap.ok_or_else(|| WasmError::unsupported(offset, &format!("the type {ty}")))?;
    Ok(RefType { nullable: ty.is_nullable(), heap })
}

pub(super) fn table(ty: wasmparser::TableType, offset: u64) -> Result<TableType, WasmError> {
    let limits = Limits { min: ty.initial, max: ty.maximum };
    Ok(TableType { element: reference(ty.element_type, offset)?, table64: ty.table64, limits })
}

pub(super) fn memory(ty: wasmparser::MemoryType, offset: u64) -> Result<MemoryType, WasmError> {
    if ty.shared {
        return Err(WasmError::unsupported(offset, "shared memories"));
    }
    Ok(MemoryType { memory64: ty.memory64, limits: Limits { min: ty.initial, max: ty.maximum } })
}

pub(super) fn global(ty: wasmparser::GlobalType, offset: u64) -> Result<GlobalType, WasmError> {
    Ok(GlobalType { content: value(ty.content_type, offset)?, mutable: ty.mutable })
}

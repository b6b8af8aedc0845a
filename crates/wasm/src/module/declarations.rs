//! Imports, the entities that a module defines, and exports.

use super::{constants, types};
use crate::WasmError;
use sidetrack_artifact::{EntityIndex, EntityType, FunctionInfo, ModuleExport, ModuleImport, ModuleInfo};
use wasmparser::{
    ExportSectionReader, ExternalKind, FunctionSectionReader, GlobalSectionReader, ImportSectionReader,
    MemorySectionReader, TableInit, TableSectionReader, TagSectionReader, TypeRef,
};

fn function(ty: u32) -> FunctionInfo {
    FunctionInfo { ty, name: None, reference: None, body: 0..0 }
}

pub(super) fn imports(info: &mut ModuleInfo, section: ImportSectionReader<'_>) -> Result<(), WasmError> {
    for item in section.into_imports_with_offsets() {
        let (offset, import) = item?;
        let ty = match import.ty {
            TypeRef::Func(ty) => {
                info.functions.push(function(ty));
                info.imported_functions += 1;
                EntityType::Func(ty)
            }
            TypeRef::Table(ty) => {
                let ty = types::table(ty, offset)?;
                info.tables.push(ty);
                info.imported_tables += 1;
                EntityType::Table(ty)
            }
            TypeRef::Memory(ty) => {
                let ty = types::memory(ty, offset)?;
                info.memories.push(ty);
                info.imported_memories += 1;
                EntityType::Memory(ty)
            }
            TypeRef::Global(ty) => {
                let ty = types::global(ty, offset)?;
                info.globals.push(ty);
                info.imported_globals += 1;
                EntityType::Global(ty)
            }
            TypeRef::Tag(ty) => {
                info.tags.push(ty.func_type_idx);
                info.imported_tags += 1;
                EntityType::Tag(ty.func_type_idx)
            }
            TypeRef::FuncExact(_) => return Err(WasmError::unsupported(offset, "an exact function import")),
        };
        info.imports.push(ModuleImport { module: import.module.into(), field: import.name.into(), ty });
    }
    Ok(())
}

pub(super) fn functions(info: &mut ModuleInfo, section: FunctionSectionReader<'_>) -> Result<(), WasmError> {
    for ty in section {
        info.functions.push(function(ty?));
    }
    Ok(())
}

pub(super) fn tables(info: &mut ModuleInfo, section: TableSectionReader<'_>) -> Result<(), WasmError> {
    for item in section.into_iter_with_offsets() {
        let (offset, table) = item?;
        info.tables.push(types::table(table.ty, offset)?);
        info.table_inits.push(match table.init {
            TableInit::RefNull => None,
            TableInit::Expr(expr) => Some(constants::read(&expr)?),
        });
    }
    Ok(())
}

pub(super) fn memories(info: &mut ModuleInfo, section: MemorySectionReader<'_>) -> Result<(), WasmError> {
    for item in section.into_iter_with_offsets() {
        let (offset, memory) = item?;
        info.memories.push(types::memory(memory, offset)?);
    }
    Ok(())
}

pub(super) fn tags(info: &mut ModuleInfo, section: TagSectionReader<'_>) -> Result<(), WasmError> {
    for tag in section {
        info.tags.push(tag?.func_type_idx);
    }
    Ok(())
}

pub(super) fn globals(info: &mut ModuleInfo, section: GlobalSectionReader<'_>) -> Result<(), WasmError> {
    for item in section.into_iter_with_offsets() {
        let (offset, global) = item?;
        info.globals.push(types::global(global.ty, offset)?);
        info.global_inits.push(constants::read(&global.init_expr)?);
    }
    Ok(())
}

pub(super) fn exports(info: &mut ModuleInfo, section: ExportSectionReader<'_>) -> Result<(), WasmError> {
    for export in section {
        let export = export?;
        let index = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => EntityIndex::Func(export.index),
            ExternalKind::Table => EntityIndex::Table(export.index),
            ExternalKind::Memory => EntityIndex::Memory(export.index),
            ExternalKind::Global => EntityIndex::Global(export.index),
            ExternalKind::Tag => EntityIndex::Tag(export.index),
        };
        info.exports.push(ModuleExport { name: export.name.into(), index });
    }
    Ok(())
}

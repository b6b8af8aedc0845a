//! Instances.

use crate::externs::{Extern, check};
use crate::func::Func;
use crate::global::{Global, Tag};
use crate::memory::Memory;
use crate::module::Module;
use crate::store::StoreOpaque;
use crate::table::Table;
use crate::trap::Trap;
use crate::typed::{TypedFunc, WasmParams, WasmResults};
use crate::vm::{
    Context, FuncRecord, HostContext, Slot, StoreAddress, VmMemory, VmPtr, VmTable, VmTag, builtins, host,
};
use crate::{AsContextMut, Error, Result};
use anyhow::{Context as _, anyhow, ensure};
use sidetrack_artifact::{
    ConstExpr, ConstOp, ElementItems, EntityIndex, EntityType, RefType, SegmentMode, ValType,
    module::ModuleInfo,
};
use std::marker::PhantomPinned;
use std::ptr::NonNull;

/// An instance, as its store keeps it.
#[derive(Debug)]
pub struct InstanceData {
    module: Module,
    store: StoreAddress,
    context: Context,
    memories: Vec<VmPtr<VmMemory>>,
    tables: Vec<VmPtr<VmTable>>,
    tags: Vec<VmPtr<VmTag>>,
    /// The passive element segments, evaluated; empty once dropped.
    elements: Vec<Box<[u64]>>,
    /// Whether a data segment has been dropped.
    dropped_data: Vec<bool>,
    /// The context has its address.
    _pointed_to: PhantomPinned,
}

/// An instance of a module in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance(VmPtr<InstanceData>);

impl InstanceData {
    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn store_address(&self) -> StoreAddress {
        self.store
    }

    pub(crate) fn memories(&self) -> &[VmPtr<VmMemory>] {
        &self.memories
    }

    pub(crate) fn tables(&self) -> &[VmPtr<VmTable>] {
        &self.tables
    }

    pub(crate) fn tags(&self) -> &[VmPtr<VmTag>] {
        &self.tags
    }

    fn info(&self) -> &ModuleInfo {
        self.module.info()
    }

    pub(crate) fn function(&self, index: u32) -> VmPtr<FuncRecord> {
        let (info, layout) = (self.info(), self.module.layout());
        if info.is_imported_function(index) {
            return self.context.imported_record(layout, index);
        }
        let reference = info.functions.reference(index);
        self.context.record(layout, reference.expect("a function that is referred to has a record"))
    }

    pub(crate) fn global(&self, index: u32) -> VmPtr<Slot> {
        self.context.global(self.info(), self.module.layout(), index)
    }

    /// Calls `each` with every word of globals and segments of the reference types that `wanted`
    /// picks.
    pub(crate) fn reference_words(
        &self,
        store: &StoreOpaque,
        wanted: impl Fn(RefType) -> bool,
        each: &mut dyn FnMut(u64),
    ) {
        let info = self.info();
        for (index, global) in (0..).zip(&info.globals) {
            if matches!(global.content, ValType::Ref(ty) if wanted(ty)) {
                each(self.global(index).get(store).u64());
            }
        }
        // A passive segment may be for tables of any type.
        self.elements.iter().flatten().for_each(|word| each(*word));
    }

    /// `memory.init`: none if it is out of bounds.
    pub(crate) fn memory_init(
        &self,
        store: &mut StoreOpaque,
        memory: u32,
        segment: u32,
        to: u64,
        from: u64,
        len: u64,
    ) -> Option<()> {
        let info = self.info();
        let dropped = self.dropped_data[segment as usize];
        let source = if dropped { &[][..] } else { info.segment_data(segment) };
        let source = &source[builtins::range(source.len(), from, len)?];
        let data = self.memories[memory as usize].get_mut(store).data_mut();
        let to = builtins::range(data.len(), to, len)?;
        data[to].copy_from_slice(source);
        Some(())
    }

    pub(crate) fn data_drop(&mut self, segment: u32) {
        self.dropped_data[segment as usize] = true;
    }

    /// `table.init`: none if it is out of bounds.
    pub(crate) fn table_init(
        &self,
        store: &mut StoreOpaque,
        table: u32,
        segment: u32,
        to: u64,
        from: u64,
        len: u64,
    ) -> Option<()> {
        let source = &self.elements[segment as usize];
        let source = &source[builtins::range(source.len(), from, len)?];
        let elements = self.tables[table as usize].get_mut(store).elements_mut();
        let to = builtins::range(elements.len(), to, len)?;
        elements[to].copy_from_slice(source);
        Some(())
    }

    pub(crate) fn elem_drop(&mut self, segment: u32) {
        self.elements[segment as usize] = Box::default();
    }

    /// The value of a constant expression.
    fn evaluate(&self, store: &StoreOpaque, expr: &ConstExpr) -> Slot {
        let mut stack: Vec<Slot> = Vec::new();
        let put32 = |value: u32| {
            let mut slot = Slot::default();
            slot.set_u32(value);
            slot
        };
        let put64 = |value: u64| {
            let mut slot = Slot::default();
            slot.set_u64(value);
            slot
        };
        let reference = |index: u32| self.function(index).address(store.id()).as_ptr() as u64;
        for op in expr {
            let slot = match *op {
                ConstOp::I32(value) => put32(value as u32),
                ConstOp::F32(bits) => put32(bits),
                ConstOp::I64(value) => put64(value as u64),
                ConstOp::F64(bits) => put64(bits),
                ConstOp::V128(bytes) => {
                    let mut slot = Slot::default();
                    slot.set_u128(u128::from_le_bytes(bytes));
                    slot
                }
                ConstOp::GlobalGet(index) => *self.global(index).get(store),
                ConstOp::RefNull => Slot::default(),
                ConstOp::RefFunc(index) => put64(reference(index)),
                ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => {
                    let (b, a) = (pop(&mut stack).u32(), pop(&mut stack).u32());
                    put32(match op {
                        ConstOp::I32Add => a.wrapping_add(b),
                        ConstOp::I32Sub => a.wrapping_sub(b),
                        _ => a.wrapping_mul(b),
                    })
                }
                ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => {
                    let (b, a) = (pop(&mut stack).u64(), pop(&mut stack).u64());
                    put64(match op {
                        ConstOp::I64Add => a.wrapping_add(b),
                        ConstOp::I64Sub => a.wrapping_sub(b),
                        _ => a.wrapping_mul(b),
                    })
                }
            };
            stack.push(slot);
        }
        pop(&mut stack)
    }

    /// The index that an offset expression gives: unsigned, of 32 or 64 bits.
    fn offset(&self, store: &StoreOpaque, expr: &ConstExpr, wide: bool) -> u64 {
        let slot = self.evaluate(store, expr);
        if wide { slot.u64() } else { u64::from(slot.u32()) }
    }
}

fn pop(stack: &mut Vec<Slot>) -> Slot {
    stack.pop().expect("constant expressions are validated")
}

/// Makes an instance whose imports have been found and are of this store. Does not run
/// the start function.
fn build(store: &mut StoreOpaque, module: &Module, imports: &[Extern]) -> Result<VmPtr<InstanceData>> {
    let (info, layout) = (module.info(), module.layout());
    let mut data = InstanceData {
        module: module.clone(),
        store: store.address(),
        context: Context::new(store.id(), layout),
        memories: Vec::with_capacity(info.memories.len()),
        tables: Vec::with_capacity(info.tables.len()),
        tags: Vec::with_capacity(info.tags.len()),
        elements: vec![Box::default(); info.elements.len()],
        dropped_data: vec![false; info.data_segments.len()],
        _pointed_to: PhantomPinned,
    };
    for import in imports {
        match import {
            Extern::Memory(memory) => data.memories.push(memory.vm()),
            Extern::Table(table) => data.tables.push(table.vm()),
            Extern::Tag(tag) => data.tags.push(tag.vm()),
            Extern::Func(_) | Extern::Global(_) => {}
        }
    }
    for ty in &info.memories[info.imported_memories as usize..] {
        data.memories.push(store.push_memory(*ty)?);
    }
    for ty in &info.tables[info.imported_tables as usize..] {
        data.tables.push(store.push_table(*ty, 0)?);
    }
    for ty in &info.tags[info.imported_tags as usize..] {
        let ty = info.types[*ty as usize].clone();
        data.tags.push(store.push_tag(VmTag { ty }));
    }
    store.load_code(module)?;
    let instance = store.push_instance(data)?;
    link(store, instance, imports);
    Ok(instance)
}

/// Fills an instance's context.
fn link(store: &mut StoreOpaque, instance: VmPtr<InstanceData>, imports: &[Extern]) {
    let module = instance.get(store).module.clone();
    let base = store.base_of(&module).expect("code is loaded before instances are made");
    let (info, layout) = (module.info(), module.layout());
    let address: *const InstanceData = instance.address(store.id()).as_ptr();
    let mut functions = Vec::new();
    let mut globals = Vec::new();
    for (import, entry) in imports.iter().zip(&info.imports) {
        match (import, entry.ty) {
            (Extern::Func(func), EntityType::Func(ty)) => {
                // A host function gets a context and code for this import.
                let record = match host::host_func(store, func.record()) {
                    None => func.record(),
                    Some(host) => {
                        let (code, id) = (module.exit_stub(base, ty), module.type_id(ty));
                        HostContext::create(store, Some(instance), host, code, id)
                    }
                };
                functions.push(record);
            }
            (Extern::Global(global), _) => globals.push(global.vm()),
            _ => {}
        }
    }
    let fields = NonNull::from(store.fields());
    let data = instance.get_mut(store);
    module.with_code(base, |code| data.context.link(fields, address, info, layout, code));
    for (index, record) in (0..).zip(functions) {
        let reference = info.functions.reference(index);
        data.context.import_function(layout, index, reference, record);
    }
    for (index, global) in (0..).zip(globals) {
        data.context.import_global(layout, index, global);
    }
    for (index, memory) in (0..).zip(data.memories.clone()) {
        data.context.set_memory(layout, index, memory);
    }
    for (index, table) in (0..).zip(data.tables.clone()) {
        data.context.set_table(layout, index, table);
    }
    for (index, tag) in (0..).zip(data.tags.clone()) {
        data.context.set_tag(layout, index, tag);
    }
}

/// Gives globals, tables and memories their initial values.
fn initialize(store: &mut StoreOpaque, instance: VmPtr<InstanceData>) -> Result<(), Trap> {
    let module = instance.get(store).module.clone();
    let info = module.info();
    for (index, expr) in (info.imported_globals..).zip(&info.global_inits) {
        let data = instance.get(store);
        let value = data.evaluate(store, expr);
        let slot = data.global(index);
        *slot.get_mut(store) = value;
    }
    for (index, expr) in (info.imported_tables..).zip(&info.table_inits) {
        let Some(expr) = expr else { continue };
        let data = instance.get(store);
        let value = data.evaluate(store, expr).u64();
        let table = data.tables[index as usize];
        table.get_mut(store).elements_mut().fill(value);
    }
    for (index, segment) in info.elements.iter().enumerate() {
        if matches!(segment.mode, SegmentMode::Declared) {
            continue;
        }
        let data = instance.get(store);
        let reference = |func: &u32| data.function(*func).address(store.id()).as_ptr() as u64;
        let items: Box<[u64]> = match &segment.items {
            ElementItems::Functions(list) => list.iter().map(reference).collect(),
            ElementItems::Expressions(list) => {
                list.iter().map(|expr| data.evaluate(store, expr).u64()).collect()
            }
        };
        match &segment.mode {
            SegmentMode::Active { index: table, offset } => {
                let offset = data.offset(store, offset, info.tables[*table as usize].table64);
                let elements = data.tables[*table as usize].get_mut(store).elements_mut();
                let range = builtins::range(elements.len(), offset, items.len() as u64);
                elements[range.ok_or(Trap::TableOutOfBounds)?].copy_from_slice(&items);
            }
            _ => instance.get_mut(store).elements[index] = items,
        }
    }
    for (index, segment) in info.data_segments.iter().enumerate() {
        let SegmentMode::Active { index: memory, offset } = &segment.mode else { continue };
        let data = instance.get(store);
        let offset = data.offset(store, offset, info.memories[*memory as usize].memory64);
        let bytes = info.segment_data(index as u32);
        let memory = data.memories[*memory as usize].get_mut(store).data_mut();
        let range = builtins::range(memory.len(), offset, bytes.len() as u64);
        memory[range.ok_or(Trap::MemoryOutOfBounds)?].copy_from_slice(bytes);
        instance.get_mut(store).dropped_data[index] = true;
    }
    Ok(())
}

impl Instance {
    /// Makes an instance of a module with these imports, in the module's order, and runs
    /// its start function.
    ///
    /// # Errors
    /// A wrong number of imports, or one that is not what the module asks for; a
    /// [`Trap`] of a segment that does not fit; whatever the start function fails with;
    /// a limit of the store.
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Self> {
        let mut store = store.as_context_mut();
        let store = store.opaque();
        let types = module.imports();
        ensure!(types.len() == imports.len(), "expected {} imports, found {}", types.len(), imports.len());
        for (import, wanted) in imports.iter().zip(types) {
            check(store, *import, &wanted.ty())
                .with_context(|| format!("incompatible import type for {}", wanted.path()))?;
        }
        Self::with_checked_imports(store, module, imports)
    }

    pub(crate) fn with_checked_imports(
        store: &mut StoreOpaque,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Self> {
        ensure!(
            crate::Engine::same(module.engine(), store.engine()),
            "the module was compiled by another engine than the store's"
        );
        let instance = build(store, module, imports)?;
        initialize(store, instance).map_err(Error::new)?;
        if let Some(start) = module.info().start {
            let func = Func::from_vm(instance.get(store).function(start));
            crate::trap::invoke(store, func, &mut [])?;
        }
        Ok(Instance(instance))
    }

    pub(crate) fn from_vm(instance: VmPtr<InstanceData>) -> Self {
        Instance(instance)
    }

    pub(crate) fn vm(self) -> VmPtr<InstanceData> {
        self.0
    }

    /// The module that it is an instance of.
    pub fn module<'a, T: 'static>(&self, store: impl Into<crate::StoreContext<'a, T>>) -> &'a Module {
        self.0.get(store.into().opaque()).module()
    }

    fn entity(self, store: &StoreOpaque, index: EntityIndex) -> Extern {
        let data = self.0.get(store);
        match index {
            EntityIndex::Func(index) => Extern::Func(Func::from_vm(data.function(index))),
            EntityIndex::Table(index) => Extern::Table(Table::from_vm(data.tables[index as usize])),
            EntityIndex::Memory(index) => Extern::Memory(Memory::from_vm(data.memories[index as usize])),
            EntityIndex::Global(index) => {
                Extern::Global(Global::from_vm(data.global(index), data.info().globals[index as usize]))
            }
            EntityIndex::Tag(index) => Extern::Tag(Tag::from_vm(data.tags[index as usize])),
        }
    }

    pub(crate) fn export(self, store: &StoreOpaque, name: &str) -> Option<Extern> {
        let index = self.0.get(store).module.export_index(name)?;
        Some(self.entity(store, index))
    }

    /// Its exports, in order.
    pub fn exports(&self, mut store: impl AsContextMut) -> Vec<(String, Extern)> {
        let mut store = store.as_context_mut();
        let store = &*store.opaque();
        let exports = &self.0.get(store).info().exports;
        exports.iter().map(|export| (export.name.clone(), self.entity(store, export.index))).collect()
    }

    /// The export of this name.
    pub fn get_export(&self, mut store: impl AsContextMut, name: &str) -> Option<Extern> {
        self.export(store.as_context_mut().opaque(), name)
    }

    /// The exported function of this name.
    pub fn get_func(&self, store: impl AsContextMut, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported function of this name, with its type known to the compiler.
    ///
    /// # Errors
    /// If there is none, or it has another type.
    pub fn get_typed_func<Params: WasmParams, Results: WasmResults>(
        &self,
        mut store: impl AsContextMut,
        name: &str,
    ) -> Result<TypedFunc<Params, Results>> {
        let func = self.get_func(&mut store, name);
        let func = func.ok_or_else(|| anyhow!("the instance exports no function `{name}`"))?;
        func.typed(&store).with_context(|| format!("cannot call `{name}`"))
    }

    /// The exported memory of this name.
    pub fn get_memory(&self, store: impl AsContextMut, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported table of this name.
    pub fn get_table(&self, store: impl AsContextMut, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported global of this name.
    pub fn get_global(&self, store: impl AsContextMut, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }
}

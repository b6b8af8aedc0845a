//! Instances' contexts and function records, see `artifact::vmctx`.

use super::{Slot, StoreId, VmMemory, VmPtr, VmTable, VmTag};
use crate::instance::InstanceData;
use crate::store::StoreOpaque;
use sidetrack_artifact::{ModuleInfo, VmLayout, vmctx};
use std::cell::UnsafeCell;
use std::mem::offset_of;
use std::ptr::{NonNull, null};

/// What a function reference points to.
#[derive(Debug)]
#[repr(C)]
pub struct FuncRecord {
    /// Address of the code; null for a host function that no code can call yet.
    pub(super) code: *const u8,
    /// The context to pass.
    pub(super) vmctx: *const u8,
    /// The engine-wide id of its type.
    pub(super) type_id: u32,
    /// Address of the entry stub of its type; null for a host function.
    pub(super) entry: *const u8,
}

const _: () = assert!(offset_of!(FuncRecord, code) == vmctx::func_record::CODE as usize);
const _: () = assert!(offset_of!(FuncRecord, vmctx) == vmctx::func_record::VMCTX as usize);
const _: () = assert!(offset_of!(FuncRecord, type_id) == vmctx::func_record::TYPE_ID as usize);
const _: () = assert!(offset_of!(FuncRecord, entry) == vmctx::func_record::ENTRY as usize);
const _: () = assert!(size_of::<FuncRecord>() == vmctx::func_record::SIZE as usize);

/// The fields of a store that compiled code reads and writes.
#[derive(Debug)]
#[repr(C)]
pub struct StoreFields {
    /// The lowest stack pointer that a function may have.
    pub(super) stack_limit: usize,
    /// The frame pointer of the exit stub that called the host last.
    pub(super) last_exit_fp: usize,
}

const _: () = assert!(offset_of!(StoreFields, stack_limit) == vmctx::store::STACK_LIMIT as usize);
const _: () = assert!(offset_of!(StoreFields, last_exit_fp) == vmctx::store::LAST_EXIT_FP as usize);

impl StoreFields {
    /// The fields of a store in which no code runs.
    pub fn new() -> Box<UnsafeCell<Self>> {
        Box::new(UnsafeCell::new(StoreFields { stack_limit: 0, last_exit_fp: 0 }))
    }
}

/// The context of one instance: a block of memory that compiled code changes.
#[derive(Debug)]
pub struct Context {
    block: Box<[UnsafeCell<Slot>]>,
    store: StoreId,
}

// SAFETY: the addresses in the block are of the store's objects, and whoever reads
// or writes the block has a borrow of the store.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

/// What the code of a module offers to its instances.
pub struct ModuleCode<'a> {
    /// Address of the array of type ids.
    pub type_ids: &'a [u32],
    /// The address of a function defined in the module.
    pub function: &'a dyn Fn(u32) -> *const u8,
    /// The address of the entry stub for the module's type with this index.
    pub entry: &'a dyn Fn(u32) -> *const u8,
}

impl Context {
    /// A context whose entries are all null.
    pub fn new(store: StoreId, layout: &VmLayout) -> Self {
        let slots = layout.size().div_ceil(vmctx::VALUE_SLOT);
        Context { block: (0..slots).map(|_| UnsafeCell::new(Slot::default())).collect(), store }
    }

    /// Its address.
    pub fn address(&self) -> NonNull<u8> {
        NonNull::from(&*self.block).cast()
    }

    fn set(&mut self, offset: u32, value: u64) {
        assert!(offset as usize + 8 <= size_of_val(&*self.block), "a field is inside its context");
        // SAFETY: inside the block by the assertion; layouts align fields of 8 bytes.
        unsafe { self.address().byte_add(offset as usize).cast::<u64>().write(value) };
    }

    fn get(&self, offset: u32) -> u64 {
        assert!(offset as usize + 8 <= size_of_val(&*self.block), "a field is inside its context");
        // SAFETY: as in `set`.
        unsafe { self.address().byte_add(offset as usize).cast::<u64>().read() }
    }

    /// Writes the fields at the start, and the records of the module's own functions.
    pub fn link(
        &mut self,
        fields: NonNull<UnsafeCell<StoreFields>>,
        instance: *const InstanceData,
        info: &ModuleInfo,
        layout: &VmLayout,
        code: &ModuleCode<'_>,
    ) {
        self.set(vmctx::ctx::STORE, fields.as_ptr() as u64);
        self.set(vmctx::ctx::TYPE_IDS, code.type_ids.as_ptr() as u64);
        self.set(vmctx::ctx::INSTANCE, instance as u64);
        let vmctx = self.address().as_ptr() as *const u8;
        let references = (0..info.references).zip(info.functions.referenced());
        for (reference, index) in references.filter(|(_, index)| !info.is_imported_function(*index)) {
            let ty = info.functions.ty(index);
            let type_id = code.type_ids[ty as usize];
            let record = FuncRecord { code: (code.function)(index), vmctx, type_id, entry: (code.entry)(ty) };
            let at = layout.record(reference);
            assert!(at as usize + size_of::<FuncRecord>() <= size_of_val(&*self.block), "inside the context");
            // SAFETY: inside the block by the assertion; layouts align records to 8 bytes.
            unsafe { self.address().byte_add(at as usize).cast::<FuncRecord>().write(record) };
        }
    }

    /// The record of a function that the module defines.
    pub fn record(&self, layout: &VmLayout, reference: u32) -> VmPtr<FuncRecord> {
        let at = layout.record(reference) as usize;
        assert!(at + size_of::<FuncRecord>() <= size_of_val(&*self.block), "inside the context");
        // SAFETY: the block lives as long as the instance, that is as long as the store.
        unsafe { VmPtr::new(self.store, self.address().byte_add(at).cast()) }
    }

    /// Fills the entry of an imported function; `record` is what references to it
    /// point to. If this module defines no record for it, the import's own is used.
    pub fn import_function(
        &mut self,
        layout: &VmLayout,
        index: u32,
        reference: Option<u32>,
        record: VmPtr<FuncRecord>,
    ) {
        let address = record.address(self.store);
        // SAFETY: records live as long as their store.
        let FuncRecord { code, vmctx, type_id, entry } = *unsafe { address.as_ref() };
        let at = layout.imported_function(index);
        self.set(at + vmctx::func_import::CODE, code as u64);
        self.set(at + vmctx::func_import::VMCTX, vmctx as u64);
        self.set(at + vmctx::func_import::RECORD, address.as_ptr() as u64);
        if let Some(reference) = reference {
            let copy = self.record(layout, reference).address(self.store);
            // SAFETY: `record` has checked that the place is inside the block.
            unsafe { copy.write(FuncRecord { code, vmctx, type_id, entry }) };
        }
    }

    /// The record of an imported function.
    pub fn imported_record(&self, layout: &VmLayout, index: u32) -> VmPtr<FuncRecord> {
        let address = self.get(layout.imported_function(index) + vmctx::func_import::RECORD);
        let address = NonNull::new(address as *mut FuncRecord).expect("imports are resolved first");
        // SAFETY: written by `import_function` from such a pointer.
        unsafe { VmPtr::new(self.store, address) }
    }

    /// Fills the entry of a memory.
    pub fn set_memory(&mut self, layout: &VmLayout, index: u32, memory: VmPtr<VmMemory>) {
        // SAFETY: memories live as long as their store.
        let memory = unsafe { memory.address(self.store).as_ref() };
        let at = layout.memory(index);
        self.set(at + vmctx::memory::BASE, memory.base().as_ptr() as u64);
        self.set(at + vmctx::memory::SIZE_ADDRESS, memory.size_address() as u64);
    }

    /// Fills the entry of a table.
    pub fn set_table(&mut self, layout: &VmLayout, index: u32, table: VmPtr<VmTable>) {
        self.set(layout.table(index), table.address(self.store).as_ptr() as u64);
    }

    /// Fills the entry of a tag.
    pub fn set_tag(&mut self, layout: &VmLayout, index: u32, tag: VmPtr<VmTag>) {
        self.set(layout.tag(index), tag.address(self.store).as_ptr() as u64);
    }

    /// Fills the entry of an imported global.
    pub fn import_global(&mut self, layout: &VmLayout, index: u32, global: VmPtr<Slot>) {
        self.set(layout.imported_global(index), global.address(self.store).as_ptr() as u64);
    }

    /// The slot of a global.
    pub fn global(&self, info: &ModuleInfo, layout: &VmLayout, index: u32) -> VmPtr<Slot> {
        let address = if index < info.imported_globals {
            NonNull::new(self.get(layout.imported_global(index)) as *mut Slot).expect("imports are resolved")
        } else {
            let at = layout.defined_global(index) as usize;
            assert!(at + size_of::<Slot>() <= size_of_val(&*self.block), "inside the context");
            // SAFETY: inside the block by the assertion.
            unsafe { self.address().byte_add(at).cast() }
        };
        // SAFETY: the block, and what the import points to, live as long as the store.
        unsafe { VmPtr::new(self.store, address) }
    }
}

impl FuncRecord {
    /// A record of a host function whose context is at `vmctx`.
    pub(super) fn of_host(code: *const u8, vmctx: *const u8, type_id: u32) -> Self {
        FuncRecord { code, vmctx, type_id, entry: null() }
    }
}

/// The function record that a function reference of the store points to; none for null.
/// `raw` comes out of the store: a slot that compiled code has filled, a table, a global.
pub fn record_at(store: &StoreOpaque, raw: u64) -> Option<VmPtr<FuncRecord>> {
    let address = NonNull::new(raw as *mut FuncRecord)?;
    // SAFETY: validated code makes references from records of its store only, and what the
    // host puts into slots, tables and globals is a value of the store (`Val::to_slot`).
    Some(unsafe { VmPtr::new(store.id(), address) })
}

/// The function record that is at an address, if one of the store's is.
pub fn find_record(store: &StoreOpaque, raw: u64) -> Option<VmPtr<FuncRecord>> {
    let of_host = || store.host_records().find(|record| record.number() == raw);
    let of_instance = || {
        let (start, instance) = store.context_below(raw)?;
        let layout = instance.get(store).module().layout();
        let first = start + u64::from(layout.record(0));
        let within = raw.checked_sub(first).filter(|offset| offset.is_multiple_of(RECORD))?;
        (within / RECORD < u64::from(instance.get(store).module().info().references)).then_some(())?;
        record_at(store, raw)
    };
    of_instance().or_else(of_host)
}

const RECORD: u64 = size_of::<FuncRecord>() as u64;

/// The address of a record's code.
pub fn code_address(store: &StoreOpaque, record: VmPtr<FuncRecord>) -> usize {
    record.get(store).code as usize
}

/// The id of the type of a record's function.
pub fn type_id(store: &StoreOpaque, record: VmPtr<FuncRecord>) -> u32 {
    record.get(store).type_id
}

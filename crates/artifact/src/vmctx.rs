//! The memory that compiled WebAssembly and the engine share: where each field is.
//!
//! An instance's *context* is a block of memory whose address is the first
//! parameter of each of its functions. It starts with the fields below, followed by
//! one entry for each import or definition; [`VmLayout`] computes where. Pointers
//! have 8 bytes, numbers are in the host's byte order, and the context never
//! moves.
//!
//! References in compiled code are 8 bytes: a function reference is the address of
//! a *function record*, others are handles that the engine gives meaning to; null
//! is 0.

use crate::ModuleInfo;

/// Fields at the start of a context.
pub mod ctx {
    /// Address of the store's fields, see [`super::store`].
    pub const STORE: u32 = 0;
    /// Address of an array with the engine-wide id (u32) of each of the module's types.
    pub const TYPE_IDS: u32 = 8;
    /// The engine's own address of the instance.
    pub const INSTANCE: u32 = 16;
    /// Where the entries start.
    pub const SIZE: u32 = 24;
}

/// Fields of a store.
pub mod store {
    /// The lowest stack pointer that a function may have.
    pub const STACK_LIMIT: u32 = 0;
    /// The frame pointer of the exit stub that called the host last.
    pub const LAST_EXIT_FP: u32 = 8;
    /// Bytes of these fields.
    pub const SIZE: u32 = 16;
}

/// A function record, what a function reference points to.
pub mod func_record {
    /// Address of the code, which takes the context and then the parameters, by the
    /// convention `tail`.
    pub const CODE: u32 = 0;
    /// The context to pass: an instance's, or for a host function the engine's own.
    pub const VMCTX: u32 = 8;
    /// The engine-wide id (u32) of its type.
    pub const TYPE_ID: u32 = 16;
    /// Address of the entry stub of its type; 0 for a host function.
    pub const ENTRY: u32 = 24;
    /// Bytes of a record.
    pub const SIZE: u32 = 32;
}

/// An imported function in a context.
pub mod func_import {
    /// Address of the code.
    pub const CODE: u32 = 0;
    /// The context to pass.
    pub const VMCTX: u32 = 8;
    /// Address of its function record.
    pub const RECORD: u32 = 16;
    /// Bytes of an entry.
    pub const SIZE: u32 = 24;
}

/// A memory in a context.
pub mod memory {
    /// Address of the first byte; the same for as long as the memory lives.
    pub const BASE: u32 = 0;
    /// Address of a u64, the present size in bytes.
    pub const SIZE_ADDRESS: u32 = 8;
    /// Bytes of an entry.
    pub const SIZE: u32 = 16;
}

/// A table, to which a context has a pointer.
pub mod table {
    /// Address of the first element, the same for as long as the table lives; elements are
    /// references of 8 bytes.
    pub const BASE: u32 = 0;
    /// The present number of elements, u64.
    pub const LEN: u32 = 8;
    /// Bytes of a table.
    pub const SIZE: u32 = 16;
    /// Bytes of an element.
    pub const ELEMENT_SIZE: u32 = 8;
}

/// An exception object, what an exception reference points to. The engine frees it when no
/// word of a frame, table, global or other exception is its address: code that needs a
/// reference after a call, or at a site, keeps the address itself and not one derived from it.
pub mod exception {
    /// Address of its tag: the same for two uses of one tag, whatever module they are in.
    pub const TAG: u32 = 0;
    /// Where the 16-byte slots of its values start.
    pub const VALUES: u32 = 16;
}

/// Bytes of a slot in which a value is passed between host and compiled code: the
/// value is at the slot's start, a number in the host's byte order, a vector as in linear
/// memory. Globals and the values of exceptions are the same.
pub const VALUE_SLOT: u32 = 16;

/// Trap codes of the front end (`userN`).
pub mod trap {
    /// An access outside a table.
    pub const TABLE_OUT_OF_BOUNDS: u8 = 1;
    /// An indirect call through a null reference.
    pub const INDIRECT_CALL_TO_NULL: u8 = 2;
    /// An indirect call of a function of another type.
    pub const BAD_SIGNATURE: u8 = 3;
    /// `unreachable`.
    pub const UNREACHABLE: u8 = 4;
    /// A null reference where there must be none.
    pub const NULL_REFERENCE: u8 = 5;
    /// The host reports an error, which the store has.
    pub const HOST_ERROR: u8 = 6;
    /// An atomic access at an address that is no multiple of its size.
    pub const UNALIGNED_ATOMIC: u8 = 7;
    /// Waiting on a memory that is not shared.
    pub const ATOMIC_WAIT: u8 = 8;
}

/// The bytes of a 32-bit memory's reservation: every address that an index and an
/// offset of 32 bits can make is inside, and what is past the memory's size faults.
pub const MEMORY_RESERVATION: u64 = (8 << 30) + (1 << 16);

/// Where the entries of a context are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmLayout {
    functions: u32,
    memories: u32,
    tables: u32,
    tags: u32,
    imported_globals: u32,
    globals: u32,
    records: u32,
    size: u32,
    imported_global_count: u32,
}

impl VmLayout {
    /// The layout of a module's contexts.
    pub fn new(info: &ModuleInfo) -> Self {
        let mut at = ctx::SIZE;
        let mut take = |count: usize, size: u32| {
            let start = at;
            at += count as u32 * size;
            start
        };
        let functions = take(info.imported_functions as usize, func_import::SIZE);
        let memories = take(info.memories.len(), memory::SIZE);
        let tables = take(info.tables.len(), 8);
        let tags = take(info.tags.len(), 8);
        let imported_globals = take(info.imported_globals as usize, 8);
        let globals = at.next_multiple_of(16);
        let records = globals + (info.globals.len() as u32 - info.imported_globals) * VALUE_SLOT;
        let size = records + info.references * func_record::SIZE;
        VmLayout {
            functions,
            memories,
            tables,
            tags,
            imported_globals,
            globals,
            records,
            size,
            imported_global_count: info.imported_globals,
        }
    }

    /// Bytes of a context.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The entry of an imported function, see [`func_import`].
    pub fn imported_function(&self, index: u32) -> u32 {
        self.functions + index * func_import::SIZE
    }

    /// The entry of a memory, see [`memory`].
    pub fn memory(&self, index: u32) -> u32 {
        self.memories + index * memory::SIZE
    }

    /// The address of a table, see [`table`].
    pub fn table(&self, index: u32) -> u32 {
        self.tables + index * 8
    }

    /// The address of a tag.
    pub fn tag(&self, index: u32) -> u32 {
        self.tags + index * 8
    }

    /// The address of an imported global's 16-byte slot.
    pub fn imported_global(&self, index: u32) -> u32 {
        self.imported_globals + index * 8
    }

    /// The 16-byte slot of a global defined here, by its index among all globals.
    pub fn defined_global(&self, index: u32) -> u32 {
        self.globals + (index - self.imported_global_count) * VALUE_SLOT
    }

    /// The function record with this number, see [`crate::FunctionInfo::reference`].
    pub fn record(&self, reference: u32) -> u32 {
        self.records + reference * func_record::SIZE
    }
}

/// The engine's functions that compiled code calls by name, with the convention
/// `system_v`; all parameters and results are i64. `vmctx` is the caller's context.
///
/// Those marked *status* return 0, or 1 for the trap that the operator has.
pub mod builtin {
    /// What a function returns that grows something, for the trap
    /// [`super::trap::HOST_ERROR`].
    pub const RAISE: i64 = -2;
    /// `(vmctx, memory, pages) -> previous pages or -1`, or [`RAISE`].
    pub const MEMORY_GROW: &str = "memory_grow";
    /// `(vmctx, memory, address, byte, length) -> status`.
    pub const MEMORY_FILL: &str = "memory_fill";
    /// `(vmctx, to memory, from memory, to, from, length) -> status`.
    pub const MEMORY_COPY: &str = "memory_copy";
    /// `(vmctx, memory, segment, to, from, length) -> status`.
    pub const MEMORY_INIT: &str = "memory_init";
    /// `(vmctx, segment)`.
    pub const DATA_DROP: &str = "data_drop";
    /// `(vmctx, table, element, count) -> previous elements or -1`, or [`RAISE`].
    pub const TABLE_GROW: &str = "table_grow";
    /// `(vmctx, table, start, element, count) -> status`.
    pub const TABLE_FILL: &str = "table_fill";
    /// `(vmctx, to table, from table, to, from, count) -> status`.
    pub const TABLE_COPY: &str = "table_copy";
    /// `(vmctx, table, segment, to, from, count) -> status`.
    pub const TABLE_INIT: &str = "table_init";
    /// `(vmctx, segment)`.
    pub const ELEM_DROP: &str = "elem_drop";
    /// `(vmctx, tag index) -> address of a new exception object` with zeroed slots, or 0 for
    /// the trap [`super::trap::HOST_ERROR`].
    pub const EXCEPTION_NEW: &str = "exception_new";
    /// `(vmctx of a host function, values) -> status`: 0, 1 for the trap
    /// [`super::trap::HOST_ERROR`], or else the exception to throw.
    pub const HOST_CALL: &str = "host_call";
    /// `(tag 0, exception, 0)`: throws; does not return.
    pub const THROW: &str = "throw";

    /// The functions, each with the number of its parameters. All are integers, and there are
    /// at most eight: an interpreter that calls one passes on no more.
    pub const ALL: [(&str, usize); 13] = [
        (MEMORY_GROW, 3),
        (MEMORY_FILL, 5),
        (MEMORY_COPY, 6),
        (MEMORY_INIT, 6),
        (DATA_DROP, 2),
        (TABLE_GROW, 4),
        (TABLE_FILL, 5),
        (TABLE_COPY, 6),
        (TABLE_INIT, 6),
        (ELEM_DROP, 2),
        (EXCEPTION_NEW, 2),
        (HOST_CALL, 2),
        (THROW, 3),
    ];

    /// How many parameters the function with a name has, if there is one.
    pub fn params(name: &str) -> Option<usize> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, params)| *params)
    }
}

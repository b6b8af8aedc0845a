//! The store: everything that programs can refer to, by address.

use crate::module::{Code, Module};
use crate::value::{FuncAddr, FuncType, Stop, Value};
use std::rc::Rc;
use wasmparser::{GlobalType, MemoryType, TableType};

/// Bytes in a page of memory.
pub(super) const PAGE: u64 = 65536;

/// How much a program may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What a memory may have at most.
    pub memory_bytes: u64,
    /// What a table may have at most.
    pub table_elements: u64,
    /// Slots of the call stack: a call takes [`Limits::FRAME`] and one for each local.
    pub stack: usize,
}

impl Limits {
    /// Slots that every call takes.
    pub const FRAME: usize = 32;
}

impl Default for Limits {
    fn default() -> Self {
        Limits { memory_bytes: 1 << 30, table_elements: 10_000_000, stack: 1 << 19 }
    }
}

/// An instance in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceAddr(pub(super) usize);

/// Something that an instance exports or imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extern {
    /// A function.
    Func(FuncAddr),
    /// A table's address.
    Table(usize),
    /// A memory's address.
    Memory(usize),
    /// A global's address.
    Global(usize),
    /// A tag's address.
    Tag(usize),
}

/// A function of the host.
pub(super) type HostFn<'a> = dyn Fn(&mut Store<'a>, &[Value]) -> Result<Vec<Value>, Stop> + 'a;

/// What gets the lines of a trace.
type Sink<'a> = dyn FnMut(&str) + 'a;

pub(super) struct Func<'a> {
    pub ty: FuncType,
    pub body: Body<'a>,
}

#[derive(Clone)]
pub(super) enum Body<'a> {
    Wasm { instance: usize, index: u32, code: Rc<Code<'a>> },
    Host(Rc<HostFn<'a>>),
}

pub(super) struct Memory {
    pub ty: MemoryType,
    pub data: Vec<u8>,
}

impl Memory {
    /// A number of pages as the memory's own type of index.
    pub fn index(&self, pages: u64) -> Value {
        index(self.ty.memory64, pages)
    }

    /// Adds pages; the number before, or none if there would be too many.
    pub fn grow(&mut self, pages: u64, most_bytes: u64) -> Option<u64> {
        let before = self.data.len() as u64 / PAGE;
        let by_type = self.ty.maximum.unwrap_or(if self.ty.memory64 { 1 << 48 } else { 1 << 16 });
        let after = before.checked_add(pages)?;
        if after > by_type || after > most_bytes / PAGE {
            return None;
        }
        self.data.resize((after * PAGE) as usize, 0);
        Some(before)
    }
}

pub(super) struct Table {
    pub ty: TableType,
    pub elements: Vec<Value>,
}

impl Table {
    /// A number of elements as the table's own type of index.
    pub fn index(&self, elements: u64) -> Value {
        index(self.ty.table64, elements)
    }

    /// Adds elements; the number before, or none if there would be too many.
    pub fn grow(&mut self, elements: u64, new: Value, most: u64) -> Option<u64> {
        let before = self.elements.len() as u64;
        let after = before.checked_add(elements)?;
        if after > self.ty.maximum.unwrap_or(u64::MAX) || after > most {
            return None;
        }
        self.elements.resize(after as usize, new);
        Some(before)
    }
}

fn index(is_64: bool, number: u64) -> Value {
    if is_64 { Value::I64(number as i64) } else { Value::I32(number as u32 as i32) }
}

pub(super) struct Global {
    pub ty: GlobalType,
    pub value: Value,
}

pub(super) struct Exception {
    pub tag: usize,
    pub values: Vec<Value>,
}

/// The addresses behind a module's indices.
pub(super) struct Instance<'a> {
    pub module: Rc<Module<'a>>,
    pub funcs: Vec<FuncAddr>,
    pub tables: Vec<usize>,
    pub memories: Vec<usize>,
    pub globals: Vec<usize>,
    pub tags: Vec<usize>,
    pub elements: Vec<Vec<Value>>,
    pub datas: Vec<&'a [u8]>,
}

/// All instances that can share something, and what they have. `'a` is how long the
/// modules' bytes live.
#[derive(Default)]
pub struct Store<'a> {
    pub(super) limits: Limits,
    pub(super) funcs: Vec<Func<'a>>,
    pub(super) tables: Vec<Table>,
    pub(super) memories: Vec<Memory>,
    pub(super) globals: Vec<Global>,
    pub(super) tags: Vec<FuncType>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) instances: Vec<Instance<'a>>,
    /// Slots of the call stack in use.
    pub(super) stack: usize,
    /// How many operators may still be executed.
    pub(super) fuel: Option<u64>,
    pub(super) sink: Option<Box<Sink<'a>>>,
}

impl<'a> Store<'a> {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Store { limits, ..Store::default() }
    }

    /// From now on, `sink` gets a line for every operator, before it is executed.
    pub fn trace(&mut self, sink: impl FnMut(&str) + 'a) {
        self.sink = Some(Box::new(sink));
    }

    /// So many operators may be executed from now on.
    pub fn set_fuel(&mut self, operators: u64) {
        self.fuel = Some(operators);
    }

    /// A function of the host.
    pub fn host_func(
        &mut self,
        ty: FuncType,
        call: impl Fn(&mut Store<'a>, &[Value]) -> Result<Vec<Value>, Stop> + 'a,
    ) -> Extern {
        self.funcs.push(Func { ty, body: Body::Host(Rc::new(call)) });
        Extern::Func(FuncAddr(self.funcs.len() - 1))
    }

    /// A global with a value of its type.
    pub fn global(&mut self, ty: GlobalType, value: Value) -> Extern {
        self.globals.push(Global { ty, value });
        Extern::Global(self.globals.len() - 1)
    }

    /// A memory of zeros; none if it is larger than allowed.
    pub fn new_memory(&mut self, ty: MemoryType) -> Option<Extern> {
        let mut memory = Memory { ty, data: Vec::new() };
        memory.grow(ty.initial, self.limits.memory_bytes)?;
        self.memories.push(memory);
        Some(Extern::Memory(self.memories.len() - 1))
    }

    /// A table with the same value everywhere; none if it is larger than allowed.
    pub fn new_table(&mut self, ty: TableType, value: Value) -> Option<Extern> {
        let mut table = Table { ty, elements: Vec::new() };
        table.grow(ty.initial, value, self.limits.table_elements)?;
        self.tables.push(table);
        Some(Extern::Table(self.tables.len() - 1))
    }

    /// What an instance exports by a name.
    pub fn export(&self, instance: InstanceAddr, name: &str) -> Option<Extern> {
        let instance = &self.instances[instance.0];
        let (_, kind, index) = instance.module.exports.iter().find(|(exported, ..)| *exported == name)?;
        Some(instance.item(*kind, *index as usize))
    }

    /// All that an instance exports.
    pub fn exports(&self, instance: InstanceAddr) -> Vec<(&'a str, Extern)> {
        let instance = &self.instances[instance.0];
        let exports = instance.module.exports.iter();
        exports.map(|(name, kind, index)| (*name, instance.item(*kind, *index as usize))).collect()
    }

    /// The value of a global.
    pub fn global_value(&self, address: usize) -> Value {
        self.globals[address].value
    }

    /// The bytes of a memory.
    pub fn memory_bytes(&self, address: usize) -> &[u8] {
        &self.memories[address].data
    }

    /// The type of a function.
    pub fn func_type(&self, func: FuncAddr) -> &FuncType {
        &self.funcs[func.0].ty
    }

    /// The values that an exception carries.
    pub fn exception_values(&self, exception: crate::ExnAddr) -> &[Value] {
        &self.exceptions[exception.0].values
    }
}

impl Instance<'_> {
    /// The item with an index.
    pub fn item(&self, kind: wasmparser::ExternalKind, index: usize) -> Extern {
        use wasmparser::ExternalKind as Kind;
        match kind {
            Kind::Func | Kind::FuncExact => Extern::Func(self.funcs[index]),
            Kind::Table => Extern::Table(self.tables[index]),
            Kind::Memory => Extern::Memory(self.memories[index]),
            Kind::Global => Extern::Global(self.globals[index]),
            Kind::Tag => Extern::Tag(self.tags[index]),
        }
    }
}

//! The reference interpreter: what a function means, and the oracle of the tests.
//!
//! Problem: optimiser and code generators need something to be compared with
//! that is plainly right. Approach: a loop that reads instructions straight from
//! the data flow graph, one array of values a frame, and a stack of frames of its
//! own, so that recursion in the code is never recursion in the host.
//!
//! Parts: [`eval`] computes scalar operations; [`Memory`] is the address space;
//! `exec` runs instructions; `call` enters and leaves functions, throws, and
//! looks at patch sites.
//!
//! What CLIF leaves open is fixed here: memory of stack slots starts as zeros;
//! accesses without a byte order are little-endian; frame and stack pointers and
//! return addresses are unique numbers that nothing promises but their order
//! (the stack grows down). The `context` items of exception tables do not take
//! part in the lookup of handlers: a host function throws a tag, and the first
//! handler of the nearest frame with this tag or `default` gets it.

mod access;
mod call;
pub mod eval;
mod exec;
mod host;
mod memory;

#[cfg(test)]
mod tests;

pub use host::{FunctionStore, HostFn, HostOutcome, Location, Stop};
pub use memory::Memory;

use crate::data_value::DataValue;
use crate::entities::Inst;
use crate::function::Function;
use crate::signature::ExternalName;
use call::Frame;
use rustc_hash::FxHashMap;

/// How many instructions a call may run unless [`Interpreter::set_fuel`] says
/// otherwise.
pub const DEFAULT_FUEL: u64 = 1 << 30;
/// How many frames there may be before a call traps with `stk_ovf`.
pub const MAX_DEPTH: usize = 1 << 16;

/// Runs functions.
pub struct Interpreter<'a> {
    store: &'a FunctionStore<'a>,
    hosts: FxHashMap<ExternalName, Box<dyn HostFn + 'a>>,
    memory: Memory,
    symbols: FxHashMap<ExternalName, u64>,
    /// Names with a function address; the address tells the index here.
    addressed: Vec<ExternalName>,
    /// States of sites that differ from the initial one, by function number.
    switched: FxHashMap<(usize, Inst), bool>,
    frames: Vec<Frame<'a>>,
    fuel: u64,
}

impl<'a> Interpreter<'a> {
    /// An interpreter of these functions, with no host functions and symbols and
    /// with [`DEFAULT_FUEL`].
    pub fn new(store: &'a FunctionStore<'a>) -> Self {
        Interpreter {
            store,
            hosts: FxHashMap::default(),
            memory: Memory::default(),
            symbols: FxHashMap::default(),
            addressed: Vec::new(),
            switched: FxHashMap::default(),
            frames: Vec::new(),
            fuel: DEFAULT_FUEL,
        }
    }

    /// Makes a host function callable under a name. A function of the store with
    /// the same name hides it.
    pub fn define_host(&mut self, name: ExternalName, host: impl HostFn + 'a) {
        self.hosts.insert(name, Box::new(host));
    }

    /// Makes a name the symbol of new memory with these contents and returns its
    /// address. `None` when the address space is used up.
    pub fn define_data(&mut self, name: ExternalName, bytes: Vec<u8>, writable: bool) -> Option<u64> {
        let addr = self.memory.allocate(bytes, writable)?;
        self.symbols.insert(name, addr);
        Some(addr)
    }

    /// The memory, which lasts from call to call.
    pub fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// How many instructions may yet be run.
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Sets how many instructions may yet be run.
    pub fn set_fuel(&mut self, fuel: u64) {
        self.fuel = fuel;
    }

    /// Switches the patchable calls with this tag in a function and returns how
    /// many there are: 0 when there is no such function or site.
    pub fn set_site(&mut self, function: &ExternalName, tag: u64, on: bool) -> usize {
        let Some(index) = self.store.index(function) else { return 0 };
        let func = self.store.functions()[index];
        let sites: Vec<Inst> =
            patch_sites(func).filter(|&inst| func.dfg.site_info(inst).tag == tag).collect();
        for &inst in &sites {
            self.switched.insert((index, inst), on);
        }
        sites.len()
    }

    /// Switches every patchable call of every function.
    pub fn set_all_sites(&mut self, on: bool) {
        for (index, func) in self.store.functions().iter().enumerate() {
            self.switched.extend(patch_sites(func).map(|inst| ((index, inst), on)));
        }
    }

    /// Calls a function and gives what it returns.
    pub fn call(&mut self, name: &ExternalName, args: &[DataValue]) -> Result<Vec<DataValue>, Stop> {
        let bottom = self.memory.stack_mark();
        let result = self.call_and_run(name, args);
        // A stop leaves frames behind.
        self.frames.clear();
        self.memory.pop_stack(bottom);
        result
    }
}

/// The patchable calls of a function.
fn patch_sites(func: &Function) -> impl Iterator<Item = Inst> + '_ {
    let insts = func.layout.blocks().flat_map(|block| func.layout.block_insts(block));
    insts.filter(|&inst| func.dfg.is_patchable(inst))
}

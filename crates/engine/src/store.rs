//! Stores: the state that a group of instances shares.
//!
//! A store owns its instances and all that they refer to until it is dropped.
//! [`StoreOpaque`] is the part that does not depend on the embedder's data;
//! handles ([`crate::Func`], [`crate::Memory`], …) say which store they are of and are
//! used with a borrow of it.

use crate::code::StoreCode;
use crate::debug::{
    BreakpointEdit, DebugContext, DebugEvent, Debugger, InterruptHandle, Interrupts, Resume, Stopped,
};
use crate::instance::InstanceData;
use crate::limits::{self, ResourceLimiter};
use crate::module::Module;
use crate::trap::{ThrownException, WasmBacktrace};
use crate::vm::call::Halt;
use crate::vm::host::Whole;
use crate::vm::memory::PAGE;
use crate::vm::roots::Thread;
use crate::vm::{
    Activation, Arena, Exceptions, FuncRecord, HostContext, HostError, HostFunc, Slot, StoreAddress,
    StoreFields, StoreId, VmMemory, VmPtr, VmTable, VmTag,
};
use crate::vm::{exception, roots};
use crate::{Engine, Error, Result};
use anyhow::{Context as _, bail, ensure};
use sidetrack_artifact::{HeapType, MemoryType, RefType, TableType};
use sidetrack_patch::run::Machine;
use std::any::Any;
use std::cell::UnsafeCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomPinned;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// What is left to say when compiled code is left by a trap that the host asked for.
pub(crate) enum Exit {
    /// A host function failed.
    Host(HostError),
}

/// Bytes of exceptions that are not worth looking whether they can be freed.
const EXCEPTIONS_AT_ONCE: usize = 512 << 10;
/// What part of the bytes of those that are left there must be room for, when these are more.
const LEAST_SHARE: usize = 64;

type Limiter<T> = Box<dyn FnMut(&mut T) -> &mut (dyn ResourceLimiter) + Send + Sync>;

type Handler<T> = Box<dyn FnMut(&mut DebugContext<'_, T>, DebugEvent) -> Result<Resume> + Send + Sync>;

/// A store with the embedder's data.
#[repr(C)]
pub(crate) struct StoreInner<T: 'static> {
    /// The first field: the store's address is its.
    opaque: StoreOpaque,
    limiter: Option<Limiter<T>>,
    handler: Option<Handler<T>>,
    data: T,
}

/// What can be asked of a store whose type of data is not known.
pub(crate) trait StoreDyn {
    fn limiter(&mut self) -> Option<&mut dyn ResourceLimiter>;
    /// Whether there is a debug handler that is not at work.
    fn is_debugged(&self) -> bool;
    /// Tells the debug handler; see [`DebugEvent::unheard`] for what is answered if there is
    /// none, or if it is what runs the code.
    fn debug_event(&mut self, event: DebugEvent, stop: &Stopped<'_>) -> Result<Resume>;
}

impl<T: 'static> StoreDyn for StoreInner<T> {
    fn limiter(&mut self) -> Option<&mut dyn ResourceLimiter> {
        let limiter = self.limiter.as_mut()?;
        Some(limiter(&mut self.data))
    }

    fn is_debugged(&self) -> bool {
        self.handler.is_some()
    }

    fn debug_event(&mut self, event: DebugEvent, stop: &Stopped<'_>) -> Result<Resume> {
        let Some(mut handler) = self.handler.take() else { return event.unheard() };
        let mut tell = || handler(&mut DebugContext::new(StoreContextMut::new(self), stop), event);
        let answer = catch_unwind(AssertUnwindSafe(&mut tell));
        if self.handler.is_none() {
            self.handler = Some(handler);
        }
        answer.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// The part of a store that does not depend on the embedder's data.
pub struct StoreOpaque {
    id: StoreId,
    engine: Engine,
    /// This store as a whole.
    whole: Whole,
    fields: Box<UnsafeCell<StoreFields>>,
    machine: Box<Machine>,
    // The order of the fields is the order in which they are dropped.
    instances: Arena<InstanceData>,
    hosts: Arena<HostContext>,
    memories: Arena<VmMemory>,
    tables: Arena<VmTable>,
    globals: Arena<Slot>,
    tags: Arena<VmTag>,
    exceptions: Exceptions,
    externs: Vec<Box<dyn Any + Send + Sync>>,
    /// The instances by the addresses of their contexts.
    contexts: BTreeMap<u64, VmPtr<InstanceData>>,
    /// The code of the instances' modules, by its address.
    codes: BTreeMap<usize, StoreCode>,
    /// The address of a module's code, by the module's key.
    bases: HashMap<usize, usize>,
    exit: Option<Exit>,
    /// Where the exception comes from that a host function threw last, if that is known.
    thrown_at: Option<WasmBacktrace>,
    debugger: Box<Debugger>,
    interrupts: Arc<Interrupts>,
    /// How many calls from the host are under way.
    depth: usize,
    /// Where the code stopped that is around the one that runs, outermost first.
    outer: Vec<Halt>,
    /// Where the calls are that are under way, outermost first.
    activations: Vec<Activation>,
    /// Where the code has stopped, if in a hook.
    stopped_at: Option<Halt>,
    native_limit: usize,
    /// Instances and host functions have the store's address, and what code calls goes by that
    /// while whoever called the code holds a mutable borrow: the compiler must not take
    /// such a borrow of a store for the only way to it, and does not if a type is pinned.
    _pointed_to: PhantomPinned,
}

impl StoreOpaque {
    fn new(engine: &Engine) -> Result<Self> {
        let id = StoreId::new();
        let config = engine.config();
        let machine = Machine::new(engine.compiler().architecture(), config.max_wasm_stack_bytes())?;
        Ok(StoreOpaque {
            id,
            engine: engine.clone(),
            whole: Whole::unknown(),
            fields: StoreFields::new(),
            machine: Box::new(machine),
            instances: Arena::new(id),
            hosts: Arena::new(id),
            memories: Arena::new(id),
            tables: Arena::new(id),
            globals: Arena::new(id),
            tags: Arena::new(id),
            exceptions: Exceptions::default(),
            externs: Vec::new(),
            contexts: BTreeMap::new(),
            codes: BTreeMap::new(),
            bases: HashMap::new(),
            exit: None,
            thrown_at: None,
            debugger: Box::default(),
            interrupts: Arc::default(),
            depth: 0,
            outer: Vec::new(),
            activations: Vec::new(),
            stopped_at: None,
            native_limit: 0,
            _pointed_to: PhantomPinned,
        })
    }

    pub(crate) fn id(&self) -> StoreId {
        self.id
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store's address, with the right to the whole of it.
    pub(crate) fn address(&self) -> StoreAddress {
        self.whole.address()
    }

    pub(crate) fn whole(&self) -> &Whole {
        &self.whole
    }

    pub(crate) fn fields(&self) -> &UnsafeCell<StoreFields> {
        &self.fields
    }

    pub(crate) fn machine(&self) -> *const Machine {
        &raw const *self.machine
    }

    // Calls.

    /// How many calls from the host are under way.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Another call begins while the code around it, if any, has stopped at `outer`. `top` is
    /// an address in the frame of the host that calls.
    pub(crate) fn enter(&mut self, outer: Option<Halt>, thread: Thread, top: usize) {
        self.depth += 1;
        if let Some(activation) = self.activations.last_mut() {
            activation.low = outer.and_then(|halt| halt.low).unwrap_or(activation.top);
        }
        self.outer.extend(outer);
        self.activations.push(Activation { thread, top, low: top });
    }

    /// The call that was entered last is over.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
        // The outermost call has nothing around it.
        self.outer.truncate(self.depth.saturating_sub(1));
        self.activations.pop();
    }

    /// The calls that are under way, outermost first.
    pub(crate) fn activations(&self) -> &[Activation] {
        &self.activations
    }

    /// Where the code stopped that is around the one that runs, outermost first.
    pub(crate) fn outer(&self) -> &[Halt] {
        &self.outer
    }

    /// Where the code has stopped, if in a hook.
    pub(crate) fn stopped_at(&self) -> Option<Halt> {
        self.stopped_at
    }

    /// Says whether the code has stopped in a hook, and where; returns what was said before.
    pub(crate) fn stop_at(&mut self, stopped_at: Option<Halt>) -> Option<Halt> {
        std::mem::replace(&mut self.stopped_at, stopped_at)
    }

    /// The lowest stack pointer that the host may call code with.
    pub(crate) fn native_limit(&self) -> usize {
        self.native_limit
    }

    /// Sets that; returns what it was.
    pub(crate) fn set_native_limit(&mut self, limit: usize) -> usize {
        std::mem::replace(&mut self.native_limit, limit)
    }

    pub(crate) fn set_exit(&mut self, exit: Exit) {
        self.exit = Some(exit);
    }

    pub(crate) fn take_exit(&mut self) -> Option<Exit> {
        self.exit.take()
    }

    /// Where the exception comes from that a host function throws now, if its error says so.
    pub(crate) fn set_thrown_at(&mut self, backtrace: Option<WasmBacktrace>) {
        self.thrown_at = backtrace;
    }

    pub(crate) fn take_thrown_at(&mut self) -> Option<WasmBacktrace> {
        self.thrown_at.take()
    }

    // What instances refer to.

    pub(crate) fn push_instance(&mut self, instance: InstanceData) -> Result<VmPtr<InstanceData>> {
        let limit = Whole::limiter(self, |limiter| limiter.instances());
        ensure!(
            self.instances.len() < limit.unwrap_or(usize::MAX),
            "the store's limit of instances is reached"
        );
        let context = instance.context().address().as_ptr() as u64;
        let instance = self.instances.push(instance);
        self.contexts.insert(context, instance);
        Ok(instance)
    }

    /// The context that begins at an address or nearest below it, and whose it is.
    pub(crate) fn context_below(&self, address: u64) -> Option<(u64, VmPtr<InstanceData>)> {
        self.contexts.range(..=address).next_back().map(|(start, instance)| (*start, *instance))
    }

    /// The records of host functions.
    pub(crate) fn host_records(&self) -> impl Iterator<Item = VmPtr<FuncRecord>> + '_ {
        self.hosts.iter().map(HostContext::record)
    }

    /// Loads a module's code for this store, if it is not yet; returns its address. Code
    /// that has sites is a copy of the store's own, so that what is switched here no other
    /// store sees.
    pub(crate) fn load_code(&mut self, module: &Module) -> Result<usize> {
        if let Some(&base) = self.bases.get(&module.key()) {
            return Ok(base);
        }
        let code = StoreCode::new(module)?;
        let base = code.base();
        self.interrupts.add(&code);
        self.bases.insert(module.key(), base);
        self.codes.insert(base, code);
        if self.debugger.catches() {
            self.arm_throws(module)?;
        }
        Ok(base)
    }

    /// A module's code in this store, which is loaded if it is not yet.
    pub(crate) fn code_of(&mut self, module: &Module) -> Result<&StoreCode> {
        let base = self.load_code(module)?;
        Ok(&self.codes[&base])
    }

    /// The address of a module's code in this store, if it has instances here.
    pub(crate) fn base_of(&self, module: &Module) -> Option<usize> {
        self.bases.get(&module.key()).copied()
    }

    /// The modules with instances here.
    pub(crate) fn loaded_modules(&self) -> Vec<Module> {
        self.codes.values().map(|code| code.module().clone()).collect()
    }

    /// The code that includes the address, among those of modules with instances here.
    pub(crate) fn code_at(&self, pc: usize) -> Option<&StoreCode> {
        let (_, code) = self.codes.range(..=pc).next_back()?;
        code.contains(pc).then_some(code)
    }

    pub(crate) fn debugger_mut(&mut self) -> &mut Debugger {
        &mut self.debugger
    }

    pub(crate) fn interrupts(&self) -> &Arc<Interrupts> {
        &self.interrupts
    }

    /// All instances, oldest first.
    pub(crate) fn instances(&self) -> impl Iterator<Item = VmPtr<InstanceData>> + '_ {
        self.instances.iter()
    }

    pub(crate) fn push_host(&mut self, context: HostContext) -> VmPtr<HostContext> {
        self.hosts.push(context)
    }

    /// A new memory of the type's initial size.
    pub(crate) fn push_memory(&mut self, ty: MemoryType) -> Result<VmPtr<VmMemory>> {
        let bytes = ty.limits.min.saturating_mul(PAGE);
        let max = ty.limits.max.map(|max| max.saturating_mul(PAGE) as usize);
        let count = self.memories.len();
        let allowed = Whole::limiter(self, |limiter| {
            ensure!(count < limiter.memories(), "the store's limit of memories is reached");
            limiter.memory_growing(0, bytes as usize, max)
        });
        if !allowed.transpose()?.unwrap_or(true) {
            bail!("the store's limit refuses a memory of {bytes} bytes");
        }
        let memory = VmMemory::new(ty, self.engine.config().is_native());
        let memory = memory.with_context(|| format!("cannot make a memory of {} pages", ty.limits.min))?;
        Ok(self.memories.push(memory))
    }

    /// Grows a memory by `delta` pages if it may; returns the previous size in pages, none if
    /// it does not grow.
    ///
    /// # Errors
    /// The limiter's.
    pub(crate) fn grow_memory(&mut self, memory: VmPtr<VmMemory>, delta: u64) -> Result<Option<u64>> {
        let data = memory.get(self);
        let (now, max) = (data.pages(), data.max_pages());
        let wanted = now.checked_add(delta);
        let desired = wanted.unwrap_or(u64::MAX).saturating_mul(PAGE) as usize;
        let max_bytes = data.ty().limits.max.map(|_| (max * PAGE) as usize);
        let allowed =
            Whole::limiter(self, |limiter| limiter.memory_growing((now * PAGE) as usize, desired, max_bytes));
        let grown = if allowed.unwrap_or(Ok(true))? { memory.get_mut(self).grow(delta) } else { None };
        if grown.is_none() {
            Whole::limiter(self, |limiter| limiter.memory_grow_failed());
        }
        Ok(grown)
    }

    /// A new table of the type's initial size, filled with `element`.
    pub(crate) fn push_table(&mut self, ty: TableType, element: u64) -> Result<VmPtr<VmTable>> {
        let count = self.tables.len();
        let (min, max) = (ty.limits.min as usize, ty.limits.max.map(|max| max as usize));
        let allowed = Whole::limiter(self, |limiter| {
            ensure!(count < limiter.tables(), "the store's limit of tables is reached");
            limiter.table_growing(0, min, max)
        });
        if !allowed.transpose()?.unwrap_or(true) {
            bail!("the store's limit refuses a table of {min} elements");
        }
        let table = VmTable::new(ty, element);
        Ok(self.tables.push(table.with_context(|| format!("cannot make a table of {min} elements"))?))
    }

    /// Grows a table by `delta` elements if it may; returns the previous length, none if it
    /// does not grow.
    ///
    /// # Errors
    /// The limiter's.
    pub(crate) fn grow_table(
        &mut self,
        table: VmPtr<VmTable>,
        delta: u64,
        element: u64,
    ) -> Result<Option<u64>> {
        let data = table.get(self);
        let (now, max) = (data.elements().len(), data.ty().limits.max.map(|max| max as usize));
        let desired = (now as u64).saturating_add(delta) as usize;
        let allowed = Whole::limiter(self, |limiter| limiter.table_growing(now, desired, max));
        let grown = match allowed.unwrap_or(Ok(true))? {
            true => table.get_mut(self).grow(delta, element),
            false => None,
        };
        if grown.is_none() {
            Whole::limiter(self, |limiter| limiter.table_grow_failed());
        }
        Ok(grown)
    }

    pub(crate) fn push_global(&mut self, value: Slot) -> VmPtr<Slot> {
        self.globals.push(value)
    }

    pub(crate) fn push_tag(&mut self, tag: VmTag) -> VmPtr<VmTag> {
        self.tags.push(tag)
    }

    pub(crate) fn exceptions(&self) -> &Exceptions {
        &self.exceptions
    }

    pub(crate) fn exceptions_mut(&mut self) -> &mut Exceptions {
        &mut self.exceptions
    }

    /// A new exception with this tag; returns the reference to it.
    ///
    /// # Errors
    /// If the limiter refuses or there is no memory.
    pub(crate) fn new_exception(&mut self, tag: VmPtr<VmTag>) -> Result<u64> {
        let count = tag.get(self).ty.params.len();
        if self.exceptions.bytes() + exception::size_with(count) > self.exceptions.granted() {
            roots::collect(self);
            self.grant_exceptions(exception::size_with(count))?;
        }
        self.exceptions.make(tag, count)
    }

    /// Lets exceptions take so many more bytes than those that are left do: if the limiter
    /// agrees, as many again, and at least a [`LEAST_SHARE`] of them, so that what can be freed is
    /// not looked for at every throw when little can.
    fn grant_exceptions(&mut self, more: usize) -> Result<()> {
        let now = self.exceptions.bytes();
        let needed = now + more;
        let shares = [8, 16, 32, LEAST_SHARE].map(|share| needed + needed / share);
        let exactly = (needed <= EXCEPTIONS_AT_ONCE).then_some(needed);
        for wanted in [needed.max(EXCEPTIONS_AT_ONCE) * 2].into_iter().chain(shares).chain(exactly) {
            let allowed = Whole::limiter(self, |limiter| limiter.exceptions_growing(now, wanted));
            if allowed.unwrap_or(Ok(wanted <= limits::DEFAULT_EXCEPTION_BYTES))? {
                self.exceptions.grant(wanted);
                return Ok(());
            }
        }
        self.exceptions.grant(now);
        bail!("the store's limit refuses {needed} bytes of exceptions")
    }

    /// Calls `each` with every word of tables, globals and segments that may be a reference to an
    /// exception.
    pub(crate) fn reference_words(&self, each: &mut dyn FnMut(u64)) {
        let is_exception = |ty: RefType| matches!(ty.heap, HeapType::Exn | HeapType::NoExn);
        for table in self.tables.iter().map(|table| table.get(self)) {
            if is_exception(table.ty().element) {
                table.elements().iter().for_each(|word| each(*word));
            }
        }
        self.globals.iter().for_each(|global| each(global.get(self).u64()));
        for instance in self.instances.iter() {
            instance.get(self).reference_words(self, is_exception, each);
        }
    }

    /// The exception that an error of a host function stands for, if it is one of this store's.
    pub(crate) fn thrown_by(&self, error: &Error) -> Option<u64> {
        error.downcast_ref::<ThrownException>()?.exception().raw(self).ok()
    }

    /// Keeps a host object; returns its handle, which is never 0.
    pub(crate) fn push_extern(&mut self, object: Box<dyn Any + Send + Sync>) -> u64 {
        self.externs.push(object);
        self.externs.len() as u64
    }

    pub(crate) fn extern_object(&self, handle: u64) -> Option<&(dyn Any + Send + Sync)> {
        Some(&**self.externs.get((handle as usize).checked_sub(1)?)?)
    }

    /// A record of a host function that is no instance's import.
    pub(crate) fn host_record(&mut self, func: &Arc<HostFunc>) -> VmPtr<FuncRecord> {
        let type_id = self.engine.type_id(func.ty());
        HostContext::create(self, None, func.clone(), std::ptr::null(), type_id)
    }

    /// Sees to it that compiled code can call through the record.
    pub(crate) fn make_callable(&mut self, record: VmPtr<FuncRecord>) -> Result<()> {
        if crate::vm::host::callable(self, record) {
            return Ok(());
        }
        let func = crate::vm::host::host_func(self, record);
        let func = func.ok_or_else(|| anyhow::anyhow!("a function without code"))?;
        let code = self.engine.exit_stub(func.ty())?;
        crate::vm::host::set_code(self, record, code);
        Ok(())
    }
}

impl Drop for StoreOpaque {
    fn drop(&mut self) {
        // Whoever still has a handle has nothing to interrupt.
        self.interrupts.close();
    }
}

/// A collection of instances with the embedder's data.
///
/// ```
/// use sidetrack_engine::{Engine, Store};
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, 7);
/// *store.data_mut() += 1;
/// assert_eq!(*store.data(), 8);
/// ```
pub struct Store<T: 'static> {
    inner: Box<StoreInner<T>>,
}

impl<T: fmt::Debug> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("data", &self.inner.data).finish_non_exhaustive()
    }
}

impl<T: 'static> Store<T> {
    /// An empty store.
    ///
    /// # Panics
    /// If the engine's code cannot run here; see [`Store::try_new`].
    pub fn new(engine: &Engine, data: T) -> Self {
        Self::try_new(engine, data).expect("the engine's code runs on this host")
    }

    /// An empty store.
    ///
    /// # Errors
    /// If the engine's target is not this machine's, or there is no memory for an interpreter.
    pub fn try_new(engine: &Engine, data: T) -> Result<Self> {
        let opaque = StoreOpaque::new(engine)?;
        let mut inner = Box::new(StoreInner { opaque, limiter: None, handler: None, data });
        inner.opaque.whole = Whole::of(&mut *inner);
        if engine.config().arm_sites {
            inner.opaque.interrupts.watch();
        }
        Ok(Store { inner })
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.inner.data
    }

    /// The embedder's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.inner.data
    }

    /// The engine of this store.
    pub fn engine(&self) -> &Engine {
        &self.inner.opaque.engine
    }

    /// Drops everything and returns the data.
    pub fn into_data(self) -> T {
        let StoreInner { data, .. } = *self.inner;
        data
    }

    /// Lets the limiter that the function finds in the data decide how far memories
    /// and tables grow and how many there are.
    pub fn limiter(
        &mut self,
        limiter: impl FnMut(&mut T) -> &mut (dyn ResourceLimiter) + Send + Sync + 'static,
    ) {
        self.inner.limiter = Some(Box::new(limiter));
    }
}

/// Debugging.
impl<T: 'static> Store<T> {
    /// Says who is asked at each stop of the program. What the handler returns as an
    /// error ends the call under way with it. Inside the handler other functions may
    /// be called, which stop nowhere.
    pub fn debug_handler(
        &mut self,
        handler: impl FnMut(&mut DebugContext<'_, T>, DebugEvent) -> Result<Resume> + Send + Sync + 'static,
    ) {
        self.inner.handler = Some(Box::new(handler));
    }

    /// Takes the debug handler away and all breakpoints with it: the program runs on as if
    /// nobody had debugged it.
    ///
    /// # Errors
    /// If the system refuses to change code.
    pub fn remove_debugger(&mut self) -> Result<()> {
        self.inner.handler = None;
        let mut edit = self.edit_breakpoints();
        edit.clear();
        edit.commit()?;
        self.inner.opaque.end_steps()
    }

    /// Adds a breakpoint at a wasm pc, or at the next operator of its function if none
    /// begins there; returns the pc of the operator. The same place may have several.
    ///
    /// # Errors
    /// If the pc is in no function, or control never comes to the operator; if the
    /// module was compiled without sites.
    pub fn add_breakpoint(&mut self, module: &Module, pc: u32) -> Result<u32> {
        self.inner.opaque.add_breakpoint(module, pc)
    }

    /// Takes a breakpoint away that was added with the same pc.
    ///
    /// # Errors
    /// If there is none.
    pub fn remove_breakpoint(&mut self, module: &Module, pc: u32) -> Result<()> {
        self.inner.opaque.remove_breakpoint(module, pc)
    }

    /// Adds breakpoints and takes them away together, which costs far less than one by one.
    pub fn edit_breakpoints(&mut self) -> BreakpointEdit<'_> {
        BreakpointEdit::new(&mut self.inner.opaque)
    }

    /// Lets the handler hear of every exception before it is thrown, in all modules of
    /// the store and those that come, or not any more.
    ///
    /// # Errors
    /// If the system refuses to change code.
    pub fn catch_exceptions(&mut self, catches: bool) -> Result<()> {
        self.inner.opaque.catch_exceptions(catches)
    }

    /// How many sites of a module are on in this store's code; with none, native code is
    /// what it was when it was compiled.
    pub fn sites_on(&self, module: &Module) -> usize {
        let base = self.inner.opaque.base_of(module);
        let code = base.and_then(|base| self.inner.opaque.code_at(base));
        code.map_or(0, |code| code.memory().count_on())
    }

    /// Stops before the first operator of the next function that is called.
    pub fn stop_at_entry(&mut self) {
        self.inner.opaque.debugger.stop_at_entry();
    }

    /// What stops the program from other threads.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        if !self.engine().config().is_native() {
            self.inner.opaque.interrupts.watch();
        }
        InterruptHandle(Arc::downgrade(&self.inner.opaque.interrupts))
    }
}

/// A borrow of a store.
pub struct StoreContext<'a, T: 'static>(&'a StoreInner<T>);

impl<T: 'static> Clone for StoreContext<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: 'static> Copy for StoreContext<'_, T> {}

/// A mutable borrow of a store.
pub struct StoreContextMut<'a, T: 'static>(&'a mut StoreInner<T>);

impl<'a, T: 'static> StoreContext<'a, T> {
    /// The embedder's data.
    pub fn data(&self) -> &'a T {
        &self.0.data
    }

    /// The engine of the store.
    pub fn engine(&self) -> &'a Engine {
        &self.0.opaque.engine
    }

    pub(crate) fn opaque(self) -> &'a StoreOpaque {
        &self.0.opaque
    }
}

impl<'a, T: 'static> StoreContextMut<'a, T> {
    pub(crate) fn new(inner: &'a mut StoreInner<T>) -> Self {
        StoreContextMut(inner)
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.0.data
    }

    /// The embedder's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.0.data
    }

    /// The engine of the store.
    pub fn engine(&self) -> &Engine {
        &self.0.opaque.engine
    }

    pub(crate) fn opaque(&mut self) -> &mut StoreOpaque {
        &mut self.0.opaque
    }

    pub(crate) fn into_parts(self) -> (&'a mut StoreOpaque, &'a mut T) {
        (&mut self.0.opaque, &mut self.0.data)
    }

    pub(crate) fn reborrow(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.0)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(store: &'a C) -> Self {
        store.as_context()
    }
}

impl<'a, C: AsContext> From<&'a mut C> for StoreContext<'a, C::Data> {
    fn from(store: &'a mut C) -> Self {
        C::as_context(store)
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(store: &'a mut C) -> Self {
        store.as_context_mut()
    }
}

/// What a store can be borrowed from: a store, a context of it, a [`crate::Caller`].
pub trait AsContext {
    /// The type of the embedder's data.
    type Data: 'static;
    /// The borrow.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What a store can be borrowed mutably from.
pub trait AsContextMut: AsContext {
    /// The borrow.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T: 'static> AsContext for Store<T> {
    type Data = T;
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(&self.inner)
    }
}

impl<T: 'static> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(&mut self.inner)
    }
}

impl<T: 'static> AsContext for StoreContext<'_, T> {
    type Data = T;
    fn as_context(&self) -> StoreContext<'_, T> {
        *self
    }
}

impl<T: 'static> AsContext for StoreContextMut<'_, T> {
    type Data = T;
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T: 'static> AsContextMut for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.0)
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

//! What a debugger can ask while the program is stopped.

use super::armed::{CONTEXT, FIRST_LOCAL};
use super::edit::BreakpointEdit;
use super::instance_env::InstanceEnv;
use super::stop::{Stopped, function_at, outer_frame, outer_state};
use super::touched::{Touched, touched_at};
use super::{Environment, Value, describe};
use crate::global::Global;
use crate::instance::Instance;
use crate::memory::Memory;
use crate::module::Module;
use crate::store::StoreOpaque;
use crate::vm::context;
use crate::vm::hook::{Registers, instance_of};
use crate::{AsContext, AsContextMut, HeapType, Result, StoreContext, StoreContextMut, Val, ValType};
use anyhow::bail;
use std::fmt::Write as _;

/// A function on the stack of a program that is stopped.
#[derive(Clone, Debug)]
pub struct DebugFrame {
    /// Its instance, if that is known.
    pub instance: Option<Instance>,
    /// The module.
    pub module: Module,
    /// Its index in the module.
    pub func: u32,
    /// The wasm pc of the operator that is up, or of the call that is under way.
    pub pc: u32,
    /// The frame pointer, which tells the frame from others.
    pub fp: usize,
    /// The types and values of its locals.
    pub locals: Vec<(ValType, Value)>,
    /// The types and values of its operands, bottom first; those that a call has taken
    /// are gone.
    pub stack: Vec<(ValType, Value)>,
}

/// The stopped program. A store can be borrowed from it: other functions may be
/// called, memories and globals read and written. Writes of the operators between the
/// last site and the stop, which the native code has not done yet, are in the
/// overlay that [`DebugContext::read_memory`] and [`DebugContext::read_global`] see.
pub struct DebugContext<'a, T: 'static> {
    store: StoreContextMut<'a, T>,
    stop: &'a Stopped<'a>,
}

impl<'a, T: 'static> DebugContext<'a, T> {
    pub(crate) fn new(store: StoreContextMut<'a, T>, stop: &'a Stopped<'a>) -> Self {
        DebugContext { store, stop }
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The embedder's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// How the host function failed, at [`super::DebugEvent::HostError`].
    pub fn host_error(&self) -> Option<&crate::Error> {
        self.stop.error
    }

    /// The module of the innermost function.
    pub fn module(&self) -> &Module {
        self.stop.module
    }

    /// The instance of the innermost function.
    pub fn instance(&self) -> Instance {
        Instance::from_vm(self.stop.instance)
    }

    /// The index of the innermost function.
    pub fn func(&self) -> u32 {
        self.stop.func.body().func()
    }

    /// The wasm pc of the operator that is up.
    pub fn pc(&self) -> u32 {
        self.stop.pc()
    }

    /// The frame pointer of the innermost function.
    pub fn fp(&self) -> usize {
        self.stop.frame.fp
    }

    /// Calls `each` with the types and values of the innermost function's locals.
    pub fn for_each_local(&self, mut each: impl FnMut(ValType, Value)) {
        let types = self.stop.func.body().locals();
        let shadow = self.stop.shadow(self.store.as_context().opaque());
        types.iter().zip(shadow.locals()).for_each(|(ty, value)| each(*ty, *value));
    }

    /// Calls `each` with the types and values of the innermost function's operands,
    /// bottom first.
    pub fn for_each_operand(&self, mut each: impl FnMut(ValType, Value)) {
        let types = self.stop.func.body().stack_types(self.stop.op);
        let shadow = self.stop.shadow(self.store.as_context().opaque());
        types.iter().zip(shadow.stack()).for_each(|(ty, value)| each(*ty, *value));
    }

    /// The state before the operator that is up, as a line of a step trace: a JSON object
    /// with the function's index, the wasm pc, locals and operands, see
    /// [`super::describe`]. A function reference is shown by its index in the module that
    /// defines it, an exception by how many the store had made before.
    pub fn trace_line(&mut self) -> String {
        let stop = self.stop;
        let store = &*self.store.opaque();
        let number = |heap: HeapType, raw: u64| reference_number(store, heap, raw);
        let body = stop.func.body();
        let shadow = stop.shadow(store);
        let mut line = format!("{{\"func\":{},\"pc\":{},\"locals\":[", body.func(), stop.pc());
        let list = |line: &mut String, types: &[ValType], values: &[Value]| {
            for (index, (ty, value)) in types.iter().zip(values).enumerate() {
                let comma = if index == 0 { "" } else { "," };
                let _ = write!(line, "{comma}\"{}\"", describe(*value, *ty, number));
            }
        };
        list(&mut line, body.locals(), shadow.locals());
        line.push_str("],\"stack\":[");
        list(&mut line, &body.stack_types(stop.op), shadow.stack());
        line.push_str("]}");
        line
    }

    /// The functions on the stack, innermost first, those of outer activations too.
    ///
    /// # Errors
    /// If a function's bytes cannot be decoded, which validated modules rule out.
    pub fn frames(&mut self) -> Result<Vec<DebugFrame>> {
        let stop = self.stop;
        let mut innermost = DebugFrame {
            instance: Some(Instance::from_vm(stop.instance)),
            module: stop.module.clone(),
            func: stop.func.body().func(),
            pc: stop.pc(),
            fp: stop.frame.fp,
            locals: Vec::new(),
            stack: Vec::new(),
        };
        self.for_each_local(|ty, value| innermost.locals.push((ty, value)));
        self.for_each_operand(|ty, value| innermost.stack.push((ty, value)));
        let store = &*self.store.opaque();
        let mut frames = vec![innermost];
        for frame in stop.frames(store).iter().skip(1) {
            frames.extend(outer(store, stop.registers, frame)?);
        }
        Ok(frames)
    }

    /// The number that a reference which is not null is written as: of a function, its
    /// index in the module that defines it, none for one of the host; of something of the
    /// host, its handle; of an exception, how many were made before it.
    pub fn reference_number(&mut self, heap: HeapType, reference: u64) -> Option<u64> {
        reference_number(self.store.opaque(), heap, reference)
    }

    /// Reads a memory as the operators up to the stop have left it; false, and nothing is
    /// read, if some bytes are outside.
    pub fn read_memory(&mut self, memory: Memory, address: u64, bytes: &mut [u8]) -> bool {
        if memory.read(&self.store, address as usize, bytes).is_err() {
            return false;
        }
        self.stop.shadow(self.store.opaque()).overlay().read(memory.vm().number(), address, bytes);
        true
    }

    /// Writes bytes of a memory.
    ///
    /// # Errors
    /// If some are outside; if the operators between the last site and the stop, which
    /// the native code has not done yet, load or store some of them.
    pub fn write_memory(&mut self, memory: Memory, address: u64, bytes: &[u8]) -> Result<()> {
        let place = Touched::Memory { number: memory.vm().number(), address, len: bytes.len() as u64 };
        self.check_untouched(place)?;
        Ok(memory.write(&mut self.store, usize::try_from(address)?, bytes)?)
    }

    /// Sets a global.
    ///
    /// # Errors
    /// If it is immutable, or the value is not of its type or of another store; if the
    /// operators between the last site and the stop, which the native code has not done
    /// yet, read or write it.
    pub fn write_global(&mut self, global: Global, value: Val) -> Result<()> {
        self.check_untouched(Touched::Global { number: global.vm().number() })?;
        global.set(&mut self.store, value)
    }

    fn check_untouched(&mut self, place: Touched) -> Result<()> {
        if !self.stop.at_site {
            return Ok(());
        }
        let pc = touched_at(self.store.opaque(), self.stop, place)?;
        match pc {
            None => Ok(()),
            Some(pc) => bail!(
                "the operator at {pc:#x} uses it and will be executed again when the program goes on; \
                 step on to the next site first"
            ),
        }
    }

    /// The bits of a global as the operators up to the stop have left it.
    pub fn read_global(&mut self, global: Global) -> u128 {
        let (slot, ty) = (global.vm(), global.global_type().content);
        let store = &*self.store.opaque();
        let written = self.stop.shadow(store).overlay().global(slot.number());
        written.unwrap_or_else(|| slot.get(store).bits(ty))
    }

    /// All instances of the store, also those that export nothing.
    pub fn instances(&mut self) -> Vec<Instance> {
        self.store.opaque().instances().map(Instance::from_vm).collect()
    }

    /// The memories of an instance by index, also those that are not exported.
    pub fn memory(&mut self, instance: Instance, index: u32) -> Option<Memory> {
        let store = &*self.store.opaque();
        instance.vm().get(store).memories().get(index as usize).map(|memory| Memory::from_vm(*memory))
    }

    /// The globals of an instance by index, also those that are not exported.
    pub fn global(&mut self, instance: Instance, index: u32) -> Option<Global> {
        let store = &*self.store.opaque();
        let data = instance.vm().get(store);
        let ty = *data.module().info().globals.get(index as usize)?;
        Some(Global::from_vm(data.global(index), ty))
    }

    /// The bits of an element of a table of the innermost function's instance.
    pub fn table_element(&mut self, table: u32, index: u64) -> Option<u64> {
        let store = &*self.store.opaque();
        let env = InstanceEnv { store, instance: self.stop.instance.get(store) };
        ((table as usize) < env.instance.tables().len())
            .then(|| env.table(table).get(index as usize).copied())
            .flatten()
    }

    /// Adds a breakpoint; see [`crate::Store::add_breakpoint`].
    ///
    /// # Errors
    /// As there.
    pub fn add_breakpoint(&mut self, module: &Module, pc: u32) -> Result<u32> {
        self.store.opaque().add_breakpoint(module, pc)
    }

    /// The sites of a function: for each the wasm pc before which it stands, where it
    /// ends in the code, and whether it is armed. None if the function is imported.
    ///
    /// # Errors
    /// If the function's bytes cannot be decoded, which validated modules rule out.
    pub fn sites(&mut self, module: &Module, func: u32) -> Result<Vec<(u32, u32, bool)>> {
        self.store.opaque().sites_of(module, func)
    }

    /// Takes a breakpoint away; see [`crate::Store::remove_breakpoint`].
    ///
    /// # Errors
    /// As there.
    pub fn remove_breakpoint(&mut self, module: &Module, pc: u32) -> Result<()> {
        self.store.opaque().remove_breakpoint(module, pc)
    }

    /// As [`crate::Store::catch_exceptions`].
    ///
    /// # Errors
    /// As there.
    pub fn catch_exceptions(&mut self, catches: bool) -> Result<()> {
        self.store.opaque().catch_exceptions(catches)
    }

    /// Adds breakpoints and takes them away together.
    pub fn edit_breakpoints(&mut self) -> BreakpointEdit<'_> {
        BreakpointEdit::new(self.store.opaque())
    }
}

fn reference_number(store: &StoreOpaque, heap: HeapType, reference: u64) -> Option<u64> {
    match heap {
        HeapType::Func | HeapType::Concrete(_) | HeapType::NoFunc => {
            let record = context::find_record(store, reference)?;
            let (_, index) = function_at(store, context::code_address(store, record))?;
            Some(index.into())
        }
        HeapType::Extern | HeapType::NoExtern => Some(reference),
        HeapType::Exn | HeapType::NoExn => store.exceptions().number(reference),
    }
}

/// What is known of a function that is stopped in a call.
fn outer(
    store: &StoreOpaque,
    registers: &Registers<'_>,
    frame: &sidetrack_patch::run::Frame,
) -> Result<Option<DebugFrame>> {
    let Some((module, func, op)) = outer_frame(store, frame)? else { return Ok(None) };
    let body = func.body();
    let state = outer_state(store, &func, frame)?;
    let read = |key: u32| state.as_ref()?.read(key, |place| registers.read_outer(frame, place));
    let types = body.locals().iter().zip(FIRST_LOCAL..);
    let locals = types.map(|(ty, key)| (*ty, read(key))).collect();
    let mut operands = body.stack_types(op);
    operands.truncate(operands.len().saturating_sub(body.call_operands(op, module.info())));
    let first = FIRST_LOCAL + body.locals().len() as u32;
    let stack = operands.into_iter().zip(first..).map(|(ty, key)| (ty, read(key))).collect();
    let context = read(CONTEXT).map(|context| context as u64);
    let instance = context.and_then(|context| instance_of(store, context)).map(Instance::from_vm);
    let (func, pc, fp) = (body.func(), body.pc(op), frame.fp);
    Ok(Some(DebugFrame { instance, module, func, pc, fp, locals, stack }))
}

impl<T: 'static> AsContext for DebugContext<'_, T> {
    type Data = T;
    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T: 'static> AsContextMut for DebugContext<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.reborrow()
    }
}

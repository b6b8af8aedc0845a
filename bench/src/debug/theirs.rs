//! Wasmtime's guest debugging, driven from code that is not asynchronous.
//!
//! Its handlers are futures, so its calls have to be, too. Nothing here ever waits,
//! so a future is polled until it is ready.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use wasmtime::{
    Config, DebugEvent, DebugHandler, Engine, Instance, Linker, Module, Store, StoreContextMut, Val,
};

/// What the handler does at a stop besides counting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Nothing.
    Nothing,
    /// Reads the pc and local 0.
    Reads,
}

/// A handler that counts.
#[derive(Clone)]
struct Counter {
    does: Does,
    stops: Arc<AtomicU64>,
}

impl DebugHandler for Counter {
    type Data = ();

    async fn handle(&self, mut store: StoreContextMut<'_, ()>, _: DebugEvent<'_>) {
        self.stops.store(self.stops.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if self.does == Does::Reads {
            let frame = store.debug_exit_frames().next().expect("a stop has a frame");
            let place = frame.wasm_function_index_and_pc(&mut store).expect("the frame is live");
            let local = frame.local(&mut store, 0).expect("there is a local");
            std::hint::black_box((place.expect("a function").1, local));
        }
    }
}

/// The value of a future that never waits for long.
pub fn ready<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// An engine whose programs can be debugged.
pub fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.guest_debug(true);
    Engine::new(&config)
}

/// An instance of a module whose imports trap, with a counter of stops.
pub struct Debugged {
    pub store: Store<()>,
    pub module: Module,
    pub instance: Instance,
    pub stops: Arc<AtomicU64>,
}

impl Debugged {
    /// Of a module of this engine.
    pub fn new(engine: &Engine, module: &Module, does: Does) -> wasmtime::Result<Self> {
        let mut store = Store::new(engine, ());
        let stops = Arc::new(AtomicU64::new(0));
        store.set_debug_handler(Counter { does, stops: stops.clone() });
        let mut linker = Linker::new(engine);
        linker.define_unknown_imports_as_traps(module)?;
        let instance = ready(linker.instantiate_async(&mut store, module))?;
        Ok(Debugged { store, module: module.clone(), instance, stops })
    }

    /// Adds a breakpoint or takes it away.
    pub fn breakpoints(&mut self, pcs: &[u32], add: bool) -> wasmtime::Result<()> {
        let mut edit = self.store.edit_breakpoints().expect("guest debugging is on");
        for &pc in pcs {
            let pc = wasmtime::ModulePC::new(pc);
            if add {
                edit.add_breakpoint(&self.module, pc)?
            } else {
                edit.remove_breakpoint(&self.module, pc)?
            }
        }
        Ok(())
    }

    /// Switches single-step mode.
    pub fn single_step(&mut self, on: bool) -> wasmtime::Result<()> {
        self.store.edit_breakpoints().expect("guest debugging is on").single_step(on)
    }

    /// Calls an export that takes a number; returns how many stops there were.
    pub fn call(&mut self, name: &str, argument: i32) -> wasmtime::Result<u64> {
        let before = self.stops.load(Ordering::Relaxed);
        let func = self.instance.get_func(&mut self.store, name).expect("exported");
        ready(func.call_async(&mut self.store, &[Val::I32(argument)], &mut []))?;
        Ok(self.stops.load(Ordering::Relaxed) - before)
    }
}

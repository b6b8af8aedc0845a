//! A WebAssembly program: what the command line says about it, and running it.
//!
//! Problem: the guest's failures are not ours. Approach: everything before the first
//! instruction of the guest that goes wrong (the module, its imports, what it should be
//! given) is an error of the command; from there on what stops the guest (a trap, an
//! exception that nothing handles, a host function that fails, its own exit) is
//! the guest's. It runs on a thread of its own, whose stack is known.

use super::options::{Directory, Preload, UnknownImports, Variable, bytes, stack};
use super::{input, invoke, limits::MemoryLimit, say};
use sidetrack_engine::{
    Config, Engine, Error, Extern, Func, Instance, Linker, Module, Printable, ReservationError, Store,
    ThrownException, Trap, Val, WasmBacktrace,
};
use sidetrack_wasi::{Exit, Stdio, WasiCtx, WasiCtxBuilder};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How much of the stack the guest may take unless it is told.
const WASM_STACK: usize = 32 << 20;
/// What is left of the stack of its thread for host functions.
const HOST_STACK: usize = 32 << 20;
/// The exit code of a trap: that of a process that aborts, as a shell reports it.
pub const TRAPPED: u8 = 134;

/// What the command line says about a program.
#[derive(clap::Args)]
pub struct Guest {
    /// Give the program a directory, under another name if one is given, and read-only with
    /// `::ro` at the end.
    #[arg(long = "dir", value_name = "HOST[::GUEST][::ro]")]
    directories: Vec<Directory>,
    /// Set a variable of the program's environment, or pass one on that is set here.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    environment: Vec<Variable>,
    /// What the program is told it is called, instead of its file's name.
    #[arg(long, value_name = "NAME")]
    argv0: Option<OsString>,
    /// The function to call instead of the program's start, or of a CLIF file's first function;
    /// several are called in turn, and each takes as many of the ARGS as it has parameters.
    #[arg(long, value_name = "NAME")]
    pub invoke: Vec<String>,
    /// Instantiate another module first, whose exports the program can import from NAME.
    #[arg(long = "preload", value_name = "NAME=FILE")]
    preloads: Vec<Preload>,
    /// What functions that nobody offers do when they are called.
    #[arg(long, value_enum, value_name = "WHAT")]
    unknown_imports: Option<UnknownImports>,
    /// The most memory that the program may have, in bytes or as 64K, 512M, 2G.
    #[arg(long, value_name = "SIZE", value_parser = bytes, allow_negative_numbers = true)]
    max_memory: Option<usize>,
    /// The most stack that it may take, 16K or more; 32M unless told otherwise.
    #[arg(long, value_name = "SIZE", value_parser = stack, allow_negative_numbers = true)]
    max_stack: Option<usize>,
    /// Take a file that was compiled before, whose machine code runs outside of every sandbox.
    #[arg(long)]
    pub allow_precompiled: bool,
    /// A file (`-` for standard input), and the program's or function's arguments.
    #[arg(required = true, value_name = "FILE [ARGS]", trailing_var_arg = true)]
    command: Vec<OsString>,
}

/// What a store has for its guest.
pub struct State {
    wasi: WasiCtx,
    limit: MemoryLimit,
}

/// Why a guest did not come to its end.
pub enum Stop {
    /// Something is wrong before it ran.
    Error(String),
    /// It ended itself, or was stopped.
    Guest(Error),
}

impl Guest {
    /// The program's file.
    pub fn file(&self) -> &Path {
        self.command.first().map_or(Path::new(""), Path::new)
    }

    /// The program's or function's arguments.
    pub fn arguments(&self) -> &[OsString] {
        self.command.get(1..).unwrap_or_default()
    }

    /// A store with what the guest is given of the outside, and this as its standard output.
    ///
    /// # Errors
    /// If a directory cannot be opened, a variable is not set, or a name or argument is not right.
    pub fn store(&self, engine: &Engine, output: Stdio) -> Result<Store<State>, String> {
        let state = State { wasi: self.outside(output)?, limit: MemoryLimit::new(self.max_memory) };
        let mut store = Store::try_new(engine, state).map_err(|error| format!("{error:#}"))?;
        store.limiter(|state| &mut state.limit);
        Ok(store)
    }

    fn outside(&self, output: Stdio) -> Result<WasiCtx, String> {
        let mut builder = WasiCtxBuilder::new();
        builder.inherit_stdio().stdout(output);
        let name = self.argv0.as_deref().or(self.file().file_name());
        builder.arg(name.unwrap_or_default().as_bytes());
        if self.invoke.is_empty() {
            builder.args(self.arguments().iter().map(|arg| arg.as_bytes()));
        }
        for variable in &self.environment {
            builder.env(&variable.name, variable.value()?.as_bytes());
        }
        for directory in &self.directories {
            let Directory { host, guest, access } = directory;
            let opened = builder.preopened_dir(host, guest, *access);
            opened.map_err(|error| Printable::name(&error.to_string()).to_string())?;
        }
        builder.build().map_err(|error| error.to_string())
    }

    /// Instantiates the module, says so, and calls what is to be called; gives the results of
    /// each call to `returned`.
    ///
    /// # Errors
    /// What was wrong or what stopped the guest.
    pub fn enter(
        &self,
        store: &mut Store<State>,
        module: &Module,
        instantiated: impl FnOnce(),
        mut returned: impl FnMut(&[Val]) -> Result<(), String>,
    ) -> Result<(), Stop> {
        let mut linker = Linker::new(store.engine());
        sidetrack_wasi::add_to_linker(&mut linker, |state: &mut State| &mut state.wasi).map_err(wrong)?;
        for preload in &self.preloads {
            self.preload(store, &mut linker, preload)?;
        }
        let instance = self.instantiate(store, &mut linker, module)?;
        instantiated();
        if self.invoke.is_empty() {
            return call_start(store, &instance);
        }
        let calls = calls(store, &instance, &self.invoke, self.arguments()).map_err(Stop::Error)?;
        if self.invoke.iter().all(|name| name != "_initialize") {
            initialize(store, &instance)?;
        }
        for (func, values, results) in calls {
            let mut results = vec![Val::I32(0); results];
            func.call(&mut *store, &values, &mut results).map_err(Stop::Guest)?;
            returned(&results).map_err(Stop::Error)?;
        }
        Ok(())
    }

    /// Makes the exports of another module known.
    fn preload(
        &self,
        store: &mut Store<State>,
        linker: &mut Linker<State>,
        preload: &Preload,
    ) -> Result<(), Stop> {
        let Preload { name, file } = preload;
        let module = input::module(store.engine(), file, self.allow_precompiled).map_err(Stop::Error)?;
        let instance = self.instantiate(store, linker, &module).map_err(|stop| match stop {
            Stop::Error(message) => Stop::Error(format!("{}: {message}", input::name(file))),
            stop => stop,
        })?;
        initialize(store, &instance)?;
        linker.instance(store, name, instance).map_err(wrong)?;
        Ok(())
    }

    fn instantiate(
        &self,
        store: &mut Store<State>,
        linker: &mut Linker<State>,
        module: &Module,
    ) -> Result<Instance, Stop> {
        match self.unknown_imports {
            None => {}
            Some(UnknownImports::Trap) => linker.define_unknown_imports_as_traps(module).map_err(wrong)?,
            Some(UnknownImports::Default) => {
                linker.define_unknown_imports_as_default_values(&mut *store, module).map_err(wrong)?;
            }
        }
        // The start function is the guest's; imports that do not fit are not.
        linker
            .instantiate(&mut *store, module)
            .map_err(|error| if is_guests(&error) { Stop::Guest(error) } else { wrong(error) })
    }

    /// The stack that the guest may take.
    fn wasm_stack(&self) -> usize {
        self.max_stack.unwrap_or(WASM_STACK)
    }

    /// Sets what engines must know.
    pub fn configure<'a>(&self, config: &'a mut Config) -> &'a mut Config {
        config.max_wasm_stack(self.wasm_stack())
    }
}

/// Runs something on a thread with the stack that the guest is promised.
///
/// # Errors
/// If there can be no thread, and what comes of the function.
pub fn on_thread<R: Send + 'static>(
    guest: &Guest,
    run: impl FnOnce() -> Result<R, String> + Send + 'static,
) -> Result<R, String> {
    let stack = guest.wasm_stack().saturating_add(HOST_STACK);
    let thread = std::thread::Builder::new().name("guest".to_string()).stack_size(stack);
    let guest = thread.spawn(run).map_err(|error| {
        format!("there can be no thread with {stack} bytes of stack for the program (--max-stack): {error}")
    })?;
    guest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn wrong(error: Error) -> Stop {
    let reservation = error.downcast_ref::<ReservationError>();
    // Only machine code wants so much for a memory, to check no access.
    let hint = match reservation.is_some_and(|reservation| reservation.bytes > 4 << 30) {
        true => "; --target pulley64 does with less",
        false => "",
    };
    Stop::Error(format!("{error:#}{hint}"))
}

/// Whether an error of instantiation is one of code that ran.
fn is_guests(error: &Error) -> bool {
    error.downcast_ref::<Trap>().is_some()
        || error.downcast_ref::<Exit>().is_some()
        || error.downcast_ref::<ThrownException>().is_some()
        || error.downcast_ref::<WasmBacktrace>().is_some()
}

fn export(store: &mut Store<State>, instance: &Instance, name: &str) -> Option<Func> {
    match instance.get_export(store, name) {
        Some(Extern::Func(func)) => Some(func),
        _ => None,
    }
}

fn call_start(store: &mut Store<State>, instance: &Instance) -> Result<(), Stop> {
    let start = export(store, instance, "_start").ok_or_else(|| {
        Stop::Error("the module exports no function `_start`; --invoke calls another one".to_string())
    })?;
    let start =
        start.typed::<(), ()>(&*store).map_err(|error| Stop::Error(format!("`_start`: {error:#}")))?;
    start.call(store, ()).map_err(Stop::Guest)
}

/// Initialises a library.
fn initialize(store: &mut Store<State>, instance: &Instance) -> Result<(), Stop> {
    let Some(initialize) = export(store, instance, "_initialize") else { return Ok(()) };
    let initialize = initialize
        .typed::<(), ()>(&*store)
        .map_err(|error| Stop::Error(format!("`_initialize`: {error:#}")))?;
    initialize.call(store, ()).map_err(Stop::Guest)
}

/// The functions to call, each with its arguments and the number of its results.
fn calls(
    store: &mut Store<State>,
    instance: &Instance,
    names: &[String],
    mut texts: &[OsString],
) -> Result<Vec<(Func, Vec<Val>, usize)>, String> {
    let mut calls = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let func = export(store, instance, name)
            .ok_or_else(|| format!("the module exports no function `{}`", Printable::name(name)))?;
        let ty = func.ty(&*store);
        // What is too much is told of the last one.
        let last = number + 1 == names.len();
        let count = if last { texts.len() } else { ty.params.len().min(texts.len()) };
        let (own, rest) = texts.split_at(count);
        calls.push((func, invoke::arguments(name, &ty, own)?, ty.results.len()));
        texts = rest;
    }
    Ok(calls)
}

/// Says where a guest was stopped, if it was in a function.
pub fn say_where(error: &Error) {
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>()
        && !backtrace.frames().is_empty()
    {
        say(backtrace);
    }
}

/// What stopped a guest, on one line.
pub fn describe(error: &Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

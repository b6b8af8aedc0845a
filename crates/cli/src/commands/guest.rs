//! A WebAssembly program: what the command line says about it, and running it.
//!
//! Problem: the guest's failures are not ours. Approach: everything before the first
//! instruction of the guest that goes wrong (the module, its imports, what it should be
//! given) is an error of the command; from there on what stops the guest (a trap, an
//! exception that nothing handles, a host function that fails, its own exit) is
//! the guest's. It runs on a thread of its own, whose stack is known.

use super::invoke;
use sidetrack_engine::{
    Config, Error, Extern, Func, Instance, Linker, Module, Store, ThrownException, Trap, Val, WasmBacktrace,
};
use sidetrack_wasi::{DirAccess, Exit, Stdio, WasiCtx, WasiCtxBuilder};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The stack of the guest's thread.
const THREAD_STACK: usize = 64 << 20;
/// How much of it the guest may take; the rest is for host functions.
const WASM_STACK: usize = 32 << 20;
/// The exit code of a trap: that of a process that aborts, as a shell reports it.
pub const TRAPPED: u8 = 134;

/// What the command line says about a program.
#[derive(clap::Args)]
pub struct Guest {
    /// Give the program a directory, under another name if one is given.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    directories: Vec<String>,
    /// Set a variable of the program's environment.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,
    /// The function to call instead of the program's start, or of a CLIF file's first function.
    #[arg(long, value_name = "NAME")]
    pub invoke: Option<String>,
    /// A file, and the program's or function's arguments.
    #[arg(required = true, value_name = "FILE [ARGS]", trailing_var_arg = true)]
    command: Vec<OsString>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_string(), value.to_string()))
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

    /// What the guest is given of the outside, with this as its standard output.
    ///
    /// # Errors
    /// If a directory cannot be opened, or a name or argument is not right.
    pub fn outside(&self, output: Stdio) -> Result<WasiCtx, String> {
        let mut builder = WasiCtxBuilder::new();
        builder.inherit_stdio().stdout(output);
        builder.arg(self.file().file_name().unwrap_or_default().as_bytes());
        if self.invoke.is_none() {
            builder.args(self.arguments().iter().map(|arg| arg.as_bytes()));
        }
        builder.envs(self.environment.iter().map(|(name, value)| (name, value)));
        for directory in &self.directories {
            let (host, guest) = directory.split_once("::").unwrap_or((directory, directory));
            builder.preopened_dir(host, guest, DirAccess::ReadWrite).map_err(|error| error.to_string())?;
        }
        builder.build().map_err(|error| error.to_string())
    }

    /// Instantiates the module, says so, and calls what is to be called; returns its results.
    ///
    /// # Errors
    /// What was wrong or what stopped the guest.
    pub fn enter(
        &self,
        store: &mut Store<WasiCtx>,
        module: &Module,
        instantiated: impl FnOnce(),
    ) -> Result<Vec<Val>, Stop> {
        let wrong = |error: Error| Stop::Error(format!("{error:#}"));
        let mut linker = Linker::new(store.engine());
        sidetrack_wasi::add_to_linker(&mut linker, |wasi: &mut WasiCtx| wasi).map_err(wrong)?;
        // The start function is the guest's; imports that do not fit are not.
        let instance = linker
            .instantiate(&mut *store, module)
            .map_err(|error| if is_guests(&error) { Stop::Guest(error) } else { wrong(error) })?;
        instantiated();
        match &self.invoke {
            None => call_start(store, &instance).map(|()| Vec::new()),
            Some(name) => call(store, &instance, name, self.arguments()),
        }
    }
}

/// Runs something on a thread with the stack that guests are promised.
///
/// # Errors
/// If there can be no thread, and what comes of the function.
pub fn on_thread<R: Send + 'static>(
    run: impl FnOnce() -> Result<R, String> + Send + 'static,
) -> Result<R, String> {
    let thread = std::thread::Builder::new().name("guest".to_string()).stack_size(THREAD_STACK);
    let guest = thread.spawn(run).map_err(|error| format!("a thread for the guest: {error}"))?;
    guest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Sets the stack that a guest may take on such a thread.
pub fn with_stack(config: &mut Config) -> &mut Config {
    config.max_wasm_stack(WASM_STACK)
}

/// Whether an error of instantiation is one of code that ran.
fn is_guests(error: &Error) -> bool {
    error.downcast_ref::<Trap>().is_some()
        || error.downcast_ref::<Exit>().is_some()
        || error.downcast_ref::<ThrownException>().is_some()
        || error.downcast_ref::<WasmBacktrace>().is_some()
}

fn export(store: &mut Store<WasiCtx>, instance: &Instance, name: &str) -> Option<Func> {
    match instance.get_export(store, name) {
        Some(Extern::Func(func)) => Some(func),
        _ => None,
    }
}

fn call_start(store: &mut Store<WasiCtx>, instance: &Instance) -> Result<(), Stop> {
    let start = export(store, instance, "_start").ok_or_else(|| {
        Stop::Error("the module exports no function `_start`; --invoke calls another one".to_string())
    })?;
    let start =
        start.typed::<(), ()>(&*store).map_err(|error| Stop::Error(format!("`_start`: {error:#}")))?;
    start.call(store, ()).map_err(Stop::Guest)
}

fn call(
    store: &mut Store<WasiCtx>,
    instance: &Instance,
    name: &str,
    texts: &[OsString],
) -> Result<Vec<Val>, Stop> {
    let func = export(store, instance, name)
        .ok_or_else(|| Stop::Error(format!("the module exports no function `{name}`")))?;
    let ty = func.ty(&*store);
    let values = invoke::arguments(name, &ty, texts).map_err(Stop::Error)?;
    if let Some(initialize) = export(store, instance, "_initialize").filter(|_| name != "_initialize") {
        initialize.call(&mut *store, &[], &mut []).map_err(Stop::Guest)?;
    }
    let mut results = vec![Val::I32(0); ty.results.len()];
    func.call(&mut *store, &values, &mut results).map_err(Stop::Guest)?;
    Ok(results)
}

/// What stopped a guest, on one line.
pub fn describe(error: &Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

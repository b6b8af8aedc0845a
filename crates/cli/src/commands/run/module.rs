//! Running a WebAssembly module.
//!
//! Problem: the guest's failures are not ours. Approach: everything before the first
//! instruction of the guest that goes wrong (the module, its imports, what it should be
//! given) is an error of the command, exit code 1; from there on the guest's exit code
//! is ours, and what stops it (a trap, an exception that nothing handles, a host
//! function that fails) is printed with its backtrace and is 134. The guest runs on a
//! thread of its own, whose stack is known.

use super::{Args, invoke};
use crate::commands::progress::Progress;
use crate::commands::{input, print};
use sidetrack_engine::{
    Engine, Error, Extern, Func, Instance, Linker, Module, Store, ThrownException, Trap, Val, WasmBacktrace,
};
use sidetrack_wasi::{DirAccess, Exit, WasiCtx, WasiCtxBuilder};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The stack of the guest's thread.
const THREAD_STACK: usize = 64 << 20;
/// How much of it the guest may take; the rest is for host functions.
const WASM_STACK: usize = 32 << 20;
/// The exit code of a trap: that of a process that aborts, as a shell reports it.
const TRAPPED: u8 = 134;

/// How long things took, and what else `--time` prints.
#[derive(Default)]
struct Times {
    compile: Duration,
    instantiate: Duration,
    run: Duration,
}

/// Why the guest did not come to its end.
enum Stop {
    /// Something is wrong before it ran.
    Error(String),
    /// It ended itself, or was stopped.
    Guest(Error),
}

/// Runs the module.
///
/// # Errors
/// What is wrong before the guest runs.
pub fn run(args: Args, bytes: Vec<u8>, compiled: bool) -> Result<ExitCode, String> {
    let thread = std::thread::Builder::new().name("guest".to_string()).stack_size(THREAD_STACK);
    let guest = thread
        .spawn(move || run_here(&args, &bytes, compiled))
        .map_err(|error| format!("a thread for the guest: {error}"))?;
    match guest.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn run_here(args: &Args, bytes: &[u8], compiled: bool) -> Result<ExitCode, String> {
    let file = args.file().display();
    let cache = if compiled { None } else { cache_folder(args) };
    let mut config = args.target.config()?;
    config.max_wasm_stack(WASM_STACK).cache_dir(cache.clone());
    let progress = Progress::show(&mut config);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let wasi = outside(args)?;

    let mut times = Times::default();
    let start = Instant::now();
    let module = input::load(&engine, args.file(), bytes, compiled)?;
    times.compile = start.elapsed();
    drop(progress);
    if let Some(error) = module.cache_error() {
        // A folder that was asked for must do its work; another one is a convenience.
        match &args.cache {
            Some(_) => return Err(error.to_string()),
            None => eprintln!("warning: the compiled module is not kept: {error}"),
        }
    }

    let mut store = Store::new(&engine, wasi);
    let result = enter(args, &mut store, &module, &mut times);
    if args.time {
        let cached = match cache {
            None => "off",
            Some(_) if module.is_cached() => "hit",
            Some(_) => "miss",
        };
        eprintln!("{}", report(&module, &times, cached));
    }
    let error = match result {
        Ok(results) => {
            print(&results)?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(Stop::Error(message)) => return Err(format!("{file}: {message}")),
        Err(Stop::Guest(error)) => error,
    };
    if let Some(Exit(code)) = error.downcast_ref::<Exit>() {
        // As the system does it: the low eight bits.
        return Ok(ExitCode::from(*code as u8));
    }
    eprintln!("error: {file}: {}", describe(&error));
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        eprintln!("{backtrace}");
    }
    Ok(ExitCode::from(TRAPPED))
}

/// The folder of compiled modules: the one given, or this user's.
fn cache_folder(args: &Args) -> Option<PathBuf> {
    if args.no_cache {
        return None;
    }
    let user = || {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
        base.map(|base| base.join("sidetrack"))
    };
    args.cache.clone().or_else(user)
}

/// What the guest is given.
fn outside(args: &Args) -> Result<WasiCtx, String> {
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdio();
    builder.arg(args.file().file_name().unwrap_or_default().as_bytes());
    if args.invoke.is_none() {
        builder.args(args.arguments().iter().map(|arg| arg.as_bytes()));
    }
    builder.envs(args.environment.iter().map(|(name, value)| (name, value)));
    for directory in &args.directories {
        let (host, guest) = directory.split_once("::").unwrap_or((directory, directory));
        builder.preopened_dir(host, guest, DirAccess::ReadWrite).map_err(|error| error.to_string())?;
    }
    builder.build().map_err(|error| error.to_string())
}

/// Instantiates the module and calls what is to be called; the results as text.
fn enter(
    args: &Args,
    store: &mut Store<WasiCtx>,
    module: &Module,
    times: &mut Times,
) -> Result<String, Stop> {
    let wrong = |error: Error| Stop::Error(format!("{error:#}"));
    let mut linker = Linker::new(store.engine());
    sidetrack_wasi::add_to_linker(&mut linker, |wasi: &mut WasiCtx| wasi).map_err(wrong)?;
    let start = Instant::now();
    let instance = linker.instantiate(&mut *store, module);
    times.instantiate = start.elapsed();
    // The start function is the guest's; imports that do not fit are not.
    let instance =
        instance.map_err(|error| if is_guests(&error) { Stop::Guest(error) } else { wrong(error) })?;
    let start = Instant::now();
    let result = match &args.invoke {
        None => call_start(store, &instance),
        Some(name) => call(store, &instance, name, args.arguments()),
    };
    times.run = start.elapsed();
    result
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

fn call_start(store: &mut Store<WasiCtx>, instance: &Instance) -> Result<String, Stop> {
    let start = export(store, instance, "_start").ok_or_else(|| {
        Stop::Error("the module exports no function `_start`; --invoke calls another one".to_string())
    })?;
    let start =
        start.typed::<(), ()>(&*store).map_err(|error| Stop::Error(format!("`_start`: {error:#}")))?;
    start.call(store, ()).map(|()| String::new()).map_err(Stop::Guest)
}

fn call(
    store: &mut Store<WasiCtx>,
    instance: &Instance,
    name: &str,
    texts: &[OsString],
) -> Result<String, Stop> {
    let func = export(store, instance, name)
        .ok_or_else(|| Stop::Error(format!("the module exports no function `{name}`")))?;
    let ty = func.ty(&*store);
    let values = invoke::arguments(name, &ty, texts).map_err(Stop::Error)?;
    if let Some(initialize) = export(store, instance, "_initialize").filter(|_| name != "_initialize") {
        initialize.call(&mut *store, &[], &mut []).map_err(Stop::Guest)?;
    }
    let mut results = vec![Val::I32(0); ty.results.len()];
    func.call(&mut *store, &values, &mut results).map_err(Stop::Guest)?;
    Ok(results.iter().map(|value| invoke::show(value) + "\n").collect())
}

/// What stopped the guest, on one line.
fn describe(error: &Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

/// The line that `--time` prints.
fn report(module: &Module, times: &Times, cache: &str) -> serde_json::Value {
    let ms = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
    let artifact = module.artifact_size().or_else(|| Some(module.serialize().ok()?.len()));
    serde_json::json!({
        "compile_ms": ms(times.compile),
        "instantiate_ms": ms(times.instantiate),
        "run_ms": ms(times.run),
        "code_bytes": module.code_size(),
        "artifact_bytes": artifact,
        "cache": cache,
    })
}

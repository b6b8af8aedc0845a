//! Running a WebAssembly module.
//!
//! The guest's exit code is ours; what stops it is printed with its backtrace and is 134.
//! What is wrong before it runs is an error, exit code 1.

use super::Args;
use crate::commands::guest::{self, Stop};
use crate::commands::input::Source;
use crate::commands::progress::Progress;
use crate::commands::{cache, input, invoke, print, say};
use sidetrack_engine::{Engine, InterruptHandle, Module, Trap, Val};
use sidetrack_wasi::{Exit, Stdio};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a host function may take to return when the program is interrupted.
const GRACE: Duration = Duration::from_secs(1);

/// How long things took, and what else `--time` prints.
#[derive(Default)]
struct Times {
    compile: Duration,
    instantiate: Duration,
    run: Duration,
}

/// Runs the module.
///
/// # Errors
/// What is wrong before the guest runs.
pub fn run(args: Args, source: Source) -> Result<ExitCode, String> {
    let args = Arc::new(args);
    guest::on_thread(&args.clone().guest, move || run_here(&args, &source))
}

fn run_here(args: &Args, source: &Source) -> Result<ExitCode, String> {
    let file = input::name(args.guest.file());
    let cache = if source.is_compiled() || args.no_cache { None } else { cache::folder(args.cache.as_ref()) };
    let mut config = args.target.config()?;
    args.guest.configure(&mut config).cache_dir(cache.clone());
    let progress = Progress::show(&mut config);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let mut store = args.guest.store(&engine, Stdio::Inherit)?;

    let mut times = Times::default();
    let start = Instant::now();
    let module = input::load(&engine, args.guest.file(), source)?;
    times.compile = start.elapsed();
    drop(progress);
    if let Some(error) = module.cache_error() {
        // A folder that was asked for must do its work; another one is a convenience.
        match &args.cache {
            Some(_) => return Err(error.to_string()),
            None => say(format_args!("warning: the compiled module is not kept: {error}")),
        }
    }

    if let Some(time) = args.timeout {
        if !args.target.has_sites() {
            return Err("--timeout needs what --instrument off leaves out".to_string());
        }
        interrupt_after(time, store.interrupt_handle(), file.clone());
    }
    let start = Instant::now();
    let mut entered = start;
    let printed =
        |results: &[Val]| print(&results.iter().map(|value| invoke::show(value) + "\n").collect::<String>());
    let result = args.guest.enter(&mut store, &module, || entered = Instant::now(), printed);
    (times.instantiate, times.run) = (entered - start, entered.elapsed());
    if args.time {
        let cached = match cache {
            None => "off",
            Some(_) if module.is_cached() => "hit",
            Some(_) => "miss",
        };
        say(report(&module, &times, cached));
    }
    let error = match result {
        Ok(()) => return Ok(ExitCode::SUCCESS),
        Err(Stop::Error(message)) => return Err(format!("{file}: {message}")),
        Err(Stop::Guest(error)) => error,
    };
    if let Some(Exit(code)) = error.downcast_ref::<Exit>() {
        // As the system does it: the low eight bits.
        return Ok(ExitCode::from(*code as u8));
    }
    match args.timeout {
        Some(time) if matches!(error.downcast_ref(), Some(Trap::Interrupt)) => {
            say(format_args!("error: {file}: {}", over(time)));
        }
        _ => say(format_args!("error: {file}: {}", guest::describe(&error))),
    }
    guest::say_where(&error);
    Ok(ExitCode::from(guest::TRAPPED))
}

/// What stops a program whose time is over.
fn over(time: Duration) -> String {
    format!("{}: timeout after {time:?}", Trap::Interrupt)
}

/// Interrupts the program when the time is over, whatever it waits for. A host function that does
/// not return all the same is left by ending the process.
fn interrupt_after(time: Duration, handle: InterruptHandle, file: String) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        if handle.interrupt() {
            std::thread::sleep(GRACE);
            say(format_args!("error: {file}: {}, in a function of the host", over(time)));
            std::process::exit(guest::TRAPPED.into());
        }
    });
}

/// The line that `--time` prints.
fn report(module: &Module, times: &Times, cache: &str) -> serde_json::Value {
    let ms = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
    let artifact = module.artifact_size().or_else(|| module.serialized_size().ok());
    serde_json::json!({
        "compile_ms": ms(times.compile),
        "instantiate_ms": ms(times.instantiate),
        "run_ms": ms(times.run),
        "code_bytes": module.code_size(),
        "artifact_bytes": artifact,
        "cache": cache,
    })
}

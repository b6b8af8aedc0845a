//! `sidetrack trace`: what a program does, as lines of JSON on standard output.
//!
//! What the program itself prints goes to standard error.

use super::guest::{self, Guest, Stop};
use super::input::Source;
use super::progress::Progress;
use super::{TargetArgs, input, say};
use sidetrack_engine::{DebugEvent, Engine, Resume};
use sidetrack_wasi::{Exit, Stdio};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Arguments of the verb.
#[derive(clap::Args)]
#[command(override_usage = "sidetrack trace --steps [OPTIONS] FILE [ARGS]...")]
pub struct Args {
    /// Print every operator that is executed, with the state before it.
    #[arg(long, required = true)]
    steps: bool,
    /// End the program after so many lines.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    guest: Guest,
}

/// Runs the verb; the exit code is the program's, or 134 if it traps.
pub fn run(args: Args) -> Result<ExitCode, String> {
    let source = input::with_sites(
        args.guest.file(),
        args.guest.allow_precompiled,
        &args.target,
        "traced",
        "tracing",
    )?;
    let args = Arc::new(args);
    guest::on_thread(&args.clone().guest, move || run_here(&args, &source))
}

/// The error that ends the program when there is no line more to write.
#[derive(Debug)]
struct Enough(io::Result<()>);

impl std::fmt::Display for Enough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the trace has ended")
    }
}

impl std::error::Error for Enough {}

/// Writes lines while there may be more.
struct Lines {
    out: BufWriter<io::Stdout>,
    left: u64,
}

impl Lines {
    fn write(&mut self, line: &str) -> Result<(), Enough> {
        self.out.write_all(line.as_bytes()).map_err(|error| Enough(Err(error)))?;
        self.out.write_all(b"\n").map_err(|error| Enough(Err(error)))?;
        self.left -= 1;
        if self.left == 0 { Err(Enough(Ok(()))) } else { Ok(()) }
    }
}

fn run_here(args: &Args, source: &Source) -> Result<ExitCode, String> {
    let file = input::name(args.guest.file());
    let mut config = args.target.config()?;
    args.guest.configure(&mut config);
    let progress = Progress::show(&mut config);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let output = io::stderr().as_fd().try_clone_to_owned();
    let output = output.map_err(|error| format!("standard error: {error}"))?;
    let mut store = args.guest.store(&engine, Stdio::Host(output))?;
    let module = input::load(&engine, args.guest.file(), source)?;
    drop(progress);

    let lines =
        Lines { out: BufWriter::with_capacity(1 << 16, io::stdout()), left: args.limit.unwrap_or(u64::MAX) };
    let lines = Arc::new(Mutex::new(lines));
    let result = if args.limit == Some(0) {
        Ok(())
    } else {
        let lines = lines.clone();
        store.debug_handler(move |stop, event| {
            // An operator that traps has had its line.
            if !matches!(event, DebugEvent::Trap(_) | DebugEvent::HostError) {
                let line = stop.trace_line();
                lines.lock().unwrap_or_else(PoisonError::into_inner).write(&line)?;
            }
            Ok(Resume::Step)
        });
        store.stop_at_entry();
        args.guest.enter(&mut store, &module, || {}, |_| Ok(()))
    };
    let mut written = lines.lock().unwrap_or_else(PoisonError::into_inner).out.flush();
    let mut code = ExitCode::SUCCESS;
    match result {
        Ok(_) => {}
        Err(Stop::Error(message)) => return Err(format!("{file}: {message}")),
        Err(Stop::Guest(error)) => {
            if let Some(Exit(exit)) = error.downcast_ref::<Exit>() {
                // As the system does it: the low eight bits.
                code = ExitCode::from(*exit as u8);
            } else if let Some(Enough(failed)) = error.downcast_ref::<Enough>() {
                written = failed.as_ref().map_or_else(|error| Err(error.kind().into()), |()| written);
            } else {
                say(format_args!("error: {file}: {}", guest::describe(&error)));
                guest::say_where(&error);
                code = ExitCode::from(guest::TRAPPED);
            }
        }
    }
    match written {
        // A reader that went away is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(code),
    }
}

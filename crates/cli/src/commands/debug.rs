//! `sidetrack debug`: a program under the debugger's command line.

use super::guest::{self, Guest, State, Stop};
use super::input::Source;
use super::progress::Progress;
use super::{TargetArgs, input, objdump};
use sidetrack_debug::repl::{self, Options};
use sidetrack_debug::session::{Ending, Interrupter, NotStarted, Program};
use sidetrack_engine::debug::describe;
use sidetrack_engine::{Engine, Error, Module, Result as EngineResult, Store, Val};
use sidetrack_wasi::{Exit, Stdio};
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of the verb.
#[derive(clap::Args)]
#[command(override_usage = "sidetrack debug [OPTIONS] FILE [ARGS]...")]
pub struct Args {
    /// Do the commands in a file first.
    #[arg(short = 'x', long = "script", value_name = "SCRIPT")]
    scripts: Vec<PathBuf>,
    /// End after the scripts, and with exit code 1 at the first command that fails.
    #[arg(long)]
    batch: bool,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    guest: Guest,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<bool, String> {
    let source = input::with_sites(
        args.guest.file(),
        args.guest.allow_precompiled,
        &args.target,
        "debugged",
        "debugging",
    )?;
    let args = Arc::new(args);
    guest::on_thread(&args.clone().guest, move || run_here(args, &source))
}

fn run_here(args: Arc<Args>, source: &Source) -> Result<bool, String> {
    let mut config = args.target.config()?;
    args.guest.configure(&mut config);
    let progress = Progress::show(&mut config);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let module = input::load(&engine, args.guest.file(), source)?;
    drop(progress);
    let options = Options {
        scripts: args.scripts.clone(),
        batch: args.batch,
        history: history(),
        out: Box::new(std::io::stdout()),
        err: Box::new(std::io::stderr()),
        native: Some(Box::new(|module, func| objdump::function(module, func).map_err(Error::msg))),
    };
    let mut program = Debugged { engine, module: module.clone(), args };
    let mut signal = Ok(());
    let well = repl::run(&mut program, module, options, |interrupter| signal = on_interrupt(interrupter));
    signal?;
    well.map_err(|error| format!("{error:#}"))
}

/// The file of what was typed before: one for this user.
fn history() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(base.join("sidetrack/history"))
}

/// Makes Ctrl-C stop the program. While none runs, and when a host function does
/// not return, it ends the debugger.
fn on_interrupt(interrupter: Interrupter) -> Result<(), String> {
    ctrlc::set_handler(move || {
        if !interrupter.interrupt() {
            std::process::exit(130);
        }
    })
    .map_err(|error| format!("Ctrl-C: {error}"))
}

/// The program that is debugged.
struct Debugged {
    engine: Engine,
    module: Module,
    args: Arc<Args>,
}

impl Program for Debugged {
    type Data = State;

    fn store(&mut self) -> EngineResult<Store<State>> {
        self.args.guest.store(&self.engine, Stdio::Inherit).map_err(Error::msg)
    }

    fn run(&mut self, store: &mut Store<State>) -> EngineResult<Ending> {
        let mut values = Vec::new();
        let returned = |results: &[Val]| {
            values.extend(results.iter().map(show));
            Ok(())
        };
        match self.args.guest.enter(store, &self.module, || {}, returned) {
            Ok(()) => Ok(Ending::Returned(values)),
            Err(Stop::Error(message)) => Err(NotStarted(message).into()),
            Err(Stop::Guest(error)) => match error.downcast_ref::<Exit>() {
                Some(Exit(code)) => Ok(Ending::Exited(*code)),
                None => Err(error),
            },
        }
    }
}

/// A result as values are shown in the debugger.
fn show(value: &Val) -> String {
    let bits = match value {
        Val::I32(value) => Some(*value as u32 as u128),
        Val::I64(value) => Some(*value as u64 as u128),
        Val::F32(bits) => Some((*bits).into()),
        Val::F64(bits) => Some((*bits).into()),
        Val::V128(value) => Some(value.as_u128()),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => Some(0),
        Val::FuncRef(Some(_)) | Val::ExternRef(Some(_)) | Val::ExnRef(Some(_)) => None,
    };
    describe(bits, value.ty(), |_, _| None)
}

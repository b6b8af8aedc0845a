//! `sidetrack run`: runs a program, or calls one function of a file.
//!
//! What stands behind the file belongs to the program, options or not. A program is a
//! WebAssembly module that exports `_start`; its exit code is ours, and a trap is 134.

mod clif;
mod invoke;
mod module;

use super::{Input, TargetArgs};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of the verb.
#[derive(clap::Args)]
#[command(override_usage = "sidetrack run [OPTIONS] FILE [ARGS]...")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Give the program a directory, under another name if one is given.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    directories: Vec<String>,
    /// Set a variable of the program's environment.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,
    /// The function to call instead of the program's start, or of a CLIF file's first function.
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,
    /// Print on standard error how long each step took, as a line of JSON.
    #[arg(long)]
    time: bool,
    /// The folder that compiled modules are kept in; one for this user if none is given.
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Neither keep compiled modules nor take them from a folder.
    #[arg(long)]
    no_cache: bool,
    /// A .wasm, .wat, .cwasm or .clif file, and the program's or function's arguments.
    #[arg(required = true, value_name = "FILE [ARGS]", trailing_var_arg = true)]
    command: Vec<OsString>,
}

impl Args {
    fn file(&self) -> &Path {
        self.command.first().map_or(Path::new(""), Path::new)
    }

    fn arguments(&self) -> &[OsString] {
        self.command.get(1..).unwrap_or_default()
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_string(), value.to_string()))
}

/// Runs the verb.
pub fn run(args: Args) -> Result<ExitCode, String> {
    match Input::read(args.file())? {
        Input::Clif(functions) => clif::run(&args, &functions).map(|()| ExitCode::SUCCESS),
        Input::Module(bytes) => module::run(args, bytes, false),
        Input::Compiled(bytes) => module::run(args, bytes, true),
    }
}

//! The `sidetrack` command. Each verb has a file in `commands/`; this one owns
//! standard output and exit codes: 0 done, 1 bad input or failed tests, 2 wrong
//! usage; `run` and `trace` end with the program's exit code, or 134 if it traps.

#![deny(unsafe_code)]

mod commands;
mod precompiled;

use clap::{Parser, Subcommand};
use sidetrack_engine::Printable;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "sidetrack",
    bin_name = "sidetrack",
    version,
    about = "A WebAssembly engine on a code generator with patchable calls"
)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a WebAssembly program, or call a function of a module or CLIF file.
    Run(commands::run::Args),
    /// Run a WebAssembly program under a debugger.
    Debug(commands::debug::Args),
    /// Print what a WebAssembly program does, an operator a line.
    Trace(commands::trace::Args),
    /// Compile a module for later runs, or CLIF to an ELF object.
    Compile(commands::compile::Args),
    /// Print the code of functions with traps, wasm pcs, relocations and patch sites.
    Objdump(commands::objdump::Args),
    /// Tell or clear what is kept of compiled modules.
    Cache(commands::cache::Args),
    /// Run scripts of WebAssembly's official test format.
    Wast(commands::wast::Args),
    /// Run test files and folders of them.
    Filetest(commands::filetest::Args),
}

fn main() -> ExitCode {
    let result = match parse().verb {
        Verb::Run(args) => commands::run::run(args),
        Verb::Debug(args) => commands::debug::run(args).map(code),
        Verb::Trace(args) => commands::trace::run(args),
        Verb::Compile(args) => commands::compile::run(&args).map(code),
        Verb::Objdump(args) => commands::objdump::run(&args).map(code),
        Verb::Cache(args) => commands::cache::run(&args).map(code),
        Verb::Wast(args) => commands::wast::run(&args).map(code),
        Verb::Filetest(args) => commands::filetest::run(&args).map(code),
    };
    result.unwrap_or_else(|message| {
        commands::say(format_args!("error: {message}"));
        ExitCode::FAILURE
    })
}

/// What the command line says; ends the process if that is nothing, or help.
fn parse() -> Args {
    Args::try_parse().unwrap_or_else(|error| {
        // What is wrong is quoted, and may have in it what a terminal obeys.
        let args = std::env::args_os().map(|arg| Printable::name(&arg.to_string_lossy()).to_string());
        Args::try_parse_from(args).err().unwrap_or(error).exit()
    })
}

/// The exit code of a verb that says whether all is well.
fn code(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

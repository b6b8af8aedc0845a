//! The `sidetrack` command. Each verb has a file in `commands/`; this one owns
//! standard output and exit codes: 0 done, 1 bad input or failed tests, 2 wrong
//! usage.

#![forbid(unsafe_code)]

mod commands;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "sidetrack", version, about = "A code generator with patchable calls")]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run test files and folders of them.
    Filetest(commands::filetest::Args),
    /// Compile CLIF to an ELF object.
    Compile(commands::compile::Args),
    /// Print the code of CLIF functions with traps, relocations and patch sites.
    Objdump(commands::objdump::Args),
    /// Call a function of a CLIF file.
    Run(commands::run::Args),
}

fn main() -> ExitCode {
    let result = match Args::parse().verb {
        Verb::Filetest(args) => commands::filetest::run(&args),
        Verb::Compile(args) => commands::compile::run(&args),
        Verb::Objdump(args) => commands::objdump::run(&args),
        Verb::Run(args) => commands::run::run(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

//! `sidetrack objdump`: what the code generator makes of functions.

use super::TargetArgs;
use sidetrack_codegen::{compile, disasm};
use std::path::PathBuf;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// A CLIF file.
    file: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let isa = args.target.isa()?;
    let mut text = String::new();
    for func in super::read_functions(&args.file)? {
        let code = compile(&func, &*isa).map_err(|error| format!("{}: {error}", args.file.display()))?;
        text.push_str(&format!("{}:\n{}\n", func.name, disasm::disassemble(&code, isa.name())?));
    }
    super::print(&text)?;
    Ok(true)
}

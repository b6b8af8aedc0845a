//! `sidetrack compile`: CLIF to an ELF object with its patch sites in a section.

use super::TargetArgs;
use sidetrack_artifact::{Architecture, write_object};
use sidetrack_codegen::compile;
use std::path::PathBuf;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// A CLIF file.
    file: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// The object to write; the input's name with `.o` if none is given.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let isa = args.target.isa()?;
    let arch = isa.architecture();
    let file = args.file.display();
    let functions: Result<Vec<_>, String> = super::read_functions(&args.file)?
        .iter()
        .map(|func| compile(func, &*isa).map_err(|error| format!("{file}: {error}")))
        .collect();
    let object = write_object(arch, &functions?).map_err(|error| format!("{file}: {error}"))?;
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension("o"));
    super::write_whole(&output, &object)?;
    Ok(true)
}

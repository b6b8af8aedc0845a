//! `sidetrack run`: calls a function of a CLIF file and prints its results.

use super::TargetArgs;
use sidetrack_filetests::{Failure, Program};
use sidetrack_ir::{DataValue, ExternalName, Function};
use std::path::PathBuf;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// A CLIF file.
    file: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// The function to call, without its `%`; the first one if none is given.
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,
    /// Arguments of the function.
    #[arg(allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let file = args.file.display();
    let functions = super::read_functions(&args.file)?;
    let func = match &args.invoke {
        None => &functions[0],
        Some(name) => {
            let name = ExternalName::named(name.trim_start_matches('%'));
            let found = functions.iter().find(|func| func.name == name);
            found.ok_or_else(|| format!("{file}: there is no function {name}"))?
        }
    };
    let params = &func.signature.params;
    if params.len() != args.args.len() {
        return Err(format!("{} takes {} arguments, {} given", func.name, params.len(), args.args.len()));
    }
    let values: Result<Vec<DataValue>, String> =
        args.args.iter().zip(params).map(|(text, param)| DataValue::parse(text, param.ty)).collect();
    let all: Vec<&Function> = functions.iter().collect();
    let mut program =
        Program::load(&all, &*args.target.isa()?).map_err(|error| format!("{file}: {error}"))?;
    let results = program.call(&func.name, &values?).map_err(|failure| match failure {
        Failure::Missing(reason) => format!("{file}: {reason}"),
        Failure::Trap(trap) => format!("{file}: {}: {trap}", func.name),
    })?;
    let text: String = results.iter().map(|value| format!("{value}\n")).collect();
    super::print(&text)?;
    Ok(true)
}

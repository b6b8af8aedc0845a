//! Calling a function of a CLIF file.

use super::Args;
use crate::commands::{counted, input, print};
use sidetrack_engine::Printable;
use sidetrack_filetests::{Failure, Program};
use sidetrack_ir::{DataValue, ExternalName, Function};

/// Calls the function and prints its results.
///
/// # Errors
/// If there is no such function, its arguments are wrong, or it traps.
pub fn run(args: &Args, functions: &[Function]) -> Result<(), String> {
    let file = input::name(args.guest.file());
    let texts = args.guest.arguments();
    // Negative numbers may stand behind `--`.
    let texts = texts.strip_prefix(&["--".into()]).unwrap_or(texts);
    let func = match args.guest.invoke.first() {
        None => &functions[0],
        Some(name) => {
            let name = ExternalName::named(name.trim_start_matches('%'));
            let found = functions.iter().find(|func| func.name == name);
            found.ok_or_else(|| {
                let name = name.to_string();
                format!("{file}: there is no function {}", Printable::name(&name))
            })?
        }
    };
    let params = &func.signature.params;
    if params.len() != texts.len() {
        let takes = counted(params.len(), "argument");
        return Err(format!("{} takes {takes}, {} given", func.name, texts.len()));
    }
    let values: Result<Vec<DataValue>, String> = texts
        .iter()
        .zip(params)
        .map(|(text, param)| DataValue::parse(&text.to_string_lossy(), param.ty))
        .collect();
    let all: Vec<&Function> = functions.iter().collect();
    let mut program =
        Program::load(&all, &*args.target.isa()?).map_err(|error| format!("{file}: {error}"))?;
    let results = program.call(&func.name, &values?).map_err(|failure| match failure {
        Failure::Missing(reason) => format!("{file}: {reason}"),
        Failure::Trap(trap) => format!("{file}: {}: {trap}", func.name),
    })?;
    let text: String = results.iter().map(|value| format!("{value}\n")).collect();
    print(&text)
}

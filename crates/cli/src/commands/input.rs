//! What a file given to `run`, `compile` or `objdump` is: CLIF by its name's ending,
//! anything else by its contents.

use super::TargetArgs;
use sidetrack_engine::{Engine, Module};
use sidetrack_ir::Function;
use std::path::Path;

/// A file's contents.
pub enum Input {
    /// Functions of the code generator's text.
    Clif(Vec<Function>),
    /// A WebAssembly module, binary or text.
    Module(Vec<u8>),
    /// A compiled module.
    Compiled(Vec<u8>),
}

impl Input {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is called CLIF and is none.
    pub fn read(path: &Path) -> Result<Input, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if path.extension().is_some_and(|extension| extension == "clif") {
            return functions(path, bytes).map(Input::Clif);
        }
        Ok(if Module::is_serialized(&bytes) { Input::Compiled(bytes) } else { Input::Module(bytes) })
    }
}

fn functions(path: &Path, bytes: Vec<u8>) -> Result<Vec<Function>, String> {
    let name = path.display();
    let text = String::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))?;
    let functions = sidetrack_ir::text::parse_functions(&text)
        .map_err(|error| format!("{name}:{}: {}", error.line, error.message))?;
    if functions.is_empty() {
        return Err(format!("{name}: the file has no function"));
    }
    Ok(functions)
}

/// Reads a module that is to be compiled with its sites, and whether it is compiled
/// already. What is done with it is said in both forms: "traced", "tracing".
///
/// # Errors
/// As [`Input::read`]; if it is CLIF, or sites are to be left out.
pub fn with_sites(
    path: &Path,
    target: &TargetArgs,
    done: &str,
    doing: &str,
) -> Result<(Vec<u8>, bool), String> {
    let source = match Input::read(path)? {
        Input::Module(bytes) => (bytes, false),
        Input::Compiled(bytes) => (bytes, true),
        Input::Clif(_) => return Err(format!("{}: only WebAssembly is {done}", path.display())),
    };
    if !target.has_sites() {
        return Err(format!("{doing} needs what --instrument off leaves out"));
    }
    Ok(source)
}

/// Makes a module of a file's contents, for an engine.
///
/// # Errors
/// If the module is not right, or compiled by another version or with other settings;
/// the message starts with the file's name.
pub fn load(engine: &Engine, path: &Path, bytes: &[u8], compiled: bool) -> Result<Module, String> {
    let module = if compiled { crate::precompiled::load(engine, bytes) } else { Module::new(engine, bytes) };
    module.map_err(|error| format!("{}: {error:#}", path.display()))
}

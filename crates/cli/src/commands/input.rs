//! What a file given to `run`, `compile` or `objdump` is: CLIF by its name's ending,
//! anything else by its contents.

use super::TargetArgs;
use sidetrack_engine::{Engine, Module};
use sidetrack_ir::Function;
use std::io::Read;
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

/// What is said of standard input instead of its name.
const STDIN: &str = "<stdin>";

/// The file's name for people.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { STDIN.to_owned() } else { path.display().to_string() }
}

impl Input {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// If it cannot be read, or is called CLIF and is none.
    pub fn read(path: &Path) -> Result<Input, String> {
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
        } else {
            std::fs::read(path).map(|read| bytes = read)
        };
        read.map_err(|error| format!("{}: {error}", name(path)))?;
        if path.extension().is_some_and(|extension| extension == "clif") {
            return functions(path, bytes).map(Input::Clif);
        }
        Ok(if Module::is_serialized(&bytes) { Input::Compiled(bytes) } else { Input::Module(bytes) })
    }

    /// As [`Input::read`]. A compiled module is taken only if that is allowed: it is machine
    /// code, which nothing keeps inside of a sandbox, whatever the file is called.
    ///
    /// # Errors
    /// As [`Input::read`]; if it is a compiled module and those are not allowed.
    pub fn read_checked(path: &Path, allow_precompiled: bool) -> Result<Input, String> {
        match Input::read(path)? {
            Input::Compiled(_) if !allow_precompiled => Err(format!(
                "{}: the file is a compiled module, whose machine code nothing confines; \
                 --allow-precompiled takes it if you trust who made it",
                name(path)
            )),
            input => Ok(input),
        }
    }
}

fn functions(path: &Path, bytes: Vec<u8>) -> Result<Vec<Function>, String> {
    let name = name(path);
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
/// As [`Input::read_checked`]; if it is CLIF, or sites are to be left out.
pub fn with_sites(
    path: &Path,
    allow_precompiled: bool,
    target: &TargetArgs,
    done: &str,
    doing: &str,
) -> Result<(Vec<u8>, bool), String> {
    let source = match Input::read_checked(path, allow_precompiled)? {
        Input::Module(bytes) => (bytes, false),
        Input::Compiled(bytes) => (bytes, true),
        Input::Clif(_) => return Err(format!("{}: only WebAssembly is {done}", name(path))),
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
    let name = name(path);
    let module = if compiled {
        crate::precompiled::load(engine, bytes)
    } else {
        Module::new_with_filename(engine, bytes, &name)
    };
    module.map_err(|error| format!("{name}: {error:#}"))
}

/// A module of a file that is used beside the program.
///
/// # Errors
/// As [`Input::read_checked`] and [`load`]; if the file is CLIF.
pub fn module(engine: &Engine, path: &Path, allow_precompiled: bool) -> Result<Module, String> {
    match Input::read_checked(path, allow_precompiled)? {
        Input::Module(bytes) => load(engine, path, &bytes, false),
        Input::Compiled(bytes) => load(engine, path, &bytes, true),
        Input::Clif(_) => Err(format!("{}: only WebAssembly can be imported from", name(path))),
    }
}

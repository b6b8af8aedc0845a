//! What a file given to `run`, `compile` or `objdump` is: CLIF by its name's ending,
//! anything else by its contents. A stream may never end, so what is read has a limit.

use super::TargetArgs;
use sidetrack_engine::{Engine, Module, Printable};
use sidetrack_ir::Function;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file's contents.
pub enum Input {
    /// Functions of the code generator's text.
    Clif(Vec<Function>),
    /// A module.
    Module(Source),
}

/// Where a module comes from.
pub enum Source {
    /// WebAssembly, binary or text.
    Wasm(Vec<u8>),
    /// A compiled module that is not a file's.
    CompiledBytes(Vec<u8>),
    /// A compiled module, which the file is.
    CompiledFile,
}

impl Source {
    /// Whether the module is compiled.
    pub fn is_compiled(&self) -> bool {
        !matches!(self, Source::Wasm(_))
    }
}

/// What is said of standard input instead of its name.
const STDIN: &str = "<stdin>";
/// The most bytes of a module or a text; validation refuses larger modules too.
const LARGEST: u64 = 1 << 30;

/// The file's name for people, on one line.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { STDIN.to_owned() } else { Printable::path(path) }
}

/// Adds the rest of a file or stream to the bytes.
fn read_rest(from: impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    from.take(LARGEST + 1 - bytes.len() as u64).read_to_end(bytes)?;
    within_limit(bytes.len() as u64)
}

fn within_limit(bytes: u64) -> io::Result<()> {
    match bytes {
        0..=LARGEST => Ok(()),
        _ => Err(io::Error::other("more than 1 GiB, which is more than a module may have")),
    }
}

impl Input {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// If it cannot be read, or is called CLIF and is none.
    pub fn read(path: &Path) -> Result<Input, String> {
        let failed = |error| format!("{}: {error}", name(path));
        let mut bytes = Vec::new();
        if path == Path::new("-") {
            read_rest(io::stdin().lock(), &mut bytes).map_err(failed)?;
        } else {
            let mut file = File::open(path).map_err(failed)?;
            let start = Module::SERIALIZED_START.len() as u64;
            file.by_ref().take(start).read_to_end(&mut bytes).map_err(failed)?;
            // Of a compiled module nothing is read that is not used.
            if Module::is_serialized(&bytes) && file.metadata().map_err(failed)?.is_file() {
                return Ok(Input::Module(Source::CompiledFile));
            }
            let len = file.metadata().map_err(failed)?.len();
            within_limit(len).map_err(failed)?;
            bytes.reserve_exact((len as usize).saturating_sub(bytes.len()));
            read_rest(file, &mut bytes).map_err(failed)?;
        }
        if path.extension().is_some_and(|extension| extension == "clif") {
            return functions(path, bytes).map(Input::Clif);
        }
        let compiled = Module::is_serialized(&bytes);
        Ok(Input::Module(if compiled { Source::CompiledBytes(bytes) } else { Source::Wasm(bytes) }))
    }

    /// As [`Input::read`]. A compiled module is taken only if that is allowed: it is machine
    /// code, which nothing keeps inside of a sandbox, whatever the file is called.
    ///
    /// # Errors
    /// As [`Input::read`]; if it is a compiled module and those are not allowed.
    pub fn read_checked(path: &Path, allow_precompiled: bool) -> Result<Input, String> {
        match Input::read(path)? {
            Input::Module(source) if source.is_compiled() && !allow_precompiled => Err(format!(
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

/// Reads a module that is to be compiled with its sites. What is done with it is said in both
/// forms: "traced", "tracing".
///
/// # Errors
/// As [`Input::read_checked`]; if it is CLIF, or sites are to be left out.
pub fn with_sites(
    path: &Path,
    allow_precompiled: bool,
    target: &TargetArgs,
    done: &str,
    doing: &str,
) -> Result<Source, String> {
    let source = match Input::read_checked(path, allow_precompiled)? {
        Input::Module(source) => source,
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
pub fn load(engine: &Engine, path: &Path, source: &Source) -> Result<Module, String> {
    let name = name(path);
    let module = match source {
        Source::Wasm(bytes) => Module::new_with_filename(engine, bytes, &name),
        Source::CompiledBytes(bytes) => crate::precompiled::load(engine, bytes),
        Source::CompiledFile => crate::precompiled::load_file(engine, path),
    };
    module.map_err(|error| format!("{name}: {error:#}"))
}

/// A module of a file that is used beside the program.
///
/// # Errors
/// As [`Input::read_checked`] and [`load`]; if the file is CLIF.
pub fn module(engine: &Engine, path: &Path, allow_precompiled: bool) -> Result<Module, String> {
    match Input::read_checked(path, allow_precompiled)? {
        Input::Module(source) => load(engine, path, &source),
        Input::Clif(_) => Err(format!("{}: only WebAssembly can be imported from", name(path))),
    }
}

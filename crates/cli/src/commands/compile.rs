//! `sidetrack compile`: a module to the form that `run` needs not compile again, CLIF
//! to an ELF object with its patch sites in a section.

use super::input::Source;
use super::progress::Progress;
use super::{Input, TargetArgs, input};
use sidetrack_artifact::write_object;
use sidetrack_codegen::compile;
use sidetrack_engine::{Engine, Module};
use sidetrack_ir::Function;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// A .wasm, .wat or .clif file, or `-` for a module on standard input.
    file: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// The file to write, or `-` for standard output; the input's name with `.cwasm` or `.o` if
    /// none is given.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let (compiled, extension) = match Input::read(&args.file)? {
        Input::Clif(functions) => (Compiled::Object(object(args, &functions)?), "o"),
        Input::Module(source) if source.is_compiled() => {
            return Err(format!("{}: the module is compiled already", input::name(&args.file)));
        }
        Input::Module(source) => (Compiled::Module(module(args, source)?), "cwasm"),
    };
    let output = match &args.output {
        None if args.file == Path::new("-") => {
            return Err("what is read from standard input needs -o".to_string());
        }
        None => args.file.with_extension(extension),
        Some(output) => output.clone(),
    };
    super::write_whole(&output, &mut |to| compiled.write(to))?;
    Ok(true)
}

/// What is to be written.
enum Compiled {
    Object(Vec<u8>),
    Module(Module),
}

impl Compiled {
    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        match self {
            Compiled::Object(bytes) => to.write_all(bytes),
            // Errors but the writer's are those of damaged files.
            Compiled::Module(module) => module
                .serialize_to(to)
                .map_err(|error| error.downcast::<io::Error>().unwrap_or_else(io::Error::other)),
        }
    }
}

fn module(args: &Args, source: Source) -> Result<Module, String> {
    let mut config = args.target.config()?;
    let progress = Progress::show(&mut config);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let module = input::load(&engine, &args.file, &source)?;
    drop(progress);
    Ok(module)
}

fn object(args: &Args, functions: &[Function]) -> Result<Vec<u8>, String> {
    let isa = args.target.isa()?;
    let arch = isa.architecture();
    let file = input::name(&args.file);
    let functions: Result<Vec<_>, String> = functions
        .iter()
        .map(|func| compile(func, &*isa).map_err(|error| format!("{file}: {error}")))
        .collect();
    write_object(arch, &functions?).map_err(|error| format!("{file}: {error}"))
}

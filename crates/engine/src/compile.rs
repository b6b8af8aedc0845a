//! From the bytes of a module to an image: the one file that knows the front end and
//! the code generator.

use crate::config::{Config, Instrument, OptLevel, Target};
use crate::names::{Printable, demangle};
use crate::types::FuncType;
use crate::{Error, Result};
use rayon::prelude::*;
use sidetrack_artifact::{
    Architecture, CompiledFunction, Image, ImageBuilder, ModuleInfo, PackedFunction, SymbolName,
};
use sidetrack_codegen::{CodegenError, Flags, TargetIsa};
pub use sidetrack_wasm::Features;
use sidetrack_wasm::{Options, Translation, WasmError};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A module that is malformed or not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidModule {
    /// Where in the module, in bytes.
    pub offset: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for InvalidModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.offset.map_or(Ok(()), |offset| write!(f, " (at offset {offset:#x})"))
    }
}

/// A module that may be valid, but needs what is not supported, or switched off by
/// [`Config::features`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnsupportedFeature {
    /// Where in the module, in bytes.
    pub offset: Option<usize>,
    /// The name of the feature, as WebAssembly's documents call it.
    pub feature: String,
    /// What needs it; may be empty.
    pub message: String,
}

impl fmt::Display for UnsupportedFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unsupported feature: {}", self.feature)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        self.offset.map_or(Ok(()), |offset| write!(f, " (at offset {offset:#x})"))
    }
}

/// The error that embedders get for one of the front end.
fn refused(error: WasmError) -> Error {
    let (offset, message) = (error.offset, Printable::name(&error.message).to_string());
    match error.unsupported {
        Some(feature) => UnsupportedFeature { offset, feature, message }.into(),
        None => InvalidModule { offset, message }.into(),
    }
}

/// How many bytes of function bodies may be in work at once: what a body becomes on the way
/// takes a few thousand times its size, and with many processors there would be many.
const BODIES_AT_ONCE: u64 = 256 << 10;

/// Compiles modules with an engine's settings.
pub(crate) struct Compiler {
    isa: Arc<dyn TargetIsa>,
    options: Options,
    features: Features,
    parallel: bool,
    progress: Option<crate::config::Progress>,
}

impl Compiler {
    /// A compiler for a configuration.
    pub fn new(config: &Config) -> Result<Self> {
        let name = match config.target {
            Target::Native => std::env::consts::ARCH,
            Target::Pulley64 if cfg!(target_endian = "big") => {
                anyhow::bail!("bytecode is little-endian: it does not run on this host")
            }
            Target::Pulley64 => "pulley64",
        };
        let mut builder = sidetrack_codegen::lookup(name)?;
        builder.enable_host();
        let flags = Flags {
            opt_level: match config.opt_level {
                OptLevel::None => sidetrack_codegen::OptLevel::None,
                OptLevel::Speed => sidetrack_codegen::OptLevel::Speed,
            },
            sites_off: true,
            verifier: config.verify,
            regalloc_checker: config.verify,
            max_function_work: config.max_function_work,
            ..Flags::default()
        };
        let isa = builder.finish(flags);
        let options = Options {
            guard_pages: config.target == Target::Native,
            whole_stores: isa.whole_stores(),
            instrument: match config.instrument {
                Instrument::Off => sidetrack_wasm::Instrument::Off,
                Instrument::On { blocks, writable } => sidetrack_wasm::Instrument::On { blocks, writable },
            },
        };
        Ok(Compiler {
            isa,
            options,
            features: config.features,
            parallel: config.parallel,
            progress: config.progress.clone(),
        })
    }

    /// What decides, beside the module, what the code is: two compilers with the same
    /// text make the same code.
    pub fn fingerprint(&self) -> String {
        let Compiler { isa, options, features, .. } = self;
        let flags = Flags { max_function_work: u64::MAX, ..isa.flags().clone() };
        format!("{} {} {flags:?} {options:?} {features:?}", isa.name(), isa.features())
    }

    /// What the code is for.
    pub fn architecture(&self) -> Architecture {
        self.isa.architecture()
    }

    /// Compiles a module.
    pub fn module(&self, bytes: &[u8]) -> Result<(ModuleInfo, Image)> {
        let translation = self.valid(bytes)?;
        let info = &translation.info;
        let first = info.imported_functions;
        let total = info.functions.len() - first as usize;
        let done = AtomicUsize::new(0);
        let budget = crate::parallel::Budget::new(BODIES_AT_ONCE);
        let body = |index: u32| -> Result<PackedFunction> {
            let _share = budget.take(info.functions[index as usize].body.len() as u64);
            let ir = translation.translate(index, &self.options).map_err(refused)?;
            let function = sidetrack_codegen::compile_owned(ir, &*self.isa);
            let function = function.map_err(|error| failed_in(info, index, error))?;
            if let Some(progress) = &self.progress {
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            }
            Ok(PackedFunction::new(function)?)
        };
        let indices = first..info.functions.len() as u32;
        let functions: Result<Vec<PackedFunction>> = if self.parallel {
            crate::parallel::run(|threads| match threads {
                true => indices.into_par_iter().map(body).collect(),
                false => indices.map(body).collect(),
            })
        } else {
            indices.map(body).collect()
        };
        let mut functions = functions?;
        let stubs = sidetrack_wasm::needed_stubs(info);
        for ty in stubs.entry {
            let stub = sidetrack_wasm::entry_stub(info, ty);
            functions.push(packed(sidetrack_codegen::compile(&stub, &*self.isa))?);
        }
        for ty in stubs.exit {
            let stub = sidetrack_wasm::exit_stub(info, ty);
            functions.push(packed(sidetrack_codegen::compile(&stub, &*self.isa))?);
        }
        functions.push(packed(sidetrack_codegen::compile(&sidetrack_wasm::raise_stub(), &*self.isa))?);
        let image = self.link(functions)?;
        Ok((translation.into_info(), image))
    }

    /// Reads a module and validates all of it, before any code is made. Of several errors
    /// the first in the module is returned.
    fn valid<'a>(&self, bytes: &'a [u8]) -> Result<Translation<'a>> {
        let translation = sidetrack_wasm::parse_features(bytes, self.features).map_err(refused)?;
        let indices = translation.info.imported_functions..translation.info.functions.len() as u32;
        let error = |index: u32| translation.validate(index).err();
        let first = if self.parallel {
            crate::parallel::run(|threads| match threads {
                true => indices.into_par_iter().find_map_first(error),
                false => indices.into_iter().find_map(error),
            })
        } else {
            indices.into_iter().find_map(error)
        };
        first.map_or(Ok(translation), |error| Err(refused(error)))
    }

    /// Checks a module without making code.
    pub fn validate(&self, bytes: &[u8]) -> Result<()> {
        self.valid(bytes).map(drop)
    }

    /// An image with nothing but the exit stub of a type, at its start.
    pub fn exit_stub(&self, ty: &FuncType) -> Result<Image> {
        let info = ModuleInfo { types: vec![ty.clone()], ..ModuleInfo::default() };
        let stub = sidetrack_wasm::exit_stub(&info, 0);
        self.link(vec![packed(sidetrack_codegen::compile(&stub, &*self.isa))?])
    }

    fn link(&self, functions: Vec<PackedFunction>) -> Result<Image> {
        let mut builder = ImageBuilder::new(self.isa.architecture());
        for function in functions {
            builder.add_packed(function);
        }
        for name in builder.undefined() {
            if matches!(name, SymbolName::Named(_)) {
                builder.import(name);
            }
        }
        Ok(builder.finish()?)
    }
}

/// What has been compiled and is none of the module's functions.
fn packed(function: Result<CompiledFunction, CodegenError>) -> Result<PackedFunction> {
    Ok(PackedFunction::new(function.map_err(failed)?)?)
}

/// The error for a function of a module, which is told by its index and name there.
fn failed_in(info: &ModuleInfo, index: u32, mut error: CodegenError) -> Error {
    let (CodegenError::Verifier { function, .. }
    | CodegenError::Signature { function, .. }
    | CodegenError::Unsupported { function, .. }
    | CodegenError::TooLarge { function, .. }
    | CodegenError::RegAlloc { function, .. }) = &mut error;
    *function = format!("function {index}");
    if let Some(name) = &info.functions[index as usize].name {
        *function += &format!(" <{}>", Printable::name(&demangle(name)));
    }
    failed(error)
}

fn failed(error: CodegenError) -> Error {
    Error::new(error).context("the code generator cannot compile a function")
}

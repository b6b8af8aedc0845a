//! Engines and their configuration.

use crate::Result;
use crate::cache::Cache;
use crate::compile::{Compiler, Features};
use crate::types::{FuncType, TypeRegistry};
use anyhow::Context as _;
use sidetrack_patch::run::Registered;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What an engine's code runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// This machine.
    #[default]
    Native,
    /// The interpreter of Pulley bytecode, which runs on every little-endian machine.
    Pulley64,
}

impl Target {
    /// The targets whose code runs on this machine.
    pub fn supported() -> impl Iterator<Item = Target> + Clone {
        let native = sidetrack_patch::run::native_architecture().map(|_| Target::Native);
        let bytecode = cfg!(target_endian = "little").then_some(Target::Pulley64);
        native.into_iter().chain(bytecode)
    }
}

/// How much is done for the speed of the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OptLevel {
    /// Translate as written.
    None,
    /// Optimise.
    #[default]
    Speed,
}

/// What is in the code for debuggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instrument {
    /// Nothing: programs cannot be debugged or interrupted.
    Off,
    /// Sites at joins and after calls, which cost a NOP each, and the places of values.
    On {
        /// Sites also at the heads of other blocks, for coverage.
        blocks: bool,
        /// What a debugger writes to memory is seen by loads of the innermost function that
        /// the optimiser would have done before.
        writable: bool,
    },
}

impl Default for Instrument {
    fn default() -> Self {
        Instrument::On { blocks: false, writable: false }
    }
}

/// Called while a module is compiled with how many of its functions are done, and
/// how many there are; perhaps from several threads.
pub type Progress = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// The configuration of an [`Engine`].
#[derive(Clone)]
pub struct Config {
    pub(crate) target: Target,
    pub(crate) opt_level: OptLevel,
    pub(crate) instrument: Instrument,
    pub(crate) arm_sites: bool,
    pub(crate) max_wasm_stack: usize,
    pub(crate) parallel: bool,
    pub(crate) cache: Option<Cache>,
    pub(crate) verify: bool,
    pub(crate) progress: Option<Progress>,
    pub(crate) features: Features,
    pub(crate) signals_chained: bool,
    pub(crate) max_function_work: u64,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("target", &self.target)
            .field("opt_level", &self.opt_level)
            .field("max_wasm_stack", &self.max_wasm_stack)
            .field("parallel", &self.parallel)
            .field("cache", &self.cache)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            target: Target::Native,
            opt_level: OptLevel::Speed,
            instrument: Instrument::default(),
            arm_sites: false,
            max_wasm_stack: 512 << 10,
            parallel: true,
            cache: None,
            verify: cfg!(debug_assertions),
            progress: None,
            features: Features::default(),
            signals_chained: false,
            max_function_work: u64::MAX,
        }
    }
}

impl Config {
    /// The defaults: optimised native code, 512 KiB of stack, compilation on all
    /// processors, no cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the code runs on.
    pub fn target(&mut self, target: Target) -> &mut Self {
        self.target = target;
        self
    }

    /// How much is done for the speed of the code.
    pub fn opt_level(&mut self, level: OptLevel) -> &mut Self {
        self.opt_level = level;
        self
    }

    /// What is in the code for debuggers.
    pub fn instrument(&mut self, instrument: Instrument) -> &mut Self {
        self.instrument = instrument;
        self
    }

    /// Whether every site is on all the time, with nothing to do: to test and to measure.
    pub fn arm_sites(&mut self, arm: bool) -> &mut Self {
        self.arm_sites = arm;
        self
    }

    /// The most bytes of stack that WebAssembly code takes, host functions between
    /// included; on a thread that has less, what it has but for some room for the host functions
    /// called last. Of a stack that the host has changed to itself nothing is known: it must have
    /// so many bytes and that room, of 128 KiB, where code is called.
    pub fn max_wasm_stack(&mut self, bytes: usize) -> &mut Self {
        self.max_wasm_stack = bytes;
        self
    }

    /// Whether functions are compiled on all processors.
    pub fn parallel_compilation(&mut self, parallel: bool) -> &mut Self {
        self.parallel = parallel;
        self
    }

    /// The folder that compiled modules are kept in, if any; see [`crate::Module::new`].
    pub fn cache_dir(&mut self, folder: Option<PathBuf>) -> &mut Self {
        self.cache(folder.map(Cache::new))
    }

    /// As [`Config::cache_dir`], with limits and a key of the caller's choice.
    pub fn cache(&mut self, cache: Option<Cache>) -> &mut Self {
        self.cache = cache;
        self
    }

    /// What is accepted of WebAssembly.
    pub fn features(&mut self, features: Features) -> &mut Self {
        self.features = features;
        self
    }

    /// The most work that the compilation of one function may be: a module with a function
    /// that is more is refused with an error that names it. The unit is a machine
    /// instruction before registers are allocated, an operand of one, or a block. Ordinary
    /// functions have up to 100,000 of them, the largest of compilers and interpreters a
    /// few million; a million takes about a second and half a gigabyte.
    pub fn max_function_work(&mut self, work: u64) -> &mut Self {
        self.max_function_work = work;
        self
    }

    /// Whether the code generator checks its own work: the IR verifier and the
    /// checker of register allocation. On in builds with debug assertions.
    pub fn verify(&mut self, verify: bool) -> &mut Self {
        self.verify = verify;
        self
    }

    /// Whether signal handlers that the host installs after the first engine hand on to the one
    /// that was there before what is not theirs.
    ///
    /// Traps of native code are faults: the engine's handlers of SIGSEGV, SIGBUS, SIGILL and
    /// SIGFPE, which the first engine for native code installs, make errors of them, and hand on
    /// all others to whoever handled them before. A handler that the host installs later gets
    /// the faults of WebAssembly first. If it does not hand them on, a trap ends the process, so
    /// [`Engine::new`] refuses unless the host says here that it does.
    pub fn signal_handlers_are_chained(&mut self, chained: bool) -> &mut Self {
        self.signals_chained = chained;
        self
    }

    /// Whom to tell how far compilation is.
    pub fn progress(&mut self, progress: Option<Progress>) -> &mut Self {
        self.progress = progress;
        self
    }

    pub(crate) fn is_native(&self) -> bool {
        self.target == Target::Native
    }

    pub(crate) fn max_wasm_stack_bytes(&self) -> usize {
        self.max_wasm_stack
    }

    pub(crate) fn get_cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }
}

/// Compiles modules; what all stores and modules of one embedding share. Cheap to clone.
///
/// ```
/// use sidetrack_engine::{Config, Engine, OptLevel};
/// let engine = Engine::new(Config::new().opt_level(OptLevel::None))?;
/// # Ok::<(), sidetrack_engine::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<EngineInner>);

struct EngineInner {
    config: Config,
    compiler: Compiler,
    types: TypeRegistry,
    /// Exit stubs of types for which no module had one, with their code.
    stubs: Mutex<HashMap<FuncType, (usize, Registered)>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.0.config).finish()
    }
}

impl Default for Engine {
    /// # Panics
    /// If this machine is none of the code generator's.
    fn default() -> Self {
        Engine::new(&Config::default()).expect("the code generator knows this machine")
    }
}

impl Engine {
    /// An engine with this configuration.
    ///
    /// # Errors
    /// If native code is asked for on a machine that is none of the code generator's, or faults
    /// of it would not come to the engine: see [`Config::signal_handlers_are_chained`].
    pub fn new(config: &Config) -> Result<Self> {
        let compiler = Compiler::new(config)?;
        if config.is_native() && !config.signals_chained {
            sidetrack_patch::run::check_signal_handlers().context(
                "install signal handlers before the first engine is made, or let them hand on what is not \
                 theirs and say so (`Config::signal_handlers_are_chained`)",
            )?;
        }
        let inner = EngineInner {
            config: config.clone(),
            compiler,
            types: TypeRegistry::default(),
            stubs: Mutex::default(),
        };
        Ok(Engine(Arc::new(inner)))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether two engines are the same one.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.0, &b.0)
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.0.compiler
    }

    pub(crate) fn types(&self) -> &TypeRegistry {
        &self.0.types
    }

    /// The address of an exit stub for functions of this type, which stays.
    pub(crate) fn exit_stub(&self, ty: &FuncType) -> Result<*const u8> {
        let mut stubs = self.0.stubs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((address, _)) = stubs.get(ty) {
            return Ok(*address as *const u8);
        }
        let image = self.compiler().exit_stub(ty)?;
        let (memory, registered) = crate::vm::code::load(image, None)?;
        let address = memory.base() as usize;
        stubs.insert(ty.clone(), (address, registered));
        Ok(address as *const u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    #[test]
    fn supported_targets_run_and_others_are_refused() {
        let supported: Vec<Target> = Target::supported().collect();
        for target in [Target::Native, Target::Pulley64] {
            let engine = Engine::new(Config::new().target(target));
            let runs = engine.is_ok_and(|engine| Store::try_new(&engine, ()).is_ok());
            assert_eq!(runs, supported.contains(&target), "{target:?}");
        }
        // Every host in `docs/hosts.md` runs its own code.
        let hosts = ["x86_64", "aarch64", "riscv64", "s390x"];
        let has_code = cfg!(target_os = "linux") && hosts.contains(&std::env::consts::ARCH);
        assert_eq!(supported.contains(&Target::Native), has_code);
    }
}

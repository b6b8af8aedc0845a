//! Modules: compiled code with what it declares.

use crate::code::SpareCode;
use crate::debug::ModuleDebug;
use crate::names::Printable;
use crate::serialize::{self, Artifact, Serialized, Wasm};
use crate::trap::FrameInfo;
use crate::types::ExternType;
use crate::vm::code;
use crate::vm::context::ModuleCode;
use crate::{Engine, Error, Result, cache};
use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use sidetrack_artifact::module::symbols;
use sidetrack_artifact::{EntityIndex, Image, ModuleInfo, Section, SectionKind, Symbol, VmLayout};
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::Registered;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// A compiled module, ready to be instantiated in any number of stores, on any
/// thread. Cheap to clone.
///
/// ```
/// use sidetrack_engine::{Engine, Module};
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (func (export "f") (result i32) i32.const 1))"#)?;
/// assert_eq!(module.exports().count(), 1);
/// # Ok::<(), sidetrack_engine::Error>(())
/// ```
#[derive(Clone)]
pub struct Module(Arc<ModuleInner>);

struct ModuleInner {
    engine: Engine,
    info: ModuleInfo,
    layout: VmLayout,
    type_ids: Vec<u32>,
    /// Made when somebody asks for an export by its name.
    exports: OnceLock<HashMap<String, EntityIndex>>,
    memory: Arc<CodeMemory>,
    /// Code for the next stores.
    spare: Mutex<Vec<SpareCode>>,
    /// The bytes that it was compiled from, once somebody has asked.
    wasm: OnceLock<Box<[u8]>>,
    /// The same, packed, of a module that is large or came compiled.
    packed: Section,
    /// What a debugger knows of functions that it has looked at.
    debug: ModuleDebug,
    /// Offset in the image of the function that raises the host's error.
    raise: u32,
    /// Offsets of the entry stubs, by type.
    entries: HashMap<u32, u32>,
    /// Offsets of the exit stubs, by type.
    exits: HashMap<u32, u32>,
    artifact_bytes: usize,
    cache: CacheUse,
    _registered: Registered,
}

/// What the folder of compiled modules was for.
enum CacheUse {
    /// There is none, or the module came compiled.
    Off,
    /// The code came out of it.
    Hit,
    /// The code was new, and is kept unless there was an error.
    Miss { error: Option<String> },
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("name", &self.0.info.name).finish_non_exhaustive()
    }
}

impl Module {
    /// Compiles a module given as binary or text. If the engine has a cache folder,
    /// code compiled before from the same bytes by the same version with the same
    /// settings is taken from there, and new code is put there.
    ///
    /// # Errors
    /// [`crate::InvalidModule`] if the module is not valid, [`crate::UnsupportedFeature`] if
    /// it needs what is not supported, both before anything is compiled; an error of `wat` if
    /// the text is not right; an error of the system.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Self> {
        let bytes = wat::parse_bytes(bytes.as_ref())?;
        Self::from_binary(engine, &bytes)
    }

    /// As [`Module::new`]; errors in text name the file.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn new_with_filename(engine: &Engine, bytes: impl AsRef<[u8]>, filename: &str) -> Result<Self> {
        let bytes = wat::parse_bytes(bytes.as_ref()).map_err(|mut error| {
            error.set_path(filename);
            error
        })?;
        Self::from_binary(engine, &bytes)
    }

    /// As [`Module::new`], for binaries alone.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn from_binary(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        let Some(cache) = engine.config().get_cache() else { return Self::compile(engine, bytes) };
        let key = cache::key(engine, bytes);
        if let Some(artifact) = cache.read(&key, engine) {
            return Self::load(engine, artifact, CacheUse::Hit);
        }
        let (info, image) = engine.compiler().module(bytes)?;
        let wasm = Wasm::keep(&info, bytes);
        let serialized = Serialized::new(engine, &info, &image, &wasm);
        let kept = CacheUse::Miss { error: cache.write(&key, &serialized).err() };
        let bytes = serialized.len();
        drop(serialized);
        Self::load(engine, Artifact { info, image, wasm, bytes, file: None }, kept)
    }

    fn compile(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        let (info, image) = engine.compiler().module(bytes)?;
        let wasm = Wasm::keep(&info, bytes);
        Self::load(engine, Artifact { info, image, wasm, bytes: 0, file: None }, CacheUse::Off)
    }

    /// As [`Module::new`], from a file.
    ///
    /// # Errors
    /// As [`Module::new`], and if the file cannot be read.
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.display().to_string();
        Self::new_with_filename(engine, bytes, &name).context(name)
    }

    /// Checks that a binary is a valid module of the WebAssembly that is supported,
    /// without making code.
    ///
    /// # Errors
    /// [`crate::InvalidModule`] or [`crate::UnsupportedFeature`].
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<()> {
        engine.compiler().validate(bytes)
    }

    /// The compiled module as bytes for [`Module::deserialize`].
    ///
    /// # Errors
    /// If the module came compiled and is found to be damaged.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let serialized = self.serialized()?;
        let mut bytes = Vec::with_capacity(serialized.len());
        serialized.write(&mut bytes)?;
        Ok(bytes)
    }

    /// How many bytes [`Module::serialize`] makes.
    ///
    /// # Errors
    /// As [`Module::serialize`].
    pub fn serialized_size(&self) -> Result<usize> {
        self.serialized().map(|serialized| serialized.len())
    }

    /// As [`Module::serialize`], to a writer: the bytes are never all in memory.
    ///
    /// ```
    /// # use sidetrack_engine::{Engine, Module};
    /// # let module = Module::new(&Engine::default(), "(module)")?;
    /// let mut file = Vec::new();
    /// module.serialize_to(&mut file)?;
    /// assert_eq!(file, module.serialize()?);
    /// # Ok::<(), sidetrack_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Module::serialize`], before anything is written; those of the writer.
    pub fn serialize_to(&self, to: &mut dyn Write) -> Result<()> {
        Ok(self.serialized()?.write(to)?)
    }

    fn serialized(&self) -> Result<Serialized> {
        let inner = &*self.0;
        let wasm = match inner.packed.is_empty() {
            true => Wasm::Plain(self.wasm().into()),
            false => Wasm::Packed(inner.packed.clone()),
        };
        let image = inner.memory.image();
        let serialized = Serialized::new(&inner.engine, &inner.info, image, &wasm);
        self.damage().map_or(Ok(serialized), Err)
    }

    /// The module in bytes that the caller of [`Module::deserialize`] vouches for.
    pub(crate) fn from_trusted_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        Self::load(engine, serialize::read(engine, bytes)?, CacheUse::Off)
    }

    /// The module in a file that the caller of [`Module::deserialize_file`] vouches for.
    pub(crate) fn from_trusted_file(engine: &Engine, file: File, bytes: Bytes) -> Result<Self> {
        Self::load(engine, serialize::open(engine, file, bytes)?, CacheUse::Off)
    }

    /// What the bytes of [`Module::serialize`] start with.
    pub const SERIALIZED_START: &[u8] = serialize::MAGIC;

    /// Whether bytes look like those of [`Module::serialize`].
    pub fn is_serialized(bytes: &[u8]) -> bool {
        serialize::is_artifact(bytes)
    }

    fn load(engine: &Engine, artifact: Artifact, cache: CacheUse) -> Result<Self> {
        let Artifact { mut info, image, wasm, bytes, file } = artifact;
        info.functions.freeze();
        let offsets = |namespace| {
            let stubs = image.symbols_of(namespace);
            stubs.map(|(index, symbol)| (index, symbol.offset)).collect::<HashMap<u32, u32>>()
        };
        let (entries, exits) = (offsets(symbols::ENTRY_STUBS), offsets(symbols::EXIT_STUBS));
        let raise = image.symbol(&symbols::RAISE_STUB).map(|symbol| symbol.offset);
        let raise = raise.context("the compiled module has no code that raises errors")?;
        let (memory, registered) = code::load(image, file.as_ref())?;
        let type_ids = info.types.iter().map(|ty| engine.type_id(ty)).collect();
        let (wasm, packed) = match wasm {
            Wasm::Plain(wasm) => (OnceLock::from(wasm), Section::default()),
            Wasm::Packed(section) => (OnceLock::new(), section),
        };
        Ok(Module(Arc::new(ModuleInner {
            engine: engine.clone(),
            layout: VmLayout::new(&info),
            info,
            type_ids,
            exports: OnceLock::new(),
            // The first store has what is loaded already.
            spare: Mutex::new(vec![(memory.clone(), None)]),
            memory,
            wasm,
            packed,
            debug: ModuleDebug::default(),
            raise,
            entries,
            exits,
            artifact_bytes: bytes,
            cache,
            _registered: registered,
        })))
    }

    /// The engine that it was compiled for.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Its name in the name section.
    pub fn name(&self) -> Option<&str> {
        self.0.info.name.as_deref()
    }

    /// What it imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let info = &self.0.info;
        info.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.field,
            ty: ExternType::of(info, import.ty),
        })
    }

    /// What it exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let info = &self.0.info;
        info.exports.iter().map(|export| ExportType {
            name: &export.name,
            ty: ExternType::of(info, info.entity_type(export.index)),
        })
    }

    /// The type of an export.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let index = self.export_index(name)?;
        Some(ExternType::of(&self.0.info, self.0.info.entity_type(index)))
    }

    /// Bytes of machine code, constants included.
    pub fn code_size(&self) -> usize {
        self.0.memory.image().code_len()
    }

    /// Bytes of the serialised module, if it has been serialised or read from such bytes.
    pub fn artifact_size(&self) -> Option<usize> {
        Some(self.0.artifact_bytes).filter(|bytes| *bytes > 0)
    }

    /// Whether the code came out of the cache.
    pub fn is_cached(&self) -> bool {
        matches!(self.0.cache, CacheUse::Hit)
    }

    /// Why the code is not kept in the engine's cache folder, if it should be and cannot.
    pub fn cache_error(&self) -> Option<&str> {
        match &self.0.cache {
            CacheUse::Miss { error } => error.as_deref(),
            CacheUse::Off | CacheUse::Hit => None,
        }
    }

    /// The code with all that is known about it.
    pub fn image(&self) -> &Image {
        self.0.memory.image()
    }

    /// All that the module declares.
    pub fn info(&self) -> &ModuleInfo {
        &self.0.info
    }

    pub(crate) fn layout(&self) -> &VmLayout {
        &self.0.layout
    }

    pub(crate) fn export_index(&self, name: &str) -> Option<EntityIndex> {
        let info = &self.0.info;
        let by_name = || info.exports.iter().map(|export| (export.name.clone(), export.index)).collect();
        self.0.exports.get_or_init(by_name).get(name).copied()
    }

    /// The code as loaded for all stores.
    pub(crate) fn memory(&self) -> &Arc<CodeMemory> {
        &self.0.memory
    }

    /// The bytes that it was compiled from; none if it came compiled and they are damaged.
    pub fn wasm(&self) -> &[u8] {
        let unpack = || serialize::unpack(&self.0.info, self.0.packed.bytes()).unwrap_or_default();
        self.0.wasm.get_or_init(|| unpack().into())
    }

    /// The section, if any, that somebody has used and found to be damaged.
    fn damaged(&self) -> Option<SectionKind> {
        let names = self.0.info.functions.has_damaged_names().then_some(SectionKind::Names);
        let wasm = self.0.packed.is_known_damaged().then_some(SectionKind::Wasm);
        self.image().damaged().or(names).or(wasm)
    }

    /// The error for that.
    pub(crate) fn damage(&self) -> Option<Error> {
        let section = self.damaged()?;
        let hint = if self.is_cached() { "; it comes from the cache, which can be cleared" } else { "" };
        Some(anyhow!("the compiled module is damaged in section {section:?}{hint}"))
    }

    pub(crate) fn debug(&self) -> &ModuleDebug {
        &self.0.debug
    }

    /// Offset in the image of the function that raises the host's error.
    pub(crate) fn raise_stub(&self) -> u32 {
        self.0.raise
    }

    /// Whether two modules are the same one.
    pub fn same(a: &Module, b: &Module) -> bool {
        Arc::ptr_eq(&a.0, &b.0)
    }

    /// Code for the next stores.
    pub(crate) fn spare(&self) -> &Mutex<Vec<SpareCode>> {
        &self.0.spare
    }

    /// Tells the module from others, for as long as it lives.
    pub(crate) fn key(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The address of the exit stub of a type that an imported function has, in code
    /// loaded at `base`.
    pub(crate) fn exit_stub(&self, base: usize, ty: u32) -> *const u8 {
        (base + self.0.exits.get(&ty).copied().unwrap_or(self.0.raise) as usize) as *const u8
    }

    pub(crate) fn type_id(&self, ty: u32) -> u32 {
        self.0.type_ids[ty as usize]
    }

    /// The index of the function at an offset of its code, if that is one of the module.
    pub(crate) fn function_at(&self, offset: u32) -> Option<u32> {
        self.image().symbol_at(offset)?.index_in(symbols::FUNCTIONS)
    }

    /// What is at an offset of its code, if that is a function of the module.
    pub(crate) fn frame_info(&self, offset: u32) -> Option<FrameInfo> {
        Some(FrameInfo::new(self.clone(), self.function_at(offset)?, offset))
    }

    /// The code of a function that the module defines.
    fn function(&self, index: u32) -> Option<Symbol<'_>> {
        // The compiler puts functions first, in the order of their indices.
        let number = index.checked_sub(self.0.info.imported_functions)?;
        let symbol = self.image().symbol_number(number as usize)?;
        Some(symbol).filter(|symbol| symbol.index_in(symbols::FUNCTIONS) == Some(index))
    }

    /// Calls `with` with the addresses that contexts of this module have when its code is
    /// at `base`.
    pub(crate) fn with_code<R>(&self, base: usize, with: impl FnOnce(&ModuleCode<'_>) -> R) -> R {
        // Where code is missing, which no compiler leaves out, whoever calls it gets an error.
        let raise = self.0.raise;
        let address = |offset: u32| (base + offset as usize) as *const u8;
        let function = |index: u32| address(self.function(index).map_or(raise, |symbol| symbol.offset));
        let entry = |ty: u32| address(self.0.entries.get(&ty).copied().unwrap_or(raise));
        with(&ModuleCode { type_ids: &self.0.type_ids, function: &function, entry: &entry })
    }
}

/// An import of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportType<'a> {
    module: &'a str,
    name: &'a str,
    ty: ExternType,
}

impl<'a> ImportType<'a> {
    /// The module part of its name.
    pub fn module(&self) -> &'a str {
        self.module
    }

    /// The field part of its name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Both parts for people, as `` `env::puts` ``.
    pub(crate) fn path(&self) -> String {
        format!("`{}::{}`", Printable::name(self.module), Printable::name(self.name))
    }

    /// What it must be.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

/// An export of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportType<'a> {
    name: &'a str,
    ty: ExternType,
}

impl<'a> ExportType<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What it is.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

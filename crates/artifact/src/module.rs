//! What a WebAssembly module declares, as the engine needs it to make instances.
//!
//! Problem: the front end reads modules, the engine instantiates them, perhaps
//! years later from a file, and neither imports the other. Approach: plain data.
//! Every index space starts with the imports, as in the specification.

use crate::{FormatError, Functions, Section, SectionKind, SymbolName};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HeapType {
    /// Functions of any type.
    Func,
    /// Functions of the module's type with this index.
    Concrete(u32),
    /// The host's objects.
    Extern,
    /// Exceptions.
    Exn,
    /// Nothing: only the null function reference.
    NoFunc,
    /// Nothing: only the null external reference.
    NoExtern,
    /// Nothing: only the null exception reference.
    NoExn,
}

/// The type of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RefType {
    /// Whether it may be null.
    pub nullable: bool,
    /// What it refers to.
    pub heap: HeapType,
}

impl RefType {
    /// `funcref`.
    pub const FUNC: RefType = RefType { nullable: true, heap: HeapType::Func };
    /// `externref`.
    pub const EXTERN: RefType = RefType { nullable: true, heap: HeapType::Extern };
    /// `exnref`.
    pub const EXN: RefType = RefType { nullable: true, heap: HeapType::Exn };
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (long, short) = match self.heap {
            HeapType::Func => ("func", "funcref"),
            HeapType::Extern => ("extern", "externref"),
            HeapType::Exn => ("exn", "exnref"),
            HeapType::NoFunc => ("nofunc", "nullfuncref"),
            HeapType::NoExtern => ("noextern", "nullexternref"),
            HeapType::NoExn => ("noexn", "nullexnref"),
            HeapType::Concrete(index) => {
                return write!(f, "(ref {}{index})", if self.nullable { "null " } else { "" });
            }
        };
        if self.nullable { f.write_str(short) } else { write!(f, "(ref {long})") }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => ty.fmt(f),
        }
    }
}

/// The type of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FuncType {
    /// The parameters.
    pub params: Box<[ValType]>,
    /// The results.
    pub results: Box<[ValType]>,
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("[")?;
            for (i, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if i == 0 { "" } else { " " })?;
            }
            f.write_str("]")
        };
        list(f, &self.params)?;
        f.write_str(" -> ")?;
        list(f, &self.results)
    }
}

/// The size limits of a memory, in pages, or of a table, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// The initial size.
    pub min: u64,
    /// The size it may grow to.
    pub max: Option<u64>,
}

/// The type of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryType {
    /// Whether addresses have 64 bits.
    pub memory64: bool,
    /// Sizes in pages of 64 KiB.
    pub limits: Limits,
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableType {
    /// The type of the elements.
    pub element: RefType,
    /// Whether indices have 64 bits.
    pub table64: bool,
    /// Sizes in elements.
    pub limits: Limits,
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GlobalType {
    /// The type of its value.
    pub content: ValType,
    /// Whether it can be set.
    pub mutable: bool,
}

/// One of the things that modules import and export, with its type. Functions and
/// tags name a type by its index in the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntityType {
    /// A function of this type.
    Func(u32),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag whose exceptions carry the parameters of this type.
    Tag(u32),
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleImport {
    /// The module part of its name.
    pub module: String,
    /// The field part of its name.
    pub field: String,
    /// What it must be.
    pub ty: EntityType,
}

/// A place in one of the index spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntityIndex {
    /// A function.
    Func(u32),
    /// A table.
    Table(u32),
    /// A memory.
    Memory(u32),
    /// A global.
    Global(u32),
    /// A tag.
    Tag(u32),
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleExport {
    /// Its name.
    pub name: String,
    /// What it is.
    pub index: EntityIndex,
}

/// An operator of a constant expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConstOp {
    /// `i32.const`.
    I32(i32),
    /// `i64.const`.
    I64(i64),
    /// `f32.const`: the bits.
    F32(u32),
    /// `f64.const`: the bits.
    F64(u64),
    /// `v128.const`, little-endian.
    V128([u8; 16]),
    /// `global.get`.
    GlobalGet(u32),
    /// `ref.null` of any type.
    RefNull,
    /// `ref.func`.
    RefFunc(u32),
    /// `i32.add`.
    I32Add,
    /// `i32.sub`.
    I32Sub,
    /// `i32.mul`.
    I32Mul,
    /// `i64.add`.
    I64Add,
    /// `i64.sub`.
    I64Sub,
    /// `i64.mul`.
    I64Mul,
}

/// A validated constant expression in postfix order, without its `end`.
pub type ConstExpr = Box<[ConstOp]>;

/// When a segment is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SegmentMode {
    /// At instantiation, to the memory or table `index` from `offset` on.
    Active {
        /// Which memory or table.
        index: u32,
        /// From where.
        offset: ConstExpr,
    },
    /// By `memory.init` or `table.init`.
    Passive,
    /// Never; it only declares functions that `ref.func` may name.
    Declared,
}

/// A data segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSegment {
    /// When it is applied.
    pub mode: SegmentMode,
    /// Its bytes in [`ModuleInfo::data`].
    pub bytes: Range<u32>,
    /// Where they are in the module.
    pub position: u32,
}

/// The contents of an element segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ElementItems {
    /// References to these functions.
    Functions(Box<[u32]>),
    /// The values of these expressions.
    Expressions(Box<[ConstExpr]>),
}

impl ElementItems {
    /// How many elements.
    pub fn len(&self) -> usize {
        match self {
            ElementItems::Functions(list) => list.len(),
            ElementItems::Expressions(list) => list.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An element segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementSegment {
    /// When it is applied.
    pub mode: SegmentMode,
    /// The type of its elements.
    pub ty: RefType,
    /// Its elements.
    pub items: ElementItems,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionInfo {
    /// The index of its type.
    pub ty: u32,
    /// Its name in the name section.
    pub name: Option<String>,
    /// Whether a reference to it may exist: it is exported, the start function, in a
    /// segment, or named by `ref.func`. Its index among those is its place in the context.
    pub reference: Option<u32>,
    /// The bytes of its body in the module, from the local declarations to the
    /// last `end`; empty for an import.
    pub body: Range<u32>,
}

/// All that a module declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleInfo {
    /// Its name in the name section.
    pub name: Option<String>,
    /// The function types.
    pub types: Vec<FuncType>,
    /// The imports, in order.
    pub imports: Vec<ModuleImport>,
    /// The functions.
    #[serde(skip)]
    pub functions: Functions,
    /// The tables.
    pub tables: Vec<TableType>,
    /// The memories.
    pub memories: Vec<MemoryType>,
    /// The globals.
    pub globals: Vec<GlobalType>,
    /// The types of the tags.
    pub tags: Vec<u32>,
    /// How many functions are imported.
    pub imported_functions: u32,
    /// How many tables are imported.
    pub imported_tables: u32,
    /// How many memories are imported.
    pub imported_memories: u32,
    /// How many globals are imported.
    pub imported_globals: u32,
    /// How many tags are imported.
    pub imported_tags: u32,
    /// How many functions have a reference.
    pub references: u32,
    /// The initial values of the tables defined here; `None` is null.
    pub table_inits: Vec<Option<ConstExpr>>,
    /// The initial values of the globals defined here.
    pub global_inits: Vec<ConstExpr>,
    /// The exports, in order.
    pub exports: Vec<ModuleExport>,
    /// The function to call at the end of instantiation.
    pub start: Option<u32>,
    /// The element segments.
    pub elements: Vec<ElementSegment>,
    /// The data segments.
    pub data_segments: Vec<DataSegment>,
    /// The bytes of all data segments.
    #[serde(skip)]
    pub data: Bytes,
}

impl ModuleInfo {
    /// The declarations in the sections that `find` gives.
    ///
    /// # Errors
    /// If what is decoded at once cannot be.
    pub fn from_sections(find: &mut dyn FnMut(SectionKind) -> Section) -> Result<Self, FormatError> {
        let kind = SectionKind::Info;
        let mut info: ModuleInfo = postcard::from_bytes(find(kind).bytes())
            .map_err(|error| FormatError { kind, reason: error.to_string() })?;
        info.functions = Functions::from_sections(find);
        let kind = SectionKind::Data;
        info.data = find(kind).shared();
        let outside = |segment: &DataSegment| info.data.get(range(&segment.bytes)).is_none();
        if let Some(at) = info.data_segments.iter().position(outside) {
            return Err(FormatError { kind, reason: format!("segment {at} is not there") });
        }
        Ok(info)
    }

    /// The sections that [`ModuleInfo::from_sections`] needs.
    pub fn to_sections(&self) -> Vec<(SectionKind, Section)> {
        let info = postcard::to_stdvec(self).expect("plain data can be serialised");
        let mut sections = vec![
            (SectionKind::Info, Section::new(info)),
            (SectionKind::Data, Section::new(self.data.clone())),
        ];
        sections.extend(self.functions.to_sections());
        sections
    }

    /// The module that this is of, but for the bytes of its data segments: the parts between
    /// those.
    pub fn without_data<'a>(&self, wasm: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
        let starts = self.segments_in_place().map(|segment| segment.start).chain([wasm.len()]);
        let ends = std::iter::once(0).chain(self.segments_in_place().map(|segment| segment.end));
        ends.zip(starts).map(|(start, end)| wasm.get(start..end).unwrap_or_default())
    }

    /// The module again, from what [`ModuleInfo::without_data`] has left; none if that is
    /// of another module.
    pub fn with_data(&self, mut rest: &[u8]) -> Option<Vec<u8>> {
        let mut wasm = Vec::with_capacity(rest.len() + self.data.len());
        for segment in &self.data_segments {
            let before;
            (before, rest) = rest.split_at_checked((segment.position as usize).checked_sub(wasm.len())?)?;
            wasm.extend_from_slice(before);
            wasm.extend_from_slice(self.data.get(range(&segment.bytes))?);
        }
        wasm.extend_from_slice(rest);
        Some(wasm)
    }

    /// Where the bytes of the segments are in the module.
    fn segments_in_place(&self) -> impl Iterator<Item = Range<usize>> + Clone {
        self.data_segments.iter().map(|segment| {
            let start = segment.position as usize;
            start..start + segment.bytes.len()
        })
    }

    /// The bytes of a data segment.
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn segment_data(&self, segment: u32) -> &[u8] {
        &self.data[range(&self.data_segments[segment as usize].bytes)]
    }

    /// The type of a function.
    ///
    /// # Panics
    /// If there is no such function.
    pub fn function_type(&self, index: u32) -> &FuncType {
        &self.types[self.functions.ty(index) as usize]
    }

    /// Whether the function is imported.
    pub fn is_imported_function(&self, index: u32) -> bool {
        index < self.imported_functions
    }

    /// The type of an exported or imported thing.
    ///
    /// # Panics
    /// If there is no such thing.
    pub fn entity_type(&self, index: EntityIndex) -> EntityType {
        match index {
            EntityIndex::Func(i) => EntityType::Func(self.functions.ty(i)),
            EntityIndex::Table(i) => EntityType::Table(self.tables[i as usize]),
            EntityIndex::Memory(i) => EntityType::Memory(self.memories[i as usize]),
            EntityIndex::Global(i) => EntityType::Global(self.globals[i as usize]),
            EntityIndex::Tag(i) => EntityType::Tag(self.tags[i as usize]),
        }
    }
}

fn range(bytes: &Range<u32>) -> Range<usize> {
    bytes.start as usize..bytes.end as usize
}

/// The symbols of a compiled module.
pub mod symbols {
    use super::SymbolName;

    /// The namespace of functions.
    pub const FUNCTIONS: u32 = 0;
    /// The namespace of [`entry_stub`]s.
    pub const ENTRY_STUBS: u32 = 1;
    /// The namespace of [`exit_stub`]s.
    pub const EXIT_STUBS: u32 = 2;

    /// The function with this index.
    pub const fn function(index: u32) -> SymbolName {
        SymbolName::User { namespace: FUNCTIONS, index }
    }

    /// The stub through which the host enters functions of the type with this index:
    /// `(code: i64, vmctx: i64, values: i64) system_v`. It loads the parameters from
    /// the 16-byte slots at `values`, calls `code`, and stores the results there.
    pub const fn entry_stub(ty: u32) -> SymbolName {
        SymbolName::User { namespace: ENTRY_STUBS, index: ty }
    }

    /// The function that traps with [`crate::vmctx::trap::HOST_ERROR`], of signature
    /// `() tail`: where a hook of a site goes on that ends the program.
    pub const RAISE_STUB: SymbolName = SymbolName::User { namespace: 3, index: 0 };

    /// The stub through which compiled code calls a host function of the type with
    /// this index: it has the type's own signature, stores the parameters in 16-byte
    /// slots, and calls the built-in `host_call`.
    pub const fn exit_stub(ty: u32) -> SymbolName {
        SymbolName::User { namespace: EXIT_STUBS, index: ty }
    }
}

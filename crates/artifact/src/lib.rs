//! What a compilation leaves behind.
//!
//! Problem: the code generator, the run-time patcher, object writers and (later)
//! the engine must agree on the meaning of compiled code without importing one
//! another. Approach: plain data, no behaviour beyond small queries; what is large lies in
//! [`Section`]s, which are read in place. Every offset
//! is in bytes from the start of the code it belongs to: a function's own code in
//! [`CompiledFunction`], the whole image in [`Image`].

#![forbid(unsafe_code)]

mod blobs;
mod function;
mod functions;
mod image;
mod link;
pub mod module;
mod numbered;
mod object;
mod reloc;
mod rows;
mod section;
mod site;
mod state;
mod state_index;
mod trap;
mod unwind;
pub mod vmctx;

pub use blobs::{BlobError, compress, compress_parts, decompress};
pub use function::{CallSite, CompiledFunction, ExceptionHandler, HandlerContext, SourceRange};
pub use functions::Functions;
pub use image::{
    Architecture, FormatError, HandledCall, Image, Import, LoadReloc, LoadTarget, MAX_SITE_LEN, Site, Symbol,
};
pub use link::{ImageBuilder, LinkError, PackedFunction};
pub use module::{
    ConstExpr, ConstOp, DataSegment, ElementItems, ElementSegment, EntityIndex, EntityType, FuncType,
    FunctionInfo, GlobalType, HeapType, Limits, MemoryType, ModuleExport, ModuleImport, ModuleInfo, RefType,
    SegmentMode, TableType, ValType,
};
pub use object::{
    ObjectError, PATCH_SITES_SECTION, RECORD_SIZE, SiteRecord, linker_name, read_patch_sites, write_object,
};
pub use reloc::{Reloc, RelocKind, SymbolName};
pub use section::{Section, SectionKind};
pub use site::{PatchSite, PatchTarget, SiteKind};
pub use state::{StateEncoder, StateError, StateMap, StatePlace, decode_states, encode_states};
pub use state_index::StateIndex;
pub use trap::{TrapCode, TrapSite};
pub use unwind::{UnwindInfo, UnwindOp};
pub use vmctx::VmLayout;

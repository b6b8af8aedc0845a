//! The linker: from compiled functions to an [`Image`].
//!
//! Layout is functions in the order they came, each at its alignment, then a
//! veneer with its 8-byte slot for each import; islands of veneers stand between
//! functions where calls reach only so far. Relative references are resolved here; absolute ones become load relocations. A relocation inside a
//! patch site always goes into the site's `on` form, and into the code only if
//! the code was emitted with the site on: the bytes in the code are exactly the
//! form that the record says is there.

mod field;
mod packed;
mod veneer;

pub(crate) use field::write as write_field;
pub use packed::PackedFunction;

use crate::image::{
    Architecture, Draft, DraftSite, Image, LoadReloc, LoadTarget, MAX_SITE_LEN, SiteField, SiteRelocs,
    sources, traps,
};
use crate::{
    CallSite, CompiledFunction, ExceptionHandler, PatchSite, Reloc, RelocKind, SourceRange, SymbolName,
    TrapSite,
};
use packed::Tables;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::mem::take;
use std::ops::Range;
use veneer::Islands;

/// Why functions cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No function or import has this name.
    #[error("undefined symbol {symbol}, referred to by {function}")]
    Undefined {
        /// The missing symbol.
        symbol: SymbolName,
        /// The function that needs it.
        function: SymbolName,
    },
    /// Two functions, or a function and an import, have this name.
    #[error("duplicate symbol {0}")]
    Duplicate(SymbolName),
    /// A displacement does not fit its field.
    #[error("{function}: the reference at offset {offset} to {symbol} is out of reach")]
    OutOfReach {
        /// The function that refers.
        function: SymbolName,
        /// Offset of the reference in the function.
        offset: u32,
        /// The symbol referred to.
        symbol: SymbolName,
    },
    /// A function's record contradicts itself.
    #[error("{function}: {reason}")]
    Malformed {
        /// The function.
        function: SymbolName,
        /// What is wrong.
        reason: String,
    },
    /// The image would be larger than offsets can say.
    #[error("the image is larger than 2 GiB")]
    TooLarge,
}

/// Collects functions into an [`Image`].
#[derive(Clone, Debug, Default)]
pub struct ImageBuilder {
    architecture: Architecture,
    functions: Vec<PackedFunction>,
    imports: BTreeSet<SymbolName>,
    /// The names that functions refer to.
    references: FxHashSet<SymbolName>,
    /// What is wrong with the first function that could not be added.
    error: Option<LinkError>,
}

/// Where a name leads.
#[derive(Clone, Copy)]
enum Definition {
    Function(u32),
    Import(u32),
}

impl Definition {
    /// The image offset that a call of it goes to.
    fn callee(self, image: &Draft) -> u32 {
        match self {
            Definition::Function(offset) => offset,
            Definition::Import(index) => image.imports[index as usize].veneer,
        }
    }
}

/// What the distance between two places is known modulo, if the image's alignment
/// is a multiple of it.
const PAGE: u32 = 4096;

impl ImageBuilder {
    /// A builder of an image for `architecture`.
    pub fn new(architecture: Architecture) -> Self {
        ImageBuilder { architecture, ..Self::default() }
    }

    /// Adds a function; the image has the functions in this order.
    pub fn add(&mut self, function: CompiledFunction) -> &mut Self {
        match PackedFunction::new(function) {
            Ok(function) => self.add_packed(function),
            Err(error) => {
                self.error.get_or_insert(error);
                self
            }
        }
    }

    /// As [`ImageBuilder::add`].
    pub fn add_packed(&mut self, function: PackedFunction) -> &mut Self {
        for reloc in function.tables().relocs {
            self.references.insert(reloc.symbol);
        }
        self.functions.push(function);
        self
    }

    /// Declares that the loader resolves `name`. An import that nobody refers to is dropped.
    pub fn import(&mut self, name: SymbolName) -> &mut Self {
        self.imports.insert(name);
        self
    }

    /// The names that the functions so far refer to and neither define nor import, sorted.
    pub fn undefined(&self) -> Vec<SymbolName> {
        let defined: FxHashSet<&SymbolName> = self.functions.iter().map(|f| &f.name).collect();
        let undefined = self.references.iter().filter(|name| !defined.contains(name));
        let mut names: Vec<_> = undefined.filter(|name| !self.imports.contains(name)).cloned().collect();
        names.sort();
        names
    }

    /// Links the functions.
    ///
    /// # Errors
    /// A duplicate or undefined symbol, a displacement that does not fit, or a
    /// record that contradicts itself, such as a site that reaches outside its function.
    pub fn finish(self) -> Result<Image, LinkError> {
        let ImageBuilder { architecture, mut functions, imports, mut references, error } = self;
        error.map_or(Ok(()), Err)?;
        let mut image = Draft::new(architecture);
        // Room for all code, so that it is not moved while it grows.
        image.code.reserve(functions.iter().map(|f| f.code.len() + f.alignment as usize).sum());
        let mut names = FxHashMap::default();
        names.reserve(functions.len() + imports.len());
        let mut islands = Islands::default();
        let mut bases = Vec::with_capacity(functions.len());
        let mut paged = false;
        for function in &mut functions {
            let code = take(&mut function.code);
            let tables = function.tables();
            islands.before(&mut image, &names, code.len() as u32 + function.alignment, &tables.relocs)?;
            let offset = pad(&mut image, function.alignment)?;
            image.alignment = image.alignment.max(function.alignment);
            image.code.extend_from_slice(&code);
            if names.insert(function.name.clone(), Definition::Function(offset)).is_some() {
                return Err(LinkError::Duplicate(function.name.clone()));
            }
            rebase(&mut image, &function.name, offset..offset + code.len() as u32, &tables);
            islands.after(&tables.relocs, offset, &names);
            paged |= tables.relocs.iter().any(|r| r.kind == RelocKind::Aarch64PageOffset);
            bases.push(offset);
        }
        references.retain(|name| imports.contains(name));
        islands.before_imports(&mut image, &names, references.len())?;
        for name in &imports {
            if names.contains_key(name) {
                return Err(LinkError::Duplicate(name.clone()));
            }
            if references.contains(name) {
                names.insert(name.clone(), Definition::Import(image.imports.len() as u32));
                veneer::add_import(&mut image, name)?;
            }
        }
        islands.finish(&mut image, &names)?;
        let find = |symbol: &SymbolName, function: &SymbolName| {
            let undefined = || LinkError::Undefined { symbol: symbol.clone(), function: function.clone() };
            names.get(symbol).copied().ok_or_else(undefined)
        };
        for (function, base) in functions.into_iter().zip(bases) {
            let tables = function.tables();
            let mut sites: Vec<_> = tables.sites().map(|site| rebase_site(site, base)).collect();
            for reloc in &tables.relocs {
                let definition = find(&reloc.symbol, &function.name)?;
                apply(&mut image, &mut sites, &function.name, base, reloc, definition, &islands)?;
            }
            sites.iter().for_each(|site| image.push_site(site));
        }
        for (veneer, symbol) in &islands.jumps {
            let callee = i64::from(find(symbol, symbol)?.callee(&image));
            let kind = Islands::jump_kind(image.architecture).ok_or(LinkError::TooLarge)?;
            let bytes = &mut image.code[*veneer as usize..(veneer + kind.size()) as usize];
            field::write(kind, bytes, *veneer, callee).ok_or(LinkError::TooLarge)?;
        }
        if !islands.jumps.is_empty() || paged {
            image.alignment = image.alignment.max(PAGE);
        }
        image.load_relocs.sort_by_key(|r| r.offset);
        image.finish().ok_or(LinkError::TooLarge)
    }
}

/// Refuses a function whose tables are unsorted or lead outside its code.
pub(crate) fn check(function: &CompiledFunction) -> Result<(), LinkError> {
    let malformed = |reason: String| LinkError::Malformed { function: function.name.clone(), reason };
    let size = u32::try_from(function.code.len()).map_err(|_| LinkError::TooLarge)?;
    if !function.alignment.is_power_of_two() || function.alignment > 4096 {
        return Err(malformed(format!("alignment {} is not a power of two up to 4096", function.alignment)));
    }
    for reloc in &function.relocs {
        if reloc.offset.checked_add(reloc.kind.size()).is_none_or(|end| end > size) {
            return Err(malformed(format!("relocation at {} lies outside the code", reloc.offset)));
        }
    }
    let mut last_end = 0;
    for site in &function.patch_sites {
        let len = usize::from(site.len);
        let start = site.end.checked_sub(u32::from(site.len));
        if site.end > size || start.is_none_or(|start| start < last_end) {
            return Err(malformed(format!(
                "patch site ending at {} overlaps or lies outside the code",
                site.end
            )));
        }
        if len > MAX_SITE_LEN {
            return Err(malformed(format!("patch site ending at {}: {len} bytes are too many", site.end)));
        }
        if len == 0 || site.on.len() != len || site.off.len() != len {
            return Err(malformed(format!("patch site ending at {}: a form is not {len} bytes", site.end)));
        }
        if function.code[site.start() as usize..site.end as usize] != *site.bytes(site.initially_on) {
            return Err(malformed(format!("patch site ending at {}: the code has neither form", site.end)));
        }
        last_end = site.end;
    }
    let sorted = function.traps.is_sorted_by_key(|t| t.offset)
        && function.call_sites.is_sorted_by_key(|c| c.return_offset)
        && function.sources.is_sorted_by_key(|s| s.start);
    if !sorted { Err(malformed("a table is not sorted by offset".to_string())) } else { Ok(()) }
}

/// Pads the code to `alignment` and returns the new length.
fn pad(image: &mut Draft, alignment: u32) -> Result<u32, LinkError> {
    let offset = image.code.len().next_multiple_of(alignment as usize);
    image.code.resize(offset, 0);
    if offset > i32::MAX as usize { Err(LinkError::TooLarge) } else { Ok(offset as u32) }
}

/// Adds the function's symbol and tables, moved to its place; its sites wait for their
/// relocations.
fn rebase(image: &mut Draft, name: &SymbolName, place: Range<u32>, tables: &Tables<'_>) {
    let base = place.start;
    let states = [tables.states, tables.trap_states];
    image.push_symbol(name.clone(), place, tables.frame_size, tables.unwind.clone(), states);
    for trap in traps(tables.traps()) {
        image.push_trap(TrapSite { offset: base + trap.offset, ..trap });
    }
    for call in &tables.calls {
        image.push_call(&CallSite {
            return_offset: base + call.return_offset,
            frame_offset: call.frame_offset,
            handlers: call.handlers.iter().map(|h| rebase_handler(*h, base)).collect(),
        });
    }
    for range in sources(tables.sources()) {
        image.sources.push(SourceRange { start: base + range.start, end: base + range.end, ..range });
    }
}

fn rebase_site(site: PatchSite, base: u32) -> DraftSite {
    DraftSite { record: PatchSite { end: base + site.end, ..site }, relocs: SiteRelocs::None }
}

fn rebase_handler(handler: ExceptionHandler, base: u32) -> ExceptionHandler {
    match handler {
        ExceptionHandler::Tag { tag, handler } => ExceptionHandler::Tag { tag, handler: base + handler },
        ExceptionHandler::Default { handler } => ExceptionHandler::Default { handler: base + handler },
        ExceptionHandler::Context(context) => ExceptionHandler::Context(context),
    }
}

/// Resolves one relocation of `function`, which lies at `base` and has these sites.
fn apply(
    image: &mut Draft,
    sites: &mut [DraftSite],
    function: &SymbolName,
    base: u32,
    reloc: &Reloc,
    definition: Definition,
    islands: &Islands,
) -> Result<(), LinkError> {
    let place = base + reloc.offset;
    let callee = definition.callee(image);
    if reloc.kind == RelocKind::Abs8 {
        let target = match (definition, image.architecture) {
            // A Pulley function address is that of bytecode, so it is the veneer's.
            (Definition::Function(_), _) | (Definition::Import(_), Architecture::Pulley64) => {
                LoadTarget::Image(callee)
            }
            (Definition::Import(index), _) => LoadTarget::Import(index),
        };
        image.load_relocs.push(LoadReloc { offset: place, target, addend: reloc.addend });
        return Ok(());
    }
    let out_of_reach = || LinkError::OutOfReach {
        function: function.clone(),
        offset: reloc.offset,
        symbol: reloc.symbol.clone(),
    };
    let target = i64::from(islands.target(place, reloc.kind.reach(), callee)).checked_add(reloc.addend);
    let target = target.ok_or_else(out_of_reach)?;
    let len = reloc.kind.size() as usize;
    let after = sites.partition_point(|s| s.record.end <= place);
    let mut in_code = true;
    if let Some(DraftSite { record: site, relocs }) =
        sites.get_mut(after).filter(|s| s.record.start() <= place)
    {
        let at = (place - site.start()) as usize;
        let crosses = || LinkError::Malformed {
            function: function.clone(),
            reason: format!("relocation at {} crosses the end of a patch site", reloc.offset),
        };
        let field = site.on.get_mut(at..at + len).ok_or_else(crosses)?;
        field::write(reloc.kind, field, place, target).ok_or_else(out_of_reach)?;
        // There the off form keeps the displacement, so that switching is one byte.
        let keeps = image.architecture == Architecture::S390x && reloc.kind == RelocKind::S390xCall32;
        let in_off = keeps && site.off.len() == site.on.len();
        if in_off {
            site.off[at..at + len].copy_from_slice(&site.on[at..at + len]);
        }
        relocs.push(SiteField { at: at as u8, kind: reloc.kind, target, in_off });
        in_code = site.initially_on || keeps;
    }
    if in_code {
        let field = &mut image.code[place as usize..place as usize + len];
        field::write(reloc.kind, field, place, target).ok_or_else(out_of_reach)?;
    }
    Ok(())
}

//! Several functions linked into one block of code.
//!
//! An [`Image`] is position-independent except for [`Image::load_relocs`], the
//! 8-byte addresses that whoever loads it writes once. What the functions refer
//! to and do not define is an [`Import`]: a call to it goes through a veneer in
//! the image, so that every call reaches whatever the distance, and a patch site
//! that calls an import is as long as any other. Every offset is an image offset
//! and every table is sorted by it.
//!
//! An image is read where it lies, in memory that a compilation has filled or in a mapped
//! file: its tables are bytes in [`Section`]s, of which nothing is decoded or checked until
//! somebody asks, and then only what was asked for. What can be computed is not there: a
//! site's bytes follow from its form and its place. Queries allocate nothing, as
//! signal handlers need it, except those that give names or strings of state maps. A
//! section whose bytes are damaged is as good as empty, and [`Image::damaged`] tells.

mod draft;
mod site;
mod symbol;
mod tables;

pub(crate) use draft::{Draft, DraftSite, SiteRelocs};
pub(crate) use site::SiteField;
pub use site::{MAX_SITE_LEN, Site};
pub use symbol::Symbol;
pub(crate) use tables::{SourcesWriter, sources, trap_row, traps};

use crate::rows::{Rows, u32_at};
use crate::{
    ExceptionHandler, HandlerContext, PatchSite, Section, SectionKind, SourceRange, SymbolName, TrapCode,
    TrapSite, UnwindInfo,
};
use serde::{Deserialize, Serialize};
use site::SiteForm;
use std::ops::Range;

/// What an image's code runs on; decides the form of the veneers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit x86.
    #[default]
    X86_64,
    /// The portable bytecode with 64-bit pointers.
    Pulley64,
    /// 64-bit Arm, little-endian.
    Aarch64,
    /// 64-bit RISC-V with the extensions `gc`.
    Riscv64,
    /// IBM z/Architecture, big-endian.
    S390x,
}

impl Architecture {
    /// Whether addresses in memory have their highest byte first.
    pub fn is_big_endian(self) -> bool {
        self == Architecture::S390x
    }

    /// The 8 bytes of an address in memory.
    pub fn address_bytes(self, address: u64) -> [u8; 8] {
        if self.is_big_endian() { address.to_be_bytes() } else { address.to_le_bytes() }
    }
}

/// Something outside the image that its code refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The name that the loader resolves.
    pub name: SymbolName,
    /// Offset of the veneer that calls go to.
    ///
    /// It jumps through an 8-byte slot that a load relocation fills.
    /// On Pulley it is `call_indirect_host 0; ret`: the interpreter stops with
    /// [`Import::resume`] as the address to go on at, and the host finds the
    /// function by that. Natively it overwrites one register that no code of ours
    /// allocates and no convention saves: x16 on AArch64, t6 on RISC-V, r1 on s390x.
    pub veneer: u32,
    /// Offset just after the veneer's first instruction.
    pub resume: u32,
}

/// What address a [`LoadReloc`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadTarget {
    /// The address that the image has at this offset.
    Image(u32),
    /// The address of [`Image::imports`] at this index.
    Import(u32),
}

/// 8 bytes that hold an address once the image is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadReloc {
    /// Where the address goes.
    pub offset: u32,
    /// Whose address.
    pub target: LoadTarget,
    /// Added to the address.
    pub addend: i64,
}

/// The parts of an image that are decoded at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    architecture: Architecture,
    alignment: u32,
    imports: Vec<Import>,
    load_relocs: Vec<LoadReloc>,
    /// The names of symbols that are given by text.
    names: Vec<String>,
    unwinds: Vec<UnwindInfo>,
    forms: Vec<SiteForm>,
}

/// Linked code with everything that is known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// What the code runs on.
    pub architecture: Architecture,
    /// The alignment that the first byte needs.
    pub alignment: u32,
    /// What the loader resolves, sorted by veneer.
    pub imports: Vec<Import>,
    /// The addresses that the loader writes, sorted by offset.
    pub load_relocs: Vec<LoadReloc>,
    names: Vec<String>,
    unwinds: Vec<UnwindInfo>,
    forms: Vec<SiteForm>,
    code: Section,
    /// A record for each function, and one for the end.
    symbols: Section,
    /// Indices of symbols, sorted by name; empty if the symbols are.
    order: Section,
    /// Rows of offset and code.
    traps: Section,
    /// Rows of return offset, frame offset and first handler.
    calls: Section,
    /// [`HANDLER`] bytes for each.
    handlers: Section,
    /// Rows of end, tag and form.
    sites: Section,
    /// Rows of start and location plus one, which is 0 where there is none.
    sources: Section,
    states: Section,
    trap_states: Section,
}

/// Why an image or a module cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("section {kind:?}: {reason}")]
pub struct FormatError {
    /// Where.
    pub kind: SectionKind,
    /// What is wrong.
    pub reason: String,
}

/// Bytes of a handler: three numbers of 32 bits, little-endian.
const HANDLER: usize = 12;

/// A call with handlers of exceptions.
#[derive(Clone, Copy, Debug)]
pub struct HandledCall<'a> {
    /// Code offset just after the call.
    pub return_offset: u32,
    /// Bytes from the frame pointer down to the stack pointer during the call.
    pub frame_offset: u32,
    handlers: &'a [u8],
}

impl<'a> HandledCall<'a> {
    /// The handlers, in order.
    pub fn handlers(&self) -> impl Iterator<Item = ExceptionHandler> + use<'a> {
        self.handlers.chunks_exact(HANDLER).filter_map(|bytes| {
            let [tag, handler] = [u32_at(bytes, 1)?, u32_at(bytes, 2)?];
            Some(match u32_at(bytes, 0)? {
                0 => ExceptionHandler::Tag { tag, handler },
                1 => ExceptionHandler::Default { handler },
                _ => ExceptionHandler::Context(HandlerContext::SpOffset(tag)),
            })
        })
    }
}

impl Image {
    /// The image in the sections that `find` gives.
    ///
    /// # Errors
    /// If what is decoded at once cannot be.
    pub fn from_sections(find: &mut dyn FnMut(SectionKind) -> Section) -> Result<Self, FormatError> {
        let kind = SectionKind::Image;
        let head: Head = postcard::from_bytes(find(kind).bytes())
            .map_err(|error| FormatError { kind, reason: error.to_string() })?;
        let image = Image::new(head, find);
        let outside = |offset: u32| offset as usize > image.code.len().saturating_sub(8);
        if image.load_relocs.iter().any(|reloc| outside(reloc.offset)) {
            return Err(FormatError { kind, reason: "a relocation lies outside the code".to_string() });
        }
        let imports = image.imports.len();
        let known = |target| !matches!(target, LoadTarget::Import(index) if index as usize >= imports);
        if !image.load_relocs.iter().all(|reloc| known(reloc.target)) {
            return Err(FormatError { kind, reason: "a relocation has no target".to_string() });
        }
        Ok(image)
    }

    fn new(head: Head, find: &mut dyn FnMut(SectionKind) -> Section) -> Self {
        let Head { architecture, alignment, imports, load_relocs, names, unwinds, forms } = head;
        Image {
            architecture,
            alignment,
            imports,
            load_relocs,
            names,
            unwinds,
            forms,
            code: find(SectionKind::Code),
            symbols: find(SectionKind::Symbols),
            order: find(SectionKind::SymbolOrder),
            traps: find(SectionKind::Traps),
            calls: find(SectionKind::Calls),
            handlers: find(SectionKind::Handlers),
            sites: find(SectionKind::Sites),
            sources: find(SectionKind::Sources),
            states: find(SectionKind::States),
            trap_states: find(SectionKind::TrapStates),
        }
    }

    /// The sections that [`Image::from_sections`] needs.
    pub fn to_sections(&self) -> Vec<(SectionKind, Section)> {
        let head = Head {
            architecture: self.architecture,
            alignment: self.alignment,
            imports: self.imports.clone(),
            load_relocs: self.load_relocs.clone(),
            names: self.names.clone(),
            unwinds: self.unwinds.clone(),
            forms: self.forms.clone(),
        };
        let head = postcard::to_stdvec(&head).expect("plain data can be serialised");
        let tables = self.tables().map(|(kind, section)| (kind, section.clone()));
        [(SectionKind::Image, Section::new(head)), (SectionKind::Code, self.code.clone())]
            .into_iter()
            .chain(tables)
            .collect()
    }

    fn tables(&self) -> impl Iterator<Item = (SectionKind, &Section)> {
        let tables = [
            (SectionKind::Symbols, &self.symbols),
            (SectionKind::SymbolOrder, &self.order),
            (SectionKind::Traps, &self.traps),
            (SectionKind::Calls, &self.calls),
            (SectionKind::Handlers, &self.handlers),
            (SectionKind::Sites, &self.sites),
            (SectionKind::Sources, &self.sources),
            (SectionKind::States, &self.states),
            (SectionKind::TrapStates, &self.trap_states),
        ];
        tables.into_iter()
    }

    /// The section, if any, that somebody has used and found to be damaged.
    pub fn damaged(&self) -> Option<SectionKind> {
        self.tables().find(|(_, section)| section.is_known_damaged()).map(|(kind, _)| kind)
    }

    /// The code, with all relative references resolved.
    pub fn code(&self) -> &[u8] {
        self.code.bytes()
    }

    /// Bytes of the code.
    pub fn code_len(&self) -> usize {
        self.code.len()
    }

    /// How many functions there are.
    pub fn symbol_count(&self) -> usize {
        symbol::count(self.symbols.bytes())
    }

    /// The function with this number in the order of offsets.
    pub fn symbol_number(&self, number: usize) -> Option<Symbol<'_>> {
        (number < self.symbol_count()).then(|| Symbol::new(self, number))?
    }

    /// The functions, sorted by offset.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol<'_>> {
        (0..self.symbol_count()).map_while(|number| self.symbol_number(number))
    }

    /// The function with this number in the order of names.
    fn named(&self, number: usize) -> Option<Symbol<'_>> {
        let order = self.order.bytes();
        let number = if order.is_empty() { number } else { u32_at(order, number)? as usize };
        self.symbol_number(number)
    }

    /// How many functions, in the order of names, are such that `is` holds, which it does
    /// for none behind one for which it does not.
    fn count_named(&self, is: impl Fn(&Symbol<'_>) -> bool) -> usize {
        partition(self.symbol_count(), |number| self.named(number).is_some_and(|symbol| is(&symbol)))
    }

    /// The function called `name`.
    pub fn symbol(&self, name: &SymbolName) -> Option<Symbol<'_>> {
        let at = self.count_named(|symbol| symbol.cmp_name(name).is_lt());
        self.named(at).filter(|symbol| symbol.is_called(name))
    }

    /// The functions of a namespace, with their indices in it, sorted by those.
    pub fn symbols_of(&self, namespace: u32) -> impl Iterator<Item = (u32, Symbol<'_>)> {
        let first = SymbolName::User { namespace, index: 0 };
        let first = self.count_named(|symbol| symbol.cmp_name(&first).is_lt());
        (first..).map_while(move |number| {
            let symbol = self.named(number)?;
            Some((symbol.index_in(namespace)?, symbol))
        })
    }

    /// The function whose bytes include `offset`.
    pub fn symbol_at(&self, offset: u32) -> Option<Symbol<'_>> {
        let starts_before = |number| self.symbol_number(number).is_some_and(|s| s.offset <= offset);
        let after = partition(self.symbol_count(), starts_before);
        self.symbol_number(after.checked_sub(1)?).filter(|symbol| symbol.range().contains(&offset))
    }

    fn trap_rows(&self) -> Rows<'_, 2> {
        Rows::new(self.traps.bytes())
    }

    /// The instructions that can trap, sorted by offset.
    pub fn traps(&self) -> impl Iterator<Item = TrapSite> {
        traps(self.trap_rows())
    }

    /// The meaning of a fault of the instruction at `offset`.
    pub fn trap_at(&self, offset: u32) -> Option<TrapCode> {
        TrapCode::from_number(self.trap_rows().at(offset)?.1[1])
    }

    fn source_rows(&self) -> Rows<'_, 2> {
        Rows::new(self.sources.bytes())
    }

    /// The source locations, sorted and disjoint.
    pub fn sources(&self) -> impl Iterator<Item = SourceRange> {
        sources(self.source_rows())
    }

    /// The front end's location of the code at `offset`.
    pub fn source_at(&self, offset: u32) -> Option<u32> {
        let (_, [_, location]) = self.source_rows().at_or_before(offset)?;
        u32::try_from(location.checked_sub(1)?).ok()
    }

    fn call(&self, rows: Rows<'_, 3>, at: usize, row: [u64; 3]) -> HandledCall<'_> {
        let [return_offset, frame_offset, first] = row;
        let handlers = self.handlers.bytes();
        let end = rows.get(at + 1).map_or(usize::MAX, |[_, _, next]| next as usize);
        let place = |handler: usize| handler.saturating_mul(HANDLER).min(handlers.len());
        HandledCall {
            return_offset: return_offset as u32,
            frame_offset: frame_offset as u32,
            handlers: handlers.get(place(first as usize)..place(end)).unwrap_or_default(),
        }
    }

    /// The calls that have handlers, sorted by return offset.
    pub fn handled_calls(&self) -> impl Iterator<Item = HandledCall<'_>> {
        let rows = Rows::new(self.calls.bytes());
        rows.iter_from(0).enumerate().map(move |(at, row)| self.call(rows, at, row))
    }

    /// The call that returns to `return_offset`, if it has handlers.
    pub fn handled_call(&self, return_offset: u32) -> Option<HandledCall<'_>> {
        let rows = Rows::new(self.calls.bytes());
        let (at, row) = rows.at(return_offset)?;
        Some(self.call(rows, at, row))
    }

    fn site_rows(&self) -> Rows<'_, 3> {
        Rows::new(self.sites.bytes())
    }

    fn form(&self, row: [u64; 3]) -> Option<&SiteForm> {
        self.forms.get(usize::try_from(row[2]).ok()?)
    }

    fn site_in(&self, row: [u64; 3]) -> Option<Site> {
        let site = self.form(row)?.site(row[0] as u32, row[1])?;
        (site.end as usize <= self.code.len()).then_some(site)
    }

    /// Whether there are sites. Reads none.
    pub fn has_sites(&self) -> bool {
        !self.forms.is_empty()
    }

    /// How many sites there are.
    pub fn site_count(&self) -> usize {
        self.site_rows().len()
    }

    /// A site, by its index in the order of ends.
    pub fn site(&self, index: usize) -> Option<Site> {
        self.site_in(self.site_rows().get(index)?)
    }

    /// The sites with these indices, faster than one by one.
    pub fn sites(&self, indices: Range<usize>) -> impl Iterator<Item = (usize, Site)> {
        let rows = self.site_rows().iter_from(indices.start);
        indices.zip(rows).map_while(|(index, row)| Some((index, self.site_in(row)?)))
    }

    /// All that is known of a site.
    pub fn patch_site(&self, index: usize) -> Option<PatchSite> {
        let row = self.site_rows().get(index)?;
        Some(self.form(row)?.record(&self.site_in(row)?))
    }

    /// The index of the site that ends at `end`.
    pub fn site_ending_at(&self, end: u32) -> Option<usize> {
        self.site_rows().at(end).map(|(index, _)| index)
    }

    /// The indices of the sites that end behind `start` and not behind `end`.
    pub fn sites_ending_in(&self, start: u32, end: u32) -> Range<usize> {
        let rows = self.site_rows();
        rows.count_to(start)..rows.count_to(end)
    }

    /// The indices of the sites of function `name`; none if there is no such function.
    pub fn sites_of(&self, name: &SymbolName) -> Range<usize> {
        let Some(symbol) = self.symbol(name) else { return 0..0 };
        let Range { start, end } = symbol.range();
        self.sites_ending_in(start, end)
    }

    /// The indices of the sites of function `name` that carry `tag`.
    pub fn sites_tagged(&self, name: &SymbolName, tag: u64) -> impl Iterator<Item = usize> + '_ {
        let tagged = move |(_, site): &(usize, Site)| site.tag == tag;
        self.sites(self.sites_of(name)).filter(tagged).map(|(index, _)| index)
    }

    /// The index in `imports` of the import whose veneer goes on at `resume`.
    pub fn import_resuming_at(&self, resume: u32) -> Option<usize> {
        self.imports.binary_search_by_key(&resume, |i| i.resume).ok()
    }
}

/// How many of the numbers below `count` are such that `is` holds, if it holds for none
/// behind one for which it does not.
fn partition(count: usize, is: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if is(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

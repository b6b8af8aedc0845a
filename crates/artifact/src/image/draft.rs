//! An image while it is being linked.

use super::site::{SiteField, SiteForm};
use super::symbol::Record;
use super::{Architecture, HANDLER, Head, Image, Import, LoadReloc, SourcesWriter, trap_row};
use crate::blobs::BlobsWriter;
use crate::numbered::Numbered;
use crate::rows::RowsWriter;
use crate::{
    CallSite, ExceptionHandler, HandlerContext, PatchSite, Section, SectionKind, SymbolName, TrapSite,
    UnwindInfo,
};
use std::collections::HashMap;
use std::ops::Range;

/// A function that has its place.
#[derive(Debug)]
pub(crate) struct DraftSymbol {
    pub name: SymbolName,
    pub offset: u32,
    pub size: u32,
    pub frame_size: u32,
    /// An index.
    unwind: u32,
    /// Where its state maps are.
    states: Range<usize>,
    trap_states: Range<usize>,
}

/// A site that has its place.
#[derive(Debug)]
pub(crate) struct DraftSite {
    pub record: PatchSite,
    pub relocs: SiteRelocs,
}

/// The relocations of a site.
#[derive(Debug, Default)]
pub(crate) enum SiteRelocs {
    #[default]
    None,
    One(SiteField),
    Several,
}

impl SiteRelocs {
    /// There is another one.
    pub fn push(&mut self, field: SiteField) {
        *self = if let SiteRelocs::None = self { SiteRelocs::One(field) } else { SiteRelocs::Several };
    }
}

/// Functions that have their places in the code, with the tables of an [`Image`].
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub architecture: Architecture,
    pub alignment: u32,
    pub code: Vec<u8>,
    pub symbols: Vec<DraftSymbol>,
    pub imports: Vec<Import>,
    pub load_relocs: Vec<LoadReloc>,
    pub sources: SourcesWriter,
    traps: RowsWriter<2>,
    calls: RowsWriter<3>,
    handlers: Vec<u8>,
    sites: RowsWriter<3>,
    forms: Numbered<SiteForm>,
    unwinds: Numbered<UnwindInfo>,
    states: BlobsWriter,
    trap_states: BlobsWriter,
}

impl Draft {
    /// No code yet.
    pub fn new(architecture: Architecture) -> Self {
        Draft { architecture, alignment: 16, ..Draft::default() }
    }

    /// Adds a function that has been put at `offset`, with the strings of its state maps.
    pub fn push_symbol(
        &mut self,
        name: SymbolName,
        place: Range<u32>,
        frame_size: u32,
        unwind: UnwindInfo,
        states: [&[u8]; 2],
    ) {
        self.symbols.push(DraftSymbol {
            name,
            offset: place.start,
            size: place.end - place.start,
            frame_size,
            unwind: self.unwinds.number(unwind),
            states: self.states.push(states[0]),
            trap_states: self.trap_states.push(states[1]),
        });
    }

    /// Adds an instruction that can trap.
    pub fn push_trap(&mut self, trap: TrapSite) {
        self.traps.push(trap_row(trap));
    }

    /// Adds a call that has handlers.
    pub fn push_call(&mut self, call: &CallSite) {
        let first = self.handlers.len() / HANDLER;
        self.calls.push([call.return_offset.into(), call.frame_offset.into(), first as u64]);
        for handler in &call.handlers {
            let numbers = match *handler {
                ExceptionHandler::Tag { tag, handler } => [0, tag, handler],
                ExceptionHandler::Default { handler } => [1, 0, handler],
                ExceptionHandler::Context(HandlerContext::SpOffset(offset)) => [2, offset, 0],
            };
            self.handlers.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
        }
    }

    /// Adds a site whose forms have been relocated.
    pub fn push_site(&mut self, site: &DraftSite) {
        let DraftSite { record, relocs } = site;
        let field = if let SiteRelocs::One(field) = relocs { Some(*field) } else { None };
        let form = self.forms.number(SiteForm::of(record, field));
        self.sites.push([record.end.into(), record.tag, form.into()]);
    }

    /// The image; none if a table is larger than offsets can say.
    pub fn finish(self) -> Option<Image> {
        let symbols = &self.symbols;
        let mut names = Numbered::<String>::default();
        let mut records = Vec::with_capacity((symbols.len() + 1) * 32);
        let [mut states, mut trap_states] = [0; 2];
        for symbol in symbols {
            let (namespace, index) = Record::name(&symbol.name, |name| names.number(name.to_string()));
            let DraftSymbol { offset, size, frame_size, unwind, .. } = *symbol;
            let record = Record {
                namespace,
                index,
                offset,
                size,
                frame_size,
                unwind,
                states: u32::try_from(symbol.states.start).ok()?,
                trap_states: u32::try_from(symbol.trap_states.start).ok()?,
            };
            record.write(&mut records);
            [states, trap_states] = [symbol.states.end, symbol.trap_states.end];
        }
        let end = Record {
            namespace: 0,
            index: 0,
            offset: self.code.len() as u32,
            size: 0,
            frame_size: 0,
            unwind: 0,
            states: u32::try_from(states).ok()?,
            trap_states: u32::try_from(trap_states).ok()?,
        };
        end.write(&mut records);
        let mut order = Vec::new();
        if !symbols.is_sorted_by_key(|symbol| &symbol.name) {
            let mut sorted: Vec<u32> = (0..symbols.len() as u32).collect();
            sorted.sort_by_key(|&number| &symbols[number as usize].name);
            order.extend(sorted.into_iter().flat_map(u32::to_le_bytes));
        }
        let mut tables = HashMap::from([
            (SectionKind::Symbols, records),
            (SectionKind::SymbolOrder, order),
            (SectionKind::Traps, self.traps.finish()),
            (SectionKind::Calls, self.calls.finish()),
            (SectionKind::Handlers, self.handlers),
            (SectionKind::Sites, self.sites.finish()),
            (SectionKind::Sources, self.sources.finish()),
            (SectionKind::States, self.states.finish()?),
            (SectionKind::TrapStates, self.trap_states.finish()?),
            (SectionKind::Code, self.code),
        ]);
        let head = Head {
            architecture: self.architecture,
            alignment: self.alignment,
            imports: self.imports,
            load_relocs: self.load_relocs,
            names: names.values,
            unwinds: self.unwinds.values,
            forms: self.forms.values,
        };
        Some(Image::new(head, &mut |kind| Section::new(tables.remove(&kind).unwrap_or_default())))
    }
}

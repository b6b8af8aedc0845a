//! Functions that wait until all of a module's are there.
//!
//! Problem: as [`CompiledFunction`]s, the functions of a module take several times what comes
//! of them in the image, most of it in tables of records. Approach: whoever has compiled a
//! function packs it at once: the tables become rows, as the image has them, and all but the
//! code is one string of bytes, which the linker takes apart for one function at a time.

use super::{LinkError, check};
use crate::image::{SourcesWriter, trap_row};
use crate::numbered::Numbered;
use crate::rows::{Rows, RowsWriter};
use crate::{CallSite, CompiledFunction, PatchSite, Reloc, SymbolName, UnwindInfo};
use serde::{Deserialize, Serialize};

/// A function as [`crate::ImageBuilder`] keeps it: what an [`crate::Image`] has of a
/// [`CompiledFunction`], in a fraction of the memory.
#[derive(Clone, Debug)]
pub struct PackedFunction {
    pub(super) name: SymbolName,
    pub(super) alignment: u32,
    pub(super) code: Box<[u8]>,
    /// [`Tables`].
    tables: Box<[u8]>,
}

/// What is known about the code.
#[derive(Serialize, Deserialize)]
pub(super) struct Tables<'a> {
    pub(super) frame_size: u32,
    pub(super) unwind: UnwindInfo,
    pub(super) relocs: Vec<Reloc>,
    /// The calls that have handlers: nobody asks an image after others.
    pub(super) calls: Vec<CallSite>,
    /// Rows as [`trap_row`] makes them.
    traps: &'a [u8],
    /// As [`SourcesWriter`] makes them.
    sources: &'a [u8],
    /// Rows of end, tag and form.
    sites: &'a [u8],
    /// The distinct sites, with zeros for end and tag.
    forms: Vec<PatchSite>,
    pub(super) states: &'a [u8],
    pub(super) trap_states: &'a [u8],
}

impl PackedFunction {
    /// Packs a function.
    ///
    /// # Errors
    /// If its tables are unsorted or lead outside its code.
    pub fn new(function: CompiledFunction) -> Result<Self, LinkError> {
        check(&function)?;
        let mut traps = RowsWriter::default();
        function.traps.iter().for_each(|trap| traps.push(trap_row(*trap)));
        let mut sources = SourcesWriter::default();
        function.sources.iter().for_each(|range| sources.push(*range));
        let mut sites = RowsWriter::default();
        let mut forms = Numbered::default();
        for site in function.patch_sites {
            let (end, tag) = (site.end, site.tag);
            let form = forms.number(PatchSite { end: 0, tag: 0, ..site });
            sites.push([end.into(), tag, form.into()]);
        }
        let mut calls = function.call_sites;
        calls.retain(|call| !call.handlers.is_empty());
        let tables = Tables {
            frame_size: function.frame_size,
            unwind: function.unwind,
            relocs: function.relocs,
            calls,
            traps: &traps.finish(),
            sources: &sources.finish(),
            sites: &sites.finish(),
            forms: forms.values,
            states: &function.states,
            trap_states: &function.trap_states,
        };
        let tables = postcard::to_stdvec(&tables).expect("plain data can be serialised");
        Ok(PackedFunction {
            name: function.name,
            alignment: function.alignment,
            code: function.code.into(),
            tables: tables.into(),
        })
    }

    pub(super) fn tables(&self) -> Tables<'_> {
        postcard::from_bytes(&self.tables).expect("it is as it was packed")
    }
}

impl Tables<'_> {
    pub(super) fn traps(&self) -> Rows<'_, 2> {
        Rows::new(self.traps)
    }

    pub(super) fn sources(&self) -> Rows<'_, 2> {
        Rows::new(self.sources)
    }

    /// The patchable calls, sorted by end.
    pub(super) fn sites(&self) -> impl Iterator<Item = PatchSite> {
        Rows::new(self.sites).iter_from(0).map(|[end, tag, form]| PatchSite {
            end: end as u32,
            tag,
            ..self.forms[form as usize].clone()
        })
    }
}

//! Which locals debug information names.
//!
//! Problem: what a variable's location, or the base of a frame, is read from may be a local
//! that the code needs no more, before a call that never returns for one. A debugger wants it
//! there. Approach: DWARF is walked once, when the first function is compiled for a debugger,
//! for the locals in locations and frame bases, each with the code in which it says so. What
//! cannot be read is left out: it is another one's to complain.

use gimli::{
    AttributeValue, DW_AT_frame_base, DW_AT_location, DebuggingInformationEntry, Dwarf, EndianSlice,
    Expression, LittleEndian, Operation, Unit,
};
use std::ops::Range;

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// Sections of debug information, by name.
#[derive(Debug, Default)]
pub(crate) struct DebugSections<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> DebugSections<'a> {
    /// Notes a custom section if it is one of these.
    pub fn add(&mut self, name: &'a str, data: &'a [u8]) {
        if name.starts_with(".debug_") {
            self.0.push((name, data));
        }
    }

    fn get(&self, name: &str) -> Reader<'a> {
        let found = self.0.iter().find(|section| section.0 == name);
        EndianSlice::new(found.map_or(&[], |section| section.1), LittleEndian)
    }
}

/// A local that is named in a stretch of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// The first wasm pc.
    pub from: u32,
    /// The wasm pc behind the last.
    pub to: u32,
    /// The local.
    pub local: u32,
}

/// The locals that debug information names, by the pcs at which that begins. The code section's
/// content begins at `code`.
pub(crate) fn named(sections: &DebugSections<'_>, code: u32) -> Vec<Named> {
    let load = |id: gimli::SectionId| Ok::<_, gimli::Error>(sections.get(id.name()));
    let Ok(dwarf) = Dwarf::load(load) else { return Vec::new() };
    let mut found = Found { dwarf: &dwarf, code, named: Vec::new() };
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        _ = dwarf.unit(header).and_then(|unit| found.unit(&unit));
    }
    let mut named = found.named;
    named.sort_unstable();
    named.dedup();
    named
}

struct Found<'a> {
    dwarf: &'a Dwarf<Reader<'a>>,
    code: u32,
    named: Vec<Named>,
}

impl<'a> Found<'a> {
    fn unit(&mut self, unit: &Unit<Reader<'a>>) -> Result<(), gimli::Error> {
        // The functions that are open, with their depths.
        let mut functions: Vec<(isize, Range<u64>)> = Vec::new();
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            while functions.last().is_some_and(|(depth, _)| *depth >= entry.depth()) {
                functions.pop();
            }
            match entry.tag() {
                gimli::DW_TAG_subprogram => {
                    let mut ranges = self.dwarf.die_ranges(unit, entry)?;
                    let Some(range) = ranges.next()? else { continue };
                    let function = range.begin..range.end;
                    if let Some(AttributeValue::Exprloc(base)) = entry.attr_value(DW_AT_frame_base) {
                        self.expression(unit, base, &function);
                    }
                    functions.push((entry.depth(), function));
                }
                gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter => {
                    if let Some((_, function)) = functions.last() {
                        self.variable(unit, entry, function)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn variable(
        &mut self,
        unit: &Unit<Reader<'a>>,
        entry: &DebuggingInformationEntry<Reader<'a>>,
        function: &Range<u64>,
    ) -> Result<(), gimli::Error> {
        let Some(location) = entry.attr_value(DW_AT_location) else { return Ok(()) };
        if let AttributeValue::Exprloc(expression) = location {
            self.expression(unit, expression, function);
            return Ok(());
        }
        let Some(mut list) = self.dwarf.attr_locations(unit, location)? else { return Ok(()) };
        while let Some(item) = list.next()? {
            self.expression(unit, item.data, &(item.range.begin..item.range.end));
        }
        Ok(())
    }

    fn expression(
        &mut self,
        unit: &Unit<Reader<'a>>,
        expression: Expression<Reader<'a>>,
        range: &Range<u64>,
    ) {
        let pc =
            |address| u32::try_from(address).ok().and_then(|address: u32| address.checked_add(self.code));
        let Some((from, to)) = pc(range.start).zip(pc(range.end)) else { return };
        let mut operations = expression.operations(unit.encoding());
        while let Ok(Some(operation)) = operations.next() {
            if let Operation::WasmLocal { index } = operation {
                self.named.push(Named { from, to, local: index });
            }
        }
    }
}

//! Which locals debug information names.
//!
//! Problem: what a variable's location, or the base of a frame, is read from may be a local
//! that the code needs no more, before a call that never returns for one. A debugger wants it
//! there. Approach: DWARF is walked once, when the first function is compiled for a debugger,
//! for the locals in locations and frame bases, each with the code in which it says so. What
//! cannot be read is left out: it is another one's to complain. The work is in proportion to the
//! sections, whatever refers to what in them.

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, DebugAddr, DebugAddrBase, DebugInfo,
    DebugLocListsBase, DebuggingInformationEntry, Encoding, EndianSlice, Expression, LittleEndian,
    LocationLists, Operation, UnitHeader,
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
    let mut found = Found::new(sections, code);
    found.units();
    let mut named = found.named;
    named.sort_unstable();
    named.dedup();
    named
}

struct Found<'a, 'b> {
    sections: &'b DebugSections<'a>,
    locations: LocationLists<Reader<'a>>,
    addresses: DebugAddr<Reader<'a>>,
    code: u32,
    /// How many attributes, operations and list entries may still be looked at: many lists, or
    /// one many times, may be referred to.
    left: usize,
    named: Vec<Named>,
}

/// What the parts of a unit have in common.
struct UnitBase {
    encoding: Encoding,
    low_pc: u64,
    addresses: DebugAddrBase,
    lists: DebugLocListsBase,
}

impl<'a, 'b> Found<'a, 'b> {
    fn new(sections: &'b DebugSections<'a>, code: u32) -> Self {
        let [info, lists, new_lists] =
            [".debug_info", ".debug_loc", ".debug_loclists"].map(|name| sections.get(name));
        Found {
            sections,
            locations: LocationLists::new(lists.into(), new_lists.into()),
            addresses: DebugAddr::from(sections.get(".debug_addr")),
            code,
            left: 4 * (info.len() + lists.len() + new_lists.len()),
            named: Vec::new(),
        }
    }

    fn units(&mut self) {
        let info = DebugInfo::from(self.sections.get(".debug_info"));
        let mut headers = Vec::new();
        let mut units = info.units();
        while let Ok(Some(header)) = units.next() {
            headers.push(header);
        }
        // Each table of abbreviations is read once, and no further than to the next one.
        let mut tables: Vec<usize> = headers.iter().map(|header| header.debug_abbrev_offset().0).collect();
        tables.sort_unstable();
        tables.dedup();
        let bytes = self.sections.get(".debug_abbrev");
        let ends = tables.iter().skip(1).copied().chain([bytes.len()]);
        let read = |(start, end): (&usize, usize)| {
            let table = bytes.slice().get(*start..end)?;
            DebugAbbrev::new(table, LittleEndian).abbreviations(DebugAbbrevOffset(0)).ok()
        };
        let read: Vec<Option<Abbreviations>> = tables.iter().zip(ends).map(read).collect();
        for header in headers {
            let table = tables.binary_search(&header.debug_abbrev_offset().0);
            if let Some(abbreviations) = table.ok().and_then(|table| read[table].as_ref()) {
                _ = self.unit(&header, abbreviations);
            }
        }
    }

    /// `None` if no more is to be done.
    fn charge(&mut self, work: usize) -> Option<()> {
        self.left = self.left.checked_sub(work)?;
        Some(())
    }

    /// `None` where the rest cannot be read.
    fn unit(&mut self, header: &UnitHeader<Reader<'a>>, abbreviations: &Abbreviations) -> Option<()> {
        let mut unit = UnitBase {
            encoding: header.encoding(),
            low_pc: 0,
            addresses: DebugAddrBase(0),
            lists: DebugLocListsBase(0),
        };
        // The functions that are open, with their depths.
        let mut functions: Vec<(isize, Range<u64>)> = Vec::new();
        let mut entries = header.entries(abbreviations);
        let mut is_root = true;
        while let Some(entry) = entries.next_dfs().ok()? {
            self.charge(1 + entry.attrs().len())?;
            if std::mem::take(&mut is_root) {
                if let Some(AttributeValue::DebugAddrBase(base)) = entry.attr_value(gimli::DW_AT_addr_base) {
                    unit.addresses = base;
                }
                if let Some(AttributeValue::DebugLocListsBase(base)) =
                    entry.attr_value(gimli::DW_AT_loclists_base)
                {
                    unit.lists = base;
                }
                unit.low_pc = self.address(&unit, entry.attr_value(gimli::DW_AT_low_pc)).unwrap_or(0);
            }
            while functions.last().is_some_and(|(depth, _)| *depth >= entry.depth()) {
                functions.pop();
            }
            match entry.tag() {
                gimli::DW_TAG_subprogram => {
                    let Some(function) = self.function(&unit, entry) else { continue };
                    if let Some(AttributeValue::Exprloc(base)) = entry.attr_value(gimli::DW_AT_frame_base) {
                        self.expression(&unit, base, &function)?;
                    }
                    functions.push((entry.depth(), function));
                }
                gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter => {
                    let location = entry.attr_value(gimli::DW_AT_location);
                    if let Some(((_, function), location)) = functions.last().zip(location) {
                        self.location(&unit, location, function)?;
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn address(&self, unit: &UnitBase, value: Option<AttributeValue<Reader<'a>>>) -> Option<u64> {
        match value? {
            AttributeValue::Addr(address) => Some(address),
            AttributeValue::DebugAddrIndex(index) => {
                self.addresses.get_address(unit.encoding.address_size, unit.addresses, index).ok()
            }
            _ => None,
        }
    }

    /// The code of a function, if it has any.
    fn function(&self, unit: &UnitBase, entry: &DebuggingInformationEntry<Reader<'a>>) -> Option<Range<u64>> {
        let start = self.address(unit, entry.attr_value(gimli::DW_AT_low_pc))?;
        let high = entry.attr_value(gimli::DW_AT_high_pc)?;
        let end = match high.udata_value() {
            Some(len) => start.checked_add(len)?,
            None => self.address(unit, Some(high))?,
        };
        Some(start..end)
    }

    fn location(
        &mut self,
        unit: &UnitBase,
        location: AttributeValue<Reader<'a>>,
        function: &Range<u64>,
    ) -> Option<()> {
        let list = match location {
            AttributeValue::Exprloc(expression) => return self.expression(unit, expression, function),
            AttributeValue::LocationListsRef(offset) => offset,
            AttributeValue::DebugLocListsIndex(index) => {
                self.locations.get_offset(unit.encoding, unit.lists, index).ok()?
            }
            _ => return Some(()),
        };
        let mut list = self
            .locations
            .locations(list, unit.encoding, unit.low_pc, &self.addresses, unit.addresses)
            .ok()?;
        while let Some(raw) = list.next_raw().ok()? {
            self.charge(1)?;
            if let Some(item) = list.convert_raw(raw).ok()? {
                self.expression(unit, item.data, &(item.range.begin..item.range.end))?;
            }
        }
        Some(())
    }

    fn expression(
        &mut self,
        unit: &UnitBase,
        expression: Expression<Reader<'a>>,
        range: &Range<u64>,
    ) -> Option<()> {
        let pc =
            |address| u32::try_from(address).ok().and_then(|address: u32| address.checked_add(self.code));
        let Some((from, to)) = pc(range.start).zip(pc(range.end)) else { return Some(()) };
        let mut operations = expression.operations(unit.encoding);
        while let Ok(Some(operation)) = operations.next() {
            self.charge(1)?;
            if let Operation::WasmLocal { index } = operation {
                self.named.push(Named { from, to, local: index });
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABBREVIATIONS: [u8; 24] = [
        1, 0x11, 1, 0, 0, // a unit, with children
        2, 0x2e, 1, 0x11, 1, 0x12, 6, 0x40, 0x18, 0, 0, // a function: low_pc, high_pc, frame_base
        3, 0x34, 0, 2, 0x17, 0, 0, // a variable: location, a list
        0,
    ];

    /// A unit with one function at 0x10, of 0x20 bytes, and so many variables that have the
    /// list at 0.
    fn info(variables: usize) -> Vec<u8> {
        let mut unit = vec![4, 0, 0, 0, 0, 0, 4, 1, 2, 0x10, 0, 0, 0, 0x20, 0, 0, 0, 3, 0xed, 0, 5];
        (0..variables).for_each(|_| unit.extend([3, 0, 0, 0, 0]));
        unit.extend([0, 0]);
        [&(unit.len() as u32).to_le_bytes()[..], &unit].concat()
    }

    /// A list with so many entries for local 300.
    fn list(entries: usize) -> Vec<u8> {
        let entry = [0x14, 0, 0, 0, 0x18, 0, 0, 0, 4, 0, 0xed, 0, 0xac, 2];
        [entry.repeat(entries), vec![0; 8]].concat()
    }

    fn found(info: &[u8], list: &[u8]) -> Vec<Named> {
        let mut sections = DebugSections::default();
        sections.add(".debug_abbrev", &ABBREVIATIONS);
        sections.add(".debug_info", info);
        sections.add(".debug_loc", list);
        named(&sections, 100)
    }

    #[test]
    fn frame_bases_and_variables_name_locals() {
        let base = Named { from: 116, to: 148, local: 5 };
        let variable = Named { from: 120, to: 124, local: 300 };
        assert_eq!(found(&info(1), &list(1)), [base, variable]);
        assert_eq!(found(&info(0), &[]), [base]);
        assert_eq!(found(&info(0)[..24], &[]), []);
    }

    #[test]
    fn work_is_in_proportion_to_the_sections() {
        let (info, list) = (info(2_000), list(2_000));
        let sections = DebugSections(vec![
            (".debug_abbrev", &ABBREVIATIONS),
            (".debug_info", &info),
            (".debug_loc", &list),
        ]);
        assert_eq!(named(&sections, 0).len(), 2);
        let mut found = Found::new(&sections, 0);
        found.units();
        assert!(found.named.len() < 4 * (info.len() + list.len()));
    }
}

//! Functions in an image: records of one size, sorted by offset.

use super::Image;
use crate::blobs::{self, BlobError};
use crate::rows::u32_at;
use crate::{Section, SymbolName, UnwindInfo};
use std::cmp::Ordering;
use std::ops::Range;

/// Numbers of a record, each 32 bits, little-endian.
const NUMBERS: usize = 8;
/// The namespace of names that are text.
const TEXT: u32 = u32::MAX;

/// A record in the table of symbols.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// [`TEXT`], or a namespace of the user's.
    pub namespace: u32,
    /// The index in the namespace, or that of the text.
    pub index: u32,
    pub offset: u32,
    pub size: u32,
    pub frame_size: u32,
    /// An index.
    pub unwind: u32,
    /// Where the strings of state maps begin; they end where the next record's begin.
    pub states: u32,
    pub trap_states: u32,
}

impl Record {
    /// The record's name, where the text of one is `text`, given its index.
    pub fn name(name: &SymbolName, text: impl FnOnce(&str) -> u32) -> (u32, u32) {
        match name {
            SymbolName::User { namespace, index } => (*namespace, *index),
            SymbolName::Named(name) => (TEXT, text(name)),
        }
    }

    pub fn write(self, bytes: &mut Vec<u8>) {
        let Record { namespace, index, offset, size, frame_size, unwind, states, trap_states } = self;
        let numbers: [u32; NUMBERS] =
            [namespace, index, offset, size, frame_size, unwind, states, trap_states];
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let at = at.checked_mul(NUMBERS)?;
        let number = |field| u32_at(bytes, at.checked_add(field)?);
        Some(Record {
            namespace: number(0)?,
            index: number(1)?,
            offset: number(2)?,
            size: number(3)?,
            frame_size: number(4)?,
            unwind: number(5)?,
            states: number(6)?,
            trap_states: number(7)?,
        })
    }
}

/// How many functions a table has; its last record is that of none.
pub(super) fn count(bytes: &[u8]) -> usize {
    (bytes.len() / (4 * NUMBERS)).saturating_sub(1)
}

/// A function in an image.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'a> {
    image: &'a Image,
    number: usize,
    record: Record,
    /// Offset of its first byte in the image.
    pub offset: u32,
    /// Its length in bytes, constants included.
    pub size: u32,
    /// Bytes of stack the function uses below its return address.
    pub frame_size: u32,
}

impl<'a> Symbol<'a> {
    pub(super) fn new(image: &'a Image, number: usize) -> Option<Self> {
        let record = Record::read(image.symbols.bytes(), number)?;
        let Record { offset, size, frame_size, .. } = record;
        Some(Symbol { image, number, record, offset, size, frame_size })
    }

    fn text(&self) -> &'a str {
        self.image.names.get(self.record.index as usize).map_or("", String::as_str)
    }

    /// The function's name. Allocates, if that is text.
    pub fn name(&self) -> SymbolName {
        let Record { namespace, index, .. } = self.record;
        match namespace {
            TEXT => SymbolName::Named(self.text().to_string()),
            _ => SymbolName::User { namespace, index },
        }
    }

    /// Its index, if its name is in this namespace.
    pub fn index_in(&self, namespace: u32) -> Option<u32> {
        (namespace != TEXT && self.record.namespace == namespace).then_some(self.record.index)
    }

    pub(super) fn cmp_name(&self, other: &SymbolName) -> Ordering {
        let Record { namespace, index, .. } = self.record;
        match other {
            SymbolName::User { .. } if namespace == TEXT => Ordering::Greater,
            SymbolName::User { namespace: n, index: i } => (namespace, index).cmp(&(*n, *i)),
            SymbolName::Named(_) if namespace != TEXT => Ordering::Less,
            SymbolName::Named(name) => self.text().cmp(name),
        }
    }

    /// Whether this is its name.
    pub fn is_called(&self, name: &SymbolName) -> bool {
        self.cmp_name(name).is_eq()
    }

    /// The offsets of the function's bytes.
    pub fn range(&self) -> Range<u32> {
        self.offset..self.offset.saturating_add(self.size)
    }

    /// The state maps of its calls and sites, see [`crate::decode_states`]; these
    /// offsets count from the function's start.
    ///
    /// # Errors
    /// If the image is damaged.
    pub fn states(&self) -> Result<Vec<u8>, BlobError> {
        self.blob(&self.image.states, |record| record.states)
    }

    /// The same of its instructions that may trap. There are many, and they are rarely
    /// asked for.
    ///
    /// # Errors
    /// If the image is damaged.
    pub fn trap_states(&self) -> Result<Vec<u8>, BlobError> {
        self.blob(&self.image.trap_states, |record| record.trap_states)
    }

    fn blob(&self, section: &Section, start: fn(Record) -> u32) -> Result<Vec<u8>, BlobError> {
        let next = Record::read(self.image.symbols.bytes(), self.number + 1).ok_or(BlobError)?;
        blobs::read(section.bytes(), start(self.record)..start(next))
    }

    /// How to unwind through it; these offsets count from the function's start.
    pub fn unwind(&self) -> &'a UnwindInfo {
        const UNKNOWN: &UnwindInfo = &UnwindInfo { ops: Vec::new() };
        self.image.unwinds.get(self.record.unwind as usize).unwrap_or(UNKNOWN)
    }
}

impl PartialEq for Symbol<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.image, other.image) && self.number == other.number
    }
}

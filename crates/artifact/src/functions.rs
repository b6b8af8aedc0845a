//! The functions of a module, of which there are many.
//!
//! Problem: whoever makes a module wants a list that grows, a debugger one that it can look
//! through, and a program that starts should not pay for fifty thousand functions with
//! their names. Approach: a list that can be *frozen* into tables of records of one size,
//! which are read in place, wherever they are; of a frozen one the list is made again only
//! when somebody takes it for a list, which is what debuggers do. Code that runs when programs
//! start or trap asks for what it needs: [`Functions::ty`] and its kin.

use crate::rows::u32_at;
use crate::{FunctionInfo, Section, SectionKind};
use std::ops::{Deref, DerefMut, Range};
use std::sync::OnceLock;

/// Numbers of a record, each 32 bits, little-endian: the type, where the body begins and
/// ends, the reference, where the name begins, its length.
const NUMBERS: usize = 6;
/// No reference, or no name.
const NONE: u32 = u32::MAX;

/// All functions of a module, imports first.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    list: OnceLock<Vec<FunctionInfo>>,
    frozen: Option<Tables>,
}

#[derive(Clone, Debug)]
struct Tables {
    records: Section,
    /// Indices of the functions that have a reference.
    references: Section,
    names: Section,
}

impl Tables {
    fn number(&self, index: u32, field: usize) -> Option<u32> {
        u32_at(self.records.bytes(), (index as usize).checked_mul(NUMBERS)? + field)
    }

    fn name(&self, index: u32) -> Option<&str> {
        let start = self.number(index, 4).filter(|start| *start != NONE)? as usize;
        let end = start.checked_add(self.number(index, 5)? as usize)?;
        std::str::from_utf8(self.names.bytes().get(start..end)?).ok()
    }

    fn info(&self, index: u32) -> FunctionInfo {
        let number = |field| self.number(index, field).unwrap_or(0);
        FunctionInfo {
            ty: number(0),
            name: self.name(index).map(str::to_string),
            reference: self.number(index, 3).filter(|reference| *reference != NONE),
            body: number(1)..number(2),
        }
    }
}

impl Functions {
    /// The functions in the sections that `find` gives.
    pub(crate) fn from_sections(find: &mut dyn FnMut(SectionKind) -> Section) -> Self {
        let tables = Tables {
            records: find(SectionKind::Functions),
            references: find(SectionKind::References),
            names: find(SectionKind::Names),
        };
        Functions { list: OnceLock::new(), frozen: Some(tables) }
    }

    /// The sections of what is frozen, else of what would be.
    pub(crate) fn to_sections(&self) -> [(SectionKind, Section); 3] {
        let tables = self.frozen.clone().unwrap_or_else(|| tables(self));
        [
            (SectionKind::Functions, tables.records),
            (SectionKind::References, tables.references),
            (SectionKind::Names, tables.names),
        ]
    }

    /// Turns the list into tables.
    pub fn freeze(&mut self) {
        if self.frozen.is_none() {
            *self = Functions { list: OnceLock::new(), frozen: Some(tables(self)) };
        }
    }

    /// Whether somebody has used the names and found them to be damaged.
    pub fn has_damaged_names(&self) -> bool {
        self.frozen.as_ref().is_some_and(|tables| tables.names.is_known_damaged())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.frozen {
            Some(tables) => tables.records.bytes().len() / (4 * NUMBERS),
            None => self.deref().len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of a function's type.
    ///
    /// # Panics
    /// If there is no such function.
    pub fn ty(&self, index: u32) -> u32 {
        match &self.frozen {
            Some(tables) => tables.number(index, 0).expect("the function exists"),
            None => self[index as usize].ty,
        }
    }

    /// A function's [`FunctionInfo::reference`].
    pub fn reference(&self, index: u32) -> Option<u32> {
        match &self.frozen {
            Some(tables) => tables.number(index, 3).filter(|reference| *reference != NONE),
            None => self.get(index as usize)?.reference,
        }
    }

    /// A function's [`FunctionInfo::name`].
    pub fn name(&self, index: u32) -> Option<&str> {
        match &self.frozen {
            Some(tables) => tables.name(index),
            None => self.get(index as usize)?.name.as_deref(),
        }
    }

    /// A function's [`FunctionInfo::body`]; empty if there is no such function.
    pub fn body(&self, index: u32) -> Range<u32> {
        match &self.frozen {
            Some(tables) => {
                let [start, end] = [1, 2].map(|field| tables.number(index, field).unwrap_or(0));
                start..end
            }
            None => self.get(index as usize).map_or(0..0, |function| function.body.clone()),
        }
    }

    /// The functions that have a reference, in the order of those.
    pub fn referenced(&self) -> impl Iterator<Item = u32> {
        let frozen = self.frozen.as_ref().map(|tables| tables.references.bytes());
        let list = if frozen.is_none() { &self[..] } else { &[] };
        let listed = (0..).zip(list).filter(|(_, function)| function.reference.is_some());
        let numbers = frozen.unwrap_or_default();
        let frozen = (0..numbers.len() / 4).map_while(|at| u32_at(numbers, at));
        frozen.chain(listed.map(|(index, _)| index))
    }
}

/// A list as tables.
fn tables(list: &[FunctionInfo]) -> Tables {
    let mut records = Vec::with_capacity(list.len() * 4 * NUMBERS);
    let mut references = Vec::new();
    let mut names = Vec::new();
    for (index, function) in (0u32..).zip(list) {
        let name = function.name.as_deref().map(|name| (names.len() as u32, name));
        let (start, name) = name.unwrap_or((NONE, ""));
        names.extend_from_slice(name.as_bytes());
        let reference = function.reference.unwrap_or(NONE);
        let Range { start: body, end } = function.body;
        let numbers: [u32; NUMBERS] = [function.ty, body, end, reference, start, name.len() as u32];
        records.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
        if function.reference.is_some() {
            references.extend(index.to_le_bytes());
        }
    }
    Tables {
        records: Section::new(records),
        references: Section::new(references),
        names: Section::new(names),
    }
}

impl Deref for Functions {
    type Target = Vec<FunctionInfo>;

    fn deref(&self) -> &Vec<FunctionInfo> {
        self.list.get_or_init(|| match &self.frozen {
            Some(tables) => (0..self.len() as u32).map(|index| tables.info(index)).collect(),
            None => Vec::new(),
        })
    }
}

impl DerefMut for Functions {
    /// The list to change; it is not frozen then.
    fn deref_mut(&mut self) -> &mut Vec<FunctionInfo> {
        let _ = Deref::deref(&*self);
        self.frozen = None;
        self.list.get_mut().expect("the list has been made")
    }
}

impl PartialEq for Functions {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Functions {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_functions_are_the_same() {
        let function = |ty, name: Option<&str>, reference, body| FunctionInfo {
            ty,
            name: name.map(str::to_string),
            reference,
            body,
        };
        let mut list = Functions::default();
        list.push(function(3, None, Some(0), 0..0));
        list.push(function(0, Some("a\u{e9}"), None, 7..9));
        list.push(function(1, Some(""), Some(1), 9..40));
        let mut frozen = list.clone();
        frozen.freeze();
        for functions in [&list, &frozen] {
            assert_eq!(functions.len(), 3);
            assert_eq!([0, 1, 2].map(|index| functions.ty(index)), [3, 0, 1]);
            assert_eq!([0, 1, 2, 3].map(|index| functions.reference(index)), [Some(0), None, Some(1), None]);
            assert_eq!(
                [0, 1, 2, 3].map(|index| functions.name(index)),
                [None, Some("a\u{e9}"), Some(""), None]
            );
            assert_eq!([0, 1, 2, 3].map(|index| functions.body(index)), [0..0, 7..9, 9..40, 0..0]);
            assert!(functions.referenced().eq([0, 2]));
        }
        assert_eq!(frozen, list);
        frozen[0].ty = 9;
        assert_eq!(frozen.ty(0), 9, "what has been changed is what is asked for");
        assert_eq!(frozen.name(1), Some("a\u{e9}"));
    }
}

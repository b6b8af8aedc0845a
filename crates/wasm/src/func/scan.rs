//! Looking ahead: which locals the loops of a body set.
//!
//! At a loop's header the values of locals are not known, because the loop has not
//! been seen; which locals it sets can be. A function is scanned once, at its first
//! loop, from there to its end; a function without loops never is. What is scanned
//! may be invalid: then the scan stops early, and validation reports it later.

use wasmparser::{Operator, OperatorsReader};

/// The locals that loops set, from the first one on.
#[derive(Debug)]
pub(super) struct Scan {
    /// By the number of the loop among those scanned; each local once.
    loops: Vec<Vec<u32>>,
}

/// The names in a list, each once.
#[derive(Debug)]
pub(super) struct Distinct {
    /// For each name in which list it was seen last.
    seen: Vec<u32>,
    lists: u32,
}

impl Distinct {
    /// For names below a bound.
    pub fn new(names: usize) -> Self {
        Distinct { seen: vec![0; names], lists: 0 }
    }

    /// Leaves the first of each name in the list from an index on.
    pub fn retain(&mut self, list: &mut Vec<u32>, from: usize) {
        self.lists += 1;
        let mut kept = from;
        for index in from..list.len() {
            let name = list[index];
            if std::mem::replace(&mut self.seen[name as usize], self.lists) != self.lists {
                list[kept] = name;
                kept += 1;
            }
        }
        list.truncate(kept);
    }
}

impl Scan {
    /// Scans the operators after a loop.
    pub fn new(mut reader: OperatorsReader<'_>, locals: usize) -> Self {
        let mut loops = vec![Vec::new()];
        let mut distinct = Distinct::new(locals);
        // The sets so far; those of loops that have ended once each.
        let mut sets: Vec<u32> = Vec::new();
        // Of the open constructs that are loops, the number, and where the sets begin.
        let mut open = vec![Some((0, 0))];
        while let Ok(operator) = reader.read() {
            match operator {
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                    if (local_index as usize) < locals {
                        sets.push(local_index);
                    }
                }
                Operator::Loop { .. } => {
                    open.push(Some((loops.len(), sets.len())));
                    loops.push(Vec::new());
                }
                Operator::Block { .. }
                | Operator::If { .. }
                | Operator::TryTable { .. }
                | Operator::Try { .. } => open.push(None),
                Operator::End | Operator::Delegate { .. } => {
                    if let Some(Some((number, from))) = open.pop() {
                        distinct.retain(&mut sets, from);
                        loops[number] = sets[from..].to_vec();
                    }
                }
                _ => {}
            }
        }
        Scan { loops }
    }

    /// The locals that a loop sets, by its number among the loops scanned.
    pub fn sets(&self, number: usize) -> &[u32] {
        self.loops.get(number).map_or(&[], Vec::as_slice)
    }
}

//! Looking ahead: where the rest of a body sets its locals.
//!
//! At a loop's header the values of locals are not known, because the loop has not
//! been seen; which locals it sets can be. A function is scanned once, at its first
//! loop, from there to its end; a function without loops never is. What is scanned
//! may be invalid: then the scan stops early, and validation reports it later.
//!
//! *Times* are numbers of operators in the function, counted from its start.

use wasmparser::{Operator, OperatorsReader};

/// Where locals are set, from the first loop on.
#[derive(Debug)]
pub(super) struct Scan {
    /// For each local where its times start in `times`.
    starts: Vec<u32>,
    times: Vec<u32>,
    loop_ends: Vec<u32>,
}

impl Scan {
    /// Scans the operators after a loop, which is the operator at `time`.
    pub fn new(mut reader: OperatorsReader<'_>, mut time: u32, locals: usize) -> Self {
        let mut loop_ends = vec![u32::MAX];
        let mut open = vec![Some(0)];
        let mut sets: Vec<(u32, u32)> = Vec::new();
        while let Ok(operator) = reader.read() {
            time += 1;
            match operator {
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                    if (local_index as usize) < locals {
                        sets.push((local_index, time));
                    }
                }
                Operator::Loop { .. } => {
                    open.push(Some(loop_ends.len()));
                    loop_ends.push(u32::MAX);
                }
                Operator::Block { .. } | Operator::If { .. } | Operator::TryTable { .. } => open.push(None),
                Operator::End => {
                    if let Some(Some(number)) = open.pop() {
                        loop_ends[number] = time;
                    }
                }
                _ => {}
            }
        }
        Scan { loop_ends, ..Scan::sorted(&sets, locals) }
    }

    /// Groups the sets, which are in order of time, by local.
    fn sorted(sets: &[(u32, u32)], locals: usize) -> Self {
        let mut starts = vec![0; locals + 1];
        for &(local, _) in sets {
            starts[local as usize + 1] += 1;
        }
        for i in 0..locals {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut times = vec![0; sets.len()];
        for &(local, time) in sets {
            let slot = &mut next[local as usize];
            times[*slot as usize] = time;
            *slot += 1;
        }
        Scan { starts, times, loop_ends: Vec::new() }
    }

    /// The times at which a local is set.
    pub fn sets(&self, local: u32) -> &[u32] {
        let local = local as usize;
        &self.times[self.starts[local] as usize..self.starts[local + 1] as usize]
    }

    /// Whether a local is set at `from` or later, but before `to`.
    pub fn is_set(&self, local: u32, from: u32, to: u32) -> bool {
        let sets = self.sets(local);
        let first = sets.partition_point(|&time| time < from);
        sets.get(first).is_some_and(|&time| time < to)
    }

    /// The time of the end of a loop, by its number among the loops scanned.
    pub fn loop_end(&self, number: usize) -> u32 {
        self.loop_ends.get(number).copied().unwrap_or(u32::MAX)
    }
}

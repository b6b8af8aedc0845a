//! Which locals may still be read.
//!
//! Problem: a debugger is shown the locals that are live at a stop, and only those are
//! kept alive for it; a function may have thousands of locals and of places to stop,
//! so there can be no table of the ones by the others. Approach: the operators are cut
//! into *segments* ([`Cut`]) wherever somebody may ask. From each segment that reads a
//! local first and sets it later, if at all, one goes back against control flow, up to
//! segments that set it. What is gone through is what is live, so that this takes time
//! and memory for the answers and no more; that they cannot grow out of proportion to
//! the body, [`Liveness::limit`] sees to.
//!
//! Invariants: a local that is listed may be read before it is set, on some way that the
//! structure of the body has; one that is not listed may not, unless the limit was
//! reached. *Times* are numbers of operators in the function, counted from its start.

use super::segments::{Cut, Grouped};
use wasmparser::OperatorsReader;

/// The live locals at the times at which somebody may ask.
#[derive(Debug)]
pub(super) struct Liveness {
    /// The segments by the time of their first operator.
    heads: Vec<(u32, u32)>,
    /// The handlers of `try_table`s by the time of those.
    handlers: Vec<(u32, u32)>,
    /// How many segments have begun at the time that was advanced to.
    begun: usize,
    /// For each segment the locals that are live at its start, ascending.
    live: Grouped,
}

impl Liveness {
    /// Looks at a body. What is not valid ends the walk; validation reports it later.
    pub fn new(reader: OperatorsReader<'_>, locals: usize) -> Self {
        let cut = Cut::new(reader, locals);
        let live = live_locals(&cut, locals);
        Liveness { heads: cut.heads, handlers: cut.handlers, begun: 0, live }
    }

    /// How many locals at how many segments are listed at most: a module that has them
    /// all live everywhere is not worth gigabytes.
    fn limit(segments: usize) -> usize {
        (1 << 20) + 64 * segments
    }

    /// The locals that are live before the operator at a time, ascending. Known before the
    /// first operator, before throws, and after calls, effects, branches and operators of structure.
    pub fn at(&self, time: u32) -> &[u32] {
        self.find(&self.heads, time)
    }

    /// Goes on to a time, never back. Returns whether a segment begins since the last one.
    pub fn advance(&mut self, time: u32) -> bool {
        let before = self.begun;
        while self.heads.get(self.begun).is_some_and(|(head, _)| *head <= time) {
            self.begun += 1;
        }
        self.begun != before
    }

    /// The locals that were live at the start of the segment advanced to, ascending.
    pub fn here(&self) -> &[u32] {
        let segment = self.begun.checked_sub(1).map(|last| self.heads[last].1);
        segment.map_or(&[], |segment| self.live.of(segment))
    }

    /// The locals that the handlers of the `try_table` at a time need, ascending.
    pub fn in_handlers(&self, time: u32) -> &[u32] {
        self.find(&self.handlers, time)
    }

    fn find(&self, list: &[(u32, u32)], time: u32) -> &[u32] {
        match list.binary_search_by_key(&time, |(time, _)| *time) {
            Ok(index) => self.live.of(list[index].1),
            Err(_) => &[],
        }
    }
}

/// The live locals of each segment.
fn live_locals(cut: &Cut, locals: usize) -> Grouped {
    const NO_LOCAL: u32 = u32::MAX;
    let segments = cut.count as usize;
    let (reads, sets) = (Grouped::new(&cut.reads, locals), Grouped::new(&cut.sets, locals));
    let before = Grouped::new(&cut.ways, segments);
    // The local for which a segment was seen last, and by which it was found to be set.
    let (mut seen, mut set) = (vec![NO_LOCAL; segments], vec![NO_LOCAL; segments]);
    let (mut found, mut work) = (Vec::new(), Vec::new());
    for local in 0..locals as u32 {
        if reads.of(local).is_empty() {
            continue;
        }
        if found.len() > Liveness::limit(segments) {
            break;
        }
        sets.of(local).iter().for_each(|&segment| set[segment as usize] = local);
        let mut visit = |segment: u32, work: &mut Vec<u32>| {
            if std::mem::replace(&mut seen[segment as usize], local) != local {
                found.push((segment, local));
                work.push(segment);
            }
        };
        reads.of(local).iter().for_each(|&segment| visit(segment, &mut work));
        while let Some(segment) = work.pop() {
            for &from in before.of(segment) {
                if set[from as usize] != local {
                    visit(from, &mut work);
                }
            }
        }
    }
    Grouped::new(&found, segments)
}

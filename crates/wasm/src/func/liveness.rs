//! Which locals may still be read.
//!
//! Problem: a debugger is shown the locals that are live at a stop, and only those are
//! kept alive for it; a function may have thousands of locals and of places to stop,
//! so there can be no table of the ones by the others. Approach: the operators are cut
//! into *segments* ([`Cut`]) wherever somebody may ask. From each segment that reads a
//! local first and sets it later, if at all, one goes back against control flow, up to
//! segments that set it; segments in a row become one span of time. That the work cannot
//! grow out of proportion to the body, [`limit`] sees to: the locals for which it leaves
//! nothing are taken to be live everywhere.
//!
//! What the handlers of a `try_table` need is live all through its body: else it would
//! come and go with each call there.
//!
//! Invariants: a local that is not live is never read before it is set, on no way that
//! the structure of the body has; one that is live may be, unless the limit was
//! reached. *Times* are numbers of operators in the function, counted from its start.

use super::segments::{Cut, Grouped};
use crate::module::variables::Named;
use wasmparser::OperatorsReader;

/// The live locals at a time that goes forward.
#[derive(Debug)]
pub(super) struct Liveness {
    /// The times at which segments begin, ascending.
    heads: Vec<u32>,
    /// How many have begun.
    begun: usize,
    /// The ends and the beginnings of spans, by time: a local, and whether it begins.
    events: Vec<(u32, u32, bool)>,
    /// How many have passed.
    passed: usize,
    /// For each local how many spans there are around the present time.
    spans: Vec<u32>,
}

/// How many segments are gone through at most, for all locals together. A module that has
/// thousands of locals live everywhere is not worth minutes.
fn limit(segments: usize) -> usize {
    (1 << 22) + 256 * segments
}

impl Liveness {
    /// Looks at a body. What is not valid ends the walk; validation reports it later. Locals
    /// that are named at a call are taken to be read after it.
    pub fn new(reader: OperatorsReader<'_>, locals: usize, named: &[Named]) -> Self {
        let cut = Cut::new(reader, locals, named);
        let limit = limit(cut.count as usize);
        Liveness::of(cut, locals, limit)
    }

    fn of(cut: Cut<'_>, locals: usize, limit: usize) -> Self {
        let mut events = events(&cut, locals, limit);
        events.sort_unstable();
        let heads = cut.heads.iter().map(|(time, _)| *time).collect();
        Liveness { heads, begun: 0, events, passed: 0, spans: vec![0; locals] }
    }

    /// Goes on to before the operator at a time, never back; calls `changed` on locals that
    /// may have become live, or dead. Returns whether a segment has begun.
    ///
    /// Exact before the first operator, before throws, and after calls, effects, branches and
    /// operators of structure; elsewhere it is as it was at the last one of these places.
    pub fn advance(&mut self, time: u32, mut changed: impl FnMut(u32)) -> bool {
        while let Some(&(at, local, begins)) = self.events.get(self.passed)
            && at <= time
        {
            let spans = &mut self.spans[local as usize];
            *spans = if begins { *spans + 1 } else { *spans - 1 };
            changed(local);
            self.passed += 1;
        }
        let before = self.begun;
        while self.heads.get(self.begun).is_some_and(|head| *head <= time) {
            self.begun += 1;
        }
        self.begun != before
    }

    /// Whether a local is live.
    pub fn is_live(&self, local: u32) -> bool {
        self.spans[local as usize] > 0
    }
}

/// The beginnings and ends of the spans of time in which locals are live.
fn events(cut: &Cut<'_>, locals: usize, limit: usize) -> Vec<(u32, u32, bool)> {
    const NONE: u32 = u32::MAX;
    let segments = cut.count as usize;
    let (reads, sets) = (Grouped::new(&cut.reads, locals), Grouped::new(&cut.sets, locals));
    let before = Grouped::new(&cut.ways, segments);
    // The place of each segment in the order of time, and which handlers it is, if any.
    let (mut places, mut handlers) = (vec![NONE; segments], vec![NONE; segments]);
    (0..).zip(&cut.heads).for_each(|(place, (_, segment))| places[*segment as usize] = place);
    (0..).zip(&cut.handlers).for_each(|(index, (segment, ..))| handlers[*segment as usize] = index);
    // The local for which a segment was seen last, and by which it was found to be set.
    let (mut seen, mut set) = (vec![NONE; segments], vec![NONE; segments]);
    let (mut found, mut work, mut visited) = (Vec::new(), Vec::new(), 0);
    let mut events = Vec::new();
    for local in 0..locals as u32 {
        if reads.of(local).is_empty() {
            continue;
        }
        if visited > limit {
            events.push((0, local, true));
            continue;
        }
        sets.of(local).iter().for_each(|&segment| set[segment as usize] = local);
        let mut visit = |segment: u32, work: &mut Vec<u32>| {
            if std::mem::replace(&mut seen[segment as usize], local) != local {
                visited += 1;
                work.push(segment);
                match (places[segment as usize], handlers[segment as usize]) {
                    (NONE, NONE) => {}
                    (NONE, handlers) => {
                        let (_, from, to) = cut.handlers[handlers as usize];
                        events.extend([(from, local, true), (to, local, false)]);
                    }
                    (place, _) => found.push(place),
                }
            }
        };
        reads.of(local).iter().for_each(|&segment| visit(segment, &mut work));
        while let Some(segment) = work.pop() {
            // What is live all through a body is live where it begins, and on the ways there.
            if let Some((_, from, _)) = cut.handlers.get(handlers[segment as usize] as usize) {
                let begun = cut.heads.partition_point(|(time, _)| time <= from);
                visit(cut.heads[begun - 1].1, &mut work);
            }
            for &from in before.of(segment) {
                if set[from as usize] != local {
                    visit(from, &mut work);
                }
            }
        }
        found.sort_unstable();
        for span in found.chunk_by(|a, b| a + 1 == *b) {
            let (first, behind) = (span[0], span[span.len() - 1] + 1);
            events.push((cut.heads[first as usize].0, local, true));
            events.extend(cut.heads.get(behind as usize).map(|(time, _)| (*time, local, false)));
        }
        found.clear();
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Parser, Payload};

    /// At each time, the locals that are live.
    fn live(bytes: &[u8], locals: usize, limit: usize) -> Vec<Vec<u32>> {
        let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload {
            Ok(Payload::CodeSectionEntry(body)) => body.get_operators_reader().ok(),
            _ => None,
        });
        let reader = bodies.last().expect("a function");
        let operators = reader.clone().into_iter().count() as u32;
        let mut liveness = Liveness::of(Cut::new(reader, locals, &[]), locals, limit);
        let at = |time| {
            liveness.advance(time, |_| {});
            (0..locals as u32).filter(|local| liveness.is_live(*local)).collect()
        };
        (0..operators).map(at).collect()
    }

    #[test]
    fn what_the_limit_leaves_out_is_live_everywhere() {
        let text = "(module (func $f) (func (param i32 i32) (local i32 i32 i32)
            (loop
              (local.set 2 (local.get 0)) (call $f)
              (if (local.get 1) (then (local.set 3 (local.get 2)) (call $f)) (else (local.set 4 (i32.const 1))))
              (br_if 0 (local.get 3)))
            (drop (local.get 4))))";
        let bytes = wat::parse_str(text).expect("it is right");
        let exact = live(&bytes, 5, usize::MAX);
        assert!(exact.iter().any(|live| !live.contains(&2)) && exact.iter().any(|live| live.contains(&2)));
        let limited = live(&bytes, 5, 0);
        for (exact, limited) in exact.iter().zip(&limited) {
            assert!(exact.iter().all(|local| limited.contains(local)), "{exact:?} in {limited:?}");
            // The first one was looked at before the limit was reached.
            assert!([1, 2, 3, 4].iter().all(|local| limited.contains(local)), "{limited:?}");
        }
        assert!(limited.iter().any(|live| !live.contains(&0)));
    }
}

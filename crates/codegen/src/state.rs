//! What can be read at calls, at sites, and where instructions trap.
//!
//! Problem: a debugger wants the locals and operands at thousands of places of one
//! function, and hundreds of them live at each; whole lists, in the operands given to the
//! allocator or in the result, grow with the product of the two. Approach: a key keeps
//! its value over a stretch of these places, so a state is an [`Interval`] of places, not
//! an entry at each. The allocator is asked where the values are, by labels; an operand
//! is added only where a value would otherwise be dead at a place that needs it (`keep`).
//! The maps are written from where intervals and places begin and end (`places`).
//!
//! What is kept: a call and a site keep their values, since the program may stop there.
//! Where an instruction traps nothing is kept but the context, without which a debugger does
//! not know whose function it is, for there are far more of these: its map has what is still
//! somewhere when it happens.
//!
//! Needs: all of the function lowered, so that it is known which values have registers.
//! Provides: labels and operands for the allocator; after it, the state maps.

mod check;
mod keep;
mod places;
#[cfg(test)]
mod tests;

use crate::call::StateOperand;
use crate::reg::Reg;
use regalloc2::{Inst, ProgPoint, VReg};
use sidetrack_ir::{State, StateCursor, Value};
use std::collections::BTreeMap;

pub(crate) use keep::Kept;

/// Why there is a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointKind {
    /// A patchable call: its hook finds registers as they are before it.
    Site,
    /// Another call: from its frame only what the callee does not overwrite can be read.
    Call,
    /// Instructions that may trap.
    Trap,
}

/// Instructions that have one state: a call, or what may trap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub start: u32,
    pub end: u32,
    pub kind: PointKind,
}

impl Point {
    /// From where to where the values are asked for.
    fn range(&self) -> (ProgPoint, ProgPoint) {
        let [start, end] = [self.start, self.end].map(|inst| Inst::new(inst as usize));
        match self.kind {
            PointKind::Site => (ProgPoint::before(start), ProgPoint::after(start)),
            PointKind::Call => (ProgPoint::after(start), ProgPoint::before(end)),
            PointKind::Trap => (ProgPoint::before(start), ProgPoint::before(end)),
        }
    }
}

/// A key's value is this one at the points from `first` to `last`.
#[derive(Clone, Debug)]
struct Interval {
    key: u32,
    first: u32,
    last: u32,
    operand: StateOperand,
}

/// A copy of a register that is to be read in its stead at the points from `first` to
/// `last`.
#[derive(Clone, Copy, Debug)]
struct Rename {
    vreg: VReg,
    first: u32,
    last: u32,
    copy: VReg,
}

/// The states of a function.
#[derive(Debug, Default)]
pub(crate) struct States {
    /// Ascending and disjoint.
    points: Vec<Point>,
    intervals: Vec<Interval>,
    renames: Vec<Rename>,
    /// The key of the context, which is kept at traps, too.
    context: Option<u32>,
    /// For each register that a state names: from and to where, and its number as label.
    labels: Vec<(VReg, Inst, Inst, u32)>,
}

impl States {
    /// The points that lie in the instructions from `start` to before `end`.
    pub fn points_in(&self, start: u32, end: u32) -> std::ops::Range<u32> {
        let before = |inst: u32| self.points.partition_point(|point| point.start < inst) as u32;
        before(start)..before(end)
    }

    /// At these points a copy of a register is read in its stead.
    pub fn rename(&mut self, points: std::ops::Range<u32>, vreg: VReg, copy: VReg) {
        if points.is_empty() {
            return;
        }
        self.renames.push(Rename { vreg, first: points.start, last: points.end - 1, copy });
    }

    /// The registers that states name, each with the last instruction whose state does;
    /// one may come more than once.
    pub fn ends(&self) -> impl Iterator<Item = (VReg, u32)> {
        self.intervals.iter().filter_map(|interval| {
            let vreg = interval.operand.vreg()?;
            Some((vreg, self.points[interval.last as usize].end))
        })
    }

    /// Instructions have other numbers from now on, in the same order.
    pub fn renumber(&mut self, map: impl Fn(&mut u32)) {
        for point in &mut self.points {
            // An instruction put before the first one of a point is none of its own.
            let mut last = point.end - 1;
            map(&mut point.start);
            map(&mut last);
            point.end = last + 1;
        }
    }

    /// Has the intervals name copies where these are to be read.
    pub fn apply_renames(&mut self, num_vregs: usize) {
        let mut renames = std::mem::take(&mut self.renames);
        if renames.is_empty() {
            return;
        }
        renames.sort_by_key(|rename| (rename.vreg.vreg(), rename.first));
        let mut starts = vec![0u32; num_vregs + 1];
        renames.iter().for_each(|rename| starts[rename.vreg.vreg() + 1] += 1);
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let intervals = std::mem::take(&mut self.intervals);
        for interval in intervals {
            let Some(vreg) = interval.operand.vreg() else {
                self.intervals.push(interval);
                continue;
            };
            let of_vreg = starts[vreg.vreg()] as usize..starts[vreg.vreg() + 1] as usize;
            let of_vreg = &renames[of_vreg];
            let mut at = interval.first;
            let mut push = |first: u32, last: u32, operand| {
                self.intervals.push(Interval { key: interval.key, first, last, operand });
            };
            for rename in &of_vreg[of_vreg.partition_point(|rename| rename.last < at)..] {
                if rename.first > interval.last {
                    break;
                }
                if at < rename.first {
                    push(at, rename.first - 1, interval.operand);
                }
                let last = rename.last.min(interval.last);
                push(at.max(rename.first), last, interval.operand.with_reg(Reg::virtual_(rename.copy)));
                at = last + 1;
            }
            if at <= interval.last {
                push(at, interval.last, interval.operand);
            }
        }
    }

    /// Makes the allocator's labels; `name` says how it knows a register, if at all.
    pub fn make_labels(&mut self, num_vregs: usize, name: impl Fn(VReg) -> Option<VReg>) {
        const NONE: (u32, u32) = (u32::MAX, 0);
        let mut named = vec![(VReg::invalid(), NONE); if self.points.is_empty() { 0 } else { num_vregs }];
        self.intervals.retain_mut(|interval| {
            let Some(vreg) = interval.operand.vreg() else { return true };
            let Some(vreg) = name(vreg) else { return false };
            interval.operand = interval.operand.with_reg(Reg::virtual_(vreg));
            let (of, (from, to)) = &mut named[vreg.vreg()];
            let [first, last] = [interval.first, interval.last].map(|point| &self.points[point as usize]);
            (*of, *from, *to) = (vreg, first.start.min(*from), last.end.max(*to));
            true
        });
        let named = named.into_iter().enumerate().filter(|(_, (_, range))| *range != NONE);
        self.labels.extend(named.map(|(number, (vreg, (from, to)))| {
            (vreg, Inst::new(from as usize), Inst::new(to as usize), number as u32)
        }));
    }

    /// The point of an instruction: as a call or site, or as one that may trap. It may be
    /// both, a call that does the work of a load which can trap.
    fn point_of(&self, inst: u32, trap: bool) -> Option<u32> {
        let first = self.points.partition_point(|point| point.end <= inst);
        let here = self.points[first..].iter().take_while(|point| point.start <= inst);
        let index = here.map(|point| point.kind).position(|kind| (kind == PointKind::Trap) == trap)?;
        Some((first + index) as u32)
    }

    /// The registers whose places are asked for, sorted.
    pub fn labels(&self) -> &[(VReg, Inst, Inst, u32)] {
        &self.labels
    }

    /// The number of an instruction for the buffer, if it has a state.
    pub fn number(&self, inst: Inst) -> Option<u32> {
        let number = inst.index() as u32;
        let point = self.points.partition_point(|point| point.end <= number);
        self.points.get(point).filter(|point| point.start <= number).map(|_| number)
    }
}

/// Makes the states of a function from those of its instructions, front to back.
pub(crate) struct StatesBuilder<'a, F> {
    states: States,
    from: &'a sidetrack_ir::States,
    cursor: StateCursor<'a>,
    /// Whether the last state was apart from the others.
    apart: bool,
    /// The value that each key has now and the point since which it has it.
    open: BTreeMap<u32, (Value, u32)>,
    /// The constant or register that a value is, if it is any.
    operand: F,
}

impl<'a, F: Fn(Value) -> Option<StateOperand>> StatesBuilder<'a, F> {
    /// A builder; `operand` says what a value is.
    pub fn new(from: &'a sidetrack_ir::States, operand: F) -> Self {
        let (states, open) = Default::default();
        StatesBuilder { states, from, cursor: StateCursor::new(from), apart: false, open, operand }
    }

    /// Adds a point, which comes behind those added before, and has this state.
    pub fn push(&mut self, point: Point, state: State) {
        let number = self.states.points.len() as u32;
        self.states.points.push(point);
        let apart = self.from.is_apart(state);
        if apart || self.apart {
            self.close_all(number);
            let entries = self.cursor.entries(state).into_iter();
            self.open.extend(entries.map(|entry| (entry.key, (entry.value, number))));
        } else {
            for (key, value) in changes(&mut self.cursor, state) {
                let before = self.open.get(&key).copied();
                if before.map(|(value, _)| value) == value {
                    continue;
                }
                match value {
                    Some(value) => self.open.insert(key, (value, number)),
                    None => self.open.remove(&key),
                };
                if let Some((value, first)) = before {
                    self.close(key, value, first, number);
                }
            }
        }
        self.apart = apart;
    }

    /// The states; `context` is the key of the context if there is one.
    pub fn finish(mut self, context: Option<u32>) -> States {
        self.close_all(self.states.points.len() as u32);
        self.states.context = context;
        self.states
    }

    fn close_all(&mut self, end: u32) {
        for (key, (value, first)) in std::mem::take(&mut self.open) {
            self.close(key, value, first, end);
        }
    }

    /// A key has had a value from the point `first` to before `end`.
    fn close(&mut self, key: u32, value: Value, first: u32, end: u32) {
        if let Some(operand) = (self.operand)(value) {
            self.states.intervals.push(Interval { key, first, last: end - 1, operand });
        }
    }
}

/// Goes to a state that is not apart; tells the keys that may have changed on the way, each
/// once, with what they have there.
fn changes(cursor: &mut StateCursor<'_>, state: State) -> BTreeMap<u32, Option<Value>> {
    let mut changes = BTreeMap::new();
    cursor.go_to(state, |key, value| {
        changes.insert(key, value);
    });
    changes
}

/// The values of a state that may not be in the one that a cursor was at.
pub(crate) fn changed_values(
    states: &sidetrack_ir::States,
    cursor: &mut StateCursor<'_>,
    state: State,
) -> Vec<Value> {
    match states.is_apart(state) {
        true => cursor.entries(state).iter().map(|entry| entry.value).collect(),
        false => changes(cursor, state).into_values().flatten().collect(),
    }
}

//! What can be read where a program may stop.
//!
//! Problem: a function may have very many places to stop and very many values at each,
//! most of which are the same from one place to the next. Approach: a *state* is written
//! down as the changes to the one before it, in the order in which states were made.
//! Time and memory of whoever makes them, keeps them, or goes through them are in
//! proportion to the changes.
//!
//! The order of states is the one in which they were made. A front end makes them in the
//! order of its source, and the reader in the order of the text; when passes have moved
//! blocks and instructions, it may differ from the layout. A state may belong to several
//! instructions, or to none any more: it stays for those after it. So values that only
//! such states list may be gone from the layout, see [`StateCounts`].

use crate::entities::{Inst, Value};
use crate::function::Function;
use crate::inst::StateEntry;
use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityRef, PrimaryMap, SecondaryMap, entity_impl};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::ops::Range;

/// What can be read at one place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(u32);
entity_impl!(State, "state");

/// A change from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The user's key.
    pub key: u32,
    /// The value from here on; none makes the key unavailable.
    pub value: PackedOption<Value>,
}

impl StateChange {
    /// The key has this value from here on.
    pub fn set(key: u32, value: Value) -> Self {
        StateChange { key, value: value.into() }
    }

    /// The key is unavailable from here on.
    pub fn remove(key: u32) -> Self {
        StateChange { key, value: None.into() }
    }
}

#[derive(Clone, Copy, Debug)]
struct StateData {
    /// The end of its changes.
    end: u32,
    /// Whether it begins with nothing, and the one after it goes on from the one before it.
    apart: bool,
}

/// The states of a function.
#[derive(Clone, Debug, Default)]
pub struct States {
    of: SecondaryMap<Inst, PackedOption<State>>,
    states: PrimaryMap<State, StateData>,
    changes: Vec<StateChange>,
    /// All entries of the last state that is not apart, if they are known.
    last: Option<Vec<StateEntry>>,
}

/// A value that is read by one key in a row of states.
#[derive(Clone, Copy, Debug)]
pub struct StateRange {
    /// The key.
    pub key: u32,
    /// The value.
    pub value: Value,
    /// The first state that has it.
    pub first: State,
    /// The state behind the last one. States apart in between do not have it.
    pub end: State,
    change: u32,
}

impl States {
    /// How many states there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The state of an instruction.
    pub fn of(&self, inst: Inst) -> Option<State> {
        self.of[inst].expand()
    }

    /// Gives an instruction a state.
    pub fn attach(&mut self, inst: Inst, state: State) {
        self.of[inst] = state.into();
    }

    /// Makes a state that differs from the last one by these changes; their keys ascend.
    pub fn push(&mut self, changes: impl IntoIterator<Item = StateChange>) -> State {
        self.last = None;
        self.add(changes, false)
    }

    /// Makes a state of these entries that has nothing to do with those before and after it.
    pub fn push_apart(&mut self, entries: impl IntoIterator<Item = StateEntry>) -> State {
        self.add(entries.into_iter().map(|entry| StateChange::set(entry.key, entry.value)), true)
    }

    /// Makes a state of these entries. Those whose keys do not ascend are kept as they are,
    /// for the verifier.
    pub fn push_list(&mut self, entries: Vec<StateEntry>) -> State {
        if !entries.is_sorted_by(|a, b| a.key < b.key) {
            return self.push_apart(entries);
        }
        let last = self.last.take().unwrap_or_else(|| match self.states.len() {
            0 => Vec::new(),
            len => {
                let mut cursor = StateCursor::new(self);
                cursor.go_to(State::new(len - 1), |_, _| {});
                cursor.chain().collect()
            }
        });
        let mut changes = Vec::new();
        let (mut old, mut new) = (last.iter().peekable(), entries.iter().peekable());
        while let Some(key) = [old.peek(), new.peek()].into_iter().flatten().map(|entry| entry.key).min() {
            let before = old.next_if(|entry| entry.key == key);
            let after = new.next_if(|entry| entry.key == key);
            if before != after {
                changes.push(after.map_or(StateChange::remove(key), |new| StateChange::set(key, new.value)));
            }
        }
        let state = self.add(changes, false);
        self.last = Some(entries);
        state
    }

    fn add(&mut self, changes: impl IntoIterator<Item = StateChange>, apart: bool) -> State {
        self.changes.extend(changes);
        self.states.push(StateData { end: self.changes.len() as u32, apart })
    }

    fn range(&self, state: State) -> Range<usize> {
        let before = state.index().checked_sub(1).map(State::new);
        let start = before.map_or(0, |before| self.states[before].end);
        start as usize..self.states[state].end as usize
    }

    /// The changes from the state before, or all entries of a state that is apart.
    pub fn changes(&self, state: State) -> &[StateChange] {
        &self.changes[self.range(state)]
    }

    /// Whether a state has nothing to do with those before and after it.
    pub fn is_apart(&self, state: State) -> bool {
        self.states[state].apart
    }

    /// All states in order.
    pub fn iter(&self) -> impl Iterator<Item = State> + use<> {
        self.states.keys()
    }

    /// For each change to a value, where its key has it; in the order in which they end.
    pub fn ranges(&self) -> Vec<StateRange> {
        let mut ranges = Vec::with_capacity(self.changes.len());
        let mut open: FxHashMap<u32, (Value, State, u32)> = FxHashMap::default();
        let close = |key, (value, first, change), end| StateRange { key, value, first, end, change };
        for state in self.states.keys() {
            let next = State::new(state.index() + 1);
            for index in self.range(state) {
                let (StateChange { key, value }, change) = (self.changes[index], index as u32);
                if self.states[state].apart {
                    ranges.extend(value.expand().map(|value| close(key, (value, state, change), next)));
                    continue;
                }
                let before = match value.expand() {
                    Some(value) => open.insert(key, (value, state, change)),
                    None => open.remove(&key),
                };
                ranges.extend(before.map(|before| close(key, before, state)));
            }
        }
        let end = self.states.next_key();
        let mut rest: Vec<StateRange> = open.into_iter().map(|(key, of)| close(key, of, end)).collect();
        rest.sort_unstable_by_key(|range| range.change);
        ranges.extend(rest);
        ranges
    }

    /// Calls `f` on every value that a state lists, to change it.
    pub fn map_values(&mut self, mut f: impl FnMut(Value) -> Value) {
        self.last = None;
        for change in &mut self.changes {
            change.value = change.value.expand().map(&mut f).into();
        }
    }

    /// Calls `f` on every value that a state lists.
    pub fn for_each_value(&self, f: impl FnMut(Value)) {
        self.changes.iter().filter_map(|change| change.value.expand()).for_each(f);
    }

    /// Makes the key of a range unavailable in it, unless `keep` is true for its value.
    pub fn retain(&mut self, mut keep: impl FnMut(Value) -> bool) {
        self.last = None;
        for change in &mut self.changes {
            change.value = change.value.expand().filter(|value| keep(*value)).into();
        }
    }

    /// Puts others in the place of each change; `f` is told whether its state is apart.
    pub fn expand(&mut self, mut f: impl FnMut(StateChange, bool, &mut Vec<StateChange>)) {
        self.last = None;
        let old = std::mem::take(&mut self.changes);
        let mut start = 0;
        for data in self.states.values_mut() {
            let (end, first) = (data.end as usize, self.changes.len());
            old[start..end].iter().for_each(|change| f(*change, data.apart, &mut self.changes));
            self.changes[first..].sort_unstable_by_key(|change| change.key);
            data.end = self.changes.len() as u32;
            start = end;
        }
    }
}

/// How many instructions have the states of a range.
#[derive(Debug)]
pub struct StateCounts {
    /// Of the states apart, each its own number.
    apart: FxHashMap<State, u32>,
    /// Of the others, how many have one of the states before each.
    before: Vec<u32>,
}

impl StateCounts {
    /// Counts the instructions in the layout for which `counts` is true.
    pub fn new(func: &Function, counts: impl Fn(Inst) -> bool) -> Self {
        let states = &func.dfg.states;
        let (mut apart, mut before) = (FxHashMap::default(), vec![0; states.len() + 1]);
        if !states.is_empty() {
            for inst in func.layout.blocks().flat_map(|block| func.layout.block_insts(block)) {
                match states.of(inst).filter(|_| counts(inst)) {
                    Some(state) if states.is_apart(state) => *apart.entry(state).or_default() += 1,
                    Some(state) => before[state.index() + 1] += 1,
                    None => {}
                }
            }
        }
        (0..states.len()).for_each(|at| before[at + 1] += before[at]);
        StateCounts { apart, before }
    }

    /// How many of them have a state of the range.
    pub fn of(&self, range: &StateRange) -> u32 {
        let apart = self.apart.get(&range.first).copied().unwrap_or(0);
        apart + self.before[range.end.index()] - self.before[range.first.index()]
    }
}

/// Goes from state to state. The time that it takes from one to another is in proportion
/// to the changes between them, forwards or backwards.
#[derive(Debug)]
pub struct StateCursor<'a> {
    states: &'a States,
    /// For each change what its key had before.
    before: Vec<PackedOption<Value>>,
    /// How many states' changes have been made.
    made: usize,
    entries: BTreeMap<u32, Value>,
}

impl<'a> StateCursor<'a> {
    /// Before the first state, where nothing is listed.
    pub fn new(states: &'a States) -> Self {
        let mut values: FxHashMap<u32, PackedOption<Value>> = FxHashMap::default();
        let mut before = vec![PackedOption::default(); states.changes.len()];
        for state in states.iter().filter(|state| !states.is_apart(*state)) {
            for index in states.range(state) {
                let StateChange { key, value } = states.changes[index];
                before[index] = values.insert(key, value).unwrap_or_default();
            }
        }
        StateCursor { states, before, made: 0, entries: BTreeMap::new() }
    }

    /// Goes to a state that is not apart. Calls `each` on every key that may have changed on
    /// the way, with what it has then; the last call on a key holds.
    pub fn go_to(&mut self, state: State, mut each: impl FnMut(u32, Option<Value>)) {
        let wanted = state.index() + 1;
        let mut change = |entries: &mut BTreeMap<u32, Value>, key: u32, value: PackedOption<Value>| {
            match value.expand() {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
            each(key, value.expand());
        };
        while self.made != wanted {
            let backwards = self.made > wanted;
            self.made -= usize::from(backwards);
            let state = State::new(self.made);
            let range = if self.states.is_apart(state) { 0..0 } else { self.states.range(state) };
            for index in range {
                let StateChange { key, value } = self.states.changes[index];
                change(&mut self.entries, key, if backwards { self.before[index] } else { value });
            }
            self.made += usize::from(!backwards);
        }
    }

    /// The value of a key in a state.
    pub fn value(&mut self, state: State, key: u32) -> Option<Value> {
        if self.states.is_apart(state) {
            let change = self.states.changes(state).iter().find(|change| change.key == key)?;
            return change.value.expand();
        }
        self.go_to(state, |_, _| {});
        self.entries.get(&key).copied()
    }

    /// The entries of a state, by ascending keys.
    pub fn entries(&mut self, state: State) -> Vec<StateEntry> {
        if self.states.is_apart(state) {
            let changes = self.states.changes(state).iter();
            let entry =
                |change: &StateChange| Some(StateEntry { key: change.key, value: change.value.expand()? });
            return changes.filter_map(entry).collect();
        }
        self.go_to(state, |_, _| {});
        self.chain().collect()
    }

    /// The entries of the last state that was gone to.
    fn chain(&self) -> impl Iterator<Item = StateEntry> {
        self.entries.iter().map(|(&key, &value)| StateEntry { key, value })
    }
}

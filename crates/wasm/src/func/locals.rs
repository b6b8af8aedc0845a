//! Locals as SSA values.
//!
//! Problem: a local has a different value in different places, and where ways meet
//! a block parameter must stand for it, but only if the values differ and somebody
//! reads it there: parameters cost time in every later pass. Approach: values are
//! looked for when a local is read, backwards from there (after Braun and others,
//! "Simple and Efficient Construction of SSA Form"), in steps that WebAssembly's
//! structure makes long:
//!
//! - An *environment* is a chain of blocks each of which has the one before as its
//!   only predecessor. Within one, the last set before a place is the value there.
//! - Where ways meet at the end of a construct that does not set the local, its
//!   value is the one at the construct's start.
//! - A loop's header needs a parameter exactly for the locals that the loop sets,
//!   which [`Scan`] knows.
//!
//! A place is a [`Position`]: an environment and a time (see [`Scan`]). Sets at a
//! time are seen by positions of later times.
//!
//! Invariants: an environment, once left, is not entered again at a later time by
//! operators that set locals; a header's parameters for locals have no arguments
//! until the loop ends ([`Locals::seal`]), then they all get theirs.

use super::scan::Scan;
use rustc_hash::FxHashMap;
use sidetrack_ir::types::{F32, F64};
use sidetrack_ir::{Block, BlockArg, Builder, Function, Inst, Position as Cursor, Type, Value, ValueDef};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// A place in the function, as far as the values of locals go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    env: u32,
    time: u32,
}

/// A way into a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// Where it comes from.
    pub from: Position,
    /// The branch.
    pub branch: Inst,
}

#[derive(Debug)]
enum Entry {
    /// The function's.
    Function,
    /// One way in.
    Single(Position),
    /// The end of a construct that starts at `start`.
    Join { start: Position, edges: Vec<Edge> },
    /// A loop. `incomplete` are the parameters that wait for its end.
    Loop { start: Position, end: u32, edges: Vec<Edge>, sealed: bool, incomplete: Vec<(u32, Value)> },
}

#[derive(Debug)]
struct Environment {
    block: Block,
    start: u32,
    entry: Entry,
}

/// The values of a function's locals.
#[derive(Debug)]
pub(super) struct Locals {
    types: Vec<Type>,
    /// What each parameter is at entry; other locals are zero.
    params: Vec<Value>,
    entry: Block,
    zeros: Vec<Value>,
    /// For each local what it was set to, in order of time.
    sets: Vec<Vec<(u32, Value)>>,
    /// For each local a value and the environment in which it is the present one.
    cache: Vec<Option<(u32, Value)>>,
    environments: Vec<Environment>,
    /// Values at the start of environments, by environment and local.
    known: FxHashMap<(u32, u32), Value>,
    scan: Option<Scan>,
    /// Parameters of loops that have ended, still without arguments: environment,
    /// local, parameter. First come, first served: a header's parameters get their
    /// arguments in the order in which they were added.
    pending: VecDeque<(u32, u32, Value)>,
    current: u32,
    /// The number of the present operator.
    pub time: u32,
}

/// A join whose edges are being looked at.
struct Meeting {
    env: u32,
    first_value: usize,
}

enum Step {
    Found(Value),
    Meet(u32),
}

impl Locals {
    /// The locals of a function, of which the first are its parameters.
    pub fn new(entry: Block, params: Vec<Value>, types: Vec<Type>) -> Self {
        Locals {
            params,
            entry,
            zeros: Vec::new(),
            sets: vec![Vec::new(); types.len()],
            cache: vec![None; types.len()],
            types,
            environments: vec![Environment { block: entry, start: 0, entry: Entry::Function }],
            known: FxHashMap::default(),
            scan: None,
            pending: VecDeque::new(),
            current: 0,
            time: 0,
        }
    }

    /// How many of them are parameters.
    pub fn params(&self) -> usize {
        self.params.len()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// The present place.
    pub fn position(&self) -> Position {
        Position { env: self.current, time: self.time }
    }

    /// The place where the function starts.
    pub fn function_start(&self) -> Position {
        Position { env: 0, time: 0 }
    }

    /// A number that stays while each new block has the one before as its only
    /// predecessor.
    pub fn environment(&self) -> u32 {
        self.current
    }

    /// Goes on at a place that was left before.
    pub fn resume(&mut self, position: Position) {
        self.current = position.env;
    }

    /// Whether the rest of the function has been scanned.
    pub fn is_scanned(&self) -> bool {
        self.scan.is_some()
    }

    /// Takes the result of the scan, before the first loop is entered.
    pub fn set_scan(&mut self, scan: Scan) {
        self.scan = Some(scan);
    }

    fn enter(&mut self, block: Block, entry: Entry) {
        self.current = self.environments.len() as u32;
        self.environments.push(Environment { block, start: self.time, entry });
    }

    /// Goes on in a block with one way in.
    pub fn enter_single(&mut self, block: Block, from: Position) {
        self.enter(block, Entry::Single(from));
    }

    /// Goes on in the block at the end of a construct that began at `start`.
    pub fn enter_join(&mut self, block: Block, start: Position, edges: Vec<Edge>) {
        match edges.as_slice() {
            [edge] => self.enter_single(block, edge.from),
            _ => self.enter(block, Entry::Join { start, edges }),
        }
    }

    /// Goes on in a loop's header, entered through `edge`; the loop has this number
    /// in the scan. The result names it for [`Locals::seal`].
    pub fn enter_loop(&mut self, header: Block, edge: Edge, number: usize) -> u32 {
        let end = self.scan.as_ref().map_or(u32::MAX, |scan| scan.loop_end(number));
        let (start, edges) = (edge.from, vec![edge]);
        self.enter(header, Entry::Loop { start, end, edges, sealed: false, incomplete: Vec::new() });
        self.current
    }

    /// Sets a local.
    pub fn set(&mut self, local: u32, value: Value) {
        self.sets[local as usize].push((self.time, value));
        self.cache[local as usize] = Some((self.current, value));
    }

    /// The present value of a local.
    pub fn get(&mut self, func: &mut Function, local: u32) -> Value {
        match self.cache[local as usize] {
            Some((env, value)) if env == self.current => value,
            _ => {
                let value = self.find(func, local, self.position());
                self.complete_pending(func);
                let value = func.dfg.resolve(value);
                self.known.insert((self.current, local), value);
                self.cache[local as usize] = Some((self.current, value));
                value
            }
        }
    }

    /// Ends a loop whose further ways in, besides the one from in front, are these.
    pub fn seal(&mut self, func: &mut Function, env: u32, back_edges: Vec<Edge>) {
        let Entry::Loop { edges, sealed, incomplete, .. } = &mut self.environments[env as usize].entry else {
            return;
        };
        edges.extend(back_edges);
        *sealed = true;
        let incomplete = std::mem::take(incomplete);
        self.complete(func, env, &incomplete);
        self.complete_pending(func);
    }

    /// The value of a local at a position; may leave parameters pending.
    fn find(&mut self, func: &mut Function, local: u32, position: Position) -> Value {
        let mut meetings: SmallVec<[Meeting; 4]> = SmallVec::new();
        let mut values: SmallVec<[Value; 16]> = SmallVec::new();
        let mut at = position;
        loop {
            match self.walk(func, local, at) {
                Step::Meet(env) => meetings.push(Meeting { env, first_value: values.len() }),
                Step::Found(value) if meetings.is_empty() => return value,
                Step::Found(value) => values.push(value),
            }
            // Finish the meetings whose edges have all been looked at.
            while let Some(meeting) = meetings.last() {
                let Entry::Join { edges, .. } = &self.environments[meeting.env as usize].entry else { break };
                let seen = values.len() - meeting.first_value;
                if let Some(edge) = edges.get(seen) {
                    at = edge.from;
                    break;
                }
                let value = self.meet(func, local, meeting.env, &values[meeting.first_value..]);
                values.truncate(meeting.first_value);
                meetings.pop();
                if meetings.is_empty() {
                    return value;
                }
                values.push(value);
            }
        }
    }

    /// Follows the only way back from a position to where the local is known, or
    /// to a join of which all ways must be looked at.
    fn walk(&mut self, func: &mut Function, local: u32, position: Position) -> Step {
        let sets = &self.sets[local as usize];
        let scanned = |scan: &Scan| !scan.sets(local).is_empty();
        if sets.is_empty() && !self.scan.as_ref().is_some_and(scanned) {
            return Step::Found(self.initial(func, local));
        }
        let mut at = position;
        // The first environment left gets to know the value.
        let mut learner = None;
        let step = loop {
            let sets = &self.sets[local as usize];
            let before = match sets.last() {
                Some(&(time, _)) if time >= at.time => sets.partition_point(|&(time, _)| time < at.time),
                _ => sets.len(),
            };
            let last = sets[..before].last().copied();
            let environment = &self.environments[at.env as usize];
            if let Some((time, value)) = last
                && time >= environment.start
            {
                break Step::Found(value);
            }
            if let Some(&value) = self.known.get(&(at.env, local)) {
                break Step::Found(value);
            }
            let here = at.env;
            match &environment.entry {
                Entry::Function => break Step::Found(self.initial(func, local)),
                Entry::Single(from) => at = *from,
                Entry::Join { start, .. } => {
                    let first = sets.partition_point(|&(time, _)| time < start.time);
                    if sets.get(first).is_some_and(|&(time, _)| time < environment.start) {
                        break Step::Meet(at.env);
                    }
                    at = *start;
                }
                Entry::Loop { start, end, .. } => {
                    let (from, to) = (start.time, *end);
                    if self.scan.as_ref().is_none_or(|scan| scan.is_set(local, from, to)) {
                        break Step::Found(self.loop_param(func, local, at.env));
                    }
                    at = *start;
                }
            }
            learner = learner.or(Some(here));
        };
        if let (Step::Found(value), Some(env)) = (&step, learner) {
            self.known.insert((env, local), *value);
        }
        step
    }

    /// What a local is at the function's entry.
    fn initial(&mut self, func: &mut Function, local: u32) -> Value {
        if let Some(&param) = self.params.get(local as usize) {
            return param;
        }
        let ty = self.types[local as usize];
        if let Some(&zero) = self.zeros.iter().find(|&&v| func.dfg.value_type(v) == ty) {
            return zero;
        }
        let cursor = match func.layout.first_inst(self.entry) {
            Some(first) => Cursor::Before(first),
            None => Cursor::End(self.entry),
        };
        let mut builder = Builder::at(func, cursor);
        let zero = match ty {
            F32 => builder.f32const(0.0),
            F64 => builder.f64const(0.0),
            _ if ty.is_vector() => builder.vconst(ty, [0; 16]),
            _ => builder.iconst(ty, 0),
        };
        self.zeros.push(zero);
        zero
    }

    /// A new parameter of a loop's header for a local.
    fn loop_param(&mut self, func: &mut Function, local: u32, env: u32) -> Value {
        let environment = &mut self.environments[env as usize];
        let param = func.dfg.append_block_param(environment.block, self.types[local as usize]);
        self.known.insert((env, local), param);
        match &mut environment.entry {
            Entry::Loop { sealed: false, incomplete, .. } => incomplete.push((local, param)),
            _ => self.pending.push_back((env, local, param)),
        }
        param
    }

    fn complete_pending(&mut self, func: &mut Function) {
        while let Some((env, local, param)) = self.pending.pop_front() {
            self.complete(func, env, &[(local, param)]);
        }
    }

    /// Gives a loop's parameters their arguments. Those that turn out to be one
    /// value only become other names of it.
    fn complete(&mut self, func: &mut Function, env: u32, params: &[(u32, Value)]) {
        let Entry::Loop { edges, .. } = &self.environments[env as usize].entry else { return };
        let (block, edges) = (self.environments[env as usize].block, edges.clone());
        let mut args: Vec<Value> = Vec::with_capacity(params.len() * edges.len());
        for &(local, _) in params {
            for edge in &edges {
                args.push(self.find(func, local, edge.from));
            }
        }
        let mut redundant = false;
        let mut each = args.chunks(edges.len().max(1));
        for &(local, param) in params {
            let Some(incoming) = each.next() else { return };
            if let Some(value) = only_value(func, param, incoming) {
                redundant = true;
                func.dfg.make_alias(param, value);
                self.known.insert((env, local), value);
            } else {
                for (edge, &value) in edges.iter().zip(incoming) {
                    append_arg(func, edge.branch, block, value);
                }
            }
        }
        if redundant {
            let is_param = |&v: &Value| matches!(func.dfg.value_def(v), ValueDef::Param(..));
            let keep: Vec<bool> = func.dfg.block_params(block).iter().map(is_param).collect();
            func.dfg.retain_block_params(block, |i| keep[i]);
        }
    }

    /// The value of a local at a join, whose edges bring these.
    fn meet(&mut self, func: &mut Function, local: u32, env: u32, values: &[Value]) -> Value {
        let first = func.dfg.resolve(values[0]);
        let value = if values.iter().all(|&v| func.dfg.resolve(v) == first) {
            first
        } else {
            let environment = &self.environments[env as usize];
            let Entry::Join { edges, .. } = &environment.entry else { return first };
            let param = func.dfg.append_block_param(environment.block, self.types[local as usize]);
            for (edge, &value) in edges.iter().zip(values) {
                append_arg(func, edge.branch, environment.block, value);
            }
            param
        };
        self.known.insert((env, local), value);
        value
    }
}

/// The one value besides `param` itself that comes in, if it is one.
fn only_value(func: &Function, param: Value, incoming: &[Value]) -> Option<Value> {
    let mut only = None;
    for &value in incoming {
        let value = func.dfg.resolve(value);
        if value != param && only.is_some_and(|only| only != value) {
            return None;
        }
        if value != param {
            only = Some(value);
        }
    }
    only
}

/// Adds an argument to a branch's calls of `block`.
fn append_arg(func: &mut Function, branch: Inst, block: Block, value: Value) {
    func.dfg.for_each_block_call_mut(branch, |call, pool| {
        if call.block == block {
            call.args.push(BlockArg::Value(value).into(), pool);
        }
    });
}

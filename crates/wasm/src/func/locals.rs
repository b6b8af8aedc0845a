//! Locals as SSA values.
//!
//! Problem: a local has a different value in different places, and where ways meet
//! a block parameter must stand for it, but only if the values differ and somebody
//! reads it there: parameters cost time in every later pass. Approach: for each local
//! there is a list of its *definitions*, in the order of translation. Besides what it was
//! set to, there is one wherever WebAssembly's structure may give it another value: at an
//! `else` if the first arm sets it, at the end of a construct that sets it, at the start
//! of a loop that does, which [`Scan`] knows. So the last definition before a place is the
//! one that holds there. What value it is at an `else`, join or loop is found when somebody
//! reads the local there, from the places where the ways to it come from. A local that is
//! known to be dead there is given no definition: nobody reads it before it is set again.
//!
//! A place is a [`Position`]: how many definitions there were. Handlers of exceptions are
//! written where there is no operator, between others, and define nothing; positions in
//! them say so.
//!
//! Invariants: a header's parameters for locals have no arguments until the loop ends
//! ([`Locals::seal`]), then they all get theirs.

use super::scan::{Distinct, Scan};
use foldhash::fast::RandomState;
use sidetrack_ir::types::{F32, F64};
use sidetrack_ir::{Block, BlockArg, Builder, Function, Inst, Position as Cursor, Type, Value, ValueDef};
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};

/// A place in the function, as far as the values of locals go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    env: u32,
    /// How many definitions there were.
    defs: u32,
    /// How many locals the list of those that were set had.
    sets: u32,
}

/// A way into a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// Where it comes from.
    pub from: Position,
    /// The branch.
    pub branch: Inst,
    /// Of a `br_table`: the block calls that go this way, by their place in
    /// [`Locals::table_calls`].
    pub calls: Option<(u32, u32)>,
}

/// How control comes into an environment.
#[derive(Debug)]
enum Entry {
    /// The function's.
    Function,
    /// One way in.
    Single(Position),
    /// The end of a construct.
    Join { block: Block, edges: Vec<Edge> },
    /// The handlers of a `try_table` that starts at `start`.
    Handler { block: Block, start: Position, edges: Vec<Edge> },
    /// A loop. `incomplete` are the parameters that wait for its end.
    Loop { block: Block, edges: Vec<Edge>, sealed: bool, incomplete: Vec<(u32, Value)> },
}

/// A definition of a local.
#[derive(Clone, Copy, Debug)]
enum Def {
    Value(Value),
    /// What it is at the entry of this environment.
    AtEntry(u32),
}

/// The values of a function's locals.
#[derive(Debug)]
pub(super) struct Locals {
    types: Vec<Type>,
    /// What each parameter is at entry; other locals are zero.
    params: Vec<Value>,
    entry: Block,
    zeros: Vec<Value>,
    /// For each local its definitions, with how many of any local there were before.
    defs: Vec<Vec<(u32, Def)>>,
    /// How many definitions there are.
    count: u32,
    /// The locals defined so far; those of constructs that have ended once each.
    sets: Vec<u32>,
    distinct: Distinct,
    environments: Vec<Entry>,
    /// Values in handlers, by environment and local.
    in_handlers: HashMap<(u32, u32), Value, RandomState>,
    /// The numbers of the block calls of `br_table`s, those of a label together.
    table_calls: Vec<u32>,
    scan: Option<Scan>,
    /// Parameters of loops that have ended, still without arguments: environment,
    /// local, parameter. First come, first served: a header's parameters get their
    /// arguments in the order in which they were added.
    pending: VecDeque<(u32, u32, Value)>,
    current: u32,
    /// The locals that got another definition than by being set, if somebody wants to know.
    changes: Option<Vec<u32>>,
}

/// A join whose edges are being looked at.
struct Meeting {
    env: u32,
    first_value: usize,
    /// The definitions that its value is that of.
    learners: Learners,
}

type Learners = SmallVec<[u32; 4]>;

enum Step {
    Found(Value),
    Meet(u32, Learners),
}

impl Locals {
    /// The locals of a function, of which the first are its parameters.
    pub fn new(entry: Block, params: Vec<Value>, types: Vec<Type>) -> Self {
        Locals {
            params,
            entry,
            zeros: Vec::new(),
            defs: vec![Vec::new(); types.len()],
            count: 0,
            sets: Vec::new(),
            distinct: Distinct::new(types.len()),
            types,
            environments: vec![Entry::Function],
            in_handlers: HashMap::default(),
            table_calls: Vec::new(),
            scan: None,
            pending: VecDeque::new(),
            current: 0,
            changes: None,
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
        Position { env: self.current, defs: self.count, sets: self.sets.len() as u32 }
    }

    /// The place where the function starts.
    pub fn function_start(&self) -> Position {
        Position { env: 0, defs: 0, sets: 0 }
    }

    /// A number that stays while each new block has the one before as its only
    /// predecessor.
    pub fn environment(&self) -> u32 {
        self.current
    }

    /// Goes on at a place that was left for a handler.
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

    /// From now on, [`Locals::drain_changes`] tells what changes.
    pub fn note_changes(&mut self) {
        self.changes = Some(Vec::new());
    }

    /// Tells the locals that may have got another value by the way that control came.
    pub fn drain_changes(&mut self, each: impl FnMut(u32)) {
        if let Some(changes) = &mut self.changes {
            changes.drain(..).for_each(each);
        }
    }

    fn enter(&mut self, entry: Entry) {
        self.current = self.environments.len() as u32;
        self.environments.push(entry);
    }

    /// In the present environment a local is what it is at the entry.
    fn define_at_entry(&mut self, local: u32) {
        self.defs[local as usize].push((self.count, Def::AtEntry(self.current)));
        self.count += 1;
        self.changes.iter_mut().for_each(|changes| changes.push(local));
    }

    /// The present environment is entered at the end of a construct, or of an arm, that began
    /// at `start`.
    fn define_all_since(&mut self, start: Position, is_live: impl Fn(u32) -> bool) {
        let from = start.sets as usize;
        self.distinct.retain(&mut self.sets, from);
        for index in from..self.sets.len() {
            let local = self.sets[index];
            if is_live(local) {
                self.define_at_entry(local);
            }
        }
    }

    /// Goes on in a block to which the only way is from `from`; the last construct, or arm of
    /// one, began at `start`.
    pub fn enter_single(&mut self, from: Position, start: Position, is_live: impl Fn(u32) -> bool) {
        self.enter(Entry::Single(from));
        self.define_all_since(start, is_live);
    }

    /// Goes on in the block at the end of a construct that began at `start`.
    pub fn enter_join(
        &mut self,
        block: Block,
        start: Position,
        edges: Vec<Edge>,
        is_live: impl Fn(u32) -> bool,
    ) {
        match edges.as_slice() {
            [edge] => self.enter_single(edge.from, start, is_live),
            _ => {
                self.enter(Entry::Join { block, edges });
                self.define_all_since(start, is_live);
            }
        }
    }

    /// Goes to the handlers of a `try_table` that began at `start`.
    pub fn enter_handler(&mut self, block: Block, start: Position, edges: Vec<Edge>) {
        self.enter(Entry::Handler { block, start, edges });
    }

    /// Goes on in a loop's header, entered through `edge`; the loop has this number
    /// in the scan. The result names it for [`Locals::seal`].
    pub fn enter_loop(
        &mut self,
        header: Block,
        edge: Edge,
        number: usize,
        is_live: impl Fn(u32) -> bool,
    ) -> u32 {
        self.enter(Entry::Loop { block: header, edges: vec![edge], sealed: false, incomplete: Vec::new() });
        let from = self.sets.len();
        self.sets.extend(self.scan.iter().flat_map(|scan| scan.sets(number)));
        for index in from..self.sets.len() {
            let local = self.sets[index];
            if is_live(local) {
                self.define_at_entry(local);
            }
        }
        self.current
    }

    /// Sets a local.
    pub fn set(&mut self, local: u32, value: Value) {
        self.defs[local as usize].push((self.count, Def::Value(value)));
        self.count += 1;
        self.sets.push(local);
    }

    /// The present value of a local.
    pub fn get(&mut self, func: &mut Function, local: u32) -> Value {
        if let Some((_, Def::Value(value))) = self.defs[local as usize].last() {
            return func.dfg.resolve(*value);
        }
        let value = self.find(func, local, self.position());
        self.complete_pending(func);
        let value = func.dfg.resolve(value);
        if let Some((_, def)) = self.defs[local as usize].last_mut() {
            *def = Def::Value(value);
        }
        value
    }

    /// Ends a loop whose further ways in, besides the one from in front, are these.
    pub fn seal(&mut self, func: &mut Function, env: u32, back_edges: Vec<Edge>) {
        let Entry::Loop { edges, sealed, incomplete, .. } = &mut self.environments[env as usize] else {
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
                Step::Meet(env, learners) => {
                    meetings.push(Meeting { env, first_value: values.len(), learners });
                }
                Step::Found(value) if meetings.is_empty() => return value,
                Step::Found(value) => values.push(value),
            }
            // Finish the meetings whose edges have all been looked at.
            while let Some(meeting) = meetings.last() {
                let seen = values.len() - meeting.first_value;
                if let Some(edge) = self.edges(meeting.env).get(seen) {
                    at = edge.from;
                    break;
                }
                let value = self.meet(func, local, meeting.env, &values[meeting.first_value..]);
                self.learn(local, &meeting.learners, value);
                values.truncate(meeting.first_value);
                meetings.pop();
                if meetings.is_empty() {
                    return value;
                }
                values.push(value);
            }
        }
    }

    fn learn(&mut self, local: u32, learners: &[u32], value: Value) {
        for &learner in learners {
            self.defs[local as usize][learner as usize].1 = Def::Value(value);
        }
    }

    fn edges(&self, env: u32) -> &[Edge] {
        match &self.environments[env as usize] {
            Entry::Join { edges, .. } | Entry::Handler { edges, .. } | Entry::Loop { edges, .. } => edges,
            Entry::Function | Entry::Single(_) => &[],
        }
    }

    /// Follows the only way back from a position to where the local is known, or
    /// to a join of which all ways must be looked at.
    fn walk(&mut self, func: &mut Function, local: u32, position: Position) -> Step {
        let mut at = position;
        let mut learners = Learners::new();
        let value = loop {
            let defs = &self.defs[local as usize];
            // Most are asked for the last one.
            let before = match defs.last() {
                Some((count, _)) if *count >= at.defs => defs.partition_point(|(count, _)| *count < at.defs),
                _ => defs.len(),
            };
            let last = before.checked_sub(1).map(|index| (index, defs[index]));
            if let Entry::Handler { start, edges, .. } = &self.environments[at.env as usize] {
                if let Some(&value) = self.in_handlers.get(&(at.env, local)) {
                    break value;
                }
                let defined = last.is_some_and(|(_, (count, _))| count >= start.defs);
                match edges.as_slice() {
                    _ if !defined => at = *start,
                    [edge] => at = edge.from,
                    _ => return Step::Meet(at.env, learners),
                }
                continue;
            }
            match last {
                None => break self.initial(func, local),
                Some((_, (_, Def::Value(value)))) => break value,
                Some((index, (_, Def::AtEntry(env)))) => {
                    learners.push(index as u32);
                    match &self.environments[env as usize] {
                        Entry::Single(from) => at = *from,
                        Entry::Loop { .. } => break self.loop_param(func, local, env),
                        _ => return Step::Meet(env, learners),
                    }
                }
            }
        };
        self.learn(local, &learners, value);
        Step::Found(value)
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
        let block = self.block(env);
        let param = func.dfg.append_block_param(block, self.types[local as usize]);
        match &mut self.environments[env as usize] {
            Entry::Loop { sealed: false, incomplete, .. } => incomplete.push((local, param)),
            _ => self.pending.push_back((env, local, param)),
        }
        param
    }

    /// The block in which an environment begins to which several ways lead.
    fn block(&self, env: u32) -> Block {
        match self.environments[env as usize] {
            Entry::Join { block, .. } | Entry::Handler { block, .. } | Entry::Loop { block, .. } => block,
            Entry::Function | Entry::Single(_) => self.entry,
        }
    }

    fn complete_pending(&mut self, func: &mut Function) {
        while let Some((env, local, param)) = self.pending.pop_front() {
            self.complete(func, env, &[(local, param)]);
        }
    }

    /// Gives a loop's parameters their arguments. Those that turn out to be one
    /// value only become other names of it.
    fn complete(&mut self, func: &mut Function, env: u32, params: &[(u32, Value)]) {
        let (block, edges) = (self.block(env), self.edges(env).to_vec());
        let mut args: Vec<Value> = Vec::with_capacity(params.len() * edges.len());
        for &(local, _) in params {
            for edge in &edges {
                args.push(self.find(func, local, edge.from));
            }
        }
        let mut redundant = false;
        let mut each = args.chunks(edges.len().max(1));
        for &(_, param) in params {
            let Some(incoming) = each.next() else { return };
            if let Some(value) = only_value(func, param, incoming) {
                redundant = true;
                func.dfg.make_alias(param, value);
            } else {
                for (edge, &value) in edges.iter().zip(incoming) {
                    self.append_arg(func, edge, block, value);
                }
            }
        }
        if redundant {
            let is_param = |&v: &Value| matches!(func.dfg.value_def(v), ValueDef::Param(..));
            let keep: Vec<bool> = func.dfg.block_params(block).iter().map(is_param).collect();
            func.dfg.retain_block_params(block, |i| keep[i]);
        }
    }

    /// Notes which block calls of a `br_table` go to one label, for an edge.
    pub fn note_calls(&mut self, calls: &[u32]) -> Option<(u32, u32)> {
        let start = self.table_calls.len() as u32;
        self.table_calls.extend_from_slice(calls);
        Some((start, self.table_calls.len() as u32))
    }

    /// Adds an argument to the block calls of `block` that are an edge.
    fn append_arg(&self, func: &mut Function, edge: &Edge, block: Block, value: Value) {
        let arg = BlockArg::Value(value).into();
        match edge.calls {
            None => func.dfg.for_each_block_call_mut(edge.branch, |call, pool| {
                if call.block == block {
                    call.args.push(arg, pool);
                }
            }),
            Some((start, end)) => {
                for &number in &self.table_calls[start as usize..end as usize] {
                    func.dfg.update_block_call(edge.branch, number, |call, pool| {
                        call.args.push(arg, pool);
                    });
                }
            }
        }
    }

    /// The value of a local at a join, whose edges bring these.
    fn meet(&mut self, func: &mut Function, local: u32, env: u32, values: &[Value]) -> Value {
        let first = func.dfg.resolve(values[0]);
        let value = if values.iter().all(|&v| func.dfg.resolve(v) == first) {
            first
        } else {
            let block = self.block(env);
            let param = func.dfg.append_block_param(block, self.types[local as usize]);
            for (edge, &value) in self.edges(env).iter().zip(values) {
                self.append_arg(func, edge, block, value);
            }
            param
        };
        if let Entry::Handler { .. } = self.environments[env as usize] {
            self.in_handlers.insert((env, local), value);
        }
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

//! Which locals may still be read.
//!
//! A debugger is shown the locals that are live at a stop, and only they are kept
//! alive for it. Liveness is a walk from a body's end to its start, with the set at
//! each open construct's label at hand. A loop's label is at its start, which the walk
//! has not seen; so the walk is done twice. In the first, what a loop's start needs is
//! found as if nothing branched to it, which is exact but for branches to loops
//! around; in the second those are added. What is added may be more than is live: a
//! value too many is shown, never one too few.
//!
//! *Times* are numbers of operators in the function, counted from its start.

use rustc_hash::FxHashMap;
use wasmparser::{Catch, Operator, OperatorsReader};

/// What an operator means to locals.
enum Effect {
    Get(u32),
    Set(u32),
    Block,
    Loop,
    If,
    Else,
    Try(Vec<u32>),
    End,
    Br(u32),
    BrIf(u32),
    BrTable(Vec<u32>),
    /// Control does not go on, nor anywhere else in the function.
    Leave,
    /// May throw, and goes on; a site follows.
    Call,
    /// Throws.
    Throw,
    Other,
}

/// Sets of locals in one allocation, as bits.
#[derive(Clone)]
struct Set(Vec<u64>);

impl Set {
    fn add_all(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }
}

/// A construct that is open on the way back.
enum Open {
    /// Its label is at the end: what is live there. Of an `if`, the start of the second
    /// arm, or the end without one, follows.
    Forward { label: Set, otherwise: Option<Set> },
    /// Its label is at the start.
    Loop { label: Set },
}

/// The live locals at the times at which somebody may ask.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    /// For each time the part of `locals` that is kept for it.
    starts: Vec<(u32, u32)>,
    locals: Vec<u32>,
}

fn effect(operator: &Operator<'_>) -> Effect {
    match operator {
        Operator::LocalGet { local_index } => Effect::Get(*local_index),
        Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => Effect::Set(*local_index),
        Operator::Block { .. } => Effect::Block,
        Operator::Loop { .. } => Effect::Loop,
        Operator::If { .. } => Effect::If,
        Operator::Else => Effect::Else,
        Operator::End => Effect::End,
        Operator::TryTable { try_table } => Effect::Try(try_table.catches.iter().map(label_of).collect()),
        Operator::Br { relative_depth } => Effect::Br(*relative_depth),
        Operator::BrIf { relative_depth } => Effect::BrIf(*relative_depth),
        Operator::BrTable { targets } => {
            let all = targets.targets().flatten().chain(std::iter::once(targets.default()));
            Effect::BrTable(all.collect())
        }
        Operator::Return
        | Operator::Unreachable
        | Operator::ReturnCall { .. }
        | Operator::ReturnCallIndirect { .. } => Effect::Leave,
        Operator::Throw { .. } | Operator::ThrowRef => Effect::Throw,
        Operator::Call { .. }
        | Operator::CallIndirect { .. }
        | Operator::MemoryGrow { .. }
        | Operator::MemoryFill { .. }
        | Operator::MemoryCopy { .. }
        | Operator::MemoryInit { .. }
        | Operator::DataDrop { .. }
        | Operator::TableSet { .. }
        | Operator::TableGrow { .. }
        | Operator::TableFill { .. }
        | Operator::TableCopy { .. }
        | Operator::TableInit { .. }
        | Operator::ElemDrop { .. } => Effect::Call,
        _ => Effect::Other,
    }
}

fn label_of(catch: &Catch) -> u32 {
    match *catch {
        Catch::One { label, .. }
        | Catch::OneRef { label, .. }
        | Catch::All { label }
        | Catch::AllRef { label } => label,
    }
}

/// The walk back.
struct Walk<'a> {
    effects: &'a [Effect],
    live: Set,
    open: Vec<Open>,
    /// For each open `try_table` the height of `open` and what its handlers need.
    handlers: Vec<(usize, Set)>,
    /// What is live at the start of each loop, by its time; found by the first walk.
    loops: FxHashMap<usize, Set>,
    first: bool,
}

impl Liveness {
    /// Looks at a body. What is not valid ends the walk; validation reports it later.
    pub fn new(mut reader: OperatorsReader<'_>, locals: usize) -> Self {
        let mut effects = Vec::new();
        while let Ok(operator) = reader.read() {
            // Locals that are not there are validation's to report.
            effects.push(match effect(&operator) {
                Effect::Get(local) | Effect::Set(local) if local as usize >= locals => Effect::Other,
                effect => effect,
            });
        }
        let empty = Set(vec![0; locals.div_ceil(64)]);
        let mut walk = Walk {
            effects: &effects,
            live: empty.clone(),
            open: Vec::new(),
            handlers: Vec::new(),
            loops: FxHashMap::default(),
            first: true,
        };
        if effects.iter().any(|effect| matches!(effect, Effect::Loop)) {
            walk.run(&empty, &mut |_, _| {});
        }
        walk.first = false;
        let mut liveness = Liveness { starts: vec![(0, 0); effects.len() + 1], locals: Vec::new() };
        walk.run(&empty, &mut |time, live| {
            let start = liveness.locals.len() as u32;
            for (word, bits) in live.0.iter().enumerate() {
                let mut bits = *bits;
                while bits != 0 {
                    liveness.locals.push(word as u32 * 64 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
            liveness.starts[time] = (start, liveness.locals.len() as u32);
        });
        liveness
    }

    /// The locals that are live before the operator at a time, ascending. Known before the
    /// first operator, and after calls, effects and operators of structure.
    pub fn at(&self, time: u32) -> &[u32] {
        match self.starts.get(time as usize) {
            Some(&(start, end)) => &self.locals[start as usize..end as usize],
            None => &[],
        }
    }
}

impl Walk<'_> {
    fn label(&self, depth: u32) -> Option<&Set> {
        let index = self.open.len().checked_sub(1 + depth as usize)?;
        Some(match &self.open[index] {
            Open::Forward { label, .. } | Open::Loop { label } => label,
        })
    }

    /// What is live if control goes to a label; out of the function nothing is.
    fn go_to(&mut self, depth: u32, empty: &Set) {
        self.live = self.label(depth).unwrap_or(empty).clone();
    }

    fn also(&mut self, depth: u32) {
        if let Some(label) = self.label(depth).cloned() {
            self.live.add_all(&label);
        }
    }

    fn also_handlers(&mut self) {
        if let Some((_, handlers)) = self.handlers.last() {
            self.live.add_all(handlers);
        }
    }

    /// Walks from the end to the start; calls `keep` with the live locals before operators
    /// at which there may be a site.
    fn run(&mut self, empty: &Set, keep: &mut dyn FnMut(usize, &Set)) {
        self.live = empty.clone();
        self.open.clear();
        self.handlers.clear();
        let effects = self.effects;
        // The structure of the constructs ahead, found from the ends.
        let kinds = match_ends(effects);
        for time in (0..effects.len()).rev() {
            match &effects[time] {
                Effect::Get(local) => {
                    if let Some(word) = self.live.0.get_mut(*local as usize / 64) {
                        *word |= 1 << (local % 64);
                    }
                }
                Effect::Set(local) => {
                    if let Some(word) = self.live.0.get_mut(*local as usize / 64) {
                        *word &= !(1 << (local % 64));
                    }
                }
                Effect::End => {
                    keep(time + 1, &self.live);
                    self.open_construct(kinds[time], effects, empty);
                }
                Effect::Else => {
                    keep(time + 1, &self.live);
                    if let Some(Open::Forward { label, otherwise }) = self.open.last_mut() {
                        *otherwise = Some(std::mem::replace(&mut self.live, label.clone()));
                    }
                }
                Effect::If => {
                    keep(time + 1, &self.live);
                    if let Some(Open::Forward { label, otherwise }) = self.open.pop() {
                        self.live.add_all(&otherwise.unwrap_or(label));
                    }
                }
                Effect::Block => drop(self.open.pop()),
                Effect::Try(_) => {
                    self.open.pop();
                    if self.handlers.last().is_some_and(|(height, _)| *height == self.open.len()) {
                        self.handlers.pop();
                    }
                }
                Effect::Loop => {
                    keep(time + 1, &self.live);
                    self.open.pop();
                    if self.first {
                        self.loops.insert(time, self.live.clone());
                    }
                }
                Effect::Br(depth) => self.go_to(*depth, empty),
                Effect::BrIf(depth) => {
                    keep(time + 1, &self.live);
                    self.also(*depth);
                }
                Effect::BrTable(depths) => {
                    self.live = empty.clone();
                    depths.iter().for_each(|depth| self.also(*depth));
                }
                Effect::Leave => self.live = empty.clone(),
                Effect::Throw => {
                    self.live = empty.clone();
                    self.also_handlers();
                }
                Effect::Call => {
                    // A frame that is stopped in the call may go on in a handler.
                    self.also_handlers();
                    keep(time + 1, &self.live);
                }
                Effect::Other => {}
            }
        }
        keep(0, &self.live);
    }

    /// The walk comes to the end of the construct that begins at a time.
    fn open_construct(&mut self, start: Option<usize>, effects: &[Effect], empty: &Set) {
        match start.map(|start| &effects[start]) {
            // The function's own end.
            None => {
                self.live = empty.clone();
                self.open.push(Open::Forward { label: empty.clone(), otherwise: None });
            }
            Some(Effect::Loop) => {
                let mut label = empty.clone();
                if let Some(found) = start.and_then(|start| self.loops.get(&start)) {
                    label = found.clone();
                    for open in &self.open {
                        if let Open::Loop { label: outer } = open {
                            label.add_all(outer);
                        }
                    }
                }
                self.open.push(Open::Loop { label });
            }
            Some(Effect::Try(catches)) => {
                // Depths of catches count from outside of the construct.
                let mut handlers = self.handlers.last().map_or(empty.clone(), |(_, set)| set.clone());
                for depth in catches {
                    if let Some(label) = self.label(*depth) {
                        handlers.add_all(label);
                    }
                }
                self.handlers.push((self.open.len(), handlers));
                self.open.push(Open::Forward { label: self.live.clone(), otherwise: None });
            }
            Some(_) => self.open.push(Open::Forward { label: self.live.clone(), otherwise: None }),
        }
    }
}

/// For each `end` where its construct begins; none for the function's own.
fn match_ends(effects: &[Effect]) -> Vec<Option<usize>> {
    let mut starts = vec![None; effects.len()];
    let mut open = Vec::new();
    for (time, effect) in effects.iter().enumerate() {
        match effect {
            Effect::Block | Effect::Loop | Effect::If | Effect::Try(_) => open.push(time),
            Effect::End => starts[time] = open.pop(),
            _ => {}
        }
    }
    starts
}

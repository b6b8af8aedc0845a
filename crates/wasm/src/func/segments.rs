//! A body cut into segments: pieces that control enters at the start only.
//!
//! A segment starts at a body's start, after operators of structure, branches, calls
//! and effects, and before throws: wherever ways meet, part, or a debugger may stop. What control does not
//! reach is in none. The handlers of a `try_table` or `try` are a segment too, without
//! operators, between the calls inside and the labels of the clauses, or the clauses.
//!
//! The locals that debug information names at a call, or where control ends, are read behind
//! it: a debugger shows them, whether the code needs them or not.

use crate::module::variables::Named;
use wasmparser::{Catch, Operator, OperatorsReader, TryTable};

/// Lists of numbers, one for each key, in one allocation.
#[derive(Debug)]
pub(super) struct Grouped {
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Grouped {
    /// Groups pairs of key and number; the numbers of a key stay in order.
    pub fn new(pairs: &[(u32, u32)], keys: usize) -> Self {
        let mut starts = vec![0; keys + 1];
        pairs.iter().for_each(|&(key, _)| starts[key as usize + 1] += 1);
        (0..keys).for_each(|key| starts[key + 1] += starts[key]);
        let mut next = starts.clone();
        let mut numbers = vec![0; pairs.len()];
        for &(key, number) in pairs {
            let place = &mut next[key as usize];
            numbers[*place as usize] = number;
            *place += 1;
        }
        Grouped { starts, numbers }
    }

    /// The numbers of a key.
    pub fn of(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.numbers[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

/// The segment of what control does not reach: nothing is noted of it.
const DEAD: u32 = 0;
const NEVER: u32 = u32::MAX;
/// How many reads of named locals there are in a body at most; real programs have far fewer.
const MOST_NAMED: usize = 1 << 20;

/// An open construct.
struct Open {
    /// The segment of its label.
    label: u32,
    /// The segment after it.
    after: u32,
    /// Of an `if` whose second arm has not begun, the segment before it.
    otherwise: Option<u32>,
    /// Of a `try_table` with clauses, or of the body of a `try`, the handlers around it, and
    /// the number of its own.
    outer: Option<(u32, usize)>,
    /// Of a `try` that has not caught everything, its handlers.
    clauses: Option<u32>,
    /// The innermost handlers around what it directly contains.
    handler: u32,
}

impl Open {
    fn new(label: u32, handler: u32) -> Self {
        Open { label, after: label, otherwise: None, outer: None, clauses: None, handler }
    }
}

/// The segments of a body and the ways between them.
pub(super) struct Cut<'a> {
    /// How many segments there are.
    pub count: u32,
    /// The segments by the time of their first operator, ascending.
    pub heads: Vec<(u32, u32)>,
    /// The segments of the handlers of `try_table`s, each with the time at which the body
    /// begins, and with the one behind its `end`.
    pub handlers: Vec<(u32, u32, u32)>,
    /// Ways: where to, where from.
    pub ways: Vec<(u32, u32)>,
    /// A local, and a segment that reads it before it sets it.
    pub reads: Vec<(u32, u32)>,
    /// A local, and a segment that sets it.
    pub sets: Vec<(u32, u32)>,
    time: u32,
    current: u32,
    open: Vec<Open>,
    /// The innermost handlers.
    handler: u32,
    /// For each local the segments noted last.
    last: Vec<Last>,
    /// What is named further on.
    named: &'a [Named],
    /// What is named here.
    here: Vec<Named>,
    /// How many times something named may still be taken to be read.
    named_reads: usize,
}

#[derive(Clone)]
struct Last {
    read: u32,
    set: u32,
}

impl<'a> Cut<'a> {
    /// Cuts a body. What is not valid ends it. `named` is sorted.
    pub fn new(mut reader: OperatorsReader<'_>, locals: usize, named: &'a [Named]) -> Self {
        let mut cut = Cut {
            count: DEAD + 1,
            heads: Vec::new(),
            handlers: Vec::new(),
            ways: Vec::new(),
            reads: Vec::new(),
            sets: Vec::new(),
            time: 0,
            current: DEAD,
            open: vec![Open::new(DEAD, DEAD)],
            handler: DEAD,
            last: vec![Last { read: NEVER, set: NEVER }; locals],
            named,
            here: Vec::new(),
            named_reads: MOST_NAMED,
        };
        cut.current = cut.segment();
        cut.heads.push((0, cut.current));
        while let Ok((operator, pc)) = reader.read_with_offset() {
            cut.find_named(pc as u32);
            if cut.operator(&operator, pc as u32).is_none() {
                break;
            }
            cut.time += 1;
        }
        cut
    }

    fn segment(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    fn way(&mut self, from: u32, to: u32) {
        if from != DEAD && to != DEAD {
            self.ways.push((to, from));
        }
    }

    /// Goes on in a segment that starts at the next operator.
    fn enter(&mut self, segment: u32) {
        self.heads.push((self.time + 1, segment));
        self.current = segment;
    }

    /// Goes on in a new segment after the present one.
    fn next(&mut self) {
        if self.current != DEAD {
            let segment = self.segment();
            self.way(self.current, segment);
            self.enter(segment);
        }
    }

    /// The present operator begins a segment.
    fn part(&mut self) {
        let begun = self.heads.last().is_some_and(|(time, _)| *time == self.time);
        if self.current != DEAD && !begun {
            let segment = self.segment();
            self.way(self.current, segment);
            self.heads.push((self.time, segment));
            self.current = segment;
        }
    }

    fn branch(&mut self, from: u32, depth: u32) -> Option<()> {
        let index = self.open.len().checked_sub(1 + depth as usize)?;
        self.way(from, self.open[index].label);
        Some(())
    }

    fn read(&mut self, local: u32) {
        let (current, Some(last)) = (self.current, self.last.get_mut(local as usize)) else { return };
        if current != DEAD && last.set != current && last.read != current {
            last.read = current;
            self.reads.push((local, current));
        }
    }

    fn set(&mut self, local: u32) {
        let (current, Some(last)) = (self.current, self.last.get_mut(local as usize)) else { return };
        if current != DEAD && last.set != current {
            last.set = current;
            self.sets.push((local, current));
        }
    }

    /// Goes on to what is named at a pc.
    fn find_named(&mut self, pc: u32) {
        while let Some((&first, rest)) = self.named.split_first()
            && first.from <= pc
        {
            self.here.push(first);
            self.named = rest;
        }
    }

    /// Reads what is named at a pc, in the present segment.
    fn read_named(&mut self, pc: u32) {
        if self.here.len() > self.named_reads {
            return;
        }
        self.named_reads -= self.here.len();
        self.here.retain(|named| pc < named.to);
        for index in 0..self.here.len() {
            self.read(self.here[index].local);
        }
    }

    fn begin(&mut self) {
        let after = self.segment();
        self.open.push(Open::new(after, self.handler));
    }

    fn begin_loop(&mut self) {
        self.begin();
        let label = self.segment();
        self.way(self.current, label);
        self.enter(label);
        if let Some(open) = self.open.last_mut() {
            open.label = label;
        }
    }

    fn begin_try(&mut self, table: &TryTable) -> Option<()> {
        if table.catches.is_empty() {
            self.begin();
            return Some(());
        }
        let handler = self.segment();
        let index = self.handlers.len();
        self.handlers.push((handler, self.time + 1, u32::MAX));
        let mut all = false;
        for catch in &table.catches {
            let (Catch::One { label, .. }
            | Catch::OneRef { label, .. }
            | Catch::All { label }
            | Catch::AllRef { label }) = *catch;
            self.branch(handler, label)?;
            all |= matches!(catch, Catch::All { .. } | Catch::AllRef { .. });
        }
        if !all {
            self.way(handler, self.handler);
        }
        self.begin();
        // What the handlers need is live from here on.
        self.next();
        self.cover(handler, index)
    }

    /// The innermost construct is covered by these handlers.
    fn cover(&mut self, handler: u32, index: usize) -> Option<()> {
        let outer = std::mem::replace(&mut self.handler, handler);
        let open = self.open.last_mut()?;
        (open.outer, open.handler) = (Some((outer, index)), handler);
        Some(())
    }

    fn begin_legacy_try(&mut self) -> Option<()> {
        let (handler, index) = (self.segment(), self.handlers.len());
        self.handlers.push((handler, self.time + 1, u32::MAX));
        self.begin();
        // What the handlers need is live from here on.
        self.next();
        self.open.last_mut()?.clauses = Some(handler);
        self.cover(handler, index)
    }

    /// Leaves what the handlers of the innermost construct cover.
    fn uncover(&mut self) -> Option<()> {
        let open = self.open.last_mut()?;
        if let Some((outer, own)) = open.outer.take() {
            (self.handler, open.handler) = (outer, outer);
            self.handlers[own].2 = self.time + 1;
        }
        Some(())
    }

    /// A clause of a `try` begins.
    fn clause(&mut self, all: bool) -> Option<()> {
        self.uncover()?;
        let open = self.open.last_mut()?;
        let (after, handler) = (open.after, open.clauses?);
        if all {
            open.clauses = None;
        }
        self.way(self.current, after);
        let segment = self.segment();
        self.way(handler, segment);
        self.enter(segment);
        Some(())
    }

    /// `None` at the function's end, and where the body is not valid.
    fn operator(&mut self, operator: &Operator<'_>, pc: u32) -> Option<()> {
        use Operator as O;
        match operator {
            O::LocalGet { local_index } => self.read(*local_index),
            O::LocalSet { local_index } | O::LocalTee { local_index } => self.set(*local_index),
            O::Block { .. } => self.begin(),
            O::Loop { .. } => self.begin_loop(),
            O::If { .. } => {
                self.begin();
                self.open.last_mut()?.otherwise = Some(self.current);
                self.next();
            }
            O::Else => {
                let open = self.open.last_mut()?;
                let (after, before) = (open.after, open.otherwise.take()?);
                self.way(self.current, after);
                self.current = before;
                self.next();
            }
            O::TryTable { try_table } => self.begin_try(try_table)?,
            O::Try { .. } => self.begin_legacy_try()?,
            O::Catch { .. } => self.clause(false)?,
            O::CatchAll => self.clause(true)?,
            O::Delegate { relative_depth } => {
                self.uncover()?;
                let Open { after, clauses, .. } = self.open.pop()?;
                let index = self.open.len().checked_sub(1 + *relative_depth as usize)?;
                self.way(clauses?, self.open[index].handler);
                self.way(self.current, after);
                self.enter(after);
            }
            O::End => {
                self.uncover()?;
                let Open { after, otherwise, clauses, .. } = self.open.pop()?;
                self.way(clauses.unwrap_or(DEAD), self.handler);
                self.way(self.current, after);
                self.way(otherwise.unwrap_or(DEAD), after);
                if self.open.is_empty() {
                    return None;
                }
                self.enter(after);
            }
            O::Br { relative_depth } => {
                self.branch(self.current, *relative_depth)?;
                self.current = DEAD;
            }
            O::BrIf { relative_depth } => {
                self.branch(self.current, *relative_depth)?;
                self.next();
            }
            O::BrTable { targets } => {
                let all = targets.targets().chain(std::iter::once(Ok(targets.default())));
                let mut depths = all.collect::<Result<Vec<u32>, _>>().ok()?;
                depths.sort_unstable();
                depths.dedup();
                depths.into_iter().try_for_each(|depth| self.branch(self.current, depth))?;
                self.current = DEAD;
            }
            O::Unreachable => {
                self.read_named(pc);
                self.current = DEAD;
            }
            O::Return | O::ReturnCall { .. } | O::ReturnCallIndirect { .. } => {
                self.current = DEAD;
            }
            O::Throw { .. } | O::ThrowRef | O::Rethrow { .. } => {
                self.part();
                self.way(self.current, self.handler);
                self.current = DEAD;
            }
            O::Call { .. } | O::CallIndirect { .. } => {
                self.way(self.current, self.handler);
                self.next();
                self.read_named(pc);
            }
            _ if is_effect(operator) => self.next(),
            _ => {}
        }
        Some(())
    }
}

/// Whether an operator acts beyond the frame and linear memory, and goes on.
fn is_effect(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::MemoryGrow { .. }
            | O::MemoryFill { .. }
            | O::MemoryCopy { .. }
            | O::MemoryInit { .. }
            | O::DataDrop { .. }
            | O::TableSet { .. }
            | O::TableGrow { .. }
            | O::TableFill { .. }
            | O::TableCopy { .. }
            | O::TableInit { .. }
            | O::ElemDrop { .. }
    )
}

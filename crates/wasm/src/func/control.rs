//! Control flow: blocks, loops, branches, and what the rest of a construct knows.
//!
//! A construct's end, or a loop's start, is a *label*; its block is made at the
//! first branch to it, so that constructs to which nothing branches cost nothing.
//! What control cannot reach is not translated; constructs that begin there are
//! [`FrameKind::Dead`].

use super::context::user_trap;
use super::exceptions::{Handler, NextClause};
use super::locals::{Edge, Position};
use super::sites::live_next;
use super::state::{Translator, Values};
use crate::WasmError;
use crate::signatures::ir_type;
use sidetrack_artifact::ValType;
use sidetrack_artifact::vmctx::trap;
use sidetrack_ir::{Block, Inst, Value};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use wasmparser::{BlockType, BrTable, Operator};

/// What kind of construct is open.
#[derive(Debug)]
pub(super) enum FrameKind {
    /// `block`, the function itself, or the second arm of an `if`.
    Block,
    /// `loop`; how [`super::locals::Locals`] calls it.
    Loop { environment: u32 },
    /// The first arm of an `if`.
    If { branch: Inst, otherwise: Block, params: Values },
    /// `try_table` with clauses, or the body of a `try`.
    Try(Handler),
    /// A clause of a `try`: the exception, if control reaches the clause, and what is next if
    /// it is not the clause's.
    Catch { exn: Option<Value>, next: Option<NextClause> },
    /// Any construct that control does not reach.
    Dead,
}

/// What a construct takes and leaves on the operand stack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arity {
    /// Nothing, and nothing.
    Empty,
    /// Leaves one value.
    One(ValType),
    /// That of a function type.
    Type(u32),
}

/// An open construct.
#[derive(Debug)]
pub(super) struct Frame {
    pub kind: FrameKind,
    pub arity: Arity,
    /// How many operands a branch to its label takes along.
    label_arity: usize,
    /// The height of the operand stack below its parameters.
    pub height: usize,
    pub start: Option<Position>,
    label: Option<Block>,
    edges: Vec<Edge>,
    /// Whether its label catches exceptions.
    pub catches: bool,
    /// The construct that has the innermost handler around what it directly contains.
    pub handler: Option<usize>,
}

impl Frame {
    fn dead() -> Self {
        Frame {
            kind: FrameKind::Dead,
            arity: Arity::Empty,
            label_arity: 0,
            height: 0,
            start: None,
            label: None,
            edges: Vec::new(),
            catches: false,
            handler: None,
        }
    }

    /// A function's body; its type has this index and that many results.
    pub fn function(ty: u32, results: usize) -> Self {
        Frame { kind: FrameKind::Block, arity: Arity::Type(ty), label_arity: results, ..Frame::dead() }
    }
}

/// Translates an operator.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    if !t.reachable {
        t.unreachable_operator(operator);
        return Ok(());
    }
    match operator {
        Operator::Unreachable => {
            t.b.trap(user_trap(trap::UNREACHABLE));
            t.reachable = false;
        }
        Operator::Nop => {}
        Operator::Block { blockty } => t.begin(FrameKind::Block, t.arity(*blockty, pc)?),
        Operator::Loop { blockty } => t.begin_loop(t.arity(*blockty, pc)?),
        Operator::If { blockty } => t.begin_if(t.arity(*blockty, pc)?),
        Operator::Else => t.begin_else(),
        Operator::End => t.end(),
        Operator::Br { relative_depth } => t.br(*relative_depth),
        Operator::BrIf { relative_depth } => t.br_if(*relative_depth),
        Operator::BrTable { targets } => t.br_table(targets)?,
        Operator::Return => t.br(t.frames.len() as u32 - 1),
        _ => return super::variables::translate(t, operator, pc),
    }
    Ok(())
}

impl Translator<'_> {
    pub fn arity(&self, ty: BlockType, pc: u64) -> Result<Arity, WasmError> {
        Ok(match ty {
            BlockType::Empty => Arity::Empty,
            BlockType::Type(ty) => Arity::One(crate::module::types::value(ty, pc)?),
            BlockType::FuncType(index) => Arity::Type(index),
        })
    }

    pub fn params(&self, arity: Arity) -> SmallVec<[ValType; 4]> {
        match arity {
            Arity::Empty | Arity::One(_) => SmallVec::new(),
            Arity::Type(index) => SmallVec::from_slice(&self.info.types[index as usize].params),
        }
    }

    fn results(&self, arity: Arity) -> SmallVec<[ValType; 4]> {
        match arity {
            Arity::Empty => SmallVec::new(),
            Arity::One(ty) => SmallVec::from_slice(&[ty]),
            Arity::Type(index) => SmallVec::from_slice(&self.info.types[index as usize].results),
        }
    }

    /// A new block with parameters of these types.
    pub fn block_of(&mut self, types: &[ValType]) -> Block {
        let block = self.b.create_block();
        for &ty in types {
            self.b.func.dfg.append_block_param(block, ir_type(ty));
        }
        block
    }

    /// Opens a construct; its parameters stay on the stack.
    pub fn begin(&mut self, kind: FrameKind, arity: Arity) {
        let (params, results) = (self.params(arity).len(), self.results(arity).len());
        self.frames.push(Frame {
            kind,
            arity,
            label_arity: results,
            height: self.stack.len() - params,
            start: Some(self.locals.position()),
            label: None,
            edges: Vec::new(),
            catches: false,
            handler: self.handler,
        });
    }

    fn begin_loop(&mut self, arity: Arity) {
        let types = self.params(arity);
        let header = self.block_of(&types);
        let args = self.pop_n(types.len());
        let args = self.canonical(args);
        let from = self.locals.position();
        let branch = self.b.jump(header, &args);
        let edge = Edge { from, branch, calls: None };
        let is_live = live_next(&mut self.states, self.time);
        let environment = self.locals.enter_loop(header, edge, self.loops, is_live);
        self.loops += 1;
        self.enter_block(header);
        self.wants_site();
        self.begin(FrameKind::Loop { environment }, arity);
        if let Some(frame) = self.frames.last_mut() {
            (frame.label, frame.label_arity, frame.start) = (Some(header), types.len(), Some(from));
        }
    }

    fn begin_if(&mut self, arity: Arity) {
        let condition = self.pop_condition();
        let (then, otherwise) = (self.b.create_block(), self.b.create_block());
        // The branch itself may come to pass these on; see `skip_first_arm`.
        let params = self.top(self.params(arity).len());
        let params = self.canonical(params);
        let branch = self.b.brif(condition, (then, &[]), (otherwise, &[]));
        self.switch_to(then);
        self.wants_block_site();
        self.begin(FrameKind::If { branch, otherwise, params }, arity);
    }

    fn begin_else(&mut self) {
        if self.reachable {
            self.br(0);
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let (height, start) = (frame.height, frame.start);
        if let (FrameKind::If { otherwise, params, .. }, Some(start)) =
            (std::mem::replace(&mut frame.kind, FrameKind::Block), start)
        {
            self.stack.truncate(height);
            self.stack.extend(&params);
            self.switch_to(otherwise);
            self.enter_second_arm(start);
        }
    }

    /// Goes on at the place where an `if` began.
    fn enter_second_arm(&mut self, start: Position) {
        let is_live = live_next(&mut self.states, self.time);
        self.locals.enter_single(start, start, is_live);
        self.reachable = true;
        self.wants_block_site();
    }

    fn end(&mut self) {
        let depth = self.frames.len();
        let Some(frame) = self.frames.last_mut() else { return };
        let (height, start) = (frame.height, frame.start);
        let (mut ended, mut clause) = (None, None);
        match std::mem::replace(&mut frame.kind, FrameKind::Block) {
            FrameKind::Loop { environment } => {
                let edges = std::mem::take(&mut frame.edges);
                frame.label = None;
                self.locals.seal(self.b.func, environment, edges);
            }
            FrameKind::If { branch, otherwise, params } => {
                if self.reachable || !self.frames[depth - 1].edges.is_empty() {
                    self.skip_first_arm(branch, otherwise, params);
                } else if let Some(start) = start {
                    // Only the way around the first arm goes on.
                    self.stack.truncate(height);
                    self.stack.extend(&params);
                    self.switch_to(otherwise);
                    self.enter_second_arm(start);
                }
            }
            FrameKind::Try(handler) => {
                self.end_try(&handler);
                ended = start.map(|start| (handler, start));
            }
            FrameKind::Catch { next, .. } => clause = next.zip(start),
            FrameKind::Block | FrameKind::Dead => {}
        }
        self.end_label();
        if let Some((next, start)) = clause {
            self.end_clauses(next, start);
        }
        if let Some((handler, start)) = ended {
            self.write_handler(handler, start);
        }
        if self.frames.is_empty() && self.reachable {
            let results = self.pop_n(self.stack.len());
            self.return_values(results);
        }
    }

    /// An `if` without a second arm: the branch goes to the end instead.
    fn skip_first_arm(&mut self, branch: Inst, otherwise: Block, params: Values) {
        let index = self.frames.len() - 1;
        let label = self.label(index);
        let call = self.b.block_call(label, &params);
        self.b.func.dfg.for_each_block_call_mut(branch, |old, _| {
            if old.block == otherwise {
                *old = call;
            }
        });
        if let Some(from) = self.frames[index].start {
            self.frames[index].edges.push(Edge { from, branch, calls: None });
        }
    }

    /// Closes the innermost construct: goes on at its label, if anything does.
    pub fn end_label(&mut self) {
        let last = self.frames.len() - 1;
        if self.frames[last].label.is_some() && self.reachable {
            self.br(0);
        }
        let Some(frame) = self.frames.pop() else { return };
        if let Some(label) = frame.label {
            self.stack.truncate(frame.height);
            self.enter_block(label);
            if frame.edges.len() > 1 || frame.catches {
                self.wants_site();
            }
            self.wants_block_site();
            let start = frame.start.unwrap_or(self.locals.function_start());
            let is_live = live_next(&mut self.states, self.time);
            self.locals.enter_join(label, start, frame.edges, is_live);
            self.reachable = true;
        } else if !self.reachable {
            self.stack.truncate(frame.height);
        }
    }

    /// Moves to a block.
    pub fn switch_to(&mut self, block: Block) {
        self.b.switch_to(block);
        self.block = block;
    }

    /// Moves to a block and pushes its parameters.
    pub fn enter_block(&mut self, block: Block) {
        self.switch_to(block);
        self.stack.extend(self.b.func.dfg.block_params(block));
    }

    /// The block of a construct's label.
    pub fn label(&mut self, index: usize) -> Block {
        if let Some(label) = self.frames[index].label {
            return label;
        }
        let types = self.results(self.frames[index].arity);
        let label = self.block_of(&types);
        self.frames[index].label = Some(label);
        label
    }

    /// Records a branch to a construct's label.
    pub fn add_edge(&mut self, index: usize, branch: Inst) {
        let from = self.locals.position();
        self.frames[index].edges.push(Edge { from, branch, calls: None });
    }

    fn label_args(&mut self, index: usize) -> Values {
        let args = self.top(self.frames[index].label_arity);
        self.canonical(args)
    }

    /// Branches; control does not go on here.
    pub fn br(&mut self, depth: u32) {
        let index = self.frame_index(depth);
        let args = self.label_args(index);
        self.branch_to(index, args);
        self.reachable = false;
    }

    /// Goes to a construct's label with these values.
    pub fn branch_to(&mut self, index: usize, args: Values) {
        if index == 0 {
            return self.return_values(args);
        }
        let label = self.label(index);
        let branch = self.b.jump(label, &args);
        self.add_edge(index, branch);
    }

    fn br_if(&mut self, depth: u32) {
        let condition = self.pop_condition();
        let index = self.frame_index(depth);
        let args = self.label_args(index);
        let (label, next) = (self.label(index), self.b.create_block());
        let branch = self.b.brif(condition, (label, &args), (next, &[]));
        self.add_edge(index, branch);
        self.switch_to(next);
        self.wants_block_site();
    }

    fn br_table(&mut self, targets: &BrTable<'_>) -> Result<(), WasmError> {
        let selector = self.pop();
        if targets.is_empty() {
            self.br(targets.default());
            return Ok(());
        }
        let mut calls = Vec::with_capacity(targets.len() as usize + 1);
        // Which block calls go to which label; the default is the first.
        let mut ways: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (number, depth) in (0..).zip(std::iter::once(Ok(targets.default())).chain(targets.targets())) {
            let index = self.frame_index(depth?);
            let args = self.label_args(index);
            let label = self.label(index);
            calls.push(self.b.block_call(label, &args));
            ways.entry(index).or_default().push(number);
        }
        let entries = calls.split_off(1);
        let branch = self.b.br_table(selector, calls[0], entries);
        for (index, numbers) in ways {
            let (from, calls) = (self.locals.position(), self.locals.note_calls(&numbers));
            self.frames[index].edges.push(Edge { from, branch, calls });
        }
        self.reachable = false;
        Ok(())
    }

    /// Returns from the function.
    fn return_values(&mut self, values: Values) {
        let values = self.canonical(values);
        self.b.return_(&values);
    }

    /// What control does not reach: only the structure is followed.
    fn unreachable_operator(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Loop { .. } => {
                self.loops += 1;
                self.frames.push(Frame::dead());
            }
            Operator::Block { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. }
            | Operator::Try { .. } => self.frames.push(Frame::dead()),
            Operator::Catch { tag_index } if !self.in_dead_construct() => self.begin_catch(Some(*tag_index)),
            Operator::CatchAll if !self.in_dead_construct() => self.begin_catch(None),
            Operator::Delegate { .. } if self.in_dead_construct() => _ = self.frames.pop(),
            Operator::Delegate { relative_depth } => self.delegate(*relative_depth),
            Operator::Else if !self.in_dead_construct() => self.begin_else(),
            Operator::End if self.in_dead_construct() => {
                self.frames.pop();
            }
            Operator::End => self.end(),
            _ => {}
        }
    }
}

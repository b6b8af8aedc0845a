//! Exceptions: `throw`, `throw_ref`, `try_table`, and `try` as there was before the
//! standard.
//!
//! A `try_table` has one *handler*, a block that gets the address of the exception.
//! Every call inside is a `try_call` that names it; a `throw` inside jumps to it.
//! The handler compares the exception's tag with those of the clauses, one after
//! the other, and goes to the clause's label with the exception's values, or to the
//! handler of the next `try_table` around, or throws again. It is made at the first
//! use, and written where the `try_table` ends.
//!
//! The clauses of a `try` are code in the body: each begins with a comparison of the tag,
//! which goes to the next one's if it is another. The first begins with the handler, so
//! that to locals the clauses are what the second arm is in an `if`; what is left after
//! the last one is written where the `try` ends. A `try` that delegates has a handler that
//! goes to the one of the construct that it names.

use super::context::user_trap;
use super::control::{Arity, FrameKind};
use super::locals::Edge;
use super::sites::live_next;
use super::state::{Translator, Values};
use crate::WasmError;
use crate::signatures::ir_type;
use sidetrack_artifact::vmctx::{VALUE_SLOT, builtin, exception, trap};
use sidetrack_ir::types::I64;
use sidetrack_ir::{Block, Inst, IntCC, MemFlags, Opcode, Position as Cursor, Value};
use smallvec::SmallVec;
use wasmparser::{Catch, Operator, TryTable};

/// A `try_table`'s handler.
#[derive(Debug, Default)]
pub(super) struct Handler {
    clauses: Vec<Clause>,
    block: Option<Block>,
    edges: Vec<Edge>,
    /// The construct whose handler is the next one around.
    outer: Option<usize>,
}

/// What tests an exception after a clause of a `try` that is not its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct NextClause {
    block: Block,
    /// How control comes there; locals are what they are where the first clause begins.
    edge: Edge,
    exn: Value,
    tag: Value,
}

/// A clause of a `try_table`.
#[derive(Clone, Copy, Debug)]
struct Clause {
    /// The tag that it catches; `None` catches all.
    tag: Option<u32>,
    /// Whether it passes on a reference to the exception.
    reference: bool,
    /// The construct to whose label it goes.
    target: usize,
}

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    match operator {
        Operator::TryTable { try_table } => {
            let arity = t.arity(try_table.ty, pc)?;
            t.begin_try(try_table, arity);
        }
        Operator::Try { blockty } => {
            let arity = t.arity(*blockty, pc)?;
            let outer = t.handler.replace(t.frames.len());
            t.begin(FrameKind::Try(Handler { outer, ..Handler::default() }), arity);
        }
        Operator::Catch { tag_index } => t.begin_catch(Some(*tag_index)),
        Operator::CatchAll => t.begin_catch(None),
        Operator::Delegate { relative_depth } => t.delegate(*relative_depth),
        Operator::Rethrow { relative_depth } => t.rethrow(*relative_depth),
        Operator::Throw { tag_index } => t.throw(*tag_index),
        Operator::ThrowRef => {
            let exn = t.pop();
            t.b.cond_trap(Opcode::Trapz, exn, user_trap(trap::NULL_REFERENCE));
            t.raise(exn);
            t.reachable = false;
        }
        _ => return super::bulk::translate(t, operator, pc),
    }
    Ok(())
}

fn fields() -> MemFlags {
    MemFlags::trusted()
}

fn value_offset(index: usize) -> i32 {
    exception::VALUES as i32 + index as i32 * VALUE_SLOT as i32
}

impl Translator<'_> {
    fn begin_try(&mut self, table: &TryTable, arity: Arity) {
        let clause = |catch: &Catch| {
            let (tag, reference, label) = match *catch {
                Catch::One { tag, label } => (Some(tag), false, label),
                Catch::OneRef { tag, label } => (Some(tag), true, label),
                Catch::All { label } => (None, false, label),
                Catch::AllRef { label } => (None, true, label),
            };
            Clause { tag, reference, target: self.frame_index(label) }
        };
        let clauses: Vec<Clause> = table.catches.iter().map(clause).collect();
        if clauses.is_empty() {
            return self.begin(FrameKind::Block, arity);
        }
        let outer = self.handler.replace(self.frames.len());
        self.begin(FrameKind::Try(Handler { clauses, outer, ..Handler::default() }), arity);
    }

    /// The block of a construct's handler, if it is a `try_table` with clauses.
    pub fn handler_block(&mut self, frame: usize) -> Option<Block> {
        let FrameKind::Try(handler) = &mut self.frames[frame].kind else { return None };
        if handler.block.is_none() {
            let block = self.b.create_block();
            self.b.func.dfg.append_block_param(block, I64);
            self.b.func.dfg.blocks[block].cold = true;
            handler.block = Some(block);
        }
        handler.block
    }

    /// Records that an instruction may go to a construct's handler.
    pub fn add_handler_edge(&mut self, frame: usize, branch: Inst) {
        let from = self.locals.position();
        if let FrameKind::Try(handler) = &mut self.frames[frame].kind {
            handler.edges.push(Edge { from, branch, calls: None });
        }
    }

    fn throw(&mut self, tag: u32) {
        let count = self.info.types[self.info.tags[tag as usize] as usize].params.len();
        let values = self.pop_n(count);
        let values = self.canonical(values);
        let tag = self.b.iconst(I64, i64::from(tag));
        let Some(exn) = self.call_builtin(builtin::EXCEPTION_NEW, &[self.vmctx, tag], true) else { return };
        self.b.cond_trap(Opcode::Trapz, exn, user_trap(trap::HOST_ERROR));
        for (i, value) in values.into_iter().enumerate() {
            self.b.store(Opcode::Store, fields(), value, exn, value_offset(i));
        }
        self.raise(exn);
        self.reachable = false;
    }

    /// Goes to the innermost handler with an exception, or throws it.
    fn raise(&mut self, exn: Value) {
        if let Some(frame) = self.handler
            && let Some(block) = self.handler_block(frame)
        {
            let branch = self.b.jump(block, &[exn]);
            return self.add_handler_edge(frame, branch);
        }
        let zero = self.b.iconst(I64, 0);
        self.call_builtin(builtin::THROW, &[zero, exn, zero], false);
        self.b.trap(user_trap(trap::UNREACHABLE));
    }

    /// Begins a clause of a `try`; without a tag it catches all.
    pub fn begin_catch(&mut self, tag: Option<u32>) {
        if self.reachable {
            self.br(0);
        }
        let index = self.frames.len() - 1;
        let frame = &mut self.frames[index];
        let Some(start) = frame.start else { return };
        let kind = std::mem::replace(&mut frame.kind, FrameKind::Catch { exn: None, next: None });
        self.stack.truncate(frame.height);
        let (exn, thrown, from) = match kind {
            FrameKind::Try(handler) => {
                self.end_try(&handler);
                self.frames[index].handler = self.handler;
                // Nothing in the body throws.
                let Some(block) = handler.block else { return };
                self.switch_to(block);
                // What is dead in this clause may not be in the next one.
                self.locals.enter_join(block, start, handler.edges, |_| true);
                let exn = self.b.func.dfg.block_params(block)[0];
                let thrown = self.b.load(Opcode::Load, I64, fields(), exn, exception::TAG as i32);
                (exn, thrown, self.locals.position())
            }
            FrameKind::Catch { next: Some(next), .. } => {
                self.switch_to(next.block);
                let is_live = live_next(&mut self.states, self.time);
                self.locals.enter_single(next.edge.from, start, is_live);
                (next.exn, next.tag, next.edge.from)
            }
            _ => return,
        };
        let mut next = None;
        if let Some(tag) = tag {
            let (caught, block, branch) = self.branch_on_tag(thrown, tag);
            let edge = Edge { from, branch, calls: None };
            next = Some(NextClause { block, edge, exn, tag: thrown });
            self.switch_to(caught);
            let values = self.exception_values(exn, tag);
            self.stack.extend(&values);
        }
        self.frames[index].kind = FrameKind::Catch { exn: Some(exn), next };
        self.reachable = true;
        self.wants_site();
    }

    /// Writes where exceptions go that are none of a `try`'s clauses'; what follows goes on
    /// where it was. The `try` began at `start`.
    pub fn end_clauses(&mut self, next: NextClause, start: super::locals::Position) {
        let NextClause { block, edge, exn, .. } = next;
        self.apart(block, start, vec![edge], |t| t.raise(exn));
    }

    /// Ends a `try` whose exceptions go to the handler of a construct further out.
    pub fn delegate(&mut self, depth: u32) {
        let Some(frame) = self.frames.last_mut() else { return };
        let start = frame.start.unwrap_or(self.locals.function_start());
        let kind = std::mem::replace(&mut frame.kind, FrameKind::Block);
        let FrameKind::Try(handler) = kind else { return };
        self.end_try(&handler);
        self.end_label();
        let target = self.frames[self.frame_index(depth)].handler;
        let around = std::mem::replace(&mut self.handler, target);
        self.write_handler(handler, start);
        self.handler = around;
    }

    fn rethrow(&mut self, depth: u32) {
        let frame = &self.frames[self.frame_index(depth)];
        let FrameKind::Catch { exn: Some(exn), .. } = frame.kind else { return };
        self.raise(exn);
        self.reachable = false;
    }

    /// Leaves the region that a handler covers.
    pub fn end_try(&mut self, handler: &Handler) {
        self.handler = handler.outer;
    }

    /// Writes a handler that something goes to; what follows goes on where it was.
    /// Its `try_table` began at `start`.
    pub fn write_handler(&mut self, handler: Handler, start: super::locals::Position) {
        let Some(block) = handler.block else { return };
        let exn = self.b.func.dfg.block_params(block)[0];
        self.apart(block, start, handler.edges, |t| {
            if t.write_clauses(exn, &handler.clauses) {
                t.raise(exn);
            }
        });
    }

    /// Writes a block of a handler, where no operator is; what follows goes on where it was.
    fn apart(
        &mut self,
        block: Block,
        start: super::locals::Position,
        edges: Vec<Edge>,
        write: impl FnOnce(&mut Self),
    ) {
        let (position, after, reachable) = (self.locals.position(), self.block, self.reachable);
        self.switch_to(block);
        self.locals.enter_handler(block, start, edges);
        self.in_handler = true;
        write(self);
        self.in_handler = false;
        self.locals.resume(position);
        self.b.goto(Cursor::End(after));
        (self.block, self.reachable) = (after, reachable);
    }

    /// Returns whether an exception may be none of the clauses'.
    fn write_clauses(&mut self, exn: Value, clauses: &[Clause]) -> bool {
        if clauses.is_empty() {
            return true;
        }
        let thrown = self.b.load(Opcode::Load, I64, fields(), exn, exception::TAG as i32);
        for clause in clauses {
            let Some(wanted) = clause.tag else {
                self.write_clause(exn, clause);
                return false;
            };
            let (caught, next, _) = self.branch_on_tag(thrown, wanted);
            self.switch_to(caught);
            self.write_clause(exn, clause);
            self.switch_to(next);
        }
        true
    }

    /// Branches: to the first block if what was thrown has a tag, else to the second.
    fn branch_on_tag(&mut self, thrown: Value, wanted: u32) -> (Block, Block, Inst) {
        let wanted = self.load_constant(I64, self.layout.tag(wanted));
        let same = self.b.icmp(IntCC::Equal, thrown, wanted);
        let (caught, next) = (self.b.create_block(), self.b.create_block());
        self.b.func.dfg.blocks[next].cold = true;
        let branch = self.b.brif(same, (caught, &[]), (next, &[]));
        (caught, next, branch)
    }

    /// The values of an exception with a tag.
    fn exception_values(&mut self, exn: Value, tag: u32) -> Values {
        let info = self.info;
        let types = &info.types[info.tags[tag as usize] as usize].params;
        let load =
            |(i, ty): (usize, &_)| self.b.load(Opcode::Load, ir_type(*ty), fields(), exn, value_offset(i));
        types.iter().enumerate().map(load).collect()
    }

    /// Takes the values out of an exception and goes to the clause's label.
    fn write_clause(&mut self, exn: Value, clause: &Clause) {
        let mut values = clause.tag.map_or(SmallVec::new(), |tag| self.exception_values(exn, tag));
        if clause.reference {
            values.push(exn);
        }
        self.frames[clause.target].catches = true;
        self.branch_to(clause.target, values);
    }
}

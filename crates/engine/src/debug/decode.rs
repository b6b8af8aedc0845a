//! Decoding a body: structure, labels, and the types of operands.
//!
//! Problem: bodies name labels by depth and say nothing of the operand stack, while
//! interpretation wants to jump at once. Approach: one walk that keeps the open
//! constructs and the types on the stack. The body has been validated when it was
//! compiled; still, what the interpreter relies on is checked: that names are in
//! range and that there are as many operands as are taken.

use super::body::Body;
use super::op::{Handlers, Label, Op, Place};
use super::ops;
use super::types::{Stack, Stacks, value_type};
use crate::ValType;
use sidetrack_artifact::ModuleInfo;
use std::ops::Range;
use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, BrTable, Catch, FunctionBody, Operator, TryTable,
};

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at offset {pc:#x})")]
pub struct DecodeError {
    /// The wasm pc where it was found.
    pub pc: u32,
    /// What it is.
    pub message: String,
}

impl From<BinaryReaderError> for DecodeError {
    fn from(error: BinaryReaderError) -> Self {
        DecodeError { pc: error.offset() as u32, message: error.message().to_owned() }
    }
}

/// What kind of construct is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Function,
    Block,
    /// From this operator on.
    Loop(u32),
    /// The operator to send behind the first arm.
    If(u32),
    /// The operator to send behind the second arm.
    Else(u32),
    /// `try_table`: the handlers with this number.
    Try(usize),
    /// The body of a `try`.
    LegacyTry(usize),
    /// A clause of a `try`.
    Clause(usize),
}

/// What a construct takes and leaves on the stack.
#[derive(Clone, Copy, Debug)]
enum Arity {
    Empty,
    One(ValType),
    Type(u32),
}

#[derive(Debug)]
struct Frame {
    kind: Kind,
    arity: Arity,
    /// The stack below its parameters.
    base: Stack,
    label: Option<u32>,
    reachable: bool,
    /// The labels of a `try`'s clauses.
    clauses: Vec<u32>,
    /// The number of the innermost handlers around what it directly contains.
    handler: Option<usize>,
}

/// The walk over a body.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    pub info: &'a ModuleInfo,
    pub locals: Vec<ValType>,
    pub stacks: Stacks,
    pub stack: Stack,
    pub pc: u32,
    reachable: bool,
    frames: Vec<Frame>,
    ops: Vec<Op>,
    pcs: Vec<u32>,
    before: Vec<Stack>,
    labels: Vec<Label>,
    handlers: Vec<Handlers>,
    /// The number of the innermost.
    handler: Option<usize>,
    lists: Vec<u32>,
    vectors: Vec<u128>,
    places: Vec<Place>,
}

type Result<T, E = DecodeError> = std::result::Result<T, E>;

impl<'a> Decoder<'a> {
    pub fn decode(info: &'a ModuleInfo, func: u32, code: &[u8]) -> Result<Body> {
        let missing = || DecodeError { pc: 0, message: format!("function {func} has no body") };
        let function = info.functions.get(func as usize).ok_or_else(missing)?;
        let ty = info.types.get(function.ty as usize).ok_or_else(missing)?;
        if info.is_imported_function(func) {
            return Err(missing());
        }
        let mut d = Decoder {
            info,
            locals: ty.params.to_vec(),
            stacks: Stacks::new(),
            stack: Stack::EMPTY,
            pc: function.body.start,
            reachable: true,
            frames: Vec::new(),
            ops: Vec::new(),
            pcs: Vec::new(),
            before: Vec::new(),
            labels: Vec::new(),
            handlers: Vec::new(),
            handler: None,
            lists: Vec::new(),
            vectors: Vec::new(),
            places: Vec::new(),
        };
        let code = FunctionBody::new(BinaryReader::new(code, u64::from(function.body.start)));
        for declaration in code.get_locals_reader()? {
            let (count, ty) = declaration?;
            let ty = value_type(ty).ok_or_else(|| d.error("a type that is not supported"))?;
            // wasmparser's own limit; it is not checked before validation.
            let total = d.locals.len().saturating_add(count as usize);
            if total > 50_000 {
                return Err(d.error("too many locals"));
            }
            d.locals.resize(total, ty);
        }
        d.begin(Kind::Function, Arity::Type(function.ty), Stack::EMPTY);
        let mut reader = code.get_operators_reader()?;
        while !reader.eof() {
            let (operator, offset) = reader.read_with_offset()?;
            d.pc = offset as u32;
            d.operator(&operator)?;
        }
        reader.finish()?;
        if !d.frames.is_empty() {
            return Err(d.error("a construct has no end"));
        }
        Ok(Body {
            func,
            locals: d.locals.into(),
            params: ty.params.len(),
            results: ty.results.len(),
            ops: d.ops.into(),
            pcs: d.pcs.into(),
            before: d.before.into(),
            stacks: d.stacks,
            labels: d.labels.into(),
            handlers: d.handlers.into(),
            lists: d.lists.into(),
            vectors: d.vectors.into(),
            places: d.places.into(),
        })
    }

    pub fn error(&self, message: &str) -> DecodeError {
        DecodeError { pc: self.pc, message: message.to_owned() }
    }

    /// An element of a list of the module.
    pub fn get<T: Copy>(&self, list: &[T], index: u32) -> Result<T> {
        list.get(index as usize).copied().ok_or_else(|| self.error("an index is out of range"))
    }

    /// Takes operands.
    pub fn pop(&mut self, count: u32) -> Result<()> {
        let stack = self.stacks.pop(self.stack, count);
        self.stack = stack.ok_or_else(|| self.error("there are not enough operands"))?;
        Ok(())
    }

    pub fn push(&mut self, ty: ValType) {
        self.stack = self.stacks.push(self.stack, ty);
    }

    pub fn push_all(&mut self, types: &[ValType]) {
        types.iter().for_each(|ty| self.push(*ty));
    }

    /// What a type takes and leaves.
    pub fn signature(&self, ty: u32) -> Result<(&'a [ValType], &'a [ValType])> {
        let ty = self.info.types.get(ty as usize).ok_or_else(|| self.error("an unknown type"))?;
        Ok((&ty.params, &ty.results))
    }

    pub fn vector(&mut self, bits: u128) -> u32 {
        self.vectors.push(bits);
        self.vectors.len() as u32 - 1
    }

    pub fn place(&mut self, place: Place) -> u32 {
        self.places.push(place);
        self.places.len() as u32 - 1
    }

    /// Control does not go on behind the operator.
    pub fn leave(&mut self) {
        self.reachable = false;
        if let Some(frame) = self.frames.last() {
            self.stack = frame.base;
        }
    }

    fn begin(&mut self, kind: Kind, arity: Arity, base: Stack) {
        let (reachable, handler) = (self.reachable, self.handler);
        self.frames.push(Frame { kind, arity, base, label: None, reachable, clauses: Vec::new(), handler });
    }

    fn operator(&mut self, operator: &Operator<'_>) -> Result<()> {
        if self.frames.is_empty() {
            return Err(self.error("an operator behind the end"));
        }
        self.pcs.push(self.pc);
        self.before.push(self.stack);
        let op = match operator {
            Operator::End => self.end()?,
            Operator::Else => self.second_arm()?,
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                self.construct(operator, *blockty)?
            }
            Operator::TryTable { try_table } => {
                if self.reachable {
                    self.handlers(try_table)?;
                }
                self.construct(operator, try_table.ty)?
            }
            Operator::Try { blockty } => {
                if self.reachable {
                    self.begin_handlers(0..0);
                }
                self.construct(operator, *blockty)?
            }
            Operator::Catch { tag_index } => self.clause(Some(*tag_index))?,
            Operator::CatchAll => self.clause(None)?,
            Operator::Delegate { relative_depth } => self.delegate(*relative_depth as usize)?,
            _ if !self.reachable => Op::Dead,
            Operator::Br { relative_depth } => {
                let label = self.label(*relative_depth as usize)?;
                self.leave();
                Op::Br(label)
            }
            Operator::BrIf { relative_depth } => {
                self.pop(1)?;
                Op::BrIf(self.label(*relative_depth as usize)?)
            }
            Operator::BrTable { targets } => self.br_table(targets)?,
            Operator::Return => {
                self.label(self.frames.len() - 1)?;
                self.leave();
                Op::Return
            }
            Operator::Unreachable => {
                self.leave();
                Op::Unreachable
            }
            _ => ops::decode(self, operator)?,
        };
        self.ops.push(op);
        Ok(())
    }

    fn construct(&mut self, operator: &Operator<'_>, ty: BlockType) -> Result<Op> {
        let at = self.ops.len() as u32;
        if !self.reachable {
            self.begin(Kind::Block, Arity::Empty, self.stack);
            return Ok(Op::Dead);
        }
        let arity = match ty {
            BlockType::Empty => Arity::Empty,
            BlockType::Type(ty) => {
                Arity::One(value_type(ty).ok_or_else(|| self.error("a type that is not supported"))?)
            }
            BlockType::FuncType(index) => Arity::Type(index),
        };
        let params = self.params(arity)?;
        let (kind, op) = match operator {
            Operator::If { .. } => {
                self.pop(1)?;
                (Kind::If(at), Op::If(0))
            }
            Operator::Loop { .. } => (Kind::Loop(at + 1), Op::Nop),
            Operator::TryTable { .. } => (Kind::Try(self.handlers.len() - 1), Op::Nop),
            Operator::Try { .. } => (Kind::LegacyTry(self.handlers.len() - 1), Op::Nop),
            _ => (Kind::Block, Op::Nop),
        };
        self.pop(params.len() as u32)?;
        let base = self.stack;
        self.push_all(params);
        self.begin(kind, arity, base);
        Ok(op)
    }

    fn second_arm(&mut self) -> Result<Op> {
        let at = self.ops.len() as u32;
        let Some(frame) = self.frames.last_mut() else { return Err(self.error("else without if")) };
        if !frame.reachable {
            return Ok(Op::Dead);
        }
        let Kind::If(branch) = frame.kind else { return Err(self.error("else without if")) };
        frame.kind = Kind::Else(at);
        let (arity, base) = (frame.arity, frame.base);
        self.ops[branch as usize] = Op::If(at + 1);
        let reached = std::mem::replace(&mut self.reachable, true);
        if reached {
            self.check_end(base, arity)?;
        }
        self.stack = base;
        self.push_all(self.params(arity)?);
        Ok(if reached { Op::Jump(0) } else { Op::Dead })
    }

    fn end(&mut self) -> Result<Op> {
        let next = self.ops.len() as u32 + 1;
        let Some(frame) = self.frames.pop() else { return Err(self.error("end without a construct")) };
        let reached = std::mem::replace(&mut self.reachable, frame.reachable);
        match frame.kind {
            Kind::If(at) => self.ops[at as usize] = Op::If(next),
            Kind::Else(at) if matches!(self.ops[at as usize], Op::Jump(_)) => {
                self.ops[at as usize] = Op::Jump(next);
            }
            Kind::Try(handlers) | Kind::LegacyTry(handlers) => {
                self.handlers[handlers].ops.end = next;
                self.handler = self.handlers[handlers].outer;
            }
            Kind::Clause(handlers) => {
                let first = self.lists.len();
                self.lists.extend(frame.clauses);
                self.handlers[handlers].labels = first..self.lists.len();
            }
            _ => {}
        }
        if let Some(label) = frame.label
            && !matches!(frame.kind, Kind::Function | Kind::Loop(_))
        {
            self.labels[label as usize].op = next;
        }
        if reached {
            self.check_end(frame.base, frame.arity)?;
        }
        if matches!(frame.kind, Kind::If(_))
            && self.params(frame.arity)?.len() != self.results(frame.arity)?
        {
            return Err(self.error("an if without else changes the operands"));
        }
        self.stack = frame.base;
        match frame.arity {
            _ if !frame.reachable => {}
            Arity::Empty => {}
            Arity::One(ty) => self.push(ty),
            Arity::Type(index) => self.push_all(self.signature(index)?.1),
        }
        Ok(match frame.kind {
            _ if !reached => Op::Dead,
            Kind::Function => Op::Return,
            _ => Op::Nop,
        })
    }

    fn params(&self, arity: Arity) -> Result<&'a [ValType]> {
        match arity {
            Arity::Empty | Arity::One(_) => Ok(&[]),
            Arity::Type(index) => Ok(self.signature(index)?.0),
        }
    }

    /// How many operands a construct leaves.
    fn results(&self, arity: Arity) -> Result<usize> {
        match arity {
            Arity::Empty => Ok(0),
            Arity::One(_) => Ok(1),
            Arity::Type(index) => Ok(self.signature(index)?.1.len()),
        }
    }

    /// Checks that a construct's results are on the stack and nothing else.
    fn check_end(&self, base: Stack, arity: Arity) -> Result<()> {
        if self.stacks.height(self.stack) as usize
            != self.stacks.height(base) as usize + self.results(arity)?
        {
            return Err(self.error("a construct leaves too many operands or too few"));
        }
        Ok(())
    }

    /// The label of the construct so many levels out, for a branch at this place.
    fn label(&mut self, depth: usize) -> Result<u32> {
        let label = self.label_out(depth)?;
        let Label { arity, height, .. } = self.labels[label as usize];
        if self.stacks.height(self.stack) < height + arity {
            return Err(self.error("there are not enough operands"));
        }
        Ok(label)
    }

    /// The label of the construct so many levels out.
    fn label_out(&mut self, depth: usize) -> Result<u32> {
        let frame = self.frames.len().checked_sub(depth).and_then(|index| index.checked_sub(1));
        let Some(frame) = frame else { return Err(self.error("an unknown label")) };
        let &Frame { kind, arity, base, label, .. } = &self.frames[frame];
        Ok(match label {
            Some(label) => label,
            None => {
                let (op, arity) = match kind {
                    Kind::Loop(at) => (at, self.params(arity)?.len()),
                    _ => (Label::RETURN, self.results(arity)?),
                };
                let height = self.stacks.height(base);
                self.labels.push(Label { op, arity: arity as u32, height });
                let label = self.labels.len() as u32 - 1;
                self.frames[frame].label = Some(label);
                label
            }
        })
    }

    /// Lists the handlers of a `try_table` that is about to begin.
    fn handlers(&mut self, try_table: &TryTable) -> Result<()> {
        let first = self.lists.len();
        for catch in &try_table.catches {
            let (Catch::One { label, .. }
            | Catch::OneRef { label, .. }
            | Catch::All { label }
            | Catch::AllRef { label }) = *catch;
            let label = self.label_out(label as usize)?;
            self.lists.push(label);
        }
        self.begin_handlers(first..self.lists.len());
        Ok(())
    }

    /// Handlers cover the construct that is about to begin.
    fn begin_handlers(&mut self, labels: Range<usize>) {
        let at = self.ops.len() as u32;
        let outer = self.handler.replace(self.handlers.len());
        self.handlers.push(Handlers { ops: at..at, labels, outer, next: outer });
    }

    /// Begins a clause of a `try`.
    fn clause(&mut self, tag: Option<u32>) -> Result<Op> {
        let at = self.ops.len() as u32;
        let Some(frame) = self.frames.last() else { return Err(self.error("a clause without try")) };
        if !frame.reachable {
            return Ok(Op::Dead);
        }
        let (kind, arity, base) = (frame.kind, frame.arity, frame.base);
        let op = if std::mem::replace(&mut self.reachable, true) {
            self.check_end(base, arity)?;
            Op::Br(self.label(0)?)
        } else {
            Op::Dead
        };
        let handlers = match kind {
            Kind::LegacyTry(handlers) => {
                self.handlers[handlers].ops.end = at;
                self.handler = self.handlers[handlers].outer;
                handlers
            }
            Kind::Clause(handlers) => handlers,
            _ => return Err(self.error("a clause without try")),
        };
        self.stack = base;
        if let Some(tag) = tag {
            let ty = self.get(&self.info.tags, tag)?;
            self.push_all(self.signature(ty)?.0);
        }
        let height = self.stacks.height(self.stack);
        self.labels.push(Label { op: at + 1, arity: 0, height });
        if let Some(frame) = self.frames.last_mut() {
            (frame.kind, frame.handler) = (Kind::Clause(handlers), self.handler);
            frame.clauses.push(self.labels.len() as u32 - 1);
        }
        Ok(op)
    }

    /// Ends a `try` whose exceptions go on at a construct so many levels out.
    fn delegate(&mut self, depth: usize) -> Result<Op> {
        if let Some(&Frame { kind: Kind::LegacyTry(handlers), .. }) = self.frames.last() {
            let target = self.frames.len().checked_sub(2).and_then(|index| index.checked_sub(depth));
            let Some(target) = target else { return Err(self.error("an unknown label")) };
            self.handlers[handlers].next = self.frames[target].handler;
        }
        self.end()
    }

    fn br_table(&mut self, targets: &BrTable<'_>) -> Result<Op> {
        self.pop(1)?;
        let (first, count) = (self.lists.len() as u32, targets.len());
        for depth in targets.targets().chain([Ok(targets.default())]) {
            let label = self.label(depth? as usize)?;
            self.lists.push(label);
        }
        self.leave();
        Ok(Op::BrTable { first, count })
    }

    /// Takes the operands of an operator and pushes its result.
    pub fn apply(&mut self, op: Op, result: Option<ValType>) -> Result<Op> {
        self.pop(op.pops())?;
        if let Some(ty) = result {
            self.push(ty);
        }
        Ok(op)
    }
}

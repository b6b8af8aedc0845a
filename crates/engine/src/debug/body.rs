//! Function bodies, decoded once.
//!
//! An operator is named by its index in the body; [`Body`] knows its wasm pc and the
//! types of the operands before it. Interpretation needs no further decoding, and
//! cannot run over the end: the last operator returns.

use super::decode::{DecodeError, Decoder};
use super::op::{Handlers, Label, Op, Place};
use super::types::{Stack, Stacks};
use crate::ValType;
use sidetrack_artifact::ModuleInfo;

/// A function body.
#[derive(Debug)]
pub struct Body {
    pub(super) func: u32,
    pub(super) locals: Box<[ValType]>,
    pub(super) params: usize,
    pub(super) results: usize,
    pub(super) ops: Box<[Op]>,
    /// The wasm pc of each operator, ascending.
    pub(super) pcs: Box<[u32]>,
    /// The operands before each operator.
    pub(super) before: Box<[Stack]>,
    pub(super) stacks: Stacks,
    pub(super) labels: Box<[Label]>,
    /// In the order of their starts, so that those inside of others come behind them.
    pub(super) handlers: Box<[Handlers]>,
    /// Labels of `br_table`s and handlers.
    pub(super) lists: Box<[u32]>,
    pub(super) vectors: Box<[u128]>,
    pub(super) places: Box<[Place]>,
}

impl Body {
    /// Decodes the body of a function. `code` is its bytes: those of
    /// [`sidetrack_artifact::module::FunctionInfo::body`] in the module.
    ///
    /// # Errors
    /// If the bytes are no body, use what is not there or not supported, or if the
    /// function is imported. That the body is valid is not checked any further.
    pub fn decode(info: &ModuleInfo, func: u32, code: &[u8]) -> Result<Body, DecodeError> {
        Decoder::decode(info, func, code)
    }

    /// The function's index in the module.
    pub fn func(&self) -> u32 {
        self.func
    }

    /// The types of the locals, parameters first.
    pub fn locals(&self) -> &[ValType] {
        &self.locals
    }

    /// How many of the locals are parameters.
    pub fn params(&self) -> usize {
        self.params
    }

    /// How many operators there are: at least one, the last `end`.
    #[allow(clippy::len_without_is_empty, reason = "none is empty")]
    pub fn len(&self) -> u32 {
        self.ops.len() as u32
    }

    /// The wasm pc of an operator.
    ///
    /// # Panics
    /// If there is no such operator.
    pub fn pc(&self, op: u32) -> u32 {
        self.pcs[op as usize]
    }

    /// The operator at a wasm pc, if one begins there.
    pub fn index_at(&self, pc: u32) -> Option<u32> {
        self.pcs.binary_search(&pc).ok().map(|index| index as u32)
    }

    /// The first operator at a wasm pc or behind it, if there is one.
    pub fn next_at_or_after(&self, pc: u32) -> Option<u32> {
        let index = self.pcs.partition_point(|at| *at < pc);
        (index < self.pcs.len()).then_some(index as u32)
    }

    /// The operators at which control goes on that an operator, a call or throw, leaves by
    /// an exception; none instead of one if that is behind the function.
    pub(super) fn handlers_at(&self, op: u32) -> impl Iterator<Item = Option<u32>> {
        let last = self.handlers.partition_point(|handlers| handlers.ops.start <= op).checked_sub(1);
        let mut all = std::iter::successors(last, |handlers| self.handlers[*handlers].outer);
        let innermost = all.find(|handlers| self.handlers[*handlers].ops.contains(&op));
        let tried = std::iter::successors(innermost, |handlers| self.handlers[*handlers].next);
        let labels = tried.flat_map(|handlers| &self.lists[self.handlers[handlers].labels.clone()]);
        labels.map(|label| Some(self.labels[*label as usize].op).filter(|op| *op != Label::RETURN))
    }

    /// Whether an operator calls a function that it names.
    pub(super) fn calls_directly(&self, op: u32) -> bool {
        matches!(self.ops[op as usize], Op::Call { .. })
    }

    /// Whether control never reaches an operator, whatever the values. Of those, the
    /// operands are not known.
    ///
    /// # Panics
    /// If there is no such operator.
    pub fn is_dead(&self, op: u32) -> bool {
        matches!(self.ops[op as usize], Op::Dead)
    }

    /// How many operands are on the stack before an operator.
    ///
    /// # Panics
    /// If there is no such operator.
    pub fn stack_height(&self, op: u32) -> usize {
        self.stacks.height(self.before[op as usize]) as usize
    }

    /// The types of the operands on the stack before an operator, bottom first.
    ///
    /// # Panics
    /// If there is no such operator.
    pub fn stack_types(&self, op: u32) -> Vec<ValType> {
        self.stacks.list(self.before[op as usize])
    }

    /// Calls `each` with the numbers, from the bottom, and types of the operands on the
    /// stack before an operator, topmost first.
    pub(super) fn for_each_operand(&self, op: u32, each: impl FnMut(usize, ValType)) {
        self.stacks.for_each(self.before[op as usize], each);
    }
}

/// A set of operators of a body.
#[derive(Clone, Debug)]
pub struct OpSet(Box<[u64]>);

impl OpSet {
    /// No operators of `body`.
    pub fn new(body: &Body) -> Self {
        OpSet(vec![0; body.ops.len().div_ceil(64)].into())
    }

    /// Adds an operator.
    ///
    /// # Panics
    /// If the body has no such operator.
    pub fn insert(&mut self, op: u32) {
        self.0[op as usize / 64] |= 1 << (op % 64);
    }

    /// Whether an operator is in the set.
    pub fn contains(&self, op: u32) -> bool {
        self.0.get(op as usize / 64).is_some_and(|word| word >> (op % 64) & 1 != 0)
    }
}

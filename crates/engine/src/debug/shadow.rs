//! A frame's shadow: its state, moved on by interpretation.

use super::environment::Environment;
use super::state::State;
use super::types::{low_bits, width};
use super::{Body, End, OpSet, Overlay, Step, Value};
use crate::ValType;
use std::sync::Arc;

/// The state of a frame before an operator, as it would be if control had come there.
///
/// Values that are not available make what is computed from them unavailable. Where a
/// branch, an address, a trap, or what is written depends on one, the run ends.
#[derive(Clone, Debug)]
pub struct Shadow {
    pub(super) body: Arc<Body>,
    pub(super) state: State,
}

/// Memory of a shadow.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    locals: Vec<Value>,
    stack: Vec<Value>,
}

/// Where a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Before an operator that was asked for.
    Target,
    /// Before one that has a site of its own.
    Site,
    /// The run ends.
    End(End),
    /// After as many operators as were allowed.
    Limit,
}

impl Shadow {
    /// The shadow of a frame before operator `op`, where `local` and `operand` say
    /// what a local and an operand (counted from the bottom) are. Bits beyond those of
    /// a value's type do not matter.
    ///
    /// # Panics
    /// If the body has no such operator.
    pub fn new(
        body: Arc<Body>,
        op: u32,
        local: impl FnMut(usize) -> Value,
        operand: impl FnMut(usize) -> Value,
    ) -> Self {
        Shadow::with_buffers(body, op, local, operand, Buffers::default())
    }

    /// The same with memory of a shadow that is gone.
    pub(super) fn with_buffers(
        body: Arc<Body>,
        op: u32,
        mut local: impl FnMut(usize) -> Value,
        mut operand: impl FnMut(usize) -> Value,
        buffers: Buffers,
    ) -> Self {
        let Buffers { mut locals, mut stack } = buffers;
        let clean = |value: Value, ty: ValType| value.map(|bits| low_bits(bits, width(ty)));
        locals.clear();
        locals.extend(body.locals.iter().enumerate().map(|(n, ty)| clean(local(n), *ty)));
        stack.clear();
        stack.resize(body.stack_height(op), None);
        body.for_each_operand(op, |n, ty| stack[n] = clean(operand(n), ty));
        Shadow { body, state: State { position: op, locals, stack, overlay: Overlay::default() } }
    }

    /// The memory, for another shadow.
    pub(super) fn into_buffers(self) -> Buffers {
        Buffers { locals: self.state.locals, stack: self.state.stack }
    }

    /// The shadow of a frame that is entered with these arguments.
    pub fn enter(body: Arc<Body>, argument: impl Fn(usize) -> Value) -> Self {
        let params = body.params;
        Shadow::new(body, 0, |local| if local < params { argument(local) } else { Some(0) }, |_| None)
    }

    /// The function that it is a frame of.
    pub fn body(&self) -> &Arc<Body> {
        &self.body
    }

    /// The operator that is up.
    pub fn position(&self) -> u32 {
        self.state.position
    }

    /// The wasm pc of the operator that is up.
    pub fn pc(&self) -> u32 {
        self.body.pc(self.state.position)
    }

    /// The locals; their types are [`Body::locals`].
    pub fn locals(&self) -> &[Value] {
        &self.state.locals
    }

    /// The operands, bottom first; their types are [`Body::stack_types`] of the position.
    pub fn stack(&self) -> &[Value] {
        &self.state.stack
    }

    /// What was written on the way.
    pub fn overlay(&self) -> &Overlay {
        &self.state.overlay
    }

    /// What the function returns, if the run has ended with [`End::Return`].
    pub fn results(&self) -> &[Value] {
        use super::op::Op;
        let stack = &self.state.stack;
        // A branch out of the function still has its condition on the stack.
        let operands = match self.body.ops[self.state.position as usize] {
            Op::BrIf(_) | Op::BrTable { .. } => 1,
            _ => 0,
        };
        let end = stack.len().saturating_sub(operands);
        &stack[end.saturating_sub(self.body.results)..end]
    }

    /// Executes the operator that is up.
    pub fn step(&mut self, env: &(impl Environment + ?Sized)) -> Step {
        match self.state.execute(&self.body, env) {
            Ok(next) => {
                self.state.position = next;
                Step::Next
            }
            Err(end) => Step::End(end),
        }
    }

    /// Executes operators, at least one and at most `limit`, until one is up that is
    /// wanted or has a site.
    pub fn run_to(
        &mut self,
        env: &(impl Environment + ?Sized),
        mut wanted: impl FnMut(u32) -> bool,
        sites: &OpSet,
        limit: u64,
    ) -> Stop {
        for _ in 0..limit {
            match self.state.execute(&self.body, env) {
                Ok(next) => self.state.position = next,
                Err(end) => return Stop::End(end),
            }
            if wanted(self.state.position) {
                return Stop::Target;
            }
            if sites.contains(self.state.position) {
                return Stop::Site;
            }
        }
        Stop::Limit
    }
}

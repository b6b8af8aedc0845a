//! Sites that are armed, with what a stop at one must know.
//!
//! A stop costs as little as it does because all that does not depend on the frame is
//! looked up when the site is armed, not when control comes to it.

use super::op::Op;
use super::runs::{FuncDebug, Site};
use super::shadow::Buffers;
use super::{Body, Shadow, Value};
use crate::Result;
use crate::module::Module;
use crate::vm::hook::Registers;
use anyhow::anyhow;
use sidetrack_artifact::StatePlace;
use std::sync::Arc;

/// The key of the context in state maps.
pub(super) const CONTEXT: u32 = 0;
/// The key of the first local.
pub(super) const FIRST_LOCAL: u32 = 1;

/// A site in a module's code.
#[derive(Debug)]
pub(super) struct Spot {
    pub module: Module,
    pub func: Arc<FuncDebug>,
    pub site: Site,
    /// Whether the function begins with it.
    pub entry: bool,
    /// Where the context is.
    pub context: StatePlace,
}

impl Spot {
    /// # Errors
    /// If the site has no state, which what the compiler makes rules out.
    pub fn new(module: &Module, func: &Arc<FuncDebug>, site: Site) -> Result<Arc<Self>> {
        let state = func.state_at(site.end).ok_or_else(|| anyhow!("a site without state"))?;
        let context = state.place(CONTEXT);
        let context = context.ok_or_else(|| anyhow!("a site whose instance is not known"))?;
        let entry = func.is_entry(&site);
        Ok(Arc::new(Spot { module: module.clone(), func: func.clone(), site, entry, context }))
    }

    /// The shadow of the frame as it is at the site; `known` are the locals that native
    /// code has no need of.
    pub fn shadow(
        &self,
        registers: &Registers<'_>,
        known: impl Fn(usize) -> Value,
        buffers: Buffers,
    ) -> Shadow {
        let state = self.func.state_at(self.site.end);
        let read = |key: u32| state?.read(key, |place| Some(registers.read(place)));
        let body = self.func.body();
        let first_operand = FIRST_LOCAL + body.locals().len() as u32;
        let local = |n: usize| read(FIRST_LOCAL + n as u32).or_else(|| known(n));
        let operand = |n: usize| read(first_operand + n as u32);
        Shadow::with_buffers(body.clone(), self.site.op, local, operand, buffers)
    }
}

/// An operator in a site's run that has breakpoints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Break {
    pub op: u32,
    /// Whether control that comes to the site comes to the operator, whatever the values.
    pub certain: bool,
}

/// Why a site is armed.
#[derive(Debug)]
pub(super) struct Armed {
    pub spot: Arc<Spot>,
    /// The operators of its run that have breakpoints.
    pub breaks: Vec<Break>,
    /// Whether a step may come to it.
    pub step: bool,
    /// Whether the handler is to hear of the exception that the operator throws.
    pub throw: bool,
}

impl Armed {
    /// With no reason yet.
    pub fn new(spot: Arc<Spot>) -> Self {
        Armed { spot, breaks: Vec::new(), step: false, throw: false }
    }

    pub fn is_needed(&self) -> bool {
        !self.breaks.is_empty() || self.step || self.throw
    }

    /// The only operator with breakpoints, if control comes to it whatever the values.
    pub fn only_certain(&self) -> Option<u32> {
        match self.breaks[..] {
            [Break { op, certain: true }] => Some(op),
            _ => None,
        }
    }
}

impl Body {
    /// Whether control that is before operator `from` comes to `to`, whatever the values,
    /// and nothing on the way can be seen from outside of the frame.
    pub(super) fn leads_to(&self, from: u32, to: u32) -> bool {
        let mut at = from;
        // A way that is longer than the body is none.
        for _ in 0..self.len() {
            if at == to {
                return true;
            }
            at = match self.ops[at as usize] {
                Op::Jump(next) => next,
                Op::Br(label) => match self.labels.get(label as usize) {
                    Some(label) if label.op < self.len() => label.op,
                    _ => return false,
                },
                Op::Nop | Op::Drop | Op::Select => at + 1,
                Op::LocalGet(_) | Op::LocalSet(_) | Op::LocalTee(_) | Op::GlobalGet { .. } => at + 1,
                Op::TableSize(_) | Op::MemorySize(_) | Op::RefFunc(_) => at + 1,
                Op::Const(_) | Op::ConstVector(_) => at + 1,
                Op::Unary(_) | Op::Binary(_) | Op::Ternary(_) => at + 1,
                Op::ExtractLane(..) | Op::ReplaceLane(..) | Op::Shuffle(_) => at + 1,
                _ => return false,
            };
        }
        false
    }
}

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
use sidetrack_artifact::{StateMap, StatePlace};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

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
    /// What can be read there, once somebody has asked.
    state: OnceLock<StateMap>,
}

impl Spot {
    pub fn new(module: &Module, func: &Arc<FuncDebug>, site: Site) -> Arc<Self> {
        let (entry, state) = (func.is_entry(&site), OnceLock::new());
        Arc::new(Spot { module: module.clone(), func: func.clone(), site, entry, state })
    }

    /// What can be read at the site.
    ///
    /// # Errors
    /// If there is nothing, which what the compiler makes rules out.
    fn state(&self) -> Result<&StateMap> {
        if let Some(state) = self.state.get() {
            return Ok(state);
        }
        let state = self.func.state_at(self.site.end)?;
        let state = state.ok_or_else(|| anyhow!("a site without state"))?;
        Ok(self.state.get_or_init(|| state))
    }

    /// Where the context is.
    ///
    /// # Errors
    /// As [`Spot::state`].
    pub fn context(&self) -> Result<StatePlace> {
        self.state()?.place(CONTEXT).ok_or_else(|| anyhow!("a site whose instance is not known"))
    }

    /// The shadow of the frame as it is at the site; `known` are the locals that native
    /// code has no need of.
    pub fn shadow(
        &self,
        registers: &Registers<'_>,
        known: impl Fn(usize) -> Value,
        buffers: Buffers,
    ) -> Shadow {
        let state = self.state().ok();
        let read = |key: u32| state?.read(key, |place| Some(registers.read(place)));
        let body = self.func.body();
        let first_operand = FIRST_LOCAL + body.locals().len() as u32;
        let local = |n: usize| read(FIRST_LOCAL + n as u32).or_else(|| known(n));
        let operand = |n: usize| read(first_operand + n as u32);
        Shadow::with_buffers(body.clone(), self.site.op, local, operand, buffers)
    }
}

/// Why a site is armed.
#[derive(Debug)]
pub(super) struct Armed {
    pub spot: Arc<Spot>,
    /// The operators of its run that have breakpoints.
    pub breaks: BTreeSet<u32>,
    /// The only one of them, if control comes from the site to it whatever the values.
    certain: Option<u32>,
    /// Whether a step may come to it.
    pub step: bool,
    /// Whether the handler is to hear of the exception that the operator throws.
    pub throw: bool,
}

impl Armed {
    /// With no reason yet.
    pub fn new(spot: Arc<Spot>) -> Self {
        Armed { spot, breaks: BTreeSet::new(), certain: None, step: false, throw: false }
    }

    pub fn is_needed(&self) -> bool {
        !self.breaks.is_empty() || self.step || self.throw
    }

    /// The only operator with breakpoints, if control comes to it whatever the values.
    pub fn only_certain(&self) -> Option<u32> {
        self.certain
    }

    /// An operator of its run has breakpoints, or none any more.
    pub fn set_break(&mut self, op: u32, breaks: bool) {
        if breaks {
            self.breaks.insert(op)
        } else {
            self.breaks.remove(&op)
        };
        let only = self.breaks.first().filter(|_| self.breaks.len() == 1);
        let (body, site) = (self.spot.func.body(), self.spot.site.op);
        self.certain = only.copied().filter(|op| body.leads_to(site, *op));
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

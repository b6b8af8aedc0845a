//! Sites and state, for debuggers.
//!
//! A site stands at the function's entry, at every join (a loop's header, a label
//! with more than one way in, a label that catches exceptions), and after every
//! call and every other operator whose effect reaches beyond the frame and linear
//! memory. It is written before the operator that follows in the body, in the block of
//! that operator; so there is at most one before an operator, and its tag, the
//! operator's wasm pc, names it.
//!
//! What control reaches from a site before it meets another, the site's *run*, is a
//! tree: take an operator at which two ways meet. Either it is the first of a loop, or
//! it follows an `end` to whose label there are several ways; before both there is a
//! site. (The entries of one `br_table` that name one label are one way; after the last
//! `end`, the function's label, no operator follows, so there is none.) Native code also meets in the handlers of a `try_table`, but they are entered by calls and
//! throws, which end a run, and go on only to labels that have sites.
//!
//! State lists the context, the live locals, and the operands. At a call those are the
//! ones of the frame during the call: the locals that are read after it, or by
//! handlers, and the operands below its arguments.

use super::state::Translator;
use sidetrack_ir::{CallConv, ExtFuncData, ExternalName, FuncRef, Inst, Signature, SiteInfo, StateEntry};
use std::collections::BTreeSet;

/// The key of the context in state.
const CONTEXT: u32 = 0;
/// The key of the first local.
const FIRST_LOCAL: u32 = 1;

impl Translator<'_> {
    /// Asks for a site before the next operator.
    pub fn wants_site(&mut self) {
        self.site_due = true;
    }

    /// Asks for a site before the next operator if blocks that are no joins have sites.
    pub fn wants_block_site(&mut self) {
        self.site_due |= self.options.instrument.has_blocks();
    }

    /// Writes the site that was asked for before the operator at a wasm pc, which is up.
    pub fn write_site(&mut self, pc: u64) {
        if !std::mem::take(&mut self.site_due) || !self.reachable || self.frames.is_empty() {
            return;
        }
        let Some(live) = self.liveness.take() else { return };
        self.at(pc);
        let hook = self.hook();
        let inst = self.b.call(hook, &[]);
        self.b.func.dfg.sites.insert(inst, SiteInfo { tag: pc, ..SiteInfo::default() });
        // All parameters are there at the entry, needed or not.
        let entry = self.locals.time == 0;
        let params = if entry { self.locals.params() as u32 } else { 0 };
        let live_now = live.at(self.locals.time);
        let others = &live_now[live_now.partition_point(|&local| local < params)..];
        self.set_state(inst, (0..params).chain(others.iter().copied()));
        self.liveness = Some(live);
    }

    /// Gives a call the state that a debugger sees in outer frames; the operands are those
    /// below the arguments. `handler` is the construct whose handlers it may go to.
    pub fn write_call_state(&mut self, inst: Inst, handler: Option<usize>) {
        let Some(live) = self.liveness.take() else { return };
        let after = live.at(self.locals.time + 1);
        match handler.and_then(|frame| self.frames[frame].handler_time()) {
            None => self.set_state(inst, after.iter().copied()),
            Some(time) => {
                let both = BTreeSet::from_iter(after.iter().chain(live.in_handlers(time)).copied());
                self.set_state(inst, both.into_iter());
            }
        }
        self.liveness = Some(live);
    }

    /// Gives a call in a handler, where no operator is up, its state.
    pub fn write_handler_state(&mut self, inst: Inst) {
        if self.options.instrument.is_on() {
            let state = Box::new([StateEntry { key: CONTEXT, value: self.vmctx }]);
            self.b.func.dfg.set_state(inst, state);
        }
    }

    fn set_state(&mut self, inst: Inst, locals: impl Iterator<Item = u32>) {
        let mut state = Vec::with_capacity(1 + locals.size_hint().0 + self.stack.len());
        state.push(StateEntry { key: CONTEXT, value: self.vmctx });
        for local in locals {
            let value = self.locals.get(self.b.func, local);
            state.push(StateEntry { key: FIRST_LOCAL + local, value });
        }
        let first = FIRST_LOCAL + self.locals.len() as u32;
        state.extend((first..).zip(&self.stack).map(|(key, &value)| StateEntry { key, value }));
        self.b.func.dfg.set_state(inst, state.into_boxed_slice());
    }

    /// The function that sites call.
    fn hook(&mut self) -> FuncRef {
        if let Some(hook) = self.hook {
            return hook;
        }
        let signature = self.b.func.dfg.signatures.push(Signature::new(CallConv::PreserveAll));
        let hook = self.declare(ExtFuncData {
            name: ExternalName::named("debug_hook"),
            signature,
            colocated: true,
            patchable: true,
            readonly: !self.options.instrument.is_writable(),
        });
        self.hook = Some(hook);
        hook
    }
}

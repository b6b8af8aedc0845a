//! Sites and state, for debuggers.
//!
//! A site stands at the function's entry, at every join (a loop's header, a label
//! with more than one way in, a label that catches exceptions), after every call and
//! every other operator whose effect reaches beyond the frame and linear memory, and
//! before every throw, where a debugger may want to hear of the exception. It is written before the operator that follows in the body, in the block of
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
//! handlers, and the operands below its arguments. At an instruction that may trap they
//! are the ones before its operator; of these nothing is kept alive
//! ([`sidetrack_ir::DataFlowGraph::keeps_state`]), so locals may be among them that were
//! live, or set, since the last place at which it is known which ones are.

use super::state::Translator;
use cranelift_entity::EntityRef;
use sidetrack_ir::opcode::Props;
use sidetrack_ir::{
    CallConv, ExtFuncData, ExternalName, Extra, FuncRef, Inst, Signature, SiteInfo, StateEntry, Value,
};
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// The key of the context in state.
const CONTEXT: u32 = 0;
/// The key of the first local.
const FIRST_LOCAL: u32 = 1;

/// What state at traps needs beside the present values.
#[derive(Debug, Default)]
pub(super) struct BeforeOperator {
    /// The operands before the present operator.
    stack: Vec<Value>,
    /// How many instructions there were then.
    insts: usize,
    /// The locals set since it was last known which ones are live, ascending.
    set: Vec<u32>,
    /// How many entries of state there are at traps.
    entries: usize,
    /// The last state at a trap; its memory is used again.
    state: Vec<StateEntry>,
}

/// How many entries of state a function has at its traps, at most: one with thousands of
/// locals and of traps is not worth gigabytes. Beyond, there is only the context.
const MOST_ENTRIES: usize = 1 << 20;

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

    /// Notes what there is before an operator, for [`Translator::write_trap_states`].
    pub fn before_operator(&mut self) {
        let Some(live) = &mut self.liveness else { return };
        if live.advance(self.locals.time) {
            self.before.set.clear();
        }
        self.before.stack.clone_from(&self.stack);
        self.before.insts = self.b.func.dfg.insts.len();
    }

    /// A local is set by the present operator.
    pub fn note_set(&mut self, local: u32) {
        if self.liveness.is_some()
            && let Err(place) = self.before.set.binary_search(&local)
        {
            self.before.set.insert(place, local);
        }
    }

    /// Gives what may trap of the operator just translated its state.
    pub fn write_trap_states(&mut self) {
        if self.liveness.is_none() {
            return;
        }
        let insts = (self.before.insts..self.b.func.dfg.insts.len()).map(Inst::new);
        let trapping: SmallVec<[Inst; 4]> = insts.filter(|&inst| self.may_trap(inst)).collect();
        if trapping.is_empty() {
            return;
        }
        let Some(live) = self.liveness.take() else { return };
        let state = self.trap_state(live.here());
        self.before.entries += trapping.len() * state.len();
        trapping.iter().for_each(|&inst| self.b.func.dfg.set_state(inst, state.iter().copied()));
        self.before.state = state;
        self.liveness = Some(live);
    }

    fn may_trap(&self, inst: Inst) -> bool {
        let data = &self.b.func.dfg.insts[inst];
        let never = matches!(data.extra, Extra::Mem(flags, _) if flags.trap.is_none());
        data.opcode.props().has(Props::TRAP) && !data.opcode.is_call() && !never
    }

    fn trap_state(&mut self, live: &[u32]) -> Vec<StateEntry> {
        let mut before = std::mem::take(&mut self.before);
        let mut state = std::mem::take(&mut before.state);
        state.clear();
        state.push(StateEntry { key: CONTEXT, value: self.vmctx });
        if before.entries < MOST_ENTRIES {
            let (mut live, mut set) =
                (live.iter().copied().peekable(), before.set.iter().copied().peekable());
            while let Some(local) = [live.peek(), set.peek()].into_iter().flatten().min().copied() {
                live.next_if_eq(&local);
                set.next_if_eq(&local);
                let value = self.locals.get(self.b.func, local);
                state.push(StateEntry { key: FIRST_LOCAL + local, value });
            }
            let first = FIRST_LOCAL + self.locals.len() as u32;
            state.extend((first..).zip(&before.stack).map(|(key, &value)| StateEntry { key, value }));
        }
        self.before = before;
        state
    }

    /// Gives a call in a handler, where no operator is up, its state.
    pub fn write_handler_state(&mut self, inst: Inst) {
        if self.options.instrument.is_on() {
            self.b.func.dfg.set_state(inst, [StateEntry { key: CONTEXT, value: self.vmctx }]);
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
        self.b.func.dfg.set_state(inst, state);
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

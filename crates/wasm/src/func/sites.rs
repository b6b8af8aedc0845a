//! Sites and state, for debuggers.
//!
//! A site stands at the function's entry, at every join (a loop's header, a label
//! with more than one way in, a label that catches exceptions), and after every
//! call and every other operator whose effect reaches beyond the frame and linear
//! memory. So what control can reach from a site before it meets another is a tree: an
//! operator without a site has one way in, since whatever has several is a join. A
//! site is written before the operator that follows in the body, at most one there.

use super::state::Translator;
use sidetrack_ir::{CallConv, ExtFuncData, ExternalName, FuncRef, Inst, Signature, SiteInfo, StateEntry};
use smallvec::SmallVec;

/// The key of the context in state.
const CONTEXT: u32 = 0;
/// The key of the first local.
const FIRST_LOCAL: u32 = 1;

impl Translator<'_> {
    /// Asks for a site before the next operator.
    pub fn wants_site(&mut self) {
        self.site_due = true;
    }

    /// Writes the site that was asked for before the operator at a wasm pc, which is up.
    pub fn write_site(&mut self, pc: u64) {
        if !std::mem::take(&mut self.site_due) || !self.reachable || self.frames.is_empty() {
            return;
        }
        let Some(live) = self.liveness.take() else { return };
        self.at(pc);
        let entry = self.locals.time == 0;
        let hook = self.hook();
        let inst = self.b.call(hook, &[]);
        self.b.func.dfg.sites.insert(inst, SiteInfo { tag: pc, ..SiteInfo::default() });
        // All parameters are there at the entry, needed or not.
        let params = if entry { self.locals.params() as u32 } else { 0 };
        let also: SmallVec<[u32; 16]> =
            live.at(self.locals.time).iter().copied().filter(|local| *local >= params).collect();
        self.set_state(inst, (0..params).chain(also));
        self.liveness = Some(live);
    }

    /// Gives a call of the function the state that a debugger sees in outer frames.
    pub fn write_call_state(&mut self, inst: Inst) {
        let Some(live) = self.liveness.take() else { return };
        let locals: SmallVec<[u32; 16]> = SmallVec::from_slice(live.at(self.locals.time + 1));
        self.set_state(inst, locals);
        self.liveness = Some(live);
    }

    fn set_state(&mut self, inst: Inst, locals: impl IntoIterator<Item = u32>) {
        let mut state = vec![StateEntry { key: CONTEXT, value: self.vmctx }];
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

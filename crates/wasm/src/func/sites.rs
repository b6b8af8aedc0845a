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
//!
//! A state is written down as its changes to the last one, see [`sidetrack_ir::States`],
//! and found so: looked at are only the operands that were pushed or taken since, and the
//! *stale* locals, those that were set, became live or dead, or may have another value
//! because control came another way. So the time is in proportion to the operators
//! between two states, not to what the states list.

use super::liveness::Liveness;
use super::operands::Operands;
use super::state::Translator;
use cranelift_entity::EntityRef;
use sidetrack_ir::opcode::Props;
use sidetrack_ir::{
    ArgumentPurpose, CallConv, ExtFuncData, ExternalName, Extra, FuncRef, Inst, Signature, SiteInfo, State,
    StateChange, StateEntry, Value,
};
use smallvec::SmallVec;

/// The key of the context in state.
const CONTEXT: u32 = 0;
/// The key of the first local.
const FIRST_LOCAL: u32 = 1;

/// Which state is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// That at the function's entry: with all parameters, needed or not.
    Entry,
    /// That at a call or site.
    Now,
    /// That before the present operator.
    Before,
}

/// What is known of a local.
#[derive(Clone, Copy, Debug, Default)]
struct LocalState {
    /// What the last state says that it is.
    written: Option<Value>,
    /// Whether that may have to change.
    stale: bool,
    /// The number of the segment in which it was set last.
    set_in: u32,
}

/// The last state, and what may have changed since.
#[derive(Debug)]
pub(super) struct States {
    liveness: Liveness,
    locals: Vec<LocalState>,
    stale: Vec<u32>,
    /// Locals that the last state lists though they are dead.
    dead: Vec<u32>,
    /// The operands that the last state lists.
    stack: Vec<Value>,
    /// Whether there was a state.
    begun: bool,
    /// The number of the present segment.
    segment: u32,
    /// How many instructions there were when the present operator began, or when states at
    /// traps were written last.
    insts: usize,
    /// The state before the present operator, once it is written.
    before: Option<State>,
}

impl States {
    fn new(liveness: Liveness, locals: usize) -> Self {
        States {
            liveness,
            locals: vec![LocalState::default(); locals],
            stale: Vec::new(),
            dead: Vec::new(),
            stack: Vec::new(),
            begun: false,
            segment: 1,
            insts: 0,
            before: None,
        }
    }

    fn touch(&mut self, local: u32) {
        if !std::mem::replace(&mut self.locals[local as usize].stale, true) {
            self.stale.push(local);
        }
    }

    /// Goes on to before the operator at a time.
    fn advance(&mut self, time: u32) {
        let (locals, stale) = (&mut self.locals, &mut self.stale);
        let begins = self.liveness.advance(time, |local| {
            if !std::mem::replace(&mut locals[local as usize].stale, true) {
                stale.push(local);
            }
        });
        if begins {
            self.segment += 1;
            self.touch_dead();
        }
    }

    fn touch_dead(&mut self) {
        let mut dead = std::mem::take(&mut self.dead);
        dead.drain(..).for_each(|local| self.touch(local));
        self.dead = dead;
    }

    /// Adds the changes of operands, whose keys begin with `first`.
    fn changed_operands(
        &mut self,
        stack: &mut Operands,
        moment: Moment,
        first: u32,
        changes: &mut Vec<StateChange>,
    ) {
        let (from, height) = match moment {
            Moment::Before => (stack.written.min(stack.kept()), stack.height_before()),
            Moment::Now | Moment::Entry => (stack.written, stack.len()),
        };
        for index in from..height {
            let value = if moment == Moment::Before { stack.before(index) } else { stack[index] };
            let key = first + index as u32;
            match self.stack.get_mut(index) {
                Some(written) if *written == value => continue,
                Some(written) => *written = value,
                None => self.stack.push(value),
            }
            changes.push(StateChange::set(key, value));
        }
        changes.extend((height..self.stack.len()).map(|index| StateChange::remove(first + index as u32)));
        self.stack.truncate(height);
        stack.written = if moment == Moment::Before { stack.kept() } else { height };
    }
}

/// Says of each local whether it is live behind the operator at a time, as far as that is
/// known.
pub(super) fn live_next(states: &mut Option<Box<States>>, time: u32) -> impl Fn(u32) -> bool {
    if let Some(states) = states {
        states.advance(time + 1);
    }
    let states = states.as_deref();
    move |local| states.is_none_or(|states| states.liveness.is_live(local))
}

impl Translator<'_> {
    /// There will be sites and states.
    pub fn begin_states(&mut self, liveness: Liveness) {
        self.states = Some(Box::new(States::new(liveness, self.locals.len())));
        self.b.func.signature.params[0].purpose = ArgumentPurpose::VMContext;
        self.locals.note_changes();
    }

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
        if self.states.is_none() {
            return;
        }
        self.at(pc);
        let hook = self.hook();
        let inst = self.b.call(hook, &[]);
        self.b.func.dfg.sites.insert(inst, SiteInfo { tag: pc, ..SiteInfo::default() });
        let moment = if self.time == 0 { Moment::Entry } else { Moment::Now };
        self.write_state(inst, self.time, moment);
    }

    /// Writes the state before the present operator, for what may trap after a call that
    /// takes operands away.
    pub fn write_state_before(&mut self) {
        if self.states.is_some() && !self.in_handler {
            self.state_before();
        }
    }

    fn state_before(&mut self) -> Option<State> {
        let known = self.states.as_ref()?.before;
        let state = known.or_else(|| self.new_state(self.time, Moment::Before));
        self.states.as_mut()?.before = state;
        state
    }

    /// Gives a call the state that a debugger sees in outer frames; the operands are those
    /// below the arguments.
    pub fn write_call_state(&mut self, inst: Inst) {
        self.write_trap_states();
        self.write_state(inst, self.time + 1, Moment::Now);
    }

    /// Notes what there is before an operator, for [`Translator::write_trap_states`].
    pub fn before_operator(&mut self) {
        self.stack.begin_operator();
        if let Some(states) = &mut self.states {
            states.advance(self.time);
            states.insts = self.b.func.dfg.insts.len();
            states.before = None;
        }
    }

    /// A local is set by the present operator.
    pub fn note_set(&mut self, local: u32) {
        if let Some(states) = &mut self.states {
            states.locals[local as usize].set_in = states.segment;
            states.touch(local);
        }
    }

    /// Gives what may trap of the operator being translated, as far as it is, its state.
    pub fn write_trap_states(&mut self) {
        let Some(states) = &mut self.states else { return };
        let len = self.b.func.dfg.insts.len();
        let insts = (std::mem::replace(&mut states.insts, len)..len).map(Inst::new);
        let trapping: SmallVec<[Inst; 4]> = insts.filter(|&inst| self.may_trap(inst)).collect();
        if let Some(state) = trapping.first().and_then(|_| self.state_before()) {
            trapping.iter().for_each(|&inst| self.b.func.dfg.states.attach(inst, state));
        }
    }

    fn may_trap(&self, inst: Inst) -> bool {
        let data = &self.b.func.dfg.insts[inst];
        let never = matches!(data.extra, Extra::Mem(flags, _) if flags.trap.is_none());
        data.opcode.props().has(Props::TRAP) && !data.opcode.is_call() && !never
    }

    /// Gives a call in a handler, or a trap at the function's entry, where no operator is up,
    /// its state.
    pub fn write_context_state(&mut self, inst: Inst) {
        if self.states.is_some() {
            let states = &mut self.b.func.dfg.states;
            let state = states.push_apart([StateEntry { key: CONTEXT, value: self.vmctx }]);
            states.attach(inst, state);
        }
    }

    fn write_state(&mut self, inst: Inst, time: u32, moment: Moment) {
        if let Some(state) = self.new_state(time, moment) {
            self.b.func.dfg.states.attach(inst, state);
        }
    }

    /// A state with the locals that are live before the operator at a time.
    fn new_state(&mut self, time: u32, moment: Moment) -> Option<State> {
        let mut states = self.states.take()?;
        states.advance(time);
        self.locals.drain_changes(|local| states.touch(local));
        let mut changes = Vec::new();
        if !std::mem::replace(&mut states.begun, true) {
            changes.push(StateChange::set(CONTEXT, self.vmctx));
        }
        if moment == Moment::Now {
            states.touch_dead();
        }
        if moment == Moment::Entry {
            (0..self.locals.params() as u32).for_each(|local| states.touch(local));
        }
        let mut stale = std::mem::take(&mut states.stale);
        stale.sort_unstable();
        for local in stale.drain(..) {
            let LocalState { written, set_in, .. } = states.locals[local as usize];
            let is_live = states.liveness.is_live(local);
            let listed = is_live
                || match moment {
                    Moment::Entry => local < self.locals.params() as u32,
                    Moment::Now => false,
                    Moment::Before => set_in == states.segment,
                };
            let value = listed.then(|| self.locals.get(self.b.func, local));
            if value != written {
                let key = FIRST_LOCAL + local;
                changes.push(value.map_or(StateChange::remove(key), |value| StateChange::set(key, value)));
            }
            if listed && !is_live {
                states.dead.push(local);
            }
            let known = &mut states.locals[local as usize];
            (known.written, known.stale) = (value, false);
        }
        states.stale = stale;
        let first_operand = FIRST_LOCAL + self.locals.len() as u32;
        states.changed_operands(&mut self.stack, moment, first_operand, &mut changes);
        self.states = Some(states);
        Some(self.b.func.dfg.states.push(changes))
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

//! A store's breakpoints and armed sites.
//!
//! A site is armed for as long as somebody has a reason: breakpoints in its run, a step
//! that may come to it, an interrupt. Sites are switched in batches, in the store's
//! own copy of the code.

use super::armed::{Armed, Spot};
use super::runs::{FuncDebug, Site};
use super::shadow::Buffers;
use super::{Resume, Value};
use crate::Result;
use crate::module::Module;
use crate::store::StoreOpaque;
use crate::vm::switch::switch;
use rustc_hash::FxHashMap;
use std::collections::HashMap;
use std::sync::Arc;

/// The locals of a frame that has been followed, operator by operator, up to a call.
#[derive(Debug)]
pub(super) struct Followed {
    pub fp: usize,
    pub func: Arc<FuncDebug>,
    pub locals: Vec<Value>,
}

/// How far the program is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// To the next breakpoint.
    Breakpoint,
    /// To the next operator.
    Operator,
    /// To the next operator of the frame with this frame pointer or of one outside of it.
    Frame(usize),
    /// To the next operator of a frame outside of this one.
    Outside(usize),
}

impl Goal {
    /// The goal after an answer that was given in a frame.
    pub fn after(self, resume: Resume, fp: usize) -> Self {
        match resume {
            Resume::Continue => Goal::Breakpoint,
            Resume::Step => Goal::Operator,
            Resume::StepOver => Goal::Frame(fp),
            Resume::StepOut => Goal::Outside(fp),
            Resume::StepOutOf(fp) => Goal::Outside(fp),
            Resume::Unchanged => self,
        }
    }

    /// Whether an operator of the frame is what is to be reached.
    pub fn is_reached(self, fp: usize) -> bool {
        match self {
            Goal::Breakpoint => false,
            Goal::Operator => true,
            Goal::Frame(goal) => fp >= goal,
            Goal::Outside(goal) => fp > goal,
        }
    }
}

/// The debugger's part of a store.
#[derive(Debug)]
pub(crate) struct Debugger {
    /// By the address at which the site ends.
    pub(super) armed: FxHashMap<usize, Armed>,
    /// How many breakpoints an operator has, by module, function and operator; none has 0.
    pub(super) breakpoints: FxHashMap<(usize, u32, u32), u32>,
    /// The sites armed for a step.
    stepping: Vec<usize>,
    pub(super) goal: Goal,
    /// The innermost last.
    pub(super) followed: Vec<Followed>,
    /// Whether the handler has been told of the trap that comes next.
    pub(super) told_trap: bool,
    /// Whether the handler is to hear of exceptions.
    catches: bool,
    /// The site of the last stop. Where the next one is there too, no reference is counted,
    /// for which a processor may have to wait until all that the hook saved is written.
    pub(super) last: Option<Arc<Spot>>,
    /// Memory of the last stop's shadow.
    pub(super) buffers: Buffers,
}

impl Default for Debugger {
    fn default() -> Self {
        Debugger {
            armed: FxHashMap::default(),
            breakpoints: FxHashMap::default(),
            stepping: Vec::new(),
            goal: Goal::Breakpoint,
            followed: Vec::new(),
            catches: false,
            last: None,
            buffers: Buffers::default(),
            told_trap: false,
        }
    }
}

impl Debugger {
    /// Whether the next function that the host calls is to be stopped in.
    pub fn wants_entries(&self) -> bool {
        self.goal == Goal::Operator
    }

    /// Stops at the next operator, wherever it is.
    pub fn stop_at_entry(&mut self) {
        self.goal = Goal::Operator;
    }

    /// Whether the handler is to hear of exceptions.
    pub fn catches(&self) -> bool {
        self.catches
    }

    /// The handler need not be told of the trap that comes next.
    pub fn skip_trap(&mut self) {
        self.told_trap = true;
    }

    /// Whether an operator in the run of a site has a breakpoint.
    pub(super) fn has_break(&self, site: usize, op: u32) -> bool {
        self.armed.get(&site).is_some_and(|armed| armed.breaks.contains(&op))
    }

    /// The operators with breakpoints in the run of a site that are behind one.
    pub(super) fn breaks_behind(&self, site: usize, op: u32) -> Vec<u32> {
        let armed = self.armed.get(&site).into_iter();
        armed.flat_map(|armed| armed.breaks.range(op + 1..)).copied().collect()
    }

    /// Whether one behind it has. Runs go forward: where control goes back there is a site.
    pub(super) fn has_break_behind(&self, site: usize, op: u32) -> bool {
        self.armed.get(&site).is_some_and(|armed| armed.breaks.range(op + 1..).next().is_some())
    }

    /// Whether the handler is to hear of what the operator behind a site throws.
    pub(super) fn catches_at(&self, site: usize) -> bool {
        self.armed.get(&site).is_some_and(|armed| armed.throw)
    }

    /// What is known of the site that ends at an address and is to be armed.
    pub(super) fn arm(&mut self, pc: usize, spot: impl FnOnce() -> Arc<Spot>) -> &mut Armed {
        self.armed.entry(pc).or_insert_with(|| Armed::new(spot()))
    }

    /// Changes the reasons for which the site that ends at an address is armed. Returns how it
    /// is to be switched, if it is.
    pub(super) fn change(
        &mut self,
        pc: usize,
        spot: impl FnOnce() -> Arc<Spot>,
        change: impl FnOnce(&mut Armed),
    ) -> Option<bool> {
        let armed = self.arm(pc, spot);
        let before = armed.is_needed();
        change(armed);
        let needed = armed.is_needed();
        if !needed {
            self.armed.remove(&pc);
        }
        (before != needed).then_some(needed)
    }

    /// Whether the site that ends at an address is armed.
    pub fn is_armed(&self, pc: usize) -> bool {
        self.armed.contains_key(&pc)
    }
}

impl StoreOpaque {
    /// The sites of a function: wasm pc, end in the code, whether armed.
    pub(super) fn sites_of(&mut self, module: &Module, func: u32) -> Result<Vec<(u32, u32, bool)>> {
        let func = module.debug().function(module, func)?;
        let base = self.code_of(module)?.base();
        let debugger = self.debugger_mut();
        let armed = |site: &Site| debugger.is_armed(base + site.end as usize);
        Ok(func.sites().iter().map(|site| (func.body().pc(site.op), site.end, armed(site))).collect())
    }

    /// Arms sites for a step.
    pub(super) fn arm_for_step(
        &mut self,
        module: &Module,
        func: &Arc<FuncDebug>,
        sites: &[Site],
    ) -> Result<()> {
        let base = self.load_code(module)?;
        let debugger = self.debugger_mut();
        let mut switched = Vec::new();
        for site in sites {
            let pc = base + site.end as usize;
            let armed = debugger.arm(pc, || Spot::new(module, func, *site));
            if armed.step {
                continue;
            }
            if !armed.is_needed() {
                switched.push((site.index, true));
            }
            armed.step = true;
            debugger.stepping.push(pc);
        }
        if switched.is_empty() { Ok(()) } else { switch(self, module, switched) }
    }

    /// Lets the handler hear of exceptions, or not any more.
    pub(crate) fn catch_exceptions(&mut self, catches: bool) -> Result<()> {
        if std::mem::replace(&mut self.debugger_mut().catches, catches) != catches {
            for module in self.loaded_modules() {
                self.arm_throws(&module)?;
            }
        }
        Ok(())
    }

    /// Arms the sites before throws of a module, whose code is loaded, or disarms them.
    pub(crate) fn arm_throws(&mut self, module: &Module) -> Result<()> {
        let base = self.load_code(module)?;
        let watching = self.interrupts().is_watching();
        let debugger = self.debugger_mut();
        let catches = debugger.catches;
        let mut switched = Vec::new();
        for (func, site) in module.throws()? {
            let pc = base + site.end as usize;
            let spot = || Spot::new(module, &func, site);
            let on = debugger.change(pc, spot, |armed| armed.throw = catches);
            switched.extend(on.filter(|on| *on || !watching).map(|on| (site.index, on)));
        }
        if switched.is_empty() { Ok(()) } else { switch(self, module, switched) }
    }

    /// Lets the program go to the next breakpoint, however it was to be stepped.
    pub(crate) fn end_steps(&mut self) -> Result<()> {
        let debugger = self.debugger_mut();
        debugger.goal = Goal::Breakpoint;
        debugger.followed.clear();
        self.catch_exceptions(false)?;
        self.disarm_steps()
    }

    /// Disarms what is armed for steps alone.
    pub(super) fn disarm_steps(&mut self) -> Result<()> {
        let debugger = self.debugger_mut();
        let stepping = std::mem::take(&mut debugger.stepping);
        let mut by_code: HashMap<usize, (Module, Vec<usize>)> = HashMap::new();
        for pc in stepping {
            let Some(armed) = debugger.armed.get_mut(&pc) else { continue };
            armed.step = false;
            if !armed.is_needed() {
                let Spot { module, site, .. } = &*armed.spot;
                let entry = by_code.entry(module.key());
                entry.or_insert_with(|| (module.clone(), Vec::new())).1.push(site.index);
                debugger.armed.remove(&pc);
            }
        }
        if self.interrupts().is_watching() {
            return Ok(());
        }
        for (module, sites) in by_code.into_values() {
            switch(self, &module, sites.into_iter().map(|site| (site, false)))?;
        }
        Ok(())
    }
}

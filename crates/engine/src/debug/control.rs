//! A store's breakpoints and armed sites.
//!
//! A site is armed for as long as somebody has a reason: breakpoints in its run, a step
//! that may come to it, an interrupt. Sites are switched in batches, in the store's
//! own copy of the code.

use super::runs::{FuncDebug, Site};
use super::{Resume, Value};
use crate::Result;
use crate::module::Module;
use crate::store::StoreOpaque;
use anyhow::{anyhow, ensure};
use sidetrack_patch::CodeMemory;
use std::collections::HashMap;
use std::sync::Arc;

/// Why a site is armed.
#[derive(Debug)]
pub(super) struct Armed {
    pub func: Arc<FuncDebug>,
    pub module: Module,
    pub site: Site,
    /// How many breakpoints there are in its run.
    pub breakpoints: u32,
    /// Whether a step may come to it.
    pub step: bool,
}

impl Armed {
    fn needed(&self) -> bool {
        self.breakpoints > 0 || self.step
    }
}

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
    pub(super) armed: HashMap<usize, Armed>,
    /// How many breakpoints an operator has, by module, function and operator.
    breakpoints: HashMap<(usize, u32), HashMap<u32, u32>>,
    /// The sites armed for a step.
    stepping: Vec<usize>,
    pub(super) goal: Goal,
    pub(super) followed: Vec<Followed>,
    /// Whether the handler has been told of the trap that comes next.
    pub(super) told_trap: bool,
}

impl Default for Debugger {
    fn default() -> Self {
        Debugger {
            armed: HashMap::new(),
            breakpoints: HashMap::new(),
            stepping: Vec::new(),
            goal: Goal::Breakpoint,
            followed: Vec::new(),
            told_trap: false,
        }
    }
}

/// Switches sites of one code.
fn switch(memory: &CodeMemory, sites: impl IntoIterator<Item = usize>, on: bool) -> Result<()> {
    let mut session = memory.shared_session();
    for site in sites {
        session.set(site, on)?;
    }
    session.commit();
    Ok(())
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

    /// The handler need not be told of the trap that comes next.
    pub fn skip_trap(&mut self) {
        self.told_trap = true;
    }

    /// Whether the site that ends at an address is armed.
    pub fn is_armed(&self, pc: usize) -> bool {
        self.armed.contains_key(&pc)
    }

    /// How many breakpoints an operator has.
    pub fn breakpoints_at(&self, module: &Module, func: u32, op: u32) -> u32 {
        let function = self.breakpoints.get(&(module.key(), func));
        function.and_then(|ops| ops.get(&op)).copied().unwrap_or(0)
    }
}

impl StoreOpaque {
    /// Adds a breakpoint at an operator, or takes one away.
    fn count_breakpoint(&mut self, module: &Module, func: &Arc<FuncDebug>, op: u32, add: bool) -> Result<()> {
        let run = func.run_of(op);
        let run = run.ok_or_else(|| anyhow!("control never reaches {:#x}", func.body().pc(op)))?;
        let code = self.code_of(module)?;
        let (memory, base) = (code.memory().clone(), code.base());
        let debugger = self.debugger_mut();
        let ops = debugger.breakpoints.entry((module.key(), func.body().func())).or_default();
        let count = ops.entry(op).or_insert(0);
        ensure!(add || *count > 0, "there is no breakpoint at {:#x}", func.body().pc(op));
        *count = if add { *count + 1 } else { *count - 1 };
        if *count == 0 {
            ops.remove(&op);
        }
        let mut switched = Vec::new();
        for site in func.sites_of(run) {
            let pc = base + site.end as usize;
            let armed = debugger.armed.entry(pc).or_insert_with(|| Armed {
                func: func.clone(),
                module: module.clone(),
                site: *site,
                breakpoints: 0,
                step: false,
            });
            let before = armed.needed();
            armed.breakpoints = if add { armed.breakpoints + 1 } else { armed.breakpoints - 1 };
            let needed = armed.needed();
            if before != needed {
                switched.push(site.index);
            }
            if !needed {
                debugger.armed.remove(&pc);
            }
        }
        // With watched sites nothing is ever switched off.
        if switched.is_empty() || (!add && self.interrupts().is_watching()) {
            return Ok(());
        }
        switch(&memory, switched, add)
    }

    /// Adds a breakpoint at a wasm pc; returns the pc of the operator that it stands at.
    pub(crate) fn add_breakpoint(&mut self, module: &Module, pc: u32) -> Result<u32> {
        let (func, op) = module.place_of(pc)?;
        self.count_breakpoint(module, &func, op, true)?;
        Ok(func.body().pc(op))
    }

    /// Takes a breakpoint at a wasm pc away.
    pub(crate) fn remove_breakpoint(&mut self, module: &Module, pc: u32) -> Result<()> {
        let (func, op) = module.place_of(pc)?;
        self.count_breakpoint(module, &func, op, false)
    }

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
        let code = self.code_of(module)?;
        let (memory, base) = (code.memory().clone(), code.base());
        let debugger = self.debugger_mut();
        let mut switched = Vec::new();
        for site in sites {
            let pc = base + site.end as usize;
            let armed = debugger.armed.entry(pc).or_insert_with(|| Armed {
                func: func.clone(),
                module: module.clone(),
                site: *site,
                breakpoints: 0,
                step: false,
            });
            if armed.step {
                continue;
            }
            if !armed.needed() {
                switched.push(site.index);
            }
            armed.step = true;
            debugger.stepping.push(pc);
        }
        if switched.is_empty() { Ok(()) } else { switch(&memory, switched, true) }
    }

    /// Disarms what is armed for steps alone.
    pub(super) fn disarm_steps(&mut self) -> Result<()> {
        let debugger = self.debugger_mut();
        let stepping = std::mem::take(&mut debugger.stepping);
        let mut by_code: HashMap<usize, (Module, Vec<usize>)> = HashMap::new();
        for pc in stepping {
            let Some(armed) = debugger.armed.get_mut(&pc) else { continue };
            armed.step = false;
            if !armed.needed() {
                let entry = by_code.entry(armed.module.key());
                entry.or_insert_with(|| (armed.module.clone(), Vec::new())).1.push(armed.site.index);
                debugger.armed.remove(&pc);
            }
        }
        if self.interrupts().is_watching() {
            return Ok(());
        }
        for (module, sites) in by_code.into_values() {
            let memory = self.code_of(&module)?.memory().clone();
            switch(&memory, sites, false)?;
        }
        Ok(())
    }
}

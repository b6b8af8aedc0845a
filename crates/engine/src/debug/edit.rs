//! Breakpoints that are set and cleared together.
//!
//! Sites are switched when the edit ends: those of one module in one session.

use super::armed::Spot;
use super::runs::FuncDebug;
use crate::Result;
use crate::module::Module;
use crate::store::StoreOpaque;
use crate::vm::switch::switch;
use anyhow::{anyhow, ensure};
use std::sync::Arc;

/// Breakpoints that are added and taken away, in force from when the value is committed
/// or dropped.
pub struct BreakpointEdit<'a> {
    store: &'a mut StoreOpaque,
    /// Sites by index, with their new states, by module.
    switches: Vec<(Module, Vec<(usize, bool)>)>,
}

impl<'a> BreakpointEdit<'a> {
    pub(crate) fn new(store: &'a mut StoreOpaque) -> Self {
        BreakpointEdit { store, switches: Vec::new() }
    }

    /// Adds a breakpoint; see [`crate::Store::add_breakpoint`].
    ///
    /// # Errors
    /// As there; what was added before is added all the same.
    pub fn add(&mut self, module: &Module, pc: u32) -> Result<u32> {
        let (func, op) = module.place_of(pc)?;
        self.count(module, &func, op, true)?;
        Ok(func.body().pc(op))
    }

    /// Takes a breakpoint away; see [`crate::Store::remove_breakpoint`].
    ///
    /// # Errors
    /// As there; what was removed before is removed all the same.
    pub fn remove(&mut self, module: &Module, pc: u32) -> Result<()> {
        let (func, op) = module.place_of(pc)?;
        self.count(module, &func, op, false)
    }

    /// Takes all breakpoints away, in whatever module.
    pub fn clear(&mut self) {
        let watching = self.store.interrupts().is_watching();
        let debugger = self.store.debugger_mut();
        debugger.breakpoints.clear();
        let switches = &mut self.switches;
        debugger.armed.retain(|_, armed| {
            let had = !std::mem::take(&mut armed.breaks).is_empty();
            let needed = armed.is_needed();
            if had && !needed && !watching {
                switch_later(switches, &armed.spot.module, armed.spot.site.index, false);
            }
            needed
        });
    }

    /// Ends the edit.
    ///
    /// # Errors
    /// If the system refuses to change code.
    pub fn commit(mut self) -> Result<()> {
        self.apply()
    }

    fn apply(&mut self) -> Result<()> {
        for (module, sites) in std::mem::take(&mut self.switches) {
            switch(self.store, &module, sites)?;
        }
        Ok(())
    }

    /// Adds a breakpoint at an operator, or takes one away.
    fn count(&mut self, module: &Module, func: &Arc<FuncDebug>, op: u32, add: bool) -> Result<()> {
        let run = func.run_of(op);
        let run = run.ok_or_else(|| anyhow!("control never reaches {:#x}", func.body().pc(op)))?;
        let base = self.store.load_code(module)?;
        let watching = self.store.interrupts().is_watching();
        let debugger = self.store.debugger_mut();
        let place = (module.key(), func.body().func(), op);
        if add {
            let count = debugger.breakpoints.entry(place).or_insert(0);
            *count += 1;
            if *count > 1 {
                return Ok(());
            }
        } else {
            let count = debugger.breakpoints.get_mut(&place);
            ensure!(count.is_some(), "there is no breakpoint at {:#x}", func.body().pc(op));
            if let Some(count) = count.filter(|count| **count > 1) {
                *count -= 1;
                return Ok(());
            }
            debugger.breakpoints.remove(&place);
        }
        for site in func.sites_of(run) {
            let pc = base + site.end as usize;
            let spot = || Spot::new(module, func, *site);
            let switch = debugger.change(pc, spot, |armed| armed.set_break(op, add));
            // With watched sites nothing is ever switched off.
            if let Some(on) = switch.filter(|on| *on || !watching) {
                switch_later(&mut self.switches, module, site.index, on);
            }
        }
        Ok(())
    }
}

/// Adds a switch to those of its module.
fn switch_later(switches: &mut Vec<(Module, Vec<(usize, bool)>)>, module: &Module, site: usize, on: bool) {
    match switches.iter_mut().find(|(other, _)| Module::same(other, module)) {
        Some((_, sites)) => sites.push((site, on)),
        None => switches.push((module.clone(), vec![(site, on)])),
    }
}

impl Drop for BreakpointEdit<'_> {
    fn drop(&mut self) {
        // Who wants to know of failures commits.
        let _ = self.apply();
    }
}

impl StoreOpaque {
    /// Adds a breakpoint at a wasm pc; returns the pc of the operator that it stands at.
    pub(crate) fn add_breakpoint(&mut self, module: &Module, pc: u32) -> Result<u32> {
        let mut edit = BreakpointEdit::new(self);
        let at = edit.add(module, pc)?;
        edit.commit()?;
        Ok(at)
    }

    /// Takes a breakpoint at a wasm pc away.
    pub(crate) fn remove_breakpoint(&mut self, module: &Module, pc: u32) -> Result<()> {
        let mut edit = BreakpointEdit::new(self);
        edit.remove(module, pc)?;
        edit.commit()
    }
}

//! Breakpoints: what the user set, and what of it is in a program.
//!
//! Invariant: in a program that runs there is one breakpoint of the engine's for each
//! that is enabled here. Without a program nothing has to be done but to remember.

use super::Place;
use super::expression::Expr;
use super::target::Target;
use anyhow::Context as _;
use sidetrack_engine::{Module, Result, Store};

/// A condition as written and as read.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What the user wrote.
    pub text: String,
    /// What it means.
    pub expr: Expr,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// If it is no expression.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Condition { text: text.to_owned(), expr: Expr::parse(text)? })
    }
}

/// Where a breakpoint stops the program.
#[derive(Clone, Debug)]
pub enum Where {
    /// Before an operator.
    Operator(Module, Place),
    /// Wherever an exception is thrown.
    Throw,
}

impl Where {
    fn is_throw(&self) -> bool {
        matches!(self, Where::Throw)
    }
}

/// A breakpoint.
#[derive(Clone, Debug)]
pub struct Breakpoint {
    /// The number by which the user names it.
    pub id: u32,
    /// Where it stops.
    pub at: Where,
    /// What must hold, if anything.
    pub condition: Option<Condition>,
    /// Whether it is on.
    pub enabled: bool,
    /// How often it is still to be passed over.
    pub ignore: u64,
    /// How often it was reached and its condition held in this run.
    pub hits: u64,
    /// Whether it goes away when the program stops at it.
    pub temporary: bool,
}

/// All breakpoints, by number.
#[derive(Debug, Default)]
pub struct Breakpoints {
    list: Vec<Breakpoint>,
    last: u32,
}

impl Breakpoints {
    /// The breakpoints in the order of their numbers.
    pub fn list(&self) -> &[Breakpoint] {
        &self.list
    }

    /// The breakpoint with a number.
    ///
    /// # Errors
    /// If there is none.
    pub fn get_mut(&mut self, id: u32) -> Result<&mut Breakpoint> {
        let found = self.list.iter_mut().find(|breakpoint| breakpoint.id == id);
        found.with_context(|| format!("there is no breakpoint {id}"))
    }

    /// Sets a breakpoint, in the program too if there is one.
    ///
    /// # Errors
    /// As [`sidetrack_engine::Store::add_breakpoint`].
    pub fn add(
        &mut self,
        target: Option<&mut dyn Target>,
        at: Where,
        condition: Option<Condition>,
        temporary: bool,
    ) -> Result<&Breakpoint> {
        let id = self.last + 1;
        let enabled = false;
        self.list.push(Breakpoint { id, at, condition, enabled, ignore: 0, hits: 0, temporary });
        if let Err(error) = self.enable(target, id, true) {
            self.list.pop();
            return Err(error);
        }
        self.last = id;
        Ok(&self.list[self.list.len() - 1])
    }

    /// Takes a breakpoint away.
    ///
    /// # Errors
    /// If there is none with the number.
    pub fn remove(&mut self, target: Option<&mut dyn Target>, id: u32) -> Result<()> {
        self.enable(target, id, false)?;
        self.list.retain(|breakpoint| breakpoint.id != id);
        Ok(())
    }

    /// Switches a breakpoint on or off.
    ///
    /// # Errors
    /// If there is none with the number.
    pub fn enable(&mut self, target: Option<&mut dyn Target>, id: u32, enabled: bool) -> Result<()> {
        let breakpoint = self.get_mut(id)?;
        if breakpoint.enabled == enabled {
            return Ok(());
        }
        match (target, &breakpoint.at) {
            (Some(target), Where::Operator(module, place)) if enabled => {
                target.add_breakpoint(module, place.pc)?;
            }
            (Some(target), Where::Operator(module, place)) => target.remove_breakpoint(module, place.pc)?,
            (Some(target), Where::Throw) => {
                let others = self.throws().any(|other| other.id != id);
                target.catch_exceptions(enabled || others)?;
            }
            (None, _) => {}
        }
        self.get_mut(id)?.enabled = enabled;
        Ok(())
    }

    /// Puts those that are enabled into a program that is about to start, and counts anew
    /// how often they are hit.
    ///
    /// # Errors
    /// As [`sidetrack_engine::Store::add_breakpoint`].
    pub fn insert<T: 'static>(&mut self, store: &mut Store<T>) -> Result<()> {
        for breakpoint in &mut self.list {
            breakpoint.hits = 0;
            match &breakpoint.at {
                _ if !breakpoint.enabled => {}
                Where::Operator(module, place) => {
                    store.add_breakpoint(module, place.pc)?;
                }
                Where::Throw => store.catch_exceptions(true)?,
            }
        }
        Ok(())
    }

    /// Those that are enabled at an operator; `throws` are those for exceptions instead.
    pub(super) fn at(
        &mut self,
        module: &Module,
        pc: u32,
        throws: bool,
    ) -> impl Iterator<Item = &mut Breakpoint> {
        let here = move |breakpoint: &&mut Breakpoint| {
            breakpoint.enabled
                && match &breakpoint.at {
                    Where::Operator(of, place) => !throws && place.pc == pc && Module::same(of, module),
                    Where::Throw => throws,
                }
        };
        self.list.iter_mut().filter(here)
    }

    /// Those for exceptions that are enabled.
    fn throws(&self) -> impl Iterator<Item = &Breakpoint> {
        self.list.iter().filter(|breakpoint| breakpoint.enabled && breakpoint.at.is_throw())
    }
}

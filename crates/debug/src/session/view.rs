//! A stop, as a frontend sees it.

use super::Place;
use super::evaluate::Scope;
use super::session::Session;
use super::target::{Target, Values};
use anyhow::bail;
use sidetrack_engine::{DebugFrame, Result, Trap};

/// Why the program has stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// At the first operator, as asked for.
    Entry,
    /// At breakpoints, by number, with those of their conditions that are worth nothing.
    Breakpoint(Vec<u32>, Vec<Failure>),
    /// Before an exception is thrown, which breakpoints wait for; as above.
    Exception(Vec<u32>, Vec<Failure>),
    /// Where a step leads.
    Step,
    /// A function has returned, with these results.
    Returned(Values),
    /// Somebody interrupted it.
    Interrupt,
    /// It is about to trap.
    Trap(Trap),
}

/// A condition that is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The breakpoint's number.
    pub breakpoint: u32,
    /// The condition as written.
    pub condition: String,
    /// Why it is worth nothing.
    pub reason: String,
}

/// The stopped program with the session and the frame that is selected.
pub struct StopView<'a> {
    /// The program.
    pub target: &'a mut dyn Target,
    /// The session.
    pub session: &'a mut Session,
    reason: Reason,
    /// The innermost; all, once somebody has asked for others.
    frames: Vec<DebugFrame>,
    all: bool,
    selected: usize,
}

impl<'a> StopView<'a> {
    pub(super) fn new(target: &'a mut dyn Target, session: &'a mut Session, reason: Reason) -> Self {
        let innermost = DebugFrame {
            instance: Some(target.instance()),
            module: target.module().clone(),
            func: target.func(),
            pc: target.pc(),
            fp: target.fp(),
            locals: target.locals(),
            stack: target.operands(),
        };
        StopView { target, session, reason, frames: vec![innermost], all: false, selected: 0 }
    }

    /// Why it has stopped.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The functions on the stack, innermost first.
    ///
    /// # Errors
    /// As [`sidetrack_engine::DebugContext::frames`].
    pub fn frames(&mut self) -> Result<&[DebugFrame]> {
        if !self.all {
            self.frames = self.target.frames()?;
            self.all = true;
        }
        Ok(&self.frames)
    }

    /// The number of the frame that is selected.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// The frame that is selected.
    pub fn frame(&self) -> &DebugFrame {
        &self.frames[self.selected]
    }

    /// Selects a frame.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn select(&mut self, frame: usize) -> Result<()> {
        let count = self.frames()?.len();
        if frame >= count {
            bail!("there is no frame {frame}; the outermost is {}", count - 1);
        }
        self.selected = frame;
        Ok(())
    }

    /// Says where [`super::Command::Advance`] is to lead, in the innermost function's module.
    ///
    /// # Errors
    /// As [`sidetrack_engine::DebugContext::add_breakpoint`].
    pub fn advance_to(&mut self, place: Place) -> Result<()> {
        let module = self.target.module().clone();
        self.target.add_breakpoint(&module, place.pc)?;
        match self.session.advance.replace((module, place.pc)) {
            Some((module, pc)) => self.target.remove_breakpoint(&module, pc),
            None => Ok(()),
        }
    }

    /// What names mean in the frame that is selected.
    pub fn scope(&mut self) -> Scope<'_> {
        let frame = &self.frames[self.selected];
        Scope {
            target: self.target,
            instance: frame.instance,
            locals: &frame.locals,
            stack: &frame.stack,
            pc: frame.pc,
        }
    }

    /// The breakpoints and the program, to change both.
    pub fn breakpoints(&mut self) -> (&mut super::Breakpoints, &mut dyn Target) {
        (&mut self.session.breakpoints, self.target)
    }
}

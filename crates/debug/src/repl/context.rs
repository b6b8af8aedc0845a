//! What a command works on: a session, and a program if one is stopped.

use crate::session::{Breakpoints, Command, Session, StopView, Target};
use anyhow::bail;
use sidetrack_engine::{Module, Result};

/// What is there when a command is given.
pub enum Context<'a, 'b> {
    /// No program.
    Idle(&'a mut Session),
    /// A program that is stopped.
    Stopped(&'a mut StopView<'b>),
}

impl<'b> Context<'_, 'b> {
    /// The stopped program.
    ///
    /// # Errors
    /// If there is none.
    pub fn stop(&mut self) -> Result<&mut StopView<'b>> {
        match self {
            Context::Idle(_) => bail!("the program is not running"),
            Context::Stopped(stop) => Ok(stop),
        }
    }

    /// The module that names of functions and wasm pcs are looked up in: that of the
    /// selected frame.
    pub fn module(&self) -> Module {
        match self {
            Context::Idle(session) => session.module().clone(),
            Context::Stopped(stop) => stop.frame().module.clone(),
        }
    }

    /// The breakpoints, and the program to have them in.
    pub fn breakpoints(&mut self) -> (&mut Breakpoints, Option<&mut dyn Target>) {
        match self {
            Context::Idle(session) => (&mut session.breakpoints, None),
            Context::Stopped(stop) => {
                let (breakpoints, target) = stop.breakpoints();
                (breakpoints, Some(target))
            }
        }
    }
}

/// What comes after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next command.
    Stay,
    /// The program goes on.
    Resume(Command),
    /// The program runs from the start.
    Run {
        /// Whether to stop at its first operator.
        stop_at_entry: bool,
    },
    /// The debugger ends.
    Quit,
}

/// A number, or one if there is no text.
///
/// # Errors
/// If the text is no number.
pub fn count(text: &str) -> Result<u64> {
    match text {
        "" => Ok(1),
        _ => match text.parse() {
            Ok(count) if count > 0 => Ok(count),
            _ => bail!("`{text}` is no count"),
        },
    }
}

/// That there is no operand.
///
/// # Errors
/// If there is one.
pub fn nothing(text: &str) -> Result<()> {
    if text.is_empty() { Ok(()) } else { bail!("`{text}`: no operand is expected") }
}

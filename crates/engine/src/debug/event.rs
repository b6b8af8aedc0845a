//! What a debugger is told, and what it answers.

use crate::{Result, Trap};

/// Why the program has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DebugEvent {
    /// Before an operator that has a breakpoint.
    Breakpoint,
    /// Before the operator that stepping leads to.
    Step,
    /// At the first site after [`crate::InterruptHandle::interrupt`] or a deadline.
    Interrupt,
    /// At an operator that traps, before its call is left: all frames are there still. Of a stack
    /// that is used up too: functions find that out while there is room for the handler. Only if
    /// a function's frame alone is larger than that room, nobody is told, and the call fails.
    Trap(Trap),
    /// Before an operator that throws an exception, or in a call of a host function that has
    /// thrown one; see [`crate::Store::catch_exceptions`].
    Exception,
    /// In a call of a host function that has failed, before the call around it is left; see
    /// [`crate::DebugContext::host_error`].
    HostError,
}

impl DebugEvent {
    /// What is answered where no handler is told.
    pub(crate) fn unheard(self) -> Result<Resume> {
        match self {
            DebugEvent::Interrupt => Err(Trap::Interrupt.into()),
            _ => Ok(Resume::Continue),
        }
    }
}

/// How a program goes on after a stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// To the next breakpoint.
    #[default]
    Continue,
    /// To the next operator, in whatever function.
    Step,
    /// To the next operator of this function, or of the one that it returns to.
    StepOver,
    /// To where the function has returned to.
    StepOut,
    /// To where the function of the frame with this frame pointer has returned to, which is
    /// one on the stack; see [`crate::DebugContext::frames`].
    StepOutOf(usize),
    /// Where it was going before it was stopped.
    Unchanged,
}

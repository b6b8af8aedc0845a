//! Commands that let the program go on or end.

use crate::repl::Repl;
use crate::repl::context::{Context, Flow, count, nothing};
use crate::session::{Command, Reason, location};
use anyhow::bail;
use sidetrack_engine::{Module, Result};

/// `run`.
pub fn run(_: &mut Repl, _: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    Ok(Flow::Run { stop_at_entry: false })
}

/// `start`.
pub fn start(_: &mut Repl, _: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    Ok(Flow::Run { stop_at_entry: true })
}

fn resume(context: &mut Context<'_, '_>, command: Command) -> Result<Flow> {
    context.stop()?;
    Ok(Flow::Resume(command))
}

/// `continue`.
pub fn cont(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let stop = context.stop()?;
    if !operands.is_empty() {
        let passed = count(operands)? - 1;
        let (Reason::Breakpoint(ids, _) | Reason::Exception(ids, _)) = stop.reason() else {
            bail!("only at a breakpoint can it be said how often to go on to it");
        };
        // One that stops once is gone.
        let ids = ids.clone();
        for id in ids {
            if let Ok(breakpoint) = stop.session.breakpoints.get_mut(id) {
                breakpoint.ignore = passed;
            }
        }
    }
    resume(context, Command::Continue)
}

/// `stepi`.
pub fn stepi(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    resume(context, Command::Step(count(operands)?))
}

/// `nexti`.
pub fn nexti(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    resume(context, Command::Next(count(operands)?))
}

/// `finish`.
pub fn finish(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    resume(context, Command::Finish)
}

/// `until`.
pub fn until(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    if operands.is_empty() {
        return resume(context, Command::Until);
    }
    let stop = context.stop()?;
    let innermost = stop.target.module().clone();
    if !Module::same(&innermost, &stop.frame().module) {
        bail!("the selected function is of another module; `frame 0` selects the innermost");
    }
    stop.advance_to(location::resolve(&innermost, operands)?)?;
    resume(context, Command::Advance)
}

/// `kill`.
pub fn kill(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    resume(context, Command::Kill)
}

/// `quit`.
pub fn quit(_: &mut Repl, _: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    Ok(Flow::Quit)
}

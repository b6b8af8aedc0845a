//! Commands that let the program go on or end.

use crate::repl::Repl;
use crate::repl::context::{Context, Flow, count, nothing};
use crate::session::{Command, location};
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
    nothing(operands)?;
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
    let place = location::resolve(&innermost, operands)?;
    resume(context, Command::Advance(place))
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

//! Commands about the functions on the stack.

use crate::repl::context::{Context, Flow, count, nothing};
use crate::repl::{Repl, display};
use anyhow::{Context as _, bail};
use sidetrack_engine::Result;
use std::fmt::Write;

/// How many frames are printed unless told otherwise.
const FRAMES: u64 = 100;

/// `bt`.
pub fn backtrace(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let limit = if operands.is_empty() { FRAMES } else { count(operands)? };
    let stop = context.stop()?;
    let count = stop.frames()?.len() as u64;
    let shown = stop.frames()?[..limit.min(count) as usize].to_vec();
    for (number, frame) in shown.iter().enumerate() {
        let _ = writeln!(repl.text, "{}", display::frame(stop.target, number, frame));
    }
    if let more @ 1.. = count.saturating_sub(limit) {
        let _ = writeln!(repl.text, "({more} more)");
    }
    Ok(Flow::Stay)
}

fn select(repl: &mut Repl, context: &mut Context<'_, '_>, frame: usize) -> Result<Flow> {
    let stop = context.stop()?;
    stop.select(frame)?;
    repl.show_frame(stop, true);
    Ok(Flow::Stay)
}

/// `frame`.
pub fn frame(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let frame = match operands {
        "" => context.stop()?.selected(),
        _ => operands.parse().ok().with_context(|| format!("`{operands}` is no number of a frame"))?,
    };
    select(repl, context, frame)
}

/// `up`.
pub fn up(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let by = usize::try_from(count(operands)?)?;
    let stop = context.stop()?;
    let (selected, last) = (stop.selected(), stop.frames()?.len() - 1);
    if selected == last {
        bail!("this is the outermost function");
    }
    select(repl, context, selected.saturating_add(by).min(last))
}

/// `down`.
pub fn down(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let by = usize::try_from(count(operands)?)?;
    let selected = context.stop()?.selected();
    if selected == 0 {
        bail!("this is the innermost function");
    }
    select(repl, context, selected.saturating_sub(by))
}

/// `locals`.
pub fn locals(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    let stop = context.stop()?;
    let locals = stop.frame().locals.clone();
    for (index, local) in locals.into_iter().enumerate() {
        let _ = writeln!(repl.text, "local{index} = {}", display::value(stop.target, local));
    }
    Ok(Flow::Stay)
}

/// `stack`.
pub fn stack(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    let stop = context.stop()?;
    let stack = stop.frame().stack.clone();
    for (index, operand) in stack.into_iter().rev().enumerate() {
        let _ = writeln!(repl.text, "stack{index} = {}", display::value(stop.target, operand));
    }
    Ok(Flow::Stay)
}

//! Commands about breakpoints.

use crate::repl::context::{Context, Flow};
use crate::repl::{Repl, display};
use crate::session::{Condition, Where, location};
use anyhow::{Context as _, bail};
use sidetrack_engine::Result;
use std::fmt::Write;

/// `break`.
pub fn set(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    add(repl, context, operands, false)
}

/// `tbreak`.
pub fn set_temporary(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    add(repl, context, operands, true)
}

fn add(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str, temporary: bool) -> Result<Flow> {
    let (place, rest) = split_place(operands)?;
    let module = context.module();
    let place = match (place, &mut *context) {
        ("", Context::Idle(_)) => bail!("a place is expected: a function's name or index, or a wasm pc 0xPC"),
        // Where the program is.
        ("", Context::Stopped(stop)) => {
            let frame = stop.frame();
            location::Place { func: frame.func, pc: frame.pc }
        }
        _ => location::resolve(&module, place)?,
    };
    let condition = match rest.trim() {
        "" => None,
        "if" => bail!("a condition is expected behind `if`"),
        rest => match rest.strip_prefix("if").filter(|rest| rest.starts_with([' ', '\t', '('])) {
            Some(text) => Some(Condition::parse(text.trim())?),
            None => bail!("`{rest}`: `if` and a condition are expected"),
        },
    };
    let (breakpoints, target) = context.breakpoints();
    let added = breakpoints.add(target, Where::Operator(module, place), condition, temporary)?;
    let kind = if temporary { "Temporary breakpoint" } else { "Breakpoint" };
    let _ = writeln!(repl.text, "{kind} {} {}", added.id, display::place(&added.at));
    Ok(Flow::Stay)
}

/// `catch`.
pub fn catch(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    match operands {
        "throw" => {}
        "" => bail!("what is to be caught is expected: `throw`"),
        _ => bail!("`{operands}`: only a `throw` can be caught"),
    }
    let (breakpoints, target) = context.breakpoints();
    let added = breakpoints.add(target, Where::Throw, None, false)?;
    let _ = writeln!(repl.text, "Breakpoint {} {}", added.id, display::place(&added.at));
    Ok(Flow::Stay)
}

/// Splits a place from what stands behind it; one with spaces in it is in quotes.
fn split_place(text: &str) -> Result<(&str, &str)> {
    match text.strip_prefix('"') {
        // A condition where the program is.
        None if text.starts_with("if ") => Ok(("", text)),
        Some(quoted) => quoted.split_once('"').context("the quotes are not closed"),
        None => Ok(text.split_once(char::is_whitespace).unwrap_or((text, ""))),
    }
}

/// The numbers of breakpoints; all if there is no text.
fn numbers(context: &mut Context<'_, '_>, text: &str) -> Result<Vec<u32>> {
    let (breakpoints, _) = context.breakpoints();
    let numbers: Vec<u32> = match text {
        "" => breakpoints.list().iter().map(|breakpoint| breakpoint.id).collect(),
        _ => text.split_whitespace().map(number).collect::<Result<_>>()?,
    };
    // All or none of what is asked for is done.
    for id in &numbers {
        breakpoints.get_mut(*id)?;
    }
    Ok(numbers)
}

fn number(text: &str) -> Result<u32> {
    if text.is_empty() {
        bail!("the number of a breakpoint is expected");
    }
    text.parse().ok().with_context(|| format!("`{text}` is no number of a breakpoint"))
}

/// `delete`.
pub fn delete(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let mut numbers = numbers(context, operands)?;
    numbers.sort_unstable();
    numbers.dedup();
    for id in numbers {
        let (breakpoints, target) = context.breakpoints();
        breakpoints.remove(target, id)?;
    }
    Ok(Flow::Stay)
}

fn switch(context: &mut Context<'_, '_>, operands: &str, enabled: bool) -> Result<Flow> {
    for id in numbers(context, operands)? {
        let (breakpoints, target) = context.breakpoints();
        breakpoints.enable(target, id, enabled)?;
    }
    Ok(Flow::Stay)
}

/// `disable`.
pub fn disable(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    switch(context, operands, false)
}

/// `enable`.
pub fn enable(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    switch(context, operands, true)
}

/// `ignore`.
pub fn ignore(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let (id, times) = operands
        .split_once(char::is_whitespace)
        .context("the number of a breakpoint and a count are expected")?;
    let times = times.trim();
    let count = times.parse().ok().with_context(|| format!("`{times}` is no count"))?;
    let (breakpoints, _) = context.breakpoints();
    let breakpoint = breakpoints.get_mut(number(id)?)?;
    breakpoint.ignore = count;
    let _ = writeln!(repl.text, "Breakpoint {} is passed over {}", breakpoint.id, display::times(count));
    Ok(Flow::Stay)
}

/// `condition`.
pub fn condition(_: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let (id, text) = operands.split_once(char::is_whitespace).unwrap_or((operands, ""));
    let (breakpoints, _) = context.breakpoints();
    let breakpoint = breakpoints.get_mut(number(id)?)?;
    breakpoint.condition = match text.trim() {
        "" => None,
        text => Some(Condition::parse(text)?),
    };
    Ok(Flow::Stay)
}

//! Commands that print lists.

use crate::repl::context::{Context, Flow, nothing};
use crate::repl::{Repl, display, table};
use crate::session::location;
use anyhow::bail;
use sidetrack_engine::{Printable, Result};
use std::fmt::Write;

/// `info`: which list is the first word behind it.
pub fn info(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let (list, rest) = operands.split_once(char::is_whitespace).unwrap_or((operands, ""));
    if list.is_empty() {
        bail!("a list is expected; see `help info`");
    }
    let row = table::find(&format!("info {list}"))?;
    (row.run)(repl, context, rest.trim())
}

/// `info breakpoints`.
pub fn breakpoints(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    let (breakpoints, _) = context.breakpoints();
    if breakpoints.list().is_empty() {
        repl.text.push_str("There are no breakpoints\n");
    }
    for each in breakpoints.list() {
        let _ = write!(repl.text, "{} {}", each.id, display::place(&each.at));
        if let Some(condition) = &each.condition {
            let _ = write!(repl.text, " if {}", condition.text);
        }
        let notes = [
            each.temporary.then(|| "once".to_owned()),
            (!each.enabled).then(|| "disabled".to_owned()),
            (each.ignore > 0).then(|| format!("passed over {}", display::times(each.ignore))),
            (each.hits > 0).then(|| format!("hit {}", display::times(each.hits))),
        ];
        for note in notes.into_iter().flatten() {
            let _ = write!(repl.text, ", {note}");
        }
        repl.text.push('\n');
    }
    Ok(Flow::Stay)
}

/// `info sites`.
pub fn sites(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let module = context.module();
    let stop = context.stop()?;
    let func = if operands.is_empty() { stop.frame().func } else { location::function(&module, operands)? };
    let sites = stop.target.sites(&module, func)?;
    let _ = writeln!(repl.text, "Sites of {}:", display::function(&module, func));
    let lines = repl.lines_of(&module, func)?;
    for (pc, end, armed) in sites {
        let line = lines.iter().find(|line| line.pc == pc);
        let text = line.map_or("?", |line| &line.text);
        let armed = if armed { ", armed" } else { "" };
        let _ = writeln!(repl.text, "{pc:#x}: {text}, native code up to {end:#x}{armed}");
    }
    Ok(Flow::Stay)
}

/// `info instances`.
pub fn instances(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    let stop = context.stop()?;
    let selected = stop.frame().instance;
    for (number, instance) in stop.target.instances().into_iter().enumerate() {
        let module = stop.target.module_of(instance);
        let mark = if Some(instance) == selected { "* " } else { "  " };
        let name = Printable::name(module.name().unwrap_or("a module without a name"));
        let _ = write!(repl.text, "{mark}{number} of {name}");
        for memory in 0.. {
            let Some(bytes) = stop.target.memory_size(instance, memory) else { break };
            let _ = write!(repl.text, ", memory {memory}: {bytes:#x} bytes");
        }
        repl.text.push('\n');
    }
    Ok(Flow::Stay)
}

/// `info functions`.
pub fn functions(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let module = context.module();
    let info = module.info();
    for func in 0..info.functions.len() as u32 {
        let name = display::function(&module, func);
        if !operands.is_empty() && !location::is_called(&module, func, operands) {
            continue;
        }
        let body = &info.functions[func as usize].body;
        let place = if body.is_empty() {
            "imported".to_owned()
        } else {
            format!("{:#x}..{:#x}", body.start, body.end)
        };
        let _ = writeln!(repl.text, "{name} {} {place}", info.function_type(func));
    }
    Ok(Flow::Stay)
}

/// `info frame`.
pub fn frame(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    nothing(operands)?;
    let stop = context.stop()?;
    repl.show_frame(stop, true);
    Ok(Flow::Stay)
}

//! Stops, frames and values as text.

use super::Repl;
use crate::session::disassembly::{self, Line};
use crate::session::{Failure, Reason, StopView, Target, Where, location};
use sidetrack_engine::debug::{Value, describe};
use sidetrack_engine::{DebugFrame, Module, Printable, Result, ValType, demangle};
use std::fmt::Write;
use std::sync::Arc;

/// A value with its type.
pub fn value(target: &mut dyn Target, (ty, value): (ValType, Value)) -> String {
    describe(value, ty, |heap, reference| target.reference_number(heap, reference))
}

/// A function: `7 <malloc>`, or `libc!7 <malloc>` in a module that has a name.
pub fn function(module: &Module, func: u32) -> String {
    let space = module.name().map_or(String::new(), |name| format!("{}!", Printable::name(name)));
    match location::name(module, func) {
        Some(name) => format!("{space}{func} <{}>", Printable::name(&demangle(name))),
        None => format!("{space}{func}"),
    }
}

/// A frame on one line.
pub fn frame(target: &mut dyn Target, number: usize, frame: &DebugFrame) -> String {
    let params = frame.module.info().function_type(frame.func).params.len();
    let params = frame.locals.iter().take(params).map(|param| value(target, *param));
    let params = params.collect::<Vec<_>>().join(", ");
    format!("#{number} {:#x} in {} ({params})", frame.pc, function(&frame.module, frame.func))
}

/// Where a breakpoint stops.
pub fn place(at: &Where) -> String {
    match at {
        Where::Operator(module, place) => format!("at {:#x} in {}", place.pc, function(module, place.func)),
        Where::Throw => "at every throw".to_owned(),
    }
}

/// The breakpoints at which the program has stopped.
fn breakpoints(ids: &[u32], what: &str, failures: &[Failure]) -> String {
    let ids = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut text = format!("Breakpoint {ids}{what}\n");
    for Failure { breakpoint, condition, reason } in failures {
        let _ = writeln!(text, "Condition of breakpoint {breakpoint}: {condition}: {reason}");
    }
    text
}

/// `1 time`, `2 times`.
pub fn times(count: u64) -> String {
    format!("{count} time{}", if count == 1 { "" } else { "s" })
}

impl Repl {
    /// Prints why the program has stopped, and where.
    pub(super) fn show_stop(&mut self, stop: &mut StopView<'_>) {
        let reason = match stop.reason().clone() {
            Reason::Entry | Reason::Step => String::new(),
            Reason::Breakpoint(ids, failures) => breakpoints(&ids, "", &failures),
            Reason::Exception(ids, failures) => breakpoints(&ids, ": an exception is thrown", &failures),
            Reason::Returned(values) => {
                let values: Vec<_> = values.into_iter().map(|each| value(stop.target, each)).collect();
                if values.is_empty() { String::new() } else { format!("Returned {}\n", values.join(", ")) }
            }
            Reason::Interrupt => "Interrupted\n".to_owned(),
            Reason::Trap(trap) => {
                let text = trap.to_string();
                format!("Trap: {}\n", text.strip_prefix("wasm trap: ").unwrap_or(&text))
            }
        };
        let at = (stop.frame().fp, stop.frame().func);
        let elsewhere = self.shown != Some(at);
        self.shown = Some(at);
        self.text.push_str(&reason);
        self.show_frame(stop, elsewhere || !reason.is_empty());
    }

    /// Prints the frame that is selected and its operator: `whole`, with the parameters on
    /// a line of their own, or both on one line.
    pub(super) fn show_frame(&mut self, stop: &mut StopView<'_>, whole: bool) {
        let (number, selected) = (stop.selected(), stop.frame().clone());
        let place = if whole {
            let text = frame(stop.target, number, &selected);
            let _ = writeln!(self.text, "{text}");
            String::new()
        } else {
            format!(" in {}", function(&selected.module, selected.func))
        };
        let lines = self.lines_of(&selected.module, selected.func);
        let line = lines.as_ref().ok().and_then(|lines| lines.iter().find(|line| line.pc == selected.pc));
        if let Some(line) = line {
            let _ = writeln!(self.text, "=> {:#x}{place}: {}", line.pc, line.text);
        }
    }

    /// The operators of a function.
    ///
    /// # Errors
    /// As [`disassembly::function`].
    pub(super) fn lines_of(&mut self, module: &Module, func: u32) -> Result<Arc<Vec<Line>>> {
        if let Some((known, index, lines)) = &self.function
            && Module::same(known, module)
            && *index == func
        {
            return Ok(lines.clone());
        }
        let lines = Arc::new(disassembly::function(module, func)?);
        self.function = Some((module.clone(), func, lines.clone()));
        Ok(lines)
    }
}

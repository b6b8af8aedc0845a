//! `disassemble`.

use crate::repl::context::{Context, Flow};
use crate::repl::{Repl, display};
use crate::session::location;
use anyhow::{Context as _, bail};
use sidetrack_engine::Result;
use std::fmt::Write;

/// How many lines are printed before and behind the one that is up.
const AROUND: usize = 10;

/// `disassemble`.
pub fn disassemble(repl: &mut Repl, context: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    let (native, function) = match operands.strip_prefix("native") {
        Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => (true, rest.trim()),
        _ => (false, operands),
    };
    let module = context.module();
    // Without a function the one that is selected, as far as it is of interest.
    let (func, pc) = match function {
        "" => {
            let frame = context.stop()?.frame();
            (frame.func, Some(frame.pc))
        }
        text => (location::function(&module, text)?, None),
    };
    let lines: Vec<(bool, String)> = if native {
        let code = repl.native.as_ref().context("there is no disassembler")?(&module, func)?;
        let mut current = None;
        let line = |text: &str| {
            let marked = text.rsplit_once("; wasm 0x").map(|(_, digits)| digits);
            let marked = marked.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            current = marked.or(current);
            (pc.is_some() && current == pc, text.to_owned())
        };
        code.lines().map(line).collect()
    } else {
        let lines = repl.lines_of(&module, func)?;
        let line = |line: &crate::session::disassembly::Line| {
            let indent = 2 * line.depth.min(20);
            (Some(line.pc) == pc, format!("{:#x}: {:indent$}{}", line.pc, "", line.text))
        };
        lines.iter().map(line).collect()
    };
    let (first, last) = match pc {
        None => (0, lines.len()),
        Some(pc) => {
            let up = lines.iter().position(|(up, _)| *up);
            let Some(first) = up else { bail!("{pc:#x} has no code of its own") };
            let last = lines.iter().rposition(|(up, _)| *up).unwrap_or(first);
            (first.saturating_sub(AROUND), (last + AROUND + 1).min(lines.len()))
        }
    };
    let _ = writeln!(repl.text, "{}:", display::function(&module, func));
    for (up, text) in &lines[first..last] {
        let _ = writeln!(repl.text, "{}{text}", if *up { "=> " } else { "   " });
    }
    Ok(Flow::Stay)
}

//! `disassemble`.

use crate::repl::context::{Context, Flow};
use crate::repl::{Repl, display};
use crate::session::location;
use anyhow::Context as _;
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
    let mut note = String::new();
    let lines: Vec<(bool, String)> = if native {
        let code = repl.native.as_ref().context("there is no disassembler")?(&module, func)?;
        let (lines, own) = marked(&code, pc);
        if let (Some(pc), false) = (pc, own == pc) {
            note = match own {
                Some(own) => format!(" {pc:#x} has no code of its own; that of {own:#x} stands before it"),
                None => format!(" {pc:#x} has no code of its own"),
            };
        }
        lines
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
        Some(_) => {
            let first = lines.iter().position(|(up, _)| *up).unwrap_or(0);
            let last = lines.iter().rposition(|(up, _)| *up).unwrap_or(first);
            (first.saturating_sub(AROUND), (last + AROUND + 1).min(lines.len()))
        }
    };
    let _ = writeln!(repl.text, "{}:{note}", display::function(&module, func));
    for (up, text) in &lines[first..last] {
        let _ = writeln!(repl.text, "{}{text}", if *up { "=> " } else { "   " });
    }
    Ok(Flow::Stay)
}

/// The lines of machine code, those that are of the operator at `pc` marked, or of the last
/// one before it that has code; and the pc of that operator.
fn marked(code: &str, pc: Option<u32>) -> (Vec<(bool, String)>, Option<u32>) {
    let mut current = None;
    let of = |text: &str| {
        let digits = text.rsplit_once("; wasm 0x").map(|(_, digits)| digits);
        current = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).or(current);
        current
    };
    let of: Vec<_> = code.lines().map(of).collect();
    let own = pc.and_then(|pc| of.iter().copied().flatten().filter(|own| *own <= pc).max());
    let lines = code.lines().zip(of).map(|(text, of)| (own.is_some() && of == own, text.to_owned()));
    (lines.collect(), own)
}

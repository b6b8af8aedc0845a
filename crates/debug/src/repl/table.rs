//! The commands: one row each.

use super::Repl;
use super::commands::{breakpoints, code, data, frames, info, running};
use super::context::{Context, Flow};
use anyhow::bail;
use sidetrack_engine::Result;
use std::fmt::Write;

/// A command.
pub struct Row {
    /// Its name and shorter ones.
    names: &'static [&'static str],
    /// What stands behind it.
    operands: &'static str,
    /// What it does.
    help: &'static str,
    /// Does it, given what stands behind its name.
    pub run: fn(&mut Repl, &mut Context<'_, '_>, &str) -> Result<Flow>,
}

impl Row {
    /// What an empty line does after the command with these operands: the same, or nothing
    /// if it starts or ends something. `x` goes on behind what was printed.
    pub fn again(&self, operands: &str) -> String {
        let name = self.names[0];
        let count = operands.strip_prefix('/').map_or("", |format| {
            let digits = format.find(|c: char| !c.is_ascii_digit()).unwrap_or(format.len());
            &format[..digits]
        });
        match name {
            "run" | "start" | "kill" | "quit" | "break" | "tbreak" | "catch" | "delete" => String::new(),
            "x" if count.is_empty() => name.to_owned(),
            "x" => format!("{name}/{count}"),
            _ => format!("{name} {operands}"),
        }
    }
}

const fn row(
    names: &'static [&'static str],
    operands: &'static str,
    help: &'static str,
    run: fn(&mut Repl, &mut Context<'_, '_>, &str) -> Result<Flow>,
) -> Row {
    Row { names, operands, help, run }
}

static ROWS: [Row; 36] = [
    row(&["help", "h"], "[COMMAND]", "Says what commands do; `help expressions` what can be computed.", help),
    row(&["run", "r"], "", "Runs the program from the start, up to a breakpoint.", running::run),
    row(&["start"], "", "Runs the program up to its first operator.", running::start),
    row(
        &["continue", "c"],
        "[COUNT]",
        "Goes on to the next breakpoint; with a count, to the one where it is, so many times.",
        running::cont,
    ),
    row(&["stepi", "si"], "[COUNT]", "Goes on by an operator, into calls.", running::stepi),
    row(&["nexti", "ni"], "[COUNT]", "Goes on by an operator of this function, over calls.", running::nexti),
    row(&["finish", "fin"], "", "Goes on until the selected function has returned.", running::finish),
    row(
        &["until", "u"],
        "[PLACE]",
        "Goes on to an operator further on in the function, or to a place; at the latest to where the function returns to.",
        running::until,
    ),
    row(&["kill", "k"], "", "Ends the program.", running::kill),
    row(&["quit", "q"], "", "Ends the debugger, and the program.", running::quit),
    row(
        &["break", "b"],
        "[PLACE] [if EXPRESSION]",
        "Stops at a place: a function's name or index, or a wasm pc 0xPC; without one, where the program is.",
        breakpoints::set,
    ),
    row(&["tbreak", "tb"], "[PLACE] [if EXPRESSION]", "Stops at a place once.", breakpoints::set_temporary),
    row(&["catch"], "throw", "Stops wherever an exception is thrown.", breakpoints::catch),
    row(
        &["delete", "d"],
        "[NUMBER]...",
        "Takes breakpoints away; all without a number.",
        breakpoints::delete,
    ),
    row(&["disable"], "[NUMBER]...", "Switches breakpoints off.", breakpoints::disable),
    row(&["enable"], "[NUMBER]...", "Switches breakpoints on.", breakpoints::enable),
    row(&["ignore"], "NUMBER COUNT", "Passes over a breakpoint so many times.", breakpoints::ignore),
    row(
        &["condition"],
        "NUMBER [EXPRESSION]",
        "Stops at a breakpoint only if this holds; always, without an expression.",
        breakpoints::condition,
    ),
    row(&["bt", "backtrace", "where"], "[COUNT]", "Prints the functions on the stack.", frames::backtrace),
    row(&["frame", "f"], "[NUMBER]", "Selects a function on the stack.", frames::frame),
    row(&["up"], "[COUNT]", "Selects the function that called.", frames::up),
    row(&["down"], "[COUNT]", "Selects the function that was called.", frames::down),
    row(&["locals"], "", "Prints the function's parameters and locals.", frames::locals),
    row(&["stack"], "", "Prints the function's operands, the topmost first.", frames::stack),
    row(&["globals"], "", "Prints the instance's globals.", data::globals),
    row(&["print", "p"], "EXPRESSION", "Computes something.", data::print),
    row(
        &["x"],
        "[/COUNT FORMAT SIZE] [ADDRESS] [@MEMORY]",
        "Prints memory. FORMAT: x hexadecimal, d signed, u unsigned, f float, c character, s string, i operators of the module; SIZE: b 1, h 2, w 4, g 8 bytes. `x/4xw local0 + 8`.",
        data::examine,
    ),
    row(
        &["set"],
        "PLACE = EXPRESSION",
        "Writes a global or memory: `set global0 = 1`, `set mem32[16] = 5`, `set memory/w 16 = 5`.",
        data::set,
    ),
    row(
        &["disassemble", "dis"],
        "[native] [FUNCTION]",
        "Prints the operators around the pc, or of a function; or the machine code.",
        code::disassemble,
    ),
    row(
        &["info", "i"],
        "breakpoints | sites | instances | functions | frame | locals",
        "Prints lists.",
        info::info,
    ),
    row(&["info breakpoints"], "", "Prints the breakpoints.", info::breakpoints),
    row(
        &["info sites"],
        "[FUNCTION]",
        "Prints where the machine code of a function can be stopped; stops between are computed.",
        info::sites,
    ),
    row(&["info instances"], "", "Prints the instances.", info::instances),
    row(
        &["info functions"],
        "[TEXT]",
        "Prints the functions whose name has the text in it.",
        info::functions,
    ),
    row(&["info frame"], "", "Prints the function that is selected.", info::frame),
    row(&["info locals"], "", "As `locals`.", frames::locals),
];

/// What expressions are.
const EXPRESSIONS: &str = "\
Expressions have the operators of C: || && | ^ & == != < <= > >= << >> + - * / % ! ~ ( ).
Integers are exact: nothing wraps. Names:
  local3, global2, stack0 (the topmost operand), pc
  mem8[A] mem16[A] mem32[A] mem64[A]      unsigned integers in memory
  smem8[A] smem16[A] smem32[A] smem64[A]  signed ones
  memf32[A] memf64[A]                     floats
  mem32@1[A]                              in memory 1
";

/// The names of commands that stand alone.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.names[0]).filter(|name| !name.contains(' '))
}

/// What can stand behind a command, if that is fixed.
pub fn second_words(command: &str) -> &'static [&'static str] {
    match find(command).map(|row| row.names[0]) {
        Ok("info") => &["breakpoints", "sites", "instances", "functions", "frame", "locals"],
        Ok("set") => &["global", "memory"],
        Ok("catch") => &["throw"],
        _ => &[],
    }
}

/// The command with a name, or the only one whose name starts so.
///
/// # Errors
/// If there is none or several.
pub fn find(name: &str) -> Result<&'static Row> {
    if let Some(row) = ROWS.iter().find(|row| row.names.contains(&name)) {
        return Ok(row);
    }
    let fitting: Vec<_> =
        ROWS.iter().filter(|row| row.names[0].starts_with(name) && !name.is_empty()).collect();
    let whole: Vec<_> =
        fitting.iter().filter(|row| !row.names[0].contains(' ') || name.contains(' ')).collect();
    match whole[..] {
        [row] => Ok(row),
        [] => bail!("there is no command `{name}`; try `help`"),
        _ => {
            let names: Vec<_> = whole.iter().map(|row| row.names[0]).collect();
            bail!("`{name}` may be: {}", names.join(", "))
        }
    }
}

/// `help`.
fn help(repl: &mut Repl, _: &mut Context<'_, '_>, operands: &str) -> Result<Flow> {
    match operands {
        "" => {
            for row in ROWS.iter().filter(|row| row.names[0] != "info") {
                let usage = format!("{} {}", row.names.join(", "), row.operands);
                let _ = writeln!(repl.text, "{}\n    {}", usage.trim_end(), row.help);
            }
        }
        "expressions" => repl.text.push_str(EXPRESSIONS),
        name => {
            let row = find(name)?;
            let usage = format!("{} {}", row.names.join(", "), row.operands);
            let _ = writeln!(repl.text, "{}\n    {}", usage.trim_end(), row.help);
        }
    }
    Ok(Flow::Stay)
}

//! The debugger's command line.
//!
//! Problem: commands are given while no program runs and while one is stopped, from
//! scripts, pipes and terminals. Approach: a command is a function of the [`Context`]; it
//! writes to a text that is printed when it is done, and says what comes after it as a
//! [`Flow`]. A command that cannot be done is an error with a message; whatever the
//! input, the debugger does not panic. An error in a script ends the script; in a batch
//! it ends the debugger.

mod commands;
mod context;
mod display;
mod input;
mod table;

use crate::session::{
    self, Command, Debugger, Ending, Frontend, Outcome, Program, Session, Shared, StopView,
};
use anyhow::ensure;
use context::{Context, Flow};
use input::{Input, Line, PROMPT};
use sidetrack_engine::{Module, Printable, Result, WasmBacktrace};
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Makes the machine code of a function as text, with offsets in the function.
pub type NativeCode = Box<dyn Fn(&Module, u32) -> Result<String> + Send>;

/// How the command line is set up.
pub struct Options {
    /// Scripts to run first.
    pub scripts: Vec<PathBuf>,
    /// Whether to end after them, and at the first error.
    pub batch: bool,
    /// The file that keeps what was typed.
    pub history: Option<PathBuf>,
    /// Where the dialogue goes.
    pub out: Box<dyn Write + Send>,
    /// Where errors go.
    pub err: Box<dyn Write + Send>,
    /// What makes machine code readable.
    pub native: Option<NativeCode>,
}

/// The command line.
pub struct Repl {
    input: Input,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    batch: bool,
    native: Option<NativeCode>,
    /// What the command under way prints.
    text: String,
    /// What is to be done when the program that was killed is gone.
    next: Option<Flow>,
    /// What an empty line stands for.
    last: String,
    /// The frame pointer and function of the last stop.
    shown: Option<(usize, u32)>,
    /// The operators of the function that was printed last.
    function: Option<(Module, u32, Arc<Vec<session::disassembly::Line>>)>,
    /// Where and how `x` goes on.
    examined: commands::data::Examined,
    /// Whether an error has ended it.
    failed: bool,
}

/// Debugs a program until the user has enough. False if a batch ended with an error.
/// What interrupts the program is given to `interrupter` first.
///
/// # Errors
/// If scripts cannot be read or the terminal cannot be used.
pub fn run<P: Program>(
    program: &mut P,
    module: Module,
    options: Options,
    interrupter: impl FnOnce(session::Interrupter),
) -> Result<bool> {
    let functions = 0..module.info().functions.len() as u32;
    let names = functions.filter_map(|func| session::location::name(&module, func)).map(str::to_owned);
    let input = Input::new(&options.scripts, options.batch, names.collect(), options.history)?;
    let repl = Repl {
        input,
        out: options.out,
        err: options.err,
        batch: options.batch,
        native: options.native,
        text: String::new(),
        next: None,
        last: String::new(),
        shown: None,
        function: None,
        examined: Default::default(),
        failed: false,
    };
    let session = Session::new(module);
    interrupter(session.interrupter().clone());
    let shared = Shared::new(session, repl);
    loop {
        let flow = {
            let mut debugger = shared.lock();
            let Debugger { session, frontend } = &mut *debugger;
            frontend.next.take().unwrap_or_else(|| frontend.ask(&mut Context::Idle(session)))
        };
        match flow {
            Flow::Run { stop_at_entry } => {
                let outcome = shared.launch(program, stop_at_entry);
                shared.lock().frontend.ended(outcome);
            }
            Flow::Quit => return Ok(!shared.lock().frontend.failed),
            Flow::Stay | Flow::Resume(_) => {}
        }
    }
}

impl Frontend for Repl {
    fn stopped(&mut self, stop: &mut StopView<'_>) -> Command {
        self.show_stop(stop);
        self.print();
        match self.ask(&mut Context::Stopped(stop)) {
            Flow::Resume(command) => command,
            flow => {
                self.next = Some(flow);
                Command::Kill
            }
        }
    }
}

impl Repl {
    /// Does commands until one is not about the debugger alone.
    fn ask(&mut self, context: &mut Context<'_, '_>) -> Flow {
        while !self.failed {
            let line = match self.input.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Flow::Quit,
                Err(error) => {
                    self.fail(None, &error);
                    self.failed = true;
                    continue;
                }
            };
            match self.line(context, &line) {
                Ok(Flow::Stay) => {}
                Ok(flow) => return flow,
                Err(error) => {
                    self.fail(line.origin.as_deref(), &error);
                    if line.origin.is_some() {
                        self.input.abandon_script();
                    }
                    self.failed |= self.batch;
                }
            }
        }
        Flow::Quit
    }

    /// Does a command.
    fn line(&mut self, context: &mut Context<'_, '_>, line: &Line) -> Result<Flow> {
        if line.echo {
            let _ = writeln!(self.text, "{PROMPT}{}{}", line.text, if line.too_long { "…" } else { "" });
            self.print();
        }
        ensure!(!line.too_long, "the line is too long for a command");
        let repeated = line.typed && line.text.is_empty();
        let text = if repeated { self.last.clone() } else { line.text.clone() };
        if text.is_empty() || text.starts_with('#') {
            return Ok(Flow::Stay);
        }
        let end = text.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(text.len());
        let (name, operands) = text.split_at(end);
        let row = table::find(name)?;
        if line.typed {
            self.last = row.again(operands);
        }
        let result = (row.run)(self, context, operands.trim());
        self.print();
        result
    }

    /// Prints what there is to print. If nobody reads it, the debugger ends.
    fn print(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = Printable::text(&text).to_string();
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        self.failed |= written.is_err();
    }

    fn fail(&mut self, origin: Option<&str>, error: &sidetrack_engine::Error) {
        self.print();
        let origin = origin.map_or(String::new(), |origin| format!("{origin}: "));
        let text = format!("error: {origin}{error:#}");
        let _ = writeln!(self.err, "{}", Printable::text(&text));
    }

    /// Prints what became of the program.
    fn ended(&mut self, outcome: Result<Outcome>) {
        self.shown = None;
        match outcome {
            Ok(Outcome::Ended(Ending::Exited(code))) => {
                let _ = writeln!(self.text, "The program has exited with code {code}.");
            }
            Ok(Outcome::Ended(Ending::Returned(values))) if values.is_empty() => {
                let _ = writeln!(self.text, "The program has ended.");
            }
            Ok(Outcome::Ended(Ending::Returned(values))) => {
                let _ = writeln!(self.text, "The program has returned {}.", values.join(", "));
            }
            Ok(Outcome::Killed) if self.next.is_some() => {}
            Ok(Outcome::Killed) => self.text.push_str("The program is killed.\n"),
            Ok(Outcome::Failed(error)) => {
                let _ = writeln!(self.text, "The program has failed: {}", error.root_cause());
                if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>()
                    && !backtrace.frames().is_empty()
                {
                    let _ = writeln!(self.text, "{backtrace}");
                }
            }
            Err(error) => {
                self.fail(None, &error);
                if self.batch {
                    self.failed = true;
                    self.next = Some(Flow::Quit);
                }
            }
        }
        self.print();
    }
}

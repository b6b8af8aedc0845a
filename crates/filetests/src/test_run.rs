//! `test run`: compiles the file's functions for each target that it names, and
//! runs its commands in order.

use crate::emulated::REQUIRE;
use crate::program::{Failure, Program, runnable};
use crate::report::{Recorder, Status};
use crate::runcmd::{self, Command};
use crate::source::{Item, Source};
use crate::target;
use sidetrack_codegen::TargetIsa;
use sidetrack_ir::text::{Comment, ParseError, TargetLine};
use sidetrack_ir::{AnyEntity, ArgumentPurpose, DataValue, ExternalName, Function, TrapCode};
use std::time::Duration;

/// What runs functions and switches sites.
pub trait Machine {
    /// Calls a function.
    fn call(&mut self, name: &ExternalName, args: &[DataValue]) -> Result<Vec<DataValue>, Outcome>;
    /// Switches sites.
    fn patch(&mut self, function: &ExternalName, tag: u64, on: bool) -> Result<(), String>;
}

/// How a call ended, other than by returning.
pub enum Outcome {
    /// It cannot be made here.
    Skipped(String),
    /// It trapped.
    Trapped(TrapCode, String),
    /// Anything else.
    Failed(String),
}

impl Machine for Program {
    fn call(&mut self, name: &ExternalName, args: &[DataValue]) -> Result<Vec<DataValue>, Outcome> {
        Program::call(self, name, args).map_err(|failure| match failure {
            Failure::Missing(reason) => Outcome::Skipped(reason),
            Failure::Trap(trap) => match &trap {
                sidetrack_patch::exec::ExecTrap::Trap { code, .. } => {
                    let code = TrapCode::parse(&code.to_string());
                    code.map_or_else(
                        || Outcome::Failed(trap.to_string()),
                        |code| Outcome::Trapped(code, trap.to_string()),
                    )
                }
                _ => Outcome::Failed(trap.to_string()),
            },
        })
    }

    fn patch(&mut self, function: &ExternalName, tag: u64, on: bool) -> Result<(), String> {
        Program::patch(self, function, tag, on)
    }
}

/// Runs the file on every target that it names; the host's if it names none.
pub fn run(source: &Source, timeout: Duration, recorder: &mut Recorder<'_>) {
    let host = [TargetLine {
        triple: std::env::consts::ARCH.to_string(),
        flags: Vec::new(),
        line: 0,
        settings_before: source.header.settings.len(),
    }];
    let targets = if source.header.targets.is_empty() { &host } else { &source.header.targets[..] };
    for line in targets {
        recorder.target = line.triple.clone();
        match target::isa(source, line, true) {
            Err(reason) => skip_all(source, recorder, &reason),
            Ok(isa) => {
                recorder.target = format!("{} {}", isa.name(), isa.flags().opt_level);
                if let Err(reason) = runnable(isa.architecture()) {
                    match std::env::var_os(REQUIRE) {
                        Some(_) => recorder.step(line.line, |r| r.add(line.line, Status::Failed, reason)),
                        None => skip_all(source, recorder, &reason),
                    }
                    continue;
                }
                let mut program = None;
                recorder.step(line.line, |recorder| program = load(source, line.line, &*isa, recorder));
                if let Some(mut program) = program {
                    program.set_limit(timeout);
                    commands(source, &mut program, recorder);
                }
            }
        }
    }
}

/// Loads what can be compiled; what is wrong is recorded.
fn load(source: &Source, line: u32, isa: &dyn TargetIsa, recorder: &mut Recorder<'_>) -> Option<Program> {
    let functions: Vec<&Function> = source.functions().map(|parsed| &parsed.func).collect();
    match Program::load_sound(&functions, isa) {
        Ok((program, unsound)) => {
            for (name, message) in unsound {
                let parsed = source.functions().find(|parsed| parsed.func.name == name);
                let line = parsed.map_or(line, |parsed| parsed.source.line(AnyEntity::Function));
                recorder.add(line, Status::Failed, message);
            }
            Some(program)
        }
        Err(message) => {
            recorder.add(line, Status::Failed, message);
            None
        }
    }
}

/// Records every command as skipped.
fn skip_all(source: &Source, recorder: &mut Recorder<'_>, reason: &str) {
    for comment in source.comments() {
        if runcmd::parse(comment).is_some() {
            recorder.step(comment.line, |recorder| recorder.add(comment.line, Status::Skipped, reason));
        }
    }
}

/// Runs the commands of a file in order.
pub fn commands(source: &Source, machine: &mut dyn Machine, recorder: &mut Recorder<'_>) {
    for item in &source.items {
        let (last, comments) = match item {
            Item::Function(parsed) => (Ok(&parsed.func), &parsed.comments),
            Item::Unreadable { error, comments, .. } => (Err(error), comments),
        };
        // A function that is beyond the subset is reported even if no command is about it.
        if let Err(error) = last
            && error.unsupported
            && !comments.iter().any(|comment| runcmd::parse(comment).is_some())
        {
            recorder.step(0, |recorder| recorder.add(0, Status::Skipped, error.to_string()));
        }
        for comment in comments {
            let line = comment.line;
            match (runcmd::parse(comment), last) {
                (None, _) => {}
                (Some(Ok(command)), _) => recorder.limited_step(line, |recorder, repeated| {
                    one(source, last, comment, command, machine, recorder, repeated);
                }),
                // A malformed command of a function that cannot be read may well
                // be about values of types that are not here.
                (Some(Err(_)), Err(error)) => {
                    recorder.step(line, |recorder| recorder.add(line, Status::Skipped, error.to_string()));
                }
                (Some(Err(message)), Ok(_)) => {
                    recorder.step(line, |recorder| recorder.add(line, Status::Failed, message));
                }
            }
        }
    }
}

fn one(
    source: &Source,
    last: Result<&Function, &ParseError>,
    comment: &Comment,
    command: Command,
    machine: &mut dyn Machine,
    recorder: &mut Recorder<'_>,
    repeated: bool,
) {
    let line = comment.line;
    let call = match &command {
        Command::Run { call, .. } | Command::Print(call) | Command::Trap(call, _) => call,
        Command::Patch { function, tag, on } => {
            let result = machine.patch(function, *tag, *on);
            return recorder.check(line, result.map_err(|error| format!("{function}: {error}")));
        }
    };
    // A call leaves nothing behind for those after it.
    if repeated {
        return;
    }
    let func = match &call.function {
        None => last,
        Some(name) => match (source.function(name), source.unreadable(name)) {
            (Some(func), _) => Ok(func),
            (None, Some(error)) => Err(error),
            (None, None) => {
                return recorder.add(line, Status::Failed, format!("there is no function {name}"));
            }
        },
    };
    let func = match func {
        Ok(func) => func,
        Err(error) => return recorder.add(line, Status::Skipped, error.to_string()),
    };
    // Runners that have heaps make the context themselves.
    let params = &func.signature.params;
    let context = params.iter().any(|param| param.purpose == ArgumentPurpose::VMContext);
    if context && call.args.len() + 1 == params.len() {
        return recorder.add(line, Status::Skipped, "the run line leaves the context to the runner");
    }
    let args = match runcmd::values(&call.args, params, "arguments") {
        Ok(args) => args,
        Err(message) => return recorder.add(line, Status::Failed, message),
    };
    let shown = call.args.join(", ");
    match (machine.call(&func.name, &args), command) {
        (Err(Outcome::Skipped(reason)), _) => recorder.add(line, Status::Skipped, reason),
        (Err(Outcome::Trapped(code, _)), Command::Trap(_, expected)) if code == expected => {
            recorder.add(line, Status::Passed, "");
        }
        (Err(Outcome::Trapped(_, message) | Outcome::Failed(message)), _) => {
            recorder.add(line, Status::Failed, message);
        }
        (Ok(results), Command::Run { expected, .. }) => {
            recorder.check(line, runcmd::judge(&func.signature, &expected, &results));
        }
        (Ok(results), Command::Trap(_, code)) => {
            recorder.add(line, Status::Failed, format!("expected trap {code}, got {results:?}"));
        }
        (Ok(results), _) => {
            let list: Vec<String> = results.iter().map(ToString::to_string).collect();
            recorder.add(line, Status::Passed, format!("{}({shown}) -> {}", func.name, list.join(", ")));
        }
    }
}

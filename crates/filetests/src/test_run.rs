//! `test run`: compiles the file's functions for each target that it names, and
//! runs its commands in order.

use crate::emulated::REQUIRE;
use crate::program::{Failure, Program, runnable};
use crate::report::{Recorder, Status};
use crate::runcmd::{self, Command};
use crate::source::{Item, Source};
use crate::target;
use sidetrack_ir::text::{Comment, TargetLine};
use sidetrack_ir::{ArgumentPurpose, DataValue, ExternalName, Function, TrapCode};

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
pub fn run(source: &Source, recorder: &mut Recorder<'_>) {
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
                        Some(_) => recorder.add(line.line, Status::Failed, reason),
                        None => skip_all(source, recorder, &reason),
                    }
                    continue;
                }
                let functions: Vec<&Function> = source.functions().map(|parsed| &parsed.func).collect();
                match Program::load(&functions, &*isa) {
                    Ok(mut program) => commands(source, &mut program, recorder),
                    Err(message) => recorder.add(line.line, Status::Failed, message),
                }
            }
        }
    }
}

/// Records every command as skipped.
pub fn skip_all(source: &Source, recorder: &mut Recorder<'_>, reason: &str) {
    for comment in source.comments() {
        if runcmd::parse(comment).is_some() {
            recorder.add(comment.line, Status::Skipped, reason);
        }
    }
}

/// Runs the commands of a file in order.
pub fn commands(source: &Source, machine: &mut dyn Machine, recorder: &mut Recorder<'_>) {
    for item in &source.items {
        let (last, comments) = match item {
            Item::Function(parsed) => (Ok(&parsed.func), &parsed.comments),
            Item::Unsupported { reason, comments, .. } => (Err(reason), comments),
        };
        // A function that cannot be read is reported even if no command is about it.
        if let Err(reason) = last
            && !comments.iter().any(|comment| runcmd::parse(comment).is_some())
        {
            recorder.add(0, Status::Skipped, reason);
        }
        for comment in comments {
            let Some(command) = runcmd::parse(comment) else { continue };
            match command {
                Ok(command) => one(source, last, comment, command, machine, recorder),
                // A malformed command of a function that cannot be read may well
                // be about values of types that are not here.
                Err(_) if last.is_err() => recorder.add(comment.line, Status::Skipped, last.unwrap_err()),
                Err(message) => recorder.add(comment.line, Status::Failed, message),
            }
        }
    }
}

fn one(
    source: &Source,
    last: Result<&Function, &String>,
    comment: &Comment,
    command: Command,
    machine: &mut dyn Machine,
    recorder: &mut Recorder<'_>,
) {
    let line = comment.line;
    let call = match &command {
        Command::Run { call, .. } | Command::Print(call) | Command::Trap(call, _) => call,
        Command::Patch { function, tag, on } => {
            let result = machine.patch(function, *tag, *on);
            return recorder.check(line, result.map_err(|error| format!("{function}: {error}")));
        }
    };
    let func = match &call.function {
        None => last,
        Some(name) => match (source.function(name), source.unsupported(name)) {
            (Some(func), _) => Ok(func),
            (None, Some(reason)) => return recorder.add(line, Status::Skipped, reason),
            (None, None) => {
                return recorder.add(line, Status::Failed, format!("there is no function {name}"));
            }
        },
    };
    let func = match func {
        Ok(func) => func,
        Err(reason) => return recorder.add(line, Status::Skipped, reason),
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

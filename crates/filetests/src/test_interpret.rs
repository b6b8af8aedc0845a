//! `test interpret`: runs the file's commands in the reference interpreter.

use crate::report::{Recorder, Status};
use crate::source::Source;
use crate::test_run::{self, Machine, Outcome};
use sidetrack_ir::interp::{FunctionStore, HostOutcome, Interpreter, Memory, Stop};
use sidetrack_ir::verifier::verify;
use sidetrack_ir::{AnyEntity, DataValue, ExternalName};

impl Machine for Interpreter<'_> {
    fn call(&mut self, name: &ExternalName, args: &[DataValue]) -> Result<Vec<DataValue>, Outcome> {
        Interpreter::call(self, name, args).map_err(|stop| match stop {
            Stop::Trap { code, .. } => Outcome::Trapped(code, stop.to_string()),
            Stop::Unsupported(reason) => Outcome::Skipped(reason),
            _ => Outcome::Failed(stop.to_string()),
        })
    }

    fn patch(&mut self, function: &ExternalName, tag: u64, on: bool) -> Result<(), String> {
        match self.set_site(function, tag, on) {
            0 => Err(format!("no patch site with tag {tag}")),
            _ => Ok(()),
        }
    }
}

/// Runs the commands.
pub fn run(source: &Source, recorder: &mut Recorder<'_>) {
    recorder.target = "interpreter".to_string();
    let mut sound = Vec::new();
    for parsed in source.functions() {
        let line = parsed.source.line(AnyEntity::Function);
        recorder.step(line, |recorder| match verify(&parsed.func) {
            Ok(()) => sound.push(&parsed.func),
            Err(errors) => recorder.add(line, Status::Failed, errors.to_string()),
        });
    }
    let store = FunctionStore::new(sound);
    let mut interpreter = Interpreter::new(&store);
    // The same exceptions as compiled code has from its host.
    interpreter.define_host(ExternalName::named("throw"), |_: &mut Memory, args: &[DataValue]| {
        let bits = |index: usize| args.get(index).map_or(0, |arg| arg.bits());
        HostOutcome::Throw { tag: bits(0) as u32, payload: [bits(1), bits(2)] }
    });
    test_run::commands(source, &mut interpreter, recorder);
}

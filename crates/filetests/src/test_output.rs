//! Tests of text that a pass prints: `test cat`, `test optimize`, `test compile`.

use crate::check::{Blessing, check};
use crate::report::{Recorder, Status};
use crate::source::{Item, Source};
use crate::target;
use sidetrack_codegen::{CodegenError, compile, disasm, legalize, opt};
use sidetrack_ir::text::ParsedFunction;
use sidetrack_ir::verifier::verify;

/// Checks what `print` makes of each function. `Err((true, _))` skips one.
fn each(
    source: &Source,
    recorder: &mut Recorder<'_>,
    precise: bool,
    blessing: &mut Option<Blessing>,
    print: impl Fn(&ParsedFunction) -> Result<String, (bool, String)>,
) {
    for item in &source.items {
        let parsed = match item {
            Item::Function(parsed) => parsed,
            Item::Unreadable { error, .. } => {
                recorder.step(0, |recorder| recorder.unreadable(error));
                continue;
            }
        };
        let line = parsed.source.line(sidetrack_ir::AnyEntity::Function);
        recorder.step(line, |recorder| match print(parsed) {
            Ok(output) => {
                if let (true, Some(blessing)) = (precise, blessing.as_mut()) {
                    blessing.note(parsed, &output);
                    recorder.add(line, Status::Passed, "blessed");
                } else {
                    recorder.check(line, check(&source.text, parsed, &output, precise));
                }
            }
            Err((true, reason)) => recorder.add(line, Status::Skipped, reason),
            Err((false, message)) => recorder.add(line, Status::Failed, message),
        });
    }
}

/// `test cat`: the writer's text, which must read back as the same text.
pub fn cat(source: &Source, recorder: &mut Recorder<'_>, precise: bool, blessing: &mut Option<Blessing>) {
    each(source, recorder, precise, blessing, |parsed| {
        let text = parsed.func.to_string();
        let again = sidetrack_ir::text::parse_functions(&text)
            .map_err(|error| (false, format!("the writer's text is refused: {error}\n{text}")))?;
        match again.first().map(ToString::to_string) {
            Some(again) if again == text => Ok(text),
            _ => Err((false, format!("the writer's text reads back differently:\n{text}"))),
        }
    });
}

/// `test optimize`: the function after the mid-end.
pub fn optimize(
    source: &Source,
    recorder: &mut Recorder<'_>,
    precise: bool,
    blessing: &mut Option<Blessing>,
) {
    each(source, recorder, precise, blessing, |parsed| {
        let mut func = parsed.func.clone();
        verify(&func).map_err(|errors| (false, errors.to_string()))?;
        legalize::legalize(&mut func).map_err(|message| (false, message))?;
        opt::optimize(&mut func, true).map_err(|message| (false, format!("{message}\n{func}")))?;
        Ok(func.to_string())
    });
}

/// `test compile`: disassembly for each target that the file names.
pub fn compile_output(
    source: &Source,
    recorder: &mut Recorder<'_>,
    precise: bool,
    blessing: &mut Option<Blessing>,
) {
    if source.header.targets.is_empty() {
        recorder.step(0, |recorder| {
            recorder.add(0, Status::Failed, "`test compile` needs a `target` line");
        });
    }
    for line in &source.header.targets {
        recorder.target = line.triple.clone();
        let isa = match target::isa(source, line, false) {
            Ok(isa) => isa,
            Err(reason) => {
                recorder.step(line.line, |recorder| recorder.add(line.line, Status::Skipped, reason));
                continue;
            }
        };
        each(source, recorder, precise, blessing, |parsed| match compile(&parsed.func, &*isa) {
            Ok(code) => disasm::disassemble(&code, isa.name()).map_err(|message| (false, message)),
            Err(error @ (CodegenError::Unsupported { .. } | CodegenError::Signature { .. })) => {
                Err((true, error.to_string()))
            }
            Err(error) => Err((false, error.to_string())),
        });
    }
}

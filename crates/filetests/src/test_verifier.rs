//! `test verifier`: each `; error: TEXT` comment names an error that the verifier
//! must report at the entity on its line; functions without such comments are
//! right.

use crate::report::{Recorder, Status};
use crate::source::{Item, Source};
use sidetrack_ir::AnyEntity;
use sidetrack_ir::text::ParsedFunction;
use sidetrack_ir::verifier::verify;

/// Verifies each function.
pub fn run(source: &Source, recorder: &mut Recorder<'_>) {
    for item in &source.items {
        match item {
            Item::Function(parsed) => {
                let line = parsed.source.line(AnyEntity::Function);
                recorder.step(line, |recorder| function(parsed, line, recorder));
            }
            Item::Unreadable { error, .. } => recorder.step(0, |recorder| recorder.unreadable(error)),
        }
    }
    if source.items.is_empty() {
        recorder.step(0, |recorder| recorder.add(0, Status::Failed, "the file has no function"));
    }
}

fn function(parsed: &ParsedFunction, head: u32, recorder: &mut Recorder<'_>) {
    let expected: Vec<(u32, &str)> = (parsed.comments.iter())
        .filter_map(|c| Some((c.line, c.text.strip_prefix("error:")?.trim())))
        .collect();
    let mut errors: Vec<(u32, String)> = match verify(&parsed.func) {
        Ok(()) => Vec::new(),
        Err(errors) => {
            let line = |entity| parsed.source.line(entity);
            errors.0.iter().map(|error| (line(error.entity), error.message.clone())).collect()
        }
    };
    for (line, text) in &expected {
        let found = errors.iter().position(|(at, message)| at == line && message.contains(text));
        recorder.check(
            *line,
            match found {
                Some(index) => {
                    errors.remove(index);
                    Ok(())
                }
                None => Err(format!("no error here contains `{text}`; the errors: {errors:?}")),
            },
        );
    }
    // Cranelift's runner asks only for what is named; so an error beyond the
    // named ones counts only where none is.
    if expected.is_empty() {
        recorder.check(
            head,
            match errors.first() {
                None => Ok(()),
                Some((line, message)) => Err(format!("line {line}: {message}")),
            },
        );
    }
}

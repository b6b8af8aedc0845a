//! Tests in files: CLIF with a header that says what to do with it.
//!
//! [`run`] takes files and folders and makes a [`Report`]. The header's `test` lines
//! choose kinds of tests, `set` and `target` lines what to compile for; what is
//! expected stands in comments. Files written for Cranelift's runner work as they
//! are; what is outside of the subset here is reported as skipped.

#![deny(unsafe_code)]

mod check;
pub mod differential;
pub mod emulated;
mod loaded;
mod program;
mod report;
mod runcmd;
mod source;
mod target;
mod test_interpret;
mod test_output;
mod test_run;
mod test_verifier;
pub mod wasm_differential;
pub mod wasm_oracle;
pub mod wast;

pub use program::{Failure, Program, runnable};
pub use report::{Record, Recorder, Report, Status};

use check::Blessing;
use source::Source;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// The environment variable that makes precise output be rewritten.
pub const BLESS: &str = "SIDETRACK_BLESS";

/// Runs files and all `.clif` files below folders, in order of their names.
///
/// # Errors
/// If a path cannot be read.
pub fn run(paths: &[PathBuf]) -> Result<Report, String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, "clif", true, &mut files)?;
    }
    let mut report = Report::default();
    for file in files {
        run_file(&file, &mut report)?;
    }
    Ok(report)
}

/// Adds a file that was named, or the files below a folder that end in `.extension`.
fn collect(path: &Path, extension: &str, named: bool, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        if named || path.extension().is_some_and(|ext| ext == extension) {
            files.push(path.to_path_buf());
        }
        return Ok(());
    }
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(failed)?.collect();
    let mut entries: Vec<PathBuf> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, extension, false, files))
}

fn run_file(path: &Path, report: &mut Report) -> Result<(), String> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    let Ok(text) = String::from_utf8(bytes) else {
        Recorder::new(report, &name, "read").add(0, Status::Failed, "the file is not UTF-8");
        return Ok(());
    };
    let source = match Source::parse(&text) {
        Ok(source) => source,
        Err(error) => {
            let status = if error.unsupported { Status::Skipped } else { Status::Failed };
            Recorder::new(report, &name, "read").add(error.line, status, error.message);
            return Ok(());
        }
    };
    if source.header.commands.is_empty() {
        Recorder::new(report, &name, "read").add(0, Status::Skipped, "the file has no `test` line");
    }
    let mut blessing = std::env::var_os(BLESS).map(|_| Blessing::default());
    for command in &source.header.commands {
        let mut recorder = Recorder::new(report, &name, &command.name);
        let precise = command.options.iter().any(|option| option == "precise-output");
        let outcome = catch_unwind(AssertUnwindSafe(|| match command.name.as_str() {
            "cat" => test_output::cat(&source, &mut recorder, precise, &mut blessing),
            "optimize" => test_output::optimize(&source, &mut recorder, precise, &mut blessing),
            "compile" => test_output::compile_output(&source, &mut recorder, precise, &mut blessing),
            "verifier" => test_verifier::run(&source, &mut recorder),
            "interpret" => test_interpret::run(&source, &mut recorder),
            "run" => test_run::run(&source, &mut recorder),
            name => recorder.add(command.line, Status::Skipped, format!("unknown kind of test `{name}`")),
        }));
        if let Err(payload) = outcome {
            let message = (payload.downcast_ref::<String>().map(String::as_str))
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            recorder.add(command.line, Status::Failed, format!("panicked: {message}"));
        }
    }
    if let Some(blessing) = blessing {
        let new = blessing.apply(&source.text);
        if new != source.text {
            std::fs::write(path, new).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}

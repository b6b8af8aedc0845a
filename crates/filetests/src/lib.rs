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
pub mod shapes;
mod source;
mod target;
mod test_interpret;
mod test_output;
mod test_run;
mod test_verifier;
pub mod wast;
mod worker;

pub use program::{Failure, Program, runnable};
pub use report::{Record, Report, Status};
pub use worker::{Worker, serve};

use check::Blessing;
use report::{Recorder, Sink};
use sidetrack_engine::Printable;
use source::{Item, Source};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The environment variable that makes precise output be rewritten.
pub const BLESS: &str = "SIDETRACK_BLESS";

/// The most bytes of a file.
const LARGEST: u64 = 1 << 30;

/// How tests are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// What runs the tests in processes of its own, so that a fault or an endless loop is
    /// a failure of one line. Without it they run in this process.
    pub worker: Option<Worker>,
    /// How long a call that a test makes may take; whole seconds. Without a worker it holds
    /// only where code runs under an emulator.
    pub timeout: Duration,
}

impl Default for Options {
    /// In this process, ten seconds.
    fn default() -> Self {
        Options { worker: None, timeout: Duration::from_secs(10) }
    }
}

/// Runs files and all `.clif` files below folders, and reports in the order of their names.
///
/// # Errors
/// If a path cannot be read, or a worker cannot be started.
pub fn run(paths: &[PathBuf], options: &Options) -> Result<Report, String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, "clif", true, &mut files)?;
    }
    if let Some(worker) = &options.worker {
        return worker::run(&files, worker, options.timeout);
    }
    let mut report = Report::default();
    for file in files {
        run_file(&file, options.timeout, &mut report)?;
    }
    Ok(report)
}

/// Adds a file that was named, or the files below a folder that end in `.extension`.
fn collect(path: &Path, extension: &str, named: bool, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", Printable::path(path));
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

/// Reads a file, which may be a stream that never ends.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", Printable::path(path));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{}: more than 1 GiB", Printable::path(path)));
    }
    Ok(bytes)
}

fn run_file(path: &Path, timeout: Duration, sink: &mut dyn Sink) -> Result<(), String> {
    let name = Printable::path(path);
    let bytes = read_file(path)?;
    let mut source = None;
    let mut reading = Recorder::new(sink, &name, "read");
    reading.step(0, |reading| source = read(bytes, reading));
    let Some(source) = source else { return Ok(()) };
    let mut blessing = std::env::var_os(BLESS).map(|_| Blessing::default());
    for command in &source.header.commands {
        let mut recorder = Recorder::new(sink, &name, &command.name);
        let precise = command.options.iter().any(|option| option == "precise-output");
        match command.name.as_str() {
            "cat" => test_output::cat(&source, &mut recorder, precise, &mut blessing),
            "optimize" => test_output::optimize(&source, &mut recorder, precise, &mut blessing),
            "compile" => test_output::compile_output(&source, &mut recorder, precise, &mut blessing),
            "verifier" => test_verifier::run(&source, &mut recorder),
            "interpret" => test_interpret::run(&source, &mut recorder),
            "run" => test_run::run(&source, timeout, &mut recorder),
            name => recorder.step(command.line, |recorder| {
                recorder.add(command.line, Status::Skipped, format!("unknown kind of test `{name}`"));
            }),
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

/// Reads a file; what is wrong with it is recorded.
fn read(bytes: Vec<u8>, recorder: &mut Recorder<'_>) -> Option<Source> {
    let Ok(text) = String::from_utf8(bytes) else {
        recorder.add(0, Status::Failed, "the file is not UTF-8");
        return None;
    };
    let source = match Source::parse(&text) {
        Ok(source) => source,
        Err(error) => {
            let status = if error.unsupported { Status::Skipped } else { Status::Failed };
            recorder.add(error.line, status, error.message);
            return None;
        }
    };
    for item in &source.items {
        if let Item::Unreadable { error, .. } = item
            && !error.unsupported
        {
            recorder.add(error.line, Status::Failed, error.message.as_str());
        }
    }
    for error in &source.strays {
        recorder.add(error.line, Status::Failed, error.message.as_str());
    }
    if source.header.commands.is_empty() {
        recorder.add(0, Status::Skipped, "the file has no `test` line");
    }
    Some(source)
}

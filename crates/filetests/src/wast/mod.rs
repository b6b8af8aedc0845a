//! WebAssembly's official script format: `.wast` files of modules and assertions.
//!
//! Problem: thousands of scripts that share nothing, with assertions about results
//! bit by bit, traps by their words, and modules that must be refused. Approach:
//! [`run`] reads files in parallel, each with a store of its own on one engine;
//! [`script`] carries out one directive after the other. Every directive is one
//! record in the report. Skipped is only what the engine refuses by name (garbage
//! collection, threads, …), what depends on a module refused so, and claims of scripts
//! for version 2 that something newer is not valid; an engine with the features of
//! version 2 checks these. Whatever depends on a module that failed fails, too.

mod script;
mod spectest;
mod traps;
mod values;

use crate::report::{Record, Report, Status};
use script::Script;
use sidetrack_engine::{Engine, Features, Printable};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use wast::Wast;
use wast::lexer::Lexer;
use wast::parser::{ParseBuffer, parse};

/// The stack of a thread that runs scripts: recursion in them is bounded by the
/// engine's limit, which must be well below.
const STACK_BYTES: usize = 32 << 20;

/// A script with the name it is reported under.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Reads the files at `paths`, and all `.wast` files below those that are folders.
///
/// # Errors
/// If a path cannot be read or is not text.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Source>, String> {
    let mut files = Vec::new();
    for path in paths {
        crate::collect(path, "wast", true, &mut files)?;
    }
    let read = |path: &PathBuf| {
        let name = Printable::path(path);
        let bytes = crate::read_file(path)?;
        let text = String::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))?;
        Ok(Source { name, text })
    };
    files.iter().map(read).collect()
}

/// Runs scripts on as many threads as there are processors. The records are in the
/// order of the sources.
///
/// # Errors
/// If a thread cannot be made.
pub fn run(engine: &Engine, sources: &[Source]) -> Result<Report, String> {
    let mut config = engine.config().clone();
    config.features(Features::VERSION_2);
    let version_2 = &Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let next = AtomicUsize::new(0);
    let reports: Vec<Mutex<Vec<Record>>> = sources.iter().map(|_| Mutex::default()).collect();
    let work = || {
        while let Some((source, report)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((sources.get(i)?, &reports[i])))
        {
            let records = run_one(engine, version_2, source);
            report.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(records);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(sources.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            let thread = thread::Builder::new().stack_size(STACK_BYTES).name("wast".to_string());
            thread.spawn_scoped(scope, work).map_err(|error| format!("a thread for scripts: {error}"))?;
        }
        Ok::<_, String>(())
    })?;
    let records =
        |report: Mutex<Vec<Record>>| report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Report { records: reports.into_iter().flat_map(records).collect() })
}

fn run_one(engine: &Engine, version_2: &Engine, source: &Source) -> Vec<Record> {
    let lines = Lines::new(&source.text);
    let mut log = Log { source, lines, records: Vec::new() };
    if let Err(error) = run_text(engine, version_2, &source.text, &mut log) {
        log.add(error.span().offset(), "parse", Status::Failed, error.message());
    }
    log.records
}

/// Runs a script; an error is one of its text.
fn run_text(engine: &Engine, version_2: &Engine, text: &str, log: &mut Log<'_>) -> Result<(), wast::Error> {
    let mut lexer = Lexer::new(text);
    // Names in the official scripts hold every character there is.
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let wast = parse::<Wast<'_>>(&buffer)?;
    let mut script = match Script::new(engine, version_2) {
        Ok(script) => script,
        Err(error) => {
            log.add(0, "spectest", Status::Failed, format!("{error:#}"));
            return Ok(());
        }
    };
    for mut directive in wast.directives {
        let (at, kind) = (directive.span().offset(), script::kind(&directive));
        let outcome = catch_unwind(AssertUnwindSafe(|| script.directive(&mut directive)));
        let (status, message) = match outcome {
            Ok(Ok(())) => (Status::Passed, String::new()),
            Ok(Err(script::Miss::Failed(message))) => (Status::Failed, message),
            Ok(Err(script::Miss::Skipped(reason))) => (Status::Skipped, reason),
            Err(_) => {
                log.add(at, kind, Status::Failed, "the engine panicked; the rest of the file is not run");
                return Ok(());
            }
        };
        log.add(at, kind, status, message);
    }
    Ok(())
}

/// The records of a script.
struct Log<'a> {
    source: &'a Source,
    lines: Lines,
    records: Vec<Record>,
}

impl Log<'_> {
    fn add(&mut self, offset: usize, kind: &str, status: Status, message: impl Into<String>) {
        let (line, column) = self.lines.place(offset);
        self.records.push(Record {
            file: self.source.name.clone(),
            line,
            column,
            kind: kind.to_string(),
            target: String::new(),
            status,
            message: Printable::name(&message.into()).to_string(),
        });
    }
}

/// Where the lines of a text start.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line and column of a byte, counted from 1.
    fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.0.partition_point(|start| *start <= offset);
        (line as u32, (offset - self.0[line - 1] + 1) as u32)
    }
}

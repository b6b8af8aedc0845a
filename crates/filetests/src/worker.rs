//! Tests in processes of their own.
//!
//! Problem: what a test runs may do anything: fault in the interpreter's own code, run for
//! ever, jump to where nothing is. That is to be a failure of one line. Approach: workers
//! run the files and tell of each step before they begin it, and of its records. When one
//! dies, or a step takes too long, the step has failed; another worker repeats what the
//! first had done as far as that changes what comes after, and goes on behind the step.
//!
//! Requests and messages are JSON, one in a line, on the worker's standard streams.

use crate::report::{Record, Report, Sink, Status, Step, Turn};
use crate::run_file;
use serde::{Deserialize, Serialize};
use sidetrack_engine::Printable;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A program that calls [`serve`].
#[derive(Clone, Debug)]
pub struct Worker {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

/// A file to run, and what has been done of it.
#[derive(Serialize, Deserialize)]
struct Request {
    file: PathBuf,
    timeout: Duration,
    /// How many of its steps have been recorded.
    done: usize,
    /// Those of them that must not be tried again.
    fatal: Vec<usize>,
}

/// What a worker tells.
#[derive(Serialize, Deserialize)]
enum Message {
    Begin(Step),
    Record(Record),
    End(Result<(), String>),
}

/// Beyond the timeout, for what ends calls by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Runs files in as many processes as the machine has processors.
pub(crate) fn run(files: &[PathBuf], worker: &Worker, timeout: Duration) -> Result<Report, String> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        let mut process = None;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { break };
            let result = supervise(file, worker, timeout, &mut process);
            results.lock().unwrap_or_else(|e| e.into_inner()).push((index, result));
        }
    };
    let count = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|e| e.into_inner());
    results.sort_by_key(|(index, _)| *index);
    let mut report = Report::default();
    for (_, records) in results {
        report.records.extend(records?);
    }
    Ok(report)
}

/// Has a worker run a file, and another for as long as they die of it.
fn supervise(
    file: &Path,
    worker: &Worker,
    timeout: Duration,
    process: &mut Option<Process>,
) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut request = Request { file: file.to_path_buf(), timeout, done: 0, fatal: Vec::new() };
    loop {
        let mut running = match process.take() {
            Some(running) => running,
            None => Process::start(worker)?,
        };
        let mut steps = 0;
        let mut current: Option<Step> = None;
        let sent = running.send(&request);
        let cause = loop {
            let limited = sent.is_ok() && current.as_ref().is_some_and(|step| step.limited);
            match running.receive(limited.then_some(timeout + GRACE)) {
                Ok(Message::Begin(step)) => {
                    steps += 1;
                    current = Some(step);
                }
                Ok(Message::Record(record)) => records.push(record),
                Ok(Message::End(result)) => {
                    *process = Some(running);
                    return result.map(|()| records);
                }
                Err(RecvTimeoutError::Timeout) => break format!("not done after {} s", timeout.as_secs()),
                Err(RecvTimeoutError::Disconnected) => break running.death(),
            }
        };
        drop(running);
        // What dies where there is nothing to pass over would do so again.
        let hopeless = steps == 0 || request.fatal.contains(&steps);
        let step = current.filter(|_| !hopeless).unwrap_or(Step {
            line: 0,
            kind: "read".to_string(),
            target: String::new(),
            limited: false,
        });
        records.push(Record {
            file: Printable::path(file),
            line: step.line,
            column: 0,
            kind: step.kind,
            target: step.target,
            status: Status::Failed,
            message: cause,
        });
        if hopeless {
            return Ok(records);
        }
        request.done = request.done.max(steps);
        request.fatal.push(steps);
    }
}

/// A running worker.
struct Process {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Message>,
}

impl Process {
    fn start(worker: &Worker) -> Result<Process, String> {
        let failed = |error: io::Error| format!("{}: {error}", worker.program.display());
        let mut child = Command::new(&worker.program)
            .args(&worker.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{}: no pipes", worker.program.display()));
        };
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(message) = line.and_then(|line| Ok(serde_json::from_str(&line)?)) else { break };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Ok(Process { child, input, messages })
    }

    fn send(&mut self, request: &Request) -> io::Result<()> {
        writeln!(self.input, "{}", serde_json::to_string(request)?)
    }

    fn receive(&self, limit: Option<Duration>) -> Result<Message, RecvTimeoutError> {
        match limit {
            Some(limit) => self.messages.recv_timeout(limit),
            None => self.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// How it died, as it has nothing more to say.
    fn death(&mut self) -> String {
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => format!("the process died: {status}"),
            Err(error) => format!("the process died: {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs tests as a worker, until standard input ends.
///
/// # Errors
/// Standard input or output that fails, or a request that nobody here makes.
pub fn serve() -> io::Result<()> {
    for line in io::stdin().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let mut teller = Teller { done: request.done, fatal: &request.fatal, step: 0 };
        let result = run_file(&request.file, request.timeout, &mut teller);
        tell(&Message::End(result));
    }
    Ok(())
}

/// Tells the process that waits. If it is gone, there is nobody to tell.
fn tell(message: &Message) {
    let mut output = io::stdout().lock();
    let text = serde_json::to_string(message).unwrap_or_default();
    let told = writeln!(output, "{text}").and_then(|()| output.flush());
    if told.is_err() {
        std::process::exit(1);
    }
}

/// Tells of steps and records as they come.
struct Teller<'a> {
    done: usize,
    fatal: &'a [usize],
    /// How many steps have begun.
    step: usize,
}

impl Sink for Teller<'_> {
    fn begin(&mut self, step: Step) -> Turn {
        self.step += 1;
        tell(&Message::Begin(step));
        match self.step {
            step if self.fatal.contains(&step) => Turn::Skip,
            step if step <= self.done => Turn::Repeat,
            _ => Turn::Do,
        }
    }

    fn record(&mut self, record: Record) {
        if self.step > self.done {
            tell(&Message::Record(record));
        }
    }
}

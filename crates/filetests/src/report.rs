//! What came of each assertion.

use serde::{Deserialize, Serialize};
use sidetrack_ir::text::ParseError;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How an assertion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It is outside of what is here; the message says why.
    Skipped,
}

/// One assertion of a test file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The file.
    pub file: String,
    /// The line, counted from 1; 0 for the file as a whole.
    pub line: u32,
    /// The column, counted from 1; 0 where lines are enough.
    pub column: u32,
    /// The kind of test.
    pub kind: String,
    /// The target, or what runs in its place; empty where there is none.
    pub target: String,
    /// How it ended.
    pub status: Status,
    /// Why it failed or was skipped; what was printed.
    pub message: String,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            Status::Passed => "passed",
            Status::Failed => "FAILED",
            Status::Skipped => "skipped",
        };
        write!(f, "{}:{}:", self.file, self.line)?;
        if self.column > 0 {
            write!(f, "{}:", self.column)?;
        }
        write!(f, " {} ", self.kind)?;
        if !self.target.is_empty() {
            write!(f, "[{}] ", self.target)?;
        }
        write!(f, "{status}: {}", self.message)
    }
}

/// All records of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The records in order.
    pub records: Vec<Record>,
}

impl Report {
    /// How many assertions ended so.
    pub fn count(&self, status: Status) -> usize {
        self.records.iter().filter(|record| record.status == status).count()
    }

    /// Whether none failed.
    pub fn ok(&self) -> bool {
        self.count(Status::Failed) == 0
    }

    /// What was skipped: each file and reason once, with how often.
    pub fn skipped(&self) -> Vec<(&str, &str, usize)> {
        let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
        for record in self.records.iter().filter(|record| record.status == Status::Skipped) {
            match reasons
                .iter_mut()
                .find(|(file, reason, _)| *file == record.file && *reason == record.message)
            {
                Some((_, _, count)) => *count += 1,
                None => reasons.push((&record.file, &record.message, 1)),
            }
        }
        reasons
    }

    /// `N passed, N failed, N skipped`.
    pub fn summary(&self) -> String {
        let [passed, failed, skipped] =
            [Status::Passed, Status::Failed, Status::Skipped].map(|status| self.count(status));
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Where a step of a test stands, told before it begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) line: u32,
    pub(crate) kind: String,
    pub(crate) target: String,
    /// Whether it runs what a test says, which may never end.
    pub(crate) limited: bool,
}

/// What is to become of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is done.
    Do,
    /// It was done by a process that has died since: what it leaves is needed, its records
    /// are not.
    Repeat,
    /// It was what the process died of.
    Skip,
}

/// What is told about the steps of a file.
pub(crate) trait Sink {
    /// A step begins.
    fn begin(&mut self, step: Step) -> Turn;
    /// The step has this result; nothing is heard of results of repeated steps.
    fn record(&mut self, record: Record);
}

impl Sink for Report {
    fn begin(&mut self, _: Step) -> Turn {
        Turn::Do
    }

    fn record(&mut self, record: Record) {
        self.records.push(record);
    }
}

/// Collects the records of one kind of test in one file.
pub(crate) struct Recorder<'a> {
    sink: &'a mut dyn Sink,
    file: &'a str,
    kind: &'a str,
    /// The target of the next records.
    pub target: String,
}

impl<'a> Recorder<'a> {
    /// A recorder without a target.
    pub fn new(sink: &'a mut dyn Sink, file: &'a str, kind: &'a str) -> Self {
        Recorder { sink, file, kind, target: String::new() }
    }

    /// Does a step: the smallest part of a test that fails for itself. All records belong
    /// to one. A panic is a failure of the step; so is the end of the process, where
    /// another waits for that.
    pub fn step(&mut self, line: u32, body: impl FnOnce(&mut Self)) {
        self.step_of(line, false, |recorder, _| body(recorder));
    }

    /// As [`Recorder::step`], for running what a test says, which may take a limited time.
    /// The body is told whether the step is only repeated.
    pub fn limited_step(&mut self, line: u32, body: impl FnOnce(&mut Self, bool)) {
        self.step_of(line, true, body);
    }

    fn step_of(&mut self, line: u32, limited: bool, body: impl FnOnce(&mut Self, bool)) {
        let (kind, target) = (self.kind.to_string(), self.target.clone());
        let turn = self.sink.begin(Step { line, kind, target, limited });
        if turn == Turn::Skip {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| body(self, turn == Turn::Repeat)));
        if let Err(payload) = outcome {
            self.add(line, Status::Failed, format!("panicked: {}", panic_message(&*payload)));
        }
    }

    /// Adds a record.
    pub fn add(&mut self, line: u32, status: Status, message: impl Into<String>) {
        self.sink.record(Record {
            file: self.file.to_string(),
            line,
            column: 0,
            kind: self.kind.to_string(),
            target: self.target.clone(),
            status,
            message: message.into(),
        });
    }

    /// Records that a function is beyond the subset; one that is wrong has been recorded
    /// when the file was read.
    pub fn unreadable(&mut self, error: &ParseError) {
        if error.unsupported {
            self.add(0, Status::Skipped, error.to_string());
        }
    }

    /// Adds a passed assertion, or a failed one with its message.
    pub fn check(&mut self, line: u32, result: Result<(), String>) {
        match result {
            Ok(()) => self.add(line, Status::Passed, ""),
            Err(message) => self.add(line, Status::Failed, message),
        }
    }
}

/// What a panic says.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    (payload.downcast_ref::<String>().map(String::as_str))
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

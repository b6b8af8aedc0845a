//! What came of each assertion.

use serde::Serialize;
use std::fmt;

/// How an assertion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
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

/// Collects the records of one kind of test in one file.
pub struct Recorder<'a> {
    report: &'a mut Report,
    file: &'a str,
    kind: &'a str,
    /// The target of the next records.
    pub target: String,
}

impl<'a> Recorder<'a> {
    /// A recorder without a target.
    pub fn new(report: &'a mut Report, file: &'a str, kind: &'a str) -> Self {
        Recorder { report, file, kind, target: String::new() }
    }

    /// Adds a record.
    pub fn add(&mut self, line: u32, status: Status, message: impl Into<String>) {
        self.report.records.push(Record {
            file: self.file.to_string(),
            line,
            column: 0,
            kind: self.kind.to_string(),
            target: self.target.clone(),
            status,
            message: message.into(),
        });
    }

    /// Adds a passed assertion, or a failed one with its message.
    pub fn check(&mut self, line: u32, result: Result<(), String>) {
        match result {
            Ok(()) => self.add(line, Status::Passed, ""),
            Err(message) => self.add(line, Status::Failed, message),
        }
    }
}

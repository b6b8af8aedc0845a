//! `sidetrack filetest`: runs test files.

use sidetrack_filetests::{Options, Status, Worker};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// Files, and folders of `.clif` files.
    #[arg(required_unless_present = "worker")]
    paths: Vec<PathBuf>,
    /// Write a record for each assertion to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print what passed and what was skipped, too.
    #[arg(long, short)]
    verbose: bool,
    /// How long a call that a test makes may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Run the tests in this process: a fault ends it, and nothing ends an endless loop.
    #[arg(long)]
    in_process: bool,
    /// Be the process that another command runs tests in.
    #[arg(long, hide = true)]
    worker: bool,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    if args.worker {
        return sidetrack_filetests::serve().map(|()| true).map_err(|error| error.to_string());
    }
    let mut options = Options { timeout: Duration::from_secs(args.timeout), ..Options::default() };
    if !args.in_process {
        let program = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
        options.worker = Some(Worker { program, args: vec!["filetest".to_string(), "--worker".to_string()] });
    }
    let report = sidetrack_filetests::run(&args.paths, &options)?;
    let mut text = String::new();
    for record in &report.records {
        let printed = record.status == Status::Failed || record.kind == "print";
        if printed || args.verbose || !record.message.is_empty() && record.status == Status::Passed {
            text.push_str(&format!("{record}\n"));
        }
    }
    // Of what was skipped, each file and reason once.
    if !args.verbose {
        for (file, reason, count) in report.skipped() {
            text.push_str(&format!("{file}: skipped: {reason} ({count})\n"));
        }
    }
    if let Some(path) = &args.json {
        let mut json = serde_json::to_string_pretty(&report.records).map_err(|error| error.to_string())?;
        json.push('\n');
        super::write_whole(path, &mut |to| to.write_all(json.as_bytes()))?;
    }
    text.push_str(&report.summary());
    text.push('\n');
    super::print(&text)?;
    Ok(report.ok())
}

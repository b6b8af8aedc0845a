//! `sidetrack filetest`: runs test files.

use sidetrack_filetests::Status;
use std::path::PathBuf;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    /// Files, and folders of `.clif` files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write a record for each assertion to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print what passed and what was skipped, too.
    #[arg(long, short)]
    verbose: bool,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let report = sidetrack_filetests::run(&args.paths)?;
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
        super::write_whole(path, json.as_bytes())?;
    }
    text.push_str(&report.summary());
    text.push('\n');
    super::print(&text)?;
    Ok(report.ok())
}

//! `sidetrack wast`: runs scripts of WebAssembly's official test format.

use super::TargetArgs;
use sidetrack_engine::{Engine, Features};
use sidetrack_filetests::{Status, wast};
use std::path::PathBuf;

/// Arguments of the verb.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Refuse what is newer than version 2 of WebAssembly, as scripts for it expect.
    #[arg(long)]
    version_2: bool,
    /// Keep every debug site on, with nothing to do there.
    #[arg(long)]
    arm_sites: bool,
    /// Files, and folders of `.wast` files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<bool, String> {
    let mut config = args.target.config()?;
    config.parallel_compilation(false).arm_sites(args.arm_sites);
    if args.version_2 {
        config.features(Features::VERSION_2);
    }
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let report = wast::run(&engine, &wast::read(&args.paths)?)?;
    let mut text = String::new();
    for record in report.records.iter().filter(|record| record.status == Status::Failed) {
        let place = format!("{}:{}:{}", record.file, record.line, record.column);
        text.push_str(&format!("{place}: {}: {}\n", record.kind, record.message));
    }
    for (file, reason, count) in report.skipped() {
        text.push_str(&format!("{file}: skipped: {reason} ({count})\n"));
    }
    text.push_str(&report.summary());
    text.push('\n');
    super::print(&text)?;
    Ok(report.ok())
}

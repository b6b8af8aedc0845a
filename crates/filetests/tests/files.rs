//! Runs every file in `tests/filetests`.

use sidetrack_filetests::{Record, Status, run};
use std::path::Path;

#[test]
fn all_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/filetests");
    let report = run(&[folder]).expect("the folder can be read");
    // Our own files use nothing that is not here, so nothing may be skipped, but for
    // targets that only an emulator runs.
    let no_tool = |r: &Record| r.status == Status::Skipped && r.message.ends_with(" not found");
    let wrong = report.records.iter().filter(|r| r.status != Status::Passed && !no_tool(r));
    let wrong: Vec<String> = wrong.map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), report.summary());
    assert!(report.count(Status::Passed) > 10_000, "{}", report.summary());
}

//! Runs every file in `tests/filetests`.

use sidetrack_filetests::{Status, run};
use std::path::Path;

#[test]
fn all_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/filetests");
    let report = run(&[folder]).expect("the folder can be read");
    let wrong: Vec<String> =
        report.records.iter().filter(|r| r.status != Status::Passed).map(ToString::to_string).collect();
    // Our own files use nothing that is not here, so nothing may be skipped.
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), report.summary());
    assert!(report.count(Status::Passed) > 10_000, "{}", report.summary());
}

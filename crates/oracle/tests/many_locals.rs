//! Functions with very many locals alive at very many joins: whatever the compiler leaves
//! out of their states, no breakpoint is missed, and no step skips an operator.
//!
//! `SIDETRACK_MANY_LOCALS=600x2000,1000x1000` asks for other sizes: locals, and `if`s.

use sidetrack_engine::{Config, DebugEvent, Engine, Instance, Module, Resume, Store, Target};
use sidetrack_oracle as oracle;
use std::cell::RefCell;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

const BREAKPOINTS: usize = 250;
const STEPS: usize = 1_000;

/// A program with so many locals that are alive from the start to the end, some of which
/// each of so many `if`s reads or sets.
fn program(locals: usize, ifs: usize) -> Vec<u8> {
    let mut text = String::from("(module (memory 1) (func (export \"run\") (result i32) (local i32)");
    _ = writeln!(text, " (local{})", " i32".repeat(locals));
    for n in 1..=locals {
        _ = writeln!(text, "(local.set {n} (i32.add (i32.load (i32.const 0)) (i32.const {})))", 7 * n);
    }
    for n in 0..ifs {
        let (read, set) = (1 + 37 * n % locals, 1 + 91 * n % locals);
        _ = writeln!(
            text,
            "(if (i32.and (local.get {read}) (i32.const 1))
               (then (i32.store (i32.const 4) (local.get {read})))
               (else (local.set {set} (i32.const {n}))))"
        );
    }
    for n in 1..=locals {
        _ = writeln!(text, "(local.set 0 (i32.add (local.get 0) (local.get {n})))");
    }
    text.push_str("(local.get 0)))");
    wat::parse_str(&text).expect("it is right")
}

/// The wasm pcs of the operators in the order in which the plain interpreter executes them.
fn executed(bytes: &[u8]) -> Vec<u32> {
    let pcs = RefCell::new(Vec::new());
    let mut store = oracle::Store::new(oracle::Limits::default());
    store.trace(|line| {
        let digits = line.split("\"pc\":").nth(1).and_then(|rest| rest.split(',').next());
        pcs.borrow_mut().push(digits.and_then(|digits| digits.parse().ok()).expect("a line has a pc"));
    });
    let module = oracle::Module::new(bytes).expect("it is valid");
    let instance = store.instantiate(&module, &[]).expect("it can be instantiated");
    let Some(oracle::Extern::Func(run)) = store.export(instance, "run") else { panic!("no `run`") };
    store.call(run, &[]).expect("it returns");
    drop(store);
    pcs.into_inner()
}

/// Numbers below a bound, the same in each run (xorshift).
fn numbers(below: usize) -> impl Iterator<Item = usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    })
}

/// The pcs of the stops of one run that has these breakpoints; from each on, so many steps.
fn stops(engine: &Engine, module: &Module, breakpoints: &[u32], steps: usize) -> Vec<u32> {
    let mut store = Store::new(engine, ());
    let stops = Arc::new(Mutex::new((Vec::new(), 0)));
    let sink = stops.clone();
    store.debug_handler(move |stop, event| {
        let (pcs, left) = &mut *sink.lock().expect("nobody panics");
        pcs.push(stop.pc());
        *left = if event == DebugEvent::Breakpoint { steps } else { *left - 1 };
        Ok(if *left > 0 { Resume::Step } else { Resume::Continue })
    });
    let instance = Instance::new(&mut store, module, &[]).expect("it can be instantiated");
    breakpoints.iter().for_each(|pc| {
        store.add_breakpoint(module, *pc).expect("control comes there");
    });
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").expect("it has this type");
    run.call(&mut store, ()).expect("it returns");
    let stops = stops.lock().expect("nobody panics");
    stops.0.clone()
}

fn check(locals: usize, ifs: usize) {
    let bytes = program(locals, ifs);
    let executed = executed(&bytes);
    for target in Target::supported() {
        let engine = Engine::new(Config::new().target(target)).expect("it runs here");
        let module = Module::new(&engine, &bytes).expect("it compiles");
        let name = format!("{locals}x{ifs} on {target:?}");

        // Each operator is executed at most once, so that there is one stop for each.
        let mut chosen: Vec<usize> = numbers(executed.len()).take(BREAKPOINTS).collect();
        chosen.sort_unstable();
        chosen.dedup();
        let breakpoints: Vec<u32> = chosen.iter().map(|&at| executed[at]).collect();
        assert_eq!(stops(&engine, &module, &breakpoints, 0), breakpoints, "breakpoints in {name}");
        for pc in breakpoints.iter().step_by(10) {
            assert_eq!(stops(&engine, &module, &[*pc], 0), [*pc], "one breakpoint in {name}");
        }

        // Steps from random places, ten at a time.
        for from in numbers(executed.len()).take(STEPS / 10) {
            let expected: Vec<u32> = executed[from..].iter().copied().take(11).collect();
            assert_eq!(stops(&engine, &module, &expected[..1], 10), expected, "steps in {name}");
        }
    }
}

#[test]
fn what_states_leave_out_decides_no_stop() {
    let sizes = std::env::var("SIDETRACK_MANY_LOCALS").unwrap_or_else(|_| "300x300".to_owned());
    for size in sizes.split(',') {
        let parsed = size.split_once('x').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let (locals, ifs) = parsed.unwrap_or_else(|| panic!("{size} is no LOCALSxIFS"));
        check(locals, ifs);
    }
}

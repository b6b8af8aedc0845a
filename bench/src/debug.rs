//! The debugger beside Wasmtime's guest debugging: what a stop costs, what it costs to
//! set breakpoints, and what programs and stores pay that are not stopped.
//!
//! Rounds are interleaved and medians printed. Stops and edits are measured in the time of
//! the thread, so that what else the machine does disturbs less. What is a claim rather
//! than a figure (a store that is never stopped, sites that are off again) is asserted.

mod memory;
mod theirs;
mod threads;

pub use memory::grown;

use crate::median;
use sidetrack_engine as ours;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use theirs::{Debugged, Does};

type Failure = Box<dyn std::error::Error>;

/// Ten operators a pass.
const LOOP: &str = r#"(module
    (func (export "loop") (param $n i32) (local $x i32)
        (loop $again
            (local.set $x (i32.add (local.get $x) (local.get $n)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Breakpoints hit and operators stepped.
    Stops,
    /// Breakpoints set and cleared.
    Edits,
    /// Instantiation.
    Instantiation,
    /// Resident memory.
    Memory,
    /// A store beside one that is debugged.
    Stores,
    /// Interrupts of running programs.
    Interrupts,
}

/// Runs all measurements, or one, that `program`, a large module, is needed for or not.
pub fn run(
    rounds: usize,
    interrupts: usize,
    only: Option<Part>,
    program: Option<&Path>,
) -> Result<(), String> {
    let wants = |part: Part| only.is_none_or(|only| only == part);
    let all = || {
        if wants(Part::Stops) {
            stops(rounds)?;
        }
        if let Some(program) = program {
            if wants(Part::Edits) {
                edits(rounds, program)?;
            }
            if wants(Part::Instantiation) {
                instantiation(rounds, program)?;
            }
            if wants(Part::Memory) {
                memory::run(rounds, program)?;
            }
        }
        if wants(Part::Stores) {
            threads::two_stores(rounds)?;
        }
        if wants(Part::Interrupts) {
            threads::interrupts(interrupts, program)?;
        }
        Ok(())
    };
    all().map_err(|error: Failure| error.to_string())
}

/// An engine whose programs can be debugged.
fn engine() -> Result<ours::Engine, Failure> {
    Ok(ours::Engine::new(ours::Config::new().verify(false))?)
}

/// The wasm pcs of the operators of each function.
fn operators(wasm: &[u8]) -> Result<Vec<Vec<u32>>, Failure> {
    let mut functions = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        if let wasmparser::Payload::CodeSectionEntry(body) = payload? {
            let mut reader = body.get_operators_reader()?;
            let mut pcs = Vec::new();
            while !reader.eof() {
                pcs.push(reader.original_position() as u32);
                reader.read()?;
            }
            functions.push(pcs);
        }
    }
    Ok(functions)
}

/// The processor time that this thread has had, in nanoseconds.
fn thread_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn nanoseconds(start: f64, count: u64) -> f64 {
    (thread_time() - start) / count as f64
}

/// Our loop with a handler that counts and resumes.
struct Looping {
    store: ours::Store<()>,
    module: ours::Module,
    func: ours::TypedFunc<i32, ()>,
    stops: Arc<AtomicU64>,
}

impl Looping {
    fn new(engine: &ours::Engine, wasm: &[u8], does: Does, resume: ours::Resume) -> Result<Self, Failure> {
        let module = ours::Module::from_binary(engine, wasm)?;
        let mut store = ours::Store::new(engine, ());
        let stops = Arc::new(AtomicU64::new(0));
        let count = stops.clone();
        store.debug_handler(move |stop, _| {
            count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            if does == Does::Reads {
                let mut local = None;
                stop.for_each_local(|_, value| {
                    local.get_or_insert(value);
                });
                std::hint::black_box((stop.pc(), local));
            }
            Ok(resume)
        });
        let instance = ours::Instance::new(&mut store, &module, &[])?;
        let func = instance.get_typed_func(&mut store, "loop")?;
        Ok(Looping { store, module, func, stops })
    }

    fn call(&mut self, count: i32) -> Result<u64, Failure> {
        let before = self.stops.load(Ordering::Relaxed);
        self.func.call(&mut self.store, count)?;
        Ok(self.stops.load(Ordering::Relaxed) - before)
    }
}

/// Breakpoints hit and operators stepped.
fn stops(rounds: usize) -> Result<(), Failure> {
    const COUNT: i32 = 300_000;
    let wasm = wat::parse_str(LOOP)?;
    let pcs = operators(&wasm)?.remove(0);
    let (engine, their_engine) = (engine()?, theirs::engine()?);
    let their_module = wasmtime::Module::from_binary(&their_engine, &wasm)?;
    // The head of the loop, where a site is, and an operator six further on in its run.
    let places = [("at a site", 1), ("seven operators behind it", 8)];
    for (place, index) in places {
        for does in [Does::Nothing, Does::Reads] {
            let mut mine = Looping::new(&engine, &wasm, does, ours::Resume::Continue)?;
            mine.store.add_breakpoint(&mine.module.clone(), pcs[index])?;
            let mut other = Debugged::new(&their_engine, &their_module, does)?;
            other.breakpoints(&[pcs[index]], true)?;
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                let start = thread_time();
                assert_eq!(mine.call(COUNT)?, COUNT as u64);
                a.push(nanoseconds(start, COUNT as u64));
                let start = thread_time();
                assert_eq!(other.call("loop", COUNT)?, COUNT as u64);
                b.push(nanoseconds(start, COUNT as u64));
            }
            let what = if does == Does::Reads { "pc and a local read" } else { "handler returns at once" };
            report(&format!("breakpoint hit {place}, {what}"), "ns", median(a), median(b));
        }
    }
    for does in [Does::Nothing, Does::Reads] {
        let mut mine = Looping::new(&engine, &wasm, does, ours::Resume::Step)?;
        let mut other = Debugged::new(&their_engine, &their_module, does)?;
        other.single_step(true)?;
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            mine.store.stop_at_entry();
            let start = thread_time();
            let steps = mine.call(COUNT / 10)?;
            a.push(nanoseconds(start, steps));
            let start = thread_time();
            let their_steps = other.call("loop", COUNT / 10)?;
            b.push(nanoseconds(start, their_steps));
            assert_eq!(steps, their_steps);
        }
        let what = if does == Does::Reads { "pc and a local read" } else { "handler returns at once" };
        report(&format!("single step, {what}"), "ns", median(a), median(b));
    }
    Ok(())
}

fn report(what: &str, unit: &str, mine: f64, theirs: f64) {
    println!("{what}: {mine:.2} {unit}, wasmtime {theirs:.2} {unit}, ratio {:.3}", mine / theirs);
}

/// Microseconds that something takes.
fn micros(act: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = thread_time();
    act()?;
    Ok((thread_time() - start) / 1e3)
}

/// A store of ours with an instance of a module whose imports trap.
fn instantiated(
    engine: &ours::Engine,
    module: &ours::Module,
) -> Result<(ours::Store<()>, ours::Instance), Failure> {
    let mut linker = ours::Linker::new(engine);
    linker.define_unknown_imports_as_traps(module)?;
    let mut store = ours::Store::new(engine, ());
    let instance = linker.instantiate(&mut store, module)?;
    Ok((store, instance))
}

/// Breakpoints set and cleared in a large module, and single-step mode switched.
fn edits(rounds: usize, program: &Path) -> Result<(), Failure> {
    let wasm = std::fs::read(program)?;
    let functions = operators(&wasm)?;
    // The middle of each function that is not tiny.
    let mut pcs: Vec<u32> = functions.iter().filter(|pcs| pcs.len() > 40).map(|pcs| pcs[20]).collect();
    let (engine, their_engine) = (engine()?, theirs::engine()?);
    let module = ours::Module::from_binary(&engine, &wasm)?;
    let their_module = wasmtime::Module::from_binary(&their_engine, &wasm)?;
    let (mut store, instance) = instantiated(&engine, &module)?;
    let mut other = Debugged::new(&their_engine, &their_module, Does::Nothing)?;
    // Some operators are never reached and cannot have a breakpoint.
    pcs.retain(|&pc| {
        store.add_breakpoint(&module, pc).and_then(|_| store.remove_breakpoint(&module, pc)).is_ok()
    });
    println!("{}: {} functions, {} places for breakpoints", program.display(), functions.len(), pcs.len());
    let (mut first, mut again, mut their_one) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds * 20 {
        let pc = pcs[(round * 37 + 11) % pcs.len()];
        // A module and a store that nobody has debugged: decodes the function, copies the page.
        if round % 20 == 0 {
            let fresh = ours::Module::from_binary(&engine, &wasm)?;
            let (mut store, _) = instantiated(&engine, &fresh)?;
            for near in 0..5 {
                let pc = pcs[(round * 37 + 11 + near * 100) % pcs.len()];
                first.push(micros(|| {
                    store.add_breakpoint(&fresh, pc)?;
                    Ok(store.remove_breakpoint(&fresh, pc)?)
                })?);
            }
        }
        again.push(micros(|| {
            store.add_breakpoint(&module, pc)?;
            Ok(store.remove_breakpoint(&module, pc)?)
        })?);
        if round % 4 == 0 {
            their_one.push(micros(|| {
                other.breakpoints(&[pc], true)?;
                Ok(other.breakpoints(&[pc], false)?)
            })?);
        }
    }
    let theirs = median(their_one);
    report("set and clear one breakpoint", "us", median(again), theirs);
    report("the same, first in its function", "us", median(first), theirs);
    let many: Vec<u32> = pcs.iter().copied().cycle().take(1000).collect();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        a.push(
            micros(|| {
                let mut edit = store.edit_breakpoints();
                for &pc in &many {
                    edit.add(&module, pc)?;
                }
                edit.commit()?;
                let mut edit = store.edit_breakpoints();
                for &pc in &many {
                    edit.remove(&module, pc)?;
                }
                Ok(edit.commit()?)
            })? / 1000.0,
        );
        b.push(
            micros(|| {
                other.breakpoints(&many, true)?;
                Ok(other.breakpoints(&many, false)?)
            })? / 1000.0,
        );
    }
    report("batch of 1000, each set and cleared", "us", median(a), median(b));
    // Ours is armed as the program comes along: on, the first stop, and off by ending the call.
    store.debug_handler(|_, _| Err(ours::Trap::Interrupt.into()));
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..rounds * 3 {
        a.push(micros(|| {
            store.stop_at_entry();
            assert!(start.call(&mut store, ()).is_err());
            Ok(())
        })?);
        b.push(micros(|| {
            other.single_step(true)?;
            Ok(other.single_step(false)?)
        })?);
    }
    report("single-step mode on and off (ours with a stop between)", "us", median(a), median(b));
    Ok(())
}

/// Instantiation with sites, without, and Wasmtime's with guest debugging.
fn instantiation(rounds: usize, program: &Path) -> Result<(), Failure> {
    let wasm = std::fs::read(program)?;
    let off = ours::Engine::new(ours::Config::new().verify(false).instrument(ours::Instrument::Off))?;
    let engines = [engine()?, off];
    let their_engine = theirs::engine()?;
    let modules =
        [ours::Module::from_binary(&engines[0], &wasm)?, ours::Module::from_binary(&engines[1], &wasm)?];
    let their_module = wasmtime::Module::from_binary(&their_engine, &wasm)?;
    let linkers = [0, 1].map(|n| {
        let mut linker = ours::Linker::<()>::new(&engines[n]);
        linker.define_unknown_imports_as_traps(&modules[n]).map(|()| linker)
    });
    let mut times: [Vec<f64>; 3] = Default::default();
    for round in 0..rounds * 20 {
        for n in [0, 1] {
            let linker = linkers[n].as_ref().map_err(ToString::to_string)?;
            let start = thread_time();
            let mut store = ours::Store::new(&engines[n], ());
            linker.instantiate(&mut store, &modules[n])?;
            times[n].push((thread_time() - start) / 1e3);
        }
        if round % 10 == 0 {
            let mut linker = wasmtime::Linker::new(&their_engine);
            linker.define_unknown_imports_as_traps(&their_module)?;
            let start = thread_time();
            let mut store = wasmtime::Store::new(&their_engine, ());
            theirs::ready(linker.instantiate_async(&mut store, &their_module))?;
            times[2].push((thread_time() - start) / 1e3);
        }
    }
    let [on, off, theirs] = times.map(median);
    println!(
        "instantiation: {on:.1} us with sites, {off:.1} us without, wasmtime {theirs:.1} us, ratios {:.2} and {:.3}",
        on / off,
        on / theirs
    );
    Ok(())
}

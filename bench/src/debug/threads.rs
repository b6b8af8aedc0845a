//! Stores on several threads: what one's debugger does to another, and how long an
//! interrupt takes.

use super::{Failure, LOOP, engine, instantiated, operators, thread_time};
use crate::median;
use sidetrack_engine as ours;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// What the store on the other thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// There is none.
    Alone,
    /// Runs the same.
    Runs,
    /// Sets and clears a breakpoint, and nothing else.
    Toggles,
    /// Both, by turns.
    Both,
}

/// Milliseconds of its thread that a call takes beside another store, and how often that one was toggled a second.
fn beside(
    engine: &ours::Engine,
    module: &ours::Module,
    pc: u32,
    what: Beside,
) -> Result<(f64, f64), Failure> {
    const COUNT: i32 = 250_000_000;
    let (mut store, instance) = instantiated(engine, module)?;
    let stopped = Arc::new(AtomicBool::new(false));
    let seen = stopped.clone();
    store.debug_handler(move |_, _| {
        seen.store(true, Ordering::SeqCst);
        Ok(ours::Resume::Continue)
    });
    let run = instance.get_typed_func::<i32, ()>(&mut store, "loop")?;
    run.call(&mut store, 1000)?;
    let done = AtomicBool::new(false);
    let toggles = AtomicU64::new(0);
    let ready = Barrier::new(if what == Beside::Alone { 1 } else { 2 });
    let (time, whole) = std::thread::scope(|scope| -> Result<(f64, f64), Failure> {
        let other = (what != Beside::Alone).then(|| {
            scope.spawn(|| -> Result<(), String> {
                let text = |error: ours::Error| error.to_string();
                let (mut store, instance) =
                    instantiated(engine, module).map_err(|error| error.to_string())?;
                let run = instance.get_typed_func::<i32, ()>(&mut store, "loop").map_err(text)?;
                ready.wait();
                while !done.load(Ordering::Relaxed) {
                    if what != Beside::Toggles {
                        run.call(&mut store, 100_000).map_err(text)?;
                    }
                    if what != Beside::Runs {
                        store.add_breakpoint(module, pc).map_err(text)?;
                        store.remove_breakpoint(module, pc).map_err(text)?;
                        toggles.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(())
            })
        });
        ready.wait();
        let (start, begun) = (thread_time(), Instant::now());
        run.call(&mut store, COUNT)?;
        let (time, whole) = ((thread_time() - start) / 1e6, begun.elapsed().as_secs_f64());
        done.store(true, Ordering::Relaxed);
        if let Some(other) = other {
            other.join().map_err(|_| "the other thread panicked")??;
        }
        Ok((time, whole))
    })?;
    assert_eq!(store.sites_on(module), 0, "another store's site is on");
    assert!(!stopped.load(Ordering::SeqCst), "a store stopped at another's breakpoint");
    Ok((time, toggles.load(Ordering::Relaxed) as f64 / whole))
}

/// A store beside one whose breakpoints are set and cleared all the time.
pub fn two_stores(rounds: usize) -> Result<(), Failure> {
    let wasm = wat::parse_str(LOOP)?;
    let pc = operators(&wasm)?[0][1];
    let engine = engine()?;
    let module = ours::Module::from_binary(&engine, &wasm)?;
    let kinds = [Beside::Alone, Beside::Runs, Beside::Both, Beside::Toggles];
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut toggles: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        for (index, kind) in kinds.into_iter().enumerate() {
            let (time, rate) = beside(&engine, &module, pc, kind)?;
            times[index].push(time);
            toggles[index].push(rate);
        }
    }
    let [alone, runs, both, only] = times.map(median);
    let [_, _, both_rate, only_rate] = toggles.map(median);
    println!(
        "a store alone: {alone:.1} ms of its thread; beside one that runs the same: ratio {:.3}",
        runs / alone
    );
    println!(
        "beside one that runs and sets and clears {both_rate:.0} breakpoints a second: {:.3} of that",
        both / runs
    );
    println!("beside one that only sets and clears, {only_rate:.0} a second: {:.3} of that", only / runs);
    Ok(())
}

/// Interrupts a running program again and again.
pub fn interrupts(count: usize, program: Option<&Path>) -> Result<(), Failure> {
    interrupt_small(count)?;
    let Some(program) = program else { return Ok(()) };
    interrupt_program(count / 10, program)
}

fn interrupt_small(count: usize) -> Result<(), Failure> {
    let wasm = wat::parse_str(r#"(module (func (export "loop") (param i32) (loop $again (br $again))))"#)?;
    let engine = engine()?;
    let module = ours::Module::from_binary(&engine, &wasm)?;
    let (store, instance) = instantiated(&engine, &module)?;
    let latencies = latencies(
        store,
        &module,
        |store, _| {
            let run = instance.get_typed_func::<i32, ()>(&mut *store, "loop")?;
            Ok(run.call(store, 0)?)
        },
        count,
    )?;
    print("a loop", latencies);
    Ok(())
}

fn interrupt_program(count: usize, program: &Path) -> Result<(), Failure> {
    let wasm = std::fs::read(program)?;
    let engine = engine()?;
    let module = ours::Module::from_binary(&engine, &wasm)?;
    let mut linker = ours::Linker::new(&engine);
    sidetrack_wasi::add_to_linker(&mut linker, |ctx: &mut Option<sidetrack_wasi::WasiCtx>| {
        ctx.as_mut().expect("it is set before a run")
    })?;
    let store = ours::Store::new(&engine, None);
    let latencies = latencies(
        store,
        &module,
        |store, done| {
            // The program ends and is started again.
            while !done.load(Ordering::SeqCst) {
                let output = sidetrack_wasi::MemoryOutputPipe::new();
                *store.data_mut() = Some(sidetrack_wasi::WasiCtxBuilder::new().stdout(output).build()?);
                let instance = linker.instantiate(&mut *store, &module)?;
                let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
                match start.call(&mut *store, ()) {
                    Err(error) if error.downcast_ref::<sidetrack_wasi::Exit>().is_none() => {
                        return Err(error.into());
                    }
                    _ => {}
                }
            }
            Ok(())
        },
        count,
    )?;
    print(&program.display().to_string(), latencies);
    Ok(())
}

fn print(what: &str, mut latencies: Vec<f64>) {
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    let late = latencies.iter().filter(|time| **time > 10_000.0).count();
    println!(
        "{} interrupts of {what}: median {:.1} us, p99 {:.1} us, largest {:.1} us, {late} above 10 ms",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// Microseconds from each interrupt to the handler, of a store that runs on another thread.
fn latencies<T: Send + 'static>(
    mut store: ours::Store<T>,
    module: &ours::Module,
    run: impl FnOnce(&mut ours::Store<T>, &AtomicBool) -> Result<(), Failure> + Send,
    count: usize,
) -> Result<Vec<f64>, Failure> {
    let begun = Instant::now();
    // When the handler was last called, in nanoseconds from the beginning, and how often.
    let (called, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let done = Arc::new(AtomicBool::new(false));
    let (at, number, end) = (called.clone(), calls.clone(), done.clone());
    let waiting = std::thread::current();
    store.debug_handler(move |_, _| {
        let ending = end.load(Ordering::SeqCst);
        at.store(begun.elapsed().as_nanos() as u64, Ordering::SeqCst);
        number.fetch_add(1, Ordering::SeqCst);
        waiting.unpark();
        if ending { Err(ours::Trap::Interrupt.into()) } else { Ok(ours::Resume::Continue) }
    });
    let handle = store.interrupt_handle();
    let mut laying = 0.0;
    let times = std::thread::scope(|scope| {
        let runner = scope.spawn(|| {
            let _ = run(&mut store, &done);
        });
        let mut times = Vec::new();
        for n in 0..count as u64 {
            std::thread::sleep(Duration::from_micros(50 + n * 7 % 300));
            let start = begun.elapsed().as_nanos() as u64;
            let before = thread_time();
            handle.interrupt();
            laying += thread_time() - before;
            while calls.load(Ordering::SeqCst) == n {
                if begun.elapsed().as_nanos() as u64 > start + 5_000_000_000 {
                    return Err("an interrupt was lost".into());
                }
                // Without a processor of its own: the program may need it.
                std::thread::park_timeout(Duration::from_millis(100));
            }
            times.push((called.load(Ordering::SeqCst) - start) as f64 / 1e3);
        }
        done.store(true, Ordering::SeqCst);
        handle.interrupt();
        runner.join().map_err(|_| "the program's thread panicked")?;
        Ok(times)
    });
    println!("processor time of an interrupt on the thread that asks: {:.1} us", laying / count as f64 / 1e3);
    assert_eq!(store.sites_on(module), 0, "an interrupt has left sites on");
    times
}

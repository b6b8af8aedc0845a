//! Interrupts of running code from other threads, and what is left of them.

mod common;

use common::engines;
use sidetrack_engine::{DebugEvent, Engine, Instance, Module, Result, Resume, Store, Target, Trap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A module whose code is many pages: an endless loop that goes from one function to the
/// next, each with loops of its own.
fn wide(functions: usize) -> String {
    let mut text = String::from("(module (memory 1) (global $g (mut i32) (i32.const 0))\n");
    for n in 0..functions {
        let _ = writeln!(
            text,
            r"(func $f{n} (param $x i32) (result i32) (local $i i32)
                (local.set $i (i32.and (local.get $x) (i32.const 7)))
                (loop $again
                    (i32.store offset={n} (i32.const 64) (local.get $x))
                    (local.set $x (i32.add (i32.mul (local.get $x) (i32.const {n})) (local.get $i)))
                    (br_if $again (i32.gt_s
                        (local.tee $i (i32.sub (local.get $i) (i32.const 1))) (i32.const 0))))
                (local.get $x))"
        );
    }
    text += "(func (export \"spin\") (param $x i32) (loop $again\n";
    for n in 0..functions {
        let _ = writeln!(text, "(local.set $x (call $f{n} (local.get $x)))");
    }
    text + "(br $again))))"
}

/// Waits for what another thread does.
fn wait(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "an interrupt is lost");
        // The program may need this processor.
        std::thread::sleep(Duration::from_micros(20));
    }
}

/// Interrupts a program again and again; returns the store afterwards.
fn interrupt(
    engine: &Engine,
    text: &str,
    times: u32,
    breakpoint: Option<usize>,
) -> Result<(Store<()>, Module)> {
    let module = Module::new(engine, text)?;
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let (stops, last) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, end) = (stops.clone(), last.clone());
    store.debug_handler(move |_, event| {
        if event == DebugEvent::Interrupt {
            // Read first: the other thread goes on to the last one when it sees the count.
            let ends = end.load(Ordering::SeqCst);
            count.fetch_add(1, Ordering::SeqCst);
            if ends {
                return Err(Trap::Interrupt.into());
            }
        }
        Ok(Resume::Continue)
    });
    if let Some(func) = breakpoint {
        store.add_breakpoint(&module, module.info().functions[func].body.end - 1)?;
    }
    let handle = store.interrupt_handle();
    let spin = instance.get_typed_func::<i32, ()>(&mut store, "spin")?;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..times {
                // The last one ends the program.
                last.store(n + 1 == times, Ordering::SeqCst);
                assert!(handle.interrupt());
                wait(|| stops.load(Ordering::SeqCst) > n);
            }
        });
        let error = spin.call(&mut store, 3).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt), "{error:?}");
    });
    Ok((store, module))
}

#[test]
fn no_site_is_left_on() -> Result<()> {
    let small = r#"(module (func (export "spin") (param i32) (loop $again (br $again))))"#;
    for (text, times) in [(small, 300), (&wide(400), 300)] {
        let engine = Engine::default();
        let (store, module) = interrupt(&engine, text, times, None)?;
        assert_eq!(store.sites_on(&module), 0);
    }
    Ok(())
}

#[test]
fn what_was_armed_stays_armed() -> Result<()> {
    let engine = Engine::default();
    let (mut store, module) = interrupt(&engine, &wide(50), 100, Some(20))?;
    assert_eq!(store.sites_on(&module), 1);
    store.remove_breakpoint(&module, module.info().functions[20].body.end - 1)?;
    assert_eq!(store.sites_on(&module), 0);
    Ok(())
}

#[test]
fn code_of_every_engine_is_interrupted() -> Result<()> {
    for engine in engines() {
        interrupt(&engine, &wide(20), 30, Some(10))?;
    }
    Ok(())
}

#[test]
fn breakpoints_set_while_an_interrupt_is_under_way_stay() -> Result<()> {
    let engine = Engine::new(sidetrack_engine::Config::new().target(Target::Native))?;
    let module = Module::new(&engine, wide(30))?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let handle = store.interrupt_handle();
    let ends: Vec<u32> = module.info().functions[..30].iter().map(|func| func.body.end - 1).collect();
    let seen = Arc::new(AtomicU32::new(0));
    let (count, again) = (seen.clone(), handle.clone());
    let at = ends.clone();
    store.debug_handler(move |stop, event| {
        let module = stop.module().clone();
        match (event, count.fetch_add(1, Ordering::SeqCst)) {
            (DebugEvent::Interrupt, 0) => {
                // The next interrupt is laid before breakpoints change.
                again.interrupt();
                stop.add_breakpoint(&module, at[3])?;
                stop.add_breakpoint(&module, at[4])?;
                stop.remove_breakpoint(&module, at[4])?;
            }
            (DebugEvent::Interrupt, 1) => {}
            (DebugEvent::Breakpoint, 2) => {
                assert_eq!(stop.pc(), at[3]);
                return Err(Trap::Interrupt.into());
            }
            other => panic!("{other:?}"),
        }
        Ok(Resume::Continue)
    });
    handle.interrupt();
    let spin = instance.get_typed_func::<i32, ()>(&mut store, "spin")?;
    assert!(spin.call(&mut store, 3).is_err());
    assert_eq!(seen.load(Ordering::SeqCst), 3);
    assert_eq!(store.sites_on(&module), 1);
    store.remove_breakpoint(&module, ends[3])?;
    assert_eq!(store.sites_on(&module), 0);
    Ok(())
}

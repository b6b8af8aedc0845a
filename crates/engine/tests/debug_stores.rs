//! Stores of one module, of which one is debugged: what the other has of it, which is
//! nothing; and a debugger that goes away.

mod common;

use common::engines;
use sidetrack_engine::{DebugEvent, Instance, Module, Result, Resume, Store, Trap, TypedFunc};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

const COUNT: &str = r#"(module
    (global $g (mut i32) (i32.const 0))
    (func $add (param i32) (result i32)
        (global.set $g (i32.add (global.get $g) (local.get 0)))
        (global.get $g))
    (func (export "count") (param $n i32) (result i32)
        (loop $again
            (drop (call $add (i32.const 1)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (global.get $g))
    (func (export "spin") (loop $again (br $again))))"#;

struct Program {
    store: Store<()>,
    count: TypedFunc<i32, i32>,
    spin: TypedFunc<(), ()>,
}

impl Program {
    fn new(module: &Module) -> Result<Self> {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[])?;
        let count = instance.get_typed_func(&mut store, "count")?;
        let spin = instance.get_typed_func(&mut store, "spin")?;
        Ok(Program { store, count, spin })
    }
}

/// A pc in the function that is called again and again.
fn pc(module: &Module) -> u32 {
    module.info().functions[0].body.end - 1
}

#[test]
fn a_store_beside_one_whose_breakpoints_change_never_stops() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, COUNT)?;
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| -> Result<(u32, u32)> {
                let mut other = Program::new(&module)?;
                let hits = Arc::new(AtomicU32::new(0));
                let count = hits.clone();
                other.store.debug_handler(move |_, _| {
                    count.fetch_add(1, Ordering::Relaxed);
                    Ok(Resume::Continue)
                });
                let mut rounds = 0;
                // Ends in any case, should the other thread fail.
                while (!done.load(Ordering::SeqCst) && rounds < 100_000) || rounds < 3 {
                    other.store.add_breakpoint(&module, pc(&module))?;
                    other.count.call(&mut other.store, 5)?;
                    other.store.remove_breakpoint(&module, pc(&module))?;
                    other.count.call(&mut other.store, 5)?;
                    rounds += 1;
                }
                Ok((hits.load(Ordering::Relaxed), rounds))
            });
            let mut free = Program::new(&module)?;
            free.store.debug_handler(|_, event| panic!("{event:?} in a store that nobody debugs"));
            for n in 1..=200 {
                assert_eq!(free.count.call(&mut free.store, 500)?, n * 500);
                assert_eq!(free.store.sites_on(&module), 0);
            }
            done.store(true, Ordering::SeqCst);
            let (hits, rounds) = other.join().expect("the thread ends")?;
            assert_eq!(hits, rounds * 5);
            Ok::<(), sidetrack_engine::Error>(())
        })?;
    }
    Ok(())
}

#[test]
fn code_that_waits_in_a_hook_is_in_nobodys_way() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, COUNT)?;
        let (stopped, is_stopped) = channel();
        let (go, may_go) = channel::<()>();
        let wasm = module.clone();
        let waiting = std::thread::spawn(move || -> Result<i32> {
            let mut program = Program::new(&wasm)?;
            let may_go = std::sync::Mutex::new(may_go);
            let first = AtomicBool::new(true);
            program.store.debug_handler(move |_, _| {
                if first.swap(false, Ordering::SeqCst) {
                    stopped.send(())?;
                    may_go.lock().expect("no panic").recv_timeout(Duration::from_secs(60))?;
                }
                Ok(Resume::Continue)
            });
            program.store.add_breakpoint(&wasm, pc(&wasm))?;
            program.count.call(&mut program.store, 3)
        });
        is_stopped.recv_timeout(Duration::from_secs(60))?;
        // All that a store can do another one does meanwhile.
        let mut program = Program::new(&module)?;
        assert_eq!(program.count.call(&mut program.store, 7)?, 7);
        let hits = Arc::new(AtomicU32::new(0));
        let count = hits.clone();
        program.store.debug_handler(move |_, event| match event {
            DebugEvent::Interrupt => Err(Trap::Interrupt.into()),
            _ => {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(Resume::Step)
            }
        });
        program.store.add_breakpoint(&module, pc(&module))?;
        assert_eq!(program.count.call(&mut program.store, 2)?, 9);
        assert!(hits.load(Ordering::Relaxed) > 10);
        program.store.remove_debugger()?;
        let handle = program.store.interrupt_handle();
        let interrupter = std::thread::spawn(move || handle.interrupt());
        assert!(program.spin.call(&mut program.store, ()).is_err());
        assert!(interrupter.join().expect("the thread ends"));
        drop(program);
        let again = Module::new(&engine, COUNT)?;
        let mut program = Program::new(&again)?;
        assert_eq!(program.count.call(&mut program.store, 7)?, 7);
        drop((program, again));
        assert!(!waiting.is_finished());
        go.send(())?;
        assert_eq!(waiting.join().expect("the thread ends")?, 3);
    }
    Ok(())
}

#[test]
fn a_debugger_that_goes_away_lets_the_program_run_on() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, COUNT)?;
        let mut program = Program::new(&module)?;
        // Breakpoints and a step, and nobody who is told.
        program.store.add_breakpoint(&module, pc(&module))?;
        program.store.stop_at_entry();
        assert_eq!(program.count.call(&mut program.store, 4)?, 4);
        // One that leaves in the middle of stepping.
        let hits = Arc::new(AtomicU32::new(0));
        let count = hits.clone();
        program.store.debug_handler(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Resume::Step)
        });
        program.store.stop_at_entry();
        assert_eq!(program.count.call(&mut program.store, 4)?, 8);
        let before = hits.load(Ordering::Relaxed);
        assert!(before > 40);
        program.store.remove_debugger()?;
        assert_eq!(program.store.sites_on(&module), 0);
        assert_eq!(program.count.call(&mut program.store, 4)?, 12);
        assert_eq!(hits.load(Ordering::Relaxed), before);
        assert!(program.store.remove_breakpoint(&module, pc(&module)).is_err());
    }
    Ok(())
}

#[test]
fn a_handler_that_takes_all_breakpoints_away_is_called_no_more() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, COUNT)?;
        let mut program = Program::new(&module)?;
        let hits = Arc::new(AtomicU32::new(0));
        let count = hits.clone();
        program.store.debug_handler(move |stop, _| {
            count.fetch_add(1, Ordering::Relaxed);
            let mut edit = stop.edit_breakpoints();
            edit.clear();
            edit.commit()?;
            Ok(Resume::Continue)
        });
        for body in module.info().functions[..2].iter().map(|func| func.body.clone()) {
            program.store.add_breakpoint(&module, body.end - 1)?;
        }
        assert_eq!(program.count.call(&mut program.store, 4)?, 4);
        assert_eq!(hits.load(Ordering::Relaxed), 1);
        assert_eq!(program.store.sites_on(&module), 0);
    }
    Ok(())
}

//! A host that forks. One test: a child has the thread that forked, and no other.
#![cfg(target_os = "linux")]

use sidetrack_engine::{Config, Engine, Instance, Module, OptLevel, Result, Store, Target};
use std::sync::atomic::{AtomicBool, Ordering};

const SMALL: &str = "(module (func (export \"f\") (result i32) (i32.const 3)))";

const MANY: &str = r#"(module
    (func $f (export "f") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
    (func (export "g") (param i32) (result i32) (call $f (i32.add (local.get 0) (i32.const 1))))
    (func (export "h") (param i32) (result i32) (i32.div_u (i32.const 6) (local.get 0))))"#;

fn call(engine: &Engine, module: &Module, name: &str, number: i32) -> Result<i32> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    instance.get_typed_func::<i32, i32>(&mut store, name)?.call(&mut store, number)
}

/// Compiles, loads and runs code: what was there before and what is new.
fn work(engine: &Engine, old: &Module) -> Result<bool> {
    let new = Module::new(engine, MANY)?;
    let traps = |module: &Module| call(engine, module, "h", 0).is_err();
    let right = |module: &Module| Ok::<bool, sidetrack_engine::Error>(call(engine, module, "g", 4)? == 15);
    Ok(right(old)? && right(&new)? && traps(old) && traps(&new))
}

/// Forks again and again while other threads make modules; each child makes some of its own.
fn children_of_busy_parents() {
    let done = AtomicBool::new(false);
    let make = || Module::new(&Engine::new(Config::new().opt_level(OptLevel::None))?, SMALL).map(drop);
    make().expect("it can be compiled");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    make().expect("it can be compiled");
                }
            });
        }
        for number in 0..200 {
            // SAFETY: as below.
            let child = unsafe { libc::fork() };
            assert!(child >= 0);
            if child == 0 {
                // SAFETY: an alarm ends a child that hangs.
                unsafe { libc::alarm(20) };
                let well = std::panic::catch_unwind(make);
                // SAFETY: ends the process.
                unsafe { libc::_exit(if matches!(well, Ok(Ok(()))) { 0 } else { 1 }) };
            }
            let mut status = 0;
            // SAFETY: there is room for the status.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            if status != 0 {
                done.store(true, Ordering::Relaxed);
            }
            assert_eq!(status, 0, "the status of child {number}");
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_child_compiles_and_runs() -> Result<()> {
    children_of_busy_parents();
    for target in Target::supported() {
        let engine = Engine::new(Config::new().target(target))?;
        let (module, other) = (Module::new(&engine, MANY)?, Module::new(&engine, MANY)?);
        assert!(work(&engine, &module)?);
        let mut ready = [0; 2];
        // SAFETY: the array has room for the two files.
        assert_eq!(unsafe { libc::pipe(ready.as_mut_ptr()) }, 0);
        // SAFETY: the child does what this test is about, and ends without running what is behind.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            let mut byte = 0u8;
            // SAFETY: one byte is read to where there is one. An alarm ends a child that hangs.
            unsafe {
                libc::alarm(60);
                libc::read(ready[0], (&raw mut byte).cast(), 1);
            }
            // The parent has let go of its module by now, and has made others.
            let well = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                matches!(work(&engine, &other), Ok(true)) && matches!(call(&engine, &module, "f", 2), Ok(6))
            }));
            drop((module, other));
            // SAFETY: ends the process.
            unsafe { libc::_exit(if matches!(well, Ok(true)) { 0 } else { 1 }) };
        }
        drop(other);
        let more: Vec<Module> = (0..20).map(|_| Module::new(&engine, MANY)).collect::<Result<_>>()?;
        let mut status = 0;
        // SAFETY: a byte is written from where there is one, and the status to where there is room.
        unsafe {
            libc::write(ready[1], b"x".as_ptr().cast(), 1);
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        }
        assert_eq!(status, 0, "the child's status");
        for module in more.iter().chain([&module]) {
            assert_eq!(call(&engine, module, "g", 4)?, 15);
        }
    }
    Ok(())
}

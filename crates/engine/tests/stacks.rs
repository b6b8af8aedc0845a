//! Stacks that run out: of threads with small ones, of frames of many pages, and of threads
//! that a host function has lent its store to.

mod common;

use common::{engines, instantiate, recursion};
use sidetrack_engine::{
    Caller, Config, Engine, Error, Instance, Linker, Module, OptLevel, Result, Store, Target, Trap,
};

fn trap(error: &Error) -> Option<Trap> {
    error.downcast_ref::<Trap>().copied()
}

fn run(store: &mut Store<()>, instance: Instance, n: i32) -> Result<i32> {
    instance.get_typed_func::<i32, i32>(&mut *store, "f")?.call(store, n)
}

/// Runs on a thread with a stack of so many KiB.
fn on_thread<R: Send>(kib: usize, work: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(kib << 10);
        builder.spawn_scoped(scope, work).expect("a thread").join().expect("it does not panic")
    })
}

#[test]
fn a_store_goes_to_threads_with_other_stacks() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, &recursion(0))?;
        for kib in [2048, 256, 320, 2048, 384] {
            let error = on_thread(kib, || run(&mut store, instance, -1).unwrap_err());
            assert_eq!(trap(&error), Some(Trap::StackOverflow), "{kib} KiB: {error:?}");
            assert_eq!(on_thread(kib, || run(&mut store, instance, 100).unwrap()), 0);
            assert_eq!(trap(&run(&mut store, instance, -1).unwrap_err()), Some(Trap::StackOverflow));
        }
    }
    Ok(())
}

#[test]
fn more_stack_is_wanted_than_the_thread_has() -> Result<()> {
    for target in Target::supported() {
        let engine = Engine::new(Config::new().target(target).max_wasm_stack(64 << 20))?;
        let (mut store, instance) = instantiate(&engine, &recursion(0))?;
        let error = on_thread(512, || run(&mut store, instance, -1).unwrap_err());
        assert_eq!(trap(&error), Some(Trap::StackOverflow), "{error:?}");
    }
    Ok(())
}

/// Frames from some pages to much of what a thread has.
#[test]
fn frames_of_many_pages() -> Result<()> {
    for target in Target::supported() {
        for (vectors, level) in [(300, OptLevel::Speed), (2000, OptLevel::None)] {
            let engine = Engine::new(Config::new().target(target).opt_level(level))?;
            let (mut store, instance) = instantiate(&engine, &recursion(vectors))?;
            for kib in [192, 2048] {
                let error = on_thread(kib, || run(&mut store, instance, 1000).unwrap_err());
                assert_eq!(trap(&error), Some(Trap::StackOverflow), "{vectors}, {kib} KiB: {error:?}");
            }
            if vectors < 1000 {
                assert_eq!(run(&mut store, instance, 2)?, 0);
            }
        }
    }
    Ok(())
}

/// A module whose exceptions are kept in frames while the host is at work.
const LENT: &str = r#"(module
    (import "host" "lend" (func $lend (param i32)))
    (tag $number (param i32))
    (func $make (param i32) (result exnref)
        (block $caught (result exnref)
            (try_table (result exnref) (catch_all_ref $caught)
                (throw $number (local.get 0)))))
    (func $number_of (param exnref) (result i32)
        (block $caught (result i32)
            (try_table (result i32) (catch $number $caught)
                (throw_ref (local.get 0)))))
    (func (export "waste") (param i32)
        (loop $again
            (drop (call $make (local.get 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $endless (export "endless") (call $endless))
    (func (export "lend") (param i32) (result i32) (local $mine exnref)
        (local.set $mine (call $make (i32.const 77)))
        (call $lend (local.get 0))
        (call $number_of (local.get $mine))))"#;

/// What a host function does with the store on another thread.
fn elsewhere(caller: &mut Caller<'_, Option<Instance>>, depth: i32) -> Result<()> {
    let instance = caller.data().expect("set before the call");
    let endless = instance.get_typed_func::<(), ()>(&mut *caller, "endless")?;
    assert_eq!(trap(&endless.call(&mut *caller, ()).unwrap_err()), Some(Trap::StackOverflow));
    // Looks for what can be freed, with frames on several stacks.
    let waste = instance.get_typed_func::<i32, ()>(&mut *caller, "waste")?;
    waste.call(&mut *caller, 60_000)?;
    if depth > 0 {
        let lend = instance.get_typed_func::<i32, i32>(&mut *caller, "lend")?;
        assert_eq!(lend.call(&mut *caller, depth - 1)?, 77);
    }
    Ok(())
}

#[test]
fn a_host_function_lends_its_store_to_another_thread() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, LENT)?;
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "lend", |mut caller: Caller<'_, Option<Instance>>, depth: i32| {
            on_thread(384, || elsewhere(&mut caller, depth))
        })?;
        let mut store = Store::new(&engine, None);
        let instance = linker.instantiate(&mut store, &module)?;
        *store.data_mut() = Some(instance);
        let lend = instance.get_typed_func::<i32, i32>(&mut store, "lend")?;
        assert_eq!(lend.call(&mut store, 2)?, 77);
    }
    Ok(())
}

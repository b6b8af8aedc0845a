//! Exceptions are there for as long as something reaches them, and no longer.

mod common;

use common::engines;
use sidetrack_engine::{
    Caller, Engine, ExnRef, Func, Instance, Linker, Module, ResourceLimiter, Result, Resume, Store,
    StoreLimits, StoreLimitsBuilder, Table, ThrownException, Trap, Val,
};

/// Functions that make, keep and look at exceptions.
const MODULE: &str = r#"(module
    (import "host" "waste" (func $host_waste (param i32)))
    (tag $number (export "number") (param i32))
    (tag $link (param exnref i64))
    (table $kept (export "kept") 1000 exnref)
    (global $one (mut exnref) (ref.null exn))

    (func $throw (export "throw") (param i32) (throw $number (local.get 0)))
    ;; An exception, as a value.
    (func $make (export "make") (param i32) (result exnref)
        (block $caught (result exnref)
            (try_table (result exnref) (catch_all_ref $caught)
                (throw $number (local.get 0)))))
    ;; The number of an exception.
    (func $number_of (export "number_of") (param exnref) (result i32)
        (block $caught (result i32)
            (try_table (result i32) (catch $number $caught)
                (throw_ref (local.get 0)))))
    ;; Throws so many and lets go of them.
    (func $waste (export "waste") (param i32)
        (loop $again
            (drop (call $make (local.get 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    ;; The same, not by reference.
    (func (export "waste_values") (param i32)
        (loop $again
            (block $caught (result i32)
                (try_table (result i32) (catch $number $caught)
                    (throw $number (local.get 0))))
            drop
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    ;; Keeps exceptions in the table, wastes others, adds up the numbers of those.
    (func (export "keep") (param $count i32) (param $waste i32) (result i32)
        (local $i i32) (local $sum i32)
        (loop $put
            (table.set $kept (local.get $i) (call $make (local.get $i)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $put (i32.lt_u (local.get $i) (local.get $count))))
        (call $waste (local.get $waste))
        (loop $get
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (local.set $sum (i32.add (local.get $sum)
                (call $number_of (table.get $kept (local.get $i)))))
            (br_if $get (local.get $i)))
        (local.get $sum))
    ;; An exception in each frame, and what `how` wastes at the bottom.
    (func $nest (export "nest") (param $depth i32) (param $how i32) (result i32)
        (local $mine exnref) (local $below i32)
        (local.set $mine (call $make (local.get $depth)))
        (if (local.get $depth)
            (then (local.set $below
                (call $nest (i32.sub (local.get $depth) (i32.const 1)) (local.get $how))))
            (else
                (if (local.get $how)
                    (then (call $host_waste (i32.const 30000)))
                    (else (call $waste (i32.const 30000))))))
        (i32.add (local.get $below) (call $number_of (local.get $mine))))
    ;; A list of so many exceptions, which only the global keeps.
    (func (export "list") (param $count i32)
        (global.set $one (ref.null exn))
        (loop $again
            (global.set $one
                (block $caught (result exnref)
                    (try_table (result exnref) (catch_all_ref $caught)
                        (throw $link (global.get $one) (i64.const 7)))))
            (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
    ;; How long the list is.
    (func (export "length") (result i32)
        (local $at exnref) (local $count i32)
        (local.set $at (global.get $one))
        (loop $again
            (if (i32.eqz (ref.is_null (local.get $at)))
                (then
                    (block $caught (result exnref i64)
                        (try_table (result exnref i64) (catch $link $caught)
                            (throw_ref (local.get $at))))
                    drop
                    (local.set $at)
                    (local.set $count (i32.add (local.get $count) (i32.const 1)))
                    (br $again))))
        (local.get $count))
    (func (export "forget") (global.set $one (ref.null exn)))
)"#;

const MIB: usize = 1 << 20;

struct Host {
    limits: StoreLimits,
    waste: Option<Func>,
}

/// An instance in a store whose exceptions may take so many bytes. Its import wastes by
/// calling back.
fn start(engine: &Engine, bytes: usize) -> Result<(Store<Host>, Instance)> {
    let module = Module::new(engine, MODULE)?;
    let limits = StoreLimitsBuilder::new().exceptions_size(bytes).build();
    let mut store = Store::new(engine, Host { limits, waste: None });
    store.limiter(|host| &mut host.limits);
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "waste", |mut caller: Caller<'_, Host>, count: i32| -> Result<()> {
        let waste = caller.data().waste.expect("set below");
        waste.call(&mut caller, &[Val::I32(count)], &mut [])
    })?;
    let instance = linker.instantiate(&mut store, &module)?;
    store.data_mut().waste = instance.get_func(&mut store, "waste");
    Ok((store, instance))
}

fn call(store: &mut Store<Host>, instance: Instance, name: &str, params: &[Val]) -> Result<Val> {
    let func = instance.get_func(&mut *store, name).expect("an export");
    let mut results = vec![Val::I32(0); func.ty(&*store).results.len()];
    func.call(&mut *store, params, &mut results)?;
    Ok(results.pop().unwrap_or(Val::I32(0)))
}

#[test]
fn what_nothing_reaches_is_freed() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        for name in ["waste", "waste_values"] {
            // At 120 bytes each they would take 7 MB.
            call(&mut store, instance, name, &[Val::I32(60_000)])?;
        }
    }
    Ok(())
}

#[test]
fn what_the_host_has_dropped_is_freed() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        let throw = instance.get_typed_func::<i32, ()>(&mut store, "throw")?;
        for number in 0..12_000 {
            let error = throw.call(&mut store, number).unwrap_err();
            let thrown = error.downcast_ref::<ThrownException>().expect("an exception");
            assert_eq!(thrown.values(&mut store)[0].unwrap_i32(), number);
            call(&mut store, instance, "make", &[Val::I32(number)])?;
        }
    }
    Ok(())
}

#[test]
fn tables_frames_and_lists_keep_exceptions() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        let sum = call(&mut store, instance, "keep", &[Val::I32(1000), Val::I32(30_000)])?;
        assert_eq!(sum.unwrap_i32(), 499_500);
        for how in [0, 1] {
            let sum = call(&mut store, instance, "nest", &[Val::I32(200), Val::I32(how)])?;
            assert_eq!(sum.unwrap_i32(), 20_100);
        }
        call(&mut store, instance, "list", &[Val::I32(3000)])?;
        call(&mut store, instance, "waste", &[Val::I32(30_000)])?;
        assert_eq!(call(&mut store, instance, "length", &[])?.unwrap_i32(), 3000);
        // Another list takes the place of the first.
        for _ in 0..20 {
            call(&mut store, instance, "list", &[Val::I32(3000)])?;
        }
    }
    Ok(())
}

#[test]
fn handles_of_the_host_keep_exceptions() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        let throw = instance.get_typed_func::<i32, ()>(&mut store, "throw")?;
        let error = throw.call(&mut store, 5).unwrap_err();
        let thrown = error.downcast_ref::<ThrownException>().expect("an exception").exception();
        let made = call(&mut store, instance, "make", &[Val::I32(6)])?;
        drop(error);
        for _ in 0..3 {
            // Thrown again, caught and let go of, as often as one likes.
            for (value, number) in [(Val::ExnRef(Some(thrown)), 5), (made, 6)] {
                let found = call(&mut store, instance, "number_of", &[value])?;
                assert_eq!(found.unwrap_i32(), number);
                call(&mut store, instance, "waste", &[Val::I32(30_000)])?;
            }
        }
        assert_eq!(thrown.values(&mut store)[0].unwrap_i32(), 5);
        assert_eq!(
            thrown.tag(&store),
            instance.get_export(&mut store, "number").and_then(|tag| tag.into_tag())
        );
        // Of another store it is an error, and is thrown nowhere.
        let (mut other, elsewhere) = start(&engine, MIB)?;
        let foreign = call(&mut other, elsewhere, "number_of", &[Val::ExnRef(Some(thrown))]).unwrap_err();
        assert_eq!(foreign.to_string(), "an exception of another store");
    }
    Ok(())
}

#[test]
fn a_reference_that_is_too_old_is_an_error() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        let mut found = Vec::new();
        let mut owned = Vec::new();
        for number in 0..5000 {
            let Val::ExnRef(Some(made)) = call(&mut store, instance, "make", &[Val::I32(number)])? else {
                panic!("an exception");
            };
            found.push(made);
            if number % 1000 == 0 {
                owned.push(made.to_owned(&store)?);
            }
        }
        call(&mut store, instance, "waste", &[Val::I32(30_000)])?;
        for (number, exception) in (0..).zip(&owned) {
            let value = Val::ExnRef(Some(exception.exception()));
            assert_eq!(call(&mut store, instance, "number_of", &[value])?.unwrap_i32(), number * 1000);
        }
        for exception in &found[4000..] {
            assert_eq!(exception.values(&mut store).len(), 1);
        }
        // Those that nothing has kept are gone, and nothing has taken their place; but a word
        // on the stack that only looks like a reference keeps one.
        let mut gone: Vec<_> =
            found[1..4000].iter().copied().filter(|old| old.tag(&store).is_none()).collect();
        assert!(gone.len() > 3900, "{} are gone", gone.len());
        let old = gone.swap_remove(0);
        assert!(old.values(&mut store).is_empty() && old.to_owned(&store).is_err());
        let error = call(&mut store, instance, "number_of", &[Val::ExnRef(Some(old))]).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("the exception ") && text.ends_with(" is not there any more"), "{text}");
        let table: Table = instance.get_table(&mut store, "kept").expect("a table");
        assert!(table.set(&mut store, 0, Val::ExnRef(Some(old))).is_err());
    }
    Ok(())
}

#[test]
fn a_null_reference_is_a_trap() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        let error = call(&mut store, instance, "number_of", &[Val::ExnRef(None)]).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::NullReference));
    }
    Ok(())
}

#[test]
fn what_is_beyond_the_limit_is_an_error() -> Result<()> {
    for engine in engines() {
        for bytes in [0, 200, 100_000] {
            let (mut store, instance) = start(&engine, bytes)?;
            for _ in 0..2 {
                let error = call(&mut store, instance, "list", &[Val::I32(10_000)]).unwrap_err();
                let text = format!("{error:#}");
                assert!(text.contains("the store's limit refuses"), "{text}");
                assert!(text.contains("wasm backtrace"), "{text}");
            }
            if bytes < 100_000 {
                continue;
            }
            call(&mut store, instance, "forget", &[])?;
            call(&mut store, instance, "waste", &[Val::I32(1000)])?;
        }
    }
    Ok(())
}

/// Counts how often it is asked.
struct Counts {
    limits: StoreLimits,
    asked: usize,
}

impl ResourceLimiter for Counts {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.limits.memory_growing(current, desired, maximum)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn exceptions_growing(&mut self, current: usize, desired: usize) -> Result<bool> {
        self.asked += 1;
        self.limits.exceptions_growing(current, desired)
    }
}

/// It is asked each time that all which is left was looked at.
#[test]
fn little_is_looked_at_close_to_the_limit() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, MODULE)?;
        let limits = StoreLimitsBuilder::new().exceptions_size(2 * MIB).build();
        let mut store = Store::new(&engine, Counts { limits, asked: 0 });
        store.limiter(|counts| counts);
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "waste", |_: i32| ())?;
        let instance = linker.instantiate(&mut store, &module)?;
        let list = instance.get_func(&mut store, "list").expect("an export");
        let error = list.call(&mut store, &[Val::I32(100_000)], &mut []).unwrap_err();
        assert!(format!("{error:#}").contains("the store's limit refuses"), "{error:#}");
        let asked = store.data().asked;
        assert!(asked < 50, "asked {asked} times");
    }
    Ok(())
}

#[test]
fn exceptions_of_a_program_that_is_stopped_are_kept() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        let module = instance.module(&store).clone();
        let nest = module.info().functions.iter().position(|func| func.name.as_deref() == Some("nest"));
        let body = module.info().functions[nest.expect("a name")].body.clone();
        let waste = store.data().waste.expect("set by start");
        store.debug_handler(move |stop, _| {
            waste.call(&mut *stop, &[Val::I32(20_000)], &mut [])?;
            Ok(Resume::StepOver)
        });
        // At the start, and from there operator by operator.
        store.add_breakpoint(&module, body.start)?;
        let sum = call(&mut store, instance, "nest", &[Val::I32(2), Val::I32(0)])?;
        assert_eq!(sum.unwrap_i32(), 3);
    }
    Ok(())
}

/// A limiter that panics at what its text says.
struct Panics(&'static str);

impl Panics {
    fn asked(&self, what: &str) -> Result<bool> {
        assert!(self.0 != what, "no {what}");
        if self.0 == "error" { Err(anyhow::anyhow!("refused")) } else { Ok(true) }
    }
}

impl ResourceLimiter for Panics {
    fn memory_growing(&mut self, current: usize, _: usize, _: Option<usize>) -> Result<bool> {
        if current == 0 { Ok(true) } else { self.asked("memory") }
    }

    fn table_growing(&mut self, current: usize, _: usize, _: Option<usize>) -> Result<bool> {
        if current == 0 { Ok(true) } else { self.asked("table") }
    }

    fn exceptions_growing(&mut self, _: usize, _: usize) -> Result<bool> {
        self.asked("exception")
    }

    fn memory_grow_failed(&mut self) {
        assert!(self.0 != "failed", "no {}", self.0);
    }
}

#[test]
fn a_limiter_that_panics_or_fails_ends_the_call() -> Result<()> {
    const GROWS: &str = r#"(module
        (memory 1 2) (table 1 funcref) (tag $t)
        (func (export "memory") (result i32) (memory.grow (i32.const 1)))
        (func (export "table") (result i32) (table.grow (ref.null func) (i32.const 1)))
        (func (export "exception") (result i32) (block (try_table (catch_all 0) (throw $t))) i32.const 0)
        (func (export "failed") (result i32) (memory.grow (i32.const 9))))"#;
    for engine in engines() {
        let module = Module::new(&engine, GROWS)?;
        for name in ["memory", "table", "exception", "failed"] {
            let mut store = Store::new(&engine, Panics(name));
            store.limiter(|limiter| limiter);
            let instance = Instance::new(&mut store, &module, &[])?;
            let func = instance.get_typed_func::<(), i32>(&mut store, name)?;
            let call = std::panic::AssertUnwindSafe(|| func.call(&mut store, ()));
            let panic = std::panic::catch_unwind(call).unwrap_err();
            assert_eq!(panic.downcast_ref::<String>().expect("text"), &format!("no {name}"));
            // The store goes on.
            *store.data_mut() = Panics("");
            func.call(&mut store, ())?;
            *store.data_mut() = Panics("error");
            if name != "failed" {
                let error = func.call(&mut store, ()).err().map(|error| format!("{error:#}"));
                assert!(name == "exception" || error.is_some_and(|error| error.contains("refused")));
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_no_reference_to_an_exception_is_refused() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = start(&engine, MIB)?;
        let kept: Table = instance.get_table(&mut store, "kept").expect("a table");
        let made = call(&mut store, instance, "make", &[Val::I32(1)])?;
        kept.set(&mut store, 0, made)?;
        assert!(kept.set(&mut store, 0, Val::FuncRef(None)).is_err());
        let Some(Val::ExnRef(Some(found))) = kept.get(&mut store, 0) else { panic!("an exception") };
        let same: &Option<ExnRef> = &Some(found);
        assert!(matches!(&made, Val::ExnRef(made) if made == same));
    }
    Ok(())
}

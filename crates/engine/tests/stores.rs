//! Stores: what they own, limits, threads, traps with their places.

mod common;

use common::{engines, instantiate};
use sidetrack_engine::{
    Engine, Global, GlobalType, Instance, Limits, Linker, Memory, MemoryType, Module, Result, Store,
    StoreLimits, StoreLimitsBuilder, Trap, Val, ValType, WasmBacktrace,
};

const COUNTER: &str = r#"(module
    (memory (export "memory") 2)
    (table 10 funcref)
    (global $n (mut i32) (i32.const 0))
    (data (i32.const 65536) "x")
    (elem (i32.const 0) $count)
    (func $count (export "count") (param i32) (result i32)
        (loop $again
            (global.set $n (i32.add (global.get $n) (i32.load8_u offset=65536 (i32.const 0))))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if $again (local.get 0)))
        (global.get $n)))"#;

#[test]
fn threads_share_a_module() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, COUNTER)?;
        let thread = || -> Result<i32> {
            let mut sum = 0;
            for _ in 0..20 {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[])?;
                let count = instance.get_typed_func::<i32, i32>(&mut store, "count")?;
                sum += count.call(&mut store, 1000)? / 120;
            }
            Ok(sum)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(thread)).collect();
            for thread in threads {
                assert_eq!(thread.join().expect("no panic").expect("no trap"), 20_000);
            }
        });
    }
    Ok(())
}

#[test]
fn traps_say_what_and_where() -> Result<()> {
    let text = r#"(module $m
        (memory 1)
        (func $div (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
        (func $load (export "load") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
        (func $unreachable (export "unreachable") unreachable)
        (func $trunc (export "trunc") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
        (func (export "outer") (param i32) (result i32) (call $load (local.get 0))))"#;
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, text)?;
        let mut trap = |name: &str, params: &[Val], names: &[Option<&str>]| {
            let func = instance.get_func(&mut store, name).expect("exported");
            let mut results = vec![Val::I32(0); func.ty(&store).results.len()];
            let error = func.call(&mut store, params, &mut results).expect_err("it traps");
            let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a backtrace");
            let found: Vec<_> = backtrace.frames().iter().map(|frame| frame.func_name()).collect();
            assert_eq!(found, names);
            assert!(backtrace.frames().iter().all(|frame| frame.module_offset().is_some_and(|pc| pc > 8)));
            assert_eq!(backtrace.frames()[0].module_name(), Some("m"));
            *error.downcast_ref::<Trap>().expect("a trap")
        };
        let zero = [Val::I32(1), Val::I32(0)];
        assert_eq!(trap("div", &zero, &[Some("div")]), Trap::IntegerDivisionByZero);
        let overflow = [Val::I32(i32::MIN), Val::I32(-1)];
        assert_eq!(trap("div", &overflow, &[Some("div")]), Trap::IntegerOverflow);
        assert_eq!(trap("load", &[Val::I32(65529)], &[Some("load")]), Trap::MemoryOutOfBounds);
        assert_eq!(trap("load", &[Val::I32(-1)], &[Some("load")]), Trap::MemoryOutOfBounds);
        assert_eq!(trap("unreachable", &[], &[Some("unreachable")]), Trap::UnreachableCodeReached);
        assert_eq!(trap("trunc", &[Val::from(f64::NAN)], &[Some("trunc")]), Trap::BadConversionToInteger);
        assert_eq!(trap("trunc", &[Val::from(3e9)], &[Some("trunc")]), Trap::IntegerOverflow);
        assert_eq!(trap("outer", &[Val::I32(65536)], &[Some("load"), None]), Trap::MemoryOutOfBounds);
    }
    Ok(())
}

#[test]
fn limits_are_kept() -> Result<()> {
    let text = r#"(module (memory 1) (table 1 funcref)
        (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let limits = StoreLimitsBuilder::new().memory_size(3 << 16).table_elements(5).instances(2).build();
        let mut store: Store<StoreLimits> = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        let instance = Instance::new(&mut store, &module, &[])?;
        let memory = instance.get_typed_func::<i32, i32>(&mut store, "memory")?;
        assert_eq!(memory.call(&mut store, 1)?, 1);
        assert_eq!(memory.call(&mut store, 2)?, -1);
        assert_eq!(memory.call(&mut store, 1)?, 2);
        let table = instance.get_typed_func::<i32, i32>(&mut store, "table")?;
        assert_eq!(table.call(&mut store, 4)?, 1);
        assert_eq!(table.call(&mut store, 1)?, -1);
        Instance::new(&mut store, &module, &[])?;
        let error = Instance::new(&mut store, &module, &[]).unwrap_err();
        assert_eq!(error.to_string(), "the store's limit of instances is reached");
    }
    Ok(())
}

#[test]
fn imports_are_checked_by_type() -> Result<()> {
    let text = r#"(module (import "a" "m" (memory 2 3)) (import "a" "g" (global (mut i32))))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        assert_eq!(error.to_string(), "unknown import: `a::m` has not been defined");
        let limits = Limits { min: 2, max: Some(4) };
        let memory = Memory::new(&mut store, MemoryType { memory64: false, limits })?;
        linker.define(&store, "a", "m", memory)?;
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "incompatible import type for `a::m`: expected memory of pages, 2..3, found memory of pages, 2..4"
        );
        let limits = Limits { min: 2, max: Some(3) };
        let memory = Memory::new(&mut store, MemoryType { memory64: false, limits })?;
        linker.allow_shadowing(true).define(&store, "a", "m", memory)?;
        let ty = GlobalType { content: ValType::I32, mutable: true };
        let global = Global::new(&mut store, ty, Val::I32(1))?;
        linker.define(&store, "a", "g", global)?;
        linker.instantiate(&mut store, &module)?;
        let other = Store::new(&engine, ());
        drop(other);
        assert!(linker.instantiate(&mut Store::new(&engine, ()), &module).is_err(), "of another store");
    }
    Ok(())
}

#[test]
fn modules_of_another_engine_are_refused() -> Result<()> {
    let module = Module::new(&Engine::default(), "(module)")?;
    let mut store = Store::new(&Engine::default(), ());
    assert!(Instance::new(&mut store, &module, &[]).is_err());
    Ok(())
}

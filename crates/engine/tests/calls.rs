//! Calls between host and WebAssembly, in both directions.

mod common;

use common::{engines, instantiate};
use sidetrack_engine::{
    AsContextMut, Caller, Extern, Func, FuncType, Instance, Linker, Module, Result, Store, ThrownException,
    Trap, Val, ValType, WasmBacktrace,
};

#[test]
fn many_parameters_and_results_of_all_types() -> Result<()> {
    let text = r#"(module (func (export "swap")
        (param i32 i64 f32 f64 i32 i64 f32 f64 i64 i64 i64) (result i64 i64 i64 f64 f32 i64 i32 f64 f32 i64 i32)
        local.get 10 local.get 9 local.get 8 local.get 7 local.get 6 local.get 5
        local.get 4 local.get 3 local.get 2 local.get 1 local.get 0))"#;
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, text)?;
        let func = instance.get_func(&mut store, "swap").expect("exported");
        let params = [
            Val::I32(-1),
            Val::I64(2),
            Val::from(3.5f32),
            Val::from(-4.5f64),
            Val::I32(5),
            Val::I64(i64::MIN),
            Val::F32(0x7fc0_0001),
            Val::F64(8),
            Val::I64(9),
            Val::I64(10),
            Val::I64(11),
        ];
        let mut results = [Val::I32(0); 11];
        func.call(&mut store, &params, &mut results)?;
        let text = |values: &[Val]| values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>();
        let mut expected = text(&params);
        expected.reverse();
        assert_eq!(text(&results), expected);
    }
    Ok(())
}

#[test]
fn wrong_arguments_are_errors() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, r#"(module (func (export "f") (param i32)))"#)?;
        let func = instance.get_func(&mut store, "f").expect("exported");
        let error = func.call(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(error.to_string(), "expected 1 arguments, got 0");
        let error = func.call(&mut store, &[Val::I64(1)], &mut []).unwrap_err();
        assert_eq!(error.to_string(), "argument 0 must be of type i32, not i64");
        assert!(instance.get_typed_func::<i64, ()>(&mut store, "f").is_err());
        assert!(instance.get_typed_func::<i32, ()>(&mut store, "g").is_err());
    }
    Ok(())
}

#[test]
fn host_functions_reach_their_caller() -> Result<()> {
    let text = r#"(module
        (import "host" "read" (func $read (param i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "\2a")
        (func (export "run") (result i32) (call $read (i32.const 8))))"#;
    for engine in engines() {
        let mut linker: Linker<u32> = Linker::new(&engine);
        linker.func_wrap("host", "read", |mut caller: Caller<'_, u32>, at: i32| -> Result<i32> {
            let memory = caller.get_export("memory").and_then(Extern::into_memory).expect("exported");
            let (bytes, data) = memory.data_and_store_mut(&mut caller);
            *data += 1;
            Ok(i32::from(bytes[at as usize]))
        })?;
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, 0);
        let instance = linker.instantiate(&mut store, &module)?;
        let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
        assert_eq!(run.call(&mut store, ())?, 42);
        assert_eq!(*store.data(), 1);
    }
    Ok(())
}

#[test]
fn errors_of_host_functions_come_through() -> Result<()> {
    let text = r#"(module
        (import "" "fail" (func $fail))
        (func $inner (call $fail))
        (func (export "run") (call $inner)))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let fail = Func::wrap(&mut store, || -> Result<()> { Err(std::io::Error::other("no luck").into()) });
        let instance = Instance::new(&mut store, &module, &[fail.into()])?;
        let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
        for _ in 0..3 {
            let error = run.call(&mut store, ()).unwrap_err();
            assert_eq!(
                error.downcast_ref::<std::io::Error>().expect("the host's error").to_string(),
                "no luck"
            );
            let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a backtrace");
            let names: Vec<_> = backtrace.frames().iter().map(|frame| frame.func_name()).collect();
            assert_eq!(names, [Some("inner"), None]);
        }
    }
    Ok(())
}

#[test]
fn panics_of_host_functions_go_on_outside() -> Result<()> {
    let text = r#"(module (import "" "panic" (func $panic)) (func (export "run") (call $panic)))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let panic = Func::wrap(&mut store, || -> Result<()> { std::panic::resume_unwind(Box::new(17)) });
        let instance = Instance::new(&mut store, &module, &[panic.into()])?;
        let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
        let call = std::panic::AssertUnwindSafe(|| run.call(&mut store, ()));
        let panic = std::panic::catch_unwind(call).expect_err("it panics");
        assert_eq!(panic.downcast_ref::<i32>(), Some(&17));
    }
    Ok(())
}

#[test]
fn host_and_guest_call_each_other() -> Result<()> {
    let text = r#"(module
        (import "" "host" (func $host (param i32) (result i32)))
        (func $down (export "down") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0))
                (then (i32.const 0))
                (else (i32.add (i32.const 1) (call $host (i32.sub (local.get 0) (i32.const 1))))))))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, n: i32| -> Result<i32> {
            let down = caller.get_export("down").and_then(Extern::into_func).expect("exported");
            let mut results = [Val::I32(0)];
            down.call(&mut caller, &[Val::I32(n)], &mut results)?;
            Ok(results[0].unwrap_i32() + 1)
        });
        let instance = Instance::new(&mut store, &module, &[host.into()])?;
        let down = instance.get_typed_func::<i32, i32>(&mut store, "down")?;
        assert_eq!(down.call(&mut store, 20)?, 40);
        // Without end it is a trap, though half of the frames are the host's.
        let error = down.call(&mut store, -1).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "{error:?}");
        assert_eq!(down.call(&mut store, 20)?, 40);
    }
    Ok(())
}

#[test]
fn endless_recursion_is_a_trap() -> Result<()> {
    let text = r#"(module (func $f (export "f") (param i64) (result i64)
        (i64.add (call $f (i64.add (local.get 0) (i64.const 1))) (local.get 0))))"#;
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, text)?;
        let f = instance.get_typed_func::<i64, i64>(&mut store, "f")?;
        for _ in 0..3 {
            let error = f.call(&mut store, 0).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "{error:?}");
            assert!(error.downcast_ref::<WasmBacktrace>().expect("a backtrace").frames().len() > 100);
        }
    }
    Ok(())
}

#[test]
fn functions_of_the_host_in_tables_and_back() -> Result<()> {
    let text = r#"(module
        (type $t (func (param i32) (result i32)))
        (table (export "table") 2 funcref)
        (func (export "call") (param i32 i32) (result i32)
            (call_indirect (type $t) (local.get 1) (local.get 0))))"#;
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, text)?;
        let table = instance.get_table(&mut store, "table").expect("exported");
        let call = instance.get_typed_func::<(i32, i32), i32>(&mut store, "call")?;
        let error = call.call(&mut store, (0, 1)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IndirectCallToNull), "{error:?}");
        let error = call.call(&mut store, (2, 1)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::TableOutOfBounds), "{error:?}");
        let square = Func::wrap(&mut store, |x: i32| x * x);
        table.set(&mut store, 0, square.into())?;
        let ty = FuncType { params: Box::new([ValType::I64]), results: Box::new([]) };
        let other = Func::new(&mut store, ty, |_, _, _| Ok(()));
        table.set(&mut store, 1, other.into())?;
        assert_eq!(call.call(&mut store, (0, 9))?, 81);
        let error = call.call(&mut store, (1, 9)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::BadSignature), "{error:?}");
        let Some(Val::FuncRef(Some(func))) = table.get(&mut store, 0) else { panic!("a function") };
        assert_eq!(func.typed::<i32, i32>(&store)?.call(&mut store, 3)?, 9);
    }
    Ok(())
}

#[test]
fn exceptions_pass_through_the_host() -> Result<()> {
    let text = r#"(module
        (import "" "again" (func $again (param i32) (result i32)))
        (tag $e (param i32 i64))
        (func (export "throw") (param i32) (throw $e (local.get 0) (i64.const 7)))
        (func (export "catch") (param i32) (result i32)
            (local i32)
            (block $caught (result i32 i64)
                (try_table (catch $e $caught) (local.set 1 (call $again (local.get 0))))
                (return (local.get 1)))
            (i32.wrap_i64)
            (i32.add)))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let again = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, n: i32| -> Result<i32> {
            let throw = caller.get_export("throw").and_then(Extern::into_func).expect("exported");
            throw.call(&mut caller, &[Val::I32(n)], &mut [])?;
            Ok(0)
        });
        let instance = Instance::new(&mut store, &module, &[again.into()])?;
        let catch = instance.get_typed_func::<i32, i32>(&mut store, "catch")?;
        assert_eq!(catch.call(&mut store, 35)?, 42);
        let throw = instance.get_func(&mut store, "throw").expect("exported");
        let error = throw.call(&mut store, &[Val::I32(1)], &mut []).unwrap_err();
        let thrown = *error.downcast_ref::<ThrownException>().expect("an exception");
        let values = thrown.values(store.as_context_mut());
        assert_eq!((values[0].unwrap_i32(), values[1].unwrap_i64()), (1, 7));
    }
    Ok(())
}

#[test]
fn exceptions_say_where_they_were_thrown() -> Result<()> {
    let text = r#"(module
        (import "" "host" (func $host (param i32)))
        (tag $e)
        (func $throw (throw $e))
        (func $inner (export "inner") (nop) (call $throw) (nop))
        (func $outer (export "outer") (param i32) (call $host (local.get 0)))
        (func $caught (export "caught") (param i32)
            (block $e (try_table (catch_all $e) (call $outer (local.get 0))))
            (call $inner))
        (func $again (export "again") (param i32)
            (block $e (result exnref)
                (try_table (catch_all_ref $e) (call $outer (local.get 0)))
                (return))
            (throw_ref)))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, whole: i32| -> Result<()> {
            let inner = caller.get_export("inner").and_then(Extern::into_func).expect("exported");
            inner.call(&mut caller, &[], &mut []).map_err(|error| match whole {
                0 => error.downcast::<ThrownException>().expect("an exception").into(),
                _ => error,
            })
        });
        let instance = Instance::new(&mut store, &module, &[host.into()])?;
        let mut frames = |name: &str, args: &[Val]| {
            let func = instance.get_func(&mut store, name).expect("exported");
            let error = func.call(&mut store, args, &mut []).unwrap_err();
            assert!(error.downcast_ref::<ThrownException>().is_some(), "{error:?}");
            let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a backtrace").clone();
            backtrace.frames().to_vec()
        };
        let inner = frames("inner", &[]);
        // The throw and the call, not what stands behind them.
        let starts = [1, 2].map(|index| module.info().functions[index].body.start as usize);
        let offsets: Vec<_> = inner.iter().map(|frame| frame.module_offset()).collect();
        assert_eq!(offsets, [Some(starts[0] + 1), Some(starts[1] + 2)]);
        let cases: [(&str, i32, &[&str]); 5] = [
            // Through the host, with what it was told and without.
            ("outer", 1, &["throw", "inner", "outer"]),
            ("outer", 0, &["outer"]),
            // Others than what the host threw.
            ("caught", 1, &["throw", "inner", "caught"]),
            ("again", 1, &["again"]),
            ("again", 0, &["again"]),
        ];
        for (name, whole, expected) in cases {
            let frames = frames(name, &[Val::I32(whole)]);
            let names: Vec<_> = frames.iter().filter_map(|frame| frame.func_name()).collect();
            assert_eq!(names, expected, "{name} {whole}");
        }
    }
    Ok(())
}

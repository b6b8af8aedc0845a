//! Modules: bytes, text, serialised, cached.

mod common;

use common::engines;
use sidetrack_engine::{
    Config, Engine, Features, Instance, InvalidModule, Module, OptLevel, Result, Store, UnsupportedFeature,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ANSWER: &str = r#"(module (func (export "answer") (result i32) i32.const 42))"#;

fn answer(engine: &Engine, module: &Module) -> Result<i32> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    instance.get_typed_func::<(), i32>(&mut store, "answer")?.call(&mut store, ())
}

fn deserialize(engine: &Engine, bytes: &[u8]) -> Result<Module> {
    // SAFETY: this test has made the bytes, and those that it has damaged have a wrong hash.
    unsafe { Module::deserialize(engine, bytes) }
}

#[test]
fn serialised_modules_run_where_they_fit() -> Result<()> {
    for engine in engines() {
        let bytes = Module::new(&engine, ANSWER)?.serialize()?;
        assert!(Module::is_serialized(&bytes));
        assert_eq!(answer(&engine, &deserialize(&engine, &bytes)?)?, 42);
        for position in [0, 9, 40, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1;
            assert!(deserialize(&engine, &damaged).is_err(), "byte {position}");
        }
        for len in [0, 1, 8, 39, 40, 60, bytes.len() - 1] {
            assert!(deserialize(&engine, &bytes[..len]).is_err(), "cut to {len}");
        }
    }
    let none = Engine::new(Config::new().opt_level(OptLevel::None))?;
    let bytes = Module::new(&none, ANSWER)?.serialize()?;
    let error = deserialize(&Engine::default(), &bytes).unwrap_err();
    assert!(error.to_string().starts_with("the module was compiled "), "{error}");
    Ok(())
}

#[test]
fn bad_modules_are_errors_with_their_place() {
    let engine = Engine::default();
    let bad = |bytes: &[u8]| Module::new(&engine, bytes).expect_err("not a module");
    let error = bad(b"\0asm\x01\0\0\0\x01\x04");
    assert!(error.downcast_ref::<InvalidModule>().expect("its kind").offset.is_some(), "{error:?}");
    let error = bad(br#"(module (func (result i32)))"#);
    assert!(error.downcast_ref::<InvalidModule>().expect("its kind").offset.is_some(), "{error:?}");
    bad(b"(module");
    let component = bad(b"\0asm\x0d\0\x01\0");
    assert!(component.is::<UnsupportedFeature>(), "{component:?}");
    bad(b"");
    bad(&[0xff; 64]);
}

#[test]
fn a_function_above_the_limit_of_work_is_refused_by_its_name() -> Result<()> {
    let adds = |count| "(i32.add (local.get 0) ".repeat(count) + "(local.get 0)" + &")".repeat(count);
    let wat = format!(
        "(module (func (param i32) (result i32) {}) (func (param i32) (result i32) {}))",
        adds(10),
        adds(1000)
    );
    let small = Engine::new(Config::new().max_function_work(1000))?;
    let error = format!("{:#}", Module::new(&small, &wat).expect_err("a thousand additions are too many"));
    assert!(error.contains("u0:1: too large to compile: "), "{error}");
    let large = Engine::new(Config::new().max_function_work(100_000))?;
    let compiled = Module::new(&large, &wat)?.serialize()?;
    // The limit is not a property of the code.
    deserialize(&small, &compiled)?;
    Ok(())
}

/// Compiles text; the error, and how many functions were compiled before it was found.
fn refused(config: &mut Config, text: &str) -> (sidetrack_engine::Error, usize) {
    let compiled = Arc::new(AtomicUsize::new(0));
    let count = compiled.clone();
    config.progress(Some(Arc::new(move |_, _| _ = count.fetch_add(1, Ordering::Relaxed))));
    let engine = Engine::new(config).expect("it runs here");
    let error = Module::new(&engine, text).expect_err("it is refused");
    (error, compiled.load(Ordering::Relaxed))
}

#[test]
fn what_is_unsupported_is_told_from_what_is_invalid_and_before_anything_is_compiled() {
    let cases = [
        ("(module (memory 1 1 shared))", "shared memories"),
        ("(module (func) (func (drop (struct.new 0))) (type (struct)))", "garbage collection"),
        (
            "(module (func) (func (param i64) (drop (i64.mul_wide_s (local.get 0) (local.get 0)))))",
            "wide arithmetic",
        ),
    ];
    for (text, feature) in cases {
        let (error, compiled) = refused(&mut Config::new(), text);
        let unsupported = error.downcast_ref::<UnsupportedFeature>().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!((unsupported.feature.as_str(), compiled), (feature, 0), "{error:?}");
        assert!(unsupported.offset.is_some(), "{error:?}");
        let words = format!("unsupported feature: {feature}");
        assert!(error.to_string().starts_with(&words), "{error}");
    }
    // What is switched off, too; and all of it can be.
    let cases = [
        ("(func (return_call 0))", "tail calls"),
        ("(func (drop (f32x4.relaxed_min (v128.const i64x2 0 0) (v128.const i64x2 0 0))))", "relaxed SIMD"),
        ("(func atomic.fence)", "threads"),
        ("(func try catch_all end)", "legacy exception handling"),
        ("(tag) (func (throw 0))", "exception handling"),
        ("(memory i64 1)", "64-bit memories"),
    ];
    for (fields, feature) in cases {
        let text = format!("(module {fields})");
        Module::new(&Engine::default(), &text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let (error, compiled) = refused(Config::new().features(Features::VERSION_2), &text);
        let unsupported = error.downcast_ref::<UnsupportedFeature>().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!((unsupported.feature.as_str(), compiled), (feature, 0), "{error:?}");
    }
}

#[test]
fn the_first_error_in_a_module_is_the_one_told() {
    let good = "(func (result i32) (i32.const 1))".repeat(50);
    let text = format!("(module {good} (func (result i32) (i64.const 1)) {good} (func (i32.const 1)))");
    for parallel in [true, false] {
        let (error, compiled) = refused(Config::new().parallel_compilation(parallel), &text);
        let invalid = error.downcast_ref::<InvalidModule>().unwrap_or_else(|| panic!("{error:?}"));
        assert!(invalid.message.contains("expected i32, found i64"), "{error:?}");
        assert_eq!(compiled, 0, "{error:?}");
    }
}

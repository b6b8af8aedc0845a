//! Modules: bytes, text, serialised, cached.

mod common;

use common::engines;
use sidetrack_engine::{Config, Engine, Instance, InvalidModule, Module, OptLevel, Result, Store};

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
    bad(b"\0asm\x0d\0\x01\0");
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

//! Frames that are larger than all that a thread has. One test, with the smallest stack first: the
//! system gives a thread a stack that another one had, which may be larger than what was asked for.

mod common;

use common::{instantiate, recursion};
use sidetrack_engine::{Config, Engine, OptLevel, Result, Trap};

/// Calls `f` with 5 on a thread with so many KiB; it must run out of stack.
fn overflow(text: &str, kib: usize) -> Result<()> {
    let engine = Engine::new(Config::new().opt_level(OptLevel::None))?;
    let (mut store, instance) = instantiate(&engine, text)?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
    let end = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(kib << 10);
        builder.spawn_scoped(scope, || f.call(&mut store, 5).unwrap_err()).expect("a thread").join()
    });
    let error = end.expect("it does not panic");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "{error:?}");
    Ok(())
}

/// A function that makes room for a thousand arguments of a tail call when it is entered.
fn tail_call() -> String {
    format!(
        "(module
            (func $many (param {}) (result i32) (i32.const 0))
            (func (export \"f\") (param i32) (result i32) {} (return_call $many)))",
        "v128 ".repeat(1000),
        "(i32x4.splat (local.get 0))".repeat(1000)
    )
}

/// The trap is shown to nobody, for which there is no stack.
#[test]
fn a_frame_beyond_the_stack_is_a_trap() -> Result<()> {
    // Arguments are below the limit before it is looked at, and in no page that is probed.
    overflow(&tail_call(), 24)?;
    overflow(&recursion(2500), 40)
}

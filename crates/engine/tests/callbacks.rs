//! Whatever the embedder is asked or told by may panic: the panic goes on where the embedder
//! called, and the store goes on.

mod common;

use common::engines;
use sidetrack_engine::{
    Config, DebugEvent, Engine, Func, Instance, Module, Result, Resume, Store, Target, Trap,
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

const TEXT: &str = r#"(module
    (import "" "fails" (func $fails))
    (tag $t)
    (func (export "breakpoint") (nop))
    (func (export "trap") (unreachable))
    (func (export "exception") (block (try_table (catch_all 0) (throw $t))))
    (func (export "host error") (call $fails))
    (func (export "interrupt") (loop (br 0)))
    (func $right (export "right") (result i32) (i32.const 17)))"#;

/// What goes on with a call if not its result.
fn panic_of<R>(call: impl FnOnce() -> R) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(call)).err()?;
    panic.downcast_ref::<String>().cloned()
}

#[test]
fn a_debug_handler_that_panics() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, TEXT)?;
        let start = module.info().functions[1].body.start;
        for name in ["breakpoint", "trap", "exception", "host error", "interrupt"] {
            let mut store = Store::new(&engine, true);
            let fails = Func::wrap(&mut store, || -> Result<()> { Err(anyhow::anyhow!("refused")) });
            let instance = Instance::new(&mut store, &module, &[fails.into()])?;
            store.debug_handler(|context, event| {
                if *context.data() {
                    resume_unwind(Box::new(format!("{event:?}")));
                }
                Ok(Resume::Continue)
            });
            match name {
                "breakpoint" => drop(store.add_breakpoint(&module, start)?),
                "exception" => store.catch_exceptions(true)?,
                "interrupt" => assert!(store.interrupt_handle().interrupt()),
                _ => {}
            }
            let func = instance.get_typed_func::<(), ()>(&mut store, name)?;
            let said = panic_of(|| func.call(&mut store, ())).expect(name).to_lowercase();
            assert!(said.starts_with(&name.replace(' ', "")), "{said} for {name}");
            // The handler is still there, and hears of the next event.
            assert_eq!(
                instance.get_typed_func::<(), i32>(&mut store, "right")?.call(&mut store, ()).ok(),
                Some(17)
            );
            let trap = instance.get_typed_func::<(), ()>(&mut store, "trap")?;
            assert!(panic_of(|| trap.call(&mut store, ())).is_some(), "after {name}");
            *store.data_mut() = false;
            let error = trap.call(&mut store, ()).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::UnreachableCodeReached));
        }
    }
    assert_ne!(DebugEvent::Step, DebugEvent::Breakpoint);
    Ok(())
}

#[test]
fn progress_that_panics() -> Result<()> {
    for target in Target::supported() {
        let mut config = Config::new();
        config.target(target);
        let right = Engine::new(&config)?;
        config.progress(Some(Arc::new(|done, _| assert!(done == 0, "function {done}"))));
        let engine = Engine::new(&config)?;
        for _ in 0..3 {
            assert!(panic_of(|| Module::new(&engine, TEXT)).expect("a panic").starts_with("function"));
            Module::new(&right, TEXT)?;
        }
    }
    Ok(())
}

//! A host that installs a signal handler later. One test: handlers are the process's.
#![cfg(target_os = "linux")]

mod common;

use common::instantiate;
use sidetrack_engine::{Config, Engine, Result, Target, Trap};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Hands on everything.
extern "C" fn chains(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if let Some(before) = BEFORE.get() {
        // SAFETY: the handler before is the engine's, which takes three arguments.
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
            unsafe { std::mem::transmute(before.sa_sigaction) };
        handler(signal, info, context);
    }
}

#[test]
fn a_handler_that_was_installed_later_is_found() -> Result<()> {
    const LOAD: &str = r#"(module (memory 1)
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#;
    let trap = |engine: &Engine| -> Result<Option<Trap>> {
        let (mut store, instance) = instantiate(engine, LOAD)?;
        let load = instance.get_typed_func::<i32, i32>(&mut store, "load")?;
        Ok(load.call(&mut store, -1).unwrap_err().downcast_ref::<Trap>().copied())
    };
    assert_eq!(trap(&Engine::default())?, Some(Trap::MemoryOutOfBounds));
    // SAFETY: all zeros is an action without a mask; the handler does what handlers may.
    unsafe {
        let mut old = MaybeUninit::<libc::sigaction>::zeroed();
        assert_eq!(libc::sigaction(libc::SIGSEGV, null(), old.as_mut_ptr()), 0);
        let old = old.assume_init();
        let _ = BEFORE.set(old);
        let mut new = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        new.sa_sigaction = chains as *const () as usize;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &new, null_mut()), 0);
    }
    let error = format!("{:#}", Engine::new(&Config::new()).unwrap_err());
    assert!(error.contains("another handler of SIGSEGV"), "{error}");
    assert!(error.contains("signal_handlers_are_chained"), "{error}");
    // The interpreter needs no signals, and who hands on says so.
    for target in Target::supported().filter(|target| *target != Target::Native) {
        assert_eq!(trap(&Engine::new(Config::new().target(target))?)?, Some(Trap::MemoryOutOfBounds));
    }
    let chained = Engine::new(Config::new().signal_handlers_are_chained(true))?;
    assert_eq!(trap(&chained)?, Some(Trap::MemoryOutOfBounds));
    Ok(())
}

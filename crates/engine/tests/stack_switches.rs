//! A host that changes stacks in host functions, and comes back to code in another order than it
//! left it: the process ends before that code runs. Each case is a process of its own, this
//! binary again, with the case in the environment.
#![cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]

use sidetrack_engine::{Config, Engine, Func, Instance, Module, Store, Target};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

const CASE: &str = "SIDETRACK_TEST_CASE";

const TEXT: &str = r#"(module (import "" "leave" (func $leave))
    (func (export "run") (result i32) (call $leave) (call $leave) (i32.const 17)))"#;

/// Stacks by number; 0 is the thread's own.
struct Stacks(UnsafeCell<[MaybeUninit<libc::ucontext_t>; 3]>);

// SAFETY: one thread uses them.
unsafe impl Sync for Stacks {}

static STACKS: Stacks = Stacks(UnsafeCell::new([const { MaybeUninit::uninit() }; 3]));

fn context(number: usize) -> *mut libc::ucontext_t {
    // SAFETY: an address alone.
    unsafe { (*STACKS.0.get())[number].as_mut_ptr() }
}

/// Goes from one stack to another.
fn switch(from: usize, to: usize) {
    // SAFETY: the contexts were made by `begin`, or are written here.
    assert_eq!(unsafe { libc::swapcontext(context(from), context(to)) }, 0);
}

/// A program that leaves its stack in each call of the host.
fn program(number: usize) {
    let case = std::env::var(CASE).unwrap();
    let is_asked_for = |target: &Target| case.ends_with(&format!(" {target:?}"));
    let target = Target::supported().find(is_asked_for).unwrap();
    let engine = Engine::new(Config::new().target(target)).unwrap();
    let module = Module::new(&engine, TEXT).unwrap();
    let mut store = Store::new(&engine, ());
    let leave = Func::wrap(&mut store, move || switch(number, 0));
    let instance = Instance::new(&mut store, &module, &[leave.into()]).unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 17);
    switch(number, 0);
}

extern "C" fn first() {
    program(1);
}

extern "C" fn second() {
    program(2);
}

/// Gives a function a stack.
fn begin(number: usize, function: extern "C" fn()) {
    let stack = Box::leak(vec![0u8; 4 << 20].into_boxed_slice());
    // SAFETY: the stack is never freed, and the function never returns.
    unsafe {
        assert_eq!(libc::getcontext(context(number)), 0);
        (*context(number)).uc_stack.ss_sp = stack.as_mut_ptr().cast();
        (*context(number)).uc_stack.ss_size = stack.len();
        libc::makecontext(context(number), function, 0);
    }
}

#[test]
fn child() {
    let Ok(case) = std::env::var(CASE) else { return };
    begin(1, first);
    begin(2, second);
    // Where each goes on.
    let order: &[usize] = match case.split(' ').next().unwrap() {
        "nested" => &[1, 2, 2, 2, 1, 1],
        "crossed" => &[1, 2, 1],
        "unfinished" => &[1, 2, 2, 1],
        _ => &[1, 1, 1, 2, 2, 2],
    };
    order.iter().for_each(|number| switch(0, *number));
    // Destructors of what is left on other stacks do not run.
    std::process::exit(0);
}

#[test]
fn code_goes_on_in_the_order_in_which_it_was_left() {
    for target in Target::supported() {
        for (order, right) in
            [("one by one", true), ("nested", true), ("crossed", false), ("unfinished", false)]
        {
            let mut command = Command::new(std::env::current_exe().unwrap());
            let case = format!("{} {target:?}", order.split(' ').next().unwrap());
            let output = command.args(["--exact", "child", "--nocapture"]).env(CASE, case).output().unwrap();
            let expected = if right { (Some(0), None) } else { (None, Some(libc::SIGABRT)) };
            let status = output.status;
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!((status.code(), status.signal()), expected, "{order} {target:?}: {error}");
        }
    }
}

//! Counts of work, by which tests see that it grows as the program does.
//!
//! Problem: a pass that takes time growing faster than its input is a fault, and a test that
//! measures time is another. Approach: what passes are made of (following a list of
//! instructions, asking for a definition, going through the ways into a block, taking a step
//! along a chain) counts each step, and [`measure`] says whose steps they are. Steps are
//! counted only in builds with debug assertions, per thread; elsewhere nothing is left of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static BY_PASS: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Counts `n` steps.
#[inline]
pub fn steps(n: usize) {
    if cfg!(debug_assertions) {
        STEPS.set(STEPS.get() + n as u64);
    }
}

/// Runs a pass and adds its steps to what is noted for its name.
pub fn measure<R>(pass: &'static str, run: impl FnOnce() -> R) -> R {
    let before = STEPS.get();
    let result = run();
    note(pass, STEPS.get() - before);
    result
}

/// Adds an amount of something else to what is noted for a name.
pub fn note(name: &'static str, amount: u64) {
    if cfg!(debug_assertions) {
        BY_PASS.with_borrow_mut(|by_pass| *by_pass.entry(name).or_default() += amount);
    }
}

/// What was noted in this thread since the last time, by name.
pub fn take() -> BTreeMap<&'static str, u64> {
    BY_PASS.take()
}

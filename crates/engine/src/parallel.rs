//! Threads for compiling.
//!
//! A process that has forked has none of the threads that its parent had, and whoever hands
//! work to them waits for ever. So the pool is not the one that everybody shares, and a process
//! other than the one that made it makes its own each time.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::OnceLock;

fn pool() -> Option<ThreadPool> {
    let builder = ThreadPoolBuilder::new().thread_name(|number| format!("sidetrack-compile-{number}"));
    builder.build().ok()
}

/// Does work that may use all processors. Where there can be no threads, one does it.
pub(crate) fn run<R: Send>(work: impl FnOnce(bool) -> R + Send) -> R {
    static POOL: OnceLock<(u32, Option<ThreadPool>)> = OnceLock::new();
    let here = std::process::id();
    let (owner, shared) = POOL.get_or_init(|| (here, pool()));
    let own = if *owner == here { None } else { pool() };
    match own.as_ref().or(shared.as_ref().filter(|_| *owner == here)) {
        Some(pool) => pool.install(|| work(true)),
        None => work(false),
    }
}

//! Threads for compiling.
//!
//! A process that has forked has none of the threads that its parent had, and whoever hands
//! work to them waits for ever. So the pool is not the one that everybody shares, and a process
//! other than the one that made it makes its own each time.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

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

/// How much may be in work at once, whatever the number of threads. What is more than the
/// limit by itself is done when nothing else is.
pub(crate) struct Budget {
    limit: u64,
    used: Mutex<u64>,
    returned: Condvar,
}

/// A part of a budget, until it is dropped.
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    weight: u64,
}

impl Budget {
    pub fn new(limit: u64) -> Self {
        Budget { limit, used: Mutex::new(0), returned: Condvar::new() }
    }

    fn used(&self) -> MutexGuard<'_, u64> {
        // A number is whole, whoever panicked.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is so much. Who has a share must not ask for another.
    pub fn take(&self, weight: u64) -> Share<'_> {
        let full = |used: &mut u64| *used > 0 && used.saturating_add(weight) > self.limit;
        let waited = self.returned.wait_while(self.used(), full);
        *waited.unwrap_or_else(PoisonError::into_inner) += weight;
        Share { budget: self, weight }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.used() -= self.weight;
        self.budget.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn no_more_is_in_work_at_once_than_the_budget_has() {
        let (budget, now, most) = (Budget::new(10), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    for round in 0..200 {
                        let weight = (thread * 7 + round) % 10 + 1;
                        let _share = budget.take(weight);
                        most.fetch_max(now.fetch_add(weight, Ordering::SeqCst) + weight, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(weight, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=10).contains(&most.into_inner()));
    }

    #[test]
    fn what_is_more_than_the_budget_goes_alone() {
        let budget = Budget::new(10);
        drop(budget.take(1000));
        drop((budget.take(4), budget.take(6)));
        assert_eq!(*budget.used(), 0);
    }
}

//! What becomes of this crate's state in a process that forks.
//!
//! A child has one thread, the one that forked, and a copy of everything else, as it was
//! left by threads that are not there any more. So whoever shares something with the
//! parent, or may have been left half way, asks here or is told from here.

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often this process or those that it comes from have forked.
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// A number that a fork changes: always in the child, and in the parent unless it was made by a
/// system call alone.
pub(crate) fn generation() -> (usize, u32) {
    static WATCH: Once = Once::new();
    // SAFETY: the functions take nothing and do what is allowed in a child: they change
    // atomics, and locks that the same thread took before it forked.
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(Some(before), Some(after), Some(in_child));
    });
    // A fork by a system call alone runs no handlers, but changes the number of the process.
    (FORKS.load(Ordering::SeqCst), std::process::id())
}

extern "C" fn before() {
    FORKS.fetch_add(1, Ordering::SeqCst);
    crate::run::registry::before_fork();
    super::linux::before_fork();
}

extern "C" fn after() {
    super::linux::after_fork();
    crate::run::registry::after_fork(false);
}

extern "C" fn in_child() {
    super::linux::after_fork();
    crate::run::registry::after_fork(true);
}

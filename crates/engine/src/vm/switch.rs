//! Switching sites of a store's own code while it does not run.
//!
//! Whoever holds the store mutably is the only one that could run its code. So no other
//! thread need be disturbed; but a thread that goes into the code afterwards, or back into it,
//! has to serialise, whichever that is: a host function may have lent its store to
//! another thread, which has switched sites and gone into the code before. So switches
//! are counted, each thread knows which it has serialised after, and looks where code is entered,
//! and where a host function or a hook goes back into it.

use crate::Result;
use crate::module::Module;
use crate::store::StoreOpaque;
use sidetrack_artifact::Architecture;
use sidetrack_patch::{CodeMemory, run};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often sites have been switched, in whatever store.
static SWITCHES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The switches after which this thread has serialised.
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Switches sites of a module, by index, in this store.
pub fn switch(
    store: &mut StoreOpaque,
    module: &Module,
    sites: impl IntoIterator<Item = (usize, bool)>,
) -> Result<()> {
    let memory = store.code_of(module)?.memory().clone();
    // SAFETY: code with sites is the store's own, and the store is borrowed mutably: its
    // thread is here, called by the host or by a hook that has not returned. Before a thread goes
    // into the code it calls `before_code`, which sees that code has changed.
    let mut session = unsafe { memory.idle_session() };
    let set = sites.into_iter().try_for_each(|(site, on)| session.set(site, on));
    // Those before one that is refused are switched all the same.
    session.commit();
    SWITCHES.fetch_add(1, Ordering::Release);
    Ok(set?)
}

/// Switches on all sites of code that a store does not run now: it has just loaded it, or the
/// host asks for a handle.
pub fn arm_all(memory: &CodeMemory) {
    let bytecode = memory.image().architecture == Architecture::Pulley64;
    // SAFETY: a store is borrowed mutably while its code runs, and `Interrupts::watch` and
    // `Interrupts::add` are called with another borrow of it. An interpreter reads code as data, so
    // nobody has to serialise.
    let mut session = if bytecode { unsafe { memory.idle_session() } } else { memory.shared_session() };
    // Sites of an image that is loaded can be switched; a system where they cannot has
    // no interrupts.
    let _ = session.set_all(true);
    session.commit();
}

/// Called before a thread goes into a store's code or back into it.
#[inline]
pub fn before_code() {
    // Whoever switched sites of this store had borrowed it, so what it counted is seen here.
    let switches = SWITCHES.load(Ordering::Acquire);
    if SEEN.replace(switches) != switches {
        run::serialize();
    }
}

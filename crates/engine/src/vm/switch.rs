//! Switching sites of a store's own code while it does not run.
//!
//! Whoever holds the store mutably is the only one that could run its code. So no other
//! thread need be disturbed; but the thread that goes into the code next, whichever that
//! is, has to serialise. The debugger remembers that, and it is done where code is
//! entered, and where a hook goes back into it.

use crate::Result;
use crate::module::Module;
use crate::store::StoreOpaque;
use sidetrack_artifact::Architecture;
use sidetrack_patch::{CodeMemory, run};

/// Switches sites of a module, by index, in this store.
pub fn switch(
    store: &mut StoreOpaque,
    module: &Module,
    sites: impl IntoIterator<Item = (usize, bool)>,
) -> Result<()> {
    let memory = store.code_of(module)?.memory().clone();
    store.debugger_mut().code_changed = true;
    // SAFETY: code with sites is the store's own, and the store is borrowed mutably: its
    // thread is here, called by the host or by a hook that has not returned. Before code goes
    // on, `before_code` is called, which sees that code has changed.
    let mut session = unsafe { memory.idle_session() };
    for (site, on) in sites {
        session.set(site, on)?;
    }
    session.commit();
    Ok(())
}

/// Switches on all sites of code that a store does not run now: it has just loaded it, or the
/// host asks for a handle.
pub fn arm_all(memory: &CodeMemory) {
    let bytecode = memory.image().architecture == Architecture::Pulley64;
    // SAFETY: a store is borrowed mutably while its code runs, and `Interrupts::watch` and
    // `Interrupts::add` are called with another borrow of it. An interpreter reads code as data, so
    // nobody has to serialise.
    let mut session = if bytecode { unsafe { memory.idle_session() } } else { memory.shared_session() };
    for index in 0..memory.image().patch_sites.len() {
        // Sites of an image that is loaded can be switched; a system where they cannot has
        // no interrupts.
        let _ = session.set(index, true);
    }
    session.commit();
}

/// Called before a thread goes into the store's code or back into it.
pub fn before_code(store: &mut StoreOpaque) {
    if std::mem::take(&mut store.debugger_mut().code_changed) {
        run::serialize();
    }
}

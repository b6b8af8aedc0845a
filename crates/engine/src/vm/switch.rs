//! Switching sites of a store's own code while it does not run.
//!
//! Whoever holds the store mutably is the only one that could run its code. So no other
//! thread need be disturbed; but the thread that goes into the code next, whichever that
//! is, has to serialise. The debugger remembers that, and it is done where code is
//! entered, and where a hook goes back into it.

use crate::Result;
use crate::module::Module;
use crate::store::StoreOpaque;
use sidetrack_patch::run;

/// Switches sites of a module, by index, in this store.
pub fn switch(
    store: &mut StoreOpaque,
    module: &Module,
    sites: impl IntoIterator<Item = (usize, bool)>,
) -> Result<()> {
    let memory = store.code_of(module)?.memory().clone();
    let mut session = memory.shared_session();
    for (site, on) in sites {
        session.set(site, on)?;
    }
    store.debugger_mut().code_changed = true;
    // SAFETY: code with sites is the store's own, and the store is borrowed mutably: its
    // thread is here, or stopped in a hook that is about to return here. Before code goes
    // on, `before_code` is called.
    unsafe { session.commit_idle() };
    Ok(())
}

/// Called before a thread goes into the store's code or back into it.
pub fn before_code(store: &mut StoreOpaque) {
    if std::mem::take(&mut store.debugger_mut().code_changed) {
        run::serialize();
    }
}

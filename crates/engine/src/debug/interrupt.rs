//! Interrupts: sites armed from another thread.
//!
//! Native code is patched while it runs. Bytecode cannot be, since an interpreter
//! reads an instruction in pieces: there the sites are armed as soon as there is a
//! handle, and ask whether an interrupt is under way.

use crate::code::StoreCode;
use sidetrack_patch::CodeMemory;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What an interrupt must know of a store.
#[derive(Debug, Default)]
pub(crate) struct Interrupts {
    /// Whether an interrupt is under way.
    requested: AtomicBool,
    /// Whether the sites are armed all the time.
    watching: AtomicBool,
    /// The code of the store, that with sites.
    codes: Mutex<Vec<Arc<CodeMemory>>>,
}

impl Interrupts {
    /// The store has loaded more code.
    pub fn add(&self, code: &StoreCode) {
        if !code.memory().image().patch_sites.is_empty() {
            let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
            codes.push(code.memory().clone());
            if self.requested.load(Ordering::SeqCst) || self.watching.load(Ordering::SeqCst) {
                switch_all(code.memory(), true, |_| false);
            }
        }
    }

    /// There is a handle. Called while the store's code does not run.
    pub fn watch(&self) {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.watching.swap(true, Ordering::SeqCst) {
            codes.iter().for_each(|memory| switch_all(memory, true, |_| false));
        }
    }

    /// Whether sites that somebody disarms stay on.
    pub fn is_watching(&self) -> bool {
        self.watching.load(Ordering::SeqCst)
    }

    /// Whether an interrupt is under way.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Ends the interrupt that is under way: switches all sites off but those, by the address
    /// of their end, that are `armed` for another reason.
    pub fn end(&self, armed: impl Fn(usize) -> bool) {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let requested = self.requested.swap(false, Ordering::SeqCst);
        if requested && !self.watching.load(Ordering::SeqCst) {
            for memory in codes.iter() {
                let base = memory.base() as usize;
                switch_all(memory, false, |end| armed(base + end as usize));
            }
        }
    }
}

/// Switches all sites that `except` does not hold for.
fn switch_all(memory: &CodeMemory, on: bool, except: impl Fn(u32) -> bool) {
    let mut session = memory.shared_session();
    for (index, site) in memory.image().patch_sites.iter().enumerate() {
        if !except(site.end) {
            // Sites of an image that is loaded can be switched; a system where they cannot has
            // no interrupts.
            let _ = session.set(index, on);
        }
    }
    session.commit();
}

/// Stops a store's program from any thread, at the next site that it comes to: the
/// debug handler gets [`crate::DebugEvent::Interrupt`], without one the call ends
/// with [`crate::Trap::Interrupt`]. Costs native code nothing until it is used; bytecode asks
/// at each site from when the handle is made.
#[derive(Clone, Debug)]
pub struct InterruptHandle(pub(crate) Weak<Interrupts>);

impl InterruptHandle {
    /// Stops the program, or the next one that the store runs. Returns false if the store
    /// is gone.
    pub fn interrupt(&self) -> bool {
        let Some(interrupts) = self.0.upgrade() else { return false };
        let codes = interrupts.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let requested = interrupts.requested.swap(true, Ordering::SeqCst);
        if !requested && !interrupts.watching.load(Ordering::SeqCst) {
            for memory in codes.iter() {
                switch_all(memory, true, |_| false);
            }
        }
        true
    }
}

//! Interrupts: sites armed from another thread.
//!
//! Native code is ambushed while it runs: the sites of the pages that it goes over are
//! armed, up to the one that it stops at. Bytecode cannot be, since an interpreter reads
//! an instruction in pieces: there the sites are armed as soon as there is a handle, and
//! ask whether an interrupt is under way.

use crate::code::StoreCode;
use crate::vm::switch::arm_all;
use sidetrack_patch::CodeMemory;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What an interrupt must know of a store.
#[derive(Default)]
pub(crate) struct Interrupts {
    /// Whether an interrupt is under way.
    requested: AtomicBool,
    /// Whether the sites are armed all the time.
    watching: AtomicBool,
    /// The code of the store, that with sites.
    codes: Mutex<Vec<Arc<CodeMemory>>>,
    /// What ends the waits of host functions.
    wakers: Mutex<Vec<Weak<Waker>>>,
}

impl fmt::Debug for Interrupts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupts").field("requested", &self.requested).finish_non_exhaustive()
    }
}

/// Called when there is an interrupt, from the thread that makes it.
type Waker = dyn Fn() + Send + Sync;

impl Interrupts {
    /// The store has loaded more code.
    pub fn add(&self, code: &StoreCode) {
        if code.memory().image().has_sites() {
            let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
            codes.push(code.memory().clone());
            if self.watching.load(Ordering::SeqCst) {
                arm_all(code.memory());
            } else if self.requested.load(Ordering::SeqCst) {
                ambush(code.memory());
            }
        }
    }

    /// The store is going away, and its code with it.
    pub fn close(&self) {
        let codes = std::mem::take(&mut *self.codes.lock().unwrap_or_else(PoisonError::into_inner));
        if self.is_requested() {
            codes.iter().for_each(|memory| memory.lift());
        }
    }

    /// There is a handle. Called while the store's code does not run.
    pub fn watch(&self) {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.watching.swap(true, Ordering::SeqCst) {
            codes.iter().for_each(|memory| arm_all(memory));
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

    /// Ends the interrupt that is under way.
    pub fn end(&self) {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let requested = self.requested.swap(false, Ordering::SeqCst);
        if requested && !self.watching.load(Ordering::SeqCst) {
            codes.iter().for_each(|memory| memory.lift());
        }
    }
}

/// Stops whoever runs the code.
fn ambush(memory: &CodeMemory) {
    // A system where that cannot be done has no interrupts.
    let _ = memory.ambush();
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
            codes.iter().for_each(|memory| ambush(memory));
        }
        drop(codes);
        let wakers = interrupts.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.iter().filter_map(Weak::upgrade).for_each(|wake| wake());
        true
    }
}

/// Tells host functions of interrupts; see [`crate::Caller::interrupt_signal`].
///
/// A host function that waits does not come to the sites where code is interrupted. It returns when
/// there is an interrupt, and the code that called it stops at the site behind the call.
#[derive(Clone, Debug)]
pub struct InterruptSignal(pub(crate) Arc<Interrupts>);

impl InterruptSignal {
    /// Whether anybody can interrupt the store: whether it has an [`InterruptHandle`]. That
    /// does not change while a host function runs.
    pub fn is_watched(&self) -> bool {
        Arc::weak_count(&self.0) > 0
    }

    /// Whether there is an interrupt that the store's code will stop for. Code without sites does not.
    pub fn is_raised(&self) -> bool {
        self.0.is_requested() && !self.0.codes.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Has `wake` called at every interrupt from now on, from the thread that makes it, for as long as
    /// somebody else keeps it. It must not panic, and not wait for the store.
    pub fn on_raise(&self, wake: &Arc<dyn Fn() + Send + Sync>) {
        let mut wakers = self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.retain(|waker| waker.strong_count() > 0);
        wakers.push(Arc::downgrade(wake));
    }

    /// Whether both are of the same store.
    pub fn same(&self, other: &InterruptSignal) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

//! Switching a site while other threads execute it.
//!
//! On x86-64 a core fetches an aligned 8 bytes at once or sees them change at
//! once, so a site inside one of them is replaced by one aligned store: a thread
//! executes the old call or the new one, never a mixture. After the store every
//! core serialises; when `set` returns, no thread begins the old form any more.
//! A thread that had begun the call before may still be inside the callee.

use crate::os::Mapping;
use crate::session::check_site;
use crate::{CodeMemory, PatchError};
use sidetrack_artifact::Architecture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The right to switch sites of code that runs.
#[derive(Clone, Copy, Debug)]
pub struct LivePatcher<'a> {
    memory: &'a CodeMemory,
    alias: &'a Mutex<Mapping>,
}

impl<'a> LivePatcher<'a> {
    pub(crate) fn new(memory: &'a CodeMemory, alias: &'a Mutex<Mapping>) -> Self {
        LivePatcher { memory, alias }
    }

    /// Switches site `index` of the image on or off.
    ///
    /// # Errors
    /// No such site; a site that crosses an aligned 8 bytes; a target without live
    /// patching; no way to synchronise the other threads, in which case they see
    /// the switch at a time of their own.
    pub fn set(&self, index: usize, on: bool) -> Result<(), PatchError> {
        let alias = self.alias.lock().unwrap_or_else(PoisonError::into_inner);
        if self.memory.image().architecture != Architecture::X86_64 || !cfg!(target_arch = "x86_64") {
            return Err(PatchError::NotLive);
        }
        let site = check_site(self.memory, index)?;
        let start = site.start() as usize;
        let (word, shift) = (start & !7, start & 7);
        if shift + usize::from(site.len) > 8 {
            return Err(PatchError::Crosses { index, end: site.end });
        }
        // SAFETY: the view is page-aligned, whole pages long and writable for as long as
        // it lives, and word is an aligned 8 bytes inside it. All writers hold the lock,
        // and the Rust code that reads these bytes does it under the lock, above.
        let cell = unsafe { AtomicU64::from_ptr(alias.base().add(word).cast()) };
        let mut bytes = cell.load(Ordering::Relaxed).to_ne_bytes();
        bytes[shift..shift + usize::from(site.len)].copy_from_slice(site.bytes(on));
        cell.store(u64::from_ne_bytes(bytes), Ordering::SeqCst);
        crate::arch::synchronize(&bytes).map_err(|error| PatchError::Synchronize(error.to_string()))
    }
}

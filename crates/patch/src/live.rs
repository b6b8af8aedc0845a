//! Switching a site while other threads execute it.
//!
//! A site is switched by one aligned store of a size that cores fetch at once, so a
//! thread executes the old call or the new one, never a mixture: on x86-64 the 8 bytes
//! that it lies in, on AArch64 and RISC-V the instruction (`bl` and `nop` are among
//! those that the architecture allows to change), on s390x the one byte in which the
//! forms differ. After the store every core serialises; when `set` returns, no
//! thread begins the old form any more.
//! A thread that had begun the call before may still be inside the callee. AArch64 does not
//! allow an indirect call (`blr`) to change while it is executed.
//!
//! Memory that is switched this way is switched in no other: the two ways have locks of their own.

use crate::os::Mapping;
use crate::session::check_site;
use crate::{CodeMemory, PatchError};
use sidetrack_artifact::{Architecture, SiteKind};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
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

    fn is_indirect(&self, index: usize) -> bool {
        self.memory.image().patch_site(index).is_some_and(|site| site.kind == SiteKind::Indirect)
    }

    /// Switches site `index` of the image on or off.
    ///
    /// # Errors
    /// No such site; a site that crosses an aligned 8 bytes; an indirect call on AArch64; a
    /// target without live patching; no way to synchronise the other threads, in which case they see
    /// the switch at a time of their own.
    pub fn set(&self, index: usize, on: bool) -> Result<(), PatchError> {
        let alias = self.alias.lock().unwrap_or_else(PoisonError::into_inner);
        if crate::run::native::ARCHITECTURE != Some(self.memory.image().architecture) {
            return Err(PatchError::NotLive);
        }
        let site = check_site(self.memory, index)?;
        let crosses = PatchError::Crosses { index, end: site.end };
        let start = site.start() as usize;
        let at = alias.base().wrapping_add(start);
        let form = site.bytes(on);
        // The view is page-aligned, whole pages long and writable for as long as it lives. All
        // that write to these bytes while this memory is shared do it here, with the lock;
        // Rust code reads them atomically, byte by byte, through the other view.
        match self.memory.image().architecture {
            Architecture::X86_64 => {
                let shift = start & 7;
                if shift + form.len() > 8 {
                    return Err(crosses);
                }
                // SAFETY: an aligned 8 bytes of the view, used as said above.
                let cell = unsafe { AtomicU64::from_ptr(at.wrapping_sub(shift).cast()) };
                let mut bytes = cell.load(Ordering::Relaxed).to_ne_bytes();
                bytes[shift..shift + form.len()].copy_from_slice(form);
                cell.store(u64::from_ne_bytes(bytes), Ordering::SeqCst);
            }
            Architecture::Aarch64 if self.is_indirect(index) => {
                return Err(PatchError::Kind { index, end: site.end });
            }
            Architecture::Aarch64 | Architecture::Riscv64 => {
                let word: [u8; 4] = form.try_into().map_err(|_| crosses.clone())?;
                if start & 3 != 0 {
                    return Err(crosses);
                }
                // SAFETY: an aligned 4 bytes of the view, used as said above.
                let cell = unsafe { AtomicU32::from_ptr(at.cast()) };
                cell.store(u32::from_ne_bytes(word), Ordering::SeqCst);
            }
            Architecture::S390x => {
                let differ = |n: &usize| site.bytes(true)[*n] != site.bytes(false)[*n];
                let mut changed = (0..form.len()).filter(differ);
                let Some(byte) = changed.next() else { return Ok(()) };
                if changed.next().is_some() {
                    return Err(crosses);
                }
                // SAFETY: a byte of the view, used as said above.
                let cell = unsafe { AtomicU8::from_ptr(at.wrapping_add(byte)) };
                cell.store(form[byte], Ordering::SeqCst);
            }
            Architecture::Pulley64 => return Err(PatchError::NotLive),
        }
        let synchronized = self.memory.synchronize_range(start..start + form.len());
        synchronized.map_err(|error| PatchError::Synchronize(error.to_string()))
    }
}

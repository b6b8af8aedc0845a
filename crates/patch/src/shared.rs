//! A batch of switches of sites of code that threads may be executing.
//!
//! Approach: as a [`crate::PatchSession`], the pages of all sites become writable, and
//! not executable, change, and become executable again. A thread that gets to such
//! a page meanwhile faults, and the signal handler of [`crate::run`] lets it wait and try
//! again; a thread that was executing there is interrupted by the change of
//! protection. So a site may lie anywhere, and the memory may be a private copy:
//! what is switched in one no other copy sees, at the cost of the pages written to.
//!
//! A site is one instruction in either form, so no thread is in the middle of it. Bytecode
//! is read by an interpreter, in pieces, and the off form of its sites is several
//! instructions: it is switched by sessions for code that nobody executes alone.

use crate::CodeMemory;
use crate::memory::Switching;
use crate::os::Protection;
use crate::session::{PatchError, Switch, check_site, page_ranges};
use std::sync::atomic::Ordering;

/// More sites than this are switched faster by changing the protection of their pages,
/// which then disturbs others but once.
const MAX_IDLE: usize = 64;

/// A batch of switches, applied by [`SharedSession::commit`] or when dropped.
#[derive(Debug)]
pub struct SharedSession<'a> {
    memory: &'a CodeMemory,
    switching: Switching<'a>,
    /// Whether nobody executes the code.
    idle: bool,
    /// A later switch of the same site wins.
    switches: Vec<Switch>,
}

impl<'a> SharedSession<'a> {
    pub(crate) fn new(memory: &'a CodeMemory, idle: bool) -> Self {
        SharedSession { memory, switching: memory.begin_switching(), idle, switches: Vec::new() }
    }

    /// Switches site `index` of the image on or off.
    ///
    /// # Errors
    /// No such site; code that is not one of the site's forms; a system where the
    /// protection of code in use cannot be changed; bytecode, if somebody may execute it;
    /// memory that was loaded for live patching.
    pub fn set(&mut self, index: usize, on: bool) -> Result<(), PatchError> {
        self.check()?;
        let site = check_site(self.memory, index)?;
        self.switches.push(Switch { index: index as u32, site, on });
        Ok(())
    }

    /// Switches all sites of the image on or off, but those whose code is not one of their forms.
    ///
    /// # Errors
    /// As [`SharedSession::set`], for the whole image.
    pub fn set_all(&mut self, on: bool) -> Result<(), PatchError> {
        self.check()?;
        let (image, memory) = (self.memory.image(), self.memory);
        let sites = image.sites(0..image.site_count());
        let sound = sites.filter(|(_, site)| memory.is_in(site, true) || memory.is_in(site, false));
        self.switches.extend(sound.map(|(index, site)| Switch { index: index as u32, site, on }));
        Ok(())
    }

    fn check(&self) -> Result<(), PatchError> {
        match self.memory.check_shared() {
            Err(PatchError::NotLive) if self.idle && CodeMemory::SHARED => {}
            checked => checked?,
        }
        if self.memory.is_published() { Ok(()) } else { Err(PatchError::Unpublished) }
    }

    /// Ends the session: every switch is in force when this returns.
    /// Aborts the process if the code cannot be published again.
    pub fn commit(mut self) {
        if self.idle {
            self.write_idle();
        }
    }

    /// Writes to code that no thread executes, and which therefore need not be taken away
    /// from one: does without a change of protection and without interrupting other
    /// threads where the system can write for us, which leaves the pages executable and
    /// not writable all the time.
    fn write_idle(&mut self) {
        // In an ambush pages have to be closed, too.
        let ambushed = self.switching.ambushed.load(Ordering::SeqCst);
        if !crate::arch::SERIALIZES || ambushed || self.switches.len() > MAX_IDLE {
            return;
        }
        let written = self.switches.iter().all(|&Switch { site, on, .. }| {
            // SAFETY: the caller of `CodeMemory::idle_session` vouches that nobody executes the
            // code; the lock that `switching` has keeps out other writers, and Rust code that
            // reads the site, which looks at it with that lock or expects either form.
            unsafe { self.memory.write_through(site.start(), site.bytes(on)) }.is_ok()
        });
        // Where the system refuses, it is all done the other way.
        if written {
            self.switches.clear();
        }
    }

    fn apply(&mut self) -> std::io::Result<()> {
        self.switches.sort_by_key(|switch| switch.index);
        let ranges = page_ranges(self.memory, self.switches.iter().map(|switch| &switch.site));
        self.switching.pages.store(true, Ordering::SeqCst);
        for range in &ranges {
            self.memory.protect_shared(range.clone(), Protection::Write)?;
        }
        for &Switch { index, site, on } in &self.switches {
            self.memory.write_shared(site.start(), site.bytes(on));
            self.switching.ambush.forget(index);
        }
        // In an ambush, who comes to the pages next sees to it that all sites are on.
        let ambushed = self.switching.ambushed.load(Ordering::SeqCst);
        let protection = if ambushed { Protection::Read } else { Protection::Execute };
        for range in &ranges {
            self.switching.ambush.close(range);
            self.memory.protect_shared(range.clone(), protection)?;
        }
        self.memory.synchronize()?;
        self.switching.pages.store(false, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for SharedSession<'_> {
    fn drop(&mut self) {
        if !self.switches.is_empty() && self.apply().is_err() {
            std::process::abort();
        }
    }
}

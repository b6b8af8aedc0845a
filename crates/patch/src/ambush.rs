//! Stopping threads at the next site that they come to, whichever it is.
//!
//! Problem: nobody knows where a thread is, a program has a hundred thousand sites, and
//! to switch all of them on takes milliseconds and a copy of every page. Approach: the
//! code becomes readable only. A thread that executes it faults at its next
//! instruction, and the signal handler of [`crate::run`] switches on the sites of the page
//! that it is on, makes that page executable, and lets it try again. So what an ambush
//! costs does not depend on how large the code is, but on how many pages a thread
//! goes over until it comes to a site.
//!
//! Invariants: while the ambush is laid, a page is executable only if all its sites are on;
//! `flipped` has the sites that were off before and that nobody has switched since, and
//! lifting the ambush switches off those and no others.

use crate::memory::Switching;
use crate::session::{PatchError, page_ranges};
use crate::{CodeMemory, os};
use sidetrack_artifact::Site;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// What is to be undone.
#[derive(Debug, Default)]
pub(crate) struct Ambush {
    /// The offsets of the pages that are executable.
    pages: Vec<usize>,
    /// Sites, with their indices.
    flipped: Vec<(u32, Site)>,
}

impl Ambush {
    /// Somebody switches a site, which stays as it then is.
    pub(crate) fn forget(&mut self, index: u32) {
        if let Some(at) = self.flipped.iter().position(|(flipped, _)| *flipped == index) {
            self.flipped.swap_remove(at);
        }
    }

    /// Pages are not executable any more.
    pub(crate) fn close(&mut self, range: &Range<usize>) {
        self.pages.retain(|page| !range.contains(page));
    }
}

impl CodeMemory {
    /// Switches on whatever site a thread that executes the code comes to next, until
    /// [`CodeMemory::lift`]. What is switched meanwhile stays as it is switched. A thread
    /// that has a [`crate::SharedSession`] must not execute the code meanwhile.
    ///
    /// # Errors
    /// Code that is not published; a system where the protection of code in use cannot be
    /// changed, or refuses; bytecode, which is not executed by the processor; memory that was
    /// loaded for live patching.
    pub fn ambush(&self) -> Result<(), PatchError> {
        self.check_shared()?;
        let switching = self.begin_switching();
        if !switching.ambushed.swap(true, Ordering::SeqCst) {
            let all = 0..self.mapped_len();
            if let Err(error) = self.protect_shared(all, os::Protection::Read) {
                switching.ambushed.store(false, Ordering::SeqCst);
                return Err(PatchError::Synchronize(error.to_string()));
            }
        }
        Ok(())
    }

    /// Ends [`CodeMemory::ambush`]; all sites are then as they would be without it.
    /// Aborts the process if the code cannot be made executable again.
    pub fn lift(&self) {
        let mut switching = self.begin_switching();
        if switching.ambushed.load(Ordering::SeqCst) && self.lift_now(&mut switching).is_err() {
            std::process::abort();
        }
    }

    fn lift_now(&self, switching: &mut Switching<'_>) -> std::io::Result<()> {
        let Ambush { mut flipped, .. } = std::mem::take(&mut *switching.ambush);
        flipped.sort_unstable_by_key(|(index, _)| *index);
        switching.pages.store(true, Ordering::SeqCst);
        for range in page_ranges(self, flipped.iter().map(|(_, site)| site)) {
            self.protect_shared(range, os::Protection::Write)?;
        }
        for (_, site) in flipped {
            self.write_shared(site.start(), site.bytes(false));
        }
        self.protect_shared(0..self.mapped_len(), os::Protection::Execute)?;
        self.synchronize()?;
        switching.ambushed.store(false, Ordering::SeqCst);
        switching.pages.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// A thread could not fetch an instruction at an address: waits until it can, or
    /// makes it so. Async-signal-safe, except that it may allocate.
    pub(crate) fn fetch_faulted(&self, address: usize) {
        while self.is_switching() {
            if let Some(mut switching) = self.try_begin_switching() {
                if switching.ambushed.load(Ordering::SeqCst) && self.open(&mut switching, address).is_err() {
                    std::process::abort();
                }
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Switches on the sites of the page at an address and makes it executable.
    fn open(&self, switching: &mut Switching<'_>, address: usize) -> std::io::Result<()> {
        let offset = address.wrapping_sub(self.base() as usize);
        if offset >= self.mapped_len() {
            return Ok(());
        }
        let page = self.pages_of(offset..offset + 1);
        let ambush = &mut *switching.ambush;
        let image = self.image();
        let behind = image.sites_ending_in(page.start as u32, u32::MAX);
        let on_page = |(_, site): &(usize, Site)| (site.start() as usize) < page.end;
        let sites: Vec<(usize, Site)> = image.sites(behind).take_while(on_page).collect();
        let mut written = page.clone();
        if let [(_, first), .., (_, last)] | [(_, first @ last)] = &sites[..] {
            // Sites may begin on the page before or end on the one behind.
            let all = self.pages_of(first.start() as usize..last.end as usize);
            written = all.start.min(page.start)..all.end.max(page.end);
            self.protect_shared(written.clone(), os::Protection::Write)?;
            for (index, site) in sites {
                if !self.is_in(&site, true) {
                    self.write_shared(site.start(), site.bytes(true));
                    ambush.flipped.push((index as u32, site));
                }
            }
            self.synchronize()?;
        }
        if !ambush.pages.contains(&page.start) {
            ambush.pages.push(page.start);
        }
        let step = page.len();
        for start in written.step_by(step) {
            let open = ambush.pages.contains(&start);
            let protection = if open { os::Protection::Execute } else { os::Protection::Read };
            self.protect_shared(start..start + step, protection)?;
        }
        Ok(())
    }
}

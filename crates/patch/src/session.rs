//! A batch of switches of sites whose code does not run meanwhile.
//!
//! Approach: `set` checks a switch and remembers it; the end of the session makes
//! the pages of all of them writable, copies the bytes, makes the pages
//! executable and synchronises once. Neighbouring pages change protection in one
//! system call. Until that point nothing has changed, so a refusal is an error;
//! from it on a failure aborts the process, since compiled frames may be on the
//! stack and there is nowhere to return to.

use crate::CodeMemory;
use sidetrack_artifact::{PatchSite, Site};
use std::ops::Range;

/// Why a site cannot be switched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The image has fewer sites.
    #[error("patch site {index} is not in the image, which has {count}")]
    NoSuchSite {
        /// The index asked for.
        index: usize,
        /// How many sites there are.
        count: usize,
    },
    /// The record is not one of the image's.
    #[error("the patch site that ends at {end} (tag {tag}) is not in the image")]
    Foreign {
        /// Where the record says the site ends.
        end: u32,
        /// Its tag.
        tag: u64,
    },
    /// The code at the site is neither of its forms.
    #[error("the code at patch site {index} (ends at {end}) is neither its on form nor its off form")]
    Damaged {
        /// The site's index in the image.
        index: usize,
        /// Where it ends.
        end: u32,
    },
    /// One store cannot switch this site.
    #[error(
        "patch site {index} (ends at {end}) is not inside one aligned 8 bytes, so it cannot be switched live"
    )]
    Crosses {
        /// The site's index in the image.
        index: usize,
        /// Where it ends.
        end: u32,
    },
    /// The architecture does not allow this kind of call to change while it is executed.
    #[error("patch site {index} (ends at {end}) is an indirect call, which cannot be switched live here")]
    Kind {
        /// The site's index in the image.
        index: usize,
        /// Where it ends.
        end: u32,
    },
    /// The memory was loaded for live patching, and is switched in no other way.
    #[error("the code memory was loaded for live patching and is switched in no other way")]
    Live,
    /// The memory was not loaded for live patching, or this target has none.
    #[error("the code memory was not loaded for live patching")]
    NotLive,
    /// The owner has unpublished the memory.
    #[error("the code memory is not published")]
    Unpublished,
    /// The operating system cannot synchronise the threads that run the code.
    #[error("synchronising instruction streams: {0}")]
    Synchronize(String),
}

/// Pages further apart than this change protection by two calls.
const COALESCE_PAGES: usize = 16;

/// A batch of switches, applied by [`PatchSession::commit`] or when dropped.
#[derive(Debug)]
pub struct PatchSession<'a> {
    memory: &'a mut CodeMemory,
    /// A later switch of the same site wins.
    switches: Vec<Switch>,
}

/// A site, by its index, and the state that it is to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switch {
    pub(crate) index: u32,
    pub(crate) site: Site,
    pub(crate) on: bool,
}

impl<'a> PatchSession<'a> {
    pub(crate) fn new(memory: &'a mut CodeMemory) -> Self {
        // Who has the memory to itself need not be waited for.
        memory.lift();
        PatchSession { memory, switches: Vec::new() }
    }

    /// Switches site `index` of the image on or off.
    ///
    /// # Errors
    /// No such site; code that is not one of the site's forms; unpublished memory.
    pub fn set(&mut self, index: usize, on: bool) -> Result<(), PatchError> {
        let site = check_site(self.memory, index)?;
        self.switches.push(Switch { index: index as u32, site, on });
        Ok(())
    }

    /// Switches the site that `site` records, which must be one of the image's
    /// to the last byte of its forms.
    ///
    /// # Errors
    /// As [`PatchSession::set`], and a record of other code.
    pub fn set_site(&mut self, site: &PatchSite, on: bool) -> Result<(), PatchError> {
        let image = self.memory.image();
        let index = image
            .site_ending_at(site.end)
            .filter(|&index| image.patch_site(index).as_ref() == Some(site))
            .ok_or(PatchError::Foreign { end: site.end, tag: site.tag })?;
        self.set(index, on)
    }

    /// Ends the session: every switch is in force when this returns.
    /// Aborts the process if the code cannot be published again.
    pub fn commit(self) {}

    fn apply(&mut self) -> std::io::Result<()> {
        // Stable, so that of two switches of one site the later one stays later.
        self.switches.sort_by_key(|switch| switch.index);
        let ranges = page_ranges(self.memory, self.switches.iter().map(|switch| &switch.site));
        self.memory.unpublish_ranges(&ranges)?;
        for Switch { site, on, .. } in &self.switches {
            self.memory.write(site.start(), site.bytes(*on));
        }
        self.memory.publish_ranges(&ranges)
    }
}

impl Drop for PatchSession<'_> {
    fn drop(&mut self) {
        if !self.switches.is_empty() && self.apply().is_err() {
            std::process::abort();
        }
    }
}

/// The page ranges of sites in their order: sorted, disjoint, neighbours merged.
pub(crate) fn page_ranges<'a>(
    memory: &CodeMemory,
    sites: impl IntoIterator<Item = &'a Site>,
) -> Vec<Range<usize>> {
    let page = rustix::param::page_size();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for site in sites {
        let Range { start, end } = memory.pages_of(site.range());
        match ranges.last_mut() {
            Some(last) if start <= last.end + COALESCE_PAGES * page => last.end = last.end.max(end),
            _ => ranges.push(start..end),
        }
    }
    ranges
}

/// Refuses a site that the image lacks or whose code is not one of its forms.
pub(crate) fn check_site(memory: &CodeMemory, index: usize) -> Result<Site, PatchError> {
    if !memory.is_published() {
        return Err(PatchError::Unpublished);
    }
    let image = memory.image();
    let site =
        image.site(index).ok_or_else(|| PatchError::NoSuchSite { index, count: image.site_count() })?;
    if !memory.is_in(&site, true) && !memory.is_in(&site, false) {
        return Err(PatchError::Damaged { index, end: site.end });
    }
    Ok(site)
}

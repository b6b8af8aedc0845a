//! Sites in an image: rows of place, tag and form, from which their bytes follow.

use crate::link::write_field;
use crate::{PatchSite, PatchTarget, RelocKind, SiteKind};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The most bytes that a site has.
pub const MAX_SITE_LEN: usize = 16;

/// What sites have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct SiteForm {
    pub target: PatchTarget,
    pub kind: SiteKind,
    pub initially_on: bool,
    /// The bytes; of a site with a field, those of one that refers to its own place.
    pub on: Vec<u8>,
    pub off: Vec<u8>,
    pub field: Option<SiteField>,
}

/// Where a site's bytes depend on its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SiteField {
    /// Offset in the site.
    pub at: u8,
    pub kind: RelocKind,
    /// The image offset that it refers to, with its addend.
    pub target: i64,
    /// Whether the off form has it, too.
    pub in_off: bool,
}

impl SiteField {
    /// Writes the field of a site that begins at an image offset.
    fn write(self, site: &mut [u8], start: u32, target: i64) -> Option<()> {
        let at = usize::from(self.at);
        let field = site.get_mut(at..at + self.kind.size() as usize)?;
        write_field(self.kind, field, start.checked_add(self.at.into())?, target)
    }
}

impl SiteForm {
    /// The form of a linked site, whose relocation, if it has just one, is `field`.
    pub fn of(site: &PatchSite, field: Option<SiteField>) -> Self {
        let PatchSite { target, kind, initially_on, on, off, .. } = site.clone();
        let mut form = SiteForm { target, kind, initially_on, on, off, field: None };
        // A reference to a page depends on more than the distance.
        if let Some(field) = field.filter(|field| field.kind != RelocKind::Aarch64PageOffset) {
            let own = i64::from(site.start()) + i64::from(field.at);
            let mut general = SiteForm { field: Some(field), ..form.clone() };
            let written = field.write(&mut general.on, site.start(), own);
            let kept = if field.in_off { field.write(&mut general.off, site.start(), own) } else { Some(()) };
            let same = |made: Site| made.bytes(true) == form.on && made.bytes(false) == form.off;
            if written.and(kept).is_some() && general.site(site.end, 0).is_some_and(same) {
                form = general;
            }
        }
        form
    }

    /// The site of this form that ends at an image offset.
    pub fn site(&self, end: u32, tag: u64) -> Option<Site> {
        let len = u8::try_from(self.on.len()).ok().filter(|_| self.on.len() == self.off.len())?;
        let mut site = Site { end, len, tag, on: [0; MAX_SITE_LEN], off: [0; MAX_SITE_LEN] };
        let start = end.checked_sub(len.into())?;
        site.on.get_mut(..len.into())?.copy_from_slice(&self.on);
        site.off.get_mut(..len.into())?.copy_from_slice(&self.off);
        if let Some(field) = self.field {
            field.write(&mut site.on, start, field.target)?;
            if field.in_off {
                field.write(&mut site.off, start, field.target)?;
            }
        }
        Some(site)
    }

    /// All that is known of a site of this form.
    pub fn record(&self, site: &Site) -> PatchSite {
        PatchSite {
            end: site.end,
            len: site.len,
            tag: site.tag,
            target: self.target.clone(),
            kind: self.kind,
            initially_on: self.initially_on,
            on: site.bytes(true).to_vec(),
            off: site.bytes(false).to_vec(),
        }
    }
}

/// What is needed to switch a patchable call; [`crate::Image::patch_site`] has all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Code offset just after the site: the return address of its call.
    pub end: u32,
    /// Length of the site in bytes.
    pub len: u8,
    /// The user's tag for this site.
    pub tag: u64,
    on: [u8; MAX_SITE_LEN],
    off: [u8; MAX_SITE_LEN],
}

impl Site {
    /// Code offset of the first byte of the site.
    pub fn start(&self) -> u32 {
        self.end - u32::from(self.len)
    }

    /// The offsets of its bytes.
    pub fn range(&self) -> Range<usize> {
        self.start() as usize..self.end as usize
    }

    /// The bytes for the given state.
    pub fn bytes(&self, on: bool) -> &[u8] {
        &(if on { &self.on } else { &self.off })[..usize::from(self.len)]
    }
}

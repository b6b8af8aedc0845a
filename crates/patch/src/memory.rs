//! A loaded image.
//!
//! Invariants: no page of a view is ever writable and executable at once; between
//! calls of this module's functions either the whole view is published (readable
//! and executable) or the owner has unpublished it; the source of private copies
//! is never written to, so every copy starts with the image's initial sites.

use crate::ambush::Ambush;
use crate::os::{Mapping, Protection, Source};
use crate::run::builtins::is_builtin;
use crate::{LivePatcher, PatchError, PatchSession, SharedSession};
use sidetrack_artifact::{Architecture, Image, LoadTarget, Site, SymbolName};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// Why an image cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// Nobody gives this import an address.
    #[error("no address for import {0}")]
    Unresolved(SymbolName),
    /// The operating system refuses memory or a protection.
    #[error("code memory: {0}")]
    Os(#[from] io::Error),
}

/// An image in memory, ready to run.
#[derive(Debug)]
pub struct CodeMemory {
    image: Arc<Image>,
    /// The addresses of the image's imports.
    imports: Arc<[u64]>,
    /// What private copies are made of; none for live memory.
    source: Option<Arc<Source>>,
    code: Mapping,
    /// The second, writable view of live memory; the lock is the right to write through it.
    alias: Option<Mutex<Mapping>>,
    published: bool,
    /// The right to switch sites through a shared reference.
    switching: Mutex<Ambush>,
    /// Whether pages are unpublished for that right now.
    switching_pages: AtomicBool,
    /// Whether whoever comes to a site is to be stopped.
    ambushed: AtomicBool,
    /// Whether code may be different from what was loaded.
    written: AtomicBool,
}

/// The right to switch sites through a shared reference.
#[derive(Debug)]
pub(crate) struct Switching<'a> {
    pub(crate) ambush: MutexGuard<'a, Ambush>,
    /// Whether pages are unpublished right now.
    pub(crate) pages: &'a AtomicBool,
    /// Whether whoever comes to a site is to be stopped.
    pub(crate) ambushed: &'a AtomicBool,
}

impl CodeMemory {
    /// Loads `image`, with the addresses of its imports from `resolve`, and publishes it.
    ///
    /// # Errors
    /// An import without an address; no memory.
    pub fn new(
        image: Arc<Image>,
        resolve: &mut dyn FnMut(&SymbolName) -> Option<u64>,
    ) -> Result<Self, MemoryError> {
        let imports = addresses(&image, resolve)?;
        let source = Arc::new(Source::new(image.code())?);
        let code = source.map_private()?;
        Self::load(image, imports, Some(source), code, None)
    }

    /// As [`CodeMemory::new`], for an image whose code is in a file, from this offset on,
    /// which is a multiple of every page size: pages of the file are used as long as
    /// nobody switches a site on them, so processes share them. If the system cannot do that, or
    /// does not let pages of the file be executed, the code is copied.
    ///
    /// # Errors
    /// As [`CodeMemory::new`].
    ///
    /// # Safety
    /// The file has the image's code there, and nobody changes it or makes it shorter
    /// while the memory or a copy of it is there.
    pub unsafe fn new_in_file(
        image: Arc<Image>,
        file: &File,
        offset: u64,
        resolve: &mut dyn FnMut(&SymbolName) -> Option<u64>,
    ) -> Result<Self, MemoryError> {
        let imports = addresses(&image, resolve)?;
        // SAFETY: by the caller.
        let source = match unsafe { Source::in_file(file, offset, image.code_len()) } {
            Ok(source) => source,
            Err(_) => Source::new(image.code())?,
        };
        let source = Arc::new(source);
        let code = source.map_private()?;
        Self::load(image, imports, Some(source), code, None)
    }

    /// Loads `image` so that its sites can be switched while threads run it.
    ///
    /// # Errors
    /// As [`CodeMemory::new`]; also where memory cannot be mapped twice.
    pub fn new_live(
        image: Arc<Image>,
        resolve: &mut dyn FnMut(&SymbolName) -> Option<u64>,
    ) -> Result<Self, MemoryError> {
        let imports = addresses(&image, resolve)?;
        let (code, alias) = Source::map_twice(image.code())?;
        Self::load(image, imports, None, code, Some(Mutex::new(alias)))
    }

    /// Another view of the same image, with the sites in their initial state.
    /// What is switched in one view no other sees; a copy costs the pages that
    /// are written to, which are those of switched sites and of the image's load relocations.
    ///
    /// # Errors
    /// No memory.
    pub fn private_copy(&self) -> Result<Self, MemoryError> {
        let source = match &self.source {
            Some(source) => source.clone(),
            None => Arc::new(Source::new(self.image.code())?),
        };
        let code = source.map_private()?;
        Self::load(self.image.clone(), self.imports.clone(), Some(source), code, None)
    }

    fn load(
        image: Arc<Image>,
        imports: Arc<[u64]>,
        source: Option<Arc<Source>>,
        mut code: Mapping,
        alias: Option<Mutex<Mapping>>,
    ) -> Result<Self, MemoryError> {
        let base = code.base() as u64;
        // Pages of a file that nothing is written to remain the file's.
        let mut written: Vec<Range<usize>> = Vec::new();
        for reloc in &image.load_relocs {
            let pages = pages(reloc.offset as usize..reloc.offset as usize + 8, code.len());
            match written.last_mut() {
                Some(last) if pages.start <= last.end => last.end = last.end.max(pages.end),
                _ => written.push(pages),
            }
        }
        written.iter().try_for_each(|range| code.make_writable(range.clone()))?;
        let bytes = code.bytes_mut();
        for reloc in &image.load_relocs {
            let address = match reloc.target {
                LoadTarget::Image(offset) => base + u64::from(offset),
                LoadTarget::Import(index) => imports[index as usize],
            };
            let value = image.architecture.address_bytes(address.wrapping_add_signed(reloc.addend));
            bytes[reloc.offset as usize..reloc.offset as usize + 8].copy_from_slice(&value);
        }
        code.make_executable(0..code.len())?;
        let memory = CodeMemory {
            image,
            imports,
            source,
            code,
            alias,
            published: true,
            switching: Mutex::default(),
            switching_pages: AtomicBool::new(false),
            ambushed: AtomicBool::new(false),
            written: AtomicBool::new(false),
        };
        match &memory.source {
            // What the system takes from a file it makes executable itself.
            Some(source) if source.is_file() => {
                written.into_iter().try_for_each(|range| memory.synchronize_range(range))?
            }
            _ => memory.synchronize()?,
        }
        Ok(memory)
    }

    /// The image that is loaded.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// The address of the image's first byte.
    pub fn base(&self) -> *const u8 {
        self.code.base()
    }

    /// The addresses of the image's code.
    pub fn addresses(&self) -> Range<usize> {
        let base = self.base() as usize;
        base..base + self.image.code_len()
    }

    /// A copy of the code as it stands. What somebody switches at the same time may be in
    /// either form, or between the two.
    pub fn bytes(&self) -> Vec<u8> {
        self.code.read(0..self.image.code_len()).collect()
    }

    /// Whether a site is in one of its forms.
    pub(crate) fn is_in(&self, site: &Site, on: bool) -> bool {
        self.code.read(site.range()).eq(site.bytes(on).iter().copied())
    }

    /// The address of import `index` of the image, which must exist.
    pub(crate) fn import_address(&self, index: usize) -> u64 {
        self.imports[index]
    }

    /// Whether site `index` of the image makes its call now; none without such a site.
    pub fn is_on(&self, index: usize) -> Option<bool> {
        Some(self.is_in(&self.image.site(index)?, true))
    }

    /// Whether this is an image as it was loaded, and ready to run: no site was ever
    /// switched, and there is no ambush. Live memory never counts as such.
    pub fn is_pristine(&self) -> bool {
        self.published && self.alias.is_none() && !self.is_switching() && !self.written.load(Ordering::SeqCst)
    }

    /// How many sites make their calls now.
    pub fn count_on(&self) -> usize {
        let sites = self.image.sites(0..self.image.site_count());
        sites.filter(|(_, site)| self.is_in(site, true)).count()
    }

    /// Makes the code readable and executable and synchronises the instruction stream.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn publish(&mut self) -> Result<(), MemoryError> {
        // Bytecode is data to the processor: it is read, never executed.
        let all = 0..self.code.len();
        self.publish_ranges(&[all])?;
        self.published = true;
        Ok(())
    }

    /// Makes the code readable and writable; nothing may run it until it is published.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn unpublish(&mut self) -> Result<(), MemoryError> {
        self.lift();
        *self.written.get_mut() = true;
        self.code.make_writable(0..self.code.len())?;
        self.published = false;
        Ok(())
    }

    /// Whether the code can run.
    pub fn is_published(&self) -> bool {
        self.published
    }

    /// A batch of switches.
    pub fn session(&mut self) -> PatchSession<'_> {
        PatchSession::new(self)
    }

    /// Whether this system has [`SharedSession`]s.
    pub(crate) const SHARED: bool = Mapping::SHARED;

    /// A batch of switches while threads may run the code; waits for another one to end.
    pub fn shared_session(&self) -> SharedSession<'_> {
        SharedSession::new(self, false)
    }

    /// The same for code that nobody executes meanwhile, bytecode among it; disturbs no thread
    /// where the system can write for us.
    ///
    /// # Safety
    /// No thread executes the code until the session has ended, nor afterwards without
    /// calling [`crate::run::serialize`] first.
    pub unsafe fn idle_session(&self) -> SharedSession<'_> {
        SharedSession::new(self, true)
    }

    pub(crate) fn begin_switching(&self) -> Switching<'_> {
        self.switching(self.switching.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same; none if somebody else has the right. Async-signal-safe.
    pub(crate) fn try_begin_switching(&self) -> Option<Switching<'_>> {
        match self.switching.try_lock() {
            Ok(ambush) => Some(self.switching(ambush)),
            Err(TryLockError::Poisoned(error)) => Some(self.switching(error.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn switching<'a>(&'a self, ambush: MutexGuard<'a, Ambush>) -> Switching<'a> {
        Switching { ambush, pages: &self.switching_pages, ambushed: &self.ambushed }
    }

    /// Whether there may be pages that are not executable. Async-signal-safe.
    pub(crate) fn is_switching(&self) -> bool {
        self.switching_pages.load(Ordering::SeqCst) || self.ambushed.load(Ordering::SeqCst)
    }

    /// Whether there can be [`Switching`] that does anything. A second view is written to by
    /// who does not ask for that right, so memory that has one is switched through it alone.
    pub(crate) fn check_shared(&self) -> Result<(), PatchError> {
        if self.alias.is_some() {
            return Err(PatchError::Live);
        }
        if !Mapping::SHARED || self.image.architecture == Architecture::Pulley64 {
            return Err(PatchError::NotLive);
        }
        if self.published { Ok(()) } else { Err(PatchError::Unpublished) }
    }

    /// Changes the protection of pages, as the holder of [`Switching`].
    pub(crate) fn protect_shared(&self, range: Range<usize>, protection: Protection) -> io::Result<()> {
        if protection == Protection::Write {
            self.written.store(true, Ordering::Relaxed);
        }
        self.code.protect_shared(range, protection)
    }

    /// Lets the system copy bytes into published pages.
    ///
    /// # Safety
    /// As [`CodeMemory::idle_session`], for a holder of [`Switching`].
    pub(crate) unsafe fn write_through(&self, offset: u32, bytes: &[u8]) -> io::Result<()> {
        self.written.store(true, Ordering::Relaxed);
        // SAFETY: by the caller.
        unsafe { self.code.write_through(offset as usize, bytes) }
    }

    /// The pages that bytes of the view lie in.
    pub(crate) fn pages_of(&self, bytes: Range<usize>) -> Range<usize> {
        pages(bytes, self.mapped_len())
    }

    /// Copies bytes into pages that the holder of [`Switching`] has made writable.
    pub(crate) fn write_shared(&self, offset: u32, bytes: &[u8]) {
        self.code.write_shared(offset as usize, bytes);
    }

    /// Makes every thread see the code as it is now.
    pub(crate) fn synchronize(&self) -> io::Result<()> {
        self.synchronize_range(0..self.code.len())
    }

    /// The same for a range of the code alone.
    pub(crate) fn synchronize_range(&self, range: Range<usize>) -> io::Result<()> {
        if self.image.architecture == Architecture::Pulley64 {
            return Ok(());
        }
        let base = self.base() as usize;
        crate::arch::synchronize(base + range.start..base + range.end)
    }

    /// The right to switch sites while threads run the code.
    ///
    /// # Errors
    /// The memory was not loaded by [`CodeMemory::new_live`].
    pub fn live(&self) -> Result<LivePatcher<'_>, PatchError> {
        let alias = self.alias.as_ref().ok_or(PatchError::NotLive)?;
        Ok(LivePatcher::new(self, alias))
    }

    /// Makes page ranges writable.
    pub(crate) fn unpublish_ranges(&mut self, ranges: &[Range<usize>]) -> io::Result<()> {
        *self.written.get_mut() = true;
        ranges.iter().try_for_each(|range| self.code.make_writable(range.clone()))
    }

    /// Makes page ranges executable again and synchronises once.
    pub(crate) fn publish_ranges(&mut self, ranges: &[Range<usize>]) -> io::Result<()> {
        ranges.iter().try_for_each(|range| self.code.make_executable(range.clone()))?;
        self.synchronize()
    }

    /// Copies bytes into a range that is unpublished.
    pub(crate) fn write(&mut self, offset: u32, bytes: &[u8]) {
        let at = offset as usize;
        self.code.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Length of the view in bytes, whole pages.
    pub(crate) fn mapped_len(&self) -> usize {
        self.code.len()
    }
}

/// The pages that bytes of a view of this length lie in.
fn pages(bytes: Range<usize>, len: usize) -> Range<usize> {
    let page = rustix::param::page_size();
    bytes.start / page * page..bytes.end.next_multiple_of(page).min(len)
}

/// The addresses of the image's imports, in their order. The interpreter has some
/// functions built in, which need none.
fn addresses(
    image: &Image,
    resolve: &mut dyn FnMut(&SymbolName) -> Option<u64>,
) -> Result<Arc<[u64]>, MemoryError> {
    let mut address = |name: &SymbolName| match resolve(name) {
        Some(address) => Ok(address),
        None if image.architecture == Architecture::Pulley64 && is_builtin(name) => Ok(0),
        None => Err(MemoryError::Unresolved(name.clone())),
    };
    image.imports.iter().map(|import| address(&import.name)).collect()
}

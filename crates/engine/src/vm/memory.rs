//! Linear memories.
//!
//! A memory reserves its addresses once and never moves. What is past its present
//! size is inaccessible: for a 32-bit memory the reservation covers every address
//! that an index and an offset can make, so that an access outside faults and needs
//! no check. Growing makes more of the reservation accessible; the system gives
//! zeroed pages.

use sidetrack_artifact::MemoryType;
use sidetrack_artifact::vmctx::MEMORY_RESERVATION;
use std::io;
use std::ptr::{NonNull, null_mut};

/// Bytes of a WebAssembly page.
pub const PAGE: u64 = 1 << 16;
/// The addresses that a 64-bit memory reserves at most; it cannot grow past them.
const MEMORY64_RESERVATION: u64 = 64 << 30;

/// A linear memory.
#[derive(Debug)]
pub struct VmMemory {
    /// The present size in bytes. The first field: compiled code reads it.
    bytes: u64,
    base: NonNull<u8>,
    reserved: u64,
    ty: MemoryType,
}

// SAFETY: the mapping belongs to this value alone.
unsafe impl Send for VmMemory {}
// SAFETY: as above; changes need a mutable borrow.
unsafe impl Sync for VmMemory {}

impl VmMemory {
    /// A zeroed memory of the type's initial size.
    ///
    /// # Errors
    /// If the system has not that much memory or address space.
    pub fn new(ty: MemoryType) -> io::Result<Self> {
        let too_large = || io::Error::new(io::ErrorKind::OutOfMemory, "the memory is too large");
        let bytes = ty.limits.min.checked_mul(PAGE).ok_or_else(too_large)?;
        let most = ty.limits.max.and_then(|max| max.checked_mul(PAGE)).unwrap_or(u64::MAX);
        let reserved = if ty.memory64 {
            most.min(MEMORY64_RESERVATION.max(bytes)).max(PAGE)
        } else {
            MEMORY_RESERVATION
        };
        let len = usize::try_from(reserved).map_err(|_| too_large())?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: the kernel chooses a free address.
        let base = unsafe { libc::mmap(null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(too_large)?;
        let mut memory = VmMemory { bytes: 0, base, reserved, ty };
        memory.open(bytes)?;
        Ok(memory)
    }

    /// Makes the memory `bytes` long.
    fn open(&mut self, bytes: u64) -> io::Result<()> {
        if bytes > self.bytes {
            let start = self.base.as_ptr().wrapping_add(self.bytes as usize);
            let len = (bytes - self.bytes) as usize;
            // SAFETY: the range is inside the reservation, whose pages are this memory's own.
            if unsafe { libc::mprotect(start.cast(), len, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Its type, with the limits it was made with.
    pub fn ty(&self) -> MemoryType {
        self.ty
    }

    /// The present size in pages.
    pub fn pages(&self) -> u64 {
        self.bytes / PAGE
    }

    /// The largest size in pages that it can have.
    pub fn max_pages(&self) -> u64 {
        let by_type = if self.ty.memory64 { 1 << 48 } else { 1 << 16 };
        by_type.min(self.ty.limits.max.unwrap_or(u64::MAX)).min(self.reserved / PAGE)
    }

    /// Grows by `delta` pages and returns the previous size in pages; `None` if that
    /// cannot be, and then nothing has changed.
    pub fn grow(&mut self, delta: u64) -> Option<u64> {
        let before = self.pages();
        let pages = before.checked_add(delta).filter(|pages| *pages <= self.max_pages())?;
        self.open(pages * PAGE).ok()?;
        Some(before)
    }

    /// The address of the first byte.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The address of the present size.
    pub fn size_address(&self) -> *const u64 {
        &raw const self.bytes
    }

    /// The contents.
    pub fn data(&self) -> &[u8] {
        // SAFETY: the first `bytes` of the reservation are accessible, and compiled code
        // does not run while the borrow lives.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.bytes as usize) }
    }

    /// The contents, to change.
    pub fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the borrow is the only one.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.bytes as usize) }
    }
}

impl Drop for VmMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own and nothing uses it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.reserved as usize) };
    }
}

//! Linear memories.
//!
//! A memory reserves its addresses once and never moves. What is past its present
//! size is inaccessible: for a 32-bit memory the reservation covers every address
//! that an index and an offset can make, so that an access outside faults and needs
//! no check. Growing makes more of the reservation accessible; the system gives
//! zeroed pages.

use super::reservation::{Reservation, ReservationError};
use sidetrack_artifact::MemoryType;
use sidetrack_artifact::vmctx::MEMORY_RESERVATION;
use std::io;
use std::ptr::NonNull;

/// Bytes of a WebAssembly page.
pub const PAGE: u64 = 1 << 16;
/// The addresses that a 64-bit memory reserves at most; it cannot grow past them.
const MEMORY64_RESERVATION: u64 = 64 << 30;

/// A linear memory.
#[derive(Debug)]
#[repr(C)]
pub struct VmMemory {
    /// The present size in bytes. The first field: compiled code reads it.
    bytes: u64,
    reserved: Reservation,
    ty: MemoryType,
}

impl VmMemory {
    /// A zeroed memory of the type's initial size. If it is `guarded`, code relies on
    /// accesses outside of a 32-bit memory to fault.
    ///
    /// # Errors
    /// If the system has not that much memory or address space.
    pub fn new(ty: MemoryType, guarded: bool) -> Result<Self, ReservationError> {
        let bytes = ty.limits.min.saturating_mul(PAGE);
        let reserved = if guarded && !ty.memory64 {
            Reservation::new(MEMORY_RESERVATION)?
        } else {
            let most = ty.limits.max.map_or(u64::MAX, |max| max.saturating_mul(PAGE));
            let most = most.min(if ty.memory64 { MEMORY64_RESERVATION.max(bytes) } else { 1 << 32 });
            // Where there are no addresses for all that it may become, it grows less far.
            let sizes = [most, most / 8, most / 64, bytes].into_iter().filter(|size| *size >= bytes);
            let mut tries = sizes.map(|size| Reservation::new(size / PAGE * PAGE));
            let first = tries.next().expect("there is one size at least");
            first.or_else(|error| tries.find_map(Result::ok).ok_or(error))?
        };
        let mut memory = VmMemory { bytes: 0, reserved, ty };
        memory.open(bytes).map_err(|error| ReservationError { bytes, error })?;
        Ok(memory)
    }

    /// Makes the memory `bytes` long.
    fn open(&mut self, bytes: u64) -> io::Result<()> {
        self.reserved.open(usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?)?;
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
        by_type.min(self.ty.limits.max.unwrap_or(u64::MAX)).min(self.reserved.len() as u64 / PAGE)
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
        self.reserved.base()
    }

    /// The address of the present size.
    pub fn size_address(&self) -> *const u64 {
        &raw const self.bytes
    }

    /// The contents.
    pub fn data(&self) -> &[u8] {
        // SAFETY: the first `bytes` of the reservation are accessible, and compiled code
        // does not run while the borrow lives.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr(), self.bytes as usize) }
    }

    /// The contents, to change.
    pub fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the borrow is the only one.
        unsafe { std::slice::from_raw_parts_mut(self.base().as_ptr(), self.bytes as usize) }
    }
}

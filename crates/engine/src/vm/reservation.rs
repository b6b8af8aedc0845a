//! Addresses that a memory or a table has to itself, from its first day to its last.
//!
//! Problem: compiled code keeps the address of what it works on in registers, across calls
//! of host functions and stops of a debugger that make it grow. Approach: the addresses for
//! the largest size are reserved at once, and growing makes more of them accessible. So
//! nothing ever moves. The system gives zeroed pages when they are first touched, so what
//! nobody touches takes no memory.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ptr::{NonNull, null_mut};

/// The system has no addresses for a memory or a table, as where their number is limited
/// (`ulimit -v`), or no memory.
#[derive(Debug, thiserror::Error)]
#[error("cannot reserve {bytes} bytes of addresses (are they limited, as by `ulimit -v`?)")]
pub struct ReservationError {
    /// How many bytes of addresses were asked for.
    pub bytes: u64,
    /// What the system says.
    #[source]
    pub error: io::Error,
}

/// What is not larger than this comes out of the heap.
const SMALL: usize = 16 << 10;
/// What a small reservation is aligned to.
const ALIGN: usize = 16;

/// Reserved addresses, the first of which are accessible and hold zeros at first.
#[derive(Debug)]
pub struct Reservation {
    base: NonNull<u8>,
    len: usize,
    open: usize,
}

// SAFETY: the memory belongs to this value alone, and has no relation to a thread.
unsafe impl Send for Reservation {}
// SAFETY: as above; a shared reference gives no more than numbers and the address.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Reserves `len` bytes, none of which is accessible yet.
    ///
    /// # Errors
    /// If the system has not so many addresses.
    pub fn new(len: u64) -> Result<Self, ReservationError> {
        let failed = |error| ReservationError { bytes: len, error };
        let too_many = || failed(io::ErrorKind::OutOfMemory.into());
        let len = usize::try_from(len).ok().filter(|len| *len <= isize::MAX as usize).ok_or_else(too_many)?;
        let base = match len {
            0 => NonNull::<u128>::dangling().cast(),
            1..=SMALL => {
                let layout = Layout::from_size_align(len, ALIGN).map_err(|_| too_many())?;
                // SAFETY: the layout has a size that is not 0.
                NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(too_many)?
            }
            _ => {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
                // SAFETY: the kernel chooses a free address.
                let base = unsafe { libc::mmap(null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
                if base == libc::MAP_FAILED {
                    return Err(failed(io::Error::last_os_error()));
                }
                NonNull::new(base.cast()).ok_or_else(too_many)?
            }
        };
        Ok(Reservation { base, len, open: 0 })
    }

    /// Makes the first `bytes` accessible; what has been stays so.
    ///
    /// # Errors
    /// If the reservation is smaller, or the system refuses; then nothing has changed.
    pub fn open(&mut self, bytes: usize) -> io::Result<()> {
        if bytes > self.len {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if bytes > self.open && self.len > SMALL {
            // Protection is of whole pages, and the first `open` bytes' last one has it already.
            let page = rustix::param::page_size();
            let (start, end) = (self.open.next_multiple_of(page), bytes.next_multiple_of(page));
            if start < end {
                let (at, len) = (self.base.as_ptr().wrapping_add(start), end - start);
                // SAFETY: `bytes` are inside the mapping, which is this value's own and has whole pages.
                if unsafe { libc::mprotect(at.cast(), len, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
        }
        self.open = self.open.max(bytes);
        Ok(())
    }

    /// The address of the first byte, aligned to 16. It never changes.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// How many bytes can become accessible.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many bytes are accessible.
    #[cfg(test)]
    pub fn accessible(&self) -> usize {
        self.open
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        match self.len {
            0 => {}
            1..=SMALL => {
                if let Ok(layout) = Layout::from_size_align(self.len, ALIGN) {
                    // SAFETY: allocated by `new` with this layout; whoever has the address is gone.
                    unsafe { dealloc(self.base.as_ptr(), layout) }
                }
            }
            // SAFETY: mapped by `new` with this length; whoever has the address is gone.
            _ => drop(unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_keeps_the_address_and_gives_zeros() {
        for len in [0u64, 8, SMALL as u64, SMALL as u64 + 1, 1 << 20] {
            let mut reservation = Reservation::new(len).unwrap();
            let base = reservation.base();
            assert_eq!((reservation.accessible(), base.as_ptr() as usize % 16), (0, 0));
            assert!(reservation.open(len as usize + 1).is_err());
            for bytes in [len / 3, len / 2, len] {
                let before = reservation.accessible();
                reservation.open(bytes as usize).unwrap();
                assert_eq!((reservation.base(), reservation.accessible()), (base, bytes as usize));
                // SAFETY: these bytes are accessible.
                let new = unsafe { std::slice::from_raw_parts_mut(base.as_ptr(), bytes as usize) };
                assert!(new[before..].iter().all(|byte| *byte == 0));
                new.fill(7);
            }
        }
    }

    #[test]
    fn what_cannot_be_reserved_is_said() {
        let error = Reservation::new(1 << 62).unwrap_err();
        assert!(error.to_string().starts_with("cannot reserve 4611686018427387904 bytes"), "{error}");
        assert!(Reservation::new(u64::MAX).is_err());
    }
}

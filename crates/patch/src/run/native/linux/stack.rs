//! Memory for a stack, with addresses below it that fault.

use std::io;
use std::ops::Range;
use std::ptr::null_mut;

/// A stack of its own for compiled code or for signals.
#[derive(Debug)]
pub(crate) struct Stack {
    base: usize,
    guard: usize,
    size: usize,
}

impl Stack {
    /// A stack of `size` bytes above `guard` bytes that fault; both whole pages.
    pub(crate) fn new(guard: usize, size: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        // SAFETY: the kernel chooses a free address.
        let base = unsafe { libc::mmap(null_mut(), guard + size, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Stack { base: base as usize, guard, size };
        let usable = stack.guard().end as *mut libc::c_void;
        // SAFETY: the range is the upper part of the mapping made above.
        if unsafe { libc::mprotect(usable, size, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stack)
    }

    /// The addresses below the stack that fault.
    pub(crate) fn guard(&self) -> Range<usize> {
        self.base..self.base + self.guard
    }

    /// The address after the last.
    pub(crate) fn top(&self) -> usize {
        self.base + self.guard + self.size
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and nothing runs on it now.
        unsafe { libc::munmap(self.base as *mut libc::c_void, self.guard + self.size) };
    }
}

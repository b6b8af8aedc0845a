//! Memory for a stack, with addresses below it that fault.

use std::cell::Cell;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::null_mut;

thread_local! {
    /// The addresses of this thread's stack, once somebody has asked; empty if nobody knows.
    static OF_THREAD: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// The addresses that the system has given this thread for its stack, if that is known.
pub(crate) fn of_thread() -> Option<Range<usize>> {
    let (start, end) = OF_THREAD.with(|cell| {
        cell.get().unwrap_or_else(|| {
            let found = ask_system().unwrap_or_default();
            cell.set(Some(found));
            found
        })
    });
    (start < end).then_some(start..end)
}

#[cold]
fn ask_system() -> Option<(usize, usize)> {
    // Other libraries than this say of a process's first thread what it has used so far.
    if !cfg!(target_env = "gnu") && rustix::thread::gettid() == rustix::process::getpid() {
        return None;
    }
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: fills the attributes if it returns 0.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut start, mut size) = (null_mut(), 0);
    // SAFETY: the attributes are filled, and not used any more once they are destroyed.
    let result = unsafe {
        let result = libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        result
    };
    let start = start as usize;
    (result == 0).then(|| (start, start.saturating_add(size)))
}

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

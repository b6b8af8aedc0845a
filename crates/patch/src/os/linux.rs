//! Linux: the image in a memory file, mapped privately by each user of it, so
//! that a copy costs the pages that are written to and no more.

use super::Protection;
use rustix::fs::{MemfdFlags, Mode, OFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect, munmap};
use rustix::process::{Pid, getpid};
use rustix::thread::{MembarrierCommand, membarrier};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

/// The pristine bytes of an image, rounded up to whole pages.
#[derive(Debug)]
pub(crate) struct Source {
    file: OwnedFd,
    len: usize,
}

impl Source {
    /// A memory file with `bytes` in it.
    pub(crate) fn new(bytes: &[u8]) -> io::Result<Self> {
        let len = bytes.len().max(1).next_multiple_of(rustix::param::page_size());
        let file = memfd_create("sidetrack-code", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, len as u64)?;
        let mut done = 0;
        while done < bytes.len() {
            done += rustix::io::pwrite(&file, &bytes[done..], done as u64)?;
        }
        Ok(Source { file, len })
    }

    /// A view whose changes nobody else sees, writable at first.
    pub(crate) fn map_private(&self) -> io::Result<Mapping> {
        Mapping::new(&self.file, self.len, MapFlags::PRIVATE, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// Two views of the same bytes: one to execute, writable at first, and one
    /// that stays writable. Consumes the source, since its bytes are no longer pristine.
    pub(crate) fn map_twice(self) -> io::Result<(Mapping, Mapping)> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let code = Mapping::new(&self.file, self.len, MapFlags::SHARED, prot)?;
        let alias = Mapping::new(&self.file, self.len, MapFlags::SHARED, prot)?;
        Ok((code, alias))
    }
}

/// A view of a [`Source`].
#[derive(Debug)]
pub(crate) struct Mapping {
    base: *mut u8,
    len: usize,
}

// SAFETY: the mapping is owned by this value alone; no thread has a special relation to it.
unsafe impl Send for Mapping {}
// SAFETY: all changes through a shared reference go through `word`, as atomic stores.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: &OwnedFd, len: usize, flags: MapFlags, prot: ProtFlags) -> io::Result<Self> {
        // SAFETY: the kernel chooses an address that is free, so no memory in use is replaced.
        let base = unsafe { mmap(std::ptr::null_mut(), len, prot, flags, file, 0) }?;
        Ok(Mapping { base: base.cast(), len })
    }

    /// The address of the first byte.
    pub(crate) fn base(&self) -> *mut u8 {
        self.base
    }

    /// Length in bytes, whole pages.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: base..base+len is mapped and readable for as long as self lives.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }

    /// The bytes, to be written only where the pages are writable: a write
    /// elsewhere faults and ends the process.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: mapped for as long as self lives, and &mut self excludes other references.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.len) }
    }

    /// Makes a page-aligned range readable and writable, not executable.
    pub(crate) fn make_writable(&mut self, range: Range<usize>) -> io::Result<()> {
        self.protect(range, MprotectFlags::READ | MprotectFlags::WRITE)
    }

    /// Makes a page-aligned range readable and executable, not writable.
    pub(crate) fn make_executable(&mut self, range: Range<usize>) -> io::Result<()> {
        self.protect(range, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    /// Whether protection can be changed while threads use the view.
    pub(crate) const SHARED: bool = true;

    /// Changes the protection of a page-aligned range that other threads may be using.
    /// The caller has the right to switch sites.
    pub(crate) fn protect_shared(&self, range: Range<usize>, protection: Protection) -> io::Result<()> {
        assert!(range.start <= range.end && range.end <= self.len, "the range lies in the mapping");
        let flags = MprotectFlags::READ
            | match protection {
                Protection::Read => MprotectFlags::empty(),
                Protection::Write => MprotectFlags::WRITE,
                Protection::Execute => MprotectFlags::EXEC,
            };
        // SAFETY: the range lies in this mapping; it stays readable, and a thread that
        // executes there faults and waits.
        unsafe { mprotect(self.base.add(range.start).cast(), range.end - range.start, flags) }?;
        Ok(())
    }

    /// Copies bytes to where [`Mapping::protect_shared`] allows writing. The caller has
    /// the right to switch sites.
    pub(crate) fn write_shared(&self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.len, "the bytes lie in the mapping");
        for (i, byte) in bytes.iter().enumerate() {
            // SAFETY: inside the mapping and writable; only the holder of the right writes, and
            // the Rust code that reads these bytes holds it too or expects either form.
            unsafe { self.base.add(at + i).write_volatile(*byte) };
        }
    }

    /// Copies bytes into pages that need not be writable: by the file that is this process's
    /// memory, to which the system writes as debuggers do. A private view gets copies of the
    /// pages as ever.
    ///
    /// # Safety
    /// Nobody reads or executes the bytes meanwhile.
    pub(crate) unsafe fn write_through(&self, at: usize, bytes: &[u8]) -> io::Result<()> {
        static MEMORY: OnceLock<Option<(OwnedFd, Pid)>> = OnceLock::new();
        assert!(at + bytes.len() <= self.len, "the bytes lie in the mapping");
        let open = || {
            let flags = OFlags::RDWR | OFlags::CLOEXEC;
            Some((rustix::fs::open("/proc/self/mem", flags, Mode::empty()).ok()?, getpid()))
        };
        let memory = MEMORY.get_or_init(open).as_ref();
        // A child of this process has inherited the file, which is its parent's memory.
        let Some((memory, _)) = memory.filter(|(_, owner)| *owner == getpid()) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let written = rustix::io::pwrite(memory, bytes, (self.base as usize + at) as u64)?;
        if written == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    fn protect(&mut self, range: Range<usize>, flags: MprotectFlags) -> io::Result<()> {
        assert!(range.start <= range.end && range.end <= self.len, "the range lies in the mapping");
        // SAFETY: the range lies in this mapping, which &mut self has to itself; Rust
        // code reads all of it in either protection.
        unsafe { mprotect(self.base.add(range.start).cast(), range.end - range.start, flags) }?;
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: base and len are those of the mapping, and nothing refers to it any more.
        let _ = unsafe { munmap(self.base.cast(), self.len) };
    }
}

/// Makes every core that runs a thread of this process refetch its instructions
/// before it goes on in user code.
#[cfg_attr(any(target_arch = "riscv64", target_arch = "s390x"), allow(dead_code))]
pub(crate) fn synchronize_cores() -> io::Result<()> {
    use MembarrierCommand::{PrivateExpeditedSyncCore, RegisterPrivateExpeditedSyncCore};
    static REGISTERED: OnceLock<Result<(), rustix::io::Errno>> = OnceLock::new();
    (*REGISTERED.get_or_init(|| membarrier(RegisterPrivateExpeditedSyncCore)))?;
    Ok(membarrier(PrivateExpeditedSyncCore)?)
}

/// Interrupts every core that runs a thread of this process.
#[cfg_attr(not(target_arch = "s390x"), allow(dead_code))]
pub(crate) fn interrupt_cores() -> io::Result<()> {
    use MembarrierCommand::{PrivateExpedited, RegisterPrivateExpedited};
    static REGISTERED: OnceLock<Result<(), rustix::io::Errno>> = OnceLock::new();
    (*REGISTERED.get_or_init(|| membarrier(RegisterPrivateExpedited)))?;
    Ok(membarrier(PrivateExpedited)?)
}

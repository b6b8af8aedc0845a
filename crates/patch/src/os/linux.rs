//! Linux: images in a memory file, mapped privately by each user of them, so
//! that a copy costs the pages that are written to and no more.

use super::{Protection, fork};
use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags, fallocate, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};
use rustix::process::{Pid, getpid};
use rustix::thread::{MembarrierCommand, membarrier};
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// A memory file that holds the pristine bytes of many images, one behind the other, so
/// that a process with thousands of modules has a few open files. Nobody adds to it after the process
/// has forked, since the child has the same file.
#[derive(Debug)]
struct Segment {
    file: OwnedFd,
    generation: (usize, u32),
    /// Bytes that images have taken, whole pages.
    used: Mutex<u64>,
}

/// From so many bytes on another segment is begun.
const SEGMENT_SIZE: u64 = 64 << 20;

/// The segment that the next image goes into. Whoever looks at how much of any segment is used
/// holds this lock.
static CURRENT: Mutex<Weak<Segment>> = Mutex::new(Weak::new());

thread_local! {
    /// The right to take a place in a segment, while this thread forks.
    static FORKING: RefCell<Option<MutexGuard<'static, Weak<Segment>>>> = const { RefCell::new(None) };
}

/// Called by a thread that is about to fork: nobody is about to take a place then, so no lock
/// of the child is held by a thread that it has not got.
pub(super) fn before_fork() {
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    // A thread that has no locals any more holds no lock over the fork, and waits for none.
    let _ = FORKING.try_with(|forking| forking.replace(Some(current)));
}

/// Called by it afterwards, in both processes.
pub(super) fn after_fork() {
    let _ = FORKING.try_with(RefCell::take);
}

impl Segment {
    fn new() -> io::Result<Self> {
        let file = memfd_create("sidetrack-code", MemfdFlags::CLOEXEC)?;
        Ok(Segment { file, generation: fork::generation(), used: Mutex::new(0) })
    }

    /// The place of so many bytes in a segment that there is, or a new one.
    fn take(len: usize) -> io::Result<(Arc<Segment>, u64)> {
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |segment: &Arc<Segment>| {
            let used = *segment.used.lock().unwrap_or_else(PoisonError::into_inner);
            segment.generation == fork::generation() && used + len as u64 <= SEGMENT_SIZE
        };
        let segment = match current.upgrade().filter(fits) {
            Some(segment) => segment,
            None => Arc::new(Segment::new()?),
        };
        *current = Arc::downgrade(&segment);
        let mut used = segment.used.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = *used;
        ftruncate(&segment.file, offset + len as u64)?;
        *used += len as u64;
        drop(used);
        Ok((segment, offset))
    }
}

/// The pristine bytes of an image, rounded up to whole pages.
#[derive(Debug)]
pub(crate) struct Source {
    len: usize,
    bytes: Pristine,
}

/// Where they are.
#[derive(Debug)]
enum Pristine {
    /// In a file, from an offset on.
    File(Arc<Segment>, u64),
    /// In a file that was there before, of which the process has no descriptor: copies are
    /// made of this view, which nobody writes to. The system can give the file behind a view
    /// a second address (`mremap` with `MREMAP_DONTUNMAP`, for files since Linux 5.13): the
    /// pages that were mapped move there, and those at the old address come out of the file
    /// again. Where it cannot, a copy is one of all bytes.
    Mapped(Mapping),
    /// Where no file can be had: in memory, and each view is a copy.
    Memory(Box<[u8]>),
}

fn write(file: &OwnedFd, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::pwrite(file, &bytes[done..], offset + done as u64) {
            Ok(written) => done += written,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl Source {
    /// Keeps a copy of `bytes`.
    pub(crate) fn new(bytes: &[u8]) -> io::Result<Self> {
        let len = whole_pages(bytes.len());
        let bytes = match Segment::take(len) {
            Ok((segment, offset)) => {
                write(&segment.file, bytes, offset)?;
                Pristine::File(segment, offset)
            }
            // No file can be opened, or is as long as this process may make one.
            Err(_) => Pristine::Memory(bytes.into()),
        };
        Ok(Source { len, bytes })
    }

    /// The pages of a file. An error if they could not be executed.
    ///
    /// # Safety
    /// Nobody changes them or makes the file shorter while the source or a view of it is there.
    pub(crate) unsafe fn in_file(file: &File, offset: u64, len: usize) -> io::Result<Self> {
        let len = whole_pages(len);
        // Where the file system lets nothing be executed, this is what it refuses.
        let prot = ProtFlags::READ | ProtFlags::EXEC;
        let pristine = Mapping::new(file, offset, len, MapFlags::PRIVATE, prot)?;
        Ok(Source { len, bytes: Pristine::Mapped(pristine) })
    }

    /// Whether the pages are those of a file that was there before.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.bytes, Pristine::Mapped(_))
    }

    /// A view whose changes nobody else sees. One of a file's pages is executable at first, any
    /// other writable.
    pub(crate) fn map_private(&self) -> io::Result<Mapping> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        match &self.bytes {
            Pristine::File(segment, offset) => {
                Mapping::new(&segment.file, *offset, self.len, MapFlags::PRIVATE, prot)
            }
            Pristine::Mapped(pristine) => pristine.duplicate().or_else(|_| pristine.copy()),
            Pristine::Memory(bytes) => {
                let mut mapping = Mapping::anonymous(self.len, prot)?;
                mapping.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
                Ok(mapping)
            }
        }
    }

    /// Two views of the same bytes: one to execute, writable at first, and one
    /// that stays writable.
    pub(crate) fn map_twice(bytes: &[u8]) -> io::Result<(Mapping, Mapping)> {
        let len = whole_pages(bytes.len());
        // A file of their own, which is closed once it is mapped.
        let file = memfd_create("sidetrack-code", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, len as u64)?;
        write(&file, bytes, 0)?;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let code = Mapping::new(&file, 0, len, MapFlags::SHARED, prot)?;
        let alias = Mapping::new(&file, 0, len, MapFlags::SHARED, prot)?;
        Ok((code, alias))
    }
}

impl Drop for Source {
    /// Views live no longer than their source, so the bytes can go, unless another process has
    /// views of them too.
    fn drop(&mut self) {
        if let Pristine::File(segment, offset) = &self.bytes
            && segment.generation == fork::generation()
        {
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // Where the system refuses, they stay as long as the segment does.
            let _ = fallocate(&segment.file, hole, *offset, self.len as u64);
        }
    }
}

fn whole_pages(len: usize) -> usize {
    len.max(1).next_multiple_of(rustix::param::page_size())
}

/// A view of a [`Source`].
#[derive(Debug)]
pub(crate) struct Mapping {
    base: *mut u8,
    len: usize,
}

// SAFETY: the mapping is owned by this value alone; no thread has a special relation to it.
unsafe impl Send for Mapping {}
// SAFETY: through a shared reference bytes are read by `read` and written by `write_shared`,
// atomically both, or written by the system in `write_through`, of which no more is seen than
// that bytes change between two atomic reads; no slice of them is given out.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: impl AsFd, offset: u64, len: usize, flags: MapFlags, prot: ProtFlags) -> io::Result<Self> {
        // SAFETY: the kernel chooses an address that is free, so no memory in use is replaced.
        let base = unsafe { mmap(std::ptr::null_mut(), len, prot, flags, file, offset) }?;
        Ok(Mapping { base: base.cast(), len })
    }

    /// Zeroed memory.
    fn anonymous(len: usize, prot: ProtFlags) -> io::Result<Self> {
        // SAFETY: as above.
        let base = unsafe { mmap_anonymous(std::ptr::null_mut(), len, prot, MapFlags::PRIVATE) }?;
        Ok(Mapping { base: base.cast(), len })
    }

    /// Another view of the file that this is a private view of, never written to; with the
    /// same protection. The C library of s390x does not say how to ask for one.
    #[cfg(not(target_arch = "s390x"))]
    fn duplicate(&self) -> io::Result<Self> {
        use rustix::mm::{MremapFlags, mremap_fixed};
        // The system call takes the address of the new mapping in any case.
        let place = Mapping::anonymous(self.len, ProtFlags::empty())?;
        let flags = MremapFlags::MAYMOVE | MremapFlags::DONTUNMAP;
        let (old, new) = (self.base.cast(), place.base.cast());
        // SAFETY: what is replaced is `place`, which nothing refers to. The old mapping
        // stays; its pages have the bytes of the file, before and after.
        unsafe { mremap_fixed(old, self.len, self.len, flags, new) }?;
        Ok(place)
    }

    #[cfg(target_arch = "s390x")]
    fn duplicate(&self) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The bytes of a view that is never written to in memory of their own, writable at first.
    fn copy(&self) -> io::Result<Self> {
        let mut copy = Mapping::anonymous(self.len, ProtFlags::READ | ProtFlags::WRITE)?;
        // SAFETY: mapped and readable for as long as self lives, and nobody writes there.
        let bytes = unsafe { std::slice::from_raw_parts(self.base, self.len) };
        copy.bytes_mut().copy_from_slice(bytes);
        Ok(copy)
    }

    /// The address of the first byte.
    pub(crate) fn base(&self) -> *mut u8 {
        self.base
    }

    /// Length in bytes, whole pages.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of a range, which must be inside. They may change meanwhile.
    pub(crate) fn read(&self, range: Range<usize>) -> impl Iterator<Item = u8> + '_ {
        assert!(range.start <= range.end && range.end <= self.len, "the range lies in the mapping");
        // SAFETY: inside the mapping, which is readable for as long as self lives; whoever
        // writes such a byte at the same time does it atomically.
        range.map(|at| unsafe { AtomicU8::from_ptr(self.base.add(at)) }.load(Ordering::Relaxed))
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
            // SAFETY: inside the mapping and writable; whoever reads such a byte at the same time
            // does it atomically.
            unsafe { AtomicU8::from_ptr(self.base.add(at + i)) }.store(*byte, Ordering::Relaxed);
        }
    }

    /// Copies bytes into pages that need not be writable: by the file that is this process's
    /// memory, to which the system writes as debuggers do. A private view gets copies of the
    /// pages as ever.
    ///
    /// # Safety
    /// Nobody executes the bytes meanwhile. Who reads them, by [`Mapping::read`], may see any
    /// of them before and others after.
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

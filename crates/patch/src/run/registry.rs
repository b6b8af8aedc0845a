//! Which code memory an address lies in.
//!
//! Problem: a signal handler must know whether a fault is in our code, so the
//! answer may take no lock and allocate nothing, while other threads load and
//! unload code. Approach: an immutable table, sorted by address, that is replaced
//! as a whole. Readers count themselves in one of two counters, which one says
//! the parity of the epoch; who replaces the table moves the epoch on and waits
//! until the counter of the epoch before is zero, and then nobody sees the old
//! table or the memory that it named. A reader only ever retries while the epoch moves.

use crate::CodeMemory;
use sidetrack_artifact::Image;
use std::cell::RefCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A memory in the table.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    end: usize,
    memory: *const CodeMemory,
}

/// The table in force; null is the empty one.
static TABLE: AtomicPtr<Vec<Entry>> = AtomicPtr::new(null_mut());
static EPOCH: AtomicUsize = AtomicUsize::new(0);
static READERS: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
/// The right to replace the table.
static WRITER: Mutex<()> = Mutex::new(());

/// The table as it stood when the view was made. Async-signal-safe.
///
/// Whoever holds a view must not call out: unloading code waits for all views.
pub(super) struct View {
    parity: usize,
    table: *const Vec<Entry>,
}

impl View {
    pub(super) fn new() -> Self {
        loop {
            let epoch = EPOCH.load(Ordering::SeqCst);
            READERS[epoch & 1].fetch_add(1, Ordering::SeqCst);
            if EPOCH.load(Ordering::SeqCst) == epoch {
                return View { parity: epoch & 1, table: TABLE.load(Ordering::SeqCst) };
            }
            READERS[epoch & 1].fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn entry(&self, pc: usize) -> Option<&Entry> {
        // SAFETY: null, or a table that whoever replaces it keeps until this view is dropped.
        let table = unsafe { self.table.as_ref() }?;
        let after = table.partition_point(|entry| entry.start <= pc);
        table[..after].last().filter(|entry| pc < entry.end)
    }

    /// The code that the address lies in.
    pub(super) fn find(&self, pc: usize) -> Option<Code<'_>> {
        let entry = self.entry(pc)?;
        // SAFETY: whoever registered the memory keeps it until it has been removed, and no view
        // is left of a table that has it.
        Some(Code { base: entry.start, memory: unsafe { &*entry.memory } })
    }

    /// Whether the address lies in registered code.
    pub(super) fn contains(&self, pc: usize) -> bool {
        self.entry(pc).is_some()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        READERS[self.parity].fetch_sub(1, Ordering::SeqCst);
    }
}

/// Loaded code that a view has found.
#[derive(Clone, Copy)]
pub(super) struct Code<'a> {
    pub(super) base: usize,
    pub(super) memory: &'a CodeMemory,
}

impl<'a> Code<'a> {
    /// The image and the offset of `pc` in it; `pc` lies in the code or just after it.
    pub(super) fn at(self, pc: usize) -> (&'a Image, u32) {
        (self.memory.image(), (pc - self.base) as u32)
    }
}

/// Replaces the table by what `change` makes of it; returns when no view of the old one is left.
fn replace(change: impl FnOnce(&mut Vec<Entry>)) {
    let writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    let old = TABLE.load(Ordering::SeqCst);
    // SAFETY: the lock's holder alone replaces and frees tables.
    let mut entries = unsafe { old.as_ref() }.cloned().unwrap_or_default();
    change(&mut entries);
    let new = if entries.is_empty() { null_mut() } else { Box::into_raw(Box::new(entries)) };
    TABLE.store(new, Ordering::SeqCst);
    let before = EPOCH.fetch_add(1, Ordering::SeqCst);
    while READERS[before & 1].load(Ordering::SeqCst) != 0 {
        std::thread::yield_now();
    }
    drop(writer);
    if !old.is_null() {
        // SAFETY: made by Box::into_raw above, and nobody sees it any more.
        drop(unsafe { Box::from_raw(old) });
    }
}

thread_local! {
    /// The right to replace the table, while this thread forks.
    static FORKING: RefCell<Option<MutexGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Called by a thread that is about to fork: no table is half replaced then.
pub(crate) fn before_fork() {
    let writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    // A thread that has no locals any more holds no lock over the fork, and waits for none.
    let _ = FORKING.try_with(|forking| forking.replace(Some(writer)));
}

/// Called by it afterwards, in both processes. In the child there is no reader any more.
pub(crate) fn after_fork(child: bool) {
    if child {
        READERS.iter().for_each(|readers| readers.store(0, Ordering::SeqCst));
    }
    let _ = FORKING.try_with(RefCell::take);
}

fn add(memory: &CodeMemory) {
    let addresses = memory.addresses();
    let entry = Entry { start: addresses.start, end: addresses.end, memory };
    replace(|table| table.insert(table.partition_point(|e| e.start < entry.start), entry));
}

fn remove(memory: &CodeMemory) {
    replace(|table| {
        // One of those that are for this memory.
        if let Some(at) = table.iter().position(|e| std::ptr::eq(e.memory, memory)) {
            table.remove(at);
        }
    });
}

/// Registers code so that faults, frames and exceptions in it are understood, for
/// as long as the value lives.
#[derive(Debug)]
pub struct Registered {
    memory: Arc<CodeMemory>,
}

impl Registered {
    /// Registers `memory`.
    ///
    /// # Safety
    /// What the image says of its code is true, as it is of an image that the code generator
    /// has made: its frames are walked and its handlers entered by that. When the value is
    /// dropped, nothing runs the code or will return to it.
    pub unsafe fn new(memory: Arc<CodeMemory>) -> Registered {
        add(&memory);
        Registered { memory }
    }

    /// The memory that is registered.
    pub fn memory(&self) -> &Arc<CodeMemory> {
        &self.memory
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        remove(&self.memory);
    }
}

/// As [`Registered`], for memory that is only borrowed.
pub(crate) struct Borrowed<'a> {
    memory: &'a CodeMemory,
}

impl<'a> Borrowed<'a> {
    pub(crate) fn new(memory: &'a CodeMemory) -> Self {
        add(memory);
        Borrowed { memory }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        remove(self.memory);
    }
}

//! Exception objects, see `artifact::vmctx::exception`.
//!
//! Problem: compiled code keeps references to exceptions wherever it likes, and throws as
//! many as it likes. Approach: objects are found by address, and freed when nothing reaches
//! them any more, which is looked for when they have come to take more memory than was
//! granted: see `roots`. What the host has is no address but an id, which is checked whenever
//! it is used; those handed out last, and those that it says it keeps, are kept.
//!
//! Invariants: an object is freed only by [`Exceptions::sweep`], when it has not been marked
//! since the last one; an address that is not that of an object is never read.

use super::{Slot, VmPtr};
use crate::Result;
use crate::types::FuncType;
use anyhow::anyhow;
use rustc_hash::FxHashMap;
use sidetrack_artifact::vmctx;
use std::cell::{Cell, OnceCell, UnsafeCell};
use std::mem::offset_of;
use std::sync::Arc;

/// A tag; two uses of one tag have the same address.
#[derive(Debug)]
pub struct VmTag {
    /// What its exceptions carry: the parameters.
    pub ty: FuncType,
}

/// The start of an exception object; its values follow in slots.
#[derive(Debug)]
#[repr(C, align(16))]
struct Header {
    tag: *const VmTag,
}

const _: () = assert!(offset_of!(Header, tag) == vmctx::exception::TAG as usize);
const _: () = assert!(size_of::<Header>() == vmctx::exception::VALUES as usize);
const _: () = assert!(size_of::<Header>() == size_of::<Slot>());

/// What the addresses of exceptions are multiples of.
const ALIGN: u64 = align_of::<Slot>() as u64;

/// What tells an exception from all others that a store ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionId {
    /// The address of the object: the reference to it in compiled code.
    address: u64,
    /// How many exceptions of the store were made before it.
    pub number: u64,
}

/// How many of the exceptions that the host was handed last are kept for it.
const KEPT_FOR_HOST: u64 = 1024;

/// An exception object.
#[derive(Debug)]
struct Object {
    number: u64,
    tag: VmPtr<VmTag>,
    /// The header and the values.
    block: Vec<UnsafeCell<Slot>>,
    /// How many had been handed to the host when this one was, last; 0 for never.
    handed_out: Cell<u64>,
    /// The object's own count of what keeps it; if there are more, the host has them.
    kept: OnceCell<Arc<()>>,
    marked: bool,
}

/// Bytes of an exception with `count` values, what it takes to find it included.
pub fn size_with(count: usize) -> usize {
    size_of::<Object>() + 2 * size_of::<u64>() + (1 + count) * size_of::<Slot>()
}

impl Object {
    fn size(&self) -> usize {
        size_with(self.block.len() - 1)
    }

    /// Whether the host may use it, when so many have been handed out.
    fn is_held(&self, handed_out: u64) -> bool {
        let last = self.handed_out.get();
        last != 0 && last + KEPT_FOR_HOST > handed_out
            || self.kept.get().is_some_and(|kept| Arc::strong_count(kept) > 1)
    }
}

/// The exceptions of a store.
#[derive(Debug, Default)]
pub struct Exceptions {
    /// The objects by address.
    live: FxHashMap<u64, Object>,
    /// How many were made.
    made: u64,
    /// How often the host was handed one.
    handed_out: Cell<u64>,
    /// Bytes that they take.
    bytes: usize,
    /// Bytes that they may take until somebody looks which are still reached.
    granted: usize,
    /// Objects that are marked and whose values are still to be looked at.
    pending: Vec<u64>,
}

impl Exceptions {
    /// A new object with `count` zeroed values; its address is the reference to it.
    pub fn make(&mut self, tag: VmPtr<VmTag>, count: usize) -> Result<u64> {
        let failed = |_| anyhow!("no memory for an exception of {count} values");
        let mut block: Vec<UnsafeCell<Slot>> = Vec::new();
        block.try_reserve_exact(1 + count).map_err(failed)?;
        block.resize_with(1 + count, UnsafeCell::default);
        self.live.try_reserve(1).map_err(failed)?;
        let header = block[0].get().cast::<Header>();
        // SAFETY: the first slot of the block is as large and as aligned as the header.
        unsafe { header.write(Header { tag: tag.address(tag.store()).as_ptr() }) };
        let address = header as u64;
        let (handed_out, kept) = (Cell::new(0), OnceCell::new());
        let object = Object { number: self.made, tag, block, handed_out, kept, marked: false };
        self.bytes += object.size();
        self.made += 1;
        self.live.insert(address, object);
        Ok(address)
    }

    /// Bytes that the exceptions take which nobody has freed yet.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that they may take.
    pub fn granted(&self) -> usize {
        self.granted
    }

    /// Lets them take so many bytes.
    pub fn grant(&mut self, bytes: usize) {
        self.granted = bytes;
    }

    /// How many exceptions were made before the one at `address`, if there is one.
    pub fn number(&self, address: u64) -> Option<u64> {
        self.live.get(&address).map(|object| object.number)
    }

    /// The id of the object at `address` for the host, if there is one; it is kept for a while.
    pub fn hand_out(&self, address: u64) -> Option<ExceptionId> {
        let object = self.live.get(&address)?;
        let count = 1 + self.handed_out.get();
        self.handed_out.set(count);
        object.handed_out.set(count);
        Some(ExceptionId { address, number: object.number })
    }

    /// The address of an exception, if it is still there.
    pub fn address(&self, id: ExceptionId) -> Option<u64> {
        (self.number(id.address)? == id.number).then_some(id.address)
    }

    /// What keeps the object at `address`, if there is one.
    pub fn keep(&self, address: u64) -> Option<Arc<()>> {
        Some(self.live.get(&address)?.kept.get_or_init(Arc::default).clone())
    }

    /// The tag of the object at `address`, if there is one.
    pub fn tag(&self, address: u64) -> Option<VmPtr<VmTag>> {
        self.live.get(&address).map(|object| object.tag)
    }

    /// A value of the object at `address`, if there are so many.
    pub fn value(&self, address: u64, index: usize) -> Option<Slot> {
        let slot = self.live.get(&address)?.block.get(1 + index)?;
        // SAFETY: whoever has a borrow of the store, as here, keeps compiled code from running,
        // which alone writes values.
        Some(unsafe { *slot.get() })
    }

    /// Marks the objects that the host has handles of. False if there is no memory to find
    /// out what is reached from objects, and nothing can be freed now.
    pub fn begin_marking(&mut self) -> bool {
        self.pending.clear();
        if self.pending.try_reserve(self.live.len()).is_err() {
            return false;
        }
        let handed_out = self.handed_out.get();
        for (address, object) in &mut self.live {
            object.marked = object.is_held(handed_out);
            if object.marked {
                self.pending.push(*address);
            }
        }
        true
    }

    /// Marks the object that a word is the address of, if it is one's.
    #[inline]
    pub fn mark(&mut self, word: u64) {
        if word.is_multiple_of(ALIGN)
            && let Some(object) = self.live.get_mut(&word)
            && !std::mem::replace(&mut object.marked, true)
        {
            self.pending.push(word);
        }
    }

    /// Frees the objects that are neither marked nor reached from one that is.
    pub fn sweep(&mut self) {
        while let Some(address) = self.pending.pop() {
            let mut index = 0;
            while let Some(value) = self.value(address, index) {
                // Values that are no references are taken for such if they look like one.
                self.mark(value.u64());
                index += 1;
            }
        }
        self.pending = Vec::new();
        let bytes = &mut self.bytes;
        self.live.retain(|_, object| {
            if !object.marked {
                *bytes -= object.size();
            }
            object.marked
        });
    }
}

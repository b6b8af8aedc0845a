//! Exception objects, see `artifact::vmctx::exception`.

use super::{Slot, StoreId, VmPtr};
use crate::types::FuncType;
use sidetrack_artifact::vmctx;
use std::collections::HashMap;
use std::mem::offset_of;
use std::ptr::NonNull;

/// A tag; two uses of one tag have the same address.
#[derive(Debug)]
pub struct VmTag {
    /// What its exceptions carry: the parameters.
    pub ty: FuncType,
}

/// The start of an exception object; its values follow in slots.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct Exception {
    tag: *const VmTag,
    escaped: u64,
}

const _: () = assert!(offset_of!(Exception, tag) == vmctx::exception::TAG as usize);
const _: () = assert!(offset_of!(Exception, escaped) == vmctx::exception::ESCAPED as usize);
const _: () = assert!(size_of::<Exception>() == vmctx::exception::VALUES as usize);

/// The exceptions of a store.
#[derive(Debug, Default)]
pub struct Exceptions {
    /// The objects by address.
    live: HashMap<u64, Object>,
    /// How many were made.
    made: u64,
}

/// An exception object.
#[derive(Debug)]
struct Object {
    /// How many were made before it.
    number: u64,
    block: Box<[Slot]>,
}

impl Exceptions {
    /// A new object with `count` zeroed values; its address is the reference to it.
    pub(super) fn make(&mut self, tag: *const VmTag, count: usize) -> NonNull<Exception> {
        let mut block = vec![Slot::default(); 1 + count].into_boxed_slice();
        let address = NonNull::from(&mut *block).cast::<Exception>();
        // SAFETY: the block starts with one slot, which is as large and as aligned as the header.
        unsafe { address.write(Exception { tag, escaped: 0 }) };
        self.live.insert(address.as_ptr() as u64, Object { number: self.made, block });
        self.made += 1;
        address
    }

    /// Frees an object to which no reference was made.
    ///
    /// # Safety
    /// `address` is that of a live object of this store.
    pub(super) unsafe fn done(&mut self, address: u64) {
        // SAFETY: by the caller.
        if unsafe { (*(address as *const Exception)).escaped } == 0 {
            self.live.remove(&address);
        }
    }

    /// How many exceptions were made before the live one at `address`.
    pub fn number(&self, address: u64) -> Option<u64> {
        self.live.get(&address).map(|object| object.number)
    }

    /// The tag and the values of the object at `address`, if it is live.
    pub fn get(&self, store: StoreId, address: u64) -> Option<(VmPtr<VmTag>, &[Slot])> {
        let block = &self.live.get(&address)?.block;
        // SAFETY: the object is live, and tags live as long as the store.
        let tag = unsafe {
            let tag = (*(address as *const Exception)).tag;
            VmPtr::new(store, NonNull::new_unchecked(tag.cast_mut()))
        };
        Some((tag, &block[1..]))
    }
}

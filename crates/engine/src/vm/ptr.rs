//! A store's objects and their addresses.

use crate::store::StoreOpaque;
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells stores apart; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(u64);

impl StoreId {
    /// A new id.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The address of a store, kept in parts of it.
#[derive(Clone, Copy, Debug)]
pub struct StoreAddress(pub(super) NonNull<StoreOpaque>);

// SAFETY: a part of the store that it is the address of; it is followed only when the
// store is borrowed.
unsafe impl Send for StoreAddress {}
// SAFETY: as above.
unsafe impl Sync for StoreAddress {}

/// The address of an object that the store with this id owns.
pub struct VmPtr<T> {
    store: StoreId,
    address: NonNull<T>,
}

// SAFETY: the address is followed only with a borrow of the store at hand, and a
// store is Send or Sync only if its contents are.
unsafe impl<T> Send for VmPtr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for VmPtr<T> {}

impl<T> Clone for VmPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for VmPtr<T> {}

impl<T> PartialEq for VmPtr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address && self.store == other.store
    }
}

impl<T> Eq for VmPtr<T> {}

impl<T> fmt::Debug for VmPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:p} of {:?}", self.address, self.store)
    }
}

impl<T> VmPtr<T> {
    /// The address of an object.
    ///
    /// # Safety
    /// The object lives until the store with this id is dropped.
    pub unsafe fn new(store: StoreId, address: NonNull<T>) -> Self {
        VmPtr { store, address }
    }

    /// The address as a number, which tells the object from others.
    pub fn number(self) -> u64 {
        self.address.as_ptr() as u64
    }

    /// The store that owns the object.
    pub fn store(self) -> StoreId {
        self.store
    }

    /// The address, for a borrow of the store with id `store`.
    ///
    /// # Panics
    /// If the object belongs to another store: its handle was used with the wrong one.
    pub fn address(self, store: StoreId) -> NonNull<T> {
        assert!(self.store == store, "an object was used with a store that does not own it");
        self.address
    }
}

impl<T> VmPtr<T> {
    /// The object.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn get(self, store: &StoreOpaque) -> &T {
        // SAFETY: the object lives as long as the store, and changes only while the store
        // is borrowed mutably.
        unsafe { self.address(store.id()).as_ref() }
    }

    /// The object, to change.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn get_mut(self, store: &mut StoreOpaque) -> &mut T {
        // SAFETY: the object lives as long as the store; whoever reads or changes it has a
        // borrow of the store, which is this one.
        unsafe { self.address(store.id()).as_mut() }
    }
}

/// Objects of one kind that a store owns. They never move.
#[derive(Debug)]
pub struct Arena<T> {
    objects: Vec<NonNull<T>>,
    store: StoreId,
}

// SAFETY: the arena owns its objects as a Vec<T> would.
unsafe impl<T: Send> Send for Arena<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Arena<T> {}

impl<T> Arena<T> {
    /// No objects of the store with this id.
    pub fn new(store: StoreId) -> Self {
        Arena { objects: Vec::new(), store }
    }

    /// Adds an object.
    pub fn push(&mut self, object: T) -> VmPtr<T> {
        let address = NonNull::from(Box::leak(Box::new(object)));
        self.objects.push(address);
        VmPtr { store: self.store, address }
    }

    /// The objects, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = VmPtr<T>> + '_ {
        self.objects.iter().map(|&address| VmPtr { store: self.store, address })
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        for object in &self.objects {
            // SAFETY: made from a Box by `push`; the store is being dropped, so nobody
            // follows a pointer to it any more.
            drop(unsafe { Box::from_raw(object.as_ptr()) });
        }
    }
}

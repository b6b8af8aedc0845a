//! Tables of references.
//!
//! A table has addresses for as many elements as it may ever have, so that it never moves:
//! compiled code keeps the address of the first across whatever makes it grow. Elements
//! that nobody has set are pages of zeros that the system makes when they are touched.

use super::reservation::{Reservation, ReservationError};
use crate::Result;
use anyhow::ensure;
use sidetrack_artifact::{TableType, vmctx};
use std::mem::offset_of;

/// The most elements a table may have.
pub const MAX_ELEMENTS: u64 = 10_000_000;

const ELEMENT: u64 = size_of::<u64>() as u64;

/// A table. Compiled code reads the first two fields.
#[derive(Debug)]
#[repr(C)]
pub struct VmTable {
    base: *mut u64,
    len: u64,
    elements: Reservation,
    ty: TableType,
}

const _: () = assert!(offset_of!(VmTable, base) == vmctx::table::BASE as usize);
const _: () = assert!(offset_of!(VmTable, len) == vmctx::table::LEN as usize);
const _: () = assert!(ELEMENT == vmctx::table::ELEMENT_SIZE as u64);

// SAFETY: `base` is the address of this value's own elements.
unsafe impl Send for VmTable {}
// SAFETY: as above; changes need a mutable borrow.
unsafe impl Sync for VmTable {}

impl VmTable {
    /// A table of the type's initial size, filled with `element`.
    ///
    /// # Errors
    /// If it is too large, or the system has not so much memory or so many addresses.
    pub fn new(ty: TableType, element: u64) -> Result<Self> {
        let least = ty.limits.min;
        ensure!(least <= MAX_ELEMENTS, "more than {MAX_ELEMENTS} elements");
        let most = ty.limits.max.unwrap_or(u64::MAX).min(MAX_ELEMENTS);
        let reserve = |elements: u64| Reservation::new(elements * ELEMENT);
        // Where there are no addresses for all that it may become, it does not grow.
        let elements = reserve(most).or_else(|_| reserve(least))?;
        let mut table = VmTable { base: elements.base().as_ptr().cast(), len: 0, elements, ty };
        let error = |error| ReservationError { bytes: least * ELEMENT, error };
        table.open(least, element).map_err(error)?;
        Ok(table)
    }

    /// Makes the table `len` elements long, which is not less than it is, the new ones `element`.
    fn open(&mut self, len: u64, element: u64) -> std::io::Result<()> {
        self.elements.open((len * ELEMENT) as usize)?;
        let before = std::mem::replace(&mut self.len, len);
        if element != 0 {
            self.elements_mut()[before as usize..].fill(element);
        }
        Ok(())
    }

    /// Its type, with the limits it was made with.
    pub fn ty(&self) -> TableType {
        self.ty
    }

    /// The most elements it may have.
    pub fn max_len(&self) -> u64 {
        self.ty.limits.max.unwrap_or(u64::MAX).min(self.elements.len() as u64 / ELEMENT)
    }

    /// Grows by `delta` elements and returns the previous length; `None` if that
    /// cannot be, and then nothing has changed.
    pub fn grow(&mut self, delta: u64, element: u64) -> Option<u64> {
        let before = self.len;
        let len = before.checked_add(delta).filter(|len| *len <= self.max_len())?;
        self.open(len, element).ok()?;
        Some(before)
    }

    /// The address of the first element.
    pub fn base(&self) -> *mut u64 {
        self.base
    }

    /// The elements.
    pub fn elements(&self) -> &[u64] {
        // SAFETY: the first `len` elements of the reservation are accessible, and compiled
        // code does not run while the borrow lives.
        unsafe { std::slice::from_raw_parts(self.base, self.len as usize) }
    }

    /// The elements, to change.
    pub fn elements_mut(&mut self) -> &mut [u64] {
        // SAFETY: as above, and the borrow is the only one.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.len as usize) }
    }
}

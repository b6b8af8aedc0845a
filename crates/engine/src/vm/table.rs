//! Tables of references.

use sidetrack_artifact::{TableType, vmctx};
use std::mem::offset_of;

/// The most elements a table may have.
pub const MAX_ELEMENTS: u64 = 10_000_000;

/// A table. Compiled code reads the first two fields.
#[derive(Debug)]
#[repr(C)]
pub struct VmTable {
    base: *mut u64,
    len: u64,
    elements: Vec<u64>,
    ty: TableType,
}

const _: () = assert!(offset_of!(VmTable, base) == vmctx::table::BASE as usize);
const _: () = assert!(offset_of!(VmTable, len) == vmctx::table::LEN as usize);

// SAFETY: `base` is the address of this value's own elements.
unsafe impl Send for VmTable {}
// SAFETY: as above; changes need a mutable borrow.
unsafe impl Sync for VmTable {}

impl VmTable {
    /// A table of the type's initial size, filled with `element`; `None` if it is too large.
    pub fn new(ty: TableType, element: u64) -> Option<Self> {
        if ty.limits.min > MAX_ELEMENTS {
            return None;
        }
        let mut table = VmTable { base: std::ptr::null_mut(), len: 0, elements: Vec::new(), ty };
        table.elements.resize(ty.limits.min as usize, element);
        table.update();
        Some(table)
    }

    fn update(&mut self) {
        self.base = self.elements.as_mut_ptr();
        self.len = self.elements.len() as u64;
    }

    /// Its type, with the limits it was made with.
    pub fn ty(&self) -> TableType {
        self.ty
    }

    /// The most elements it may have.
    pub fn max_len(&self) -> u64 {
        self.ty.limits.max.unwrap_or(u64::MAX).min(MAX_ELEMENTS)
    }

    /// Grows by `delta` elements and returns the previous length; `None` if that
    /// cannot be, and then nothing has changed.
    pub fn grow(&mut self, delta: u64, element: u64) -> Option<u64> {
        let before = self.elements.len() as u64;
        let len = before.checked_add(delta).filter(|len| *len <= self.max_len())?;
        self.elements.try_reserve(delta as usize).ok()?;
        self.elements.resize(len as usize, element);
        self.update();
        Some(before)
    }

    /// The elements.
    pub fn elements(&self) -> &[u64] {
        &self.elements
    }

    /// The elements, to change.
    pub fn elements_mut(&mut self) -> &mut [u64] {
        &mut self.elements
    }
}

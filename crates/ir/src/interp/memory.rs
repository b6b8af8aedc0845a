//! The interpreter's address space: regions of bytes at made-up addresses.
//!
//! Problem: CLIF computes with addresses, and the interpreter must run any of it
//! without touching the host's memory. Approach: every stack slot, heap block and
//! data symbol is a region of its own with a gap after it, so that an access past
//! its end is found out instead of reaching a neighbour.
//!
//! Invariants: all addresses are below 2^31, so that i32 addresses work; regions
//! never overlap; `data` is sorted by ascending base, `stack` by descending base,
//! since the stack grows down.

/// Where function addresses start; nothing there can be read or written.
const FUNCTIONS: u64 = 0x0001_0000;
/// How far function addresses are apart.
const FUNCTION_STEP: u64 = 16;
const DATA: u64 = 0x1000_0000;
const STACK_TOP: u64 = 0x7fff_0000;
const STACK_SIZE: u64 = 64 << 20;
/// The least alignment of a region and the least gap after it.
const GAP: u64 = 16;

#[derive(Debug)]
struct Region {
    base: u64,
    bytes: Vec<u8>,
    writable: bool,
}

impl Region {
    fn offset(&self, addr: u64, len: usize) -> Option<usize> {
        let offset = usize::try_from(addr.checked_sub(self.base)?).ok()?;
        (offset.checked_add(len)? <= self.bytes.len()).then_some(offset)
    }
}

/// The memory that interpreted code can address.
#[derive(Debug)]
pub struct Memory {
    data: Vec<Region>,
    next_data: u64,
    stack: Vec<Region>,
    stack_pointer: u64,
}

/// A state of the stack to go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackMark {
    regions: usize,
    pub(super) stack_pointer: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { data: Vec::new(), next_data: DATA, stack: Vec::new(), stack_pointer: STACK_TOP }
    }
}

impl Memory {
    /// A new region with these contents, which code can write if `writable`; its
    /// address is a multiple of 16. `None` when the address space is used up.
    pub fn allocate(&mut self, bytes: Vec<u8>, writable: bool) -> Option<u64> {
        let base = self.next_data;
        let end = base.checked_add(bytes.len() as u64)?.checked_add(GAP)?;
        if end > STACK_TOP - STACK_SIZE {
            return None;
        }
        self.next_data = end.next_multiple_of(GAP);
        self.data.push(Region { base, bytes, writable });
        Some(base)
    }

    /// The `len` bytes at `addr`, if they lie in one region.
    pub fn bytes(&self, addr: u64, len: usize) -> Option<&[u8]> {
        let region = self.find(addr)?;
        let offset = region.offset(addr, len)?;
        region.bytes.get(offset..offset + len)
    }

    /// The `len` bytes at `addr` for writing, if they lie in one writable region.
    pub fn bytes_mut(&mut self, addr: u64, len: usize) -> Option<&mut [u8]> {
        let region = if addr >= STACK_TOP - STACK_SIZE {
            let index = self.stack.partition_point(|region| region.base > addr);
            self.stack.get_mut(index)
        } else {
            let index = self.data.partition_point(|region| region.base <= addr).checked_sub(1)?;
            self.data.get_mut(index)
        }?;
        let offset = region.offset(addr, len)?;
        if region.writable { region.bytes.get_mut(offset..offset + len) } else { None }
    }

    fn find(&self, addr: u64) -> Option<&Region> {
        if addr >= STACK_TOP - STACK_SIZE {
            self.stack.get(self.stack.partition_point(|region| region.base > addr))
        } else {
            self.data.get(self.data.partition_point(|region| region.base <= addr).checked_sub(1)?)
        }
    }

    /// The number whose `len` little-endian bytes (at most 8) are at `addr`.
    pub fn read(&self, addr: u64, len: usize) -> Option<u64> {
        let mut buffer = [0; 8];
        buffer.get_mut(..len)?.copy_from_slice(self.bytes(addr, len)?);
        Some(u64::from_le_bytes(buffer))
    }

    /// Writes the low `len` bytes (at most 8) of a number, little-endian.
    pub fn write(&mut self, addr: u64, len: usize, value: u64) -> Option<()> {
        let buffer = value.to_le_bytes();
        self.bytes_mut(addr, len)?.copy_from_slice(buffer.get(..len)?);
        Some(())
    }

    /// The state of the stack.
    pub(super) fn stack_mark(&self) -> StackMark {
        StackMark { regions: self.stack.len(), stack_pointer: self.stack_pointer }
    }

    /// Drops what was pushed since the mark was taken.
    pub(super) fn pop_stack(&mut self, mark: StackMark) {
        self.stack.truncate(mark.regions);
        self.stack_pointer = mark.stack_pointer;
    }

    /// A new region on the stack at a multiple of `1 << align_shift`. `None` when
    /// the stack is used up.
    pub(super) fn push_stack(&mut self, size: u32, align_shift: u8) -> Option<u64> {
        let align = 1u64.checked_shl(u32::from(align_shift))?.max(GAP);
        let lowest = self.stack_pointer.checked_sub(u64::from(size).checked_add(GAP)?)?;
        let base = lowest & !(align - 1);
        if base < STACK_TOP - STACK_SIZE {
            return None;
        }
        self.stack_pointer = base;
        self.stack.push(Region { base, bytes: vec![0; size as usize], writable: true });
        Some(base)
    }
}

/// The address of function number `index`.
pub(super) fn function_address(index: usize) -> u64 {
    FUNCTIONS + index as u64 * FUNCTION_STEP
}

/// The number of the function at an address; there may be no function of this
/// number.
pub(super) fn function_at(addr: u64) -> Option<usize> {
    let offset = addr.checked_sub(FUNCTIONS)?;
    (offset % FUNCTION_STEP == 0).then(|| usize::try_from(offset / FUNCTION_STEP).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_stay_in_their_region() {
        let mut memory = Memory::default();
        let a = memory.allocate(vec![1, 2, 3, 4], true).unwrap();
        let b = memory.allocate(vec![9; 8], false).unwrap();
        assert_eq!(memory.read(a, 4), Some(0x0403_0201));
        assert_eq!(memory.read(a + 1, 4), None);
        assert_eq!(memory.read(a - 1, 1), None);
        assert_eq!(memory.read(u64::MAX, 8), None);
        assert_eq!(memory.write(a + 2, 2, 0xaabb), Some(()));
        assert_eq!(memory.read(a, 4), Some(0xaabb_0201));
        assert_eq!(memory.write(b, 1, 0), None);
        assert_eq!(memory.read(b, 8), Some(0x0909_0909_0909_0909));
        assert_eq!(memory.bytes(function_address(0), 1), None);
    }

    #[test]
    fn the_stack_grows_down_and_is_finite() {
        let mut memory = Memory::default();
        let mark = memory.stack_mark();
        let a = memory.push_stack(24, 0).unwrap();
        let b = memory.push_stack(8, 6).unwrap();
        assert!(b < a && b % 64 == 0);
        memory.write(b, 8, 7).unwrap();
        assert_eq!(memory.read(a, 8), Some(0));
        assert_eq!(memory.write(b + 8, 1, 0), None);
        assert_eq!(memory.push_stack(u32::MAX, 0), None);
        assert_eq!(memory.push_stack(8, 255), None);
        memory.pop_stack(mark);
        assert_eq!(memory.read(b, 8), None);
    }
}

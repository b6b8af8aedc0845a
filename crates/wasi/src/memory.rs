//! The guest's memory as functions of preview 1 read and write it.
//!
//! Addresses and lengths come from the guest and are never trusted: each access
//! is checked against the memory, and one outside of it is `FAULT`. Numbers are
//! little-endian; alignment is not asked for. Nothing here panics on any input.

use crate::errno::{Errno, Result};
use std::io::{IoSlice, IoSliceMut};

/// More buffers than this are not given to the host at once; a transfer may be short.
const MAX_BUFFERS: usize = 1024;
/// Bytes of a transfer into overlapping buffers, which goes through a buffer of ours.
const MAX_BOUNCE: usize = 1 << 20;

/// Reads and writes of plain values at addresses of the guest.
pub(crate) trait GuestMemory {
    /// `len` bytes at `address`.
    fn bytes(&self, address: u32, len: u32) -> Result<&[u8]>;
    /// `len` bytes at `address`, to be written to.
    fn bytes_mut(&mut self, address: u32, len: u32) -> Result<&mut [u8]>;
    /// The string of `len` bytes at `address`; `ILSEQ` if it is not UTF-8.
    fn string(&self, address: u32, len: u32) -> Result<&str> {
        std::str::from_utf8(self.bytes(address, len)?).map_err(|_| Errno::Ilseq)
    }
    /// The bytes of a number of `N` bytes.
    fn array<const N: usize>(&self, address: u32) -> Result<[u8; N]>;
    fn read_u8(&self, address: u32) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array(address)?))
    }
    fn read_u16(&self, address: u32) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array(address)?))
    }
    fn read_u32(&self, address: u32) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(address)?))
    }
    fn read_u64(&self, address: u32) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(address)?))
    }
    /// Writes all of `bytes` at `address`, or nothing.
    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<()>;
    fn write_u16(&mut self, address: u32, value: u16) -> Result<()> {
        self.write(address, &value.to_le_bytes())
    }
    fn write_u32(&mut self, address: u32, value: u32) -> Result<()> {
        self.write(address, &value.to_le_bytes())
    }
    fn write_u64(&mut self, address: u32, value: u64) -> Result<()> {
        self.write(address, &value.to_le_bytes())
    }
}

impl GuestMemory for [u8] {
    fn bytes(&self, address: u32, len: u32) -> Result<&[u8]> {
        let start = address as usize;
        self.get(start..).and_then(|rest| rest.get(..len as usize)).ok_or(Errno::Fault)
    }

    fn bytes_mut(&mut self, address: u32, len: u32) -> Result<&mut [u8]> {
        let start = address as usize;
        self.get_mut(start..).and_then(|rest| rest.get_mut(..len as usize)).ok_or(Errno::Fault)
    }

    fn array<const N: usize>(&self, address: u32) -> Result<[u8; N]> {
        let start = address as usize;
        self.get(start..).and_then(|rest| rest.first_chunk()).copied().ok_or(Errno::Fault)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<()> {
        let len = u32::try_from(bytes.len())?;
        self.bytes_mut(address, len)?.copy_from_slice(bytes);
        Ok(())
    }
}

/// The address `offset` bytes after `base`; `FAULT` past the end of any memory.
pub(crate) fn at(base: u32, offset: u32) -> Result<u32> {
    base.checked_add(offset).ok_or(Errno::Fault)
}

/// The address of element `index` of an array of elements of `size` bytes.
pub(crate) fn element(base: u32, index: u32, size: u32) -> Result<u32> {
    index.checked_mul(size).and_then(|offset| base.checked_add(offset)).ok_or(Errno::Fault)
}

/// A buffer of a scattered transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Buffer {
    address: u32,
    len: u32,
}

/// Reads an array of `count` buffers, checks every one of them, and leaves out the empty ones.
///
/// # Errors
/// `FAULT` if the array or a buffer is not in the memory; `INVAL` if the lengths add up to
/// more than a size can say.
fn buffers(memory: &[u8], array: u32, count: u32) -> Result<Vec<Buffer>> {
    let entries = memory.bytes(array, count.checked_mul(8).ok_or(Errno::Inval)?)?.chunks_exact(8);
    let buffers = || entries.clone().map(|entry| Result::Ok((entry.read_u32(0)?, entry.read_u32(4)?)));
    let mut total = 0u32;
    for buffer in buffers() {
        total = total.checked_add(buffer?.1).ok_or(Errno::Inval)?;
    }
    let mut list = Vec::new();
    for buffer in buffers() {
        let (address, len) = buffer?;
        memory.bytes(address, len)?;
        if len > 0 && list.len() < MAX_BUFFERS {
            list.push(Buffer { address, len });
        }
    }
    Ok(list)
}

/// The buffers of a write, as the host takes them.
///
/// # Errors
/// As of [`buffers`].
pub(crate) fn gather(memory: &[u8], array: u32, count: u32) -> Result<Vec<IoSlice<'_>>> {
    let slice = |buffer: Buffer| Ok(IoSlice::new(memory.bytes(buffer.address, buffer.len)?));
    buffers(memory, array, count)?.into_iter().map(slice).collect()
}

/// Lets `read` fill the buffers of a read, in one call of it, and returns the number of bytes that it read.
///
/// Buffers that overlap are filled as if one after the other.
///
/// # Errors
/// As of [`buffers`], and those of `read`.
pub(crate) fn scatter(
    memory: &mut [u8],
    array: u32,
    count: u32,
    read: &mut dyn FnMut(&mut [IoSliceMut<'_>]) -> Result<usize>,
) -> Result<usize> {
    let buffers = buffers(memory, array, count)?;
    if let [buffer] = buffers[..] {
        return read(&mut [IoSliceMut::new(memory.bytes_mut(buffer.address, buffer.len)?)]);
    }
    if let Some(mut slices) = split(memory, &buffers) {
        return read(&mut slices);
    }
    let total: usize = buffers.iter().map(|buffer| buffer.len as usize).sum();
    let mut bounce = vec![0; total.min(MAX_BOUNCE)];
    let len = read(&mut [IoSliceMut::new(&mut bounce)])?;
    let mut rest = bounce.get(..len).ok_or(Errno::Io)?;
    for buffer in buffers {
        let (now, later) = rest.split_at(rest.len().min(buffer.len as usize));
        memory.write(buffer.address, now)?;
        rest = later;
    }
    Ok(len)
}

/// The buffers as separate slices, in their order; none if they overlap.
fn split<'a>(memory: &'a mut [u8], buffers: &[Buffer]) -> Option<Vec<IoSliceMut<'a>>> {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&index| buffers[index].address);
    let mut slices: Vec<Option<IoSliceMut<'a>>> = buffers.iter().map(|_| None).collect();
    let mut rest = memory;
    let mut start = 0; // the address where `rest` begins
    for index in order {
        let Buffer { address, len } = buffers[index];
        let skipped = (address as usize).checked_sub(start)?;
        let (slice, after) = rest.split_at_mut_checked(skipped)?.1.split_at_mut_checked(len as usize)?;
        slices[index] = Some(IoSliceMut::new(slice));
        rest = after;
        start = address as usize + len as usize;
    }
    slices.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory with an array of buffers at 0.
    fn memory(list: &[(u32, u32)]) -> Vec<u8> {
        let mut memory = vec![0; 256];
        for (index, &(address, len)) in list.iter().enumerate() {
            memory.write_u32(index as u32 * 8, address).unwrap();
            memory.write_u32(index as u32 * 8 + 4, len).unwrap();
        }
        memory
    }

    /// Fills with 1, 2, 3 …
    fn count_up(slices: &mut [IoSliceMut<'_>]) -> Result<usize> {
        let mut len = 0;
        for byte in slices.iter_mut().flat_map(|slice| slice.iter_mut()) {
            len += 1;
            *byte = len as u8;
        }
        Ok(len)
    }

    #[test]
    fn access_outside_of_the_memory_is_a_fault() {
        let mut memory = [0; 16];
        assert_eq!(memory.read_u64(8), Ok(0));
        assert_eq!(memory.read_u64(9), Err(Errno::Fault));
        assert_eq!(memory.write_u32(u32::MAX, 0), Err(Errno::Fault));
        assert_eq!(memory.bytes(16, 0), Ok(&[][..]));
        assert_eq!(memory.bytes(17, 0), Err(Errno::Fault));
        assert_eq!(memory.bytes(1, u32::MAX), Err(Errno::Fault));
    }

    #[test]
    fn buffers_are_filled_in_their_order() {
        let mut memory = memory(&[(100, 2), (0, 0), (90, 3)]);
        assert_eq!(scatter(&mut memory, 0, 3, &mut count_up), Ok(5));
        assert_eq!(memory.bytes(100, 2), Ok(&[1, 2][..]));
        assert_eq!(memory.bytes(90, 3), Ok(&[3, 4, 5][..]));
    }

    #[test]
    fn overlapping_buffers_are_filled_one_after_the_other() {
        let mut memory = memory(&[(100, 4), (102, 4)]);
        assert_eq!(scatter(&mut memory, 0, 2, &mut count_up), Ok(8));
        assert_eq!(memory.bytes(100, 6), Ok(&[1, 2, 5, 6, 7, 8][..]));
    }

    #[test]
    fn bad_buffers_are_refused() {
        let refused = |list: &[(u32, u32)], count| {
            scatter(&mut memory(list), 0, count, &mut |_| panic!("nothing to read into"))
        };
        assert_eq!(refused(&[(0, 1), (250, 7)], 2), Err(Errno::Fault));
        assert_eq!(refused(&[(0, u32::MAX)], 1), Err(Errno::Fault));
        assert_eq!(refused(&[], u32::MAX), Err(Errno::Inval));
        assert_eq!(refused(&[], 33), Err(Errno::Fault));
        assert_eq!(element(8, u32::MAX, 8), Err(Errno::Fault));
    }

    #[test]
    fn lengths_that_add_up_to_too_much_are_invalid() {
        let memory = memory(&[(0, u32::MAX), (0, 1)]);
        assert_eq!(gather(&memory, 0, 2).map(|slices| slices.len()), Err(Errno::Inval));
    }
}

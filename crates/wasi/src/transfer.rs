//! Transfers between the host and arrays of the guest's buffers.
//!
//! Addresses and lengths are the guest's and may be anything: all are checked before a byte
//! moves. Bytes go straight between the guest's memory and the host, in pieces, so that the
//! host holds nothing of them and a long transfer can be interrupted. What has moved before
//! something went wrong counts: it is told as a short transfer.

use crate::errno::{Errno, Result};
use crate::interrupt::{Interrupt, PIECE};
use crate::memory::GuestMemory;
use std::io::{IoSlice, IoSliceMut};

/// The most buffers of a transfer, as on the host.
const MAX_BUFFERS: u32 = 1024;
/// The most bytes of a message into buffers that overlap.
const MAX_MESSAGE: usize = 256 << 10;

/// How much a transfer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What one call of the host moves of the first piece.
    Some,
    /// Everything, unless a piece is cut short.
    UntilShort,
    /// Everything, unless a piece does not move at all.
    All,
    /// One call of the host with everything.
    Message,
}

/// A buffer of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Buffer {
    address: u32,
    len: u32,
}

/// The buffers of a transfer that are not yet done.
struct Rest {
    buffers: Vec<Buffer>,
    /// Where in them it goes on.
    next: usize,
    offset: u32,
}

impl Rest {
    /// Reads an array of `count` buffers, checks every one of them, and leaves out the empty ones.
    ///
    /// # Errors
    /// `INVAL` if there are too many or the lengths add up to more than a size can say; `FAULT` if
    /// the array or a buffer is not in the memory.
    fn new(memory: &[u8], array: u32, count: u32) -> Result<Rest> {
        if count > MAX_BUFFERS {
            return Err(Errno::Inval);
        }
        let mut buffers = Vec::new();
        let mut total = 0u32;
        for entry in memory.bytes(array, count * 8)?.chunks_exact(8) {
            let buffer = Buffer { address: entry.read_u32(0)?, len: entry.read_u32(4)? };
            total = total.checked_add(buffer.len).ok_or(Errno::Inval)?;
            if buffer.len > 0 {
                buffers.push(buffer);
            }
        }
        for buffer in &buffers {
            memory.bytes(buffer.address, buffer.len)?;
        }
        Ok(Rest { buffers, next: 0, offset: 0 })
    }

    /// The next buffers, of `most` bytes together.
    fn piece(&self, most: usize) -> Vec<Buffer> {
        let (mut piece, mut offset, mut room) = (Vec::new(), self.offset, most);
        for buffer in &self.buffers[self.next..] {
            if room == 0 {
                break;
            }
            let len = room.min((buffer.len - offset) as usize);
            piece.push(Buffer { address: buffer.address + offset, len: len as u32 });
            (offset, room) = (0, room - len);
        }
        piece
    }

    /// So many bytes are done.
    fn advance(&mut self, mut done: usize) {
        while let Some(buffer) = self.buffers.get(self.next) {
            let left = (buffer.len - self.offset) as usize;
            if done < left {
                self.offset += done as u32;
                return;
            }
            (self.next, self.offset, done) = (self.next + 1, 0, done - left);
        }
    }

    /// Moves one piece after the other.
    fn run(
        &mut self,
        extent: Extent,
        most: usize,
        interrupt: &Interrupt,
        one: &mut dyn FnMut(&[Buffer]) -> Result<usize>,
    ) -> Result<usize> {
        let most = if extent == Extent::Message { usize::MAX } else { most };
        let mut total = 0;
        loop {
            let piece = self.piece(most);
            let wanted: usize = piece.iter().map(|buffer| buffer.len as usize).sum();
            if wanted == 0 {
                return Ok(total);
            }
            let moved = interrupt.check().and_then(|()| one(&piece));
            let moved = match moved {
                Err(_) if total > 0 => return Ok(total),
                moved => moved?.min(wanted),
            };
            total += moved;
            self.advance(moved);
            match extent {
                Extent::Some | Extent::Message => return Ok(total),
                Extent::UntilShort if moved < wanted => return Ok(total),
                Extent::All if moved == 0 => return Ok(total),
                Extent::UntilShort | Extent::All => {}
            }
        }
    }
}

/// Lets `write` take the buffers of a write, in pieces of at most `most` bytes; returns the number
/// of bytes that it took.
///
/// # Errors
/// As of [`Rest::new`], and those of `write` if nothing was written before.
pub(crate) fn gather(
    memory: &[u8],
    (array, count): (u32, u32),
    extent: Extent,
    most: usize,
    interrupt: &Interrupt,
    write: &mut dyn FnMut(&[IoSlice<'_>]) -> Result<usize>,
) -> Result<usize> {
    Rest::new(memory, array, count)?.run(extent, most, interrupt, &mut |piece| {
        let slices = piece.iter().map(|buffer| Ok(IoSlice::new(memory.bytes(buffer.address, buffer.len)?)));
        write(&slices.collect::<Result<Vec<_>>>()?)
    })
}

/// Lets `read` fill the buffers of a read, in pieces; returns the number of bytes that it read.
///
/// Buffers that overlap are filled as if one after the other.
///
/// # Errors
/// As of [`Rest::new`], and those of `read` if nothing was read before.
pub(crate) fn scatter(
    memory: &mut [u8],
    (array, count): (u32, u32),
    extent: Extent,
    interrupt: &Interrupt,
    read: &mut dyn FnMut(&mut [IoSliceMut<'_>]) -> Result<usize>,
) -> Result<usize> {
    Rest::new(memory, array, count)?.run(extent, PIECE, interrupt, &mut |piece| {
        if let Some(mut slices) = split(memory, piece) {
            return read(&mut slices);
        }
        let total: usize = piece.iter().map(|buffer| buffer.len as usize).sum();
        let mut bounce = vec![0; total.min(MAX_MESSAGE)];
        let len = read(&mut [IoSliceMut::new(&mut bounce)])?;
        let mut rest = bounce.get(..len).ok_or(Errno::Io)?;
        for buffer in piece {
            let (now, later) = rest.split_at(rest.len().min(buffer.len as usize));
            memory.write(buffer.address, now)?;
            rest = later;
        }
        Ok(len)
    })
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

    fn read(memory: &mut [u8], count: u32) -> Result<usize> {
        scatter(memory, (0, count), Extent::UntilShort, &Interrupt::default(), &mut count_up)
    }

    #[test]
    fn buffers_are_filled_in_their_order() {
        let mut memory = memory(&[(100, 2), (0, 0), (90, 3)]);
        assert_eq!(read(&mut memory, 3), Ok(5));
        assert_eq!(memory.bytes(100, 2), Ok(&[1, 2][..]));
        assert_eq!(memory.bytes(90, 3), Ok(&[3, 4, 5][..]));
    }

    #[test]
    fn overlapping_buffers_are_filled_one_after_the_other() {
        let mut memory = memory(&[(100, 4), (102, 4)]);
        assert_eq!(read(&mut memory, 2), Ok(8));
        assert_eq!(memory.bytes(100, 6), Ok(&[1, 2, 5, 6, 7, 8][..]));
    }

    #[test]
    fn an_empty_buffer_may_be_anywhere() {
        let mut one = memory(&[(u32::MAX, 0), (100, 2)]);
        assert_eq!(read(&mut one, 2), Ok(2));
        assert_eq!(
            scatter(&mut one, (u32::MAX, 0), Extent::All, &Interrupt::default(), &mut count_up),
            Ok(0)
        );
    }

    #[test]
    fn bad_buffers_are_refused() {
        let refused = |list: &[(u32, u32)], count| {
            scatter(&mut memory(list), (0, count), Extent::All, &Interrupt::default(), &mut |_| {
                panic!("nothing to read into")
            })
        };
        assert_eq!(refused(&[(0, 1), (250, 7)], 2), Err(Errno::Fault));
        assert_eq!(refused(&[(0, u32::MAX)], 1), Err(Errno::Fault));
        assert_eq!(refused(&[(0, u32::MAX), (0, 1)], 2), Err(Errno::Inval));
        assert_eq!(refused(&[], u32::MAX), Err(Errno::Inval));
        assert_eq!(refused(&[], 1025), Err(Errno::Inval));
        assert_eq!(refused(&[], 33), Err(Errno::Fault));
    }

    /// Every way to cut buffers into pieces moves the same bytes.
    #[test]
    fn pieces_follow_each_other() {
        let memory = {
            let mut memory = memory(&[(40, 5), (60, 1), (50, 7)]);
            memory[40..45].copy_from_slice(b"abcde");
            memory[60..61].copy_from_slice(b"f");
            memory[50..57].copy_from_slice(b"ghijklm");
            memory
        };
        for most in 1..20 {
            for short in 1..20 {
                let mut taken = Vec::new();
                let mut write = |slices: &[IoSlice<'_>]| {
                    let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                    assert!(bytes.len() <= most);
                    taken.extend(&bytes[..bytes.len().min(short)]);
                    Ok(bytes.len().min(short))
                };
                let len = gather(&memory, (0, 3), Extent::All, most, &Interrupt::default(), &mut write);
                assert_eq!((len, &taken[..]), (Ok(13), &b"abcdefghijklm"[..]), "{most} {short}");
            }
        }
    }

    #[test]
    fn what_was_moved_before_an_error_counts() {
        let memory = memory(&[(40, 5)]);
        let mut left = 2;
        let mut write = |_: &[IoSlice<'_>]| {
            left -= 1;
            if left < 0 { Err(Errno::Nospc) } else { Ok(1) }
        };
        let mut run = || gather(&memory, (0, 1), Extent::All, 1, &Interrupt::default(), &mut write);
        assert_eq!(run(), Ok(2));
        assert_eq!(run(), Err(Errno::Nospc));
    }
}

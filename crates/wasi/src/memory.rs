//! The guest's memory as functions of preview 1 read and write it.
//!
//! Addresses and lengths come from the guest and are never trusted: each access
//! is checked against the memory, and one outside of it is `FAULT`. Numbers are
//! little-endian; alignment is not asked for. Nothing here panics on any input.

use crate::errno::{Errno, Result};

/// Reads and writes of plain values at addresses of the guest.
pub(crate) trait GuestMemory {
    /// `len` bytes at `address`; no bytes are anywhere.
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
        let start = if len == 0 { 0 } else { address as usize };
        self.get(start..).and_then(|rest| rest.get(..len as usize)).ok_or(Errno::Fault)
    }

    fn bytes_mut(&mut self, address: u32, len: u32) -> Result<&mut [u8]> {
        let start = if len == 0 { 0 } else { address as usize };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_outside_of_the_memory_is_a_fault() {
        let mut memory = [0; 16];
        assert_eq!(memory.read_u64(8), Ok(0));
        assert_eq!(memory.read_u64(9), Err(Errno::Fault));
        assert_eq!(memory.write_u32(u32::MAX, 0), Err(Errno::Fault));
        assert_eq!(memory.bytes(16, 0), Ok(&[][..]));
        assert_eq!(memory.bytes(17, 0), Ok(&[][..]), "nothing is nowhere");
        assert_eq!(memory.bytes(17, 1), Err(Errno::Fault));
        assert_eq!(memory.bytes(1, u32::MAX), Err(Errno::Fault));
        assert_eq!(element(8, u32::MAX, 8), Err(Errno::Fault));
    }
}

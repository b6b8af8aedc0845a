//! Arguments and environment: lists of strings that the guest fetches in two
//! steps, first how many and how long, then an array of addresses and the strings,
//! each with a 0 at its end.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::memory::{GuestMemory, at, element};

/// Strings without a 0 in them.
#[derive(Debug, Default)]
pub(crate) struct Strings(Vec<Vec<u8>>);

impl Strings {
    /// None of the strings may have a 0 in it.
    pub(crate) fn new(strings: Vec<Vec<u8>>) -> Strings {
        Strings(strings)
    }

    /// Their number goes to `count`, that of their bytes to `size`.
    fn sizes(&self, memory: &mut [u8], count: u32, size: u32) -> Result<()> {
        let bytes: usize = self.0.iter().map(|string| string.len() + 1).sum();
        let (strings, bytes) = (u32::try_from(self.0.len())?, u32::try_from(bytes)?);
        memory.write_u32(count, strings)?;
        memory.write_u32(size, bytes)
    }

    /// Their addresses go to `array`, their bytes to `buffer`.
    fn get(&self, memory: &mut [u8], array: u32, buffer: u32) -> Result<()> {
        let mut next = buffer;
        for (index, string) in self.0.iter().enumerate() {
            let len = u32::try_from(string.len())?;
            memory.write_u32(element(array, u32::try_from(index)?, 4)?, next)?;
            memory.write(next, string)?;
            memory.write(at(next, len)?, &[0])?;
            next = at(next, len)?.checked_add(1).ok_or(Errno::Fault)?;
        }
        Ok(())
    }
}

impl WasiCtx {
    /// The number of arguments and of their bytes.
    pub fn args_sizes_get(&mut self, memory: &mut [u8], count: u32, size: u32) -> Result<()> {
        self.args.sizes(memory, count, size)
    }

    /// The arguments.
    pub fn args_get(&mut self, memory: &mut [u8], array: u32, buffer: u32) -> Result<()> {
        self.args.get(memory, array, buffer)
    }

    /// The number of variables of the environment and of their bytes.
    pub fn environ_sizes_get(&mut self, memory: &mut [u8], count: u32, size: u32) -> Result<()> {
        self.env.sizes(memory, count, size)
    }

    /// The environment, as `KEY=VALUE`.
    pub fn environ_get(&mut self, memory: &mut [u8], array: u32, buffer: u32) -> Result<()> {
        self.env.get(memory, array, buffer)
    }
}

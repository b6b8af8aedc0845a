//! Random bytes.

use crate::ctx::WasiCtx;
use crate::errno::Result;
use crate::interrupt::PIECE;
use crate::memory::GuestMemory;
use rustix::rand::{GetRandomFlags, getrandom};
use std::io;

/// Fills a buffer with random bytes.
pub type RandomSource = Box<dyn FnMut(&mut [u8]) -> io::Result<()> + Send>;

/// The host's random numbers, fit for keys.
pub(crate) fn host() -> RandomSource {
    Box::new(|mut rest| {
        while !rest.is_empty() {
            match getrandom(&mut *rest, GetRandomFlags::empty()) {
                Ok(len) => rest = &mut rest[len..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    })
}

/// Numbers that are the same for the same seed, for runs that are to be repeated
/// (SplitMix64: a counter with an odd step, scrambled).
pub(crate) fn seeded(mut state: u64) -> RandomSource {
    Box::new(move |buffer| {
        for chunk in buffer.chunks_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    })
}

impl WasiCtx {
    /// Fills `len` bytes at `buf` with random bytes.
    pub fn random_get(&mut self, memory: &mut [u8], buf: u32, len: u32) -> Result<()> {
        for piece in memory.bytes_mut(buf, len)?.chunks_mut(PIECE) {
            self.interrupt.check()?;
            (self.random)(piece)?;
        }
        Ok(())
    }
}

//! What a shadow has written.
//!
//! Problem: memories and globals must look as if operators had run that have not.
//! Approach: written bytes are kept by blocks of 64, with a bit for each byte that
//! is written, over the contents that stay as they are.
//!
//! Invariant: a block is there only if something in it is written.

use std::collections::BTreeMap;
use std::ops::Range;

const BLOCK: u64 = 64;

/// Bytes and globals as written, over what there really is. Memories and globals go
/// by their keys in the [`super::Environment`].
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    blocks: BTreeMap<(u64, u64), Block>,
    globals: BTreeMap<u64, u128>,
}

#[derive(Clone, Debug)]
struct Block {
    bytes: [u8; BLOCK as usize],
    written: u64,
}

/// The pieces that blocks cut a range of addresses into: block, range in the block,
/// range in the whole.
fn pieces(address: u64, len: usize) -> impl Iterator<Item = (u64, Range<usize>, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = address.wrapping_add(done as u64);
        let inside = (at % BLOCK) as usize;
        let count = (BLOCK as usize - inside).min(len - done);
        let whole = done..done + count;
        done += count;
        Some((at / BLOCK, inside..inside + count, whole))
    })
}

/// The bits of a range in a block.
fn mask(range: &Range<usize>) -> u64 {
    (u64::MAX >> (BLOCK as usize - range.len())) << range.start
}

impl Overlay {
    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.globals.is_empty()
    }

    /// Puts what is written of the bytes from `address` on into `bytes`, which has
    /// what is really there.
    pub fn read(&self, memory: u64, address: u64, bytes: &mut [u8]) {
        if self.blocks.is_empty() {
            return;
        }
        for (number, inside, whole) in pieces(address, bytes.len()) {
            let Some(block) = self.blocks.get(&(memory, number)) else { continue };
            let mask = mask(&inside);
            if block.written & mask == mask {
                bytes[whole].copy_from_slice(&block.bytes[inside]);
                continue;
            }
            for (from, to) in inside.zip(whole) {
                if block.written >> from & 1 != 0 {
                    bytes[to] = block.bytes[from];
                }
            }
        }
    }

    /// Writes bytes from `address` on.
    pub fn write(&mut self, memory: u64, address: u64, bytes: &[u8]) {
        for (number, inside, whole) in pieces(address, bytes.len()) {
            let empty = || Block { bytes: [0; BLOCK as usize], written: 0 };
            let block = self.blocks.entry((memory, number)).or_insert_with(empty);
            block.written |= mask(&inside);
            block.bytes[inside].copy_from_slice(&bytes[whole]);
        }
    }

    /// The bits of a global, if it is written.
    pub fn global(&self, global: u64) -> Option<u128> {
        if self.globals.is_empty() { None } else { self.globals.get(&global).copied() }
    }

    /// Writes a global.
    pub fn set_global(&mut self, global: u64, bits: u128) {
        self.globals.insert(global, bits);
    }

    /// The written bytes of a memory with their addresses, in order.
    pub fn written(&self, memory: u64) -> impl Iterator<Item = (u64, u8)> {
        let blocks = self.blocks.range((memory, 0)..=(memory, u64::MAX));
        blocks.flat_map(|(&(_, number), block)| {
            let is_written = |offset: &u64| block.written >> offset & 1 != 0;
            let byte = move |offset| (number * BLOCK + offset, block.bytes[offset as usize]);
            (0..BLOCK).filter(is_written).map(byte)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Overlay;

    #[test]
    fn writes_cover_what_is_there_and_each_other() {
        let mut overlay = Overlay::default();
        assert!(overlay.is_empty());
        overlay.write(1, 62, &[1, 2, 3, 4]);
        overlay.write(1, 63, &[9]);
        overlay.write(2, 0, &[7]);
        let mut bytes = [0xff; 8];
        overlay.read(1, 60, &mut bytes);
        assert_eq!(bytes, [0xff, 0xff, 1, 9, 3, 4, 0xff, 0xff]);
        let mut inside = [0; 2];
        overlay.read(1, 64, &mut inside);
        assert_eq!(inside, [3, 4]);
        assert_eq!(overlay.written(1).collect::<Vec<_>>(), [(62, 1), (63, 9), (64, 3), (65, 4)]);
        assert_eq!(overlay.written(2).collect::<Vec<_>>(), [(0, 7)]);
    }

    #[test]
    fn whole_blocks_and_the_last_addresses() {
        let mut overlay = Overlay::default();
        overlay.write(0, 0, &[5; 130]);
        let mut bytes = [0; 131];
        overlay.read(0, 0, &mut bytes);
        assert!(bytes[..130].iter().all(|byte| *byte == 5) && bytes[130] == 0);
        overlay.write(0, u64::MAX - 1, &[1, 2]);
        let mut last = [0; 2];
        overlay.read(0, u64::MAX - 1, &mut last);
        assert_eq!(last, [1, 2]);
    }

    #[test]
    fn globals() {
        let mut overlay = Overlay::default();
        assert_eq!(overlay.global(3), None);
        overlay.set_global(3, 8);
        assert_eq!((overlay.global(3), overlay.global(4)), (Some(8), None));
        assert!(!overlay.is_empty());
    }
}

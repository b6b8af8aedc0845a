//! Byte strings that are rarely read, compressed by groups.
//!
//! The format, numbers of 32 bits little-endian: the number of groups; for each group
//! where it begins in all strings one after the other, and where in the compressed bytes;
//! the length of all strings; the groups, each a Zstandard frame of whole strings.

use crate::rows::u32_at;
use std::io::{Read, Write};
use std::ops::Range;

/// A group is full when it has so many bytes.
const GROUP: usize = 1 << 16;
/// Of Zstandard.
const LEVEL: i32 = 3;

/// Bytes that are not what was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed compressed bytes")]
pub struct BlobError;

/// Compresses bytes.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL).expect("there is room for whatever comes out")
}

/// As [`compress`], of bytes that lie in parts.
pub fn compress_parts<'a>(parts: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u8> {
    let len = parts.clone().map(|part| part.len() as u64).sum();
    let compress = || {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
        encoder.set_pledged_src_size(Some(len))?;
        for part in parts {
            encoder.write_all(part)?;
        }
        encoder.finish()
    };
    compress().expect("there is room for whatever comes out")
}

/// The bytes that [`compress`] had, `len` of them.
///
/// # Errors
/// If those are not what is in `bytes`.
pub fn decompress(bytes: &[u8], len: usize) -> Result<Vec<u8>, BlobError> {
    let decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(|_| BlobError)?;
    let mut all = Vec::new();
    // One more, to see whether it ends there. The vector grows with what is really there.
    decoder.take(len as u64 + 1).read_to_end(&mut all).map_err(|_| BlobError)?;
    if all.len() == len { Ok(all) } else { Err(BlobError) }
}

/// Collects strings.
#[derive(Debug, Default)]
pub(crate) struct BlobsWriter {
    index: Vec<u8>,
    data: Vec<u8>,
    /// Bytes of the groups that are done.
    done: usize,
    group: Vec<u8>,
}

impl BlobsWriter {
    /// Adds a string and returns where it is.
    pub(crate) fn push(&mut self, string: &[u8]) -> Range<usize> {
        if self.group.len() >= GROUP {
            self.flush();
        }
        let start = self.done + self.group.len();
        self.group.extend_from_slice(string);
        start..start + string.len()
    }

    fn flush(&mut self) {
        if !self.group.is_empty() {
            self.index.extend((self.done as u32).to_le_bytes());
            self.index.extend((self.data.len() as u32).to_le_bytes());
            self.data.extend(compress(&self.group));
            self.done += self.group.len();
            self.group.clear();
        }
    }

    /// The bytes; none if they are too many for 32 bits.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        self.flush();
        let count = (self.index.len() / 8) as u32;
        let total = u32::try_from(self.done).ok()?;
        u32::try_from(self.data.len()).ok()?;
        Some([&count.to_le_bytes(), &self.index[..], &total.to_le_bytes(), &self.data].concat())
    }
}

/// The string at a place of [`BlobsWriter::push`].
pub(crate) fn read(bytes: &[u8], place: Range<u32>) -> Result<Vec<u8>, BlobError> {
    if place.is_empty() {
        return Ok(Vec::new());
    }
    let group = || {
        let count = u32_at(bytes, 0)? as usize;
        let (index, data) = bytes.get(4..)?.split_at_checked(count.checked_mul(8)?)?;
        let (total, data) = data.split_at_checked(4)?;
        let start = |group| u32_at(index, 2 * group);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = (low + high) / 2;
            if start(middle)? <= place.start { low = middle + 1 } else { high = middle }
        }
        let at = low.checked_sub(1)?;
        let end = start(low).filter(|_| low < count).or(u32_at(total, 0))?;
        let compressed = u32_at(index, 2 * at + 1)? as usize;
        let next = u32_at(index, 2 * low + 1).map_or(data.len(), |next| next as usize);
        Some((data.get(compressed..next)?, start(at)?..end))
    };
    let (data, group) = group().ok_or(BlobError)?;
    let len = group.end.checked_sub(group.start).ok_or(BlobError)?;
    let all = decompress(data, len as usize)?;
    let within = (place.start - group.start) as usize..place.end.wrapping_sub(group.start) as usize;
    all.get(within).map(<[u8]>::to_vec).ok_or(BlobError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings() -> Vec<Vec<u8>> {
        let string = |n: usize| (0..n * 371 % 9000).map(|i| ((i * n) >> 3) as u8).collect();
        (0..60).map(string).collect()
    }

    fn written() -> (Vec<Range<u32>>, Vec<u8>) {
        let mut writer = BlobsWriter::default();
        let narrow = |place: Range<usize>| place.start as u32..place.end as u32;
        let places = strings().iter().map(|string| narrow(writer.push(string))).collect();
        (places, writer.finish().unwrap())
    }

    #[test]
    fn what_is_written_is_read() {
        let (places, bytes) = written();
        assert!(u32_at(&bytes, 0).unwrap() > 2, "several groups");
        for (place, string) in places.into_iter().zip(strings()) {
            assert_eq!(read(&bytes, place), Ok(string));
        }
        assert_eq!(read(&BlobsWriter::default().finish().unwrap(), 0..0), Ok(Vec::new()));
        assert_eq!(read(&BlobsWriter::default().finish().unwrap(), 0..1), Err(BlobError));
    }

    #[test]
    fn parts_are_compressed_as_the_whole() {
        let (parts, whole) = (strings(), strings().concat());
        let compressed = compress_parts(parts.iter().map(Vec::as_slice));
        assert!(compressed.len() < whole.len());
        assert_eq!(decompress(&compressed, whole.len()), Ok(whole));
        assert_eq!(decompress(&compress_parts(std::iter::empty()), 0), Ok(Vec::new()));
    }

    #[test]
    fn damaged_bytes_are_errors_or_other_strings() {
        let (places, bytes) = written();
        let place = places[places.len() / 2].clone();
        for at in (0..bytes.len()).step_by(bytes.len() / 300).chain(0..40) {
            let _ = read(&bytes[..at], place.clone());
            for bit in [0, 5, 7] {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let _ = read(&damaged, place.clone());
            }
        }
        assert_eq!(decompress(&compress(&[7; 100]), 99), Err(BlobError));
        assert_eq!(decompress(&compress(&[7; 100]), 101), Err(BlobError));
    }
}

//! Tables sorted by a number, small and readable in place.
//!
//! Problem: an image knows a million places in its code; as records they are larger than
//! the code, and a program that never traps reads none of them. Approach: rows of
//! numbers, of which the first ascends, in blocks of [`BLOCK`]. In a block each row is
//! the difference to the one before, in LEB128; an index says where blocks begin. So a
//! row is found by a binary search in the index and a walk over one block, and nothing is
//! decoded ahead. Reading allocates nothing, as signal handlers need it.
//!
//! The format: the number of rows; for each block the first number of its first row and
//! where it begins in what follows, all of these 32 bits little-endian; the blocks. A row
//! is the distance of its first number from the last row's, shifted to make room for a bit
//! for each other column that says whether it changes, and the differences of those that
//! do, zigzag. A block starts from zeros.
//!
//! Bytes from elsewhere may be anything: then rows are missing or wrong, and no more.

/// Rows of a block.
const BLOCK: usize = 64;

/// Makes a table of rows with `N` columns.
#[derive(Debug)]
pub(crate) struct RowsWriter<const N: usize> {
    count: usize,
    index: Vec<u8>,
    data: Vec<u8>,
    last: [u64; N],
}

impl<const N: usize> Default for RowsWriter<N> {
    fn default() -> Self {
        RowsWriter { count: 0, index: Vec::new(), data: Vec::new(), last: [0; N] }
    }
}

impl<const N: usize> RowsWriter<N> {
    /// Adds a row, whose first number has 32 bits and is not below the last one's.
    pub(crate) fn push(&mut self, row: [u64; N]) {
        if self.count.is_multiple_of(BLOCK) {
            self.last = [0; N];
            self.index.extend((row[0] as u32).to_le_bytes());
            self.index.extend((self.data.len() as u32).to_le_bytes());
        }
        self.count += 1;
        let changed = (1..N).filter(|&column| row[column] != self.last[column]);
        let mask = changed.clone().fold(0, |mask, column| mask | 1 << (column - 1));
        put(&mut self.data, (row[0] - self.last[0]) << (N - 1) | mask);
        for column in changed {
            let difference = row[column].wrapping_sub(self.last[column]) as i64;
            put(&mut self.data, (difference << 1 ^ difference >> 63) as u64);
        }
        self.last = row;
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        [&(self.count as u32).to_le_bytes(), &self.index[..], &self.data].concat()
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The number of 32 bits at an index of a table of such.
pub(crate) fn u32_at(bytes: &[u8], index: usize) -> Option<u32> {
    let at = index.checked_mul(4)?;
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A table that lies in these bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a, const N: usize> {
    count: usize,
    index: &'a [u8],
    data: &'a [u8],
}

impl<'a, const N: usize> Rows<'a, N> {
    /// The table; empty if the bytes are none.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let table = || {
            let count = u32_at(bytes, 0)? as usize;
            let (index, data) = bytes[4..].split_at_checked(count.div_ceil(BLOCK) * 8)?;
            Some(Rows { count, index, data })
        };
        table().unwrap_or(Rows { count: 0, index: &[], data: &[] })
    }

    /// How many rows there are.
    pub(crate) fn len(self) -> usize {
        self.count
    }

    /// The rows from one on.
    pub(crate) fn iter_from(self, row: usize) -> RowsIter<'a, N> {
        let first = row - row % BLOCK;
        let mut iter = RowsIter { rows: self, next: first, data: &[], last: [0; N] };
        while iter.next < row && iter.next().is_some() {}
        iter
    }

    /// One row.
    pub(crate) fn get(self, row: usize) -> Option<[u64; N]> {
        self.iter_from(row).next()
    }

    /// The last row whose first number is not above `key`, with its index.
    pub(crate) fn at_or_before(self, key: u32) -> Option<(usize, [u64; N])> {
        let (mut low, mut high) = (0, self.count.div_ceil(BLOCK));
        while low < high {
            let middle = (low + high) / 2;
            if u32_at(self.index, 2 * middle)? <= key { low = middle + 1 } else { high = middle }
        }
        let first = low.checked_sub(1)? * BLOCK;
        let rows = self.iter_from(first).take(BLOCK).take_while(|row| row[0] <= u64::from(key));
        rows.enumerate().last().map(|(at, row)| (first + at, row))
    }

    /// The row whose first number is `key`, with its index.
    pub(crate) fn at(self, key: u32) -> Option<(usize, [u64; N])> {
        self.at_or_before(key).filter(|(_, row)| row[0] == u64::from(key))
    }

    /// How many rows have a first number not above `key`.
    pub(crate) fn count_to(self, key: u32) -> usize {
        self.at_or_before(key).map_or(0, |(at, _)| at + 1)
    }
}

/// Rows in order.
#[derive(Clone, Debug)]
pub(crate) struct RowsIter<'a, const N: usize> {
    rows: Rows<'a, N>,
    next: usize,
    /// What is left of the block.
    data: &'a [u8],
    last: [u64; N],
}

impl<const N: usize> RowsIter<'_, N> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.data.split_first()?;
            self.data = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl<const N: usize> Iterator for RowsIter<'_, N> {
    type Item = [u64; N];

    fn next(&mut self) -> Option<[u64; N]> {
        if self.next >= self.rows.count {
            return None;
        }
        if self.next.is_multiple_of(BLOCK) {
            let at = u32_at(self.rows.index, self.next / BLOCK * 2 + 1)?;
            self.data = self.rows.data.get(at as usize..)?;
            self.last = [0; N];
        }
        self.next += 1;
        let first = self.number()?;
        self.last[0] = self.last[0].wrapping_add(first >> (N - 1));
        for column in 1..N {
            if first >> (column - 1) & 1 != 0 {
                let number = self.number()?;
                let difference = (number >> 1) ^ (number & 1).wrapping_neg();
                self.last[column] = self.last[column].wrapping_add(difference);
            }
        }
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows with jumps of all sizes, and some with the same first number.
    fn rows(count: u64) -> Vec<[u64; 3]> {
        let mut first = 0;
        let row = |n: u64| {
            first += [0, 1, 31, 32, 5000][n as usize % 5];
            [first, if n.is_multiple_of(7) { u64::MAX - n } else { n % 3 }, n / 10]
        };
        (0..count).map(row).collect()
    }

    fn bytes(rows: &[[u64; 3]]) -> Vec<u8> {
        let mut writer = RowsWriter::default();
        rows.iter().for_each(|row| writer.push(*row));
        writer.finish()
    }

    #[test]
    fn what_is_written_is_found() {
        for count in [0, 1, 63, 64, 65, 1000] {
            let expected = rows(count);
            let bytes = bytes(&expected);
            let table = Rows::<3>::new(&bytes);
            assert_eq!(table.len(), expected.len());
            for from in 0..=expected.len() {
                assert!(table.iter_from(from).eq(expected[from..].iter().copied()), "{count} from {from}");
                assert_eq!(table.get(from), expected.get(from).copied());
            }
            for key in 0..expected.last().map_or(10, |row| row[0] as u32 + 2).min(40_000) {
                let upto = expected.partition_point(|row| row[0] <= u64::from(key));
                let found = upto.checked_sub(1).map(|at| (at, expected[at]));
                assert_eq!(table.at_or_before(key), found, "{count} rows, {key}");
                assert_eq!(table.at(key), found.filter(|(_, row)| row[0] == u64::from(key)));
                assert_eq!(table.count_to(key), upto);
            }
        }
    }

    #[test]
    fn damaged_bytes_are_read_without_a_panic() {
        let bytes = bytes(&rows(200));
        let read = |bytes: &[u8]| {
            let table = Rows::<3>::new(bytes);
            (table.iter_from(0).count(), table.get(150), table.at_or_before(70_000))
        };
        for at in 0..bytes.len() {
            read(&bytes[..at]);
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                read(&damaged);
            }
        }
        read(&[0xff; 100]);
    }
}

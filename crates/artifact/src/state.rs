//! State maps: where the values that a debugger reads are, at calls, sites and traps.
//!
//! Problem: compiled code keeps values wherever the register allocator put them, and
//! there are many places to describe. Approach: a function's maps are one string of
//! bytes, in which each map is the difference to the one before; it is decoded when
//! somebody looks at the function.
//!
//! The format, all numbers LEB128: for each map the distance of its offset from the
//! last one's, the number of changes, and for each change the distance of its key
//! from the last one's and the new place: its kind, then what the kind needs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StatePlace {
    /// In a register: integer registers from 0, those of floats (which may hold vectors
    /// too) from 32, those that hold vectors only from 64. From 96 it is the upper half of
    /// the 64 bits of a register of floats.
    Reg(u8),
    /// In the frame, at this byte offset from the frame pointer.
    Frame(i32),
    /// Nowhere: it is this constant, sign-extended from its type.
    Const(i64),
    /// Nowhere: it is this constant vector, in the order of memory.
    Vector([u8; 16]),
}

impl StatePlace {
    /// The number of the first register of floats.
    pub const FIRST_FLOAT: u8 = 32;
    /// The number of the first register of vectors only.
    pub const FIRST_VECTOR: u8 = 64;
    /// The number of the upper half of the first register of floats.
    pub const FIRST_UPPER: u8 = 96;

    /// Of the 64 bits at this place, a register of floats or 8 bytes of the frame in
    /// big-endian order, the upper half.
    pub fn upper_half(self) -> Self {
        match self {
            StatePlace::Reg(float) => StatePlace::Reg(float - Self::FIRST_FLOAT + Self::FIRST_UPPER),
            // The 8 bytes from there on end with that half, and are read as one number.
            StatePlace::Frame(offset) => StatePlace::Frame(offset - 4),
            constant => constant,
        }
    }
}

/// What can be read while a call is under way, when a site is on, or where an instruction
/// has trapped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateMap {
    /// The return address of the call, or the address of the instruction that may trap,
    /// as a code offset.
    pub offset: u32,
    /// The places by key; the keys ascend. A value in two halves has none by its key, but
    /// one by the key with [`StateMap::LOW_HALF`] and one by that with
    /// [`StateMap::HIGH_HALF`]: integers of 64 bits.
    pub places: Vec<(u32, StatePlace)>,
}

impl StateMap {
    /// In a key: the lower 64 bits of the value.
    pub const LOW_HALF: u32 = 1 << 30;
    /// In a key: the upper 64 bits of the value.
    pub const HIGH_HALF: u32 = 1 << 31;

    /// The bits of a key's value, if they are available; those beyond its type's are
    /// undefined. `read` is asked for the bits at a place.
    pub fn read(&self, key: u32, read: impl Fn(StatePlace) -> Option<u128>) -> Option<u128> {
        if let Some(place) = self.place(key) {
            return read(place);
        }
        let [low, high] = [Self::LOW_HALF, Self::HIGH_HALF].map(|half| read(self.place(key | half)?));
        Some(u128::from(low? as u64) | high? << 64)
    }

    /// The one place of a key, if its value is available and not in two.
    pub fn place(&self, key: u32) -> Option<StatePlace> {
        let at = self.places.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Some(self.places[at].1)
    }
}

/// Bytes that are no state maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed state maps")]
pub struct StateError;

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Small absolute values become small numbers.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

/// The bytes of a function's maps, sorted by offset.
pub fn encode_states(maps: &[StateMap]) -> Vec<u8> {
    let mut encoder = StateEncoder::default();
    let mut last: &[(u32, StatePlace)] = &[];
    for map in maps {
        encoder.push(map.offset, &changes(last, &map.places).collect::<Vec<_>>());
        last = &map.places;
    }
    encoder.bytes
}

/// Makes the bytes of a function's maps one by one.
#[derive(Debug, Default)]
pub struct StateEncoder {
    bytes: Vec<u8>,
    last_offset: u32,
}

impl StateEncoder {
    /// Adds a map, given by the keys that have another place than in the one before, with
    /// the places, or none. Its offset is not below the last one's, and the keys ascend.
    pub fn push(&mut self, offset: u32, changes: &[(u32, Option<StatePlace>)]) {
        let bytes = &mut self.bytes;
        put(bytes, u64::from(offset - self.last_offset));
        put(bytes, changes.len() as u64);
        let mut last_key = 0;
        for &(key, place) in changes {
            put(bytes, u64::from(key - last_key));
            last_key = key;
            match place {
                None => bytes.push(0),
                Some(StatePlace::Reg(reg)) => bytes.extend([1, reg]),
                Some(StatePlace::Frame(offset)) => {
                    bytes.push(2);
                    put(bytes, zigzag(i64::from(offset)));
                }
                Some(StatePlace::Const(value)) => {
                    bytes.push(3);
                    put(bytes, zigzag(value));
                }
                Some(StatePlace::Vector(value)) => {
                    bytes.push(4);
                    bytes.extend(value);
                }
            }
        }
        self.last_offset = offset;
    }

    /// The bytes of all maps, see [`decode_states`].
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The keys whose places differ, in order, with their places in `new`.
fn changes<'a>(
    old: &'a [(u32, StatePlace)],
    new: &'a [(u32, StatePlace)],
) -> impl Iterator<Item = (u32, Option<StatePlace>)> + 'a {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    std::iter::from_fn(move || {
        loop {
            let next = [old.peek(), new.peek()].into_iter().flatten().map(|(key, _)| *key).min()?;
            let before = old.next_if(|(key, _)| *key == next);
            let after = new.next_if(|(key, _)| *key == next);
            if before != after {
                return Some((next, after.map(|(_, place)| *place)));
            }
        }
    })
}

#[derive(Debug)]
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, StateError> {
        let (&byte, rest) = self.0.split_first().ok_or(StateError)?;
        self.0 = rest;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, StateError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(StateError)
    }

    fn signed(&mut self) -> Result<i64, StateError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn small(&mut self) -> Result<u32, StateError> {
        u32::try_from(self.number()?).map_err(|_| StateError)
    }

    fn place(&mut self) -> Result<Option<StatePlace>, StateError> {
        Ok(Some(match self.byte()? {
            0 => return Ok(None),
            1 => StatePlace::Reg(self.byte()?),
            2 => StatePlace::Frame(i32::try_from(self.signed()?).map_err(|_| StateError)?),
            3 => StatePlace::Const(self.signed()?),
            4 => {
                let (bytes, rest) = self.0.split_first_chunk().ok_or(StateError)?;
                self.0 = rest;
                StatePlace::Vector(*bytes)
            }
            _ => return Err(StateError),
        }))
    }
}

/// Goes through the maps in a function's bytes, one after the other.
#[derive(Debug)]
pub(crate) struct StateReader<'a> {
    reader: Reader<'a>,
    offset: u32,
    places: BTreeMap<u32, StatePlace>,
    changes: usize,
}

impl<'a> StateReader<'a> {
    /// Before the first map.
    pub fn new(bytes: &'a [u8]) -> Self {
        StateReader::after(bytes, 0, &[])
    }

    /// Behind a map with this offset and these places.
    pub fn after(bytes: &'a [u8], offset: u32, places: &[(u32, StatePlace)]) -> Self {
        StateReader { reader: Reader(bytes), offset, places: places.iter().copied().collect(), changes: 0 }
    }

    /// Goes to the next map and tells its offset, if there is one.
    pub fn advance(&mut self) -> Result<Option<u32>, StateError> {
        let reader = &mut self.reader;
        if reader.0.is_empty() {
            return Ok(None);
        }
        self.offset = self.offset.checked_add(reader.small()?).ok_or(StateError)?;
        self.changes = reader.small()? as usize;
        let mut key = 0u32;
        for _ in 0..self.changes {
            key = key.checked_add(reader.small()?).ok_or(StateError)?;
            match reader.place()? {
                Some(place) => _ = self.places.insert(key, place),
                None => _ = self.places.remove(&key).ok_or(StateError)?,
            }
        }
        Ok(Some(self.offset))
    }

    /// How many changes the last step has made.
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// How many bytes are left.
    pub fn rest(&self) -> usize {
        self.reader.0.len()
    }

    /// How many places the map has.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The places of the map.
    pub fn places(&self) -> impl Iterator<Item = (u32, StatePlace)> {
        self.places.iter().map(|(key, place)| (*key, *place))
    }
}

/// The maps in the bytes, sorted by offset. Who wants one of them has a [`crate::StateIndex`].
///
/// # Errors
/// If the bytes are not those of [`encode_states`].
pub fn decode_states(bytes: &[u8]) -> Result<Vec<StateMap>, StateError> {
    let mut reader = StateReader::new(bytes);
    let mut maps = Vec::new();
    while let Some(offset) = reader.advance()? {
        maps.push(StateMap { offset, places: reader.places().collect() });
    }
    Ok(maps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps() -> Vec<StateMap> {
        let map = |offset, places: &[(u32, StatePlace)]| StateMap { offset, places: places.to_vec() };
        vec![
            map(5, &[(0, StatePlace::Reg(7)), (3, StatePlace::Const(-1))]),
            map(9, &[(0, StatePlace::Reg(7)), (1, StatePlace::Frame(-16)), (3, StatePlace::Const(-1))]),
            map(9, &[(1, StatePlace::Frame(-24)), (9, StatePlace::Vector([3; 16]))]),
            map(400_000, &[]),
            map(400_001, &[(200, StatePlace::Const(i64::MIN)), (300, StatePlace::Reg(33))]),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode_states(&encode_states(&maps())), Ok(maps()));
        assert_eq!(decode_states(&[]), Ok(Vec::new()));
        assert_eq!(maps()[0].place(3), Some(StatePlace::Const(-1)));
        assert_eq!(maps()[0].place(2), None);
    }

    #[test]
    fn a_value_in_two_halves_has_both_or_none() {
        let constant = |key, value| (key, StatePlace::Const(value));
        let [low, high] = [StateMap::LOW_HALF, StateMap::HIGH_HALF];
        let places = vec![constant(3, 7), constant(low | 4, -1), constant(low | 5, 1), constant(high | 5, 2)];
        let map = StateMap { offset: 0, places };
        let read = |key| {
            map.read(key, |place| match place {
                // More bits than a half has are undefined.
                StatePlace::Const(value) => Some(value as u128 | 0xff << 64),
                _ => None,
            })
        };
        assert_eq!([3, 4, 5].map(read), [Some(0xff << 64 | 7), None, Some(2 << 64 | 1)]);
    }

    #[test]
    fn damaged_bytes_are_errors_or_other_maps() {
        let bytes = encode_states(&maps());
        for at in 0..bytes.len() {
            assert_ne!(decode_states(&bytes[..at]).as_ref(), Ok(&maps()), "cut to {at}");
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let _ = decode_states(&damaged);
            }
        }
    }
}

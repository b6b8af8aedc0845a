//! Finding one of a function's state maps.
//!
//! Problem: maps are written down as their differences, and there may be very many, each
//! with very many entries. Approach: they are gone through once. Whenever there have been
//! as many changes as there are entries, all entries are kept: that takes memory in
//! proportion to the changes, and finding a map takes time in proportion to its entries.

use crate::state::{StatePlace, StateReader};
use crate::{StateError, StateMap};

/// So many changes are gone through rather than a map kept.
const FEW: usize = 64;

/// Where the maps in a function's bytes are.
#[derive(Debug, Default)]
pub struct StateIndex {
    /// By offset.
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// The offset of the map.
    offset: u32,
    /// Where the bytes of the next one begin.
    position: usize,
    places: Vec<(u32, StatePlace)>,
}

impl StateIndex {
    /// Goes through the bytes that [`crate::encode_states`] has made.
    ///
    /// # Errors
    /// If they are not such bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, StateError> {
        let (mut kept, mut changes) = (Vec::new(), 0);
        let mut reader = StateReader::new(bytes);
        while let Some(offset) = reader.advance()? {
            changes += reader.changes();
            if changes > FEW + reader.len() {
                changes = 0;
                let places = reader.places().collect();
                kept.push(Kept { offset, position: bytes.len() - reader.rest(), places });
            }
        }
        Ok(StateIndex { kept })
    }

    /// The first map with an offset among the bytes that this is an index of.
    ///
    /// # Errors
    /// If they are other bytes.
    pub fn find(&self, bytes: &[u8], offset: u32) -> Result<Option<StateMap>, StateError> {
        // Of several with the offset the first one may be before the one that is kept.
        let at = self.kept.partition_point(|kept| kept.offset < offset);
        let mut reader = match at.checked_sub(1).map(|at| &self.kept[at]) {
            Some(Kept { offset, position, places }) => {
                StateReader::after(bytes.get(*position..).ok_or(StateError)?, *offset, places)
            }
            None => StateReader::new(bytes),
        };
        while let Some(found) = reader.advance()? {
            if found >= offset {
                let map = || StateMap { offset, places: reader.places().collect() };
                return Ok((found == offset).then(map));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode_states, encode_states};

    #[test]
    fn every_map_is_found_and_few_are_kept() {
        // Each map has one entry more, or, now and then, loses most.
        let mut places = Vec::new();
        let mut maps = Vec::new();
        for number in 0..3_000u32 {
            if number % 700 == 699 {
                places.truncate(10);
            }
            places.push((
                places.last().map_or(0, |(key, _)| key + 1 + number % 3),
                StatePlace::Const(number.into()),
            ));
            // Some offsets come twice.
            maps.push(StateMap { offset: number / 5 * 5 + number % 4, places: places.clone() });
        }
        maps.sort_by_key(|map| map.offset);
        let bytes = encode_states(&maps);
        let index = StateIndex::new(&bytes).expect("they are such bytes");
        let kept: usize = index.kept.iter().map(|kept| kept.places.len()).sum();
        assert!(kept < 6_000, "{kept} entries are kept");
        let all = decode_states(&bytes).expect("they are such bytes");
        for offset in 0..3_010 {
            let expected = all.iter().find(|map| map.offset == offset).cloned();
            assert_eq!(index.find(&bytes, offset), Ok(expected), "at {offset}");
        }
    }
}

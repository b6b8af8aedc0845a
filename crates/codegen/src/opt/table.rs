//! A hash table whose entries live as long as a scope.
//!
//! Value numbering walks the dominator tree: what a block finds holds in the
//! blocks below it, and is forgotten when the walk leaves it. Entries form a
//! stack and hang in chains off an array of heads; leaving a scope pops entries,
//! each of which is then the head of its chain. No entry is ever moved.
//!
//! What is hashed comes from whoever wrote the program. Hashes depend on a random seed, so
//! that nobody can choose keys that collide; what is found does not depend on them.

use foldhash::fast::RandomState;
use sidetrack_ir::work;
use std::hash::{BuildHasher, Hash};

/// Bits of a hash that count. Few in the tests of this crate, so that keys that differ often
/// have the same hash.
const HASH_BITS: u32 = if cfg!(test) { 8 } else { 32 };

const NONE: u32 = u32::MAX;

struct Entry<T> {
    item: T,
    hash: u32,
    next: u32,
}

/// The table. Equality is the caller's.
pub struct ScopedTable<T> {
    hasher: RandomState,
    heads: Vec<u32>,
    entries: Vec<Entry<T>>,
    scopes: Vec<usize>,
}

impl<T: Copy> ScopedTable<T> {
    /// A table for about `capacity` entries; more make it slower only.
    pub fn new(capacity: usize) -> Self {
        let heads = vec![NONE; capacity.next_power_of_two().clamp(16, 1 << 20)];
        ScopedTable { hasher: RandomState::default(), heads, entries: Vec::new(), scopes: Vec::new() }
    }

    /// The hash of a key, in this table.
    pub fn hash(&self, key: &impl Hash) -> u32 {
        let hash = self.hasher.hash_one(key);
        (hash ^ (hash >> 32)) as u32 & (u32::MAX >> (32 - HASH_BITS))
    }

    fn head(&mut self, hash: u32) -> &mut u32 {
        let index = self.index(hash);
        &mut self.heads[index]
    }

    fn index(&self, hash: u32) -> usize {
        hash as usize & (self.heads.len() - 1)
    }

    /// Opens a scope.
    pub fn enter(&mut self) {
        self.scopes.push(self.entries.len());
    }

    /// Closes the innermost scope and forgets what was added in it.
    pub fn leave(&mut self) {
        let keep = self.scopes.pop().unwrap_or(0);
        while self.entries.len() > keep
            && let Some(Entry { hash, next, .. }) = self.entries.pop()
        {
            *self.head(hash) = next;
        }
    }

    /// Adds an item; it hides equal ones added before.
    pub fn insert(&mut self, hash: u32, item: T) {
        let index = self.entries.len() as u32;
        let next = std::mem::replace(self.head(hash), index);
        self.entries.push(Entry { item, hash, next });
    }

    /// The item added last with this hash for which `equal` holds.
    pub fn find(&self, hash: u32, mut equal: impl FnMut(&T) -> bool) -> Option<T> {
        let mut at = self.heads[self.index(hash)];
        while at != NONE {
            work::steps(1);
            let entry = &self.entries[at as usize];
            if entry.hash == hash && equal(&entry.item) {
                return Some(entry.item);
            }
            at = entry.next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_hide_and_forget() {
        let mut table = ScopedTable::new(0);
        table.enter();
        table.insert(1, (7, "outer"));
        table.insert(17, (8, "same chain"));
        table.enter();
        table.insert(1, (7, "inner"));
        let find = |table: &mut ScopedTable<(i32, &'static str)>, hash, key| {
            table.find(hash, |item| item.0 == key).map(|item| item.1)
        };
        assert_eq!(find(&mut table, 1, 7), Some("inner"));
        assert_eq!(find(&mut table, 17, 8), Some("same chain"));
        table.leave();
        assert_eq!(find(&mut table, 1, 7), Some("outer"));
        assert_eq!(find(&mut table, 1, 8), None);
        table.leave();
        assert_eq!(find(&mut table, 1, 7), None);
    }
}

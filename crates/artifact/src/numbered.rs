//! Distinct values with their numbers.

use std::collections::HashMap;
use std::hash::Hash;

/// Gives each distinct value a number, in the order in which they come.
#[derive(Debug)]
pub(crate) struct Numbered<T> {
    pub(crate) values: Vec<T>,
    numbers: HashMap<T, u32>,
    /// What was asked for last, as it mostly is again.
    last: u32,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Numbered { values: Vec::new(), numbers: HashMap::new(), last: 0 }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    pub(crate) fn number(&mut self, value: T) -> u32 {
        if self.values.get(self.last as usize) != Some(&value) {
            let next = self.values.len() as u32;
            self.last = *self.numbers.entry(value).or_insert_with_key(|value| {
                self.values.push(value.clone());
                next
            });
        }
        self.last
    }
}

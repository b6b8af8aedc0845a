//! How much memory a program may have: all its linear memories together.

use sidetrack_engine::{ResourceLimiter, Result};

/// A limit on the memory of a store.
#[derive(Debug)]
pub struct MemoryLimit {
    most: usize,
    used: usize,
    /// What was granted last, and is not used if it comes to nothing.
    granted: usize,
}

impl MemoryLimit {
    /// At most so many bytes, or as many as there are.
    pub fn new(most: Option<usize>) -> Self {
        MemoryLimit { most: most.unwrap_or(usize::MAX), used: 0, granted: 0 }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let allowed = used <= self.most && maximum.is_none_or(|maximum| desired <= maximum);
        self.granted = if allowed { used - self.used } else { 0 };
        self.used += self.granted;
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self) {
        self.used -= std::mem::take(&mut self.granted);
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}

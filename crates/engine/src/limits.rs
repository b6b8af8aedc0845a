//! Limits of what a store's instances may take.

use crate::Result;

/// The most bytes of exceptions, where nobody says otherwise.
pub(crate) const DEFAULT_EXCEPTION_BYTES: usize = 256 << 20;

/// Decides how far memories and tables grow, and how many instances, memories and
/// tables a store has; see [`crate::Store::limiter`].
pub trait ResourceLimiter: Send + Sync {
    /// Whether a memory may grow from `current` to `desired` bytes; `maximum` is that of
    /// its type. Also asked for a new memory, with `current` 0.
    ///
    /// # Errors
    /// An error ends the call that grows it, or the instantiation.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// A memory has not grown, because of the limiter, its type or the system.
    fn memory_grow_failed(&mut self) {}

    /// Whether a table may grow from `current` to `desired` elements; as for memories.
    ///
    /// # Errors
    /// As [`ResourceLimiter::memory_growing`].
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// A table has not grown.
    fn table_grow_failed(&mut self) {}

    /// Whether exceptions may take `desired` bytes, where those that are still reached take
    /// `current`. If not, it is asked again with less; if a 64th more than `current` is refused, or
    /// below 512 KiB the bytes of one more, the call that throws ends with an error. Without a
    /// limiter the answer is the same as this default: at most 256 MiB.
    ///
    /// # Errors
    /// An error ends the call that throws.
    fn exceptions_growing(&mut self, _current: usize, desired: usize) -> Result<bool> {
        Ok(desired <= DEFAULT_EXCEPTION_BYTES)
    }

    /// The most instances.
    fn instances(&self) -> usize {
        10_000
    }

    /// The most memories.
    fn memories(&self) -> usize {
        10_000
    }

    /// The most tables.
    fn tables(&self) -> usize {
        10_000
    }
}

/// A limiter with fixed limits.
#[derive(Clone, Debug)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    exceptions_size: usize,
    instances: usize,
    memories: usize,
    tables: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        StoreLimits {
            memory_size: None,
            table_elements: None,
            exceptions_size: DEFAULT_EXCEPTION_BYTES,
            instances: 10_000,
            memories: 10_000,
            tables: 10_000,
        }
    }
}

/// Makes [`StoreLimits`].
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// No limit on sizes, 10,000 of each kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// The most bytes of each memory.
    pub fn memory_size(mut self, bytes: usize) -> Self {
        self.0.memory_size = Some(bytes);
        self
    }

    /// The most elements of each table.
    pub fn table_elements(mut self, elements: usize) -> Self {
        self.0.table_elements = Some(elements);
        self
    }

    /// The most bytes that all exceptions take which something still reaches.
    pub fn exceptions_size(mut self, bytes: usize) -> Self {
        self.0.exceptions_size = bytes;
        self
    }

    /// The most instances.
    pub fn instances(mut self, count: usize) -> Self {
        self.0.instances = count;
        self
    }

    /// The most memories.
    pub fn memories(mut self, count: usize) -> Self {
        self.0.memories = count;
        self
    }

    /// The most tables.
    pub fn tables(mut self, count: usize) -> Self {
        self.0.tables = count;
        self
    }

    /// The limits.
    pub fn build(self) -> StoreLimits {
        self.0
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let limit = self.memory_size.unwrap_or(usize::MAX);
        Ok(desired <= limit && maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let limit = self.table_elements.unwrap_or(usize::MAX);
        Ok(desired <= limit && maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn exceptions_growing(&mut self, _: usize, desired: usize) -> Result<bool> {
        Ok(desired <= self.exceptions_size)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.memories
    }

    fn tables(&self) -> usize {
        self.tables
    }
}

//! What a frame's operators read beyond the frame.

/// An instance as its functions see it: everything is named by its index in the
/// module. Indices are those of a valid body of that module.
///
/// Two indices, of one instance or of several, may name the same memory or global;
/// then their keys are equal.
pub trait Environment {
    /// A memory's contents.
    fn memory(&self, memory: u32) -> &[u8];

    /// What tells a memory from all others of the store.
    fn memory_key(&self, memory: u32) -> u64;

    /// A global's bits; those beyond its type's do not matter.
    fn global(&self, global: u32) -> u128;

    /// What tells a global from all others of the store.
    fn global_key(&self, global: u32) -> u64;

    /// A table's elements, 0 for null.
    fn table(&self, table: u32) -> &[u64];

    /// The reference to a function.
    fn function(&self, func: u32) -> u64;

    /// Whether a function reference that is not null refers to a function of the
    /// module's type `ty`.
    fn has_type(&self, reference: u64, ty: u32) -> bool;
}

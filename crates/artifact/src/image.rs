//! Several functions linked into one block of position-independent code.

use crate::{PatchSite, SymbolName, TrapSite};

/// A named place in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The symbol's name.
    pub name: SymbolName,
    /// Offset of its first byte in the image.
    pub offset: u32,
    /// Its length in bytes.
    pub size: u32,
}

/// Linked code with everything that is known about it; offsets are image offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The code, relocated as if loaded at any address: it is position-independent.
    pub code: Vec<u8>,
    /// The functions, sorted by offset.
    pub symbols: Vec<Symbol>,
    /// Instructions that can trap, sorted by offset.
    pub traps: Vec<TrapSite>,
    /// Patchable calls, sorted by end offset, in their image's form.
    pub patch_sites: Vec<PatchSite>,
}

/// Why functions cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No function or external address has this name.
    #[error("undefined symbol {0}")]
    Undefined(SymbolName),
    /// Two functions have this name.
    #[error("duplicate symbol {0}")]
    Duplicate(SymbolName),
}

/// Collects functions into an [`Image`].
#[derive(Debug, Default)]
pub struct ImageBuilder {}

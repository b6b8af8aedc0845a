//! Patch sites: which bytes to overwrite to switch a call off and on.

use crate::SymbolName;
use serde::{Deserialize, Serialize};

/// How control leaves a site when it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SiteKind {
    /// A direct call.
    Call,
    /// A direct call with exception handlers; off, it falls through to the
    /// normal-return block.
    TryCall,
    /// A call through a register or memory operand. The operand is computed
    /// whether the site is on or off.
    Indirect,
}

/// What a site calls when it is on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PatchTarget {
    /// A direct callee.
    Symbol(SymbolName),
    /// An operand computed at run time.
    Indirect,
}

/// One patchable call: the `len` bytes before code offset `end`.
///
/// A consumer switches the site by copying [`PatchSite::on`] or
/// [`PatchSite::off`] over those bytes and needs no knowledge of the
/// instruction set. Both forms have exactly `len` bytes. Before relocation the
/// `on` form holds the same placeholder displacement as the code; linking into
/// an [`crate::Image`] resolves both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PatchSite {
    /// Code offset just after the site: the return address of its call.
    pub end: u32,
    /// Length of the site in bytes.
    pub len: u8,
    /// The user's tag for this site, 0 where none was given.
    pub tag: u64,
    /// What the site calls.
    pub target: PatchTarget,
    /// The kind of call.
    pub kind: SiteKind,
    /// Whether the code as emitted has the site on.
    pub initially_on: bool,
    /// The bytes that make the call.
    pub on: Vec<u8>,
    /// The bytes that do nothing: the fewest NOPs that fill the site.
    pub off: Vec<u8>,
}

impl PatchSite {
    /// Code offset of the first byte of the site.
    pub fn start(&self) -> u32 {
        self.end - u32::from(self.len)
    }

    /// The bytes for the given state.
    pub fn bytes(&self, on: bool) -> &[u8] {
        if on { &self.on } else { &self.off }
    }
}

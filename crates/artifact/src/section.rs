//! Parts of a compiled module that are read in place, and checked when first used.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What a section of a compiled module holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum SectionKind {
    /// What the module declares, functions and data aside.
    Info = 1,
    /// The functions, as records of one size.
    Functions,
    /// The functions of which references exist.
    References,
    /// The names of functions.
    Names,
    /// What is needed of the image before anything else.
    Image,
    /// The functions' code.
    Symbols,
    /// The order of symbols by name.
    SymbolOrder,
    /// Instructions that may trap.
    Traps,
    /// Calls with handlers of exceptions.
    Calls,
    /// Those handlers.
    Handlers,
    /// Patchable calls.
    Sites,
    /// Where code comes from.
    Sources,
    /// State maps of calls and sites, compressed.
    States,
    /// State maps of instructions that may trap, compressed.
    TrapStates,
    /// The WebAssembly module without its data, compressed.
    Wasm,
    /// The bytes of the data segments.
    Data,
    /// The machine code.
    Code,
}

impl SectionKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [SectionKind; 17] = [
        SectionKind::Info,
        SectionKind::Functions,
        SectionKind::References,
        SectionKind::Names,
        SectionKind::Image,
        SectionKind::Symbols,
        SectionKind::SymbolOrder,
        SectionKind::Traps,
        SectionKind::Calls,
        SectionKind::Handlers,
        SectionKind::Sites,
        SectionKind::Sources,
        SectionKind::States,
        SectionKind::TrapStates,
        SectionKind::Wasm,
        SectionKind::Data,
        SectionKind::Code,
    ];

    /// The number that stands for it in files.
    pub fn number(self) -> u32 {
        self as u32
    }
}

/// The bytes of a section, shared by its clones.
#[derive(Clone, Debug, Default)]
pub struct Section(Arc<Contents>);

#[derive(Debug, Default)]
struct Contents {
    bytes: Bytes,
    /// What they must hash to, if that is to be checked.
    hash: Option<[u8; 32]>,
    verdict: AtomicU8,
}

const UNKNOWN: u8 = 0;
const GOOD: u8 = 1;
const DAMAGED: u8 = 2;

impl Section {
    /// Bytes that are right.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Section(Arc::new(Contents { bytes: bytes.into(), hash: None, verdict: AtomicU8::new(GOOD) }))
    }

    /// Bytes that are right if this is their BLAKE3 hash.
    pub fn checked_later(bytes: Bytes, hash: [u8; 32]) -> Self {
        Section(Arc::new(Contents { bytes, hash: Some(hash), verdict: AtomicU8::new(UNKNOWN) }))
    }

    /// The bytes; none if they are damaged. The first use checks them. Async-signal-safe.
    pub fn bytes(&self) -> &[u8] {
        if self.is_damaged() { &[] } else { &self.0.bytes }
    }

    /// The same, as bytes that can be kept.
    pub fn shared(&self) -> Bytes {
        if self.is_damaged() { Bytes::new() } else { self.0.bytes.clone() }
    }

    /// How many bytes there are, damaged or not.
    pub fn len(&self) -> usize {
        self.0.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.bytes.is_empty()
    }

    /// Whether they are not what they must be. Checks it if nobody has.
    pub fn is_damaged(&self) -> bool {
        let Contents { bytes, hash, verdict } = &*self.0;
        match verdict.load(Ordering::Relaxed) {
            UNKNOWN => {
                // Two threads may do this at once, and find the same.
                let good = hash.is_none_or(|hash| *blake3::hash(bytes).as_bytes() == hash);
                verdict.store(if good { GOOD } else { DAMAGED }, Ordering::Relaxed);
                !good
            }
            known => known == DAMAGED,
        }
    }

    /// Whether somebody has found them to be damaged. Checks nothing.
    pub fn is_known_damaged(&self) -> bool {
        self.0.verdict.load(Ordering::Relaxed) == DAMAGED
    }
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for Section {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_numbers() {
        for (index, kind) in SectionKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.number() as usize, index + 1);
        }
    }

    #[test]
    fn bytes_are_checked_when_used() {
        let bytes = Bytes::from_static(b"contents");
        let hash = *blake3::hash(&bytes).as_bytes();
        let good = Section::checked_later(bytes.clone(), hash);
        assert_eq!(good.bytes(), b"contents");
        assert!(!good.is_damaged());
        let bad = Section::checked_later(bytes, [7; 32]);
        assert!(!bad.is_known_damaged(), "nobody has looked");
        assert_eq!((bad.len(), bad.bytes()), (8, &b""[..]));
        assert!(bad.is_known_damaged());
        assert_eq!(Section::default().bytes(), b"");
    }
}

//! Several functions linked into one block of code.
//!
//! An [`Image`] is position-independent except for [`Image::load_relocs`], the
//! 8-byte addresses that whoever loads it writes once. What the functions refer
//! to and do not define is an [`Import`]: a call to it goes through a veneer in
//! the image, so that every call reaches whatever the distance, and a patch site
//! that calls an import is as long as any other. Every offset is an image offset
//! and every table is sorted by it.

use crate::{CallSite, PatchSite, SourceRange, SymbolName, TrapCode, TrapSite, UnwindInfo};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What an image's code runs on; decides the form of the veneers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit x86.
    #[default]
    X86_64,
    /// The portable bytecode with 64-bit pointers.
    Pulley64,
    /// 64-bit Arm, little-endian.
    Aarch64,
    /// 64-bit RISC-V with the extensions `gc`.
    Riscv64,
    /// IBM z/Architecture, big-endian.
    S390x,
}

impl Architecture {
    /// Whether addresses in memory have their highest byte first.
    pub fn is_big_endian(self) -> bool {
        self == Architecture::S390x
    }

    /// The 8 bytes of an address in memory.
    pub fn address_bytes(self, address: u64) -> [u8; 8] {
        if self.is_big_endian() { address.to_be_bytes() } else { address.to_le_bytes() }
    }
}

/// A function in an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// The function's name.
    pub name: SymbolName,
    /// Offset of its first byte in the image.
    pub offset: u32,
    /// Its length in bytes, constants included.
    pub size: u32,
    /// Bytes of stack the function uses below its return address.
    pub frame_size: u32,
    /// The state maps of its calls and sites, see [`crate::decode_states`]; these
    /// offsets count from the function's start.
    #[serde(with = "serde_bytes")]
    pub states: Vec<u8>,
    /// The same of its instructions that may trap. There are many, and they are rarely
    /// asked for.
    #[serde(with = "serde_bytes")]
    pub trap_states: Vec<u8>,
    /// How to unwind through it; these offsets count from the function's start.
    pub unwind: UnwindInfo,
}

impl Symbol {
    /// The offsets of the function's bytes.
    pub fn range(&self) -> Range<u32> {
        self.offset..self.offset + self.size
    }
}

/// Something outside the image that its code refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The name that the loader resolves.
    pub name: SymbolName,
    /// Offset of the veneer that calls go to.
    ///
    /// It jumps through an 8-byte slot that a load relocation fills.
    /// On Pulley it is `call_indirect_host 0; ret`: the interpreter stops with
    /// [`Import::resume`] as the address to go on at, and the host finds the
    /// function by that. Natively it overwrites one register that no code of ours
    /// allocates and no convention saves: x16 on AArch64, t6 on RISC-V, r1 on s390x.
    pub veneer: u32,
    /// Offset just after the veneer's first instruction.
    pub resume: u32,
}

/// What address a [`LoadReloc`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadTarget {
    /// The address that the image has at this offset.
    Image(u32),
    /// The address of [`Image::imports`] at this index.
    Import(u32),
}

/// 8 bytes that hold an address once the image is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadReloc {
    /// Where the address goes.
    pub offset: u32,
    /// Whose address.
    pub target: LoadTarget,
    /// Added to the address.
    pub addend: i64,
}

/// Linked code with everything that is known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// What the code runs on.
    pub architecture: Architecture,
    /// The code, with all relative references resolved.
    #[serde(with = "serde_bytes")]
    pub code: Vec<u8>,
    /// The alignment that the first byte needs.
    pub alignment: u32,
    /// The functions, sorted by offset.
    pub symbols: Vec<Symbol>,
    /// What the loader resolves, sorted by veneer.
    pub imports: Vec<Import>,
    /// The addresses that the loader writes, sorted by offset.
    pub load_relocs: Vec<LoadReloc>,
    /// Instructions that can trap, sorted by offset.
    pub traps: Vec<TrapSite>,
    /// All calls with their handlers and frame offsets, sorted by return offset.
    pub call_sites: Vec<CallSite>,
    /// Patchable calls, sorted by end offset; both forms are ready to copy.
    pub patch_sites: Vec<PatchSite>,
    /// Source locations, sorted and disjoint.
    pub sources: Vec<SourceRange>,
    /// Indices of `symbols`, sorted by name.
    pub(crate) by_name: Vec<u32>,
}

impl Image {
    /// The function called `name`.
    pub fn symbol(&self, name: &SymbolName) -> Option<&Symbol> {
        let at = self.by_name.binary_search_by(|&i| self.symbols[i as usize].name.cmp(name)).ok()?;
        Some(&self.symbols[self.by_name[at] as usize])
    }

    /// The function whose bytes include `offset`.
    pub fn symbol_at(&self, offset: u32) -> Option<&Symbol> {
        let after = self.symbols.partition_point(|s| s.offset <= offset);
        self.symbols[..after].last().filter(|s| s.range().contains(&offset))
    }

    /// The meaning of a fault of the instruction at `offset`.
    pub fn trap_at(&self, offset: u32) -> Option<TrapCode> {
        let at = self.traps.binary_search_by_key(&offset, |t| t.offset).ok()?;
        Some(self.traps[at].code)
    }

    /// The front end's location of the code at `offset`.
    pub fn source_at(&self, offset: u32) -> Option<u32> {
        let after = self.sources.partition_point(|range| range.start <= offset);
        let range = self.sources[..after].last()?;
        (offset < range.end).then_some(range.location)
    }

    /// The call that returns to `return_offset`.
    pub fn call_site(&self, return_offset: u32) -> Option<&CallSite> {
        let at = self.call_sites.binary_search_by_key(&return_offset, |c| c.return_offset).ok()?;
        Some(&self.call_sites[at])
    }

    /// The index in `patch_sites` of the site that ends at `end`.
    pub fn patch_site_ending_at(&self, end: u32) -> Option<usize> {
        self.patch_sites.binary_search_by_key(&end, |s| s.end).ok()
    }

    /// The indices in `patch_sites` of the sites of function `name`; none if there is no such function.
    pub fn patch_sites_of(&self, name: &SymbolName) -> Range<usize> {
        let Some(symbol) = self.symbol(name) else { return 0..0 };
        let first = self.patch_sites.partition_point(|s| s.end <= symbol.offset);
        let last = self.patch_sites.partition_point(|s| s.end <= symbol.offset + symbol.size);
        first..last
    }

    /// The indices in `patch_sites` of the sites of function `name` that carry `tag`.
    pub fn patch_sites_tagged(&self, name: &SymbolName, tag: u64) -> impl Iterator<Item = usize> + '_ {
        self.patch_sites_of(name).filter(move |&i| self.patch_sites[i].tag == tag)
    }

    /// The index in `imports` of the import whose veneer goes on at `resume`.
    pub fn import_resuming_at(&self, resume: u32) -> Option<usize> {
        self.imports.binary_search_by_key(&resume, |i| i.resume).ok()
    }
}

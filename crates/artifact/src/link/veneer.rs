//! Veneers: jumps in the image that calls go through to what they cannot reach.
//!
//! Each import has one, which jumps through a slot. On instruction sets whose calls
//! reach only so far there are more, in *islands* between functions. Approach: while
//! functions are laid out, calls are pending from the deadline that their place and
//! reach make; before a function, or the veneers of imports, would bring one out of
//! reach of the place behind, an island is made for those that are near theirs.
//!
//! Invariant: between two functions every pending call reaches at least
//! `pending * FAR_SIZE` bytes further, which is room for all their veneers. The code
//! generator sees to it that a function's own calls reach so far beyond its end.

use super::{Definition, LinkError, pad};
use crate::image::{Architecture, Draft, Import, LoadReloc, LoadTarget};
use crate::{Reloc, RelocKind, SymbolName};
use rustc_hash::FxHashMap;

/// At most so many bytes for a veneer that reaches all of an image.
const FAR_SIZE: u32 = 16;
/// At most so many bytes for an import's veneer, its slot and padding.
const IMPORT_SIZE: u32 = 32;
/// Islands take what would otherwise need one this soon after.
const AHEAD: u32 = 1 << 14;

/// A jump to anywhere in an image: its bytes and the relocation at their start. It
/// overwrites the same register as an import's veneer.
fn far_jump(architecture: Architecture) -> Option<(&'static [u8], RelocKind)> {
    match architecture {
        // adrp x16, page; add x16, x16, offset; br x16
        Architecture::Aarch64 => {
            const JUMP: [u8; 12] = [0x10, 0, 0, 0x90, 0x10, 2, 0, 0x91, 0, 2, 0x1f, 0xd6];
            Some((&JUMP, RelocKind::Aarch64PageOffset))
        }
        // auipc t6, upper; jalr zero, lower(t6)
        Architecture::Riscv64 => {
            const JUMP: [u8; 8] = [0x97, 0x0f, 0, 0, 0x67, 0x80, 0x0f, 0];
            Some((&JUMP, RelocKind::RiscvCall))
        }
        Architecture::X86_64 | Architecture::Pulley64 | Architecture::S390x => None,
    }
}

struct Pending {
    /// The call's offset in the image.
    place: u32,
    reach: u32,
    symbol: SymbolName,
}

impl Pending {
    fn deadline(&self) -> u32 {
        self.place.saturating_add(self.reach)
    }
}

/// The calls of an image that grows, and the veneers made for them.
#[derive(Default)]
pub(super) struct Islands {
    pending: Vec<Pending>,
    /// The earliest deadline of a pending call.
    deadline: Option<u32>,
    /// Which veneer the call at an offset goes through.
    redirects: FxHashMap<u32, u32>,
    /// The veneers, with where they lead.
    pub(super) jumps: Vec<(u32, SymbolName)>,
}

impl Islands {
    /// Makes an island at the end of the code, if without one a call would be out of
    /// reach of what comes after a function of this size with these relocations.
    pub(super) fn before(
        &mut self,
        image: &mut Draft,
        names: &FxHashMap<SymbolName, Definition>,
        size: u32,
        relocs: &[Reloc],
    ) -> Result<(), LinkError> {
        if far_jump(image.architecture).is_none() {
            return Ok(());
        }
        let calls = relocs.iter().filter(|r| r.kind.reach().is_some());
        self.make_room(image, names, size, calls.count() as u32)
    }

    /// As [`Islands::before`], for `count` veneers of imports.
    pub(super) fn before_imports(
        &mut self,
        image: &mut Draft,
        names: &FxHashMap<SymbolName, Definition>,
        count: usize,
    ) -> Result<(), LinkError> {
        self.make_room(image, names, count as u32 * IMPORT_SIZE, 0)
    }

    fn make_room(
        &mut self,
        image: &mut Draft,
        names: &FxHashMap<SymbolName, Definition>,
        size: u32,
        more: u32,
    ) -> Result<(), LinkError> {
        let room = (self.pending.len() as u32).saturating_add(more).saturating_mul(FAR_SIZE);
        let end = (image.code.len() as u32).saturating_add(size).saturating_add(room);
        if self.deadline.is_none_or(|deadline| end <= deadline) {
            return Ok(());
        }
        self.island(image, names, end.saturating_add(AHEAD))
    }

    /// Makes veneers for all calls that are still pending, of which everybody knows
    /// where they lead.
    pub(super) fn finish(
        &mut self,
        image: &mut Draft,
        names: &FxHashMap<SymbolName, Definition>,
    ) -> Result<(), LinkError> {
        self.island(image, names, u32::MAX)
    }

    /// Makes veneers for the pending calls whose deadline is not behind `until`.
    fn island(
        &mut self,
        image: &mut Draft,
        names: &FxHashMap<SymbolName, Definition>,
        until: u32,
    ) -> Result<(), LinkError> {
        let Some((bytes, _)) = far_jump(image.architecture) else { return Ok(()) };
        // What is made here serves all calls of the same symbol.
        let mut made: FxHashMap<SymbolName, u32> = FxHashMap::default();
        self.deadline = None;
        // The earliest first, so that each has room for itself and those before it.
        let mut calls = std::mem::take(&mut self.pending);
        calls.sort_by_key(Pending::deadline);
        for call in calls {
            if let Some(definition) = names.get(&call.symbol)
                && call.place.abs_diff(definition.callee(image)) <= call.reach
            {
                continue;
            }
            if call.deadline() > until {
                self.push(call);
                continue;
            }
            let veneer = match made.get(&call.symbol) {
                Some(&veneer) => veneer,
                None => {
                    let veneer = pad(image, 4)?;
                    image.code.extend_from_slice(bytes);
                    self.jumps.push((veneer, call.symbol.clone()));
                    made.insert(call.symbol, veneer);
                    veneer
                }
            };
            self.redirects.insert(call.place, veneer);
        }
        Ok(())
    }

    fn push(&mut self, call: Pending) {
        let deadline = call.deadline();
        self.deadline = Some(self.deadline.map_or(deadline, |earliest| earliest.min(deadline)));
        self.pending.push(call);
    }

    /// Notes the calls of a function that lies at `base`.
    pub(super) fn after(&mut self, relocs: &[Reloc], base: u32, names: &FxHashMap<SymbolName, Definition>) {
        for reloc in relocs {
            let Some(reach) = reloc.kind.reach() else { continue };
            let place = base + reloc.offset;
            let known = match names.get(&reloc.symbol) {
                Some(Definition::Function(offset)) => place.abs_diff(*offset) <= reach,
                _ => false,
            };
            if !known {
                self.push(Pending { place, reach, symbol: reloc.symbol.clone() });
            }
        }
    }

    /// Where the call at `place` goes: `callee`, or the veneer made for it.
    pub(super) fn target(&self, place: u32, reach: Option<u32>, callee: u32) -> u32 {
        match reach {
            Some(reach) if place.abs_diff(callee) > reach => {
                self.redirects.get(&place).copied().unwrap_or(callee)
            }
            _ => callee,
        }
    }

    /// The relocation at the start of each veneer.
    pub(super) fn jump_kind(architecture: Architecture) -> Option<RelocKind> {
        far_jump(architecture).map(|(_, kind)| kind)
    }
}

/// Adds the veneer of import `name`, and its slot where it has one.
pub(super) fn add_import(image: &mut Draft, name: &SymbolName) -> Result<(), LinkError> {
    let veneer = pad(image, 8)?;
    // Code that jumps through the 8 bytes after it; the length of its first instruction.
    let (code, first): (&[u8], u32) = match image.architecture {
        // jmp [rip+2]
        Architecture::X86_64 => (&[0xFF, 0x25, 2, 0, 0, 0, 0xCC, 0xCC], 6),
        // ldr x16, 8; br x16
        Architecture::Aarch64 => (&[0x50, 0, 0, 0x58, 0, 2, 0x1f, 0xd6], 4),
        // auipc t6, 0; ld t6, 16(t6); jr t6; nop
        Architecture::Riscv64 => {
            (&[0x97, 0x0f, 0, 0, 0x83, 0xbf, 0x0f, 1, 0x67, 0x80, 0x0f, 0, 0x13, 0, 0, 0], 4)
        }
        // lgrl %r1, 8; br %r1
        Architecture::S390x => (&[0xc4, 0x18, 0, 0, 0, 4, 0x07, 0xf1], 6),
        Architecture::Pulley64 => {
            pulley_interpreter::encode::call_indirect_host(&mut image.code, 0u8);
            let len = image.code.len() as u32 - veneer;
            pulley_interpreter::encode::ret(&mut image.code);
            image.imports.push(Import { name: name.clone(), veneer, resume: veneer + len });
            return Ok(());
        }
    };
    image.code.extend_from_slice(code);
    let target = LoadTarget::Import(image.imports.len() as u32);
    image.load_relocs.push(LoadReloc { offset: image.code.len() as u32, target, addend: 0 });
    image.code.extend_from_slice(&[0; 8]);
    image.imports.push(Import { name: name.clone(), veneer, resume: veneer + first });
    Ok(())
}

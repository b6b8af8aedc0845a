//! Islands: what is pending, emitted between two instructions.
//!
//! Problem: branches reach only so far, some much less than others. A branch that
//! reaches a few kilobytes must not have all jumps that are pending, which reach
//! much further, make veneers in its island. Approach: *near* uses are kept apart.
//! An island is due when the code, with the veneers that it would have to make, comes
//! to the earliest deadline of either kind; uses whose deadline is further away stay
//! pending.
//!
//! Invariant: at each check a near use reaches the veneers of all near uses, and a
//! far one those of all uses, stubs and constants in front of them. So near uses
//! come first in an island.

use super::far::far_deadline;
use super::{Buffer, Fixup, FixupKind, Label, UNBOUND};
use rustc_hash::FxHashMap;
use sidetrack_artifact::RelocKind;

/// Uses that reach less than this are near.
const NEAR: u32 = 1 << 16;
/// Room for the jump around an island and for padding.
const AROUND: u32 = 64;

/// Pending uses of labels.
#[derive(Debug)]
pub(super) struct Uses<K> {
    pub(super) list: Vec<Fixup<K>>,
    /// None expires before this offset.
    deadline: u32,
    /// Bytes of veneers, if all need one.
    veneers: u32,
}

impl<K> Default for Uses<K> {
    fn default() -> Self {
        Uses { list: Vec::new(), deadline: UNBOUND, veneers: 0 }
    }
}

impl<K: FixupKind> Uses<K> {
    fn push(&mut self, fixup: Fixup<K>) {
        self.add_deadline(fixup.deadline());
        self.veneers += fixup.kind.veneer_size().unwrap_or(0);
        self.list.push(fixup);
    }

    /// Something else expires at this offset.
    pub(super) fn add_deadline(&mut self, deadline: u32) {
        self.deadline = self.deadline.min(deadline);
    }
}

impl<K: FixupKind> Fixup<K> {
    fn deadline(&self) -> u32 {
        self.offset.saturating_add(self.kind.max_forward())
    }
}

impl<K: FixupKind> Buffer<K> {
    /// Adds a pending use.
    pub(super) fn add_fixup(&mut self, fixup: Fixup<K>) {
        let near = fixup.kind.max_forward() < NEAR;
        (if near { &mut self.near } else { &mut self.fixups }).push(fixup);
    }

    /// Makes an island here if the next `upcoming` bytes would otherwise bring a
    /// pending use out of reach. `jump` emits a jump around the island.
    pub fn ensure_space(&mut self, upcoming: u32, jump: impl FnOnce(&mut Self, Label)) {
        let Some((_, far)) = self.due(upcoming) else { return };
        // Perhaps what made the deadline is bound meanwhile.
        self.resolve_bound(far);
        let Some((room, _)) = self.due(upcoming) else { return };
        let after = self.new_label();
        jump(self, after);
        // What stays pending must not ask for an island again at once.
        self.island(room + 128, false);
        self.align_with_nops(self.spec.inst_alignment);
        self.bind(after);
    }

    /// If `upcoming` bytes and an island would bring a use out of reach: the bytes
    /// that such an island may have, and whether it is a use that is not near.
    fn due(&self, upcoming: u32) -> Option<(u32, bool)> {
        if self.near.deadline == UNBOUND && self.fixups.deadline == UNBOUND {
            return None;
        }
        let stubs = self.trap_stubs.len() as u32 * self.spec.trap_bytes.len() as u32;
        let near = upcoming + stubs + self.constant_bytes + self.near.veneers + AROUND;
        let calls = self.spec.far_jump.map_or(0, |jump| self.far_calls.len() * jump.bytes.len());
        let far = near + self.fixups.veneers + calls as u32;
        let reached = |room: u32, deadline: u32| self.offset().saturating_add(room) >= deadline;
        if reached(far, self.fixups.deadline) {
            Some((far, true))
        } else {
            reached(near, self.near.deadline).then_some((near, false))
        }
    }

    /// Resolves the pending uses of bound labels, and finds the deadline of the others; of
    /// near ones only, unless `far` is set.
    fn resolve_bound(&mut self, far: bool) {
        let mut pending = std::mem::take(&mut self.near).list;
        if far {
            pending.extend(std::mem::take(&mut self.fixups).list);
        }
        for fixup in pending {
            let Fixup { offset, label, kind } = fixup;
            match self.label_offset(label) {
                Some(target) if in_reach(kind, offset, target) => self.write_use(offset, kind, target),
                _ => self.add_fixup(fixup),
            }
        }
        for call in self.far_calls.iter().filter(|_| far) {
            let deadline = far_deadline(self.relocs[call.reloc].offset, call.kind);
            self.fixups.add_deadline(deadline);
        }
    }

    /// Emits what is pending: stubs, constants, and veneers for uses that would
    /// not reach `distance` bytes further. The last island resolves all uses that it can.
    pub(super) fn island(&mut self, distance: u32, last: bool) {
        self.emit_stubs();
        self.emit_constants();
        let end = self.offset().saturating_add(distance);
        let near = std::mem::take(&mut self.near).list;
        // There may be very many others; they are looked at only if one expires.
        let far = last || self.fixups.deadline <= end;
        let far = far.then(|| std::mem::take(&mut self.fixups).list);
        // Uses of near kinds do not share veneers with others: those may come too late.
        self.veneers(near, end);
        if let Some(far) = far {
            self.far_veneers(distance);
            self.veneers(far, end);
        }
    }

    fn emit_stubs(&mut self) {
        self.start_source(None);
        let inst = self.inst;
        self.trap_labels.clear();
        for stub in std::mem::take(&mut self.trap_stubs) {
            self.start_source(stub.source);
            self.start_inst(stub.inst);
            self.bind(stub.label);
            self.add_trap(stub.code);
            self.put(self.spec.trap_bytes);
        }
        self.start_inst(inst);
        self.start_source(None);
    }

    fn emit_constants(&mut self) {
        self.constant_labels.clear();
        self.symbol_labels.clear();
        self.constant_bytes = 0;
        for constant in std::mem::take(&mut self.constants) {
            let pad = self.offset().next_multiple_of(constant.align) - self.offset();
            self.data.extend(std::iter::repeat_n(0, pad as usize));
            self.bind(constant.label);
            if let Some((name, offset)) = constant.symbol {
                self.add_reloc(self.offset(), RelocKind::Abs8, name, offset);
            }
            self.put(&constant.bytes);
        }
        self.data.resize((self.offset().next_multiple_of(self.spec.inst_alignment)) as usize, 0);
    }

    /// Resolves these uses, or makes veneers for those that would expire before `end`.
    fn veneers(&mut self, uses: Vec<Fixup<K>>, end: u32) {
        let mut made: FxHashMap<Label, u32> = FxHashMap::default();
        for fixup in uses {
            let Fixup { offset, label, kind } = fixup;
            let label = self.resolve(label);
            let place = self.label_offset(label);
            if let Some(target) = place
                && in_reach(kind, offset, target)
            {
                self.write_use(offset, kind, target);
                continue;
            }
            if place.is_none() && fixup.deadline() > end {
                self.add_fixup(Fixup { label, ..fixup });
                continue;
            }
            let known = made.get(&label).copied().filter(|&at| in_reach(kind, offset, at));
            let at = known.unwrap_or_else(|| {
                let at = self.make_veneer(label, kind);
                made.insert(label, at);
                at
            });
            self.write_use(offset, kind, at);
        }
    }

    /// A veneer for a use of this kind; returns its offset.
    fn make_veneer(&mut self, label: Label, kind: K) -> u32 {
        let size = kind.veneer_size().expect("a use out of reach can go through a veneer");
        let at = self.offset();
        let mut veneer = vec![0; size as usize];
        let (use_offset, veneer_kind) = kind.write_veneer(&mut veneer);
        self.put(&veneer);
        self.use_label(at + use_offset, label, veneer_kind);
        at
    }
}

/// Whether a use reaches a place.
pub(super) fn in_reach<K: FixupKind>(kind: K, offset: u32, target: u32) -> bool {
    if target >= offset {
        target - offset <= kind.max_forward()
    } else {
        offset - target <= kind.max_backward()
    }
}

//! Calls of symbols that reach only so far.
//!
//! Problem: a function may be longer than its calls reach, and then the linker has no
//! place for a veneer. Approach: such a call has a deadline like the use of a label.
//! If an island comes too late for the linker, the call leads to a veneer there, and
//! its relocation becomes the veneer's; else it stays the linker's to resolve.
//!
//! Invariant: behind a function's end each call that has no veneer in the function
//! reaches at least [`LINKER_ROOM`] bytes and the veneers of all such calls.

use super::{Buffer, FixupKind, Keyed};
use sidetrack_artifact::{Reloc, RelocKind, SymbolName};

/// A call that reaches only so far: its relocation is the linker's to resolve, if
/// the function's end is in its reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct FarCall<K> {
    /// Index of its relocation.
    pub(super) reloc: usize,
    pub(super) kind: K,
}

/// Bytes that the linker may need behind a function for veneers of other functions.
pub(super) const LINKER_ROOM: u32 = 4096;

impl<K: FixupKind> Buffer<K> {
    /// The call at `offset`, which is written already, calls `symbol`. If an island
    /// comes between it and the function's end, it may go through a veneer there;
    /// `kind` is the use of the veneer's label.
    pub fn use_symbol(&mut self, offset: u32, kind: K, reloc: RelocKind, symbol: SymbolName, addend: i64) {
        if self.spec.far_jump.is_some() && reloc.reach().is_some() {
            self.fixups.add_deadline(far_deadline(offset, kind));
            self.far_calls.push(FarCall { reloc: self.relocs.len(), kind });
        }
        self.add_reloc(offset, reloc, symbol, addend);
    }

    /// Makes veneers for calls that would not reach `distance` bytes further. Their
    /// relocations become the veneers'.
    pub(super) fn far_veneers(&mut self, distance: u32) {
        let Some(jump) = self.spec.far_jump else { return };
        let until = self.offset().saturating_add(distance);
        let mut made: Keyed<(SymbolName, i64), u32> = Keyed::default();
        let mut gone = Vec::new();
        for call in std::mem::take(&mut self.far_calls) {
            let Reloc { offset, ref symbol, addend, .. } = self.relocs[call.reloc];
            let deadline = far_deadline(offset, call.kind);
            if deadline > until {
                self.fixups.add_deadline(deadline);
                self.far_calls.push(call);
                continue;
            }
            let key = (symbol.clone(), addend);
            let at = match made.get(&key) {
                Some(&at) => {
                    gone.push(call.reloc);
                    at
                }
                None => {
                    let at = self.offset();
                    self.put(jump.bytes);
                    made.insert(key, at);
                    let reloc = &mut self.relocs[call.reloc];
                    (reloc.offset, reloc.kind) = (at, jump.kind);
                    at
                }
            };
            self.retarget(offset, call.kind, at);
        }
        if gone.is_empty() {
            return;
        }
        gone.sort_unstable();
        for call in &mut self.far_calls {
            call.reloc -= gone.partition_point(|&index| index < call.reloc);
        }
        let (mut index, mut gone) = (0, gone.into_iter().peekable());
        self.relocs.retain(|_| {
            index += 1;
            gone.next_if_eq(&(index - 1)).is_none()
        });
    }

    /// Makes the call at `offset` lead to `target`, in both forms if it is a site.
    fn retarget(&mut self, offset: u32, kind: K, target: u32) {
        let after = self.sites.partition_point(|site| site.end <= offset);
        let Some(site) = self.sites.get_mut(after).filter(|site| site.start() <= offset) else {
            return self.write_use(offset, kind, target);
        };
        let at = (offset - site.start()) as usize;
        kind.patch(&mut site.on[at..at + kind.size() as usize], offset, target);
        if site.initially_on {
            let start = site.start() as usize;
            let on = site.on.clone();
            self.data[start..start + on.len()].copy_from_slice(&on);
        }
    }
}

/// Until where a call of a symbol must have a veneer: the linker makes its own behind
/// the function's end.
pub(super) fn far_deadline<K: FixupKind>(offset: u32, kind: K) -> u32 {
    offset.saturating_add(kind.max_forward()).saturating_sub(LINKER_ROOM)
}

//! Shortening of jumps that are near their labels.
//!
//! Needs: all code of the function, every use of a label still a fixup. Approach: all
//! jumps start long; those whose distance fits the short form become short until no
//! more do, as each makes others nearer. Then the bytes are copied together once, and
//! whatever is recorded by offset moves along. Trap stubs have no label bound yet, but
//! it is known that they come right after the code.
//!
//! Breaks: offsets that anybody else keeps, except from before the first jump.

use super::{Buffer, FixupKind, Label, UNBOUND};
use rustc_hash::FxHashMap;
use sidetrack_ir::work;

/// How often all jumps are looked at; those stay long that become near only after that.
const MAX_ROUNDS: usize = 16;

/// A jump that has a short form.
struct Jump {
    /// Where its opcode starts.
    start: u32,
    /// Where it ends.
    end: u32,
    /// Which fixup it is.
    fixup: usize,
    /// Where it goes, and how many jumps come before that.
    target: Option<(u32, usize)>,
    /// The bytes that it saves, if it is short.
    saves: u32,
}

impl Jump {
    /// The bytes that it saves if it becomes short.
    fn saving(&self) -> u32 {
        self.end - self.start - 2
    }

    /// Whether this jump, number `n`, would reach its label if it were short.
    fn would_be_near(&self, saved: &[u32], n: usize) -> bool {
        let Some((target, before)) = self.target else { return false };
        let own = if target <= self.start { self.saving() } else { 0 };
        let from = i64::from(self.end - saved[n + 1]) - i64::from(own);
        i8::try_from(i64::from(target - saved[before]) - from).is_ok()
    }
}

impl<K: FixupKind> Buffer<K> {
    /// Shortens jumps.
    pub(super) fn relax(&mut self) {
        debug_assert!(self.near.list.is_empty());
        let mut jumps = self.jumps();
        // How many bytes all jumps before one of this number save.
        let mut saved = vec![0; jumps.len() + 1];
        for _ in 0..MAX_ROUNDS {
            let mut changed = false;
            work::steps(jumps.len());
            for (n, jump) in jumps.iter_mut().enumerate() {
                if jump.saves == 0 && jump.would_be_near(&saved, n) {
                    jump.saves = jump.saving();
                    changed = true;
                }
            }
            for (n, jump) in jumps.iter().enumerate() {
                saved[n + 1] = saved[n] + jump.saves;
            }
            if !changed {
                break;
            }
        }
        jumps.retain(|jump| jump.saves != 0);
        if !jumps.is_empty() {
            self.shorten(&jumps);
        }
    }

    fn jumps(&self) -> Vec<Jump> {
        let stub_offset = |n: usize| self.offset() + (n * self.spec.trap_bytes.len()) as u32;
        let stubs = self.trap_stubs.iter().enumerate();
        let stubs: FxHashMap<Label, u32> = stubs.map(|(n, stub)| (stub.label, stub_offset(n))).collect();
        let fixups = self.fixups.list.iter().enumerate();
        let mut jumps: Vec<Jump> = fixups
            .filter_map(|(fixup, at)| {
                let start = at.offset - at.kind.short_form()?.opcode_bytes;
                let end = at.offset + at.kind.size();
                let target = self.label_offset(at.label).or_else(|| stubs.get(&at.label).copied());
                let target = target.map(|offset| (offset, 0));
                Some(Jump { start, end, fixup, target, saves: 0 })
            })
            .collect();
        let starts: Vec<u32> = jumps.iter().map(|jump| jump.start).collect();
        debug_assert!(starts.is_sorted());
        for (offset, before) in jumps.iter_mut().filter_map(|jump| jump.target.as_mut()) {
            *before = starts.partition_point(|start| start < offset);
        }
        jumps
    }

    /// Makes all of these jumps short.
    fn shorten(&mut self, jumps: &[Jump]) {
        let old = std::mem::take(&mut self.data);
        let (mut copied, mut saved) = (0, 0);
        let mut moved = Vec::with_capacity(jumps.len());
        for jump in jumps {
            let fixup = &mut self.fixups.list[jump.fixup];
            let short = fixup.kind.short_form().expect("it is a jump that has one");
            let (start, end) = (jump.start as usize, jump.end as usize);
            self.data.extend_from_slice(&old[copied..start]);
            let opcode = &old[start..start + short.opcode_bytes as usize];
            self.data.extend([(short.opcode)(opcode), 0]);
            fixup.kind = short.kind;
            // Is mapped below, from behind the jump's start.
            fixup.offset = jump.end - 1;
            copied = end;
            saved += jump.saves;
            moved.push((jump.start, saved));
        }
        self.data.extend_from_slice(&old[copied..]);

        // What stands behind the start of a jump moves by what it saves.
        let map = |offset: &mut u32| {
            let before = moved.partition_point(|(start, _)| start < offset);
            if before > 0 {
                *offset -= moved[before - 1].1;
            }
        };
        self.labels.values_mut().filter(|offset| **offset != UNBOUND).for_each(map);
        self.fixups.list.iter_mut().for_each(|fixup| map(&mut fixup.offset));
        self.relocs.iter_mut().for_each(|reloc| map(&mut reloc.offset));
        self.traps.iter_mut().for_each(|trap| map(&mut trap.offset));
        self.trap_insts.iter_mut().for_each(|(offset, _)| map(offset));
        self.calls.iter_mut().for_each(|call| map(&mut call.return_offset));
        self.sites.iter_mut().for_each(|site| map(&mut site.end));
        self.state_insts.iter_mut().for_each(|(offset, _)| map(offset));
        for source in &mut self.sources {
            map(&mut source.start);
            map(&mut source.end);
        }
        if let Some((start, _)) = &mut self.source {
            map(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Buffer, BufferSpec, FixupKind, Label, ShortForm};

    /// Distances from the end of the use; a long jump is `9 d d d d`, a short one `1 d`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Toy {
        Long,
        Short,
    }

    impl FixupKind for Toy {
        fn max_backward(self) -> u32 {
            1 << 30
        }
        fn max_forward(self) -> u32 {
            1 << 30
        }
        fn size(self) -> u32 {
            if self == Toy::Long { 4 } else { 1 }
        }
        fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32) {
            let distance = label_offset.wrapping_sub(use_offset + self.size()) as i32;
            match self {
                Toy::Long => code.copy_from_slice(&distance.to_le_bytes()),
                Toy::Short => code[0] = i8::try_from(distance).expect("it is near") as u8,
            }
        }
        fn veneer_size(self) -> Option<u32> {
            None
        }
        fn write_veneer(self, _: &mut [u8]) -> (u32, Self) {
            unreachable!()
        }
        const RELAXES: bool = true;
        fn short_form(self) -> Option<ShortForm<Self>> {
            (self == Toy::Long).then_some(ShortForm { opcode_bytes: 1, opcode: |_| 1, kind: Toy::Short })
        }
    }

    const SPEC: BufferSpec = BufferSpec {
        nop_units: &[&[0x90]],
        trap_bytes: &[0xcc],
        function_alignment: 16,
        inst_alignment: 1,
        far_jump: None,
        off_form: crate::buffer::OffForm::Nops,
    };

    fn jump(buffer: &mut Buffer<Toy>, label: Label) {
        buffer.put(&[9, 0, 0, 0, 0]);
        buffer.use_label(buffer.offset() - 4, label, Toy::Long);
    }

    #[test]
    fn near_jumps_become_short_and_what_is_recorded_moves() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        let (start, middle, end) = (buffer.new_label(), buffer.new_label(), buffer.new_label());
        jump(&mut buffer, end);
        buffer.bind(start);
        buffer.put(&[7; 122]);
        // In reach only as the next one becomes short, which makes the first one so.
        jump(&mut buffer, middle);
        buffer.add_trap(sidetrack_artifact::TrapCode::IntegerOverflow);
        buffer.start_inst(Some(7));
        buffer.add_state();
        buffer.put1(8);
        buffer.bind(middle);
        buffer.bind(end);
        jump(&mut buffer, start);
        let done = buffer.finish();
        assert_eq!(done.code[..3], [1, 125, 7]);
        assert_eq!(done.code[124..127], [1, 1, 8]);
        assert_eq!(done.code[127..], [1, -127i8 as u8]);
        assert_eq!((done.traps[0].offset, done.state_insts[0]), (126, (126, 7)));
    }

    #[test]
    fn trap_stubs_are_near_the_end() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        let code = sidetrack_artifact::TrapCode::IntegerOverflow;
        let stub = buffer.trap_label(code);
        jump(&mut buffer, stub);
        buffer.put1(7);
        let done = buffer.finish();
        assert_eq!((&done.code[..], done.traps[0].offset), (&[1, 1, 7, 0xcc][..], 3));
    }

    #[test]
    fn distant_jumps_stay_long() {
        let mut buffer: Buffer<Toy> = Buffer::new(SPEC);
        let end = buffer.new_label();
        jump(&mut buffer, end);
        buffer.put(&[7; 128]);
        buffer.bind(end);
        let code = buffer.finish().code;
        assert_eq!((code.len(), &code[..5]), (133, &[9, 128, 0, 0, 0][..]));
    }
}

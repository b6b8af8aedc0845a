//! In a function where hundreds of values live long, most of them are spilled before the
//! allocator sees them.
//!
//! Problem: where more values are live than there are registers, the allocator splits each
//! around its uses, and then tries to find some register after all for the long rest between
//! them, by going through everything that lies in the way in every register. For N values that
//! live through a function of N instructions that is the square of N. Approach: the
//! instructions that each value lives through are counted, for those that live through more
//! than [`LONG`]. Where these are more than [`PRESSURE`] at a time on average, the longest
//! with the fewest uses get a copy that is always in the frame; what reads them far from
//! their definition loads the copy. Each of them would have been spilled anyway, for there are
//! no more than 32 registers.
//!
//! Needs: all blocks of the function in reverse postorder, operands not yet collected.
//! Provides: the same program. Breaks: numbers of instructions, except those in the
//! states, which move along.

use crate::reg::Reg;
use crate::split::{Copy, insert};
use crate::vcode::{MachInst, OperandVisitor, VCode};
use regalloc2::{OperandConstraint, OperandKind, OperandPos, PRegSet, VReg};
use std::cmp::Reverse;

/// A value that lives through more instructions lives long.
const LONG: u32 = 1024;
/// So many values may live long at the same time, on average over the function.
const PRESSURE: u64 = 128;
/// What reads a value within so many instructions of its definition, in the same block, is
/// likely to find it in a register.
const NEAR: u32 = 32;

/// No instruction.
const NONE: u32 = u32::MAX;

/// The life of a virtual register.
#[derive(Clone, Copy)]
struct Life {
    /// The first instruction that sees it defined; one block's parameters are there at its
    /// start.
    start: u32,
    /// The last instruction that reads it, or whose state does.
    end: u32,
    uses: u32,
    /// Whether a copy can be made where it starts.
    can_spill: bool,
}

impl Life {
    const NONE: Life = Life { start: NONE, end: 0, uses: 0, can_spill: false };

    fn length(&self) -> u32 {
        self.end.saturating_sub(self.start)
    }
}

/// Collects the lives.
struct Lives {
    lives: Vec<Life>,
    inst: u32,
    /// The end of the block.
    block_end: u32,
}

impl Lives {
    fn of<I: MachInst>(vcode: &mut VCode<I>) -> Vec<Life> {
        let mut lives = Lives { lives: vec![Life::NONE; vcode.num_vregs], inst: 0, block_end: 0 };
        for block in 0..vcode.block_ranges.len() {
            let (start, end) = vcode.block_ranges[block];
            lives.block_end = end;
            vcode.params.get(block).iter().for_each(|&param| lives.define(param, start));
            for (inst, number) in vcode.block_insts_mut(block).iter_mut().zip(start..) {
                lives.inst = number;
                inst.visit_operands(&mut lives);
            }
            vcode.block_args(block).iter().for_each(|&arg| lives.read(arg, end));
        }
        let mut lives = lives.lives;
        for (vreg, end) in vcode.states.ends() {
            let life = &mut lives[vreg.vreg()];
            life.end = life.end.max(end);
        }
        lives
    }

    fn define(&mut self, vreg: VReg, start: u32) {
        let life = &mut self.lives[vreg.vreg()];
        (life.start, life.can_spill) = (start, start < self.block_end);
    }

    fn read(&mut self, vreg: VReg, inst: u32) {
        let life = &mut self.lives[vreg.vreg()];
        life.end = life.end.max(inst);
        life.uses += 1;
    }
}

impl OperandVisitor for Lives {
    fn operand(&mut self, reg: &mut Reg, _: OperandConstraint, kind: OperandKind, _: OperandPos) -> usize {
        match (reg.as_vreg(), kind) {
            (Some(vreg), OperandKind::Def) => self.define(vreg, self.inst + 1),
            (Some(vreg), OperandKind::Use) => self.read(vreg, self.inst),
            _ => {}
        }
        0
    }

    fn clobbers(&mut self, _: PRegSet) {}
}

/// Which registers are to be spilled, so that those that live long in the others are no more
/// than [`PRESSURE`].
fn choose(lives: &[Life], insts: usize) -> Vec<usize> {
    let long = |life: &Life| life.start != NONE && life.length() > LONG;
    let length = |life: &Life| life.length() as u64;
    let mut total: u64 = lives.iter().filter(|life| long(life)).map(length).sum();
    let most = PRESSURE * insts as u64;
    if total <= most {
        return Vec::new();
    }
    let can_spill = |&vreg: &usize| long(&lives[vreg]) && lives[vreg].can_spill;
    let mut chosen: Vec<usize> = (0..lives.len()).filter(can_spill).collect();
    chosen.sort_by_key(|&vreg| Reverse(lives[vreg].length() / (lives[vreg].uses + 1)));
    let enough = chosen.iter().position(|&vreg| {
        let done = total <= most;
        total -= length(&lives[vreg]);
        done
    });
    chosen.truncate(enough.unwrap_or(chosen.len()));
    chosen
}

/// Spills what lives long, if it is too much.
pub(crate) fn run<I: MachInst>(vcode: &mut VCode<I>) {
    if vcode.num_vregs as u64 <= PRESSURE || vcode.insts.len() <= LONG as usize {
        return;
    }
    let lives = Lives::of(vcode);
    let chosen = choose(&lives, vcode.insts.len());
    // In the end each use may have a register of its own.
    let uses: usize = chosen.iter().map(|&vreg| lives[vreg].uses as usize).sum();
    if chosen.is_empty() || vcode.num_vregs + chosen.len() + uses > VReg::MAX {
        return;
    }
    let total = vcode.insts.len() as u32;
    let mut reader = Reader {
        next: vcode.num_vregs + chosen.len(),
        near: vec![NONE; vcode.num_vregs],
        frame: vec![None; vcode.num_vregs],
        copies: Vec::new(),
        inst: 0,
        block_end: 0,
        loaded: Vec::new(),
    };
    vcode.in_frame = vcode.num_vregs..reader.next;
    chosen.iter().zip(vcode.in_frame.clone()).for_each(|(&vreg, number)| reader.frame[vreg] = Some(number));
    for block in 0..vcode.block_ranges.len() {
        let (start, end) = vcode.block_ranges[block];
        reader.block_end = end;
        for index in 0..vcode.params.get(block).len() {
            reader.define(vcode.params.get(block)[index], start);
        }
        for (inst, number) in vcode.block_insts_mut(block).iter_mut().zip(start..) {
            reader.inst = number;
            reader.loaded.clear();
            inst.visit_operands(&mut reader);
        }
        for arg in vcode.block_args_mut(block) {
            *arg = reader.frame_of(*arg).unwrap_or(*arg);
        }
    }
    vcode.num_vregs = reader.next;
    reader.copies.sort_by_key(|copy| copy.before);
    for copy in &reader.copies {
        // From where a copy in the frame is made, states read it; they read no load of it.
        let [to, from] = [copy.to, copy.from].map(|reg| reg.as_vreg().expect("all are virtual here"));
        if vcode.in_frame.contains(&to.vreg()) {
            let points = vcode.states.points_in(copy.before, total);
            vcode.states.rename(points, from, to);
        }
    }
    insert(vcode, &reader.copies);
}

/// Has instructions read the copies.
struct Reader {
    /// The next new register.
    next: usize,
    /// For each register the end of the instructions that read the register itself.
    near: Vec<u32>,
    /// The copy in the frame of each register that has one.
    frame: Vec<Option<usize>>,
    copies: Vec<Copy>,
    inst: u32,
    block_end: u32,
    /// What this instruction has loaded.
    loaded: Vec<(VReg, VReg)>,
}

impl Reader {
    fn frame_of(&self, vreg: VReg) -> Option<VReg> {
        let number = *self.frame.get(vreg.vreg())?;
        number.map(|number| VReg::new(number, vreg.class()))
    }

    fn define(&mut self, vreg: VReg, start: u32) {
        let Some(copy) = self.frame_of(vreg) else { return };
        self.near[vreg.vreg()] = self.block_end.min(start + NEAR);
        self.copies.push(Copy { before: start, to: Reg::virtual_(copy), from: Reg::virtual_(vreg) });
    }

    /// A register with what a register in the frame holds, for this instruction.
    fn load(&mut self, from: VReg) -> VReg {
        if let Some((_, to)) = self.loaded.iter().find(|(loaded, _)| *loaded == from) {
            return *to;
        }
        let to = VReg::new(self.next, from.class());
        self.next += 1;
        self.loaded.push((from, to));
        self.copies.push(Copy { before: self.inst, to: Reg::virtual_(to), from: Reg::virtual_(from) });
        to
    }
}

impl OperandVisitor for Reader {
    fn operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        kind: OperandKind,
        _: OperandPos,
    ) -> usize {
        let Some(vreg) = reg.as_vreg() else { return 0 };
        let Some(frame) = self.frame_of(vreg) else { return 0 };
        match kind {
            OperandKind::Def => self.define(vreg, self.inst + 1),
            OperandKind::Use if self.inst < self.near[vreg.vreg()] => {}
            OperandKind::Use if constraint == OperandConstraint::Any => *reg = Reg::virtual_(frame),
            OperandKind::Use => *reg = Reg::virtual_(self.load(frame)),
        }
        0
    }

    fn clobbers(&mut self, _: PRegSet) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_some_live_long() {
        let insts = 20_000;
        let long = |start: u32| Life { start, end: start + 9_000, uses: 2, can_spill: true };
        let lives: Vec<Life> = (0..10_000).map(long).collect();
        let chosen = choose(&lives, insts);
        let left = |chosen: &[usize]| (lives.len() - chosen.len()) as u64 * 9_000;
        assert!(left(&chosen) <= PRESSURE * insts as u64);
        assert!(left(&chosen[1..]) > PRESSURE * insts as u64, "no more than needed");
        // Few, or short ones, are left to the allocator.
        assert!(choose(&lives[..PRESSURE as usize], insts).is_empty());
        let short = |start: u32| Life { start, end: start + LONG, uses: 2, can_spill: true };
        assert!(choose(&(0..insts as u32).map(short).collect::<Vec<_>>(), insts).is_empty());
        // What is used most stays.
        let mut lives = lives;
        lives[17].uses = 1000;
        assert!(!choose(&lives, insts).contains(&17));
    }
}

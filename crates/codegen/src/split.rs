//! Live ranges are split around inner loops.
//!
//! Problem: a value that is used all over a large function, such as the base of its
//! memory, lives longer than anything else. So the allocator gives its register to others,
//! and loads it again at every use, in the hottest loop too. Approach: what an innermost
//! loop reads more than once but does not define is copied in front of the loop, which
//! reads the copy. That lives no longer than the loop and is used all the time, and so it
//! keeps a register; what it is a copy of may wait in the frame. Where a loop calls, no
//! register is kept anyway.
//!
//! Needs: all blocks of the function in reverse postorder, operands not yet collected.
//! Provides: the same program. Breaks: numbers of instructions, except those in the
//! states, which move along.

use crate::reg::Reg;
use crate::vcode::{MachInst, OperandVisitor, VCode};
use regalloc2::{OperandConstraint, OperandKind, OperandPos, PRegSet, VReg};
use smallvec::SmallVec;

/// How often a loop must read a value, in its code, for a copy to be made.
const MIN_READS: u32 = 2;

/// A loop that no other loop is in.
struct InnerLoop {
    /// The block that goes to it and nowhere else; it is entered from no other.
    entry: usize,
    /// Its blocks.
    blocks: SmallVec<[usize; 8]>,
}

/// A copy of a register.
pub(crate) struct Copy {
    /// The instruction in front of which it is made.
    pub before: u32,
    pub to: Reg,
    pub from: Reg,
}

/// What the latest loop that has to do with a register does with it; loops count from 1.
#[derive(Clone, Copy, Default)]
struct Uses {
    read_in: u32,
    reads: u32,
    defined_in: u32,
    copied_in: u32,
    copy: u32,
}

/// Splits the live ranges of a function.
pub(crate) fn run<I: MachInst>(vcode: &mut VCode<I>) {
    let loops = inner_loops(vcode);
    let mut uses = vec![Uses::default(); if loops.is_empty() { 0 } else { vcode.num_vregs }];
    let mut copies = Vec::new();
    for (inner, number) in loops.iter().zip(1..) {
        let mut reader = Reader { number, uses: &mut uses, read: Vec::new(), calls: false };
        for &block in &inner.blocks {
            vcode.params.get(block).iter().for_each(|&param| reader.define(param));
            vcode.block_insts_mut(block).iter_mut().for_each(|inst| inst.visit_operands(&mut reader));
        }
        let Reader { calls: false, mut read, .. } = reader else { continue };
        read.retain(|vreg| {
            let uses = &uses[vreg.vreg()];
            uses.defined_in != number && uses.reads >= MIN_READS
        });
        if read.is_empty() || vcode.num_vregs + read.len() > VReg::MAX {
            continue;
        }
        let before = vcode.block_ranges[inner.entry].1 - 1;
        for &vreg in &read {
            let copy = VReg::new(vcode.num_vregs, vreg.class());
            let uses = &mut uses[vreg.vreg()];
            (uses.copied_in, uses.copy) = (number, vcode.num_vregs as u32);
            copies.push(Copy { before, to: Reg::virtual_(copy), from: Reg::virtual_(vreg) });
            vcode.num_vregs += 1;
        }
        let mut renamer = Renamer { number, uses: &uses };
        for &block in &inner.blocks {
            vcode.block_insts_mut(block).iter_mut().for_each(|inst| inst.visit_operands(&mut renamer));
            vcode.block_args_mut(block).iter_mut().for_each(|vreg| *vreg = renamer.name(*vreg));
            let (start, end) = vcode.block_ranges[block];
            let points = vcode.states.points_in(start, end);
            for &vreg in &read {
                vcode.states.rename(points.clone(), vreg, renamer.name(vreg));
            }
        }
    }
    copies.sort_by_key(|copy| copy.before);
    insert(vcode, &copies);
}

/// Notes what a loop reads and defines.
struct Reader<'a> {
    number: u32,
    uses: &'a mut [Uses],
    /// What it reads where it has to be in a register, each once.
    read: Vec<VReg>,
    calls: bool,
}

impl Reader<'_> {
    fn define(&mut self, vreg: VReg) {
        self.uses[vreg.vreg()].defined_in = self.number;
    }
}

impl OperandVisitor for Reader<'_> {
    fn operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        kind: OperandKind,
        _pos: OperandPos,
    ) -> usize {
        match (reg.as_vreg(), kind) {
            (Some(vreg), OperandKind::Def) => self.define(vreg),
            (Some(vreg), OperandKind::Use) if constraint != OperandConstraint::Any => {
                let uses = &mut self.uses[vreg.vreg()];
                if uses.read_in != self.number {
                    (uses.read_in, uses.reads) = (self.number, 0);
                    self.read.push(vreg);
                }
                uses.reads += 1;
            }
            _ => {}
        }
        0
    }

    fn clobbers(&mut self, set: PRegSet) {
        self.calls |= set != PRegSet::empty();
    }
}

/// Has a loop read copies.
struct Renamer<'a> {
    number: u32,
    uses: &'a [Uses],
}

impl Renamer<'_> {
    fn name(&self, vreg: VReg) -> VReg {
        match self.uses.get(vreg.vreg()) {
            Some(uses) if uses.copied_in == self.number => VReg::new(uses.copy as usize, vreg.class()),
            _ => vreg,
        }
    }
}

impl OperandVisitor for Renamer<'_> {
    fn operand(&mut self, reg: &mut Reg, _: OperandConstraint, _: OperandKind, _: OperandPos) -> usize {
        if let Some(vreg) = reg.as_vreg() {
            *reg = Reg::virtual_(self.name(vreg));
        }
        0
    }

    fn clobbers(&mut self, _: PRegSet) {}
}

fn inner_loops<I: MachInst>(vcode: &VCode<I>) -> Vec<InnerLoop> {
    let preds = |block: usize| vcode.preds.get(block).iter().map(|pred| pred.index());
    let is_header = |block: usize| preds(block).any(|pred| pred >= block);
    let headers = (1..vcode.block_ranges.len()).filter(|&block| is_header(block));
    let inner_loop = |header: usize| {
        let mut outside = preds(header).filter(|&pred| pred < header);
        let entry = outside.next().filter(|_| outside.next().is_none())?;
        // From the header backwards, over the way round.
        let mut blocks = SmallVec::from_slice(&[header]);
        let mut next = 0;
        while let Some(&block) = blocks.get(next) {
            next += 1;
            for pred in preds(block).filter(|&pred| block != header || pred != entry) {
                if blocks.contains(&pred) {
                    continue;
                }
                // A way in beside the header, or another loop in this one.
                if pred < header || is_header(pred) || blocks.len() == MAX_BLOCKS {
                    return None;
                }
                blocks.push(pred);
            }
        }
        let enters_only_this = vcode.succs.get(entry).len() == 1;
        enters_only_this.then_some(InnerLoop { entry, blocks })
    };
    headers.filter_map(inner_loop).collect()
}

/// The most blocks that a loop may have; in larger ones little stays in registers.
const MAX_BLOCKS: usize = 64;

/// Makes copies, sorted by where.
pub(crate) fn insert<I: MachInst>(vcode: &mut VCode<I>, copies: &[Copy]) {
    if copies.is_empty() {
        return;
    }
    let total = vcode.insts.len() + copies.len();
    let insts = std::mem::replace(&mut vcode.insts, Vec::with_capacity(total));
    let locs = std::mem::replace(&mut vcode.source_locs, Vec::with_capacity(total));
    let mut copies_left = copies.iter().peekable();
    for ((inst, loc), number) in insts.into_iter().zip(locs).zip(0..) {
        while let Some(copy) = copies_left.next_if(|copy| copy.before == number) {
            vcode.insts.push(I::mov(copy.to, copy.from, copy.to.class()));
            vcode.source_locs.push(loc);
        }
        vcode.insts.push(inst);
        vcode.source_locs.push(loc);
    }
    // A block begins with what is put in front of its first instruction.
    let shift = |number: &mut u32| *number += copies.partition_point(|copy| copy.before < *number) as u32;
    for (start, end) in &mut vcode.block_ranges {
        shift(start);
        shift(end);
    }
    vcode.states.renumber(|number| *number += copies.partition_point(|copy| copy.before <= *number) as u32);
}

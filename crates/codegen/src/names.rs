//! The numbers by which the allocator knows virtual registers.
//!
//! Problem: some of what the allocator does is quick or slow by how registers are numbered.
//! - Its sets of live registers are of words of 64 bits, and quick while these are few.
//! - A table that it clears for each register keeps the size that any needed before.
//! - It goes through the ways into blocks along with the registers, sorted by parameter, and
//!   begins where it was at the last register that got more than one place; all parameters
//!   since then are gone through again at each block where a register is live
//!   (`apply_allocations_and_insert_moves` of regalloc2 0.15).
//!
//! Rules:
//! 1. What is live at the same time has numbers near one another: registers are numbered by
//!    classes, each of which spans [`SPANS`] times as many blocks as the one before; within a
//!    class it is as in the code.
//! 2. What spans most blocks comes last.
//! 3. In a function with many ways that pass arguments, and many blocks, there are *marks*:
//!    registers of no use that have two places for certain, since they have to be in the frame
//!    and in a register. They are made and read once, in the first block with one predecessor,
//!    and get their numbers between the others, where going through all again would have cost
//!    more than [`MOST_STEPS`].

use crate::reg::Reg;
use crate::split::{Copy, insert};
use crate::state::Kept;
use crate::vcode::{MachInst, OperandVisitor, VCode};
use regalloc2::{OperandConstraint, OperandKind, OperandPos, PRegSet, RegClass, VReg};

/// The allocator is never slow with so many registers, whatever their numbers, if there are no
/// marks.
pub(crate) const FEW_VREGS: usize = 12 * 64;
/// How many more blocks each class of registers spans than the one before.
const SPANS: u32 = 8;
/// How many ways that pass arguments there must be, times the blocks, for there to be marks.
const MANY_STEPS: u64 = 1 << 23;
/// How many of these ways there are for each mark.
const WAYS_A_MARK: usize = 128;
/// How many ways may be gone through again.
const MOST_STEPS: u64 = 1 << 16;

/// The number of a register that no operand names.
pub(crate) const UNNAMED: u32 = u32::MAX;

/// Makes marks where there is a need for them, and says how they are kept. Nothing else may
/// be inserted afterwards.
///
/// Needs: operands not yet collected.
pub(crate) fn mark<I: MachInst>(vcode: &mut VCode<I>) -> Vec<Kept> {
    let blocks = vcode.block_ranges.len();
    let ways = vcode.branch_args.count();
    if (ways as u64) * (blocks as u64) < MANY_STEPS {
        return Vec::new();
    }
    let one_pred = (1..blocks).find(|&block| vcode.preds.get(block).len() == 1);
    let (Some(block), Some(source)) = (one_pred, first_def(vcode)) else { return Vec::new() };
    let end = vcode.block_ranges[vcode.preds.get(block)[0].index()].1 - 1;
    // One more than is used: each is in the frame while the one before it is read.
    let count = (ways / WAYS_A_MARK + 1).min((VReg::MAX - vcode.num_vregs.min(VReg::MAX)) / 2);
    let new = |number: usize| Reg::virtual_(VReg::new(number, RegClass::Int));
    let first = vcode.num_vregs;
    let mut copies: Vec<Copy> =
        (0..count).map(|mark| Copy { before: end, to: new(first + mark), from: source }).collect();
    let start = vcode.block_ranges[block].0;
    copies.extend((0..count).map(|mark| Copy {
        before: start,
        to: new(first + count + mark),
        from: new(first + mark),
    }));
    vcode.num_vregs += 2 * count;
    vcode.marks = first + 1..first + count;
    copies.sort_by_key(|copy| copy.before);
    insert(vcode, &copies);
    let start = vcode.block_ranges[block].0;
    let kept = (1..count).map(|mark| Kept {
        inst: start + mark as u32 - 1,
        vreg: VReg::new(first + mark, RegClass::Int),
        pos: OperandPos::Early,
        constraint: OperandConstraint::Stack,
    });
    kept.collect()
}

/// An integer register that the first instruction of the function defines.
fn first_def<I: MachInst>(vcode: &mut VCode<I>) -> Option<Reg> {
    struct First(Option<Reg>);
    impl OperandVisitor for First {
        fn operand(
            &mut self,
            reg: &mut Reg,
            _: OperandConstraint,
            kind: OperandKind,
            _: OperandPos,
        ) -> usize {
            let suits = kind == OperandKind::Def && reg.as_vreg().is_some_and(|v| v.class() == RegClass::Int);
            self.0 = self.0.or(suits.then_some(*reg));
            0
        }

        fn clobbers(&mut self, _: PRegSet) {}
    }
    let mut first = First(None);
    vcode.block_insts_mut(0).first_mut()?.visit_operands(&mut first);
    first.0
}

/// What the numbers depend on.
#[derive(Clone, Copy)]
struct Known {
    /// The first and last block that know a register.
    first: u32,
    last: u32,
    /// The ways into the block whose parameter it is.
    ways: u32,
}

impl Known {
    /// How many blocks it may be live at the start of.
    fn blocks(&self) -> u64 {
        (self.last - self.first) as u64 + (self.ways > 0) as u64
    }

    fn class(&self) -> u32 {
        match self.last - self.first {
            0 => 0,
            span => 1 + span.ilog(SPANS),
        }
    }
}

/// Gives registers their numbers in all that the allocator sees, and tells the new number of
/// each.
///
/// Needs: all operands.
pub(crate) fn number<I: MachInst>(vcode: &mut VCode<I>) -> Vec<u32> {
    let mut known = vec![Known { first: UNNAMED, last: 0, ways: 0 }; vcode.num_vregs];
    let mut order = Vec::with_capacity(vcode.num_vregs);
    let marks = vcode.marks.clone();
    for block in 0..vcode.block_ranges.len() {
        vcode.for_each_vreg_mut(block, |vreg| {
            let known = &mut known[vreg.vreg()];
            if known.first == UNNAMED {
                known.first = block as u32;
                if !marks.contains(&vreg.vreg()) {
                    order.push(vreg.vreg() as u32);
                }
            }
            known.last = block as u32;
        });
        let preds = vcode.preds.get(block).len() as u32;
        vcode.params.get(block).iter().for_each(|param| known[param.vreg()].ways = preds);
    }
    order.sort_by_key(|&vreg| known[vreg as usize].class());
    let mut names = vec![UNNAMED; vcode.num_vregs];
    let order = with_marks(&order, marks, |vreg| known[vreg as usize]);
    (0..).zip(&order).for_each(|(name, &vreg)| names[vreg as usize] = name);
    for block in 0..vcode.block_ranges.len() {
        vcode.for_each_vreg_mut(block, |vreg| {
            *vreg = VReg::new(names[vreg.vreg()] as usize, vreg.class());
        });
    }
    vcode.num_vregs = order.len();
    names
}

/// Puts marks between the registers.
fn with_marks(order: &[u32], mut marks: std::ops::Range<usize>, known: impl Fn(u32) -> Known) -> Vec<u32> {
    let mut all = Vec::with_capacity(order.len() + marks.len());
    // The ways that would be gone through again, and how many have been.
    let (mut ways, mut steps) = (0, 0);
    for &vreg in order {
        let known = known(vreg);
        if ways > 0
            && steps + known.blocks() * ways > MOST_STEPS
            && let Some(mark) = marks.next()
        {
            all.push(mark as u32);
            (ways, steps) = (0, 0);
        }
        all.push(vreg);
        ways += known.ways as u64;
        steps += known.blocks() * ways;
    }
    all.extend(marks.map(|mark| mark as u32));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many ways the allocator goes through in all.
    fn steps(order: &[u32], registers: usize, known: impl Fn(u32) -> Known) -> u64 {
        let (mut ways, mut steps) = (0, 0);
        for &vreg in order {
            if vreg as usize >= registers {
                ways = 0;
                continue;
            }
            ways += known(vreg).ways as u64;
            steps += known(vreg).blocks() * ways;
        }
        steps
    }

    #[test]
    fn ways_are_not_gone_through_again_and_again() {
        let known = |vreg: u32| Known { first: vreg, last: vreg + 1, ways: 2 };
        let cost = |registers: usize| {
            let order: Vec<u32> = (0..registers as u32).collect();
            let marks = registers..registers + 2 * registers / WAYS_A_MARK;
            let all = with_marks(&order, marks.clone(), known);
            assert_eq!(all.len(), registers + marks.len());
            assert!(steps(&order, registers, known) > (registers * registers) as u64);
            steps(&all, registers, known)
        };
        let [few, many] = [cost(10_000), cost(40_000)];
        assert!(many <= 5 * few, "{few}, {many}");
        assert!(many < 40_000 * 600);
    }
}

//! Values that are passed to a block with many predecessors are not tied to machine registers.
//!
//! Problem: the allocator tries to give a block's parameter the place of each argument, and for
//! each of them it goes through all that the two have become one with, as soon as either has to
//! be in a particular register anywhere: as the parameter of a function, the argument or
//! result of a call, or what is returned. For a block that N others go to, that is the square
//! of N. Approach: such parameters and arguments are copied from and to where they have to be.
//!
//! Needs: operands not yet collected.
//! Provides: the same program. Breaks: numbers of instructions, except those in the
//! states, which move along.

use crate::reg::Reg;
use crate::split::{Copy, insert};
use crate::vcode::{MachInst, OperandVisitor, VCode};
use regalloc2::{OperandConstraint, OperandKind, OperandPos, PRegSet, VReg};

/// How many ways into a block are many.
const MANY: usize = 128;

/// Copies what goes many ways from and to particular registers.
pub(crate) fn run<I: MachInst>(vcode: &mut VCode<I>) {
    let blocks = 0..vcode.block_ranges.len();
    let is_crowded =
        |block: &usize| vcode.preds.get(*block).len() >= MANY && !vcode.params.get(*block).is_empty();
    let crowded: Vec<usize> = blocks.clone().filter(is_crowded).collect();
    if crowded.is_empty() {
        return;
    }
    let mut goes_far = vec![false; vcode.num_vregs];
    for &block in &crowded {
        vcode.params.get(block).iter().for_each(|param| goes_far[param.vreg()] = true);
        for pred in vcode.preds.get(block).iter().map(|pred| pred.index()) {
            // What goes to other blocks from there does no harm.
            vcode.block_args(pred).iter().for_each(|arg| goes_far[arg.vreg()] = true);
        }
    }
    let next = vcode.num_vregs;
    let mut copier = Copier { goes_far, next, copies: Vec::new(), inst: 0, block_end: 0, used: Vec::new() };
    for block in blocks {
        let (start, end) = vcode.block_ranges[block];
        copier.block_end = end;
        for (inst, number) in vcode.block_insts_mut(block).iter_mut().zip(start..) {
            copier.inst = number;
            copier.used.clear();
            inst.visit_operands(&mut copier);
        }
    }
    vcode.num_vregs = copier.next;
    copier.copies.sort_by_key(|copy| copy.before);
    insert(vcode, &copier.copies);
}

/// Has instructions name copies where they ask for a particular register.
struct Copier {
    /// Which registers go many ways.
    goes_far: Vec<bool>,
    /// The next new register.
    next: usize,
    copies: Vec<Copy>,
    inst: u32,
    block_end: u32,
    /// What this instruction reads, and the copies that it reads.
    used: Vec<(Reg, Reg)>,
}

impl Copier {
    fn new_reg(&mut self, like: VReg) -> Reg {
        self.next += 1;
        Reg::virtual_(VReg::new(self.next - 1, like.class()))
    }
}

impl OperandVisitor for Copier {
    fn operand(
        &mut self,
        reg: &mut Reg,
        constraint: OperandConstraint,
        kind: OperandKind,
        _: OperandPos,
    ) -> usize {
        let Some(vreg) = reg.as_vreg().filter(|vreg| self.goes_far.get(vreg.vreg()) == Some(&true)) else {
            return 0;
        };
        if !matches!(constraint, OperandConstraint::FixedReg(_)) || self.next >= VReg::MAX {
            return 0;
        }
        match kind {
            OperandKind::Use => {
                let known = self.used.iter().find(|(from, _)| from == reg);
                let copy = match known {
                    Some((_, copy)) => *copy,
                    None => {
                        let copy = self.new_reg(vreg);
                        self.used.push((*reg, copy));
                        self.copies.push(Copy { before: self.inst, to: copy, from: *reg });
                        copy
                    }
                };
                *reg = copy;
            }
            // No copy can follow the last instruction of a block.
            OperandKind::Def if self.inst + 1 < self.block_end => {
                let copy = self.new_reg(vreg);
                self.copies.push(Copy { before: self.inst + 1, to: *reg, from: copy });
                *reg = copy;
            }
            OperandKind::Def => {}
        }
        0
    }

    fn clobbers(&mut self, _: PRegSet) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::x64::X64;
    use crate::lower::Lower;
    use regalloc2::Function as _;

    /// How many operands of a function ask for a particular register, of those registers that go
    /// `ways` ways into its last block.
    fn fixed_operands(ways: usize) -> usize {
        let block = |i: usize| {
            let (called, next) = (2 * i, i + 1);
            format!(
                "block{i}:\nv{called} = call fn0(v0)\nbrif v{called}, block{ways}(v{called}), block{next}\n"
            )
        };
        let blocks: String = (1..ways - 1).map(block).collect();
        let (last, sum) = (ways - 1, 2 * ways + 1);
        let text = format!(
            "function %f(i64) -> i64 {{\nfn0 = %g(i64) -> i64 system_v\nblock0(v0: i64):\njump block1\n{blocks}\
             block{last}:\njump block{ways}(v0)\nblock{ways}(v{sum}: i64):\nreturn v{sum}\n}}\n"
        );
        let functions = sidetrack_ir::text::parse_functions(&text).expect("it is well formed");
        let vcode = Lower::run(&X64::plain(), &functions[0]).expect("it can be lowered").vcode;
        let crowded = |&block: &usize| !vcode.params.get(block).is_empty();
        let to = (1..vcode.block_ranges.len()).find(crowded).expect("the last block has a parameter");
        let preds = vcode.preds.get(to);
        assert_eq!(preds.len(), ways - 1);
        let mut goes_far = vcode.params.get(to).to_vec();
        goes_far.extend(preds.iter().flat_map(|pred| vcode.block_args(pred.index())));
        let operands =
            (0..vcode.insts.len()).flat_map(|inst| vcode.inst_operands(regalloc2::Inst::new(inst)));
        let fixed = operands.filter(|operand| matches!(operand.constraint(), OperandConstraint::FixedReg(_)));
        fixed.filter(|operand| goes_far.contains(&operand.vreg())).count()
    }

    #[test]
    fn what_goes_many_ways_has_no_particular_register() {
        assert_ne!(fixed_operands(MANY / 2), 0);
        assert_eq!(fixed_operands(MANY + 1), 0);
    }
}

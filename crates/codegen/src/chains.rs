//! Chains of block parameters are cut.
//!
//! Problem: the allocator wants a block's parameter in the place of what is passed to it,
//! and so joins all that a local becomes in the course of a function to one bundle. Every
//! join and every split goes through the ranges of the whole bundle, which in thousands of
//! blocks is the square of them. Approach: what would be joined is counted, and where that
//! is more than [`LONGEST`] registers the argument is copied in front of the jump, which
//! passes the copy. The bundle ends there, at the price of a move in a function that has
//! more joins than that.
//!
//! Needs: branches with arguments have blocks of their own for critical edges, operands
//! not yet collected. Provides: the same program. Breaks: numbers of instructions, except
//! those in the states, which move along.

use crate::reg::Reg;
use crate::split::{Copy, insert};
use crate::vcode::{MachInst, VCode};
use regalloc2::VReg;

/// The most registers that may be joined.
const LONGEST: u32 = 1024;
/// A set of fewer is joined as it is.
const WORTH_A_COPY: u32 = 16;

/// Sets of registers that the allocator would join.
struct Joined {
    /// Another of the same set, or itself.
    parent: Vec<u32>,
    /// How many a set has, of the one that is its own parent.
    size: Vec<u32>,
}

impl Joined {
    fn new(count: usize) -> Self {
        Joined { parent: (0..count as u32).collect(), size: vec![1; count] }
    }

    fn root(&mut self, mut at: u32) -> u32 {
        while self.parent[at as usize] != at {
            let next = self.parent[at as usize];
            self.parent[at as usize] = self.parent[next as usize];
            at = next;
        }
        at
    }

    /// Joins the set of an argument to that of its parameter, unless that makes one of more
    /// than [`LONGEST`], and a copy would add less to it.
    fn join(&mut self, arg: VReg, param: VReg) -> bool {
        let [arg, param] = [arg, param].map(|vreg| self.root(vreg.vreg() as u32));
        if arg == param {
            return true;
        }
        let [arg_size, param_size] = [arg, param].map(|root| self.size[root as usize]);
        let sum = arg_size + param_size;
        if sum > LONGEST && arg_size >= WORTH_A_COPY {
            return false;
        }
        let (less, more) = if arg_size < param_size { (arg, param) } else { (param, arg) };
        self.parent[less as usize] = more;
        self.size[more as usize] = sum;
        true
    }

    /// Adds a register that is joined with another.
    fn add(&mut self, with: VReg) {
        let with = self.root(with.vreg() as u32);
        self.parent.push(with);
        self.size.push(1);
        self.size[with as usize] += 1;
    }
}

/// Cuts the chains of a function.
pub(crate) fn run<I: MachInst>(vcode: &mut VCode<I>) {
    let blocks = vcode.block_ranges.len();
    // Each argument joins at most two sets.
    let args = (0..blocks).map(|block| vcode.block_args(block).len()).sum::<usize>();
    if args < LONGEST as usize {
        return;
    }
    let mut joined = Joined::new(vcode.num_vregs);
    let mut copies = Vec::new();
    for block in 0..blocks {
        let &[succ] = vcode.succs.get(block) else { continue };
        let before = vcode.block_ranges[block].1 - 1;
        for index in 0..vcode.params.get(succ.index()).len() {
            let param = vcode.params.get(succ.index())[index];
            let arg = vcode.block_args(block)[index];
            if joined.join(arg, param) || vcode.num_vregs >= VReg::MAX {
                continue;
            }
            let copy = VReg::new(vcode.num_vregs, arg.class());
            copies.push(Copy { before, to: Reg::virtual_(copy), from: Reg::virtual_(arg) });
            vcode.num_vregs += 1;
            joined.add(param);
            vcode.block_args_mut(block)[index] = copy;
        }
    }
    copies.sort_by_key(|copy| copy.before);
    insert(vcode, &copies);
}

#[cfg(test)]
mod tests {
    use super::*;
    use regalloc2::RegClass;

    fn vreg(number: usize) -> VReg {
        VReg::new(number, RegClass::Int)
    }

    #[test]
    fn long_chains_are_cut_and_small_sets_are_not() {
        let count = 10_000;
        let mut joined = Joined::new(count);
        let mut cuts = 0;
        for number in 1..count {
            if !joined.join(vreg(number - 1), vreg(number)) {
                joined.add(vreg(number));
                cuts += 1;
            }
        }
        assert_eq!(cuts, count as u32 / LONGEST);
        assert!(joined.size.iter().all(|&size| size <= LONGEST + 1));
        // Thousands of ways into one block: a copy for each would be of no use.
        let mut joined = Joined::new(count);
        assert!((1..count).all(|number| joined.join(vreg(number), vreg(0))));
    }
}

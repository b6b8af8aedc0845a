//! Which operands keep the values that calls and sites need.
//!
//! Problem: a value must live until the last call or site that has it in its state, and
//! the allocator keeps a value only up to its last operand. Approach: for one register
//! after the other its liveness is computed from its operands, a walk from each back to
//! the definition; then its states are gone through back to front, and where it is not
//! live after a point, an operand is added there, and the walk goes on from it. So a value
//! that lives through a thousand sites has at most one operand more.
//!
//! The walks visit as many blocks as the register is live in: what the allocator does,
//! too, but with nothing to keep from register to register.

use super::{Point, PointKind, States};
use crate::vcode::{MachInst, VCode};
use regalloc2::{OperandConstraint, OperandKind, OperandPos, VReg};

/// An operand that is added to an instruction, which does not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub inst: u32,
    pub vreg: VReg,
    pub pos: OperandPos,
    pub constraint: OperandConstraint,
}

/// No block, point or register.
const NONE: u32 = u32::MAX;

/// What there is among the points of those that keep values, calls and sites mostly, for
/// each point.
struct Keepers {
    /// Its block.
    block: Vec<u32>,
    /// The last that keeps values, up to it.
    up_to: Vec<u32>,
    /// The last that keeps values, in front of its block.
    before_block: Vec<u32>,
}

impl Keepers {
    fn new<I>(states: &States, vcode: &VCode<I>, keeps: impl Fn(PointKind) -> bool) -> Self {
        let count = states.points.len();
        let mut keepers = Keepers {
            block: Vec::with_capacity(count),
            up_to: Vec::with_capacity(count),
            before_block: Vec::with_capacity(count),
        };
        let (mut block, mut last, mut before_block) = (0, NONE, NONE);
        for (number, point) in (0..).zip(&states.points) {
            while vcode.block_ranges[block].1 <= point.start {
                block += 1;
                before_block = last;
            }
            last = if keeps(point.kind) { number } else { last };
            keepers.block.push(block as u32);
            keepers.up_to.push(last);
            keepers.before_block.push(before_block);
        }
        keepers
    }
}

/// The registers that have to be kept somewhere, and their operands.
struct Registers {
    /// For each virtual register which of the kept ones it is.
    numbers: Vec<u32>,
    list: Vec<VReg>,
    mentions: Vec<Mention>,
    /// Where the mentions of each begin, and the end.
    starts: Vec<u32>,
}

/// An operand of a register that states name.
#[derive(Clone, Copy)]
struct Mention {
    block: u32,
    /// Its instruction; arguments of branches come after all of the block.
    inst: u32,
    kind: OperandKind,
}

impl Registers {
    /// Finds the operands of the registers in `list`, each of which is in it once.
    fn new<I: MachInst>(vcode: &VCode<I>, list: Vec<VReg>) -> Self {
        let mut numbers = vec![NONE; vcode.num_vregs];
        (0..).zip(&list).for_each(|(number, vreg)| numbers[vreg.vreg()] = number);
        let mut found: Vec<(u32, Mention)> = Vec::new();
        for (block, &(start, end)) in vcode.block_ranges.iter().enumerate() {
            let mut add = |vreg: VReg, inst, kind| {
                let number = numbers[vreg.vreg()];
                if number != NONE {
                    found.push((number, Mention { block: block as u32, inst, kind }));
                }
            };
            vcode.params.get(block).iter().for_each(|&param| add(param, start, OperandKind::Def));
            for inst in start..end {
                let operands = vcode.operands.get(inst as usize).iter();
                operands.for_each(|operand| add(operand.vreg(), inst, operand.kind()));
            }
            vcode.block_args(block).iter().for_each(|&arg| add(arg, end, OperandKind::Use));
        }
        // Sorted by register, with the order kept.
        let mut starts = vec![0; list.len() + 1];
        found.iter().for_each(|(number, _)| starts[*number as usize + 1] += 1);
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut next = starts.clone();
        let mut mentions = vec![Mention { block: 0, inst: 0, kind: OperandKind::Use }; found.len()];
        for (number, mention) in found {
            mentions[next[number as usize] as usize] = mention;
            next[number as usize] += 1;
        }
        Registers { numbers, list, mentions, starts }
    }

    fn mentions(&self, number: u32) -> &[Mention] {
        let [start, end] = [number, number + 1].map(|number| self.starts[number as usize] as usize);
        &self.mentions[start..end]
    }
}

/// The liveness of one register at a time.
struct Liveness<'a, I> {
    vcode: &'a VCode<I>,
    register: u32,
    /// The block that defines it.
    def: u32,
    /// For each block the last register found to be live at its start.
    live_in: Vec<u32>,
    /// The same at its end.
    live_out: Vec<u32>,
    /// For each block the last register found to be read in it, and the last instruction
    /// that does so.
    last_use: Vec<(u32, u32)>,
    pending: Vec<u32>,
}

impl<I: MachInst> Liveness<'_, I> {
    /// Begins with another register.
    fn start(&mut self, register: u32, mentions: &[Mention]) {
        let def = mentions.iter().find(|mention| mention.kind == OperandKind::Def);
        self.register = register;
        self.def = def.map_or(NONE, |def| def.block);
        for mention in mentions.iter().filter(|mention| mention.kind == OperandKind::Use) {
            self.read(mention.block, mention.inst);
        }
    }

    /// The register is read by an instruction.
    fn read(&mut self, block: u32, inst: u32) {
        let last = &mut self.last_use[block as usize];
        *last = (self.register, if last.0 == self.register { last.1.max(inst) } else { inst });
        self.enter(block);
        while let Some(block) = self.pending.pop() {
            for pred in self.vcode.preds.get(block as usize) {
                self.live_out[pred.index()] = self.register;
                self.enter(pred.index() as u32);
            }
        }
    }

    /// The register is live in a block: at its start, too, if the block does not define it.
    fn enter(&mut self, block: u32) {
        let live_in = &mut self.live_in[block as usize];
        if block != self.def && *live_in != self.register {
            *live_in = self.register;
            self.pending.push(block);
        }
    }

    fn live_after(&self, block: u32, inst: u32) -> bool {
        let (register, last) = self.last_use[block as usize];
        self.live_out[block as usize] == self.register || register == self.register && last > inst
    }
}

impl States {
    /// The operands to add so that every value lives as long as a call or site needs it, and
    /// the context as long as anything may trap, in no order. Those that the instructions have
    /// are collected.
    pub fn keep<I: MachInst>(&self, vcode: &VCode<I>) -> Vec<Kept> {
        let calls = Keepers::new(self, vcode, |kind| kind != PointKind::Trap);
        let all = self.context.map(|_| Keepers::new(self, vcode, |_| true));
        // The registers with the points that need them, from the last back to the first, and
        // whether these are all points.
        let mut needed: Vec<(VReg, u32, u32, bool)> = Vec::new();
        for interval in &self.intervals {
            let Some(vreg) = interval.operand.vreg() else { continue };
            let all = all.as_ref().filter(|_| self.context == Some(interval.key));
            let last = all.unwrap_or(&calls).up_to[interval.last as usize];
            if last != NONE && last >= interval.first {
                needed.push((vreg, last, interval.first, all.is_some()));
            }
        }
        if needed.is_empty() {
            return Vec::new();
        }
        needed.sort_unstable_by_key(|&(vreg, last, ..)| (vreg.vreg(), std::cmp::Reverse(last)));
        let mut list: Vec<VReg> = needed.iter().map(|(vreg, ..)| *vreg).collect();
        list.dedup();
        let registers = Registers::new(vcode, list);
        let blocks = vcode.block_ranges.len();
        let mut liveness = Liveness {
            vcode,
            register: NONE,
            def: NONE,
            live_in: vec![NONE; blocks],
            live_out: vec![NONE; blocks],
            last_use: vec![(NONE, 0); blocks],
            pending: Vec::new(),
        };
        let mut kept = Vec::new();
        for &(vreg, last, first, at_all) in &needed {
            let keepers = all.as_ref().filter(|_| at_all).unwrap_or(&calls);
            let number = registers.numbers[vreg.vreg()];
            if number != liveness.register {
                liveness.start(number, registers.mentions(number));
            }
            // In each block that has any, the last of these points.
            let mut point = last;
            while point != NONE && point >= first {
                let Point { start, end, kind } = self.points[point as usize];
                let (inst, pos) = match kind {
                    PointKind::Site => (start, OperandPos::Early),
                    PointKind::Call => (start, OperandPos::Late),
                    PointKind::Trap => (end - 1, OperandPos::Early),
                };
                let block = keepers.block[point as usize];
                if !liveness.live_after(block, inst) {
                    let (vreg, constraint) = (registers.list[number as usize], OperandConstraint::Any);
                    kept.push(Kept { inst, vreg, pos, constraint });
                    liveness.read(block, inst);
                }
                point = keepers.before_block[point as usize];
            }
        }
        kept
    }
}

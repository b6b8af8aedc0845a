//! What can be read where an instruction traps.
//!
//! Problem: a debugger wants locals and operands at each instruction that may trap,
//! and there are far more of these than of calls; keeping values for them would cost
//! registers in code that hardly ever traps. Approach: nothing is kept but the context,
//! without which a debugger does not know whose function it is. The allocator is
//! asked where the values of a state are, for as long as something else needs them, and
//! a trap's state has those that are somewhere when it happens. The context is an operand
//! of the last instruction of a block that may trap, unless a call behind it keeps it.
//!
//! Needs: all of the function lowered, so that it is known which values have registers.
//! Provides: labels for the allocator; after it, the state of each trap.

use crate::abi::FrameLayout;
use crate::call::StateOperand;
use crate::reg::Reg;
use crate::vcode::Ranges;
use regalloc2::{Allocation, Inst, Output, ProgPoint, VReg};
use sidetrack_artifact::StateEncoder;

/// The states of instructions that may trap.
#[derive(Debug, Default)]
pub(crate) struct TrapStates {
    /// The instructions from one to before another have the state of this number;
    /// ascending.
    insts: Vec<(u32, u32)>,
    states: Ranges<(u32, StateOperand)>,
    /// For each register that a state names: from and to where, and its number as label.
    labels: Vec<(VReg, Inst, Inst, u32)>,
    /// The registers that are kept to the instruction before each of these; ascending.
    kept: Vec<(u32, VReg)>,
}

impl TrapStates {
    /// Adds the state of the instructions from `start` to before `end`, which come
    /// behind those added before.
    pub fn push(&mut self, start: u32, end: u32, state: impl Iterator<Item = (u32, StateOperand)>) {
        self.insts.push((start, end));
        self.states.push(state);
    }

    /// Keeps a register to the last instruction before `end`, which comes behind those for
    /// which one was kept before.
    pub fn keep(&mut self, end: u32, reg: VReg) {
        self.kept.push((end, reg));
    }

    /// Which instruction has which register as one more operand, anywhere.
    pub fn kept(&self) -> impl Iterator<Item = (Inst, VReg)> {
        self.kept.iter().map(|&(end, reg)| (Inst::new(end as usize - 1), reg))
    }

    /// Instructions have other numbers from now on, in the same order.
    pub fn renumber(&mut self, map: impl Fn(&mut u32)) {
        for (start, end) in &mut self.insts {
            map(start);
            map(end);
        }
        self.kept.iter_mut().for_each(|(end, _)| map(end));
    }

    /// Makes the allocator's labels when all are added.
    pub fn finish(&mut self, num_vregs: usize) {
        if self.insts.is_empty() {
            return;
        }
        const NONE: (u32, u32) = (u32::MAX, 0);
        let mut named = vec![(VReg::invalid(), NONE); num_vregs];
        for (state, &(start, end)) in self.insts.iter().enumerate() {
            for (_, operand) in self.states.get(state) {
                let Some(reg) = operand.reg() else { continue };
                let vreg = reg.as_vreg().expect("nothing is allocated yet");
                let (of, (from, to)) = &mut named[vreg.vreg()];
                (*of, *from, *to) = (vreg, start.min(*from), end.max(*to));
            }
        }
        let named = named.into_iter().enumerate().filter(|(_, (_, range))| *range != NONE);
        self.labels.extend(named.map(|(number, (vreg, (from, to)))| {
            (vreg, Inst::new(from as usize), Inst::new(to as usize), number as u32)
        }));
    }

    /// The registers whose places are asked for, sorted.
    pub fn labels(&self) -> &[(VReg, Inst, Inst, u32)] {
        &self.labels
    }

    /// The number of an instruction for the buffer, if it has a state.
    pub fn number(&self, inst: Inst) -> Option<u32> {
        let number = inst.index() as u32;
        self.state_of(number).map(|_| number)
    }

    fn state_of(&self, inst: u32) -> Option<usize> {
        let state = self.insts.partition_point(|(_, end)| *end <= inst);
        self.insts.get(state).filter(|(start, _)| *start <= inst).map(|_| state)
    }

    /// The state maps of these traps, which are offsets, ascending, with the numbers of
    /// their instructions; as bytes.
    pub fn encode(&self, traps: &[(u32, u32)], output: &Output, frame: &FrameLayout) -> Vec<u8> {
        let mut encoder = StateEncoder::default();
        let places = Places::new(output, self.labels.last().map_or(0, |label| label.3));
        for &(offset, inst) in traps {
            let Some(state) = self.state_of(inst) else { continue };
            let point = ProgPoint::before(Inst::new(inst as usize));
            let place = |reg: &Reg| {
                let alloc = places.at(reg.as_vreg()?, point)?;
                Some(frame.place(alloc.as_reg(), alloc.as_stack()))
            };
            let place = |operand: &StateOperand| match operand {
                StateOperand::Const(place) => Some(*place),
                StateOperand::Reg(reg) => place(reg),
                StateOperand::Upper(reg) => Some(place(reg)?.upper_half()),
            };
            let entries = self.states.get(state).iter();
            encoder.push(offset, entries.filter_map(|(key, operand)| Some((*key, place(operand)?))));
        }
        encoder.finish()
    }
}

/// Where the registers that have labels are.
struct Places<'a> {
    list: &'a [(u32, ProgPoint, ProgPoint, Allocation)],
    /// Where each label begins in the list, and the end.
    starts: Vec<u32>,
}

impl<'a> Places<'a> {
    fn new(output: &'a Output, last: u32) -> Self {
        let list = &output.debug_locations;
        let mut starts = Vec::with_capacity(last as usize + 2);
        for (index, (label, ..)) in list.iter().enumerate() {
            if starts.len() <= *label as usize {
                starts.resize(*label as usize + 1, index as u32);
            }
        }
        starts.resize(last as usize + 2, list.len() as u32);
        Places { list, starts }
    }

    /// Where a register is at a point.
    fn at(&self, vreg: VReg, point: ProgPoint) -> Option<Allocation> {
        let label = vreg.vreg();
        let range = *self.starts.get(label)? as usize..*self.starts.get(label + 1)? as usize;
        let list = self.list[range].iter();
        list.filter(|(_, from, to, _)| *from <= point && point < *to).map(|(.., alloc)| *alloc).next()
    }
}

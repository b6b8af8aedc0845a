//! What can be read where an instruction traps.
//!
//! Problem: a debugger wants locals and operands at each instruction that may trap,
//! and there are far more of these than of calls; keeping values for them would cost
//! registers in code that hardly ever traps. Approach: nothing is kept. The allocator is
//! asked where the values of a state are, for as long as something else needs them, and
//! a trap's state has those that are somewhere when it happens.
//!
//! Needs: all of the function lowered, so that it is known which values have registers.
//! Provides: labels for the allocator; after it, the state of each trap.

use crate::abi::FrameLayout;
use crate::call::StateOperand;
use crate::reg::Reg;
use crate::vcode::Ranges;
use regalloc2::{Allocation, Inst, Output, ProgPoint, VReg};
use sidetrack_artifact::{StateMap, StatePlace};

/// The states of instructions that may trap.
#[derive(Debug, Default)]
pub(crate) struct TrapStates {
    /// The instructions from one to before another have the state of this number;
    /// ascending.
    insts: Vec<(u32, u32)>,
    states: Ranges<(u32, StateOperand)>,
    /// For each register that a state names: from and to where, and its number as label.
    labels: Vec<(VReg, Inst, Inst, u32)>,
}

impl TrapStates {
    /// Adds the state of the instructions from `start` to before `end`, which come
    /// behind those added before.
    pub fn push(&mut self, start: u32, end: u32, state: impl Iterator<Item = (u32, StateOperand)>) {
        self.insts.push((start, end));
        self.states.push(state);
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

    /// The state of each of these traps, which are offsets with the numbers of their
    /// instructions.
    pub fn maps<'a>(
        &'a self,
        traps: &'a [(u32, u32)],
        output: &'a Output,
        frame: &'a FrameLayout,
    ) -> impl Iterator<Item = StateMap> + 'a {
        traps.iter().filter_map(move |&(offset, inst)| {
            let point = ProgPoint::before(Inst::new(inst as usize));
            let place = |reg: &Reg| {
                let alloc = allocation_at(output, reg.as_vreg()?, point)?;
                Some(frame.place(alloc.as_reg(), alloc.as_stack()))
            };
            let place = |operand: &StateOperand| match operand {
                StateOperand::Const(place) => Some(*place),
                StateOperand::Reg(reg) => place(reg),
                StateOperand::Upper(reg) => Some(place(reg)?.upper_half()),
            };
            let state = self.states.get(self.state_of(inst)?).iter();
            let places: Vec<(u32, StatePlace)> =
                state.filter_map(|(key, operand)| Some((*key, place(operand)?))).collect();
            Some(StateMap { offset, places })
        })
    }
}

/// Where a register that has a label is at a point.
fn allocation_at(output: &Output, vreg: VReg, point: ProgPoint) -> Option<Allocation> {
    let label = vreg.vreg() as u32;
    let list = &output.debug_locations;
    let behind = list.partition_point(|(of, from, ..)| (*of, *from) <= (label, point));
    let before = list[..behind].iter().rev().take_while(|(of, ..)| *of == label);
    before.map(|(_, _, to, alloc)| (to, *alloc)).find(|(to, _)| point < **to).map(|(_, alloc)| alloc)
}

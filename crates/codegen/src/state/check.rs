//! An independent check of state maps, on in all tests.
//!
//! The allocator's own checker sees only operands; whether a value is where the labels say,
//! at places that do not mention it, nobody looks at. So this goes forward through the
//! allocator's answer with what each register and slot holds, and compares that with the
//! maps as they were written: every value that a map lists is in its place, and at a call
//! or site none is missing, nor the context anywhere.

use super::{Interval, PointKind, States};
use crate::abi::FrameLayout;
use crate::call::StateOperand;
use crate::vcode::{MachInst, VCode};
use regalloc2::{Allocation, Block, Edit, Function, Inst, InstOrEdit, OperandKind, Output, RegClass, VReg};
use sidetrack_artifact::{StateMap, StatePlace, decode_states};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What registers and slots hold.
#[derive(Clone, Default, PartialEq)]
struct Holds(BTreeMap<Allocation, BTreeSet<VReg>>);

impl Holds {
    fn copy(&mut self, from: Allocation, to: Allocation) {
        match self.0.get(&from).cloned() {
            Some(held) => self.0.insert(to, held),
            None => self.0.remove(&to),
        };
    }

    fn define(&mut self, vreg: VReg, alloc: Allocation) {
        for held in self.0.values_mut() {
            held.remove(&vreg);
        }
        self.0.insert(alloc, BTreeSet::from([vreg]));
    }

    /// Goes over an edge, on which parameters are defined.
    fn pass(&mut self, params: &[(VReg, VReg)]) {
        for held in self.0.values_mut() {
            let passed = params.iter().filter(|(_, arg)| held.contains(arg));
            let passed: Vec<VReg> = passed.map(|(param, _)| *param).collect();
            held.retain(|vreg| params.iter().all(|(param, _)| param != vreg));
            held.extend(passed);
        }
    }

    /// Keeps of this what another way holds, too.
    fn meet(&mut self, other: &Holds) {
        self.0.retain(|alloc, held| {
            held.retain(|vreg| other.0.get(alloc).is_some_and(|other| other.contains(vreg)));
            !held.is_empty()
        });
    }
}

/// What is checked.
struct Check<'a, I> {
    states: &'a States,
    vcode: &'a VCode<I>,
    output: &'a Output,
    frame: &'a FrameLayout,
    /// The maps of each instruction, of a call or of traps.
    maps: HashMap<(u32, bool), Vec<StateMap>>,
}

impl States {
    /// Checks the state maps of calls and sites, and those of traps. Both are given as
    /// bytes, and as offsets with the numbers of their instructions.
    pub fn check<I: MachInst>(
        &self,
        vcode: &VCode<I>,
        output: &Output,
        frame: &FrameLayout,
        calls: (&[u8], &[(u32, u32)]),
        traps: (&[u8], &[(u32, u32)]),
    ) -> Result<(), String> {
        let mut maps: HashMap<(u32, bool), Vec<StateMap>> = HashMap::new();
        for ((bytes, insts), trap) in [(calls, false), (traps, true)] {
            let stateful = insts.iter().filter(|(_, inst)| self.point_of(*inst, trap).is_some());
            let decoded = decode_states(bytes).map_err(|error| error.to_string())?;
            if !stateful.clone().map(|(offset, _)| *offset).eq(decoded.iter().map(|map| map.offset)) {
                return Err("the state maps are not those of the calls and traps".to_string());
            }
            for (&(_, inst), map) in stateful.zip(decoded) {
                maps.entry((inst, trap)).or_default().push(map);
            }
        }
        Check { states: self, vcode, output, frame, maps }.run()
    }
}

impl<I: MachInst> Check<'_, I> {
    fn run(&self) -> Result<(), String> {
        let mut entries: Vec<Option<Holds>> = vec![None; self.vcode.block_ranges.len()];
        entries[0] = Some(Holds::default());
        let mut pending: BTreeSet<usize> = BTreeSet::from([0]);
        while let Some(block) = pending.pop_first() {
            let mut holds = entries[block].clone().expect("what is pending was reached");
            self.block(block, &mut holds, false)?;
            let last = Inst::new(self.vcode.block_ranges[block].1 as usize - 1);
            for (edge, succ) in self.vcode.block_succs(Block::new(block)).iter().enumerate() {
                let args = self.vcode.branch_blockparams(Block::new(block), last, edge);
                let params = self.vcode.block_params(*succ).iter().copied().zip(args.iter().copied());
                let mut passed = holds.clone();
                passed.pass(&params.collect::<Vec<_>>());
                let entry = &mut entries[succ.index()];
                if let Some(before) = &entry {
                    passed.meet(before);
                }
                if entry.as_ref() != Some(&passed) {
                    *entry = Some(passed);
                    pending.insert(succ.index());
                }
            }
        }
        let entries = entries.into_iter().enumerate();
        entries
            .filter_map(|(block, entry)| Some((block, entry?)))
            .try_for_each(|(block, mut holds)| self.block(block, &mut holds, true))
    }

    /// Goes through a block, and looks at its maps if asked to.
    fn block(&self, block: usize, holds: &mut Holds, look: bool) -> Result<(), String> {
        for item in self.output.block_insts_and_edits(self.vcode, Block::new(block)) {
            let inst = match item {
                InstOrEdit::Inst(inst) => inst,
                InstOrEdit::Edit(&Edit::Move { from, to }) => {
                    holds.copy(from, to);
                    continue;
                }
            };
            let number = inst.index() as u32;
            let of = |trap| self.states.point_of(number, trap).filter(|_| look);
            let late = |point: &u32| self.states.points[*point as usize].kind == PointKind::Call;
            let (call, trap) = (of(false), of(true));
            if let Some(point) = trap {
                self.maps_at(point, number, holds)?;
            }
            if let Some(point) = call.filter(|point| !late(point)) {
                self.maps_at(point, number, holds)?;
            }
            for preg in self.vcode.inst_clobbers(inst) {
                holds.0.remove(&Allocation::reg(preg));
            }
            let operands = self.vcode.inst_operands(inst).iter().zip(self.output.inst_allocs(inst));
            let defs = operands.filter(|(operand, _)| operand.kind() == OperandKind::Def);
            for (_, alloc) in defs.clone() {
                holds.0.remove(alloc);
            }
            if let Some(point) = call.filter(late) {
                self.maps_at(point, number, holds)?;
            }
            defs.for_each(|(operand, alloc)| holds.define(operand.vreg(), *alloc));
        }
        Ok(())
    }

    /// Looks at the maps of an instruction for a point.
    fn maps_at(&self, point: u32, inst: u32, holds: &Holds) -> Result<(), String> {
        let kind = self.states.points[point as usize].kind;
        let Some(maps) = self.maps.get(&(inst, kind == PointKind::Trap)) else { return Ok(()) };
        let intervals = self.states.intervals.iter();
        let here = intervals.filter(|interval| (interval.first..=interval.last).contains(&point));
        let expected: BTreeMap<u32, &Interval> = here.map(|interval| (interval.key, interval)).collect();
        let place = |alloc: &Allocation| self.frame.place(alloc.as_reg(), alloc.as_stack());
        let held: HashMap<StatePlace, &BTreeSet<VReg>> =
            holds.0.iter().map(|(alloc, held)| (place(alloc), held)).collect();
        // What holds integers has no halves.
        let has_halves =
            |held: &BTreeSet<VReg>| held.first().is_some_and(|vreg| vreg.class() != RegClass::Int);
        let halves = held.iter().filter(|(_, held)| has_halves(held));
        let upper: HashMap<StatePlace, &BTreeSet<VReg>> =
            halves.map(|(whole, held)| (whole.upper_half(), *held)).collect();
        for map in maps {
            let error =
                |key: u32, what: String| Err(format!("state map at {:#x}, key {key}: {what}", map.offset));
            for &(key, place) in &map.places {
                let Some(interval) = expected.get(&key) else {
                    return error(key, "there is no such value".to_string());
                };
                let right = match interval.operand {
                    StateOperand::Const(constant) => constant == place,
                    StateOperand::Reg(reg) | StateOperand::Upper(reg) => {
                        let vreg = reg.as_vreg().expect("intervals have virtual registers");
                        let is_upper = matches!(interval.operand, StateOperand::Upper(_));
                        let held = if is_upper { &upper } else { &held };
                        held.get(&place).is_some_and(|held| held.contains(&vreg))
                    }
                };
                if !right {
                    return error(key, format!("{:?} is not in {place:?}", interval.operand));
                }
            }
            let wanted = |key: u32| kind != PointKind::Trap || self.states.context == Some(key);
            let missing = expected.keys().find(|key| wanted(**key) && map.place(**key).is_none());
            if let Some(&key) = missing {
                return error(key, "the value is nowhere".to_string());
            }
        }
        Ok(())
    }
}

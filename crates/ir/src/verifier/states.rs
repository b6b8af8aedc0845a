//! Is what states list defined where it is read?
//!
//! Problem: a value that is listed once may be read at very many instructions. Approach:
//! blocks are numbered in preorder over the dominator tree, instructions in them in their
//! order. What a definition dominates is then a range of numbers, and for a row of states
//! only the least and the greatest number matter.

use super::VerifierErrors;
use super::entities::Named;
use crate::dfg::ValueDef;
use crate::dominators::DominatorTree;
use crate::entities::*;
use crate::function::Function;
use crate::states::State;
use cranelift_entity::SecondaryMap;
use std::ops::Range;

/// The places of instructions that control can reach.
struct Places {
    insts: SecondaryMap<Inst, u32>,
    /// For each block its place, before its first instruction, and the one behind all that
    /// it dominates.
    blocks: SecondaryMap<Block, (u32, u32)>,
}

impl Places {
    fn new(func: &Function, tree: &DominatorTree) -> Self {
        let mut places = Places { insts: SecondaryMap::new(), blocks: SecondaryMap::new() };
        let mut next = 0;
        let mut work: Vec<(Block, bool)> =
            func.layout.entry_block().map(|entry| (entry, false)).into_iter().collect();
        while let Some((block, done)) = work.pop() {
            if done {
                places.blocks[block].1 = next;
                continue;
            }
            places.blocks[block].0 = next;
            for inst in func.layout.block_insts(block) {
                next += 1;
                places.insts[inst] = next;
            }
            next += 1;
            work.push((block, true));
            work.extend(tree.children(block).iter().map(|child| (*child, false)));
        }
        places
    }

    /// The places at which a value, which is no alias, is there.
    fn dominated(&self, func: &Function, v: Value) -> Range<u32> {
        match func.dfg.value_def(v) {
            ValueDef::Param(block, _) => self.blocks[block].0..self.blocks[block].1,
            ValueDef::Result(inst, _) => match func.layout.inst_block(inst) {
                Some(block) => self.insts[inst] + 1..self.blocks[block].1,
                None => 0..0,
            },
            _ => 0..0,
        }
    }
}

/// Where each of a growing row of states is read first or last, from any state to the last one.
#[derive(Default)]
struct Extremes(Vec<(State, Inst)>);

impl Extremes {
    fn push(&mut self, state: State, inst: Inst, hides: impl Fn(Inst) -> bool) {
        while self.0.pop_if(|(_, before)| hides(*before)).is_some() {}
        self.0.push((state, inst));
    }

    fn since(&self, first: State) -> Option<Inst> {
        let at = self.0.partition_point(|(state, _)| *state < first);
        self.0.get(at).map(|(_, inst)| *inst)
    }
}

/// Every value that is listed at an instruction that control reaches dominates it.
pub(super) fn check_dominance(func: &Function, tree: &DominatorTree, errors: &mut VerifierErrors) {
    let states = &func.dfg.states;
    if states.is_empty() {
        return;
    }
    let places = Places::new(func, tree);
    let mut insts: Vec<(State, Inst)> = Vec::new();
    for block in func.layout.blocks().filter(|block| tree.is_reachable(*block)) {
        insts.extend(func.layout.block_insts(block).filter_map(|inst| Some((states.of(inst)?, inst))));
    }
    insts.sort_unstable();
    let (mut least, mut greatest) = (Extremes::default(), Extremes::default());
    let mut in_chain = insts.iter().filter(|(state, _)| !states.is_apart(*state)).peekable();
    let mut named = Named::new(func);
    // Ranges come in the order of their ends.
    for range in states.ranges() {
        let dominated = places.dominated(func, named.by(range.value));
        let wrong = |inst: &Inst| !dominated.contains(&places.insts[*inst]);
        let found = if states.is_apart(range.first) {
            let at = insts.partition_point(|(state, _)| *state < range.first);
            let own = insts[at..].iter().take_while(|(state, _)| *state == range.first);
            own.map(|(_, inst)| *inst).find(wrong)
        } else {
            while let Some(&(state, inst)) = in_chain.next_if(|(state, _)| *state < range.end) {
                let place = places.insts[inst];
                least.push(state, inst, |before| places.insts[before] >= place);
                greatest.push(state, inst, |before| places.insts[before] <= place);
            }
            [&least, &greatest].into_iter().filter_map(|all| all.since(range.first)).find(wrong)
        };
        if let Some(inst) = found {
            let v = range.value;
            errors.inst(func, inst, format_args!("uses value {v} from non-dominating definition"));
        }
    }
}

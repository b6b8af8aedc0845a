//! Vectors as pairs of integers, for targets that have no registers for them.
//!
//! Problem: a target without vector instructions is to run functions with vectors.
//! Approach: every vector becomes two integers of 64 bits, lanes from the least
//! significant bit up, everywhere: in operations (`ops`), parameters of blocks,
//! signatures, calls and returns. Callers and callees are split alike, so that they
//! fit.
//!
//! Needs: a legalised function. Provides: one without vectors, in whose states a vector
//! has the two keys that [`StateMap`] gives its halves. Breaks: the order of a signature's
//! values in registers.

mod lanes;
mod ops;

use cranelift_entity::{EntityList, EntityRef, PrimaryMap, SecondaryMap};
use rustc_hash::FxHashSet;
use sidetrack_artifact::StateMap;
use sidetrack_ir::inst::ValueList;
use sidetrack_ir::opcode::Props;
use sidetrack_ir::types::I64;
use sidetrack_ir::{
    AbiParam, ArgumentPurpose, Block, BlockArg, ControlFlowGraph, Endianness, Function, Inst, SigRef,
    Signature, SiteInfo, StateChange, Type, Value, ValueDef,
};
use smallvec::{SmallVec, smallvec};

/// The low and the high half of a vector.
type Pair = [Value; 2];

/// A function while its vectors are split.
struct Split {
    func: Function,
    halves: SecondaryMap<Value, Option<Pair>>,
    /// The signatures as they were.
    old: PrimaryMap<SigRef, Signature>,
    /// The instruction that is being replaced.
    at: Inst,
    /// The byte order of accesses that name none.
    native: Endianness,
}

/// The function without vectors; `None` if it has none. Accesses that name no byte order
/// have the native one.
pub fn split(func: &Function, native: Endianness) -> Option<Function> {
    let values = (0..func.dfg.num_values() as u32).map(Value::from_u32);
    let live = |v: &Value| !matches!(func.dfg.value_def(*v), ValueDef::Alias(_) | ValueDef::Absent);
    values.filter(live).find(|&v| func.dfg.value_type(v).is_vector())?;
    let old = func.dfg.signatures.clone();
    let at = Inst::from_u32(0);
    let mut split = Split { func: func.clone(), halves: SecondaryMap::new(), old, at, native };
    split.run();
    Some(split.func)
}

impl Split {
    fn run(&mut self) {
        split_signature(&mut self.func.signature);
        self.func.dfg.signatures.values_mut().for_each(split_signature);
        let cfg = ControlFlowGraph::new(&self.func);
        let mut order = cfg.postorder(&self.func);
        order.reverse();
        self.remove_unreachable(&order);
        for &block in &order {
            self.params(block);
        }
        for block in order {
            let insts: Vec<Inst> = self.func.layout.block_insts(block).collect();
            for inst in insts {
                self.at = inst;
                self.inst(inst);
            }
        }
        self.states();
        self.func.resolve_aliases();
    }

    fn remove_unreachable(&mut self, reachable: &[Block]) {
        let all: Vec<Block> = self.func.layout.blocks().collect();
        for block in all.into_iter().filter(|block| !reachable.contains(block)) {
            let insts: Vec<Inst> = self.func.layout.block_insts(block).collect();
            insts.into_iter().for_each(|inst| self.func.layout.remove_inst(inst));
            self.func.layout.remove_block(block);
        }
    }

    fn ty(&self, v: Value) -> Type {
        self.func.dfg.value_type(v)
    }

    /// The halves of a vector.
    fn pair(&self, v: Value) -> Pair {
        self.halves[self.func.dfg.resolve(v)].expect("operands are split before their users")
    }

    fn params(&mut self, block: Block) {
        let old: SmallVec<[Value; 8]> = SmallVec::from_slice(self.func.dfg.block_params(block));
        if !old.iter().any(|&v| self.ty(v).is_vector()) {
            return;
        }
        self.func.dfg.blocks[block].params = ValueList::default();
        for v in old {
            let ty = self.ty(v);
            if ty.is_vector() {
                let halves = [(); 2].map(|()| self.func.dfg.append_block_param(block, I64));
                self.halves[v] = Some(halves);
            } else {
                self.func.dfg.attach_block_param(block, ty, v);
            }
        }
    }

    /// Values with both halves in the place of each vector.
    fn expanded(&self, values: &[Value]) -> SmallVec<[Value; 8]> {
        let one = |&v: &Value| -> SmallVec<[Value; 2]> {
            if self.ty(v).is_vector() { SmallVec::from_slice(&self.pair(v)) } else { smallvec![v] }
        };
        values.iter().flat_map(one).collect()
    }

    fn inst(&mut self, inst: Inst) {
        let opcode = self.func.dfg.insts[inst].opcode;
        let dfg = &self.func.dfg;
        let any = dfg.args(inst).iter().chain(dfg.results(inst)).any(|&v| self.ty(v).is_vector());
        if opcode.is_branch() {
            self.branch(inst);
        }
        if opcode.is_call() && any {
            self.call(inst);
        } else if opcode.is_terminator() && any {
            let args = self.expanded(&SmallVec::<[Value; 8]>::from_slice(self.func.dfg.args(inst)));
            let dfg = &mut self.func.dfg;
            dfg.insts[inst].args = ValueList::from_slice(&args, &mut dfg.value_lists);
        } else if any {
            let first = self.func.dfg.insts.len();
            self.operation(inst);
            for new in (first..self.func.dfg.insts.len()).map(Inst::new) {
                if self.func.dfg.insts[new].opcode.props().has(Props::TRAP) {
                    self.copy_state(inst, new);
                }
            }
            self.func.layout.remove_inst(inst);
        }
    }

    /// Gives an instruction the state that another one has, if it has any.
    fn copy_state(&mut self, from: Inst, to: Inst) {
        if let Some(state) = self.func.dfg.states.of(from) {
            self.func.dfg.states.attach(to, state);
        }
    }

    /// Halves of vectors in the place of vectors in what can be read.
    fn states(&mut self) {
        const HALVES: [u32; 2] = [StateMap::LOW_HALF, StateMap::HIGH_HALF];
        let mut states = std::mem::take(&mut self.func.dfg.states);
        // The keys that have halves at present.
        let mut halved: FxHashSet<u32> = FxHashSet::default();
        states.expand(|StateChange { key, value }, apart, changes| {
            let vector = value.expand().filter(|&v| self.ty(v).is_vector());
            // A vector that no code is left of has no halves.
            let halves = vector.and_then(|v| self.halves[self.func.dfg.resolve(v)]);
            let was_halved =
                !apart && if halves.is_some() { !halved.insert(key) } else { halved.remove(&key) };
            match halves {
                Some(halves) => {
                    if !was_halved {
                        changes.push(StateChange::remove(key));
                    }
                    changes.extend(HALVES.iter().zip(halves).map(|(bit, v)| StateChange::set(key | bit, v)));
                }
                None => {
                    let value = value.expand().filter(|_| vector.is_none());
                    changes.push(value.map_or(StateChange::remove(key), |v| StateChange::set(key, v)));
                    if was_halved {
                        changes.extend(HALVES.iter().map(|bit| StateChange::remove(key | bit)));
                    }
                }
            }
        });
        self.func.dfg.states = states;
    }

    /// Passes both halves to blocks.
    fn branch(&mut self, inst: Inst) {
        let returns = self.func.dfg.call_signature(inst).map(|sig| self.old[sig].returns.clone());
        let returns = returns.unwrap_or_default();
        let mut calls = self.func.dfg.block_calls(inst).into_iter();
        let mut lists = Vec::with_capacity(calls.len());
        for call in calls.by_ref() {
            let mut list: SmallVec<[BlockArg; 8]> = SmallVec::new();
            for arg in call.args(&self.func.dfg.block_args) {
                match arg {
                    BlockArg::Value(v) => list.extend(self.expanded(&[v]).into_iter().map(BlockArg::Value)),
                    BlockArg::TryCallRet(n) => {
                        let before = positions(&returns)[n as usize];
                        list.push(BlockArg::TryCallRet(before));
                        if returns[n as usize].ty.is_vector() {
                            list.push(BlockArg::TryCallRet(before + 1));
                        }
                    }
                    BlockArg::TryCallExn(_) => list.push(arg),
                }
            }
            lists.push(list);
        }
        let mut lists = lists.into_iter();
        self.func.dfg.for_each_block_call_mut(inst, |call, pool| {
            let list = lists.next().unwrap_or_default();
            call.args = EntityList::from_iter(list.into_iter().map(Into::into), pool);
        });
    }

    /// A call with split arguments and results, in the place of the one before.
    fn call(&mut self, inst: Inst) {
        let data = self.func.dfg.insts[inst].clone();
        let old: SmallVec<[Value; 8]> = SmallVec::from_slice(self.func.dfg.args(inst));
        let params: Vec<AbiParam> =
            self.func.dfg.call_args(inst).iter().map(|&v| AbiParam::new(self.ty(v))).collect();
        let args = self.expanded(&old);
        let dfg = &mut self.func.dfg;
        let new = dfg.make_inst(data.opcode, data.ty, &args, data.extra);
        dfg.make_results(new);
        self.func.layout.insert_inst(new, inst);
        self.func.source_locs[new] = self.func.source_locs[inst];
        self.copy_state(inst, new);
        let results: SmallVec<[Value; 4]> = SmallVec::from_slice(self.func.dfg.results(inst));
        if let Some(site) = self.func.dfg.sites.remove(&inst) {
            let places = positions(&params);
            let mut pass_through = Vec::new();
            for (&arg, &v) in site.pass_through.iter().zip(&results) {
                pass_through.push(places[arg as usize]);
                if self.ty(v).is_vector() {
                    pass_through.push(places[arg as usize] + 1);
                }
            }
            self.func.dfg.sites.insert(new, SiteInfo { pass_through, ..site });
        }
        let mut made = SmallVec::<[Value; 8]>::from_slice(self.func.dfg.results(new)).into_iter();
        let mut next = || made.next().expect("the new signature has a result for each half");
        for v in results {
            if self.ty(v).is_vector() {
                self.halves[v] = Some([next(), next()]);
            } else {
                self.func.dfg.make_alias(v, next());
            }
        }
        self.func.layout.remove_inst(inst);
    }
}

fn split_signature(sig: &mut Signature) {
    for list in [&mut sig.params, &mut sig.returns] {
        let halves = |param: AbiParam| -> SmallVec<[AbiParam; 2]> {
            let half = AbiParam { purpose: ArgumentPurpose::Half(param.ty), ..AbiParam::new(I64) };
            if param.ty.is_vector() { smallvec![half; 2] } else { smallvec![param] }
        };
        *list = std::mem::take(list).into_iter().flat_map(halves).collect();
    }
}

/// The place of each value when vectors before it take two.
fn positions(list: &[AbiParam]) -> Vec<u32> {
    let mut next = 0;
    let place = |param: &AbiParam| {
        let at = next;
        next += if param.ty.is_vector() { 2 } else { 1 };
        at
    };
    list.iter().map(place).collect()
}

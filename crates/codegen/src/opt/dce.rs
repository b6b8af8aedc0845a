//! Dead code: instructions and block parameters that nothing needs.
//!
//! Needs: all blocks reachable, uses free of aliases.
//! Provides: every instruction left has an effect, may trap, or is used by one
//! that is needed; every parameter (but the entry block's) is used by one.
//! Breaks: nothing; the control flow graph stays.
//!
//! Approach: mark what is needed from the instructions with effects backwards
//! over uses; an argument of a block call is needed if its parameter is. Cycles
//! of parameters that feed only themselves are never marked. Linear. State that an
//! instruction does not keep needs nothing but the context; what else of it is not needed
//! by others goes.

use super::params::retain_args;
use cranelift_entity::SecondaryMap;
use sidetrack_ir::{
    Block, BlockArg, ControlFlowGraph, ExceptionItem, Extra, Function, Inst, StateCounts, Value, ValueDef,
    opcode::Props,
};

/// Removes unneeded instructions and parameters.
pub fn run(func: &mut Function) {
    let cfg = ControlFlowGraph::new(func);
    let marks = Marks::new(func, &cfg);
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for &block in &blocks {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            if !marks.insts[inst] {
                func.layout.remove_inst(inst);
            }
        }
    }
    func.dfg.states.retain(|v| marks.values[v]);
    for &block in &blocks[1..] {
        let dead = |v: &Value| !marks.values[*v];
        if !func.dfg.block_params(block).iter().any(&dead) {
            continue;
        }
        let keep: Vec<bool> = func.dfg.block_params(block).iter().map(|v| !dead(v)).collect();
        for pred in cfg.preds(block) {
            retain_args(func, pred, |i| keep[i]);
        }
        func.dfg.retain_block_params(block, |i| keep[i]);
    }
}

/// Whether an unused instruction may go: it has no effect and cannot trap.
pub fn is_removable(func: &Function, inst: Inst) -> bool {
    let data = &func.dfg.insts[inst];
    let effects = data.opcode.props();
    if effects.has(Props::LOAD) && !effects.has(Props::STORE) && !effects.has(Props::SIDE) {
        return matches!(data.extra, Extra::Mem(flags, _) if flags.trap.is_none());
    }
    data.opcode.is_pure()
}

struct Marks {
    insts: SecondaryMap<Inst, bool>,
    values: SecondaryMap<Value, bool>,
    work: Vec<Value>,
}

impl Marks {
    fn new(func: &Function, cfg: &ControlFlowGraph) -> Marks {
        let mut marks = Marks {
            insts: SecondaryMap::with_capacity(func.dfg.insts.len()),
            values: SecondaryMap::with_capacity(func.dfg.num_values()),
            work: Vec::new(),
        };
        for block in func.layout.blocks() {
            for inst in func.layout.block_insts(block) {
                if !is_removable(func, inst) {
                    marks.need_inst(func, inst);
                }
            }
        }
        marks.need_states(func);
        while let Some(v) = marks.work.pop() {
            match func.dfg.value_def(v) {
                ValueDef::Result(inst, _) => marks.need_inst(func, inst),
                ValueDef::Param(block, index) => marks.need_args(func, cfg, block, index as usize),
                ValueDef::Alias(to) => marks.need(to),
                ValueDef::Absent => {}
            }
        }
        marks
    }

    fn need(&mut self, v: Value) {
        if !std::mem::replace(&mut self.values[v], true) {
            self.work.push(v);
        }
    }

    fn need_inst(&mut self, func: &Function, inst: Inst) {
        if std::mem::replace(&mut self.insts[inst], true) {
            return;
        }
        func.dfg.args(inst).iter().for_each(|&v| self.need(v));
        if let Extra::TryCall(_, table) | Extra::TryCallIndirect(table) = func.dfg.insts[inst].extra {
            for item in &func.dfg.exception_tables[table].items {
                if let ExceptionItem::Context(v) = *item {
                    self.need(v);
                }
            }
        }
    }

    /// What has state is never removable.
    fn need_states(&mut self, func: &Function) {
        let kept = StateCounts::new(func, |inst| func.dfg.keeps_state(inst));
        let all = StateCounts::new(func, |_| true);
        // Constants cost nothing.
        let constant = |v: Value| {
            let inst = func.dfg.def_inst(v);
            inst.is_some_and(|inst| func.dfg.insts[inst].opcode.is_constant())
        };
        // The context is kept at traps, too.
        let context = func.context();
        let anywhere = |v: Value| constant(v) || context == Some(v);
        for range in func.dfg.states.ranges() {
            if kept.of(&range) > 0 || anywhere(range.value) && all.of(&range) > 0 {
                self.need(range.value);
            }
        }
    }

    fn need_args(&mut self, func: &Function, cfg: &ControlFlowGraph, block: Block, index: usize) {
        for pred in cfg.preds(block) {
            let call = func.dfg.block_call(pred.branch, pred.call);
            if let Some(BlockArg::Value(v)) = call.args.get(index, &func.dfg.block_args).map(BlockArg::from) {
                self.need(v);
            }
        }
    }
}

//! Block parameters that always hold the same value.
//!
//! Needs: all blocks reachable, uses free of aliases.
//! Provides: no parameter whose incoming arguments are all one value (or the
//! parameter itself); uses free of aliases.
//! Breaks: nothing; the control flow graph stays.
//!
//! Approach: optimistic value numbering of parameters in reverse postorder. A
//! parameter's number is the one value that its arguments have in common, or the
//! parameter itself if they differ; arguments not yet numbered are left out of
//! account. Rounds repeat until no number changes. Loop nests need one round per
//! level or so; when [`MAX_ROUNDS`] do not suffice, nothing is changed, as the
//! numbers are right only in the end.

use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use sidetrack_ir::cfg::Pred;
use sidetrack_ir::{Block, BlockArg, ControlFlowGraph, Function, Value};

const MAX_ROUNDS: usize = 12;

type Numbers = SecondaryMap<Value, PackedOption<Value>>;

/// Removes parameters that always hold the same value.
pub fn run(func: &mut Function) {
    let entry = func.layout.entry_block();
    let has_params = |block: &Block| Some(*block) != entry && !func.dfg.block_params(*block).is_empty();
    if !func.layout.blocks().any(|block| has_params(&block)) {
        return;
    }
    let cfg = ControlFlowGraph::new(func);
    let order: Vec<Block> = cfg.postorder(func).into_iter().rev().collect();
    let Some(numbers) = number(func, &cfg, &order) else { return };
    let mut changed = false;
    for &block in &order {
        if Some(block) == entry {
            continue;
        }
        let redundant = |v: Value| numbers[v].expand().filter(|&number| number != v);
        let params = func.dfg.block_params(block);
        if params.iter().all(|&v| redundant(v).is_none()) {
            continue;
        }
        changed = true;
        let replaced: Vec<(Value, Option<Value>)> = params.iter().map(|&v| (v, redundant(v))).collect();
        func.dfg.retain_block_params(block, |i| replaced[i].1.is_none());
        for pred in cfg.preds(block) {
            retain_args(func, pred, |i| replaced[i].1.is_none());
        }
        for (param, value) in replaced {
            if let Some(value) = value {
                func.dfg.make_alias(param, value);
            }
        }
    }
    if changed {
        func.resolve_aliases();
    }
}

/// Removes, in a branch's call of a block, the arguments for which `keep` is false.
pub fn retain_args(func: &mut Function, pred: &Pred, keep: impl Fn(usize) -> bool) {
    func.dfg.update_block_call(pred.branch, pred.call, |call, pool| {
        let mut kept = 0;
        for i in 0..call.args.len(pool) {
            if keep(i) {
                let arg = call.args.as_slice(pool)[i];
                call.args.as_mut_slice(pool)[kept] = arg;
                kept += 1;
            }
        }
        call.args.truncate(kept, pool);
    });
}

fn number(func: &Function, cfg: &ControlFlowGraph, order: &[Block]) -> Option<Numbers> {
    let mut numbers: Numbers = SecondaryMap::with_capacity(func.dfg.num_values());
    // Everything but a parameter numbered in the rounds is its own number; the
    // entry block's parameters are marked so at once.
    let entry = *order.first()?;
    for &v in func.dfg.block_params(entry) {
        numbers[v] = v.into();
    }
    let mut is_param: SecondaryMap<Value, bool> = SecondaryMap::with_capacity(func.dfg.num_values());
    for &block in &order[1..] {
        func.dfg.block_params(block).iter().for_each(|&v| is_param[v] = true);
    }
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for &block in &order[1..] {
            let params = func.dfg.block_params(block);
            for (i, &param) in params.iter().enumerate() {
                let number = meet(func, cfg, block, i, param, |v| match is_param[v] {
                    true => numbers[v].expand(),
                    false => Some(v),
                });
                if numbers[param].expand() != number {
                    numbers[param] = number.into();
                    changed = true;
                }
            }
        }
        if !changed {
            return Some(numbers);
        }
    }
    None
}

/// The one value that every call of `block` passes for its parameter number
/// `index`, the parameter itself if they differ, `None` if none has a number.
fn meet(
    func: &Function,
    cfg: &ControlFlowGraph,
    block: Block,
    index: usize,
    param: Value,
    number_of: impl Fn(Value) -> Option<Value>,
) -> Option<Value> {
    let mut common = None;
    for pred in cfg.preds(block) {
        let call = func.dfg.block_call(pred.branch, pred.call);
        let arg = call.args.get(index, &func.dfg.block_args).map(BlockArg::from);
        let Some(BlockArg::Value(v)) = arg else { return Some(param) };
        match number_of(v) {
            None => {}
            Some(v) if v == param || common == Some(v) => {}
            Some(v) if common.is_none() => common = Some(v),
            Some(_) => return Some(param),
        }
    }
    common
}

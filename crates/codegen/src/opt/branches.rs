//! Control flow: decided branches, empty blocks, chains of blocks.
//!
//! Needs: a verified function.
//! Provides: all blocks reachable; no branch on a constant or with one outcome;
//! no branch to a block that only jumps on, where it can be bypassed; no jump to
//! a block that has no other predecessor; uses free of aliases.
//! Breaks: the control flow graph, dominator tree and loops.
//!
//! Each step is one walk over the blocks. A patchable `try_call` is a branch with
//! an effect: its targets may be bypassed, it stays itself.

use cranelift_entity::SecondaryMap;
use sidetrack_ir::{
    Block, BlockArg, BlockCall, ControlFlowGraph, Extra, Function, Inst, Opcode, Type, Value, ValueDef,
};
use smallvec::SmallVec;

/// How many empty blocks in a row a branch is taken past; the bound ends cycles.
const MAX_HOPS: usize = 8;

/// Simplifies control flow.
pub fn run(func: &mut Function) {
    decide(func);
    thread(func);
    decide(func);
    remove_unreachable(func);
    merge(func);
}

fn same_call(func: &Function, a: BlockCall, b: BlockCall) -> bool {
    let pool = &func.dfg.block_args;
    a.block == b.block && a.args.as_slice(pool) == b.args.as_slice(pool)
}

/// Turns branches with one outcome into jumps.
fn decide(func: &mut Function) {
    let blocks: SmallVec<[Block; 32]> = func.layout.blocks().collect();
    for block in blocks {
        let Some(inst) = func.layout.last_inst(block) else { continue };
        if let Some(call) = only_outcome(func, inst) {
            func.dfg.replace(inst, Opcode::Jump, Type::INVALID, &[], Extra::Jump(call));
        }
    }
}

/// Where a conditional branch certainly goes.
pub fn only_outcome(func: &Function, inst: Inst) -> Option<BlockCall> {
    match func.dfg.insts[inst].extra {
        Extra::Brif(then, other) => match super::constant(func, func.dfg.args(inst)[0]) {
            Some(0) => Some(other),
            Some(_) => Some(then),
            None => same_call(func, then, other).then_some(then),
        },
        Extra::Table(table) => {
            let table = &func.dfg.jump_tables[table];
            if let Some(index) = super::constant(func, func.dfg.args(inst)[0]) {
                let entry = table.entries.get(index as u32 as usize).copied();
                return Some(entry.unwrap_or(table.default));
            }
            table.entries.iter().all(|&call| same_call(func, call, table.default)).then_some(table.default)
        }
        _ => None,
    }
}

/// The jump of a block that holds nothing else.
fn lone_jump(func: &Function, block: Block) -> Option<BlockCall> {
    let inst = func.layout.first_inst(block)?;
    match func.dfg.insts[inst].extra {
        Extra::Jump(call) if call.block != block => Some(call),
        _ => None,
    }
}

/// Lets branches bypass blocks that only jump on.
fn thread(func: &mut Function) {
    let entry = func.layout.entry_block();
    // A block that only jumps on can be bypassed unless what it dominates uses
    // its parameters. What its jump passes is defined above it or by it.
    let mut bypass: SecondaryMap<Block, bool> = SecondaryMap::new();
    let mut with_params = false;
    let mut any = false;
    for block in func.layout.blocks() {
        if Some(block) != entry && lone_jump(func, block).is_some() {
            any = true;
            bypass[block] = true;
            with_params |= !func.dfg.block_params(block).is_empty();
        }
    }
    if !any {
        return;
    }
    if with_params {
        func.dfg.states.for_each_value(|v| {
            if let ValueDef::Param(owner, _) = func.dfg.value_def(v) {
                bypass[owner] = false;
            }
        });
        for block in func.layout.blocks() {
            for inst in func.layout.block_insts(block) {
                func.dfg.for_each_use(inst, |v| {
                    if let ValueDef::Param(owner, _) = func.dfg.value_def(v)
                        && owner != block
                    {
                        bypass[owner] = false;
                    }
                });
            }
        }
    }
    let blocks: SmallVec<[Block; 32]> = func.layout.blocks().collect();
    for block in blocks {
        let Some(inst) = func.layout.last_inst(block) else { continue };
        if !func.dfg.insts[inst].opcode.is_branch() {
            continue;
        }
        let calls = func.dfg.block_calls(inst);
        if !calls.iter().any(|call| bypass[call.block] && call.block != block) {
            continue;
        }
        let new: SmallVec<[BlockCall; 2]> =
            calls.iter().map(|&call| destination(func, call, block, &bypass)).collect();
        let mut new = new.into_iter();
        func.dfg.for_each_block_call_mut(inst, |call, _| *call = new.next().unwrap_or(*call));
    }
}

/// Follows a block call through blocks to bypass.
fn destination(
    func: &mut Function,
    mut call: BlockCall,
    from: Block,
    bypass: &SecondaryMap<Block, bool>,
) -> BlockCall {
    for _ in 0..MAX_HOPS {
        let via = call.block;
        if !bypass[via] || via == from {
            break;
        }
        let Some(next) = lone_jump(func, via) else { break };
        let passed: SmallVec<[BlockArg; 8]> = call.args(&func.dfg.block_args).collect();
        let args: SmallVec<[BlockArg; 8]> = next
            .args(&func.dfg.block_args)
            .map(|arg| match arg {
                BlockArg::Value(v) => match func.dfg.value_def(v) {
                    ValueDef::Param(owner, i) if owner == via => passed[i as usize],
                    _ => arg,
                },
                other => other,
            })
            .collect();
        call = BlockCall::new(next.block, args, &mut func.dfg.block_args);
    }
    call
}

/// Takes out blocks that control cannot reach.
fn remove_unreachable(func: &mut Function) {
    let mut reached: SecondaryMap<Block, bool> = SecondaryMap::with_capacity(func.dfg.blocks.len());
    let mut work: Vec<Block> = func.layout.entry_block().into_iter().collect();
    work.iter().for_each(|&block| reached[block] = true);
    while let Some(block) = work.pop() {
        let Some(last) = func.layout.last_inst(block) else { continue };
        for call in func.dfg.block_calls(last) {
            if !std::mem::replace(&mut reached[call.block], true) {
                work.push(call.block);
            }
        }
    }
    let dead: SmallVec<[Block; 8]> = func.layout.blocks().filter(|&block| !reached[block]).collect();
    dead.into_iter().for_each(|block| func.layout.remove_block(block));
}

/// Joins blocks with their only predecessor where that jumps to them.
fn merge(func: &mut Function) {
    let cfg = ControlFlowGraph::new(func);
    let entry = func.layout.entry_block();
    // In reverse postorder the first block of a chain takes in all the others,
    // so that each instruction moves at most once.
    let order = cfg.postorder(func);
    let mut changed = false;
    for &block in order.iter().rev() {
        if !func.layout.is_block_inserted(block) {
            continue;
        }
        while let Some(last) = func.layout.last_inst(block)
            && let Extra::Jump(call) = func.dfg.insts[last].extra
            && call.block != block
            && Some(call.block) != entry
            && cfg.only_pred(call.block).is_some()
        {
            changed = true;
            join(func, block, last, call);
        }
    }
    if changed {
        func.resolve_aliases();
    }
}

fn join(func: &mut Function, block: Block, jump: Inst, call: BlockCall) {
    let args: SmallVec<[BlockArg; 8]> = call.args(&func.dfg.block_args).collect();
    let params: SmallVec<[Value; 8]> = SmallVec::from_slice(func.dfg.block_params(call.block));
    func.dfg.retain_block_params(call.block, |_| false);
    for (param, arg) in params.into_iter().zip(args) {
        if let BlockArg::Value(v) = arg {
            func.dfg.make_alias(param, v);
        }
    }
    func.layout.remove_inst(jump);
    while let Some(inst) = func.layout.first_inst(call.block) {
        func.layout.remove_inst(inst);
        func.layout.append_inst(inst, block);
    }
    func.layout.remove_block(call.block);
}

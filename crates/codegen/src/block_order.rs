//! The order in which blocks are lowered, critical edges split.
//!
//! Needs: a function without unreachable successors. Provides: reachable blocks in
//! reverse postorder, with a block of its own for each edge from a block of
//! several successors to a block of several predecessors, and for every edge of a
//! `try_call` with handlers (results are fetched there).

use cranelift_entity::SecondaryMap;
use sidetrack_ir::{Block, ControlFlowGraph, Function, Opcode};

/// A block of VCode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoweredBlock {
    /// A block of the function.
    Orig(Block),
    /// The edge to successor number `succ` of `pred`.
    Edge {
        /// Where the edge starts.
        pred: Block,
        /// Which of its block calls it is.
        succ: u32,
    },
}

/// The order of blocks.
#[derive(Clone, Debug, Default)]
pub struct BlockOrder {
    /// The blocks in order; the first is the entry.
    pub blocks: Vec<LoweredBlock>,
    /// For each reachable block of the function the index of the VCode block that
    /// each of its block calls goes to.
    pub succs: SecondaryMap<Block, Vec<u32>>,
    /// The VCode block of each reachable block of the function.
    pub index: SecondaryMap<Block, u32>,
}

impl BlockOrder {
    /// The order for a function.
    pub fn new(func: &Function, cfg: &ControlFlowGraph) -> BlockOrder {
        let mut order = BlockOrder::default();
        let postorder = cfg.postorder(func);
        let mut reachable: SecondaryMap<Block, bool> = SecondaryMap::new();
        for &block in &postorder {
            reachable[block] = true;
        }
        let live_preds = |block: Block| cfg.preds(block).iter().filter(|(pred, _)| reachable[*pred]).count();
        for &block in postorder.iter().rev() {
            order.index[block] = order.blocks.len() as u32;
            order.blocks.push(LoweredBlock::Orig(block));
            let succs = cfg.succs(block);
            let split_all = succs.len() > 1
                && func.layout.last_inst(block).is_some_and(|inst| {
                    matches!(func.dfg.insts[inst].opcode, Opcode::TryCall | Opcode::TryCallIndirect)
                });
            // `u32::MAX` stands for "the successor itself", filled in below.
            let mut list = Vec::with_capacity(succs.len());
            for (i, &succ) in succs.iter().enumerate() {
                if split_all || (succs.len() > 1 && live_preds(succ) > 1) {
                    list.push(order.blocks.len() as u32);
                    order.blocks.push(LoweredBlock::Edge { pred: block, succ: i as u32 });
                } else {
                    list.push(u32::MAX);
                }
            }
            order.succs[block] = list;
        }
        for &block in &postorder {
            for (i, &succ) in cfg.succs(block).iter().enumerate() {
                if order.succs[block][i] == u32::MAX {
                    order.succs[block][i] = order.index[succ];
                }
            }
        }
        order
    }
}

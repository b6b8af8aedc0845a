//! The control flow graph: who branches where.

use crate::entities::{Block, Inst};
use crate::function::Function;
use crate::work;
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;

/// A way into a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pred {
    /// The block that it comes from.
    pub block: Block,
    /// The branch at its end.
    pub branch: Inst,
    /// Which of the branch's block calls it is, for
    /// [`DataFlowGraph::block_call`](crate::dfg::DataFlowGraph::block_call).
    pub call: u32,
}

#[derive(Clone, Debug, Default)]
struct Node {
    succs: SmallVec<[Block; 2]>,
    preds: SmallVec<[Pred; 2]>,
}

/// Successors and predecessors of every block in the layout.
///
/// An edge is listed once per block call, so a block that a branch names twice is
/// its successor twice.
#[derive(Clone, Debug, Default)]
pub struct ControlFlowGraph {
    nodes: SecondaryMap<Block, Node>,
}

impl ControlFlowGraph {
    /// The graph of a function whose blocks end in terminators.
    pub fn new(func: &Function) -> Self {
        let mut cfg = ControlFlowGraph { nodes: SecondaryMap::with_capacity(func.dfg.blocks.len()) };
        for block in func.layout.blocks() {
            let Some(last) = func.layout.last_inst(block) else { continue };
            func.dfg.for_each_block_call(last, |number, call| {
                cfg.nodes[block].succs.push(call.block);
                cfg.nodes[call.block].preds.push(Pred { block, branch: last, call: number });
            });
        }
        cfg
    }

    /// Where control may go from the end of a block, in the branch's order.
    pub fn succs(&self, block: Block) -> &[Block] {
        work::steps(1);
        &self.nodes[block].succs
    }

    /// The ways into a block; those of one branch are neighbours.
    pub fn preds(&self, block: Block) -> &[Pred] {
        // They are asked for to go through all of them.
        let preds = &self.nodes[block].preds;
        work::steps(1 + preds.len());
        preds
    }

    /// The way into a block that has no other.
    pub fn only_pred(&self, block: Block) -> Option<Pred> {
        work::steps(1);
        let [pred] = self.nodes[block].preds[..] else { return None };
        Some(pred)
    }

    /// The blocks that control can reach, each after all its successors except
    /// over back edges.
    pub fn postorder(&self, func: &Function) -> Vec<Block> {
        let mut order = Vec::new();
        let Some(entry) = func.layout.entry_block() else { return order };
        let mut visited: SecondaryMap<Block, bool> = SecondaryMap::new();
        visited[entry] = true;
        let mut stack = vec![(entry, 0)];
        while let Some((block, next)) = stack.last_mut() {
            let succs = self.succs(*block);
            // Later successors are visited first, so that reversing the order
            // puts a branch's first target right behind it.
            match succs.len().checked_sub(*next + 1) {
                Some(index) => {
                    *next += 1;
                    let succ = succs[index];
                    if !std::mem::replace(&mut visited[succ], true) {
                        stack.push((succ, 0));
                    }
                }
                None => {
                    order.push(*block);
                    stack.pop();
                }
            }
        }
        order
    }
}

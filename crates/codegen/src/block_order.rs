//! The order in which blocks are lowered, critical edges split.
//!
//! Needs: a function without unreachable successors. Provides: reachable blocks in
//! reverse postorder, with a block of its own for each edge from a block of
//! several successors to a block of several predecessors, and for every edge of a
//! `try_call` with handlers (results are fetched there).
//!
//! Entries of a `br_table` that go to the same block with the same arguments are one edge.
//!
//! Such a block comes right after the one that its edge leaves. In functions of many
//! blocks it stands in front of the one that the edge goes to, unless that is a way back:
//! what lives on behind a branch is not live on most of the edges out of it, and each of
//! these between two blocks where it is cuts its live range in two, for every value.

use cranelift_entity::SecondaryMap;
use foldhash::fast::RandomState;
use sidetrack_ir::inst::PackedBlockArg;
use sidetrack_ir::{Block, BlockCall, ControlFlowGraph, Extra, Function, Opcode};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;

/// A block of VCode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoweredBlock {
    /// A block of the function.
    Orig(Block),
    /// An edge.
    Edge {
        /// Where it starts.
        pred: Block,
        /// Which of that block's edges it is.
        number: u32,
    },
}

/// An edge of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where it goes, and with what.
    pub call: BlockCall,
    /// The VCode block that it goes to: its own, or that of the block called.
    pub to: u32,
}

/// The order of blocks.
#[derive(Clone, Debug, Default)]
pub struct BlockOrder {
    /// The blocks in order; the first is the entry.
    pub blocks: Vec<LoweredBlock>,
    /// The VCode block of each reachable block of the function.
    pub index: SecondaryMap<Block, u32>,
    /// The edges of all blocks, and which are whose.
    edges: Vec<Edge>,
    ranges: SecondaryMap<Block, Range<u32>>,
    /// For each entry of a `br_table`, the default first, which edge it is.
    tables: SecondaryMap<Block, Vec<u32>>,
}

impl BlockOrder {
    /// The order for a function.
    pub fn new(func: &Function, cfg: &ControlFlowGraph) -> BlockOrder {
        let mut order = BlockOrder::default();
        let postorder = cfg.postorder(func);
        let mut ways: SecondaryMap<Block, u32> = SecondaryMap::with_capacity(func.dfg.blocks.len());
        for &block in postorder.iter().rev() {
            let first = order.edges.len();
            order.add_edges(func, block);
            order.edges[first..].iter().for_each(|edge| ways[edge.call.block] += 1);
            order.ranges[block] = first as u32..order.edges.len() as u32;
        }
        for &block in postorder.iter().rev() {
            order.index[block] = order.blocks.len() as u32;
            order.blocks.push(LoweredBlock::Orig(block));
            let Range { start, end } = order.ranges[block];
            let several = end - start > 1;
            let split_all = several
                && func.layout.last_inst(block).is_some_and(|inst| {
                    matches!(func.dfg.insts[inst].opcode, Opcode::TryCall | Opcode::TryCallIndirect)
                });
            // A `br_table` has an operand, so arguments cannot be moved in front of it.
            let splits = several || order.tables.get(block).is_some_and(|table| !table.is_empty());
            for (number, edge) in (0..).zip(&mut order.edges[start as usize..end as usize]) {
                if split_all || (splits && ways[edge.call.block] > 1) {
                    edge.to = order.blocks.len() as u32;
                    order.blocks.push(LoweredBlock::Edge { pred: block, number });
                }
            }
        }
        for edge in &mut order.edges {
            if edge.to == UNSPLIT {
                edge.to = order.index[edge.call.block];
            }
        }
        if order.blocks.len() > MANY_BLOCKS {
            order.place_edges();
        }
        order
    }

    /// Moves the blocks of edges forwards in front of where they go.
    fn place_edges(&mut self) {
        let old = std::mem::take(&mut self.blocks);
        let goal = |(at, block): (u32, &LoweredBlock)| {
            let LoweredBlock::Edge { pred, number } = *block else { return (at, true, at) };
            match self.index[self.edges(pred)[number as usize].call.block] {
                to if to > at => (to, false, at),
                _ => (at, true, at),
            }
        };
        let mut places: Vec<(u32, bool, u32)> = (0..).zip(&old).map(goal).collect();
        places.sort_unstable();
        let mut moved = vec![0; old.len()];
        for (new, &(.., at)) in (0..).zip(&places) {
            moved[at as usize] = new;
            let block = old[at as usize];
            if let LoweredBlock::Orig(block) = block {
                self.index[block] = new;
            }
            self.blocks.push(block);
        }
        self.edges.iter_mut().for_each(|edge| edge.to = moved[edge.to as usize]);
    }

    /// Adds the edges of a block.
    fn add_edges(&mut self, func: &Function, block: Block) {
        let Some(last) = func.layout.last_inst(block) else { return };
        let dfg = &func.dfg;
        let edges = &mut self.edges;
        if !matches!(dfg.insts[last].extra, Extra::Table(_)) {
            return dfg.for_each_block_call(last, |_, call| edges.push(Edge { call, to: UNSPLIT }));
        }
        let first = edges.len();
        let mut known: HashMap<(Block, &[PackedBlockArg]), u32, RandomState> = HashMap::default();
        let table = &mut self.tables[block];
        dfg.for_each_block_call(last, |_, call| {
            let key = (call.block, call.args.as_slice(&dfg.block_args));
            table.push(*known.entry(key).or_insert_with(|| {
                edges.push(Edge { call, to: UNSPLIT });
                (edges.len() - first - 1) as u32
            }));
        });
    }

    /// The edges of a block, in the order of its branch's block calls.
    pub fn edges(&self, block: Block) -> &[Edge] {
        let Range { start, end } = self.ranges[block];
        &self.edges[start as usize..end as usize]
    }

    /// The VCode block that each block call of a block's branch goes to.
    pub fn targets(&self, block: Block) -> SmallVec<[u32; 4]> {
        let edges = self.edges(block);
        match self.tables.get(block).filter(|table| !table.is_empty()) {
            Some(table) => table.iter().map(|&edge| edges[edge as usize].to).collect(),
            None => edges.iter().map(|edge| edge.to).collect(),
        }
    }
}

/// In the place of an edge's VCode block: the block called.
const UNSPLIT: u32 = u32::MAX;

/// From so many blocks on live ranges have to be long.
const MANY_BLOCKS: usize = 512;

//! The dominator tree.
//!
//! Immediate dominators by iteration over a reverse postorder (Cooper, Harvey and
//! Kennedy, "A Simple, Fast Dominance Algorithm"), then numbers of a preorder walk
//! of the tree, so that each query takes constant time.

use crate::cfg::ControlFlowGraph;
use crate::entities::Block;
use crate::function::Function;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;

#[derive(Clone, Debug, Default)]
struct Node {
    /// Position in reverse postorder from 1; 0 when control cannot reach the block.
    rpo: u32,
    idom: PackedOption<Block>,
    /// First and last preorder number in the block's subtree.
    first: u32,
    last: u32,
}

/// Which blocks lie on every way to a block.
#[derive(Clone, Debug, Default)]
pub struct DominatorTree {
    nodes: SecondaryMap<Block, Node>,
    postorder: Vec<Block>,
    children: SecondaryMap<Block, Vec<Block>>,
}

impl DominatorTree {
    /// The tree of a function.
    pub fn new(func: &Function, cfg: &ControlFlowGraph) -> Self {
        let mut tree = DominatorTree { postorder: cfg.postorder(func), ..Self::default() };
        for (i, &block) in tree.postorder.iter().rev().enumerate() {
            tree.nodes[block].rpo = i as u32 + 1;
        }
        tree.compute_idoms(cfg);
        tree.number();
        tree
    }

    fn compute_idoms(&mut self, cfg: &ControlFlowGraph) {
        let mut changed = true;
        while changed {
            changed = false;
            for i in (0..self.postorder.len().saturating_sub(1)).rev() {
                let block = self.postorder[i];
                let entry = *self.postorder.last().expect("there is an entry block");
                let mut idom: Option<Block> = None;
                for &(pred, _) in cfg.preds(block) {
                    if pred != entry && self.nodes[pred].idom.is_none() {
                        continue;
                    }
                    idom = Some(idom.map_or(pred, |other| self.common(pred, other)));
                }
                if self.nodes[block].idom.expand() != idom {
                    self.nodes[block].idom = idom.into();
                    changed = true;
                }
            }
        }
    }

    fn common(&self, mut a: Block, mut b: Block) -> Block {
        while a != b {
            let deeper = if self.nodes[a].rpo > self.nodes[b].rpo { &mut a } else { &mut b };
            *deeper = self.nodes[*deeper].idom.expand().expect("only the entry block has no dominator");
        }
        a
    }

    fn number(&mut self) {
        let Some(&entry) = self.postorder.last() else { return };
        for &block in self.postorder.iter().rev() {
            if let Some(idom) = self.nodes[block].idom.expand() {
                self.children[idom].push(block);
            }
        }
        let mut counter = 0;
        let mut stack = vec![(entry, 0)];
        self.nodes[entry].first = counter;
        while let Some((block, next)) = stack.last_mut() {
            match self.children[*block].get(*next) {
                Some(&child) => {
                    *next += 1;
                    counter += 1;
                    self.nodes[child].first = counter;
                    stack.push((child, 0));
                }
                None => {
                    self.nodes[*block].last = counter;
                    stack.pop();
                }
            }
        }
    }

    /// Whether control can reach the block.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.nodes[block].rpo != 0
    }

    /// The closest block, other than `block`, on every way to it.
    pub fn idom(&self, block: Block) -> Option<Block> {
        self.nodes[block].idom.expand()
    }

    /// The blocks whose immediate dominator this is, in reverse postorder.
    pub fn children(&self, block: Block) -> &[Block] {
        &self.children[block]
    }

    /// Whether `a` lies on every way to `b`; a block dominates itself. False when
    /// control cannot reach one of them.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let (a, b) = (&self.nodes[a], &self.nodes[b]);
        a.rpo != 0 && b.rpo != 0 && a.first <= b.first && b.first <= a.last
    }

    /// Reachable blocks, each after its successors except over back edges.
    pub fn postorder(&self) -> &[Block] {
        &self.postorder
    }

    /// Position of a reachable block in reverse postorder, from 1.
    pub fn rpo_index(&self, block: Block) -> u32 {
        self.nodes[block].rpo
    }
}

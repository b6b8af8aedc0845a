//! The dominator tree.
//!
//! Immediate dominators by way of semidominators (Lengauer and Tarjan, "A Fast Algorithm
//! for Finding Dominators in a Flowgraph", the simple version), so that the time is nearly
//! linear in the number of edges whatever the shape of the graph; then numbers of a preorder
//! walk of the tree, so that each query takes constant time.

use crate::cfg::ControlFlowGraph;
use crate::entities::Block;
use crate::function::Function;
use crate::work;
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
        let Some(&entry) = self.postorder.last() else { return };
        let mut search = Search::new(entry, cfg, self.postorder.len());
        search.find_dominators(cfg);
        for vertex in &search.vertices[1..] {
            let idom = search.vertices[vertex.idom as usize].block;
            self.nodes[vertex.block].idom = idom.into();
        }
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

/// A block in the search for dominators. Vertices are numbered in the order in which a
/// depth-first search meets them; where this says *smaller*, it means by that number.
struct Vertex {
    block: Block,
    /// By which way the search came.
    parent: u32,
    /// The smallest vertex with a way here whose inner vertices are all larger than this one.
    semi: u32,
    idom: u32,
    /// In the forest of vertices that are dealt with: somewhere above, or [`NONE`].
    ancestor: u32,
    /// The vertex with the smallest semidominator between `ancestor`, which does not count,
    /// and this one.
    best: u32,
    /// The first vertex whose semidominator this is, and the next with the same.
    bucket: u32,
    next: u32,
}

const NONE: u32 = u32::MAX;

struct Search {
    vertices: Vec<Vertex>,
    /// The vertex of each block, from 1; 0 if control cannot reach it.
    numbers: SecondaryMap<Block, u32>,
    /// The way to the root of a tree of the forest, kept for its memory.
    way: Vec<u32>,
}

impl Search {
    fn new(entry: Block, cfg: &ControlFlowGraph, count: usize) -> Self {
        let mut search =
            Search { vertices: Vec::with_capacity(count), numbers: SecondaryMap::new(), way: Vec::new() };
        let mut stack = vec![(entry, 0)];
        while let Some((block, parent)) = stack.pop() {
            if search.numbers[block] != 0 {
                continue;
            }
            let number = search.vertices.len() as u32;
            search.numbers[block] = number + 1;
            search.vertices.push(Vertex {
                block,
                parent,
                semi: number,
                idom: 0,
                ancestor: NONE,
                best: number,
                bucket: NONE,
                next: NONE,
            });
            stack.extend(cfg.succs(block).iter().map(|&succ| (succ, number)));
        }
        search
    }

    fn find_dominators(&mut self, cfg: &ControlFlowGraph) {
        for number in (1..self.vertices.len() as u32).rev() {
            let Vertex { block, parent, mut semi, .. } = self.vertices[number as usize];
            for pred in cfg.preds(block) {
                if let Some(pred) = self.numbers[pred.block].checked_sub(1) {
                    let best = self.best_above(pred);
                    semi = semi.min(self.vertices[best as usize].semi);
                }
            }
            let bucket = std::mem::replace(&mut self.vertices[semi as usize].bucket, number);
            let vertex = &mut self.vertices[number as usize];
            (vertex.semi, vertex.next, vertex.ancestor) = (semi, bucket, parent);
            let mut waiting = std::mem::replace(&mut self.vertices[parent as usize].bucket, NONE);
            while waiting != NONE {
                let best = self.best_above(waiting);
                let best_semi = self.vertices[best as usize].semi;
                let vertex = &mut self.vertices[waiting as usize];
                // The idom, or a vertex with the same one, which is smaller.
                vertex.idom = if best_semi < vertex.semi { best } else { parent };
                waiting = vertex.next;
            }
        }
        for number in 1..self.vertices.len() {
            let Vertex { idom, semi, .. } = self.vertices[number];
            if idom != semi {
                self.vertices[number].idom = self.vertices[idom as usize].idom;
            }
        }
    }

    /// The vertex with the smallest semidominator from `number` up to the root of its tree,
    /// which does not count; `number` itself if it is one. Shortens the way.
    fn best_above(&mut self, number: u32) -> u32 {
        let mut at = number;
        while self.vertices[at as usize].ancestor != NONE {
            work::steps(1);
            self.way.push(at);
            at = self.vertices[at as usize].ancestor;
        }
        // The root's child is as short as can be.
        self.way.pop();
        while let Some(below) = self.way.pop() {
            let Vertex { ancestor, best, .. } = self.vertices[below as usize];
            let above = &self.vertices[ancestor as usize];
            let (above_best, above_ancestor) = (above.best, above.ancestor);
            let better = self.vertices[above_best as usize].semi < self.vertices[best as usize].semi;
            let vertex = &mut self.vertices[below as usize];
            vertex.ancestor = above_ancestor;
            if better {
                vertex.best = above_best;
            }
        }
        self.vertices[number as usize].best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{self, Entropy};
    use crate::{Builder, CallConv, ExternalName, Signature, types::I32};

    /// Blocks that a block dominates: those that control cannot reach without it.
    fn without(func: &Function, cfg: &ControlFlowGraph, avoided: Block) -> SecondaryMap<Block, bool> {
        let mut reached = SecondaryMap::new();
        let entry = func.layout.entry_block().expect("there is an entry");
        let mut work = vec![entry];
        while let Some(block) = work.pop() {
            if block != avoided && !std::mem::replace(&mut reached[block], true) {
                work.extend(cfg.succs(block));
            }
        }
        reached
    }

    fn check(func: &Function) {
        let cfg = ControlFlowGraph::new(func);
        let tree = DominatorTree::new(func, &cfg);
        for a in func.layout.blocks() {
            let reached = without(func, &cfg, a);
            for b in func.layout.blocks() {
                let both = tree.is_reachable(a) && tree.is_reachable(b);
                assert_eq!(tree.dominates(a, b), both && !reached[b], "{a}, {b}:\n{func}");
            }
            let strict = func.layout.blocks().filter(|&b| b != a && tree.dominates(b, a));
            let closest = strict.max_by_key(|&b| tree.nodes[b].first);
            assert_eq!(tree.idom(a), closest, "{a}:\n{func}");
        }
    }

    #[test]
    fn random_graphs() {
        for seed in 0..400 {
            let mut entropy = Entropy::from_seed(seed, 512);
            let sig = Signature::of(CallConv::Fast, &[I32], &[]);
            let mut func = Function::new(ExternalName::named("f"), sig);
            let mut b = Builder::new(&mut func);
            let entry = b.create_entry_block();
            let cond = b.func.dfg.block_params(entry)[0];
            let blocks: Vec<Block> = (0..2 + seed % 12).map(|_| b.create_block()).collect();
            for at in std::iter::once(entry).chain(blocks.clone()) {
                b.switch_to(at);
                let [x, y] = [(); 2].map(|()| blocks[entropy.below(blocks.len())]);
                match entropy.below(8) {
                    0 => drop(b.return_(&[])),
                    1 | 2 => drop(b.jump(x, &[])),
                    _ => drop(b.brif(cond, (x, &[]), (y, &[]))),
                }
            }
            check(&func);
        }
    }

    #[test]
    fn random_functions() {
        for seed in 0..40 {
            random::function_set(seed, &random::Config::default()).iter().for_each(check);
        }
    }
}

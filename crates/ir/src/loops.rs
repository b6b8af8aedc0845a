//! Natural loops: a header and the blocks that reach it again without leaving.
//!
//! A back edge is an edge to a block that dominates its source. Loops that share
//! a header are one loop; of irreducible flow nothing is a loop.

use crate::cfg::ControlFlowGraph;
use crate::dominators::DominatorTree;
use crate::entities::Block;
use cranelift_entity::{PrimaryMap, SecondaryMap, entity_impl, packed_option::PackedOption};

/// A loop of the function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Loop(u32);
entity_impl!(Loop, "loop");

#[derive(Clone, Debug)]
struct LoopData {
    header: Block,
    parent: PackedOption<Loop>,
    depth: u32,
}

/// The loops of a function and how they nest.
#[derive(Clone, Debug, Default)]
pub struct LoopAnalysis {
    loops: PrimaryMap<Loop, LoopData>,
    innermost: SecondaryMap<Block, PackedOption<Loop>>,
}

impl LoopAnalysis {
    /// Finds the loops.
    pub fn new(cfg: &ControlFlowGraph, domtree: &DominatorTree) -> Self {
        let mut this = LoopAnalysis::default();
        // Postorder meets the headers of inner loops before those of outer ones,
        // so a block belongs to the first loop that claims it.
        for &header in domtree.postorder() {
            let back = cfg.preds(header).iter().map(|(pred, _)| *pred);
            let latches: Vec<Block> = back.filter(|&pred| domtree.dominates(header, pred)).collect();
            if !latches.is_empty() {
                this.claim(header, latches, cfg, domtree);
            }
        }
        for index in (0..this.loops.len()).rev() {
            let this_loop = Loop::from_u32(index as u32);
            let outer = this.loops[this_loop].parent.expand();
            this.loops[this_loop].depth = outer.map_or(1, |outer| this.loops[outer].depth + 1);
        }
        this
    }

    fn claim(
        &mut self,
        header: Block,
        mut work: Vec<Block>,
        cfg: &ControlFlowGraph,
        domtree: &DominatorTree,
    ) {
        let new = self.loops.push(LoopData { header, parent: None.into(), depth: 0 });
        while let Some(block) = work.pop() {
            let outermost = self.innermost[block].expand().map(|inner| self.outermost(inner));
            let enter_from = match outermost {
                Some(outer) if outer == new => continue,
                Some(outer) => {
                    self.loops[outer].parent = new.into();
                    self.loops[outer].header
                }
                None => {
                    self.innermost[block] = new.into();
                    block
                }
            };
            if enter_from != header {
                let preds = cfg.preds(enter_from).iter().map(|(pred, _)| *pred);
                work.extend(preds.filter(|&pred| domtree.is_reachable(pred)));
            }
        }
        if self.innermost[header].is_none() {
            self.innermost[header] = new.into();
        }
    }

    fn outermost(&self, mut inner: Loop) -> Loop {
        while let Some(parent) = self.loops[inner].parent.expand() {
            inner = parent;
        }
        inner
    }

    /// The loops, inner ones before outer ones.
    pub fn loops(&self) -> impl DoubleEndedIterator<Item = Loop> + use<> {
        self.loops.keys()
    }

    /// The innermost loop that a block is in.
    pub fn innermost(&self, block: Block) -> Option<Loop> {
        self.innermost[block].expand()
    }

    /// The block through which a loop is entered.
    pub fn header(&self, this_loop: Loop) -> Block {
        self.loops[this_loop].header
    }

    /// The loop around this one.
    pub fn parent(&self, this_loop: Loop) -> Option<Loop> {
        self.loops[this_loop].parent.expand()
    }

    /// How many loops a block is in.
    pub fn depth(&self, block: Block) -> u32 {
        self.innermost(block).map_or(0, |inner| self.loops[inner].depth)
    }

    /// Whether `block` is in `outer` or a loop inside it.
    pub fn contains(&self, outer: Loop, block: Block) -> bool {
        let mut at = self.innermost(block);
        while let Some(this_loop) = at {
            if this_loop == outer {
                return true;
            }
            at = self.parent(this_loop);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, CallConv, ExternalName, Function, Signature, types::I32};

    #[test]
    fn nested_loops() {
        let sig = Signature::of(CallConv::Fast, &[I32], &[]);
        let mut func = Function::new(ExternalName::named("f"), sig);
        let mut b = Builder::new(&mut func);
        let entry = b.create_entry_block();
        let cond = b.func.dfg.block_params(entry)[0];
        let [outer, inner, latch, exit] = std::array::from_fn(|_| b.create_block());
        b.jump(outer, &[]);
        b.switch_to(outer);
        b.jump(inner, &[]);
        b.switch_to(inner);
        b.brif(cond, (inner, &[]), (latch, &[]));
        b.switch_to(latch);
        b.brif(cond, (outer, &[]), (exit, &[]));
        b.switch_to(exit);
        b.return_(&[]);

        let cfg = ControlFlowGraph::new(&func);
        let domtree = DominatorTree::new(&func, &cfg);
        let loops = LoopAnalysis::new(&cfg, &domtree);
        assert_eq!([entry, outer, inner, latch, exit].map(|b| loops.depth(b)), [0, 1, 2, 1, 0]);
        let [inner_loop, outer_loop] = [inner, outer].map(|b| loops.innermost(b).unwrap());
        assert_eq!(loops.parent(inner_loop), Some(outer_loop));
        assert_eq!(loops.header(inner_loop), inner);
        assert!(loops.contains(outer_loop, inner) && !loops.contains(inner_loop, latch));
        assert!(domtree.dominates(outer, exit) && !domtree.dominates(exit, outer));
        assert_eq!(domtree.idom(latch), Some(inner));
    }
}

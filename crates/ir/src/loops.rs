//! Natural loops: a header and the blocks that reach it again without leaving.
//!
//! A back edge is an edge to a block that dominates its source. Loops that share
//! a header are one loop; of irreducible flow nothing is a loop.

use crate::cfg::ControlFlowGraph;
use crate::dominators::DominatorTree;
use crate::entities::Block;
use crate::work;
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
    /// A loop somewhere around this one, such that a search outwards takes a number of steps
    /// that is logarithmic in the depth; itself if none is around it.
    jump: Loop,
    /// The loop's number in a preorder walk of the nest, and how many from there on are
    /// inside of it, itself included.
    first: u32,
    size: u32,
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
        let mut outermost = SecondaryMap::new();
        // Postorder meets the headers of inner loops before those of outer ones,
        // so a block belongs to the first loop that claims it.
        for &header in domtree.postorder() {
            let back = cfg.preds(header).iter().map(|pred| pred.block);
            let latches: Vec<Block> = back.filter(|&pred| domtree.dominates(header, pred)).collect();
            if !latches.is_empty() {
                this.claim(header, latches, &mut outermost, cfg, domtree);
            }
        }
        this.number();
        this
    }

    /// Numbers the loops, which come after those inside of them.
    fn number(&mut self) {
        for inner in self.loops.keys() {
            if let Some(outer) = self.loops[inner].parent.expand() {
                self.loops[outer].size += self.loops[inner].size;
            }
        }
        let mut next = 0;
        // Where the next loop inside of one begins.
        let mut inside: SecondaryMap<Loop, u32> = SecondaryMap::with_capacity(self.loops.len());
        for this_loop in self.loops.keys().rev() {
            let LoopData { parent, size, .. } = self.loops[this_loop];
            let (depth, jump, at) = match parent.expand() {
                None => (1, this_loop, &mut next),
                Some(outer) => {
                    let depth = |at: Loop| self.loops[at].depth;
                    let jump = self.loops[outer].jump;
                    let further = self.loops[jump].jump;
                    let even = depth(outer) - depth(jump) == depth(jump) - depth(further);
                    (depth(outer) + 1, if even { further } else { outer }, &mut inside[outer])
                }
            };
            let first = *at;
            *at += size;
            inside[this_loop] = first + 1;
            let data = &mut self.loops[this_loop];
            (data.depth, data.jump, data.first) = (depth, jump, first);
        }
    }

    fn claim(
        &mut self,
        header: Block,
        mut work: Vec<Block>,
        around: &mut SecondaryMap<Loop, PackedOption<Loop>>,
        cfg: &ControlFlowGraph,
        domtree: &DominatorTree,
    ) {
        let new = self.loops.next_key();
        self.loops.push(LoopData { header, parent: None.into(), depth: 0, jump: new, first: 0, size: 1 });
        while let Some(block) = work.pop() {
            let outermost = self.innermost[block].expand().map(|inner| outermost(around, inner));
            let enter_from = match outermost {
                Some(outer) if outer == new => continue,
                Some(outer) => {
                    self.loops[outer].parent = new.into();
                    around[outer] = new.into();
                    self.loops[outer].header
                }
                None => {
                    self.innermost[block] = new.into();
                    block
                }
            };
            if enter_from != header {
                let preds = cfg.preds(enter_from).iter().map(|pred| pred.block);
                work.extend(preds.filter(|&pred| domtree.is_reachable(pred)));
            }
        }
        if self.innermost[header].is_none() {
            self.innermost[header] = new.into();
        }
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
        work::steps(1);
        self.loops[this_loop].parent.expand()
    }

    /// How many loops a block is in.
    pub fn depth(&self, block: Block) -> u32 {
        self.innermost(block).map_or(0, |inner| self.loops[inner].depth)
    }

    /// Whether `block` is in `outer` or a loop inside it.
    pub fn contains(&self, outer: Loop, block: Block) -> bool {
        self.innermost(block).is_some_and(|inner| self.is_inside(inner, outer))
    }

    /// Whether a loop is `outer` or in it.
    pub fn is_inside(&self, inner: Loop, outer: Loop) -> bool {
        work::steps(1);
        let LoopData { first, size, .. } = self.loops[outer];
        (first..first + size).contains(&self.loops[inner].first)
    }

    /// The outermost of a loop and those around it for which something holds, which does not
    /// hold further outside once it does not. Asks a number of times that is logarithmic in
    /// the depth.
    pub fn outermost_where(&self, inner: Loop, holds: impl Fn(Loop) -> bool) -> Option<Loop> {
        let mut at = Some(inner).filter(|&inner| holds(inner))?;
        while let Some(parent) = self.parent(at) {
            let LoopData { jump, .. } = self.loops[at];
            at = match (holds(jump), jump != parent && holds(parent)) {
                (true, _) => jump,
                (_, true) => parent,
                _ => break,
            };
        }
        Some(at)
    }
}

/// The outermost loop around one so far; shortens the way there.
fn outermost(around: &mut SecondaryMap<Loop, PackedOption<Loop>>, mut inner: Loop) -> Loop {
    while let Some(outer) = around[inner].expand() {
        work::steps(1);
        let further = around[outer];
        if further.is_some() {
            around[inner] = further;
        }
        inner = outer;
    }
    inner
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

    #[test]
    fn deep_nests() {
        let sig = Signature::of(CallConv::Fast, &[I32], &[]);
        let mut func = Function::new(ExternalName::named("f"), sig);
        let mut b = Builder::new(&mut func);
        let entry = b.create_entry_block();
        let cond = b.func.dfg.block_params(entry)[0];
        let depth = 100;
        let headers: Vec<Block> = (0..depth).map(|_| b.create_block()).collect();
        let latches: Vec<Block> = (0..depth).map(|_| b.create_block()).collect();
        let exit = b.create_block();
        b.jump(headers[0], &[]);
        for level in 0..depth {
            b.switch_to(headers[level]);
            b.jump(*headers.get(level + 1).unwrap_or(&latches[level]), &[]);
        }
        for level in (0..depth).rev() {
            b.switch_to(latches[level]);
            let out = level.checked_sub(1).map_or(exit, |outer| latches[outer]);
            b.brif(cond, (headers[level], &[]), (out, &[]));
        }
        b.switch_to(exit);
        b.return_(&[]);

        let cfg = ControlFlowGraph::new(&func);
        let domtree = DominatorTree::new(&func, &cfg);
        let loops = LoopAnalysis::new(&cfg, &domtree);
        let nest: Vec<Loop> = headers.iter().map(|&header| loops.innermost(header).unwrap()).collect();
        for (inner, &at) in nest.iter().enumerate() {
            assert_eq!(loops.depth(headers[inner]), inner as u32 + 1);
            for (outer, &around) in nest.iter().enumerate() {
                assert_eq!(loops.is_inside(at, around), outer <= inner);
                assert_eq!(loops.contains(around, latches[inner]), outer <= inner);
                let asked = std::cell::Cell::new(0);
                let found = loops.outermost_where(at, |this_loop| {
                    asked.set(asked.get() + 1);
                    loops.is_inside(this_loop, around)
                });
                assert_eq!(found, (outer <= inner).then_some(around));
                assert!(asked.get() < 40);
            }
        }
    }
}

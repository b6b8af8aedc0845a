//! The order of blocks in a function and of instructions in a block.
//!
//! Both are doubly linked lists threaded through entity maps, so that insertion
//! and removal anywhere take constant time and disturb no reference.

use crate::entities::{Block, Inst};
use crate::work;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;

#[derive(Clone, Debug, Default)]
struct BlockNode {
    prev: PackedOption<Block>,
    next: PackedOption<Block>,
    first: PackedOption<Inst>,
    last: PackedOption<Inst>,
    inserted: bool,
}

#[derive(Clone, Debug, Default)]
struct InstNode {
    block: PackedOption<Block>,
    prev: PackedOption<Inst>,
    next: PackedOption<Inst>,
}

/// The order of blocks and instructions.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    blocks: SecondaryMap<Block, BlockNode>,
    insts: SecondaryMap<Inst, InstNode>,
    first: PackedOption<Block>,
    last: PackedOption<Block>,
}

impl Layout {
    /// The entry block: the first in the layout.
    pub fn entry_block(&self) -> Option<Block> {
        self.first.expand()
    }

    /// Whether the block is in the layout.
    pub fn is_block_inserted(&self, block: Block) -> bool {
        self.blocks[block].inserted
    }

    /// Puts a block at the end.
    ///
    /// # Panics
    /// If it is in the layout already.
    pub fn append_block(&mut self, block: Block) {
        assert!(!self.is_block_inserted(block), "{block} is in the layout already");
        let prev = self.last;
        self.blocks[block] = BlockNode { prev, inserted: true, ..BlockNode::default() };
        match prev.expand() {
            Some(prev) => self.blocks[prev].next = block.into(),
            None => self.first = block.into(),
        }
        self.last = block.into();
    }

    /// Puts a block right after another.
    ///
    /// # Panics
    /// If it is in the layout already, or `after` is not.
    pub fn insert_block_after(&mut self, block: Block, after: Block) {
        assert!(!self.is_block_inserted(block) && self.is_block_inserted(after));
        let next = self.blocks[after].next;
        self.blocks[block] = BlockNode { prev: after.into(), next, inserted: true, ..BlockNode::default() };
        self.blocks[after].next = block.into();
        match next.expand() {
            Some(next) => self.blocks[next].prev = block.into(),
            None => self.last = block.into(),
        }
    }

    /// Takes a block out, with its instructions.
    pub fn remove_block(&mut self, block: Block) {
        while let Some(inst) = self.last_inst(block) {
            self.remove_inst(inst);
        }
        let BlockNode { prev, next, .. } = std::mem::take(&mut self.blocks[block]);
        match prev.expand() {
            Some(prev) => self.blocks[prev].next = next,
            None => self.first = next,
        }
        match next.expand() {
            Some(next) => self.blocks[next].prev = prev,
            None => self.last = prev,
        }
    }

    /// The block after this one.
    pub fn next_block(&self, block: Block) -> Option<Block> {
        work::steps(1);
        self.blocks[block].next.expand()
    }

    /// The blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        std::iter::successors(self.first.expand(), |&block| self.next_block(block))
    }

    /// The block that holds the instruction, if it is in the layout.
    pub fn inst_block(&self, inst: Inst) -> Option<Block> {
        work::steps(1);
        self.insts[inst].block.expand()
    }

    /// The first instruction of a block.
    pub fn first_inst(&self, block: Block) -> Option<Inst> {
        self.blocks[block].first.expand()
    }

    /// The last instruction of a block: its terminator once it is complete.
    pub fn last_inst(&self, block: Block) -> Option<Inst> {
        work::steps(1);
        self.blocks[block].last.expand()
    }

    /// The instruction after this one in its block.
    pub fn next_inst(&self, inst: Inst) -> Option<Inst> {
        work::steps(1);
        self.insts[inst].next.expand()
    }

    /// The instruction before this one in its block.
    pub fn prev_inst(&self, inst: Inst) -> Option<Inst> {
        work::steps(1);
        self.insts[inst].prev.expand()
    }

    /// The instructions of a block in order.
    pub fn block_insts(&self, block: Block) -> impl Iterator<Item = Inst> + '_ {
        std::iter::successors(self.first_inst(block), |&inst| self.next_inst(inst))
    }

    /// Puts an instruction at the end of a block.
    pub fn append_inst(&mut self, inst: Inst, block: Block) {
        debug_assert!(self.insts[inst].block.is_none() && self.is_block_inserted(block));
        let prev = self.blocks[block].last;
        self.insts[inst] = InstNode { block: block.into(), prev, next: None.into() };
        match prev.expand() {
            Some(prev) => self.insts[prev].next = inst.into(),
            None => self.blocks[block].first = inst.into(),
        }
        self.blocks[block].last = inst.into();
    }

    /// Puts an instruction in front of another.
    ///
    /// # Panics
    /// If `before` is not in the layout.
    pub fn insert_inst(&mut self, inst: Inst, before: Inst) {
        debug_assert!(self.insts[inst].block.is_none());
        let block = self.inst_block(before).expect("the instruction to insert before is in the layout");
        let prev = self.insts[before].prev;
        self.insts[inst] = InstNode { block: block.into(), prev, next: before.into() };
        self.insts[before].prev = inst.into();
        match prev.expand() {
            Some(prev) => self.insts[prev].next = inst.into(),
            None => self.blocks[block].first = inst.into(),
        }
    }

    /// Takes an instruction out.
    ///
    /// # Panics
    /// If it is not in the layout.
    pub fn remove_inst(&mut self, inst: Inst) {
        let InstNode { block, prev, next } = std::mem::take(&mut self.insts[inst]);
        let block = block.expand().expect("the instruction to remove is in the layout");
        match prev.expand() {
            Some(prev) => self.insts[prev].next = next,
            None => self.blocks[block].first = next,
        }
        match next.expand() {
            Some(next) => self.insts[next].prev = prev,
            None => self.blocks[block].last = prev,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_entity::EntityRef;

    #[test]
    fn insert_and_remove_keep_order() {
        let mut layout = Layout::default();
        let [b0, b1, b2] = [0, 1, 2].map(Block::new);
        let [i0, i1, i2] = [0, 1, 2].map(Inst::new);
        layout.append_block(b0);
        layout.append_block(b2);
        layout.insert_block_after(b1, b0);
        assert_eq!(layout.blocks().collect::<Vec<_>>(), [b0, b1, b2]);
        layout.append_inst(i0, b1);
        layout.append_inst(i2, b1);
        layout.insert_inst(i1, i2);
        assert_eq!(layout.block_insts(b1).collect::<Vec<_>>(), [i0, i1, i2]);
        layout.remove_inst(i0);
        layout.remove_inst(i2);
        assert_eq!((layout.first_inst(b1), layout.last_inst(b1)), (Some(i1), Some(i1)));
        layout.remove_block(b1);
        assert_eq!(layout.blocks().collect::<Vec<_>>(), [b0, b2]);
        assert_eq!(layout.inst_block(i1), None);
    }
}

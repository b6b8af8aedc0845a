//! Loop-invariant code motion.
//!
//! Needs: all blocks reachable, no dead code, uses free of aliases.
//! Provides: pure operations whose operands do not change in a loop stand in
//! front of it; so do loads that may be moved (`notrap can_move`) of memory that
//! the loop does not write; uses free of aliases.
//! Breaks: the control flow graph and what follows from it, where a loop gets a
//! preheader.
//!
//! Approach: in reverse postorder, so that operands have moved before their uses
//! are looked at, each instruction goes to the outermost loop around it in which
//! its operands are invariant. Where an equal one has gone before it, that one's result
//! does: in the ways of a `br_table` none dominates the others, so each loads anew
//! where the memory is. A loop's preheader is a block that jumps to its
//! header and is the only way in; it is made when there is something to put in.
//! Constants and addresses of the environment stay where they are: it is cheaper
//! to make them again than to keep a register through the loop. So it is with other
//! operations once there are many and the loop is large: what is moved is kept through all
//! of its blocks, in a stack slot mostly, and the allocator's work is the product of the two.
//! An interpreter's loop of ten thousand blocks has thousands of addresses that could be moved.

use super::memory::{self, Regions};
use super::scalar::Node;
use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use foldhash::fast::RandomState;
use sidetrack_ir::loops::Loop;
use sidetrack_ir::{
    Block, BlockArg, BlockCall, ControlFlowGraph, DominatorTree, Extra, Function, Inst, LoopAnalysis, Opcode,
    Type, Value, ValueDef,
};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Moves invariant instructions out of loops.
pub fn run(func: &mut Function) {
    let cfg = ControlFlowGraph::new(func);
    let domtree = DominatorTree::new(func, &cfg);
    let loops = LoopAnalysis::new(&cfg, &domtree);
    if loops.loops().next().is_none() {
        return;
    }
    let written = memory::regions_written_in_blocks(func);
    let written = memory::regions_written_in_loops(func, &loops, &written);
    let (preheaders, made) = (SecondaryMap::new(), SecondaryMap::new());
    let room = room(func, &loops);
    let mut motion = Motion {
        func,
        cfg: &cfg,
        domtree: &domtree,
        loops,
        written,
        room,
        preheaders,
        made,
        moved: HashMap::default(),
        merged: false,
    };
    for &block in domtree.postorder().iter().rev() {
        if let Some(inner) = motion.loops.innermost(block) {
            motion.block(block, inner);
        }
    }
    if motion.merged {
        func.resolve_aliases();
    }
}

/// How many blocks the values that are moved out of a loop may be kept through, counted for
/// each value.
const MOST_KEPT: u32 = 1 << 14;
/// How many values may be moved out of a loop, however large it is.
const ALWAYS_MOVED: u32 = 16;

/// How many values may be moved out of each loop.
fn room(func: &Function, loops: &LoopAnalysis) -> SecondaryMap<Loop, u32> {
    let mut sizes: SecondaryMap<Loop, u32> = SecondaryMap::new();
    for inner in func.layout.blocks().filter_map(|block| loops.innermost(block)) {
        sizes[inner] += 1;
    }
    let mut room = SecondaryMap::new();
    for this_loop in loops.loops() {
        if let Some(parent) = loops.parent(this_loop) {
            sizes[parent] += sizes[this_loop];
        }
        room[this_loop] = (MOST_KEPT / sizes[this_loop].max(1)).max(ALWAYS_MOVED);
    }
    room
}

struct Motion<'a> {
    func: &'a mut Function,
    cfg: &'a ControlFlowGraph,
    domtree: &'a DominatorTree,
    loops: LoopAnalysis,
    written: SecondaryMap<Loop, Regions>,
    /// How many more values may be moved out of each loop. Loads do not count.
    room: SecondaryMap<Loop, u32>,
    preheaders: SecondaryMap<Loop, PackedOption<Block>>,
    /// The loops that new blocks are preheaders of.
    made: SecondaryMap<Block, PackedOption<Loop>>,
    /// The results of operations that have been moved to each block.
    moved: HashMap<(Block, Node), Value, RandomState>,
    /// Whether a result has become another name of such a one.
    merged: bool,
}

impl Motion<'_> {
    fn block(&mut self, block: Block, inner: Loop) {
        let mut next = self.func.layout.first_inst(block);
        while let Some(inst) = next {
            next = self.func.layout.next_inst(inst);
            if !self.may_move(inst) {
                continue;
            }
            let counts = !self.func.dfg.insts[inst].opcode.can_load();
            let target = self.loops.outermost_where(inner, |this_loop| {
                (!counts || self.room[this_loop] > 0) && self.is_invariant(inst, this_loop)
            });
            if let Some(target) = target
                && let Some(preheader) = self.preheader(target)
                && let Some(end) = self.func.layout.last_inst(preheader)
            {
                self.room[target] -= u32::from(counts);
                self.move_out(inst, target, preheader, end);
            }
        }
    }

    /// Moves an instruction, and the constants in the loop that it uses, in front
    /// of the end of the loop's preheader.
    fn move_out(&mut self, inst: Inst, this_loop: Loop, preheader: Block, end: Inst) {
        for i in 0..self.func.dfg.args(inst).len() {
            if let Some(constant) = self.constant(self.func.dfg.args(inst)[i])
                && let Some(block) = self.func.layout.inst_block(constant)
                && self.contains(this_loop, block)
            {
                self.func.layout.remove_inst(constant);
                self.func.layout.insert_inst(constant, end);
            }
        }
        self.func.layout.remove_inst(inst);
        let dfg = &mut self.func.dfg;
        if let &[result] = dfg.results(inst) {
            let data = &dfg.insts[inst];
            let args = dfg.args(inst).iter().map(|&arg| dfg.resolve(arg)).collect();
            let node = Node { opcode: data.opcode, ty: data.ty, args, extra: data.extra };
            match self.moved.entry((preheader, node)) {
                Entry::Occupied(equal) => {
                    self.merged = true;
                    return dfg.make_alias(result, *equal.get());
                }
                Entry::Vacant(place) => place.insert(result),
            };
        }
        self.func.layout.insert_inst(inst, end);
    }

    fn constant(&self, v: Value) -> Option<Inst> {
        let inst = self.func.dfg.def_inst(v)?;
        self.func.dfg.insts[inst].opcode.is_constant().then_some(inst)
    }

    /// Whether an instruction may be executed where it was not, and gains by it.
    fn may_move(&self, inst: Inst) -> bool {
        let data = &self.func.dfg.insts[inst];
        match (data.opcode, data.extra) {
            (opcode, Extra::Mem(flags, _)) if opcode.can_load() => {
                is_plain_load(opcode) && flags.can_move && flags.trap.is_none()
            }
            (opcode, _) => opcode.is_pure() && !data.args.is_empty(),
        }
    }

    fn is_invariant(&self, inst: Inst, this_loop: Loop) -> bool {
        if let Extra::Mem(flags, _) = self.func.dfg.insts[inst].extra
            && self.func.dfg.insts[inst].opcode.can_load()
            && !flags.readonly
            && memory::regions_read(&flags) & self.written[this_loop] != 0
        {
            return false;
        }
        self.func.dfg.args(inst).iter().all(|&v| !self.is_defined_in(v, this_loop))
    }

    /// Whether a value is computed anew in a loop. A constant never is, though it
    /// may stand in it: it is put in front with what uses it.
    fn is_defined_in(&self, v: Value, this_loop: Loop) -> bool {
        if self.constant(v).is_some() {
            return false;
        }
        let block = match self.func.dfg.value_def(self.func.dfg.resolve(v)) {
            ValueDef::Result(inst, _) => self.func.layout.inst_block(inst),
            ValueDef::Param(block, _) => Some(block),
            _ => None,
        };
        block.is_none_or(|block| self.contains(this_loop, block))
    }

    /// Whether a block, which may be a new preheader, is in a loop.
    fn contains(&self, outer: Loop, block: Block) -> bool {
        match self.made[block].expand().map(|inner| self.loops.parent(inner)) {
            Some(parent) => parent.is_some_and(|parent| self.loops.is_inside(parent, outer)),
            None => self.loops.contains(outer, block),
        }
    }

    /// The block in front of a loop; none when the loop starts the function.
    fn preheader(&mut self, this_loop: Loop) -> Option<Block> {
        if let Some(block) = self.preheaders[this_loop].expand() {
            return Some(block);
        }
        let header = self.loops.header(this_loop);
        if Some(header) == self.func.layout.entry_block() {
            return None;
        }
        let mut entering: SmallVec<[(Block, Inst); 4]> = SmallVec::new();
        for pred in self.cfg.preds(header) {
            // A preheader made since for an inner loop is inside this one's
            // blocks, and so no way in.
            if !self.domtree.dominates(header, pred.block) {
                entering.push((pred.block, pred.branch));
            }
        }
        entering.dedup();
        let block = match entering.as_slice() {
            &[(pred, branch)] if self.func.dfg.insts[branch].opcode == Opcode::Jump => pred,
            _ => {
                let block = self.make_preheader(header, &entering);
                self.made[block] = this_loop.into();
                block
            }
        };
        self.preheaders[this_loop] = block.into();
        Some(block)
    }

    /// A new block between the branches into a loop and its header, with the
    /// header's parameters.
    fn make_preheader(&mut self, header: Block, entering: &[(Block, Inst)]) -> Block {
        let dfg = &mut self.func.dfg;
        let block = dfg.make_block();
        let types: SmallVec<[Type; 8]> =
            dfg.block_params(header).iter().map(|&v| dfg.value_type(v)).collect();
        let params: SmallVec<[BlockArg; 8]> =
            types.into_iter().map(|ty| BlockArg::Value(dfg.append_block_param(block, ty))).collect();
        for &(_, branch) in entering {
            dfg.for_each_block_call_mut(branch, |call, _| {
                if call.block == header {
                    call.block = block;
                }
            });
        }
        dfg.blocks[block].cold = dfg.blocks[header].cold;
        let call = BlockCall::new(header, params, &mut dfg.block_args);
        let jump = dfg.make_inst(Opcode::Jump, Type::INVALID, &[], Extra::Jump(call));
        let after = entering.last().map_or(header, |&(pred, _)| pred);
        self.func.layout.insert_block_after(block, after);
        self.func.layout.append_inst(jump, block);
        block
    }
}

fn is_plain_load(opcode: Opcode) -> bool {
    use Opcode::*;
    matches!(
        opcode,
        Load | Uload8
            | Sload8
            | Uload16
            | Sload16
            | Uload32
            | Sload32
            | Uload8x8
            | Sload8x8
            | Uload16x4
            | Sload16x4
            | Uload32x2
            | Sload32x2
    )
}

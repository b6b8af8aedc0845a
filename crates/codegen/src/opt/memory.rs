//! What memory holds: which stores a load may see.
//!
//! Problem: a load gives what an earlier load or store of the same address did,
//! unless something wrote there in between. Approach: memory is split in four
//! regions (heap, table, vmctx, and accesses that name none, which may touch
//! all). A [`Token`] names the last event that may have written a region: an
//! instruction, or the entry of a block where ways with different events meet.
//! Equal tokens mean that nothing was written in between.
//!
//! The tokens at block entries come from one walk in reverse postorder. At a loop
//! header the back edges are not known yet; there a region keeps its token
//! exactly if no block of the loop writes it.

use cranelift_entity::SecondaryMap;
use sidetrack_ir::loops::Loop;
use sidetrack_ir::{
    AliasRegion, Block, ControlFlowGraph, DominatorTree, Endianness, Extra, Function, Inst, LoopAnalysis,
    MemFlags, Opcode, Type, Value, opcode::Props,
};

/// Regions as a set of bits.
pub type Regions = u8;
const REGIONS: usize = 4;
const ALL: Regions = 0b1111;
const OTHER: usize = 3;

fn region_index(region: Option<AliasRegion>) -> usize {
    match region {
        Some(AliasRegion::Heap) => 0,
        Some(AliasRegion::Table) => 1,
        Some(AliasRegion::VmCtx) => 2,
        Some(AliasRegion::Declared(_)) | None => OTHER,
    }
}

/// The regions that a load with these flags reads from.
pub fn regions_read(flags: &MemFlags) -> Regions {
    1 << region_index(flags.region)
}

/// The regions that an instruction may write, or orders accesses of. A call
/// writes all, patchable or not, on or off: it may be switched on at any time; only
/// if its callee is declared `readonly` it writes none.
pub fn regions_written(func: &Function, inst: Inst) -> Regions {
    let data = &func.dfg.insts[inst];
    let effects = data.opcode.props();
    let ordered = effects.has(Props::LOAD) && effects.has(Props::SIDE);
    let callee = func.dfg.call_target(inst);
    match data.extra {
        _ if callee.is_some_and(|callee| func.dfg.ext_funcs[callee].readonly) => 0,
        _ if ordered => ALL,
        Extra::Mem(flags, _) if effects.has(Props::STORE) && !effects.has(Props::SIDE) => {
            match flags.region {
                Some(_) => 1 << region_index(flags.region) | 1 << OTHER,
                None => ALL,
            }
        }
        _ if effects.has(Props::STORE) => ALL,
        _ => 0,
    }
}

/// What each loop's blocks may write.
pub fn regions_written_in_loops(
    func: &Function,
    loops: &LoopAnalysis,
    written: &SecondaryMap<Block, Regions>,
) -> SecondaryMap<Loop, Regions> {
    let mut result = SecondaryMap::new();
    for block in func.layout.blocks() {
        if let Some(inner) = loops.innermost(block) {
            result[inner] |= written[block];
        }
    }
    for inner in loops.loops() {
        if let Some(outer) = loops.parent(inner) {
            let written: Regions = result[inner];
            result[outer] |= written;
        }
    }
    result
}

/// What each block may write.
pub fn regions_written_in_blocks(func: &Function) -> SecondaryMap<Block, Regions> {
    let mut result = SecondaryMap::with_capacity(func.dfg.blocks.len());
    for block in func.layout.blocks() {
        let each = func.layout.block_insts(block).map(|inst| regions_written(func, inst));
        result[block] = each.fold(0, |all, one| all | one);
    }
    result
}

/// An event that may have written memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Token(u32);

impl Token {
    /// No event: memory that nothing ever writes.
    pub const READONLY: Token = Token(u32::MAX);

    fn inst(inst: Inst) -> Token {
        Token(inst.as_u32() << 1)
    }

    fn entry(block: Block) -> Token {
        Token(block.as_u32() << 1 | 1)
    }
}

/// The last events of all regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State([Token; REGIONS]);

impl State {
    /// The last event that a load with these flags may see.
    pub fn token(&self, flags: &MemFlags) -> Token {
        if flags.readonly { Token::READONLY } else { self.0[region_index(flags.region)] }
    }

    /// Records that an instruction wrote `regions`.
    pub fn write(&mut self, regions: Regions, inst: Inst) {
        self.set(regions, Token::inst(inst));
    }

    fn set(&mut self, regions: Regions, token: Token) {
        for (i, slot) in self.0.iter_mut().enumerate() {
            if regions >> i & 1 != 0 {
                *slot = token;
            }
        }
    }
}

/// The state at the entry of every reachable block.
pub fn entry_states(
    func: &Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
) -> SecondaryMap<Block, State> {
    let written = regions_written_in_blocks(func);
    let mut entries: SecondaryMap<Block, State> = SecondaryMap::with_capacity(func.dfg.blocks.len());
    if func.layout.blocks().all(|block| written[block] == 0) {
        return entries;
    }
    let loops = LoopAnalysis::new(cfg, domtree);
    let in_loops = regions_written_in_loops(func, &loops, &written);
    let mut exits: SecondaryMap<Block, State> = SecondaryMap::with_capacity(func.dfg.blocks.len());
    for &block in domtree.postorder().iter().rev() {
        let state = meet(block, cfg, domtree, &exits, |header| {
            let inner = loops.innermost(block).filter(|&inner| loops.header(inner) == header);
            inner.map_or(ALL, |inner| in_loops[inner])
        });
        entries[block] = state;
        exits[block] = state;
        if written[block] != 0 {
            for inst in func.layout.block_insts(block) {
                exits[block].write(regions_written(func, inst), inst);
            }
        }
    }
    entries
}

fn meet(
    block: Block,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    exits: &SecondaryMap<Block, State>,
    written_in_loop_of: impl Fn(Block) -> Regions,
) -> State {
    let own = Token::entry(block);
    let mut state: Option<State> = None;
    let mut differing = 0;
    for pred in cfg.preds(block).iter().map(|pred| pred.block) {
        if domtree.rpo_index(pred) >= domtree.rpo_index(block) {
            // A back edge of a loop, or of flow that is no loop.
            differing |= if domtree.dominates(block, pred) { written_in_loop_of(block) } else { ALL };
            continue;
        }
        let exit = exits[pred];
        let so_far = *state.get_or_insert(exit);
        for i in 0..REGIONS {
            differing |= Regions::from(so_far.0[i] != exit.0[i]) << i;
        }
    }
    let mut state = state.unwrap_or(State([own; REGIONS]));
    state.set(differing, own);
    state
}

/// A value that memory is known to hold.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Where, and how it is read.
    pub place: Place,
    /// What a read gives; for `istoreN` the value before it was narrowed.
    pub value: Value,
}

/// An address at a time, and the way in which it is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The last event that may have written there.
    pub token: Token,
    /// The address before the offset.
    pub addr: Value,
    /// The offset in bytes.
    pub offset: i32,
    /// The load's opcode, or `istoreN`, whose value is narrowed on its way.
    pub opcode: Opcode,
    /// The type read; of `istoreN` [`Type::INVALID`].
    pub ty: Type,
    /// The byte order of the access.
    pub endianness: Option<Endianness>,
}

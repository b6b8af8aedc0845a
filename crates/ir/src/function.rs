//! A function: name, signature, preamble, data flow graph and layout.

use crate::dfg::DataFlowGraph;
use crate::entities::*;
use crate::layout::Layout;
use crate::memflags::MemFlags;
use crate::signature::{ArgumentPurpose, ExternalName, Signature};
use crate::types::Type;
use cranelift_entity::{PrimaryMap, SecondaryMap};

/// Memory in the function's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackSlotData {
    /// Size in bytes.
    pub size: u32,
    /// log2 of the alignment in bytes.
    pub align_shift: u8,
    /// The front end's key, kept for it.
    pub key: Option<u64>,
}

/// A value that depends on the function's environment alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobalValueData {
    /// `vmctx`: the parameter of that purpose.
    VMContext,
    /// `load.T flags base+offset`: loaded once from the address `base + offset`.
    Load {
        /// The address before the offset.
        base: GlobalValue,
        /// Added to the base, in bytes.
        offset: i32,
        /// The type loaded.
        ty: Type,
        /// The load's flags.
        flags: MemFlags,
    },
    /// `iadd_imm.T base, offset`.
    IAddImm {
        /// The value added to.
        base: GlobalValue,
        /// What is added.
        offset: i64,
        /// The type.
        ty: Type,
    },
    /// `symbol name+offset`: the address of a symbol.
    Symbol {
        /// The symbol.
        name: ExternalName,
        /// Added to the address, in bytes.
        offset: i64,
        /// `colocated`: it is linked near this function.
        colocated: bool,
        /// `tls`: its address is relative to the thread.
        tls: bool,
    },
}

/// Where in the source an instruction comes from; the front end's number, printed
/// `@hex`. `None` is unknown.
pub type SourceLoc = Option<u32>;

/// A part of memory that no access outside of it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRegionData {
    /// The front end's number for it.
    pub user_id: u64,
    /// What it is.
    pub description: String,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: ExternalName,
    /// Its signature.
    pub signature: Signature,
    /// Memory in its frame.
    pub stack_slots: PrimaryMap<StackSlot, StackSlotData>,
    /// Values of its environment.
    pub global_values: PrimaryMap<GlobalValue, GlobalValueData>,
    /// Alias regions: `region0`, `region1`, ….
    pub alias_regions: Vec<AliasRegionData>,
    /// Instructions, values and blocks.
    pub dfg: DataFlowGraph,
    /// The order of blocks and instructions.
    pub layout: Layout,
    /// Source locations of instructions.
    pub source_locs: SecondaryMap<Inst, SourceLoc>,
}

impl Function {
    /// A function without blocks.
    pub fn new(name: ExternalName, signature: Signature) -> Self {
        Function {
            name,
            signature,
            stack_slots: PrimaryMap::new(),
            global_values: PrimaryMap::new(),
            alias_regions: Vec::new(),
            dfg: DataFlowGraph::default(),
            layout: Layout::default(),
            source_locs: SecondaryMap::new(),
        }
    }

    /// The parameter for the context, if the function has blocks and one of that purpose.
    pub fn context(&self) -> Option<Value> {
        let entry = self.layout.entry_block()?;
        let params = &self.signature.params;
        let number = params.iter().position(|param| param.purpose == ArgumentPurpose::VMContext)?;
        self.dfg.block_params(entry).get(number).copied()
    }

    /// Rewrites every use of an alias, those in states too, to the value that it names.
    pub fn resolve_aliases(&mut self) {
        self.dfg.flatten_aliases();
        self.dfg.resolve_states();
        let blocks: Vec<Block> = self.layout.blocks().collect();
        for block in blocks {
            let mut next = self.layout.first_inst(block);
            while let Some(inst) = next {
                let mut renamed: smallvec::SmallVec<[(Value, Value); 4]> = smallvec::SmallVec::new();
                let dfg = &self.dfg;
                dfg.for_each_use(inst, |v| {
                    let to = dfg.resolve(v);
                    if to != v {
                        renamed.push((v, to));
                    }
                });
                let mut renamed = renamed.into_iter().peekable();
                if renamed.peek().is_some() {
                    // `map_uses` visits uses in the order of `for_each_use`.
                    self.dfg
                        .map_uses(inst, |v| renamed.next_if(|(from, _)| *from == v).map_or(v, |(_, to)| to));
                }
                next = self.layout.next_inst(inst);
            }
        }
    }
}

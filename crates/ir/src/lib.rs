//! CLIF, the intermediate representation: functions in SSA form whose blocks take
//! parameters, after Cranelift's language and text syntax.
//!
//! This crate knows nothing of machines. Passes over the IR live in the code
//! generator; what is here defines the language: the opcode table, the data
//! structures, reading and writing text, the verifier, and the reference
//! interpreter that says what a function means.

#![forbid(unsafe_code)]

pub mod builder;
pub mod cfg;
pub mod condcodes;
pub mod data_value;
pub mod dfg;
pub mod dominators;
pub mod entities;
pub mod function;
pub mod immediates;
pub mod inst;
pub mod interp;
pub mod layout;
pub mod loops;
pub mod memflags;
pub mod opcode;
pub mod random;
pub mod signature;
pub mod states;
pub mod text;
pub mod types;
pub mod verifier;
pub mod work;

pub use builder::{Builder, Position};
pub use cfg::ControlFlowGraph;
pub use condcodes::{FloatCC, IntCC};
pub use data_value::DataValue;
pub use dfg::{DataFlowGraph, ValueDef};
pub use dominators::DominatorTree;
pub use entities::*;
pub use function::{AliasRegionData, Function, GlobalValueData, SourceLoc, StackSlotData};
pub use inst::{
    AtomicRmwOp, BlockArg, BlockCall, ExceptionItem, ExceptionTableData, Extra, InstData, JumpTableData,
    SiteInfo, StateEntry,
};
pub use layout::Layout;
pub use loops::LoopAnalysis;
pub use memflags::{AliasRegion, Endianness, MemFlags, TrapCode};
pub use opcode::{Format, Opcode};
pub use signature::{
    AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, ExtFuncData, ExternalName, Signature,
};
pub use states::{State, StateChange, StateCounts, StateCursor, StateRange, States};
pub use types::Type;

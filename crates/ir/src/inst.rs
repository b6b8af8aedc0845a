//! Instructions: an opcode, its controlling type, value arguments and one extra.
//!
//! Every instruction has the same shape, so that code which does not care what
//! an instruction means (value numbering, renaming, printing) needs no case per
//! format.

use crate::condcodes::{FloatCC, IntCC};
use crate::entities::{
    Block, Constant, ExceptionTable, FuncRef, GlobalValue, JumpTable, SigRef, StackSlot, Value,
};
use crate::memflags::{MemFlags, TrapCode};
use crate::opcode::Opcode;
use crate::types::Type;
use cranelift_entity::packed_option::ReservedValue;
use cranelift_entity::{EntityList, EntityRef, ListPool};
use std::fmt;

/// A list of values in the function's pool.
pub type ValueList = EntityList<Value>;
/// The pool that value lists live in.
pub type ValueListPool = ListPool<Value>;
/// The pool that the arguments of block calls live in.
pub type BlockArgPool = ListPool<PackedBlockArg>;

/// An instruction.
#[derive(Clone, Debug)]
pub struct InstData {
    /// What it does.
    pub opcode: Opcode,
    /// The controlling type, or [`Type::INVALID`] where the opcode has none.
    pub ty: Type,
    /// The value arguments, without those of block calls.
    pub args: ValueList,
    /// All that is not a value.
    pub extra: Extra,
}

/// The operands of an instruction that are not values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extra {
    /// None.
    None,
    /// An integer, or the bits of a float.
    Imm(i64),
    /// 16 bytes, little-endian: the lanes of `vconst`, the mask of `shuffle`.
    Bytes([u8; 16]),
    /// The number of a vector's lane.
    Lane(u8),
    /// The condition of `icmp`.
    IntCC(IntCC),
    /// The condition of `fcmp`.
    FloatCC(FloatCC),
    /// The code of a trap.
    Trap(TrapCode),
    /// Flags and byte offset of a memory access.
    Mem(MemFlags, i32),
    /// Flags and operation of `atomic_rmw`.
    Atomic(MemFlags, AtomicRmwOp),
    /// A stack slot and a byte offset in it.
    Stack(StackSlot, i32),
    /// A global value.
    Global(GlobalValue),
    /// A constant of the pool.
    Const(Constant),
    /// A direct callee.
    Func(FuncRef),
    /// The signature of an indirect call.
    Sig(SigRef),
    /// The callee and targets of `try_call`.
    TryCall(FuncRef, ExceptionTable),
    /// The targets of `try_call_indirect`.
    TryCallIndirect(ExceptionTable),
    /// The target of `jump`.
    Jump(BlockCall),
    /// The targets of `brif`: taken when not zero, taken when zero.
    Brif(BlockCall, BlockCall),
    /// The targets of `br_table`.
    Table(JumpTable),
}

/// What `atomic_rmw` does with the old value and its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum AtomicRmwOp {
    Add,
    Sub,
    And,
    Nand,
    Or,
    Xor,
    Xchg,
    Umin,
    Umax,
    Smin,
    Smax,
}

impl AtomicRmwOp {
    /// All operations with their names in CLIF text.
    pub const NAMED: [(AtomicRmwOp, &'static str); 11] = [
        (AtomicRmwOp::Add, "add"),
        (AtomicRmwOp::Sub, "sub"),
        (AtomicRmwOp::And, "and"),
        (AtomicRmwOp::Nand, "nand"),
        (AtomicRmwOp::Or, "or"),
        (AtomicRmwOp::Xor, "xor"),
        (AtomicRmwOp::Xchg, "xchg"),
        (AtomicRmwOp::Umin, "umin"),
        (AtomicRmwOp::Umax, "umax"),
        (AtomicRmwOp::Smin, "smin"),
        (AtomicRmwOp::Smax, "smax"),
    ];

    /// The operation that CLIF text calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, text)| *text == name).map(|(op, _)| *op)
    }
}

impl fmt::Display for AtomicRmwOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(op, _)| op == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

/// An argument that a branch passes to a block parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockArg {
    /// A value.
    Value(Value),
    /// `retN`: return value N of the `try_call` that makes this block call; only
    /// towards its normal-return block.
    TryCallRet(u32),
    /// `exnN`: payload N of the exception caught; only towards handlers.
    TryCallExn(u32),
}

impl fmt::Display for BlockArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockArg::Value(v) => write!(f, "{v}"),
            BlockArg::TryCallRet(n) => write!(f, "ret{n}"),
            BlockArg::TryCallExn(n) => write!(f, "exn{n}"),
        }
    }
}

/// A [`BlockArg`] in one word: the kind in the high two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedBlockArg(u32);

const KIND_SHIFT: u32 = 30;
const PAYLOAD: u32 = (1 << KIND_SHIFT) - 1;

impl From<BlockArg> for PackedBlockArg {
    fn from(arg: BlockArg) -> Self {
        let (kind, payload) = match arg {
            BlockArg::Value(v) => (0, v.as_u32()),
            BlockArg::TryCallRet(n) => (1, n),
            BlockArg::TryCallExn(n) => (2, n),
        };
        assert!(payload <= PAYLOAD, "block argument index too large");
        PackedBlockArg(kind << KIND_SHIFT | payload)
    }
}

impl From<PackedBlockArg> for BlockArg {
    fn from(packed: PackedBlockArg) -> Self {
        let payload = packed.0 & PAYLOAD;
        match packed.0 >> KIND_SHIFT {
            0 => BlockArg::Value(Value::from_u32(payload)),
            1 => BlockArg::TryCallRet(payload),
            _ => BlockArg::TryCallExn(payload),
        }
    }
}

impl EntityRef for PackedBlockArg {
    fn new(index: usize) -> Self {
        PackedBlockArg(index as u32)
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

impl ReservedValue for PackedBlockArg {
    fn reserved_value() -> Self {
        PackedBlockArg(u32::MAX)
    }
    fn is_reserved_value(&self) -> bool {
        self.0 == u32::MAX
    }
}

/// A branch target with the arguments for its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockCall {
    /// The target.
    pub block: Block,
    /// The arguments, packed, in the pool of block arguments.
    pub args: EntityList<PackedBlockArg>,
}

impl BlockCall {
    /// A call of `block` with these arguments.
    pub fn new(block: Block, args: impl IntoIterator<Item = BlockArg>, pool: &mut BlockArgPool) -> BlockCall {
        BlockCall { block, args: EntityList::from_iter(args.into_iter().map(PackedBlockArg::from), pool) }
    }

    /// The arguments.
    pub fn args<'a>(
        &self,
        pool: &'a BlockArgPool,
    ) -> impl DoubleEndedIterator<Item = BlockArg> + ExactSizeIterator + use<'a> {
        self.args.as_slice(pool).iter().map(|&packed| packed.into())
    }
}

/// The targets of a `br_table`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JumpTableData {
    /// Taken when the index is past the last entry.
    pub default: BlockCall,
    /// Taken for index 0, 1, ….
    pub entries: Vec<BlockCall>,
}

/// One item of a `try_call`'s exception table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExceptionItem {
    /// `tagN: block(…)`: catches exceptions with this tag.
    Tag(u32, BlockCall),
    /// `default: block(…)`: catches all.
    Default(BlockCall),
    /// `context v1`: the value that the tags after it are looked up in.
    Context(Value),
}

/// The targets of a `try_call`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExceptionTableData {
    /// The callee's signature.
    pub sig: SigRef,
    /// Where a normal return goes on.
    pub normal: BlockCall,
    /// Handlers in the order in which they are tried.
    pub items: Vec<ExceptionItem>,
}

/// A value that a debugger can read while an instruction is being executed.
///
/// The user gives keys a meaning: the number of a variable, say. A key that is not
/// listed is unavailable there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateEntry {
    /// The user's key, below 2^30; the keys of one instruction ascend.
    pub key: u32,
    /// The value.
    pub value: Value,
}

/// What makes a call site patchable, beyond its callee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteInfo {
    /// The user's tag.
    pub tag: u64,
    /// Whether the site starts on.
    pub on: bool,
    /// For each result the index of the argument that it equals when the site
    /// is off.
    pub pass_through: Vec<u32>,
}

impl Default for SiteInfo {
    fn default() -> Self {
        SiteInfo { tag: 0, on: true, pass_through: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_arguments_pack() {
        for arg in [BlockArg::Value(Value::from_u32(77)), BlockArg::TryCallRet(3), BlockArg::TryCallExn(1)] {
            assert_eq!(BlockArg::from(PackedBlockArg::from(arg)), arg);
        }
    }
}

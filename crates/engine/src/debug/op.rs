//! Operators as the interpreter runs them.
//!
//! Problem: WebAssembly has some 450 operators that only compute. Approach: those
//! are a function from bits to bits, of which the interpreter knows but the number
//! of operands; what it must know more about has a variant of its own. Large
//! operands (labels, vectors, places in memory) are in tables of the body, so that
//! an operator is 16 bytes.

use crate::Trap;
use std::ops::Range;

/// The bits of a value, zero-extended.
pub(super) type Bits = u128;

/// An operator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    /// Only structure: `nop`, `block`, `loop`, `try_table`, `try`, `end`, `delegate`.
    Nop,
    /// `unreachable`.
    Unreachable,
    /// What control never reaches.
    Dead,
    /// `else`, as the end of the first arm: goes on at this operator.
    Jump(u32),
    /// Goes on at this operator if the condition does not hold.
    If(u32),
    /// Goes to the label with this number. Also `catch` and `catch_all`, as ends of what is
    /// before them.
    Br(u32),
    /// Goes there if the condition holds.
    BrIf(u32),
    /// Goes to one of the labels listed from `first` on; the one after `count` is the default.
    BrTable { first: u32, count: u32 },
    /// `return` and the function's `end`.
    Return,

    /// `call`.
    Call { func: u32, tail: bool },
    /// `call_indirect`.
    CallIndirect { ty: u32, table: u32, tail: bool },
    /// What acts beyond the frame and linear memory, but does not call.
    Effect,
    /// `throw` and `rethrow`.
    Throw,
    /// `throw_ref`.
    ThrowRef,

    /// `drop`.
    Drop,
    /// `select`.
    Select,
    /// `local.get`.
    LocalGet(u32),
    /// `local.set`.
    LocalSet(u32),
    /// `local.tee`.
    LocalTee(u32),
    /// `global.get` of so many bits.
    GlobalGet { global: u32, width: u32 },
    /// `global.set`.
    GlobalSet(u32),
    /// `table.get`.
    TableGet(u32),
    /// `table.size`.
    TableSize(u32),
    /// `memory.size`.
    MemorySize(u32),
    /// `ref.func`.
    RefFunc(u32),

    /// A constant.
    Const(u64),
    /// The vector with this number.
    ConstVector(u32),
    /// Of one operand.
    Unary(fn(Bits) -> Bits),
    /// Of two.
    Binary(fn(Bits, Bits) -> Bits),
    /// Of three.
    Ternary(fn(Bits, Bits, Bits) -> Bits),
    /// Of one operand, for which there may be no result.
    TryUnary(fn(Bits) -> Result<Bits, Trap>),
    /// Of two.
    TryBinary(fn(Bits, Bits) -> Result<Bits, Trap>),
    /// Of a vector and a lane.
    ExtractLane(fn(Bits, u8) -> Bits, u8),
    /// Of a vector, a scalar and a lane.
    ReplaceLane(fn(Bits, Bits, u8) -> Bits, u8),
    /// Lanes of two vectors, chosen by the vector with this number.
    Shuffle(u32),

    /// Makes a value of so many bytes from the place with this number.
    Load { bytes: u8, place: u32, make: fn(Bits) -> Bits },
    /// Loads so many bytes into a lane.
    LoadLane { bytes: u8, lane: u8, place: u32 },
    /// Stores a value's low bytes.
    Store { bytes: u8, place: u32 },
    /// Stores a lane of so many bytes.
    StoreLane { bytes: u8, lane: u8, place: u32 },
    /// Stores what is made of the bytes there and a value; the result is what was there.
    Rmw { bytes: u8, place: u32, make: fn(Bits, Bits) -> Bits },
    /// Stores the upper value if the bytes there are the lower's; the result is what was there.
    CompareExchange { bytes: u8, place: u32 },
    /// `memory.atomic.notify`, of a memory that is not shared.
    Notify { place: u32 },
    /// `memory.atomic.wait`, of a memory that is not shared.
    Wait,
}

const _: () = assert!(size_of::<Op>() == 16);

impl Op {
    /// How many operands it takes off the stack if control goes on behind it; those
    /// of calls and other effects are not counted.
    pub fn pops(self) -> u32 {
        use Op::*;
        match self {
            Nop | Unreachable | Dead | Jump(_) | Br(_) | Return => 0,
            Call { .. } | CallIndirect { .. } | Effect | Throw | ThrowRef => 0,
            LocalGet(_) | GlobalGet { .. } | TableSize(_) | MemorySize(_) | RefFunc(_) => 0,
            Const(_) | ConstVector(_) => 0,
            If(_) | BrIf(_) | BrTable { .. } => 1,
            Drop | LocalSet(_) | LocalTee(_) | GlobalSet(_) | TableGet(_) => 1,
            Unary(_) | TryUnary(_) | ExtractLane(..) | Load { .. } => 1,
            Binary(_) | TryBinary(_) | ReplaceLane(..) | Shuffle(_) => 2,
            LoadLane { .. } | Store { .. } | StoreLane { .. } | Rmw { .. } | Notify { .. } => 2,
            Ternary(_) | Select | CompareExchange { .. } | Wait => 3,
        }
    }
}

/// Where a branch goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    /// The operator at which control goes on; [`Label::RETURN`] out of the function.
    pub op: u32,
    /// How many operands go along.
    pub arity: u32,
    /// The height of the operand stack below them there.
    pub height: u32,
}

impl Label {
    pub const RETURN: u32 = u32::MAX;
}

/// The handlers of a `try_table` or `try`.
#[derive(Clone, Debug)]
pub(super) struct Handlers {
    /// The operators in it.
    pub ops: Range<u32>,
    /// Where their labels are listed.
    pub labels: Range<usize>,
    /// The number of those around it.
    pub outer: Option<usize>,
    /// The number of those that get what these do not catch.
    pub next: Option<usize>,
}

/// The operands of an access that are not on the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub memory: u32,
    pub offset: u64,
    /// Whether the address must be a multiple of the access's size.
    pub aligned: bool,
}

//! The instruction table: operations of each shape and how they are encoded.

use super::encode::{Op, m0f, m38, one};
use sidetrack_ir::{IntCC, Type};

/// The width of an integer operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// 8 bits.
    S8,
    /// 16 bits.
    S16,
    /// 32 bits; the upper half of the destination becomes zero.
    S32,
    /// 64 bits.
    S64,
}

impl Size {
    /// The width of a type.
    pub fn of(ty: Type) -> Size {
        match ty.bits() {
            8 => Size::S8,
            16 => Size::S16,
            32 => Size::S32,
            _ => Size::S64,
        }
    }

    /// At least 32 bits.
    pub fn widened(self) -> Size {
        self.max(Size::S32)
    }

    /// The width in bits.
    pub fn bits(self) -> u32 {
        8 << self as u32
    }

    /// Bytes of an immediate of this width: at most 4.
    pub fn imm_bytes(self) -> u8 {
        [1, 2, 4, 4][self as usize]
    }
}

/// A condition on the flags; the value is the hardware's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Cc {
    O,
    No,
    B,
    Ae,
    E,
    Ne,
    Be,
    A,
    S,
    Ns,
    P,
    Np,
    L,
    Ge,
    Le,
    G,
}

impl Cc {
    const ALL: [Cc; 16] = [
        Cc::O,
        Cc::No,
        Cc::B,
        Cc::Ae,
        Cc::E,
        Cc::Ne,
        Cc::Be,
        Cc::A,
        Cc::S,
        Cc::Ns,
        Cc::P,
        Cc::Np,
        Cc::L,
        Cc::Ge,
        Cc::Le,
        Cc::G,
    ];

    /// The opposite condition.
    pub fn inverted(self) -> Cc {
        Cc::ALL[(self as u8 ^ 1) as usize]
    }

    /// The condition after a `cmp` of two integers.
    pub fn of(cc: IntCC) -> Cc {
        match cc {
            IntCC::Equal => Cc::E,
            IntCC::NotEqual => Cc::Ne,
            IntCC::SignedLessThan => Cc::L,
            IntCC::SignedGreaterThanOrEqual => Cc::Ge,
            IntCC::SignedGreaterThan => Cc::G,
            IntCC::SignedLessThanOrEqual => Cc::Le,
            IntCC::UnsignedLessThan => Cc::B,
            IntCC::UnsignedGreaterThanOrEqual => Cc::Ae,
            IntCC::UnsignedGreaterThan => Cc::A,
            IntCC::UnsignedLessThanOrEqual => Cc::Be,
        }
    }
}

/// `dst = src1 op src2`; the value is the digit of the immediate form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum AluOp {
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
}

/// The digit of `cmp` among those of [`AluOp`].
pub const CMP: u8 = 7;

/// Shifts and rotations; the value is the opcode's digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum ShiftOp {
    Rol = 0,
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// Shifts by a register that leave the flags alone (BMI2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ShiftxOp {
    Shlx,
    Shrx,
    Sarx,
}

impl ShiftxOp {
    /// The encoding.
    pub fn op(self) -> Op {
        m38([0x66, 0xf2, 0xf3][self as usize], 0xf7)
    }
}

/// `not` and `neg`, in place; the value is the opcode's digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum UnaryOp {
    Not = 2,
    Neg = 3,
}

/// `dst = op src` on integers of 32 or 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CountOp {
    Lzcnt,
    Tzcnt,
    Popcnt,
    Bsr,
    Bsf,
}

impl CountOp {
    /// The encoding.
    pub fn op(self) -> Op {
        match self {
            CountOp::Lzcnt => m0f(0xf3, 0xbd),
            CountOp::Tzcnt => m0f(0xf3, 0xbc),
            CountOp::Popcnt => m0f(0xf3, 0xb8),
            CountOp::Bsr => m0f(0, 0xbd),
            CountOp::Bsf => m0f(0, 0xbc),
        }
    }
}

/// How a move into an integer register fills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MovKind {
    /// 8 bits, zero-extended to 64.
    Zx8,
    /// 16 bits, zero-extended to 64.
    Zx16,
    /// 32 bits, zero-extended to 64.
    M32,
    M64,
    /// 8 bits, sign-extended to 32, the rest zero.
    Sx8To32,
    /// 16 bits, sign-extended to 32, the rest zero.
    Sx16To32,
    Sx8To64,
    Sx16To64,
    Sx32To64,
}

impl MovKind {
    /// The encoding and whether it is one of 64 bits.
    pub fn op(self) -> (Op, bool) {
        match self {
            MovKind::Zx8 => (m0f(0, 0xb6), false),
            MovKind::Zx16 => (m0f(0, 0xb7), false),
            MovKind::M32 => (one(0x8b), false),
            MovKind::M64 => (one(0x8b), true),
            MovKind::Sx8To32 => (m0f(0, 0xbe), false),
            MovKind::Sx16To32 => (m0f(0, 0xbf), false),
            MovKind::Sx8To64 => (m0f(0, 0xbe), true),
            MovKind::Sx16To64 => (m0f(0, 0xbf), true),
            MovKind::Sx32To64 => (one(0x63), true),
        }
    }

    /// Whether the source is a byte.
    pub fn reads_byte(self) -> bool {
        matches!(self, MovKind::Zx8 | MovKind::Sx8To32 | MovKind::Sx8To64)
    }

    /// From a type of this width to 64 bits.
    pub fn extend(from: Size, signed: bool) -> MovKind {
        match (from, signed) {
            (Size::S8, false) => MovKind::Zx8,
            (Size::S16, false) => MovKind::Zx16,
            (Size::S32, false) => MovKind::M32,
            (Size::S8, true) => MovKind::Sx8To64,
            (Size::S16, true) => MovKind::Sx16To64,
            (Size::S32, true) => MovKind::Sx32To64,
            (Size::S64, _) => MovKind::M64,
        }
    }
}

/// `dst = src1 op src2` on XMM registers. Operations of scalars come in two
/// widths; logical ones work on all 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum XmmOp {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    And,
    Or,
    Xor,
    /// All ones in the low lane if neither is a NaN.
    CmpOrd,
}

impl XmmOp {
    /// The encoding for `f64` if `wide`, else `f32`, and the immediate.
    pub fn op(self, wide: bool) -> (Op, Option<u8>) {
        let scalar = if wide { 0xf2 } else { 0xf3 };
        match self {
            XmmOp::Add => (m0f(scalar, 0x58), None),
            XmmOp::Mul => (m0f(scalar, 0x59), None),
            XmmOp::Sub => (m0f(scalar, 0x5c), None),
            XmmOp::Min => (m0f(scalar, 0x5d), None),
            XmmOp::Div => (m0f(scalar, 0x5e), None),
            XmmOp::Max => (m0f(scalar, 0x5f), None),
            XmmOp::And => (m0f(0, 0x54), None),
            XmmOp::Or => (m0f(0, 0x56), None),
            XmmOp::Xor => (m0f(0, 0x57), None),
            XmmOp::CmpOrd => (m0f(scalar, 0xc2), Some(7)),
        }
    }

    /// Whether a memory operand is 16 bytes.
    pub fn is_packed(self) -> bool {
        matches!(self, XmmOp::And | XmmOp::Or | XmmOp::Xor)
    }

    /// Whether the operands may be exchanged; of sums and products only if one of them
    /// is a number, since of two NaNs the first one is the result.
    pub fn is_commutative(self, one_is_number: bool) -> bool {
        match self {
            XmmOp::And | XmmOp::Or | XmmOp::Xor => true,
            XmmOp::Add | XmmOp::Mul => one_is_number,
            _ => false,
        }
    }
}

/// `dst = op src` on XMM registers; the source may be memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum XmmUnaryOp {
    /// Move of a scalar from memory, the rest zero.
    Load,
    Sqrt,
    /// Conversion to the other width; `wide` is the source's.
    Convert,
    /// SSE4.1: rounding; the immediate says how.
    Round(u8),
}

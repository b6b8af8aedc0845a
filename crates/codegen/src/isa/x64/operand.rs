//! Operands of machine instructions: addresses, memory, and what may be a register,
//! memory or an immediate.

use crate::abi::StackAddr;
use crate::reg::Reg;
use crate::vcode::OperandVisitor;
use sidetrack_artifact::TrapCode;

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amode {
    /// `base + disp`
    Base(Reg, i32),
    /// `base + (index << shift) + disp`
    Index {
        /// The base.
        base: Reg,
        /// The index.
        index: Reg,
        /// 0 to 3.
        shift: u8,
        /// The displacement in bytes.
        disp: i32,
    },
    /// In the frame.
    Stack(StackAddr),
    /// A constant.
    Const {
        /// Its bits, the lowest first.
        words: [u32; 4],
        /// The length in bytes: 4, 8 or 16.
        len: u8,
    },
}

impl Amode {
    /// A constant of `len` bytes; the upper 8 of 16 are zero.
    pub fn constant(bits: u64, len: u8) -> Amode {
        Amode::Const { words: [bits as u32, (bits >> 32) as u32, 0, 0], len }
    }

    /// A constant of 16 bytes.
    pub fn vector(bits: u128) -> Amode {
        Amode::Const { words: [0, 32, 64, 96].map(|at| (bits >> at) as u32), len: 16 }
    }

    /// Shows the registers to a visitor.
    pub fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Amode::Base(base, _) => {
                visitor.use_(base);
            }
            Amode::Index { base, index, .. } => {
                visitor.use_(base);
                visitor.use_(index);
            }
            Amode::Stack(_) | Amode::Const { .. } => {}
        }
    }

    /// As `visit`, for instructions that write a register before they are done
    /// with the address.
    pub fn visit_late(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Amode::Base(base, _) => {
                visitor.use_late(base);
            }
            Amode::Index { base, index, .. } => {
                visitor.use_late(base);
                visitor.use_late(index);
            }
            Amode::Stack(_) | Amode::Const { .. } => {}
        }
    }
}

/// Memory that an instruction accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// Where.
    pub amode: Amode,
    /// What a fault means.
    pub trap: Option<TrapCode>,
}

impl From<Amode> for Mem {
    fn from(amode: Amode) -> Mem {
        Mem { amode, trap: None }
    }
}

/// A register, memory or immediate operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rmi {
    /// A register.
    Reg(Reg),
    /// Memory.
    Mem(Mem),
    /// A constant, sign-extended.
    Imm(i32),
}

impl Rmi {
    /// A constant in memory.
    pub fn constant(bits: u64, len: u8) -> Rmi {
        Rmi::Mem(Amode::constant(bits, len).into())
    }

    /// A constant of 16 bytes in memory.
    pub fn vector(bits: u128) -> Rmi {
        Rmi::Mem(Amode::vector(bits).into())
    }

    /// Shows the registers to a visitor.
    pub fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Rmi::Reg(reg) => {
                visitor.use_(reg);
            }
            Rmi::Mem(mem) => mem.amode.visit(visitor),
            Rmi::Imm(_) => {}
        }
    }
}

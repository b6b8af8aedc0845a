//! Machine instructions: their operands, and what the code generator's common part
//! asks of them.
//!
//! A pseudo-instruction that writes a register before it has read all others shows it
//! so. Only instructions that lowering uses for it write flags that are read later;
//! moves, loads, stores and constants never do, so the allocator may put its moves
//! anywhere. Sequences may overwrite x16 and x17.

use super::encode::{Buf, Extend, Fixup, Imm12, LogicImm, Shift};
use super::neon::VecInst;
use super::ops::*;
use super::regs;
use super::{Aarch64, emit};
use crate::abi::StackAddr;
use crate::buffer::Label;
use crate::call::CallInfo;
use crate::reg::Reg;
use crate::vcode::{EmitCtx, MachInst, OperandVisitor, Terminator};
use regalloc2::{PReg, RegClass};
use sidetrack_artifact::{SymbolName, TrapCode};
use sidetrack_ir::types::{F32, F64, I64};
use sidetrack_ir::{AtomicRmwOp, Type};

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amode {
    /// `base + offset`
    Base(Reg, i32),
    /// `base + extend index`, which may be multiplied by the access's size.
    Index {
        /// The base.
        base: Reg,
        /// The index.
        index: Reg,
        /// How it is extended: `Uxtw`, `Sxtw`, or not by `Uxtx`.
        extend: Extend,
        /// Whether it is multiplied.
        scaled: bool,
    },
    /// In the frame.
    Stack(StackAddr),
}

impl Amode {
    /// Shows the registers.
    pub fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Amode::Base(base, _) => {
                visitor.use_(base);
            }
            Amode::Index { base, index, .. } => {
                visitor.use_(base);
                visitor.use_(index);
            }
            Amode::Stack(_) => {}
        }
    }
}

/// The last operand of an [`Inst::Alu`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A register.
    Reg(Reg),
    /// A register, shifted.
    Shifted(Reg, Shift, u8),
    /// A register, extended and shifted left by up to four.
    Extended(Reg, Extend, u8),
    /// A constant of arithmetic.
    Imm(Imm12),
    /// A constant of logic.
    Logic(LogicImm),
}

impl Rm {
    fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Rm::Reg(reg) | Rm::Shifted(reg, ..) | Rm::Extended(reg, ..) => {
                visitor.use_(reg);
            }
            Rm::Imm(_) | Rm::Logic(_) => {}
        }
    }
}

/// What a conditional branch or trap looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cond {
    /// The flags.
    Cc(Cc),
    /// Whether a register is zero.
    Zero(Size, Reg),
    /// Whether it is not.
    NotZero(Size, Reg),
    /// Whether a bit of a register is zero.
    BitClear(Reg, u8),
    /// Whether it is one.
    BitSet(Reg, u8),
}

impl Cond {
    /// The opposite.
    pub fn inverted(self) -> Cond {
        match self {
            Cond::Cc(cc) => Cond::Cc(cc.inverted()),
            Cond::Zero(size, reg) => Cond::NotZero(size, reg),
            Cond::NotZero(size, reg) => Cond::Zero(size, reg),
            Cond::BitClear(reg, bit) => Cond::BitSet(reg, bit),
            Cond::BitSet(reg, bit) => Cond::BitClear(reg, bit),
        }
    }

    fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Cond::Cc(_) => {}
            Cond::Zero(_, reg) | Cond::NotZero(_, reg) | Cond::BitClear(reg, _) | Cond::BitSet(reg, _) => {
                visitor.use_(reg);
            }
        }
    }
}

/// A machine instruction.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Inst {
    Alu {
        op: AluOp,
        size: Size,
        dst: Reg,
        n: Reg,
        m: Rm,
    },
    Op2 {
        op: Op2,
        size: Size,
        dst: Reg,
        n: Reg,
        m: Reg,
    },
    Op1 {
        op: Op1,
        size: Size,
        dst: Reg,
        n: Reg,
    },
    Op3 {
        op: Op3,
        size: Size,
        dst: Reg,
        n: Reg,
        m: Reg,
        a: Reg,
    },
    Bitfield {
        op: BitfieldOp,
        size: Size,
        dst: Reg,
        n: Reg,
        immr: u8,
        imms: u8,
    },
    Extr {
        size: Size,
        dst: Reg,
        n: Reg,
        m: Reg,
        lsb: u8,
    },
    Csel {
        op: CselOp,
        size: Size,
        dst: Reg,
        n: Reg,
        m: Reg,
        cc: Cc,
    },
    CcmpImm {
        size: Size,
        n: Reg,
        imm: u8,
        nzcv: u8,
        cc: Cc,
    },
    /// A constant.
    Imm {
        dst: Reg,
        value: u64,
    },
    Copy {
        dst: Reg,
        src: Reg,
        class: RegClass,
    },
    Load {
        op: MemOp,
        dst: Reg,
        addr: Amode,
        trap: Option<TrapCode>,
    },
    Store {
        op: MemOp,
        src: Reg,
        addr: Amode,
        trap: Option<TrapCode>,
    },
    /// An address in the frame.
    FrameAddr {
        dst: Reg,
        addr: StackAddr,
    },
    /// The address of a symbol plus an offset in bytes.
    Symbol {
        dst: Reg,
        name: SymbolName,
        offset: i64,
    },
    /// The address of a symbol that is linked near, plus an offset in bytes.
    NearSymbol {
        dst: Reg,
        name: SymbolName,
        offset: i64,
    },
    Fp2 {
        op: Fp2,
        wide: bool,
        dst: Reg,
        n: Reg,
        m: Reg,
    },
    Fp1 {
        op: Fp1,
        wide: bool,
        dst: Reg,
        n: Reg,
    },
    Fp3 {
        op: Fp3,
        wide: bool,
        dst: Reg,
        n: Reg,
        m: Reg,
        a: Reg,
    },
    /// To the other precision; `wide` is the result's.
    Fcvt {
        wide: bool,
        dst: Reg,
        n: Reg,
    },
    Fcmp {
        wide: bool,
        n: Reg,
        m: Reg,
    },
    FcmpZero {
        wide: bool,
        n: Reg,
    },
    Fcsel {
        wide: bool,
        dst: Reg,
        n: Reg,
        m: Reg,
        cc: Cc,
    },
    FpConst {
        wide: bool,
        dst: Reg,
        bits: u64,
    },
    FromInt {
        op: FromInt,
        size: Size,
        wide: bool,
        dst: Reg,
        n: Reg,
    },
    ToInt {
        op: ToInt,
        size: Size,
        wide: bool,
        dst: Reg,
        n: Reg,
    },
    FmovFromInt {
        size: Size,
        dst: Reg,
        n: Reg,
    },
    FmovToInt {
        size: Size,
        dst: Reg,
        n: Reg,
    },
    Vec(VecInst),
    TrapIf {
        cond: Cond,
        code: TrapCode,
    },
    Trap {
        code: TrapCode,
    },
    Breakpoint,
    Fence,
    Jump {
        target: Label,
    },
    Branch {
        cond: Cond,
        then: Label,
        other: Label,
    },
    /// To `then` if either holds.
    BranchEither {
        a: Cc,
        b: Cc,
        then: Label,
        other: Label,
    },
    /// To the label of the index, or the default if that is not below their number.
    JumpTable {
        index: Reg,
        tmp: Reg,
        default: Label,
        targets: Box<[Label]>,
    },
    /// A load that nothing later is done before; `width` is the logarithm of its size.
    LoadAcquire {
        width: u8,
        dst: Reg,
        addr: Reg,
        trap: Option<TrapCode>,
    },
    /// A store that nothing earlier is done after.
    StoreRelease {
        width: u8,
        src: Reg,
        addr: Reg,
        trap: Option<TrapCode>,
    },
    /// Not `Cas`.
    Lse {
        op: LseOp,
        width: u8,
        src: Reg,
        dst: Reg,
        addr: Reg,
        trap: Option<TrapCode>,
    },
    Cas {
        width: u8,
        dst: Reg,
        expected: Reg,
        new: Reg,
        addr: Reg,
        trap: Option<TrapCode>,
    },
    /// An atomic change as a loop; the old value comes in the memory's byte order.
    RmwLoop {
        op: AtomicRmwOp,
        width: u8,
        big: bool,
        dst: Reg,
        operand: Reg,
        addr: Reg,
        trap: Option<TrapCode>,
    },
    CasLoop {
        width: u8,
        dst: Reg,
        expected: Reg,
        new: Reg,
        addr: Reg,
        trap: Option<TrapCode>,
    },
    Args {
        defs: Vec<(Reg, PReg)>,
    },
    Ret {
        uses: Vec<(Reg, PReg)>,
    },
    Call {
        info: Box<CallInfo>,
    },
    ReturnCall {
        info: Box<CallInfo>,
    },
}

impl MachInst for Inst {
    type Fixup = Fixup;
    type Isa = Aarch64;

    // An epilogue that restores every register from far away.
    const MAX_BYTES: u32 = 1536;

    fn visit_operands(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Inst::Alu { dst, n, m, .. } => {
                visitor.use_(n);
                m.visit(visitor);
                visitor.def(dst);
            }
            Inst::Op2 { dst, n, m, .. }
            | Inst::Extr { dst, n, m, .. }
            | Inst::Csel { dst, n, m, .. }
            | Inst::Fp2 { dst, n, m, .. }
            | Inst::Fcsel { dst, n, m, .. } => {
                visitor.use_(n);
                visitor.use_(m);
                visitor.def(dst);
            }
            Inst::Op3 { dst, n, m, a, .. } | Inst::Fp3 { dst, n, m, a, .. } => {
                visitor.use_(n);
                visitor.use_(m);
                visitor.use_(a);
                visitor.def(dst);
            }
            Inst::Op1 { dst, n, .. }
            | Inst::Bitfield { dst, n, .. }
            | Inst::Fp1 { dst, n, .. }
            | Inst::Fcvt { dst, n, .. }
            | Inst::FromInt { dst, n, .. }
            | Inst::ToInt { dst, n, .. }
            | Inst::FmovFromInt { dst, n, .. }
            | Inst::FmovToInt { dst, n, .. } => {
                visitor.use_(n);
                visitor.def(dst);
            }
            Inst::Copy { dst, src, .. } => {
                // If both can be one register, nothing is left to do.
                let index = visitor.use_(src);
                visitor.def_reuse(dst, index);
            }
            Inst::Fcmp { n, m, .. } => {
                visitor.use_(n);
                visitor.use_(m);
            }
            Inst::CcmpImm { n, .. } | Inst::FcmpZero { n, .. } => {
                visitor.use_(n);
            }
            Inst::Imm { dst, .. }
            | Inst::FrameAddr { dst, .. }
            | Inst::Symbol { dst, .. }
            | Inst::NearSymbol { dst, .. }
            | Inst::FpConst { dst, .. } => {
                visitor.def(dst);
            }
            Inst::Load { dst, addr, .. } => {
                addr.visit(visitor);
                visitor.def(dst);
            }
            Inst::Store { src, addr, .. } => {
                visitor.use_(src);
                addr.visit(visitor);
            }
            Inst::Vec(inst) => inst.visit(visitor),
            Inst::TrapIf { cond, .. } | Inst::Branch { cond, .. } => cond.visit(visitor),
            Inst::JumpTable { index, tmp, .. } => {
                visitor.use_late(index);
                visitor.def_early(tmp);
            }
            Inst::LoadAcquire { dst, addr, .. } => {
                visitor.use_(addr);
                visitor.def(dst);
            }
            Inst::StoreRelease { src, addr, .. } => {
                visitor.use_(src);
                visitor.use_(addr);
            }
            Inst::Lse { src, dst, addr, .. } => {
                visitor.use_(src);
                visitor.use_(addr);
                visitor.def(dst);
            }
            Inst::Cas { dst, expected, new, addr, .. } => {
                let index = visitor.use_(expected);
                visitor.use_(new);
                visitor.use_(addr);
                visitor.def_reuse(dst, index);
            }
            Inst::RmwLoop { dst, operand, addr, .. } => {
                visitor.use_late(operand);
                visitor.use_late(addr);
                visitor.def_early(dst);
            }
            Inst::CasLoop { dst, expected, new, addr, .. } => {
                visitor.use_late(expected);
                visitor.use_late(new);
                visitor.use_late(addr);
                visitor.def_early(dst);
            }
            Inst::Args { defs } => {
                for (reg, preg) in defs {
                    visitor.def_fixed(reg, *preg);
                }
            }
            Inst::Ret { uses } => {
                for (reg, preg) in uses {
                    visitor.use_fixed(reg, *preg);
                }
            }
            Inst::Call { info } | Inst::ReturnCall { info } => info.visit_operands(visitor),
            Inst::Trap { .. }
            | Inst::Breakpoint
            | Inst::Fence
            | Inst::Jump { .. }
            | Inst::BranchEither { .. } => {}
        }
    }

    fn terminator(&self) -> Terminator {
        match self {
            Inst::Jump { .. } | Inst::Branch { .. } | Inst::BranchEither { .. } | Inst::JumpTable { .. } => {
                Terminator::Branch
            }
            Inst::Call { info } if info.try_call.is_some() => Terminator::Branch,
            Inst::Trap { .. } | Inst::Ret { .. } | Inst::ReturnCall { .. } => Terminator::Return,
            _ => Terminator::None,
        }
    }

    fn jump_target(&self) -> Option<Label> {
        match *self {
            Inst::Jump { target } => Some(target),
            _ => None,
        }
    }

    fn as_move(&self) -> Option<(Reg, Reg)> {
        match *self {
            Inst::Copy { dst, src, .. } => Some((dst, src)),
            _ => None,
        }
    }

    fn emit(&self, isa: &Aarch64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
        emit::emit(self, isa, buffer, ctx);
    }

    fn class(ty: Type) -> RegClass {
        if ty.is_int() { RegClass::Int } else { RegClass::Float }
    }

    fn mov(dst: Reg, src: Reg, class: RegClass) -> Self {
        Inst::Copy { dst, src, class }
    }

    fn reload(dst: Reg, addr: StackAddr, class: RegClass) -> Self {
        Self::load_stack(dst, addr, if class == RegClass::Int { I64 } else { F64 })
    }

    fn spill(src: Reg, addr: StackAddr, class: RegClass) -> Self {
        Self::store_stack(src, addr, if class == RegClass::Int { I64 } else { F64 })
    }

    fn load_stack(dst: Reg, addr: StackAddr, ty: Type) -> Self {
        let op = match ty {
            F32 => MemOp::LdrS,
            F64 => MemOp::LdrD,
            _ if ty.is_vector() => MemOp::LdrQ,
            _ => MemOp::LdrX,
        };
        Inst::Load { op, dst, addr: Amode::Stack(addr), trap: None }
    }

    fn store_stack(src: Reg, addr: StackAddr, ty: Type) -> Self {
        let op = match ty {
            F32 => MemOp::StrS,
            F64 => MemOp::StrD,
            _ if ty.is_vector() => MemOp::StrQ,
            _ => MemOp::StrX,
        };
        Inst::Store { op, src, addr: Amode::Stack(addr), trap: None }
    }

    fn extend(dst: Reg, src: Reg, from: Type, signed: bool) -> Self {
        let op = if signed { BitfieldOp::Sbfm } else { BitfieldOp::Ubfm };
        Inst::Bitfield { op, size: Size::S64, dst, n: src, immr: 0, imms: from.bits() as u8 - 1 }
    }

    fn jump(target: Label) -> Self {
        Inst::Jump { target }
    }

    fn args(defs: Vec<(Reg, PReg)>) -> Self {
        Inst::Args { defs }
    }

    fn ret(uses: Vec<(Reg, PReg)>) -> Self {
        Inst::Ret { uses }
    }

    fn call(info: Box<CallInfo>) -> Self {
        Inst::Call { info }
    }

    fn return_call(info: Box<CallInfo>) -> Self {
        Inst::ReturnCall { info }
    }
}

/// A comparison of integers.
pub fn cmp(size: Size, n: Reg, m: Rm) -> Inst {
    Inst::Alu { op: AluOp::Subs, size, dst: regs::ZR, n, m }
}

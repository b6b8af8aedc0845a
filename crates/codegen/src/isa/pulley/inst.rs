//! Machine instructions: their operands, and what the code generator's common
//! part asks of them.
//!
//! A variant is a shape of `ops` with registers, or a pseudo-instruction whose
//! bytes depend on the frame, on labels or on relocations. No variant writes a
//! register before it has read all others.

use super::ops::*;
use super::{Pulley, abi, emit};
use crate::abi::StackAddr;
use crate::buffer::{Buffer, FixupKind, Label};
use crate::call::{CallDest, CallInfo};
use crate::reg::Reg;
use crate::vcode::{EmitCtx, MachInst, OperandVisitor, Terminator};
use regalloc2::{PReg, RegClass};
use sidetrack_artifact::{SymbolName, TrapCode};
use sidetrack_ir::types::{F32, F64, I8, I16, I32};
use sidetrack_ir::{IntCC, Type};

/// A displacement of 4 bytes, relative to the start of its instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcRel {
    /// Bytes from the start of the instruction to the displacement.
    pub after: u32,
}

impl FixupKind for PcRel {
    fn max_backward(self) -> u32 {
        i32::MAX as u32
    }

    fn max_forward(self) -> u32 {
        i32::MAX as u32
    }

    fn size(self) -> u32 {
        4
    }

    fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32) {
        let start = use_offset.wrapping_sub(self.after);
        code.copy_from_slice(&label_offset.wrapping_sub(start).to_le_bytes());
    }

    fn veneer_size(self) -> Option<u32> {
        None
    }

    fn write_veneer(self, _code: &mut [u8]) -> (u32, Self) {
        unreachable!("the use has no veneer")
    }
}

/// The address of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addr {
    /// A register plus an offset in bytes.
    Reg(Reg, i32),
    /// In the frame.
    Stack(StackAddr),
}

impl Addr {
    fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        if let Addr::Reg(reg, _) = self {
            visitor.use_(reg);
        }
    }
}

/// A condition to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cond {
    /// The low 32 bits are not zero.
    NonZero(Reg),
    /// The low 32 bits are zero.
    Zero(Reg),
    /// A comparison of two registers, of 64 bits if `wide`, otherwise of the low
    /// 32.
    Cmp {
        /// How they compare.
        cc: IntCC,
        /// Whether all 64 bits count.
        wide: bool,
        /// The left side.
        a: Reg,
        /// The right side.
        b: Reg,
    },
    /// A comparison with a constant: sign-extended from 32 bits, or zero-extended
    /// if `cc` is an unsigned order.
    CmpImm {
        /// How they compare.
        cc: IntCC,
        /// Whether all 64 bits count.
        wide: bool,
        /// The left side.
        a: Reg,
        /// The right side.
        imm: u32,
    },
}

impl Cond {
    /// The opposite condition.
    pub fn inverted(self) -> Cond {
        match self {
            Cond::NonZero(reg) => Cond::Zero(reg),
            Cond::Zero(reg) => Cond::NonZero(reg),
            Cond::Cmp { cc, wide, a, b } => Cond::Cmp { cc: cc.complement(), wide, a, b },
            Cond::CmpImm { cc, wide, a, imm } => Cond::CmpImm { cc: cc.complement(), wide, a, imm },
        }
    }

    fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Cond::NonZero(a) | Cond::Zero(a) | Cond::CmpImm { a, .. } => {
                visitor.use_(a);
            }
            Cond::Cmp { a, b, .. } => {
                visitor.use_(a);
                visitor.use_(b);
            }
        }
    }
}

/// A machine instruction.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Inst {
    XConst {
        dst: Reg,
        imm: i64,
    },
    FConst {
        dst: Reg,
        bits: u64,
        wide: bool,
    },
    Xx {
        op: Xx,
        dst: Reg,
        src: Reg,
    },
    Xxx {
        op: Xxx,
        dst: Reg,
        a: Reg,
        b: Reg,
        trap: Option<TrapCode>,
    },
    XxU8 {
        op: XxU8,
        dst: Reg,
        src: Reg,
        imm: u8,
    },
    XxU32 {
        op: XxU32,
        dst: Reg,
        src: Reg,
        imm: u32,
    },
    XxI8 {
        op: XxI8,
        dst: Reg,
        src: Reg,
        imm: i8,
    },
    XxI32 {
        op: XxI32,
        dst: Reg,
        src: Reg,
        imm: i32,
    },
    XxU6 {
        op: XxU6,
        dst: Reg,
        src: Reg,
        imm: u8,
    },
    Xxxx {
        op: Xxxx,
        dst: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    Ff {
        op: Ff,
        dst: Reg,
        src: Reg,
    },
    Fff {
        op: Fff,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    Xff {
        op: Xff,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    Xf {
        op: Xf,
        dst: Reg,
        src: Reg,
        trap: Option<TrapCode>,
    },
    Fx {
        op: Fx,
        dst: Reg,
        src: Reg,
    },
    Fxff {
        op: Fxff,
        dst: Reg,
        cond: Reg,
        a: Reg,
        b: Reg,
    },
    Vf {
        op: Vf,
        dst: Reg,
        src: Reg,
    },
    Vx {
        op: Vx,
        dst: Reg,
        src: Reg,
    },
    Fv {
        op: Fv,
        dst: Reg,
        src: Reg,
        lane: u8,
    },
    XvLane {
        op: XvLane,
        dst: Reg,
        src: Reg,
        lane: u8,
    },
    VvxLane {
        op: VvxLane,
        dst: Reg,
        a: Reg,
        b: Reg,
        lane: u8,
    },
    VvfLane {
        op: VvfLane,
        dst: Reg,
        a: Reg,
        b: Reg,
        lane: u8,
    },
    Xv {
        op: Xv,
        dst: Reg,
        src: Reg,
    },
    Vv {
        op: Vv,
        dst: Reg,
        src: Reg,
    },
    Vvv {
        op: Vvv,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    Vvx {
        op: Vvx,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    Vvvv {
        op: Vvvv,
        dst: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    VConst {
        dst: Reg,
        bytes: [u8; 16],
    },
    /// `a` if the low 32 bits of `cond` are not zero, else `b`.
    VSelect {
        dst: Reg,
        cond: Reg,
        a: Reg,
        b: Reg,
    },
    /// Bytes by number: those of `a`, then those of `b`.
    Shuffle {
        dst: Reg,
        a: Reg,
        b: Reg,
        mask: [u8; 16],
    },
    XLoad {
        op: XLoad,
        dst: Reg,
        addr: Addr,
        trap: Option<TrapCode>,
    },
    XStore {
        op: XStore,
        src: Reg,
        addr: Addr,
        trap: Option<TrapCode>,
    },
    FLoad {
        op: FLoad,
        dst: Reg,
        addr: Addr,
        trap: Option<TrapCode>,
    },
    FStore {
        op: FStore,
        src: Reg,
        addr: Addr,
        trap: Option<TrapCode>,
    },
    VLoad {
        op: VLoad,
        dst: Reg,
        addr: Addr,
        trap: Option<TrapCode>,
    },
    VStore {
        op: VStore,
        src: Reg,
        addr: Addr,
        trap: Option<TrapCode>,
    },
    /// Traps if the base register is null, whatever `trap` is.
    VLoadWiden {
        op: VLoadWiden,
        dst: Reg,
        addr: Addr,
        trap: Option<TrapCode>,
    },
    /// A copy within a class.
    Mov {
        dst: Reg,
        src: Reg,
        class: RegClass,
    },
    /// An address in the frame.
    StackAddr {
        dst: Reg,
        addr: StackAddr,
    },
    /// The address of a symbol plus an offset in bytes.
    Symbol {
        dst: Reg,
        name: SymbolName,
        offset: i64,
    },
    FramePointer {
        dst: Reg,
    },
    StackPointer {
        dst: Reg,
    },
    ReturnAddress {
        dst: Reg,
    },
    TrapIf {
        cond: Cond,
        code: TrapCode,
    },
    Trap {
        code: TrapCode,
    },
    /// A trap without a code: the interpreter stops.
    Breakpoint,
    Jump {
        target: Label,
    },
    Branch {
        cond: Cond,
        then: Label,
        other: Label,
    },
    /// `targets` are the entries, the default last.
    BrTable {
        index: Reg,
        targets: Box<[Label]>,
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
    type Fixup = PcRel;
    type Isa = Pulley;

    // Displacements reach all code that can be, so islands are never needed.
    const MAX_BYTES: u32 = 1024;

    fn visit_operands(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Inst::XConst { dst, .. }
            | Inst::FConst { dst, .. }
            | Inst::VConst { dst, .. }
            | Inst::StackAddr { dst, .. }
            | Inst::Symbol { dst, .. }
            | Inst::FramePointer { dst }
            | Inst::StackPointer { dst }
            | Inst::ReturnAddress { dst } => {
                visitor.def(dst);
            }
            Inst::Xx { dst, src, .. }
            | Inst::XxU8 { dst, src, .. }
            | Inst::XxU32 { dst, src, .. }
            | Inst::XxI8 { dst, src, .. }
            | Inst::XxI32 { dst, src, .. }
            | Inst::XxU6 { dst, src, .. }
            | Inst::Ff { dst, src, .. }
            | Inst::Xf { dst, src, .. }
            | Inst::Fx { dst, src, .. }
            | Inst::Vf { dst, src, .. }
            | Inst::Vx { dst, src, .. }
            | Inst::Fv { dst, src, .. }
            | Inst::XvLane { dst, src, .. }
            | Inst::Xv { dst, src, .. }
            | Inst::Vv { dst, src, .. }
            | Inst::Mov { dst, src, .. } => {
                visitor.use_(src);
                visitor.def(dst);
            }
            Inst::Xxx { dst, a, b, .. }
            | Inst::Fff { dst, a, b, .. }
            | Inst::Xff { dst, a, b, .. }
            | Inst::VvxLane { dst, a, b, .. }
            | Inst::VvfLane { dst, a, b, .. }
            | Inst::Vvv { dst, a, b, .. }
            | Inst::Vvx { dst, a, b, .. }
            | Inst::Shuffle { dst, a, b, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.def(dst);
            }
            Inst::Xxxx { dst, a, b, c, .. }
            | Inst::Fxff { dst, cond: a, a: b, b: c, .. }
            | Inst::VSelect { dst, cond: a, a: b, b: c }
            | Inst::Vvvv { dst, a, b, c, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.use_(c);
                visitor.def(dst);
            }
            Inst::XLoad { dst, addr, .. }
            | Inst::FLoad { dst, addr, .. }
            | Inst::VLoad { dst, addr, .. }
            | Inst::VLoadWiden { dst, addr, .. } => {
                addr.visit(visitor);
                visitor.def(dst);
            }
            Inst::XStore { src, addr, .. }
            | Inst::FStore { src, addr, .. }
            | Inst::VStore { src, addr, .. } => {
                addr.visit(visitor);
                visitor.use_(src);
            }
            Inst::TrapIf { cond, .. } | Inst::Branch { cond, .. } => cond.visit(visitor),
            Inst::BrTable { index, .. } => {
                visitor.use_(index);
            }
            Inst::Trap { .. } | Inst::Breakpoint | Inst::Jump { .. } => {}
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
            Inst::Call { info } => info.visit_operands(visitor),
            Inst::ReturnCall { info } => {
                if let CallDest::Indirect(reg) = &mut info.dest {
                    visitor.use_fixed(reg, abi::TAIL_CALLEE);
                }
                info.visit_values(visitor);
            }
        }
    }

    fn terminator(&self) -> Terminator {
        match self {
            Inst::Jump { .. } | Inst::Branch { .. } | Inst::BrTable { .. } => Terminator::Branch,
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
            Inst::Mov { dst, src, .. } => Some((dst, src)),
            _ => None,
        }
    }

    fn emit(&self, isa: &Pulley, buffer: &mut Buffer<PcRel>, ctx: &EmitCtx<'_>) {
        emit::emit(self, isa, buffer, ctx);
    }

    fn class(ty: Type) -> RegClass {
        match ty {
            _ if ty.is_vector() => RegClass::Vector,
            _ if ty.is_int() => RegClass::Int,
            _ => RegClass::Float,
        }
    }

    fn mov(dst: Reg, src: Reg, class: RegClass) -> Self {
        Inst::Mov { dst, src, class }
    }

    fn reload(dst: Reg, addr: StackAddr, class: RegClass) -> Self {
        let at = Addr::Stack(addr);
        match class {
            RegClass::Int => Inst::XLoad { op: XLoad::xload64le, dst, addr: at, trap: None },
            RegClass::Float => Inst::FLoad { op: FLoad::fload64le, dst, addr: at, trap: None },
            RegClass::Vector => Inst::VLoad { op: VLoad::vload128le, dst, addr: at, trap: None },
        }
    }

    fn spill(src: Reg, addr: StackAddr, class: RegClass) -> Self {
        let at = Addr::Stack(addr);
        match class {
            RegClass::Int => Inst::XStore { op: XStore::xstore64le, src, addr: at, trap: None },
            RegClass::Float => Inst::FStore { op: FStore::fstore64le, src, addr: at, trap: None },
            RegClass::Vector => Inst::VStore { op: VStore::vstore128le, src, addr: at, trap: None },
        }
    }

    fn load_stack(dst: Reg, addr: StackAddr, ty: Type) -> Self {
        let addr = Addr::Stack(addr);
        match ty {
            F32 => Inst::FLoad { op: FLoad::fload32le, dst, addr, trap: None },
            F64 => Inst::FLoad { op: FLoad::fload64le, dst, addr, trap: None },
            _ if ty.is_vector() => Inst::VLoad { op: VLoad::vload128le, dst, addr, trap: None },
            _ => Inst::XLoad { op: XLoad::xload64le, dst, addr, trap: None },
        }
    }

    fn store_stack(src: Reg, addr: StackAddr, ty: Type) -> Self {
        let addr = Addr::Stack(addr);
        match ty {
            F32 => Inst::FStore { op: FStore::fstore32le, src, addr, trap: None },
            F64 => Inst::FStore { op: FStore::fstore64le, src, addr, trap: None },
            _ if ty.is_vector() => Inst::VStore { op: VStore::vstore128le, src, addr, trap: None },
            _ => Inst::XStore { op: XStore::xstore64le, src, addr, trap: None },
        }
    }

    fn extend(dst: Reg, src: Reg, from: Type, signed: bool) -> Self {
        let op = match (from, signed) {
            (I8, false) => Xx::zext8,
            (I8, true) => Xx::sext8,
            (I16, false) => Xx::zext16,
            (I16, true) => Xx::sext16,
            (I32, false) => Xx::zext32,
            (I32, true) => Xx::sext32,
            _ => return Inst::Mov { dst, src, class: RegClass::Int },
        };
        Inst::Xx { op, dst, src }
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

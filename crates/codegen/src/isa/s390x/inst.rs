//! Machine instructions: their operands, and what the code generator's common
//! part asks of them.
//!
//! A variant is a machine instruction of the table with registers, or a
//! pseudo-instruction whose bytes depend on the frame, on labels or on relocations.
//! Comparisons are part of the instructions that use their result, so the condition code
//! never lives from one to another. Pseudo-instructions use r0, r1 and r14 for
//! themselves.

use super::encode::{ALWAYS, distant};
use super::ops::Op;
use super::vector::{VecInst, Vop};
use super::{S390x, emit};
use crate::abi::StackAddr;
use crate::buffer::{Buffer, FixupKind, Label};
use crate::call::CallInfo;
use crate::reg::Reg;
use crate::vcode::{EmitCtx, MachInst, OperandVisitor, Terminator};
use regalloc2::{PReg, RegClass};
use sidetrack_artifact::{SymbolName, TrapCode};
use sidetrack_ir::types::{F32, F64, I8, I16, I32};
use sidetrack_ir::{AtomicRmwOp, Type};

/// How instructions refer to labels: by a distance in halfwords from the instruction,
/// two bytes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixup {
    /// In 16 bits: 64 KiB.
    Short,
    /// In 32 bits.
    Long,
    /// An entry of a table, which counts in bytes from the table's start, so many bytes
    /// before it.
    Entry(u32),
}

impl FixupKind for Fixup {
    fn max_backward(self) -> u32 {
        // The use is two bytes behind the start that the distance counts from.
        match self {
            Fixup::Short => (1 << 16) + 2,
            Fixup::Long | Fixup::Entry(_) => i32::MAX as u32,
        }
    }

    fn max_forward(self) -> u32 {
        match self {
            Fixup::Short => (1 << 16) - 4,
            Fixup::Long | Fixup::Entry(_) => i32::MAX as u32,
        }
    }

    fn size(self) -> u32 {
        if self == Fixup::Short { 2 } else { 4 }
    }

    fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32) {
        let halfwords = || label_offset.wrapping_sub(use_offset - 2) as i32 / 2;
        match self {
            Fixup::Short => code.copy_from_slice(&(halfwords() as i16).to_be_bytes()),
            Fixup::Long => code.copy_from_slice(&halfwords().to_be_bytes()),
            Fixup::Entry(at) => {
                code.copy_from_slice(&label_offset.wrapping_sub(use_offset - at).to_be_bytes());
            }
        }
    }

    fn veneer_size(self) -> Option<u32> {
        (self == Fixup::Short).then_some(6)
    }

    fn write_veneer(self, code: &mut [u8]) -> (u32, Self) {
        code.copy_from_slice(distant(Op::Brcl, ALWAYS).bytes());
        (2, Fixup::Long)
    }
}

/// The address of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addr {
    /// A register plus an offset of 20 bits with sign.
    Base(Reg, i32),
    /// Two registers plus such an offset.
    Index(Reg, Reg, i32),
    /// In the frame.
    Stack(StackAddr),
}

/// Memory to access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// Where.
    pub addr: Addr,
    /// What a fault means, if it can.
    pub trap: Option<TrapCode>,
}

impl Mem {
    /// In the frame.
    pub fn stack(addr: StackAddr) -> Mem {
        Mem { addr: Addr::Stack(addr), trap: None }
    }

    /// Shows the registers.
    pub fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match &mut self.addr {
            Addr::Base(base, _) => {
                visitor.use_(base);
            }
            Addr::Index(base, index, _) => {
                visitor.use_(base);
                visitor.use_(index);
            }
            Addr::Stack(_) => {}
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Two registers.
    Regs(Op, Reg, Reg),
    /// A register and a constant that the instruction has room for.
    Imm(Op, Reg, i64),
}

/// Which outcomes of a comparison count: bits for equal, less, greater, and for
/// unordered or all of the tested bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cond {
    /// The comparison.
    pub compare: Compare,
    /// The bits.
    pub mask: u8,
}

/// Bits of conditions.
pub const EQUAL: u8 = 8;
pub const LESS: u8 = 4;
pub const GREATER: u8 = 2;
pub const UNORDERED: u8 = 1;
pub const DIFFERENT: u8 = 15 - EQUAL;

impl Cond {
    /// That all 64 bits of a register are zero.
    pub fn zero(reg: Reg) -> Cond {
        Cond { compare: Compare::Imm(Op::Cgfi, reg, 0), mask: EQUAL }
    }

    /// That not all 64 bits of a register are zero.
    pub fn nonzero(reg: Reg) -> Cond {
        Cond::zero(reg).inverted()
    }

    /// The opposite condition.
    pub fn inverted(self) -> Cond {
        Cond { mask: self.mask ^ 15, ..self }
    }

    /// Shows the registers.
    pub fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match &mut self.compare {
            Compare::Regs(_, a, b) => {
                visitor.use_(a);
                visitor.use_(b);
            }
            Compare::Imm(_, a, _) => {
                visitor.use_(a);
            }
        }
    }
}

/// How far to shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// By the low 6 bits of a register.
    Reg(Reg),
    /// By a constant.
    Imm(u8),
}

/// The part of an aligned word that a narrow atomic access is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Register with the amount to rotate the word left by, in its low 5 bits, so that
    /// the field is in the highest bits.
    pub rotate: Reg,
}

/// A machine instruction.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Inst {
    Imm {
        dst: Reg,
        value: i64,
    },
    /// A float by its bits.
    FloatImm {
        dst: Reg,
        bits: u64,
        wide: bool,
    },
    /// Destination and two sources.
    Three {
        op: Op,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// Destination and one source.
    Two {
        op: Op,
        dst: Reg,
        src: Reg,
    },
    /// The first source is overwritten by the result.
    Into {
        op: Op,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// As [`Inst::Into`], with a constant.
    IntoImm {
        op: Op,
        dst: Reg,
        src: Reg,
        imm: i64,
    },
    /// Adds a constant.
    AddImm {
        dst: Reg,
        src: Reg,
        imm: i32,
    },
    Shift {
        op: Op,
        dst: Reg,
        src: Reg,
        amount: Amount,
    },
    /// Bits `start` to `end`, counted from the highest, of the source rotated left; the
    /// others are zero.
    Bits {
        dst: Reg,
        src: Reg,
        start: u8,
        end: u8,
        rotate: u8,
    },
    /// How many bits of 64 are 1, where there is `mie3`.
    CountBits {
        dst: Reg,
        src: Reg,
    },
    /// One source and a rounding mode.
    Rounded {
        op: Op,
        dst: Reg,
        src: Reg,
        mode: u8,
    },
    /// `acc` plus or minus the product of two floats.
    Fused {
        op: Op,
        dst: Reg,
        acc: Reg,
        a: Reg,
        b: Reg,
    },
    Load {
        op: Op,
        dst: Reg,
        mem: Mem,
    },
    Store {
        op: Op,
        src: Reg,
        mem: Mem,
    },
    /// An instruction on vectors.
    Vec(VecInst),
    /// An address.
    Address {
        dst: Reg,
        mem: Mem,
    },
    Copy {
        dst: Reg,
        src: Reg,
        class: RegClass,
    },
    /// An integer of a narrower type extended to 64 bits.
    Extend {
        dst: Reg,
        src: Reg,
        from: Type,
        signed: bool,
    },
    FromPhysical {
        dst: Reg,
        src: PReg,
    },
    /// The address of a symbol; one that is near is computed from the
    /// instruction's own.
    Symbol {
        dst: Reg,
        name: SymbolName,
        offset: i64,
        near: bool,
    },
    /// `yes` if the condition holds, else `no`.
    Select {
        cond: Cond,
        dst: Reg,
        yes: Reg,
        no: Reg,
    },
    /// 1 if the condition holds, else 0.
    Set {
        cond: Cond,
        dst: Reg,
    },
    /// A sum or difference, and whether the condition code that it leaves is in `mask`.
    Overflow {
        op: Op,
        dst: Reg,
        a: Reg,
        b: Reg,
        of: Reg,
        mask: u8,
    },
    /// A sum that traps if the condition code that it leaves is in `mask`.
    OverflowTrap {
        op: Op,
        dst: Reg,
        a: Reg,
        b: Reg,
        mask: u8,
        code: TrapCode,
    },
    /// The upper 64 bits of a product; with sign only where there is `mie2`.
    MulHigh {
        signed: bool,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// Quotient or remainder.
    Divide {
        signed: bool,
        remainder: bool,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// How many zeros a number of 64 bits begins with.
    LeadingZeros {
        dst: Reg,
        src: Reg,
    },
    /// Minimum or maximum that prefers NaN.
    MinMax {
        max: bool,
        wide: bool,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// One of the instructions that load, operate and store.
    Amo {
        op: Op,
        dst: Reg,
        addr: Reg,
        src: Reg,
        trap: Option<TrapCode>,
    },
    /// A loop that does an operation until nothing came between: on bytes in the other
    /// order if `little` says so. `dst` is all of the old word. The operand of one on a
    /// field is in its highest bits, of 32.
    AtomicLoop {
        op: AtomicRmwOp,
        ty: Type,
        little: bool,
        dst: Reg,
        addr: Reg,
        operand: Reg,
        field: Option<Field>,
        trap: Option<TrapCode>,
    },
    /// Compare and exchange of words; `dst` is the old one.
    Cas {
        wide: bool,
        dst: Reg,
        addr: Reg,
        expected: Reg,
        new: Reg,
        trap: Option<TrapCode>,
    },
    /// Compare and exchange of a field; `dst` is all of the old word. What is expected
    /// and new is in the highest bits, of 32.
    CasField {
        ty: Type,
        little: bool,
        dst: Reg,
        addr: Reg,
        expected: Reg,
        new: Reg,
        field: Field,
        trap: Option<TrapCode>,
    },
    /// Everything before is done before what comes after begins.
    Fence,
    TrapIf {
        cond: Cond,
        code: TrapCode,
    },
    Trap {
        code: TrapCode,
    },
    /// A trap without a code.
    Breakpoint,
    Jump {
        target: Label,
    },
    Branch {
        cond: Cond,
        then: Label,
        other: Label,
    },
    /// Jumps to the target with this number, or to the default if there is none. All
    /// bits of the index count.
    BrTable {
        index: Reg,
        default: Label,
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
    type Fixup = Fixup;
    type Isa = S390x;

    const MAX_BYTES: u32 = 256;

    fn visit_operands(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Inst::Imm { dst, .. }
            | Inst::FloatImm { dst, .. }
            | Inst::FromPhysical { dst, .. }
            | Inst::Symbol { dst, .. } => {
                visitor.def(dst);
            }
            Inst::Three { dst, a, b, .. }
            | Inst::MulHigh { dst, a, b, .. }
            | Inst::Divide { dst, a, b, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.def(dst);
            }
            Inst::MinMax { dst, a, b, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.def_early(dst);
            }
            Inst::Two { dst, src, .. }
            | Inst::AddImm { dst, src, .. }
            | Inst::Bits { dst, src, .. }
            | Inst::Rounded { dst, src, .. }
            | Inst::Extend { dst, src, .. }
            | Inst::CountBits { dst, src }
            | Inst::LeadingZeros { dst, src }
            | Inst::Copy { dst, src, .. } => {
                visitor.use_(src);
                visitor.def(dst);
            }
            Inst::Into { dst, a, b, .. } => {
                let index = visitor.use_(a);
                visitor.use_(b);
                visitor.def_reuse(dst, index);
            }
            Inst::IntoImm { dst, src, .. } => {
                let index = visitor.use_(src);
                visitor.def_reuse(dst, index);
            }
            Inst::Shift { dst, src, amount, .. } => {
                visitor.use_(src);
                if let Amount::Reg(reg) = amount {
                    visitor.use_(reg);
                }
                visitor.def(dst);
            }
            Inst::Fused { dst, acc, a, b, .. } => {
                let index = visitor.use_(acc);
                visitor.use_(a);
                visitor.use_(b);
                visitor.def_reuse(dst, index);
            }
            Inst::Load { dst, mem, .. } | Inst::Address { dst, mem } => {
                mem.visit(visitor);
                visitor.def(dst);
            }
            Inst::Store { src, mem, .. } => {
                mem.visit(visitor);
                visitor.use_(src);
            }
            Inst::Vec(inst) => inst.visit(visitor),
            Inst::Select { cond, dst, yes, no } => {
                let index = visitor.use_(no);
                cond.visit(visitor);
                visitor.use_(yes);
                visitor.def_reuse(dst, index);
            }
            Inst::Set { cond, dst } => {
                cond.visit(visitor);
                visitor.def(dst);
            }
            Inst::Overflow { dst, a, b, of, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.def(dst);
                visitor.def(of);
            }
            Inst::OverflowTrap { dst, a, b, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.def(dst);
            }
            Inst::Amo { dst, addr, src, .. } => {
                visitor.use_(addr);
                visitor.use_(src);
                visitor.def(dst);
            }
            Inst::AtomicLoop { dst, addr, operand, field, .. } => {
                visitor.use_(addr);
                visitor.use_(operand);
                if let Some(field) = field {
                    visitor.use_(&mut field.rotate);
                }
                visitor.def_early(dst);
            }
            Inst::Cas { dst, addr, expected, new, .. } => {
                let index = visitor.use_(expected);
                visitor.use_(addr);
                visitor.use_(new);
                visitor.def_reuse(dst, index);
            }
            Inst::CasField { dst, addr, expected, new, field, .. } => {
                visitor.use_(addr);
                visitor.use_(expected);
                visitor.use_(new);
                visitor.use_(&mut field.rotate);
                visitor.def_early(dst);
            }
            Inst::TrapIf { cond, .. } | Inst::Branch { cond, .. } => cond.visit(visitor),
            Inst::BrTable { index, .. } => {
                visitor.use_(index);
            }
            Inst::Fence | Inst::Trap { .. } | Inst::Breakpoint | Inst::Jump { .. } => {}
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
            Inst::Copy { dst, src, .. } => Some((dst, src)),
            _ => None,
        }
    }

    fn emit(&self, isa: &S390x, buffer: &mut Buffer<Fixup>, ctx: &EmitCtx<'_>) {
        emit::emit(self, isa, buffer, ctx);
    }

    fn class(ty: Type) -> RegClass {
        match () {
            () if ty.is_vector() => RegClass::Vector,
            () if ty.is_int() => RegClass::Int,
            () => RegClass::Float,
        }
    }

    fn mov(dst: Reg, src: Reg, class: RegClass) -> Self {
        Inst::Copy { dst, src, class }
    }

    fn reload(dst: Reg, addr: StackAddr, class: RegClass) -> Self {
        let op = if class == RegClass::Int { Op::Lg } else { Op::Ldy };
        Inst::Load { op, dst, mem: Mem::stack(addr) }
    }

    fn spill(src: Reg, addr: StackAddr, class: RegClass) -> Self {
        let op = if class == RegClass::Int { Op::Stg } else { Op::Stdy };
        Inst::Store { op, src, mem: Mem::stack(addr) }
    }

    fn load_stack(dst: Reg, addr: StackAddr, ty: Type) -> Self {
        let mem = Mem::stack(addr);
        match ty {
            _ if ty.is_vector() => Inst::Vec(VecInst::Load { op: Vop::Vl, m: 0, dst, mem }),
            F32 => Inst::Load { op: Op::Ley, dst, mem: Mem::stack(second_half(addr)) },
            F64 => Inst::Load { op: Op::Ldy, dst, mem },
            _ => Inst::Load { op: Op::Lg, dst, mem },
        }
    }

    fn store_stack(src: Reg, addr: StackAddr, ty: Type) -> Self {
        let mem = Mem::stack(addr);
        match ty {
            _ if ty.is_vector() => Inst::Vec(VecInst::Store { op: Vop::Vst, m: 0, src, mem }),
            F32 => Inst::Store { op: Op::Stey, src, mem: Mem::stack(second_half(addr)) },
            F64 => Inst::Store { op: Op::Stdy, src, mem },
            _ => Inst::Store { op: Op::Stg, src, mem },
        }
    }

    fn extend(dst: Reg, src: Reg, from: Type, signed: bool) -> Self {
        match from {
            I8 | I16 | I32 => Inst::Extend { dst, src, from, signed },
            _ => Inst::Copy { dst, src, class: RegClass::Int },
        }
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

/// Where the platform has a float of 4 bytes in a word of the stack.
fn second_half(addr: StackAddr) -> StackAddr {
    match addr {
        StackAddr::ArgArea(offset) => StackAddr::ArgArea(offset + 4),
        StackAddr::Outgoing(offset) => StackAddr::Outgoing(offset + 4),
        StackAddr::Slot(offset) => StackAddr::Slot(offset + 4),
    }
}

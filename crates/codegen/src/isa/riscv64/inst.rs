//! Machine instructions: their operands, and what the code generator's common
//! part asks of them.
//!
//! A variant is a machine instruction of the table with registers, or a
//! pseudo-instruction whose bytes depend on the frame, on labels or on relocations.
//! Pseudo-instructions use t6 and ra for themselves. An operand may be the physical
//! register zero from the start.

use super::encode::{branch_bits, jump_bits, split};
use super::ops::Op;
use super::regs::{self, T6};
use super::{Riscv64, emit};
use crate::abi::StackAddr;
use crate::buffer::{Buffer, FixupKind, Label};
use crate::call::{CallDest, CallInfo};
use crate::reg::Reg;
use crate::vcode::{EmitCtx, MachInst, OperandVisitor, Terminator};
use regalloc2::{PReg, RegClass};
use sidetrack_artifact::{SymbolName, TrapCode};
use sidetrack_ir::types::{F32, F64, I8, I16, I32};
use sidetrack_ir::{AtomicRmwOp, Type};

/// How instructions refer to labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixup {
    /// The displacement of a conditional branch: 4 KiB.
    Branch,
    /// That of `jal`: 1 MiB.
    Jal,
    /// The distance from `auipc`, split among it and the instruction after it,
    /// which has the low bits where `addi` has them.
    Pair,
}

impl FixupKind for Fixup {
    fn max_backward(self) -> u32 {
        match self {
            Fixup::Branch => 1 << 12,
            Fixup::Jal => 1 << 20,
            Fixup::Pair => i32::MAX as u32,
        }
    }

    fn max_forward(self) -> u32 {
        match self {
            Fixup::Branch => (1 << 12) - 4,
            Fixup::Jal => (1 << 20) - 4,
            // As much less as rounding takes.
            Fixup::Pair => i32::MAX as u32 - 2048,
        }
    }

    fn size(self) -> u32 {
        if self == Fixup::Pair { 8 } else { 4 }
    }

    fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32) {
        let by = label_offset.wrapping_sub(use_offset) as i32;
        let mut fill = |at: usize, mask: u32, bits: u32| {
            let field = &mut code[at..at + 4];
            let word = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
            field.copy_from_slice(&(word & !mask | bits).to_le_bytes());
        };
        match self {
            Fixup::Branch => fill(0, 0xfe00_0f80, branch_bits(by)),
            Fixup::Jal => fill(0, 0xffff_f000, jump_bits(by)),
            Fixup::Pair => {
                let (high, low) = split(by);
                fill(0, 0xffff_f000, high << 12);
                fill(4, 0xfff0_0000, (low as u32) << 20);
            }
        }
    }

    fn veneer_size(self) -> Option<u32> {
        match self {
            Fixup::Branch => Some(4),
            Fixup::Jal => Some(8),
            Fixup::Pair => None,
        }
    }

    fn write_veneer(self, code: &mut [u8]) -> (u32, Self) {
        if self == Fixup::Branch {
            code.copy_from_slice(&super::encode::jal(regs::X0, 0).to_le_bytes());
            return (0, Fixup::Jal);
        }
        code[..4].copy_from_slice(&super::encode::upper(Op::Auipc, T6, 0).to_le_bytes());
        code[4..].copy_from_slice(&super::encode::imm(Op::Jalr, regs::X0, T6, 0).to_le_bytes());
        (0, Fixup::Pair)
    }
}

/// The address of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addr {
    /// A register plus an offset of 12 bits.
    Base(Reg, i32),
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

    fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        if let Addr::Base(reg, _) = &mut self.addr {
            visitor.use_(reg);
        }
    }
}

/// A condition: a branch instruction and what it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cond {
    /// The branch.
    pub op: Op,
    /// The left side.
    pub a: Reg,
    /// The right side.
    pub b: Reg,
}

impl Cond {
    /// That a register is not zero.
    pub fn nonzero(a: Reg) -> Cond {
        Cond { op: Op::Bne, a, b: regs::ZERO }
    }

    /// That a register is zero.
    pub fn zero(a: Reg) -> Cond {
        Cond { op: Op::Beq, a, b: regs::ZERO }
    }

    /// The opposite condition.
    pub fn inverted(self) -> Cond {
        let op = match self.op {
            Op::Beq => Op::Bne,
            Op::Bne => Op::Beq,
            Op::Blt => Op::Bge,
            Op::Bge => Op::Blt,
            Op::Bltu => Op::Bgeu,
            _ => Op::Bltu,
        };
        Cond { op, ..self }
    }

    fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        visitor.use_(&mut self.a);
        visitor.use_(&mut self.b);
    }
}

/// The part of an aligned word that a narrow atomic access is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Register with the amount to shift by, in its low 5 bits.
    pub shift: Reg,
    /// Register with ones where the field is.
    pub mask: Reg,
}

/// What vector instructions work on: so many elements of so many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How many elements.
    pub count: u8,
    /// The vector type's bits.
    pub vtype: u8,
}

impl Setting {
    /// All lanes of a vector.
    pub const fn lanes(bits: u32) -> Setting {
        // Tail agnostic, one register.
        Setting { count: (128 / bits) as u8, vtype: 0xc0 | (bits.trailing_zeros() as u8 - 3) << 3 }
    }

    /// As many elements as half a register has, which with those twice as wide are one
    /// register.
    pub const fn half(bits: u32) -> Setting {
        let all = Setting::lanes(bits);
        Setting { count: all.count / 2, vtype: all.vtype | 7 }
    }

    /// Elements behind the last one stay as they are.
    pub const fn keeping_tail(self) -> Setting {
        Setting { vtype: self.vtype & !0x40, ..self }
    }

    /// The first `count` elements only.
    pub const fn first(self, count: u8) -> Setting {
        Setting { count, ..self }
    }
}

/// Whether the instruction writes its destination before it has read its sources.
fn writes_early(op: Op) -> bool {
    matches!(op, Op::Vrgather | Op::VslideupI | Op::Vzext | Op::Vsext | Op::VfwcvtFF)
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
    /// Any shape with a destination and two sources.
    Three {
        op: Op,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// Any shape with a destination and one source.
    Two {
        op: Op,
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
    WithImm {
        op: Op,
        dst: Reg,
        src: Reg,
        imm: i32,
    },
    Four {
        op: Op,
        dst: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
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
    Copy {
        dst: Reg,
        src: Reg,
        class: RegClass,
    },
    /// An integer of a narrower type extended to 64 bits, in one instruction or two.
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
    ReturnAddress {
        dst: Reg,
    },
    StackAddr {
        dst: Reg,
        addr: StackAddr,
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
    /// Minimum or maximum that prefers NaN.
    MinMax {
        max: bool,
        wide: bool,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// A float rounded to an integer.
    Round {
        mode: u8,
        wide: bool,
        dst: Reg,
        src: Reg,
    },
    /// A vector instruction under a setting. Operands that an instruction does not
    /// have are zero; masks are v0.
    Vector {
        op: Op,
        set: Setting,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// A vector instruction with a constant.
    VectorImm {
        op: Op,
        set: Setting,
        dst: Reg,
        a: Reg,
        imm: i8,
    },
    /// A vector instruction that reads its destination; what it reads is `old`.
    VectorInto {
        op: Op,
        set: Setting,
        dst: Reg,
        old: Reg,
        a: Reg,
        b: Reg,
    },
    /// As [`Inst::VectorInto`], with a constant.
    VectorIntoImm {
        op: Op,
        set: Setting,
        dst: Reg,
        old: Reg,
        a: Reg,
        imm: i8,
    },
    VectorLoad {
        set: Setting,
        dst: Reg,
        mem: Mem,
    },
    VectorStore {
        set: Setting,
        src: Reg,
        mem: Mem,
    },
    /// A vector constant from memory.
    VectorConst {
        dst: Reg,
        words: [u32; 4],
    },
    /// Writes to a control register.
    Control {
        op: Op,
        value: u8,
    },
    /// An integer of type `ty` with its bytes in reverse order.
    SwapBytes {
        dst: Reg,
        src: Reg,
        ty: Type,
    },
    /// One of the atomic read-modify-write instructions.
    Amo {
        op: Op,
        dst: Reg,
        addr: Reg,
        src: Reg,
        trap: Option<TrapCode>,
    },
    /// A loop that does an operation between `lr` and `sc`: on the bytes in memory
    /// order if `big` says so.
    AtomicLoop {
        op: AtomicRmwOp,
        ty: Type,
        big: bool,
        dst: Reg,
        addr: Reg,
        operand: Reg,
        field: Option<Field>,
        new: Reg,
        trap: Option<TrapCode>,
    },
    /// Compare and exchange; `dst` is all of the old word. `expected` and `new` are in
    /// place, extended as `lr` extends or cut to the field.
    Cas {
        wide: bool,
        dst: Reg,
        addr: Reg,
        expected: Reg,
        new: Reg,
        mask: Option<Reg>,
        trap: Option<TrapCode>,
    },
    /// An instruction without operands: fences.
    Plain {
        op: Op,
    },
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
    /// Jumps to the target with this number, or to the default if `limit`, how many
    /// there are, is not above it. All bits of the index count.
    BrTable {
        index: Reg,
        limit: Reg,
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
    type Isa = Riscv64;

    const MAX_BYTES: u32 = 256;

    fn visit_operands(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Inst::Imm { dst, .. }
            | Inst::FloatImm { dst, .. }
            | Inst::FromPhysical { dst, .. }
            | Inst::ReturnAddress { dst }
            | Inst::StackAddr { dst, .. }
            | Inst::Symbol { dst, .. } => {
                visitor.def(dst);
            }
            Inst::Three { dst, a, b, .. } | Inst::MinMax { dst, a, b, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.def(dst);
            }
            Inst::Two { dst, src, .. }
            | Inst::Rounded { dst, src, .. }
            | Inst::WithImm { dst, src, .. }
            | Inst::Extend { dst, src, .. }
            | Inst::SwapBytes { dst, src, .. }
            | Inst::Copy { dst, src, .. } => {
                visitor.use_(src);
                visitor.def(dst);
            }
            Inst::Four { dst, a, b, c, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.use_(c);
                visitor.def(dst);
            }
            Inst::Load { dst, mem, .. } => {
                mem.visit(visitor);
                visitor.def(dst);
            }
            Inst::Store { src, mem, .. } => {
                mem.visit(visitor);
                visitor.use_(src);
            }
            Inst::Select { cond, dst, yes, no } => {
                // `no` first, so that its index is known even where others are zero.
                let index = visitor.use_(no);
                cond.visit(visitor);
                visitor.use_(yes);
                visitor.def_reuse(dst, index);
            }
            Inst::Round { dst, src, .. } => {
                visitor.use_(src);
                visitor.def_early(dst);
            }
            Inst::Vector { op, dst, a, b, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                let early = writes_early(*op);
                if early {
                    visitor.def_early(dst)
                } else {
                    visitor.def(dst)
                };
            }
            Inst::VectorImm { op, dst, a, .. } => {
                visitor.use_(a);
                let early = writes_early(*op);
                if early {
                    visitor.def_early(dst)
                } else {
                    visitor.def(dst)
                };
            }
            Inst::VectorInto { dst, old, a, b, .. } => {
                let index = visitor.use_(old);
                visitor.use_late(a);
                visitor.use_late(b);
                visitor.def_reuse(dst, index);
            }
            Inst::VectorIntoImm { dst, old, a, .. } => {
                let index = visitor.use_(old);
                visitor.use_late(a);
                visitor.def_reuse(dst, index);
            }
            Inst::VectorLoad { dst, mem, .. } => {
                mem.visit(visitor);
                visitor.def(dst);
            }
            Inst::VectorStore { src, mem, .. } => {
                mem.visit(visitor);
                visitor.use_(src);
            }
            Inst::VectorConst { dst, .. } => {
                visitor.def(dst);
            }
            Inst::Control { .. } => {}
            Inst::Amo { dst, addr, src, .. } => {
                visitor.use_(addr);
                visitor.use_(src);
                visitor.def(dst);
            }
            Inst::AtomicLoop { dst, addr, operand, field, new, .. } => {
                visitor.use_(addr);
                visitor.use_(operand);
                if let Some(field) = field {
                    visitor.use_(&mut field.shift);
                    visitor.use_(&mut field.mask);
                }
                visitor.def_early(dst);
                visitor.def_early(new);
            }
            Inst::Cas { dst, addr, expected, new, mask, .. } => {
                visitor.use_(addr);
                visitor.use_(expected);
                visitor.use_(new);
                if let Some(mask) = mask {
                    visitor.use_(mask);
                }
                visitor.def_early(dst);
            }
            Inst::TrapIf { cond, .. } | Inst::Branch { cond, .. } => cond.visit(visitor),
            Inst::BrTable { index, limit, .. } => {
                visitor.use_(index);
                visitor.use_(limit);
            }
            Inst::Plain { .. } | Inst::Trap { .. } | Inst::Breakpoint | Inst::Jump { .. } => {}
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
                    visitor.use_fixed(reg, regs::TAIL_CALLEE);
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
            Inst::Copy { dst, src, .. } => Some((dst, src)),
            _ => None,
        }
    }

    fn emit(&self, isa: &Riscv64, buffer: &mut Buffer<Fixup>, ctx: &EmitCtx<'_>) {
        emit::emit(self, isa, buffer, ctx);
    }

    fn class(ty: Type) -> RegClass {
        match ty.is_vector() {
            true => RegClass::Vector,
            false if ty.is_int() => RegClass::Int,
            false => RegClass::Float,
        }
    }

    fn mov(dst: Reg, src: Reg, class: RegClass) -> Self {
        Inst::Copy { dst, src, class }
    }

    fn reload(dst: Reg, addr: StackAddr, class: RegClass) -> Self {
        let op = if class == RegClass::Int { Op::Ld } else { Op::Fld };
        Inst::Load { op, dst, mem: Mem::stack(addr) }
    }

    fn spill(src: Reg, addr: StackAddr, class: RegClass) -> Self {
        let op = if class == RegClass::Int { Op::Sd } else { Op::Fsd };
        Inst::Store { op, src, mem: Mem::stack(addr) }
    }

    fn load_stack(dst: Reg, addr: StackAddr, ty: Type) -> Self {
        if ty.is_vector() {
            return Inst::VectorLoad { set: Setting::lanes(8), dst, mem: Mem::stack(addr) };
        }
        let op = match ty {
            F32 => Op::Flw,
            F64 => Op::Fld,
            _ => Op::Ld,
        };
        Inst::Load { op, dst, mem: Mem::stack(addr) }
    }

    fn store_stack(src: Reg, addr: StackAddr, ty: Type) -> Self {
        if ty.is_vector() {
            return Inst::VectorStore { set: Setting::lanes(8), src, mem: Mem::stack(addr) };
        }
        let op = match ty {
            F32 => Op::Fsw,
            F64 => Op::Fsd,
            _ => Op::Sd,
        };
        Inst::Store { op, src, mem: Mem::stack(addr) }
    }

    fn extend(dst: Reg, src: Reg, from: Type, signed: bool) -> Self {
        match (from, signed) {
            (I8 | I16 | I32, _) => Inst::Extend { dst, src, from, signed },
            _ => Inst::Copy { dst, src, class: RegClass::Int },
        }
    }

    fn mov_bits(dst: Reg, src: Reg, ty: Type) -> Self {
        let op = match (dst.class(), ty) {
            (RegClass::Int, F32) => Op::FmvXW,
            (RegClass::Int, _) => Op::FmvXD,
            (_, F32) => Op::FmvWX,
            _ => Op::FmvDX,
        };
        Inst::Two { op, dst, src }
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

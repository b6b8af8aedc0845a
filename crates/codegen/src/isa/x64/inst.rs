//! Machine instructions: their operands, and what the code generator's common
//! part asks of them.
//!
//! Instructions that overwrite their first operand have `dst` tied to `src1`. A
//! pseudo-instruction that writes a register before it has read all others shows
//! it so. Only instructions that lowering uses for it write flags that are read
//! later; moves, loads, stores and constants other than `Zero` never do, so the
//! allocator may put its moves anywhere.

use super::encode::{Buf, Fixup};
pub use super::operand::{Amode, Mem, Rmi};
use super::ops::*;
use super::regs::{self, RAX, RCX, RDX};
use super::sse::*;
use super::{X64, emit};
use crate::abi::StackAddr;
use crate::buffer::Label;
use crate::call::{CallDest, CallInfo};
use crate::reg::Reg;
use crate::vcode::{EmitCtx, MachInst, OperandVisitor, Terminator};
use regalloc2::{PReg, RegClass};
use sidetrack_artifact::{SymbolName, TrapCode};
use sidetrack_ir::types::{F32, F64, I64};
use sidetrack_ir::{AtomicRmwOp, Type};

/// A machine instruction. `Rmi` operands are immediates only where said.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Inst {
    Imm {
        dst: Reg,
        imm: i64,
    },
    /// `xor dst, dst`, which overwrites flags.
    Zero {
        dst: Reg,
    },
    /// Src2 may be an immediate.
    Alu {
        op: AluOp,
        size: Size,
        dst: Reg,
        src1: Reg,
        src2: Rmi,
    },
    /// Memory op= source; the source is a register or an immediate.
    AluMem {
        op: AluOp,
        size: Size,
        mem: Mem,
        src: Rmi,
    },
    /// Src2 may be an immediate.
    Cmp {
        size: Size,
        src1: Reg,
        src2: Rmi,
    },
    /// `test`; src2 is a register or an immediate.
    Test {
        size: Size,
        src1: Reg,
        src2: Rmi,
    },
    Imul {
        size: Size,
        dst: Reg,
        src1: Reg,
        src2: Rmi,
    },
    ImulImm {
        size: Size,
        dst: Reg,
        src: Rmi,
        imm: i32,
    },
    /// rdx:rax = rax * src2.
    MulWide {
        signed: bool,
        size: Size,
        lo: Reg,
        hi: Reg,
        src1: Reg,
        src2: Rmi,
    },
    /// Sign or zero of rax into rdx, 32 or 64 bits.
    DividendHigh {
        signed: bool,
        size: Size,
        dst: Reg,
        src: Reg,
    },
    /// rax, rdx = rdx:rax divided by the divisor; overflow traps as `int_ovf`.
    Div {
        signed: bool,
        size: Size,
        quotient: Reg,
        remainder: Reg,
        lo: Reg,
        hi: Reg,
        divisor: Reg,
    },
    Lea {
        size: Size,
        dst: Reg,
        addr: Amode,
    },
    Unary {
        op: UnaryOp,
        size: Size,
        dst: Reg,
        src: Reg,
    },
    Bswap {
        size: Size,
        dst: Reg,
        src: Reg,
    },
    Count {
        op: CountOp,
        size: Size,
        dst: Reg,
        src: Rmi,
    },
    /// `dst = !src1 & src2` (BMI1).
    Andn {
        size: Size,
        dst: Reg,
        src1: Reg,
        src2: Rmi,
    },
    ShiftImm {
        op: ShiftOp,
        size: Size,
        dst: Reg,
        src: Reg,
        amount: u8,
    },
    ShiftCl {
        op: ShiftOp,
        size: Size,
        dst: Reg,
        src: Reg,
        amount: Reg,
    },
    Shiftx {
        op: ShiftxOp,
        size: Size,
        dst: Reg,
        src: Rmi,
        amount: Reg,
    },
    Setcc {
        cc: Cc,
        dst: Reg,
    },
    /// All ones if the carry flag is set, else zero.
    CarryMask {
        size: Size,
        dst: Reg,
    },
    /// `dst = cc ? src2 : src1`
    Cmov {
        cc: Cc,
        size: Size,
        dst: Reg,
        src1: Reg,
        src2: Rmi,
    },
    Mov {
        kind: MovKind,
        dst: Reg,
        src: Rmi,
    },
    /// A copy within a class. The allocator is asked for the same register, so that
    /// only it makes moves, where the source is needed later.
    Copy {
        dst: Reg,
        src: Reg,
        class: RegClass,
    },
    /// The source is a register or an immediate.
    Store {
        size: Size,
        src: Rmi,
        mem: Mem,
    },
    Xmm {
        op: XmmOp,
        vex: bool,
        wide: bool,
        dst: Reg,
        src1: Reg,
        src2: Rmi,
    },
    XmmUnary {
        op: XmmUnaryOp,
        wide: bool,
        dst: Reg,
        src: Rmi,
    },
    XmmZero {
        dst: Reg,
    },
    XmmStore {
        wide: bool,
        src: Reg,
        mem: Mem,
    },
    XmmCmp {
        wide: bool,
        src1: Reg,
        src2: Rmi,
    },
    /// `dst = cc ? src2 : src1`
    XmmCmov {
        cc: Cc,
        dst: Reg,
        src1: Reg,
        src2: Reg,
    },
    /// `dst = a * b + c`, with one rounding (FMA).
    XmmFma {
        wide: bool,
        dst: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    /// Without `vex` memory is aligned to 16 bytes; the immediate is 0 if there is none.
    Vec {
        op: VecOp,
        vex: bool,
        imm: u8,
        dst: Reg,
        src1: Reg,
        src2: Rmi,
    },
    /// Without `vex` memory of 16 bytes is aligned, unless it is loaded alone.
    VecUnary {
        op: VecUnaryOp,
        vex: bool,
        imm: u8,
        dst: Reg,
        src: Rmi,
    },
    Broadcast {
        op: BroadcastOp,
        dst: Reg,
        src: Rmi,
    },
    VecShift {
        op: VecShiftOp,
        vex: bool,
        dst: Reg,
        src: Reg,
        amount: u8,
    },
    /// Source 2 is memory or an integer register.
    VecInsert {
        op: InsertOp,
        vex: bool,
        lane: u8,
        dst: Reg,
        src1: Reg,
        src2: Rmi,
    },
    VecExtract {
        op: ExtractOp,
        lane: u8,
        dst: Reg,
        src: Reg,
    },
    VecExtractStore {
        op: ExtractOp,
        lane: u8,
        src: Reg,
        mem: Mem,
    },
    VecMask {
        op: MaskOp,
        dst: Reg,
        src: Reg,
    },
    /// Lanes of `src2` where the mask's lanes are negative, else of `src1`.
    VecBlend {
        op: BlendOp,
        vex: bool,
        dst: Reg,
        src1: Reg,
        src2: Reg,
        mask: Reg,
    },
    /// `ptest`
    VecTest {
        src1: Reg,
        src2: Rmi,
    },
    Evex {
        op: EvexOp,
        dst: Reg,
        src1: Reg,
        src2: Reg,
    },
    EvexUnary {
        op: EvexUnaryOp,
        dst: Reg,
        src: Reg,
    },
    /// Source 3 is a register or a constant; the immediate is 0 if there is none.
    EvexTernary {
        op: EvexTernaryOp,
        imm: u8,
        dst: Reg,
        src1: Reg,
        src2: Reg,
        src3: Rmi,
    },
    /// Arithmetic shift of lanes of 64 bits (AVX-512).
    Vpsraq {
        dst: Reg,
        src: Reg,
        amount: u8,
    },
    /// All 16 bytes.
    VecStore {
        src: Reg,
        mem: Mem,
    },
    /// The upper 8 bytes.
    VecStoreHigh {
        src: Reg,
        mem: Mem,
    },
    VecOnes {
        dst: Reg,
    },
    /// `dst = a * b + c` in every lane, or `c - a * b`, with one rounding (FMA).
    VecFma {
        wide: bool,
        negate: bool,
        dst: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    /// IEEE minimum or maximum: NaN if one is, -0 less than +0.
    XmmMinMax {
        max: bool,
        wide: bool,
        dst: Reg,
        src1: Reg,
        src2: Reg,
    },
    /// The bits of an integer register.
    GprToXmm {
        size: Size,
        dst: Reg,
        src: Reg,
    },
    /// The bits of an XMM register.
    XmmToGpr {
        size: Size,
        dst: Reg,
        src: Reg,
    },
    /// From a signed integer of 32 or 64 bits.
    IntToXmm {
        size: Size,
        wide: bool,
        dst: Reg,
        src: Reg,
    },
    /// From an unsigned integer of 64 bits.
    U64ToXmm {
        wide: bool,
        dst: Reg,
        src: Reg,
        tmp: Reg,
        tmp2: Reg,
    },
    /// Truncation to a signed integer; the least one if it does not fit.
    XmmToInt {
        size: Size,
        wide: bool,
        dst: Reg,
        src: Reg,
    },
    /// Truncation of what is below 2^64 and above -1.
    XmmToU64 {
        wide: bool,
        dst: Reg,
        src: Reg,
        tmp: Reg,
        tmp2: Reg,
    },
    TrapIf {
        cc: Cc,
        code: TrapCode,
    },
    /// Traps if both hold.
    TrapIfBoth {
        a: Cc,
        b: Cc,
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
    JumpIf {
        cc: Cc,
        then: Label,
        other: Label,
    },
    /// To `then` if either holds.
    JumpIfEither {
        a: Cc,
        b: Cc,
        then: Label,
        other: Label,
    },
    /// The index, of 64 bits, is below the number of targets.
    JumpTable {
        index: Reg,
        tmp: Reg,
        tmp2: Reg,
        targets: Box<[Label]>,
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
        offset: i32,
    },
    /// A register that is not allocated.
    FromPhysical {
        dst: Reg,
        src: PReg,
    },
    ReturnAddress {
        dst: Reg,
    },
    /// `lock xadd`, negated before for a subtraction.
    Xadd {
        size: Size,
        dst: Reg,
        src: Reg,
        mem: Mem,
    },
    Xchg {
        size: Size,
        dst: Reg,
        src: Reg,
        mem: Mem,
    },
    /// rax is the value expected and becomes the old one.
    Cmpxchg {
        size: Size,
        dst: Reg,
        expected: Reg,
        src: Reg,
        mem: Mem,
    },
    /// Any other atomic change, as a loop around `cmpxchg`; the result is in rax,
    /// in the memory's byte order.
    AtomicLoop {
        op: AtomicRmwOp,
        size: Size,
        big: bool,
        dst: Reg,
        tmp: Reg,
        operand: Reg,
        mem: Mem,
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

impl Inst {
    fn visit_fixed(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Inst::MulWide { lo, hi, src1, src2, .. } => {
                visitor.use_fixed(src1, RAX);
                src2.visit(visitor);
                visitor.def_fixed(lo, RAX);
                visitor.def_fixed(hi, RDX);
            }
            Inst::DividendHigh { dst, src, .. } => {
                visitor.use_fixed(src, RAX);
                visitor.def_fixed(dst, RDX);
            }
            Inst::Div { quotient, remainder, lo, hi, divisor, .. } => {
                visitor.use_fixed(lo, RAX);
                visitor.use_fixed(hi, RDX);
                visitor.use_(divisor);
                visitor.def_fixed(quotient, RAX);
                visitor.def_fixed(remainder, RDX);
            }
            Inst::ShiftCl { dst, src, amount, .. } => {
                let index = visitor.use_(src);
                visitor.use_fixed(amount, RCX);
                visitor.def_reuse(dst, index);
            }
            Inst::Cmpxchg { dst, expected, src, mem, .. } => {
                visitor.use_fixed(expected, RAX);
                visitor.use_(src);
                mem.amode.visit(visitor);
                visitor.def_fixed(dst, RAX);
            }
            Inst::AtomicLoop { dst, tmp, operand, mem, .. } => {
                visitor.use_late(operand);
                mem.amode.visit_late(visitor);
                visitor.def_early(tmp);
                visitor.def_fixed_early(dst, RAX);
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
            Inst::Call { info } => info.visit_operands(visitor),
            Inst::ReturnCall { info } => {
                if let CallDest::Indirect(reg) = &mut info.dest {
                    visitor.use_fixed(reg, regs::R11);
                }
                info.visit_values(visitor);
            }
            _ => {}
        }
    }
}

impl MachInst for Inst {
    type Fixup = Fixup;
    type Isa = X64;

    // Displacements reach all code that can be, so islands are never needed.
    const MAX_BYTES: u32 = 1024;

    fn visit_operands(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            Inst::Imm { dst, .. }
            | Inst::Zero { dst }
            | Inst::Setcc { dst, .. }
            | Inst::CarryMask { dst, .. }
            | Inst::XmmZero { dst }
            | Inst::VecOnes { dst }
            | Inst::Symbol { dst, .. }
            | Inst::NearSymbol { dst, .. }
            | Inst::FromPhysical { dst, .. }
            | Inst::ReturnAddress { dst } => {
                visitor.def(dst);
            }
            Inst::Alu { dst, src1, src2, .. }
            | Inst::Imul { dst, src1, src2, .. }
            | Inst::Cmov { dst, src1, src2, .. }
            | Inst::Xmm { vex: false, dst, src1, src2, .. }
            | Inst::Vec { vex: false, dst, src1, src2, .. }
            | Inst::VecInsert { vex: false, dst, src1, src2, .. } => {
                let index = visitor.use_(src1);
                src2.visit(visitor);
                visitor.def_reuse(dst, index);
            }
            Inst::XmmCmov { dst, src1, src2, .. } | Inst::XmmMinMax { dst, src1, src2, .. } => {
                let index = visitor.use_(src1);
                visitor.use_(src2);
                visitor.def_reuse(dst, index);
            }
            Inst::XmmFma { dst, a, b, c, .. } | Inst::VecFma { dst, a, b, c, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                let index = visitor.use_(c);
                visitor.def_reuse(dst, index);
            }
            Inst::Cmp { src1, src2, .. }
            | Inst::Test { src1, src2, .. }
            | Inst::VecTest { src1, src2 }
            | Inst::XmmCmp { src1, src2, .. } => {
                visitor.use_(src1);
                src2.visit(visitor);
            }
            Inst::Andn { dst, src1, src2, .. }
            | Inst::Shiftx { dst, amount: src1, src: src2, .. }
            | Inst::Xmm { dst, src1, src2, .. }
            | Inst::Vec { dst, src1, src2, .. }
            | Inst::VecInsert { dst, src1, src2, .. } => {
                visitor.use_(src1);
                src2.visit(visitor);
                visitor.def(dst);
            }
            Inst::AluMem { mem, src, .. } | Inst::Store { mem, src, .. } => {
                mem.amode.visit(visitor);
                src.visit(visitor);
            }
            Inst::XmmStore { src, mem, .. }
            | Inst::VecStore { src, mem }
            | Inst::VecStoreHigh { src, mem }
            | Inst::VecExtractStore { src, mem, .. } => {
                mem.amode.visit(visitor);
                visitor.use_(src);
            }
            Inst::ImulImm { dst, src, .. }
            | Inst::Count { dst, src, .. }
            | Inst::Mov { dst, src, .. }
            | Inst::XmmUnary { dst, src, .. }
            | Inst::VecUnary { dst, src, .. }
            | Inst::Broadcast { dst, src, .. } => {
                src.visit(visitor);
                visitor.def(dst);
            }
            Inst::Lea { dst, addr, .. } => {
                addr.visit(visitor);
                visitor.def(dst);
            }
            Inst::Unary { dst, src, .. }
            | Inst::Bswap { dst, src, .. }
            | Inst::ShiftImm { dst, src, .. }
            | Inst::Copy { dst, src, .. }
            | Inst::VecShift { vex: false, dst, src, .. } => {
                let index = visitor.use_(src);
                visitor.def_reuse(dst, index);
            }
            Inst::GprToXmm { dst, src, .. }
            | Inst::XmmToGpr { dst, src, .. }
            | Inst::IntToXmm { dst, src, .. }
            | Inst::XmmToInt { dst, src, .. }
            | Inst::VecShift { dst, src, .. }
            | Inst::EvexUnary { dst, src, .. }
            | Inst::Vpsraq { dst, src, .. }
            | Inst::VecExtract { dst, src, .. }
            | Inst::VecMask { dst, src, .. } => {
                visitor.use_(src);
                visitor.def(dst);
            }
            Inst::U64ToXmm { dst, src, tmp, tmp2, .. } | Inst::XmmToU64 { dst, src, tmp, tmp2, .. } => {
                visitor.use_late(src);
                visitor.def_early(tmp);
                visitor.def_early(tmp2);
                visitor.def_early(dst);
            }
            Inst::Xadd { dst, src, mem, .. } | Inst::Xchg { dst, src, mem, .. } => {
                let index = visitor.use_(src);
                mem.amode.visit(visitor);
                visitor.def_reuse(dst, index);
            }
            Inst::Evex { dst, src1, src2, .. } => {
                visitor.use_(src1);
                visitor.use_(src2);
                visitor.def(dst);
            }
            Inst::EvexTernary { dst, src1, src2, src3, .. } => {
                let index = visitor.use_(src1);
                visitor.use_(src2);
                src3.visit(visitor);
                visitor.def_reuse(dst, index);
            }
            Inst::VecBlend { vex, dst, src1, src2, mask, .. } => {
                let index = visitor.use_(src1);
                visitor.use_(src2);
                if *vex {
                    visitor.use_(mask);
                    visitor.def(dst);
                } else {
                    visitor.use_fixed(mask, regs::xmm(0));
                    visitor.def_reuse(dst, index);
                }
            }
            Inst::JumpTable { index, tmp, tmp2, .. } => {
                visitor.use_late(index);
                visitor.def_early(tmp);
                visitor.def_early(tmp2);
            }
            Inst::TrapIf { .. }
            | Inst::TrapIfBoth { .. }
            | Inst::Trap { .. }
            | Inst::Breakpoint
            | Inst::Fence
            | Inst::Jump { .. }
            | Inst::JumpIf { .. }
            | Inst::JumpIfEither { .. } => {}
            _ => self.visit_fixed(visitor),
        }
    }

    fn terminator(&self) -> Terminator {
        match self {
            Inst::Jump { .. } | Inst::JumpIf { .. } | Inst::JumpIfEither { .. } | Inst::JumpTable { .. } => {
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

    fn emit(&self, isa: &X64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
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
        let src = Rmi::Mem(Amode::Stack(addr).into());
        match ty {
            F32 | F64 => Inst::XmmUnary { op: XmmUnaryOp::Load, wide: ty == F64, dst, src },
            _ if ty.is_vector() => Inst::VecUnary { op: VecUnaryOp::Movups, vex: false, imm: 0, dst, src },
            _ => Inst::Mov { kind: MovKind::M64, dst, src },
        }
    }

    fn store_stack(src: Reg, addr: StackAddr, ty: Type) -> Self {
        let mem = Amode::Stack(addr).into();
        match ty {
            F32 | F64 => Inst::XmmStore { wide: ty == F64, src, mem },
            _ if ty.is_vector() => Inst::VecStore { src, mem },
            _ => Inst::Store { size: Size::S64, src: Rmi::Reg(src), mem },
        }
    }

    fn extend(dst: Reg, src: Reg, from: Type, signed: bool) -> Self {
        Inst::Mov { kind: MovKind::extend(Size::of(from), signed), dst, src: Rmi::Reg(src) }
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

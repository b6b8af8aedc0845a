//! From instructions to bytes.
//!
//! Each trapping instruction is recorded at its first byte, which is what the
//! processor reports. Branches reach 4 KiB and jumps 1 MiB; farther labels are
//! reached through veneers in islands, or, where the distance is known already,
//! by a jump behind the inverted branch. Rooms: `calls` calls and sites, `seq`
//! pseudo-instructions, `atomic` loops between `lr` and `sc`.

mod atomic;
mod calls;
mod seq;
mod vector;

pub use vector::vector_memory;

use super::Riscv64;
use super::abi;
use super::encode::{self, Buf, Enc, Step, branch, constant_steps, fits12, split};
use super::inst::{Addr, Cond, Fixup, Inst, Mem};
use super::ops::Op;
use super::patch;
use super::regs::{FP, RA, SP, T6, X0};
use crate::abi::StackBase;
use crate::buffer::Label;
use crate::vcode::EmitCtx;
use regalloc2::RegClass;
use sidetrack_ir::types::{I8, I16};

/// Most instructions that make a constant; one that takes more is loaded.
const MOST_STEPS: usize = 3;

/// Appends a jump.
pub fn jump(buffer: &mut Buf, target: Label) {
    let at = buffer.offset();
    buffer.word(encode::jal(X0, 0));
    buffer.use_label(at, target, Fixup::Jal);
}

/// Appends a branch to a label that may be far away.
fn branch_to(buffer: &mut Buf, cond: Cond, target: Label) {
    let at = buffer.offset();
    let is_far = |to: u32| at.saturating_sub(to) > 4096;
    if buffer.label_offset(target).is_some_and(is_far) {
        let over = cond.inverted();
        buffer.word(branch(over.op, over.a.hw_enc(), over.b.hw_enc(), 8));
        return jump(buffer, target);
    }
    buffer.word(branch(cond.op, cond.a.hw_enc(), cond.b.hw_enc(), 0));
    buffer.use_label(at, target, Fixup::Branch);
}

fn falls_through(buffer: &Buf, target: Label, ctx: &EmitCtx<'_>) -> bool {
    ctx.next == Some(buffer.resolve(target))
}

/// Puts a constant into a register.
pub fn load_constant(buffer: &mut Buf, d: u8, value: i64) {
    let steps = constant_steps(value);
    if steps.len() > MOST_STEPS {
        let label = buffer.constant(&value.to_le_bytes(), 8);
        return load_label(buffer, Op::Ld, d, d, label);
    }
    let mut src = X0;
    for step in steps {
        match step {
            Step::Upper(bits) => buffer.word(encode::upper(Op::Lui, d, bits)),
            Step::Imm(op, imm) => buffer.imm(op, d, src, imm),
        }
        src = d;
    }
}

/// Loads what is at a label, or computes its address, through register `tmp`.
fn load_label(buffer: &mut Buf, op: Op, d: u8, tmp: u8, label: Label) {
    let at = buffer.offset();
    buffer.word(encode::upper(Op::Auipc, tmp, 0));
    buffer.imm(op, d, tmp, 0);
    buffer.use_label(at, label, Fixup::Pair);
}

/// `d = a + imm`; `a` is not t6.
pub fn add_imm(buffer: &mut Buf, d: u8, a: u8, imm: i32) {
    if imm == 0 && d == a {
    } else if fits12(imm.into()) {
        buffer.imm(Op::Addi, d, a, imm);
    } else if (-4096..4095).contains(&imm) {
        let half = if imm < 0 { -2048 } else { 2047 };
        buffer.imm(Op::Addi, d, a, half);
        buffer.imm(Op::Addi, d, d, imm - half);
    } else {
        load_constant(buffer, T6, imm.into());
        buffer.three(Op::Add, d, a, T6);
    }
}

/// A load or store at any offset; neither register is t6.
pub fn memory_at(buffer: &mut Buf, op: Op, reg: u8, base: u8, offset: i32) {
    if fits12(offset.into()) {
        return buffer.imm(op, reg, base, offset);
    }
    let (high, low) = split(offset);
    buffer.word(encode::upper(Op::Lui, T6, high));
    buffer.three(Op::Add, T6, T6, base);
    buffer.imm(op, reg, T6, low);
}

/// A load or store.
fn memory(buffer: &mut Buf, op: Op, reg: u8, mem: Mem, ctx: &EmitCtx<'_>) {
    let (base, offset) = match mem.addr {
        Addr::Base(base, offset) => (base.hw_enc(), offset),
        Addr::Stack(addr) => {
            let (base, offset) = ctx.frame.resolve(addr);
            (if base == StackBase::Fp { FP } else { SP }, offset)
        }
    };
    if let Some(code) = mem.trap {
        // Only frame addresses are of several instructions, and they do not trap.
        buffer.add_trap(code);
    }
    memory_at(buffer, op, reg, base, offset);
}

fn copy(buffer: &mut Buf, d: u8, s: u8, class: RegClass) {
    match class {
        RegClass::Int => buffer.imm(Op::Addi, d, s, 0),
        RegClass::Vector => vector::copy(buffer, d, s),
        RegClass::Float => buffer.three(Op::FsgnjD, d, s, s),
    }
}

fn extend(buffer: &mut Buf, isa: &Riscv64, d: u8, s: u8, from: sidetrack_ir::Type, signed: bool) {
    let features = isa.features;
    match (from, signed) {
        (I8, false) => return buffer.imm(Op::Andi, d, s, 255),
        (I8, true) if features.zbb() => return buffer.three(Op::SextB, d, s, 0),
        (I16, false) if features.zbb() => return buffer.three(Op::ZextH, d, s, 0),
        (I16, true) if features.zbb() => return buffer.three(Op::SextH, d, s, 0),
        (I8 | I16, _) => {}
        (_, true) => return buffer.imm(Op::Addiw, d, s, 0),
        (_, false) if features.zba() => return buffer.three(Op::AddUw, d, s, X0),
        (_, false) => {}
    }
    let amount = 64 - from.bits() as i32;
    buffer.imm(Op::Slli, d, s, amount);
    buffer.imm(if signed { Op::Srai } else { Op::Srli }, d, d, amount);
}

/// Appends an instruction.
pub fn emit(inst: &Inst, isa: &Riscv64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::Imm { dst, value } => load_constant(buffer, dst.hw_enc(), value),
        Inst::FloatImm { dst, bits, wide } => seq::float_constant(buffer, dst.hw_enc(), bits, wide),
        Inst::Three { op, dst, a, b } => buffer.three(op, dst.hw_enc(), a.hw_enc(), b.hw_enc()),
        Inst::Two { op, dst, src } => buffer.three(op, dst.hw_enc(), src.hw_enc(), 0),
        Inst::Rounded { op, dst, src, mode } => {
            buffer.word(encode::rounded(op, dst.hw_enc(), src.hw_enc(), mode));
        }
        Inst::WithImm { op, dst, src, imm } => buffer.imm(op, dst.hw_enc(), src.hw_enc(), imm),
        Inst::Four { op, dst, a, b, c } => {
            buffer.word(encode::four(op, dst.hw_enc(), a.hw_enc(), b.hw_enc(), c.hw_enc()));
        }
        Inst::Load { op, dst, mem } => memory(buffer, op, dst.hw_enc(), mem, ctx),
        Inst::Store { op, src, mem } => memory(buffer, op, src.hw_enc(), mem, ctx),
        Inst::Copy { dst, src, class } => copy(buffer, dst.hw_enc(), src.hw_enc(), class),
        Inst::Extend { dst, src, from, signed } => {
            extend(buffer, isa, dst.hw_enc(), src.hw_enc(), from, signed);
        }
        Inst::FromPhysical { dst, src } => copy(buffer, dst.hw_enc(), src.hw_enc() as u8, RegClass::Int),
        Inst::ReturnAddress { dst } => buffer.imm(Op::Ld, dst.hw_enc(), FP, 8),
        Inst::StackAddr { dst, addr } => {
            let (base, offset) = ctx.frame.resolve(addr);
            add_imm(buffer, dst.hw_enc(), if base == StackBase::Fp { FP } else { SP }, offset);
        }
        Inst::Symbol { dst, ref name, offset, near } => {
            seq::symbol(buffer, dst.hw_enc(), name, offset, near);
        }
        Inst::Select { cond, dst, yes, .. } => {
            if dst != yes {
                if dst.class() == RegClass::Vector {
                    // So that the copy is one instruction.
                    vector::ensure_set(buffer);
                }
                let over = cond.inverted();
                buffer.word(branch(over.op, over.a.hw_enc(), over.b.hw_enc(), 8));
                copy(buffer, dst.hw_enc(), yes.hw_enc(), dst.class());
            }
        }
        Inst::MinMax { max, wide, dst, a, b } => {
            seq::min_max(buffer, max, wide, dst.hw_enc(), a.hw_enc(), b.hw_enc());
        }
        Inst::Round { mode, wide, dst, src } => {
            seq::round(buffer, mode, wide, dst.hw_enc(), src.hw_enc());
        }
        Inst::SwapBytes { dst, src, ty } => {
            seq::swap_bytes(buffer, isa, dst.hw_enc(), src.hw_enc(), ty, RA);
        }
        Inst::Amo { op, dst, addr, src, trap } => {
            if let Some(code) = trap {
                buffer.add_trap(code);
            }
            buffer.three(op, dst.hw_enc(), addr.hw_enc(), src.hw_enc());
        }
        Inst::AtomicLoop { .. } | Inst::Cas { .. } => atomic::emit(inst, isa, buffer),
        Inst::Plain { op } => buffer.plain(op),
        _ if vector::emit(inst, buffer, ctx) => {}
        _ => emit_control(inst, isa, buffer, ctx),
    }
}

/// Control flow: the instructions that `emit` does not handle.
fn emit_control(inst: &Inst, isa: &Riscv64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::TrapIf { cond, code } => {
            let stub = buffer.trap_label(code);
            branch_to(buffer, cond, stub);
        }
        Inst::Trap { code } => {
            buffer.add_trap(code);
            buffer.put(patch::TRAP);
        }
        Inst::Breakpoint => buffer.plain(Op::Ebreak),
        Inst::Jump { target } => {
            if !falls_through(buffer, target, ctx) {
                jump(buffer, target);
            }
        }
        Inst::Branch { cond, then, other } => {
            if falls_through(buffer, then, ctx) {
                branch_to(buffer, cond.inverted(), other);
            } else {
                branch_to(buffer, cond, then);
                if !falls_through(buffer, other, ctx) {
                    jump(buffer, other);
                }
            }
        }
        Inst::BrTable { index, limit, default, ref targets } => {
            let cond = Cond { op: Op::Bgeu, a: index, b: limit };
            seq::branch_table(buffer, isa, cond, default, targets);
        }
        Inst::Args { .. } => {}
        Inst::Ret { .. } => abi::emit_return(ctx.frame, buffer),
        Inst::Call { ref info } => calls::emit_call(info, isa, buffer, ctx),
        Inst::ReturnCall { ref info } => calls::emit_return_call(info, buffer, ctx),
        _ => unreachable!("`emit` handles all others"),
    }
}

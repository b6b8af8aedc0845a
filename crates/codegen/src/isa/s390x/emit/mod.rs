//! From instructions to bytes.
//!
//! Each trapping instruction is recorded at its first byte; of one that is not valid the
//! system reports its end, of a fault its start. Short branches reach 64 KiB; farther
//! labels are reached through veneers in islands, or, where the distance is known
//! already, by a long branch. Rooms: `calls` calls and sites, `consts` constants and
//! addresses, `seq` pseudo-instructions, `atomic` loops around compare and swap, `vector` vectors.

mod atomic;
mod calls;
mod consts;
mod seq;
mod vector;

pub use consts::{add_imm, load_constant, memory_at};

use super::S390x;
use super::abi;
use super::encode::{self, ALWAYS, Buf, Enc, fits12, fits16, fits20};
use super::inst::{Addr, Amount, Compare, Cond, Fixup, Inst, Mem};
use super::ops::{Format, Op};
use super::patch;
use super::regs::{FP, LR, R0, R1, SP};
use super::vector::{Vop, two};
use crate::abi::StackBase;
use crate::buffer::Label;
use crate::reg::Reg;
use crate::vcode::EmitCtx;
use regalloc2::RegClass;
use sidetrack_ir::types::{I8, I16};

/// The kind of `popcnt` that counts bits of all bytes together.
const ALL_BITS: u8 = 8;

/// Appends a jump.
pub fn jump(buffer: &mut Buf, target: Label) {
    long_branch(buffer, ALWAYS, target);
}

fn long_branch(buffer: &mut Buf, mask: u8, target: Label) {
    distant(buffer, Op::Brcl, mask, target);
}

/// An instruction with a register or condition that refers to a label.
fn distant(buffer: &mut Buf, op: Op, reg: u8, target: Label) {
    let fixup = if op.format() == Format::RiB { Fixup::Short } else { Fixup::Long };
    buffer.code(encode::distant(op, reg));
    let size = if fixup == Fixup::Short { 2 } else { 4 };
    buffer.use_label(buffer.offset() - size, target, fixup);
}

/// The instruction that compares 32 or 64 bits, with sign or without, and branches.
fn fused(compare: Compare, mask: u8) -> Option<encode::Code> {
    Some(match compare {
        Compare::Regs(op, a, b) => {
            let op = match op {
                Op::Cr => Op::Crj,
                Op::Cgr => Op::Cgrj,
                Op::Clr => Op::Clrj,
                Op::Clgr => Op::Clgrj,
                _ => return None,
            };
            encode::compare_branch(op, a.hw_enc(), b.hw_enc(), mask)
        }
        Compare::Imm(op, a, imm) => {
            let (op, byte) = match op {
                Op::Cfi => (Op::Cij, i8::try_from(imm).ok()? as u8),
                Op::Cgfi => (Op::Cgij, i8::try_from(imm).ok()? as u8),
                Op::Clfi => (Op::Clij, u8::try_from(imm).ok()?),
                Op::Clgfi => (Op::Clgij, u8::try_from(imm).ok()?),
                _ => return None,
            };
            encode::compare_imm_branch(op, a.hw_enc(), byte, mask)
        }
    })
}

/// Sets the condition code.
fn compare(buffer: &mut Buf, compare: Compare) {
    match compare {
        Compare::Regs(op, a, b) => buffer.two(op, a.hw_enc(), b.hw_enc()),
        Compare::Imm(op, a, imm) => {
            let short = match op {
                Op::Cfi if fits16(imm) => Op::Chi,
                Op::Cgfi if fits16(imm) => Op::Cghi,
                op => op,
            };
            buffer.imm(short, a.hw_enc(), imm);
        }
    }
}

/// Appends a branch to a label that may be far away.
fn branch_to(buffer: &mut Buf, cond: Cond, target: Label) {
    let is_far = |to: u32| buffer.offset().saturating_sub(to) > (1 << 16) - 64;
    if buffer.label_offset(target).is_some_and(is_far) {
        compare(buffer, cond.compare);
        return long_branch(buffer, cond.mask, target);
    }
    match fused(cond.compare, cond.mask) {
        Some(code) => {
            let at = buffer.offset();
            buffer.code(code);
            buffer.use_label(at + 2, target, Fixup::Short);
        }
        None => {
            compare(buffer, cond.compare);
            distant(buffer, Op::Brc, cond.mask, target);
        }
    }
}

fn falls_through(buffer: &Buf, target: Label, ctx: &EmitCtx<'_>) -> bool {
    ctx.next == Some(buffer.resolve(target))
}

/// Base, index and offset of an address; may use r1.
fn resolve(buffer: &mut Buf, mem: Mem, ctx: &EmitCtx<'_>) -> (u8, u8, i32) {
    match mem.addr {
        Addr::Base(base, offset) => (base.hw_enc(), 0, offset),
        Addr::Index(base, index, offset) => (base.hw_enc(), index.hw_enc(), offset),
        Addr::Stack(addr) => {
            let (base, offset) = ctx.frame.resolve(addr);
            let base = if base == StackBase::Fp { FP } else { SP };
            if fits20(offset.into()) {
                return (base, 0, offset);
            }
            load_constant(buffer, R1, offset.into());
            (base, R1, 0)
        }
    }
}

/// A load or store.
fn memory(buffer: &mut Buf, op: Op, reg: u8, mem: Mem, ctx: &EmitCtx<'_>) {
    let (base, index, offset) = resolve(buffer, mem, ctx);
    if let Some(code) = mem.trap {
        buffer.add_trap(code);
    }
    consts::indexed(buffer, op, reg, base, index, offset);
}

fn copy(buffer: &mut Buf, d: u8, s: u8, class: RegClass) {
    match class {
        RegClass::Int => buffer.two(Op::Lgr, d, s),
        RegClass::Float => buffer.two(Op::Ldr, d, s),
        RegClass::Vector => buffer.code(two(Vop::Vlr, d, s, [0; 3])),
    }
}

fn extend(buffer: &mut Buf, d: u8, s: u8, from: sidetrack_ir::Type, signed: bool) {
    let op = match (from, signed) {
        (I8, false) => Op::Llgcr,
        (I8, true) => Op::Lgbr,
        (I16, false) => Op::Llghr,
        (I16, true) => Op::Lghr,
        (_, false) => Op::Llgfr,
        (_, true) => Op::Lgfr,
    };
    buffer.two(op, d, s);
}

/// An instruction with three registers, in its form with two where that does the same.
fn three(buffer: &mut Buf, op: Op, d: u8, a: u8, b: u8) {
    let (short, commutes) = match op {
        Op::Ark => (Op::Ar, true),
        Op::Agrk => (Op::Agr, true),
        Op::Srk => (Op::Sr, false),
        Op::Sgrk => (Op::Sgr, false),
        Op::Nrk => (Op::Nr, true),
        Op::Ngrk => (Op::Ngr, true),
        Op::Ork => (Op::Or, true),
        Op::Ogrk => (Op::Ogr, true),
        Op::Xrk => (Op::Xr, true),
        Op::Xgrk => (Op::Xgr, true),
        _ => return buffer.code(encode::three(op, d, a, b)),
    };
    match (d == a, commutes && d == b) {
        (true, _) => buffer.two(short, d, b),
        (_, true) => buffer.two(short, d, a),
        _ => buffer.code(encode::three(op, d, a, b)),
    }
}

/// Appends an instruction.
pub fn emit(inst: &Inst, isa: &S390x, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let n = |reg: Reg| reg.hw_enc();
    match *inst {
        Inst::Imm { dst, value } => load_constant(buffer, n(dst), value),
        Inst::FloatImm { dst, bits, wide } => consts::float(buffer, n(dst), bits, wide),
        Inst::Three { op, dst, a, b } => three(buffer, op, n(dst), n(a), n(b)),
        Inst::Two { op, dst, src } => buffer.two(op, n(dst), n(src)),
        Inst::Into { op, dst, b, .. } => buffer.two(op, n(dst), n(b)),
        Inst::IntoImm { op, dst, imm, .. } => {
            let short = match op {
                Op::Msfi if fits16(imm) => Op::Mhi,
                Op::Msgfi if fits16(imm) => Op::Mghi,
                op => op,
            };
            buffer.imm(short, n(dst), imm);
        }
        Inst::AddImm { dst, src, imm } => add_imm(buffer, n(dst), n(src), imm),
        Inst::Shift { op, dst, src, amount } => {
            let (base, offset) = match amount {
                Amount::Reg(reg) => (n(reg), 0),
                Amount::Imm(by) => (0, by.into()),
            };
            buffer.code(encode::registers_memory(op, n(dst), n(src), base, offset));
        }
        Inst::Bits { dst, src, start, end, rotate } => {
            buffer.code(encode::rotated(Op::Risbgn, n(dst), n(src), start, end, true, rotate));
        }
        Inst::Rounded { op, dst, src, mode } => buffer.code(encode::rounded(op, n(dst), mode, n(src))),
        Inst::Fused { op, dst, a, b, .. } => buffer.code(encode::three(op, n(dst), n(a), n(b))),
        Inst::Load { op, dst, mem } => memory(buffer, op, n(dst), mem, ctx),
        Inst::Store { op, src, mem } => memory(buffer, op, n(src), mem, ctx),
        Inst::Vec(ref inst) => vector::emit(inst, buffer, ctx),
        Inst::Address { dst, mem } => memory(buffer, Op::Lay, n(dst), mem, ctx),
        Inst::Copy { dst, src, class } => copy(buffer, n(dst), n(src), class),
        Inst::Extend { dst, src, from, signed } => extend(buffer, n(dst), n(src), from, signed),
        Inst::FromPhysical { dst, src } => buffer.two(Op::Lgr, n(dst), src.hw_enc() as u8),
        Inst::Symbol { dst, ref name, offset, near } => seq::symbol(buffer, n(dst), name, offset, near),
        Inst::Select { cond, dst, yes, .. } => seq::select(buffer, cond, dst, yes),
        Inst::Set { cond, dst } => {
            compare(buffer, cond.compare);
            seq::set(buffer, n(dst), cond.mask);
        }
        Inst::Overflow { op, dst, a, b, of, mask } => {
            three(buffer, op, n(dst), n(a), n(b));
            seq::set(buffer, n(of), mask);
        }
        Inst::OverflowTrap { op, dst, a, b, mask, code } => {
            three(buffer, op, n(dst), n(a), n(b));
            let stub = buffer.trap_label(code);
            distant(buffer, Op::Brc, mask, stub);
        }
        Inst::MulHigh { signed: true, dst, a, b } => {
            buffer.code(encode::three(Op::Mgrk, R0, n(a), n(b)));
            buffer.two(Op::Lgr, n(dst), R0);
        }
        Inst::MulHigh { signed: false, dst, a, b } => {
            buffer.two(Op::Lgr, R1, n(a));
            buffer.two(Op::Mlgr, R0, n(b));
            buffer.two(Op::Lgr, n(dst), R0);
        }
        Inst::Divide { signed, remainder, dst, a, b } => {
            buffer.two(Op::Lgr, R1, n(a));
            if !signed {
                buffer.imm(Op::Lghi, R0, 0);
            }
            buffer.two(if signed { Op::Dsgr } else { Op::Dlgr }, R0, n(b));
            buffer.two(Op::Lgr, n(dst), if remainder { R0 } else { R1 });
        }
        Inst::CountBits { dst, src } => {
            buffer.code(encode::conditional(Op::PopcntAll, n(dst), n(src), ALL_BITS));
        }
        Inst::LeadingZeros { dst, src } => {
            buffer.two(Op::Flogr, R0, n(src));
            buffer.two(Op::Lgr, n(dst), R0);
        }
        Inst::MinMax { max, wide, dst, a, b } => seq::min_max(buffer, max, wide, n(dst), n(a), n(b)),
        Inst::Amo { .. } | Inst::AtomicLoop { .. } | Inst::Cas { .. } | Inst::CasField { .. } => {
            atomic::emit(inst, buffer);
        }
        // The form of `bcr` that is a fast serialisation.
        Inst::Fence => buffer.two(Op::Bcr, 14, 0),
        _ => emit_control(inst, isa, buffer, ctx),
    }
}

/// Control flow: the instructions that `emit` does not handle.
fn emit_control(inst: &Inst, isa: &S390x, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::TrapIf { cond, code } => {
            let stub = buffer.trap_label(code);
            branch_to(buffer, cond, stub);
        }
        Inst::Trap { code } => {
            buffer.add_trap(code);
            buffer.put(patch::TRAP);
        }
        Inst::Breakpoint => buffer.put(patch::BREAKPOINT),
        Inst::Jump { target } => {
            if !falls_through(buffer, target, ctx) {
                short_jump(buffer, target);
            }
        }
        Inst::Branch { cond, then, other } => {
            if falls_through(buffer, then, ctx) {
                branch_to(buffer, cond.inverted(), other);
            } else {
                branch_to(buffer, cond, then);
                if !falls_through(buffer, other, ctx) {
                    short_jump(buffer, other);
                }
            }
        }
        Inst::BrTable { index, default, ref targets } => {
            seq::branch_table(buffer, index.hw_enc(), default, targets);
        }
        Inst::Args { .. } => {}
        Inst::Ret { .. } => abi::emit_return(ctx.frame, buffer),
        Inst::Call { ref info } => calls::emit_call(info, isa, buffer, ctx),
        Inst::ReturnCall { ref info } => calls::emit_return_call(info, buffer, ctx),
        _ => unreachable!("`emit` handles all others"),
    }
}

/// Appends a jump, a short one if the label may be near.
fn short_jump(buffer: &mut Buf, target: Label) {
    let is_far = |to: u32| buffer.offset().saturating_sub(to) > (1 << 16) - 64;
    let op = if buffer.label_offset(target).is_some_and(is_far) { Op::Brcl } else { Op::Brc };
    distant(buffer, op, ALWAYS, target);
}

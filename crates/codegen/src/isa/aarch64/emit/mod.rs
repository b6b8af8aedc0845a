//! From instructions to bytes.
//!
//! Each trapping instruction is recorded at its first byte, which is what the
//! processor reports. Rooms: `calls` calls and sites, `seq` pseudo-instructions of
//! several instructions, `consts` constants and addresses.

mod calls;
mod consts;
mod seq;

pub use consts::{add_imm, load_imm, mem, restore_sp};

use super::Aarch64;
use super::abi;
use super::encode::{self, Buf, Extend, Fixup, Shift, Words};
use super::inst::{Amode, Cond, Inst, Rm};
use super::neon::{self, VecInst};
use super::ops::*;
use super::patch;
use super::regs::{SCRATCH, SCRATCH2};
use crate::abi::{FrameLayout, StackAddr, StackBase};
use crate::buffer::Label;
use crate::reg::Reg;
use crate::vcode::EmitCtx;
use regalloc2::RegClass;
use sidetrack_artifact::{RelocKind, TrapCode};

/// Appends an instruction that refers to a label.
fn word_to(buffer: &mut Buf, word: u32, label: Label, fixup: Fixup) {
    let at = buffer.offset();
    buffer.word(word);
    buffer.use_label(at, label, fixup);
}

/// Appends a jump.
pub fn jump(buffer: &mut Buf, target: Label) {
    word_to(buffer, encode::B, target, Fixup::Branch26);
}

fn jump_if(buffer: &mut Buf, cond: Cond, target: Label) {
    let (word, fixup) = match cond {
        Cond::Cc(cc) => (encode::b_cond(cc), Fixup::Branch19),
        Cond::Zero(size, reg) => (encode::cbz(size, false, reg.hw_enc()), Fixup::Branch19),
        Cond::NotZero(size, reg) => (encode::cbz(size, true, reg.hw_enc()), Fixup::Branch19),
        Cond::BitClear(reg, bit) => (encode::tbz(bit, false, reg.hw_enc()), Fixup::Branch14),
        Cond::BitSet(reg, bit) => (encode::tbz(bit, true, reg.hw_enc()), Fixup::Branch14),
    };
    word_to(buffer, word, target, fixup);
}

fn falls_through(buffer: &Buf, target: Label, ctx: &EmitCtx<'_>) -> bool {
    ctx.next == Some(buffer.resolve(target))
}

/// The base's number and the offset of an address in the frame.
fn frame_place(frame: &FrameLayout, addr: StackAddr) -> (u8, i32) {
    let (base, offset) = frame.resolve(addr);
    (if base == StackBase::Fp { 29 } else { 31 }, offset)
}

/// Appends a load or store.
fn access(buffer: &mut Buf, op: MemOp, t: Reg, addr: Amode, trap: Option<TrapCode>, ctx: &EmitCtx<'_>) {
    let t = t.hw_enc();
    match addr {
        Amode::Base(base, offset) => mem(buffer, op, t, base.hw_enc(), offset, trap),
        Amode::Stack(addr) => {
            let (base, offset) = frame_place(ctx.frame, addr);
            mem(buffer, op, t, base, offset, trap);
        }
        Amode::Index { base, index, extend, scaled } => {
            may_trap(buffer, trap);
            buffer.word(encode::mem_index(op, t, base.hw_enc(), index.hw_enc(), extend, scaled));
        }
    }
}

/// Records that the instruction that comes next can trap.
fn may_trap(buffer: &mut Buf, trap: Option<TrapCode>) {
    if let Some(code) = trap {
        buffer.add_trap(code);
    }
}

fn copy(buffer: &mut Buf, dst: u8, src: u8, class: RegClass) {
    buffer.word(match class {
        RegClass::Int => encode::alu_shifted(AluOp::Orr, Size::S64, dst, 31, src, Shift::Lsl, 0),
        // All 16 bytes.
        _ => 0x4ea0_1c00 | u32::from(src) << 16 | u32::from(src) << 5 | u32::from(dst),
    });
}

fn alu(op: AluOp, size: Size, dst: Reg, n: Reg, m: Rm) -> u32 {
    let (dst, n) = (dst.hw_enc(), n.hw_enc());
    match m {
        Rm::Reg(m) => encode::alu_shifted(op, size, dst, n, m.hw_enc(), Shift::Lsl, 0),
        Rm::Shifted(m, shift, amount) => encode::alu_shifted(op, size, dst, n, m.hw_enc(), shift, amount),
        Rm::Extended(m, extend, amount) => encode::alu_extended(op, size, dst, n, m.hw_enc(), extend, amount),
        Rm::Imm(imm) => encode::alu_imm12(op, size, dst, n, imm),
        Rm::Logic(imm) => encode::alu_logic(op, size, dst, n, imm),
    }
}

/// Appends an instruction.
pub fn emit(inst: &Inst, isa: &Aarch64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    let word = match *inst {
        Inst::Alu { op, size, dst, n, m } => alu(op, size, dst, n, m),
        Inst::Op2 { op, size, dst, n, m } => encode::op2(op, size, dst.hw_enc(), n.hw_enc(), m.hw_enc()),
        Inst::Op1 { op, size, dst, n } => encode::op1(op, size, dst.hw_enc(), n.hw_enc()),
        Inst::Op3 { op, size, dst, n, m, a } => {
            encode::op3(op, size, dst.hw_enc(), n.hw_enc(), m.hw_enc(), a.hw_enc())
        }
        Inst::Bitfield { op, size, dst, n, immr, imms } => {
            encode::bitfield(op, size, dst.hw_enc(), n.hw_enc(), immr, imms)
        }
        Inst::Extr { size, dst, n, m, lsb } => encode::extr(size, dst.hw_enc(), n.hw_enc(), m.hw_enc(), lsb),
        Inst::Csel { op, size, dst, n, m, cc } => {
            encode::csel(op, size, dst.hw_enc(), n.hw_enc(), m.hw_enc(), cc)
        }
        Inst::CcmpImm { size, n, imm, nzcv, cc } => encode::ccmp_imm(size, n.hw_enc(), imm, nzcv, cc),
        Inst::Fp2 { op, wide, dst, n, m } => encode::fp2(op, wide, dst.hw_enc(), n.hw_enc(), m.hw_enc()),
        Inst::Fp1 { op, wide, dst, n } => encode::fp1(op, wide, dst.hw_enc(), n.hw_enc()),
        Inst::Fp3 { op, wide, dst, n, m, a } => {
            encode::fp3(op, wide, dst.hw_enc(), n.hw_enc(), m.hw_enc(), a.hw_enc())
        }
        Inst::Fcvt { wide, dst, n } => encode::fcvt(wide, dst.hw_enc(), n.hw_enc()),
        Inst::Fcmp { wide, n, m } => encode::fcmp(wide, n.hw_enc(), m.hw_enc()),
        Inst::FcmpZero { wide, n } => encode::fcmp_zero(wide, n.hw_enc()),
        Inst::Fcsel { wide, dst, n, m, cc } => encode::fcsel(wide, dst.hw_enc(), n.hw_enc(), m.hw_enc(), cc),
        Inst::FromInt { op, size, wide, dst, n } => {
            encode::from_int(op, size, wide, dst.hw_enc(), n.hw_enc())
        }
        Inst::ToInt { op, size, wide, dst, n } => encode::to_int(op, size, wide, dst.hw_enc(), n.hw_enc()),
        Inst::FmovFromInt { size, dst, n } => encode::fmov_from_int(size, dst.hw_enc(), n.hw_enc()),
        Inst::FmovToInt { size, dst, n } => encode::fmov_to_int(size, dst.hw_enc(), n.hw_enc()),
        Inst::Breakpoint => encode::BRK,
        Inst::Fence => encode::DMB,
        _ => return emit_more(inst, isa, buffer, ctx),
    };
    buffer.word(word);
}

/// Appends an instruction that is not just one word.
fn emit_more(inst: &Inst, isa: &Aarch64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::Imm { dst, value } => load_imm(buffer, dst.hw_enc(), value),
        Inst::Copy { dst, src, class } => copy(buffer, dst.hw_enc(), src.hw_enc(), class),
        Inst::Load { op, dst, addr, trap } => access(buffer, op, dst, addr, trap, ctx),
        Inst::Store { op, src, addr, trap } => access(buffer, op, src, addr, trap, ctx),
        Inst::FrameAddr { dst, addr } => {
            let (base, offset) = frame_place(ctx.frame, addr);
            add_imm(buffer, dst.hw_enc(), base, offset.into());
        }
        Inst::Symbol { dst, ref name, offset } => {
            let label = buffer.symbol_constant(name, offset);
            word_to(buffer, encode::mem_literal(MemOp::LdrX, dst.hw_enc()), label, Fixup::Literal);
        }
        Inst::NearSymbol { dst, ref name, offset } => {
            let (at, dst) = (buffer.offset(), dst.hw_enc());
            buffer.word(encode::adrp(dst));
            add_imm(buffer, dst, dst, 0);
            buffer.add_reloc(at, RelocKind::Aarch64PageOffset, name.clone(), offset);
        }
        Inst::FpConst { wide, dst, bits } => consts::float(buffer, wide, dst.hw_enc(), bits),
        Inst::Vec(inst) => vector(inst, buffer),
        Inst::TrapIf { cond, code } => {
            let stub = buffer.trap_label(code);
            jump_if(buffer, cond, stub);
        }
        Inst::Trap { code } => {
            buffer.add_trap(code);
            buffer.put(patch::TRAP);
        }
        Inst::Jump { target } => {
            if !falls_through(buffer, target, ctx) {
                jump(buffer, target);
            }
        }
        Inst::Branch { cond, then, other } => {
            if falls_through(buffer, then, ctx) {
                jump_if(buffer, cond.inverted(), other);
            } else {
                jump_if(buffer, cond, then);
                if !falls_through(buffer, other, ctx) {
                    jump(buffer, other);
                }
            }
        }
        Inst::BranchEither { a, b, then, other } => {
            jump_if(buffer, Cond::Cc(a), then);
            if falls_through(buffer, then, ctx) {
                jump_if(buffer, Cond::Cc(b.inverted()), other);
            } else {
                jump_if(buffer, Cond::Cc(b), then);
                if !falls_through(buffer, other, ctx) {
                    jump(buffer, other);
                }
            }
        }
        Inst::Args { .. } => {}
        Inst::Ret { .. } => abi::emit_return(ctx.frame, buffer),
        Inst::Call { ref info } => calls::emit_call(info, isa, buffer, ctx),
        Inst::ReturnCall { ref info } => calls::emit_return_call(info, buffer, ctx),
        _ => seq::emit(inst, buffer),
    }
}

fn vector(inst: VecInst, buffer: &mut Buf) {
    if let VecInst::LoadSplat { trap, .. } = inst {
        may_trap(buffer, trap);
    }
    match (inst, inst.word()) {
        (_, Some(word)) => buffer.word(word),
        (VecInst::Const { dst, bits }, None) => match neon::const_word(dst.hw_enc(), bits) {
            Some(word) => buffer.word(word),
            None => {
                let label = buffer.constant(&bits.to_le_bytes(), 16);
                word_to(buffer, encode::mem_literal(MemOp::LdrQ, dst.hw_enc()), label, Fixup::Literal);
            }
        },
        (_, None) => unreachable!("all others have a word"),
    }
}

//! Pseudo-instructions of several instructions.
//!
//! Loops around exclusive accesses hold the new value in x16 and whether the store
//! failed in x17. Between the two accesses is no other.

use super::*;
use crate::isa::aarch64::encode::Imm12;
use crate::vcode::Backend;
use sidetrack_ir::AtomicRmwOp;

/// Appends a pseudo-instruction.
pub fn emit(inst: &Inst, buffer: &mut Buf) {
    match *inst {
        Inst::JumpTable { index, tmp, default, ref targets } => {
            jump_table(buffer, index.hw_enc(), tmp.hw_enc(), default, targets);
        }
        Inst::LoadAcquire { width, dst, addr, trap } => {
            may_trap(buffer, trap);
            buffer.word(encode::atomic(AtomicOp::Ldar, width, dst.hw_enc(), addr.hw_enc(), 31));
        }
        Inst::StoreRelease { width, src, addr, trap } => {
            may_trap(buffer, trap);
            buffer.word(encode::atomic(AtomicOp::Stlr, width, src.hw_enc(), addr.hw_enc(), 31));
        }
        Inst::Lse { op, width, src, dst, addr, trap } => {
            may_trap(buffer, trap);
            buffer.word(encode::lse(op, width, src.hw_enc(), dst.hw_enc(), addr.hw_enc()));
        }
        Inst::Cas { width, dst, new, addr, trap, .. } => {
            may_trap(buffer, trap);
            buffer.word(encode::lse(LseOp::Cas, width, dst.hw_enc(), new.hw_enc(), addr.hw_enc()));
        }
        Inst::RmwLoop { op, width, big, dst, operand, addr, trap } => {
            let (dst, operand, addr) = (dst.hw_enc(), operand.hw_enc(), addr.hw_enc());
            let start = buffer.offset();
            may_trap(buffer, trap);
            buffer.word(encode::atomic(AtomicOp::Ldaxr, width, dst, addr, 31));
            let mut old = dst;
            if big && width > 0 {
                swap(buffer, width, SCRATCH, old);
                old = SCRATCH;
            }
            let mut new = change(buffer, op, width, old, operand);
            if big && width > 0 {
                swap(buffer, width, SCRATCH, new);
                new = SCRATCH;
            }
            store_exclusive(buffer, width, new, addr, start, trap);
        }
        Inst::CasLoop { width, dst, expected, new, addr, trap } => {
            let (dst, expected, addr) = (dst.hw_enc(), expected.hw_enc(), addr.hw_enc());
            let start = buffer.offset();
            may_trap(buffer, trap);
            buffer.word(encode::atomic(AtomicOp::Ldaxr, width, dst, addr, 31));
            compare(buffer, width, false, dst, expected);
            let done = buffer.new_label();
            jump_if(buffer, Cond::Cc(Cc::Ne), done);
            store_exclusive(buffer, width, new.hw_enc(), addr, start, trap);
            buffer.bind(done);
        }
        _ => unreachable!("`emit` and `emit_more` handle all others"),
    }
}

/// Stores, and goes back to `start` if another processor was in between.
fn store_exclusive(buffer: &mut Buf, width: u8, new: u8, addr: u8, start: u32, trap: Option<TrapCode>) {
    may_trap(buffer, trap);
    buffer.word(encode::atomic(AtomicOp::Stlxr, width, new, addr, SCRATCH2));
    let back = start.wrapping_sub(buffer.offset()) >> 2 & 0x7ffff;
    buffer.word(encode::cbz(Size::S32, true, SCRATCH2) | back << 5);
}

fn size(width: u8) -> Size {
    if width == 3 { Size::S64 } else { Size::S32 }
}

/// Reverses the bytes of a value.
fn swap(buffer: &mut Buf, width: u8, dst: u8, n: u8) {
    let op = if width == 1 { Op1::Rev16 } else { Op1::Rev };
    buffer.word(encode::op1(op, size(width), dst, n));
}

/// Flags of `n - m`, in which `n` is extended already.
fn compare(buffer: &mut Buf, width: u8, signed: bool, n: u8, m: u8) {
    let extend = match (width, signed) {
        (0, false) => Extend::Uxtb,
        (1, false) => Extend::Uxth,
        (0, true) => Extend::Sxtb,
        (1, true) => Extend::Sxth,
        _ => return buffer.word(encode::alu_shifted(AluOp::Subs, size(width), 31, n, m, Shift::Lsl, 0)),
    };
    buffer.word(encode::alu_extended(AluOp::Subs, Size::S32, 31, n, m, extend, 0));
}

/// The new value from the old one, which is zero-extended; returns its register.
fn change(buffer: &mut Buf, op: AtomicRmwOp, width: u8, old: u8, operand: u8) -> u8 {
    let size = size(width);
    let mut simple = |op: AluOp| {
        buffer.word(encode::alu_shifted(op, size, SCRATCH, old, operand, Shift::Lsl, 0));
        SCRATCH
    };
    let (signed, keep) = match op {
        AtomicRmwOp::Xchg => return operand,
        AtomicRmwOp::Add => return simple(AluOp::Add),
        AtomicRmwOp::Sub => return simple(AluOp::Sub),
        AtomicRmwOp::And => return simple(AluOp::And),
        AtomicRmwOp::Or => return simple(AluOp::Orr),
        AtomicRmwOp::Xor => return simple(AluOp::Eor),
        AtomicRmwOp::Nand => {
            simple(AluOp::And);
            buffer.word(encode::alu_shifted(AluOp::Orn, size, SCRATCH, 31, SCRATCH, Shift::Lsl, 0));
            return SCRATCH;
        }
        AtomicRmwOp::Umin => (false, Cc::Lo),
        AtomicRmwOp::Umax => (false, Cc::Hi),
        AtomicRmwOp::Smin => (true, Cc::Lt),
        AtomicRmwOp::Smax => (true, Cc::Gt),
    };
    let mut n = old;
    if signed && width < 2 {
        let top = (8 << width) - 1;
        buffer.word(encode::bitfield(BitfieldOp::Sbfm, Size::S32, SCRATCH, old, 0, top));
        n = SCRATCH;
    }
    // After a reversal the bits above a narrow value are zero as well.
    compare(buffer, width, signed, n, operand);
    buffer.word(encode::csel(CselOp::Csel, size, SCRATCH, n, operand, keep));
    SCRATCH
}

/// The table is in the code, right behind the jump; its entries are distances from its
/// start.
fn jump_table(buffer: &mut Buf, index: u8, tmp: u8, default: Label, targets: &[Label]) {
    let count = targets.len() as u32;
    let jump = |buffer: &mut Buf, after| Aarch64::emit_island_jump(buffer, after);
    buffer.ensure_space(4 * count + 64, jump);
    match Imm12::new(count.into()) {
        Some(imm) => buffer.word(encode::alu_imm12(AluOp::Subs, Size::S32, 31, index, imm)),
        None => {
            load_imm(buffer, SCRATCH, count.into());
            buffer.word(encode::alu_shifted(AluOp::Subs, Size::S32, 31, index, SCRATCH, Shift::Lsl, 0));
        }
    }
    jump_if(buffer, Cond::Cc(Cc::Hs), default);
    let table = buffer.new_label();
    word_to(buffer, encode::adr(SCRATCH), table, Fixup::Adr);
    buffer.word(encode::mem_index(MemOp::LdrswX, tmp, SCRATCH, index, Extend::Uxtw, true));
    buffer.word(encode::alu_shifted(AluOp::Add, Size::S64, tmp, tmp, SCRATCH, Shift::Lsl, 0));
    buffer.word(encode::br(tmp));
    buffer.bind(table);
    let start = buffer.offset();
    for &target in targets {
        let at = buffer.offset();
        buffer.put(&[0; 4]);
        buffer.use_label(at, target, Fixup::Table { back: at - start });
    }
}

//! Loops around compare and swap.
//!
//! Accesses of 8 and 16 bits work on a field of the aligned word around them, which is
//! rotated so that the field is in the highest bits. r0 is the new word; r1 and r14 are
//! what these loops need beside it.

use super::*;
use crate::isa::s390x::encode::{brc, memory, registers_memory, rotated, two};
use crate::isa::s390x::inst::{EQUAL, Field, GREATER, LESS};
use sidetrack_artifact::TrapCode;
use sidetrack_ir::{AtomicRmwOp, Type};

/// The condition that compare and swap found something else.
const FAILED: u8 = LESS;

fn trap(buffer: &mut Buf, code: Option<TrapCode>) {
    if let Some(code) = code {
        buffer.add_trap(code);
    }
}

fn load(buffer: &mut Buf, wide: bool, d: u8, addr: u8, code: Option<TrapCode>) {
    trap(buffer, code);
    buffer.code(memory(if wide { Op::Lg } else { Op::L }, d, 0, addr, 0));
}

/// Stores r0, or goes back to `start` if something came between.
fn swap(buffer: &mut Buf, wide: bool, old: u8, addr: u8, code: Option<TrapCode>, start: u32) {
    trap(buffer, code);
    buffer.code(registers_memory(if wide { Op::Csg } else { Op::Cs }, old, R0, addr, 0));
    let back = start as i32 - buffer.offset() as i32;
    buffer.code(brc(FAILED, back));
}

/// Puts the old value into r0: a field into the highest of 32 bits.
fn take(buffer: &mut Buf, wide: bool, little: bool, old: u8, field: Option<Field>) {
    match (field, little) {
        (None, false) => buffer.two(Op::Lgr, R0, old),
        (None, true) => buffer.two(if wide { Op::Lrvgr } else { Op::Lrvr }, R0, old),
        (Some(field), _) => {
            // Reversing the bytes turns lowest bits into highest ones.
            let by = if little { 16 } else { 0 };
            buffer.code(registers_memory(Op::Rll, R0, old, field.rotate.hw_enc(), by));
            if little {
                buffer.two(Op::Lrvr, R0, R0);
            }
        }
    }
}

/// Undoes [`take`]; r1 is the opposite of the field's rotation.
fn put_back(buffer: &mut Buf, wide: bool, little: bool, field: bool) {
    if little {
        buffer.two(if wide { Op::Lrvgr } else { Op::Lrvr }, R0, R0);
    }
    if field {
        buffer.code(registers_memory(Op::Rll, R0, R0, R1, if little { 16 } else { 0 }));
    }
}

/// Appends an atomic access.
pub fn emit(inst: &Inst, buffer: &mut Buf) {
    match *inst {
        Inst::Amo { op, dst, addr, src, trap: code } => {
            trap(buffer, code);
            buffer.code(registers_memory(op, dst.hw_enc(), src.hw_enc(), addr.hw_enc(), 0));
        }
        Inst::AtomicLoop { op, ty, little, dst, addr, operand, field, trap } => {
            let (old, addr, wide) = (dst.hw_enc(), addr.hw_enc(), ty.bits() == 64);
            load(buffer, wide, old, addr, trap);
            if let Some(field) = field {
                buffer.two(Op::Lcgr, R1, field.rotate.hw_enc());
            }
            let start = buffer.offset();
            take(buffer, wide, little, old, field);
            change(buffer, op, ty, operand.hw_enc());
            put_back(buffer, wide, little, field.is_some());
            swap(buffer, wide, old, addr, trap, start);
        }
        Inst::Cas { wide, dst, addr, new, trap: code, .. } => {
            trap(buffer, code);
            let op = if wide { Op::Csg } else { Op::Cs };
            buffer.code(registers_memory(op, dst.hw_enc(), new.hw_enc(), addr.hw_enc(), 0));
        }
        Inst::CasField { ty, little, dst, addr, expected, new, field, trap } => {
            let (old, addr) = (dst.hw_enc(), addr.hw_enc());
            load(buffer, false, old, addr, trap);
            buffer.two(Op::Lcgr, R1, field.rotate.hw_enc());
            let start = buffer.offset();
            take(buffer, false, little, old, Some(field));
            buffer.code(encode::three(Op::Xrk, LR, R0, expected.hw_enc()));
            buffer.imm(Op::Tmlh, LR, if ty == I8 { 0xff00 } else { 0xffff });
            // Over what stores.
            let at = buffer.offset();
            let store = if little { 4 + 6 + 4 + 6 + 4 + 4 } else { 4 + 6 + 6 + 4 + 4 };
            buffer.code(brc(ALWAYS - EQUAL, store));
            insert(buffer, ty, new.hw_enc());
            put_back(buffer, false, little, true);
            swap(buffer, false, old, addr, trap, start);
            debug_assert_eq!(buffer.offset(), at + store as u32);
        }
        _ => unreachable!("this file has no other accesses"),
    }
}

/// Makes the highest bits of r0, of 32, those of another register.
fn insert(buffer: &mut Buf, ty: Type, src: u8) {
    let end = (31 + ty.bits()) as u8;
    match ty.bits() {
        64 => buffer.two(Op::Lgr, R0, src),
        _ => buffer.code(rotated(Op::Risbgn, R0, src, 32, end, false, 0)),
    }
}

/// Makes r0, the old value, the new one. An operand of less than 32 bits is in the
/// highest of them.
fn change(buffer: &mut Buf, op: AtomicRmwOp, ty: Type, operand: u8) {
    let wide = ty.bits() == 64;
    let sized = |narrow, wide_op| if wide { wide_op } else { narrow };
    let (compare, keep) = match op {
        AtomicRmwOp::Add => return buffer.two(sized(Op::Ar, Op::Agr), R0, operand),
        AtomicRmwOp::Sub => return buffer.two(sized(Op::Sr, Op::Sgr), R0, operand),
        // Bits of the word that are not the field's must stay: the operand has ones there.
        AtomicRmwOp::And => return buffer.two(sized(Op::Nr, Op::Ngr), R0, operand),
        AtomicRmwOp::Or => return buffer.two(sized(Op::Or, Op::Ogr), R0, operand),
        AtomicRmwOp::Xor => return buffer.two(sized(Op::Xr, Op::Xgr), R0, operand),
        AtomicRmwOp::Xchg => return insert(buffer, ty, operand),
        AtomicRmwOp::Nand => {
            buffer.two(sized(Op::Nr, Op::Ngr), R0, operand);
            if wide {
                buffer.imm(Op::Xihf, R0, 0xffff_ffff);
            }
            let ones = if ty.bits() < 32 { !(u32::MAX >> ty.bits()) } else { u32::MAX };
            return buffer.imm(Op::Xilf, R0, ones.into());
        }
        AtomicRmwOp::Smin => (sized(Op::Cr, Op::Cgr), LESS),
        AtomicRmwOp::Smax => (sized(Op::Cr, Op::Cgr), GREATER),
        AtomicRmwOp::Umin => (sized(Op::Clr, Op::Clgr), LESS),
        AtomicRmwOp::Umax => (sized(Op::Clr, Op::Clgr), GREATER),
    };
    buffer.code(two(compare, R0, operand));
    let len = if wide { 4 } else { 6 };
    buffer.code(brc(keep, 4 + len));
    insert(buffer, ty, operand);
}

//! Pseudo-instructions of several instructions.

use super::*;
use sidetrack_artifact::{RelocKind, SymbolName};
use sidetrack_ir::Type;

/// Puts a float into a register.
pub fn float_constant(buffer: &mut Buf, d: u8, bits: u64, wide: bool) {
    let value = if wide { bits as i64 } else { i64::from(bits as u32 as i32) };
    let (mov, load) = if wide { (Op::FmvDX, Op::Fld) } else { (Op::FmvWX, Op::Flw) };
    if value == 0 {
        buffer.three(mov, d, X0, 0);
    } else if constant_steps(value).len() < MOST_STEPS {
        load_constant(buffer, T6, value);
        buffer.three(mov, d, T6, 0);
    } else {
        let bytes = value.to_le_bytes();
        let label = buffer.constant(if wide { &bytes } else { &bytes[..4] }, if wide { 8 } else { 4 });
        load_label(buffer, load, d, T6, label);
    }
}

/// Puts the address of a symbol into a register.
pub fn symbol(buffer: &mut Buf, d: u8, name: &SymbolName, offset: i64, near: bool) {
    if !near {
        let label = buffer.symbol_constant(name, offset);
        return load_label(buffer, Op::Ld, d, d, label);
    }
    let at = buffer.offset();
    buffer.word(encode::upper(Op::Auipc, d, 0));
    buffer.imm(Op::Addi, d, d, 0);
    buffer.add_reloc(at, RelocKind::RiscvPcRel, name.clone(), offset);
}

/// The instructions alone would prefer a number to NaN; they order zeros.
pub fn min_max(buffer: &mut Buf, max: bool, wide: bool, d: u8, a: u8, b: u8) {
    let (eq, add, op) = match (wide, max) {
        (false, false) => (Op::FeqS, Op::FaddS, Op::FminS),
        (false, true) => (Op::FeqS, Op::FaddS, Op::FmaxS),
        (true, false) => (Op::FeqD, Op::FaddD, Op::FminD),
        (true, true) => (Op::FeqD, Op::FaddD, Op::FmaxD),
    };
    buffer.three(eq, T6, a, a);
    buffer.three(eq, RA, b, b);
    buffer.three(Op::And, T6, T6, RA);
    buffer.word(branch(Op::Bne, T6, X0, 12));
    buffer.three(add, d, a, b);
    buffer.word(encode::jal(X0, 8));
    buffer.three(op, d, a, b);
}

/// A number whose exponent says that it has no fraction stays as it is, NaN becomes
/// quiet; others go through an integer, and keep their sign where that is zero.
pub fn round(buffer: &mut Buf, mode: u8, wide: bool, d: u8, s: u8) {
    let (bits, min, sign) =
        if wide { (Op::FmvXD, Op::FminD, Op::FsgnjD) } else { (Op::FmvXW, Op::FminS, Op::FsgnjS) };
    let (to, from) = if wide { (Op::FcvtLD, Op::FcvtDL) } else { (Op::FcvtWS, Op::FcvtSW) };
    let (drop, exponent, bias) = if wide { (1, 11, 1023 + 52) } else { (33, 8, 127 + 23) };
    buffer.three(bits, T6, s, 0);
    buffer.imm(Op::Slli, T6, T6, drop);
    buffer.imm(Op::Srli, T6, T6, 64 - exponent);
    buffer.imm(Op::Addi, T6, T6, -bias);
    buffer.three(min, d, s, s);
    buffer.word(branch(Op::Bge, T6, X0, 16));
    buffer.word(encode::rounded(to, T6, s, mode));
    buffer.word(encode::rounded(from, d, T6, encode::RNE));
    buffer.three(sign, d, d, s);
}

/// Reverses the bytes of an integer of type `ty`; the result is sign-extended from 32
/// bits. Uses t6, and without Zbb the register `tmp`. `d` may be `s`, `tmp` neither.
pub fn swap_bytes(buffer: &mut Buf, isa: &Riscv64, d: u8, s: u8, ty: Type, tmp: u8) {
    let bits = ty.bits() as i32;
    if isa.features.zbb() {
        buffer.three(Op::Rev8, d, s, 0);
        if bits < 64 {
            buffer.imm(if bits == 32 { Op::Srai } else { Op::Srli }, d, d, 64 - bits);
        }
        return;
    }
    if bits == 16 {
        buffer.imm(Op::Slli, T6, s, 8);
        buffer.imm(Op::Slli, d, s, 48);
        buffer.imm(Op::Srli, d, d, 56);
        return buffer.three(Op::Or, d, d, T6);
    }
    // Neighbouring bytes change places, then pairs, then halves.
    let mut src = s;
    for (amount, mask) in [(8, 0x00ff_00ff_00ff_00ff), (16, 0x0000_ffff_0000_ffff)] {
        load_constant(buffer, tmp, mask);
        buffer.imm(Op::Srli, T6, src, amount);
        buffer.three(Op::And, T6, T6, tmp);
        buffer.three(Op::And, d, src, tmp);
        buffer.imm(Op::Slli, d, d, amount);
        buffer.three(Op::Or, d, d, T6);
        src = d;
    }
    if bits == 32 {
        return buffer.imm(Op::Addiw, d, d, 0);
    }
    buffer.imm(Op::Srli, T6, d, 32);
    buffer.imm(Op::Slli, d, d, 32);
    buffer.three(Op::Or, d, d, T6);
}

/// A table of jumps. `beyond` says when the index has no entry.
pub fn branch_table(buffer: &mut Buf, isa: &Riscv64, beyond: Cond, default: Label, targets: &[Label]) {
    let index = beyond.a.hw_enc();
    buffer.ensure_space(4 * targets.len() as u32 + 64, jump);
    if targets.len() < 512 {
        branch_to(buffer, beyond, default);
    } else {
        // The table may be longer than a branch reaches.
        let inside = beyond.inverted();
        buffer.word(branch(inside.op, index, inside.b.hw_enc(), 8));
        jump(buffer, default);
    }
    if isa.features.zba() {
        buffer.word(encode::upper(Op::Auipc, T6, 0));
        buffer.three(Op::Sh2add, T6, index, T6);
    } else {
        buffer.imm(Op::Slli, T6, index, 2);
        buffer.word(encode::upper(Op::Auipc, RA, 0));
        buffer.three(Op::Add, T6, T6, RA);
    }
    // `auipc`, the sum and this jump are before the table.
    buffer.imm(Op::Jalr, X0, T6, 12);
    for &target in targets {
        jump(buffer, target);
    }
}

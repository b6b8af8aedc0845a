//! Pseudo-instructions of several instructions.

use super::*;
use crate::isa::s390x::encode::{brc, conditional, conditional_imm};
use crate::isa::s390x::inst::{EQUAL, GREATER, LESS, UNORDERED};
use sidetrack_artifact::{RelocKind, SymbolName};

/// Puts the address of a symbol into a register. Distances are even.
pub fn symbol(buffer: &mut Buf, d: u8, name: &SymbolName, offset: i64, near: bool) {
    if !near || offset % 2 != 0 {
        let label = buffer.symbol_constant(name, offset);
        return distant(buffer, Op::Lgrl, d, label);
    }
    let at = buffer.offset();
    buffer.code(encode::distant(Op::Larl, d));
    buffer.add_reloc(at + 2, RelocKind::S390xPcRel32, name.clone(), offset + 2);
}

/// 1 if the condition code is in the mask, else 0.
pub fn set(buffer: &mut Buf, d: u8, mask: u8) {
    buffer.imm(Op::Lghi, d, 0);
    buffer.code(conditional_imm(Op::Locghi, d, 1, mask));
}

/// Makes the register `yes` if the condition holds.
pub fn select(buffer: &mut Buf, cond: Cond, dst: Reg, yes: Reg) {
    if dst == yes {
        return;
    }
    compare(buffer, cond.compare);
    let (d, s) = (dst.hw_enc(), yes.hw_enc());
    if dst.class() == RegClass::Int {
        return buffer.code(conditional(Op::Locgr, d, s, cond.mask));
    }
    let len = if dst.class() == RegClass::Vector { 6 } else { 2 };
    buffer.code(brc(cond.mask ^ 15, 4 + len));
    copy(buffer, d, s, dst.class());
}

/// Less, greater, equal but for the sign of zeros, or not a number.
pub fn min_max(buffer: &mut Buf, max: bool, wide: bool, d: u8, a: u8, b: u8) {
    let (compare, add) = if wide { (Op::Cdbr, Op::Adbr) } else { (Op::Cebr, Op::Aebr) };
    let (first, second) = if max { (GREATER, LESS) } else { (LESS, GREATER) };
    buffer.two(compare, a, b);
    buffer.two(Op::Ldr, d, a);
    // To the end from each of these.
    buffer.code(brc(first, 4 + 2 + 4 + 4 + 20 + 6));
    buffer.two(Op::Ldr, d, b);
    buffer.code(brc(second, 4 + 4 + 20 + 6));
    buffer.code(brc(UNORDERED, 4 + 20));
    debug_assert_eq!(first | second | UNORDERED | EQUAL, ALWAYS);
    // Equal: the signs are joined.
    buffer.two(Op::Lgdr, R0, a);
    buffer.two(Op::Lgdr, R1, b);
    buffer.two(if max { Op::Ngr } else { Op::Ogr }, R0, R1);
    buffer.two(Op::Ldgr, d, R0);
    buffer.code(brc(ALWAYS, 4 + 6));
    buffer.two(Op::Ldr, d, a);
    buffer.two(add, d, b);
}

/// A table of distances from its own start.
pub fn branch_table(buffer: &mut Buf, index: u8, default: Label, targets: &[Label]) {
    buffer.ensure_space(4 * targets.len() as u32 + 64, jump);
    buffer.imm(Op::Clgfi, index, targets.len() as i64);
    long_branch(buffer, EQUAL | GREATER, default);
    let table = buffer.new_label();
    distant(buffer, Op::Larl, R1, table);
    buffer.code(encode::registers_memory(Op::Sllg, LR, index, 0, 2));
    buffer.code(encode::memory(Op::Lgf, LR, LR, R1, 0));
    buffer.code(encode::memory(Op::La, R1, LR, R1, 0));
    buffer.two(Op::Bcr, ALWAYS, R1);
    buffer.bind(table);
    for (n, &target) in targets.iter().enumerate() {
        let at = buffer.offset();
        buffer.put(&[0; 4]);
        buffer.use_label(at, target, Fixup::Entry(4 * n as u32));
    }
}

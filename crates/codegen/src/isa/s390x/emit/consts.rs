//! Constants, and addresses at any distance from a base. Nothing here changes the
//! condition code but additions to a register itself.

use super::*;

/// Puts a constant into a register.
pub fn load_constant(buffer: &mut Buf, d: u8, value: i64) {
    let bits = value as u64;
    let (high, low) = ((bits >> 32) as i64, (bits & 0xffff_ffff) as i64);
    let only = |shift: u32| bits & !(0xffff << shift) == 0;
    if fits16(value) {
        buffer.imm(Op::Lghi, d, value);
    } else if only(16) {
        buffer.imm(Op::Llilh, d, (bits >> 16) as i64);
    } else if only(32) {
        buffer.imm(Op::Llihl, d, (bits >> 32) as i64);
    } else if only(48) {
        buffer.imm(Op::Llihh, d, (bits >> 48) as i64);
    } else if i32::try_from(value).is_ok() {
        buffer.imm(Op::Lgfi, d, value);
    } else if high == 0 {
        buffer.imm(Op::Llilf, d, low);
    } else if low == 0 {
        buffer.imm(Op::Llihf, d, high);
    } else {
        // The low half by the shortest way, then the other.
        load_constant(buffer, d, i64::from(low as i32));
        buffer.imm(Op::Iihf, d, high);
    }
}

/// Puts a float into a register.
pub fn float(buffer: &mut Buf, d: u8, bits: u64, wide: bool) {
    if bits == 0 {
        return buffer.two(Op::Lzdr, d, 0);
    }
    load_constant(buffer, R0, if wide { bits } else { bits << 32 } as i64);
    buffer.two(Op::Ldgr, d, R0);
}

/// `d = a + imm`; `a` is not r0.
pub fn add_imm(buffer: &mut Buf, d: u8, a: u8, imm: i32) {
    let wide = i64::from(imm);
    if imm == 0 && d == a {
    } else if imm == 0 {
        buffer.two(Op::Lgr, d, a);
    } else if d == a && fits16(wide) {
        buffer.imm(Op::Aghi, d, wide);
    } else if d != a && fits20(wide) {
        indexed(buffer, Op::Lay, d, a, 0, imm);
    } else {
        if d != a {
            buffer.two(Op::Lgr, d, a);
        }
        buffer.imm(Op::Agfi, d, wide);
    }
}

/// A load, store or address computation at an offset of 20 bits, in the shortest form.
pub fn indexed(buffer: &mut Buf, op: Op, reg: u8, base: u8, index: u8, offset: i32) {
    let short = match op {
        Op::Lay => Op::La,
        Op::Sty => Op::St,
        Op::Sthy => Op::Sth,
        Op::Stcy => Op::Stc,
        Op::Ley => Op::Le,
        Op::Ldy => Op::Ld,
        Op::Stey => Op::Ste,
        Op::Stdy => Op::Std,
        op => op,
    };
    let op = if fits12(offset.into()) { short } else { op };
    buffer.code(encode::memory(op, reg, index, base, offset));
}

/// A load or store at an offset of 20 bits from a register.
pub fn memory_at(buffer: &mut Buf, op: Op, reg: u8, base: u8, offset: i32) {
    indexed(buffer, op, reg, base, 0, offset);
}

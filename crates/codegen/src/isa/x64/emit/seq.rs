//! Pseudo-instructions of several instructions.

use super::*;
use sidetrack_ir::AtomicRmwOp;

/// A jump to a label that is bound less than 128 bytes further, in the same
/// pseudo-instruction.
pub fn near_jump_if(buffer: &mut Buf, cc: Cc, target: Label) {
    buffer.put(&[0x70 | cc as u8, 0]);
    let at = buffer.offset() - 1;
    buffer.use_label(at, target, Fixup::Rel8);
}

fn near_jump(buffer: &mut Buf, target: Label) {
    buffer.put(&[0xeb, 0]);
    let at = buffer.offset() - 1;
    buffer.use_label(at, target, Fixup::Rel8);
}

/// Conversion of a signed integer. The instruction writes the low lane only; a
/// zero first ends the dependency on what the register held.
pub fn int_to_xmm(buffer: &mut Buf, size: Size, wide: bool, dst: u8, src: u8) {
    xmm_op(buffer, XmmOp::Xor, false, dst, RmEnc::Reg(dst));
    let op = m0f(scalar_prefix(wide), 0x2a);
    buffer.op(op, size == Size::S64, false, dst, RmEnc::Reg(src), NO_IMM);
}

/// Truncation to a signed integer.
pub fn xmm_to_int(buffer: &mut Buf, size: Size, wide: bool, dst: u8, src: u8) {
    let op = m0f(scalar_prefix(wide), 0x2c);
    buffer.op(op, size == Size::S64, false, dst, RmEnc::Reg(src), NO_IMM);
}

/// Appends a pseudo-instruction.
pub fn emit(inst: &Inst, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::XmmCmov { cc, dst, src2, .. } => {
            let after = buffer.new_label();
            near_jump_if(buffer, cc.inverted(), after);
            copy(buffer, dst, src2, RegClass::Float);
            buffer.bind(after);
        }
        Inst::XmmMinMax { max, wide, dst, src2, .. } => {
            min_max(buffer, max, wide, dst.hw_enc(), RmEnc::Reg(src2.hw_enc()));
        }
        Inst::U64ToXmm { wide, dst, src, tmp, tmp2 } => {
            let (slow, done) = (buffer.new_label(), buffer.new_label());
            sized(buffer, 0x85, Size::S64, src.hw_enc(), true, RmEnc::Reg(src.hw_enc()), NO_IMM);
            near_jump_if(buffer, Cc::S, slow);
            int_to_xmm(buffer, Size::S64, wide, dst.hw_enc(), src.hw_enc());
            near_jump(buffer, done);
            buffer.bind(slow);
            // Half the number, its last bit kept for rounding, and twice that.
            copy(buffer, tmp, src, RegClass::Int);
            copy(buffer, tmp2, src, RegClass::Int);
            sized(buffer, 0xd1, Size::S64, ShiftOp::Shr as u8, false, RmEnc::Reg(tmp.hw_enc()), NO_IMM);
            alu_imm(buffer, AluOp::And as u8, Size::S32, RmEnc::Reg(tmp2.hw_enc()), 1);
            alu(buffer, ctx, AluOp::Or as u8, Size::S64, tmp, Rmi::Reg(tmp2));
            int_to_xmm(buffer, Size::S64, wide, dst.hw_enc(), tmp.hw_enc());
            xmm_op(buffer, XmmOp::Add, wide, dst.hw_enc(), RmEnc::Reg(dst.hw_enc()));
            buffer.bind(done);
        }
        Inst::XmmToU64 { wide, dst, src, tmp, tmp2 } => {
            // What is 2^63 or more converts to the sign bit, and with 2^63 less to
            // the other bits.
            let limit = if wide { (2f64.powi(63).to_bits(), 8) } else { (2f32.powi(63).to_bits().into(), 4) };
            copy(buffer, tmp2, src, RegClass::Float);
            let limit = amode(Amode::constant(limit.0, limit.1), buffer, ctx);
            xmm_op(buffer, XmmOp::Sub, wide, tmp2.hw_enc(), limit);
            xmm_to_int(buffer, Size::S64, wide, dst.hw_enc(), src.hw_enc());
            xmm_to_int(buffer, Size::S64, wide, tmp.hw_enc(), tmp2.hw_enc());
            alu(buffer, ctx, AluOp::Or as u8, Size::S64, tmp, Rmi::Reg(dst));
            sized(buffer, 0x85, Size::S64, dst.hw_enc(), true, RmEnc::Reg(dst.hw_enc()), NO_IMM);
            sized_0f(buffer, 0x40 | Cc::S as u8, Size::S64, dst.hw_enc(), RmEnc::Reg(tmp.hw_enc()));
        }
        Inst::JumpTable { index, tmp, tmp2, ref targets } => {
            let table = buffer.new_label();
            let (index, tmp, tmp2) = (index.hw_enc(), tmp.hw_enc(), tmp2.hw_enc());
            buffer.op(one(0x8d), true, false, tmp, RmEnc::Rip(table), NO_IMM);
            buffer.op(one(0x63), true, false, tmp2, RmEnc::Index(tmp, index, 2, 0), NO_IMM);
            buffer.op(one(0x03), true, false, tmp, RmEnc::Reg(tmp2), NO_IMM);
            buffer.op(one(0xff), false, false, 4, RmEnc::Reg(tmp), NO_IMM);
            buffer.bind(table);
            let start = buffer.offset();
            for &target in targets {
                let at = buffer.offset();
                buffer.put(&[0; 4]);
                buffer.use_label(at, target, Fixup::Table { back: at - start });
            }
        }
        Inst::Xadd { size, dst, mem, .. } => {
            let rm = memory(mem, buffer, ctx);
            locked(buffer, 0xc1, size, dst, rm);
        }
        Inst::Xchg { size, dst, mem, .. } => {
            let rm = memory(mem, buffer, ctx);
            sized(buffer, 0x87, size, dst.hw_enc(), true, rm, NO_IMM);
        }
        Inst::Cmpxchg { size, src, mem, .. } => {
            let rm = memory(mem, buffer, ctx);
            locked(buffer, 0xb1, size, src, rm);
        }
        Inst::AtomicLoop { op, size, big, dst, tmp, operand, mem } => {
            let rm = memory(mem, buffer, ctx);
            load_narrow(buffer, size, dst, rm);
            let start = buffer.offset();
            copy(buffer, tmp, dst, RegClass::Int);
            swap(buffer, size, big, tmp);
            change(buffer, ctx, op, size, tmp, operand);
            swap(buffer, size, big, tmp);
            let rm = memory(mem, buffer, ctx);
            locked(buffer, 0xb1, size, tmp, rm);
            let back = start as i32 - (buffer.offset() as i32 + 2);
            buffer.put(&[0x70 | Cc::Ne as u8, back as u8]);
        }
        _ => unreachable!("`emit` and `emit_more` handle all others"),
    }
}

/// A locked instruction of the map `0F` of any width.
fn locked(buffer: &mut Buf, code: u8, size: Size, reg: Reg, rm: RmEnc) {
    buffer.put1(0xf0);
    let (byte, reg) = (size == Size::S8, reg.hw_enc());
    let prefix = if size == Size::S16 { 0x66 } else { 0 };
    let op = m0f(prefix, if byte { code - 1 } else { code });
    buffer.op(op, size == Size::S64, byte && is_high(reg), reg, rm, NO_IMM);
}

fn load_narrow(buffer: &mut Buf, size: Size, dst: Reg, rm: RmEnc) {
    let (op, w) = MovKind::extend(size, false).op();
    buffer.op(op, w, false, dst.hw_enc(), rm, NO_IMM);
}

/// Reverses the bytes if the memory is big-endian.
fn swap(buffer: &mut Buf, size: Size, big: bool, reg: Reg) {
    let rm = RmEnc::Reg(reg.hw_enc());
    match size {
        _ if !big => {}
        Size::S8 => {}
        Size::S16 => sized(buffer, 0xc1, size, ShiftOp::Rol as u8, false, rm, (8, 1)),
        Size::S32 | Size::S64 => {
            let (w, reg) = (u8::from(size == Size::S64) << 3, reg.hw_enc());
            buffer.put(&[0x40 | w | reg >> 3, 0x0f, 0xc8 | reg & 7]);
        }
    }
}

/// The new value in `tmp`, which holds the old one.
fn change(buffer: &mut Buf, ctx: &EmitCtx<'_>, op: AtomicRmwOp, size: Size, tmp: Reg, operand: Reg) {
    let wide = size.widened();
    let mut arithmetic = |op: AluOp| alu(buffer, ctx, op as u8, wide, tmp, Rmi::Reg(operand));
    let keep = match op {
        AtomicRmwOp::Add => return arithmetic(AluOp::Add),
        AtomicRmwOp::Sub => return arithmetic(AluOp::Sub),
        AtomicRmwOp::And => return arithmetic(AluOp::And),
        AtomicRmwOp::Or => return arithmetic(AluOp::Or),
        AtomicRmwOp::Xor => return arithmetic(AluOp::Xor),
        AtomicRmwOp::Nand => {
            arithmetic(AluOp::And);
            sized(buffer, 0xf7, wide, UnaryOp::Not as u8, false, RmEnc::Reg(tmp.hw_enc()), NO_IMM);
            return;
        }
        AtomicRmwOp::Xchg => return copy(buffer, tmp, operand, RegClass::Int),
        AtomicRmwOp::Umin => Cc::A,
        AtomicRmwOp::Umax => Cc::B,
        AtomicRmwOp::Smin => Cc::G,
        AtomicRmwOp::Smax => Cc::L,
    };
    alu(buffer, ctx, CMP, size, tmp, Rmi::Reg(operand));
    sized_0f(buffer, 0x40 | keep as u8, wide, tmp.hw_enc(), RmEnc::Reg(operand.hw_enc()));
}

/// The instruction alone would give its second operand for NaNs and zeros.
fn min_max(buffer: &mut Buf, max: bool, wide: bool, dst: u8, src: RmEnc) {
    let (differ, nan, done) = (buffer.new_label(), buffer.new_label(), buffer.new_label());
    ucomis(buffer, wide, dst, src);
    near_jump_if(buffer, Cc::Ne, differ);
    near_jump_if(buffer, Cc::P, nan);
    // Equal: the same bits, or zeros of which the signs decide.
    xmm_op(buffer, if max { XmmOp::And } else { XmmOp::Or }, wide, dst, src);
    near_jump(buffer, done);
    buffer.bind(nan);
    xmm_op(buffer, XmmOp::Add, wide, dst, src);
    near_jump(buffer, done);
    buffer.bind(differ);
    xmm_op(buffer, if max { XmmOp::Max } else { XmmOp::Min }, wide, dst, src);
    buffer.bind(done);
}

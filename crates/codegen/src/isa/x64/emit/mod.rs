//! From instructions to bytes.
//!
//! Each trapping instruction is recorded at its first byte, which is what the
//! processor reports. Rooms: `calls` calls and sites, `seq` pseudo-instructions of
//! several instructions, `vector` vector instructions.

mod calls;
mod seq;
mod vector;

use super::X64;
use super::abi;
use super::encode::{Buf, Enc, Fixup, Imm, NO_IMM, Op, RmEnc, m0f, m3a, m38, one};
use super::inst::{Amode, Inst, Mem, Rmi};
use super::ops::*;
use super::patch;
use crate::abi::StackBase;
use crate::buffer::Label;
use crate::reg::Reg;
use crate::vcode::EmitCtx;
use regalloc2::RegClass;
use sidetrack_artifact::RelocKind;

/// Appends a jump.
pub fn jump(buffer: &mut Buf, target: Label) {
    buffer.put(&[0xe9, 0, 0, 0, 0]);
    let at = buffer.offset() - 4;
    buffer.use_label(at, target, Fixup::Jump);
}

fn jump_if(buffer: &mut Buf, cc: Cc, target: Label) {
    buffer.put(&[0x0f, 0x80 | cc as u8, 0, 0, 0, 0]);
    let at = buffer.offset() - 4;
    buffer.use_label(at, target, Fixup::JumpIf);
}

fn falls_through(buffer: &Buf, target: Label, ctx: &EmitCtx<'_>) -> bool {
    ctx.next == Some(buffer.resolve(target))
}

/// The operand's encoding.
fn amode(amode: Amode, buffer: &mut Buf, ctx: &EmitCtx<'_>) -> RmEnc {
    match amode {
        Amode::Base(base, disp) => RmEnc::Base(base.hw_enc(), disp),
        Amode::Index { base, index, shift, disp } => RmEnc::Index(base.hw_enc(), index.hw_enc(), shift, disp),
        Amode::Stack(addr) => {
            let (base, offset) = ctx.frame.resolve(addr);
            RmEnc::Base(if base == StackBase::Fp { 5 } else { 4 }, offset)
        }
        Amode::Const { words, len } => {
            let mut bytes = [0; 16];
            for (bytes, word) in bytes.chunks_mut(4).zip(words) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            RmEnc::Rip(buffer.constant(&bytes[..usize::from(len)], u32::from(len)))
        }
    }
}

/// The encoding of memory; the next instruction may trap.
fn memory(mem: Mem, buffer: &mut Buf, ctx: &EmitCtx<'_>) -> RmEnc {
    if let Some(code) = mem.trap {
        buffer.add_trap(code);
    }
    amode(mem.amode, buffer, ctx)
}

/// The encoding of a register or memory. An immediate is none; lowering does not
/// use it where it is not one.
fn rm(operand: Rmi, buffer: &mut Buf, ctx: &EmitCtx<'_>) -> RmEnc {
    match operand {
        Rmi::Reg(reg) => RmEnc::Reg(reg.hw_enc()),
        Rmi::Mem(mem) => memory(mem, buffer, ctx),
        Rmi::Imm(_) => unreachable!("the instruction takes no immediate here"),
    }
}

/// Whether a byte operand in this register needs a REX prefix.
fn is_high(reg: u8) -> bool {
    (4..8).contains(&reg)
}

fn rm_is_high(rm: RmEnc) -> bool {
    matches!(rm, RmEnc::Reg(reg) if is_high(reg))
}

/// An integer instruction of any width: `code` is the opcode for more than 8 bits,
/// `code - 1` that for bytes.
fn sized(buffer: &mut Buf, code: u8, size: Size, reg: u8, reg_is_operand: bool, rm: RmEnc, imm: Imm) {
    let byte = size == Size::S8;
    let force = byte && (rm_is_high(rm) || reg_is_operand && is_high(reg));
    let prefix = if size == Size::S16 { 0x66 } else { 0 };
    let op = Op { prefix, ..one(if byte { code - 1 } else { code }) };
    buffer.op(op, size == Size::S64, force, reg, rm, imm);
}

/// `op reg, src` of the family of `add`; digits as [`AluOp`] and [`CMP`].
fn alu(buffer: &mut Buf, ctx: &EmitCtx<'_>, digit: u8, size: Size, reg: Reg, src: Rmi) {
    match src {
        Rmi::Imm(imm) => alu_imm(buffer, digit, size, RmEnc::Reg(reg.hw_enc()), imm),
        src => {
            let rm = rm(src, buffer, ctx);
            sized(buffer, digit << 3 | 3, size, reg.hw_enc(), true, rm, NO_IMM);
        }
    }
}

fn alu_imm(buffer: &mut Buf, digit: u8, size: Size, rm: RmEnc, imm: i32) {
    if size == Size::S8 {
        sized(buffer, 0x81, size, digit, false, rm, (imm.into(), 1));
    } else if i8::try_from(imm).is_ok() {
        sized(buffer, 0x83, size, digit, false, rm, (imm.into(), 1));
    } else {
        sized(buffer, 0x81, size, digit, false, rm, (imm.into(), size.imm_bytes()));
    }
}

/// An instruction of the map `0F` with operands of 16 to 64 bits.
fn sized_0f(buffer: &mut Buf, code: u8, size: Size, reg: u8, rm: RmEnc) {
    let prefix = if size == Size::S16 { 0x66 } else { 0 };
    buffer.op(m0f(prefix, code), size == Size::S64, false, reg, rm, NO_IMM);
}

fn load_imm(buffer: &mut Buf, dst: Reg, imm: i64) {
    let reg = dst.hw_enc();
    if let Ok(imm) = u32::try_from(imm) {
        if reg >= 8 {
            buffer.put1(0x41);
        }
        buffer.put1(0xb8 | reg & 7);
        buffer.put(&imm.to_le_bytes());
    } else if i32::try_from(imm).is_ok() {
        buffer.op(one(0xc7), true, false, 0, RmEnc::Reg(reg), (imm, 4));
    } else {
        buffer.put(&[0x48 | reg >> 3, 0xb8 | reg & 7]);
        buffer.put(&imm.to_le_bytes());
    }
}

fn copy(buffer: &mut Buf, dst: Reg, src: Reg, class: RegClass) {
    let (dst, src) = (dst.hw_enc(), RmEnc::Reg(src.hw_enc()));
    match class {
        RegClass::Int => buffer.op(one(0x8b), true, false, dst, src, NO_IMM),
        _ => buffer.op(m0f(0, 0x28), false, false, dst, src, NO_IMM),
    }
}

fn setcc(buffer: &mut Buf, cc: Cc, dst: u8) {
    buffer.op(m0f(0, 0x90 | cc as u8), false, is_high(dst), 0, RmEnc::Reg(dst), NO_IMM);
}

fn scalar_prefix(wide: bool) -> u8 {
    if wide { 0xf2 } else { 0xf3 }
}

fn xmm_op(buffer: &mut Buf, op: XmmOp, wide: bool, dst: u8, src: RmEnc) {
    let (op, imm) = op.op(wide);
    let imm = imm.map_or(NO_IMM, |imm| (i64::from(imm), 1));
    buffer.op(op, false, false, dst, src, imm);
}

fn ucomis(buffer: &mut Buf, wide: bool, a: u8, b: RmEnc) {
    buffer.op(m0f(if wide { 0x66 } else { 0 }, 0x2e), false, false, a, b, NO_IMM);
}

fn xmm_unary(buffer: &mut Buf, op: XmmUnaryOp, vex: bool, wide: bool, dst: u8, src: RmEnc) {
    let scalar = scalar_prefix(wide);
    let (op, imm) = match op {
        XmmUnaryOp::Load => (m0f(scalar, 0x10), NO_IMM),
        XmmUnaryOp::Sqrt => (m0f(scalar, 0x51), NO_IMM),
        XmmUnaryOp::Convert => (m0f(scalar, 0x5a), NO_IMM),
        XmmUnaryOp::Round(mode) => (m3a(0x66, if wide { 0x0b } else { 0x0a }), (mode.into(), 1)),
    };
    match (vex, src) {
        (true, RmEnc::Reg(reg)) => buffer.vex(op, false, dst, reg, src, imm),
        _ => buffer.op(op, false, false, dst, src, imm),
    }
}

/// Remembers that the flags tell of a register of this width whether it is zero or
/// negative.
fn flags_tell(buffer: &mut Buf, size: Size, reg: Reg) {
    buffer.set_note(u32::from(reg.hw_enc()) << 8 | size as u32);
}

/// What to add to `dst` to make it the address, if it is that simple. Flags are
/// free there: lowering emits no address between an instruction that sets flags and
/// their user.
fn in_place(dst: Reg, addr: Amode) -> Option<Rmi> {
    match addr {
        Amode::Base(base, disp) if base == dst => Some(Rmi::Imm(disp)),
        Amode::Index { base, index, shift: 0, disp: 0 } if base == dst => Some(Rmi::Reg(index)),
        Amode::Index { base, index, shift: 0, disp: 0 } if index == dst => Some(Rmi::Reg(base)),
        _ => None,
    }
}

/// Appends an instruction.
pub fn emit(inst: &Inst, isa: &X64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::Imm { dst, imm } => load_imm(buffer, dst, imm),
        Inst::Zero { dst } => alu(buffer, ctx, AluOp::Xor as u8, Size::S32, dst, Rmi::Reg(dst)),
        Inst::Alu { op, size, dst, src2, .. } => {
            alu(buffer, ctx, op as u8, size, dst, src2);
            flags_tell(buffer, size, dst);
        }
        Inst::AluMem { op, size, mem, src } => {
            let rm = memory(mem, buffer, ctx);
            match src {
                Rmi::Imm(imm) => alu_imm(buffer, op as u8, size, rm, imm),
                Rmi::Reg(src) => {
                    sized(buffer, (op as u8) << 3 | 1, size, src.hw_enc(), true, rm, NO_IMM);
                }
                Rmi::Mem(_) => unreachable!("the instruction takes one memory operand"),
            }
        }
        Inst::Cmp { size, src1, src2 } => alu(buffer, ctx, CMP, size, src1, src2),
        // Zero or negative is all that is asked of a register tested with itself.
        Inst::Test { size, src1, src2 }
            if src2 == Rmi::Reg(src1)
                && buffer.note() == Some(u32::from(src1.hw_enc()) << 8 | size as u32) => {}
        Inst::Test { size, src1, src2 } => match src2 {
            Rmi::Imm(imm) => {
                let rm = RmEnc::Reg(src1.hw_enc());
                sized(buffer, 0xf7, size, 0, false, rm, (imm.into(), size.imm_bytes()));
            }
            src2 => {
                let rm = rm(src2, buffer, ctx);
                sized(buffer, 0x85, size, src1.hw_enc(), true, rm, NO_IMM);
            }
        },
        Inst::Imul { size, dst, src2, .. } => {
            let rm = rm(src2, buffer, ctx);
            sized_0f(buffer, 0xaf, size, dst.hw_enc(), rm);
        }
        Inst::ImulImm { size, dst, src, imm } => {
            let rm = rm(src, buffer, ctx);
            let (code, len) = if i8::try_from(imm).is_ok() { (0x6b, 1) } else { (0x69, size.imm_bytes()) };
            sized(buffer, code, size, dst.hw_enc(), true, rm, (imm.into(), len));
        }
        Inst::MulWide { signed, size, src2, .. } => {
            let rm = rm(src2, buffer, ctx);
            sized(buffer, 0xf7, size, if signed { 5 } else { 4 }, false, rm, NO_IMM);
        }
        Inst::DividendHigh { signed: true, size, .. } => {
            buffer.put(if size == Size::S64 { &[0x48, 0x99] } else { &[0x99] });
        }
        Inst::DividendHigh { signed: false, dst, .. } => {
            alu(buffer, ctx, AluOp::Xor as u8, Size::S32, dst, Rmi::Reg(dst));
        }
        Inst::Div { signed, size, divisor, .. } => {
            if signed {
                buffer.add_trap(sidetrack_artifact::TrapCode::IntegerOverflow);
            }
            let rm = RmEnc::Reg(divisor.hw_enc());
            sized(buffer, 0xf7, size, if signed { 7 } else { 6 }, false, rm, NO_IMM);
        }
        Inst::Lea { size, dst, addr } => match in_place(dst, addr) {
            Some(src) => {
                alu(buffer, ctx, AluOp::Add as u8, size, dst, src);
                flags_tell(buffer, size, dst);
            }
            None => {
                let rm = amode(addr, buffer, ctx);
                sized(buffer, 0x8d, size, dst.hw_enc(), true, rm, NO_IMM);
            }
        },
        Inst::Unary { op, size, dst, .. } => {
            sized(buffer, 0xf7, size, op as u8, false, RmEnc::Reg(dst.hw_enc()), NO_IMM);
            if op == UnaryOp::Neg {
                flags_tell(buffer, size, dst);
            }
        }
        Inst::Bswap { size, dst, .. } => {
            let (w, reg) = (u8::from(size == Size::S64) << 3, dst.hw_enc());
            if w | reg >> 3 != 0 {
                buffer.put1(0x40 | w | reg >> 3);
            }
            buffer.put(&[0x0f, 0xc8 | reg & 7]);
        }
        Inst::Count { op, size, dst, src } => {
            let rm = rm(src, buffer, ctx);
            buffer.op(op.op(), size == Size::S64, false, dst.hw_enc(), rm, NO_IMM);
        }
        Inst::Andn { size, dst, src1, src2 } => {
            let rm = rm(src2, buffer, ctx);
            buffer.vex(m38(0, 0xf2), size == Size::S64, dst.hw_enc(), src1.hw_enc(), rm, NO_IMM);
        }
        Inst::ShiftImm { op, size, dst, amount, .. } => {
            let rm = RmEnc::Reg(dst.hw_enc());
            if amount == 1 {
                sized(buffer, 0xd1, size, op as u8, false, rm, NO_IMM);
            } else {
                sized(buffer, 0xc1, size, op as u8, false, rm, (amount.into(), 1));
            }
            if amount != 0 && matches!(op, ShiftOp::Shl | ShiftOp::Shr | ShiftOp::Sar) {
                flags_tell(buffer, size, dst);
            }
        }
        Inst::ShiftCl { op, size, dst, .. } => {
            sized(buffer, 0xd3, size, op as u8, false, RmEnc::Reg(dst.hw_enc()), NO_IMM);
        }
        Inst::Shiftx { op, size, dst, src, amount } => {
            let rm = rm(src, buffer, ctx);
            buffer.vex(op.op(), size == Size::S64, dst.hw_enc(), amount.hw_enc(), rm, NO_IMM);
        }
        Inst::Setcc { cc, dst } => setcc(buffer, cc, dst.hw_enc()),
        Inst::CarryMask { size, dst } => {
            alu(buffer, ctx, AluOp::Sbb as u8, size, dst, Rmi::Reg(dst));
        }
        Inst::Cmov { cc, size, dst, src2, .. } => {
            let rm = rm(src2, buffer, ctx);
            sized_0f(buffer, 0x40 | cc as u8, size, dst.hw_enc(), rm);
        }
        _ => emit_more(inst, isa, buffer, ctx),
    }
}

/// Moves, floats, control flow: the instructions that `emit` does not handle.
fn emit_more(inst: &Inst, isa: &X64, buffer: &mut Buf, ctx: &EmitCtx<'_>) {
    match *inst {
        Inst::Mov { kind, dst, src } => {
            let rm = rm(src, buffer, ctx);
            let (op, w) = kind.op();
            buffer.op(op, w, kind.reads_byte() && rm_is_high(rm), dst.hw_enc(), rm, NO_IMM);
        }
        Inst::Copy { dst, src, class } => copy(buffer, dst, src, class),
        Inst::Store { size, src, mem } => {
            let rm = memory(mem, buffer, ctx);
            match src {
                Rmi::Imm(imm) => {
                    sized(buffer, 0xc7, size, 0, false, rm, (imm.into(), size.imm_bytes()));
                }
                Rmi::Reg(src) => sized(buffer, 0x89, size, src.hw_enc(), true, rm, NO_IMM),
                Rmi::Mem(_) => unreachable!("the instruction takes one memory operand"),
            }
        }
        Inst::Xmm { op, vex, wide, dst, src1, src2 } => {
            let rm = rm(src2, buffer, ctx);
            if vex {
                let (op, imm) = op.op(wide);
                let imm = imm.map_or(NO_IMM, |imm| (i64::from(imm), 1));
                buffer.vex(op, false, dst.hw_enc(), src1.hw_enc(), rm, imm);
            } else {
                xmm_op(buffer, op, wide, dst.hw_enc(), rm);
            }
        }
        Inst::XmmUnary { op, wide, dst, src } => {
            // These write the low lane only. The others are the source's where there is
            // a VEX prefix; else a zero first ends the dependency on what the register
            // held.
            let dst = dst.hw_enc();
            let alone = op == XmmUnaryOp::Load || matches!(src, Rmi::Reg(src) if src.hw_enc() == dst);
            let vex = isa.features.avx() && !alone && matches!(src, Rmi::Reg(_));
            if !alone && !vex {
                xmm_op(buffer, XmmOp::Xor, false, dst, RmEnc::Reg(dst));
            }
            let rm = rm(src, buffer, ctx);
            xmm_unary(buffer, op, vex, wide, dst, rm);
        }
        Inst::XmmZero { dst } => {
            xmm_op(buffer, XmmOp::Xor, false, dst.hw_enc(), RmEnc::Reg(dst.hw_enc()));
        }
        Inst::XmmStore { wide, src, mem } => {
            let rm = memory(mem, buffer, ctx);
            buffer.op(m0f(scalar_prefix(wide), 0x11), false, false, src.hw_enc(), rm, NO_IMM);
        }
        Inst::XmmCmp { wide, src1, src2 } => {
            let rm = rm(src2, buffer, ctx);
            ucomis(buffer, wide, src1.hw_enc(), rm);
        }
        Inst::XmmFma { wide, dst, a, b, .. } => {
            // vfmadd231: dst = a * b + dst
            buffer.vex(m38(0x66, 0xb9), wide, dst.hw_enc(), a.hw_enc(), RmEnc::Reg(b.hw_enc()), NO_IMM);
        }
        Inst::GprToXmm { size, dst, src } => {
            let rm = RmEnc::Reg(src.hw_enc());
            buffer.op(m0f(0x66, 0x6e), size == Size::S64, false, dst.hw_enc(), rm, NO_IMM);
        }
        Inst::XmmToGpr { size, dst, src } => {
            let rm = RmEnc::Reg(dst.hw_enc());
            buffer.op(m0f(0x66, 0x7e), size == Size::S64, false, src.hw_enc(), rm, NO_IMM);
        }
        Inst::IntToXmm { size, wide, dst, src } => {
            seq::int_to_xmm(buffer, size, wide, dst.hw_enc(), src.hw_enc());
        }
        Inst::XmmToInt { size, wide, dst, src } => {
            seq::xmm_to_int(buffer, size, wide, dst.hw_enc(), src.hw_enc());
        }
        Inst::TrapIf { cc, code } => {
            let stub = buffer.trap_label(code);
            jump_if(buffer, cc, stub);
        }
        Inst::TrapIfBoth { a, b, code } => {
            let (stub, after) = (buffer.trap_label(code), buffer.new_label());
            seq::near_jump_if(buffer, a.inverted(), after);
            jump_if(buffer, b, stub);
            buffer.bind(after);
        }
        Inst::Trap { code } => {
            buffer.add_trap(code);
            buffer.put(patch::TRAP);
        }
        Inst::Breakpoint => buffer.put1(0xcc),
        Inst::Fence => buffer.put(&[0x0f, 0xae, 0xf0]),
        Inst::Jump { target } => {
            if !falls_through(buffer, target, ctx) {
                jump(buffer, target);
            }
        }
        Inst::JumpIf { cc, then, other } => {
            if falls_through(buffer, then, ctx) {
                jump_if(buffer, cc.inverted(), other);
            } else {
                jump_if(buffer, cc, then);
                if !falls_through(buffer, other, ctx) {
                    jump(buffer, other);
                }
            }
        }
        Inst::JumpIfEither { a, b, then, other } => {
            jump_if(buffer, a, then);
            if falls_through(buffer, then, ctx) {
                jump_if(buffer, b.inverted(), other);
            } else {
                jump_if(buffer, b, then);
                if !falls_through(buffer, other, ctx) {
                    jump(buffer, other);
                }
            }
        }
        Inst::Symbol { dst, ref name, offset } => {
            let reg = dst.hw_enc();
            buffer.put(&[0x48 | reg >> 3, 0xb8 | reg & 7]);
            buffer.add_reloc(buffer.offset(), RelocKind::Abs8, name.clone(), offset);
            buffer.put(&[0; 8]);
        }
        Inst::NearSymbol { dst, ref name, offset } => {
            // lea dst, [rip + disp32]; the displacement counts from its own end.
            let reg = dst.hw_enc();
            buffer.put(&[0x48 | (reg >> 3) << 2, 0x8d, 0x05 | (reg & 7) << 3]);
            let addend = i64::from(offset) - 4;
            buffer.add_reloc(buffer.offset(), RelocKind::X86PcRel4, name.clone(), addend);
            buffer.put(&[0; 4]);
        }
        Inst::FromPhysical { dst, src } => copy(buffer, dst, Reg::physical(src), RegClass::Int),
        Inst::ReturnAddress { dst } => {
            buffer.op(one(0x8b), true, false, dst.hw_enc(), RmEnc::Base(5, 8), NO_IMM);
        }
        Inst::Args { .. } => {}
        Inst::Ret { .. } => abi::emit_return(ctx.frame, buffer),
        Inst::Call { ref info } => calls::emit_call(info, isa, buffer, ctx),
        Inst::ReturnCall { ref info } => calls::emit_return_call(info, buffer, ctx),
        _ if vector::emit(inst, buffer, ctx) => {}
        _ => seq::emit(inst, buffer, ctx),
    }
}

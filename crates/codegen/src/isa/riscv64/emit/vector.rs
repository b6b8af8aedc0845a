//! Vector instructions.
//!
//! Each works under the setting that `vsetivli` made last: how many elements of which
//! width. The buffer knows the setting as long as no label is bound and nothing is
//! called; where it is another, or not known, the instruction is set before.

use super::*;
use crate::isa::riscv64::inst::Setting;

/// Makes this the setting.
fn set(buffer: &mut Buf, setting: Setting) {
    let mode = u32::from(setting.count) << 8 | u32::from(setting.vtype);
    if buffer.mode() != Some(mode) {
        buffer.word(encode::vector_set(setting.count, setting.vtype.into()));
        buffer.set_mode(mode);
    }
}

/// Makes some setting, if none is known: whole registers are copied under any.
pub fn ensure_set(buffer: &mut Buf) {
    if buffer.mode().is_none() {
        set(buffer, Setting::lanes(8));
    }
}

/// Copies a register.
pub fn copy(buffer: &mut Buf, d: u8, s: u8) {
    ensure_set(buffer);
    buffer.word(encode::vector(Op::Vmv1r, d, s, 0));
}

/// Loads or stores a whole vector at any offset; the base is not t6.
pub fn vector_memory(buffer: &mut Buf, op: Op, reg: u8, base: u8, offset: i32) {
    set(buffer, Setting::lanes(8));
    let base = address(buffer, base, offset);
    buffer.word(encode::vector(op, reg, 0, base));
}

/// A register with the address.
fn address(buffer: &mut Buf, base: u8, offset: i32) -> u8 {
    if offset == 0 {
        return base;
    }
    add_imm(buffer, T6, base, offset);
    T6
}

fn memory(buffer: &mut Buf, op: Op, reg: u8, mem: Mem, ctx: &EmitCtx<'_>) {
    let (base, offset) = match mem.addr {
        Addr::Base(base, offset) => (base.hw_enc(), offset),
        Addr::Stack(addr) => {
            let (base, offset) = ctx.frame.resolve(addr);
            (if base == StackBase::Fp { FP } else { SP }, offset)
        }
    };
    let base = address(buffer, base, offset);
    if let Some(code) = mem.trap {
        if op == Op::Vse8 {
            // Elements are stored one after another; if the last one faults, none is to
            // be stored.
            buffer.add_trap(code);
            buffer.imm(Op::Lbu, X0, base, 15);
        }
        buffer.add_trap(code);
    }
    buffer.word(encode::vector(op, reg, 0, base));
}

/// Appends an instruction if it is one of these.
pub fn emit(inst: &Inst, buffer: &mut Buf, ctx: &EmitCtx<'_>) -> bool {
    use crate::isa::riscv64::ops::Shape;
    let mut word = |op: Op, setting: Setting, dst: u8, a: u8, b: u8| {
        set(buffer, setting);
        let one_source = match op.shape() {
            // The only source is where the first of two is.
            Shape::Vx | Shape::Vf | Shape::Vi => Some(encode::vector(op, dst, 0, a)),
            Shape::VvvInto => Some(encode::vector(op, dst, b, a)),
            _ => None,
        };
        buffer.word(one_source.unwrap_or_else(|| encode::vector(op, dst, a, b)));
    };
    match *inst {
        Inst::Vector { op, set, dst, a, b } | Inst::VectorInto { op, set, dst, a, b, .. } => {
            word(op, set, dst.hw_enc(), a.hw_enc(), b.hw_enc());
        }
        Inst::VectorImm { op, set, dst, imm, .. } if op.shape() == Shape::Vi => {
            word(op, set, dst.hw_enc(), imm as u8, 0);
        }
        Inst::VectorImm { op, set, dst, a, imm } | Inst::VectorIntoImm { op, set, dst, a, imm, .. } => {
            word(op, set, dst.hw_enc(), a.hw_enc(), imm as u8);
        }
        Inst::VectorLoad { set: setting, dst, mem } => {
            set(buffer, setting);
            memory(buffer, Op::Vle8, dst.hw_enc(), mem, ctx);
        }
        Inst::VectorStore { set: setting, src, mem } => {
            set(buffer, setting);
            memory(buffer, Op::Vse8, src.hw_enc(), mem, ctx);
        }
        Inst::VectorConst { dst, words } => {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let label = buffer.constant(&bytes, 16);
            set(buffer, Setting::lanes(8));
            load_label(buffer, Op::Addi, T6, T6, label);
            buffer.word(encode::vector(Op::Vle8, dst.hw_enc(), 0, T6));
        }
        Inst::Control { op, value } => buffer.word(encode::control(op, value)),
        _ => return false,
    }
    true
}

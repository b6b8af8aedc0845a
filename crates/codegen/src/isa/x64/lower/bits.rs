//! Shifts, rotations, counts, permutations of bits.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Ishl => shift_by(ctx, inst, ty, ShiftOp::Shl, ShiftxOp::Shlx),
        Opcode::Ushr => shift_by(ctx, inst, ty, ShiftOp::Shr, ShiftxOp::Shrx),
        Opcode::Sshr => shift_by(ctx, inst, ty, ShiftOp::Sar, ShiftxOp::Sarx),
        Opcode::Rotl => rotate(ctx, inst, ty, ShiftOp::Rol),
        Opcode::Rotr => rotate(ctx, inst, ty, ShiftOp::Ror),
        Opcode::Clz => {
            let (v, dst) = (ctx.arg(inst, 0), ctx.result(inst, 0));
            let src = extended_to_32(ctx, v, false);
            leading_zeros(ctx, dst, src, ty);
        }
        Opcode::Cls => cls(ctx, inst, ty),
        Opcode::Ctz => ctz(ctx, inst, ty),
        Opcode::Popcnt => popcnt(ctx, inst, ty),
        Opcode::Bswap => {
            let (src, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            swap_bytes(ctx, dst, src, ty);
        }
        Opcode::Bitrev => bitrev(ctx, inst, ty),
        Opcode::Bmask => bmask(ctx, inst, ty),
        _ => return false,
    }
    true
}

/// Shifts by a register mask its amount to 5 or 6 bits; narrower types mask it
/// themselves. What shifts bits down is done at its own width.
fn shift_by(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: ShiftOp, flagless: ShiftxOp) {
    let (v, by) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = if op == ShiftOp::Shl { Size::of(ty).widened() } else { Size::of(ty) };
    if let Some(amount) = ctx.iconst(by) {
        let amount = (amount as u64 % u64::from(ty.bits())) as u8;
        // The upper half of the register must become zero, as in any other shift of 32
        // bits.
        if op == ShiftOp::Shr
            && ty.bits() == 32
            && ctx.single_use(v)
            && let Some(high) = ctx.def_op(v, Opcode::Umulhi)
        {
            let (factors, dst) = ([0, 1].map(|n| ctx.arg(high, n)), ctx.result(inst, 0));
            return int::high_part(ctx, dst, factors, false, amount);
        }
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return ctx.emit(match (op, amount) {
            (_, 0) => Inst::Copy { dst, src, class: RegClass::Int },
            (ShiftOp::Shl, 1..=3) => {
                // Like a shift, but the operand stays.
                let addr = match amount {
                    1 => Amode::Index { base: src, index: src, shift: 0, disp: 0 },
                    _ => return ctx.emit(Inst::ShiftImm { op, size, dst, src, amount }),
                };
                Inst::Lea { size, dst, addr }
            }
            _ => Inst::ShiftImm { op, size, dst, src, amount },
        });
    }
    let mut amount = ctx.reg(by);
    if ty.bits() < 32 {
        amount = alu(ctx, AluOp::And, Size::S32, amount, Rmi::Imm(ty.bits() as i32 - 1));
    } else if ctx.backend.features.bmi2() {
        let (src, dst) = (rm(ctx, v), ctx.result(inst, 0));
        return ctx.emit(Inst::Shiftx { op: flagless, size, dst, src, amount });
    }
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(Inst::ShiftCl { op, size, dst, src, amount });
}

/// Rotations at their own width take the amount modulo it.
fn rotate(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: ShiftOp) {
    let (v, by) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = Size::of(ty);
    if let Some(amount) = ctx.iconst(by) {
        let amount = (amount as u64 % u64::from(ty.bits())) as u8;
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return ctx.emit(match amount {
            0 => Inst::Copy { dst, src, class: RegClass::Int },
            _ => Inst::ShiftImm { op, size, dst, src, amount },
        });
    }
    let (amount, src) = (ctx.reg(by), ctx.reg(v));
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::ShiftCl { op, size, dst, src, amount });
}

/// Leading zeros of a zero-extended register, counted from the type's top bit.
fn leading_zeros(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type) {
    let size = Size::of(ty).widened();
    let bits = ty.bits() as i32;
    if ctx.backend.features.lzcnt() {
        if bits >= 32 {
            return ctx.emit(Inst::Count { op: CountOp::Lzcnt, size, dst, src: Rmi::Reg(src) });
        }
        let count = temp(ctx);
        ctx.emit(Inst::Count { op: CountOp::Lzcnt, size, dst: count, src: Rmi::Reg(src) });
        return ctx.emit(Inst::Lea { size, dst, addr: Amode::Base(count, bits - 32) });
    }
    // The highest bit's number, or -1.
    let (none, top, index) = (imm(ctx, -1), temp(ctx), temp(ctx));
    ctx.emit(Inst::Count { op: CountOp::Bsr, size, dst: top, src: Rmi::Reg(src) });
    ctx.emit(Inst::Cmov { cc: Cc::E, size, dst: index, src1: top, src2: Rmi::Reg(none) });
    let negated = temp(ctx);
    ctx.emit(Inst::Unary { op: UnaryOp::Neg, size, dst: negated, src: index });
    ctx.emit(Inst::Lea { size, dst, addr: Amode::Base(negated, bits - 1) });
}

/// Leading zeros of the value with its sign bit spread and cleared, less one.
fn cls(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let size = Size::of(ty).widened();
    let src = extended_to_32(ctx, ctx.arg(inst, 0), true);
    let sign = shift(ctx, ShiftOp::Sar, size, src, size.bits() as u8 - 1);
    let plain = alu(ctx, AluOp::Xor, size, src, Rmi::Reg(sign));
    let count = temp(ctx);
    leading_zeros(ctx, count, plain, ty);
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Lea { size, dst, addr: Amode::Base(count, -1) });
}

fn ctz(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let size = Size::of(ty).widened();
    let mut src = ctx.reg(ctx.arg(inst, 0));
    if ty.bits() < 32 {
        // A bit above the type ends the count.
        src = alu(ctx, AluOp::Or, size, src, Rmi::Imm(1 << ty.bits()));
    }
    let dst = ctx.result(inst, 0);
    if ctx.backend.features.bmi1() {
        return ctx.emit(Inst::Count { op: CountOp::Tzcnt, size, dst, src: Rmi::Reg(src) });
    }
    let (none, lowest) = (imm(ctx, ty.bits().into()), temp(ctx));
    ctx.emit(Inst::Count { op: CountOp::Bsf, size, dst: lowest, src: Rmi::Reg(src) });
    ctx.emit(Inst::Cmov { cc: Cc::E, size, dst, src1: lowest, src2: Rmi::Reg(none) });
}

/// A mask of 64 bits, as an operand of this width.
fn mask(ctx: &mut Ctx<'_>, size: Size, bits: u64) -> Rmi {
    match size {
        Size::S64 => Rmi::Reg(imm(ctx, bits as i64)),
        _ => Rmi::Imm(bits as i32),
    }
}

fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let size = Size::of(ty).widened();
    let src = extended_to_32(ctx, ctx.arg(inst, 0), false);
    let dst = ctx.result(inst, 0);
    if ctx.backend.features.popcnt() {
        return ctx.emit(Inst::Count { op: CountOp::Popcnt, size, dst, src: Rmi::Reg(src) });
    }
    // Sums in fields of 2, 4 and 8 bits, and of all bytes in the top one.
    let [m1, m2, m4] = [0x5555_5555_5555_5555, 0x3333_3333_3333_3333, 0x0f0f_0f0f_0f0f_0f0f]
        .map(|bits| mask(ctx, size, bits));
    let half = shift(ctx, ShiftOp::Shr, size, src, 1);
    let odd = alu(ctx, AluOp::And, size, half, m1);
    let pairs = alu(ctx, AluOp::Sub, size, src, Rmi::Reg(odd));
    let high = shift(ctx, ShiftOp::Shr, size, pairs, 2);
    let (high, low) = (alu(ctx, AluOp::And, size, high, m2), alu(ctx, AluOp::And, size, pairs, m2));
    let nibbles = alu(ctx, AluOp::Add, size, high, Rmi::Reg(low));
    let high = shift(ctx, ShiftOp::Shr, size, nibbles, 4);
    let both = alu(ctx, AluOp::Add, size, high, Rmi::Reg(nibbles));
    let bytes = alu(ctx, AluOp::And, size, both, m4);
    let ones = Rmi::Reg(imm(ctx, if size == Size::S64 { 0x0101_0101_0101_0101 } else { 0x0101_0101 }));
    let sum = temp(ctx);
    ctx.emit(Inst::Imul { size, dst: sum, src1: bytes, src2: ones });
    ctx.emit(Inst::ShiftImm { op: ShiftOp::Shr, size, dst, src: sum, amount: size.bits() as u8 - 8 });
}

/// Reverses the bytes of a value.
pub fn swap_bytes(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type) {
    let size = Size::of(ty);
    ctx.emit(match size {
        Size::S8 => Inst::Copy { dst, src, class: RegClass::Int },
        Size::S16 => Inst::ShiftImm { op: ShiftOp::Rol, size, dst, src, amount: 8 },
        Size::S32 | Size::S64 => Inst::Bswap { size, dst, src },
    });
}

/// Exchanges halves of ever larger fields, then bytes.
fn bitrev(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let size = Size::of(ty).widened();
    let mut value = ctx.reg(ctx.arg(inst, 0));
    let fields = [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, 0x0f0f_0f0f_0f0f_0f0f)];
    for (amount, bits) in fields {
        let mask = mask(ctx, size, bits);
        let high = shift(ctx, ShiftOp::Shr, size, value, amount);
        let high = alu(ctx, AluOp::And, size, high, mask);
        let low = alu(ctx, AluOp::And, size, value, mask);
        let low = shift(ctx, ShiftOp::Shl, size, low, amount);
        value = alu(ctx, AluOp::Or, size, high, Rmi::Reg(low));
    }
    let dst = ctx.result(inst, 0);
    swap_bytes(ctx, dst, value, ty);
}

/// All ones unless the value is zero: `neg` sets the carry flag.
fn bmask(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let v = ctx.arg(inst, 0);
    let (from, src) = (Size::of(ctx.ty(v)), ctx.reg(v));
    let (negated, dst) = (temp(ctx), ctx.result(inst, 0));
    ctx.emit(Inst::Unary { op: UnaryOp::Neg, size: from, dst: negated, src });
    ctx.emit(Inst::CarryMask { size: Size::of(ty).widened(), dst });
}

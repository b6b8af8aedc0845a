//! Shifts, rotations, counts, permutations of bits.

use super::*;
use crate::isa::aarch64::neon::{V2Op, VAcrossOp};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Ishl => ishl(ctx, inst, ty),
        Opcode::Ushr => shift_right(ctx, inst, ty, false),
        Opcode::Sshr => shift_right(ctx, inst, ty, true),
        Opcode::Rotl => rotate(ctx, inst, ty, true),
        Opcode::Rotr => rotate(ctx, inst, ty, false),
        Opcode::Clz => clz(ctx, inst, ty),
        Opcode::Cls => {
            let (size, n) = (Size::of(ty), extended_to_32(ctx, ctx.arg(inst, 0), true));
            count(ctx, inst, ty, Op1::Cls, size, n);
        }
        Opcode::Ctz => ctz(ctx, inst, ty),
        Opcode::Popcnt => popcnt(ctx, inst, ty),
        Opcode::Bswap => {
            let (n, dst) = (ctx.reg(ctx.arg(inst, 0)), ctx.result(inst, 0));
            swap_bytes(ctx, dst, n, ty);
        }
        Opcode::Bitrev => {
            let (size, n) = (Size::of(ty), ctx.reg(ctx.arg(inst, 0)));
            if ty.bits() >= 32 {
                let dst = ctx.result(inst, 0);
                ctx.emit(Inst::Op1 { op: Op1::Rbit, size, dst, n });
            } else {
                let reversed = op1(ctx, Op1::Rbit, size, n);
                let dst = ctx.result(inst, 0);
                shift_right_to(ctx, dst, reversed, 32 - ty.bits() as u8, false, size);
            }
        }
        Opcode::Bmask => {
            let test = control::is_not_zero(ctx, ctx.arg(inst, 0));
            let dst = ctx.result(inst, 0);
            let cc = control::flags_of(ctx, test);
            // All ones if the condition holds.
            let (op, size) = (CselOp::Csinv, Size::of(ty));
            ctx.emit(Inst::Csel { op, size, dst, n: ZR, m: ZR, cc: cc.inverted() });
        }
        _ => return false,
    }
    true
}

/// The amount of a shift by a constant.
fn constant_amount(ctx: &Ctx<'_>, inst: IrInst, ty: Type) -> Option<u8> {
    let amount = ctx.iconst(ctx.arg(inst, 1))?;
    Some((amount as u64 % u64::from(ty.bits())) as u8)
}

/// The amount of a shift in a register: instructions take it modulo their width, so
/// narrower types do it themselves.
fn amount_reg(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) -> Reg {
    let amount = ctx.reg(ctx.arg(inst, 1));
    if ty.bits() >= 32 {
        return amount;
    }
    let mask = logic_imm_of(i64::from(ty.bits()) - 1, I32).expect("ones at the bottom are a pattern");
    alu(ctx, AluOp::And, Size::S32, amount, Rm::Logic(mask))
}

fn ishl(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (v, size) = (ctx.arg(inst, 0), Size::of(ty));
    if let Some(amount) = constant_amount(ctx, inst, ty) {
        // An extension before the shift is part of it.
        for (opcode, op) in [(Opcode::Uextend, BitfieldOp::Ubfm), (Opcode::Sextend, BitfieldOp::Sbfm)] {
            if let Some(extend) = ctx.def_op(v, opcode)
                && let narrow = ctx.arg(extend, 0)
                && ctx.single_use(v)
                && amount > 0
                && ctx.ty(narrow).bits() + u32::from(amount) <= ty.bits()
            {
                let (n, dst) = (ctx.reg(narrow), ctx.result(inst, 0));
                let (immr, imms) = (size.bits() - amount, ctx.ty(narrow).bits() as u8 - 1);
                return ctx.emit(Inst::Bitfield { op, size, dst, n, immr, imms });
            }
        }
        let (n, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return shift_left_to(ctx, dst, n, amount, size);
    }
    let (n, m) = (ctx.reg(v), amount_reg(ctx, inst, ty));
    let dst = ctx.result(inst, 0);
    op2_to(ctx, Op2::Lslv, size, dst, n, m);
}

fn shift_right(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let (v, size) = (ctx.arg(inst, 0), Size::of(ty));
    if let Some(amount) = constant_amount(ctx, inst, ty) {
        let op = if signed { BitfieldOp::Sbfm } else { BitfieldOp::Ubfm };
        let top = ty.bits() as u8 - 1;
        // A shift left before makes it a field of bits.
        if ty.bits() >= 32
            && ctx.single_use(v)
            && let Some(shl) = ctx.def_op(v, Opcode::Ishl)
            && let Some(left) = constant_amount(ctx, shl, ty)
            && left <= amount
        {
            let (n, dst) = (ctx.reg(ctx.arg(shl, 0)), ctx.result(inst, 0));
            let (immr, imms) = (amount - left, top - left);
            return ctx.emit(Inst::Bitfield { op, size, dst, n, immr, imms });
        }
        // The upper half of a product of 32 bits is shifted down already.
        if ty == I32
            && !signed
            && ctx.single_use(v)
            && let Some(high) = ctx.def_op(v, Opcode::Umulhi)
        {
            let product = int::long_product(ctx, high, false);
            let dst = ctx.result(inst, 0);
            return shift_right_to(ctx, dst, product, 32 + amount, false, Size::S64);
        }
        let (n, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return ctx.emit(Inst::Bitfield { op, size, dst, n, immr: amount, imms: top });
    }
    let (n, m) = (extended_to_32(ctx, v, signed), amount_reg(ctx, inst, ty));
    let dst = ctx.result(inst, 0);
    op2_to(ctx, if signed { Op2::Asrv } else { Op2::Lsrv }, size, dst, n, m);
}

/// Narrow values are repeated to 32 bits, and then rotated as such.
fn rotate(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, left: bool) {
    let (v, size) = (ctx.arg(inst, 0), Size::of(ty));
    let bits = ty.bits() as u8;
    let mut n = ctx.reg(v);
    let mut width = bits;
    while width < 32 {
        if width == bits {
            n = extended_to_32(ctx, v, false);
        }
        n = alu(ctx, AluOp::Orr, Size::S32, n, Rm::Shifted(n, Shift::Lsl, width));
        width *= 2;
    }
    if let Some(amount) = constant_amount(ctx, inst, ty) {
        let lsb = if left { (bits - amount) % bits } else { amount };
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Extr { size, dst, n, m: n, lsb });
    }
    let mut m = ctx.reg(ctx.arg(inst, 1));
    if left {
        m = alu(ctx, AluOp::Sub, Size::S32, ZR, Rm::Reg(m));
    }
    let dst = ctx.result(inst, 0);
    op2_to(ctx, Op2::Rorv, size, dst, n, m);
}

/// Counts in at least 32 bits, and takes off what is above the type.
fn count(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: Op1, size: Size, n: Reg) {
    if ty.bits() >= 32 {
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Op1 { op, size, dst, n });
    }
    let all = op1(ctx, op, size, n);
    let dst = ctx.result(inst, 0);
    let above = Imm12::new(32 - u64::from(ty.bits())).expect("less than twelve bits");
    alu_to(ctx, AluOp::Sub, Size::S32, dst, all, Rm::Imm(above));
}

fn clz(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (size, n) = (Size::of(ty), extended_to_32(ctx, ctx.arg(inst, 0), false));
    count(ctx, inst, ty, Op1::Clz, size, n);
}

/// Leading zeros of the reverse.
fn ctz(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (size, mut n) = (Size::of(ty), ctx.reg(ctx.arg(inst, 0)));
    if ty.bits() < 32 {
        // A bit above the type ends the count.
        let bit = LogicImm::new(1 << ty.bits(), Size::S32).expect("one bit is a pattern");
        n = alu(ctx, AluOp::Orr, Size::S32, n, Rm::Logic(bit));
    }
    let reversed = op1(ctx, Op1::Rbit, size, n);
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Op1 { op: Op1::Clz, size, dst, n: reversed });
}

/// Ones in each byte, added up, by vector instructions.
fn popcnt(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (size, n) = (Size::of(ty), extended_to_32(ctx, ctx.arg(inst, 0), false));
    let [bits, counts, sum] = [0; 3].map(|_| float_temp(ctx));
    ctx.emit(Inst::FmovFromInt { size, dst: bits, n });
    let arr = Arr::B8;
    ctx.emit(Inst::Vec(VecInst::V2 { op: V2Op::Cnt, arr, dst: counts, n: bits }));
    let dst = ctx.result(inst, 0);
    let total = if ty.bits() == 8 {
        counts
    } else {
        ctx.emit(Inst::Vec(VecInst::Across { op: VAcrossOp::Addv, arr, dst: sum, n: counts }));
        sum
    };
    ctx.emit(Inst::FmovToInt { size: Size::S32, dst, n: total });
}

/// Reverses the bytes of a value.
pub fn swap_bytes(ctx: &mut Ctx<'_>, dst: Reg, n: Reg, ty: Type) {
    let (op, size) = match ty.bits() {
        8 => return ctx.emit(Inst::Copy { dst, src: n, class: RegClass::Int }),
        16 => (Op1::Rev16, Size::S32),
        _ => (Op1::Rev, Size::of(ty)),
    };
    ctx.emit(Inst::Op1 { op, size, dst, n });
}

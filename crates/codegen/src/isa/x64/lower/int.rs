//! Integer constants, arithmetic and logic.

use super::*;
use sidetrack_artifact::TrapCode;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let ty = ctx.func.dfg.insts[inst].ty;
    match opcode {
        Opcode::Iconst => {
            let Extra::Imm(imm) = ctx.func.dfg.insts[inst].extra else { return false };
            let dst = ctx.result(inst, 0);
            constant_to(ctx, dst, ty, imm as u64);
        }
        Opcode::Iadd => iadd(ctx, inst, ty),
        Opcode::Isub => isub(ctx, inst, ty),
        Opcode::Imul => imul(ctx, inst, ty),
        Opcode::Ineg => unary(ctx, inst, UnaryOp::Neg),
        Opcode::Iabs => iabs(ctx, inst, ty),
        Opcode::Umulhi => mulhi(ctx, inst, ty, false),
        Opcode::Smulhi => mulhi(ctx, inst, ty, true),
        Opcode::Udiv => divide(ctx, inst, ty, false, false),
        Opcode::Urem => divide(ctx, inst, ty, false, true),
        Opcode::Sdiv => divide(ctx, inst, ty, true, false),
        Opcode::Srem => divide(ctx, inst, ty, true, true),
        Opcode::Smin => min_max(ctx, inst, ty, Cc::G),
        Opcode::Smax => min_max(ctx, inst, ty, Cc::L),
        Opcode::Umin => min_max(ctx, inst, ty, Cc::A),
        Opcode::Umax => min_max(ctx, inst, ty, Cc::B),
        Opcode::Band if ty.is_int() => band(ctx, inst, ty),
        Opcode::Bor if ty.is_int() => logical(ctx, inst, ty, AluOp::Or),
        Opcode::Bxor if ty.is_int() => logical(ctx, inst, ty, AluOp::Xor),
        Opcode::Bnot if ty.is_int() => unary(ctx, inst, UnaryOp::Not),
        Opcode::Uextend | Opcode::Sextend => {
            let (v, dst) = (ctx.arg(inst, 0), ctx.result(inst, 0));
            extend_to(ctx, dst, v, opcode == Opcode::Sextend);
        }
        _ => return false,
    }
    true
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, op: UnaryOp) {
    let v = ctx.arg(inst, 0);
    let (size, src, dst) = (Size::of(ctx.ty(v)).widened(), ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(Inst::Unary { op, size, dst, src });
}

fn logical(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: AluOp) {
    let (a, b) = ordered(ctx, ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (src2, src1) = (rmi(ctx, b), ctx.reg(a));
    let dst = ctx.result(inst, 0);
    alu_to(ctx, op, Size::of(ty).widened(), dst, src1, src2);
}

fn band(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (a, b) = ordered(ctx, ctx.arg(inst, 0), ctx.arg(inst, 1));
    if let Some(mask) = ctx.iconst(b) {
        let kind = match zero_extended(mask, ty) {
            0xff => Some(MovKind::Zx8),
            0xffff => Some(MovKind::Zx16),
            0xffff_ffff if ty.bits() == 64 => Some(MovKind::M32),
            _ => None,
        };
        if let Some(kind) = kind {
            let (src, dst) = (ctx.reg(a), ctx.result(inst, 0));
            return ctx.emit(Inst::Mov { kind, dst, src: Rmi::Reg(src) });
        }
    }
    let size = Size::of(ty).widened();
    if ctx.backend.features.bmi1() {
        for (kept, v) in [(a, b), (b, a)] {
            if let Some(not) = ctx.def_op(v, Opcode::Bnot)
                && ctx.single_use(v)
            {
                let (src1, src2) = (ctx.reg(ctx.arg(not, 0)), ctx.reg(kept));
                let dst = ctx.result(inst, 0);
                return ctx.emit(Inst::Andn { size, dst, src1, src2: Rmi::Reg(src2) });
            }
        }
    }
    logical(ctx, inst, ty, AluOp::And);
}

fn iadd(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (a, b) = ordered(ctx, ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = Size::of(ty).widened();
    if immediate(ctx, b).is_none()
        && ty.bits() >= 32
        && let Some(src2) = memory(ctx, b)
    {
        let (src1, dst) = (ctx.reg(a), ctx.result(inst, 0));
        return alu_to(ctx, AluOp::Add, size, dst, src1, src2);
    }
    let addr = match immediate(ctx, b) {
        Some(disp) => Amode::Base(ctx.reg(a), disp),
        None => mem::sum(ctx, a, b, 0),
    };
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Lea { size, dst, addr });
}

fn isub(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = Size::of(ty).widened();
    if let Some(disp) = immediate(ctx, b).and_then(i32::checked_neg) {
        let addr = Amode::Base(ctx.reg(a), disp);
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Lea { size, dst, addr });
    }
    let (src2, src1) = (rmi(ctx, b), ctx.reg(a));
    let dst = ctx.result(inst, 0);
    alu_to(ctx, AluOp::Sub, size, dst, src1, src2);
}

fn imul(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (a, b) = ordered(ctx, ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = Size::of(ty).widened();
    match immediate(ctx, b) {
        Some(factor @ (3 | 5 | 9)) => {
            let (reg, dst) = (ctx.reg(a), ctx.result(inst, 0));
            let shift = (factor - 1).trailing_zeros() as u8;
            ctx.emit(Inst::Lea { size, dst, addr: Amode::Index { base: reg, index: reg, shift, disp: 0 } });
        }
        Some(imm) => {
            let (src, dst) = (rm(ctx, a), ctx.result(inst, 0));
            ctx.emit(Inst::ImulImm { size, dst, src, imm });
        }
        None => {
            let (src2, src1) = (rm(ctx, b), ctx.reg(a));
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Imul { size, dst, src1, src2 });
        }
    }
}

/// The negation, or the value itself where that is negative.
fn iabs(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let size = Size::of(ty).widened();
    let (src, negated) = (extended_to_32(ctx, ctx.arg(inst, 0), true), temp(ctx));
    ctx.emit(Inst::Unary { op: UnaryOp::Neg, size, dst: negated, src });
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Cmov { cc: Cc::S, size, dst, src1: negated, src2: Rmi::Reg(src) });
}

/// `cc` says when the second operand is the result.
fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, cc: Cc) {
    let (a, b) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
    let (size, dst) = (Size::of(ty), ctx.result(inst, 0));
    ctx.emit(Inst::Cmp { size, src1: a, src2: Rmi::Reg(b) });
    ctx.emit(Inst::Cmov { cc, size: size.widened(), dst, src1: a, src2: Rmi::Reg(b) });
}

fn mulhi(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = Size::of(ty);
    if size < Size::S32 {
        let (a, b) = (extended(ctx, a, signed), extended(ctx, b, signed));
        let product = temp(ctx);
        ctx.emit(Inst::Imul { size: Size::S32, dst: product, src1: a, src2: Rmi::Reg(b) });
        let (dst, amount) = (ctx.result(inst, 0), size.bits() as u8);
        return ctx.emit(Inst::ShiftImm { op: ShiftOp::Shr, size: Size::S32, dst, src: product, amount });
    }
    if size == Size::S32 {
        let dst = ctx.result(inst, 0);
        return high_part(ctx, dst, [a, b], signed, 0);
    }
    let (a, b) = ordered(ctx, a, b);
    let (src2, src1) = (rm(ctx, b), ctx.reg(a));
    let (lo, hi) = (temp(ctx), ctx.result(inst, 0));
    ctx.emit(Inst::MulWide { signed, size, lo, hi, src1, src2 });
}

/// The upper half of a product of 32-bit numbers, shifted down by `amount`: from the
/// product of 64 bits, which needs no particular registers.
pub fn high_part(ctx: &mut Ctx<'_>, dst: Reg, [a, b]: [Value; 2], signed: bool, amount: u8) {
    let size = Size::S64;
    let (src, product) = (extended(ctx, a, signed), temp(ctx));
    match immediate(ctx, b) {
        Some(imm) if signed || imm >= 0 => {
            ctx.emit(Inst::ImulImm { size, dst: product, src: Rmi::Reg(src), imm });
        }
        _ => {
            let src2 = Rmi::Reg(extended(ctx, b, signed));
            ctx.emit(Inst::Imul { size, dst: product, src1: src, src2 });
        }
    }
    ctx.emit(Inst::ShiftImm { op: ShiftOp::Shr, size, dst, src: product, amount: 32 + amount });
}

/// Division or remainder. Narrow operands are extended to 32 bits, where the least
/// number divided by -1 does not overflow, so that is checked afterwards.
fn divide(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool, remainder: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, mut b) = (extended_to_32(ctx, va, signed), extended_to_32(ctx, vb, signed));
    let size = Size::of(ty).widened();
    let known = ctx.iconst(vb).map(|imm| sign_extended(imm, ty));
    let one = (signed && remainder && known.is_none_or(|imm| imm == -1)).then(|| imm(ctx, 1));
    if known.is_none_or(|imm| imm == 0) {
        ctx.emit(Inst::Test { size, src1: b, src2: Rmi::Reg(b) });
        ctx.emit(Inst::TrapIf { cc: Cc::E, code: TrapCode::IntegerDivisionByZero });
    }
    if let Some(one) = one {
        // By 1 the remainder is zero just as by -1, and nothing overflows.
        let safe = temp(ctx);
        ctx.emit(Inst::Cmp { size, src1: b, src2: Rmi::Imm(-1) });
        ctx.emit(Inst::Cmov { cc: Cc::E, size, dst: safe, src1: b, src2: Rmi::Reg(one) });
        b = safe;
    }
    let (hi, other, dst) = (temp(ctx), temp(ctx), ctx.result(inst, 0));
    ctx.emit(Inst::DividendHigh { signed, size, dst: hi, src: a });
    let (quotient, rest) = if remainder { (other, dst) } else { (dst, other) };
    ctx.emit(Inst::Div { signed, size, quotient, remainder: rest, lo: a, hi, divisor: b });
    if signed && !remainder && ty.bits() < 32 && known.is_none_or(|imm| imm == -1) {
        let limit = Rmi::Imm(1 << (ty.bits() - 1));
        ctx.emit(Inst::Cmp { size: Size::S32, src1: quotient, src2: limit });
        ctx.emit(Inst::TrapIf { cc: Cc::E, code: TrapCode::IntegerOverflow });
    }
}

//! Integer arithmetic, comparison and bits.

use super::*;
use crate::isa::pulley::inst::Cond;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::{Extra, Inst as IrInst, IntCC};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::Iconst => {
            let (imm, dst) = (immediate(ctx, inst), ctx.result(inst, 0));
            ctx.emit(Inst::XConst { dst, imm });
        }
        Opcode::Iadd => iadd(ctx, inst),
        Opcode::Isub => isub(ctx, inst),
        Opcode::Imul => imul(ctx, inst),
        Opcode::Ineg => unary(ctx, inst, Xx::xneg32, Xx::xneg64),
        Opcode::Iabs => unary_extended(ctx, inst, true, Xx::xabs32, Xx::xabs64),
        Opcode::Umulhi => mulhi(ctx, inst, false),
        Opcode::Smulhi => mulhi(ctx, inst, true),
        Opcode::Udiv => unsigned_division(ctx, inst, Xxx::xdiv32_u, Xxx::xdiv64_u, false),
        Opcode::Urem => unsigned_division(ctx, inst, Xxx::xrem32_u, Xxx::xrem64_u, false),
        // The remainder of the least number by -1 is 0, as the interpreter has it.
        Opcode::Srem => unsigned_division(ctx, inst, Xxx::xrem32_s, Xxx::xrem64_s, true),
        Opcode::Sdiv => sdiv(ctx, inst),
        Opcode::Smin => binary_extended(ctx, inst, true, Xxx::xmin32_s, Xxx::xmin64_s),
        Opcode::Umin => binary_extended(ctx, inst, false, Xxx::xmin32_u, Xxx::xmin64_u),
        Opcode::Smax => binary_extended(ctx, inst, true, Xxx::xmax32_s, Xxx::xmax64_s),
        Opcode::Umax => binary_extended(ctx, inst, false, Xxx::xmax32_u, Xxx::xmax64_u),
        Opcode::Icmp => icmp(ctx, inst),
        Opcode::Band if is_int(ctx, inst) => {
            let wide = (XxI8::xband64_s8, XxI32::xband64_s32);
            logical(ctx, inst, Xxx::xband32, Xxx::xband64, AND32, wide);
        }
        Opcode::Bor if is_int(ctx, inst) => {
            let wide = (XxI8::xbor64_s8, XxI32::xbor64_s32);
            logical(ctx, inst, Xxx::xbor32, Xxx::xbor64, OR32, wide);
        }
        Opcode::Bxor if is_int(ctx, inst) => {
            let wide = (XxI8::xbxor64_s8, XxI32::xbxor64_s32);
            logical(ctx, inst, Xxx::xbxor32, Xxx::xbxor64, XOR32, wide);
        }
        Opcode::Bnot if is_int(ctx, inst) => unary(ctx, inst, Xx::xbnot32, Xx::xbnot64),
        Opcode::Ishl => {
            let ops = (Xxx::xshl32, Xxx::xshl64, XxU6::xshl32_u6, XxU6::xshl64_u6);
            shift_by(ctx, inst, None, ops);
        }
        Opcode::Ushr => {
            let ops = (Xxx::xshr32_u, Xxx::xshr64_u, XxU6::xshr32_u_u6, XxU6::xshr64_u_u6);
            shift_by(ctx, inst, Some(false), ops);
        }
        Opcode::Sshr => {
            let ops = (Xxx::xshr32_s, Xxx::xshr64_s, XxU6::xshr32_s_u6, XxU6::xshr64_s_u6);
            shift_by(ctx, inst, Some(true), ops);
        }
        Opcode::Rotl => rotate(ctx, inst, true),
        Opcode::Rotr => rotate(ctx, inst, false),
        Opcode::Bitrev => bitrev(ctx, inst),
        Opcode::Clz => clz(ctx, inst),
        Opcode::Cls => cls(ctx, inst),
        Opcode::Ctz => ctz(ctx, inst),
        Opcode::Bswap => bswap(ctx, inst),
        Opcode::Popcnt => unary_extended(ctx, inst, false, Xx::xpopcnt32, Xx::xpopcnt64),
        Opcode::Bmask => bmask(ctx, inst),
        Opcode::Uextend => {
            let (v, dst) = (ctx.arg(inst, 0), ctx.result(inst, 0));
            let (src, from) = (ctx.reg(v), ctx.ty(v));
            ctx.emit(Inst::extend(dst, src, from, false));
        }
        Opcode::Sextend => {
            let (v, dst) = (ctx.arg(inst, 0), ctx.result(inst, 0));
            let (src, from) = (ctx.reg(v), ctx.ty(v));
            ctx.emit(Inst::extend(dst, src, from, true));
        }
        _ => return false,
    }
    true
}

fn is_int(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    ctx.func.dfg.insts[inst].ty.is_int()
}

fn immediate(ctx: &Ctx<'_>, inst: IrInst) -> i64 {
    match ctx.func.dfg.insts[inst].extra {
        Extra::Imm(imm) => imm,
        _ => 0,
    }
}

fn result_type(ctx: &Ctx<'_>, inst: IrInst) -> Type {
    ctx.ty(ctx.func.dfg.results(inst)[0])
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Xx, wide: Xx) {
    let v = ctx.arg(inst, 0);
    let (op, src) = (sized(ctx.ty(v), narrow, wide), ctx.reg(v));
    let dst = ctx.result(inst, 0);
    xx_to(ctx, op, dst, src);
}

fn unary_extended(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool, narrow: Xx, wide: Xx) {
    let v = ctx.arg(inst, 0);
    let (op, src) = (sized(ctx.ty(v), narrow, wide), extended(ctx, v, signed));
    let dst = ctx.result(inst, 0);
    xx_to(ctx, op, dst, src);
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Xxx, wide: Xxx) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    xxx_to(ctx, sized(ctx.ty(va), narrow, wide), dst, a, b);
}

fn binary_extended(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool, narrow: Xxx, wide: Xxx) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let dst = ctx.result(inst, 0);
    xxx_to(ctx, sized(ctx.ty(va), narrow, wide), dst, a, b);
}

/// The operands of a commutative instruction of which the second is a constant.
fn with_constant(ctx: &Ctx<'_>, inst: IrInst) -> Option<(Value, i64)> {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    match (ctx.iconst(b), ctx.iconst(a)) {
        (Some(imm), _) => Some((a, imm)),
        (None, Some(imm)) => Some((b, imm)),
        (None, None) => None,
    }
}

/// Adds a constant; whether an instruction can.
fn add_constant(ctx: &mut Ctx<'_>, inst: IrInst, v: Value, imm: i64) -> bool {
    let ty = ctx.ty(v);
    let imm = sign_extended(imm, ty);
    let Ok(size) = u32::try_from(imm.unsigned_abs()) else { return false };
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(match (u8::try_from(size), imm >= 0) {
        (Ok(imm), true) => Inst::XxU8 { op: sized(ty, XxU8::xadd32_u8, XxU8::xadd64_u8), dst, src, imm },
        (Ok(imm), false) => Inst::XxU8 { op: sized(ty, XxU8::xsub32_u8, XxU8::xsub64_u8), dst, src, imm },
        (Err(_), true) => {
            Inst::XxU32 { op: sized(ty, XxU32::xadd32_u32, XxU32::xadd64_u32), dst, src, imm: size }
        }
        (Err(_), false) => {
            Inst::XxU32 { op: sized(ty, XxU32::xsub32_u32, XxU32::xsub64_u32), dst, src, imm: size }
        }
    });
    true
}

fn iadd(ctx: &mut Ctx<'_>, inst: IrInst) {
    if let Some((v, imm)) = with_constant(ctx, inst)
        && add_constant(ctx, inst, v, imm)
    {
        return;
    }
    let (x, y) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    for (product, addend) in [(x, y), (y, x)] {
        if let Some(mul) = ctx.def_op(product, Opcode::Imul)
            && ctx.single_use(product)
        {
            let (va, vb) = (ctx.arg(mul, 0), ctx.arg(mul, 1));
            let (a, b, c) = (ctx.reg(va), ctx.reg(vb), ctx.reg(addend));
            let op = sized(ctx.ty(addend), Xxxx::xmadd32, Xxxx::xmadd64);
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Xxxx { op, dst, a, b, c });
            return;
        }
    }
    binary(ctx, inst, Xxx::xadd32, Xxx::xadd64);
}

fn isub(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if let Some(imm) = ctx.iconst(b)
        && add_constant(ctx, inst, a, sign_extended(imm, ctx.ty(a)).wrapping_neg())
    {
        return;
    }
    binary(ctx, inst, Xxx::xsub32, Xxx::xsub64);
}

fn imul(ctx: &mut Ctx<'_>, inst: IrInst) {
    if let Some((v, imm)) = with_constant(ctx, inst) {
        let ty = ctx.ty(v);
        if let Ok(imm) = i32::try_from(sign_extended(imm, ty)) {
            let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
            let op = sized(ty, (XxI8::xmul32_s8, XxI32::xmul32_s32), (XxI8::xmul64_s8, XxI32::xmul64_s32));
            logic_to(ctx, op, dst, src, imm);
            return;
        }
    }
    binary(ctx, inst, Xxx::xmul32, Xxx::xmul64);
}

fn logical(
    ctx: &mut Ctx<'_>,
    inst: IrInst,
    narrow: Xxx,
    wide: Xxx,
    narrow_imm: (XxI8, XxI32),
    wide_imm: (XxI8, XxI32),
) {
    if let Some((v, imm)) = with_constant(ctx, inst) {
        let ty = ctx.ty(v);
        if let Ok(imm) = i32::try_from(sign_extended(imm, ty)) {
            let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
            logic_to(ctx, sized(ty, narrow_imm, wide_imm), dst, src, imm);
            return;
        }
    }
    binary(ctx, inst, narrow, wide);
}

fn mulhi(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (extended_to_64(ctx, va, signed), extended_to_64(ctx, vb, signed));
    let dst = ctx.result(inst, 0);
    if ty.bits() == 64 {
        xxx_to(ctx, if signed { Xxx::xmulhi64_s } else { Xxx::xmulhi64_u }, dst, a, b);
    } else {
        let product = xxx(ctx, Xxx::xmul64, a, b);
        shift_to(ctx, XxU6::xshr64_u_u6, dst, product, ty.bits());
    }
}

/// The trap of a division by `divisor`, if it can be zero.
fn zero_trap(ctx: &Ctx<'_>, divisor: Value) -> Option<TrapCode> {
    ctx.iconst(divisor).is_none_or(|imm| imm == 0).then_some(TrapCode::IntegerDivisionByZero)
}

/// A division that traps for no reason but a divisor of zero.
fn unsigned_division(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Xxx, wide: Xxx, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let (op, trap, dst) = (sized(ctx.ty(va), narrow, wide), zero_trap(ctx, vb), ctx.result(inst, 0));
    ctx.emit(Inst::Xxx { op, dst, a, b, trap });
}

fn sdiv(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (extended(ctx, va, true), extended(ctx, vb, true));
    let (trap, dst) = (zero_trap(ctx, vb), ctx.result(inst, 0));
    let may_overflow = ctx.iconst(vb).is_none_or(|imm| sign_extended(imm, ty) == -1);
    let code = TrapCode::IntegerOverflow;
    if ty.bits() < 32 {
        ctx.emit(Inst::Xxx { op: Xxx::xdiv32_s, dst, a, b, trap });
        if may_overflow {
            let fits = extend(ctx, dst, ty, true);
            let cond = Cond::Cmp { cc: IntCC::NotEqual, wide: false, a: fits, b: dst };
            ctx.emit(Inst::TrapIf { cond, code });
        }
        return;
    }
    if may_overflow {
        // Zero just for the least number divided by -1.
        let least = xconst(ctx, sized(ty, i64::from(i32::MIN), i64::MIN));
        let not_least = xxx(ctx, sized(ty, Xxx::xbxor32, Xxx::xbxor64), a, least);
        let not_minus_one = xx(ctx, sized(ty, Xx::xbnot32, Xx::xbnot64), b);
        let either = xxx(ctx, sized(ty, Xxx::xbor32, Xxx::xbor64), not_least, not_minus_one);
        let wide = ty.bits() == 64;
        ctx.emit(Inst::TrapIf { cond: Cond::CmpImm { cc: IntCC::Equal, wide, a: either, imm: 0 }, code });
    }
    ctx.emit(Inst::Xxx { op: sized(ty, Xxx::xdiv32_s, Xxx::xdiv64_s), dst, a, b, trap });
}

fn icmp(ctx: &mut Ctx<'_>, inst: IrInst) {
    let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra else { return };
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (ty, signed) = (ctx.ty(va), cc.is_signed());
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let (narrow, wide, swap) = match cc {
        IntCC::Equal => (Xxx::xeq32, Xxx::xeq64, false),
        IntCC::NotEqual => (Xxx::xneq32, Xxx::xneq64, false),
        IntCC::SignedLessThan => (Xxx::xslt32, Xxx::xslt64, false),
        IntCC::SignedLessThanOrEqual => (Xxx::xslteq32, Xxx::xslteq64, false),
        IntCC::SignedGreaterThan => (Xxx::xslt32, Xxx::xslt64, true),
        IntCC::SignedGreaterThanOrEqual => (Xxx::xslteq32, Xxx::xslteq64, true),
        IntCC::UnsignedLessThan => (Xxx::xult32, Xxx::xult64, false),
        IntCC::UnsignedLessThanOrEqual => (Xxx::xulteq32, Xxx::xulteq64, false),
        IntCC::UnsignedGreaterThan => (Xxx::xult32, Xxx::xult64, true),
        IntCC::UnsignedGreaterThanOrEqual => (Xxx::xulteq32, Xxx::xulteq64, true),
    };
    let (a, b) = if swap { (b, a) } else { (a, b) };
    let dst = ctx.result(inst, 0);
    xxx_to(ctx, sized(ty, narrow, wide), dst, a, b);
}

/// A shift; `extension` is how the value shifted is extended, if that matters.
fn shift_by(ctx: &mut Ctx<'_>, inst: IrInst, extension: Option<bool>, ops: (Xxx, Xxx, XxU6, XxU6)) {
    let (v, amount) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(v);
    let src = match extension {
        Some(signed) => extended(ctx, v, signed),
        None => ctx.reg(v),
    };
    if let Some(imm) = ctx.iconst(amount) {
        let dst = ctx.result(inst, 0);
        shift_to(ctx, sized(ty, ops.2, ops.3), dst, src, imm as u32 & (ty.bits() - 1));
        return;
    }
    let amount = masked_amount(ctx, amount, ty);
    let dst = ctx.result(inst, 0);
    xxx_to(ctx, sized(ty, ops.0, ops.1), dst, src, amount);
}

/// A shift amount of which an instruction of at least 32 bits uses just the bits
/// that count for `ty`.
fn masked_amount(ctx: &mut Ctx<'_>, amount: Value, ty: Type) -> Reg {
    let amount = ctx.reg(amount);
    if ty.bits() >= 32 { amount } else { logic(ctx, AND32, amount, ty.bits() as i32 - 1) }
}

fn rotate(ctx: &mut Ctx<'_>, inst: IrInst, left: bool) {
    let (v, amount) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(v);
    if ty.bits() >= 32 {
        let ops = if left { (Xxx::xrotl32, Xxx::xrotl64) } else { (Xxx::xrotr32, Xxx::xrotr64) };
        binary(ctx, inst, ops.0, ops.1);
        return;
    }
    let src = extended(ctx, v, false);
    let forth = masked_amount(ctx, amount, ty);
    let negative = xx(ctx, Xx::xneg32, forth);
    let back = logic(ctx, AND32, negative, ty.bits() as i32 - 1);
    let (to_left, to_right) = if left { (forth, back) } else { (back, forth) };
    let high = xxx(ctx, Xxx::xshl32, src, to_left);
    let low = xxx(ctx, Xxx::xshr32_u, src, to_right);
    let dst = ctx.result(inst, 0);
    xxx_to(ctx, Xxx::xbor32, dst, high, low);
}

/// Exchanges neighbouring groups of 1, then 2, then 4 bits, then bytes.
fn bitrev(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let ty = ctx.ty(v);
    let (and, or) = sized(ty, (Xxx::xband32, Xxx::xbor32), (Xxx::xband64, Xxx::xbor64));
    let (left, right) = sized(ty, (XxU6::xshl32_u6, XxU6::xshr32_u_u6), (XxU6::xshl64_u6, XxU6::xshr64_u_u6));
    let mut reg = ctx.reg(v);
    for (amount, mask) in
        [(1, 0x5555_5555_5555_5555_u64), (2, 0x3333_3333_3333_3333), (4, 0x0f0f_0f0f_0f0f_0f0f)]
    {
        let mask = xconst(ctx, sized(ty, i64::from(mask as i32), mask as i64));
        let moved = shift(ctx, right, reg, amount);
        let low = xxx(ctx, and, moved, mask);
        let kept = xxx(ctx, and, reg, mask);
        let high = shift(ctx, left, kept, amount);
        reg = xxx(ctx, or, low, high);
    }
    let dst = ctx.result(inst, 0);
    reverse_bytes(ctx, dst, reg, ty);
}

fn reverse_bytes(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type) {
    match ty.bits() {
        8 => ctx.emit(Inst::mov(dst, src, RegClass::Int)),
        16 => {
            let swapped = xx(ctx, Xx::bswap32, src);
            shift_to(ctx, XxU6::xshr32_u_u6, dst, swapped, 16);
        }
        32 => xx_to(ctx, Xx::bswap32, dst, src),
        _ => xx_to(ctx, Xx::bswap64, dst, src),
    }
}

fn bswap(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let (ty, src, dst) = (ctx.ty(v), ctx.reg(v), ctx.result(inst, 0));
    reverse_bytes(ctx, dst, src, ty);
}

fn clz(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let (ty, src, dst) = (ctx.ty(v), extended(ctx, v, false), ctx.result(inst, 0));
    leading_zeros(ctx, dst, src, ty, 0);
}

/// The leading zeros of a zero-extended register in its type, less `less`.
fn leading_zeros(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type, less: u8) {
    let surplus = 32 - ty.bits().min(32) as u8 + less;
    let op = sized(ty, Xx::xclz32, Xx::xclz64);
    if surplus == 0 {
        xx_to(ctx, op, dst, src);
        return;
    }
    let count = xx(ctx, op, src);
    ctx.emit(Inst::XxU8 { op: sized(ty, XxU8::xsub32_u8, XxU8::xsub64_u8), dst, src: count, imm: surplus });
}

/// The bits that differ from the sign bit are the ones of `x ^ (x >> sign)`.
fn cls(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let ty = ctx.ty(v);
    let src = extended(ctx, v, true);
    let sign = if ty.bits() == 64 {
        shift(ctx, XxU6::xshr64_s_u6, src, 63)
    } else {
        shift(ctx, XxU6::xshr32_s_u6, src, 31)
    };
    let differing = xxx(ctx, sized(ty, Xxx::xbxor32, Xxx::xbxor64), src, sign);
    let dst = ctx.result(inst, 0);
    leading_zeros(ctx, dst, differing, ty, 1);
}

/// A bit above the narrow value stops the count at its width.
fn ctz(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let (ty, mut src) = (ctx.ty(v), ctx.reg(v));
    if ty.bits() < 32 {
        src = logic(ctx, OR32, src, 1 << ty.bits());
    }
    let dst = ctx.result(inst, 0);
    xx_to(ctx, sized(ty, Xx::xctz32, Xx::xctz64), dst, src);
}

fn bmask(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let dst_wide = result_type(ctx, inst).bits() == 64;
    let (src, wide) = if dst_wide || ctx.ty(v).bits() == 64 {
        (extended_to_64(ctx, v, false), true)
    } else {
        (extended(ctx, v, false), false)
    };
    let dst = ctx.result(inst, 0);
    xx_to(ctx, if wide { Xx::xbmask64 } else { Xx::xbmask32 }, dst, src);
}

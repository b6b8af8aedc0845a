//! Logic, shifts, counts and other work on bits of integers.

use super::*;
use crate::isa::riscv64::lower::int::from_word;
use sidetrack_ir::types::I16;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let is_int = ctx.func.dfg.insts[inst].ty.is_int();
    match opcode {
        Opcode::Band if is_int => logic(ctx, inst, Op::And, Op::Andi, Op::Andn),
        Opcode::Bor if is_int => logic(ctx, inst, Op::Or, Op::Ori, Op::Orn),
        Opcode::Bxor if is_int => logic(ctx, inst, Op::Xor, Op::Xori, Op::Xnor),
        Opcode::Bnot if is_int => {
            let v = ctx.arg(inst, 0);
            let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
            imm_to(ctx, Op::Xori, dst, src, -1);
        }
        Opcode::Bitselect if is_int => {
            let [c, x, y] = [0, 1, 2].map(|n| {
                let v = ctx.arg(inst, n);
                operand(ctx, v)
            });
            let dst = ctx.result(inst, 0);
            bit_select(ctx, dst, c, x, y);
        }
        Opcode::Ishl => ishl(ctx, inst),
        Opcode::Ushr => shift_right(ctx, inst, false),
        Opcode::Sshr => shift_right(ctx, inst, true),
        Opcode::Rotl => rotate(ctx, inst, true),
        Opcode::Rotr => rotate(ctx, inst, false),
        Opcode::Bitrev => bitrev(ctx, inst),
        Opcode::Bswap => {
            let v = ctx.arg(inst, 0);
            let (ty, src, dst) = (ctx.ty(v), ctx.reg(v), ctx.result(inst, 0));
            ctx.emit(Inst::SwapBytes { dst, src, ty });
        }
        Opcode::Clz => {
            let v = ctx.arg(inst, 0);
            let (ty, src, dst) = (ctx.ty(v), extended(ctx, v, false), ctx.result(inst, 0));
            leading_zeros(ctx, dst, src, ty, 0);
        }
        Opcode::Cls => cls(ctx, inst),
        Opcode::Ctz => ctz(ctx, inst),
        Opcode::Popcnt if is_int => {
            let v = ctx.arg(inst, 0);
            let ty = ctx.ty(v);
            let src = if ty == I32 { ctx.reg(v) } else { extended(ctx, v, false) };
            let dst = ctx.result(inst, 0);
            count(ctx, dst, src, ty);
        }
        Opcode::Bmask => {
            let v = ctx.arg(inst, 0);
            let src = truth(ctx, v);
            let (bit, dst) = (three(ctx, Op::Sltu, ZERO, src), ctx.result(inst, 0));
            three_to(ctx, Op::Sub, dst, ZERO, bit);
        }
        _ => return false,
    }
    true
}

/// A logical operation; `inverting` is the instruction of Zbb that inverts its
/// second operand.
fn logic(ctx: &mut Ctx<'_>, inst: IrInst, op: Op, op_imm: Op, inverting: Op) {
    let (a, b) = ordered(ctx, inst);
    if ctx.backend.features.zbs() && bit_of_register(ctx, inst, op, a, b) {
        return;
    }
    if let Some(value) = immediate12(ctx, b) {
        let (src, dst) = (operand(ctx, a), ctx.result(inst, 0));
        return imm_to(ctx, op_imm, dst, src, value);
    }
    if let Some(value) = immediate(ctx, b)
        && (one_bit(ctx, inst, op, a, value) || op == Op::And && low_mask(ctx, inst, a, value))
    {
        return;
    }
    if ctx.backend.features.zbb() {
        for (x, y) in [(a, b), (b, a)] {
            if let Some(not) = ctx.def_op(y, Opcode::Bnot) {
                let inner = ctx.arg(not, 0);
                let (x, y, dst) = (operand(ctx, x), operand(ctx, inner), ctx.result(inst, 0));
                return three_to(ctx, inverting, dst, x, y);
            }
        }
    }
    let (a, b, dst) = (operand(ctx, a), operand(ctx, b), ctx.result(inst, 0));
    three_to(ctx, op, dst, a, b);
}

/// An operation on one bit, whose number is constant; whether there is an instruction.
fn one_bit(ctx: &mut Ctx<'_>, inst: IrInst, op: Op, v: Value, value: i64) -> bool {
    let (op, bit) = match op {
        Op::And => (Op::Bclri, !value),
        Op::Or => (Op::Bseti, value),
        _ => (Op::Binvi, value),
    };
    if !ctx.backend.features.zbs() || !(bit as u64).is_power_of_two() {
        return false;
    }
    let (src, dst) = (operand(ctx, v), ctx.result(inst, 0));
    imm_to(ctx, op, dst, src, bit.trailing_zeros() as i32);
    true
}

/// The number of the bit that `1 << n` is, of 64.
fn shifted_one(ctx: &Ctx<'_>, v: Value) -> Option<Value> {
    let shl = ctx.def_op(v, Opcode::Ishl).filter(|_| ctx.ty(v) == I64)?;
    (ctx.iconst(ctx.arg(shl, 0)) == Some(1)).then(|| ctx.arg(shl, 1))
}

/// An operation on the bit of 64 whose number is in a register; whether it is one.
fn bit_of_register(ctx: &mut Ctx<'_>, inst: IrInst, op: Op, a: Value, b: Value) -> bool {
    for (v, other) in [(a, b), (b, a)] {
        let found = match op {
            Op::And => ctx.def_op(other, Opcode::Bnot).and_then(|not| {
                let n = shifted_one(ctx, ctx.arg(not, 0))?;
                Some((Op::Bclr, v, n))
            }),
            Op::Or => shifted_one(ctx, other).map(|n| (Op::Bset, v, n)),
            _ => shifted_one(ctx, other).map(|n| (Op::Binv, v, n)),
        };
        // The last bit of something shifted down.
        let found = found.or_else(|| {
            let shr = ctx.def_op(v, Opcode::Ushr).filter(|_| op == Op::And && ctx.ty(v) == I64)?;
            (ctx.iconst(other) == Some(1)).then(|| (Op::Bext, ctx.arg(shr, 0), ctx.arg(shr, 1)))
        });
        if let Some((Op::Bext, v, n)) = found
            && let Some(n) = constant_amount(ctx, n, I64)
        {
            let (src, dst) = (operand(ctx, v), ctx.result(inst, 0));
            imm_to(ctx, Op::Bexti, dst, src, n);
            return true;
        }
        if let Some((op, v, n)) = found {
            let (src, n, dst) = (operand(ctx, v), operand(ctx, n), ctx.result(inst, 0));
            three_to(ctx, op, dst, src, n);
            return true;
        }
    }
    false
}

/// `band` with ones in the low half of the register or its low 16 bits: an extension.
fn low_mask(ctx: &mut Ctx<'_>, inst: IrInst, v: Value, mask: i64) -> bool {
    let from = match mask {
        0xffff_ffff if ctx.ty(v) == I64 => I32,
        0xffff => I16,
        _ => return false,
    };
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(Inst::extend(dst, src, from, false));
    true
}

/// `y ^ ((x ^ y) & c)`: x where c has ones.
pub fn bit_select(ctx: &mut Ctx<'_>, dst: Reg, c: Reg, x: Reg, y: Reg) {
    let differing = three(ctx, Op::Xor, x, y);
    let chosen = three(ctx, Op::And, differing, c);
    three_to(ctx, Op::Xor, dst, y, chosen);
}

/// A shift amount that is constant, within the type's width.
fn constant_amount(ctx: &Ctx<'_>, amount: Value, ty: Type) -> Option<i32> {
    ctx.iconst(amount).map(|amount| amount as i32 & (ty.bits() as i32 - 1))
}

/// A register with a shift amount, of which an instruction for at least 32 bits uses
/// just what counts for `ty`.
fn masked_amount(ctx: &mut Ctx<'_>, amount: Value, ty: Type) -> Reg {
    let reg = operand(ctx, amount);
    if ty.bits() >= 32 { reg } else { imm(ctx, Op::Andi, reg, ty.bits() as i32 - 1) }
}

fn ishl(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (v, amount) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(v);
    let Some(by) = constant_amount(ctx, amount, ty) else {
        let (src, amount) = (operand(ctx, v), masked_amount(ctx, amount, ty));
        let dst = ctx.result(inst, 0);
        return three_to(ctx, sized(ty, Op::Sllw, Op::Sll), dst, src, amount);
    };
    if let Some(word) = from_word(ctx, v)
        && ty == I64
    {
        let (src, dst) = (ctx.reg(word), ctx.result(inst, 0));
        if ctx.backend.features.zba() {
            return imm_to(ctx, Op::SlliUw, dst, src, by);
        }
        if by < 32 {
            let high = imm(ctx, Op::Slli, src, 32);
            return imm_to(ctx, Op::Srli, dst, high, 32 - by);
        }
        return imm_to(ctx, Op::Slli, dst, src, by);
    }
    let (src, dst) = (operand(ctx, v), ctx.result(inst, 0));
    imm_to(ctx, sized(ty, Op::Slliw, Op::Slli), dst, src, by);
}

fn shift_right(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, amount) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(v);
    let ops = match (ty == I64, signed) {
        (false, false) => (Op::Srlw, Op::Srliw),
        (false, true) => (Op::Sraw, Op::Sraiw),
        (true, false) => (Op::Srl, Op::Srli),
        (true, true) => (Op::Sra, Op::Srai),
    };
    if let Some(by) = constant_amount(ctx, amount, ty) {
        let dst = ctx.result(inst, 0);
        if ty.bits() < 32 && by > 0 {
            // One shift brings the value to the top, the other down.
            let up = 64 - ty.bits() as i32;
            let src = ctx.reg(v);
            let top = imm(ctx, Op::Slli, src, up);
            return imm_to(ctx, if signed { Op::Srai } else { Op::Srli }, dst, top, up + by);
        }
        let src = operand(ctx, v);
        return imm_to(ctx, ops.1, dst, src, by);
    }
    let src = if ty.bits() < 32 { extended(ctx, v, signed) } else { operand(ctx, v) };
    let amount = masked_amount(ctx, amount, ty);
    let dst = ctx.result(inst, 0);
    three_to(ctx, ops.0, dst, src, amount);
}

fn rotate(ctx: &mut Ctx<'_>, inst: IrInst, left: bool) {
    let (v, amount) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (ty, bits) = (ctx.ty(v), ctx.ty(v).bits() as i32);
    let wide = bits >= 32;
    let src = if wide { ctx.reg(v) } else { extended(ctx, v, false) };
    let constant = constant_amount(ctx, amount, ty);
    if ctx.backend.features.zbb() && wide {
        let dst = ctx.result(inst, 0);
        if let Some(by) = constant {
            let right = if left { (bits - by) % bits } else { by };
            return imm_to(ctx, sized(ty, Op::Roriw, Op::Rori), dst, src, right);
        }
        let amount = operand(ctx, amount);
        let op = if left { sized(ty, Op::Rolw, Op::Rol) } else { sized(ty, Op::Rorw, Op::Ror) };
        return three_to(ctx, op, dst, src, amount);
    }
    if let Some(by) = constant {
        let to_left = if left { by } else { (bits - by) % bits };
        let dst = ctx.result(inst, 0);
        if to_left == 0 {
            return copy_to(ctx, dst, src, RegClass::Int);
        }
        let high = imm(ctx, sized(ty, Op::Slliw, Op::Slli), src, to_left);
        let low = imm(ctx, sized(ty, Op::Srliw, Op::Srli), src, bits - to_left);
        return three_to(ctx, Op::Or, dst, high, low);
    }
    let forth = masked_amount(ctx, amount, ty);
    let mut back = three(ctx, Op::Sub, ZERO, forth);
    if !wide {
        back = imm(ctx, Op::Andi, back, bits - 1);
    }
    let (to_left, to_right) = if left { (forth, back) } else { (back, forth) };
    let high = three(ctx, sized(ty, Op::Sllw, Op::Sll), src, to_left);
    let low = three(ctx, sized(ty, Op::Srlw, Op::Srl), src, to_right);
    let dst = ctx.result(inst, 0);
    three_to(ctx, Op::Or, dst, high, low);
}

/// The constant in every group of bits: in 32 bits it is short to make.
fn pattern(ctx: &mut Ctx<'_>, ty: Type, value: u64) -> Reg {
    number(ctx, if ty == I64 { value as i64 } else { i64::from(value as i32) })
}

/// Exchanges neighbouring groups of 1, then 2, then 4 bits, then bytes.
fn bitrev(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let ty = ctx.ty(v);
    let mut reg = ctx.reg(v);
    for (amount, mask) in [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, 0x0f0f_0f0f_0f0f_0f0f)]
    {
        let mask = pattern(ctx, ty, mask);
        let moved = imm(ctx, Op::Srli, reg, amount);
        let low = three(ctx, Op::And, moved, mask);
        let kept = three(ctx, Op::And, reg, mask);
        let high = imm(ctx, Op::Slli, kept, amount);
        reg = three(ctx, Op::Or, low, high);
    }
    let dst = ctx.result(inst, 0);
    if ty.bits() == 8 {
        copy_to(ctx, dst, reg, RegClass::Int);
    } else {
        ctx.emit(Inst::SwapBytes { dst, src: reg, ty });
    }
}

/// The leading zeros of a zero-extended register in its type, less `less`.
fn leading_zeros(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type, less: i32) {
    let surplus = less + if ty == I64 { 0 } else { 32 - ty.bits() as i32 };
    let total = if surplus == 0 { dst } else { temp(ctx) };
    if ctx.backend.features.zbb() {
        two_to(ctx, sized(ty, Op::Clzw, Op::Clz), total, src);
    } else {
        let mut smeared = src;
        for amount in [1, 2, 4, 8, 16, 32] {
            if amount < 32 || ty == I64 {
                let moved = imm(ctx, sized(ty, Op::Srliw, Op::Srli), smeared, amount);
                smeared = three(ctx, Op::Or, smeared, moved);
            }
        }
        let above = imm(ctx, Op::Xori, smeared, -1);
        count(ctx, total, above, if ty == I64 { I64 } else { I32 });
    }
    if surplus != 0 {
        imm_to(ctx, Op::Addi, dst, total, -surplus);
    }
}

/// The bits that differ from the sign bit are the ones of `x ^ (x >> sign)`.
fn cls(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let src = extended(ctx, v, true);
    let sign = imm(ctx, Op::Srai, src, 63);
    let differing = three(ctx, Op::Xor, src, sign);
    let (ty, dst) = (ctx.ty(v), ctx.result(inst, 0));
    leading_zeros(ctx, dst, differing, ty, 1);
}

/// A bit above the narrow value stops the count at its width.
fn ctz(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let (ty, mut src) = (ctx.ty(v), ctx.reg(v));
    if ty.bits() < 32 {
        let stop = number(ctx, 1 << ty.bits());
        src = three(ctx, Op::Or, src, stop);
    }
    let dst = ctx.result(inst, 0);
    if ctx.backend.features.zbb() {
        return two_to(ctx, sized(ty, Op::Ctzw, Op::Ctz), dst, src);
    }
    // Ones just where the trailing zeros are.
    let less = imm(ctx, Op::Addi, src, -1);
    let inverted = imm(ctx, Op::Xori, src, -1);
    let zeros = three(ctx, Op::And, less, inverted);
    count(ctx, dst, zeros, if ty == I64 { I64 } else { I32 });
}

/// How many ones there are: of a narrow type in all, of 32 bits in the low half.
fn count(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type) {
    if ctx.backend.features.zbb() {
        return two_to(ctx, sized(ty, Op::Cpopw, Op::Cpop), dst, src);
    }
    let (sub, add, shift) = sized(ty, (Op::Subw, Op::Addw, Op::Srliw), (Op::Sub, Op::Add, Op::Srli));
    let [ones, twos, fours, bytes] =
        [0x5555_5555_5555_5555, 0x3333_3333_3333_3333, 0x0f0f_0f0f_0f0f_0f0f, 0x0101_0101_0101_0101]
            .map(|value| pattern(ctx, ty, value));
    let moved = imm(ctx, shift, src, 1);
    let odd = three(ctx, Op::And, moved, ones);
    let pairs = three(ctx, sub, src, odd);
    let low = three(ctx, Op::And, pairs, twos);
    let moved = imm(ctx, shift, pairs, 2);
    let high = three(ctx, Op::And, moved, twos);
    let nibbles = three(ctx, add, low, high);
    let moved = imm(ctx, shift, nibbles, 4);
    let sums = three(ctx, add, nibbles, moved);
    let sums = three(ctx, Op::And, sums, fours);
    let total = three(ctx, sized(ty, Op::Mulw, Op::Mul), sums, bytes);
    imm_to(ctx, shift, dst, total, sized(ty, 24, 56));
}

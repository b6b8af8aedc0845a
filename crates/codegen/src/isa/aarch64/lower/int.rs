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
        Opcode::Ineg => {
            let v = ctx.arg(inst, 0);
            if let Some((n, m)) = single_product(ctx, v) {
                let dst = ctx.result(inst, 0);
                return emit_true(ctx, Inst::Op3 { op: Op3::Msub, size: Size::of(ty), dst, n, m, a: ZR });
            }
            let m = shifted(ctx, v).unwrap_or_else(|| Rm::Reg(ctx.reg(v)));
            let dst = ctx.result(inst, 0);
            alu_to(ctx, AluOp::Sub, Size::of(ty), dst, ZR, m);
        }
        Opcode::Iabs => {
            let (size, n) = (Size::of(ty), extended_to_32(ctx, ctx.arg(inst, 0), true));
            let dst = ctx.result(inst, 0);
            ctx.emit(cmp(size, n, Rm::Imm(Imm12::new(0).expect("zero has less than twelve bits"))));
            ctx.emit(Inst::Csel { op: CselOp::Csneg, size, dst, n, m: n, cc: Cc::Pl });
        }
        Opcode::Umulhi => mulhi(ctx, inst, ty, false),
        Opcode::Smulhi => mulhi(ctx, inst, ty, true),
        Opcode::Udiv => divide(ctx, inst, ty, false, false),
        Opcode::Urem => divide(ctx, inst, ty, false, true),
        Opcode::Sdiv => divide(ctx, inst, ty, true, false),
        Opcode::Srem => divide(ctx, inst, ty, true, true),
        Opcode::Smin => min_max(ctx, inst, ty, true, Cc::Lt),
        Opcode::Smax => min_max(ctx, inst, ty, true, Cc::Gt),
        Opcode::Umin => min_max(ctx, inst, ty, false, Cc::Lo),
        Opcode::Umax => min_max(ctx, inst, ty, false, Cc::Hi),
        Opcode::Band if ty.is_int() => band(ctx, inst, ty),
        Opcode::Bor if ty.is_int() => logical(ctx, inst, ty, AluOp::Orr, AluOp::Orn),
        Opcode::Bxor if ty.is_int() => logical(ctx, inst, ty, AluOp::Eor, AluOp::Eon),
        Opcode::Bnot if ty.is_int() => {
            let v = ctx.arg(inst, 0);
            let m = shifted(ctx, v).unwrap_or_else(|| Rm::Reg(ctx.reg(v)));
            let dst = ctx.result(inst, 0);
            alu_to(ctx, AluOp::Orn, Size::of(ty), dst, ZR, m);
        }
        Opcode::Bitselect if ty.is_int() => {
            let [c, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
            let ([c, x, y], size) = ([ctx.reg(c), ctx.reg(x), ctx.reg(y)], Size::of(ty));
            let ones = alu(ctx, AluOp::And, size, x, Rm::Reg(c));
            let zeros = alu(ctx, AluOp::Bic, size, y, Rm::Reg(c));
            let dst = ctx.result(inst, 0);
            alu_to(ctx, AluOp::Orr, size, dst, ones, Rm::Reg(zeros));
        }
        Opcode::Uextend | Opcode::Sextend => extend(ctx, inst, ty, opcode == Opcode::Sextend),
        _ => return false,
    }
    true
}

fn emit_true(ctx: &mut Ctx<'_>, inst: Inst) -> bool {
    ctx.emit(inst);
    true
}

fn extend(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let v = ctx.arg(inst, 0);
    if !signed && (upper_half_is_zero(ctx, v) || is_truth(ctx, v)) {
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        return ctx.emit(Inst::Copy { dst, src, class: RegClass::Int });
    }
    let dst = ctx.result(inst, 0);
    extend_to(ctx, dst, v, signed, Size::of(ty));
}

/// The factors of a product that nothing else uses.
fn single_product(ctx: &mut Ctx<'_>, v: Value) -> Option<(Reg, Reg)> {
    let mul = ctx.def_op(v, Opcode::Imul).filter(|_| ctx.single_use(v))?;
    let (a, b) = (ctx.arg(mul, 0), ctx.arg(mul, 1));
    // Those by powers of two are shifts; the mid-end has seen to it.
    (long_factors(ctx, mul).is_none()).then(|| (ctx.reg(a), ctx.reg(b)))
}

/// The narrow factors of a product of 64 bits whose factors are extended from 32.
fn long_factors(ctx: &Ctx<'_>, mul: IrInst) -> Option<(Value, Value, bool)> {
    let narrow = |v: Value, opcode: Opcode| {
        let inner = ctx.arg(ctx.def_op(v, opcode)?, 0);
        (ctx.ty(inner) == I32 && ctx.ty(v) == I64).then_some(inner)
    };
    let (a, b) = (ctx.arg(mul, 0), ctx.arg(mul, 1));
    [(Opcode::Sextend, true), (Opcode::Uextend, false)]
        .into_iter()
        .find_map(|(opcode, signed)| Some((narrow(a, opcode)?, narrow(b, opcode)?, signed)))
}

/// The sum or difference of `a` and a product, if `v` is one that nothing else uses.
fn multiply_add(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, a: Value, v: Value, subtract: bool) -> bool {
    let Some(mul) = ctx.def_op(v, Opcode::Imul).filter(|_| ctx.single_use(v)) else { return false };
    let (n, m, op, size) = match long_factors(ctx, mul) {
        Some((n, m, signed)) => {
            let op = match (signed, subtract) {
                (true, false) => Op3::Smaddl,
                (true, true) => Op3::Smsubl,
                (false, false) => Op3::Umaddl,
                (false, true) => Op3::Umsubl,
            };
            (n, m, op, Size::S64)
        }
        None => {
            let op = if subtract { Op3::Msub } else { Op3::Madd };
            (ctx.arg(mul, 0), ctx.arg(mul, 1), op, Size::of(ty))
        }
    };
    let (n, m, a) = (ctx.reg(n), ctx.reg(m), ctx.reg(a));
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Op3 { op, size, dst, n, m, a });
    true
}

fn iadd(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if ctx.iconst(a).is_some() {
        (a, b) = (b, a);
    }
    if add_constant(ctx, inst, ty, a, b, false) {
        return;
    }
    for (a, b) in [(a, b), (b, a)] {
        if multiply_add(ctx, inst, ty, a, b, false) {
            return;
        }
    }
    for (a, b) in [(a, b), (b, a)] {
        if let Some(m) = extension(ctx, b).or_else(|| shifted(ctx, b)) {
            let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
            return alu_to(ctx, AluOp::Add, Size::of(ty), dst, n, m);
        }
    }
    let (n, m, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
    alu_to(ctx, AluOp::Add, Size::of(ty), dst, n, Rm::Reg(m));
}

fn isub(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if add_constant(ctx, inst, ty, a, b, true) || multiply_add(ctx, inst, ty, a, b, true) {
        return;
    }
    let m = match extension(ctx, b) {
        Some(m) => m,
        None => {
            let m = shifted(ctx, b).unwrap_or_else(|| Rm::Reg(ctx.reg(b)));
            let (n, dst) = (reg_or_zero(ctx, a), ctx.result(inst, 0));
            return alu_to(ctx, AluOp::Sub, Size::of(ty), dst, n, m);
        }
    };
    let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
    alu_to(ctx, AluOp::Sub, Size::of(ty), dst, n, m);
}

/// Adds or subtracts a constant of up to 24 bits, if `b` is one.
fn add_constant(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, a: Value, b: Value, subtract: bool) -> bool {
    let size = Size::of(ty);
    if let Some((imm, negative)) = arith_imm(ctx, b) {
        let op = if negative != subtract { AluOp::Sub } else { AluOp::Add };
        let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
        alu_to(ctx, op, size, dst, n, Rm::Imm(imm));
        return true;
    }
    let Some(c) = ctx.iconst(b).map(|c| sign_extended(c, ty)) else { return false };
    let magnitude = c.unsigned_abs();
    let one_move = magnitude & 0xffff == magnitude || LogicImm::new(c as u64, size).is_some();
    if magnitude >= 1 << 24 || one_move {
        return false;
    }
    let op = if (c < 0) != subtract { AluOp::Sub } else { AluOp::Add };
    let part = |bits: u64| Rm::Imm(Imm12::new(bits).expect("twelve bits, perhaps shifted"));
    let n = ctx.reg(a);
    let high = alu(ctx, op, size, n, part(magnitude & !0xfff));
    let dst = ctx.result(inst, 0);
    alu_to(ctx, op, size, dst, high, part(magnitude & 0xfff));
    true
}

fn imul(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if ctx.iconst(a).is_some() {
        (a, b) = (b, a);
    }
    let size = Size::of(ty);
    if let Some((n, m, signed)) = long_factors(ctx, inst) {
        let op = if signed { Op3::Smaddl } else { Op3::Umaddl };
        let (n, m, dst) = (ctx.reg(n), ctx.reg(m), ctx.result(inst, 0));
        return ctx.emit(Inst::Op3 { op, size, dst, n, m, a: ZR });
    }
    if let Some(c) = ctx.iconst(b).map(|c| zero_extended(c, ty)) {
        // One more, or one less, than a power of two.
        let bits = u64::from(ty.bits());
        if c > 1 && (c - 1).is_power_of_two() {
            let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
            let m = Rm::Shifted(n, Shift::Lsl, (c - 1).trailing_zeros() as u8);
            return alu_to(ctx, AluOp::Add, size, dst, n, m);
        }
        if c.is_power_of_two() && u64::from(c.trailing_zeros()) < bits {
            let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
            return shift_left_to(ctx, dst, n, c.trailing_zeros() as u8, size);
        }
    }
    let (n, m, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
    ctx.emit(Inst::Op3 { op: Op3::Madd, size, dst, n, m, a: ZR });
}

fn mulhi(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if ty.bits() == 64 {
        let op = if signed { Op2::Smulh } else { Op2::Umulh };
        let (n, m, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
        return op2_to(ctx, op, Size::S64, dst, n, m);
    }
    let product = long_product(ctx, inst, signed);
    let dst = ctx.result(inst, 0);
    shift_right_to(ctx, dst, product, ty.bits() as u8, false, Size::S64);
}

/// The product, in 64 bits, of the operands of an instruction on up to 32.
pub fn long_product(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) -> Reg {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (n, m) = (extended_to_32(ctx, a, signed), extended_to_32(ctx, b, signed));
    let dst = temp(ctx);
    let op = if signed { Op3::Smaddl } else { Op3::Umaddl };
    ctx.emit(Inst::Op3 { op, size: Size::S64, dst, n, m, a: ZR });
    dst
}

/// Division or remainder. The instructions give 0 for a division by zero, and the least
/// number for that divided by -1, so traps are looked for before.
fn divide(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool, remainder: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (n, m) = (extended_to_32(ctx, va, signed), extended_to_32(ctx, vb, signed));
    let size = Size::of(ty);
    let known = ctx.iconst(vb).map(|c| sign_extended(c, ty));
    if known.is_none_or(|c| c == 0) {
        let code = TrapCode::IntegerDivisionByZero;
        ctx.emit(Inst::TrapIf { cond: Cond::Zero(size, m), code });
    }
    if signed && !remainder && known.is_none_or(|c| c == -1) && ty.bits() >= 32 {
        // Overflow of `n - 1`, if `m + 1` is zero.
        let one = Imm12::new(1).expect("one has less than twelve bits");
        ctx.emit(Inst::Alu { op: AluOp::Adds, size, dst: ZR, n: m, m: Rm::Imm(one) });
        ctx.emit(Inst::CcmpImm { size, n, imm: 1, nzcv: 0, cc: Cc::Eq });
        ctx.emit(Inst::TrapIf { cond: Cond::Cc(Cc::Vs), code: TrapCode::IntegerOverflow });
    }
    let op = if signed { Op2::Sdiv } else { Op2::Udiv };
    if remainder {
        let quotient = temp(ctx);
        op2_to(ctx, op, size, quotient, n, m);
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Op3 { op: Op3::Msub, size, dst, n: quotient, m, a: n });
    }
    let dst = ctx.result(inst, 0);
    op2_to(ctx, op, size, dst, n, m);
    if signed && ty.bits() < 32 && known.is_none_or(|c| c == -1) {
        // The quotient is one more than the largest number.
        let limit = Imm12::new(1 << (ty.bits() - 1)).expect("eight twelve-bit units at most");
        ctx.emit(cmp(Size::S32, dst, Rm::Imm(limit)));
        ctx.emit(Inst::TrapIf { cond: Cond::Cc(Cc::Eq), code: TrapCode::IntegerOverflow });
    }
}

/// `cc` says when the first operand is the result.
fn min_max(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, signed: bool, cc: Cc) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = Size::of(ty);
    let (n, m) = (extended_to_32(ctx, a, signed), reg_or_zero(ctx, b));
    let second = if ty.bits() < 32 { Rm::Extended(m, extend_of(ty, signed), 0) } else { Rm::Reg(m) };
    let dst = ctx.result(inst, 0);
    ctx.emit(cmp(size, n, second));
    ctx.emit(Inst::Csel { op: CselOp::Csel, size, dst, n, m, cc });
}

fn band(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if ctx.iconst(a).is_some() {
        (a, b) = (b, a);
    }
    // A field of bits, shifted down.
    if let Some(mask) = ctx.iconst(b).map(|c| zero_extended(c, ty))
        && mask & mask.wrapping_add(1) == 0
        && mask != 0
        && ctx.single_use(a)
        && let Some(shr) = ctx.def_op(a, Opcode::Ushr)
        && let Some(amount) = ctx.iconst(ctx.arg(shr, 1))
    {
        let amount = amount as u64 % u64::from(ty.bits());
        let width = u64::from(mask.count_ones());
        if amount + width <= u64::from(ty.bits()) {
            let (n, dst) = (ctx.reg(ctx.arg(shr, 0)), ctx.result(inst, 0));
            let (immr, imms) = (amount as u8, (amount + width - 1) as u8);
            let op = BitfieldOp::Ubfm;
            return ctx.emit(Inst::Bitfield { op, size: Size::of(ty), dst, n, immr, imms });
        }
    }
    logical(ctx, inst, ty, AluOp::And, AluOp::Bic);
}

/// `inverted` is the operation with its second operand inverted.
fn logical(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, op: AluOp, inverted: AluOp) {
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if ctx.iconst(a).is_some() {
        (a, b) = (b, a);
    }
    let size = Size::of(ty);
    if let Some(imm) = logic_imm(ctx, b) {
        let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
        return alu_to(ctx, op, size, dst, n, Rm::Logic(imm));
    }
    for (a, b) in [(a, b), (b, a)] {
        if let Some(not) = ctx.def_op(b, Opcode::Bnot).filter(|_| ctx.single_use(b)) {
            let inner = ctx.arg(not, 0);
            let m = shifted(ctx, inner).unwrap_or_else(|| Rm::Reg(ctx.reg(inner)));
            let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
            return alu_to(ctx, inverted, size, dst, n, m);
        }
    }
    for (a, b) in [(a, b), (b, a)] {
        if let Some(m) = shifted(ctx, b) {
            let (n, dst) = (ctx.reg(a), ctx.result(inst, 0));
            return alu_to(ctx, op, size, dst, n, m);
        }
    }
    let (n, m, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
    alu_to(ctx, op, size, dst, n, Rm::Reg(m));
}

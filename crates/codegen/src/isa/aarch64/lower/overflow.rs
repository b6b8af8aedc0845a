//! Arithmetic that tells whether it overflowed: flags at 32 and 64 bits; narrower,
//! whether the exact result is that of its low bits.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::UaddOverflow | Opcode::UaddOverflowCin => sum(ctx, inst, false, false),
        Opcode::SaddOverflow | Opcode::SaddOverflowCin => sum(ctx, inst, true, false),
        Opcode::UsubOverflow | Opcode::UsubOverflowBin => sum(ctx, inst, false, true),
        Opcode::SsubOverflow | Opcode::SsubOverflowBin => sum(ctx, inst, true, true),
        Opcode::UmulOverflow => product(ctx, inst, false),
        Opcode::SmulOverflow => product(ctx, inst, true),
        Opcode::UaddOverflowTrap => {
            let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return false };
            let (n, m) = (ctx.reg(ctx.arg(inst, 0)), ctx.reg(ctx.arg(inst, 1)));
            let (size, dst) = (Size::of(ctx.ty(ctx.arg(inst, 0))), ctx.result(inst, 0));
            alu_to(ctx, AluOp::Adds, size, dst, n, Rm::Reg(m));
            ctx.emit(Inst::TrapIf { cond: Cond::Cc(Cc::Hs), code: crate::trap_code(code) });
        }
        _ => return false,
    }
    true
}

/// Sets the second result, if anybody wants it.
fn report(ctx: &mut Ctx<'_>, inst: IrInst, cc: Cc) {
    if ctx.result_needed(inst, 1) {
        let dst = ctx.result(inst, 1);
        set_if(ctx, dst, cc);
    }
}

/// Adds or subtracts, with the third argument as carry if there is one.
fn sum(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool, subtract: bool) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(a);
    let carry = ctx.func.dfg.args(inst).get(2).copied();
    let carry = carry.map(|v| extended_to_32(ctx, v, false));
    if ty.bits() < 32 {
        return narrow_sum(ctx, inst, signed, subtract, carry);
    }
    let size = Size::of(ty);
    let (n, m) = (ctx.reg(a), ctx.reg(b));
    let dst = ctx.result(inst, 0);
    match carry {
        None => {
            let op = if subtract { AluOp::Subs } else { AluOp::Adds };
            alu_to(ctx, op, size, dst, n, Rm::Reg(m));
        }
        Some(carry) if subtract => {
            // Nothing minus the borrow leaves the carry if there is none.
            ctx.emit(cmp(Size::S32, ZR, Rm::Reg(carry)));
            op2_to(ctx, Op2::Sbcs, size, dst, n, m);
        }
        Some(carry) => {
            let one = Imm12::new(1).expect("one has less than twelve bits");
            ctx.emit(cmp(Size::S32, carry, Rm::Imm(one)));
            op2_to(ctx, Op2::Adcs, size, dst, n, m);
        }
    }
    let cc = match (signed, subtract) {
        (true, _) => Cc::Vs,
        (false, false) => Cc::Hs,
        (false, true) => Cc::Lo,
    };
    report(ctx, inst, cc);
}

fn narrow_sum(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool, subtract: bool, carry: Option<Reg>) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(a);
    let (mut n, m) = (extended_to_32(ctx, a, signed), ctx.reg(b));
    let op = if subtract { AluOp::Sub } else { AluOp::Add };
    if let Some(carry) = carry {
        // Whatever the bits are, one or zero is meant.
        let truth = temp(ctx);
        let zero = Imm12::new(0).expect("zero has less than twelve bits");
        ctx.emit(cmp(Size::S32, carry, Rm::Imm(zero)));
        set_if(ctx, truth, Cc::Ne);
        n = alu(ctx, op, Size::S32, n, Rm::Reg(truth));
    }
    let dst = ctx.result(inst, 0);
    let extend = extend_of(ty, signed);
    alu_to(ctx, op, Size::S32, dst, n, Rm::Extended(m, extend, 0));
    if ctx.result_needed(inst, 1) {
        ctx.emit(cmp(Size::S32, dst, Rm::Extended(dst, extend, 0)));
    }
    report(ctx, inst, Cc::Ne);
}

/// Multiplies: the exact product, and whether its low part is all of it.
fn product(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(a);
    let (n, m) = (extended_to_32(ctx, a, signed), extended_to_32(ctx, b, signed));
    let dst = ctx.result(inst, 0);
    let wanted = ctx.result_needed(inst, 1);
    if ty.bits() == 64 {
        ctx.emit(Inst::Op3 { op: Op3::Madd, size: Size::S64, dst, n, m, a: ZR });
        if wanted {
            let high = temp(ctx);
            op2_to(ctx, if signed { Op2::Smulh } else { Op2::Umulh }, Size::S64, high, n, m);
            let low = if signed { Rm::Shifted(dst, Shift::Asr, 63) } else { Rm::Reg(ZR) };
            ctx.emit(cmp(Size::S64, high, low));
        }
        return report(ctx, inst, Cc::Ne);
    }
    let op = if signed { Op3::Smaddl } else { Op3::Umaddl };
    ctx.emit(Inst::Op3 { op, size: Size::S64, dst, n, m, a: ZR });
    if wanted {
        ctx.emit(cmp(Size::S64, dst, Rm::Extended(dst, extend_of(ty, signed), 0)));
    }
    report(ctx, inst, Cc::Ne);
}

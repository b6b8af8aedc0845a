//! What is known of the upper bits of a value's register.
//!
//! Needs: the rules of this target; a row here says what a rule there leaves. A
//! value that is a block parameter, or comes from outside, is known nothing of.
//! Copies and spills keep all of a register.

use super::*;
use sidetrack_ir::Endianness;
use sidetrack_ir::types::{I8, I16};

/// How deep to look through operations that keep what their operands have.
const DEPTH: u32 = 4;

/// Whether the register is the value sign-extended to 64 bits.
pub fn is_sign_extended(ctx: &Ctx<'_>, v: Value) -> bool {
    signed(ctx, v, DEPTH)
}

/// Whether the register is the value zero-extended to 64 bits.
pub fn is_zero_extended(ctx: &Ctx<'_>, v: Value) -> bool {
    unsigned(ctx, v, DEPTH)
}

/// Whether it is the second result of an operation that tells whether it overflowed.
fn is_overflow_flag(ctx: &Ctx<'_>, inst: IrInst, v: Value) -> bool {
    ctx.func.dfg.results(inst).get(1) == Some(&v) && !ctx.func.dfg.insts[inst].opcode.is_call()
}

fn is_big_endian(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    match ctx.func.dfg.insts[inst].extra {
        Extra::Mem(flags, _) | Extra::Atomic(flags, _) => flags.endianness == Some(Endianness::Big),
        _ => false,
    }
}

/// Whether the instruction's result, of any type wider than that, is a number that
/// one byte without sign holds.
fn is_small(ctx: &Ctx<'_>, inst: IrInst, v: Value) -> bool {
    let dfg = &ctx.func.dfg;
    match dfg.insts[inst].opcode {
        Opcode::Icmp | Opcode::Fcmp => true,
        Opcode::Clz | Opcode::Ctz | Opcode::Popcnt => true,
        Opcode::Uload8 => true,
        Opcode::Iconst => ctx.iconst(v).is_some_and(|imm| (0..128).contains(&imm)),
        _ => is_overflow_flag(ctx, inst, v),
    }
}

fn signed(ctx: &Ctx<'_>, v: Value, depth: u32) -> bool {
    let ty = ctx.ty(v);
    if ty == I64 {
        return true;
    }
    let Some(inst) = ctx.def_inst(v).filter(|_| depth > 0) else { return false };
    if is_small(ctx, inst, v) {
        return ty != I8 || !matches!(ctx.func.dfg.insts[inst].opcode, Opcode::Uload8);
    }
    if ctx.func.dfg.insts[inst].opcode.is_call() {
        return false;
    }
    let operands = |from: usize, to: usize| (from..to).all(|n| signed(ctx, ctx.arg(inst, n), depth - 1));
    match ctx.func.dfg.insts[inst].opcode {
        Opcode::Iconst | Opcode::Sextend | Opcode::Bmask => true,
        Opcode::Sload8 | Opcode::Sload16 => true,
        Opcode::Uload16 => ty == I32,
        // From a narrower type, so below half of this one's range.
        Opcode::Uextend => true,
        Opcode::Band => operands(0, 2) || unsigned_and(ctx, inst),
        Opcode::Bor | Opcode::Bxor => operands(0, 2),
        Opcode::Bnot => operands(0, 1),
        Opcode::Select | Opcode::SelectSpectreGuard => operands(1, 3),
        Opcode::Iadd
        | Opcode::Isub
        | Opcode::Imul
        | Opcode::Ineg
        | Opcode::Ishl
        | Opcode::Ushr
        | Opcode::Sshr
        | Opcode::Udiv
        | Opcode::Sdiv
        | Opcode::Urem
        | Opcode::Srem
        | Opcode::Smin
        | Opcode::Smax
        | Opcode::Umin
        | Opcode::Umax
        | Opcode::Smulhi
        | Opcode::Bswap
        | Opcode::FcvtToSint
        | Opcode::FcvtToUint
        | Opcode::FcvtToSintSat
        | Opcode::FcvtToUintSat => ty == I32,
        Opcode::Bitcast => ty == I32 && ctx.ty(ctx.arg(inst, 0)) == F32,
        Opcode::Load | Opcode::AtomicLoad => ty == I32,
        Opcode::AtomicRmw => ty == I32 && !is_big_endian(ctx, inst),
        _ => false,
    }
}

/// Whether an operand of this `band` has zeros from the type's sign bit up.
fn unsigned_and(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    [0, 1].iter().any(|&n| {
        let v = ctx.arg(inst, n);
        ctx.iconst(v).is_some_and(|imm| sign_extended(imm, ctx.ty(v)) >= 0)
    })
}

fn unsigned(ctx: &Ctx<'_>, v: Value, depth: u32) -> bool {
    let ty = ctx.ty(v);
    if ty == I64 {
        return true;
    }
    let Some(inst) = ctx.def_inst(v).filter(|_| depth > 0) else { return false };
    if is_small(ctx, inst, v) {
        return true;
    }
    if ctx.func.dfg.insts[inst].opcode.is_call() {
        return false;
    }
    let operand = |n: usize| unsigned(ctx, ctx.arg(inst, n), depth - 1);
    match ctx.func.dfg.insts[inst].opcode {
        Opcode::Iconst => ctx.iconst(v).is_some_and(|imm| sign_extended(imm, ty) >= 0),
        Opcode::Uextend | Opcode::Uload16 => true,
        Opcode::Load | Opcode::AtomicLoad => ty == I8 || ty == I16,
        Opcode::Band => operand(0) || operand(1) || unsigned_and(ctx, inst),
        Opcode::Bor | Opcode::Bxor => operand(0) && operand(1),
        Opcode::Select | Opcode::SelectSpectreGuard => operand(1) && operand(2),
        Opcode::Ushr => {
            let amount = ctx.iconst(ctx.arg(inst, 1)).map(|amount| amount as u64 % u64::from(ty.bits()));
            ty == I32 && amount.is_some_and(|amount| amount > 0)
        }
        _ => false,
    }
}

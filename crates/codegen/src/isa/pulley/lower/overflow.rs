//! Arithmetic that tells whether it overflowed.
//!
//! Types below 64 bits are computed exactly in 64 bits from extended operands; an
//! unsigned sum or product overflowed if a bit above the type is set, a signed one
//! if extending its low part does not give it back.

use super::*;
use sidetrack_ir::{Extra, Inst as IrInst};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Add,
    Sub,
    Mul,
}

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let (kind, signed) = match opcode {
        Opcode::UaddOverflow | Opcode::UaddOverflowCin => (Kind::Add, false),
        Opcode::SaddOverflow | Opcode::SaddOverflowCin => (Kind::Add, true),
        Opcode::UsubOverflow | Opcode::UsubOverflowBin => (Kind::Sub, false),
        Opcode::SsubOverflow | Opcode::SsubOverflowBin => (Kind::Sub, true),
        Opcode::UmulOverflow => (Kind::Mul, false),
        Opcode::SmulOverflow => (Kind::Mul, true),
        Opcode::UaddOverflowTrap => {
            add_trap(ctx, inst);
            return true;
        }
        _ => return false,
    };
    if ctx.ty(ctx.arg(inst, 0)).bits() < 64 {
        narrow(ctx, inst, kind, signed);
    } else if kind == Kind::Mul {
        wide_mul(ctx, inst, signed);
    } else {
        wide_sum(ctx, inst, kind, signed);
    }
    true
}

/// The carry or borrow in as 0 or 1 in all 64 bits, if there is one.
fn carry(ctx: &mut Ctx<'_>, inst: IrInst) -> Option<Reg> {
    let v = *ctx.func.dfg.args(inst).get(2)?;
    let src = extended_to_64(ctx, v, false);
    if is_bool(ctx, v) {
        return Some(src);
    }
    let zero = xconst(ctx, 0);
    let bit = xxx(ctx, Xxx::xneq64, src, zero);
    Some(extend(ctx, bit, sidetrack_ir::types::I32, false))
}

fn op64(kind: Kind) -> Xxx {
    match kind {
        Kind::Add => Xxx::xadd64,
        Kind::Sub => Xxx::xsub64,
        Kind::Mul => Xxx::xmul64,
    }
}

fn narrow(ctx: &mut Ctx<'_>, inst: IrInst, kind: Kind, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (extended_to_64(ctx, va, signed), extended_to_64(ctx, vb, signed));
    let carry = carry(ctx, inst);
    let dst = ctx.result(inst, 0);
    match carry {
        None => xxx_to(ctx, op64(kind), dst, a, b),
        Some(carry) => {
            let partial = xxx(ctx, op64(kind), a, b);
            xxx_to(ctx, op64(kind), dst, partial, carry);
        }
    }
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let of = ctx.result(inst, 1);
    if signed || kind != Kind::Sub {
        let low = extend(ctx, dst, ty, signed);
        xxx_to(ctx, Xxx::xneq64, of, low, dst);
    } else {
        // A difference below zero has its sign bit set.
        shift_to(ctx, XxU6::xshr64_u_u6, of, dst, 63);
    }
}

fn wide_sum(ctx: &mut Ctx<'_>, inst: IrInst, kind: Kind, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, carry) = (ctx.reg(va), ctx.reg(vb), carry(ctx, inst));
    let dst = ctx.result(inst, 0);
    let partial = match carry {
        None => dst,
        Some(_) => x_temp(ctx),
    };
    xxx_to(ctx, op64(kind), partial, a, b);
    if let Some(carry) = carry {
        xxx_to(ctx, op64(kind), dst, partial, carry);
    }
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let of = ctx.result(inst, 1);
    if signed {
        // A sum overflowed if its sign is that of neither operand; a difference if
        // the operands' signs differ and its own is not the first one's.
        let first = xxx(ctx, Xxx::xbxor64, a, dst);
        let second = xxx(ctx, Xxx::xbxor64, b, if kind == Kind::Add { dst } else { a });
        let both = xxx(ctx, Xxx::xband64, first, second);
        shift_to(ctx, XxU6::xshr64_u_u6, of, both, 63);
        return;
    }
    // A sum wraps below its first operand, a difference above it.
    let wrapped = |ctx: &mut Ctx<'_>, of: Reg, before: Reg, after: Reg, by: Reg| match kind {
        Kind::Add => xxx_to(ctx, Xxx::xult64, of, after, before),
        _ => xxx_to(ctx, Xxx::xult64, of, before, by),
    };
    match carry {
        None => wrapped(ctx, of, a, dst, b),
        Some(carry) => {
            let (first, second) = (x_temp(ctx), x_temp(ctx));
            wrapped(ctx, first, a, partial, b);
            wrapped(ctx, second, partial, dst, carry);
            xxx_to(ctx, Xxx::xbor32, of, first, second);
        }
    }
}

fn wide_mul(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    xxx_to(ctx, Xxx::xmul64, dst, a, b);
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let of = ctx.result(inst, 1);
    let (high, expected) = if signed {
        let high = xxx(ctx, Xxx::xmulhi64_s, a, b);
        (high, shift(ctx, XxU6::xshr64_s_u6, dst, 63))
    } else {
        let high = xxx(ctx, Xxx::xmulhi64_u, a, b);
        (high, xconst(ctx, 0))
    };
    xxx_to(ctx, Xxx::xneq64, of, high, expected);
}

fn add_trap(ctx: &mut Ctx<'_>, inst: IrInst) {
    let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return };
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    let op = sized(ty, Xxx::xadd32_uoverflow_trap, Xxx::xadd64_uoverflow_trap);
    ctx.emit(Inst::Xxx { op, dst, a, b, trap: Some(crate::trap_code(code)) });
}

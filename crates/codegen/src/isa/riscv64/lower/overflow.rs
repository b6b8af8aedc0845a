//! Arithmetic that tells whether it overflowed.
//!
//! Types below 64 bits are computed exactly in 64 bits from extended operands; the
//! operation overflowed if extending the result's low part does not give it back.

use super::*;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Add,
    Sub,
    Mul,
}

impl Kind {
    fn op(self) -> Op {
        match self {
            Kind::Add => Op::Add,
            Kind::Sub => Op::Sub,
            Kind::Mul => Op::Mul,
        }
    }
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
        Opcode::UaddOverflowTrap => return add_trap(ctx, inst),
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
    let flag = ctx.def_inst(v).is_some_and(|def| match ctx.func.dfg.insts[def].opcode {
        Opcode::Icmp | Opcode::Fcmp => true,
        opcode => !opcode.is_call() && ctx.func.dfg.results(def).get(1) == Some(&v),
    });
    if flag {
        return Some(ctx.reg(v));
    }
    let src = truth(ctx, v);
    Some(three(ctx, Op::Sltu, ZERO, src))
}

/// The operation, and the carry in after it.
fn compute(ctx: &mut Ctx<'_>, dst: Reg, op: Op, a: Reg, b: Reg, carry: Option<Reg>) -> Reg {
    let Some(carry) = carry else {
        three_to(ctx, op, dst, a, b);
        return dst;
    };
    let partial = three(ctx, op, a, b);
    three_to(ctx, op, dst, partial, carry);
    partial
}

fn narrow(ctx: &mut Ctx<'_>, inst: IrInst, kind: Kind, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let carry = carry(ctx, inst);
    let dst = ctx.result(inst, 0);
    compute(ctx, dst, kind.op(), a, b, carry);
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let of = ctx.result(inst, 1);
    if signed {
        let low = extend(ctx, dst, ty, true);
        let differ = three(ctx, Op::Xor, low, dst);
        three_to(ctx, Op::Sltu, of, ZERO, differ);
    } else if kind == Kind::Sub {
        // A difference below zero has its sign bit set.
        imm_to(ctx, Op::Srli, of, dst, 63);
    } else {
        let above = imm(ctx, Op::Srli, dst, ty.bits() as i32);
        three_to(ctx, Op::Sltu, of, ZERO, above);
    }
}

fn wide_sum(ctx: &mut Ctx<'_>, inst: IrInst, kind: Kind, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, carry) = (operand(ctx, va), operand(ctx, vb), carry(ctx, inst));
    let dst = ctx.result(inst, 0);
    let partial = compute(ctx, dst, kind.op(), a, b, carry);
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let of = ctx.result(inst, 1);
    if signed {
        // A sum overflowed if its sign is that of neither operand; a difference if
        // the operands' signs differ and its own is not the first one's.
        let first = three(ctx, Op::Xor, a, dst);
        let second = three(ctx, Op::Xor, b, if kind == Kind::Add { dst } else { a });
        let both = three(ctx, Op::And, first, second);
        return imm_to(ctx, Op::Srli, of, both, 63);
    }
    // A sum wraps below its first operand, a difference is of one that was less.
    let wrapped = |ctx: &mut Ctx<'_>, of: Reg, before: Reg, after: Reg, by: Reg| match kind {
        Kind::Add => three_to(ctx, Op::Sltu, of, after, before),
        _ => three_to(ctx, Op::Sltu, of, before, by),
    };
    match carry {
        None => wrapped(ctx, of, a, dst, b),
        Some(carry) => {
            let (first, second) = (temp(ctx), temp(ctx));
            wrapped(ctx, first, a, partial, b);
            wrapped(ctx, second, partial, dst, carry);
            three_to(ctx, Op::Or, of, first, second);
        }
    }
}

fn wide_mul(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (operand(ctx, va), operand(ctx, vb), ctx.result(inst, 0));
    three_to(ctx, Op::Mul, dst, a, b);
    if !ctx.result_needed(inst, 1) {
        return;
    }
    let of = ctx.result(inst, 1);
    let differ = if signed {
        let high = three(ctx, Op::Mulh, a, b);
        let sign = imm(ctx, Op::Srai, dst, 63);
        three(ctx, Op::Xor, high, sign)
    } else {
        three(ctx, Op::Mulhu, a, b)
    };
    three_to(ctx, Op::Sltu, of, ZERO, differ);
}

fn add_trap(ctx: &mut Ctx<'_>, inst: IrInst) -> bool {
    let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return false };
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b, dst) = (comparable(ctx, va, false), operand(ctx, vb), ctx.result(inst, 0));
    three_to(ctx, sized(ty, Op::Addw, Op::Add), dst, a, b);
    let cond = Cond { op: Op::Bltu, a: dst, b: a };
    ctx.emit(Inst::TrapIf { cond, code: crate::trap_code(code) });
    true
}

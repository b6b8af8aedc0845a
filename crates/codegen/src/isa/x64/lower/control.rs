//! Conditions, choices, traps and branches, and what the frame tells.

use super::*;
use crate::isa::x64::regs::{RBP, RSP};
use crate::vcode::MachInst;
use sidetrack_ir::{FloatCC, IntCC};

/// When flags mean *yes*.
#[derive(Clone, Copy, Debug)]
pub enum Cond {
    /// This holds.
    One(Cc),
    /// One of them holds.
    Either(Cc, Cc),
    /// Both hold.
    Both(Cc, Cc),
}

impl Cond {
    /// The opposite condition.
    pub fn inverted(self) -> Cond {
        match self {
            Cond::One(cc) => Cond::One(cc.inverted()),
            Cond::Either(a, b) => Cond::Both(a.inverted(), b.inverted()),
            Cond::Both(a, b) => Cond::Either(a.inverted(), b.inverted()),
        }
    }
}

/// A condition: the instruction that sets the flags, to be emitted right before
/// their user, and what to look for.
pub type Test = (Inst, Cond);

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::Icmp | Opcode::Fcmp => {
            let (set, cond) =
                if opcode == Opcode::Icmp { icmp(ctx, inst, true) } else { fcmp(ctx, inst, true) };
            let dst = ctx.result(inst, 0);
            ctx.emit(set);
            set_if(ctx, dst, cond);
        }
        Opcode::Select | Opcode::SelectSpectreGuard => {
            let [v, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
            let (x_reg, y_reg) = (ctx.reg(x), ctx.reg(y));
            let (set, cond) = condition(ctx, v);
            let dst = ctx.result(inst, 0);
            ctx.emit(set);
            choose(ctx, dst, cond, x_reg, y_reg, ctx.ty(x));
        }
        Opcode::Trapz | Opcode::Trapnz => {
            let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return false };
            let (set, cond) = condition(ctx, ctx.arg(inst, 0));
            ctx.emit(set);
            let cond = if opcode == Opcode::Trapz { cond.inverted() } else { cond };
            trap_if(ctx, cond, crate::trap_code(code));
        }
        Opcode::Debugtrap => ctx.emit(Inst::Breakpoint),
        Opcode::GetFramePointer => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FromPhysical { dst, src: RBP });
        }
        Opcode::GetStackPointer => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FromPhysical { dst, src: RSP });
        }
        Opcode::GetReturnAddress => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::ReturnAddress { dst });
        }
        _ => return false,
    }
    true
}

/// Traps if the condition holds.
pub fn trap_if(ctx: &mut Ctx<'_>, cond: Cond, code: sidetrack_artifact::TrapCode) {
    match cond {
        Cond::One(cc) => ctx.emit(Inst::TrapIf { cc, code }),
        Cond::Either(a, b) => {
            ctx.emit(Inst::TrapIf { cc: a, code });
            ctx.emit(Inst::TrapIf { cc: b, code });
        }
        Cond::Both(a, b) => ctx.emit(Inst::TrapIfBoth { a, b, code }),
    }
}

fn set_if(ctx: &mut Ctx<'_>, dst: Reg, cond: Cond) {
    let (op, a, b) = match cond {
        Cond::One(cc) => return ctx.emit(Inst::Setcc { cc, dst }),
        Cond::Either(a, b) => (AluOp::Or, a, b),
        Cond::Both(a, b) => (AluOp::And, a, b),
    };
    let (first, second) = (temp(ctx), temp(ctx));
    ctx.emit(Inst::Setcc { cc: a, dst: first });
    ctx.emit(Inst::Setcc { cc: b, dst: second });
    alu_to(ctx, op, Size::S32, dst, first, Rmi::Reg(second));
}

fn choose(ctx: &mut Ctx<'_>, dst: Reg, cond: Cond, yes: Reg, no: Reg, ty: Type) {
    let one = |ctx: &mut Ctx<'_>, dst: Reg, cc: Cc, yes: Reg, no: Reg| {
        ctx.emit(if ty.is_int() {
            Inst::Cmov { cc, size: Size::of(ty).widened(), dst, src1: no, src2: Rmi::Reg(yes) }
        } else {
            Inst::XmmCmov { cc, dst, src1: no, src2: yes }
        });
    };
    match cond {
        Cond::One(cc) => one(ctx, dst, cc, yes, no),
        Cond::Either(a, b) => {
            let partial = ctx.temp(ty);
            one(ctx, partial, a, yes, no);
            one(ctx, dst, b, yes, partial);
        }
        Cond::Both(a, b) => {
            let partial = ctx.temp(ty);
            one(ctx, partial, a.inverted(), no, yes);
            one(ctx, dst, b.inverted(), no, partial);
        }
    }
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) -> Result<(), String> {
    let data = &ctx.func.dfg.insts[inst];
    match (data.opcode, data.extra) {
        (Opcode::Brif, _) => {
            let (set, cond) = condition(ctx, ctx.arg(inst, 0));
            ctx.emit(set);
            let (then, other) = (targets[0], targets[1]);
            ctx.emit(match cond {
                Cond::One(cc) => Inst::JumpIf { cc, then, other },
                Cond::Either(a, b) => Inst::JumpIfEither { a, b, then, other },
                Cond::Both(a, b) => {
                    Inst::JumpIfEither { a: a.inverted(), b: b.inverted(), then: other, other: then }
                }
            });
        }
        (Opcode::BrTable, _) => br_table(ctx, inst, targets),
        (Opcode::Trap, Extra::Trap(code)) => ctx.emit(Inst::Trap { code: crate::trap_code(code) }),
        _ => return Err("the target has no rule for it".to_string()),
    }
    Ok(())
}

/// The default, which comes first in the IR, is the last entry of the table; an
/// index beyond is replaced by its index.
fn br_table(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) {
    let entries = targets.len() - 1;
    if entries == 0 {
        return ctx.emit(Inst::jump(targets[0]));
    }
    // The upper half of the register is made zero.
    let index = extended(ctx, ctx.arg(inst, 0), false);
    let last = imm(ctx, entries as i64);
    let (clamped, tmp, tmp2) = (temp(ctx), temp(ctx), temp(ctx));
    ctx.emit(Inst::Cmp { size: Size::S32, src1: index, src2: Rmi::Reg(last) });
    ctx.emit(Inst::Cmov { cc: Cc::A, size: Size::S64, dst: clamped, src1: index, src2: Rmi::Reg(last) });
    let targets = targets[1..].iter().chain(&targets[..1]).copied().collect();
    ctx.emit(Inst::JumpTable { index: clamped, tmp, tmp2, targets });
}

/// The condition that a value is not zero.
pub fn condition(ctx: &mut Ctx<'_>, v: Value) -> Test {
    let (mut v, mut only) = (v, ctx.single_use(v));
    while let Some(inst) = ctx.def_op(v, Opcode::Uextend) {
        v = ctx.arg(inst, 0);
        only &= ctx.single_use(v);
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Icmp) {
        return icmp(ctx, inst, only);
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Fcmp) {
        return fcmp(ctx, inst, only);
    }
    if let Some(test) = vector::test(ctx, v) {
        return test;
    }
    let size = Size::of(ctx.ty(v));
    (is_zero(ctx, v, size, only), Cond::One(Cc::Ne))
}

/// The instruction that compares a value with zero.
fn is_zero(ctx: &mut Ctx<'_>, v: Value, size: Size, only: bool) -> Inst {
    if let Some(band) = ctx.def_op(v, Opcode::Band)
        && only
        && ctx.single_use(v)
    {
        let (a, b) = ordered(ctx, ctx.arg(band, 0), ctx.arg(band, 1));
        let src2 = match immediate(ctx, b) {
            Some(imm) => Rmi::Imm(imm),
            None => Rmi::Reg(ctx.reg(b)),
        };
        return Inst::Test { size, src1: ctx.reg(a), src2 };
    }
    let reg = ctx.reg(v);
    Inst::Test { size, src1: reg, src2: Rmi::Reg(reg) }
}

/// The test of an `icmp`. Its operands are loaded by it if it is the only use of
/// its result.
fn icmp(ctx: &mut Ctx<'_>, inst: IrInst, only: bool) -> Test {
    let Extra::IntCC(mut cc) = ctx.func.dfg.insts[inst].extra else {
        unreachable!("the verifier has seen to it that a comparison has a condition")
    };
    let (mut a, mut b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    if immediate(ctx, a).is_some() && immediate(ctx, b).is_none() {
        (a, b) = (b, a);
        cc = cc.swap_args();
    } else if only && immediate(ctx, b).is_none() && ordered(ctx, a, b) != (a, b) {
        (a, b) = (b, a);
        cc = cc.swap_args();
    }
    let size = Size::of(ctx.ty(a));
    if immediate(ctx, b) == Some(0) {
        let sign = match cc {
            IntCC::Equal | IntCC::NotEqual => return (is_zero(ctx, a, size, only), Cond::One(Cc::of(cc))),
            IntCC::SignedLessThan => Some(Cc::S),
            IntCC::SignedGreaterThanOrEqual => Some(Cc::Ns),
            _ => None,
        };
        if let Some(sign) = sign {
            let src1 = ctx.reg(a);
            return (Inst::Test { size, src1, src2: Rmi::Reg(src1) }, Cond::One(sign));
        }
    }
    let src2 = match immediate(ctx, b) {
        Some(imm) => Rmi::Imm(imm),
        None if only => rm(ctx, b),
        None => Rmi::Reg(ctx.reg(b)),
    };
    let src1 = match ctx.def_op(a, Opcode::GetStackPointer) {
        Some(_) => Reg::physical(RSP),
        None => ctx.reg(a),
    };
    (Inst::Cmp { size, src1, src2 }, Cond::One(Cc::of(cc)))
}

/// The test of an `fcmp`. After it carry means less or unordered, zero equal or
/// unordered, parity unordered.
fn fcmp(ctx: &mut Ctx<'_>, inst: IrInst, only: bool) -> Test {
    let Extra::FloatCC(cc) = ctx.func.dfg.insts[inst].extra else {
        unreachable!("the verifier has seen to it that a comparison has a condition")
    };
    let (cond, swap) = match cc {
        FloatCC::Ordered => (Cond::One(Cc::Np), false),
        FloatCC::Unordered => (Cond::One(Cc::P), false),
        FloatCC::Equal => (Cond::Both(Cc::E, Cc::Np), false),
        FloatCC::NotEqual => (Cond::Either(Cc::Ne, Cc::P), false),
        FloatCC::OrderedNotEqual => (Cond::One(Cc::Ne), false),
        FloatCC::UnorderedOrEqual => (Cond::One(Cc::E), false),
        FloatCC::GreaterThan => (Cond::One(Cc::A), false),
        FloatCC::GreaterThanOrEqual => (Cond::One(Cc::Ae), false),
        FloatCC::LessThan => (Cond::One(Cc::A), true),
        FloatCC::LessThanOrEqual => (Cond::One(Cc::Ae), true),
        FloatCC::UnorderedOrLessThan => (Cond::One(Cc::B), false),
        FloatCC::UnorderedOrLessThanOrEqual => (Cond::One(Cc::Be), false),
        FloatCC::UnorderedOrGreaterThan => (Cond::One(Cc::B), true),
        FloatCC::UnorderedOrGreaterThanOrEqual => (Cond::One(Cc::Be), true),
    };
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b) = if swap { (b, a) } else { (a, b) };
    let wide = ctx.ty(a) == F64;
    let src2 = if only { rm(ctx, b) } else { Rmi::Reg(ctx.reg(b)) };
    (Inst::XmmCmp { wide, src1: ctx.reg(a), src2 }, cond)
}

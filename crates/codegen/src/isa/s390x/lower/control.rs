//! Conditions, choices, traps and branches, and what the frame tells.

use super::*;
use crate::isa::s390x::inst::{Addr, Mem};
use crate::isa::s390x::regs::{FP, FP_REG, SP, r};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::Select | Opcode::SelectSpectreGuard => {
            let [v, a, b] = [0, 1, 2].map(|n| ctx.arg(inst, n));
            let cond = condition(ctx, v);
            let (yes, no, dst) = (ctx.reg(a), ctx.reg(b), ctx.result(inst, 0));
            ctx.emit(Inst::Select { cond, dst, yes, no });
        }
        Opcode::Trapz | Opcode::Trapnz => {
            let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return false };
            let cond = condition(ctx, ctx.arg(inst, 0));
            let cond = if opcode == Opcode::Trapz { cond.inverted() } else { cond };
            ctx.emit(Inst::TrapIf { cond, code: crate::trap_code(code) });
        }
        Opcode::Debugtrap => ctx.emit(Inst::Breakpoint),
        Opcode::GetFramePointer => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FromPhysical { dst, src: r(FP.into()) });
        }
        Opcode::GetStackPointer => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FromPhysical { dst, src: r(SP.into()) });
        }
        Opcode::GetReturnAddress => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Load { op: Op::Lg, dst, mem: Mem { addr: Addr::Base(FP_REG, 8), trap: None } });
        }
        _ => return false,
    }
    true
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) -> Result<(), String> {
    let data = &ctx.func.dfg.insts[inst];
    match (data.opcode, data.extra) {
        (Opcode::Brif, _) => {
            let cond = condition(ctx, ctx.arg(inst, 0));
            ctx.emit(Inst::Branch { cond, then: targets[0], other: targets[1] });
        }
        (Opcode::BrTable, _) if targets.len() == 1 => ctx.emit(Inst::jump(targets[0])),
        (Opcode::BrTable, _) => {
            let index = extended(ctx, ctx.arg(inst, 0), false);
            let (default, targets) = (targets[0], targets[1..].into());
            ctx.emit(Inst::BrTable { index, default, targets });
        }
        (Opcode::Trap, Extra::Trap(code)) => ctx.emit(Inst::Trap { code: crate::trap_code(code) }),
        _ => return Err("the target has no rule for it".to_string()),
    }
    Ok(())
}

/// The condition that a value is not zero.
pub fn condition(ctx: &mut Ctx<'_>, v: Value) -> Cond {
    let mut v = v;
    while let Some(inst) = ctx.def_op(v, Opcode::Uextend) {
        v = ctx.arg(inst, 0);
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Icmp)
        && let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra
    {
        return int::compare(ctx, cc, ctx.arg(inst, 0), ctx.arg(inst, 1));
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Fcmp) {
        return float::condition(ctx, inst);
    }
    if let Some(cond) = vector::truth(ctx, v) {
        return cond;
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Band)
        && ctx.single_use(v)
        && let (a, b) = ordered(ctx, inst)
        && let Some(value) = ctx.iconst(b)
        && let Some((op, mask)) = under_mask(zero_extended(value, ctx.ty(b)))
    {
        return Cond { compare: Compare::Imm(op, ctx.reg(a), mask), mask: DIFFERENT };
    }
    let ty = ctx.ty(v);
    let reg = ctx.reg(v);
    let compare = match ty {
        I8 => Compare::Imm(Op::Tmll, reg, 0xff),
        I16 => Compare::Imm(Op::Tmll, reg, 0xffff),
        _ => Compare::Imm(sized(ty, Op::Cfi, Op::Cgfi), reg, 0),
    };
    Cond { compare, mask: DIFFERENT }
}

/// The instruction that tests these bits, if they are in the same quarter.
fn under_mask(bits: u64) -> Option<(Op, i64)> {
    let quarters = [(Op::Tmll, 0), (Op::Tmlh, 16), (Op::Tmhl, 32), (Op::Tmhh, 48)];
    let (op, shift) = quarters.into_iter().find(|(_, shift)| bits & !(0xffff << shift) == 0)?;
    (bits != 0).then_some((op, (bits >> shift) as i64))
}

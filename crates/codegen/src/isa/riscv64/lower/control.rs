//! Conditions, choices, traps and branches, and what the frame tells.

use super::*;
use crate::isa::riscv64::regs::{FP, SP, x};
use sidetrack_ir::IntCC;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::Select | Opcode::SelectSpectreGuard => {
            let [v, a, b] = [0, 1, 2].map(|n| ctx.arg(inst, n));
            let cond = condition(ctx, v);
            let (yes, no) = match ctx.ty(a).is_int() {
                true => (operand(ctx, a), operand(ctx, b)),
                false => (ctx.reg(a), ctx.reg(b)),
            };
            let dst = ctx.result(inst, 0);
            int::select(ctx, dst, cond, yes, no);
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
            ctx.emit(Inst::FromPhysical { dst, src: x(FP.into()) });
        }
        Opcode::GetStackPointer => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FromPhysical { dst, src: x(SP.into()) });
        }
        Opcode::GetReturnAddress => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::ReturnAddress { dst });
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
            let index = comparable(ctx, ctx.arg(inst, 0), false);
            let limit = constant(ctx, I64, targets.len() as u64 - 1);
            let (default, targets) = (targets[0], targets[1..].into());
            ctx.emit(Inst::BrTable { index, limit, default, targets });
        }
        (Opcode::Trap, Extra::Trap(code)) => ctx.emit(Inst::Trap { code: crate::trap_code(code) }),
        _ => return Err("the target has no rule for it".to_string()),
    }
    Ok(())
}

/// The condition that a value is not zero.
fn condition(ctx: &mut Ctx<'_>, v: Value) -> Cond {
    let mut v = v;
    while let Some(inst) = ctx.def_op(v, Opcode::Uextend) {
        v = ctx.arg(inst, 0);
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Icmp)
        && let Extra::IntCC(cc) = ctx.func.dfg.insts[inst].extra
    {
        return compare(ctx, cc, ctx.arg(inst, 0), ctx.arg(inst, 1));
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Fcmp)
        && ctx.single_use(v)
    {
        return float::condition(ctx, inst);
    }
    Cond::nonzero(truth(ctx, v))
}

/// The condition that a comparison holds.
fn compare(ctx: &mut Ctx<'_>, cc: IntCC, a: Value, b: Value) -> Cond {
    let equality = matches!(cc, IntCC::Equal | IntCC::NotEqual);
    if equality && ctx.iconst(b) == Some(0) {
        let reg = truth(ctx, a);
        return if cc == IntCC::Equal { Cond::zero(reg) } else { Cond::nonzero(reg) };
    }
    let signed = cc.is_signed() || equality && is_sign_extended(ctx, a);
    let (a, b) = (comparable(ctx, a, signed), comparable(ctx, b, signed));
    let (op, swap) = match cc {
        IntCC::Equal => (Op::Beq, false),
        IntCC::NotEqual => (Op::Bne, false),
        IntCC::SignedLessThan => (Op::Blt, false),
        IntCC::SignedGreaterThanOrEqual => (Op::Bge, false),
        IntCC::SignedGreaterThan => (Op::Blt, true),
        IntCC::SignedLessThanOrEqual => (Op::Bge, true),
        IntCC::UnsignedLessThan => (Op::Bltu, false),
        IntCC::UnsignedGreaterThanOrEqual => (Op::Bgeu, false),
        IntCC::UnsignedGreaterThan => (Op::Bltu, true),
        IntCC::UnsignedLessThanOrEqual => (Op::Bgeu, true),
    };
    let (a, b) = if swap { (b, a) } else { (a, b) };
    Cond { op, a, b }
}

//! Choice, traps, branches, and what the frame tells.

use super::*;
use crate::isa::pulley::inst::Cond;
use sidetrack_ir::{Extra, Inst as IrInst, IntCC};

/// Lowers an instruction of this family; whether it was one.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Result<bool, String> {
    match opcode {
        Opcode::Select | Opcode::SelectSpectreGuard => select(ctx, inst),
        Opcode::Trapz | Opcode::Trapnz => {
            let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return Ok(false) };
            let v = ctx.arg(inst, 0);
            let cond = condition(ctx, v);
            let cond = if opcode == Opcode::Trapz { cond.inverted() } else { cond };
            ctx.emit(Inst::TrapIf { cond, code: crate::trap_code(code) });
        }
        Opcode::Debugtrap => ctx.emit(Inst::Breakpoint),
        Opcode::GetFramePointer => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FramePointer { dst });
        }
        Opcode::GetStackPointer => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::StackPointer { dst });
        }
        Opcode::GetReturnAddress => {
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::ReturnAddress { dst });
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Lowers a branch.
///
/// # Errors
/// If there is no rule.
pub fn lower_branch(ctx: &mut Ctx<'_>, inst: IrInst, targets: &[Label]) -> Result<(), String> {
    let data = &ctx.func.dfg.insts[inst];
    match (data.opcode, data.extra) {
        (Opcode::Brif, _) => {
            let v = ctx.arg(inst, 0);
            let cond = condition(ctx, v);
            ctx.emit(Inst::Branch { cond, then: targets[0], other: targets[1] });
        }
        (Opcode::BrTable, _) => {
            let v = ctx.arg(inst, 0);
            let index = ctx.reg(v);
            // The default comes first in the IR, last in the table.
            let entries = targets[1..].iter().chain(&targets[..1]).copied();
            ctx.emit(Inst::BrTable { index, targets: entries.collect() });
        }
        (Opcode::Trap, Extra::Trap(code)) => ctx.emit(Inst::Trap { code: crate::trap_code(code) }),
        _ => return Err("the target has no rule for it".to_string()),
    }
    Ok(())
}

fn select(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [v, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
    let ty = ctx.ty(x);
    let (cond, a, b) = (condition_reg(ctx, v), ctx.reg(x), ctx.reg(y));
    let dst = ctx.result(inst, 0);
    ctx.emit(if ty.is_int() {
        Inst::Xxxx { op: sized(ty, Xxxx::xselect32, Xxxx::xselect64), dst, a: cond, b: a, c: b }
    } else {
        Inst::Fxff { op: sized(ty, Fxff::fselect32, Fxff::fselect64), dst, cond, a, b }
    });
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
        return compare(ctx, inst, cc);
    }
    if let Some(inst) = ctx.def_op(v, Opcode::Fcmp)
        && ctx.single_use(v)
    {
        return float::condition(ctx, inst);
    }
    if ctx.ty(v).bits() == 64 {
        return Cond::CmpImm { cc: IntCC::NotEqual, wide: true, a: ctx.reg(v), imm: 0 };
    }
    Cond::NonZero(condition_reg(ctx, v))
}

/// The condition that an `icmp` holds.
fn compare(ctx: &mut Ctx<'_>, inst: IrInst, cc: IntCC) -> Cond {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (wide, signed) = (ty.bits() == 64, cc.is_signed());
    let a = extended(ctx, va, signed);
    if let Some(imm) = ctx.iconst(vb) {
        let equality = matches!(cc, IntCC::Equal | IntCC::NotEqual);
        // Narrow operands of an equality are zero-extended, wide ones compared
        // with a sign-extended constant.
        let fits = if signed || (equality && ty.bits() >= 32) {
            i32::try_from(sign_extended(imm, ty)).ok().map(|imm| imm as u32)
        } else {
            u32::try_from(zero_extended(imm, ty)).ok()
        };
        if let Some(imm) = fits {
            return Cond::CmpImm { cc, wide, a, imm };
        }
    }
    let b = extended(ctx, vb, signed);
    Cond::Cmp { cc, wide, a, b }
}

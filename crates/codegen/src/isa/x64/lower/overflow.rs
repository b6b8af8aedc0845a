//! Arithmetic that tells whether it overflowed: the flags, at the type's width.

use super::*;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Sum(AluOp, AluOp),
    Mul,
}

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    const ADD: Kind = Kind::Sum(AluOp::Add, AluOp::Adc);
    const SUB: Kind = Kind::Sum(AluOp::Sub, AluOp::Sbb);
    let (kind, signed) = match opcode {
        Opcode::UaddOverflow | Opcode::UaddOverflowCin => (ADD, false),
        Opcode::SaddOverflow | Opcode::SaddOverflowCin => (ADD, true),
        Opcode::UsubOverflow | Opcode::UsubOverflowBin => (SUB, false),
        Opcode::SsubOverflow | Opcode::SsubOverflowBin => (SUB, true),
        Opcode::UmulOverflow => (Kind::Mul, false),
        Opcode::SmulOverflow => (Kind::Mul, true),
        Opcode::UaddOverflowTrap => {
            let Extra::Trap(code) = ctx.func.dfg.insts[inst].extra else { return false };
            sum(ctx, inst, AluOp::Add, AluOp::Adc);
            ctx.emit(Inst::TrapIf { cc: Cc::B, code: crate::trap_code(code) });
            return true;
        }
        _ => return false,
    };
    let cc = match kind {
        Kind::Sum(op, with_carry) => {
            sum(ctx, inst, op, with_carry);
            if signed { Cc::O } else { Cc::B }
        }
        Kind::Mul => product(ctx, inst, signed),
    };
    if ctx.result_needed(inst, 1) {
        let dst = ctx.result(inst, 1);
        ctx.emit(Inst::Setcc { cc, dst });
    }
    true
}

/// Adds or subtracts, with the third argument as carry if there is one.
fn sum(ctx: &mut Ctx<'_>, inst: IrInst, op: AluOp, with_carry: AluOp) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let size = Size::of(ctx.ty(a));
    let carry = ctx.func.dfg.args(inst).get(2).copied();
    let carry = carry.map(|v| ctx.reg(v));
    let (src2, src1) = (rmi(ctx, b), ctx.reg(a));
    let dst = ctx.result(inst, 0);
    match carry {
        None => alu_to(ctx, op, size, dst, src1, src2),
        Some(carry) => {
            // Adding 255 carries out of anything but zero.
            alu(ctx, AluOp::Add, Size::S8, carry, Rmi::Imm(-1));
            alu_to(ctx, with_carry, size, dst, src1, src2);
        }
    }
}

/// Multiplies; the condition of overflow.
fn product(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) -> Cc {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let size = Size::of(ty);
    if size >= Size::S32 && !signed {
        let (a, b) = (ctx.reg(va), ctx.reg(vb));
        let (lo, hi) = (ctx.result(inst, 0), temp(ctx));
        ctx.emit(Inst::MulWide { signed, size, lo, hi, src1: a, src2: Rmi::Reg(b) });
        return Cc::O;
    }
    if size >= Size::S32 || size == Size::S16 && signed {
        let (a, b) = (ctx.reg(va), ctx.reg(vb));
        let dst = ctx.result(inst, 0);
        ctx.emit(Inst::Imul { size, dst, src1: a, src2: Rmi::Reg(b) });
        return Cc::O;
    }
    // The exact product, and whether its low part is all of it.
    let (a, b) = (extended(ctx, va, signed), extended(ctx, vb, signed));
    let (dst, low) = (ctx.result(inst, 0), temp(ctx));
    ctx.emit(Inst::Imul { size: Size::S32, dst, src1: a, src2: Rmi::Reg(b) });
    let kind = match (size, signed) {
        (Size::S8, true) => MovKind::Sx8To32,
        (Size::S8, false) => MovKind::Zx8,
        (_, true) => MovKind::Sx16To32,
        (_, false) => MovKind::Zx16,
    };
    ctx.emit(Inst::Mov { kind, dst: low, src: Rmi::Reg(dst) });
    ctx.emit(Inst::Cmp { size: Size::S32, src1: low, src2: Rmi::Reg(dst) });
    Cc::Ne
}

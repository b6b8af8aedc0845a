//! Loads and stores of vectors.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    let (op, from) = match opcode {
        Opcode::Load => {
            let reversal = reversal(lane_size(ty)).filter(|_| mem::is_big(ctx, inst));
            let (addr, trap) = (mem::address(ctx, inst, 0, 16), ctx.mem_trap(inst));
            let dst = ctx.result(inst, 0);
            let raw = if reversal.is_some() { float_temp(ctx) } else { dst };
            ctx.emit(Inst::Load { op: MemOp::LdrQ, dst: raw, addr, trap });
            if let Some(op) = reversal {
                ctx.emit(Inst::Vec(VecInst::V2 { op, arr: Arr::B16, dst, n: raw }));
            }
            return true;
        }
        Opcode::Store => {
            let mut src = arg(ctx, inst, 0);
            if let Some(op) = reversal(lane_size(ty)).filter(|_| mem::is_big(ctx, inst)) {
                src = v2(ctx, op, Arr::B16, src);
            }
            let (addr, trap) = (mem::address(ctx, inst, 1, 16), ctx.mem_trap(inst));
            ctx.emit(Inst::Store { op: MemOp::StrQ, src, addr, trap });
            return true;
        }
        Opcode::Bitcast => {
            bitcast(ctx, inst, ty);
            return true;
        }
        Opcode::Uload8x8 => (VShiftOp::Ushll, I8X16),
        Opcode::Sload8x8 => (VShiftOp::Sshll, I8X16),
        Opcode::Uload16x4 => (VShiftOp::Ushll, I16X8),
        Opcode::Sload16x4 => (VShiftOp::Sshll, I16X8),
        Opcode::Uload32x2 => (VShiftOp::Ushll, I32X4),
        Opcode::Sload32x2 => (VShiftOp::Sshll, I32X4),
        _ => return false,
    };
    let (addr, trap) = (mem::address(ctx, inst, 0, 8), ctx.mem_trap(inst));
    let mut n = float_temp(ctx);
    ctx.emit(Inst::Load { op: MemOp::LdrD, dst: n, addr, trap });
    let size = lane_size(from);
    if let Some(op) = reversal(size).filter(|_| mem::is_big(ctx, inst)) {
        n = v2(ctx, op, Arr::B16, n);
    }
    result(ctx, inst, |dst| VecInst::Shift { op, arr: Arr::half(size), dst, n, amount: 0 });
    true
}

/// The same bytes, in the order of a big-endian memory if it says so.
fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst, from: Type) {
    let to = ctx.func.dfg.insts[inst].ty;
    let mut n = arg(ctx, inst, 0);
    if mem::is_big(ctx, inst) {
        for op in [from, to].into_iter().filter_map(|ty| reversal(lane_size(ty))) {
            n = v2(ctx, op, Arr::B16, n);
        }
    }
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Copy { dst, src: n, class: RegClass::Float });
}

/// A register with all of an access's address.
pub fn whole_address(ctx: &mut Ctx<'_>, inst: IrInst, bytes: u32) -> Reg {
    match mem::address(ctx, inst, 0, bytes) {
        Amode::Base(base, 0) => base,
        Amode::Base(base, offset) => match Imm12::new(u64::from(offset.unsigned_abs())) {
            Some(imm) => {
                let op = if offset < 0 { AluOp::Sub } else { AluOp::Add };
                alu(ctx, op, Size::S64, base, Rm::Imm(imm))
            }
            None => {
                let offset = super::imm(ctx, i64::from(offset) as u64);
                alu(ctx, AluOp::Add, Size::S64, base, Rm::Reg(offset))
            }
        },
        Amode::Index { base, index, extend, scaled } => {
            let amount = if scaled { bytes.trailing_zeros() as u8 } else { 0 };
            alu(ctx, AluOp::Add, Size::S64, base, Rm::Extended(index, extend, amount))
        }
        Amode::Stack(addr) => {
            let dst = temp(ctx);
            ctx.emit(Inst::FrameAddr { dst, addr });
            dst
        }
    }
}

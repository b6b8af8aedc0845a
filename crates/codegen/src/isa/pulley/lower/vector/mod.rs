//! Vectors: rules for instructions whose operands or results are vectors.
//!
//! Most are one instruction of the interpreter. It lacks some shapes, which are
//! composed of others: comparisons and choices of bits first, lanes taken out and
//! put in again only for the fixed-point product of 32-bit lanes.
//!
//! Rooms: `int` and `float` arithmetic and comparison, `lanes` what moves lanes or
//! asks for them, `mem` loads and stores. Logic and choice are here.

mod float;
mod int;
mod lanes;
mod mem;

use super::*;
use sidetrack_ir::{Extra, Inst as IrInst};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let dfg = &ctx.func.dfg;
    let vector = |&v: &Value| dfg.value_type(v).is_vector();
    if !dfg.results(inst).iter().chain(dfg.args(inst)).any(vector) {
        return false;
    }
    match opcode {
        Opcode::Vconst => {
            let Extra::Bytes(bytes) = dfg.insts[inst].extra else { return false };
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::VConst { dst, bytes });
        }
        Opcode::Band => binary(ctx, inst, Vvv::vband128),
        Opcode::Bor => binary(ctx, inst, Vvv::vbor128),
        Opcode::Bxor => binary(ctx, inst, Vvv::vbxor128),
        Opcode::Bnot => unary(ctx, inst, Vv::vbnot128),
        Opcode::Bitselect => {
            let ([c, x, y], dst) = (operands(ctx, inst), ctx.result(inst, 0));
            bitselect_to(ctx, dst, c, x, y);
        }
        Opcode::Select | Opcode::SelectSpectreGuard => {
            let [c, x, y] = [0, 1, 2].map(|n| ctx.arg(inst, n));
            let (cond, a, b) = (condition_reg(ctx, c), ctx.reg(x), ctx.reg(y));
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::VSelect { dst, cond, a, b });
        }
        _ => {
            return lanes::lower(ctx, inst, opcode)
                || int::lower(ctx, inst, opcode)
                || float::lower(ctx, inst, opcode)
                || mem::lower(ctx, inst, opcode);
        }
    }
    true
}

/// The registers of an instruction's first operands.
fn operands<const N: usize>(ctx: &mut Ctx<'_>, inst: IrInst) -> [Reg; N] {
    std::array::from_fn(|n| {
        let v = ctx.arg(inst, n);
        ctx.reg(v)
    })
}

/// The item for lanes of this width: 8, 16, 32 or 64 bits.
fn by_lane<T: Copy>(ty: Type, items: [T; 4]) -> T {
    items[ty.lane_bits().trailing_zeros() as usize - 3]
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, op: Vv) {
    let ([src], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    ctx.emit(Inst::Vv { op, dst, src });
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, op: Vvv) {
    let ([a, b], dst) = (operands(ctx, inst), ctx.result(inst, 0));
    vvv_to(ctx, op, dst, a, b);
}

// Short forms of instructions. Those without `_to` write a new register.

fn v_temp(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Vector)
}

fn vv(ctx: &mut Ctx<'_>, op: Vv, src: Reg) -> Reg {
    let dst = v_temp(ctx);
    ctx.emit(Inst::Vv { op, dst, src });
    dst
}

fn vvv_to(ctx: &mut Ctx<'_>, op: Vvv, dst: Reg, a: Reg, b: Reg) {
    ctx.emit(Inst::Vvv { op, dst, a, b });
}

fn vvv(ctx: &mut Ctx<'_>, op: Vvv, a: Reg, b: Reg) -> Reg {
    let dst = v_temp(ctx);
    vvv_to(ctx, op, dst, a, b);
    dst
}

/// A shift of all lanes by a constant.
fn vshift(ctx: &mut Ctx<'_>, op: Vvx, a: Reg, amount: u32) -> Reg {
    let (b, dst) = (xconst(ctx, i64::from(amount)), v_temp(ctx));
    ctx.emit(Inst::Vvx { op, dst, a, b });
    dst
}

fn bitselect_to(ctx: &mut Ctx<'_>, dst: Reg, c: Reg, x: Reg, y: Reg) {
    ctx.emit(Inst::Vvvv { op: Vvvv::vbitselect128, dst, a: c, b: x, c: y });
}

fn shuffle(ctx: &mut Ctx<'_>, a: Reg, b: Reg, mask: [u8; 16]) -> Reg {
    let dst = v_temp(ctx);
    ctx.emit(Inst::Shuffle { dst, a, b, mask });
    dst
}

/// A constant with this in every lane of this many bits.
fn splat_const(ctx: &mut Ctx<'_>, lane_bits: u32, lane: u64) -> Reg {
    let size = lane_bits as usize / 8;
    vconst(ctx, std::array::from_fn(|n| lane.to_le_bytes()[n % size]))
}

/// The mask of a shuffle that turns round the bytes of every lane.
fn reversed_lanes(lane_bytes: usize) -> [u8; 16] {
    std::array::from_fn(|n| (n / lane_bytes * lane_bytes + (lane_bytes - 1 - n % lane_bytes)) as u8)
}

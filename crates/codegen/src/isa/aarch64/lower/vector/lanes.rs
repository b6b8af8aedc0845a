//! Single lanes, and what is true of all or some of them.

use super::*;
use crate::isa::aarch64::lower::control::{Test, Truth};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    match (opcode, ctx.func.dfg.insts[inst].extra) {
        (Opcode::Vconst, Extra::Bytes(bytes)) => {
            let bits = u128::from_le_bytes(bytes);
            result(ctx, inst, |dst| VecInst::Const { dst, bits });
        }
        (Opcode::Splat, _) => splat_lane(ctx, inst, ty),
        (Opcode::ScalarToVector, _) => scalar_to_vector(ctx, inst, ty),
        (Opcode::Extractlane, Extra::Lane(lane)) => {
            let n = arg(ctx, inst, 0);
            let (dst, size) = (ctx.result(inst, 0), lane_size(ty));
            ctx.emit(match (ty.lane().is_int(), lane) {
                (true, _) => Inst::Vec(VecInst::Umov { size, dst, n, lane }),
                (false, 0) => Inst::Copy { dst, src: n, class: RegClass::Float },
                (false, _) => Inst::Vec(VecInst::Lane { size, dst, n, lane }),
            });
        }
        (Opcode::Insertlane, Extra::Lane(lane)) => {
            let (acc, v, size) = (arg(ctx, inst, 0), ctx.arg(inst, 1), lane_size(ty));
            let int = ty.lane().is_int();
            let n = if int { reg_or_zero(ctx, v) } else { ctx.reg(v) };
            result(ctx, inst, |dst| match int {
                true => VecInst::Ins { size, dst, acc, n, lane },
                false => VecInst::InsLane { size, dst, acc, n, lane, from: 0 },
            });
        }
        (Opcode::VanyTrue | Opcode::VallTrue, _) => {
            let test = truth_of(ctx, inst, opcode);
            let dst = ctx.result(inst, 0);
            control::set_truth(ctx, dst, test);
        }
        (Opcode::VhighBits, _) => high_bits(ctx, inst, ty),
        _ => return false,
    }
    true
}

/// A scalar in every lane; one that is loaded for nothing else is loaded there.
fn splat_lane(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (v, arr) = (ctx.arg(inst, 0), arr(ty));
    if let Some(c) = ctx.iconst(v) {
        let bits = splat(c as u64, ty.lane_bits());
        return result(ctx, inst, |dst| VecInst::Const { dst, bits });
    }
    if let Some(load) = ctx.sinkable_load(v)
        && ctx.func.dfg.insts[load].opcode == Opcode::Load
        && !mem::is_big(ctx, load)
    {
        ctx.sink(load);
        let (addr, trap) = (memory::whole_address(ctx, load, ty.lane_bits() / 8), ctx.mem_trap(load));
        return result(ctx, inst, |dst| VecInst::LoadSplat { arr, dst, addr, trap });
    }
    let n = ctx.reg(v);
    let int = ty.lane().is_int();
    result(ctx, inst, |dst| match int {
        true => VecInst::Dup { arr, dst, n },
        false => VecInst::DupLane { arr, dst, n, lane: 0 },
    });
}

/// A scalar in the first lane, zero in the others: moves of scalars do so.
fn scalar_to_vector(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let v = ctx.arg(inst, 0);
    if ty.lane().is_int() {
        let (n, size) = (extended_to_32(ctx, v, false), Size::of(ctx.ty(v)));
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::FmovFromInt { size, dst, n });
    }
    let (n, size) = (ctx.reg(v), lane_size(ty));
    result(ctx, inst, |dst| VecInst::Lane { size, dst, n, lane: 0 });
}

/// The test of a truth value that is one of a vector, if it is.
pub fn truth(ctx: &mut Ctx<'_>, v: Value) -> Option<Test> {
    for opcode in [Opcode::VanyTrue, Opcode::VallTrue] {
        if let Some(inst) = ctx.def_op(v, opcode) {
            return Some(truth_of(ctx, inst, opcode));
        }
    }
    None
}

fn truth_of(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Test {
    let ty = ctx.ty(ctx.arg(inst, 0));
    let n = arg(ctx, inst, 0);
    let size = lane_size(ty);
    let cond = |ctx: &mut Ctx<'_>, size, n: Reg, zero: bool| {
        let dst = temp(ctx);
        ctx.emit(Inst::FmovToInt { size, dst, n });
        let cond = if zero { Cond::Zero(size, dst) } else { Cond::NotZero(size, dst) };
        Test { set: None, truth: Truth::One(cond) }
    };
    if opcode == Opcode::VallTrue && size < 3 {
        // The least of all lanes is not zero.
        let arr = Arr::full(size);
        let least = new(ctx, |dst| VecInst::Across { op: VAcrossOp::Uminv, arr, dst, n });
        return cond(ctx, Size::S32, least, false);
    }
    // Of pairs of numbers the greater, or of lanes that are zero; all are then in 64 bits.
    let all = opcode == Opcode::VallTrue;
    let n = if all { v2(ctx, V2Op::Cmeq0, Arr::D2, n) } else { n };
    let pairs = v3(ctx, V3Op::Umaxp, Arr::S4, n, n);
    cond(ctx, Size::S64, pairs, all)
}

/// The top bits of all lanes: each lane's, in its place, added up.
fn high_bits(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (n, size, width) = (arg(ctx, inst, 0), lane_size(ty), ty.lane_bits());
    if size == 3 {
        let [low, high] = [0, 1].map(|lane| {
            let dst = temp(ctx);
            ctx.emit(Inst::Vec(VecInst::Umov { size, dst, n, lane }));
            dst
        });
        let (first, dst) = (temp(ctx), ctx.result(inst, 0));
        shift_right_to(ctx, first, low, 63, false, Size::S64);
        let second = temp(ctx);
        shift_right_to(ctx, second, high, 63, false, Size::S64);
        return alu_to(ctx, AluOp::Add, Size::S64, dst, first, Rm::Shifted(second, Shift::Lsl, 1));
    }
    let amount = width as u8 - 1;
    let masks = new(ctx, |dst| VecInst::Shift { op: VShiftOp::Sshr, arr: arr(ty), dst, n, amount });
    // Bit number n modulo 8 in lane n.
    let places = (0..128 / width).fold(0, |all, n| all | 1u128 << (n % 8) << (n * width));
    let places = vector_constant(ctx, places);
    let mut bits = bits(ctx, VBitOp::And, masks, places);
    let mut arr = arr(ty);
    if size == 0 {
        // Those of the upper half become the upper bytes of numbers of 16 bits.
        let upper = new(ctx, |dst| VecInst::Ext { dst, n: bits, m: bits, at: 8 });
        bits = v3(ctx, V3Op::Zip1, Arr::B16, bits, upper);
        arr = Arr::H8;
    }
    let sum = new(ctx, |dst| VecInst::Across { op: VAcrossOp::Addv, arr, dst, n: bits });
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::FmovToInt { size: Size::S32, dst, n: sum });
}

/// Extends a lane to an integer register by the instruction that takes it out, if the
/// value is one that nothing else uses.
pub fn extended_lane(ctx: &mut Ctx<'_>, dst: Reg, v: Value, signed: bool, to: Size) -> bool {
    let Some(inst) = ctx.def_op(v, Opcode::Extractlane).filter(|_| ctx.single_use(v)) else { return false };
    let Extra::Lane(lane) = ctx.func.dfg.insts[inst].extra else { return false };
    let size = lane_size(ctx.ty(ctx.arg(inst, 0)));
    let n = arg(ctx, inst, 0);
    ctx.emit(Inst::Vec(match signed {
        true => VecInst::Smov { size, wide: to == Size::S64, dst, n, lane },
        false => VecInst::Umov { size, dst, n, lane },
    }));
    true
}

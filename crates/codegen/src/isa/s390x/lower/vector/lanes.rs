//! Single lanes, and what is true of all or some of them.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode, ty: Type) -> bool {
    match (opcode, ctx.func.dfg.insts[inst].extra) {
        (Opcode::Vconst, Extra::Bytes(bytes)) => {
            let dst = ctx.result(inst, 0);
            number_to(ctx, dst, u128::from_le_bytes(bytes));
        }
        (Opcode::Splat, _) => splat_lane(ctx, inst, ty),
        (Opcode::ScalarToVector, _) => scalar_to_vector(ctx, inst, ty),
        (Opcode::Extractlane, Extra::Lane(lane)) => {
            let ([src], m, index) = (args(ctx, inst), size(ty), element(ty, lane));
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Vec(match ty.is_int_vector() {
                true => VecInst::Take { m, index, dst, src },
                false => VecInst::Repeat { m, index, dst, src },
            }));
        }
        (Opcode::Insertlane, Extra::Lane(lane)) => insert_lane(ctx, inst, ty, lane),
        (Opcode::VanyTrue | Opcode::VallTrue, _) => {
            let cond = condition(ctx, inst, opcode);
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::Set { cond, dst });
        }
        (Opcode::VhighBits, _) => high_bits(ctx, inst, ty),
        _ => return false,
    }
    true
}

/// A scalar in every lane.
fn splat_lane(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let (v, m) = (ctx.arg(inst, 0), size(ty));
    if let Some(value) = ctx.iconst(v) {
        let dst = ctx.result(inst, 0);
        return number_to(ctx, dst, splat(ty, value as u64));
    }
    let src = ctx.reg(v);
    if !ty.is_int_vector() {
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Vec(VecInst::Repeat { m, index: 0, dst, src }));
    }
    if m == 3 {
        let dst = ctx.result(inst, 0);
        return pair_to(ctx, dst, src, src);
    }
    let both = new(ctx);
    pair_to(ctx, both, src, src);
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Vec(VecInst::Repeat { m, index: (8 >> m) - 1, dst, src: both }));
}

/// A scalar in the first lane, zero in the others.
fn scalar_to_vector(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let v = ctx.arg(inst, 0);
    if ty.is_int_vector() {
        let (low, high) = (extended(ctx, v, false), scalar::number(ctx, 0));
        let dst = ctx.result(inst, 0);
        return pair_to(ctx, dst, high, low);
    }
    let (mut src, zero) = (ctx.reg(v), number(ctx, 0));
    if ty.lane_bits() == 32 {
        src = shift(ctx, Vop::Vesrl, 3, src, 32);
    }
    let dst = ctx.result(inst, 0);
    three_to(ctx, Vop::Vmrh, 3, dst, zero, src);
}

fn insert_lane(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type, lane: u8) {
    let ([old, src], m, index) = (args(ctx, inst), size(ty), element(ty, lane));
    if ty.is_int_vector() {
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Vec(VecInst::Put { m, index, dst, old, src }));
    }
    let everywhere = new(ctx);
    ctx.emit(Inst::Vec(VecInst::Repeat { m, index: 0, dst: everywhere, src }));
    let width = ty.lane_bits();
    let place = number(ctx, u128::MAX >> (128 - width) << (u32::from(lane) * width));
    let dst = ctx.result(inst, 0);
    choose_to(ctx, dst, place, everywhere, old);
}

/// The condition of a truth value that is one of a vector, if it is.
pub fn truth(ctx: &mut Ctx<'_>, v: Value) -> Option<Cond> {
    [Opcode::VanyTrue, Opcode::VallTrue].into_iter().find_map(|opcode| {
        let inst = ctx.def_op(v, opcode)?;
        Some(condition(ctx, inst, opcode))
    })
}

/// That any bit is one, or that no lane is zero.
fn condition(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> Cond {
    let (ty, [mut src]) = (ctx.ty(ctx.arg(inst, 0)), args(ctx, inst));
    let all = opcode == Opcode::VallTrue;
    if all {
        let zero = number(ctx, 0);
        src = three(ctx, Vop::Vceq, size(ty), src, zero);
    }
    let (high, low) = (half(ctx, src, false), half(ctx, src, true));
    let any = scalar::three(ctx, Op::Ogrk, high, low);
    if all { Cond::zero(any) } else { Cond::nonzero(any) }
}

/// The top bits of all lanes: picked, or each in its place and added up.
fn high_bits(ctx: &mut Ctx<'_>, inst: IrInst, ty: Type) {
    let ([src], m, width) = (args(ctx, inst), size(ty), ty.lane_bits());
    let count = 128 / width;
    if ctx.backend.features.vxe() {
        // For each of 16 bits of the result its number from the left; others are zero.
        let places = (0..16).fold(0u128, |all, bit| {
            let from = if bit < count { (count - 1 - bit) * width } else { 0x80 };
            all | u128::from(from) << (8 * bit)
        });
        let places = number(ctx, places);
        let bits = three(ctx, Vop::Vbperm, 0, src, places);
        let dst = ctx.result(inst, 0);
        return ctx.emit(Inst::Vec(VecInst::Take { m: 3, index: 0, dst, src: bits }));
    }
    let masks = shift(ctx, Vop::Vesra, m, src, width - 1);
    let places = (0..count).fold(0, |all, n| all | 1u128 << (n % 8) << (n * width));
    let (places, zero) = (number(ctx, places), number(ctx, 0));
    let mut sums = three(ctx, Vop::Vn, 0, masks, places);
    if m == 0 {
        sums = three(ctx, Vop::Vsum, 0, sums, zero);
    }
    if m < 2 {
        sums = three(ctx, Vop::Vsumg, if m == 0 { 2 } else { 1 }, sums, zero);
    }
    if m == 0 {
        let (high, low) = (half(ctx, sums, false), half(ctx, sums, true));
        let high = scalar::shift(ctx, Op::Sllg, high, 8);
        let dst = ctx.result(inst, 0);
        return scalar::three_to(ctx, Op::Ogrk, dst, high, low);
    }
    let sum = three(ctx, Vop::Vsumq, if m == 2 { 2 } else { 3 }, sums, zero);
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Vec(VecInst::Take { m: 3, index: 1, dst, src: sum }));
}

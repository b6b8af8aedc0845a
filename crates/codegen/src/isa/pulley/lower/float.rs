//! Float arithmetic, comparison and conversion, and bitwise operations on floats.

use super::*;
use crate::isa::pulley::inst::Cond;
use sidetrack_artifact::TrapCode;
use sidetrack_ir::types::{F32, F64};
use sidetrack_ir::{Extra, FloatCC, Inst as IrInst, IntCC};

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::F32const | Opcode::F64const => {
            let Extra::Imm(bits) = ctx.func.dfg.insts[inst].extra else { return false };
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::FConst { dst, bits: bits as u64, wide: opcode == Opcode::F64const });
        }
        Opcode::Fadd => binary(ctx, inst, Fff::fadd32, Fff::fadd64),
        Opcode::Fsub => binary(ctx, inst, Fff::fsub32, Fff::fsub64),
        Opcode::Fmul => binary(ctx, inst, Fff::fmul32, Fff::fmul64),
        Opcode::Fdiv => binary(ctx, inst, Fff::fdiv32, Fff::fdiv64),
        Opcode::Fmin => binary(ctx, inst, Fff::fminimum32, Fff::fminimum64),
        Opcode::Fmax => binary(ctx, inst, Fff::fmaximum32, Fff::fmaximum64),
        Opcode::Fcopysign => binary(ctx, inst, Fff::fcopysign32, Fff::fcopysign64),
        Opcode::Sqrt => unary(ctx, inst, Ff::fsqrt32, Ff::fsqrt64),
        Opcode::Fneg => unary(ctx, inst, Ff::fneg32, Ff::fneg64),
        Opcode::Fabs => unary(ctx, inst, Ff::fabs32, Ff::fabs64),
        Opcode::Ceil => unary(ctx, inst, Ff::fceil32, Ff::fceil64),
        Opcode::Floor => unary(ctx, inst, Ff::ffloor32, Ff::ffloor64),
        Opcode::Trunc => unary(ctx, inst, Ff::ftrunc32, Ff::ftrunc64),
        Opcode::Nearest => unary(ctx, inst, Ff::fnearest32, Ff::fnearest64),
        Opcode::Fma => fma(ctx, inst),
        Opcode::Fcmp => {
            let dst = ctx.result(inst, 0);
            if is_inverted(ctx, inst) {
                let opposite = x_temp(ctx);
                compare_to(ctx, inst, opposite);
                logic_to(ctx, XOR32, dst, opposite, 1);
            } else {
                compare_to(ctx, inst, dst);
            }
        }
        Opcode::Fpromote | Opcode::Fdemote => {
            let v = ctx.arg(inst, 0);
            let (from, to) = (ctx.ty(v), ctx.func.dfg.insts[inst].ty);
            let op = match (from, to) {
                (F32, F64) => Ff::f64_from_f32,
                (F64, F32) => Ff::f32_from_f64,
                _ => Ff::fmov,
            };
            let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
            ctx.emit(Inst::Ff { op, dst, src });
        }
        Opcode::FcvtToUint => to_int(ctx, inst, false),
        Opcode::FcvtToSint => to_int(ctx, inst, true),
        Opcode::FcvtToUintSat => to_int_sat(ctx, inst, false),
        Opcode::FcvtToSintSat => to_int_sat(ctx, inst, true),
        Opcode::FcvtFromUint => from_int(ctx, inst, false),
        Opcode::FcvtFromSint => from_int(ctx, inst, true),
        Opcode::Bitcast => bitcast(ctx, inst),
        Opcode::Band => bitwise(ctx, inst, Xxx::xband32, Xxx::xband64),
        Opcode::Bor => bitwise(ctx, inst, Xxx::xbor32, Xxx::xbor64),
        Opcode::Bxor => bitwise(ctx, inst, Xxx::xbxor32, Xxx::xbxor64),
        Opcode::Bnot => {
            let v = ctx.arg(inst, 0);
            let (ty, src) = (ctx.ty(v), bits(ctx, v));
            let inverted = xx(ctx, sized(ty, Xx::xbnot32, Xx::xbnot64), src);
            let dst = ctx.result(inst, 0);
            set_bits(ctx, dst, inverted, ty);
        }
        Opcode::Bitselect => bitselect(ctx, inst),
        _ => return false,
    }
    true
}

fn unary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Ff, wide: Ff) {
    let v = ctx.arg(inst, 0);
    let (op, src, dst) = (sized(ctx.ty(v), narrow, wide), ctx.reg(v), ctx.result(inst, 0));
    ctx.emit(Inst::Ff { op, dst, src });
}

fn binary(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Fff, wide: Fff) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b, dst) = (ctx.reg(va), ctx.reg(vb), ctx.result(inst, 0));
    ctx.emit(Inst::Fff { op: sized(ctx.ty(va), narrow, wide), dst, a, b });
}

/// There is a fused instruction for vectors only; its first lane does.
fn fma(ctx: &mut Ctx<'_>, inst: IrInst) {
    let ty = ctx.func.dfg.insts[inst].ty;
    let lanes = [0, 1, 2].map(|n| {
        let v = ctx.arg(inst, n);
        let (src, dst) = (ctx.reg(v), ctx.temp_class(RegClass::Vector));
        ctx.emit(Inst::Vf { op: sized(ty, Vf::vsplatf32, Vf::vsplatf64), dst, src });
        dst
    });
    let sum = ctx.temp_class(RegClass::Vector);
    let [a, b, c] = lanes;
    ctx.emit(Inst::Vvvv { op: sized(ty, Vvvv::vfma32x4, Vvvv::vfma64x2), dst: sum, a, b, c });
    let dst = ctx.result(inst, 0);
    ctx.emit(Inst::Fv { op: sized(ty, Fv::fextractv32x4, Fv::fextractv64x2), dst, src: sum, lane: 0 });
}

fn xff(ctx: &mut Ctx<'_>, op: Xff, a: Reg, b: Reg) -> Reg {
    let dst = x_temp(ctx);
    ctx.emit(Inst::Xff { op, dst, a, b });
    dst
}

fn float_cc(ctx: &Ctx<'_>, inst: IrInst) -> FloatCC {
    match ctx.func.dfg.insts[inst].extra {
        Extra::FloatCC(cc) => cc,
        _ => FloatCC::Equal,
    }
}

/// Whether [`compare_to`] computes the opposite of what is asked.
fn is_inverted(ctx: &Ctx<'_>, inst: IrInst) -> bool {
    match float_cc(ctx, inst) {
        FloatCC::Equal
        | FloatCC::NotEqual
        | FloatCC::LessThan
        | FloatCC::LessThanOrEqual
        | FloatCC::GreaterThan
        | FloatCC::GreaterThanOrEqual
        | FloatCC::Ordered
        | FloatCC::OrderedNotEqual => false,
        FloatCC::Unordered
        | FloatCC::UnorderedOrEqual
        | FloatCC::UnorderedOrLessThan
        | FloatCC::UnorderedOrLessThanOrEqual
        | FloatCC::UnorderedOrGreaterThan
        | FloatCC::UnorderedOrGreaterThanOrEqual => true,
    }
}

/// Compares: makes the register 0 or 1, or the opposite if [`is_inverted`].
fn compare_to(ctx: &mut Ctx<'_>, inst: IrInst, dst: Reg) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (ctx.reg(va), ctx.reg(vb));
    let eq = sized(ty, Xff::feq32, Xff::feq64);
    let ne = sized(ty, Xff::fneq32, Xff::fneq64);
    let lt = sized(ty, Xff::flt32, Xff::flt64);
    let le = sized(ty, Xff::flteq32, Xff::flteq64);
    let (op, a, b) = match float_cc(ctx, inst) {
        FloatCC::Equal => (eq, a, b),
        FloatCC::NotEqual => (ne, a, b),
        FloatCC::LessThan | FloatCC::UnorderedOrGreaterThanOrEqual => (lt, a, b),
        FloatCC::LessThanOrEqual | FloatCC::UnorderedOrGreaterThan => (le, a, b),
        FloatCC::GreaterThan | FloatCC::UnorderedOrLessThanOrEqual => (lt, b, a),
        FloatCC::GreaterThanOrEqual | FloatCC::UnorderedOrLessThan => (le, b, a),
        FloatCC::Ordered | FloatCC::Unordered => {
            let (first, second) = (xff(ctx, eq, a, a), xff(ctx, eq, b, b));
            return xxx_to(ctx, Xxx::xband32, dst, first, second);
        }
        FloatCC::OrderedNotEqual | FloatCC::UnorderedOrEqual => {
            let (first, second) = (xff(ctx, lt, a, b), xff(ctx, lt, b, a));
            return xxx_to(ctx, Xxx::xbor32, dst, first, second);
        }
    };
    ctx.emit(Inst::Xff { op, dst, a, b });
}

/// The condition that an `fcmp` holds.
pub fn condition(ctx: &mut Ctx<'_>, inst: IrInst) -> Cond {
    let reg = x_temp(ctx);
    compare_to(ctx, inst, reg);
    if is_inverted(ctx, inst) { Cond::Zero(reg) } else { Cond::NonZero(reg) }
}

/// A conversion that traps: on NaN with `bad_toint`, checked first, and on what is
/// out of range with `int_ovf`, which the instruction does for 32 and 64 bits.
fn to_int(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let from = ctx.ty(v);
    let src = ctx.reg(v);
    let nan = xff(ctx, sized(from, Xff::fneq32, Xff::fneq64), src, src);
    ctx.emit(Inst::TrapIf { cond: Cond::NonZero(nan), code: TrapCode::BadConversionToInteger });
    let op = match (to.bits() == 64, from == F64, signed) {
        (false, false, true) => Xf::x32_from_f32_s,
        (false, false, false) => Xf::x32_from_f32_u,
        (false, true, true) => Xf::x32_from_f64_s,
        (false, true, false) => Xf::x32_from_f64_u,
        (true, false, true) => Xf::x64_from_f32_s,
        (true, false, false) => Xf::x64_from_f32_u,
        (true, true, true) => Xf::x64_from_f64_s,
        (true, true, false) => Xf::x64_from_f64_u,
    };
    let (dst, code) = (ctx.result(inst, 0), TrapCode::IntegerOverflow);
    ctx.emit(Inst::Xf { op, dst, src, trap: Some(code) });
    if to.bits() < 32 {
        let fits = extend(ctx, dst, to, signed);
        let cond = Cond::Cmp { cc: IntCC::NotEqual, wide: false, a: fits, b: dst };
        ctx.emit(Inst::TrapIf { cond, code });
    }
}

fn to_int_sat(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let from = ctx.ty(v);
    let op = match (to.bits() == 64, from == F64, signed) {
        (false, false, true) => Xf::x32_from_f32_s_sat,
        (false, false, false) => Xf::x32_from_f32_u_sat,
        (false, true, true) => Xf::x32_from_f64_s_sat,
        (false, true, false) => Xf::x32_from_f64_u_sat,
        (true, false, true) => Xf::x64_from_f32_s_sat,
        (true, false, false) => Xf::x64_from_f32_u_sat,
        (true, true, true) => Xf::x64_from_f64_s_sat,
        (true, true, false) => Xf::x64_from_f64_u_sat,
    };
    let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
    if to.bits() >= 32 {
        ctx.emit(Inst::Xf { op, dst, src, trap: None });
        return;
    }
    let wide = x_temp(ctx);
    ctx.emit(Inst::Xf { op, dst: wide, src, trap: None });
    if signed {
        let most = xconst(ctx, (1 << (to.bits() - 1)) - 1);
        let below = xxx(ctx, Xxx::xmin32_s, wide, most);
        let least = xconst(ctx, -(1 << (to.bits() - 1)));
        xxx_to(ctx, Xxx::xmax32_s, dst, below, least);
    } else {
        let most = xconst(ctx, (1 << to.bits()) - 1);
        xxx_to(ctx, Xxx::xmin32_u, dst, wide, most);
    }
}

fn from_int(ctx: &mut Ctx<'_>, inst: IrInst, signed: bool) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    let op = match (ctx.ty(v).bits() == 64, to == F64, signed) {
        (false, false, true) => Fx::f32_from_x32_s,
        (false, false, false) => Fx::f32_from_x32_u,
        (false, true, true) => Fx::f64_from_x32_s,
        (false, true, false) => Fx::f64_from_x32_u,
        (true, false, true) => Fx::f32_from_x64_s,
        (true, false, false) => Fx::f32_from_x64_u,
        (true, true, true) => Fx::f64_from_x64_s,
        (true, true, false) => Fx::f64_from_x64_u,
    };
    let (src, dst) = (extended(ctx, v, signed), ctx.result(inst, 0));
    ctx.emit(Inst::Fx { op, dst, src });
}

/// The value's bits in an x register.
fn bits(ctx: &mut Ctx<'_>, v: Value) -> Reg {
    let (ty, src) = (ctx.ty(v), ctx.reg(v));
    if ty.is_int() {
        return src;
    }
    let dst = x_temp(ctx);
    let op = sized(ty, Xf::bitcast_int_from_float_32, Xf::bitcast_int_from_float_64);
    ctx.emit(Inst::Xf { op, dst, src, trap: None });
    dst
}

/// Makes the bits in an x register the value of a register of type `ty`.
fn set_bits(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, ty: Type) {
    let op = sized(ty, Fx::bitcast_float_from_int_32, Fx::bitcast_float_from_int_64);
    ctx.emit(if ty.is_int() { Inst::mov(dst, src, RegClass::Int) } else { Inst::Fx { op, dst, src } });
}

fn bitcast(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (v, to) = (ctx.arg(inst, 0), ctx.func.dfg.insts[inst].ty);
    if ctx.ty(v).is_float() && to.is_float() {
        let (src, dst) = (ctx.reg(v), ctx.result(inst, 0));
        ctx.emit(Inst::mov(dst, src, RegClass::Float));
        return;
    }
    let (src, dst) = (bits(ctx, v), ctx.result(inst, 0));
    set_bits(ctx, dst, src, to);
}

/// A bitwise operation on floats.
fn bitwise(ctx: &mut Ctx<'_>, inst: IrInst, narrow: Xxx, wide: Xxx) {
    let (va, vb) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let ty = ctx.ty(va);
    let (a, b) = (bits(ctx, va), bits(ctx, vb));
    let value = xxx(ctx, sized(ty, narrow, wide), a, b);
    let dst = ctx.result(inst, 0);
    set_bits(ctx, dst, value, ty);
}

/// `y ^ ((x ^ y) & c)`: x where c has ones.
fn bitselect(ctx: &mut Ctx<'_>, inst: IrInst) {
    let [c, x, y] = [0, 1, 2].map(|n| {
        let v = ctx.arg(inst, n);
        bits(ctx, v)
    });
    let ty = ctx.func.dfg.insts[inst].ty;
    let xor = sized(ty, Xxx::xbxor32, Xxx::xbxor64);
    let differing = xxx(ctx, xor, x, y);
    let chosen = xxx(ctx, sized(ty, Xxx::xband32, Xxx::xband64), differing, c);
    let dst = ctx.result(inst, 0);
    if ty.is_int() {
        xxx_to(ctx, xor, dst, y, chosen);
    } else {
        let value = xxx(ctx, xor, y, chosen);
        set_bits(ctx, dst, value, ty);
    }
}

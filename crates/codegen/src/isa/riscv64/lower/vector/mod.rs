//! Vectors, by V.
//!
//! Every instruction names the setting that it works under; masks go through v0, which
//! nothing else uses. Rooms: `int`, `float`, `lanes` what moves lanes about, loads
//! and stores among it.

mod float;
mod int;
mod lanes;

use super::*;
use crate::isa::riscv64::inst::Setting;
use crate::isa::riscv64::regs::V0;
pub use lanes::constant as vector_constant;

/// Lowers an instruction on vectors; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let dfg = &ctx.func.dfg;
    let mut values = dfg.args(inst).iter().chain(dfg.results(inst));
    if !values.any(|&v| dfg.value_type(v).is_vector()) {
        return false;
    }
    lanes::lower(ctx, inst, opcode) || int::lower(ctx, inst, opcode) || float::lower(ctx, inst, opcode)
}

/// The setting for all lanes of a type.
fn all(ty: Type) -> Setting {
    Setting::lanes(ty.lane_bits())
}

fn temp(ctx: &mut Ctx<'_>) -> Reg {
    ctx.temp_class(RegClass::Vector)
}

// Short forms of instructions. Those without `_to` write a new register.

fn vv_to(ctx: &mut Ctx<'_>, op: Op, set: Setting, dst: Reg, a: Reg, b: Reg) {
    ctx.emit(Inst::Vector { op, set, dst, a, b });
}

fn vv(ctx: &mut Ctx<'_>, op: Op, set: Setting, a: Reg, b: Reg) -> Reg {
    let dst = temp(ctx);
    vv_to(ctx, op, set, dst, a, b);
    dst
}

/// An instruction with one source.
fn one_to(ctx: &mut Ctx<'_>, op: Op, set: Setting, dst: Reg, a: Reg) {
    vv_to(ctx, op, set, dst, a, ZERO);
}

fn one(ctx: &mut Ctx<'_>, op: Op, set: Setting, a: Reg) -> Reg {
    vv(ctx, op, set, a, ZERO)
}

fn vi_to(ctx: &mut Ctx<'_>, op: Op, set: Setting, dst: Reg, a: Reg, imm: i8) {
    ctx.emit(Inst::VectorImm { op, set, dst, a, imm });
}

fn vi(ctx: &mut Ctx<'_>, op: Op, set: Setting, a: Reg, imm: i8) -> Reg {
    let dst = temp(ctx);
    vi_to(ctx, op, set, dst, a, imm);
    dst
}

/// The same small number in every lane.
fn fill(ctx: &mut Ctx<'_>, set: Setting, imm: i8) -> Reg {
    vi(ctx, Op::VmvI, set, ZERO, imm)
}

/// Makes the mask in v0 by a comparison, or joins masks to it.
fn mask(ctx: &mut Ctx<'_>, op: Op, set: Setting, a: Reg, b: Reg) {
    vv_to(ctx, op, set, V0, a, b);
}

/// `yes` in the lanes that the mask has, else `no`.
fn merge_to(ctx: &mut Ctx<'_>, set: Setting, dst: Reg, no: Reg, yes: Reg) {
    vv_to(ctx, Op::Vmerge, set, dst, no, yes);
}

/// All ones in the lanes that the mask has, or the opposite, else zero.
fn truth_to(ctx: &mut Ctx<'_>, set: Setting, dst: Reg, inverted: bool) {
    let (no, yes) = if inverted { (-1, 0) } else { (0, -1) };
    let no = fill(ctx, set, no);
    vi_to(ctx, Op::VmergeI, set, dst, no, yes);
}

fn args<const N: usize>(ctx: &mut Ctx<'_>, inst: IrInst) -> [Reg; N] {
    std::array::from_fn(|n| {
        let v = ctx.arg(inst, n);
        ctx.reg(v)
    })
}

//! Vectors.

use super::control::{Test, single_flag};
use super::*;
use crate::isa::aarch64::neon::VSelectOp;

/// Lowers an instruction on vectors; whether it was one.
///
/// # Errors
/// If the target cannot do it.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, _opcode: Opcode) -> Result<bool, String> {
    let data = &ctx.func.dfg.insts[inst];
    let vector = |v: Value| ctx.ty(v).is_vector();
    let some = ctx.func.dfg.args(inst).iter().chain(ctx.func.dfg.results(inst)).any(|&v| vector(v));
    if some && !matches!(data.opcode, Opcode::Load | Opcode::Store | Opcode::Select) {
        return Err("the target has no rule for it yet".to_string());
    }
    Ok(false)
}

/// `x` if the test holds, else `y`, all bytes of them.
pub fn select(ctx: &mut Ctx<'_>, dst: Reg, test: Test, x: Reg, y: Reg) {
    let cc = single_flag(ctx, test);
    let (mask, acc) = (temp(ctx), float_temp(ctx));
    let (op, size) = (CselOp::Csinv, Size::S64);
    ctx.emit(Inst::Csel { op, size, dst: mask, n: ZR, m: ZR, cc: cc.inverted() });
    ctx.emit(Inst::Vec(VecInst::Dup { arr: Arr::D2, dst: acc, n: mask }));
    ctx.emit(Inst::Vec(VecInst::Select { op: VSelectOp::Bsl, dst, acc, n: x, m: y }));
}

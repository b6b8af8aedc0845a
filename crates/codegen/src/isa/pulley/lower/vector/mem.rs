//! Loads and stores of vectors.
//!
//! The interpreter has them in little-endian order; in the other, every lane is
//! turned round in the register.

use super::super::mem::{Access, access};
use super::*;
use crate::isa::pulley::inst::Addr;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match opcode {
        Opcode::Load => load(ctx, inst),
        Opcode::Store => store(ctx, inst),
        Opcode::Uload8x8 => load_widen(ctx, inst, 1, VLoadWiden::vload8x8_u_z, Vv::vwidenlow8x16_u),
        Opcode::Sload8x8 => load_widen(ctx, inst, 1, VLoadWiden::vload8x8_s_z, Vv::vwidenlow8x16_s),
        Opcode::Uload16x4 => load_widen(ctx, inst, 2, VLoadWiden::vload16x4le_u_z, Vv::vwidenlow16x8_u),
        Opcode::Sload16x4 => load_widen(ctx, inst, 2, VLoadWiden::vload16x4le_s_z, Vv::vwidenlow16x8_s),
        Opcode::Uload32x2 => load_widen(ctx, inst, 4, VLoadWiden::vload32x2le_u_z, Vv::vwidenlow32x4_u),
        Opcode::Sload32x2 => load_widen(ctx, inst, 4, VLoadWiden::vload32x2le_s_z, Vv::vwidenlow32x4_s),
        _ => return false,
    }
    true
}

fn load(ctx: &mut Ctx<'_>, inst: IrInst) {
    let v = ctx.arg(inst, 0);
    let Access { addr, trap, big } = access(ctx, inst, v);
    let dst = ctx.result(inst, 0);
    let size = ctx.func.dfg.insts[inst].ty.lane().bytes() as usize;
    let loaded = if big && size > 1 { v_temp(ctx) } else { dst };
    ctx.emit(Inst::VLoad { op: VLoad::vload128le, dst: loaded, addr, trap });
    if loaded != dst {
        ctx.emit(Inst::Shuffle { dst, a: loaded, b: loaded, mask: reversed_lanes(size) });
    }
}

fn store(ctx: &mut Ctx<'_>, inst: IrInst) {
    let (value, v) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let Access { addr, trap, big } = access(ctx, inst, v);
    let size = ctx.ty(value).lane().bytes() as usize;
    let mut src = ctx.reg(value);
    if big && size > 1 {
        src = shuffle(ctx, src, src, reversed_lanes(size));
    }
    ctx.emit(Inst::VStore { op: VStore::vstore128le, src, addr, trap });
}

/// A load of 8 bytes as lanes of `size` bytes, made twice as wide. The
/// interpreter's own traps if the base register is null, which an access that
/// cannot trap may have; then, and in the other byte order, it takes the way
/// through an x register.
fn load_widen(ctx: &mut Ctx<'_>, inst: IrInst, size: usize, op: VLoadWiden, widen: Vv) {
    let v = ctx.arg(inst, 0);
    let Access { addr, trap, big } = access(ctx, inst, v);
    let dst = ctx.result(inst, 0);
    let big = big && size > 1;
    if !big && (trap.is_some() || matches!(addr, Addr::Stack(_))) {
        return ctx.emit(Inst::VLoadWiden { op, dst, addr, trap });
    }
    let (loaded, mut vector) = (x_temp(ctx), v_temp(ctx));
    ctx.emit(Inst::XLoad { op: XLoad::xload64le, dst: loaded, addr, trap });
    ctx.emit(Inst::Vx { op: Vx::vsplatx64, dst: vector, src: loaded });
    if big {
        vector = shuffle(ctx, vector, vector, reversed_lanes(size));
    }
    ctx.emit(Inst::Vv { op: widen, dst, src: vector });
}

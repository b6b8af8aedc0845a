//! Lanes: constants, memory, in and out, and from place to place.

use super::*;
use crate::isa::riscv64::encode::constant_steps;
use crate::isa::riscv64::lower::mem::{access, is_big};
use crate::isa::riscv64::lower::number;
use sidetrack_ir::Endianness;
use sidetrack_ir::types::I8X16;

const BYTES: Setting = Setting::lanes(8);

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    let (ty, extra) = (ctx.func.dfg.insts[inst].ty, ctx.func.dfg.insts[inst].extra);
    match (opcode, extra) {
        (Opcode::Vconst, Extra::Bytes(bytes)) => {
            let value = constant(ctx, bytes);
            let dst = ctx.result(inst, 0);
            ctx.emit(Inst::mov(dst, value, RegClass::Vector));
        }
        (Opcode::Load, _) => {
            let (mem, big, dst) = (access(ctx, inst, 0), is_big(ctx, inst, ty), ctx.result(inst, 0));
            if !big || ty == I8X16 {
                ctx.emit(Inst::VectorLoad { set: BYTES, dst, mem });
                return true;
            }
            let raw = temp(ctx);
            ctx.emit(Inst::VectorLoad { set: BYTES, dst: raw, mem });
            swap_to(ctx, dst, raw, ty.lane_bits());
        }
        (Opcode::Store, _) => {
            let (v, mem) = (ctx.arg(inst, 0), access(ctx, inst, 1));
            let mut src = ctx.reg(v);
            if is_big(ctx, inst, ty) && ty.lane_bits() > 8 {
                let swapped = temp(ctx);
                swap_to(ctx, swapped, src, ty.lane_bits());
                src = swapped;
            }
            ctx.emit(Inst::VectorStore { set: BYTES, src, mem });
        }
        (Opcode::Uload8x8, _) => load_wide(ctx, inst, Op::Vzext, 8),
        (Opcode::Sload8x8, _) => load_wide(ctx, inst, Op::Vsext, 8),
        (Opcode::Uload16x4, _) => load_wide(ctx, inst, Op::Vzext, 16),
        (Opcode::Sload16x4, _) => load_wide(ctx, inst, Op::Vsext, 16),
        (Opcode::Uload32x2, _) => load_wide(ctx, inst, Op::Vzext, 32),
        (Opcode::Sload32x2, _) => load_wide(ctx, inst, Op::Vsext, 32),
        (Opcode::Bitcast, Extra::Mem(flags, _)) => {
            let from = ctx.ty(ctx.arg(inst, 0)).lane_bits();
            let ([a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            if flags.endianness != Some(Endianness::Big) || from == ty.lane_bits() {
                ctx.emit(Inst::mov(dst, a, RegClass::Vector));
                return true;
            }
            let once = temp(ctx);
            swap_to(ctx, once, a, from);
            swap_to(ctx, dst, once, ty.lane_bits());
        }
        (Opcode::Splat, _) => {
            let (v, dst) = (ctx.arg(inst, 0), ctx.result(inst, 0));
            if let Some(imm) = immediate(ctx, v).filter(|imm| (-16..16).contains(imm)) {
                vi_to(ctx, Op::VmvI, all(ty), dst, ZERO, imm as i8);
                return true;
            }
            let src = ctx.reg(v);
            one_to(ctx, if ctx.ty(v).is_int() { Op::VmvX } else { Op::VfmvF }, all(ty), dst, src);
        }
        (Opcode::ScalarToVector, _) => {
            let v = ctx.arg(inst, 0);
            let (a, old) = (ctx.reg(v), fill(ctx, BYTES, 0));
            let (set, dst) = (all(ty).keeping_tail().first(1), ctx.result(inst, 0));
            let op = if ctx.ty(v).is_int() { Op::VmvSX } else { Op::VfmvSF };
            ctx.emit(Inst::VectorInto { op, set, dst, old, a, b: ZERO });
        }
        (Opcode::Extractlane, Extra::Lane(lane)) => {
            let ([mut a], dst) = (args(ctx, inst), ctx.result(inst, 0));
            if lane > 0 {
                a = vi(ctx, Op::VslidedownI, all(ty), a, lane as i8);
            }
            one_to(ctx, if ty.is_int_vector() { Op::VmvXS } else { Op::VfmvFS }, all(ty), dst, a);
        }
        (Opcode::Insertlane, Extra::Lane(lane)) => {
            let [a, lane_value] = args(ctx, inst);
            lane_mask(ctx, 1 << lane);
            let dst = ctx.result(inst, 0);
            vv_to(
                ctx,
                if ty.is_int_vector() { Op::VmergeX } else { Op::VfmergeF },
                all(ty),
                dst,
                a,
                lane_value,
            );
        }
        (Opcode::Shuffle, Extra::Bytes(numbers)) => {
            let ([a, b], dst) = (args(ctx, inst), ctx.result(inst, 0));
            shuffle_to(ctx, dst, a, b, numbers);
        }
        (Opcode::Swizzle, _) => {
            let [a, numbers] = args(ctx, inst);
            let sixteen = number(ctx, 16);
            let found = vv(ctx, Op::Vrgather, BYTES, a, numbers);
            let zero = fill(ctx, BYTES, 0);
            mask(ctx, Op::VmsltuX, BYTES, numbers, sixteen);
            let dst = ctx.result(inst, 0);
            merge_to(ctx, BYTES, dst, zero, found);
        }
        _ => return false,
    }
    true
}

/// A register with a constant.
pub fn constant(ctx: &mut Ctx<'_>, bytes: [u8; 16]) -> Reg {
    let all = u128::from_le_bytes(bytes);
    let (low, high) = (all as u64, (all >> 64) as u64);
    let byte = bytes[0] as i8;
    if bytes.iter().all(|&other| other as i8 == byte) && (-16..16).contains(&byte) {
        return fill(ctx, BYTES, byte);
    }
    if low == high && constant_steps(low as i64).len() <= 2 {
        let half = number(ctx, low as i64);
        return one(ctx, Op::VmvX, Setting::lanes(64), half);
    }
    let dst = temp(ctx);
    let words = std::array::from_fn(|n| (all >> (32 * n)) as u32);
    ctx.emit(Inst::VectorConst { dst, words });
    dst
}

/// Makes these bits the mask.
fn lane_mask(ctx: &mut Ctx<'_>, bits: u16) {
    let bits = number(ctx, i64::from(bits as i16));
    one_to(ctx, Op::VmvSX, Setting::lanes(16), V0, bits);
}

/// Reverses the bytes of each lane.
fn swap_to(ctx: &mut Ctx<'_>, dst: Reg, src: Reg, bits: u32) {
    let size = (bits / 8) as u8;
    let numbers = std::array::from_fn(|n| n as u8 / size * size + size - 1 - n as u8 % size);
    shuffle_to(ctx, dst, src, src, numbers);
}

/// Bytes by constant numbers: 0 to 15 are those of `a`, 16 to 31 those of `b`, others
/// zero.
fn shuffle_to(ctx: &mut Ctx<'_>, dst: Reg, a: Reg, b: Reg, numbers: [u8; 16]) {
    let bits = |test: &dyn Fn(u8) -> bool| {
        numbers.iter().enumerate().fold(0, |bits, (n, &number)| bits | u16::from(test(number)) << n)
    };
    let (second, none) = (bits(&|n| (16..32).contains(&n)), bits(&|n| n >= 32));
    let places = constant(ctx, numbers.map(|n| n & 15));
    let last = |ctx: &mut Ctx<'_>, done: bool| if done { dst } else { temp(ctx) };
    let mut value = last(ctx, second == 0 && none == 0);
    let first_source = if second | none == u16::MAX { b } else { a };
    vv_to(ctx, Op::Vrgather, BYTES, value, first_source, places);
    if second != 0 && first_source == a {
        let others = vv(ctx, Op::Vrgather, BYTES, b, places);
        lane_mask(ctx, second);
        let merged = last(ctx, none == 0);
        merge_to(ctx, BYTES, merged, value, others);
        value = merged;
    } else if second != 0 && none == 0 {
        ctx.emit(Inst::mov(dst, value, RegClass::Vector));
    }
    if none != 0 {
        lane_mask(ctx, none);
        vi_to(ctx, Op::VmergeI, BYTES, dst, value, 0);
    }
}

/// Loads 8 bytes whose lanes of so many bits become twice as wide.
fn load_wide(ctx: &mut Ctx<'_>, inst: IrInst, op: Op, bits: u32) {
    let (mem, big) = (access(ctx, inst, 0), is_big(ctx, inst, I64));
    let mut raw = temp(ctx);
    ctx.emit(Inst::VectorLoad { set: BYTES.first(8), dst: raw, mem });
    if big && bits > 8 {
        let swapped = temp(ctx);
        swap_to(ctx, swapped, raw, bits);
        raw = swapped;
    }
    let dst = ctx.result(inst, 0);
    one_to(ctx, op, Setting::lanes(2 * bits), dst, raw);
}

//! Which bits of a value are known to be zero.

use crate::opt::scalar::Scalar;
use sidetrack_ir::{Opcode, Type, Value, ValueDef};

const MAX_DEPTH: u32 = 4;

/// The bits of `v`, zero-extended to 64 bits, that are zero for sure.
pub fn zero_bits(cx: &Scalar, v: Value) -> u64 {
    at_depth(cx, v, 0)
}

/// Whether `v` is 0 or 1 for sure.
pub fn is_bool(cx: &Scalar, v: Value) -> bool {
    zero_bits(cx, v) | 1 == u64::MAX
}

/// Whether `v` is no negative number for sure.
pub fn is_non_negative(cx: &Scalar, v: Value) -> bool {
    zero_bits(cx, v) & sign_bit(cx.ty(v)) != 0
}

/// The largest number that `v` may be, unsigned.
pub fn max_unsigned(cx: &Scalar, v: Value) -> u64 {
    !zero_bits(cx, v)
}

/// The sign bit of an integer type.
pub fn sign_bit(ty: Type) -> u64 {
    1 << (ty.bits() - 1)
}

fn at_depth(cx: &Scalar, v: Value, depth: u32) -> u64 {
    let ty = cx.ty(v);
    let outside = !ty.mask();
    let ValueDef::Result(inst, index) = cx.func.dfg.value_def(cx.func.dfg.resolve(v)) else {
        return outside;
    };
    let opcode = cx.func.dfg.insts[inst].opcode;
    if index == 1 {
        let overflow = cx.func.dfg.results(inst).len() == 2 && !opcode.is_call();
        return if overflow { !1 } else { outside };
    }
    if let Some(imm) = cx.imm(v) {
        return !(imm as u64 & ty.mask());
    }
    if depth >= MAX_DEPTH || !ty.is_int() {
        return outside;
    }
    let arg = |i: usize| at_depth(cx, cx.func.dfg.args(inst)[i], depth + 1);
    let amount = || {
        let amount = cx.imm(*cx.func.dfg.args(inst).get(1)?)?;
        Some(amount as u32 & (ty.bits() - 1))
    };
    let known = match opcode {
        Opcode::Icmp | Opcode::Fcmp | Opcode::VanyTrue | Opcode::VallTrue => !1,
        Opcode::VhighBits => {
            let lanes = cx.ty(cx.func.dfg.args(inst)[0]).lane_count();
            u64::MAX << lanes
        }
        Opcode::Uload8 => !0xff,
        Opcode::Uload16 => !0xffff,
        Opcode::Uload32 => !0xffff_ffff,
        Opcode::Popcnt | Opcode::Clz | Opcode::Ctz | Opcode::Cls => {
            let source = cx.ty(cx.func.dfg.args(inst)[0]);
            !(u64::from(source.bits()) * 2 - 1)
        }
        Opcode::Uextend | Opcode::Ireduce => arg(0),
        Opcode::Sextend => {
            let source = cx.ty(cx.func.dfg.args(inst)[0]);
            let known = arg(0);
            if known & sign_bit(source) != 0 { known } else { known & (source.mask() >> 1) }
        }
        Opcode::Band => arg(0) | arg(1),
        Opcode::Bor | Opcode::Bxor => arg(0) & arg(1),
        Opcode::Select => arg(1) & arg(2),
        Opcode::Ushr => amount().map_or(0, |k| (arg(0) >> k) | !(u64::MAX >> k)),
        Opcode::Ishl => amount().map_or(0, |k| (arg(0) << k) | !(u64::MAX << k)),
        _ => 0,
    };
    known | outside
}

//! Division by constants.
//!
//! A quotient by a constant d of N-bit numbers is a high product and a shift:
//! with m = ceil(2^(N+s) / d) and e = m*d - 2^(N+s), floor(x*m / 2^(N+s)) is
//! floor(x / d) for all 0 <= x < 2^L exactly if e * 2^L <= 2^(N+s). (Granlund and
//! Montgomery, "Division by Invariant Integers using Multiplication", theorem
//! 4.2.) 8- and 16-bit quotients are computed in 32 bits. A division whose
//! constant makes it trap stays.

use super::multiply::log2;
use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::types::I32;
use sidetrack_ir::{Opcode, Type, Value};

/// A multiplier of at most N bits (one more where `add` is set) and a shift.
struct Magic {
    multiplier: u64,
    shift: u32,
    /// Shift applied to the dividend first.
    pre_shift: u32,
    /// The multiplier is 2^N larger than it says.
    add: bool,
}

/// The magic of an unsigned division by `d`, which is no power of two.
fn unsigned_magic(d: u64, bits: u32) -> Magic {
    // The product of a multiplier for `d` with `value_bits`-bit numbers.
    let find = |d: u64, value_bits: u32| {
        (0..=bits).find_map(|shift| {
            // 2^(N+s) may need 129 bits; the quotient is taken of 2^(N+s) - 1,
            // which has the same ceiling when d is no power of two.
            let power_minus_1 = u128::MAX >> (128 - bits - shift);
            let multiplier = power_minus_1 / u128::from(d) + 1;
            if multiplier >> bits != 0 {
                return None;
            }
            let error = multiplier * u128::from(d) - 1 - power_minus_1;
            (error <= 1 << (bits + shift - value_bits)).then_some((multiplier as u64, shift))
        })
    };
    if let Some((multiplier, shift)) = find(d, bits) {
        return Magic { multiplier, shift, pre_shift: 0, add: false };
    }
    let pre_shift = d.trailing_zeros();
    if pre_shift > 0
        && let Some((multiplier, shift)) = find(d >> pre_shift, bits - pre_shift)
    {
        return Magic { multiplier, shift, pre_shift, add: false };
    }
    // With s = ceil(log2 d), the multiplier has N+1 bits and always does.
    let shift = 64 - (d - 1).leading_zeros();
    let multiplier = (u128::MAX >> (128 - bits - shift)) / u128::from(d) + 1;
    Magic { multiplier: (multiplier - (1 << bits)) as u64, shift, pre_shift: 0, add: true }
}

/// Multiplier and shift of a signed division by `d`, at least 3 and no power of
/// two: floor(x*m / 2^(N+s)) + (x < 0) is the quotient when e <= 2^(s+1).
fn signed_magic(d: u64, bits: u32) -> Option<(u64, u32)> {
    (0..bits).find_map(|shift| {
        let power = 1u128 << (bits + shift);
        let multiplier = power / u128::from(d) + 1;
        let error = multiplier * u128::from(d) - power;
        (error <= 1 << (shift + 1) && multiplier >> bits == 0).then_some((multiplier as u64, shift))
    })
}

/// A narrow division, computed in 32 bits.
fn widened(cx: &mut Scalar, node: &Node, extend: Opcode, c: i64) -> Value {
    let x = cx.op1(extend, I32, node.args[0]);
    let c = if extend == Opcode::Uextend { (c as u64 & node.ty.mask()) as i64 } else { c };
    let quotient = cx.op_imm(node.opcode, x, c);
    cx.op1(Opcode::Ireduce, node.ty, quotient)
}

fn is_narrow(ty: Type) -> bool {
    ty.bits() < 32
}

/// `udiv`
pub fn udiv(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, ty) = (node.args[0], node.ty);
    let c = cx.imm(node.args[1])?;
    let d = c as u64 & ty.mask();
    if d == 0 {
        return None;
    }
    if let Some(k) = log2(c, ty) {
        return Some(cx.op_imm(Opcode::Ushr, x, i64::from(k)));
    }
    if is_narrow(ty) {
        return Some(widened(cx, node, Opcode::Uextend, c));
    }
    let magic = unsigned_magic(d, ty.bits());
    let dividend = cx.op_imm(Opcode::Ushr, x, i64::from(magic.pre_shift));
    let high = cx.op_imm(Opcode::Umulhi, dividend, magic.multiplier as i64);
    if !magic.add {
        return Some(cx.op_imm(Opcode::Ushr, high, i64::from(magic.shift)));
    }
    // (x + high) >> shift, whose sum may need a bit more than there is.
    let rest = cx.op2(Opcode::Isub, ty, x, high);
    let half = cx.op_imm(Opcode::Ushr, rest, 1);
    let sum = cx.op2(Opcode::Iadd, ty, half, high);
    Some(cx.op_imm(Opcode::Ushr, sum, i64::from(magic.shift - 1)))
}

/// `urem`
pub fn urem(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    let c = cx.imm(y)?;
    if c == 0 {
        return None;
    }
    if log2(c, ty).is_some() {
        return Some(cx.op_imm(Opcode::Band, x, c.wrapping_sub(1)));
    }
    if is_narrow(ty) {
        return Some(widened(cx, node, Opcode::Uextend, c));
    }
    let quotient = cx.op2(Opcode::Udiv, ty, x, y);
    let multiple = cx.op2(Opcode::Imul, ty, quotient, y);
    Some(cx.op2(Opcode::Isub, ty, x, multiple))
}

/// `sdiv`
pub fn sdiv(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, ty) = (node.args[0], node.ty);
    let c = cx.imm(node.args[1])?;
    match c {
        0 | -1 => return None,
        1 => return Some(x),
        _ => {}
    }
    if is_narrow(ty) {
        return Some(widened(cx, node, Opcode::Sextend, c));
    }
    let last = i64::from(ty.bits() - 1);
    let d = c.unsigned_abs() & ty.mask();
    let sign = cx.op_imm(Opcode::Sshr, x, last);
    if d.is_power_of_two() {
        let k = d.trailing_zeros();
        let bias = cx.op_imm(Opcode::Ushr, sign, i64::from(ty.bits() - k));
        let biased = cx.op2(Opcode::Iadd, ty, x, bias);
        let quotient = cx.op_imm(Opcode::Sshr, biased, i64::from(k));
        return Some(if c < 0 { cx.op1(Opcode::Ineg, ty, quotient) } else { quotient });
    }
    let (multiplier, shift) = signed_magic(d, ty.bits())?;
    let mut high = cx.op_imm(Opcode::Smulhi, x, multiplier as i64);
    if multiplier >> (ty.bits() - 1) != 0 {
        // As a signed constant the multiplier is 2^N too small.
        high = cx.op2(Opcode::Iadd, ty, high, x);
    }
    let floor = cx.op_imm(Opcode::Sshr, high, i64::from(shift));
    // Rounding is towards zero; `sign` is -1 when x is negative.
    let (minuend, subtrahend) = if c < 0 { (sign, floor) } else { (floor, sign) };
    Some(cx.op2(Opcode::Isub, ty, minuend, subtrahend))
}

/// `srem`
pub fn srem(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    match cx.imm(y)? {
        0 => None,
        1 | -1 => Some(cx.iconst(ty, 0)),
        c if is_narrow(ty) => Some(widened(cx, node, Opcode::Sextend, c)),
        _ => {
            let quotient = cx.op2(Opcode::Sdiv, ty, x, y);
            let multiple = cx.op2(Opcode::Imul, ty, quotient, y);
            Some(cx.op2(Opcode::Isub, ty, x, multiple))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dividends at which a wrong multiplier shows first: around multiples of the
    /// divisor near the ends of the range.
    fn dividends(d: u64, bits: u32) -> Vec<u64> {
        let mask = u64::MAX >> (64 - bits);
        let mut list = vec![0, 1, mask, mask - 1, mask >> 1, (mask >> 1) + 1];
        for q in [1, 2, mask / d, (mask >> 1) / d, mask / d / 2] {
            let multiple = q.wrapping_mul(d) & mask;
            list.extend([multiple, multiple.wrapping_sub(1) & mask, multiple.wrapping_add(1) & mask]);
        }
        list
    }

    fn divisors(bits: u32) -> Vec<u64> {
        let mask = u64::MAX >> (64 - bits);
        let mut list: Vec<u64> = (3..2000).collect();
        for k in 2..bits {
            for delta in [-3i64, -1, 1, 3, 5] {
                list.push((1u64 << k).wrapping_add_signed(delta) & mask);
            }
        }
        list.extend([mask, mask - 1, mask / 3, mask / 5 + 1, 1_000_000_007 & mask]);
        list.retain(|&d| d >= 3 && !d.is_power_of_two());
        list
    }

    #[test]
    fn unsigned_magic_divides() {
        for bits in [32, 64] {
            for d in divisors(bits) {
                let magic = unsigned_magic(d, bits);
                for x in dividends(d, bits) {
                    let product = u128::from(x >> magic.pre_shift) * u128::from(magic.multiplier);
                    let high = (product >> bits) + if magic.add { u128::from(x) } else { 0 };
                    assert_eq!((high >> magic.shift) as u64, x / d, "{x} / {d}, {bits} bits");
                }
            }
        }
    }

    #[test]
    fn signed_magic_divides() {
        for bits in [32u32, 64] {
            let extend = |x: u64| (x << (64 - bits)) as i64 >> (64 - bits);
            for d in divisors(bits - 1) {
                let (multiplier, shift) = signed_magic(d, bits).expect("every divisor has one");
                for x in dividends(d, bits).into_iter().map(extend) {
                    let product = i128::from(x) * multiplier as i128;
                    let quotient = (product >> (bits + shift)) as i64 + i64::from(x < 0);
                    assert_eq!(quotient, x / d as i64, "{x} / {d}, {bits} bits");
                }
            }
        }
    }
}

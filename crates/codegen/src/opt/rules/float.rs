//! Floats: signs, and factors that are powers of two.

use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::types::F32;
use sidetrack_ir::{Extra, Opcode, Type, Value};

/// `fneg`
pub fn fneg(cx: &mut Scalar, node: &Node) -> Option<Value> {
    cx.unary(node.args[0], Opcode::Fneg)
}

/// `fabs`
pub fn fabs(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let x = node.args[0];
    if cx.def(x, Opcode::Fabs).is_some() {
        return Some(x);
    }
    let a = cx.unary(x, Opcode::Fneg).or_else(|| cx.binary(x, Opcode::Fcopysign).map(|(a, _)| a))?;
    Some(cx.op1(Opcode::Fabs, node.ty, a))
}

/// `fcopysign`
pub fn fcopysign(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y) = (node.args[0], node.args[1]);
    if x == y {
        return Some(x);
    }
    let magnitude = [Opcode::Fneg, Opcode::Fabs].into_iter().find_map(|opcode| cx.unary(x, opcode));
    let magnitude = magnitude.or_else(|| cx.binary(x, Opcode::Fcopysign).map(|(a, _)| a))?;
    Some(cx.op2(Opcode::Fcopysign, node.ty, magnitude, y))
}

/// The bits of a float constant.
fn float_bits(cx: &Scalar, v: Value) -> Option<u64> {
    let inst = cx.func.dfg.def_inst(v)?;
    match (cx.func.dfg.insts[inst].opcode, cx.func.dfg.insts[inst].extra) {
        (Opcode::F32const | Opcode::F64const, Extra::Imm(imm)) => Some(imm as u64),
        _ => None,
    }
}

/// `fmul`: 2x is x + x, with one rounding, of the same number.
pub fn fmul(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y) = (node.args[0], node.args[1]);
    let two = if node.ty == F32 { u64::from(2f32.to_bits()) } else { 2f64.to_bits() };
    for (x, y) in [(x, y), (y, x)] {
        if float_bits(cx, y) == Some(two) {
            return Some(cx.op2(Opcode::Fadd, node.ty, x, x));
        }
    }
    None
}

/// `fdiv` by a power of two whose reciprocal is a normal number.
pub fn fdiv(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y) = (node.args[0], node.args[1]);
    let bits = reciprocal(float_bits(cx, y)?, node.ty)?;
    let opcode = if node.ty == F32 { Opcode::F32const } else { Opcode::F64const };
    let factor = cx.build(opcode, Type::INVALID, &[], Extra::Imm(bits as i64));
    Some(cx.op2(Opcode::Fmul, node.ty, x, factor))
}

/// The reciprocal of a power of two, both normal numbers, as bits.
fn reciprocal(bits: u64, ty: Type) -> Option<u64> {
    let (fraction, bias) = if ty == F32 { (23, 127u64) } else { (52, 1023) };
    let exponent = bits >> fraction & (2 * bias + 1);
    let sign = bits >> (ty.bits() - 1);
    let normal = 1..=2 * bias;
    if bits & ((1 << fraction) - 1) != 0 || !normal.contains(&exponent) {
        return None;
    }
    let inverse = (2 * bias).checked_sub(exponent).filter(|inverse| normal.contains(inverse))?;
    Some(sign << (ty.bits() - 1) | inverse << fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetrack_ir::types::F64;

    #[test]
    fn reciprocals_are_exact() {
        for value in [1.0f64, -2.0, 0.5, 1024.0, f64::MIN_POSITIVE] {
            assert_eq!(reciprocal(value.to_bits(), F64), Some((1.0 / value).to_bits()), "{value}");
        }
        for value in [0.0f64, 3.0, f64::INFINITY, f64::NAN, 5e-324, 2f64.powi(1023)] {
            assert_eq!(reciprocal(value.to_bits(), F64), None, "{value}");
        }
        let eighth = reciprocal(u64::from((-8f32).to_bits()), F32);
        assert_eq!(eighth, Some(u64::from((-0.125f32).to_bits())));
    }
}

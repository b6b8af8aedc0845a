//! Products.

use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::{Opcode, Type, Value};

/// log2 of the constant, if it is a power of two in its type's width.
pub fn log2(imm: i64, ty: Type) -> Option<u32> {
    let bits = imm as u64 & ty.mask();
    bits.is_power_of_two().then(|| bits.trailing_zeros())
}

/// `imul`
pub fn imul(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    let Some(c) = cx.imm(y) else {
        // (-a) * (-b)
        let (a, b) = (cx.unary(x, Opcode::Ineg)?, cx.unary(y, Opcode::Ineg)?);
        return Some(cx.op2(Opcode::Imul, ty, a, b));
    };
    match c {
        0 => return Some(y),
        1 => return Some(x),
        -1 => return Some(cx.op1(Opcode::Ineg, ty, x)),
        _ => {}
    }
    if let Some((a, c1)) = cx.binary_imm(x, Opcode::Imul) {
        return Some(cx.op_imm(Opcode::Imul, a, c1.wrapping_mul(c)));
    }
    if let Some((a, k)) = cx.binary_imm(x, Opcode::Ishl) {
        return Some(cx.op_imm(Opcode::Imul, a, c << (k as u32 & (ty.bits() - 1))));
    }
    if let Some(a) = cx.unary(x, Opcode::Ineg) {
        return Some(cx.op_imm(Opcode::Imul, a, c.wrapping_neg()));
    }
    let k = log2(c, ty)?;
    Some(cx.op_imm(Opcode::Ishl, x, i64::from(k)))
}

/// `umulhi`
pub fn umulhi(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    let c = cx.imm(y)?;
    if c == 0 || c == 1 {
        return Some(cx.iconst(ty, 0));
    }
    let k = log2(c, ty)?;
    Some(cx.op_imm(Opcode::Ushr, x, i64::from(ty.bits() - k)))
}

/// `smulhi`
pub fn smulhi(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    match cx.imm(y)? {
        0 => Some(y),
        1 => Some(cx.op_imm(Opcode::Sshr, x, i64::from(ty.bits() - 1))),
        _ => None,
    }
}

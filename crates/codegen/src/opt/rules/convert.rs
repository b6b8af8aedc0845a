//! Extensions, reductions and other conversions.

use super::known;
use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::types::I32;
use sidetrack_ir::{Opcode, Value};

/// `uextend`
pub fn uextend(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, ty) = (node.args[0], node.ty);
    if let Some(a) = cx.unary(x, Opcode::Uextend) {
        return Some(cx.op1(Opcode::Uextend, ty, a));
    }
    let a = cx.unary(x, Opcode::Ireduce)?;
    // Clearing the upper half is cheaper by the pair than by a 64-bit mask.
    if cx.ty(a) != ty || cx.ty(x) == I32 {
        return None;
    }
    Some(cx.op_imm(Opcode::Band, a, cx.ty(x).mask() as i64))
}

/// `sextend`
pub fn sextend(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, ty) = (node.args[0], node.ty);
    if let Some(a) = cx.unary(x, Opcode::Sextend) {
        return Some(cx.op1(Opcode::Sextend, ty, a));
    }
    if known::is_non_negative(cx, x) {
        return Some(cx.op1(Opcode::Uextend, ty, x));
    }
    None
}

/// `ireduce`
pub fn ireduce(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, ty) = (node.args[0], node.ty);
    if let Some(a) = cx.unary(x, Opcode::Ireduce) {
        return Some(cx.op1(Opcode::Ireduce, ty, a));
    }
    for extend in [Opcode::Uextend, Opcode::Sextend] {
        if let Some(a) = cx.unary(x, extend) {
            let narrow = cx.ty(a).bits();
            return Some(match narrow.cmp(&ty.bits()) {
                std::cmp::Ordering::Equal => a,
                std::cmp::Ordering::Less => cx.op1(extend, ty, a),
                std::cmp::Ordering::Greater => cx.op1(Opcode::Ireduce, ty, a),
            });
        }
    }
    // A mask that keeps all that is kept.
    if let Some((a, c)) = cx.binary_imm(x, Opcode::Band)
        && c as u64 & ty.mask() == ty.mask()
    {
        return Some(cx.op1(Opcode::Ireduce, ty, a));
    }
    None
}

/// `bitcast`
pub fn bitcast(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let x = node.args[0];
    if cx.ty(x) == node.ty {
        return Some(x);
    }
    let a = cx.unary(x, Opcode::Bitcast)?;
    Some(cx.build(Opcode::Bitcast, node.ty, &[a], node.extra))
}

/// `fcvt_from_uint`, `fcvt_from_sint`: of a number that was extended.
pub fn fcvt_from_int(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let x = node.args[0];
    let extend = if node.opcode == Opcode::FcvtFromUint { Opcode::Uextend } else { Opcode::Sextend };
    if let Some(a) = cx.unary(x, extend)
        && cx.ty(a).bits() >= 32
    {
        return Some(cx.op1(node.opcode, node.ty, a));
    }
    // Signed conversions are the cheaper ones.
    let signed = node.opcode == Opcode::FcvtFromUint && known::is_non_negative(cx, x);
    signed.then(|| cx.op1(Opcode::FcvtFromSint, node.ty, x))
}

//! Shifts and rotations. Amounts count modulo the width of what is shifted.

use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::{Opcode, Type, Value};

/// What all shifts have in common: no-ops, and simpler amounts.
fn common(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    let mask = i64::from(ty.bits() - 1);
    if let Some(k) = cx.imm(y) {
        if k & mask == 0 {
            return Some(x);
        }
        if k & mask != k {
            let amount = cx.iconst(cx.ty(y), k & mask);
            return Some(cx.op2(node.opcode, ty, x, amount));
        }
        return None;
    }
    if let Some(0) = cx.imm(x) {
        return Some(x);
    }
    if let Some((a, c)) = cx.binary_imm(y, Opcode::Band)
        && c & mask == mask
    {
        return Some(cx.op2(node.opcode, ty, x, a));
    }
    // Only the amount's low bits count; every integer type has enough of them.
    for opcode in [Opcode::Uextend, Opcode::Sextend, Opcode::Ireduce] {
        if let Some(a) = cx.unary(y, opcode) {
            return Some(cx.op2(node.opcode, ty, x, a));
        }
    }
    None
}

/// The first operand and amount of a shift by a constant in range.
fn by_constant(cx: &Scalar, v: Value, opcode: Opcode, ty: Type) -> Option<(Value, i64)> {
    let (x, k) = cx.binary_imm(v, opcode)?;
    Some((x, k & i64::from(ty.bits() - 1)))
}

/// `ishl`
pub fn ishl(cx: &mut Scalar, node: &Node) -> Option<Value> {
    if let Some(value) = common(cx, node) {
        return Some(value);
    }
    let (x, ty) = (node.args[0], node.ty);
    let k = cx.imm(node.args[1])?;
    if let Some((a, k1)) = by_constant(cx, x, Opcode::Ishl, ty) {
        return Some(shift_sum(cx, Opcode::Ishl, a, k1 + k, ty));
    }
    for opcode in [Opcode::Ushr, Opcode::Sshr] {
        if let Some((a, k1)) = by_constant(cx, x, opcode, ty)
            && k1 == k
        {
            return Some(cx.op_imm(Opcode::Band, a, -1 << k));
        }
    }
    if let Some((a, c)) = cx.binary_imm(x, Opcode::Imul) {
        return Some(cx.op_imm(Opcode::Imul, a, c << k));
    }
    None
}

/// `ushr`
pub fn ushr(cx: &mut Scalar, node: &Node) -> Option<Value> {
    if let Some(value) = common(cx, node) {
        return Some(value);
    }
    let (x, ty) = (node.args[0], node.ty);
    let k = cx.imm(node.args[1])?;
    if let Some((a, k1)) = by_constant(cx, x, Opcode::Ushr, ty) {
        return Some(shift_sum(cx, Opcode::Ushr, a, k1 + k, ty));
    }
    if let Some((a, k1)) = by_constant(cx, x, Opcode::Ishl, ty)
        && k1 == k
    {
        return Some(cx.op_imm(Opcode::Band, a, (ty.mask() >> k) as i64));
    }
    // The sign alone.
    if let Some(a) = cx.binary(x, Opcode::Sshr).map(|(a, _)| a)
        && k == i64::from(ty.bits() - 1)
    {
        return Some(cx.op_imm(Opcode::Ushr, a, k));
    }
    None
}

/// `sshr`
pub fn sshr(cx: &mut Scalar, node: &Node) -> Option<Value> {
    if let Some(value) = common(cx, node) {
        return Some(value);
    }
    let (x, ty) = (node.args[0], node.ty);
    let k = cx.imm(node.args[1])?;
    if let Some((a, k1)) = by_constant(cx, x, Opcode::Sshr, ty) {
        return Some(cx.op_imm(Opcode::Sshr, a, (k1 + k).min(i64::from(ty.bits() - 1))));
    }
    if let Some((a, k1)) = by_constant(cx, x, Opcode::Ishl, ty)
        && k1 == k
        && let Some(narrow) = Type::int(ty.bits() - k as u32)
    {
        let low = cx.op1(Opcode::Ireduce, narrow, a);
        return Some(cx.op1(Opcode::Sextend, ty, low));
    }
    None
}

/// Two logical shifts in a row.
fn shift_sum(cx: &mut Scalar, opcode: Opcode, x: Value, sum: i64, ty: Type) -> Value {
    if sum >= i64::from(ty.bits()) { cx.iconst(ty, 0) } else { cx.op_imm(opcode, x, sum) }
}

/// `rotl`, `rotr`
pub fn rotate(cx: &mut Scalar, node: &Node) -> Option<Value> {
    if let Some(value) = common(cx, node) {
        return Some(value);
    }
    let (x, ty) = (node.args[0], node.ty);
    let k = cx.imm(node.args[1])?;
    let bits = i64::from(ty.bits());
    if node.opcode == Opcode::Rotr {
        return Some(cx.op_imm(Opcode::Rotl, x, bits - k));
    }
    let (a, k1) = by_constant(cx, x, Opcode::Rotl, ty)?;
    Some(cx.op_imm(Opcode::Rotl, a, (k1 + k) & (bits - 1)))
}

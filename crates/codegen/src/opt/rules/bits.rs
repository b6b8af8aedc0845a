//! Logic operations.

use super::{compare, known};
use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::{Opcode, Value};

/// `band`
pub fn band(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    if x == y {
        return Some(x);
    }
    if let Some(c) = cx.imm(y) {
        let mask = c as u64 & ty.mask();
        let zeros = known::zero_bits(cx, x);
        if mask & !zeros == 0 {
            return Some(cx.iconst(ty, 0));
        }
        if mask | zeros == u64::MAX {
            return Some(x);
        }
        if let Some((a, c1)) = cx.binary_imm(x, Opcode::Band) {
            return Some(cx.op_imm(Opcode::Band, a, c1 & c));
        }
        // What is set or flipped under a mask that clears it again.
        for opcode in [Opcode::Bor, Opcode::Bxor] {
            if let Some((a, c1)) = cx.binary_imm(x, opcode)
                && c1 & c == 0
            {
                return Some(cx.op_imm(Opcode::Band, a, c));
            }
        }
        return None;
    }
    for (x, y) in [(x, y), (y, x)] {
        if ty.is_int() && cx.unary(x, Opcode::Bnot) == Some(y) {
            return Some(cx.iconst(ty, 0));
        }
        // (y | b) & y, (y & b) & y
        if let Some((a, b)) = cx.binary(x, Opcode::Bor)
            && (a == y || b == y)
        {
            return Some(y);
        }
        if let Some((a, b)) = cx.binary(x, Opcode::Band)
            && (a == y || b == y)
        {
            return Some(x);
        }
    }
    if let (Some(a), Some(b)) = (cx.unary(x, Opcode::Bnot), cx.unary(y, Opcode::Bnot)) {
        let either = cx.op2(Opcode::Bor, ty, a, b);
        return Some(cx.op1(Opcode::Bnot, ty, either));
    }
    compare::combine(cx, node)
}

/// `bor`
pub fn bor(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    if x == y {
        return Some(x);
    }
    if let Some(c) = cx.imm(y) {
        if c == 0 {
            return Some(x);
        }
        if c == -1 {
            return Some(y);
        }
        if let Some((a, c1)) = cx.binary_imm(x, Opcode::Bor) {
            return Some(cx.op_imm(Opcode::Bor, a, c1 | c));
        }
        return None;
    }
    for (x, y) in [(x, y), (y, x)] {
        if ty.is_int() && cx.unary(x, Opcode::Bnot) == Some(y) {
            return Some(cx.iconst(ty, -1));
        }
        if let Some((a, b)) = cx.binary(x, Opcode::Band)
            && (a == y || b == y)
        {
            return Some(y);
        }
        if let Some((a, b)) = cx.binary(x, Opcode::Bor)
            && (a == y || b == y)
        {
            return Some(x);
        }
        if let (Some((a, left)), Some((b, right))) =
            (cx.binary_imm(x, Opcode::Ishl), cx.binary_imm(y, Opcode::Ushr))
            && a == b
        {
            let mask = i64::from(ty.bits() - 1);
            if (left & mask) + (right & mask) == i64::from(ty.bits()) {
                return Some(cx.op_imm(Opcode::Rotl, a, left & mask));
            }
        }
    }
    if let (Some(a), Some(b)) = (cx.unary(x, Opcode::Bnot), cx.unary(y, Opcode::Bnot)) {
        let both = cx.op2(Opcode::Band, ty, a, b);
        return Some(cx.op1(Opcode::Bnot, ty, both));
    }
    compare::combine(cx, node)
}

/// `bxor`
pub fn bxor(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    if x == y && ty.is_int() {
        return Some(cx.iconst(ty, 0));
    }
    if let Some(c) = cx.imm(y) {
        if c == 0 {
            return Some(x);
        }
        if c == -1 {
            return Some(cx.op1(Opcode::Bnot, ty, x));
        }
        if let Some((a, c1)) = cx.binary_imm(x, Opcode::Bxor) {
            return Some(cx.op_imm(Opcode::Bxor, a, c1 ^ c));
        }
        if let Some(a) = cx.unary(x, Opcode::Bnot) {
            return Some(cx.op_imm(Opcode::Bxor, a, !c));
        }
        return if c == 1 { compare::complement(cx, x) } else { None };
    }
    for (x, y) in [(x, y), (y, x)] {
        if let Some((a, b)) = cx.binary(x, Opcode::Bxor) {
            if b == y {
                return Some(a);
            }
            if a == y {
                return Some(b);
            }
        }
        if ty.is_int() && cx.unary(x, Opcode::Bnot) == Some(y) {
            return Some(cx.iconst(ty, -1));
        }
    }
    if let (Some(a), Some(b)) = (cx.unary(x, Opcode::Bnot), cx.unary(y, Opcode::Bnot)) {
        return Some(cx.op2(Opcode::Bxor, ty, a, b));
    }
    compare::combine(cx, node)
}

/// `bnot`
pub fn bnot(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let x = node.args[0];
    if let Some(a) = cx.unary(x, Opcode::Bnot) {
        return Some(a);
    }
    // ~(-a) = a - 1, ~(a + c) = (-1 - c) - a, ~(c - a) = a + (-1 - c)
    if let Some(a) = cx.unary(x, Opcode::Ineg) {
        return Some(cx.op_imm(Opcode::Iadd, a, -1));
    }
    if let Some((a, c)) = cx.binary_imm(x, Opcode::Iadd) {
        let base = cx.iconst(node.ty, (-1i64).wrapping_sub(c));
        return Some(cx.op2(Opcode::Isub, node.ty, base, a));
    }
    if let Some((c, a)) = cx.binary(x, Opcode::Isub)
        && let Some(c) = cx.imm(c)
    {
        return Some(cx.op_imm(Opcode::Iadd, a, (-1i64).wrapping_sub(c)));
    }
    None
}

/// `bitrev`, `bswap`: twice is not at all.
pub fn involution(cx: &mut Scalar, node: &Node) -> Option<Value> {
    cx.unary(node.args[0], node.opcode)
}

/// `bitselect`
pub fn bitselect(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (c, x, y) = (node.args[0], node.args[1], node.args[2]);
    if x == y {
        return Some(x);
    }
    match cx.imm(c) {
        Some(0) => return Some(y),
        Some(-1) => return Some(x),
        _ => {}
    }
    let cond = cx.unary(c, Opcode::Bmask)?;
    Some(cx.build(Opcode::Select, node.ty, &[cond, x, y], sidetrack_ir::Extra::None))
}

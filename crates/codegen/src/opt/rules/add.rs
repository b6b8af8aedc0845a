//! Sums, differences, negation, minimum and maximum.

use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::{Opcode, Value};

/// `iadd`
pub fn iadd(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    if let Some(c) = cx.imm(y) {
        if c == 0 {
            return Some(x);
        }
        if let Some((a, c1)) = cx.binary_imm(x, Opcode::Iadd) {
            return Some(cx.op_imm(Opcode::Iadd, a, c1.wrapping_add(c)));
        }
        // (c1 - a) + c
        if let Some((c1, a)) = cx.binary(x, Opcode::Isub)
            && let Some(c1) = cx.imm(c1)
        {
            let sum = cx.iconst(ty, c1.wrapping_add(c));
            return Some(cx.op2(Opcode::Isub, ty, sum, a));
        }
        if let Some(a) = cx.unary(x, Opcode::Bnot) {
            // ~a = -1 - a
            let base = cx.iconst(ty, c.wrapping_sub(1));
            return Some(cx.op2(Opcode::Isub, ty, base, a));
        }
        return None;
    }
    for (x, y) in [(x, y), (y, x)] {
        if let Some(a) = cx.unary(y, Opcode::Ineg) {
            return Some(cx.op2(Opcode::Isub, ty, x, a));
        }
        // (a - y) + y
        if let Some((a, b)) = cx.binary(x, Opcode::Isub)
            && b == y
        {
            return Some(a);
        }
        if cx.unary(x, Opcode::Bnot) == Some(y) {
            return Some(cx.iconst(ty, -1));
        }
    }
    None
}

/// `isub`
pub fn isub(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y, ty) = (node.args[0], node.args[1], node.ty);
    if x == y {
        return Some(cx.iconst(ty, 0));
    }
    if let Some(c) = cx.imm(y) {
        return Some(cx.op_imm(Opcode::Iadd, x, c.wrapping_neg()));
    }
    if let Some(c) = cx.imm(x) {
        if c == 0 {
            return Some(cx.op1(Opcode::Ineg, ty, y));
        }
        // c - (a + c2)
        if let Some((a, c2)) = cx.binary_imm(y, Opcode::Iadd) {
            let difference = cx.iconst(ty, c.wrapping_sub(c2));
            return Some(cx.op2(Opcode::Isub, ty, difference, a));
        }
        // c - (c2 - a)
        if let Some((c2, a)) = cx.binary(y, Opcode::Isub)
            && let Some(c2) = cx.imm(c2)
        {
            return Some(cx.op_imm(Opcode::Iadd, a, c.wrapping_sub(c2)));
        }
    }
    if let Some(a) = cx.unary(y, Opcode::Ineg) {
        return Some(cx.op2(Opcode::Iadd, ty, x, a));
    }
    if let Some((a, b)) = cx.binary(x, Opcode::Iadd) {
        if b == y {
            return Some(a);
        }
        if a == y {
            return Some(b);
        }
    }
    // x - (x - b), x - (x + b)
    if let Some((a, b)) = cx.binary(y, Opcode::Isub)
        && a == x
    {
        return Some(b);
    }
    if let Some((a, b)) = cx.binary(y, Opcode::Iadd) {
        if a == x {
            return Some(cx.op1(Opcode::Ineg, ty, b));
        }
        if b == x {
            return Some(cx.op1(Opcode::Ineg, ty, a));
        }
    }
    None
}

/// `ineg`
pub fn ineg(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let x = node.args[0];
    if let Some(a) = cx.unary(x, Opcode::Ineg) {
        return Some(a);
    }
    let (a, b) = cx.binary(x, Opcode::Isub)?;
    Some(cx.op2(Opcode::Isub, node.ty, b, a))
}

/// `iabs`
pub fn iabs(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let x = node.args[0];
    if cx.def(x, Opcode::Iabs).is_some() {
        return Some(x);
    }
    let a = cx.unary(x, Opcode::Ineg)?;
    Some(cx.op1(Opcode::Iabs, node.ty, a))
}

/// `smin`, `smax`, `umin`, `umax`
pub fn minmax(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y) = (node.args[0], node.args[1]);
    if x == y {
        return Some(x);
    }
    let c = cx.imm(y)?;
    let smallest = -1i64 << (node.ty.bits() - 1);
    // The constant that absorbs the other operand, and the one that yields it.
    let (absorbs, yields) = match node.opcode {
        Opcode::Umin => (0, -1),
        Opcode::Umax => (-1, 0),
        Opcode::Smin => (smallest, !smallest),
        _ => (!smallest, smallest),
    };
    if c == absorbs {
        return Some(y);
    }
    (c == yields).then_some(x)
}

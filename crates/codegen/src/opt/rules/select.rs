//! Choices.

use super::{compare, condition, known};
use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::{Extra, IntCC, Opcode, Type, Value};

/// `select`
pub fn select(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (c, x, y, ty) = (node.args[0], node.args[1], node.args[2], node.ty);
    if x == y {
        return Some(x);
    }
    if let Some(imm) = cx.imm(c) {
        return Some(if imm != 0 { x } else { y });
    }
    let (simpler, inverted) = condition(cx, c);
    if simpler != c {
        let (x, y) = if inverted { (y, x) } else { (x, y) };
        return Some(cx.build(Opcode::Select, ty, &[simpler, x, y], Extra::None));
    }
    // An arm that is a choice by the same condition.
    if let Some((d, a, _)) = cx.ternary(x, Opcode::Select)
        && d == c
    {
        return Some(cx.build(Opcode::Select, ty, &[c, a, y], Extra::None));
    }
    if let Some((d, _, b)) = cx.ternary(y, Opcode::Select)
        && d == c
    {
        return Some(cx.build(Opcode::Select, ty, &[c, x, b], Extra::None));
    }
    if let (Some(x), Some(y)) = (cx.imm(x), cx.imm(y)) {
        match (x, y) {
            (1, 0) => return Some(truth(cx, c, ty, false)),
            (0, 1) => return Some(truth(cx, c, ty, true)),
            (-1, 0) => return Some(cx.op1(Opcode::Bmask, ty, c)),
            _ => return None,
        }
    }
    by_comparison(cx, c, x, y, ty)
}

/// 1 or 0 of type `ty`: whether `c` is not zero, or (`inverted`) is.
fn truth(cx: &mut Scalar, c: Value, ty: Type, inverted: bool) -> Value {
    let bool = match inverted {
        false if known::is_bool(cx, c) => c,
        false => cx.icmp_imm(IntCC::NotEqual, c, 0),
        true => match compare::complement(cx, c) {
            Some(value) => value,
            None => cx.icmp_imm(IntCC::Equal, c, 0),
        },
    };
    match cx.ty(bool).bits().cmp(&ty.bits()) {
        std::cmp::Ordering::Equal => bool,
        std::cmp::Ordering::Less => cx.op1(Opcode::Uextend, ty, bool),
        std::cmp::Ordering::Greater => cx.op1(Opcode::Ireduce, ty, bool),
    }
}

/// Choices between the two operands of the comparison that decides.
fn by_comparison(cx: &mut Scalar, c: Value, x: Value, y: Value, ty: Type) -> Option<Value> {
    use IntCC::*;
    let Extra::IntCC(cc) = cx.func.dfg.insts[cx.def(c, Opcode::Icmp)?].extra else { return None };
    let (a, b) = cx.binary(c, Opcode::Icmp)?;
    let cc = match (a, b) {
        _ if (a, b) == (x, y) => cc,
        _ if (a, b) == (y, x) => cc.swap_args(),
        _ => return None,
    };
    // Now the choice is `x cc y ? x : y`.
    let opcode = match cc {
        Equal => return Some(y),
        NotEqual => return Some(x),
        SignedLessThan | SignedLessThanOrEqual => Opcode::Smin,
        SignedGreaterThan | SignedGreaterThanOrEqual => Opcode::Smax,
        UnsignedLessThan | UnsignedLessThanOrEqual => Opcode::Umin,
        UnsignedGreaterThan | UnsignedGreaterThanOrEqual => Opcode::Umax,
    };
    Some(cx.op2(opcode, ty, x, y))
}

/// `bmask`
pub fn bmask(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let x = node.args[0];
    if cx.def(x, Opcode::Bmask).is_some() && cx.ty(x) == node.ty {
        return Some(x);
    }
    let (simpler, inverted) = condition(cx, x);
    (simpler != x && !inverted).then(|| cx.op1(Opcode::Bmask, node.ty, simpler))
}

//! Vectors: what holds for every lane, and lanes put in and taken out again.

use super::condition;
use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::{Endianness, Extra, MemFlags, Opcode, Type, Value};

/// The value that the rules find for an operation on or to vectors.
pub fn apply(cx: &mut Scalar, node: &Node) -> Option<Value> {
    match (node.opcode, &node.args[..]) {
        (Opcode::Bitcast, &[x]) => bitcast(cx, node, x),
        (Opcode::Select, &[c, x, y]) => select(cx, node, c, x, y),
        (Opcode::Bitselect, &[c, x, y]) => bitselect(cx, c, x, y),
        (Opcode::Extractlane, &[x]) => extractlane(cx, node, x),
        (Opcode::Bnot | Opcode::Ineg | Opcode::Fneg, &[x]) => cx.unary(x, node.opcode),
        (opcode, &[x, y]) if !node.ty.is_float_vector() => integer(cx, opcode, x, y),
        _ => None,
    }
}

/// Two in a row are one if they do not read bytes in different orders.
fn bitcast(cx: &mut Scalar, node: &Node, x: Value) -> Option<Value> {
    if cx.ty(x) == node.ty {
        return Some(x);
    }
    let inst = cx.def(x, Opcode::Bitcast)?;
    let a = cx.unary(x, Opcode::Bitcast)?;
    let inner = byte_order(cx.ty(a), cx.ty(x), &cx.func.dfg.insts[inst].extra);
    let endianness = match (inner, byte_order(cx.ty(x), node.ty, &node.extra)) {
        (None, order) | (order, None) => order,
        (first, second) if first == second => first,
        _ => return None,
    };
    let extra = Extra::Mem(MemFlags { endianness, ..MemFlags::default() }, 0);
    Some(cx.build(Opcode::Bitcast, node.ty, &[a], extra))
}

/// The byte order in which a cast reads bytes; none if it does not cut lanes
/// anew.
fn byte_order(from: Type, to: Type, extra: &Extra) -> Option<Endianness> {
    match extra {
        Extra::Mem(flags, _) if from.lane_count() != to.lane_count() => flags.endianness,
        _ => None,
    }
}

fn select(cx: &mut Scalar, node: &Node, c: Value, x: Value, y: Value) -> Option<Value> {
    if x == y {
        return Some(x);
    }
    if let Some(imm) = cx.imm(c) {
        return Some(if imm != 0 { x } else { y });
    }
    let (simpler, inverted) = condition(cx, c);
    let (x, y) = if inverted { (y, x) } else { (x, y) };
    (simpler != c).then(|| cx.build(Opcode::Select, node.ty, &[simpler, x, y], Extra::None))
}

fn bitselect(cx: &mut Scalar, c: Value, x: Value, y: Value) -> Option<Value> {
    if x == y {
        return Some(x);
    }
    match cx.vector_bits(c)? {
        0 => Some(y),
        u128::MAX => Some(x),
        _ => None,
    }
}

/// A lane of what was made from lanes.
fn extractlane(cx: &mut Scalar, node: &Node, x: Value) -> Option<Value> {
    if let Some(scalar) = cx.unary(x, Opcode::Splat) {
        return Some(scalar);
    }
    if let Some(scalar) = cx.unary(x, Opcode::ScalarToVector)
        && node.extra == Extra::Lane(0)
    {
        return Some(scalar);
    }
    let (vector, scalar) = cx.binary(x, Opcode::Insertlane)?;
    let lane = cx.func.dfg.insts[cx.def(x, Opcode::Insertlane)?].extra;
    if lane == node.extra {
        return Some(scalar);
    }
    Some(cx.build(Opcode::Extractlane, node.ty, &[vector], node.extra))
}

/// Operands that are equal, or neutral: constants stand on the right of what is
/// commutative.
fn integer(cx: &mut Scalar, opcode: Opcode, x: Value, y: Value) -> Option<Value> {
    match opcode {
        Opcode::Band | Opcode::Bor if x == y => return Some(x),
        Opcode::Smin | Opcode::Umin | Opcode::Smax | Opcode::Umax if x == y => return Some(x),
        Opcode::Ishl | Opcode::Ushr | Opcode::Sshr => {
            let unmoved = cx.imm(y)? as u64 & u64::from(cx.ty(x).lane_bits() - 1) == 0;
            return unmoved.then_some(x);
        }
        _ => {}
    }
    match (opcode, cx.vector_bits(y)?) {
        (Opcode::Iadd | Opcode::Isub | Opcode::Bor | Opcode::Bxor, 0) => Some(x),
        (Opcode::UaddSat | Opcode::SaddSat | Opcode::UsubSat | Opcode::SsubSat, 0) => Some(x),
        (Opcode::Band, u128::MAX) => Some(x),
        (Opcode::Band, 0) | (Opcode::Bor, u128::MAX) => Some(y),
        _ => None,
    }
}

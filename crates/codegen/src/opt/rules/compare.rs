//! Comparisons, and logic on comparisons.
//!
//! Two comparisons of the same operands combine as sets of outcomes: less, equal,
//! greater, and unordered for floats. `band`, `bor` and `bxor` of the results are
//! the same operations on the sets.

use super::known;
use crate::opt::scalar::{Node, Scalar};
use sidetrack_ir::{Extra, FloatCC, IntCC, Opcode, Type, Value};
use std::cmp::Ordering;

/// `icmp`
pub fn icmp(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let (x, y) = (node.args[0], node.args[1]);
    let Extra::IntCC(cc) = node.extra else { return None };
    if x == y {
        return Some(boolean(cx, cc.test(0, 0)));
    }
    match cx.imm(y) {
        Some(c) => with_constant(cx, cc, x, c),
        None => extended(cx, cc, x, y),
    }
}

fn boolean(cx: &mut Scalar, value: bool) -> Value {
    cx.iconst(sidetrack_ir::types::I8, i64::from(value))
}

/// Comparisons of numbers extended from the same type.
fn extended(cx: &mut Scalar, cc: IntCC, x: Value, y: Value) -> Option<Value> {
    for extend in [Opcode::Uextend, Opcode::Sextend] {
        if let (Some(a), Some(b)) = (cx.unary(x, extend), cx.unary(y, extend))
            && cx.ty(a) == cx.ty(b)
        {
            let cc = if extend == Opcode::Uextend { unsigned(cc) } else { cc };
            return Some(cx.icmp(cc, a, b));
        }
    }
    // Equality of sums with a common operand.
    if matches!(cc, IntCC::Equal | IntCC::NotEqual) {
        for opcode in [Opcode::Iadd, Opcode::Bxor] {
            if let (Some((a, b)), Some((c, d))) = (cx.binary(x, opcode), cx.binary(y, opcode)) {
                let pair = match () {
                    _ if b == d => (a, c),
                    _ if a == c => (b, d),
                    _ if a == d => (b, c),
                    _ if b == c => (a, d),
                    _ => continue,
                };
                return Some(cx.icmp(cc, pair.0, pair.1));
            }
        }
    }
    None
}

/// The condition that orders numbers as unsigned ones.
fn unsigned(cc: IntCC) -> IntCC {
    match cc {
        IntCC::SignedLessThan => IntCC::UnsignedLessThan,
        IntCC::SignedLessThanOrEqual => IntCC::UnsignedLessThanOrEqual,
        IntCC::SignedGreaterThan => IntCC::UnsignedGreaterThan,
        IntCC::SignedGreaterThanOrEqual => IntCC::UnsignedGreaterThanOrEqual,
        other => other,
    }
}

fn with_constant(cx: &mut Scalar, cc: IntCC, x: Value, c: i64) -> Option<Value> {
    use IntCC::*;
    let ty = cx.ty(x);
    if let Some(decided) = by_range(cx, cc, x, c, ty) {
        return Some(boolean(cx, decided));
    }
    // The ends of the unsigned range.
    match (cc, c) {
        (UnsignedLessThan, 1) | (UnsignedLessThanOrEqual, 0) => return Some(cx.icmp_imm(Equal, x, 0)),
        (UnsignedGreaterThan, 0) | (UnsignedGreaterThanOrEqual, 1) => {
            return Some(cx.icmp_imm(NotEqual, x, 0));
        }
        _ => {}
    }
    if let Some(a) = cx.unary(x, Opcode::Uextend) {
        let narrow = cx.ty(a);
        // A constant outside the narrow range is decided by `by_range`, but for
        // negative ones under a signed condition.
        if c as u64 & ty.mask() <= narrow.mask() {
            return Some(cx.icmp_imm(unsigned(cc), a, c));
        }
    }
    if let Some(a) = cx.unary(x, Opcode::Sextend) {
        let shift = 64 - cx.ty(a).bits();
        if c << shift >> shift == c {
            return Some(cx.icmp_imm(cc, a, c));
        }
    }
    if !matches!(cc, Equal | NotEqual) {
        return None;
    }
    if known::is_bool(cx, x) && (c == 0) == (cc == Equal) {
        if let Some(value) = complement(cx, x) {
            return Some(value);
        }
    } else if known::is_bool(cx, x) && ty == sidetrack_ir::types::I8 {
        return Some(x);
    }
    equality(cx, cc, x, c, ty)
}

/// Equality of an operation with a constant.
fn equality(cx: &mut Scalar, cc: IntCC, x: Value, c: i64, ty: Type) -> Option<Value> {
    if let Some((a, b)) = cx.binary(x, Opcode::Isub) {
        if c == 0 {
            return Some(cx.icmp(cc, a, b));
        }
        if let Some(c1) = cx.imm(a) {
            return Some(cx.icmp_imm(cc, b, c1.wrapping_sub(c)));
        }
    }
    if let Some((a, c1)) = cx.binary_imm(x, Opcode::Iadd) {
        return Some(cx.icmp_imm(cc, a, c.wrapping_sub(c1)));
    }
    if let Some((a, b)) = cx.binary(x, Opcode::Bxor) {
        if c == 0 {
            return Some(cx.icmp(cc, a, b));
        }
        if let Some(c1) = cx.imm(b) {
            return Some(cx.icmp_imm(cc, a, c ^ c1));
        }
    }
    if let Some(a) = cx.unary(x, Opcode::Ineg) {
        return Some(cx.icmp_imm(cc, a, c.wrapping_neg()));
    }
    if let Some(a) = cx.unary(x, Opcode::Bnot) {
        return Some(cx.icmp_imm(cc, a, !c));
    }
    if let Some((_, c1)) = cx.binary_imm(x, Opcode::Band)
        && c1 == c
        && super::multiply::log2(c, ty).is_some()
    {
        return Some(cx.icmp_imm(cc.complement(), x, 0));
    }
    // A choice between constants of which one is this.
    if let Some((cond, a, b)) = cx.ternary(x, Opcode::Select)
        && let (Some(a), Some(b)) = (cx.imm(a), cx.imm(b))
    {
        let holds = |value: i64| (value == c) == (cc == IntCC::Equal);
        return Some(match (holds(a), holds(b)) {
            (true, true) => boolean(cx, true),
            (false, false) => boolean(cx, false),
            (true, false) => cx.icmp_imm(IntCC::NotEqual, cond, 0),
            (false, true) => cx.icmp_imm(IntCC::Equal, cond, 0),
        });
    }
    None
}

/// Decides `x cc c` when the range that `x` is known to be in does.
fn by_range(cx: &Scalar, cc: IntCC, x: Value, c: i64, ty: Type) -> Option<bool> {
    use IntCC::*;
    let zeros = known::zero_bits(cx, x);
    let max = known::max_unsigned(cx, x);
    let uc = c as u64 & ty.mask();
    let smallest = -1i64 << (ty.bits() - 1);
    match cc {
        Equal | NotEqual => (uc & zeros != 0).then_some(cc == NotEqual),
        UnsignedLessThan | UnsignedGreaterThanOrEqual => {
            let less = if uc == 0 { Some(false) } else { (max < uc).then_some(true) };
            less.map(|less| less == (cc == UnsignedLessThan))
        }
        UnsignedGreaterThan | UnsignedLessThanOrEqual => (max <= uc).then_some(cc == UnsignedLessThanOrEqual),
        _ => {
            // Without a sign bit x is in 0..=max.
            let (low, high) =
                if known::is_non_negative(cx, x) { (0, max as i64) } else { (smallest, !smallest) };
            let (always, never) = match cc {
                SignedLessThan => (high < c, low >= c),
                SignedLessThanOrEqual => (high <= c, low > c),
                SignedGreaterThan => (low > c, high <= c),
                _ => (low >= c, high < c),
            };
            if always { Some(true) } else { never.then_some(false) }
        }
    }
}

/// 1 when `v`, which is 0 or 1, is 0, if that is one comparison.
pub fn complement(cx: &mut Scalar, v: Value) -> Option<Value> {
    let opcode = cx.func.dfg.insts[cx.func.dfg.def_inst(v)?].opcode;
    if !matches!(opcode, Opcode::Icmp | Opcode::Fcmp) {
        return None;
    }
    let inst = cx.def(v, opcode)?;
    let extra = match cx.func.dfg.insts[inst].extra {
        Extra::IntCC(cc) => Extra::IntCC(cc.complement()),
        Extra::FloatCC(cc) => Extra::FloatCC(cc.complement()),
        _ => return None,
    };
    let (x, y) = cx.binary(v, opcode)?;
    Some(cx.build(opcode, cx.func.dfg.insts[inst].ty, &[x, y], extra))
}

type Outcomes = u8;

fn operate(opcode: Opcode, a: Outcomes, b: Outcomes) -> Outcomes {
    match opcode {
        Opcode::Band => a & b,
        Opcode::Bor => a | b,
        _ => a ^ b,
    }
}

fn int_outcomes(cc: IntCC) -> Outcomes {
    // One pair of numbers per outcome; both orders agree on these.
    [(0, 1), (0, 0), (1, 0)]
        .iter()
        .enumerate()
        .fold(0, |set, (i, &(a, b))| set | u8::from(cc.test(a, b)) << i)
}

fn float_outcomes(cc: FloatCC) -> Outcomes {
    let orders = [Some(Ordering::Less), Some(Ordering::Equal), Some(Ordering::Greater), None];
    orders.into_iter().enumerate().fold(0, |set, (i, order)| set | u8::from(cc.test(order)) << i)
}

/// `band`, `bor` or `bxor` of two comparisons of the same operands.
pub fn combine(cx: &mut Scalar, node: &Node) -> Option<Value> {
    let inst_of = |v: Value| cx.func.dfg.def_inst(v);
    let (first, second) = (inst_of(node.args[0])?, inst_of(node.args[1])?);
    let (extra, other) = (cx.func.dfg.insts[first].extra, cx.func.dfg.insts[second].extra);
    let opcode = cx.func.dfg.insts[first].opcode;
    if opcode != cx.func.dfg.insts[second].opcode || !matches!(opcode, Opcode::Icmp | Opcode::Fcmp) {
        return None;
    }
    let (x, y) = cx.binary(node.args[0], opcode)?;
    let pair = cx.binary(node.args[1], opcode)?;
    let swapped = pair == (y, x);
    if !swapped && pair != (x, y) {
        return None;
    }
    let extra = match (extra, other) {
        (Extra::IntCC(a), Extra::IntCC(b)) => {
            let b = if swapped { b.swap_args() } else { b };
            let ordered = |cc: IntCC| !matches!(cc, IntCC::Equal | IntCC::NotEqual);
            if ordered(a) && ordered(b) && a.is_signed() != b.is_signed() {
                return None;
            }
            let set = operate(node.opcode, int_outcomes(a), int_outcomes(b));
            if set == 0 || set == 0b111 {
                return Some(boolean(cx, set != 0));
            }
            let signed = a.is_signed() || b.is_signed();
            let fits = |cc: IntCC| int_outcomes(cc) == set && (!ordered(cc) || cc.is_signed() == signed);
            Extra::IntCC(IntCC::ALL.iter().copied().find(|&cc| fits(cc))?)
        }
        (Extra::FloatCC(a), Extra::FloatCC(b)) => {
            let b = if swapped { b.swap_args() } else { b };
            let set = operate(node.opcode, float_outcomes(a), float_outcomes(b));
            if set == 0 || set == 0b1111 {
                return Some(boolean(cx, set != 0));
            }
            Extra::FloatCC(FloatCC::ALL.iter().copied().find(|&cc| float_outcomes(cc) == set)?)
        }
        _ => return None,
    };
    Some(cx.build(opcode, cx.ty(x), &[x, y], extra))
}

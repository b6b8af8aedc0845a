//! Algebraic rules: the table of which family simplifies which opcode.
//!
//! A rule looks at an operation and its operands' definitions and names a value
//! that is equal for all inputs: an existing one, or one it builds from fewer or
//! cheaper operations. Invariants: constants stand on the right of commutative
//! operations and comparisons; a rule never undoes another, so that chains end;
//! float rules hold for every bit pattern, NaNs included.

mod add;
mod bits;
mod compare;
mod convert;
mod divide;
mod float;
mod known;
mod multiply;
mod select;
mod shift;
mod vector;

use super::scalar::{Node, Scalar};
use sidetrack_ir::{Extra, IntCC, Opcode, Value};

/// The value that the rules find for an operation, if any applies.
pub fn apply(cx: &mut Scalar, node: &Node) -> Option<Value> {
    // All the other families are about scalars.
    if node.ty.is_vector() || node.args.iter().any(|&arg| cx.ty(arg).is_vector()) {
        return vector::apply(cx, node);
    }
    let rule: fn(&mut Scalar, &Node) -> Option<Value> = match node.opcode {
        Opcode::Iadd => add::iadd,
        Opcode::Isub => add::isub,
        Opcode::Ineg => add::ineg,
        Opcode::Iabs => add::iabs,
        Opcode::Smin | Opcode::Umin | Opcode::Smax | Opcode::Umax => add::minmax,
        Opcode::Imul => multiply::imul,
        Opcode::Umulhi => multiply::umulhi,
        Opcode::Smulhi => multiply::smulhi,
        Opcode::Udiv => divide::udiv,
        Opcode::Urem => divide::urem,
        Opcode::Sdiv => divide::sdiv,
        Opcode::Srem => divide::srem,
        Opcode::Band => bits::band,
        Opcode::Bor => bits::bor,
        Opcode::Bxor => bits::bxor,
        Opcode::Bnot => bits::bnot,
        Opcode::Bitrev | Opcode::Bswap => bits::involution,
        Opcode::Bitselect => bits::bitselect,
        Opcode::Ishl => shift::ishl,
        Opcode::Ushr => shift::ushr,
        Opcode::Sshr => shift::sshr,
        Opcode::Rotl | Opcode::Rotr => shift::rotate,
        Opcode::Icmp => compare::icmp,
        Opcode::Select => select::select,
        Opcode::Bmask => select::bmask,
        Opcode::Uextend => convert::uextend,
        Opcode::Sextend => convert::sextend,
        Opcode::Ireduce => convert::ireduce,
        Opcode::Bitcast => convert::bitcast,
        Opcode::FcvtFromUint | Opcode::FcvtFromSint => convert::fcvt_from_int,
        Opcode::Fneg => float::fneg,
        Opcode::Fabs => float::fabs,
        Opcode::Fcopysign => float::fcopysign,
        Opcode::Fmul => float::fmul,
        Opcode::Fdiv => float::fdiv,
        _ => return None,
    };
    rule(cx, node)
}

/// How many operations in a row are seen through that keep or invert whether a value is zero.
const MAX_CONDITION: usize = 16;

/// A simpler value that is zero exactly when `v` is, or (true) exactly when `v`
/// is not.
pub fn condition(cx: &Scalar, mut v: Value) -> (Value, bool) {
    let mut inverted = false;
    for _ in 0..MAX_CONDITION {
        if let Some(inst) = cx.def(v, Opcode::Icmp)
            && let Extra::IntCC(cc @ (IntCC::Equal | IntCC::NotEqual)) = cx.func.dfg.insts[inst].extra
            && let Some((x, 0)) = cx.binary_imm(v, Opcode::Icmp)
        {
            inverted ^= cc == IntCC::Equal;
            v = x;
            continue;
        }
        if let Some((x, 1)) = cx.binary_imm(v, Opcode::Bxor)
            && known::is_bool(cx, x)
        {
            inverted ^= true;
            v = x;
            continue;
        }
        let same = [Opcode::Uextend, Opcode::Sextend, Opcode::Bmask, Opcode::Ineg];
        match same.into_iter().find_map(|opcode| cx.unary(v, opcode)) {
            Some(x) => v = x,
            None => break,
        }
    }
    (v, inverted)
}

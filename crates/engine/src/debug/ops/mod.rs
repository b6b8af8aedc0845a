//! What operators do, one file per family.
//!
//! An operator that only computes is a line in a table: the type of its result and
//! what it computes. NaNs are those of the machine, see `float.rs`.

mod atomics;
mod float;
mod frame;
mod integer;
mod lanes;
mod memory;
mod scalar;
mod simd_float;
mod simd_int;
mod simd_wide;

pub(super) use lanes::{replace_bytes, shuffle};

use super::decode::{DecodeError, Decoder};
use super::op::Op;
use crate::ValType;
use wasmparser::Operator;

/// Decodes an operator that control reaches, unless it is part of a construct or a
/// branch.
pub(super) fn decode(d: &mut Decoder<'_>, operator: &Operator<'_>) -> Result<Op, DecodeError> {
    if let Some((op, result)) = pure(operator) {
        return d.apply(op, Some(result));
    }
    if let Some(op) = memory::decode(d, operator)? {
        return Ok(op);
    }
    if let Some(op) = atomics::decode(d, operator)? {
        return Ok(op);
    }
    frame::decode(d, operator)
}

/// An operator that only computes, and the type of its result.
fn pure(operator: &Operator<'_>) -> Option<(Op, ValType)> {
    integer::pure(operator)
        .or_else(|| float::pure(operator))
        .or_else(|| lanes::pure(operator))
        .or_else(|| simd_int::pure(operator))
        .or_else(|| simd_wide::pure(operator))
        .or_else(|| simd_float::pure(operator))
}

/// The name of an operator, without its immediates.
fn name(operator: &Operator<'_>) -> String {
    let text = format!("{operator:?}");
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    text[..end].to_owned()
}

//! Vectors of integers whose lanes are made from the lanes in the same place.

use super::scalar::{lanes, map, map2, test, test2};
use crate::ValType;
use crate::debug::op::{Bits, Op};
use wasmparser::Operator;

pub(super) fn pure(operator: &Operator<'_>) -> Option<(Op, ValType)> {
    compare(operator)
        .or_else(|| arithmetic(operator))
        .or_else(|| shift(operator))
        .map(|op| (op, ValType::V128))
}

fn compare(operator: &Operator<'_>) -> Option<Op> {
    use Operator as O;
    Some(match *operator {
        O::I8x16Eq => test!(u8, |x, y| x == y),
        O::I8x16Ne => test!(u8, |x, y| x != y),
        O::I8x16LtS => test!(i8, |x, y| x < y),
        O::I8x16LtU => test!(u8, |x, y| x < y),
        O::I8x16GtS => test!(i8, |x, y| x > y),
        O::I8x16GtU => test!(u8, |x, y| x > y),
        O::I8x16LeS => test!(i8, |x, y| x <= y),
        O::I8x16LeU => test!(u8, |x, y| x <= y),
        O::I8x16GeS => test!(i8, |x, y| x >= y),
        O::I8x16GeU => test!(u8, |x, y| x >= y),

        O::I16x8Eq => test!(u16, |x, y| x == y),
        O::I16x8Ne => test!(u16, |x, y| x != y),
        O::I16x8LtS => test!(i16, |x, y| x < y),
        O::I16x8LtU => test!(u16, |x, y| x < y),
        O::I16x8GtS => test!(i16, |x, y| x > y),
        O::I16x8GtU => test!(u16, |x, y| x > y),
        O::I16x8LeS => test!(i16, |x, y| x <= y),
        O::I16x8LeU => test!(u16, |x, y| x <= y),
        O::I16x8GeS => test!(i16, |x, y| x >= y),
        O::I16x8GeU => test!(u16, |x, y| x >= y),

        O::I32x4Eq => test!(u32, |x, y| x == y),
        O::I32x4Ne => test!(u32, |x, y| x != y),
        O::I32x4LtS => test!(i32, |x, y| x < y),
        O::I32x4LtU => test!(u32, |x, y| x < y),
        O::I32x4GtS => test!(i32, |x, y| x > y),
        O::I32x4GtU => test!(u32, |x, y| x > y),
        O::I32x4LeS => test!(i32, |x, y| x <= y),
        O::I32x4LeU => test!(u32, |x, y| x <= y),
        O::I32x4GeS => test!(i32, |x, y| x >= y),
        O::I32x4GeU => test!(u32, |x, y| x >= y),

        O::I64x2Eq => test!(u64, |x, y| x == y),
        O::I64x2Ne => test!(u64, |x, y| x != y),
        O::I64x2LtS => test!(i64, |x, y| x < y),
        O::I64x2GtS => test!(i64, |x, y| x > y),
        O::I64x2LeS => test!(i64, |x, y| x <= y),
        O::I64x2GeS => test!(i64, |x, y| x >= y),
        _ => return None,
    })
}

fn arithmetic(operator: &Operator<'_>) -> Option<Op> {
    use Operator as O;
    Some(match *operator {
        O::I8x16Abs => lanes!(i8, |x| x.wrapping_abs()),
        O::I8x16Neg => lanes!(i8, |x| x.wrapping_neg()),
        O::I8x16Popcnt => lanes!(u8, |x| x.count_ones() as u8),
        O::I8x16Add => lanes!(u8, |x, y| x.wrapping_add(y)),
        O::I8x16Sub => lanes!(u8, |x, y| x.wrapping_sub(y)),
        O::I8x16AddSatS => lanes!(i8, |x, y| x.saturating_add(y)),
        O::I8x16AddSatU => lanes!(u8, |x, y| x.saturating_add(y)),
        O::I8x16SubSatS => lanes!(i8, |x, y| x.saturating_sub(y)),
        O::I8x16SubSatU => lanes!(u8, |x, y| x.saturating_sub(y)),
        O::I8x16AvgrU => lanes!(u8, |x, y| (u16::from(x) + u16::from(y)).div_ceil(2) as u8),
        O::I8x16MinS => lanes!(i8, |x, y| x.min(y)),
        O::I8x16MinU => lanes!(u8, |x, y| x.min(y)),
        O::I8x16MaxS => lanes!(i8, |x, y| x.max(y)),
        O::I8x16MaxU => lanes!(u8, |x, y| x.max(y)),

        O::I16x8Abs => lanes!(i16, |x| x.wrapping_abs()),
        O::I16x8Neg => lanes!(i16, |x| x.wrapping_neg()),
        O::I16x8Add => lanes!(u16, |x, y| x.wrapping_add(y)),
        O::I16x8Sub => lanes!(u16, |x, y| x.wrapping_sub(y)),
        O::I16x8Mul => lanes!(u16, |x, y| x.wrapping_mul(y)),
        O::I16x8AddSatS => lanes!(i16, |x, y| x.saturating_add(y)),
        O::I16x8AddSatU => lanes!(u16, |x, y| x.saturating_add(y)),
        O::I16x8SubSatS => lanes!(i16, |x, y| x.saturating_sub(y)),
        O::I16x8SubSatU => lanes!(u16, |x, y| x.saturating_sub(y)),
        O::I16x8AvgrU => lanes!(u16, |x, y| (u32::from(x) + u32::from(y)).div_ceil(2) as u16),
        O::I16x8MinS => lanes!(i16, |x, y| x.min(y)),
        O::I16x8MinU => lanes!(u16, |x, y| x.min(y)),
        O::I16x8MaxS => lanes!(i16, |x, y| x.max(y)),
        O::I16x8MaxU => lanes!(u16, |x, y| x.max(y)),
        O::I16x8Q15MulrSatS | O::I16x8RelaxedQ15mulrS => lanes!(i16, |x, y| q15_multiply(x, y)),

        O::I32x4Abs => lanes!(i32, |x| x.wrapping_abs()),
        O::I32x4Neg => lanes!(i32, |x| x.wrapping_neg()),
        O::I32x4Add => lanes!(u32, |x, y| x.wrapping_add(y)),
        O::I32x4Sub => lanes!(u32, |x, y| x.wrapping_sub(y)),
        O::I32x4Mul => lanes!(u32, |x, y| x.wrapping_mul(y)),
        O::I32x4MinS => lanes!(i32, |x, y| x.min(y)),
        O::I32x4MinU => lanes!(u32, |x, y| x.min(y)),
        O::I32x4MaxS => lanes!(i32, |x, y| x.max(y)),
        O::I32x4MaxU => lanes!(u32, |x, y| x.max(y)),

        O::I64x2Abs => lanes!(i64, |x| x.wrapping_abs()),
        O::I64x2Neg => lanes!(i64, |x| x.wrapping_neg()),
        O::I64x2Add => lanes!(u64, |x, y| x.wrapping_add(y)),
        O::I64x2Sub => lanes!(u64, |x, y| x.wrapping_sub(y)),
        O::I64x2Mul => lanes!(u64, |x, y| x.wrapping_mul(y)),
        _ => return None,
    })
}

/// The product of fixed-point numbers between -1 and 1, to the nearest, up when it is
/// in the middle.
fn q15_multiply(x: i16, y: i16) -> i16 {
    ((i32::from(x) * i32::from(y) + (1 << 14)) >> 15).min(i16::MAX.into()) as i16
}

/// All lanes of a vector shifted by the same amount, modulo their width.
macro_rules! shift {
    ($ty:ty, $shift:ident) => {
        Op::Binary(|x: Bits, amount: Bits| map(x, |x: $ty| x.$shift(amount as u32)))
    };
}

fn shift(operator: &Operator<'_>) -> Option<Op> {
    use Operator as O;
    Some(match *operator {
        O::I8x16Shl => shift!(u8, wrapping_shl),
        O::I8x16ShrS => shift!(i8, wrapping_shr),
        O::I8x16ShrU => shift!(u8, wrapping_shr),
        O::I16x8Shl => shift!(u16, wrapping_shl),
        O::I16x8ShrS => shift!(i16, wrapping_shr),
        O::I16x8ShrU => shift!(u16, wrapping_shr),
        O::I32x4Shl => shift!(u32, wrapping_shl),
        O::I32x4ShrS => shift!(i32, wrapping_shr),
        O::I32x4ShrU => shift!(u32, wrapping_shr),
        O::I64x2Shl => shift!(u64, wrapping_shl),
        O::I64x2ShrS => shift!(i64, wrapping_shr),
        O::I64x2ShrU => shift!(u64, wrapping_shr),
        _ => return None,
    })
}

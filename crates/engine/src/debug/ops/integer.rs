//! Integers.

use super::scalar::{Scalar, op, try_op};
use crate::debug::op::Op;
use crate::{Trap, ValType};
use wasmparser::Operator;

pub(super) fn pure(operator: &Operator<'_>) -> Option<(Op, ValType)> {
    use Operator as O;
    use ValType::{I32, I64};
    Some(match *operator {
        O::I32Eqz => (op!(u32, |x| x == 0), I32),
        O::I32Eq => (op!(u32, |x, y| x == y), I32),
        O::I32Ne => (op!(u32, |x, y| x != y), I32),
        O::I32LtS => (op!(i32, |x, y| x < y), I32),
        O::I32LtU => (op!(u32, |x, y| x < y), I32),
        O::I32GtS => (op!(i32, |x, y| x > y), I32),
        O::I32GtU => (op!(u32, |x, y| x > y), I32),
        O::I32LeS => (op!(i32, |x, y| x <= y), I32),
        O::I32LeU => (op!(u32, |x, y| x <= y), I32),
        O::I32GeS => (op!(i32, |x, y| x >= y), I32),
        O::I32GeU => (op!(u32, |x, y| x >= y), I32),
        O::I64Eqz => (op!(u64, |x| x == 0), I32),
        O::I64Eq => (op!(u64, |x, y| x == y), I32),
        O::I64Ne => (op!(u64, |x, y| x != y), I32),
        O::I64LtS => (op!(i64, |x, y| x < y), I32),
        O::I64LtU => (op!(u64, |x, y| x < y), I32),
        O::I64GtS => (op!(i64, |x, y| x > y), I32),
        O::I64GtU => (op!(u64, |x, y| x > y), I32),
        O::I64LeS => (op!(i64, |x, y| x <= y), I32),
        O::I64LeU => (op!(u64, |x, y| x <= y), I32),
        O::I64GeS => (op!(i64, |x, y| x >= y), I32),
        O::I64GeU => (op!(u64, |x, y| x >= y), I32),

        O::I32Clz => (op!(u32, |x| x.leading_zeros()), I32),
        O::I32Ctz => (op!(u32, |x| x.trailing_zeros()), I32),
        O::I32Popcnt => (op!(u32, |x| x.count_ones()), I32),
        O::I32Add => (op!(u32, |x, y| x.wrapping_add(y)), I32),
        O::I32Sub => (op!(u32, |x, y| x.wrapping_sub(y)), I32),
        O::I32Mul => (op!(u32, |x, y| x.wrapping_mul(y)), I32),
        O::I32DivS => (try_op!(i32, |x, y| quotient(y == 0, x.checked_div(y))), I32),
        O::I32DivU => (try_op!(u32, |x, y| quotient(y == 0, x.checked_div(y))), I32),
        O::I32RemS => (try_op!(i32, |x, y| remainder(y == 0, || x.wrapping_rem(y))), I32),
        O::I32RemU => (try_op!(u32, |x, y| remainder(y == 0, || x % y)), I32),
        O::I32And => (op!(u32, |x, y| x & y), I32),
        O::I32Or => (op!(u32, |x, y| x | y), I32),
        O::I32Xor => (op!(u32, |x, y| x ^ y), I32),
        O::I32Shl => (op!(u32, |x, y| x.wrapping_shl(y)), I32),
        O::I32ShrS => (op!(i32, |x, y| x.wrapping_shr(y as u32)), I32),
        O::I32ShrU => (op!(u32, |x, y| x.wrapping_shr(y)), I32),
        O::I32Rotl => (op!(u32, |x, y| x.rotate_left(y % 32)), I32),
        O::I32Rotr => (op!(u32, |x, y| x.rotate_right(y % 32)), I32),

        O::I64Clz => (op!(u64, |x| x.leading_zeros()), I64),
        O::I64Ctz => (op!(u64, |x| x.trailing_zeros()), I64),
        O::I64Popcnt => (op!(u64, |x| x.count_ones()), I64),
        O::I64Add => (op!(u64, |x, y| x.wrapping_add(y)), I64),
        O::I64Sub => (op!(u64, |x, y| x.wrapping_sub(y)), I64),
        O::I64Mul => (op!(u64, |x, y| x.wrapping_mul(y)), I64),
        O::I64DivS => (try_op!(i64, |x, y| quotient(y == 0, x.checked_div(y))), I64),
        O::I64DivU => (try_op!(u64, |x, y| quotient(y == 0, x.checked_div(y))), I64),
        O::I64RemS => (try_op!(i64, |x, y| remainder(y == 0, || x.wrapping_rem(y))), I64),
        O::I64RemU => (try_op!(u64, |x, y| remainder(y == 0, || x % y)), I64),
        O::I64And => (op!(u64, |x, y| x & y), I64),
        O::I64Or => (op!(u64, |x, y| x | y), I64),
        O::I64Xor => (op!(u64, |x, y| x ^ y), I64),
        // The low bits of the amount, the low 32 with them, are what counts.
        O::I64Shl => (op!(u64, |x, y| x.wrapping_shl(y as u32)), I64),
        O::I64ShrS => (op!(i64, |x, y| x.wrapping_shr(y as u32)), I64),
        O::I64ShrU => (op!(u64, |x, y| x.wrapping_shr(y as u32)), I64),
        O::I64Rotl => (op!(u64, |x, y| x.rotate_left(y as u32 % 64)), I64),
        O::I64Rotr => (op!(u64, |x, y| x.rotate_right(y as u32 % 64)), I64),

        O::I32WrapI64 => (op!(u64, |x| x as u32), I32),
        O::I64ExtendI32S => (op!(i32, |x| i64::from(x)), I64),
        O::I64ExtendI32U => (op!(u32, |x| u64::from(x)), I64),
        O::I32Extend8S => (op!(i8, |x| i32::from(x)), I32),
        O::I32Extend16S => (op!(i16, |x| i32::from(x)), I32),
        O::I64Extend8S => (op!(i8, |x| i64::from(x)), I64),
        O::I64Extend16S => (op!(i16, |x| i64::from(x)), I64),
        O::I64Extend32S => (op!(i32, |x| i64::from(x)), I64),
        // A null reference has no bits set.
        O::RefIsNull => (op!(u64, |x| x == 0), I32),
        _ => return None,
    })
}

fn quotient<T>(by_zero: bool, quotient: Option<T>) -> Result<T, Trap> {
    quotient.ok_or(if by_zero { Trap::IntegerDivisionByZero } else { Trap::IntegerOverflow })
}

fn remainder<T>(by_zero: bool, remainder: impl FnOnce() -> T) -> Result<T, Trap> {
    if by_zero { Err(Trap::IntegerDivisionByZero) } else { Ok(remainder()) }
}

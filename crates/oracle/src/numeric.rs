//! Operators on integers and floats.

use crate::float as fl;
use crate::operands::Operands;
use crate::value::{Trap, Value};
use wasmparser::Operator as O;

/// Executes a numeric operator.
///
/// # Errors
/// If it traps.
///
/// # Panics
/// If it is none that this interpreter knows.
pub(super) fn execute(op: &O<'_>, s: &mut Operands) -> Result<(), Trap> {
    match op {
        O::I32Const { value } => s.push(*value),
        O::I64Const { value } => s.push(*value),
        O::F32Const { value } => s.0.push(Value::F32(value.bits())),
        O::F64Const { value } => s.0.push(Value::F64(value.bits())),
        _ => return integer(op, s),
    }
    Ok(())
}

fn integer(op: &O<'_>, s: &mut Operands) -> Result<(), Trap> {
    match op {
        O::I32Eqz => s.unary(|x: i32| x == 0),
        O::I32Eq => s.binary(|x: i32, y| x == y),
        O::I32Ne => s.binary(|x: i32, y| x != y),
        O::I32LtS => s.binary(|x: i32, y| x < y),
        O::I32LtU => s.binary(|x: u32, y| x < y),
        O::I32GtS => s.binary(|x: i32, y| x > y),
        O::I32GtU => s.binary(|x: u32, y| x > y),
        O::I32LeS => s.binary(|x: i32, y| x <= y),
        O::I32LeU => s.binary(|x: u32, y| x <= y),
        O::I32GeS => s.binary(|x: i32, y| x >= y),
        O::I32GeU => s.binary(|x: u32, y| x >= y),
        O::I64Eqz => s.unary(|x: i64| x == 0),
        O::I64Eq => s.binary(|x: i64, y| x == y),
        O::I64Ne => s.binary(|x: i64, y| x != y),
        O::I64LtS => s.binary(|x: i64, y| x < y),
        O::I64LtU => s.binary(|x: u64, y| x < y),
        O::I64GtS => s.binary(|x: i64, y| x > y),
        O::I64GtU => s.binary(|x: u64, y| x > y),
        O::I64LeS => s.binary(|x: i64, y| x <= y),
        O::I64LeU => s.binary(|x: u64, y| x <= y),
        O::I64GeS => s.binary(|x: i64, y| x >= y),
        O::I64GeU => s.binary(|x: u64, y| x >= y),

        O::I32Clz => s.unary(|x: u32| x.leading_zeros()),
        O::I32Ctz => s.unary(|x: u32| x.trailing_zeros()),
        O::I32Popcnt => s.unary(|x: u32| x.count_ones()),
        O::I32Add => s.binary(|x: u32, y| x.wrapping_add(y)),
        O::I32Sub => s.binary(|x: u32, y| x.wrapping_sub(y)),
        O::I32Mul => s.binary(|x: u32, y| x.wrapping_mul(y)),
        O::I32DivS => s.try_binary(|x: i32, y| {
            let zero = y == 0;
            if zero {
                Err(Trap::IntegerDivisionByZero)
            } else {
                x.checked_div(y).ok_or(Trap::IntegerOverflow)
            }
        }),
        O::I32DivU => s.try_binary(|x: u32, y| x.checked_div(y).ok_or(Trap::IntegerDivisionByZero)),
        O::I32RemS => {
            s.try_binary(
                |x: i32, y| {
                    if y == 0 { Err(Trap::IntegerDivisionByZero) } else { Ok(x.wrapping_rem(y)) }
                },
            )
        }
        O::I32RemU => s.try_binary(|x: u32, y| x.checked_rem(y).ok_or(Trap::IntegerDivisionByZero)),
        O::I32And => s.binary(|x: u32, y| x & y),
        O::I32Or => s.binary(|x: u32, y| x | y),
        O::I32Xor => s.binary(|x: u32, y| x ^ y),
        O::I32Shl => s.binary(|x: u32, y| x << (y % 32)),
        O::I32ShrS => s.binary(|x: i32, y| x >> (y as u32 % 32)),
        O::I32ShrU => s.binary(|x: u32, y| x >> (y % 32)),
        O::I32Rotl => s.binary(|x: u32, y| x.rotate_left(y % 32)),
        O::I32Rotr => s.binary(|x: u32, y| x.rotate_right(y % 32)),

        O::I64Clz => s.unary(|x: u64| u64::from(x.leading_zeros())),
        O::I64Ctz => s.unary(|x: u64| u64::from(x.trailing_zeros())),
        O::I64Popcnt => s.unary(|x: u64| u64::from(x.count_ones())),
        O::I64Add => s.binary(|x: u64, y| x.wrapping_add(y)),
        O::I64Sub => s.binary(|x: u64, y| x.wrapping_sub(y)),
        O::I64Mul => s.binary(|x: u64, y| x.wrapping_mul(y)),
        O::I64DivS => s.try_binary(|x: i64, y| {
            let zero = y == 0;
            if zero {
                Err(Trap::IntegerDivisionByZero)
            } else {
                x.checked_div(y).ok_or(Trap::IntegerOverflow)
            }
        }),
        O::I64DivU => s.try_binary(|x: u64, y| x.checked_div(y).ok_or(Trap::IntegerDivisionByZero)),
        O::I64RemS => {
            s.try_binary(
                |x: i64, y| {
                    if y == 0 { Err(Trap::IntegerDivisionByZero) } else { Ok(x.wrapping_rem(y)) }
                },
            )
        }
        O::I64RemU => s.try_binary(|x: u64, y| x.checked_rem(y).ok_or(Trap::IntegerDivisionByZero)),
        O::I64And => s.binary(|x: u64, y| x & y),
        O::I64Or => s.binary(|x: u64, y| x | y),
        O::I64Xor => s.binary(|x: u64, y| x ^ y),
        O::I64Shl => s.binary(|x: u64, y| x << (y % 64)),
        O::I64ShrS => s.binary(|x: i64, y| x >> (y as u64 % 64)),
        O::I64ShrU => s.binary(|x: u64, y| x >> (y % 64)),
        O::I64Rotl => s.binary(|x: u64, y| x.rotate_left((y % 64) as u32)),
        O::I64Rotr => s.binary(|x: u64, y| x.rotate_right((y % 64) as u32)),

        O::I32Extend8S => s.unary(|x: i32| i32::from(x as i8)),
        O::I32Extend16S => s.unary(|x: i32| i32::from(x as i16)),
        O::I64Extend8S => s.unary(|x: i64| i64::from(x as i8)),
        O::I64Extend16S => s.unary(|x: i64| i64::from(x as i16)),
        O::I64Extend32S => s.unary(|x: i64| i64::from(x as i32)),
        O::I32WrapI64 => s.unary(|x: i64| x as i32),
        O::I64ExtendI32S => s.unary(|x: i32| i64::from(x)),
        O::I64ExtendI32U => s.unary(|x: u32| u64::from(x)),
        _ => floating(op, s),
    }
}

fn floating(op: &O<'_>, s: &mut Operands) -> Result<(), Trap> {
    match op {
        O::F32Eq => s.binary(|x: f32, y| x == y),
        O::F32Ne => s.binary(|x: f32, y| x != y),
        O::F32Lt => s.binary(|x: f32, y| x < y),
        O::F32Gt => s.binary(|x: f32, y| x > y),
        O::F32Le => s.binary(|x: f32, y| x <= y),
        O::F32Ge => s.binary(|x: f32, y| x >= y),
        O::F64Eq => s.binary(|x: f64, y| x == y),
        O::F64Ne => s.binary(|x: f64, y| x != y),
        O::F64Lt => s.binary(|x: f64, y| x < y),
        O::F64Gt => s.binary(|x: f64, y| x > y),
        O::F64Le => s.binary(|x: f64, y| x <= y),
        O::F64Ge => s.binary(|x: f64, y| x >= y),

        O::F32Abs => s.unary(fl::abs::<f32>),
        O::F32Neg => s.unary(fl::neg::<f32>),
        O::F32Ceil => s.unary(fl::ceil::<f32>),
        O::F32Floor => s.unary(fl::floor::<f32>),
        O::F32Trunc => s.unary(fl::trunc::<f32>),
        O::F32Nearest => s.unary(fl::nearest::<f32>),
        O::F32Sqrt => s.unary(fl::sqrt::<f32>),
        O::F32Add => s.binary(fl::add::<f32>),
        O::F32Sub => s.binary(fl::sub::<f32>),
        O::F32Mul => s.binary(fl::mul::<f32>),
        O::F32Div => s.binary(fl::div::<f32>),
        O::F32Min => s.binary(fl::min::<f32>),
        O::F32Max => s.binary(fl::max::<f32>),
        O::F32Copysign => s.binary(fl::copysign::<f32>),
        O::F64Abs => s.unary(fl::abs::<f64>),
        O::F64Neg => s.unary(fl::neg::<f64>),
        O::F64Ceil => s.unary(fl::ceil::<f64>),
        O::F64Floor => s.unary(fl::floor::<f64>),
        O::F64Trunc => s.unary(fl::trunc::<f64>),
        O::F64Nearest => s.unary(fl::nearest::<f64>),
        O::F64Sqrt => s.unary(fl::sqrt::<f64>),
        O::F64Add => s.binary(fl::add::<f64>),
        O::F64Sub => s.binary(fl::sub::<f64>),
        O::F64Mul => s.binary(fl::mul::<f64>),
        O::F64Div => s.binary(fl::div::<f64>),
        O::F64Min => s.binary(fl::min::<f64>),
        O::F64Max => s.binary(fl::max::<f64>),
        O::F64Copysign => s.binary(fl::copysign::<f64>),
        _ => convert(op, s),
    }
}

const TWO_31: f64 = 2_147_483_648.0;
const TWO_32: f64 = 2.0 * TWO_31;
const TWO_63: f64 = TWO_32 * TWO_31;
const TWO_64: f64 = 2.0 * TWO_63;

fn convert(op: &O<'_>, s: &mut Operands) -> Result<(), Trap> {
    match op {
        O::I32TruncF32S => s.try_unary(|x: f32| fl::integer(x.into(), -TWO_31, TWO_31).map(|n| n as i32)),
        O::I32TruncF32U => s.try_unary(|x: f32| fl::integer(x.into(), 0.0, TWO_32).map(|n| n as u32)),
        O::I32TruncF64S => s.try_unary(|x: f64| fl::integer(x, -TWO_31, TWO_31).map(|n| n as i32)),
        O::I32TruncF64U => s.try_unary(|x: f64| fl::integer(x, 0.0, TWO_32).map(|n| n as u32)),
        O::I64TruncF32S => s.try_unary(|x: f32| fl::integer(x.into(), -TWO_63, TWO_63).map(|n| n as i64)),
        O::I64TruncF32U => s.try_unary(|x: f32| fl::integer(x.into(), 0.0, TWO_64).map(|n| n as u64)),
        O::I64TruncF64S => s.try_unary(|x: f64| fl::integer(x, -TWO_63, TWO_63).map(|n| n as i64)),
        O::I64TruncF64U => s.try_unary(|x: f64| fl::integer(x, 0.0, TWO_64).map(|n| n as u64)),

        // `as` saturates, and takes NaN to 0.
        O::I32TruncSatF32S => s.unary(|x: f32| x as i32),
        O::I32TruncSatF32U => s.unary(|x: f32| x as u32),
        O::I32TruncSatF64S => s.unary(|x: f64| x as i32),
        O::I32TruncSatF64U => s.unary(|x: f64| x as u32),
        O::I64TruncSatF32S => s.unary(|x: f32| x as i64),
        O::I64TruncSatF32U => s.unary(|x: f32| x as u64),
        O::I64TruncSatF64S => s.unary(|x: f64| x as i64),
        O::I64TruncSatF64U => s.unary(|x: f64| x as u64),

        // `as` rounds to nearest, ties to even.
        O::F32ConvertI32S => s.unary(|x: i32| x as f32),
        O::F32ConvertI32U => s.unary(|x: u32| x as f32),
        O::F32ConvertI64S => s.unary(|x: i64| x as f32),
        O::F32ConvertI64U => s.unary(|x: u64| x as f32),
        O::F64ConvertI32S => s.unary(|x: i32| f64::from(x)),
        O::F64ConvertI32U => s.unary(|x: u32| f64::from(x)),
        O::F64ConvertI64S => s.unary(|x: i64| x as f64),
        O::F64ConvertI64U => s.unary(|x: u64| x as f64),
        O::F32DemoteF64 => s.unary(fl::demote),
        O::F64PromoteF32 => s.unary(fl::promote),

        O::I32ReinterpretF32 => s.unary(|x: f32| x.to_bits()),
        O::I64ReinterpretF64 => s.unary(|x: f64| x.to_bits()),
        O::F32ReinterpretI32 => s.unary(f32::from_bits),
        O::F64ReinterpretI64 => s.unary(f64::from_bits),
        _ => crate::simd::execute(op, s),
    }
}

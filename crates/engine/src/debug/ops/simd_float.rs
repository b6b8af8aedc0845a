//! Vectors of floats.
//!
//! Relaxed operators do what their strict relatives do; multiply-add rounds twice.

use super::float::{Float, arith, arith1, demote, max, min, promote};
use super::scalar::{build, lane, lanes, map, map2, test, test2};
use crate::ValType;
use crate::debug::op::{Bits, Op};
use wasmparser::Operator;

pub(super) fn pure(operator: &Operator<'_>) -> Option<(Op, ValType)> {
    single(operator).or_else(|| double(operator)).or_else(|| convert(operator)).map(|op| (op, ValType::V128))
}

fn single(operator: &Operator<'_>) -> Option<Op> {
    use Operator as O;
    Some(match *operator {
        O::F32x4Eq => test!(f32, |x, y| x == y),
        O::F32x4Ne => test!(f32, |x, y| x != y),
        O::F32x4Lt => test!(f32, |x, y| x < y),
        O::F32x4Gt => test!(f32, |x, y| x > y),
        O::F32x4Le => test!(f32, |x, y| x <= y),
        O::F32x4Ge => test!(f32, |x, y| x >= y),
        O::F32x4Ceil => lanes!(f32, |x| arith1(x, x.ceil())),
        O::F32x4Floor => lanes!(f32, |x| arith1(x, x.floor())),
        O::F32x4Trunc => lanes!(f32, |x| arith1(x, x.trunc())),
        O::F32x4Nearest => lanes!(f32, |x| arith1(x, x.round_ties_even())),
        O::F32x4Abs => lanes!(u32, |x| x & 0x7fff_ffff),
        O::F32x4Neg => lanes!(u32, |x| x ^ 0x8000_0000),
        O::F32x4Sqrt => lanes!(f32, |x| arith1(x, x.sqrt())),
        O::F32x4Add => lanes!(f32, |x, y| arith(x, y, x + y)),
        O::F32x4Sub => lanes!(f32, |x, y| arith(x, y, x - y)),
        O::F32x4Mul => lanes!(f32, |x, y| arith(x, y, x * y)),
        O::F32x4Div => lanes!(f32, |x, y| arith(x, y, x / y)),
        O::F32x4Min | O::F32x4RelaxedMin => lanes!(f32, |x, y| min(x, y)),
        O::F32x4Max | O::F32x4RelaxedMax => lanes!(f32, |x, y| max(x, y)),
        O::F32x4PMin => lanes!(f32, |x, y| if y < x { y } else { x }),
        O::F32x4PMax => lanes!(f32, |x, y| if x < y { y } else { x }),
        O::F32x4RelaxedMadd => Op::Ternary(multiply_add::<f32>),
        O::F32x4RelaxedNmadd => {
            Op::Ternary(|x, y, z| multiply_add::<f32>(map(x, |x: u32| x ^ 0x8000_0000), y, z))
        }
        _ => return None,
    })
}

fn double(operator: &Operator<'_>) -> Option<Op> {
    use Operator as O;
    Some(match *operator {
        O::F64x2Eq => test!(f64, |x, y| x == y),
        O::F64x2Ne => test!(f64, |x, y| x != y),
        O::F64x2Lt => test!(f64, |x, y| x < y),
        O::F64x2Gt => test!(f64, |x, y| x > y),
        O::F64x2Le => test!(f64, |x, y| x <= y),
        O::F64x2Ge => test!(f64, |x, y| x >= y),
        O::F64x2Ceil => lanes!(f64, |x| arith1(x, x.ceil())),
        O::F64x2Floor => lanes!(f64, |x| arith1(x, x.floor())),
        O::F64x2Trunc => lanes!(f64, |x| arith1(x, x.trunc())),
        O::F64x2Nearest => lanes!(f64, |x| arith1(x, x.round_ties_even())),
        O::F64x2Abs => lanes!(u64, |x| x & !(1 << 63)),
        O::F64x2Neg => lanes!(u64, |x| x ^ 1 << 63),
        O::F64x2Sqrt => lanes!(f64, |x| arith1(x, x.sqrt())),
        O::F64x2Add => lanes!(f64, |x, y| arith(x, y, x + y)),
        O::F64x2Sub => lanes!(f64, |x, y| arith(x, y, x - y)),
        O::F64x2Mul => lanes!(f64, |x, y| arith(x, y, x * y)),
        O::F64x2Div => lanes!(f64, |x, y| arith(x, y, x / y)),
        O::F64x2Min | O::F64x2RelaxedMin => lanes!(f64, |x, y| min(x, y)),
        O::F64x2Max | O::F64x2RelaxedMax => lanes!(f64, |x, y| max(x, y)),
        O::F64x2PMin => lanes!(f64, |x, y| if y < x { y } else { x }),
        O::F64x2PMax => lanes!(f64, |x, y| if x < y { y } else { x }),
        O::F64x2RelaxedMadd => Op::Ternary(multiply_add::<f64>),
        O::F64x2RelaxedNmadd => {
            Op::Ternary(|x, y, z| multiply_add::<f64>(map(x, |x: u64| x ^ 1 << 63), y, z))
        }
        _ => return None,
    })
}

fn convert(operator: &Operator<'_>) -> Option<Op> {
    use Operator as O;
    Some(match *operator {
        O::I32x4TruncSatF32x4S | O::I32x4RelaxedTruncF32x4S => lanes!(f32, |x| x as i32),
        O::I32x4TruncSatF32x4U | O::I32x4RelaxedTruncF32x4U => lanes!(f32, |x| x as u32),
        O::I32x4TruncSatF64x2SZero | O::I32x4RelaxedTruncF64x2SZero => {
            Op::Unary(|x| build(|i| if i < 2 { lane::<f64>(x, i) as i32 } else { 0 }))
        }
        O::I32x4TruncSatF64x2UZero | O::I32x4RelaxedTruncF64x2UZero => {
            Op::Unary(|x| build(|i| if i < 2 { lane::<f64>(x, i) as u32 } else { 0 }))
        }
        O::F32x4ConvertI32x4S => lanes!(i32, |x| x as f32),
        O::F32x4ConvertI32x4U => lanes!(u32, |x| x as f32),
        O::F64x2ConvertLowI32x4S => Op::Unary(|x| build(|i| f64::from(lane::<i32>(x, i)))),
        O::F64x2ConvertLowI32x4U => Op::Unary(|x| build(|i| f64::from(lane::<u32>(x, i)))),
        O::F32x4DemoteF64x2Zero => {
            Op::Unary(|x| build(|i| if i < 2 { demote(lane::<f64>(x, i)) } else { 0.0 }))
        }
        O::F64x2PromoteLowF32x4 => Op::Unary(|x| build(|i| promote(lane::<f32>(x, i)))),
        _ => return None,
    })
}

fn multiply_add<F: Float>(x: Bits, y: Bits, z: Bits) -> Bits {
    build(|i| {
        let (x, y, z): (F, F, F) = (lane(x, i), lane(y, i), lane(z, i));
        let product = arith(x, y, x * y);
        arith(product, z, product + z)
    })
}

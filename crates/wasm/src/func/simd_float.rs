//! Vectors of floats: arithmetic, comparison, conversion.
//!
//! Relaxed operators do what their strict relatives do; multiply-add rounds twice.

use super::state::Translator;
use crate::WasmError;
use sidetrack_ir::types::{F32X4, F64X2, I32X4, I64X2};
use sidetrack_ir::{FloatCC, Opcode, Type};
use wasmparser::Operator;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use FloatCC as Cc;
    use Opcode as Op;
    use Operator as O;
    match *operator {
        O::F32x4Eq => t.compare_float_lanes(F32X4, Cc::Equal),
        O::F32x4Ne => t.compare_float_lanes(F32X4, Cc::NotEqual),
        O::F32x4Lt => t.compare_float_lanes(F32X4, Cc::LessThan),
        O::F32x4Gt => t.compare_float_lanes(F32X4, Cc::GreaterThan),
        O::F32x4Le => t.compare_float_lanes(F32X4, Cc::LessThanOrEqual),
        O::F32x4Ge => t.compare_float_lanes(F32X4, Cc::GreaterThanOrEqual),
        O::F32x4Ceil => t.unary_lanes(F32X4, Op::Ceil),
        O::F32x4Floor => t.unary_lanes(F32X4, Op::Floor),
        O::F32x4Trunc => t.unary_lanes(F32X4, Op::Trunc),
        O::F32x4Nearest => t.unary_lanes(F32X4, Op::Nearest),
        O::F32x4Abs => t.unary_lanes(F32X4, Op::Fabs),
        O::F32x4Neg => t.unary_lanes(F32X4, Op::Fneg),
        O::F32x4Sqrt => t.unary_lanes(F32X4, Op::Sqrt),
        O::F32x4Add => t.binary_lanes(F32X4, Op::Fadd),
        O::F32x4Sub => t.binary_lanes(F32X4, Op::Fsub),
        O::F32x4Mul => t.binary_lanes(F32X4, Op::Fmul),
        O::F32x4Div => t.binary_lanes(F32X4, Op::Fdiv),
        O::F32x4Min | O::F32x4RelaxedMin => t.binary_lanes(F32X4, Op::Fmin),
        O::F32x4Max | O::F32x4RelaxedMax => t.binary_lanes(F32X4, Op::Fmax),
        O::F32x4PMin => pseudo(t, F32X4, true),
        O::F32x4PMax => pseudo(t, F32X4, false),
        O::F32x4RelaxedMadd => multiply_add(t, F32X4, false),
        O::F32x4RelaxedNmadd => multiply_add(t, F32X4, true),

        O::F64x2Eq => t.compare_float_lanes(F64X2, Cc::Equal),
        O::F64x2Ne => t.compare_float_lanes(F64X2, Cc::NotEqual),
        O::F64x2Lt => t.compare_float_lanes(F64X2, Cc::LessThan),
        O::F64x2Gt => t.compare_float_lanes(F64X2, Cc::GreaterThan),
        O::F64x2Le => t.compare_float_lanes(F64X2, Cc::LessThanOrEqual),
        O::F64x2Ge => t.compare_float_lanes(F64X2, Cc::GreaterThanOrEqual),
        O::F64x2Ceil => t.unary_lanes(F64X2, Op::Ceil),
        O::F64x2Floor => t.unary_lanes(F64X2, Op::Floor),
        O::F64x2Trunc => t.unary_lanes(F64X2, Op::Trunc),
        O::F64x2Nearest => t.unary_lanes(F64X2, Op::Nearest),
        O::F64x2Abs => t.unary_lanes(F64X2, Op::Fabs),
        O::F64x2Neg => t.unary_lanes(F64X2, Op::Fneg),
        O::F64x2Sqrt => t.unary_lanes(F64X2, Op::Sqrt),
        O::F64x2Add => t.binary_lanes(F64X2, Op::Fadd),
        O::F64x2Sub => t.binary_lanes(F64X2, Op::Fsub),
        O::F64x2Mul => t.binary_lanes(F64X2, Op::Fmul),
        O::F64x2Div => t.binary_lanes(F64X2, Op::Fdiv),
        O::F64x2Min | O::F64x2RelaxedMin => t.binary_lanes(F64X2, Op::Fmin),
        O::F64x2Max | O::F64x2RelaxedMax => t.binary_lanes(F64X2, Op::Fmax),
        O::F64x2PMin => pseudo(t, F64X2, true),
        O::F64x2PMax => pseudo(t, F64X2, false),
        O::F64x2RelaxedMadd => multiply_add(t, F64X2, false),
        O::F64x2RelaxedNmadd => multiply_add(t, F64X2, true),

        O::I32x4TruncSatF32x4S | O::I32x4RelaxedTruncF32x4S => {
            t.convert_lanes(F32X4, Op::FcvtToSintSat, I32X4)
        }
        O::F32x4ConvertI32x4S => t.convert_lanes(I32X4, Op::FcvtFromSint, F32X4),
        O::I32x4TruncSatF32x4U | O::I32x4RelaxedTruncF32x4U => {
            t.convert_lanes(F32X4, Op::FcvtToUintSat, I32X4)
        }
        O::F32x4ConvertI32x4U => t.convert_lanes(I32X4, Op::FcvtFromUint, F32X4),
        O::I32x4TruncSatF64x2SZero | O::I32x4RelaxedTruncF64x2SZero => {
            truncate_low(t, Op::FcvtToSintSat, Op::Snarrow)
        }
        O::I32x4TruncSatF64x2UZero | O::I32x4RelaxedTruncF64x2UZero => {
            truncate_low(t, Op::FcvtToUintSat, Op::Uunarrow)
        }
        O::F64x2ConvertLowI32x4S => {
            t.unary_lanes(I32X4, Op::SwidenLow);
            t.convert_lanes(I64X2, Op::FcvtFromSint, F64X2);
        }
        O::F64x2ConvertLowI32x4U => {
            t.unary_lanes(I32X4, Op::UwidenLow);
            t.convert_lanes(I64X2, Op::FcvtFromUint, F64X2);
        }
        O::F32x4DemoteF64x2Zero => t.unary_lanes(F64X2, Op::Fvdemote),
        O::F64x2PromoteLowF32x4 => t.unary_lanes(F32X4, Op::FvpromoteLow),
        _ => return super::simd_memory::translate(t, operator, pc),
    }
    Ok(())
}

/// `pmin` and `pmax`: the second operand where it is less (greater), else the
/// first.
fn pseudo(t: &mut Translator<'_>, ty: Type, min: bool) {
    let y = t.pop_vector(ty);
    let x = t.pop_vector(ty);
    let takes_y = if min { t.b.fcmp(FloatCC::LessThan, y, x) } else { t.b.fcmp(FloatCC::LessThan, x, y) };
    let takes_y = t.as_vector(takes_y, ty);
    let result = t.b.op(Opcode::Bitselect, &[takes_y, y, x]);
    t.push(result);
}

fn multiply_add(t: &mut Translator<'_>, ty: Type, negate: bool) {
    let z = t.pop_vector(ty);
    let y = t.pop_vector(ty);
    let x = t.pop_vector(ty);
    let x = if negate { t.b.op(Opcode::Fneg, &[x]) } else { x };
    let product = t.b.op(Opcode::Fmul, &[x, y]);
    let sum = t.b.op(Opcode::Fadd, &[product, z]);
    t.push(sum);
}

/// Two doubles to 32-bit integers, saturating twice: what fits in 32 bits fits in
/// 64. The upper two lanes are zero.
fn truncate_low(t: &mut Translator<'_>, convert: Opcode, narrow: Opcode) {
    t.convert_lanes(F64X2, convert, I64X2);
    let x = t.pop_vector(I64X2);
    let zero = t.b.vconst(I64X2, [0; 16]);
    let result = t.b.op(narrow, &[x, zero]);
    t.push(result);
}

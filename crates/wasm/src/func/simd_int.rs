//! Vectors of integers: arithmetic, comparison, shifts, widening and narrowing.

use super::state::Translator;
use crate::WasmError;
use sidetrack_ir::types::{I8X16, I16X8, I32X4, I64X2};
use sidetrack_ir::{IntCC, Opcode, Type};
use wasmparser::Operator;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use IntCC as Cc;
    use Opcode as Op;
    use Operator as O;
    match *operator {
        O::I8x16Eq => t.compare_lanes(I8X16, Cc::Equal),
        O::I8x16Ne => t.compare_lanes(I8X16, Cc::NotEqual),
        O::I8x16LtS => t.compare_lanes(I8X16, Cc::SignedLessThan),
        O::I8x16LtU => t.compare_lanes(I8X16, Cc::UnsignedLessThan),
        O::I8x16GtS => t.compare_lanes(I8X16, Cc::SignedGreaterThan),
        O::I8x16GtU => t.compare_lanes(I8X16, Cc::UnsignedGreaterThan),
        O::I8x16LeS => t.compare_lanes(I8X16, Cc::SignedLessThanOrEqual),
        O::I8x16LeU => t.compare_lanes(I8X16, Cc::UnsignedLessThanOrEqual),
        O::I8x16GeS => t.compare_lanes(I8X16, Cc::SignedGreaterThanOrEqual),
        O::I8x16GeU => t.compare_lanes(I8X16, Cc::UnsignedGreaterThanOrEqual),

        O::I16x8Eq => t.compare_lanes(I16X8, Cc::Equal),
        O::I16x8Ne => t.compare_lanes(I16X8, Cc::NotEqual),
        O::I16x8LtS => t.compare_lanes(I16X8, Cc::SignedLessThan),
        O::I16x8LtU => t.compare_lanes(I16X8, Cc::UnsignedLessThan),
        O::I16x8GtS => t.compare_lanes(I16X8, Cc::SignedGreaterThan),
        O::I16x8GtU => t.compare_lanes(I16X8, Cc::UnsignedGreaterThan),
        O::I16x8LeS => t.compare_lanes(I16X8, Cc::SignedLessThanOrEqual),
        O::I16x8LeU => t.compare_lanes(I16X8, Cc::UnsignedLessThanOrEqual),
        O::I16x8GeS => t.compare_lanes(I16X8, Cc::SignedGreaterThanOrEqual),
        O::I16x8GeU => t.compare_lanes(I16X8, Cc::UnsignedGreaterThanOrEqual),

        O::I32x4Eq => t.compare_lanes(I32X4, Cc::Equal),
        O::I32x4Ne => t.compare_lanes(I32X4, Cc::NotEqual),
        O::I32x4LtS => t.compare_lanes(I32X4, Cc::SignedLessThan),
        O::I32x4LtU => t.compare_lanes(I32X4, Cc::UnsignedLessThan),
        O::I32x4GtS => t.compare_lanes(I32X4, Cc::SignedGreaterThan),
        O::I32x4GtU => t.compare_lanes(I32X4, Cc::UnsignedGreaterThan),
        O::I32x4LeS => t.compare_lanes(I32X4, Cc::SignedLessThanOrEqual),
        O::I32x4LeU => t.compare_lanes(I32X4, Cc::UnsignedLessThanOrEqual),
        O::I32x4GeS => t.compare_lanes(I32X4, Cc::SignedGreaterThanOrEqual),
        O::I32x4GeU => t.compare_lanes(I32X4, Cc::UnsignedGreaterThanOrEqual),

        O::I64x2Eq => t.compare_lanes(I64X2, Cc::Equal),
        O::I64x2Ne => t.compare_lanes(I64X2, Cc::NotEqual),
        O::I64x2LtS => t.compare_lanes(I64X2, Cc::SignedLessThan),
        O::I64x2GtS => t.compare_lanes(I64X2, Cc::SignedGreaterThan),
        O::I64x2LeS => t.compare_lanes(I64X2, Cc::SignedLessThanOrEqual),
        O::I64x2GeS => t.compare_lanes(I64X2, Cc::SignedGreaterThanOrEqual),

        O::I8x16Abs => t.unary_lanes(I8X16, Op::Iabs),
        O::I8x16Neg => t.unary_lanes(I8X16, Op::Ineg),
        O::I8x16Popcnt => t.unary_lanes(I8X16, Op::Popcnt),
        O::I8x16Shl => t.shift_lanes(I8X16, Op::Ishl),
        O::I8x16ShrS => t.shift_lanes(I8X16, Op::Sshr),
        O::I8x16ShrU => t.shift_lanes(I8X16, Op::Ushr),
        O::I8x16Add => t.binary_lanes(I8X16, Op::Iadd),
        O::I8x16Sub => t.binary_lanes(I8X16, Op::Isub),
        O::I8x16AddSatS => t.binary_lanes(I8X16, Op::SaddSat),
        O::I8x16AddSatU => t.binary_lanes(I8X16, Op::UaddSat),
        O::I8x16SubSatS => t.binary_lanes(I8X16, Op::SsubSat),
        O::I8x16SubSatU => t.binary_lanes(I8X16, Op::UsubSat),
        O::I8x16AvgrU => t.binary_lanes(I8X16, Op::AvgRound),
        O::I8x16MinS => t.binary_lanes(I8X16, Op::Smin),
        O::I8x16MinU => t.binary_lanes(I8X16, Op::Umin),
        O::I8x16MaxS => t.binary_lanes(I8X16, Op::Smax),
        O::I8x16MaxU => t.binary_lanes(I8X16, Op::Umax),

        O::I16x8Abs => t.unary_lanes(I16X8, Op::Iabs),
        O::I16x8Neg => t.unary_lanes(I16X8, Op::Ineg),
        O::I16x8Shl => t.shift_lanes(I16X8, Op::Ishl),
        O::I16x8ShrS => t.shift_lanes(I16X8, Op::Sshr),
        O::I16x8ShrU => t.shift_lanes(I16X8, Op::Ushr),
        O::I16x8Add => t.binary_lanes(I16X8, Op::Iadd),
        O::I16x8Sub => t.binary_lanes(I16X8, Op::Isub),
        O::I16x8Mul => t.binary_lanes(I16X8, Op::Imul),
        O::I16x8AddSatS => t.binary_lanes(I16X8, Op::SaddSat),
        O::I16x8AddSatU => t.binary_lanes(I16X8, Op::UaddSat),
        O::I16x8SubSatS => t.binary_lanes(I16X8, Op::SsubSat),
        O::I16x8SubSatU => t.binary_lanes(I16X8, Op::UsubSat),
        O::I16x8AvgrU => t.binary_lanes(I16X8, Op::AvgRound),
        O::I16x8MinS => t.binary_lanes(I16X8, Op::Smin),
        O::I16x8MinU => t.binary_lanes(I16X8, Op::Umin),
        O::I16x8MaxS => t.binary_lanes(I16X8, Op::Smax),
        O::I16x8MaxU => t.binary_lanes(I16X8, Op::Umax),

        O::I32x4Abs => t.unary_lanes(I32X4, Op::Iabs),
        O::I32x4Neg => t.unary_lanes(I32X4, Op::Ineg),
        O::I32x4Shl => t.shift_lanes(I32X4, Op::Ishl),
        O::I32x4ShrS => t.shift_lanes(I32X4, Op::Sshr),
        O::I32x4ShrU => t.shift_lanes(I32X4, Op::Ushr),
        O::I32x4Add => t.binary_lanes(I32X4, Op::Iadd),
        O::I32x4Sub => t.binary_lanes(I32X4, Op::Isub),
        O::I32x4Mul => t.binary_lanes(I32X4, Op::Imul),
        O::I32x4MinS => t.binary_lanes(I32X4, Op::Smin),
        O::I32x4MinU => t.binary_lanes(I32X4, Op::Umin),
        O::I32x4MaxS => t.binary_lanes(I32X4, Op::Smax),
        O::I32x4MaxU => t.binary_lanes(I32X4, Op::Umax),

        O::I64x2Abs => t.unary_lanes(I64X2, Op::Iabs),
        O::I64x2Neg => t.unary_lanes(I64X2, Op::Ineg),
        O::I64x2Shl => t.shift_lanes(I64X2, Op::Ishl),
        O::I64x2ShrS => t.shift_lanes(I64X2, Op::Sshr),
        O::I64x2ShrU => t.shift_lanes(I64X2, Op::Ushr),
        O::I64x2Add => t.binary_lanes(I64X2, Op::Iadd),
        O::I64x2Sub => t.binary_lanes(I64X2, Op::Isub),
        O::I64x2Mul => t.binary_lanes(I64X2, Op::Imul),

        O::I16x8Q15MulrSatS | O::I16x8RelaxedQ15mulrS => t.binary_lanes(I16X8, Op::SqmulRoundSat),
        O::I8x16NarrowI16x8S => t.binary_lanes(I16X8, Op::Snarrow),
        O::I8x16NarrowI16x8U => t.binary_lanes(I16X8, Op::Unarrow),
        O::I16x8NarrowI32x4S => t.binary_lanes(I32X4, Op::Snarrow),
        O::I16x8NarrowI32x4U => t.binary_lanes(I32X4, Op::Unarrow),
        O::I16x8ExtendLowI8x16S => t.unary_lanes(I8X16, Op::SwidenLow),
        O::I16x8ExtMulLowI8x16S => multiply_widened(t, I8X16, Op::SwidenLow),
        O::I16x8ExtendLowI8x16U => t.unary_lanes(I8X16, Op::UwidenLow),
        O::I16x8ExtMulLowI8x16U => multiply_widened(t, I8X16, Op::UwidenLow),
        O::I16x8ExtendHighI8x16S => t.unary_lanes(I8X16, Op::SwidenHigh),
        O::I16x8ExtMulHighI8x16S => multiply_widened(t, I8X16, Op::SwidenHigh),
        O::I16x8ExtendHighI8x16U => t.unary_lanes(I8X16, Op::UwidenHigh),
        O::I16x8ExtMulHighI8x16U => multiply_widened(t, I8X16, Op::UwidenHigh),
        O::I32x4ExtendLowI16x8S => t.unary_lanes(I16X8, Op::SwidenLow),
        O::I32x4ExtMulLowI16x8S => multiply_widened(t, I16X8, Op::SwidenLow),
        O::I32x4ExtendLowI16x8U => t.unary_lanes(I16X8, Op::UwidenLow),
        O::I32x4ExtMulLowI16x8U => multiply_widened(t, I16X8, Op::UwidenLow),
        O::I32x4ExtendHighI16x8S => t.unary_lanes(I16X8, Op::SwidenHigh),
        O::I32x4ExtMulHighI16x8S => multiply_widened(t, I16X8, Op::SwidenHigh),
        O::I32x4ExtendHighI16x8U => t.unary_lanes(I16X8, Op::UwidenHigh),
        O::I32x4ExtMulHighI16x8U => multiply_widened(t, I16X8, Op::UwidenHigh),
        O::I64x2ExtendLowI32x4S => t.unary_lanes(I32X4, Op::SwidenLow),
        O::I64x2ExtMulLowI32x4S => multiply_widened(t, I32X4, Op::SwidenLow),
        O::I64x2ExtendLowI32x4U => t.unary_lanes(I32X4, Op::UwidenLow),
        O::I64x2ExtMulLowI32x4U => multiply_widened(t, I32X4, Op::UwidenLow),
        O::I64x2ExtendHighI32x4S => t.unary_lanes(I32X4, Op::SwidenHigh),
        O::I64x2ExtMulHighI32x4S => multiply_widened(t, I32X4, Op::SwidenHigh),
        O::I64x2ExtendHighI32x4U => t.unary_lanes(I32X4, Op::UwidenHigh),
        O::I64x2ExtMulHighI32x4U => multiply_widened(t, I32X4, Op::UwidenHigh),
        O::I16x8ExtAddPairwiseI8x16S => add_pairs(t, I8X16, Op::SwidenLow, Op::SwidenHigh),
        O::I16x8ExtAddPairwiseI8x16U => add_pairs(t, I8X16, Op::UwidenLow, Op::UwidenHigh),
        O::I32x4ExtAddPairwiseI16x8S => add_pairs(t, I16X8, Op::SwidenLow, Op::SwidenHigh),
        O::I32x4ExtAddPairwiseI16x8U => add_pairs(t, I16X8, Op::UwidenLow, Op::UwidenHigh),
        O::I32x4DotI16x8S => dot(t, I16X8),
        O::I16x8RelaxedDotI8x16I7x16S => dot(t, I8X16),
        O::I32x4RelaxedDotI8x16I7x16AddS => {
            let sum = t.pop_vector(I32X4);
            dot(t, I8X16);
            add_pairs(t, I16X8, Op::SwidenLow, Op::SwidenHigh);
            t.push(sum);
            t.binary_lanes(I32X4, Op::Iadd);
        }
        _ => return super::simd_float::translate(t, operator, pc),
    }
    Ok(())
}

/// Products of the widened lanes in one half of two vectors.
fn multiply_widened(t: &mut Translator<'_>, ty: Type, widen: Opcode) {
    let y = t.pop_vector(ty);
    let x = t.pop_vector(ty);
    let (x, y) = (t.b.op(widen, &[x]), t.b.op(widen, &[y]));
    let product = t.b.op(Opcode::Imul, &[x, y]);
    t.push(product);
}

/// Sums of neighbouring lanes, widened.
fn add_pairs(t: &mut Translator<'_>, ty: Type, widen_low: Opcode, widen_high: Opcode) {
    let x = t.pop_vector(ty);
    let (low, high) = (t.b.op(widen_low, &[x]), t.b.op(widen_high, &[x]));
    let sums = t.b.op(Opcode::IaddPairwise, &[low, high]);
    t.push(sums);
}

/// Sums of neighbouring widened products.
fn dot(t: &mut Translator<'_>, ty: Type) {
    let y = t.pop_vector(ty);
    let x = t.pop_vector(ty);
    let half = |t: &mut Translator<'_>, widen: Opcode| {
        let (x, y) = (t.b.op(widen, &[x]), t.b.op(widen, &[y]));
        t.b.op(Opcode::Imul, &[x, y])
    };
    let (low, high) = (half(t, Opcode::SwidenLow), half(t, Opcode::SwidenHigh));
    let sums = t.b.op(Opcode::IaddPairwise, &[low, high]);
    t.push(sums);
}

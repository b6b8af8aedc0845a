//! Conversions between scalar types.

use crate::data_value::DataValue;
use crate::memflags::TrapCode;
use crate::opcode::Opcode;
use crate::types::{F32, Type};

/// Evaluates a conversion to `ty` of a well-typed argument; `None` when the
/// opcode is not one of this file's.
pub(super) fn eval(opcode: Opcode, ty: Type, args: &[DataValue]) -> Option<Result<DataValue, TrapCode>> {
    let &[x] = args else { return None };
    let bits = match opcode {
        Opcode::Bitcast | Opcode::Ireduce | Opcode::Uextend => x.bits(),
        Opcode::Sextend => x.sext() as u64,
        Opcode::Fpromote if ty == x.ty() => quieted(x),
        Opcode::Fpromote if ty.bits() > x.ty().bits() => promote(x),
        Opcode::Fdemote if ty == x.ty() => quieted(x),
        Opcode::Fdemote if ty.bits() < x.ty().bits() => demote(x),
        Opcode::FcvtToUint | Opcode::FcvtToSint => {
            return Some(to_int(opcode, ty, as_f64(x)).map(|bits| DataValue::from_bits(ty, bits)));
        }
        Opcode::FcvtToUintSat | Opcode::FcvtToSintSat => to_int_saturating(opcode, ty, as_f64(x)),
        Opcode::FcvtFromUint if ty == F32 => u64::from((x.bits() as f32).to_bits()),
        Opcode::FcvtFromUint => (x.bits() as f64).to_bits(),
        Opcode::FcvtFromSint if ty == F32 => u64::from((x.sext() as f32).to_bits()),
        Opcode::FcvtFromSint => (x.sext() as f64).to_bits(),
        _ => return None,
    };
    Some(Ok(DataValue::from_bits(ty, bits)))
}

const QUIET_F32: u32 = 1 << 22;
const QUIET_F64: u64 = 1 << 51;
/// How many fraction bits a binary64 has more than a binary32.
const FRACTION_DIFFERENCE: u32 = 29;

/// The bits of the float as a binary64; a NaN keeps sign and payload, quieted.
fn promote(x: DataValue) -> u64 {
    match x {
        DataValue::F32(bits) if x.is_nan() => {
            let sign = u64::from(bits >> 31) << 63;
            let fraction = u64::from(bits & 0x007f_ffff | QUIET_F32) << FRACTION_DIFFERENCE;
            sign | f64::INFINITY.to_bits() | fraction
        }
        DataValue::F32(bits) => f64::from(f32::from_bits(bits)).to_bits(),
        _ => quieted(x),
    }
}

/// The bits of the float as a binary32; a NaN keeps sign and the payload's high
/// bits, quieted.
fn demote(x: DataValue) -> u64 {
    match x {
        DataValue::F64(bits) if x.is_nan() => {
            let sign = bits >> 63 << 31;
            let fraction = bits >> FRACTION_DIFFERENCE & 0x007f_ffff | u64::from(QUIET_F32);
            sign | u64::from(f32::INFINITY.to_bits()) | fraction
        }
        DataValue::F64(bits) => u64::from((f64::from_bits(bits) as f32).to_bits()),
        _ => quieted(x),
    }
}

/// The bits of the float, a NaN quieted.
fn quieted(x: DataValue) -> u64 {
    match x {
        DataValue::F32(bits) if x.is_nan() => u64::from(bits | QUIET_F32),
        _ if x.is_nan() => x.bits() | QUIET_F64,
        _ => x.bits(),
    }
}

/// The float as a number; exact, since every binary32 is a binary64.
fn as_f64(x: DataValue) -> f64 {
    f64::from_bits(promote(x))
}

/// The least integer of `ty` and the one past the greatest, which floats
/// represent exactly.
fn range(opcode: Opcode, ty: Type) -> (f64, f64) {
    let bits = ty.bits() as i32;
    match opcode {
        Opcode::FcvtToUint | Opcode::FcvtToUintSat => (0.0, 2f64.powi(bits)),
        _ => (-(2f64.powi(bits - 1)), 2f64.powi(bits - 1)),
    }
}

fn to_int(opcode: Opcode, ty: Type, x: f64) -> Result<u64, TrapCode> {
    if x.is_nan() {
        return Err(TrapCode::BAD_CONVERSION_TO_INTEGER);
    }
    let (least, past) = range(opcode, ty);
    let truncated = x.trunc();
    if truncated < least || truncated >= past {
        return Err(TrapCode::INTEGER_OVERFLOW);
    }
    Ok(to_int_saturating(opcode, ty, x))
}

/// The nearest integer of `ty` towards zero; 0 for NaN.
fn to_int_saturating(opcode: Opcode, ty: Type, x: f64) -> u64 {
    // `as` saturates at 64 bits and maps NaN to 0; clamping does narrower types.
    match opcode {
        Opcode::FcvtToUint | Opcode::FcvtToUintSat => (x as u64).min(ty.mask()),
        _ => {
            let max = (ty.mask() >> 1) as i64;
            (x as i64).clamp(-max - 1, max) as u64
        }
    }
}

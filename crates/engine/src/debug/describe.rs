//! Values as text.
//!
//! Every value has one text and every text one value: floats are written in
//! hexadecimal, with the payloads of NaNs.

use super::Value;
use crate::{HeapType, ValType};

/// A value with its type, as in step traces:
///
/// - integers are signed: `i32:-5`;
/// - floats as `%a` of C writes them, without trailing zeros: `f64:0x1.8p+1`,
///   `f32:-0x0p+0`, the smallest `f32` `f32:0x0.000002p-126`; and `f64:-inf`. A NaN has
///   its payload, the fraction's bits: `f32:nan:0x400000`, `f64:-nan:0x8000000000000`;
/// - vectors are all bits, lane 0 last: `v128:0x000102030405060708090a0b0c0d0e0f`;
/// - references are `funcref:null`, or `funcref:` and the number that `number` gives a
///   reference that is not null (of functions, the index); without one, `funcref:?`.
///   Likewise `externref` and `exnref`;
/// - what is not available is `?`: `i32:?`.
pub fn describe(value: Value, ty: ValType, number: impl FnOnce(HeapType, u64) -> Option<u64>) -> String {
    let prefix = match ty {
        ValType::Ref(ty) => match ty.heap {
            HeapType::Func | HeapType::Concrete(_) | HeapType::NoFunc => "funcref",
            HeapType::Extern | HeapType::NoExtern => "externref",
            HeapType::Exn | HeapType::NoExn => "exnref",
        },
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
    };
    let Some(bits) = value else { return format!("{prefix}:?") };
    let text = match ty {
        ValType::I32 => (bits as i32).to_string(),
        ValType::I64 => (bits as i64).to_string(),
        ValType::F32 => float(u64::from(bits as u32), 23, 8),
        ValType::F64 => float(bits as u64, 52, 11),
        ValType::V128 => format!("{bits:#034x}"),
        ValType::Ref(_) if bits == 0 => "null".to_owned(),
        ValType::Ref(ty) => {
            number(ty.heap, bits as u64).map_or_else(|| "?".to_owned(), |number| number.to_string())
        }
    };
    format!("{prefix}:{text}")
}

/// A float with so many bits of fraction and exponent.
fn float(bits: u64, fraction_bits: u32, exponent_bits: u32) -> String {
    let fraction = bits & ((1 << fraction_bits) - 1);
    let greatest = (1 << exponent_bits) - 1;
    let exponent = (bits >> fraction_bits) & greatest;
    let sign = if bits >> (fraction_bits + exponent_bits) != 0 { "-" } else { "" };
    if exponent == greatest {
        return match fraction {
            0 => format!("{sign}inf"),
            payload => format!("{sign}nan:{payload:#x}"),
        };
    }
    let bias = (greatest / 2) as i64;
    let (whole, power) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        (0, _) => (0, 1 - bias),
        _ => (1, exponent as i64 - bias),
    };
    let digits = fraction_bits.div_ceil(4);
    let aligned = fraction << (digits * 4 - fraction_bits);
    let digits = format!("{aligned:0width$x}", width = digits as usize);
    match digits.trim_end_matches('0') {
        "" => format!("{sign}0x{whole}p{power:+}"),
        digits => format!("{sign}0x{whole}.{digits}p{power:+}"),
    }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use crate::{HeapType, RefType, ValType};

    fn text(bits: u128, ty: ValType) -> String {
        describe(Some(bits), ty, |heap, raw| (heap != HeapType::Exn).then_some(raw / 8))
    }

    #[test]
    fn every_type() {
        let f32 = |x: f32| text(x.to_bits().into(), ValType::F32);
        let f64 = |x: f64| text(x.to_bits().into(), ValType::F64);
        let reference = |ty| ValType::Ref(ty);
        let cases = [
            (text(0xffff_fffb, ValType::I32), "i32:-5"),
            (text(1 << 63, ValType::I64), "i64:-9223372036854775808"),
            (f64(3.0), "f64:0x1.8p+1"),
            (f64(1.0), "f64:0x1p+0"),
            (f64(-0.1), "f64:-0x1.999999999999ap-4"),
            (f64(f64::MAX), "f64:0x1.fffffffffffffp+1023"),
            (f64(f64::from_bits(1)), "f64:0x0.0000000000001p-1022"),
            (f64(f64::NEG_INFINITY), "f64:-inf"),
            (text(0xfff8_0000_0000_0000, ValType::F64), "f64:-nan:0x8000000000000"),
            (f32(0.0), "f32:0x0p+0"),
            (f32(-0.0), "f32:-0x0p+0"),
            (f32(0.1), "f32:0x1.99999ap-4"),
            (f32(f32::from_bits(1)), "f32:0x0.000002p-126"),
            (f32(f32::MIN_POSITIVE), "f32:0x1p-126"),
            (text(0x7fc0_0000, ValType::F32), "f32:nan:0x400000"),
            (text(0x7f80_0001, ValType::F32), "f32:nan:0x1"),
            (text(0x0f, ValType::V128), "v128:0x0000000000000000000000000000000f"),
            (text(0, reference(RefType::FUNC)), "funcref:null"),
            (text(24, reference(RefType::FUNC)), "funcref:3"),
            (text(8, reference(RefType { nullable: false, heap: HeapType::Concrete(7) })), "funcref:1"),
            (text(0, reference(RefType::EXTERN)), "externref:null"),
            (text(16, reference(RefType::EXTERN)), "externref:2"),
            (text(16, reference(RefType::EXN)), "exnref:?"),
            (describe(None, ValType::I32, |_, _| None), "i32:?"),
        ];
        for (text, expected) in cases {
            assert_eq!(text, expected);
        }
    }
}

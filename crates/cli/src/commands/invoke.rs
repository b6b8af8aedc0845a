//! Calling an export: arguments from text, results as text.

use super::counted;
use sidetrack_engine::{FuncType, Printable, V128, Val, ValType};
use std::ffi::OsString;

/// The arguments of `name` from what the command line has.
///
/// # Errors
/// If there are too many or too few, or one does not fit its parameter; the message
/// says which, and its type.
pub fn arguments(name: &str, ty: &FuncType, texts: &[OsString]) -> Result<Vec<Val>, String> {
    let name = Printable::name(name);
    if texts.len() != ty.params.len() {
        let takes = counted(ty.params.len(), "argument");
        return Err(format!("`{name}` takes {takes} {ty}, {} given", texts.len()));
    }
    let value = |(index, (text, ty)): (usize, (&OsString, &ValType))| {
        let text = text.to_string_lossy();
        parse(&text, *ty).ok_or_else(|| {
            let text = Printable::name(&text);
            format!("parameter {} of `{name}` has the type {ty}; `{text}` is none", index + 1)
        })
    };
    texts.iter().zip(&ty.params).enumerate().map(value).collect()
}

/// A value from text: decimal or hexadecimal integers, signed or not; floats as Rust
/// reads them; `null` for references.
fn parse(text: &str, ty: ValType) -> Option<Val> {
    match ty {
        ValType::I32 => integer(text, 32).map(|bits| Val::I32(bits as i32)),
        ValType::I64 => integer(text, 64).map(|bits| Val::I64(bits as i64)),
        ValType::V128 => integer(text, 128).map(|bits| Val::V128(V128::from(bits))),
        ValType::F32 => text.parse::<f32>().ok().map(Val::from),
        ValType::F64 => text.parse::<f64>().ok().map(Val::from),
        ValType::Ref(ty) => (text == "null" && ty.nullable).then(|| Val::null_ref(ty.heap)),
    }
}

/// An integer that fits in `width` bits, signed or unsigned.
fn integer(text: &str, width: u32) -> Option<u128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = match digits.strip_prefix("0x") {
        Some(digits) if !digits.starts_with(['-', '+']) => u128::from_str_radix(digits, 16),
        Some(_) => return None,
        None => digits.parse(),
    };
    let magnitude = magnitude.ok()?;
    let limit = if negative { 1 << (width - 1) } else { u128::MAX >> (128 - width) };
    (magnitude <= limit).then(|| if negative { magnitude.wrapping_neg() } else { magnitude })
}

/// A result as text.
pub fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::V128(value) => format!("{:#034x}", value.as_u128()),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => "null".to_string(),
        Val::FuncRef(Some(_)) => "funcref".to_string(),
        Val::ExternRef(Some(_)) => "externref".to_string(),
        Val::ExnRef(Some(_)) => "exnref".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_fit_signed_or_unsigned() {
        for (text, width, bits) in [
            ("0", 32, Some(0)),
            ("-1", 32, Some(u128::MAX)),
            ("4294967295", 32, Some(0xffff_ffff)),
            ("4294967296", 32, None),
            ("-2147483648", 32, Some((1_u128 << 31).wrapping_neg())),
            ("-2147483649", 32, None),
            ("0xFf", 32, Some(255)),
            ("-0x1", 64, Some(u128::MAX)),
            ("0x-1", 64, None),
            ("--1", 64, None),
            ("+1", 64, None),
            ("", 32, None),
            ("0x", 32, None),
            ("340282366920938463463374607431768211455", 128, Some(u128::MAX)),
        ] {
            assert_eq!(integer(text, width), bits, "{text}");
        }
    }
}

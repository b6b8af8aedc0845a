//! Values in scripts: arguments, what results are expected, and how both are shown.

use sidetrack_engine::{ExternRef, HeapType, Store, V128, Val};
use std::fmt::Write;
use wast::core::{
    AbstractHeapType, HeapType as TextHeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore,
};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};

const F32_NAN: u32 = 0x7fc0_0000;
const F64_NAN: u64 = 0x7ff8_0000_0000_0000;

/// An argument of a call.
///
/// # Errors
/// The name of what is not supported.
pub fn argument(store: &mut Store<()>, arg: &WastArg<'_>) -> Result<Val, String> {
    let WastArg::Core(arg) = arg else { return Err("the component model".to_string()) };
    Ok(match arg {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(V128::from(u128::from_le_bytes(value.to_le_bytes()))),
        WastArgCore::RefNull(heap) => Val::null_ref(heap_type(heap)?),
        WastArgCore::RefExtern(number) => Val::ExternRef(Some(ExternRef::new(store, *number))),
        WastArgCore::RefHost(_) => return Err("garbage collection".to_string()),
    })
}

fn heap_type(heap: &TextHeapType<'_>) -> Result<HeapType, String> {
    let TextHeapType::Abstract { shared: false, ty } = heap else {
        return Err("typed function references".to_string());
    };
    match ty {
        AbstractHeapType::Func => Ok(HeapType::Func),
        AbstractHeapType::Extern => Ok(HeapType::Extern),
        AbstractHeapType::Exn => Ok(HeapType::Exn),
        AbstractHeapType::NoFunc => Ok(HeapType::NoFunc),
        AbstractHeapType::NoExtern => Ok(HeapType::NoExtern),
        AbstractHeapType::NoExn => Ok(HeapType::NoExn),
        AbstractHeapType::Cont | AbstractHeapType::NoCont => Err("stack switching".to_string()),
        _ => Err("garbage collection".to_string()),
    }
}

/// Whether the results of a call are the expected ones; if not, both as text.
///
/// # Errors
/// What was expected and what there is.
pub fn check(store: &Store<()>, expected: &[WastRet<'_>], results: &[Val]) -> Result<(), String> {
    let good = expected.len() == results.len()
        && expected.iter().zip(results).all(|(expected, result)| match expected {
            WastRet::Core(expected) => matches(store, expected, result),
            _ => false,
        });
    if good {
        return Ok(());
    }
    let expected: Vec<String> = expected.iter().map(show_expected).collect();
    Err(format!("expected {}, got {}", list(&expected), show_all(store, results)))
}

/// Values as text.
pub fn show_all(store: &Store<()>, values: &[Val]) -> String {
    list(&values.iter().map(|value| show(store, value)).collect::<Vec<_>>())
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "no results".to_string() } else { items.join(" ") }
}

fn matches(store: &Store<()>, expected: &WastRetCore<'_>, result: &Val) -> bool {
    match (expected, result) {
        (WastRetCore::I32(expected), Val::I32(result)) => expected == result,
        (WastRetCore::I64(expected), Val::I64(result)) => expected == result,
        (WastRetCore::F32(expected), Val::F32(result)) => f32_matches(expected, *result),
        (WastRetCore::F64(expected), Val::F64(result)) => f64_matches(expected, *result),
        (WastRetCore::V128(expected), Val::V128(result)) => v128_matches(expected, result.as_u128()),
        (WastRetCore::RefNull(None), value) => is_null(value),
        (WastRetCore::RefNull(Some(heap)), value) => {
            let null = heap_type(heap).map(Val::null_ref);
            is_null(value)
                && null.is_ok_and(|null| std::mem::discriminant(&null) == std::mem::discriminant(value))
        }
        (WastRetCore::RefExtern(None), Val::ExternRef(object)) => object.is_some(),
        (WastRetCore::RefExtern(Some(number)), Val::ExternRef(Some(object))) => {
            object.data(store).downcast_ref::<u32>() == Some(number)
        }
        (WastRetCore::RefFunc(_), Val::FuncRef(func)) => func.is_some(),
        (WastRetCore::Either(cases), value) => cases.iter().any(|case| matches(store, case, value)),
        _ => false,
    }
}

fn is_null(value: &Val) -> bool {
    matches!(value, Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None))
}

fn f32_matches(expected: &NanPattern<F32>, bits: u32) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & !(1 << 31) == F32_NAN,
        NanPattern::ArithmeticNan => bits & F32_NAN == F32_NAN,
        NanPattern::Value(value) => value.bits == bits,
    }
}

fn f64_matches(expected: &NanPattern<F64>, bits: u64) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & !(1 << 63) == F64_NAN,
        NanPattern::ArithmeticNan => bits & F64_NAN == F64_NAN,
        NanPattern::Value(value) => value.bits == bits,
    }
}

fn v128_matches(expected: &V128Pattern, bits: u128) -> bool {
    let lane = |index: usize, width: usize| (bits >> (index * width)) as u64;
    match expected {
        V128Pattern::I8x16(lanes) => (0..16).all(|i| lanes[i] as u8 == lane(i, 8) as u8),
        V128Pattern::I16x8(lanes) => (0..8).all(|i| lanes[i] as u16 == lane(i, 16) as u16),
        V128Pattern::I32x4(lanes) => (0..4).all(|i| lanes[i] as u32 == lane(i, 32) as u32),
        V128Pattern::I64x2(lanes) => (0..2).all(|i| lanes[i] as u64 == lane(i, 64)),
        V128Pattern::F32x4(lanes) => (0..4).all(|i| f32_matches(&lanes[i], lane(i, 32) as u32)),
        V128Pattern::F64x2(lanes) => (0..2).all(|i| f64_matches(&lanes[i], lane(i, 64))),
    }
}

fn show(store: &Store<()>, value: &Val) -> String {
    match value {
        Val::I32(value) => format!("i32:{value}"),
        Val::I64(value) => format!("i64:{value}"),
        Val::F32(bits) => show_f32(*bits),
        Val::F64(bits) => show_f64(*bits),
        Val::V128(value) => format!("v128:{:#034x}", value.as_u128()),
        Val::ExternRef(Some(object)) => match object.data(store).downcast_ref::<u32>() {
            Some(number) => format!("externref:{number}"),
            None => "externref".to_string(),
        },
        Val::FuncRef(Some(_)) => "funcref".to_string(),
        Val::ExnRef(Some(_)) => "exnref".to_string(),
        Val::FuncRef(None) => "funcref:null".to_string(),
        Val::ExternRef(None) => "externref:null".to_string(),
        Val::ExnRef(None) => "exnref:null".to_string(),
    }
}

fn show_f32(bits: u32) -> String {
    format!("f32:{}({bits:#010x})", f32::from_bits(bits))
}

fn show_f64(bits: u64) -> String {
    format!("f64:{}({bits:#018x})", f64::from_bits(bits))
}

fn show_expected(expected: &WastRet<'_>) -> String {
    match expected {
        WastRet::Core(expected) => show_core(expected),
        _ => "a value of a component".to_string(),
    }
}

fn show_core(expected: &WastRetCore<'_>) -> String {
    match expected {
        WastRetCore::I32(value) => format!("i32:{value}"),
        WastRetCore::I64(value) => format!("i64:{value}"),
        WastRetCore::F32(pattern) => pattern_text("f32", pattern, |value| show_f32(value.bits)),
        WastRetCore::F64(pattern) => pattern_text("f64", pattern, |value| show_f64(value.bits)),
        WastRetCore::V128(pattern) => show_v128(pattern),
        WastRetCore::RefNull(_) => "a null reference".to_string(),
        WastRetCore::RefExtern(Some(number)) => format!("externref:{number}"),
        WastRetCore::RefExtern(None) => "externref".to_string(),
        WastRetCore::RefFunc(_) => "funcref".to_string(),
        WastRetCore::Either(cases) => cases.iter().map(show_core).collect::<Vec<_>>().join(" or "),
        _ => "a reference to a collected object".to_string(),
    }
}

fn pattern_text<T>(ty: &str, pattern: &NanPattern<T>, show: impl Fn(&T) -> String) -> String {
    match pattern {
        NanPattern::CanonicalNan => format!("{ty}:nan:canonical"),
        NanPattern::ArithmeticNan => format!("{ty}:nan:arithmetic"),
        NanPattern::Value(value) => show(value),
    }
}

/// Integers as one number, as results are shown; floats lane by lane.
fn show_v128(pattern: &V128Pattern) -> String {
    let mut text = String::new();
    let mut whole = |bits: u128| _ = write!(text, "v128:{bits:#034x}");
    let join = |width: usize, lanes: &mut dyn Iterator<Item = u64>| {
        lanes.enumerate().fold(0, |bits, (i, lane)| bits | u128::from(lane) << (i * width))
    };
    match pattern {
        V128Pattern::I8x16(lanes) => whole(join(8, &mut lanes.iter().map(|lane| *lane as u8 as u64))),
        V128Pattern::I16x8(lanes) => whole(join(16, &mut lanes.iter().map(|lane| *lane as u16 as u64))),
        V128Pattern::I32x4(lanes) => whole(join(32, &mut lanes.iter().map(|lane| *lane as u32 as u64))),
        V128Pattern::I64x2(lanes) => whole(join(64, &mut lanes.iter().map(|lane| *lane as u64))),
        V128Pattern::F32x4(lanes) => {
            let lanes = lanes.each_ref().map(|lane| pattern_text("f32", lane, |value| show_f32(value.bits)));
            text = format!("v128:[{}]", lanes.join(" "));
        }
        V128Pattern::F64x2(lanes) => {
            let lanes = lanes.each_ref().map(|lane| pattern_text("f64", lane, |value| show_f64(value.bits)));
            text = format!("v128:[{}]", lanes.join(" "));
        }
    }
    text
}

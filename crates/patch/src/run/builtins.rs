//! Host functions that compiled code may import: library calls that targets
//! without the instruction need, and `%throw`.

use super::{hook, native};
use sidetrack_artifact::{Architecture, SymbolName};

/// A float function of the host.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MathFn {
    F32(extern "C" fn(f32) -> f32),
    F64(extern "C" fn(f64) -> f64),
    Fma32(extern "C" fn(f32, f32, f32) -> f32),
    Fma64(extern "C" fn(f64, f64, f64) -> f64),
}

extern "C" fn ceil32(x: f32) -> f32 {
    x.ceil()
}
extern "C" fn ceil64(x: f64) -> f64 {
    x.ceil()
}
extern "C" fn floor32(x: f32) -> f32 {
    x.floor()
}
extern "C" fn floor64(x: f64) -> f64 {
    x.floor()
}
extern "C" fn trunc32(x: f32) -> f32 {
    x.trunc()
}
extern "C" fn trunc64(x: f64) -> f64 {
    x.trunc()
}
extern "C" fn nearest32(x: f32) -> f32 {
    x.round_ties_even()
}
extern "C" fn nearest64(x: f64) -> f64 {
    x.round_ties_even()
}
extern "C" fn fma32(x: f32, y: f32, z: f32) -> f32 {
    x.mul_add(y, z)
}
extern "C" fn fma64(x: f64, y: f64, z: f64) -> f64 {
    x.mul_add(y, z)
}

const MATH: [(&str, MathFn); 10] = [
    ("CeilF32", MathFn::F32(ceil32)),
    ("CeilF64", MathFn::F64(ceil64)),
    ("FloorF32", MathFn::F32(floor32)),
    ("FloorF64", MathFn::F64(floor64)),
    ("TruncF32", MathFn::F32(trunc32)),
    ("TruncF64", MathFn::F64(trunc64)),
    ("NearestF32", MathFn::F32(nearest32)),
    ("NearestF64", MathFn::F64(nearest64)),
    ("FmaF32", MathFn::Fma32(fma32)),
    ("FmaF64", MathFn::Fma64(fma64)),
];

/// The name of the function that throws.
const THROW: &str = "throw";

/// What `%throw` is on Pulley: an address that nothing else has.
static PULLEY_THROW: u8 = 0;

/// The address that `%throw` resolves to; none where no code of `architecture` runs.
/// Code may know it by any name.
pub fn throw_address(architecture: Architecture) -> Option<u64> {
    match architecture {
        Architecture::Pulley64 => Some(&raw const PULLEY_THROW as u64),
        other if native::ARCHITECTURE == Some(other) => native::throw_address(),
        _ => None,
    }
}

/// The address of the host function `name`: `%throw`, and natively the float
/// functions that targets without the instruction call. On Pulley these need no address.
pub fn builtin_address(architecture: Architecture, name: &SymbolName) -> Option<u64> {
    if is_throw(name) {
        return throw_address(architecture);
    }
    if hook::is_hook(name) {
        return hook::hook_address(architecture);
    }
    if architecture == Architecture::Pulley64 {
        return None;
    }
    math(name).map(|function| match function {
        MathFn::F32(f) => f as usize as u64,
        MathFn::F64(f) => f as usize as u64,
        MathFn::Fma32(f) => f as usize as u64,
        MathFn::Fma64(f) => f as usize as u64,
    })
}

/// The float function called `name`.
pub(crate) fn math(name: &SymbolName) -> Option<MathFn> {
    let SymbolName::Named(name) = name else { return None };
    MATH.iter().find(|(text, _)| text == name).map(|(_, function)| *function)
}

/// Whether the host offers `name`.
pub(crate) fn is_builtin(name: &SymbolName) -> bool {
    is_throw(name) || math(name).is_some()
}

/// Whether `name` is that of the function that throws.
pub(crate) fn is_throw(name: &SymbolName) -> bool {
    matches!(name, SymbolName::Named(name) if name == THROW)
}

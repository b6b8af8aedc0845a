//! WebAssembly's types as the IR's, and the signatures of compiled functions.

use sidetrack_artifact::{FuncType, ValType};
use sidetrack_ir::types::{F32, F64, I8X16, I32, I64};
use sidetrack_ir::{AbiParam, CallConv, Signature, Type};

/// The IR's type of a WebAssembly value: references are `i64`, vectors `i8x16`.
pub fn ir_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 => I32,
        ValType::I64 | ValType::Ref(_) => I64,
        ValType::F32 => F32,
        ValType::F64 => F64,
        ValType::V128 => I8X16,
    }
}

/// The signature of compiled functions of a type: the context, then its
/// parameters, by the convention `tail`.
pub fn wasm_signature(ty: &FuncType) -> Signature {
    let params = ty.params.iter().map(|&ty| ir_type(ty));
    let mut signature = Signature::new(CallConv::Tail);
    signature.params = std::iter::once(I64).chain(params).map(AbiParam::new).collect();
    signature.returns = ty.results.iter().map(|&ty| AbiParam::new(ir_type(ty))).collect();
    signature
}

/// The signature of entry stubs: code, context and address of the value slots.
pub fn entry_signature() -> Signature {
    Signature::of(CallConv::SystemV, &[I64, I64, I64], &[])
}

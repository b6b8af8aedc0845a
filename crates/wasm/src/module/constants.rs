//! Constant expressions.

use crate::WasmError;
use sidetrack_artifact::{ConstExpr, ConstOp};
use wasmparser::Operator;

/// Reads a validated constant expression.
pub(super) fn read(expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, WasmError> {
    let mut reader = expr.get_operators_reader();
    let mut ops = Vec::new();
    loop {
        let (operator, offset) = reader.read_with_offset()?;
        ops.push(match operator {
            Operator::End => return Ok(ops.into()),
            Operator::I32Const { value } => ConstOp::I32(value),
            Operator::I64Const { value } => ConstOp::I64(value),
            Operator::F32Const { value } => ConstOp::F32(value.bits()),
            Operator::F64Const { value } => ConstOp::F64(value.bits()),
            Operator::V128Const { value } => ConstOp::V128(*value.bytes()),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
            Operator::RefNull { .. } => ConstOp::RefNull,
            Operator::RefFunc { function_index } => ConstOp::RefFunc(function_index),
            Operator::I32Add => ConstOp::I32Add,
            Operator::I32Sub => ConstOp::I32Sub,
            Operator::I32Mul => ConstOp::I32Mul,
            Operator::I64Add => ConstOp::I64Add,
            Operator::I64Sub => ConstOp::I64Sub,
            Operator::I64Mul => ConstOp::I64Mul,
            _ => return Err(WasmError::unsupported(offset, "this operator in a constant expression")),
        });
    }
}

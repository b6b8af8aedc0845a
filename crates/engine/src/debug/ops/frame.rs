//! Locals, globals, tables, constants, and what ends a run.

use super::name;
use crate::debug::decode::{DecodeError, Decoder};
use crate::debug::op::Op;
use crate::debug::types::{heap_type, value_type, width};
use crate::{HeapType, RefType, ValType};
use wasmparser::Operator;

/// Decodes an operator that is in none of the tables.
pub(super) fn decode(d: &mut Decoder<'_>, operator: &Operator<'_>) -> Result<Op, DecodeError> {
    use Operator as O;
    use ValType::{F32, F64, I32, I64, V128};
    match *operator {
        O::Nop => Ok(Op::Nop),
        O::Drop => d.apply(Op::Drop, None),
        O::Select => {
            d.pop(1)?;
            let ty = d.stacks.top(d.stack).ok_or_else(|| d.error("there are not enough operands"))?;
            d.pop(2)?;
            d.push(ty);
            Ok(Op::Select)
        }
        O::TypedSelect { ty } => {
            let ty = value_type(ty).ok_or_else(|| d.error("a type that is not supported"))?;
            d.apply(Op::Select, Some(ty))
        }
        O::I32Const { value } => d.apply(Op::Const((value as u32).into()), Some(I32)),
        O::I64Const { value } => d.apply(Op::Const(value as u64), Some(I64)),
        O::F32Const { value } => d.apply(Op::Const(value.bits().into()), Some(F32)),
        O::F64Const { value } => d.apply(Op::Const(value.bits()), Some(F64)),
        O::V128Const { value } => {
            let vector = d.vector(value.into());
            d.apply(Op::ConstVector(vector), Some(V128))
        }
        O::I8x16Shuffle { lanes } => {
            let numbers = d.vector(u128::from_le_bytes(lanes));
            d.apply(Op::Shuffle(numbers), Some(V128))
        }
        O::LocalGet { local_index } => {
            let ty = d.get(&d.locals, local_index)?;
            d.apply(Op::LocalGet(local_index), Some(ty))
        }
        O::LocalSet { local_index } => {
            d.get(&d.locals, local_index)?;
            d.apply(Op::LocalSet(local_index), None)
        }
        O::LocalTee { local_index } => {
            let ty = d.get(&d.locals, local_index)?;
            d.apply(Op::LocalTee(local_index), Some(ty))
        }
        O::GlobalGet { global_index: global } => {
            let ty = d.get(&d.info.globals, global)?.content;
            d.apply(Op::GlobalGet { global, width: width(ty) }, Some(ty))
        }
        O::GlobalSet { global_index: global } => {
            d.get(&d.info.globals, global)?;
            d.apply(Op::GlobalSet(global), None)
        }
        O::MemorySize { mem } => {
            let ty = memory_index(d, mem)?;
            d.apply(Op::MemorySize(mem), Some(ty))
        }
        O::TableSize { table } => {
            let ty = table_index(d, table)?;
            d.apply(Op::TableSize(table), Some(ty))
        }
        O::TableGet { table } => {
            let ty = d.get(&d.info.tables, table)?.element;
            d.apply(Op::TableGet(table), Some(ValType::Ref(ty)))
        }
        O::RefNull { hty } => {
            let heap = heap_type(hty).ok_or_else(|| d.error("a type that is not supported"))?;
            d.apply(Op::Const(0), Some(ValType::Ref(RefType { nullable: true, heap })))
        }
        O::RefFunc { function_index: func } => {
            let ty = d.info.functions.get(func as usize).map(|func| func.ty);
            let ty = ty.ok_or_else(|| d.error("an unknown function"))?;
            let ty = RefType { nullable: false, heap: HeapType::Concrete(ty) };
            d.apply(Op::RefFunc(func), Some(ValType::Ref(ty)))
        }
        _ => effect(d, operator),
    }
}

fn memory_index(d: &Decoder<'_>, memory: u32) -> Result<ValType, DecodeError> {
    Ok(if d.get(&d.info.memories, memory)?.memory64 { ValType::I64 } else { ValType::I32 })
}

fn table_index(d: &Decoder<'_>, table: u32) -> Result<ValType, DecodeError> {
    Ok(if d.get(&d.info.tables, table)?.table64 { ValType::I64 } else { ValType::I32 })
}

/// Decodes an operator that ends a run.
fn effect(d: &mut Decoder<'_>, operator: &Operator<'_>) -> Result<Op, DecodeError> {
    use Operator as O;
    let effect = |d: &mut Decoder<'_>, operands: u32, result: Option<ValType>| {
        d.pop(operands)?;
        if let Some(ty) = result {
            d.push(ty);
        }
        Ok(Op::Effect)
    };
    match *operator {
        O::MemoryGrow { mem } => {
            let ty = memory_index(d, mem)?;
            effect(d, 1, Some(ty))
        }
        O::TableGrow { table } => {
            let ty = table_index(d, table)?;
            effect(d, 2, Some(ty))
        }
        O::TableSet { .. } => effect(d, 2, None),
        O::MemoryFill { .. } | O::MemoryCopy { .. } | O::MemoryInit { .. } => effect(d, 3, None),
        O::TableFill { .. } | O::TableCopy { .. } | O::TableInit { .. } => effect(d, 3, None),
        O::DataDrop { .. } | O::ElemDrop { .. } => effect(d, 0, None),
        O::Throw { tag_index } => {
            d.get(&d.info.tags, tag_index)?;
            d.leave();
            Ok(Op::Throw)
        }
        O::Rethrow { .. } => {
            d.leave();
            Ok(Op::Throw)
        }
        O::ThrowRef => {
            d.pop(1)?;
            d.leave();
            Ok(Op::ThrowRef)
        }
        O::Call { function_index } => call(d, function_index, false),
        O::ReturnCall { function_index } => call(d, function_index, true),
        O::CallIndirect { type_index, table_index } => call_indirect(d, type_index, table_index, false),
        O::ReturnCallIndirect { type_index, table_index } => call_indirect(d, type_index, table_index, true),
        _ => Err(d.error(&format!("the operator {} is not supported", name(operator)))),
    }
}

fn call(d: &mut Decoder<'_>, func: u32, tail: bool) -> Result<Op, DecodeError> {
    let ty = d.info.functions.get(func as usize).map(|func| func.ty);
    let ty = ty.ok_or_else(|| d.error("an unknown function"))?;
    through_call(d, ty, tail)?;
    Ok(Op::Call { func, tail })
}

fn call_indirect(d: &mut Decoder<'_>, ty: u32, table: u32, tail: bool) -> Result<Op, DecodeError> {
    d.get(&d.info.tables, table)?;
    d.pop(1)?;
    through_call(d, ty, tail)?;
    Ok(Op::CallIndirect { ty, table, tail })
}

/// Takes a callee's parameters and pushes its results.
fn through_call(d: &mut Decoder<'_>, ty: u32, tail: bool) -> Result<(), DecodeError> {
    let (params, results) = d.signature(ty)?;
    d.pop(params.len() as u32)?;
    if tail {
        d.leave();
    } else {
        d.push_all(results);
    }
    Ok(())
}

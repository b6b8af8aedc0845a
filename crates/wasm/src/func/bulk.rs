//! What the engine's functions do: growing, filling, copying, initialising.

use super::context::user_trap;
use super::state::Translator;
use crate::WasmError;
use sidetrack_artifact::vmctx::{builtin, trap};
use sidetrack_ir::types::{I32, I64};
use sidetrack_ir::{IntCC, Opcode, TrapCode, Value};
use smallvec::SmallVec;
use wasmparser::Operator;

/// log2 of the bytes of a page.
const PAGE_SHIFT: i64 = 16;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    use Operator as O;
    let table_code = user_trap(trap::TABLE_OUT_OF_BOUNDS);
    match *operator {
        O::MemorySize { mem } => {
            let bytes = t.memory_bytes(mem);
            let shift = t.b.iconst(I64, PAGE_SHIFT);
            let pages = t.b.op(Opcode::Ushr, &[bytes, shift]);
            push_size(t, pages, t.info.memories[mem as usize].memory64);
        }
        O::MemoryGrow { mem } => {
            let pages = t.pop_index64();
            let is_64 = t.info.memories[mem as usize].memory64;
            grow(t, builtin::MEMORY_GROW, mem, &[pages], is_64);
        }
        O::TableGrow { table } => {
            let count = t.pop_index64();
            let element = t.pop();
            grow(t, builtin::TABLE_GROW, table, &[element, count], t.table_is_64(table));
        }
        O::MemoryFill { mem } => checked(t, builtin::MEMORY_FILL, &[mem], 3, TrapCode::HEAP_OUT_OF_BOUNDS),
        O::MemoryCopy { dst_mem, src_mem } => {
            checked(t, builtin::MEMORY_COPY, &[dst_mem, src_mem], 3, TrapCode::HEAP_OUT_OF_BOUNDS);
        }
        O::MemoryInit { data_index, mem } => {
            checked(t, builtin::MEMORY_INIT, &[mem, data_index], 3, TrapCode::HEAP_OUT_OF_BOUNDS);
        }
        O::TableFill { table } => checked(t, builtin::TABLE_FILL, &[table], 3, table_code),
        O::TableCopy { dst_table, src_table } => {
            checked(t, builtin::TABLE_COPY, &[dst_table, src_table], 3, table_code);
        }
        O::TableInit { elem_index, table } => {
            checked(t, builtin::TABLE_INIT, &[table, elem_index], 3, table_code);
        }
        O::DataDrop { data_index } => drop_segment(t, builtin::DATA_DROP, data_index),
        O::ElemDrop { elem_index } => drop_segment(t, builtin::ELEM_DROP, elem_index),
        _ => return super::simd::translate(t, operator, pc),
    }
    Ok(())
}

/// The name of an operator, without its immediates.
pub(super) fn name(operator: &Operator<'_>) -> String {
    let text = format!("{operator:?}");
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    format!("the operator {}", &text[..end])
}

fn push_size(t: &mut Translator<'_>, size: Value, is_64: bool) {
    let size = if is_64 { size } else { t.b.op_typed(Opcode::Ireduce, I32, &[size]) };
    t.push(size);
}

fn grow(t: &mut Translator<'_>, name: &'static str, index: u32, args: &[Value], is_64: bool) {
    let index = t.b.iconst(I64, i64::from(index));
    let mut all: SmallVec<[Value; 4]> = SmallVec::from_slice(&[t.vmctx, index]);
    all.extend_from_slice(args);
    if let Some(size) = t.call_builtin(name, &all, true) {
        let raise = t.b.iconst(I64, builtin::RAISE);
        t.trap_if(IntCC::Equal, size, raise, user_trap(trap::HOST_ERROR));
        push_size(t, size, is_64);
    }
    t.wants_site();
}

/// Calls a function that takes the context, these indices and the topmost `count`
/// operands, and traps if it says so.
fn checked(t: &mut Translator<'_>, name: &'static str, indices: &[u32], count: usize, code: TrapCode) {
    let operands = t.pop_n(count);
    let mut args: SmallVec<[Value; 8]> = SmallVec::from_slice(&[t.vmctx]);
    for &index in indices {
        args.push(t.b.iconst(I64, i64::from(index)));
    }
    for operand in operands {
        args.push(t.index64(operand));
    }
    if let Some(status) = t.call_builtin(name, &args, true) {
        t.b.cond_trap(Opcode::Trapnz, status, code);
    }
    t.wants_site();
}

fn drop_segment(t: &mut Translator<'_>, name: &'static str, index: u32) {
    let index = t.b.iconst(I64, i64::from(index));
    t.call_builtin(name, &[t.vmctx, index], false);
    t.wants_site();
}

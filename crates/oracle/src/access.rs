//! Operators on locals, globals, references and tables.

use crate::memory;
use crate::run::Frame;
use crate::store::{Store, Table};
use crate::value::{Trap, Value};
use std::ops::Range;
use wasmparser::Operator as O;

/// The elements from `start` on, if all are inside of `elements`.
fn range(elements: &[Value], start: u64, length: u64) -> Result<Range<usize>, Trap> {
    match start.checked_add(length) {
        Some(end) if end <= elements.len() as u64 => Ok(start as usize..end as usize),
        _ => Err(Trap::TableOutOfBounds),
    }
}

impl<'a> Store<'a> {
    fn table(&mut self, frame: &Frame<'a>, index: u32) -> &mut Table {
        let address = self.instances[frame.instance].tables[index as usize];
        &mut self.tables[address]
    }

    /// Pops an index; the element there.
    pub(super) fn element(&mut self, frame: &mut Frame<'a>, table: u32) -> Result<Value, Trap> {
        let index = frame.operands.pop_index();
        let elements = &self.table(frame, table).elements;
        Ok(elements[range(elements, index, 1)?][0])
    }
}

/// Executes an operator on one of these, or passes it on.
///
/// # Errors
/// If it traps.
pub(super) fn execute<'a>(op: &O<'a>, store: &mut Store<'a>, frame: &mut Frame<'a>) -> Result<(), Trap> {
    match op {
        O::Drop => {
            frame.operands.pop();
        }
        O::Select | O::TypedSelect { .. } => {
            let condition = frame.operands.take::<u32>();
            let other = frame.operands.pop();
            let one = frame.operands.pop();
            frame.operands.0.push(if condition != 0 { one } else { other });
        }
        O::LocalGet { local_index } => frame.operands.0.push(frame.locals[*local_index as usize]),
        O::LocalSet { local_index } => frame.locals[*local_index as usize] = frame.operands.pop(),
        O::LocalTee { local_index } => {
            let value = frame.operands.pop();
            frame.locals[*local_index as usize] = value;
            frame.operands.0.push(value);
        }
        O::GlobalGet { global_index } => {
            let global = store.instances[frame.instance].globals[*global_index as usize];
            frame.operands.0.push(store.globals[global].value);
        }
        O::GlobalSet { global_index } => {
            let global = store.instances[frame.instance].globals[*global_index as usize];
            store.globals[global].value = frame.operands.pop();
        }
        O::RefNull { hty } => frame.operands.0.push(Value::null(*hty)),
        O::RefIsNull => {
            let reference = frame.operands.pop();
            frame.operands.push(reference.is_null());
        }
        O::RefFunc { function_index } => {
            let func = store.instances[frame.instance].funcs[*function_index as usize];
            frame.operands.push(Some(func));
        }
        O::RefAsNonNull => {
            let reference = frame.operands.pop();
            if reference.is_null() {
                return Err(Trap::NullReference);
            }
            frame.operands.0.push(reference);
        }
        _ => return tables(op, store, frame),
    }
    Ok(())
}

/// What is checked is checked before the first element changes.
fn tables<'a>(op: &O<'a>, store: &mut Store<'a>, frame: &mut Frame<'a>) -> Result<(), Trap> {
    match op {
        O::TableGet { table } => {
            let value = store.element(frame, *table)?;
            frame.operands.0.push(value);
        }
        O::TableSet { table } => {
            let value = frame.operands.pop();
            let index = frame.operands.pop_index();
            let elements = &mut store.table(frame, *table).elements;
            let place = range(elements, index, 1)?;
            elements[place].fill(value);
        }
        O::TableSize { table } => {
            let table = store.table(frame, *table);
            let size = table.index(table.elements.len() as u64);
            frame.operands.0.push(size);
        }
        O::TableGrow { table } => {
            let count = frame.operands.pop_index();
            let value = frame.operands.pop();
            let most = store.limits.table_elements;
            let table = store.table(frame, *table);
            let before = table.grow(count, value, most).unwrap_or(u64::MAX);
            let before = table.index(before);
            frame.operands.0.push(before);
        }
        O::TableFill { table } => {
            let length = frame.operands.pop_index();
            let value = frame.operands.pop();
            let start = frame.operands.pop_index();
            let elements = &mut store.table(frame, *table).elements;
            let place = range(elements, start, length)?;
            elements[place].fill(value);
        }
        O::TableCopy { dst_table, src_table } => {
            let length = frame.operands.pop_index();
            let from = frame.operands.pop_index();
            let to = frame.operands.pop_index();
            let source = &store.table(frame, *src_table).elements;
            // A copy, so that it does not matter whether they overlap.
            let values = source[range(source, from, length)?].to_vec();
            let target = &mut store.table(frame, *dst_table).elements;
            let place = range(target, to, length)?;
            target[place].copy_from_slice(&values);
        }
        O::TableInit { elem_index, table } => {
            let length = frame.operands.pop_index();
            let from = frame.operands.pop_index();
            let to = frame.operands.pop_index();
            let source = &store.instances[frame.instance].elements[*elem_index as usize];
            let values = source[range(source, from, length)?].to_vec();
            let target = &mut store.table(frame, *table).elements;
            let place = range(target, to, length)?;
            target[place].copy_from_slice(&values);
        }
        O::ElemDrop { elem_index } => store.instances[frame.instance].elements[*elem_index as usize].clear(),
        _ => return memory::execute(op, store, frame),
    }
    Ok(())
}

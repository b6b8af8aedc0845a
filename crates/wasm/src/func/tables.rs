//! Tables and references: what is done inline.

use super::context::{constant_field, field, user_trap};
use super::state::Translator;
use crate::WasmError;
use sidetrack_artifact::vmctx::{func_import, table, trap};
use sidetrack_ir::types::{I32, I64};
use sidetrack_ir::{AliasRegion, IntCC, MemFlags, Opcode, Value};
use wasmparser::Operator;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    match *operator {
        Operator::RefNull { .. } => {
            let null = t.null();
            t.push(null);
        }
        Operator::RefIsNull => {
            let x = t.pop();
            let null = t.null();
            let is_null = t.b.icmp(IntCC::Equal, x, null);
            t.push_bool(is_null);
        }
        Operator::RefFunc { function_index } => t.ref_func(function_index),
        Operator::TableGet { table } => {
            let index = t.pop();
            let address = t.table_element(table, index);
            let value = t.b.load(Opcode::Load, I64, element(), address, 0);
            t.push(value);
        }
        Operator::TableSet { table } => {
            let (index, value) = t.pop2();
            let address = t.table_element(table, index);
            t.b.store(Opcode::Store, element(), value, address, 0);
            t.wants_site();
        }
        Operator::TableSize { table } => {
            let length = t.table_length(table);
            let length =
                if t.table_is_64(table) { length } else { t.b.op_typed(Opcode::Ireduce, I32, &[length]) };
            t.push(length);
        }
        _ => return super::calls::translate(t, operator, pc),
    }
    Ok(())
}

/// An element of a table.
fn element() -> MemFlags {
    MemFlags { region: Some(AliasRegion::Table), ..MemFlags::trusted() }
}

impl Translator<'_> {
    /// Whether a table is indexed by 64 bits.
    pub fn table_is_64(&self, index: u32) -> bool {
        self.info.tables[index as usize].table64
    }

    /// The number of elements of a table that can neither grow nor shrink.
    fn fixed_length(&self, index: u32) -> Option<u64> {
        let limits = self.info.tables[index as usize].limits;
        (Some(limits.min) == limits.max).then_some(limits.min)
    }

    fn table_field(&mut self, index: u32, flags: MemFlags, offset: u32) -> Value {
        let table = self.load_constant(I64, self.layout.table(index));
        self.b.load(Opcode::Load, I64, flags, table, offset as i32)
    }

    /// The present number of a table's elements.
    fn table_length(&mut self, index: u32) -> Value {
        match self.fixed_length(index) {
            Some(length) => self.b.iconst(I64, length as i64),
            None => self.table_field(index, field(), table::LEN),
        }
    }

    /// The address of an element of a table; traps if there is none.
    pub fn table_element(&mut self, table: u32, index: Value) -> Value {
        let index = self.index64(index);
        let inside = self.constant(index).is_some_and(|i| i < self.info.tables[table as usize].limits.min);
        if !inside {
            let length = self.table_length(table);
            let code = user_trap(trap::TABLE_OUT_OF_BOUNDS);
            self.trap_if(IntCC::UnsignedGreaterThanOrEqual, index, length, code);
        }
        let base = self.table_field(table, constant_field(), table::BASE);
        let shift = self.b.iconst(I64, i64::from(table::ELEMENT_SIZE.trailing_zeros()));
        let offset = self.b.op(Opcode::Ishl, &[index, shift]);
        self.b.op(Opcode::Iadd, &[base, offset])
    }

    /// Loads a reference from a table; traps if there is no such element.
    pub fn table_load(&mut self, table: u32, index: Value) -> Value {
        let address = self.table_element(table, index);
        self.b.load(Opcode::Load, I64, element(), address, 0)
    }

    fn ref_func(&mut self, index: u32) {
        let record = match self.info.functions[index as usize].reference {
            _ if self.info.is_imported_function(index) => {
                self.load_constant(I64, self.layout.imported_function(index) + func_import::RECORD)
            }
            reference => {
                let number = reference.expect("validation admits only functions that have a reference");
                self.context_address(self.layout.record(number))
            }
        };
        self.push(record);
    }
}

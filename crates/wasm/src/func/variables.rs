//! Locals, globals, constants, `drop` and `select`.

use super::context::{constant_field, field};
use super::state::Translator;
use crate::WasmError;
use crate::signatures::ir_type;
use sidetrack_ir::types::{I8X16, I32, I64};
use sidetrack_ir::{Opcode, Value};
use wasmparser::Operator;

/// Translates an operator that control reaches.
pub(super) fn translate(t: &mut Translator<'_>, operator: &Operator<'_>, pc: u64) -> Result<(), WasmError> {
    match *operator {
        Operator::LocalGet { local_index } => {
            let value = t.locals.get(t.b.func, local_index);
            t.push(value);
        }
        Operator::LocalSet { local_index } => {
            let value = t.pop();
            t.set_local(local_index, value);
        }
        Operator::LocalTee { local_index } => {
            let value = t.pop();
            let value = t.set_local(local_index, value);
            t.push(value);
        }
        Operator::I32Const { value } => {
            let value = t.b.iconst(I32, i64::from(value));
            t.push(value);
        }
        Operator::I64Const { value } => {
            let value = t.b.iconst(I64, value);
            t.push(value);
        }
        Operator::F32Const { value } => {
            let value = t.b.f32const(f32::from_bits(value.bits()));
            t.push(value);
        }
        Operator::F64Const { value } => {
            let value = t.b.f64const(f64::from_bits(value.bits()));
            t.push(value);
        }
        Operator::Drop => {
            t.pop();
        }
        Operator::Select | Operator::TypedSelect { .. } => t.select(),
        Operator::GlobalGet { global_index } => t.global_get(global_index),
        Operator::GlobalSet { global_index } => t.global_set(global_index),
        _ => return super::numeric::translate(t, operator, pc),
    }
    Ok(())
}

impl Translator<'_> {
    fn set_local(&mut self, local: u32, value: Value) -> Value {
        let value = self.canonical_value(value);
        self.locals.set(local, value);
        self.note_set(local);
        value
    }

    fn select(&mut self) {
        let condition = self.pop_condition();
        let (x, y) = self.pop2();
        let (x, y) = (self.canonical_value(x), self.canonical_value(y));
        let result = self.b.op(Opcode::Select, &[condition, x, y]);
        self.push(result);
    }

    /// Where a global's slot is: an address and an offset.
    fn global_place(&mut self, index: u32) -> (Value, i32) {
        if index < self.info.imported_globals {
            (self.load_constant(I64, self.layout.imported_global(index)), 0)
        } else {
            (self.vmctx, self.layout.defined_global(index) as i32)
        }
    }

    fn global_get(&mut self, index: u32) {
        let global = self.info.globals[index as usize];
        let value = match self.global_constant(index) {
            Some(value) => value,
            None => {
                let (address, offset) = self.global_place(index);
                let flags = if global.mutable { field() } else { constant_field() };
                self.b.load(Opcode::Load, ir_type(global.content), flags, address, offset)
            }
        };
        self.push(value);
    }

    /// The value of a global that never changes and is initialised by a constant.
    fn global_constant(&mut self, index: u32) -> Option<Value> {
        use sidetrack_artifact::ConstOp;
        let global = self.info.globals[index as usize];
        let defined = index.checked_sub(self.info.imported_globals)?;
        let init = self.info.global_inits.get(defined as usize)?;
        match (global.mutable, &**init) {
            (false, &[ConstOp::I32(value)]) => Some(self.b.iconst(I32, i64::from(value))),
            (false, &[ConstOp::I64(value)]) => Some(self.b.iconst(I64, value)),
            (false, &[ConstOp::F32(bits)]) => Some(self.b.f32const(f32::from_bits(bits))),
            (false, &[ConstOp::F64(bits)]) => Some(self.b.f64const(f64::from_bits(bits))),
            (false, &[ConstOp::V128(bytes)]) => Some(self.b.vconst(I8X16, bytes)),
            (false, &[ConstOp::RefNull]) => Some(self.b.iconst(I64, 0)),
            _ => None,
        }
    }

    fn global_set(&mut self, index: u32) {
        let value = self.pop();
        let value = self.canonical_value(value);
        let (address, offset) = self.global_place(index);
        self.b.store(Opcode::Store, field(), value, address, offset);
    }

    /// A null reference.
    pub fn null(&mut self) -> Value {
        self.b.iconst(I64, 0)
    }
}

//! Translating a function body.
//!
//! Problem: a stack machine with structured control becomes blocks and values.
//! Approach: one walk over the operators. Each is validated, then, if control can
//! reach it, translated: [`state::Translator`] keeps the operand stack and the
//! constructs that are open, [`locals::Locals`] finds the values of locals. One
//! file per family of operators.

mod atomics;
mod bulk;
mod calls;
mod context;
mod control;
mod exceptions;
mod liveness;
mod locals;
mod memory;
mod numeric;
mod operands;
mod scan;
mod segments;
mod simd;
mod simd_float;
mod simd_int;
mod simd_memory;
mod sites;
mod state;
mod tables;
mod variables;

use crate::module::types;
use crate::signatures::{ir_type, wasm_signature};
use crate::{Options, Translation, WasmError};
use liveness::Liveness;
use scan::Scan;
use sidetrack_ir::{ExternalName, Function};
use state::Translator;
use wasmparser::{Operator, OperatorsReader};

/// Validates and translates the body of the function with this index.
pub(crate) fn translate(
    module: &Translation<'_>,
    index: u32,
    options: &Options,
) -> Result<Function, WasmError> {
    let body = &module.bodies[(index - module.info.imported_functions) as usize];
    let mut validator = body.validator(index, module.features);
    let signature = wasm_signature(module.info.function_type(index));
    let mut func = Function::new(ExternalName::user(0, index), signature);

    let mut locals: Vec<_> = module.info.function_type(index).params.iter().map(|&ty| ir_type(ty)).collect();
    let mut declarations = body.code.get_locals_reader()?;
    for _ in 0..declarations.get_count() {
        let offset = declarations.original_position();
        let (count, ty) = declarations.read()?;
        validator.define_locals(offset, count, ty)?;
        locals.resize(locals.len() + count as usize, ir_type(types::value(ty, offset)?));
    }

    let mut reader = OperatorsReader::new(declarations.get_binary_reader());
    let start = reader.original_position() as u32;
    let mut translator = Translator::new(&mut func, module, options, index, locals, start);
    if options.instrument.is_on() {
        let named = module.named_locals(module.info.functions[index as usize].body.clone());
        translator.begin_states(Liveness::new(reader.clone(), translator.locals.len(), named));
        translator.wants_site();
    }
    while !reader.eof() {
        let (operator, offset) = reader.read_with_offset()?;
        if matches!(operator, Operator::Throw { .. } | Operator::ThrowRef | Operator::Rethrow { .. }) {
            translator.wants_site();
        }
        translator.write_site(offset);
        validator.op(offset, &operator)?;
        if matches!(operator, Operator::Loop { .. }) && !translator.locals.is_scanned() {
            let count = translator.locals.len();
            translator.locals.set_scan(Scan::new(reader.clone(), count));
        }
        translator.at(offset);
        translator.before_operator();
        control::translate(&mut translator, &operator, offset)?;
        // These write handlers, which are no part of them.
        if !matches!(operator, Operator::End | Operator::Delegate { .. }) {
            translator.write_trap_states();
        }
        translator.time += 1;
    }
    reader.finish()?;
    translator.finish();
    Ok(func)
}

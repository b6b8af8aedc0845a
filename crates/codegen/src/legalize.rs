//! Rewrites what every target would expand in the same way.
//!
//! Needs: a verified function. Provides: no `global_value`, `nop` or
//! `sequence_point`; no use of an alias. `vectors` is for targets without those.

pub mod vectors;

use sidetrack_ir::types::I64;
use sidetrack_ir::{
    ArgumentPurpose, Builder, Extra, Function, GlobalValue, GlobalValueData, Inst, Opcode, Position, Type,
    Value,
};

/// Legalises a function in place.
///
/// # Errors
/// If a global value cannot be computed; the message names it.
pub fn legalize(func: &mut Function) -> Result<(), String> {
    func.resolve_aliases();
    let blocks: Vec<_> = func.layout.blocks().collect();
    for block in blocks {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            match (func.dfg.insts[inst].opcode, func.dfg.insts[inst].extra) {
                (Opcode::Nop | Opcode::SequencePoint, _) => func.layout.remove_inst(inst),
                (Opcode::GlobalValue, Extra::Global(gv)) => {
                    let ty = func.dfg.insts[inst].ty;
                    let value = expand(func, inst, gv, ty, 0)?;
                    let result = func.dfg.first_result(inst);
                    func.layout.remove_inst(inst);
                    func.dfg.make_alias(result, value);
                }
                _ => {}
            }
        }
    }
    func.resolve_aliases();
    Ok(())
}

fn expand(func: &mut Function, before: Inst, gv: GlobalValue, ty: Type, depth: u32) -> Result<Value, String> {
    if depth > 64 {
        return Err(format!("{gv} is computed from itself or through more than 64 others"));
    }
    let data = func.global_values.get(gv).ok_or_else(|| format!("{gv} does not exist"))?.clone();
    match data {
        GlobalValueData::VMContext => {
            let params = &func.signature.params;
            let index = params.iter().position(|param| param.purpose == ArgumentPurpose::VMContext);
            let index = index.ok_or_else(|| format!("{gv} is vmctx, but no parameter is"))?;
            let entry = func.layout.entry_block().ok_or("the function has no blocks")?;
            Ok(func.dfg.block_params(entry)[index])
        }
        GlobalValueData::Load { base, offset, ty, flags } => {
            let base = expand(func, before, base, I64, depth + 1)?;
            let mut builder = Builder::at(func, Position::Before(before));
            Ok(builder.load(Opcode::Load, ty, flags, base, offset))
        }
        GlobalValueData::IAddImm { base, offset, ty } => {
            let base = expand(func, before, base, ty, depth + 1)?;
            let mut builder = Builder::at(func, Position::Before(before));
            let offset = builder.iconst(ty, offset);
            Ok(builder.op(Opcode::Iadd, &[base, offset]))
        }
        GlobalValueData::Symbol { .. } => {
            let mut builder = Builder::at(func, Position::Before(before));
            let inst = builder.inst(Opcode::SymbolValue, ty, &[], Extra::Global(gv));
            Ok(func.dfg.first_result(inst))
        }
    }
}

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
    let mut expansion = Expansion::default();
    let blocks: Vec<_> = func.layout.blocks().collect();
    for block in blocks {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            match (func.dfg.insts[inst].opcode, func.dfg.insts[inst].extra) {
                (Opcode::Nop | Opcode::SequencePoint, _) => func.layout.remove_inst(inst),
                (Opcode::GlobalValue, Extra::Global(gv)) => {
                    let value = expansion.expand(func, inst, gv)?;
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

/// The most instructions that the global values of a function become. One computed from many
/// others becomes as many at each use, so that short text may ask for any number.
const MAX_EXPANDED: usize = 1 << 20;

/// Computes global values in front of instructions.
#[derive(Default)]
struct Expansion {
    /// How many instructions were made.
    made: usize,
    /// The chain of values that one is computed from, kept for its memory.
    chain: Vec<GlobalValue>,
}

impl Expansion {
    fn expand(&mut self, func: &mut Function, before: Inst, gv: GlobalValue) -> Result<Value, String> {
        let ty = func.dfg.insts[before].ty;
        self.chain.clear();
        let mut root = gv;
        while let GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } =
            func.global_values.get(root).ok_or_else(|| format!("{root} does not exist"))?
        {
            self.chain.push(root);
            root = *base;
            // A chain longer than all values goes round in a circle.
            if self.chain.len() > func.global_values.len() {
                return Err(format!("{gv} is computed from itself"));
            }
        }
        self.made += self.chain.len() + 1;
        if self.made > MAX_EXPANDED {
            return Err(format!("global values become more than {MAX_EXPANDED} instructions"));
        }
        let root_ty = match self.chain.last().map(|&first| &func.global_values[first]) {
            None => ty,
            Some(GlobalValueData::IAddImm { ty, .. }) => *ty,
            Some(_) => I64,
        };
        let mut value = Self::root(func, before, root, root_ty)?;
        for &gv in self.chain.iter().rev() {
            let data = func.global_values[gv].clone();
            let mut builder = Builder::at(func, Position::Before(before));
            value = match data {
                GlobalValueData::Load { offset, ty, flags, .. } => {
                    builder.load(Opcode::Load, ty, flags, value, offset)
                }
                GlobalValueData::IAddImm { offset, ty, .. } => {
                    let offset = builder.iconst(ty, offset);
                    builder.op(Opcode::Iadd, &[value, offset])
                }
                GlobalValueData::VMContext | GlobalValueData::Symbol { .. } => {
                    unreachable!("a chain has only one root")
                }
            };
        }
        Ok(value)
    }

    /// A global value that is computed from no other.
    fn root(func: &mut Function, before: Inst, gv: GlobalValue, ty: Type) -> Result<Value, String> {
        if let GlobalValueData::Symbol { .. } = func.global_values[gv] {
            let mut builder = Builder::at(func, Position::Before(before));
            let inst = builder.inst(Opcode::SymbolValue, ty, &[], Extra::Global(gv));
            return Ok(func.dfg.first_result(inst));
        }
        let params = &func.signature.params;
        let index = params.iter().position(|param| param.purpose == ArgumentPurpose::VMContext);
        let index = index.ok_or_else(|| format!("{gv} is vmctx, but no parameter is"))?;
        let entry = func.layout.entry_block().ok_or("the function has no blocks")?;
        Ok(func.dfg.block_params(entry)[index])
    }
}

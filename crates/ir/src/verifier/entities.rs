//! Does everything exist that is named?

use super::VerifierErrors;
use crate::dfg::ValueDef;
use crate::entities::*;
use crate::function::Function;
use crate::inst::Extra;
use crate::states::StateCounts;
use rustc_hash::FxHashMap;

pub(super) fn check(func: &Function, errors: &mut VerifierErrors) {
    preamble(func, errors);
    aliases(func, errors);
    // From here on aliases can be followed.
    if !errors.0.is_empty() {
        return;
    }
    states(func, errors);
    for block in func.layout.blocks() {
        if !func.dfg.blocks.is_valid(block) {
            errors.add(AnyEntity::Block(block), format!("{block} does not exist"));
            continue;
        }
        for inst in func.layout.block_insts(block) {
            instruction(func, inst, errors);
        }
    }
}

fn preamble(func: &Function, errors: &mut VerifierErrors) {
    for (func_ref, data) in &func.dfg.ext_funcs {
        if !func.dfg.signatures.is_valid(data.signature) {
            errors
                .add(AnyEntity::FuncRef(func_ref), format!("{func_ref}: {} does not exist", data.signature));
        }
    }
}

/// Every alias names a value, and not itself.
fn aliases(func: &Function, errors: &mut VerifierErrors) {
    // In which walk a value was met, counted from 1; a walk ends where another has been.
    let mut met = vec![0; func.dfg.num_values()];
    for (index, walk) in (0..func.dfg.num_values()).zip(1u32..) {
        let v = Value::from_u32(index as u32);
        let mut at = v;
        while let ValueDef::Alias(to) = func.dfg.value_def(at) {
            let seen = std::mem::replace(&mut met[at.as_u32() as usize], walk);
            if seen == walk {
                errors.add(AnyEntity::Value(v), format!("{v} is an alias of itself"));
            } else if !func.dfg.value_is_valid(to) {
                let message = format!("{v} is an alias of {to}, which does not exist");
                errors.add(AnyEntity::Value(v), message);
            }
            if seen != 0 || !func.dfg.value_is_valid(to) {
                break;
            }
            at = to;
        }
    }
}

/// The values that aliases name, with each way along a chain of them gone once. No alias
/// may name itself.
pub(super) struct Named<'a> {
    func: &'a Function,
    /// By alias, where the way from it led to.
    known: FxHashMap<Value, Value>,
    way: Vec<Value>,
}

impl<'a> Named<'a> {
    pub(super) fn new(func: &'a Function) -> Self {
        Named { func, known: FxHashMap::default(), way: Vec::new() }
    }

    /// The value that `v`, which exists, is or names.
    pub(super) fn by(&mut self, v: Value) -> Value {
        let mut at = v;
        while let ValueDef::Alias(to) = self.func.dfg.value_def(at) {
            self.way.push(at);
            at = self.known.get(&at).copied().unwrap_or(to);
        }
        self.known.extend(self.way.drain(..).map(|alias| (alias, at)));
        at
    }
}

/// What instructions in the layout can read exists.
fn states(func: &Function, errors: &mut VerifierErrors) {
    let dfg = &func.dfg;
    let counts = StateCounts::new(func, |_| true);
    let mut named = Named::new(func);
    for range in dfg.states.ranges().iter().filter(|range| counts.of(range) > 0) {
        let v = range.value;
        if !dfg.value_is_valid(v) || !is_defined(func, named.by(v)) {
            errors
                .add(AnyEntity::Value(v), format!("{v}, listed in states by {}, does not exist", range.key));
        }
    }
}

fn instruction(func: &Function, inst: Inst, errors: &mut VerifierErrors) {
    let dfg = &func.dfg;
    let mut missing: Vec<String> = Vec::new();
    let mut need = |exists: bool, entity: &dyn std::fmt::Display| {
        if !exists {
            missing.push(entity.to_string());
        }
    };
    match dfg.insts[inst].extra {
        Extra::Stack(slot, _) => need(func.stack_slots.is_valid(slot), &slot),
        Extra::Global(gv) => need(func.global_values.is_valid(gv), &gv),
        Extra::Const(constant) => need(dfg.constants.is_valid(constant), &constant),
        Extra::Func(callee) => need(dfg.ext_funcs.is_valid(callee), &callee),
        Extra::Sig(sig) => need(dfg.signatures.is_valid(sig), &sig),
        Extra::Table(table) => need(dfg.jump_tables.is_valid(table), &table),
        Extra::TryCall(_, table) | Extra::TryCallIndirect(table) if !dfg.exception_tables.is_valid(table) => {
            need(false, &table);
        }
        Extra::TryCall(callee, table) => {
            need(dfg.ext_funcs.is_valid(callee), &callee);
            let sig = dfg.exception_tables[table].sig;
            need(dfg.signatures.is_valid(sig), &sig);
        }
        Extra::TryCallIndirect(table) => {
            let sig = dfg.exception_tables[table].sig;
            need(dfg.signatures.is_valid(sig), &sig);
        }
        _ => {}
    }
    if missing.is_empty() {
        for call in dfg.block_calls(inst) {
            let exists = dfg.blocks.is_valid(call.block) && func.layout.is_block_inserted(call.block);
            if !exists {
                missing.push(call.block.to_string());
            }
        }
        dfg.for_each_use(inst, |v| {
            let exists = dfg.value_is_valid(v) && is_defined(func, v);
            if !exists {
                missing.push(v.to_string());
            }
        });
    }
    if !missing.is_empty() {
        // The instruction's text may need what is missing, so it is not printed.
        let opcode = dfg.insts[inst].opcode;
        let message = format!("{inst} ({opcode}): {} does not exist", missing.join(", "));
        errors.add(AnyEntity::Inst(inst), message);
    }
}

/// Whether what `v` names is a parameter or result, in the layout, of what it says
/// that it is one of.
fn is_defined(func: &Function, v: Value) -> bool {
    let v = func.dfg.resolve(v);
    match func.dfg.value_def(v) {
        ValueDef::Result(inst, n) => {
            func.layout.inst_block(inst).is_some() && func.dfg.results(inst).get(n as usize) == Some(&v)
        }
        ValueDef::Param(block, n) => {
            func.layout.is_block_inserted(block)
                && func.dfg.blocks.is_valid(block)
                && func.dfg.block_params(block).get(n as usize) == Some(&v)
        }
        ValueDef::Alias(_) | ValueDef::Absent => false,
    }
}

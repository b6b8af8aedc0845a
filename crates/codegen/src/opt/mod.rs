//! The mid-end: makes a function faster without knowing the target.
//!
//! Problem: code comes from front ends that translate one operator at a time.
//! Approach: a short list of passes, each linear in the size of the function;
//! none repeats until nothing changes. The pass in the middle, [`scalar`], walks
//! the dominator tree once and does everything that needs only what dominates an
//! instruction: folding, algebraic rules, value numbering, memory forwarding.
//!
//! Invariants that hold after every pass: the function verifies; every patchable
//! call that control can reach stays, once, in its order relative to other
//! effects; a trap happens when it did, unless an earlier effect-free equal one
//! has happened already.

mod branches;
mod counters;
mod dce;
mod licm;
mod memory;
mod params;
mod rules;
mod scalar;
mod table;

#[cfg(test)]
mod tests;

use sidetrack_ir::{Extra, Function, Opcode, Value};

/// Optimises a verified function in place; it verifies afterwards.
pub fn optimize(func: &mut Function) {
    if func.layout.entry_block().is_none() {
        return;
    }
    func.resolve_aliases();
    branches::run(func);
    params::run(func);
    if scalar::run(func) {
        branches::run(func);
        params::run(func);
    }
    counters::run(func);
    dce::run(func);
    licm::run(func);
}

/// The value of an integer constant.
fn constant(func: &Function, v: Value) -> Option<i64> {
    let inst = func.dfg.def_inst(v)?;
    match (func.dfg.insts[inst].opcode, func.dfg.insts[inst].extra) {
        (Opcode::Iconst, Extra::Imm(imm)) => Some(imm),
        _ => None,
    }
}

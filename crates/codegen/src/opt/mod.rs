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

use crate::pass::Passes;
use sidetrack_ir::{Extra, Function, Opcode, Value};

/// Optimises a verified function in place; with `verify`, the verifier looks at it after
/// every pass.
///
/// # Errors
/// With `verify`: the rule that the function breaks after a pass, which is a bug of it.
pub fn optimize(func: &mut Function, verify: bool) -> Result<(), String> {
    if func.layout.entry_block().is_none() {
        return Ok(());
    }
    func.resolve_aliases();
    let mut passes = Passes::new(func, verify);
    passes.run("branches", branches::run)?;
    passes.run("params", params::run)?;
    if passes.run("scalar", scalar::run)? {
        passes.run("branches", branches::run)?;
        passes.run("params", params::run)?;
    }
    passes.run("counters", counters::run)?;
    passes.run("dce", dce::run)?;
    passes.run("licm", licm::run)
}

/// The value of an integer constant.
fn constant(func: &Function, v: Value) -> Option<i64> {
    let inst = func.dfg.def_inst(v)?;
    match (func.dfg.insts[inst].opcode, func.dfg.insts[inst].extra) {
        (Opcode::Iconst, Extra::Imm(imm)) => Some(imm),
        _ => None,
    }
}

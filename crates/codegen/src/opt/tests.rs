//! The optimiser against the interpreter: an optimised function does what the
//! function did.

use super::optimize;
use sidetrack_ir::interp::{FunctionStore, Interpreter, Stop};
use sidetrack_ir::random::{self, Config, Entropy};
use sidetrack_ir::{ControlFlowGraph, DataValue, DominatorTree, Function, ValueDef};
use std::time::{Duration, Instant};

/// What can be seen of a run: values, or why there are none.
fn outcome(result: Result<Vec<DataValue>, Stop>) -> Result<Vec<DataValue>, String> {
    result.map_err(|stop| match stop.trap_code() {
        Some(code) => code.to_string(),
        None => stop.to_string(),
    })
}

/// Every use is dominated by its definition, and every branch passes as many
/// arguments as its target has parameters.
fn check_ssa(func: &Function) -> Result<(), String> {
    let cfg = ControlFlowGraph::new(func);
    let domtree = DominatorTree::new(func, &cfg);
    for block in func.layout.blocks() {
        let mut seen = std::collections::HashSet::new();
        for inst in func.layout.block_insts(block) {
            let opcode = func.dfg.insts[inst].opcode;
            let mut bad = None;
            func.dfg.for_each_use(inst, |v| {
                let fine = match func.dfg.value_def(v) {
                    ValueDef::Result(def, _) => {
                        seen.contains(&def)
                            || func
                                .layout
                                .inst_block(def)
                                .is_some_and(|b| b != block && domtree.dominates(b, block))
                    }
                    ValueDef::Param(b, _) => domtree.dominates(b, block),
                    _ => false,
                };
                bad = if fine { bad } else { Some(v) };
            });
            if let Some(v) = bad {
                return Err(format!("{opcode} in {block} uses {v}, which does not dominate it"));
            }
            for call in func.dfg.block_calls(inst) {
                if call.args.len(&func.dfg.block_args) != func.dfg.block_params(call.block).len() {
                    return Err(format!("{opcode} in {block}: arguments of {}", call.block));
                }
            }
            seen.insert(inst);
        }
    }
    Ok(())
}

fn compare(seed: u64) {
    let original = random::function_set(seed, &Config::default());
    let mut optimised = original.clone();
    for (func, before) in optimised.iter_mut().zip(&original) {
        optimize(func);
        if let Err(message) = check_ssa(func) {
            panic!("seed {seed}, {}: {message}", before.name);
        }
    }
    let stores = [&original, &optimised].map(FunctionStore::new);
    let mut entropy = Entropy::from_seed(!seed, 4096);
    for func in &original {
        for on in [true, false] {
            let args = entropy.arguments(&func.signature);
            let [expected, got] = [0, 1].map(|i| {
                let mut interpreter = Interpreter::new(&stores[i]);
                interpreter.set_all_sites(on);
                outcome(interpreter.call(&func.name, &args))
            });
            assert_eq!(expected, got, "seed {seed}, {}{args:?}, sites on: {on}", func.name);
        }
    }
}

#[test]
fn optimised_functions_do_the_same() {
    let start = Instant::now();
    let mut seed = 0;
    while start.elapsed() < Duration::from_secs(1) || seed < 50 {
        compare(seed);
        seed += 1;
    }
}

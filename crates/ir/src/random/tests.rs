//! Generated functions are taken by the interpreter, end, and use everything.

use super::*;
use crate::interp::{FunctionStore, Interpreter, Stop};
use std::collections::HashSet;

fn runs(functions: &[Function], seed: u64) -> Vec<Result<Vec<crate::DataValue>, Stop>> {
    let store = FunctionStore::new(functions);
    let mut entropy = Entropy::from_seed(seed ^ 0xabcd, 4096);
    functions
        .iter()
        .map(|func| {
            let mut interpreter = Interpreter::new(&store);
            interpreter.set_fuel(MAX_COST + 1);
            interpreter.call(&func.name, &entropy.arguments(&func.signature))
        })
        .collect()
}

#[test]
fn functions_are_well_typed_and_terminate() {
    let (mut returned, mut trapped) = (0, 0);
    for seed in 0..300 {
        let functions = function_set(seed, &Config::default());
        for result in runs(&functions, seed) {
            match result {
                Ok(_) => returned += 1,
                Err(Stop::Trap { .. }) => trapped += 1,
                Err(stop) => panic!("seed {seed}: {stop}"),
            }
        }
    }
    assert!(returned > 10 * trapped && trapped > 10, "{returned} returned, {trapped} trapped");
}

#[test]
fn without_traps_none_traps() {
    let config = Config { traps: false, ..Config::default() };
    for seed in 0..100 {
        for result in runs(&function_set(seed, &config), seed) {
            assert!(result.is_ok(), "seed {seed}: {result:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_runs_and_no_bytes_the_least_function() {
    let [a, b] = [0, 1].map(|_| function_set(7, &Config::default()));
    assert_eq!(runs(&a, 7), runs(&b, 7));
    let least = function_set_from(&mut Entropy::from_bytes(&[]), &Config::default());
    assert!(least.iter().all(|func| func.layout.blocks().count() == 1));
    assert!(runs(&least, 0).iter().all(Result::is_ok));
}

#[test]
fn every_opcode_is_used() {
    let mut used = HashSet::new();
    let mut sites = 0;
    for seed in 0..400 {
        for func in function_set(seed, &Config::default()) {
            sites += func.dfg.sites.len();
            used.extend(func.dfg.insts.values().map(|data| data.opcode));
        }
    }
    let never = [
        "trap",
        "trapnz",
        "debugtrap",
        "symbol_value",
        "global_value",
        "tls_value",
        "get_frame_pointer",
        "get_stack_pointer",
        "get_return_address",
        "nop",
        "sequence_point",
    ];
    for &op in Opcode::ALL {
        assert_eq!(used.contains(&op), !never.contains(&op.name()), "{op}");
    }
    assert!(sites > 100, "{sites} sites");
}

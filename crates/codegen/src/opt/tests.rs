//! The optimiser against the interpreter: an optimised function does what the
//! function did.

use super::optimize;
use sidetrack_ir::interp::{FunctionStore, Interpreter, Stop};
use sidetrack_ir::opcode::{Ctrl, Format, OperandType, Props};
use sidetrack_ir::random::{self, Config, Entropy};
use sidetrack_ir::types::{F32, F64, I8};
use sidetrack_ir::{
    Builder, CallConv, ControlFlowGraph, DataValue, DominatorTree, ExternalName, Extra, FloatCC, Function,
    IntCC, MemFlags, Opcode, Signature, Type, Value, ValueDef,
};
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

/// A function of one block in which operations on few values and edge constants
/// pile up: where rules meet. Half of the time operands are the newest values.
fn dense_function(entropy: &mut Entropy) -> Function {
    let types: Vec<Type> =
        (0..3).map(|_| entropy.pick(&[I8, I8, Type::INTS[1], Type::INTS[2], Type::INTS[3], F64])).collect();
    let mut func = Function::new(ExternalName::named("dense"), Signature::of(CallConv::Fast, &types, &[]));
    let mut b = Builder::new(&mut func);
    let entry = b.create_entry_block();
    let mut values: Vec<Value> = b.func.dfg.block_params(entry).to_vec();
    let mut made = Vec::new();
    while made.len() < 12 {
        let opcode = entropy.pick(Opcode::ALL);
        let info = opcode.info();
        let plain = !info.results.is_empty() && !info.args.is_empty();
        let effects = [Props::SIDE, Props::LOAD, Props::STORE, Props::TERMINATOR];
        if !plain || effects.into_iter().any(|effect| info.props.has(effect)) {
            continue;
        }
        // The controlling type is one that a value has, so that values meet.
        let near = |entropy: &mut Entropy| entropy.pick(&[1, 2, values.len()]);
        let back = near(entropy).min(values.len());
        let picked = values[values.len() - 1 - entropy.below(back)];
        let ty = match info.ctrl {
            Ctrl::Explicit => entropy.pick(&Type::SCALARS),
            _ => b.func.dfg.value_type(picked),
        };
        if !info.types.contains(ty) {
            continue;
        }
        let mut args = Vec::new();
        for operand in info.args {
            let fits: Vec<Value> =
                values.iter().copied().filter(|&v| operand.accepts(ty, b.func.dfg.value_type(v))).collect();
            let wanted = match operand.resolve(ty) {
                Some(ty) => ty,
                None => {
                    match Type::SCALARS.into_iter().filter(|&t| operand.accepts(ty, t)).collect::<Vec<_>>() {
                        list if list.is_empty() => break,
                        list => entropy.pick(&list),
                    }
                }
            };
            let carry = *operand == OperandType::Fixed(I8);
            let constant = fits.is_empty() || carry || entropy.one_in(3);
            args.push(if constant {
                let value = if carry { DataValue::bool(entropy.one_in(2)) } else { entropy.value(wanted) };
                match wanted {
                    F32 => b.f32const(f32::from_bits(value.bits() as u32)),
                    F64 => b.f64const(f64::from_bits(value.bits())),
                    _ => b.iconst(wanted, value.sext()),
                }
            } else {
                let back = entropy.pick(&[1, 2, fits.len()]).min(fits.len());
                fits[fits.len() - 1 - entropy.below(back)]
            });
        }
        if args.len() < info.args.len() {
            continue;
        }
        let extra = match info.format {
            Format::IntCompare => Extra::IntCC(entropy.pick(IntCC::ALL)),
            Format::FloatCompare => Extra::FloatCC(entropy.pick(FloatCC::ALL)),
            Format::IntAddTrap => continue,
            Format::LoadNoOffset => Extra::Mem(MemFlags::default(), 0),
            _ => Extra::None,
        };
        let same_type = args.iter().all(|&v| b.func.dfg.value_type(v) == ty);
        let wrong_way = matches!((opcode, ty), (Opcode::Fpromote, F32) | (Opcode::Fdemote, F64));
        if wrong_way || (matches!(opcode, Opcode::Fpromote | Opcode::Fdemote) && same_type) {
            continue;
        }
        let inst = b.inst(opcode, ty, &args, extra);
        let results = b.func.dfg.results(inst).to_vec();
        values.extend(&results);
        made.extend(results);
    }
    b.return_(&made);
    let returns: Vec<Type> = made.iter().map(|&v| func.dfg.value_type(v)).collect();
    func.signature = Signature::of(CallConv::Fast, &types, &returns);
    func
}

#[test]
fn rules_hold() {
    let start = Instant::now();
    let mut seed = 0;
    while start.elapsed() < Duration::from_secs(1) || seed < 100 {
        let mut entropy = Entropy::from_seed(seed, 4096);
        let func = dense_function(&mut entropy);
        let mut optimised = func.clone();
        optimize(&mut optimised);
        check_ssa(&optimised).unwrap_or_else(|message| panic!("seed {seed}: {message}"));
        let (original, optimised) = ([func], [optimised]);
        let stores = [FunctionStore::new(&original), FunctionStore::new(&optimised)];
        let mut interpreters = stores.each_ref().map(Interpreter::new);
        for _ in 0..12 {
            let args = entropy.arguments(&original[0].signature);
            let [expected, got] = interpreters
                .each_mut()
                .map(|interpreter| outcome(interpreter.call(&original[0].name, &args)));
            assert_eq!(expected, got, "seed {seed}, {args:?}");
        }
        seed += 1;
    }
}

//! The optimiser against the interpreter: an optimised function does what the
//! function did.

use super::optimize;
use sidetrack_ir::interp::{FunctionStore, Interpreter, Stop};
use sidetrack_ir::opcode::{Ctrl, Format, OperandType, Props};
use sidetrack_ir::random::{self, Config, Entropy};
use sidetrack_ir::types::{F32, F64, I8, I64};
use sidetrack_ir::{
    AbiParam, AliasRegion, Builder, CallConv, DataValue, ExtFuncData, ExternalName, Extra, FloatCC, FuncRef,
    Function, IntCC, MemFlags, Opcode, Signature, Type, Value,
};
use std::time::{Duration, Instant};

/// What can be seen of a run: values, or why there are none.
fn outcome(result: Result<Vec<DataValue>, Stop>) -> Result<Vec<DataValue>, String> {
    result.map_err(|stop| match stop.trap_code() {
        Some(code) => code.to_string(),
        None => stop.to_string(),
    })
}

fn compare(seed: u64) {
    let original = random::function_set(seed, &Config::default());
    let mut optimised = original.clone();
    for (func, before) in optimised.iter_mut().zip(&original) {
        if let Err(message) = optimize(func, true) {
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

/// Opcodes that occur together in rules with more than two operations.
const FAMILIES: &[&[Opcode]] = {
    use Opcode::*;
    &[
        &[Icmp, Uextend],
        &[Icmp, Sextend],
        &[Icmp, Select],
        &[Icmp, Select, Bmask, Bxor],
        &[Icmp, Band, Bor, Bxor],
        &[Fcmp, Band, Bor, Bxor],
        &[Icmp, Iadd, Isub, Bxor],
        &[Iadd, Isub, Ineg, Bnot],
        &[Band, Bor, Bxor, Bnot],
        &[Ishl, Ushr, Bor, Rotl, Rotr],
        &[Sshr, Ishl, Ireduce, Sextend, Uextend],
        &[Udiv, Urem, Uextend, Band],
        &[Sdiv, Srem, Imul, Iadd],
        &[Bitselect, Bmask, Select],
        &[Fneg, Fabs, Fcopysign, Fmul, Fdiv],
        &[FcvtFromUint, FcvtFromSint, Uextend, Sextend],
    ]
};

/// The operations that rules may see.
fn scalar_opcodes() -> Vec<Opcode> {
    let effects = [Props::SIDE, Props::LOAD, Props::STORE, Props::TERMINATOR];
    let plain = |op: &Opcode| {
        let info = op.info();
        let trap_code = info.format == Format::IntAddTrap;
        let effect = effects.into_iter().any(|effect| info.props.has(effect));
        !info.results.is_empty() && !info.args.is_empty() && !trap_code && !effect
    };
    Opcode::ALL.iter().copied().filter(plain).collect()
}

/// A function of one block in which operations on few values and edge constants
/// pile up, most of them of the opcodes in `focus`: where rules meet. Operands
/// are mostly the newest or the oldest values.
fn dense_function(entropy: &mut Entropy, opcodes: &[Opcode], focus: &[Opcode]) -> Function {
    let [first, second] = [0, 1].map(|_| entropy.pick(&Type::SCALARS));
    let types = [first, first, second];
    let mut func = Function::new(ExternalName::named("dense"), Signature::of(CallConv::Fast, &types, &[]));
    let mut b = Builder::new(&mut func);
    let entry = b.create_entry_block();
    let mut values: Vec<Value> = b.func.dfg.block_params(entry).to_vec();
    let mut made = Vec::new();
    for _ in 0..60 {
        if made.len() > 12 {
            break;
        }
        let opcode = if entropy.one_in(4) { entropy.pick(opcodes) } else { entropy.pick(focus) };
        let info = opcode.info();
        // The controlling type is one that a value has, so that values meet.
        let near = |entropy: &mut Entropy| entropy.pick(&[1, 2, values.len()]);
        let back = near(entropy).min(values.len());
        let picked = values[values.len() - 1 - entropy.below(back)];
        let ty = match info.ctrl {
            Ctrl::Explicit if entropy.one_in(3) => entropy.pick(&Type::SCALARS),
            Ctrl::Explicit => entropy.pick(&[first, second]),
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
                let few = entropy.pick(&[1, 2, fits.len()]).min(fits.len());
                let index = entropy.below(few);
                if entropy.one_in(2) { fits[index] } else { fits[fits.len() - 1 - index] }
            });
        }
        if args.len() < info.args.len() {
            continue;
        }
        let extra = match info.format {
            Format::IntCompare => Extra::IntCC(entropy.pick(IntCC::ALL)),
            Format::FloatCompare => Extra::FloatCC(entropy.pick(FloatCC::ALL)),
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
    let opcodes = scalar_opcodes();
    let (mut seed, count) = (0, opcodes.len());
    while start.elapsed() < Duration::from_secs(1) || seed < 100 {
        let mut entropy = Entropy::from_seed(seed, 2048);
        // Seeds run through all pairs in steps, and through the families.
        let pair = seed as usize * 7919 % (count * count);
        let focus = match seed % 2 {
            0 => &[opcodes[pair % count], opcodes[pair / count]],
            _ => FAMILIES[seed as usize / 2 % FAMILIES.len()],
        };
        let func = dense_function(&mut entropy, &opcodes, focus);
        let mut optimised = func.clone();
        optimize(&mut optimised, true).unwrap_or_else(|message| panic!("seed {seed}: {message}"));
        let (original, optimised) = ([func], [optimised]);
        let stores = [FunctionStore::new(&original), FunctionStore::new(&optimised)];
        let mut interpreters = stores.each_ref().map(Interpreter::new);
        for _ in 0..8 {
            let args = entropy.arguments(&original[0].signature);
            let [expected, got] = interpreters
                .each_mut()
                .map(|interpreter| outcome(interpreter.call(&original[0].name, &args)));
            assert_eq!(expected, got, "seed {seed}, {args:?}");
        }
        seed += 1;
    }
}

/// Builds a function, optimises it, and gives how often each opcode is left.
fn count_after(
    params: &[Type],
    build: impl FnOnce(&mut Builder, &[Value]),
    opcodes: &[Opcode],
) -> Vec<usize> {
    let sig = Signature::of(CallConv::Fast, params, &[]);
    let mut func = Function::new(ExternalName::named("f"), sig);
    let callee = func.dfg.signatures.push(Signature::of(CallConv::PreserveAll, &[], &[]));
    func.dfg.ext_funcs.push(ExtFuncData {
        name: ExternalName::named("hook"),
        signature: callee,
        colocated: true,
        patchable: true,
        readonly: false,
    });
    let mut b = Builder::new(&mut func);
    let entry = b.create_entry_block();
    let values = b.func.dfg.block_params(entry).to_vec();
    build(&mut b, &values);
    let last = func.layout.blocks().last().and_then(|block| func.layout.last_inst(block));
    let returned = func.dfg.args(last.expect("the last block returns"));
    let returns = returned.iter().map(|&v| AbiParam::new(func.dfg.value_type(v)));
    func.signature.returns = returns.collect();
    optimize(&mut func, true).expect("every pass keeps the rules");
    let left: Vec<Opcode> = func
        .layout
        .blocks()
        .flat_map(|block| {
            func.layout.block_insts(block).map(|inst| func.dfg.insts[inst].opcode).collect::<Vec<_>>()
        })
        .collect();
    opcodes.iter().map(|opcode| left.iter().filter(|&other| other == opcode).count()).collect()
}

fn in_region(region: AliasRegion) -> MemFlags {
    MemFlags { region: Some(region), ..MemFlags::trusted() }
}

#[test]
fn memory_is_forwarded_unless_written() {
    let heap = in_region(AliasRegion::Heap);
    let table = in_region(AliasRegion::Table);
    let readonly = MemFlags { readonly: true, ..MemFlags::trusted() };
    let load = |b: &mut Builder, flags, addr| b.load(Opcode::Load, I64, flags, addr, 8);
    // What is between two loads, the loads' flags, and how many loads are left.
    type Between = fn(&mut Builder, &[Value], MemFlags);
    let nothing: Between = |_, _, _| {};
    let store: Between = |b, v, flags| {
        b.store(Opcode::Store, flags, v[1], v[1], 0);
    };
    let hook: Between = |b, _, _| {
        b.call(FuncRef::from_u32(0), &[]);
    };
    let fence: Between = |b, _, _| {
        b.inst(Opcode::Fence, Type::INVALID, &[], Extra::None);
    };
    let cases = [
        ("nothing", nothing, heap, heap, 1),
        ("a store to the region", store, heap, heap, 2),
        ("a store to another region", store, heap, table, 1),
        ("a store to no region", store, heap, MemFlags::trusted(), 2),
        ("a store, readonly", store, readonly, heap, 1),
        ("a patchable call", hook, heap, heap, 2),
        ("a patchable call, readonly", hook, readonly, heap, 1),
        ("a fence", fence, heap, heap, 2),
    ];
    for (name, between, flags, store_flags, expected) in cases {
        let build = |b: &mut Builder, v: &[Value]| {
            let first = load(b, flags, v[0]);
            between(b, v, store_flags);
            let second = load(b, flags, v[0]);
            b.return_(&[first, second]);
        };
        assert_eq!(count_after(&[I64, I64], build, &[Opcode::Load]), [expected], "{name}");
    }
    // Stores are forwarded, narrow ones through an extension.
    let build = |b: &mut Builder, v: &[Value]| {
        b.store(Opcode::Store, heap, v[1], v[0], 0);
        let whole = b.load(Opcode::Load, I64, heap, v[0], 0);
        b.store(Opcode::Istore8, heap, v[1], v[0], 0);
        let low = b.load(Opcode::Sload8, I64, heap, v[0], 0);
        b.return_(&[whole, low]);
    };
    let left = count_after(&[I64, I64], build, &[Opcode::Load, Opcode::Sload8, Opcode::Sextend]);
    assert_eq!(left, [0, 0, 1]);
}

#[test]
fn effects_stay_and_dead_code_goes() {
    let build = |b: &mut Builder, v: &[Value]| {
        b.op(Opcode::Udiv, &[v[0], v[1]]);
        b.op(Opcode::Iadd, &[v[0], v[1]]);
        b.load(Opcode::Load, I64, MemFlags::default(), v[0], 0);
        b.load(Opcode::Load, I64, MemFlags::trusted(), v[0], 0);
        b.call(FuncRef::from_u32(0), &[]);
        b.call(FuncRef::from_u32(0), &[]);
        b.return_(&[]);
    };
    let opcodes = [Opcode::Udiv, Opcode::Iadd, Opcode::Load, Opcode::Call];
    assert_eq!(count_after(&[I64, I64], build, &opcodes), [1, 0, 1, 2]);
    let build = |b: &mut Builder, v: &[Value]| {
        let first = b.op(Opcode::Udiv, &[v[0], v[1]]);
        let second = b.op(Opcode::Udiv, &[v[0], v[1]]);
        let third = b.op(Opcode::SelectSpectreGuard, &[first, v[0], v[0]]);
        b.return_(&[first, second, third]);
    };
    let opcodes = [Opcode::Udiv, Opcode::SelectSpectreGuard];
    assert_eq!(count_after(&[I64, I64], build, &opcodes), [1, 1]);
}

#[test]
fn invariants_leave_loops() {
    // A loop whose body adds, multiplies, loads and calls; where they end up.
    let movable = MemFlags { can_move: true, ..in_region(AliasRegion::VmCtx) };
    let pinned = in_region(AliasRegion::VmCtx);
    let run = |flags: MemFlags, hook: bool| {
        let sig = Signature::of(CallConv::Fast, &[I64, I64], &[]);
        let mut func = Function::new(ExternalName::named("f"), sig);
        let callee = func.dfg.signatures.push(Signature::of(CallConv::PreserveAll, &[], &[]));
        let name = ExternalName::named("hook");
        func.dfg.ext_funcs.push(ExtFuncData {
            name,
            signature: callee,
            colocated: true,
            patchable: true,
            readonly: false,
        });
        let mut b = Builder::new(&mut func);
        let entry = b.create_entry_block();
        let v = b.func.dfg.block_params(entry).to_vec();
        let [header, exit] = std::array::from_fn(|_| b.create_block());
        let i = b.func.dfg.append_block_param(header, I64);
        b.brif(v[0], (header, &[v[1]]), (exit, &[]));
        b.switch_to(header);
        let nine = b.iconst(I64, 9);
        let product = b.op(Opcode::Imul, &[v[0], nine]);
        let loaded = b.load(Opcode::Load, I64, flags, v[1], 0);
        if hook {
            b.call(FuncRef::from_u32(0), &[]);
        }
        let sum = b.op(Opcode::Isub, &[i, product]);
        let next = b.op(Opcode::Isub, &[sum, loaded]);
        b.brif(next, (header, &[next]), (exit, &[]));
        b.switch_to(exit);
        b.return_(&[]);
        optimize(&mut func, true).expect("every pass keeps the rules");
        let in_header =
            |opcode| func.layout.block_insts(header).any(|inst| func.dfg.insts[inst].opcode == opcode);
        [Opcode::Imul, Opcode::Load, Opcode::Isub, Opcode::Call].map(in_header)
    };
    assert_eq!(run(movable, false), [false, false, true, false]);
    assert_eq!(run(pinned, false), [false, true, true, false]);
    assert_eq!(run(movable, true), [false, true, true, true]);
    assert_eq!(run(MemFlags { readonly: true, ..movable }, true), [false, false, true, true]);
}

#[test]
fn branches_are_decided_and_blocks_merged() {
    let build = |b: &mut Builder, v: &[Value]| {
        let [then, other, join] = std::array::from_fn(|_| b.create_block());
        let param = b.func.dfg.append_block_param(join, I64);
        let zero = b.op(Opcode::Isub, &[v[0], v[0]]);
        b.brif(zero, (then, &[]), (other, &[]));
        b.switch_to(then);
        b.call(FuncRef::from_u32(0), &[]);
        b.jump(join, &[v[1]]);
        b.switch_to(other);
        b.jump(join, &[v[0]]);
        b.switch_to(join);
        b.return_(&[param]);
    };
    let opcodes = [Opcode::Brif, Opcode::Jump, Opcode::Call, Opcode::Return];
    assert_eq!(count_after(&[I64, I64], build, &opcodes), [0, 0, 0, 1]);
}

/// In this crate's tests hashes have 8 bits, so that each of these collides with others.
#[test]
fn keys_with_the_same_hash_stay_apart() {
    let count = 600;
    let build = |b: &mut Builder, v: &[Value]| {
        let mut sum = v[0];
        for n in 0..count {
            let constant = b.iconst(I64, 7919 * n + 3);
            let product = b.op(Opcode::Imul, &[sum, v[1]]);
            let difference = b.op(Opcode::Isub, &[constant, product]);
            // Two of a kind: the second is the first.
            let again = b.op(Opcode::Imul, &[v[1], sum]);
            let both = b.op(Opcode::Bxor, &[difference, again]);
            let loaded = b.load(Opcode::Load, I64, in_region(AliasRegion::Heap), v[1], n as i32);
            sum = b.op(Opcode::Umulhi, &[both, loaded]);
        }
        b.return_(&[sum]);
    };
    let opcodes = [Opcode::Imul, Opcode::Isub, Opcode::Iconst, Opcode::Load];
    assert_eq!(count_after(&[I64, I64], build, &opcodes), [count as usize; 4]);
}

/// What is moved out of a loop is kept through all of its blocks: how many values are is
/// bounded by how many blocks there are.
#[test]
fn little_is_moved_out_of_large_loops() {
    let moved = |blocks: usize| {
        let mut text =
            "function %f(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\njump block1(v0)\n".to_string();
        let exit = blocks + 1;
        for block in 1..=blocks {
            let [sum, constant, product, next] = std::array::from_fn(|n| 10 * block + n);
            let after = block % blocks + 1;
            text += &format!(
                "block{block}(v{sum}: i64):\nv{constant} = iconst.i64 {}\nv{product} = umulhi v1, v{constant}\n\
                 v{next} = bxor v{sum}, v{product}\nbrif v{next}, block{after}(v{next}), block{exit}(v{next})\n",
                2 * block + 1
            );
        }
        text += &format!("block{exit}(v2: i64):\nreturn v2\n}}\n");
        let mut func = sidetrack_ir::text::parse_functions(&text).expect("it is well-formed").remove(0);
        optimize(&mut func, true).expect("every pass keeps the rules");
        let entry = func.layout.entry_block().expect("there are blocks");
        let insts = func.layout.block_insts(entry);
        insts.filter(|&inst| func.dfg.insts[inst].opcode == Opcode::Umulhi).count()
    };
    assert_eq!([moved(10), moved(100), moved(3000)], [10, 100, 16]);
}

#[test]
fn equal_operations_leave_a_loop_once() {
    let text = "function %f(i64, i32) -> i64 {
block0(v0: i64, v1: i32):
    jump block1(v1)
block1(v2: i32):
    br_table v2, block5, [block2, block3, block4]
block2:
    v10 = load.i64 notrap aligned readonly can_move v0+8
    v11 = iadd_imm v10, 16
    v12 = load.i32 notrap v11
    jump block1(v12)
block3:
    v20 = load.i64 notrap aligned readonly can_move v0+8
    v21 = load.i64 notrap aligned readonly can_move v20
    v22 = load.i32 notrap v21
    jump block1(v22)
block4:
    v30 = load.i64 notrap aligned readonly can_move v0+8
    v31 = load.i64 notrap aligned readonly can_move v30
    store notrap v1, v31
    jump block1(v1)
block5:
    v40 = load.i64 notrap aligned readonly can_move v0+8
    return v40
}
";
    let mut func = sidetrack_ir::text::parse_functions(text).expect("it is well-formed").remove(0);
    optimize(&mut func, true).expect("every pass keeps the rules");
    let entry = func.layout.entry_block().expect("there are blocks");
    let wide = |inst: &sidetrack_ir::Inst| {
        func.dfg.insts[*inst].opcode == Opcode::Load && func.dfg.insts[*inst].ty.bits() == 64
    };
    assert_eq!(func.layout.block_insts(entry).filter(wide).count(), 2, "{func}");
    let all = func.layout.blocks().flat_map(|block| func.layout.block_insts(block));
    assert_eq!(all.filter(wide).count(), 3, "{func}");
}

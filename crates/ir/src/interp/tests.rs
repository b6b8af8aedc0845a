//! Functions built by hand: control, memory, calls, exceptions, sites, stops.

use super::*;
use crate::builder::Builder;
use crate::condcodes::IntCC;
use crate::entities::{FuncRef, Value};
use crate::function::{GlobalValueData, StackSlotData};
use crate::inst::{AtomicRmwOp, BlockArg, BlockCall, ExceptionItem, ExceptionTableData, Extra, SiteInfo};
use crate::memflags::{Endianness, MemFlags, TrapCode};
use crate::opcode::Opcode;
use crate::signature::{AbiParam, ArgumentPurpose, CallConv, ExtFuncData, Signature};
use crate::types::{I8, I16, I32, I64, Type};

fn name(text: &str) -> ExternalName {
    ExternalName::named(text)
}

fn sig(params: &[Type], returns: &[Type]) -> Signature {
    Signature::of(CallConv::Tail, params, returns)
}

/// A function whose entry block `body` fills, given the parameters.
fn function(
    text: &str,
    params: &[Type],
    returns: &[Type],
    body: impl FnOnce(&mut Builder<'_>, &[Value]),
) -> Function {
    let mut func = Function::new(name(text), sig(params, returns));
    let mut builder = Builder::new(&mut func);
    let entry = builder.create_entry_block();
    let params = builder.func.dfg.block_params(entry).to_vec();
    body(&mut builder, &params);
    func
}

fn import(b: &mut Builder<'_>, callee: &str, signature: Signature) -> FuncRef {
    let signature = b.func.dfg.signatures.push(signature);
    let data =
        ExtFuncData { name: name(callee), signature, colocated: true, patchable: false, readonly: false };
    b.func.dfg.ext_funcs.push(data)
}

fn slot(b: &mut Builder<'_>, size: u32) -> crate::entities::StackSlot {
    b.func.stack_slots.push(StackSlotData { size, align_shift: 0, key: None })
}

fn run(functions: &[Function], callee: &str, args: &[DataValue]) -> Result<Vec<DataValue>, Stop> {
    let store = FunctionStore::new(functions);
    Interpreter::new(&store).call(&name(callee), args)
}

/// `fac(n, acc)`: by a loop over a block with two parameters.
fn factorial() -> Function {
    function("fac", &[I64], &[I64], |b, params| {
        let (header, exit) = (b.create_block(), b.create_block());
        for block in [header, header, exit] {
            b.func.dfg.append_block_param(block, I64);
        }
        let one = b.iconst(I64, 1);
        b.jump(header, &[params[0], one]);
        b.switch_to(header);
        let [n, acc] = b.func.dfg.block_params(header).to_vec()[..] else { unreachable!() };
        let product = b.op(Opcode::Imul, &[n, acc]);
        let next = b.op(Opcode::Isub, &[n, one]);
        b.brif(next, (header, &[next, product]), (exit, &[product]));
        b.switch_to(exit);
        let result = b.func.dfg.block_params(exit)[0];
        b.return_(&[result]);
    })
}

#[test]
fn loops_and_fuel() {
    let functions = [factorial()];
    assert_eq!(run(&functions, "fac", &[DataValue::I64(10)]), Ok(vec![DataValue::I64(3_628_800)]));
    let store = FunctionStore::new(&functions);
    let mut interpreter = Interpreter::new(&store);
    interpreter.set_fuel(1000);
    assert_eq!(interpreter.call(&name("fac"), &[DataValue::I64(-1)]), Err(Stop::OutOfFuel));
    assert_eq!(interpreter.fuel(), 0);
}

#[test]
fn block_arguments_are_assigned_at_once() {
    let swap = function("swap", &[I64, I64], &[I64, I64], |b, params| {
        let (header, exit) = (b.create_block(), b.create_block());
        for ty in [I64, I64, I8] {
            b.func.dfg.append_block_param(header, ty);
        }
        let once = b.iconst(I8, 1);
        b.jump(header, &[params[0], params[1], once]);
        b.switch_to(header);
        let [x, y, again] = b.func.dfg.block_params(header).to_vec()[..] else { unreachable!() };
        let no = b.iconst(I8, 0);
        b.brif(again, (header, &[y, x, no]), (exit, &[]));
        b.switch_to(exit);
        b.return_(&[x, y]);
    });
    let result = run(&[swap], "swap", &[DataValue::I64(1), DataValue::I64(2)]);
    assert_eq!(result, Ok(vec![DataValue::I64(2), DataValue::I64(1)]));
}

#[test]
fn tables_take_the_entry_or_the_default() {
    let table = function("t", &[I32], &[I64], |b, params| {
        let blocks: Vec<_> = (0..3).map(|_| b.create_block()).collect();
        let [default, first, second] = [0, 1, 2].map(|i| b.block_call(blocks[i], &[]));
        b.br_table(params[0], default, vec![first, second]);
        for (i, &block) in blocks.iter().enumerate() {
            b.switch_to(block);
            let value = b.iconst(I64, i as i64);
            b.return_(&[value]);
        }
    });
    for (index, expected) in [(0, 1), (1, 2), (2, 0), (-1, 0)] {
        let result = run(std::slice::from_ref(&table), "t", &[DataValue::I32(index)]);
        assert_eq!(result, Ok(vec![DataValue::I64(expected)]), "{index}");
    }
}

#[test]
fn memory_has_byte_order_and_bounds() {
    let big = MemFlags { endianness: Some(Endianness::Big), ..MemFlags::default() };
    let f = function("m", &[I64], &[I64, I64, I64, I32], |b, params| {
        let slot = slot(b, 16);
        let addr = b.stack_addr(I64, slot, 8);
        b.store(Opcode::Store, big, params[0], addr, -8);
        let order = b.load(Opcode::Load, I64, MemFlags::default(), addr, -8);
        let narrow = b.load(Opcode::Sload16, I64, big, addr, -8);
        b.inst(Opcode::Istore32, Type::INVALID, &[params[0], addr], Extra::Mem(MemFlags::default(), 0));
        let stored = b.load(Opcode::Uload32, Type::INVALID, MemFlags::default(), addr, 0);
        let rest = b.load(Opcode::Load, I32, MemFlags::default(), addr, 4);
        b.return_(&[order, narrow, stored, rest]);
    });
    let result = run(&[f], "m", &[DataValue::I64(0xf1f2_f3f4_f5f6_f7f8_u64 as i64)]);
    let expected = vec![
        DataValue::I64(0xf8f7_f6f5_f4f3_f2f1_u64 as i64),
        DataValue::I64(-0x0e0e),
        DataValue::I64(0xf5f6_f7f8),
        DataValue::I32(0),
    ];
    assert_eq!(result, Ok(expected));
    for (offset, flags) in [
        (9, MemFlags::default()),
        (-1, MemFlags { trap: TrapCode::user(3), ..MemFlags::default() }),
        (16, MemFlags::trusted()),
    ] {
        let f = function("o", &[], &[I64], |b, _| {
            let slot = slot(b, 16);
            let addr = b.stack_addr(I64, slot, 0);
            let value = b.load(Opcode::Load, I64, flags, addr, offset);
            b.return_(&[value]);
        });
        let stop = run(&[f], "o", &[]).unwrap_err();
        assert_eq!(stop.trap_code(), flags.trap, "{stop}");
        assert!(flags.trap.is_some() || matches!(stop, Stop::Undefined { .. }), "{stop}");
    }
}

#[test]
fn atomics_change_memory_and_give_what_was_there() {
    let flags = MemFlags::trusted();
    use AtomicRmwOp::*;
    for (op, expected) in [
        (Add, 0x03),
        (Sub, 0xfd),
        (And, 0x00),
        (Nand, 0xff),
        (Or, 0x83),
        (Xor, 0x83),
        (Xchg, 0x83),
        (Umin, 0x80),
        (Umax, 0x83),
        (Smin, 0x80),
        (Smax, 0x83),
    ] {
        let f = function("a", &[I8, I8], &[I8, I8], |b, params| {
            let slot = slot(b, 1);
            let addr = b.stack_addr(I64, slot, 0);
            b.store(Opcode::Store, flags, params[0], addr, 0);
            let inst = b.inst(Opcode::AtomicRmw, I8, &[addr, params[1]], Extra::Atomic(flags, op));
            let old = b.func.dfg.first_result(inst);
            let inst = b.inst(Opcode::AtomicLoad, I8, &[addr], Extra::Mem(flags, 0));
            let new = b.func.dfg.first_result(inst);
            b.return_(&[old, new]);
        });
        let (old, operand): (u8, u8) = match op {
            And | Or | Xor | Nand => (0x80, 0x03),
            _ => (0x80, 0x83),
        };
        let result = run(&[f], "a", &[DataValue::I8(old as i8), DataValue::I8(operand as i8)]);
        assert_eq!(result, Ok(vec![DataValue::I8(old as i8), DataValue::I8(expected as u8 as i8)]), "{op}");
    }
    let cas = function("c", &[I16, I16, I16], &[I16, I16], |b, params| {
        let slot = slot(b, 2);
        let addr = b.stack_addr(I64, slot, 0);
        b.store(Opcode::Store, flags, params[0], addr, 0);
        let inst = b.inst(Opcode::AtomicCas, I16, &[addr, params[1], params[2]], Extra::Mem(flags, 0));
        let old = b.func.dfg.first_result(inst);
        let new = b.load(Opcode::Load, I16, flags, addr, 0);
        b.return_(&[old, new]);
    });
    for (expected, new) in [(5, 9), (6, 5)] {
        let args = [5, expected, 9].map(DataValue::I16);
        let result = run(std::slice::from_ref(&cas), "c", &args);
        assert_eq!(result, Ok(vec![DataValue::I16(5), DataValue::I16(new)]));
    }
}

#[test]
fn traps_say_where() {
    let f = function("d", &[I32, I32], &[I32], |b, params| {
        b.cond_trap(Opcode::Trapnz, params[0], TrapCode::user(9).unwrap());
        let quotient = b.op(Opcode::Udiv, &[params[0], params[1]]);
        b.return_(&[quotient]);
    });
    let [zero, one] = [0, 1].map(DataValue::I32);
    let stop = run(std::slice::from_ref(&f), "d", &[zero, zero]).unwrap_err();
    assert_eq!(stop.trap_code(), Some(TrapCode::INTEGER_DIVISION_BY_ZERO));
    let text = stop.to_string();
    assert!(text.contains("int_divz") && text.contains("v2 = udiv") && text.contains("%d"), "{text}");
    let stop = run(std::slice::from_ref(&f), "d", &[one, one]).unwrap_err();
    assert_eq!(stop.trap_code(), TrapCode::user(9));
    assert!(matches!(run(&[f], "d", &[one]), Err(Stop::Undefined { .. })));
}

#[test]
fn calls_direct_indirect_and_missing() {
    let callee = function("callee", &[I64, I64], &[I64, I64], |b, params| {
        let difference = b.op(Opcode::Isub, &[params[0], params[1]]);
        b.return_(&[difference, params[0]]);
    });
    let caller = |target: &'static str, indirect: bool| {
        function("caller", &[I64, I64], &[I64, I64], move |b, params| {
            let func = import(b, target, sig(&[I64, I64], &[I64, I64]));
            let inst = if indirect {
                let inst = b.inst(Opcode::FuncAddr, I64, &[], Extra::Func(func));
                let addr = b.func.dfg.first_result(inst);
                let signature = b.func.dfg.ext_funcs[func].signature;
                b.call_indirect(signature, addr, params)
            } else {
                b.call(func, params)
            };
            let results = b.func.dfg.results(inst).to_vec();
            b.return_(&results);
        })
    };
    let args = [7, 5].map(DataValue::I64);
    for indirect in [false, true] {
        let functions = [callee.clone(), caller("callee", indirect)];
        assert_eq!(run(&functions, "caller", &args), Ok(vec![DataValue::I64(2), DataValue::I64(7)]));
        let stop = run(&[caller("absent", indirect)], "caller", &args);
        assert!(matches!(stop, Err(Stop::Unsupported(_))), "{stop:?}");
    }
    let wrong = function("callee", &[I64, I64], &[I64], |b, params| {
        b.return_(&params[..1]);
    });
    let stop = run(&[wrong, caller("callee", true)], "caller", &args);
    assert!(matches!(stop, Err(Stop::Undefined { .. })), "{stop:?}");
    let nowhere = function("n", &[I64], &[], |b, params| {
        let signature = b.func.dfg.signatures.push(sig(&[], &[]));
        b.call_indirect(signature, params[0], &[]);
        b.return_(&[]);
    });
    let stop = run(&[nowhere], "n", &[DataValue::I64(12345)]);
    assert!(matches!(stop, Err(Stop::Undefined { .. })), "{stop:?}");
}

/// `count(n, acc)`: counts down by calling itself, `tail` or not.
fn recursion(tail: bool) -> Function {
    function("count", &[I64, I64], &[I64], |b, params| {
        let (more, done) = (b.create_block(), b.create_block());
        b.brif(params[0], (more, &[]), (done, &[]));
        b.switch_to(more);
        let func = import(b, "count", sig(&[I64, I64], &[I64]));
        let minus_one = b.iconst(I64, -1);
        let n = b.op(Opcode::Iadd, &[params[0], minus_one]);
        let acc = b.op(Opcode::Isub, &[params[1], minus_one]);
        if tail {
            b.inst(Opcode::ReturnCall, Type::INVALID, &[n, acc], Extra::Func(func));
        } else {
            let inst = b.call(func, &[n, acc]);
            let result = b.func.dfg.first_result(inst);
            b.return_(&[result]);
        }
        b.switch_to(done);
        b.return_(&[params[1]]);
    })
}

#[test]
fn deep_recursion_overflows_and_tail_calls_do_not() {
    let args = [100_000, 0].map(DataValue::I64);
    let stop = run(&[recursion(false)], "count", &args).unwrap_err();
    assert_eq!(stop.trap_code(), Some(TrapCode::STACK_OVERFLOW));
    assert_eq!(run(&[recursion(true)], "count", &args), Ok(vec![args[0]]));
    let shallow = [1_000, 0].map(DataValue::I64);
    assert_eq!(run(&[recursion(false)], "count", &shallow), Ok(vec![shallow[0]]));
}

/// `outer` tries `callee`; a handler for tag 5 gives the payload plus 100, the
/// default handler -1, a normal return the value.
fn catcher(callee: &str) -> Function {
    function("outer", &[I64], &[I64], |b, params| {
        let func = import(b, callee, sig(&[I64], &[I64]));
        let blocks = [(); 3].map(|()| b.create_block());
        let [normal, five, default] = blocks;
        for block in [normal, five, five] {
            b.func.dfg.append_block_param(block, I64);
        }
        let pool = &mut b.func.dfg.block_args;
        let exn = [BlockArg::TryCallExn(0), BlockArg::TryCallExn(1)];
        let table = ExceptionTableData {
            sig: b.func.dfg.ext_funcs[func].signature,
            normal: BlockCall::new(normal, [BlockArg::TryCallRet(0)], pool),
            items: vec![
                ExceptionItem::Context(params[0]),
                ExceptionItem::Tag(5, BlockCall::new(five, exn, pool)),
                ExceptionItem::Default(BlockCall::new(default, [], pool)),
            ],
        };
        let table = b.func.dfg.exception_tables.push(table);
        b.inst(Opcode::TryCall, Type::INVALID, params, Extra::TryCall(func, table));
        b.switch_to(normal);
        let value = b.func.dfg.block_params(normal)[0];
        b.return_(&[value]);
        b.switch_to(five);
        let [x, y] = b.func.dfg.block_params(five).to_vec()[..] else { unreachable!() };
        let sum = b.op(Opcode::Iadd, &[x, y]);
        b.return_(&[sum]);
        b.switch_to(default);
        let value = b.iconst(I64, -1);
        b.return_(&[value]);
    })
}

#[test]
fn exceptions_find_the_nearest_handler() {
    let middle = |tail: bool| {
        function("middle", &[I64], &[I64], move |b, params| {
            let func = import(b, "throw", sig(&[I64], &[I64]));
            if tail {
                b.inst(Opcode::ReturnCall, Type::INVALID, params, Extra::Func(func));
            } else {
                let inst = b.call(func, params);
                let result = b.func.dfg.first_result(inst);
                b.return_(&[result]);
            }
        })
    };
    for tail in [false, true] {
        let functions = [catcher("middle"), middle(tail)];
        let store = FunctionStore::new(&functions);
        let mut interpreter = Interpreter::new(&store);
        interpreter.define_host(name("throw"), |_: &mut Memory, args: &[DataValue]| match args[0].sext() {
            0 => HostOutcome::Return(vec![DataValue::I64(77)]),
            1 => HostOutcome::Trap(TrapCode::INTEGER_OVERFLOW),
            tag => HostOutcome::Throw { tag: tag as u32, payload: [40, 2] },
        });
        let mut call = |callee: &str, n: i64| interpreter.call(&name(callee), &[DataValue::I64(n)]);
        assert_eq!(call("outer", 0), Ok(vec![DataValue::I64(77)]));
        assert_eq!(call("outer", 5), Ok(vec![DataValue::I64(42)]));
        assert_eq!(call("outer", 6), Ok(vec![DataValue::I64(-1)]));
        assert_eq!(call("outer", 1).unwrap_err().trap_code(), Some(TrapCode::INTEGER_OVERFLOW));
        assert_eq!(call("middle", 6), Err(Stop::Thrown { tag: 6, payload: [40, 2] }));
    }
}

#[test]
fn sites_switch_and_pass_through() {
    let hook_sig = Signature::of(CallConv::PreserveAll, &[I64, I64], &[I64]);
    let site = SiteInfo { tag: 7, on: false, pass_through: vec![1] };
    let f = function("f", &[I64, I64], &[I64], |b, params| {
        let func = import(b, "hook", hook_sig.clone());
        let inst = b.call(func, params);
        b.func.dfg.sites.insert(inst, site.clone());
        let result = b.func.dfg.first_result(inst);
        b.return_(&[result]);
    });
    let functions = [f];
    let store = FunctionStore::new(&functions);
    let calls = std::cell::Cell::new(0);
    let mut interpreter = Interpreter::new(&store);
    interpreter.define_host(name("hook"), |_: &mut Memory, _: &[DataValue]| {
        calls.set(calls.get() + 1);
        HostOutcome::Return(vec![DataValue::I64(1000)])
    });
    let args = [3, 4].map(DataValue::I64);
    let f = name("f");
    let off = Ok(vec![DataValue::I64(4)]);
    let on = Ok(vec![DataValue::I64(1000)]);
    assert_eq!(interpreter.call(&f, &args), off);
    assert_eq!(interpreter.set_site(&f, 7, true), 1);
    assert_eq!(interpreter.call(&f, &args), on);
    assert_eq!(interpreter.set_site(&f, 8, false), 0);
    assert_eq!(interpreter.set_site(&name("g"), 7, false), 0);
    assert_eq!(interpreter.call(&f, &args), on);
    interpreter.set_all_sites(false);
    assert_eq!(interpreter.call(&f, &args), off);
    assert_eq!(calls.get(), 2);
}

#[test]
fn a_try_call_that_is_off_falls_through() {
    let mut functions = [catcher("hook")];
    let dfg = &mut functions[0].dfg;
    let callee = dfg.ext_funcs.keys().next().unwrap();
    dfg.ext_funcs[callee].patchable = true;
    let store = FunctionStore::new(&functions);
    let mut interpreter = Interpreter::new(&store);
    interpreter.define_host(name("hook"), |_: &mut Memory, _: &[DataValue]| HostOutcome::Throw {
        tag: 5,
        payload: [1, 1],
    });
    let outer = name("outer");
    assert_eq!(interpreter.call(&outer, &[DataValue::I64(9)]), Ok(vec![DataValue::I64(2)]));
    assert_eq!(interpreter.set_site(&outer, 0, false), 1);
    assert_eq!(interpreter.call(&outer, &[DataValue::I64(9)]), Ok(vec![DataValue::I64(9)]));
}

#[test]
fn global_values_start_from_vmctx_and_symbols() {
    let mut func = Function::new(name("g"), sig(&[I64], &[I64, I64, I8]));
    func.signature.params[0].purpose = ArgumentPurpose::VMContext;
    let globals = &mut func.global_values;
    let vmctx = globals.push(GlobalValueData::VMContext);
    let (flags, ty) = (MemFlags::trusted(), I64);
    let loaded = globals.push(GlobalValueData::Load { base: vmctx, offset: 8, ty, flags });
    let added = globals.push(GlobalValueData::IAddImm { base: loaded, offset: -1, ty });
    let symbol = GlobalValueData::Symbol { name: name("data"), offset: 1, colocated: false, tls: false };
    let symbol = globals.push(symbol);
    let mut b = Builder::new(&mut func);
    b.create_entry_block();
    let mut read = |gv| {
        let inst = b.inst(Opcode::GlobalValue, I64, &[], Extra::Global(gv));
        b.func.dfg.first_result(inst)
    };
    let (x, y, addr) = (read(loaded), read(added), read(symbol));
    let byte = b.load(Opcode::Load, I8, MemFlags::default(), addr, 1);
    b.return_(&[x, y, byte]);

    let functions = [func];
    let store = FunctionStore::new(&functions);
    let mut interpreter = Interpreter::new(&store);
    let mut context = vec![0; 16];
    context[8] = 50;
    let context = interpreter.memory().allocate(context, true).unwrap();
    let args = [DataValue::I64(context as i64)];
    assert!(matches!(interpreter.call(&name("g"), &args), Err(Stop::Unsupported(_))));
    interpreter.define_data(name("data"), vec![1, 2, 3], false).unwrap();
    let expected = vec![DataValue::I64(50), DataValue::I64(49), DataValue::I8(3)];
    assert_eq!(interpreter.call(&name("g"), &args), Ok(expected));
}

#[test]
fn structs_by_value_are_copies() {
    let mut callee_sig = sig(&[I64], &[]);
    callee_sig.params = vec![AbiParam { purpose: ArgumentPurpose::StructArgument(8), ..AbiParam::new(I64) }];
    let mut callee = function("callee", &[I64], &[], |b, params| {
        let one = b.iconst(I64, 1);
        b.store(Opcode::Store, MemFlags::trusted(), one, params[0], 0);
        b.return_(&[]);
    });
    callee.signature = callee_sig.clone();
    let caller = function("caller", &[], &[I64], |b, _| {
        let slot = slot(b, 8);
        let addr = b.stack_addr(I64, slot, 0);
        let func = import(b, "callee", callee_sig);
        b.call(func, &[addr]);
        let value = b.load(Opcode::Load, I64, MemFlags::trusted(), addr, 0);
        b.return_(&[value]);
    });
    assert_eq!(run(&[callee, caller], "caller", &[]), Ok(vec![DataValue::I64(0)]));
}

#[test]
fn frame_addresses_are_ordered_and_the_frame_is_readable() {
    let f = function("p", &[], &[I8, I8, I8], |b, _| {
        let [fp, sp, ret] = [Opcode::GetFramePointer, Opcode::GetStackPointer, Opcode::GetReturnAddress]
            .map(|opcode| b.op_typed(opcode, I64, &[]));
        let slot = slot(b, 8);
        let addr = b.stack_addr(I64, slot, 0);
        let saved = b.load(Opcode::Load, I64, MemFlags::default(), fp, 8);
        let same = b.icmp(IntCC::Equal, saved, ret);
        let above = b.icmp(IntCC::UnsignedGreaterThan, fp, addr);
        let below = b.icmp(IntCC::UnsignedLessThanOrEqual, sp, addr);
        b.return_(&[same, above, below]);
    });
    assert_eq!(run(&[f], "p", &[]), Ok(vec![DataValue::I8(1); 3]));
}

//! Debugging: stops at every operator, breakpoints, frames, interrupts.

mod common;

use common::engines;
use sidetrack_engine::debug::describe;
use sidetrack_engine::{
    Caller, DebugEvent, Engine, Extern, Func, Instance, Module, Result, Resume, Store, ThrownException, Trap,
    Val, WasmBacktrace,
};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SUM: &str = r#"(module
    (memory 1)
    (global $g (mut i32) (i32.const 0))
    (func $add (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.add (local.get 0) (i32.load (i32.const 16)))
        (drop)
        (i32.add (local.get 0) (local.get 1)))
    (func $sum (export "sum") (param $n i32) (result i32)
        (local $total i32)
        (block $done
            (loop $next
                (br_if $done (i32.eqz (local.get $n)))
                (local.set $total (call $add (local.get $total) (local.get $n)))
                (global.set $g (local.get $total))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br $next)))
        (local.get $total)))"#;

/// A store with an instance of the module.
fn store(engine: &Engine, text: &str) -> Result<(Store<()>, Module, Instance)> {
    let module = Module::new(engine, text)?;
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    Ok((store, module, instance))
}

/// The state at each stop of a program that is stepped through, a line each.
fn trace(engine: &Engine, text: &str, name: &str, params: &[Val]) -> Result<(Vec<String>, Vec<Val>)> {
    let (mut store, _, instance) = store(engine, text)?;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    store.debug_handler(move |stop, _| {
        let mut line = format!("{} {:#x}", stop.func(), stop.pc());
        stop.for_each_local(|ty, value| line += &format!(" {}", describe(value, ty, |_, _| None)));
        line += " |";
        stop.for_each_operand(|ty, value| line += &format!(" {}", describe(value, ty, |_, _| None)));
        sink.lock().unwrap().push(line);
        Ok(Resume::Step)
    });
    store.stop_at_entry();
    let func = instance.get_func(&mut store, name).expect("exported");
    let mut results = vec![Val::I32(0); func.ty(&store).results.len()];
    func.call(&mut store, params, &mut results)?;
    let lines = lines.lock().unwrap().clone();
    Ok((lines, results))
}

#[test]
fn every_operator_is_a_stop() -> Result<()> {
    let mut first: Option<Vec<String>> = None;
    for engine in engines() {
        let (lines, results) = trace(&engine, SUM, "sum", &[Val::I32(3)])?;
        assert_eq!(results[0].unwrap_i32(), 6);
        assert!(lines.iter().all(|line| !line.contains('?')), "{lines:#?}");
        // Each pass of the loop: 15 operators here, 11 in the callee.
        match &first {
            None => first = Some(lines),
            Some(first) => assert_eq!(&lines, first),
        }
    }
    let first = first.expect("there are engines");
    assert_eq!(first[0], "1 0x50 i32:3 i32:0 |");
    assert!(first.len() > 80, "{first:#?}");
    Ok(())
}

#[test]
fn breakpoints_stop_in_the_middle_of_a_run() -> Result<()> {
    for engine in engines() {
        let (lines, _) = trace(&engine, SUM, "sum", &[Val::I32(3)])?;
        // A breakpoint at each pc in turn finds what stepping finds there.
        let pcs: std::collections::BTreeSet<u32> = lines
            .iter()
            .map(|line| u32::from_str_radix(&line.split(' ').nth(1).unwrap()[2..], 16).unwrap())
            .collect();
        for pc in pcs {
            let (mut store, module, instance) = store(&engine, SUM)?;
            let found = Arc::new(Mutex::new(Vec::new()));
            let sink = found.clone();
            store.debug_handler(move |stop, event| {
                assert_eq!(event, DebugEvent::Breakpoint);
                sink.lock().unwrap().push((stop.func(), stop.pc()));
                Ok(Resume::Continue)
            });
            assert_eq!(store.add_breakpoint(&module, pc)?, pc);
            let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum")?;
            assert_eq!(sum.call(&mut store, 3)?, 6);
            let place = format!(" {pc:#x} ");
            let expected = lines.iter().filter(|line| line.contains(&place)).count();
            assert_eq!(found.lock().unwrap().len(), expected, "breakpoint at {pc:#x}");
            store.remove_breakpoint(&module, pc)?;
            assert!(store.remove_breakpoint(&module, pc).is_err());
            assert_eq!(sum.call(&mut store, 3)?, 6);
            assert_eq!(found.lock().unwrap().len(), expected, "it is gone");
        }
    }
    Ok(())
}

#[test]
fn outer_frames_can_be_read() -> Result<()> {
    for engine in engines() {
        let (mut store, module, instance) = store(&engine, SUM)?;
        let add = module.info().functions[0].body.clone();
        let found = Arc::new(Mutex::new(Vec::new()));
        let sink = found.clone();
        store.debug_handler(move |stop, _| {
            let frames = stop.frames()?;
            let text = |(ty, value): &(_, _)| describe(*value, *ty, |_, _| None);
            let locals = |n: usize| frames[n].locals.iter().map(text).collect::<Vec<_>>().join(" ");
            assert_eq!(frames.iter().map(|frame| frame.func).collect::<Vec<_>>(), [0, 1]);
            assert_eq!(frames[1].instance, Some(stop.instance()));
            sink.lock().unwrap().push(format!("{}; {}", locals(0), locals(1)));
            Ok(Resume::Continue)
        });
        store.add_breakpoint(&module, add.end - 2)?;
        let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum")?;
        assert_eq!(sum.call(&mut store, 2)?, 3);
        // The total is about to be set: what it was is not live any more.
        assert_eq!(*found.lock().unwrap(), ["i32:0 i32:2; i32:2 i32:?", "i32:2 i32:1; i32:1 i32:?"]);
    }
    Ok(())
}

#[test]
fn stepping_over_and_out() -> Result<()> {
    for engine in engines() {
        for (resume, expected) in [(Resume::StepOver, 1), (Resume::StepOut, 1), (Resume::Step, 0)] {
            let (mut store, module, instance) = store(&engine, SUM)?;
            let add = module.info().functions[0].body.clone();
            let found = Arc::new(Mutex::new(Vec::new()));
            let sink = found.clone();
            store.debug_handler(move |stop, event| {
                sink.lock().unwrap().push((event, stop.func()));
                Ok(if event == DebugEvent::Breakpoint { resume } else { Resume::Continue })
            });
            // The last operator of the callee.
            store.add_breakpoint(&module, add.end - 1)?;
            let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum")?;
            assert_eq!(sum.call(&mut store, 1)?, 1);
            let found = found.lock().unwrap();
            assert_eq!(found[0], (DebugEvent::Breakpoint, 0));
            assert_eq!(found[1], (DebugEvent::Step, 1), "{resume:?} {expected}");
        }
    }
    Ok(())
}

#[test]
fn an_interrupt_stops_an_endless_loop() -> Result<()> {
    let text = r#"(module (func (export "spin") (param i32) (loop $l (br $l))))"#;
    for engine in engines() {
        let (mut store, _, instance) = store(&engine, text)?;
        let spin = instance.get_typed_func::<i32, ()>(&mut store, "spin")?;
        for _ in 0..5 {
            let handle = store.interrupt_handle();
            let thread = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(5));
                let start = Instant::now();
                handle.interrupt();
                start
            });
            let error = spin.call(&mut store, 0).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt), "{error:?}");
            assert!(thread.join().unwrap().elapsed() < Duration::from_secs(2));
        }
    }
    Ok(())
}

#[test]
fn stores_are_independent() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, SUM)?;
        let mut stopped = Store::new(&engine, ());
        let mut free = Store::new(&engine, ());
        let a = Instance::new(&mut stopped, &module, &[])?;
        let b = Instance::new(&mut free, &module, &[])?;
        let hits = Arc::new(Mutex::new(0));
        let sink = hits.clone();
        stopped.debug_handler(move |_, _| {
            *sink.lock().unwrap() += 1;
            Ok(Resume::Continue)
        });
        free.debug_handler(|_, _| panic!("this store has no breakpoint"));
        stopped.add_breakpoint(&module, module.info().functions[1].body.start)?;
        let (a, b) = (
            a.get_typed_func::<i32, i32>(&mut stopped, "sum")?,
            b.get_typed_func::<i32, i32>(&mut free, "sum")?,
        );
        assert_eq!((a.call(&mut stopped, 4)?, b.call(&mut free, 4)?), (10, 10));
        assert_eq!(*hits.lock().unwrap(), 1);
    }
    Ok(())
}

#[test]
fn writes_are_refused_where_operators_since_the_site_use_the_place() -> Result<()> {
    for engine in engines() {
        let (mut store, module, instance) = store(&engine, SUM)?;
        let add = module.info().functions[0].body.clone();
        let found = Arc::new(Mutex::new(Vec::new()));
        let sink = found.clone();
        store.debug_handler(move |stop, event| {
            let instance = stop.instance();
            let memory = stop.memory(instance, 0).expect("a memory");
            let global = stop.global(instance, 0).expect("a global");
            let mut results = Vec::new();
            for address in [12, 13, 20] {
                results.push(stop.write_memory(memory, address, &7_u32.to_le_bytes()).is_ok());
            }
            results.push(stop.write_memory(memory, 65535, &[0; 2]).is_ok());
            results.push(stop.write_global(global, Val::I32(5)).is_ok());
            assert_eq!(stop.read_global(global), 5);
            let mut bytes = [0; 8];
            assert!(stop.read_memory(memory, 12, &mut bytes));
            sink.lock().unwrap().push((event, results, bytes[0]));
            Ok(Resume::Continue)
        });
        // Behind a store to 16.
        store.add_breakpoint(&module, add.end - 1)?;
        let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum")?;
        assert_eq!(sum.call(&mut store, 1)?, 1);
        let expected = (DebugEvent::Breakpoint, vec![true, false, true, false, true], 7);
        assert_eq!(*found.lock().unwrap(), [expected]);
    }
    Ok(())
}

#[test]
fn a_stop_in_another_frame_need_not_change_the_goal() -> Result<()> {
    for engine in engines() {
        let (mut store, module, instance) = store(&engine, SUM)?;
        let infos = &module.info().functions;
        let (add, sum) = (infos[0].body.clone(), infos[1].body.clone());
        let found = Arc::new(Mutex::new(Vec::new()));
        let sink = found.clone();
        store.debug_handler(move |stop, event| {
            sink.lock().unwrap().push((event, stop.func()));
            Ok(match (event, stop.func()) {
                (DebugEvent::Breakpoint, 1) => Resume::StepOver,
                (DebugEvent::Breakpoint, _) => Resume::Unchanged,
                (_, _) if sink.lock().unwrap().len() < 20 => Resume::StepOver,
                _ => Resume::Continue,
            })
        });
        store.add_breakpoint(&module, sum.start)?;
        store.add_breakpoint(&module, add.end - 1)?;
        let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum")?;
        assert_eq!(sum.call(&mut store, 1)?, 1);
        let found = found.lock().unwrap();
        let inner: Vec<_> = found.iter().filter(|(_, func)| *func == 0).collect();
        assert_eq!(inner, [&(DebugEvent::Breakpoint, 0)]);
        assert!(found.len() > 18, "{found:?}");
    }
    Ok(())
}

#[test]
fn a_trap_is_told_before_its_frames_are_gone() -> Result<()> {
    let text = r#"(module
        (memory 1)
        (func $inner (param i32) (result i32) (i32.load (local.get 0)))
        (func (export "outer") (param i32) (result i32)
            (i32.add (call $inner (local.get 0)) (local.get 0))))"#;
    for engine in engines() {
        let (mut store, module, instance) = store(&engine, text)?;
        let load = module.info().functions[0].body.clone();
        let found = Arc::new(Mutex::new(Vec::new()));
        let sink = found.clone();
        store.debug_handler(move |stop, event| {
            assert_eq!(event, DebugEvent::Trap(Trap::MemoryOutOfBounds));
            assert!(load.contains(&stop.pc()));
            let frames = stop.frames()?;
            assert_eq!(frames.iter().map(|frame| frame.func).collect::<Vec<_>>(), [0, 1]);
            sink.lock().unwrap().push(describe(frames[1].locals[0].1, frames[1].locals[0].0, |_, _| None));
            Ok(Resume::Continue)
        });
        let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer")?;
        assert_eq!(outer.call(&mut store, 8)?, 8);
        let error = outer.call(&mut store, -1).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::MemoryOutOfBounds));
        assert_eq!(*found.lock().unwrap(), ["i32:-1"]);
        // The store is as good as before.
        assert_eq!(outer.call(&mut store, 8)?, 8);
        // What the handler fails with is what the call does.
        store.debug_handler(|_, _| anyhow::bail!("enough"));
        assert_eq!(outer.call(&mut store, -1).unwrap_err().root_cause().to_string(), "enough");
    }
    Ok(())
}

#[test]
fn a_stack_that_is_used_up_is_told_with_all_its_frames() -> Result<()> {
    let text = r#"(module
        (func $f (param i32) (result i32)
            (i32.add (call $f (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
        (func (export "go") (result i32) (call $f (i32.const 0))))"#;
    for engine in engines() {
        let (mut store, _, instance) = store(&engine, text)?;
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = told.clone();
        store.debug_handler(move |stop, event| {
            assert_eq!(event, DebugEvent::Trap(Trap::StackOverflow));
            let frames = stop.frames()?;
            let [.., first, go] = &frames[..] else { panic!("{} frames", frames.len()) };
            let param = describe(first.locals[0].1, first.locals[0].0, |_, _| None);
            sink.lock().unwrap().push((frames.len() > 1000, first.func, param, go.func));
            Ok(Resume::Continue)
        });
        let go = instance.get_typed_func::<(), i32>(&mut store, "go")?;
        for _ in 0..2 {
            let error = go.call(&mut store, ()).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "{error:?}");
            let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a backtrace");
            let (gap, left_out) = backtrace.left_out().expect("there are thousands");
            let funcs: Vec<_> = backtrace.frames().iter().map(|frame| frame.func_index()).collect();
            assert_eq!(*funcs.last().expect("there are frames"), 1);
            assert!(funcs[..funcs.len() - 1].iter().all(|func| *func == 0));
            assert!(left_out > 1000 && gap > 100 && gap < funcs.len(), "{left_out} {gap}");
        }
        let expected = (true, 0, "i32:0".to_owned(), 1);
        assert_eq!(*told.lock().unwrap(), [expected.clone(), expected]);
    }
    Ok(())
}

/// The context is kept to whatever may trap last, so that it is known in which instance.
#[test]
fn a_trap_behind_the_last_site_is_told_with_its_instance() -> Result<()> {
    let text = r#"(module
        (type $f (func (param i32 i32) (result i32)))
        (memory 1)
        (table $empty 3 funcref)
        (table $all funcref (elem $divide $load $convert $unreachable $null $tail $some $lane $deep))
        (func $divide (type $f) (i32.div_s (local.get 0) (local.get 1)))
        (func $load (type $f)
            (local.set 0 (i32.load (i32.add (local.get 0) (i32.const 4))))
            (i32.load offset=65535 (i32.mul (local.get 0) (i32.mul (local.get 1) (i32.sub (local.get 0) (local.get 1))))))
        (func $convert (type $f)
            (i32.trunc_f64_s (f64.div (f64.convert_i32_s (local.get 0)) (f64.convert_i32_s (local.get 1)))))
        (func $unreachable (type $f)
            (i32.store (i32.const 8) (local.get 1))
            (unreachable))
        (func $null (type $f)
            (call_indirect $empty (type $f) (local.get 0) (local.get 1) (local.get 1)))
        (func $tail (type $f)
            (return_call_indirect $empty (type $f) (local.get 0) (local.get 1) (local.get 1)))
        (func $some (type $f)
            (if (result i32) (local.get 0)
                (then (i32.rem_u (i32.add (local.get 0) (local.get 1)) (local.get 1)))
                (else (i32.load8_u offset=65536 (local.get 1)))))
        (func $lane (type $f)
            (i32x4.extract_lane 1 (v128.load offset=65530 (local.get 0))))
        (func $deep (type $f) (i32.add (call $deep (local.get 0) (local.get 1)) (local.get 0)))
        (func (export "go") (param i32 i32 i32) (result i32)
            (call_indirect $all (type $f) (local.get 1) (local.get 2) (local.get 0))))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let first = Instance::new(&mut store, &module, &[])?;
        let second = Instance::new(&mut store, &module, &[])?;
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = told.clone();
        store.debug_handler(move |stop, event| {
            let DebugEvent::Trap(trap) = event else { panic!("{event:?}") };
            sink.lock().unwrap().push((trap, stop.instance(), stop.func()));
            Ok(Resume::Continue)
        });
        for instance in [first, second] {
            let go = instance.get_typed_func::<(i32, i32, i32), i32>(&mut store, "go")?;
            for (func, first, second) in [0, 1, 2, 3, 4, 5, 6, 6, 7, 8]
                .into_iter()
                .zip([1, 1, 1, 1, 1, 1, 1, 0, 1, 1])
                .map(|(f, x)| (f, x, 0))
            {
                let trap =
                    *go.call(&mut store, (func, first, second)).unwrap_err().downcast_ref::<Trap>().unwrap();
                let told = std::mem::take(&mut *told.lock().unwrap());
                assert_eq!(told, [(trap, instance, func as u32)], "function {func}");
            }
        }
    }
    Ok(())
}

/// Debug information of one function at the start of the code section: its frame base is
/// local 1, and a variable is in local 2.
const DWARF: &str = r#"
    (@custom ".debug_abbrev" "\01\11\01\00\00\02\2e\01\11\01\12\06\40\18\00\00\03\34\00\02\18\00\00\00")
    (@custom ".debug_info" "\1c\00\00\00\04\00\00\00\00\00\04\01\02\02\00\00\00\00\01\00\00\03\ed\00\01\03\03\ed\00\02\00\00")"#;

#[test]
fn what_debug_information_names_is_there_when_the_program_aborts() -> Result<()> {
    let module = |sections: &str| {
        format!(
            r#"(module {sections}
            (memory 1)
            (func $fails (export "fails") (param i32) (local i32 i32 i32)
                (local.set 1 (i32.add (local.get 0) (i32.const 5)))
                (local.set 2 (i32.mul (local.get 1) (local.get 1)))
                (local.set 3 (i32.sub (local.get 2) (local.get 1)))
                (i32.store (i32.const 0) (local.get 3))
                (call $abort)
                (unreachable))
            (func $abort (unreachable)))"#
        )
    };
    for engine in engines() {
        for (sections, expected) in [(DWARF, ["i32:7", "i32:49", "i32:?"]), ("", ["i32:?"; 3])] {
            let (mut store, _, instance) = store(&engine, &module(sections))?;
            let found = Arc::new(Mutex::new(Vec::new()));
            let sink = found.clone();
            store.debug_handler(move |stop, _| {
                let frames = stop.frames()?;
                let locals = frames[1].locals[1..].iter();
                sink.lock().unwrap().extend(locals.map(|(ty, value)| describe(*value, *ty, |_, _| None)));
                Ok(Resume::Continue)
            });
            let fails = instance.get_typed_func::<i32, ()>(&mut store, "fails")?;
            fails.call(&mut store, 2).unwrap_err();
            assert_eq!(*found.lock().unwrap(), expected);
        }
    }
    Ok(())
}

#[test]
fn frames_of_all_activations_can_be_read() -> Result<()> {
    let text = r#"(module
        (import "" "host" (func $host (param i32)))
        (func $leaf)
        (func $down (export "down") (param i32)
            (if (local.get 0) (then (call $host (i32.sub (local.get 0) (i32.const 1)))))
            (call $leaf)))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, n: i32| -> Result<()> {
            let down = caller.get_export("down").and_then(Extern::into_func).expect("exported");
            down.call(&mut caller, &[Val::I32(n)], &mut [])
        });
        let instance = Instance::new(&mut store, &module, &[host.into()])?;
        let found = Arc::new(Mutex::new(Vec::new()));
        let sink = found.clone();
        store.debug_handler(move |stop, _| {
            let frames = stop.frames()?;
            sink.lock().unwrap().push(frames.iter().map(|frame| frame.func).collect::<Vec<_>>());
            Ok(Resume::Continue)
        });
        store.add_breakpoint(&module, module.info().functions[1].body.start)?;
        let down = instance.get_typed_func::<i32, ()>(&mut store, "down")?;
        down.call(&mut store, 2)?;
        // The host has returned to the second and to the third.
        assert_eq!(*found.lock().unwrap(), [vec![1, 2, 2, 2], vec![1, 2, 2], vec![1, 2]]);
    }
    Ok(())
}

#[test]
fn steps_come_to_where_an_exception_of_the_host_leads() -> Result<()> {
    // The handler is the function's own label, so that the caller goes on.
    let text = r#"(module
        (import "" "throw" (func $host))
        (tag $e)
        (func $throw (export "throw") (throw $e))
        (func $catch (try_table (catch $e 0) (call $host)))
        (func (export "run") (call $catch) (nop)))"#;
    for engine in engines() {
        for resume in [Resume::Step, Resume::StepOver, Resume::StepOut] {
            let module = Module::new(&engine, text)?;
            let mut store = Store::new(&engine, ());
            let thrown = Arc::new(Mutex::new(None));
            let again = thrown.clone();
            let host = Func::wrap(&mut store, move || -> Result<()> {
                let thrown: Option<ThrownException> = *again.lock().unwrap();
                Err(thrown.expect("made before").into())
            });
            let instance = Instance::new(&mut store, &module, &[host.into()])?;
            let throw = instance.get_typed_func::<(), ()>(&mut store, "throw")?;
            let error = throw.call(&mut store, ()).unwrap_err();
            *thrown.lock().unwrap() = error.downcast_ref().copied();

            let functions = &module.info().functions;
            let (catch, run) = (functions[2].body.start, functions[3].body.clone());
            let found = Arc::new(Mutex::new(Vec::new()));
            let sink = found.clone();
            store.debug_handler(move |stop, _| {
                let mut found = sink.lock().unwrap();
                found.push((stop.func(), stop.pc()));
                Ok(match found.len() {
                    1 => Resume::Step,
                    2 => resume,
                    _ => Resume::Continue,
                })
            });
            store.add_breakpoint(&module, catch)?;
            instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
            let found = found.lock().unwrap();
            assert_eq!(found[2..], [(3, run.end - 2)], "{resume:?}: {found:?}");
        }
    }
    Ok(())
}

#[test]
fn code_that_a_store_leaves_shows_no_other_what_was_switched() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, SUM)?;
        let at = module.info().functions[1].body.start;
        let hits = Arc::new(Mutex::new(0));
        for round in 0..40 {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[])?;
            assert_eq!(store.sites_on(&module), 0, "round {round}");
            let sink = hits.clone();
            store.debug_handler(move |_, _| {
                *sink.lock().unwrap() += 1;
                Ok(Resume::Continue)
            });
            let handle = store.interrupt_handle();
            let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum")?;
            match round % 4 {
                0 => assert_eq!(sum.call(&mut store, 4)?, 10),
                1 => drop(store.add_breakpoint(&module, at)?),
                2 => drop(handle.interrupt()),
                _ => {
                    store.add_breakpoint(&module, at)?;
                    assert_eq!(sum.call(&mut store, 4)?, 10);
                }
            }
            drop(store);
            assert!(!handle.interrupt(), "the store is gone");
        }
        assert_eq!(*hits.lock().unwrap(), 10);
    }
    Ok(())
}

#[test]
fn exceptions_are_told_before_they_are_thrown() -> Result<()> {
    let text = r#"(module
        (import "" "host" (func $host))
        (tag $tag (param i32))
        (func $throws (export "throws") (param i32) (throw $tag (local.get 0)))
        (func (export "run") (param i32) (result i32)
            (local exnref)
            (block $caught (result i32)
                (block $again (result i32 exnref)
                    (try_table (catch_ref $tag $again)
                        (if (local.get 0) (then (call $throws (local.get 0))) (else (call $host))))
                    (return (i32.const 7)))
                (local.set 1)
                (drop)
                (try_table (result i32) (catch $tag $caught) (throw_ref (local.get 1))))))"#;
    for engine in engines() {
        let module = Module::new(&engine, text)?;
        let mut store = Store::new(&engine, ());
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| -> Result<()> {
            let throws = caller.get_export("throws").and_then(Extern::into_func).expect("exported");
            throws.call(&mut caller, &[Val::I32(5)], &mut [])
        });
        let instance = Instance::new(&mut store, &module, &[host.into()])?;
        let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
        let found = Arc::new(Mutex::new(Vec::new()));
        let sink = found.clone();
        store.debug_handler(move |stop, event| {
            assert_eq!(event, DebugEvent::Exception);
            let funcs: Vec<u32> = stop.frames()?.iter().map(|frame| frame.func).collect();
            let mut operands = Vec::new();
            stop.for_each_operand(|ty, value| operands.push(describe(value, ty, |_, _| Some(0))));
            sink.lock().unwrap().push((funcs, operands.join(" ")));
            Ok(Resume::Continue)
        });
        // Nobody has asked for them.
        assert_eq!(run.call(&mut store, 3)?, 3);
        assert!(found.lock().unwrap().is_empty());
        store.catch_exceptions(true)?;
        assert_eq!(run.call(&mut store, 3)?, 3);
        let wasm = [(vec![1, 2], "i32:3".to_owned()), (vec![2], "exnref:0".to_owned())];
        assert_eq!(*std::mem::take(&mut *found.lock().unwrap()), wasm);
        // What the host is left with is thrown once more, in its caller.
        assert_eq!(run.call(&mut store, 0)?, 5);
        let host = [(vec![1, 2], "i32:5".to_owned()), (vec![2], String::new()), wasm[1].clone()];
        assert_eq!(*std::mem::take(&mut *found.lock().unwrap()), host);
        store.catch_exceptions(false)?;
        assert_eq!(run.call(&mut store, 3)?, 3);
        assert!(found.lock().unwrap().is_empty());
        // An instance that comes later throws them too; what the handler fails with ends the call.
        store.catch_exceptions(true)?;
        store.debug_handler(|_, _| anyhow::bail!("enough"));
        for argument in [0, 3] {
            assert_eq!(run.call(&mut store, argument).unwrap_err().root_cause().to_string(), "enough");
        }
    }
    Ok(())
}

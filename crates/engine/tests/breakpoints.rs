//! Breakpoints: what is seen at them, several in one run, and edits of many.

mod common;

use common::engines;
use sidetrack_engine::debug::describe;
use sidetrack_engine::{
    DebugContext, DebugEvent, Engine, Instance, Module, Result, Resume, Store, TypedFunc,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Has runs that loads and traps may end, and runs that nothing can.
const MIX: &str = r#"(module
    (memory 1)
    (global $g (mut i32) (i32.const 5))
    (func (export "mix") (param $n i32) (result i32)
        (local $x i32) (local $y i64)
        (loop $again
            (block $out
                (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 3)) (global.get $g)))
                (br $out))
            (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get $x)))
            (local.set $y (i64.div_u (i64.extend_i32_u (local.get $x)) (i64.const 7)))
            (global.set $g (i32.wrap_i64 (local.get $y)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.xor (local.get $x) (i32.load (i32.const 8)))))"#;

/// The program with what its handler has seen.
struct Program {
    store: Store<Vec<(u32, String)>>,
    module: Module,
    mix: TypedFunc<i32, i32>,
}

impl Program {
    fn new(
        engine: &Engine,
        handler: impl Fn(&mut DebugContext<'_, Vec<(u32, String)>>, DebugEvent) -> Result<Resume>
        + Send
        + Sync
        + 'static,
    ) -> Result<Self> {
        let module = Module::new(engine, MIX)?;
        let mut store = Store::new(engine, Vec::new());
        store.debug_handler(handler);
        let instance = Instance::new(&mut store, &module, &[])?;
        let mix = instance.get_typed_func(&mut store, "mix")?;
        Ok(Program { store, module, mix })
    }

    /// What is seen in a call of the program.
    fn run(&mut self) -> Result<Vec<(u32, String)>> {
        self.mix.call(&mut self.store, 3)?;
        Ok(std::mem::take(self.store.data_mut()))
    }
}

/// The values at a stop.
fn values<T>(stop: &DebugContext<'_, T>) -> String {
    let mut line = String::new();
    stop.for_each_local(|ty, value| line += &format!("{} ", describe(value, ty, |_, _| None)));
    line += "|";
    stop.for_each_operand(|ty, value| line += &format!(" {}", describe(value, ty, |_, _| None)));
    line
}

/// What single steps show.
fn steps(engine: &Engine) -> Result<Vec<(u32, String)>> {
    let mut program = Program::new(engine, |stop, _| {
        let seen = (stop.pc(), values(stop));
        stop.data_mut().push(seen);
        Ok(Resume::Step)
    })?;
    program.store.stop_at_entry();
    program.run()
}

#[test]
fn all_breakpoints_of_a_function_in_one_edit_are_as_steps() -> Result<()> {
    for engine in engines() {
        let steps = steps(&engine)?;
        let pcs: BTreeSet<u32> = steps.iter().map(|(pc, _)| *pc).collect();
        assert!(pcs.len() > 30, "{pcs:?}");
        let mut program = Program::new(&engine, |stop, event| {
            assert_eq!(event, DebugEvent::Breakpoint);
            let seen = (stop.pc(), values(stop));
            stop.data_mut().push(seen);
            Ok(Resume::Continue)
        })?;
        let mut edit = program.store.edit_breakpoints();
        for &pc in &pcs {
            assert_eq!(edit.add(&program.module, pc)?, pc);
        }
        edit.commit()?;
        // What native code has no need of is not seen, as it is when every step is.
        let seen = program.run()?;
        assert_eq!(seen.len(), steps.len());
        for (seen, step) in seen.iter().zip(&steps) {
            assert_eq!(seen.0, step.0);
            let same = |(a, b): (&str, &str)| a == b || a.ends_with('?');
            assert!(seen.1.split(' ').zip(step.1.split(' ')).all(same), "{seen:?} {step:?}");
        }
        let mut edit = program.store.edit_breakpoints();
        for &pc in &pcs {
            edit.remove(&program.module, pc)?;
            assert!(edit.remove(&program.module, pc).is_err());
        }
        drop(edit);
        assert_eq!(program.run()?, []);
    }
    Ok(())
}

#[test]
fn a_breakpoint_alone_shows_what_a_step_does() -> Result<()> {
    for engine in engines() {
        let steps = steps(&engine)?;
        let pcs: BTreeSet<u32> = steps.iter().map(|(pc, _)| *pc).collect();
        for pc in pcs {
            // From the breakpoint on it is stepped, so all that follows is seen, too.
            let mut program = Program::new(&engine, |stop, _| {
                let seen = (stop.pc(), values(stop));
                stop.data_mut().push(seen);
                Ok(Resume::Step)
            })?;
            program.store.add_breakpoint(&program.module, pc)?;
            let seen = program.run()?;
            let first = steps.iter().position(|step| step.0 == pc).expect("it is a step");
            let pcs = |steps: &[(u32, String)]| steps.iter().map(|step| step.0).collect::<Vec<_>>();
            assert_eq!(pcs(&seen), pcs(&steps[first..]));
            let same = |(a, b): (&str, &str)| a == b || a.ends_with('?');
            assert!(seen[0].1.split(' ').zip(steps[first].1.split(' ')).all(same), "{seen:?}");
        }
    }
    Ok(())
}

#[test]
fn a_handler_moves_the_breakpoint_on() -> Result<()> {
    for engine in engines() {
        let steps = steps(&engine)?;
        let pcs: Arc<Vec<u32>> = Arc::new(steps.iter().map(|(pc, _)| *pc).collect());
        let at = Arc::new(Mutex::new(0));
        let (all, next) = (pcs.clone(), at.clone());
        let mut program = Program::new(&engine, move |stop, _| {
            let mut at = next.lock().unwrap();
            assert_eq!(stop.pc(), all[*at]);
            let module = stop.module().clone();
            stop.remove_breakpoint(&module, all[*at])?;
            *at += 1;
            if let Some(&pc) = all.get(*at) {
                stop.add_breakpoint(&module, pc)?;
            }
            Ok(Resume::Continue)
        })?;
        program.store.add_breakpoint(&program.module, pcs[0])?;
        program.run()?;
        assert_eq!(*at.lock().unwrap(), pcs.len());
        assert!(program.store.remove_breakpoint(&program.module, pcs[0]).is_err());
    }
    Ok(())
}

#[test]
fn a_breakpoint_set_twice_is_there_until_it_is_removed_twice() -> Result<()> {
    for engine in engines() {
        let pc = steps(&engine)?[20].0;
        let mut program = Program::new(&engine, |stop, _| {
            let seen = (stop.pc(), String::new());
            stop.data_mut().push(seen);
            Ok(Resume::Continue)
        })?;
        let module = program.module.clone();
        let mut edit = program.store.edit_breakpoints();
        edit.add(&module, pc)?;
        edit.add(&module, pc)?;
        edit.remove(&module, pc)?;
        edit.commit()?;
        assert_eq!(program.run()?.len(), 3);
        program.store.remove_breakpoint(&module, pc)?;
        assert_eq!(program.run()?.len(), 0);
    }
    Ok(())
}

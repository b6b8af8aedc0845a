//! What the host may not pass to compiled code.

mod common;

use common::{engines, instantiate};
use sidetrack_engine::{
    DebugEvent, ExternRef, Func, Global, GlobalType, HeapType, Instance, Module, RefType, Result, Resume,
    Store, Val, ValType,
};

const CALLS: &str = r#"(module
    (type $number (func (result i32)))
    (table $table (export "table") 1 funcref)
    (global $callee (export "callee") (mut funcref) (ref.func $seven))
    (global $fixed (export "fixed") i32 (i32.const 1))
    (global $count (export "count") (mut i32) (i32.const 0))
    (func $seven (export "seven") (result i32) (i32.const 7))
    (func (export "call") (result i32)
        (table.set $table (i32.const 0) (global.get $callee))
        (call_indirect (type $number) (i32.const 0)))
    (elem declare func $seven))"#;

fn func_type() -> ValType {
    ValType::Ref(RefType { nullable: true, heap: HeapType::Func })
}

#[test]
fn a_debugger_sets_globals_to_values_of_their_type() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, CALLS)?;
        let (mut other, elsewhere) = instantiate(&engine, CALLS)?;
        let foreign = elsewhere.get_func(&mut other, "seven").expect("a function");
        let own = Func::wrap(&mut store, || 8);
        let module = instance.module(&store).clone();
        let seven = instance.get_func(&mut store, "seven");
        store.debug_handler(move |stop, event| {
            assert_eq!(event, DebugEvent::Breakpoint);
            let instance = stop.instance();
            let [callee, fixed, count] =
                [0, 1, 2].map(|index| stop.global(instance, index).expect("a global"));
            for (global, value, error) in [
                (callee, Val::I64(0x1234_5678), "the value is no funcref"),
                (callee, Val::I32(0), "the value is no funcref"),
                (callee, Val::ExnRef(None), "the value is no funcref"),
                (callee, Val::FuncRef(Some(foreign)), "a function of another store"),
                (fixed, Val::I32(2), "the global is immutable"),
                (count, Val::F32(0), "the value is no i32"),
                (count, Val::FuncRef(None), "the value is no i32"),
            ] {
                assert_eq!(stop.write_global(global, value).unwrap_err().to_string(), error);
            }
            stop.write_global(count, Val::I32(-3))?;
            stop.write_global(callee, Val::FuncRef(Some(own)))?;
            // Numbers that are references to nothing.
            for number in [1, 8, 0x1234_5678, u64::MAX, stop.read_global(callee) as u64 + 8] {
                assert_eq!(stop.reference_number(HeapType::Func, number), None);
                assert_eq!(stop.reference_number(HeapType::Exn, number), None);
            }
            Ok(Resume::Continue)
        });
        let call = module.info().functions.last().expect("a function").body.start;
        store.add_breakpoint(&module, call)?;
        let call = instance.get_typed_func::<(), i32>(&mut store, "call")?;
        assert_eq!(call.call(&mut store, ())?, 8);
        assert!(seven.is_some());
    }
    Ok(())
}

#[test]
fn references_to_functions_are_found_by_their_records() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, CALLS)?;
        let module = instance.module(&store).clone();
        store.debug_handler(move |stop, _| {
            let callee = stop.global(stop.instance(), 0).expect("a global");
            let reference = stop.read_global(callee) as u64;
            assert_eq!(stop.reference_number(HeapType::Func, reference), Some(0));
            assert_eq!(stop.reference_number(HeapType::Func, reference + 1), None);
            Ok(Resume::Continue)
        });
        let call = module.info().functions.last().expect("a function").body.start;
        store.add_breakpoint(&module, call)?;
        let call = instance.get_typed_func::<(), i32>(&mut store, "call")?;
        assert_eq!(call.call(&mut store, ())?, 7);
    }
    Ok(())
}

#[test]
fn what_belongs_to_another_store_is_refused() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, CALLS)?;
        let mut other: Store<()> = Store::new(&engine, ());
        let func = Func::wrap(&mut other, || 1);
        let object = ExternRef::new(&mut other, 1);
        let callee = instance.get_global(&mut store, "callee").expect("a global");
        assert!(callee.set(&mut store, Val::FuncRef(Some(func))).is_err());
        let table = instance.get_table(&mut store, "table").expect("a table");
        assert!(table.set(&mut store, 0, Val::FuncRef(Some(func))).is_err());
        assert!(table.grow(&mut store, 1, Val::FuncRef(Some(func))).is_err());
        let ty = GlobalType { content: func_type(), mutable: true };
        assert!(Global::new(&mut store, ty, Val::FuncRef(Some(func))).is_err());
        let ty = GlobalType {
            content: ValType::Ref(RefType { nullable: true, heap: HeapType::Extern }),
            mutable: true,
        };
        assert!(Global::new(&mut store, ty, Val::ExternRef(Some(object))).is_err());
        let importing = Module::new(&engine, r#"(module (import "" "f" (func (result i32))))"#)?;
        assert!(Instance::new(&mut store, &importing, &[func.into()]).is_err());
    }
    Ok(())
}

//! The host module `spectest` that the official scripts import from.

use sidetrack_engine::{
    Func, Global, GlobalType, Limits, Linker, Memory, MemoryType, RefType, Result, Store, Table, TableType,
    Val, ValType,
};

/// Defines the module. What it is asked to print goes nowhere.
///
/// # Errors
/// Those of the engine, if there is not enough address space.
pub fn define(linker: &mut Linker<()>, store: &mut Store<()>) -> Result<()> {
    const MODULE: &str = "spectest";
    let functions = [
        ("print", Func::wrap(&mut *store, || {})),
        ("print_i32", Func::wrap(&mut *store, |_: i32| {})),
        ("print_i64", Func::wrap(&mut *store, |_: i64| {})),
        ("print_f32", Func::wrap(&mut *store, |_: f32| {})),
        ("print_f64", Func::wrap(&mut *store, |_: f64| {})),
        ("print_i32_f32", Func::wrap(&mut *store, |_: i32, _: f32| {})),
        ("print_f64_f64", Func::wrap(&mut *store, |_: f64, _: f64| {})),
    ];
    for (name, function) in functions {
        linker.define(&*store, MODULE, name, function)?;
    }
    let globals = [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::from(666.6_f32)),
        ("global_f64", ValType::F64, Val::from(666.6_f64)),
    ];
    for (name, content, value) in globals {
        let global = Global::new(&mut *store, GlobalType { content, mutable: false }, value)?;
        linker.define(&*store, MODULE, name, global)?;
    }
    for (name, table64) in [("table", false), ("table64", true)] {
        let limits = Limits { min: 10, max: Some(20) };
        let ty = TableType { element: RefType::FUNC, table64, limits };
        let table = Table::new(&mut *store, ty, Val::FuncRef(None))?;
        linker.define(&*store, MODULE, name, table)?;
    }
    let ty = MemoryType { memory64: false, limits: Limits { min: 1, max: Some(2) } };
    let memory = Memory::new(&mut *store, ty)?;
    linker.define(&*store, MODULE, "memory", memory)?;
    Ok(())
}

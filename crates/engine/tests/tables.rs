//! Tables stay where they are, and take the memory that is used of them.

mod common;

use common::{engines, instantiate};
use sidetrack_engine::{Engine, HeapType, Limits, RefType, Result, Resume, Store, Table, TableType, Val};

/// Calls every element of a table, which somebody makes grow meanwhile.
const SUM: &str = r#"(module
    (type $number (func (result i32)))
    (table $table (export "table") 4 funcref)
    (elem (table $table) (i32.const 0) func $one $two $three $four)
    (func $one (type $number) (i32.const 1))
    (func $two (type $number) (i32.const 20))
    (func $three (type $number) (i32.const 300))
    (func $four (type $number) (i32.const 4000))
    (func (export "sum") (result i32)
        (local $index i32) (local $sum i32)
        (loop $next
            (local.set $sum (i32.add (local.get $sum)
                (call_indirect (type $number) (local.get $index))))
            (if (ref.is_null (table.get $table (local.get $index))) (then unreachable))
            (local.set $index (i32.add (local.get $index) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $index) (i32.const 4))))
        (local.get $sum)))"#;

#[test]
fn a_table_that_a_handler_grows_stays_where_it_is() -> Result<()> {
    for engine in engines() {
        let (mut store, instance) = instantiate(&engine, SUM)?;
        let module = instance.module(&store).clone();
        let table = instance.get_table(&mut store, "table").expect("a table");
        store.debug_handler(move |stop, _| {
            table.grow(&mut *stop, 50_000, Val::FuncRef(None))?;
            Ok(Resume::StepOver)
        });
        let body = module.info().functions.last().expect("a function").body.clone();
        store.add_breakpoint(&module, body.start)?;
        let sum = instance.get_typed_func::<(), i32>(&mut store, "sum")?;
        assert_eq!(sum.call(&mut store, ())?, 4321);
        // At every operator of every round.
        assert!(table.size(&store) > 50_000 * 4 * 15);
    }
    Ok(())
}

fn table_type(min: u64, max: Option<u64>) -> TableType {
    let element = RefType { nullable: true, heap: HeapType::Func };
    TableType { element, table64: false, limits: Limits { min, max } }
}

/// Bytes of this process's memory that are in use.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}

#[test]
fn elements_that_nobody_has_set_take_no_memory() -> Result<()> {
    let mut store = Store::new(&Engine::default(), ());
    let before = resident();
    for _ in 0..30 {
        let table = Table::new(&mut store, table_type(10_000_000, None), Val::FuncRef(None))?;
        assert!(matches!(table.get(&mut store, 9_999_999), Some(Val::FuncRef(None))));
    }
    // Each has 80 MB, of which the last page was looked at.
    assert!(resident() - before < 40 << 20, "{} bytes", resident() - before);
    Ok(())
}

#[test]
fn sizes_at_the_edges() -> Result<()> {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        for (min, max) in
            [(0, Some(0)), (0, None), (2047, Some(2049)), (2048, Some(2048)), (2049, Some(4000))]
        {
            let table = Table::new(&mut store, table_type(min, max), Val::FuncRef(None))?;
            let room = max.map_or(5000, |max| max - min);
            assert_eq!(table.grow(&mut store, room, Val::FuncRef(None))?, min);
            assert_eq!(table.size(&store), min + room);
            let error = table.grow(&mut store, 10_000_000, Val::FuncRef(None)).unwrap_err();
            assert_eq!(error.to_string(), "the table cannot grow by 10000000 elements");
            assert!(table.get(&mut store, min + room).is_none());
        }
        let error = Table::new(&mut store, table_type(10_000_001, None), Val::FuncRef(None)).unwrap_err();
        assert!(format!("{error:#}").contains("more than 10000000 elements"), "{error:#}");
    }
    Ok(())
}

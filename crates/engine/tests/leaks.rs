//! Instances that are dropped leave nothing behind; a process of its own, since other
//! tests' threads map memory as well.

mod common;

use common::engines;
use sidetrack_engine::{Instance, Module, Result, Store};

/// The mappings of this process and its resident kilobytes.
fn footprint() -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
    let kilobytes = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    (maps.lines().count(), kilobytes)
}

const COUNTER: &str = r#"(module
    (memory (export "memory") 2)
    (table 10 funcref)
    (global $n (mut i32) (i32.const 0))
    (data (i32.const 65536) "x")
    (elem (i32.const 0) $count)
    (func $count (export "count") (param i32) (result i32)
        (loop $again
            (global.set $n (i32.add (global.get $n) (i32.load8_u offset=65536 (i32.const 0))))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if $again (local.get 0)))
        (global.get $n)))"#;

#[test]
fn instances_leave_nothing_behind() -> Result<()> {
    for engine in engines() {
        let module = Module::new(&engine, COUNTER)?;
        let once = || -> Result<()> {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[])?;
            let count = instance.get_typed_func::<i32, i32>(&mut store, "count")?;
            assert_eq!(count.call(&mut store, 3)?, 360);
            Ok(())
        };
        for _ in 0..50 {
            once()?;
        }
        let before = footprint();
        for _ in 0..2000 {
            once()?;
        }
        let after = footprint();
        assert!(after.0 <= before.0 + 4, "mappings before and after: {before:?} {after:?}");
        assert!(after.1 <= before.1 + 4096, "kilobytes before and after: {before:?} {after:?}");
    }
    Ok(())
}

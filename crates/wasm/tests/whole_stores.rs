//! Stores that a machine may do by half are preceded by a load of their last byte.

mod common;

use sidetrack_wasm::Options;

/// How many loads the function of a module has.
fn loads(body: &str, options: &Options) -> usize {
    let text = format!(
        "(module (memory 1) (memory i64 1) (func (param $i i32) (param $l i64) (param $v v128) {body}))"
    );
    let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let functions = common::translate(&bytes, options).expect("it is valid");
    functions[0].to_string().matches("uload8").count()
}

#[test]
fn of_the_last_byte() {
    let stores = [
        ("(i32.store8 (local.get $i) (local.get $i))", 1),
        ("(i64.store16 (local.get $i) (local.get $l))", 2),
        ("(i32.store (local.get $i) (local.get $i))", 4),
        ("(f32.store offset=0x7fffffff (local.get $i) (f32.const 1))", 4),
        ("(i64.store offset=0xffffffff (local.get $i) (local.get $l))", 8),
        ("(v128.store64_lane 1 (local.get $i) (local.get $v))", 8),
        ("(v128.store (local.get $i) (local.get $v))", 16),
    ];
    for options in common::OPTIONS {
        for whole_stores in [0, 1, 2, 4, 8, 16] {
            let options = Options { whole_stores, ..options };
            for (store, bytes) in stores {
                let wanted = options.guard_pages && bytes > whole_stores.max(1);
                assert_eq!(loads(store, &options), usize::from(wanted), "{store} {options:?}");
            }
            // What is known to be inside, or is checked, does not fault.
            assert_eq!(loads("(i64.store (i32.const 65528) (local.get $l))", &options), 0);
            assert_eq!(loads("(v128.store 1 (local.get $l) (local.get $v))", &options), 0);
        }
    }
}

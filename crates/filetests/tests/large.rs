//! Functions that are longer than branches and calls reach, or have more values than the
//! allocator sees as they are.
//!
//! The text is made here, as it is a megabyte of code; the interpreter says what is
//! right. A function begins with branches to its end, has sites in several places and
//! branches back to its start, and one has a table of thousands of entries. In others
//! hundreds of values live long, or thousands of branches pass one.

use sidetrack_codegen::{Flags, OptLevel, TargetIsa, lookup};
use sidetrack_filetests::{Program, emulated};
use sidetrack_ir::interp::{FunctionStore, Interpreter};
use sidetrack_ir::text::parse_functions;
use sidetrack_ir::{DataValue, ExternalName, Function};
use std::fmt::Write;
use std::sync::Arc;

/// Every target that runs here, with how many long instructions it takes to make a
/// megabyte.
fn targets() -> Vec<(Arc<dyn TargetIsa>, usize)> {
    let emulated = emulated::TARGETS.iter().filter(|target| target.available().is_ok());
    let names =
        ["x86_64", "pulley64"].into_iter().filter(|name| *name == "pulley64" || cfg!(target_arch = "x86_64"));
    let isa = |name: &str| {
        let flags = Flags { opt_level: OptLevel::None, regalloc_checker: false, ..Flags::default() };
        let count = match name {
            "riscv64" => 7000,
            "aarch64" => 44000,
            "s390x" => 44000,
            _ => 300,
        };
        lookup(name).ok().map(|builder| (builder.finish(flags), count))
    };
    names.chain(emulated.map(|target| target.name)).filter_map(isa).collect()
}

/// Code of some length: additions to the word at `v2` in the other byte order.
fn filler(text: &mut String, next: &mut u32, count: usize) {
    for _ in 0..count {
        writeln!(text, "    v{next} = atomic_rmw.i64 big add v2, v3").unwrap();
        *next += 1;
    }
}

/// The text with the byte orders exchanged where the target's own is the other.
fn in_other_order(text: String, isa: &dyn TargetIsa) -> String {
    if isa.name() == "s390x" { text.replace(" big ", " little ") } else { text }
}

fn long_function(count: usize) -> String {
    let mut text = String::from(
        "function %count(i64) preserve_all {
block0(v0: i64):
    v1 = load.i64 notrap aligned v0
    v2 = iadd_imm v1, 1
    store notrap aligned v2, v0
    return
}

function %long(i64, i64) -> i64, i64 {
    ss0 = explicit_slot 16, align = 16
    fn0 = colocated patchable %count(i64) preserve_all

block0(v0: i64, v1: i64):
    v2 = stack_addr.i64 ss0
    v3 = iconst.i64 1
    v4 = iconst.i64 0
    store notrap aligned big v4, v2
    v5 = iadd_imm v2, 8
    store notrap aligned v4, v5
    call fn0(v5), tag 1
    v6 = icmp_imm eq v1, 1
    brif v6, block3, block1(v0)

block1(v7: i64):
    call fn0(v5), tag 2
    trapz v1, user1
",
    );
    let mut next = 100;
    filler(&mut text, &mut next, count / 2);
    text.push_str(
        "    call fn0(v5), tag 3\n    v8 = icmp_imm eq v1, 2\n    brif v8, block3, block2\n\nblock2:\n",
    );
    filler(&mut text, &mut next, count / 2);
    text.push_str(
        "    call fn0(v5), tag 4
    trapz v7, user2
    v9 = iadd_imm v7, -1
    brif v9, block1(v9), block3

block3:
    call fn0(v5), tag 5
    v10 = load.i64 notrap aligned big v2
    v11 = load.i64 notrap aligned v5
    return v10, v11
}

function %caller(i64, i64) -> i64, i64 {
    fn0 = colocated %long(i64, i64) -> i64, i64

block0(v0: i64, v1: i64):
    v2, v3 = call fn0(v0, v1)
    return v2, v3
}
",
    );
    text
}

fn table_function(entries: usize, count: usize) -> String {
    let mut text = String::from(
        "function %table(i32, i64) -> i64 {
    ss0 = explicit_slot 16, align = 16

block0(v0: i32, v1: i64):
    v2 = stack_addr.i64 ss0
    v3 = iconst.i64 1
    brif v1, block1, block2

block2:
    v4 = iconst.i64 -2
    return v4

block1:
    br_table v0, block3, [",
    );
    let list: Vec<String> = (0..entries).map(|n| format!("block{}", 4 + n % 60)).collect();
    text.push_str(&list.join(", "));
    text.push_str("]\n\nblock3:\n    v5 = iconst.i64 -1\n    return v5\n");
    let mut next = 1000;
    for n in 0..60 {
        writeln!(text, "\nblock{}:\n    v{} = iconst.i64 {}", 4 + n, 100 + n, n * 7).unwrap();
        filler(&mut text, &mut next, count / 60);
        writeln!(text, "    trapz v1, user3\n    return v{}", 100 + n).unwrap();
    }
    text.push_str("}\n");
    text
}

fn compare(text: &str, isa: &dyn TargetIsa, calls: &[(&str, Vec<DataValue>)], tags: &[u64]) {
    let functions = parse_functions(text).expect("the text is well-formed");
    let all: Vec<&Function> = functions.iter().collect();
    let store = FunctionStore::new(&functions);
    let mut program = Program::load(&all, isa).expect("the functions compile");
    let name = |name: &str| ExternalName::named(name);
    for (function, args) in calls {
        for on in [true, false] {
            program.switch_all(on).expect("sites can be switched");
            let mut interpreter = Interpreter::new(&store);
            interpreter.set_all_sites(on);
            let expected = interpreter
                .call(&name(function), args)
                .map_err(|stop| stop.trap_code().expect("it is a trap").to_string());
            let got = program.call(&name(function), args).map_err(|failure| format!("{failure:?}"));
            match (&got, &expected) {
                (Err(failure), Err(code)) => {
                    let user = code.strip_prefix("user").expect("the text's own traps");
                    assert!(failure.contains(&format!("User({user})")), "{failure}");
                }
                _ => assert_eq!(got, expected, "{}: {function}({args:?}), sites on: {on}", isa.name()),
            }
        }
    }
    for &tag in tags {
        program.patch(&name("long"), tag, true).expect("the tag is there");
        let one = program.call(&name("long"), &[DataValue::I64(3), DataValue::I64(7)]);
        let times = if tag == 1 || tag == 5 { 1 } else { 3 };
        assert_eq!(one.expect("it returns")[1], DataValue::I64(times), "{}: tag {tag}", isa.name());
        program.patch(&name("long"), tag, false).expect("the tag is there");
    }
}

#[test]
fn sites_and_branches_of_a_megabyte() {
    let long = |a: i64, b: i64| ("long", vec![DataValue::I64(a), DataValue::I64(b)]);
    let mut calls = vec![long(1, 1), long(2, 2), long(3, 3), long(1, 0), long(0, 3)];
    calls.push(("caller", vec![DataValue::I64(2), DataValue::I64(5)]));
    for (isa, count) in targets() {
        let text = in_other_order(long_function(count), &*isa);
        if count > 300 {
            let functions = parse_functions(&text).expect("the text is well-formed");
            let code = sidetrack_codegen::compile(&functions[1], &*isa).expect("it compiles").code;
            assert!(code.len() > (1 << 20) + (1 << 18), "only {} bytes", code.len());
        }
        compare(&text, &*isa, &calls, &[1, 2, 3, 4, 5]);
    }
}

#[test]
fn tables_of_thousands() {
    let entries = 5000;
    let table = |n: i32, v: i64| ("table", vec![DataValue::I32(n), DataValue::I64(v)]);
    let calls: Vec<_> = [0, 1, 59, 60, 61, 1023, 1024, 2500, 4999, 5000, 5001, -1]
        .into_iter()
        .flat_map(|n| [table(n, 1), table(n, 0)])
        .collect();
    for (isa, count) in targets() {
        compare(&in_other_order(table_function(entries, count), &*isa), &*isa, &calls, &[]);
    }
}

/// Sums of values that all live through the function, and through a loop in its middle: words,
/// floats, and parameters of blocks.
fn values_function(count: usize) -> String {
    let mut text = String::from(
        "function %values(i64, i64) -> i64 {
    ss0 = explicit_slot 16, align = 16
    fn0 = colocated patchable %count(i64) preserve_all

block0(v0: i64, v1: i64):
    v2 = stack_addr.i64 ss0
    v3 = iconst.i64 0
    v4 = iadd_imm v2, 8
    store notrap aligned v0, v2
    store notrap aligned v3, v4
    brif v1, block1(v0), block1(v1)

block1(v5: i64):
",
    );
    for n in 0..count {
        writeln!(text, "    v{} = load.i64 notrap aligned v2", 100 + 4 * n).unwrap();
        writeln!(text, "    v{} = imul_imm v{}, {}", 101 + 4 * n, 100 + 4 * n, n + 1).unwrap();
        writeln!(text, "    v{} = fcvt_from_sint.f64 v{}", 102 + 4 * n, 101 + 4 * n).unwrap();
        writeln!(text, "    store notrap aligned v{}, v2", 101 + 4 * n).unwrap();
    }
    text.push_str(
        "    call fn0(v4), tag 1
    jump block2(v1)

block2(v6: i64):
    v7 = iadd_imm v6, -1
    v8 = isub v6, v101
    store notrap aligned v8, v2
    brif v7, block2(v7), block3

block3:
    v9 = f64const 0x0.0p0
    v10 = bxor v5, v6
",
    );
    let (mut word, mut float) = (10, 9);
    for n in 0..count {
        let [next_word, next_float] = [50_000 + 2 * n, 50_001 + 2 * n];
        writeln!(text, "    v{next_word} = bxor v{word}, v{}", 101 + 4 * n).unwrap();
        writeln!(text, "    v{next_float} = fmax v{float}, v{}", 102 + 4 * n).unwrap();
        (word, float) = (next_word, next_float);
    }
    writeln!(
        text,
        "    v11 = fcvt_to_sint_sat.i64 v{float}
    v12 = iadd v11, v{word}
    v13 = load.i64 notrap aligned v4
    v14 = load.i64 notrap aligned v2
    v15 = iadd v12, v13
    v16 = isub v15, v14
    return v16
}}

function %count(i64) preserve_all {{
block0(v0: i64):
    v1 = load.i64 notrap aligned v0
    v2 = iadd_imm v1, 1
    store notrap aligned v2, v0
    return
}}"
    )
    .unwrap();
    text
}

/// A value that goes through thousands of blocks, each of which may change it.
fn ways_function(blocks: usize) -> String {
    let mut text =
        String::from("function %ways(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n    jump block1(v0)\n");
    for n in 1..blocks {
        let [value, bit, other] = [n * 3, n * 3 + 1, n * 3 + 2];
        let next = n + 1;
        writeln!(
            text,
            "\nblock{n}(v{value}: i64):\n    v{bit} = band_imm v{value}, {}\n    v{other} = iadd_imm v{value}, {n}\n    \
             brif v{bit}, block{next}(v{other}), block{next}(v{value})",
            1 << (n % 5)
        )
        .unwrap();
    }
    let last = blocks * 3;
    writeln!(
        text,
        "\nblock{blocks}(v{last}: i64):\n    v{} = iadd v{last}, v1\n    return v{}\n}}",
        last + 1,
        last + 1
    )
    .unwrap();
    text
}

/// Both are for the allocator, whose checker looks at the result.
fn checked(isa: &dyn TargetIsa, opt_level: OptLevel) -> Arc<dyn TargetIsa> {
    let flags = Flags { opt_level, regalloc_checker: true, ..Flags::default() };
    lookup(isa.name()).expect("it is one of the targets").finish(flags)
}

#[test]
fn values_that_live_long() {
    let values = |a: i64, b: i64| ("values", vec![DataValue::I64(a), DataValue::I64(b)]);
    for (isa, _) in targets() {
        for level in [OptLevel::None, OptLevel::Speed] {
            compare(&values_function(400), &*checked(&*isa, level), &[values(3, 1), values(-5, 9)], &[]);
        }
    }
}

#[test]
fn thousands_of_ways() {
    let ways = |a: i64, b: i64| ("ways", vec![DataValue::I64(a), DataValue::I64(b)]);
    for (isa, _) in targets() {
        for level in [OptLevel::None, OptLevel::Speed] {
            let calls = [ways(0, 1), ways(1, 2), ways(-1, 0), ways(31, 7)];
            compare(&ways_function(1200), &*checked(&*isa, level), &calls, &[]);
        }
    }
}

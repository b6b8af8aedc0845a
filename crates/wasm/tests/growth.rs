//! What comes out of translation with sites grows with the body, not with the number of
//! places to stop times what is there at each.
//!
//! `SIDETRACK_GROWTH=FAMILY:N` translates one shape of that size instead, for a profiler.

use sidetrack_ir::{Function, StateCursor};
use sidetrack_wasm::{Instrument, Options, parse};
use std::fmt::Write;

const SITES: Options = Options {
    guard_pages: true,
    whole_stores: 16,
    instrument: Instrument::On { blocks: false, writable: false },
};

type Family = (&'static str, fn(usize, &mut String));

/// The bodies of functions with a parameter, a result, and `n` more locals.
const FAMILIES: [Family; 9] = [
    ("locals over calls", |n, text| {
        (1..=n).for_each(|i| _ = writeln!(text, "(local.set {i} (i32.load (i32.const {i})))"));
        (0..n).for_each(|_| text.push_str("(call $nop)\n"));
        sum(n, text);
    }),
    ("operands over calls", |n, text| {
        (0..n).for_each(|i| _ = writeln!(text, "(i32.load (i32.const {i})) (call $nop)"));
        (1..n).for_each(|_| text.push_str("(i32.add)\n"));
    }),
    ("ifs", |n, text| {
        (1..=n).for_each(|i| _ = writeln!(text, "(local.set {i} (i32.load (i32.const {i})))"));
        for i in 0..n {
            let (read, set) = (1 + 37 * i % n, 1 + 91 * i % n);
            _ = writeln!(
                text,
                "(if (local.get {read}) (then (i32.store (i32.const 4) (local.get {read})))
                   (else (local.set {set} (i32.const {i}))))"
            );
        }
        sum(n, text);
    }),
    ("a deep stack of what may trap", |n, text| {
        (0..n).for_each(|_| {
            text.push_str("(local.get 0) (i32.div_s (local.get 0) (i32.load (i32.const 0)))\n")
        });
        (1..2 * n).for_each(|_| text.push_str("(i32.xor)\n"));
    }),
    ("loops", |n, text| {
        (0..n).for_each(|_| text.push_str("(loop\n"));
        text.push_str("(local.set 0 (i32.add (local.get 0) (i32.const 1)))\n");
        (0..n).for_each(|_| text.push_str("(br_if 0 (local.get 1)))\n"));
        text.push_str("(local.get 0)\n");
    }),
    ("blocks", |n, text| {
        (0..n).for_each(|_| text.push_str("(block (br_if 0 (local.get 0))\n"));
        text.push_str("(local.set 1 (i32.const 1))\n");
        (0..n).for_each(|_| text.push_str(")\n"));
        text.push_str("(local.get 0)\n");
    }),
    ("locals of a handler", |n, text| {
        (1..=n).for_each(|i| _ = writeln!(text, "(local.set {i} (i32.load (i32.const {i})))"));
        text.push_str("(block (try_table (catch_all 0)\n");
        (0..n).for_each(|_| text.push_str("(call $nop)\n"));
        text.push_str("(return (local.get 0))))\n");
        sum(n, text);
    }),
    ("handlers", |n, text| {
        (1..=n).for_each(|i| _ = writeln!(text, "(local.set {i} (i32.load (i32.const {i})))"));
        (0..n).for_each(|_| text.push_str("(block (try_table (catch_all 0) (call $nop)))\n"));
        sum(n, text);
    }),
    ("elses", |n, text| {
        for i in 1..=n {
            _ = writeln!(text, "(if (local.get 0) (then (local.set {i} (i32.const 1)) (call $nop)) (else");
        }
        (0..n).for_each(|_| text.push_str("))\n"));
        text.push_str("(local.get 1)\n");
    }),
];

fn sum(locals: usize, text: &mut String) {
    (1..=locals).for_each(|i| _ = writeln!(text, "(local.set 0 (i32.add (local.get 0) (local.get {i})))"));
    text.push_str("(local.get 0)\n");
}

fn translated((_, body): &Family, n: usize) -> Function {
    let mut text = String::from("(module (memory 1) (func $nop) (func (param i32) (result i32) (local");
    (0..n).for_each(|_| text.push_str(" i32"));
    text.push_str(")\n");
    body(n, &mut text);
    text.push_str("))");
    let bytes = wat::parse_str(&text).expect("it is right");
    let module = parse(&bytes).expect("it is a module");
    module.translate(1, &SITES).expect("it is valid")
}

/// How many things there are in a function.
fn size(func: &Function) -> usize {
    let (dfg, layout) = (&func.dfg, &func.layout);
    let insts = layout.blocks().flat_map(|block| layout.block_insts(block));
    let args = insts.map(|inst| {
        let calls = dfg.block_calls(inst);
        1 + dfg.args(inst).len() + calls.iter().map(|call| call.args.len(&dfg.block_args)).sum::<usize>()
    });
    let changes = dfg.states.iter().map(|state| 1 + dfg.states.changes(state).len());
    dfg.num_values() + args.sum::<usize>() + changes.sum::<usize>()
}

#[test]
fn functions_grow_with_their_bodies() {
    if let Ok(asked) = std::env::var("SIDETRACK_GROWTH") {
        let (name, n) = asked.split_once(':').expect("a family and a size");
        let family = FAMILIES.iter().find(|(family, _)| *family == name).expect("a family");
        println!("{}", size(&translated(family, n.parse().expect("a size"))));
        return;
    }
    for family in &FAMILIES {
        let sizes = [200, 400, 800].map(|n| size(&translated(family, n)));
        assert!(sizes[1] * 10 < sizes[0] * 22 && sizes[2] * 10 < sizes[1] * 22, "{}: {sizes:?}", family.0);
    }
}

#[test]
fn states_read_backwards_are_those_read_forwards() {
    for family in &FAMILIES {
        let func = translated(family, 40);
        let states = &func.dfg.states;
        let mut cursor = StateCursor::new(states);
        let forwards: Vec<_> = states.iter().map(|state| cursor.entries(state)).collect();
        let mut backwards: Vec<_> = states.iter().collect();
        backwards.reverse();
        for state in backwards {
            assert_eq!(
                cursor.entries(state),
                forwards[cranelift_entity::EntityRef::index(state)],
                "{}",
                family.0
            );
        }
    }
}

//! What states cost, in numbers that do not depend on the machine.

use crate::{CodegenError, Flags, OptLevel};
use sidetrack_artifact::{StatePlace, decode_states};
use std::fmt::Write;

/// A function with so many values that live through as many sites, and a call at the end
/// whose state has them, too. They are used after it or not.
fn values_and_sites(count: usize, used: bool) -> String {
    let mut text = "function %f(i64 vmctx) -> i64 tail {\n\
        fn0 = colocated patchable readonly %hook() preserve_all\n\
        fn1 = colocated %callee(i64) -> i64 tail\n\
        block0(v0: i64):\n"
        .to_string();
    for v in 1..=count {
        writeln!(text, "v{v} = load.i64 notrap aligned v0+{}", v * 8).unwrap();
    }
    let state: Vec<String> = (0..=count).map(|v| format!("{v}: v{v}")).collect();
    let state = state.join(", ");
    for tag in 1..=count {
        writeln!(text, "call fn0(), tag {tag}, state [{state}]").unwrap();
    }
    let result = 2 * count + 1;
    writeln!(text, "v{result} = call fn1(v0), state [{state}]").unwrap();
    let mut sum = result;
    for v in 1..=if used { count } else { 0 } {
        writeln!(text, "v{} = iadd v{sum}, v{v}", result + v).unwrap();
        sum = result + v;
    }
    writeln!(text, "return v{sum}\n}}").unwrap();
    text
}

/// The work of a function for the allocator, and the bytes of its state maps.
fn cost(text: &str) -> (u64, Vec<u8>) {
    let functions = sidetrack_ir::text::parse_functions(text).expect("the text is right");
    let compile = |max_function_work| {
        let flags = Flags {
            opt_level: OptLevel::Speed,
            regalloc_checker: true,
            max_function_work,
            ..Flags::default()
        };
        crate::compile(&functions[0], &*crate::lookup("x86_64").unwrap().finish(flags))
    };
    let Err(CodegenError::TooLarge { work, limit: 0, .. }) = compile(0) else {
        panic!("no work is allowed");
    };
    (work, compile(work).expect("so much work is allowed").states)
}

#[test]
fn values_times_sites_cost_their_sum() {
    for used in [true, false] {
        let (work, states) = cost(&values_and_sites(100, used));
        let (twice, states_of_twice) = cost(&values_and_sites(200, used));
        assert!(twice < work * 5 / 2, "{work} to {twice}");
        assert!(
            states_of_twice.len() < states.len() * 5 / 2,
            "{} to {}",
            states.len(),
            states_of_twice.len()
        );
        let maps = decode_states(&states).unwrap();
        assert_eq!(maps.len(), 101);
        assert!(maps.iter().all(|map| map.places.len() == 101));
        let in_frame = |place: &(u32, StatePlace)| matches!(place.1, StatePlace::Frame(_));
        assert!(maps[100].places.iter().all(in_frame), "the callee overwrites all registers");
    }
}

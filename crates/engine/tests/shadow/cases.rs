//! Written results: every line of `cases.txt` is an expression and what it gives, in
//! the text of traces, or the trap.
//!
//! Each is interpreted, and compiled and run, without arguments that could differ.

use crate::program::{Failure, Fresh, Program};
use sidetrack_engine::debug::describe;
use sidetrack_engine::{Config, Engine, OptLevel, Trap};

/// What every expression can use.
const PRELUDE: &str = r#"
    (memory (export "m0") 1 2) (memory (export "m1") i64 1 1)
    (data (i32.const 8) "\80\ff\00\7f\01\fe\80\80\11\22\33\44\55\66\77\88")
    (global $i (export "g0") (mut i32) (i32.const 41))
    (global $v (export "g1") (mut v128) (v128.const i64x2 1 2))
    (table $t 4 funcref) (elem (table $t) (i32.const 1) func 0)
"#;

fn trap(text: &str) -> Option<Trap> {
    Some(match text {
        "trap unreachable" => Trap::UnreachableCodeReached,
        "trap divide by zero" => Trap::IntegerDivisionByZero,
        "trap overflow" => Trap::IntegerOverflow,
        "trap conversion" => Trap::BadConversionToInteger,
        "trap memory" => Trap::MemoryOutOfBounds,
        "trap table" => Trap::TableOutOfBounds,
        "trap null call" => Trap::IndirectCallToNull,
        "trap signature" => Trap::BadSignature,
        "trap null" => Trap::NullReference,
        _ => return None,
    })
}

/// The lines that are cases: number, expression, result.
fn cases() -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    let lines = include_str!("cases.txt").lines().enumerate();
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
        let (expression, result) = line.rsplit_once(" = ").expect("a case has ` = `");
        (number + 1, expression.trim(), result.trim())
    })
}

#[test]
fn results_are_as_written() {
    let mut text = format!("(module {PRELUDE}");
    for (number, expression, result) in cases() {
        let (ty, rest) = match result.split_once(':') {
            Some((ty, _)) => (ty, ""),
            None => ("i32", "drop i32.const 0"),
        };
        text.push_str(&format!("(func (export \"{number}\") (result {ty}) {expression} {rest})\n"));
    }
    text.push(')');
    let engine = Engine::new(Config::new().opt_level(OptLevel::None)).expect("there is an engine");
    let program = Program::new(&engine, &text);
    let fresh = Fresh::new(program.info());
    let mut wrong = Vec::new();
    for (func, (number, expression, expected)) in (0..).zip(cases()) {
        let outcome = program.shadow(&fresh, &program.body(func), &[]);
        let ty = program.info().function_type(func).results[0];
        let is_expected = match &outcome.results {
            Ok(results) => {
                let text = describe(results[0], ty, |_, raw| Some(raw / 8 - 1));
                if text != expected {
                    wrong.push(format!("line {number}: {expression} = {text}"));
                }
                continue;
            }
            Err(Failure::Trap(actual)) => trap(expected) == Some(*actual),
            Err(Failure::Ended(_)) => false,
        };
        if !is_expected {
            wrong.push(format!("line {number}: {expression} = {:?}", outcome.results));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    if cfg!(target_arch = "x86_64") {
        for (func, (number, expression, expected)) in (0..).zip(cases()) {
            // References of the engine are its own.
            if !expected.starts_with("funcref") {
                let native = program.native(&number.to_string(), &[]);
                let outcome = program.shadow(&fresh, &program.body(func), &[]);
                assert_eq!(outcome, native, "line {number}: {expression}");
            }
        }
    }
}

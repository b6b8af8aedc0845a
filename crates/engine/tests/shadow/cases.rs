//! Written results: every line of `cases.txt` is an expression and what it gives, in
//! the text of traces, or the trap.
//!
//! Each is interpreted, and compiled and run, without arguments that could differ.

use crate::program::{Failure, Fresh, Native, Program};
use sidetrack_engine::debug::{Value, describe};
use sidetrack_engine::{Config, Engine, OptLevel, Target, Trap};

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

/// A program on this machine and in the interpreter, optimised and not.
fn programs(text: &str) -> Vec<(String, Program)> {
    let mut programs = Vec::new();
    for target in Target::supported() {
        for level in [OptLevel::None, OptLevel::Speed] {
            let engine = Engine::new(Config::new().target(target).opt_level(level)).expect("it runs here");
            programs.push((format!("{target:?} {level:?}"), Program::new(&engine, text)));
        }
    }
    programs
}

/// The lines that are cases: number, expression, result.
fn cases() -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    let lines = include_str!("cases.txt").lines().enumerate();
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
        let (expression, result) = line.rsplit_once(" = ").expect("a case has ` = `");
        // Alternatives by machine.
        let index = match std::env::consts::ARCH {
            "aarch64" | "s390x" => 1,
            "riscv64" => 2,
            _ => 0,
        };
        let result = result.split('|').nth(index).or(result.split('|').next()).unwrap_or_default();
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

    let programs = programs(&text);
    let mut instances: Vec<Native> = programs.iter().map(|(_, program)| program.instance()).collect();
    for (func, (number, expression, expected)) in (0..).zip(cases()) {
        // References of the engine are its own.
        if !expected.starts_with("funcref") {
            let outcome = program.shadow(&fresh, &program.body(func), &[]);
            // What becomes of NaNs in Pulley's interpreter its own compiler chose.
            let of_nans = expression.contains("nan");
            for ((engine, _), instance) in programs.iter().zip(&mut instances) {
                if of_nans && engine.starts_with("Pulley") {
                    continue;
                }
                let native = instance.call(&number.to_string(), &[]);
                assert_eq!(outcome, native, "{engine}, line {number}: {expression}");
            }
        }
    }
}

/// Arithmetic that may give NaNs.
const NANS: [&str; 20] = [
    "(f64.div (local.get 0) (local.get 1))",
    "(f64.sub (local.get 0) (local.get 1))",
    "(f64.add (local.get 0) (local.get 1))",
    "(f64.mul (local.get 0) (local.get 1))",
    "(f64.min (local.get 0) (local.get 1))",
    "(f64.max (local.get 0) (local.get 1))",
    "(f64.sqrt (local.get 0))",
    "(f64.ceil (local.get 0))",
    "(f64.floor (local.get 0))",
    "(f64.trunc (local.get 0))",
    "(f64.nearest (local.get 0))",
    "(f64.neg (local.get 0))",
    "(f64.abs (local.get 0))",
    "(f64.copysign (local.get 0) (local.get 1))",
    "(f64.promote_f32 (f32.demote_f64 (local.get 0)))",
    "(f64.promote_f32 (f32.add (f32.demote_f64 (local.get 0)) (f32.demote_f64 (local.get 1))))",
    "(f64x2.extract_lane 1 (f64x2.div (f64x2.splat (local.get 0)) (f64x2.splat (local.get 1))))",
    "(f64x2.extract_lane 0 (f64x2.max (f64x2.splat (local.get 0)) (f64x2.splat (local.get 1))))",
    "(f64x2.extract_lane 0 (f64x2.nearest (f64x2.splat (local.get 0))))",
    "(f64x2.extract_lane 0 (f64x2.relaxed_madd (f64x2.splat (local.get 0)) (f64x2.splat (local.get 1)) (f64x2.splat (local.get 0))))",
];

/// NaNs have the same bits in the shadow and in the code, 0/0 among them.
#[test]
fn nans_are_those_of_the_code() {
    let mut text = String::from("(module");
    for (number, expression) in NANS.iter().enumerate() {
        text.push_str(&format!(
            "(func (export \"{number}\") (param f64 f64) (result i64) (i64.reinterpret_f64 {expression}))\n"
        ));
    }
    text.push(')');
    const QUIET: u64 = 0x7ff8_0000_0000_0000;
    let operands = [
        0.0f64.to_bits(),
        (-0.0f64).to_bits(),
        1f64.to_bits(),
        f64::INFINITY.to_bits(),
        f64::NEG_INFINITY.to_bits(),
        QUIET,
        QUIET | 1 << 63,
        QUIET | 0x1234_5678_9abc,
        f64::INFINITY.to_bits() | 0x4_3210_0000_0001,
        f64::NEG_INFINITY.to_bits() | 0x1_0000_0000_0000,
    ];
    let mut nans = 0;
    for (engine, program) in programs(&text) {
        let (fresh, mut instance) = (Fresh::new(program.info()), program.instance());
        for (func, expression) in (0..).zip(NANS) {
            let body = program.body(func);
            for x in operands {
                for y in operands {
                    let is_nan = |bits| f64::from_bits(bits).is_nan();
                    if (is_nan(x) || is_nan(y)) && engine.starts_with("Pulley") {
                        continue;
                    }
                    let shadow = program.shadow(&fresh, &body, &[Some(x.into()), Some(y.into())]);
                    let native = instance.call(&func.to_string(), &[x.into(), y.into()]);
                    assert_eq!(shadow, native, "{engine}: {expression} of {x:#x} and {y:#x}");
                    let is_nan =
                        |bits: &Vec<Value>| bits[0].is_some_and(|bits| f64::from_bits(bits as u64).is_nan());
                    nans += u32::from(native.results.as_ref().is_ok_and(is_nan));
                }
            }
        }
    }
    assert!(nans > 1000, "{nans}");
}

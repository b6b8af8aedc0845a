//! Traces of the oracle: the text of values as documented, and a line for every operator
//! in the programs of `tests/programs/trace`.

use sidetrack_engine::{Config, Engine, Val};
use sidetrack_oracle::{Extern, FuncAddr, Limits, Module, Stop, Store, Trap, Value, trace_run};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A store whose function with index 3 is the last of these.
fn with_functions<'a>(store: &mut Store<'a>, bytes: &'a [u8]) -> FuncAddr {
    let module = Module::new(bytes).expect("it is valid");
    let instance = store.instantiate(&module, &[]).expect("it has no imports");
    let Some(Extern::Func(func)) = store.export(instance, "f") else { panic!("there is a function") };
    func
}

#[test]
fn values_as_documented() {
    let bytes = wat::parse_str("(module (func) (func) (func) (func (export \"f\")))").expect("it is right");
    let mut store = Store::new(Limits::default());
    let third = with_functions(&mut store, &bytes);
    let exception = store.new_exception(0, Vec::new());
    let document = std::fs::read_to_string(root().join("docs/debugging.md")).expect("it is there");
    let mut examples = 0;
    for line in document.lines() {
        let row: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, ty, bits, text, _] = row[..] else { continue };
        let hex = bits.strip_prefix("0x").and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let value = match (ty, bits, hex) {
            ("i32", _, Some(bits)) => Value::I32(bits as i32),
            ("i64", _, Some(bits)) => Value::I64(bits as i64),
            ("f32", _, Some(bits)) => Value::F32(bits as u32),
            ("f64", _, Some(bits)) => Value::F64(bits as u64),
            ("v128", _, Some(bits)) => Value::V128(bits),
            ("funcref", "null", _) => Value::Func(None),
            ("funcref", "3", _) => Value::Func(Some(third)),
            ("externref", "null", _) => Value::Extern(None),
            ("externref", number, _) => Value::Extern(number.parse().ok()),
            ("exnref", "null", _) => Value::Exn(None),
            ("exnref", "0", _) => Value::Exn(Some(exception)),
            _ => continue,
        };
        assert_eq!(store.text(value), text, "{line}");
        examples += 1;
    }
    assert!(examples >= 30, "{examples} examples");
}

/// The lines of a call of `run`, and how it ended.
fn trace(bytes: &[u8]) -> (Vec<String>, Result<Vec<Value>, Stop>) {
    let trace = trace_run(bytes, Limits::default(), 1_000_000).expect("it is a program");
    (trace.lines, trace.outcome)
}

/// The operators of the lines, by name, of a program in which every one is at another pc.
fn operators(text: &str) -> String {
    let bytes = wat::parse_str(text).expect("it is right");
    let names = names(&bytes);
    let (lines, _) = trace(&bytes);
    let pc = |line: &String| {
        let digits = line.split("\"pc\":").nth(1)?.split(',').next()?;
        digits.parse::<u64>().ok()
    };
    let name = |line: &String| names[&pc(line).expect("every line has a pc")].clone();
    lines.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// Names of the operators by their places.
fn names(bytes: &[u8]) -> HashMap<u64, String> {
    let mut names = HashMap::new();
    for payload in wasmparser::Parser::new(0).parse_all(bytes) {
        let wasmparser::Payload::CodeSectionEntry(body) = payload.expect("it is valid") else { continue };
        let operators = body.get_operators_reader().expect("it is valid");
        for operator in operators.into_iter_with_offsets() {
            let (operator, pc) = operator.expect("it is valid");
            let name = format!("{operator:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default();
            names.insert(pc, name.to_string());
        }
    }
    names
}

#[test]
fn which_operators_have_a_line() {
    let body = |text: &str| operators(&format!("(module (tag) (func (export \"run\") {text}))"));
    let falls_through = body("block nop end loop nop end");
    assert_eq!(falls_through, "Block Nop End Loop Nop End End");
    assert_eq!(body("block br 0 nop end"), "Block Br End");
    assert_eq!(body("block br 1 end"), "Block Br");
    assert_eq!(body("i32.const 1 if nop else unreachable end"), "I32Const If Nop Else End");
    assert_eq!(body("i32.const 0 if unreachable else nop end"), "I32Const If Nop End End");
    assert_eq!(body("i32.const 0 if unreachable end"), "I32Const If End");
    assert_eq!(body("i32.const 1 if return end"), "I32Const If Return");
    let twice = "(local i32) loop local.get 0 i32.eqz local.tee 0 br_if 0 end";
    let round = "LocalGet I32Eqz LocalTee BrIf";
    assert_eq!(body(twice), format!("Loop {round} {round} End End"));
    let caught = "block try_table (catch_all 0) throw 0 end end";
    assert_eq!(body(caught), "Block TryTable Throw End");
    assert_eq!(body("unreachable"), "Unreachable");
}

#[test]
fn a_line_is_the_state_before_the_operator() {
    let text = "(module (func) (func $f (param i32) (result i64) (local f64)
        f64.const 3 local.set 1 local.get 0 i64.extend_i32_s)
        (func (export \"run\") (result i64) i32.const -7 call $f))";
    let (lines, outcome) = trace(&wat::parse_str(text).expect("it is right"));
    assert_eq!(outcome, Ok(vec![Value::I64(-7)]));
    let expected = [
        r#"{"func":2,"pc":65,"locals":[],"stack":[]}"#,
        r#"{"func":2,"pc":67,"locals":[],"stack":["i32:-7"]}"#,
        r#"{"func":1,"pc":48,"locals":["i32:-7","f64:0x0p+0"],"stack":[]}"#,
        r#"{"func":1,"pc":57,"locals":["i32:-7","f64:0x0p+0"],"stack":["f64:0x1.8p+1"]}"#,
        r#"{"func":1,"pc":59,"locals":["i32:-7","f64:0x1.8p+1"],"stack":[]}"#,
        r#"{"func":1,"pc":61,"locals":["i32:-7","f64:0x1.8p+1"],"stack":["i32:-7"]}"#,
        r#"{"func":1,"pc":62,"locals":["i32:-7","f64:0x1.8p+1"],"stack":["i64:-7"]}"#,
        r#"{"func":2,"pc":69,"locals":[],"stack":["i64:-7"]}"#,
    ];
    assert_eq!(lines, expected);
}

/// The programs by name.
fn programs() -> Vec<(String, Vec<u8>)> {
    let folder = root().join("tests/programs/trace");
    let mut programs: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            let path = entry.expect("it can be read").path();
            let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            let bytes = wat::parse_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Module::new(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, bytes)
        })
        .collect();
    programs.sort();
    programs
}

/// What programs end with that do not return.
const ENDS: [(&str, Stop); 18] = [
    ("stack_overflow", Stop::Trap(Trap::StackOverflow)),
    ("trap_divide_by_zero", Stop::Trap(Trap::IntegerDivisionByZero)),
    ("trap_divide_overflow", Stop::Trap(Trap::IntegerOverflow)),
    ("trap_fill", Stop::Trap(Trap::MemoryOutOfBounds)),
    ("trap_indirect_bounds", Stop::Trap(Trap::TableOutOfBounds)),
    ("trap_indirect_null", Stop::Trap(Trap::IndirectCallToNull)),
    ("trap_indirect_type", Stop::Trap(Trap::BadSignature)),
    ("trap_init", Stop::Trap(Trap::MemoryOutOfBounds)),
    ("trap_load", Stop::Trap(Trap::MemoryOutOfBounds)),
    ("trap_null_exception", Stop::Trap(Trap::NullReference)),
    ("trap_remainder_by_zero", Stop::Trap(Trap::IntegerDivisionByZero)),
    ("trap_store", Stop::Trap(Trap::MemoryOutOfBounds)),
    ("trap_table_copy", Stop::Trap(Trap::TableOutOfBounds)),
    ("trap_table_get", Stop::Trap(Trap::TableOutOfBounds)),
    ("trap_truncate_large", Stop::Trap(Trap::IntegerOverflow)),
    ("trap_truncate_nan", Stop::Trap(Trap::BadConversionToInteger)),
    ("trap_unreachable", Stop::Trap(Trap::UnreachableCodeReached)),
    ("trap_vector_load", Stop::Trap(Trap::MemoryOutOfBounds)),
];

macro_rules! names_of {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        &[$((stringify!($proposal), stringify!($op))),*]
    };
}

/// Every operator that there is, with its proposal.
const OPERATORS: &[(&str, &str)] = wasmparser::for_each_operator!(names_of);

/// Those that the programs must execute, all of them.
const EXECUTED: [&str; 8] = [
    "mvp",
    "sign_extension",
    "saturating_float_to_int",
    "bulk_memory",
    "reference_types",
    "tail_call",
    "simd",
    "exceptions",
];

#[test]
fn programs_end_as_they_say_and_execute_every_operator() {
    let mut executed = HashSet::new();
    for (name, bytes) in programs() {
        let names = names(&bytes);
        let (lines, outcome) = trace(&bytes);
        let pc = |line: &String| line.split([':', ',']).nth(3).and_then(|pc| pc.parse().ok());
        executed.extend(lines.iter().map(|line| names[&pc(line).expect("a pc")].clone()));
        let end = ENDS.iter().find(|(ending, _)| *ending == name).map(|(_, stop)| stop);
        match outcome {
            Ok(_) => assert!(end.is_none(), "{name} returns"),
            Err(Stop::Exception(_)) => assert_eq!(name, "uncaught"),
            Err(stop) => assert_eq!(Some(&stop), end, "{name}"),
        }
        let most = if name == "stack_overflow" { 200_000 } else { 20_000 };
        assert!(lines.len() < most, "{name}: {} lines", lines.len());
    }
    let wanted = OPERATORS.iter().filter(|(proposal, _)| EXECUTED.contains(proposal));
    // A `select` of more than one value is not valid yet.
    let missing: Vec<&str> = wanted
        .map(|(_, name)| *name)
        .filter(|name| !executed.contains(*name) && *name != "TypedSelectMulti")
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What the engine makes of a program, in the oracle's terms; a trap as its name.
fn engine_outcome(engine: &Engine, bytes: &[u8]) -> Result<Vec<Value>, String> {
    let mut store = sidetrack_engine::Store::new(engine, ());
    let module = sidetrack_engine::Module::new(engine, bytes).map_err(|error| format!("{error:#}"))?;
    let instance = sidetrack_engine::Instance::new(&mut store, &module, &[]).expect("it has no imports");
    let run = instance.get_func(&mut store, "run").expect("there is a function `run`");
    let mut results = vec![Val::I32(0); run.ty(&store).results.len()];
    run.call(&mut store, &[], &mut results).map_err(|error| {
        let trap = error.downcast_ref::<sidetrack_engine::Trap>();
        trap.map_or("exception".to_string(), |trap| format!("{trap:?}"))
    })?;
    let value = |value: &Val| match value {
        Val::I32(x) => Value::I32(*x),
        Val::I64(x) => Value::I64(*x),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::V128(x) => Value::V128(x.as_u128()),
        other => panic!("{other:?} as a result"),
    };
    Ok(results.iter().map(value).collect())
}

#[test]
fn the_engine_comes_to_the_same_end() {
    let engine = Engine::new(&Config::new()).expect("the host is a target");
    for (name, bytes) in programs() {
        let ours = trace(&bytes).1.map_err(|stop| match stop {
            Stop::Trap(trap) => format!("{trap:?}"),
            Stop::Exception(_) => "exception".to_string(),
            other => panic!("{name}: {other:?}"),
        });
        assert_eq!(engine_outcome(&engine, &bytes), ours, "{name}");
    }
}

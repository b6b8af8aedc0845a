//! What a program is given by options of `sidetrack run`.

mod common;

use common::{command, file, folder, module, outcome, sidetrack, targets, text};
use std::io::Write;
use std::process::Stdio;

/// The words that a program was given: its arguments, then its environment.
fn words(output: &str) -> Vec<&str> {
    output.split('\0').filter(|word| !word.is_empty()).collect()
}

#[test]
fn variables_are_passed_on_by_name() {
    let args = ["run", "--env", "PASSED", "--env", "GIVEN=2", &module("surroundings.wat")];
    let output = command(&args).env("PASSED", "1=1").env("HIDDEN", "1").output().expect("it runs");
    assert_eq!(words(&text(&output.stdout)), ["PASSED=1=1", "GIVEN=2"]);
}

#[test]
fn the_name_that_a_program_is_told() {
    let output = sidetrack(&["run", "--argv0", "another", &module("surroundings.wat"), "x"]);
    assert_eq!(words(&text(&output.stdout)), ["another", "x"]);
}

#[test]
fn a_module_on_standard_input() {
    let mut child =
        command(&["run", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let program = std::fs::read(module("exit.wat")).expect("it is there");
    child.stdin.take().expect("a pipe").write_all(&program).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(7), "hi\n"));
    // Errors have a name to say.
    let mut child =
        command(&["run", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(b"(module").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("<stdin>:1:8"), "{}", text(&output.stderr));
}

#[test]
fn a_directory_that_is_not_to_be_changed() {
    let host = folder("read_only");
    std::fs::write(host.join("file"), "contents").expect("it can be written");
    // Opens a file of the first directory, creating it, and ends with the number of the error.
    let program = file(
        "create.wat",
        br#"(module
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "new")
            (func (export "_start")
                (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 1)
                    (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 100)))))"#,
    );
    let run = |dir: String| outcome(&sidetrack(&["run", "--dir", &dir, &program]));
    for way in ["::ro", "::/data::ro"] {
        assert_eq!(run(format!("{}{way}", host.display())), (Some(69), String::new(), String::new()), "ROFS");
        assert!(!host.join("new").exists());
    }
    assert_eq!(run(format!("{}::/data", host.display())).0, Some(0));
    assert!(host.join("new").exists());
}

const LIBRARY: &[u8] = br#"(module $library
    (global $count (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $count (i32.const 40)))
    (func (export "next") (param i32) (result i32)
        (global.set $count (i32.add (global.get $count) (local.get 0)))
        (global.get $count))
    (func (export "count") (result i32) (global.get $count)))"#;

#[test]
fn several_calls_of_a_library() {
    let library = file("library.wat", LIBRARY);
    for target in targets() {
        let run = |args: &[&str]| {
            let options =
                ["run", "--target", target, "--invoke", "next", "--invoke", "count", "--invoke", "next"];
            outcome(&sidetrack(&[&options[..], &[&library], args].concat()))
        };
        assert_eq!(run(&["2", "-1"]), (Some(0), "42\n42\n41\n".to_owned(), String::new()));
        for args in [&["2"][..], &["1", "2", "3"]] {
            let (code, output, error) = run(args);
            assert_eq!((code, output.as_str()), (Some(1), ""), "{error}");
            assert!(error.contains("`next` takes 1 argument "), "{error}");
        }
    }
    // What was printed before a trap is.
    let trap = file(
        "later.wat",
        br#"(module (func (export "one") (result i32) i32.const 1) (func (export "trap") unreachable))"#,
    );
    let (code, output, error) = outcome(&sidetrack(&["run", "--invoke", "one", "--invoke", "trap", &trap]));
    assert_eq!((code, output.as_str()), (Some(134), "1\n"), "{error}");
}

#[test]
fn imports_of_other_modules() {
    let library = file("preloaded.wat", LIBRARY);
    let program = file(
        "importer.wat",
        br#"(module
            (import "lib" "next" (func $next (param i32) (result i32)))
            (func (export "twice") (result i32)
                (drop (call $next (i32.const 1)))
                (call $next (i32.const 1))))"#,
    );
    for target in targets() {
        let preload = format!("lib={library}");
        let args = ["run", "--target", target, "--preload", &preload, "--invoke", "twice", &program];
        assert_eq!(outcome(&sidetrack(&args)), (Some(0), "42\n".to_owned(), String::new()));
    }
    let (code, _, error) = outcome(&sidetrack(&["run", "--invoke", "twice", &program]));
    assert_eq!(code, Some(1));
    assert!(error.contains("unknown import: `lib::next`"), "{error}");
}

#[test]
fn imports_that_nobody_offers() {
    let program = file(
        "unknown.wat",
        br#"(module
            (import "env" "f" (func $f (param i32) (result i32 f64)))
            (import "env" "g" (global $g i64))
            (import "env" "m" (memory 1))
            (import "env" "t" (table 1 funcref))
            (func (export "calls") (result i32) (call $f (i32.const 1)) drop)
            (func (export "reads") (result i64) (i64.add (global.get $g) (i64.load (i32.const 8)))))"#,
    );
    let functions = file(
        "unknown_functions.wat",
        br#"(module
            (import "env" "f" (func $f (param i32) (result i32)))
            (func (export "calls") (result i32) (call $f (i32.const 1)))
            (func (export "nothing")))"#,
    );
    for target in targets() {
        let run = |what: &str, name: &str, program: &str| {
            let args = ["run", "--target", target, "--unknown-imports", what, "--invoke", name, program];
            outcome(&sidetrack(&args))
        };
        assert_eq!(run("default", "calls", &program), (Some(0), "0\n".to_owned(), String::new()));
        assert_eq!(run("default", "reads", &program), (Some(0), "0\n".to_owned(), String::new()));
        assert_eq!(run("trap", "nothing", &functions), (Some(0), String::new(), String::new()));
        let (code, output, error) = run("trap", "calls", &functions);
        assert_eq!((code, output.as_str()), (Some(134), ""), "{error}");
        assert!(error.contains("unknown import: `env::f` has not been defined"), "{error}");
    }
}

#[test]
fn limits_of_memory_and_stack() {
    let program = file(
        "grows.wat",
        br#"(module
            (memory 1) (memory 1)
            (func (export "grow") (param i32) (result i32) (memory.grow 1 (local.get 0)))
            (func $deep (export "deep") (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0)))))"#,
    );
    for target in targets() {
        let run = |option: &str, size: &str, name: &str, arg: &str| {
            outcome(&sidetrack(&["run", "--target", target, option, size, "--invoke", name, &program, arg]))
        };
        // Both memories together.
        assert_eq!(run("--max-memory", "256K", "grow", "2").1, "1\n");
        assert_eq!(run("--max-memory", "256K", "grow", "3").1, "-1\n");
        let (code, _, error) = run("--max-memory", "100000", "grow", "0");
        assert_eq!(code, Some(1));
        assert!(error.contains("limit"), "{error}");
        assert_eq!(run("--max-stack", "64M", "deep", "100000").1, "100000\n");
        let (code, _, error) = run("--max-stack", "64K", "deep", "100000");
        assert_eq!(code, Some(134));
        assert!(error.contains("call stack exhausted"), "{error}");
    }
}

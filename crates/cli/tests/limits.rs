//! What the system refuses is an error of the program that asks for it, and ends no process.
#![cfg(target_os = "linux")]

mod common;

use common::{file, folder, text};
use std::process::{Command, Output};

/// Runs the command under limits of the shell.
fn limited(limits: &str, args: &[&str]) -> Output {
    let command = common::command(args);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]).arg(command.get_program());
    shell.args(command.get_args()).env("XDG_CACHE_HOME", folder("limits-cache"));
    shell.output().expect("the shell runs")
}

#[test]
fn hundreds_of_modules_need_few_files() {
    let mut script = String::new();
    for number in 0..600 {
        script += &format!("(module $m{number} (func (export \"f\") (result i32) (i32.const {number})))\n");
    }
    for number in 0..600 {
        script += &format!("(assert_return (invoke $m{number} \"f\") (i32.const {number}))\n");
    }
    let script = file("hundreds.wast", script.as_bytes());
    let output = limited("ulimit -n 64", &["wast", &script]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn addresses_that_are_not_there_are_errors() {
    let memory = file(
        "memory.wat",
        br#"(module (memory 1) (func (export "f") (result i32) (i32.load (i32.const 8))))"#,
    );
    let tables: String = (0..100).map(|_| "(table 10000000 funcref)\n").collect();
    let tables = format!("(module {tables} (func (export \"f\") (result i32) (table.size 99)))");
    let tables = file("tables.wat", tables.as_bytes());
    let grows = file(
        "grows.wat",
        br#"(module (table 1 funcref) (memory 1) (func (export "f") (result i32)
            (i32.add (table.grow (ref.null func) (i32.const 100)) (memory.grow (i32.const 10)))))"#,
    );
    let run = |target: &str, path: &str| {
        limited("ulimit -v 1000000", &["run", "--target", target, "--invoke", "f", path])
    };
    for (target, path, expected) in [
        ("native", &memory, "cannot reserve 8590000128 bytes of addresses"),
        ("native", &memory, "; --target pulley64 does with less"),
        ("native", &tables, "cannot reserve 80000000 bytes of addresses"),
        ("pulley64", &tables, "cannot reserve 80000000 bytes of addresses"),
    ] {
        let output = run(target, path);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{target} {path}: {error}");
        assert!(error.contains(expected) && error.contains("ulimit -v"), "{error}");
        assert_eq!(error.matches("Cannot allocate memory").count(), 1, "{error}");
    }
    // Without guard pages a memory is content with less.
    for (path, result) in [(&memory, "0"), (&grows, "2")] {
        let output = run("pulley64", path);
        assert!(output.status.success(), "{path}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout).trim(), result);
    }
}

//! Runs programs, each with a directory of its own, and compares what they print and how they
//! end with what their comments say: `args:`, `env:`, `stdin:`, `stdout:` (one line each) and
//! `exit:`. Those of the folder `programs` beside this file are WebAssembly text; those of
//! `tests/programs` at the top are C, compiled by the script that is with them.

mod common;

use common::TempDir;
use sidetrack_engine::{Config, Engine, Linker, Module, Store, Target};
use sidetrack_wasi::{
    DirAccess, Exit, MemoryInputPipe, MemoryOutputPipe, WasiCtx, WasiCtxBuilder, add_to_linker,
};

/// What the comments of a program's text say of something.
fn comments<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let comment = |line: &'a str| {
        let comment = line.strip_prefix(";; ").or(line.strip_prefix("// "))?;
        comment.strip_prefix(key)?.strip_prefix(": ")
    };
    text.lines().filter_map(comment).collect()
}

/// A program's exit status and what it printed.
fn run(engine: &Engine, program: impl AsRef<[u8]>, ctx: WasiCtx) -> sidetrack_engine::Result<i32> {
    let module = Module::new(engine, program)?;
    let mut linker = Linker::<WasiCtx>::new(engine);
    add_to_linker(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(engine, ctx);
    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    match start.call(&mut store, ()) {
        Ok(()) => Ok(0),
        Err(error) => error.downcast::<Exit>().map(|exit| exit.0),
    }
}

/// Runs one program and compares.
fn check(engine: &Engine, name: &str, program: &[u8], text: &str) {
    let host = TempDir::new();
    host.write("secret", "not the guest's");
    std::fs::create_dir(host.path("inside")).unwrap();
    let output = MemoryOutputPipe::new();
    let ctx = WasiCtxBuilder::new()
        .args(comments(text, "args").iter().flat_map(|line| line.split(' ')))
        .envs(comments(text, "env").iter().filter_map(|line| line.split_once('=')))
        .stdin(MemoryInputPipe::new(comments(text, "stdin").join("\n")))
        .stdout(output.clone())
        .preopened_dir(host.path("inside"), "/", DirAccess::ReadWrite)
        .unwrap()
        .build()
        .unwrap();
    let exit = run(engine, program, ctx).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let printed = String::from_utf8(output.contents()).unwrap();
    let printed: Vec<&str> = printed.lines().collect();
    assert_eq!(printed, comments(text, "stdout"), "output of {name}");
    assert_eq!(comments(text, "exit"), [exit.to_string()], "exit of {name}");
    let mut names: Vec<_> =
        std::fs::read_dir(&host.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["inside", "secret"], "{name} stays in its directory");
}

/// Runs all programs of both folders.
fn check_all(engine: &Engine) {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in [here.join("tests/programs"), here.join("../../tests/programs")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let compiled = match path.extension().and_then(|extension| extension.to_str()) {
                Some("wat") => path.clone(),
                Some("c") => path.with_extension("wasm"),
                _ => continue,
            };
            let text = std::fs::read_to_string(&path).unwrap();
            check(engine, &path.display().to_string(), &std::fs::read(compiled).unwrap(), &text);
            count += 1;
        }
    }
    assert!(count >= 12, "only {count} programs");
}

#[test]
fn natively() {
    check_all(&Engine::default());
}

#[test]
fn on_pulley() {
    check_all(&Engine::new(Config::new().target(Target::Pulley64)).unwrap());
}

#[test]
fn a_memory_must_be_exported() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory 1)
        (func (export "_start")
            (drop (call $yield))
            (drop (call $random (i32.const 0) (i32.const 1)))))"#;
    let error = run(&Engine::default(), text, WasiCtxBuilder::new().build().unwrap()).unwrap_err();
    assert!(format!("{error:?}").contains("must export its memory"), "{error:?}");
}

/// `proc_raise` ends a guest as shells say it.
#[test]
fn signals() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (if (i32.ne (call $raise (i32.const 18)) (i32.const 58)) (then (unreachable)))
            (drop (call $raise (i32.const 6)))))"#;
    assert_eq!(run(&Engine::default(), text, WasiCtxBuilder::new().build().unwrap()).unwrap(), 134);
}

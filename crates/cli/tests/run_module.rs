//! `sidetrack run` with WebAssembly: programs, calls, what stops them, bad input.

mod common;

use common::{command, file, folder, module, outcome, repository, sidetrack, targets, text};

#[test]
fn the_example_prints_its_report() {
    let examples = repository("examples");
    let program = repository("examples/logreport.wasm");
    let expected = std::fs::read_to_string(repository("examples/access.expected")).expect("it is there");
    for target in targets().iter().copied() {
        let inside = format!("{examples}::/logs");
        let args = ["run", "--target", target, "--dir", &inside, &program, "/logs/access.log"];
        assert_eq!(outcome(&sidetrack(&args)), (Some(0), expected.clone(), String::new()), "{target}");
        // Without the directory, the program itself complains.
        let (code, _, error) =
            outcome(&sidetrack(&["run", "--target", target, &program, "/logs/access.log"]));
        assert_eq!(code, Some(1));
        assert!(error.starts_with("logreport: /logs/access.log: "), "{error}");
    }
}

#[test]
fn the_exit_code_is_the_programs() {
    for target in targets().iter().copied() {
        for level in ["none", "speed"] {
            let args = ["run", "--target", target, "--opt-level", level, &module("exit.wat")];
            assert_eq!(outcome(&sidetrack(&args)), (Some(7), "hi\n".to_string(), String::new()));
        }
    }
}

#[test]
fn a_trap_shows_where() {
    for target in targets().iter().copied() {
        let (code, output, error) = outcome(&sidetrack(&["run", "--target", target, &module("trap.wat")]));
        assert_eq!((code, output.as_str()), (Some(134), ""), "{error}");
        let lines: Vec<&str> = error.lines().collect();
        assert!(
            lines[0].starts_with("error: ") && lines[0].contains("out of bounds memory access"),
            "{error}"
        );
        assert_eq!(lines[1], "wasm backtrace:");
        for (line, name) in lines[2..].iter().zip(["guilty!read", "guilty!middle", "_start"]) {
            assert!(line.contains("0x") && (line.ends_with(name) || name == "_start"), "{error}");
        }
        assert_eq!(lines.len(), 5, "{error}");
    }
}

#[test]
fn the_least_stack_is_enough_for_a_call() {
    for target in targets().iter().copied() {
        let calls = module("calls.wat");
        let args = ["run", "--target", target, "--max-stack", "16K", "--invoke", "add", &calls, "1", "2"];
        assert_eq!(outcome(&sidetrack(&args)), (Some(0), "3\n".to_string(), String::new()), "{target}");
    }
}

#[test]
fn a_backtrace_of_many_functions_has_both_ends() {
    for target in targets().iter().copied() {
        let args = ["run", "--target", target, "--invoke", "deep", &module("calls.wat")];
        let (_, _, error) = outcome(&sidetrack(&args));
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 2 + 20 + 1 + 8, "{error}");
        let number = |line: &str| line.trim().split(':').next().and_then(|text| text.parse::<u64>().ok());
        assert_eq!(number(lines[21]), Some(19), "{error}");
        let more = lines[22].trim().strip_prefix('(').and_then(|text| text.strip_suffix(" more)"));
        let more: u64 = more.and_then(|text| text.parse().ok()).expect("a number");
        assert!(more > 10_000, "{error}");
        for (line, index) in lines[23..].iter().zip(0..) {
            assert_eq!(number(line), Some(20 + more + index), "{error}");
        }
        // The outermost is the call that the command makes.
        assert!(lines[30].ends_with("calls!outermost") && !lines[29].ends_with("outermost"), "{error}");
    }
}

#[test]
fn what_stops_a_call_is_134() {
    for target in targets().iter().copied() {
        for (name, message) in [("forever", "call stack exhausted"), ("throw", "exception")] {
            let args = ["run", "--target", target, "--invoke", name, &module("calls.wat")];
            let (code, _, error) = outcome(&sidetrack(&args));
            assert_eq!(code, Some(134), "{error}");
            assert!(error.contains(message), "{error}");
            let lines: Vec<&str> = error.lines().collect();
            assert_eq!(lines[1], "wasm backtrace:", "{error}");
            assert!(lines[2].contains("0: ") && lines[2].contains(" - calls!"), "{error}");
        }
    }
}

#[test]
fn what_stands_behind_the_file_is_the_programs() {
    let args = ["run", "--env", "A=1", &module("surroundings.wat"), "--env", "-h", "--", "x"];
    let output = text(&sidetrack(&args).stdout);
    let words: Vec<&str> = output.split('\0').filter(|word| !word.is_empty()).collect();
    assert_eq!(words, ["surroundings.wat", "--env", "-h", "--", "x"]);
}

#[test]
fn the_environment_is_what_is_given() {
    let args = ["run", "--env", "A=1", "--env", "B=x=y", &module("surroundings.wat")];
    let output = command(&args).env("HIDDEN", "1").output().expect("the command runs");
    let output = text(&output.stdout);
    let words: Vec<&str> = output.split('\0').filter(|word| !word.is_empty()).collect();
    assert_eq!(words, ["A=1", "B=x=y"]);
}

#[test]
fn calls_take_and_print_values_of_all_types() {
    let calls = module("calls.wat");
    let good: &[(&[&str], &str)] = &[
        (&["--invoke", "add", &calls, "-3", "0x10"], "13\n"),
        (&["--invoke", "add", &calls, "4294967295", "1"], "0\n"),
        (&["--invoke", "nothing", &calls], ""),
        (&["--invoke", "self", &calls], "funcref\n"),
        (
            &["--invoke", "all", &calls, "-1", "-2", "1.5", "-inf", "0xff", "null", "null"],
            "-1\n-2\n1.5\n-inf\n0x000000000000000000000000000000ff\nnull\nnull\n",
        ),
        (&["--invoke", "ready", &module("reactor.wat")], "1\n"),
    ];
    for target in targets().iter().copied() {
        for (args, expected) in good {
            let args = [&["run", "--target", target], *args].concat();
            assert_eq!(
                outcome(&sidetrack(&args)),
                (Some(0), expected.to_string(), String::new()),
                "{args:?}"
            );
        }
    }
}

#[test]
fn wrong_arguments_are_errors_that_name_them() {
    let calls = module("calls.wat");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--invoke", "add", &calls, "1"], 1, "`add` takes 2 arguments [i32 i32] -> [i32], 1 given"),
        (&["--invoke", "add", &calls, "1", "two"], 1, "parameter 2 of `add` has the type i32; `two` is none"),
        (&["--invoke", "add", &calls, "1", "4294967296"], 1, "parameter 2 of `add` has the type i32"),
        (&["--invoke", "is_zero", &calls], 1, "`is_zero` takes 1 argument [i32] -> [i32], 0 given"),
        (&["--invoke", "sub", &calls], 1, "exports no function `sub`"),
        (&["--invoke", "memory", &calls], 1, "exports no function `memory`"),
        (&[&calls], 1, "exports no function `_start`"),
        (&[&module("missing.wat")], 1, "`env::brew_coffee`"),
        (&["--dir", "/no/such/folder", &calls], 1, "/no/such/folder"),
        (&["--dir", &calls, &calls], 1, "calls.wat"),
        (&["--env", "=x", &calls], 2, "NAME=VALUE"),
        (&["--env", "SIDETRACK_NO_SUCH", &calls], 1, "--env SIDETRACK_NO_SUCH: there is no such"),
        (&["--preload", "env", &calls], 2, "NAME=FILE"),
        (&["--preload", "env=/no/such.wasm", &calls], 1, "/no/such.wasm"),
        (&["--max-memory", "much", &calls], 2, "expected a number of bytes"),
        (&["--max-memory", "-1", &calls], 2, "'-1' for '--max-memory <SIZE>': expected a number of bytes"),
        (&["--max-stack", "-1", &calls], 2, "'-1' for '--max-stack <SIZE>': expected a number of bytes"),
        (&["--max-stack", "0", &calls], 2, "'0' for '--max-stack <SIZE>': the least is 16K"),
        (&["--max-stack", "16383", &calls], 2, "the least is 16K"),
        // More than there are addresses.
        (&["--max-stack", "1000000G", &calls], 1, "bytes of stack for the program (--max-stack): "),
        (&["--unknown-imports", "ignore", &calls], 2, "ignore"),
        (&["--invoke", "add", "--invoke", "add", &calls, "1", "2", "3"], 1, "`add` takes 2 arguments"),
        (&["--target", "vax", &calls], 1, "unknown target `vax`"),
        (&["--set", "opt_level=speed", &calls], 1, "--opt-level"),
        (&["--opt-level", "most", &calls], 2, "most"),
        (&["--no-such-option", &calls], 2, "--no-such-option"),
        (&["--cache", "/tmp", "--no-cache", &calls], 2, "--no-cache"),
        (&[], 2, "required"),
    ];
    for (args, code, message) in cases {
        let args = [&["run"], *args].concat();
        let (actual, output, error) = outcome(&sidetrack(&args));
        assert_eq!((actual, output.as_str()), (Some(*code), ""), "{args:?}: {error}");
        assert!(error.contains(message), "{args:?}: {error}");
    }
}

#[test]
fn what_is_read_has_a_limit() {
    let large = file("large.wasm", b"\0asm\x01\0\0\0");
    let sparse = std::fs::File::options().write(true).open(&large).expect("it can be opened");
    sparse.set_len((1 << 30) + 1).expect("it can be long");
    for (verb, path) in [("run", "/dev/zero"), ("run", &large), ("objdump", &large)] {
        let (code, output, error) = outcome(&sidetrack(&[verb, path]));
        assert_eq!((code, output.as_str()), (Some(1), ""), "{verb} {path}: {error}");
        let expected = format!("error: {path}: more than 1 GiB");
        assert!(error.starts_with(&expected), "{verb} {path}: {error}");
    }
    std::fs::remove_file(large).expect("it is there");
}

#[test]
fn bad_modules_are_errors_with_a_place() {
    let whole = std::fs::read(repository("examples/logreport.wasm")).expect("it is there");
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let headed = [b"\0asm\x01\0\0\0".as_slice(), &noise].concat();
    let folder = folder("a_folder.wasm");
    let cases = [
        (file("empty.wasm", b""), "empty.wasm: "),
        (file("cut_header.wasm", &whole[..6]), "(at offset 0x"),
        (file("cut_half.wasm", &whole[..whole.len() / 2]), "(at offset 0x"),
        (file("noise.wasm", &noise), "noise.wasm: "),
        (file("headed.wasm", &headed), "(at offset 0x"),
        (file("text.wat", b"(module\n  (func (export 1)))"), "text.wat:2:10"),
        (file("invalid.wat", b"(module (func (result i32)))"), "(at offset 0x"),
        (file("shared.wat", b"(module (memory 1 1 shared))"), "unsupported feature: shared memories"),
        (file("cut.cwasm", b"\0sidetrk"), "cut.cwasm: "),
        (folder.display().to_string(), "a_folder.wasm"),
        ("/no/such/program.wasm".to_string(), "/no/such/program.wasm"),
    ];
    for (path, message) in &cases {
        for verb in ["run", "compile", "objdump"] {
            let (code, output, error) = outcome(&sidetrack(&[verb, path]));
            assert_eq!((code, output.as_str()), (Some(1), ""), "{verb} {path}: {error}");
            assert!(error.starts_with("error: ") && error.contains(message), "{verb} {path}: {error}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(env!("CARGO_TARGET_TMPDIR"))
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("cut_half.") && name != "cut_half.wasm")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

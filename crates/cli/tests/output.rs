//! What is printed and written: streams that nobody reads, names that would move the cursor,
//! files that are none.

mod common;

use common::{command, file, folder, module, outcome, repository, sidetrack, text};
use std::io::pipe;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::Stdio;

/// A pipe without a reader.
fn broken() -> Stdio {
    pipe().expect("there can be a pipe").1.into()
}

/// Every command has its exit code though nobody reads what it prints.
#[test]
fn streams_that_nobody_reads() {
    let example = repository("examples/patchable.clif");
    let bad = file("bad.clif", b"function %f(");
    let json = folder("json").join("records");
    let cases: &[(&[&str], i32)] = &[
        (&["run", &module("trap.wat")], 134),
        (&["run", "--time", &module("exit.wat")], 7),
        (&["run", "--invoke", "add", &module("calls.wat"), "1", "2"], 0),
        (&["run", "--invoke", "add", &module("calls.wat"), "1"], 1),
        (&["run", "/no/such/file.wasm"], 1),
        (&["run", "--no-such-option"], 2),
        (&["run", "--help"], 0),
        (&["--version"], 0),
        (&[], 2),
        (&["trace", "--steps", &module("trap.wat")], 0),
        (&["debug", "--batch", &module("trap.wat")], 0),
        (&["debug", "-x", &repository("tests/debug/no_such"), &module("trap.wat")], 1),
        (&["compile", "/no/such/file.wasm"], 1),
        (&["objdump", &module("trap.wat")], 0),
        (&["objdump", &bad], 1),
        (&["wast", &repository("tests/scripts/passes.wast")], 0),
        (&["wast", &repository("tests/scripts/misses.wast")], 1),
        (&["filetest", &example, "-v", "--json", json.to_str().expect("the path is text")], 0),
        (&["cache", "info"], 0),
    ];
    for (args, code) in cases {
        let status = |command: &mut std::process::Command| command.status().expect("it runs").code();
        let both = status(command(args).stdin(Stdio::null()).stdout(broken()).stderr(broken()));
        assert!(both != Some(101), "{args:?} panicked");
        if args[..].first() != Some(&"trace") {
            assert_eq!(both, Some(*code), "{args:?}");
        }
        let errors = command(args).stdin(Stdio::null()).stderr(broken()).output().expect("it runs").status;
        if args[..].first() != Some(&"trace") {
            assert_eq!(errors.code(), Some(*code), "{args:?}");
        }
    }
}

/// Nothing of ours prints in a way that panics.
#[test]
fn nothing_prints_with_macros_that_panic() {
    fn look(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                look(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("the file can be read");
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                let prints = ["println!(", "print!(", "dbg!("];
                let count = code.filter(|line| prints.iter().any(|name| line.contains(name))).count();
                if count > 0 {
                    found.push(format!("{}: {count}", path.display()));
                }
            }
        }
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(repository("crates")).expect("the folder can be read") {
        let source = entry.expect("the folder can be read").path().join("src");
        if source.is_dir() {
            look(&source, &mut found);
        }
    }
    assert!(found.is_empty(), "{found:?}");
}

/// A module whose names are made to deceive: `\1b[31m` and a frame that is not there.
const NAMES: &str = r#"(module $"m\1b[31m\n  0: 0x1 - false!frame"
    (import "a\1b[2Jb" "c\nd" (func $imported))
    (memory (export "memory") 1)
    (global (export "g\1b]0;title\07") i32 (i32.const 1))
    (func $"f\1b[31m\n  1: 0x2 - false!frame" (export "e\9b\rx") unreachable)
    (func (export "_start") (call $"f\1b[31m\n  1: 0x2 - false!frame")))"#;

/// What is no name, typed so that a line of a backtrace seems to be printed.
const LIE: &str = "no\u{1b}such\n  0: 0x1 - false!frame";

#[test]
fn names_do_not_move_the_cursor() {
    // A C1 control as UTF-8.
    let names = NAMES.replace("\\9b", "\\c2\\9b");
    let names = file("names.wat", names.as_bytes());
    let script =
        file("names.txt", b"break 1\nrun\nbt\ninfo functions\ninfo instances\nglobals\ndisas\ncontinue\n");
    let twice = file("twice.wat", br#"(module (func (export "a\1bb\n")) (func (export "a\1bb\n")))"#);
    let cases: &[(&[&str], i32)] = &[
        (&["run", &names], 1),
        (&["run", "--unknown-imports", "trap", &names], 134),
        (&["trace", "--steps", "--unknown-imports", "trap", &names], 134),
        (&["objdump", &names], 0),
        (&["debug", "--unknown-imports", "trap", "-x", &script, "--batch", &names], 0),
        (&["run", &twice], 1),
        (&["run", "--invoke", LIE, &module("calls.wat")], 1),
        (&["run", "--invoke", LIE, LIE], 1),
        (&["run", "--invoke", "add", &module("calls.wat"), "1", LIE], 1),
        (&["run", "--invoke", LIE, &repository("examples/patchable.clif")], 1),
        (&["run", "--env", LIE, &module("calls.wat")], 1),
        (&["run", "--dir", LIE, &module("calls.wat")], 1),
        (&["run", "--target", LIE, &module("calls.wat")], 1),
        (&["run", "--set", LIE, &module("calls.wat")], 1),
        (&["run", "--preload", &format!("a={LIE}"), &module("calls.wat")], 1),
        (&["run", "--max-memory", LIE, &module("calls.wat")], 2),
        (&["run", &format!("--{LIE}")], 2),
        (&[LIE], 2),
        (&["compile", LIE], 1),
        (&["compile", &module("calls.wat"), "-o", &format!("/no/such/{LIE}")], 1),
        (&["objdump", LIE], 1),
        (&["wast", LIE], 1),
        (&["filetest", LIE], 1),
        (&["debug", "-x", LIE, &module("calls.wat")], 1),
    ];
    for (args, code) in cases {
        let (actual, output, error) = outcome(&sidetrack(args));
        assert_eq!(actual, Some(*code), "{args:?}: {output}{error}");
        for text in [&output, &error] {
            assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{args:?}: {text:?}");
            let lies = text
                .lines()
                .filter(|line| line.trim_start().starts_with(['0', '1']) && line.contains("false!frame"));
            for line in lies {
                assert!(line.contains("\\u{1b}"), "{args:?}: {line}");
            }
        }
        assert!(format!("{output}{error}").contains("\\u{1b}"), "{args:?}: {output}{error}");
    }
}

#[test]
fn mangled_names_are_shown_as_people_wrote_them() {
    let program = file(
        "mangled.wat",
        br#"(module
            (func $_ZN3foo3barEi unreachable)
            (func $_ZN4core3fmt5write17h0123456789abcdefE (call $_ZN3foo3barEi))
            (func (export "_start") (call $_ZN4core3fmt5write17h0123456789abcdefE)))"#,
    );
    let (code, _, error) = outcome(&sidetrack(&["run", &program]));
    assert_eq!(code, Some(134));
    assert!(error.contains("!foo::bar(int)\n") && error.contains("!core::fmt::write\n"), "{error}");
    let script = file("mangled.txt", b"break core::fmt::write\nrun\nbreak _ZN3foo3barEi\ncontinue\nbt\n");
    let (code, output, error) = outcome(&sidetrack(&["debug", "-x", &script, "--batch", &program]));
    assert_eq!(code, Some(0), "{output}{error}");
    assert!(
        output.contains("in 0 <foo::bar(int)>") && output.contains("in 1 <core::fmt::write>"),
        "{output}"
    );
}

/// What is written to a path that is no regular file.
#[test]
fn output_that_is_no_regular_file() {
    let folder = folder("written");
    let program = module("exit.wat");
    let compile = |output: &std::path::Path| {
        outcome(&sidetrack(&["compile", &program, "-o", output.to_str().expect("the path is text")]))
    };
    // A regular file is replaced, its mode stays.
    let plain = folder.join("plain");
    std::fs::write(&plain, "old").expect("it can be written");
    std::fs::set_permissions(&plain, PermissionsExt::from_mode(0o600)).expect("the mode can be set");
    assert_eq!(compile(&plain).0, Some(0));
    let expected = std::fs::read(&plain).expect("it is there");
    assert!(expected.len() > 3);
    assert_eq!(plain.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    // A link is followed, to something or to nothing.
    for (link, target) in [("link", "target"), ("dangling", "nothing")] {
        let (link, target) = (folder.join(link), folder.join(target));
        if link.ends_with("link") {
            std::fs::write(&target, "old").expect("it can be written");
        }
        symlink(target.file_name().expect("it has a name"), &link).expect("there can be a link");
        assert_eq!(compile(&link).0, Some(0));
        assert!(link.symlink_metadata().expect("it is there").is_symlink());
        assert_eq!(std::fs::read(&target).expect("it is there"), expected);
    }
    let (one, two) = (folder.join("one"), folder.join("two"));
    symlink("two", &one).expect("there can be a link");
    symlink("one", &two).expect("there can be a link");
    assert_eq!(compile(&one).0, Some(1));
    // A device is written to.
    let null = folder.join("null");
    symlink("/dev/null", &null).expect("there can be a link");
    assert_eq!(compile(&null).0, Some(0));
    assert!(std::fs::metadata("/dev/null").expect("it is there").file_type().is_char_device());
    let full = compile(std::path::Path::new("/dev/full"));
    assert!(full.0 == Some(1) && full.2.contains("/dev/full"), "{full:?}");
    // So is a pipe.
    let fifo = folder.join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let reader = {
        let fifo = fifo.clone();
        std::thread::spawn(move || std::fs::read(fifo).expect("it can be read"))
    };
    assert_eq!(compile(&fifo).0, Some(0));
    assert_eq!(reader.join().expect("it has read"), expected);
    assert!(fifo.symlink_metadata().expect("it is there").file_type().is_fifo());
    let output = sidetrack(&["compile", &program, "-o", "-"]);
    assert_eq!(output.stdout, expected);
    // What is not read is lost.
    let lost = command(&["compile", &program, "-o", "-"]).stdout(broken()).output().expect("it runs");
    let error = text(&lost.stderr);
    assert!(lost.status.code() == Some(1) && error.contains("standard output: "), "{error}");
    // A folder is an error.
    let (code, _, error) = compile(&folder);
    assert!(code == Some(1) && error.contains("written"), "{error}");
    // Records of tests go the same way.
    let records = folder.join("records");
    symlink("real", &records).expect("there can be a link");
    let example = repository("examples/patchable.clif");
    let args = ["filetest", &example, "--json", records.to_str().expect("the path is text")];
    assert_eq!(outcome(&sidetrack(&args)).0, Some(0));
    assert!(records.symlink_metadata().expect("it is there").is_symlink() && folder.join("real").exists());
    let left: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| text(entry.expect("it is there").file_name().as_encoded_bytes()))
        .filter(|name| name.ends_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

//! The command from outside: exit codes, messages, output.

mod common;

use common::{file, sidetrack, text};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const ADD: &str = "\
function %add(i32, i32) -> i32 {
block0(v0: i32, v1: i32):
    v2 = iadd v0, v1
    return v2
}
";

#[test]
fn bad_input_is_an_error_with_a_place() {
    let add = &*file("bad_add.clif", ADD.as_bytes());
    let broken = &*file("broken.clif", b"function %f() {\nblock0:\n    v0 = iadd ]\n    return\n}\n");
    let empty = &*file("empty.clif", b"");
    let binary = &*file("binary.clif", &[0xff, 0xfe, 0, 1]);
    let folder = env!("CARGO_TARGET_TMPDIR");
    let cases: &[(&[&str], i32, &str)] = &[
        (&[], 2, "Usage"),
        (&["no-such-verb"], 2, "no-such-verb"),
        (&["filetest"], 2, "required"),
        (&["objdump", add, "--no-such-option"], 2, "--no-such-option"),
        (&["filetest", "/no/such/file.clif"], 1, "/no/such/file.clif"),
        (&["objdump", "/no/such/file.clif", "--target", "pulley64"], 1, "/no/such/file.clif"),
        (&["objdump", folder, "--target", "pulley64"], 1, folder),
        (&["objdump", broken, "--target", "pulley64"], 1, "broken.clif:3: "),
        (&["objdump", empty, "--target", "pulley64"], 1, "no function"),
        (&["objdump", binary, "--target", "pulley64"], 1, "binary.clif"),
        (&["objdump", add, "--target", "vax"], 1, "unknown target `vax`"),
        (&["objdump", add, "--target", "pulley64", "--set", "opt_level=max"], 1, "opt_level"),
        (&["objdump", add, "--target", "pulley64", "--set", "nonsense"], 1, "nonsense"),
        (&["run", "--target", "pulley64", "--invoke", "sub", add], 1, "no function %sub"),
        (&["run", "--target", "pulley64", add, "1"], 1, "takes 2 arguments, 1 given"),
        (&["run", "--target", "pulley64", add, "1", "x"], 1, "x"),
    ];
    for (args, code, message) in cases {
        let output = sidetrack(args);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {error}");
        assert!(error.contains(message), "{args:?}: {error}");
        assert!(*code == 2 || error.starts_with("error: "), "{args:?}: {error}");
    }
}

#[test]
fn usage_has_the_commands_name_whatever_its_file_is_called() {
    for args in [&["--help"][..], &[], &["run", "--help"], &["compile", "--help"], &["cache"], &["wast"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidetrack"));
        let output = command.arg0("/somewhere/main").args(args).output().expect("the command runs");
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(printed.contains("Usage: sidetrack") && !printed.contains("main"), "{args:?}: {printed}");
    }
}

#[test]
fn run_calls_a_function() {
    let path = file("run_add.clif", ADD.as_bytes());
    let output = sidetrack(&["run", "--target", "pulley64", &path, "-3", "10"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("7\n", Some(0)));
}

#[test]
fn objdump_marks_sites() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/patchable.clif");
    let output = sidetrack(&["objdump", example, "--target", "pulley64"]);
    let listing = text(&output.stdout);
    assert_eq!(listing.matches("; patchable call: NOP out last 5 bytes, tag 7").count(), 1, "{listing}");
}

#[test]
fn compile_writes_an_object_with_its_sites() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/patchable.clif");
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join("patchable.o");
    let path = object.to_str().expect("the path is text");
    let output = sidetrack(&["compile", example, "--target", "x86_64", "-o", path]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let bytes = std::fs::read(&object).expect("the object is there");
    let sites = sidetrack_artifact::read_patch_sites(&bytes).expect("the object has a section of sites");
    assert_eq!(sites.iter().map(|site| (site.tag, site.off.len())).collect::<Vec<_>>(), [(7, 5)]);
    let refused = sidetrack(&["compile", example, "--target", "pulley64", "-o", path]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(std::fs::read(&object).expect("the object is still there"), bytes);
}

#[test]
fn filetest_counts_and_writes_records() {
    let header = "test run\ntest nonsense\ntarget pulley64\ntarget sparc64\n\n";
    let lines = "; run: %add(1, 2) == 3\n; run: %add(1, 2) == 4\n";
    let path = file("counts.clif", format!("{header}{ADD}{lines}").as_bytes());
    let json = format!("{path}.json");
    let output = sidetrack(&["filetest", &path, "--json", &json]);
    let printed = text(&output.stdout);
    assert_eq!(printed.lines().last(), Some("1 passed, 1 failed, 3 skipped"), "{printed}");
    assert_eq!(output.status.code(), Some(1));
    let records = std::fs::read(json).expect("the records are there");
    let records: serde_json::Value = serde_json::from_slice(&records).expect("they are JSON");
    let records = records.as_array().expect("they are a list");
    assert_eq!(records.len(), 5);
    let failed = records.iter().find(|record| record["status"] == "failed").expect("one failed");
    assert_eq!((&failed["line"], &failed["kind"]), (&12.into(), &"run".into()));
    assert!(failed["message"].as_str().is_some_and(|message| message.contains("expected 4, got 3")));
}

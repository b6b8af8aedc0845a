//! Running the command, and files for it.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the environment may say instead of the command that was built along with the
/// tests: a program and its first arguments, separated by spaces. So the tests also try
/// the command of another machine, in an emulator.
const OTHER: &str = "SIDETRACK_COMMAND";
/// What that machine's instruction set is.
const OTHER_HOST: &str = "SIDETRACK_HOST";

/// The instruction set of the machine that the command runs on.
pub fn host() -> String {
    std::env::var(OTHER_HOST).unwrap_or_else(|_| std::env::consts::ARCH.to_owned())
}

/// What modules run on there. Bytecode is little-endian.
pub fn targets() -> &'static [&'static str] {
    if host() == "s390x" { &["native"] } else { &["native", "pulley64"] }
}

/// The command, with a cache folder that the test forgets.
pub fn command(args: &[&str]) -> Command {
    let other = std::env::var(OTHER).unwrap_or_default();
    let mut words = other.split(' ').filter(|word| !word.is_empty());
    let mut command = Command::new(words.next().unwrap_or(env!("CARGO_BIN_EXE_sidetrack")));
    command
        .args(words)
        .args(args)
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .env("XDG_DATA_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("data"));
    command
}

pub fn sidetrack(args: &[&str]) -> Output {
    command(args).output().expect("the command runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file of its own for a test.
pub fn file(name: &str, contents: &[u8]) -> String {
    let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, contents).expect("the file can be written");
    path.to_str().expect("the path is text").to_string()
}

/// An empty folder of its own for a test.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("the folder can be made");
    path
}

/// The path of a file of the repository.
pub fn repository(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}

/// The path of a module in `tests/modules`.
pub fn module(name: &str) -> String {
    repository(&format!("tests/modules/{name}"))
}

/// Exit code, standard output and standard error.
pub fn outcome(output: &Output) -> (Option<i32>, String, String) {
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

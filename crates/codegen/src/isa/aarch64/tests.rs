//! Encodings against an independent disassembler.
//!
//! Every row of the tables is encoded with many operands and read back by LLVM's
//! `llvm-mc`; where there is none, the tests are ignored and say so.

mod fields;
mod scalar;
mod vector;

use std::io::Write;
use std::process::{Command, Stdio};

const NAMES: [&str; 3] = ["llvm-mc-22", "llvm-mc", "llvm-mc-14"];

/// Register numbers: the first and last, and some between.
const REGS: [(u8, u8, u8); 6] = [(0, 30, 1), (30, 0, 29), (7, 8, 15), (16, 17, 3), (5, 5, 5), (29, 21, 10)];

/// Compares words with the text that each must have, but for spaces; versions differ in
/// a few names, of which ` | ` separates two.
fn check(cases: &[(u32, String)]) {
    check_printed(cases, &["-M", "no-aliases"]);
}

/// As [`check`], of text with the names that people prefer. Without them LLVM shows an
/// index as shifted that is not.
fn check_preferred(cases: &[(u32, String)]) {
    check_printed(cases, &[]);
}

fn check_printed(cases: &[(u32, String)], args: &[&str]) {
    let Some(lines) = read(cases.iter().map(|(word, _)| *word), args) else {
        eprintln!("ignored: llvm-mc not found");
        return;
    };
    assert_eq!(lines.len(), cases.len(), "every word is an instruction");
    for ((word, expected), line) in cases.iter().zip(&lines) {
        if !expected.split(" | ").any(|expected| expected == line) {
            panic!("{word:#010x} is `{line}`, not `{expected}`");
        }
    }
}

/// The disassembly of words, a line for each; `None` if there is no disassembler.
fn read(words: impl Iterator<Item = u32>, args: &[&str]) -> Option<Vec<String>> {
    let run = |name: &str| {
        Command::new(name)
            .args(["--disassemble", "--triple=aarch64", "-mattr=+lse"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
    };
    let mut child = NAMES.iter().find_map(|name| run(name).ok())?;
    let text: String =
        words.flat_map(|word| word.to_le_bytes()).map(|byte| format!("{byte:#04x}\n")).collect();
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("llvm-mc ends");
    writer.join().expect("no panic").expect("llvm-mc reads its input");
    let text = String::from_utf8(output.stdout).expect("it is text");
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.contains(".text"));
    let plain = |line: &str| {
        let line = line.split("//").next().unwrap_or(line);
        line.split_whitespace().collect::<Vec<_>>().join(" ").replace(", #0]", "]")
    };
    Some(lines.map(plain).collect())
}

//! Encodings against an independent disassembler.
//!
//! Every row of the tables is encoded with many operands and read back by LLVM's
//! `llvm-mc`; where there is none, the tests are ignored and say so.

mod fields;
mod scalar;
mod vector;

use crate::isa::llvm_mc::disassemble;

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
    let lines = read(cases.iter().map(|(word, _)| *word), args);
    assert_eq!(lines.len(), cases.len(), "every word is an instruction");
    for ((word, expected), line) in cases.iter().zip(&lines) {
        if !expected.split(" | ").any(|expected| expected == line) {
            panic!("{word:#010x} is `{line}`, not `{expected}`");
        }
    }
}

/// The disassembly of words, a line for each.
fn read(words: impl Iterator<Item = u32>, args: &[&str]) -> Vec<String> {
    let args = [&["--triple=aarch64", "-mattr=+lse"], args].concat();
    let lines = disassemble(&args, words.flat_map(u32::to_le_bytes)).lines;
    let plain = |line: &String| line.split("//").next().unwrap_or(line).trim().replace(", #0]", "]");
    lines.iter().map(plain).collect()
}

//! LLVM's disassembler, which knows nothing of the encoders that tests compare it with.
//!
//! `build.rs` looks for it; tests that need it are ignored where it is not. One that has
//! gone since fails them.

use std::io::Write;
use std::process::{Command, Stdio};

/// The disassembly of code: a line for each instruction, without repeated spaces, and
/// what the disassembler says of bytes that are none.
pub struct Disassembly {
    /// The instructions.
    pub lines: Vec<String>,
    /// The complaints.
    pub errors: String,
}

/// Disassembles code by `llvm-mc` with the arguments.
///
/// # Panics
/// If it does not run.
pub fn disassemble(args: &[&str], code: impl IntoIterator<Item = u8>) -> Disassembly {
    let Some(program) = option_env!("LLVM_MC") else {
        panic!("tests that need it are ignored where it is not");
    };
    let mut child = Command::new(program)
        .arg("--disassemble")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("llvm-mc starts");
    let text: String = code.into_iter().map(|byte| format!("{byte:#04x}\n")).collect();
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("llvm-mc ends");
    writer.join().expect("no panic").expect("llvm-mc reads its input");
    let text = String::from_utf8(output.stdout).expect("it is text");
    // Some versions say what section they begin with.
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.contains(".text"));
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    Disassembly { lines: lines.collect(), errors: String::from_utf8_lossy(&output.stderr).into_owned() }
}

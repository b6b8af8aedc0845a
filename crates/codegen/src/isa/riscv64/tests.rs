//! Encodings against an independent disassembler, and this target's own.
//!
//! Every row of the table is encoded with many operands and read back by LLVM's
//! `llvm-mc`; where there is none, the test is ignored and says so.

use super::disasm::{control_register, f, instruction, rounding, v, vector_type, x};
use super::encode::{branch, control, four, imm, jal, rounded, three, upper, vector, vector_set};
use super::ops::{Needs, Op, Shape};
use crate::isa::llvm_mc::{Disassembly, disassemble};

/// The disassembly of words by a processor with these extensions.
fn read(words: &[u32], features: &str) -> Disassembly {
    let features = format!("-mattr=+m,+a,+f,+d,{features}");
    let args = ["--triple=riscv64", &features, "-M", "no-aliases"];
    disassemble(&args, words.iter().flat_map(|word| word.to_le_bytes()))
}

/// Encodings of a row with the text that each must have.
fn cases(op: Op, name: &str) -> Vec<(u32, String)> {
    let regs = [(0, 31, 1), (1, 0, 30), (10, 17, 9), (31, 8, 16), (5, 5, 5), (20, 2, 0), (18, 27, 31)];
    let offsets = [0, 1, -1, 8, 2047, -2048, 1000, -77];
    let mut list = Vec::new();
    let mut add = |word, operands: String| list.push((word, format!("{name} {operands}").trim().to_string()));
    for (n, &(d, a, b)) in regs.iter().enumerate() {
        let offset = offsets[n];
        match op.shape() {
            Shape::Xxx => add(three(op, d, a, b), format!("{}, {}, {}", x(d), x(a), x(b))),
            Shape::Xxi => {
                for offset in offsets {
                    add(imm(op, d, a, offset), format!("{}, {}, {offset}", x(d), x(a)));
                }
            }
            Shape::Xx6 | Shape::Xx5 => {
                for amount in
                    [0, 1, 7, 16, 31, 32, 63].into_iter().filter(|&n| n < 32 || op.shape() == Shape::Xx6)
                {
                    add(imm(op, d, a, amount), format!("{}, {}, {amount}", x(d), x(a)));
                }
            }
            Shape::Xx => add(three(op, d, a, 0), format!("{}, {}", x(d), x(a))),
            Shape::Xu => {
                for value in [0, 1, 0x12345, 0x80000, 0xfffff] {
                    add(upper(op, d, value), format!("{}, {value}", x(d)));
                }
            }
            Shape::Jal => {
                for by in [0, 4, -4, 2048, -2048, 0xffffe, -0x100000, 0x8a5a4] {
                    add(jal(d, by), format!("{}, {by}", x(d)));
                }
            }
            Shape::Branch => {
                for by in [0, 4, -4, 2048, -2048, 4094, -4096, 0x5a4] {
                    add(branch(op, a, b, by), format!("{}, {}, {by}", x(a), x(b)));
                }
            }
            Shape::Jalr | Shape::XLoad | Shape::XStore => {
                add(imm(op, d, a, offset), format!("{}, {offset}({})", x(d), x(a)));
            }
            Shape::FLoad | Shape::FStore => {
                add(imm(op, d, a, offset), format!("{}, {offset}({})", f(d), x(a)));
            }
            Shape::Lr => add(three(op, d, a, 0), format!("{}, ({})", x(d), x(a))),
            Shape::Amo => add(three(op, d, a, b), format!("{}, {}, ({})", x(d), x(b), x(a))),
            Shape::Fff => add(three(op, d, a, b), format!("{}, {}, {}", f(d), f(a), f(b))),
            Shape::FffR => add(three(op, d, a, b), format!("{}, {}, {}, rne", f(d), f(a), f(b))),
            Shape::FfffR => {
                let text = format!("{}, {}, {}, {}, rne", f(d), f(a), f(b), f(a ^ b));
                add(four(op, d, a, b, a ^ b), text);
            }
            Shape::Ff => add(three(op, d, a, 0), format!("{}, {}", f(d), f(a))),
            Shape::Xff => add(three(op, d, a, b), format!("{}, {}, {}", x(d), f(a), f(b))),
            Shape::Xf => add(three(op, d, a, 0), format!("{}, {}", x(d), f(a))),
            Shape::Fx => add(three(op, d, a, 0), format!("{}, {}", f(d), x(a))),
            Shape::FfR | Shape::XfR | Shape::FxR => {
                for mode in 0..4 {
                    let text = rounding(mode);
                    let dst = if op.shape() == Shape::XfR { x(d).to_string() } else { f(d) };
                    let src = if op.shape() == Shape::FxR { x(a).to_string() } else { f(a) };
                    add(rounded(op, d, a, mode), format!("{dst}, {src}, {text}"));
                }
            }
            Shape::None => add(op.bits(), String::new()),
            Shape::Csr => {
                let text = format!("zero, {}, {}", control_register(op.bits() >> 20), a & 7);
                add(control(op, a & 7), text);
            }
            Shape::VSet => {
                for vtype in [0xc0, 0x08, 0xd0, 0x58, 0xc7, 0x57] {
                    add(vector_set(a, vtype), format!("zero, {a}, {}", vector_type(vtype)));
                }
            }
            Shape::VLoad | Shape::VStore => add(vector(op, d, 0, a), format!("{}, ({})", v(d), x(a))),
            Shape::VVv => add(vector(op, d, a, b), format!("{}, {}, {}", v(d), v(a), v(b))),
            Shape::VVx => add(vector(op, d, a, b), format!("{}, {}, {}", v(d), v(a), x(b))),
            Shape::VVf => add(vector(op, d, a, b), format!("{}, {}, {}", v(d), v(a), f(b))),
            Shape::VVi | Shape::VVu | Shape::VViM => {
                let mask = if op.shape() == Shape::VViM { ", v0" } else { "" };
                let range = if op.shape() == Shape::VVu { 0..32 } else { -16..16 };
                for value in range {
                    let text = format!("{}, {}, {value}{mask}", v(d), v(a));
                    add(vector(op, d, a, value as u8), text);
                }
            }
            Shape::VVvM => add(vector(op, d, a, b), format!("{}, {}, {}, v0", v(d), v(a), v(b))),
            Shape::VVxM => add(vector(op, d, a, b), format!("{}, {}, {}, v0", v(d), v(a), x(b))),
            Shape::VVfM => add(vector(op, d, a, b), format!("{}, {}, {}, v0", v(d), v(a), f(b))),
            Shape::VvvInto => add(vector(op, d, b, a), format!("{}, {}, {}", v(d), v(a), v(b))),
            Shape::Vv => add(vector(op, d, a, 0), format!("{}, {}", v(d), v(a))),
            Shape::Vx => add(vector(op, d, 0, a), format!("{}, {}", v(d), x(a))),
            Shape::Vf => add(vector(op, d, 0, a), format!("{}, {}", v(d), f(a))),
            Shape::Vi => {
                for value in -16..16 {
                    add(vector(op, d, 0, value as u8), format!("{}, {value}", v(d)));
                }
            }
            Shape::XV => add(vector(op, d, a, 0), format!("{}, {}", x(d), v(a))),
            Shape::FV => add(vector(op, d, a, 0), format!("{}, {}", f(d), v(a))),
        }
    }
    list
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn every_encoding_is_what_llvm_reads() {
    let mut expected = Vec::new();
    for &(op, name) in Op::ALL {
        expected.extend(cases(op, name));
    }
    let words: Vec<u32> = expected.iter().map(|(word, _)| *word).collect();
    let Disassembly { lines, errors } = read(&words, "+zba,+zbb,+zbs,+v");
    assert_eq!((lines.len(), errors.as_str()), (expected.len(), ""));
    let normal = |text: &str| text.replace("unimp", "csrrw zero, cycle, zero");
    for ((word, text), line) in expected.iter().zip(&lines) {
        assert_eq!(instruction(*word).as_ref(), Some(text), "{word:#010x}");
        // LLVM names the rounding mode of exact conversions in some versions only.
        let line = line.strip_suffix(", rne").filter(|_| !text.ends_with(", rne")).unwrap_or(line);
        assert_eq!(normal(line), normal(text), "{word:#010x}");
    }
}

/// What needs an extension does not decode without it.
#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn rows_name_what_they_need() {
    for (needs, features) in [
        (Needs::Zba, "+zbb,+zbs"),
        (Needs::Zbb, "+zba,+zbs"),
        (Needs::Zbs, "+zba,+zbb"),
        (Needs::G, "+zba"),
        (Needs::V, "+zba"),
    ] {
        let rows: Vec<u32> = Op::ALL
            .iter()
            .filter(|row| row.0.needs() == needs)
            .flat_map(|&(op, name)| cases(op, name))
            .map(|(word, _)| word)
            .collect();
        let Disassembly { lines, errors } = read(&rows, features);
        let decoded = if needs == Needs::G { rows.len() } else { 0 };
        assert_eq!((lines.len(), errors.is_empty()), (decoded, needs == Needs::G), "{needs:?}");
    }
}

#[test]
fn constants_are_short() {
    use super::encode::{Step, constant_steps};
    let value = |text: i64| {
        let mut reg = 0i64;
        for (n, step) in constant_steps(text).into_iter().enumerate() {
            let src = if n == 0 { 0 } else { reg };
            reg = match step {
                Step::Upper(bits) => i64::from((bits << 12) as i32),
                Step::Imm(Op::Addi, imm) => src.wrapping_add(imm.into()),
                Step::Imm(Op::Addiw, imm) => i64::from((src as i32).wrapping_add(imm)),
                Step::Imm(Op::Slli, by) => src << by,
                Step::Imm(Op::Srli, by) => (src as u64 >> by) as i64,
                Step::Imm(op, _) => panic!("{op:?}"),
            };
        }
        reg
    };
    for bit in 0..64 {
        for near in -3..4 {
            for text in [(1i64 << bit).wrapping_add(near), (-1i64 << bit).wrapping_add(near), near << bit] {
                assert_eq!(value(text), text);
                assert_eq!(value(text ^ 0x5a5a << (bit / 2)), text ^ 0x5a5a << (bit / 2));
            }
        }
    }
    let lengths =
        [(0, 1), (-2048, 1), (2048, 2), (0x7fff_ffff, 2), (0xffff_ffff, 2), (1 << 40, 2), (i64::MIN, 2)];
    for (number, steps) in lengths {
        assert_eq!(constant_steps(number).len(), steps, "{number:#x}");
    }
}

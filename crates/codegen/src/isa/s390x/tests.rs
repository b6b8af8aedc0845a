//! Encodings against an independent disassembler.
//!
//! Every row of the table is encoded with many operands and read back by LLVM's
//! `llvm-mc`; where there is none, the test is ignored and says so.

use super::encode::*;
use super::inst::Fixup;
use super::ops::{Format, Op};
use super::vector::{self, Vop};
use crate::buffer::FixupKind;
use crate::isa::llvm_mc::disassemble;

/// Compares instructions with the text that each must have. Distances are told from the
/// start of the text, so they come as what is to be added to an instruction's place.
fn check(cases: &[(Code, String, Option<i64>)]) {
    let codes = cases.iter().flat_map(|case| case.0.bytes().to_vec());
    let lines = disassemble(&["--triple=s390x", "--mcpu=z15"], codes).lines;
    assert_eq!(lines.len(), cases.len(), "every code is an instruction");
    let mut place = 0;
    for ((code, text, by), line) in cases.iter().zip(&lines) {
        let expected = match by {
            Some(by) => format!("{text}{:#x}", place + by).replace("0x-", "-0x"),
            None => text.clone(),
        };
        assert_eq!(line, &expected, "{code:x?}");
        place += code.bytes().len() as i64;
    }
}

/// What the assembler appends to a name for a condition.
fn suffix(mask: u8) -> &'static str {
    let names = ["", "o", "h", "nle", "l", "nhe", "lh", "ne", "e", "nlh", "he", "nl", "le", "nh", "no", ""];
    names[usize::from(mask)]
}

/// Base, offset and index as text.
fn address(offset: i32, index: u8, base: u8) -> String {
    match (index, base) {
        (0, 0) => format!("{offset}"),
        (0, base) => format!("{offset}(%r{base})"),
        (index, base) => format!("{offset}(%r{index},%r{base})"),
    }
}

/// Encodings of a row with the text that each must have, and the distance behind it.
fn cases(op: Op, name: &str, kinds: &str) -> Vec<(Code, String, Option<i64>)> {
    let regs = [(0u8, 15u8, 1u8), (1, 2, 14), (15, 7, 8), (9, 9, 3), (12, 4, 12), (6, 13, 5)];
    let (mut list, mut named) = (Vec::new(), Vec::new());
    let mut add = |code, text: String| list.push((code, format!("{name} {text}").trim().to_string(), None));
    let reg = |n: usize, reg: u8| match kinds.as_bytes().get(n) {
        Some(b'm') => format!("{reg}"),
        Some(b'f') => format!("%f{reg}"),
        _ => format!("%r{reg}"),
    };
    let masks = [1u8, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14];
    let offsets12 = [0, 1, 8, 2047, 4095, 1000];
    let offsets20 = [0, -1, 4096, 524_287, -524_288, -4097];
    for (n, &(a, b, c)) in regs.iter().enumerate() {
        let a = if kinds.starts_with('p') { a & 14 } else { a };
        let (r1, r2, r3) = (reg(0, a), reg(1, b), reg(2, c));
        match op.format() {
            // Others than these have names of their own.
            Format::Rr if op == Op::Bcr => add(two(op, 0, b), format!("0, %r{b}")),
            Format::Rr | Format::Rre => add(two(op, a, b), format!("{r1}, {r2}")),
            Format::Re => add(two(op, a, 0), r1),
            Format::RrfA | Format::RrfB | Format::Rrd => add(three(op, a, b, c), format!("{r1}, {r2}, {r3}")),
            Format::RrfM => add(conditional(op, a, b, 8), format!("{r1}, {r2}, 8")),
            Format::RrfC | Format::RieG => {
                for mask in masks {
                    let full = format!("{name}{}", suffix(mask));
                    let (code, text) = match op.format() {
                        Format::RrfC => (conditional(op, a, b, mask), format!("{full} {r1}, {r2}")),
                        _ => (conditional_imm(op, a, -300, mask), format!("{full} {r1}, -300")),
                    };
                    named.push((code, text, None));
                }
                continue;
            }
            Format::RrfE => {
                for mode in [4, 5, 6, 7] {
                    add(rounded(op, a, mode, b), format!("{r1}, {mode}, {r2}, 4"));
                }
            }
            Format::Ri | Format::RiU | Format::Ril | Format::RilU => {
                let values: &[i64] = match op.format() {
                    Format::Ri => &[0, 1, -1, 32767, -32768],
                    Format::RiU => &[0, 1, 65535, 0x8000],
                    Format::Ril => &[0, 1, -1, 0x7fff_ffff, -0x8000_0000],
                    _ => &[0, 1, 0xffff_ffff, 0x8000_0000],
                };
                for &value in values {
                    add(imm(op, a, value), format!("{r1}, {value}"));
                }
            }
            Format::Rx | Format::Rxy => {
                let offset = if op.format() == Format::Rx { offsets12[n] } else { offsets20[n] };
                let (index, base) = if n == 2 { (0, b) } else { (b, c) };
                add(memory(op, a, index, base, offset), format!("{r1}, {}", address(offset, index, base)));
            }
            Format::Rs | Format::Rsy => {
                let offset = if op.format() == Format::Rs { offsets12[n] } else { offsets20[n] };
                let base = if n == 2 { 0 } else { c };
                let text = format!("{r1}, {r2}, {}", address(offset, 0, base));
                add(registers_memory(op, a, b, base, offset), text);
            }
            Format::RieF => {
                for (start, end, zero, by) in [(0, 63, true, 0), (56, 63, false, 8), (3, 2, true, 63)] {
                    let end_text = end + if zero { 128 } else { 0 };
                    add(
                        rotated(op, a, b, start, end, zero, by),
                        format!("{r1}, {r2}, {start}, {end_text}, {by}"),
                    );
                }
            }
            Format::RiB | Format::RilB | Format::RilP | Format::RieB | Format::RieC | Format::RieCU => {
                for mask in masks {
                    labelled(&mut named, op, name, (a, b), mask);
                }
                continue;
            }
        }
    }
    list.append(&mut named);
    list
}

/// Instructions that refer to a label.
fn labelled(list: &mut Vec<(Code, String, Option<i64>)>, op: Op, name: &str, (a, b): (u8, u8), mask: u8) {
    let (code, text) = match op.format() {
        Format::RiB => (distant(op, mask), format!("j{} ", suffix(mask))),
        Format::RilB => (distant(op, mask), format!("jg{} ", suffix(mask))),
        Format::RilP => (distant(op, a), format!("{name} %r{a}, ")),
        // The lowest bit is not looked at.
        _ if mask & 1 != 0 || mask == 14 => return,
        Format::RieB => (compare_branch(op, a, b, mask), format!("{name}{} %r{a}, %r{b}, ", suffix(mask))),
        _ => {
            let value = if op.format() == Format::RieC { -100 } else { 156 };
            let code = compare_imm_branch(op, a, 156, mask);
            (code, format!("{name}{} %r{a}, {value}, ", suffix(mask)))
        }
    };
    let fixup = if matches!(op.format(), Format::RilB | Format::RilP) { Fixup::Long } else { Fixup::Short };
    let far = if fixup == Fixup::Long { 0x7fff_0000 } else { 0xfffe };
    for by in [0, 2, 0x1234, far] {
        let mut bytes = code.bytes().to_vec();
        let (start, len) = (1 << 30, bytes.len());
        fixup.patch(&mut bytes[2..2 + fixup.size() as usize], start + 2, start + by);
        let bits = bytes.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        list.push((Code::new(bits, len as u8), text.clone(), Some(by.into())));
    }
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn every_encoding_is_what_llvm_reads() {
    let rows = Op::ALL.iter();
    let cases: Vec<_> = rows.flat_map(|&(op, name, kinds)| cases(op, name, kinds)).collect();
    check(&cases);
}

/// Names that are not what a row and a size make.
const IRREGULAR: [(Vop, u8, &str); 12] = [
    (Vop::Vml, 1, "vmlhw"),
    (Vop::Vupl, 1, "vuplhw"),
    (Vop::Vfll, 2, "vldeb"),
    (Vop::Vflr, 3, "vledb"),
    (Vop::Vcfps, 2, "vcefb"),
    (Vop::Vcfps, 3, "vcdgb"),
    (Vop::Vcfpl, 2, "vcelfb"),
    (Vop::Vcfpl, 3, "vcdlgb"),
    (Vop::Vcsfp, 2, "vcfeb"),
    (Vop::Vcsfp, 3, "vcgdb"),
    (Vop::Vclfp, 2, "vclfeb"),
    (Vop::Vclfp, 3, "vclgdb"),
];

/// Encodings of a row for one size of elements.
fn vector_cases(op: Vop, name: &str, size: u8, list: &mut Vec<(Code, String, Option<i64>)>) {
    use vector::{LIKE_JAVA, POSITIVE, QUIET, Shape};
    let regs = [(0u8, 31u8, 1u8, 16u8), (31, 0, 15, 2), (15, 16, 30, 31), (7, 9, 17, 8)];
    for (n, (a, b, c, d)) in regs.into_iter().enumerate() {
        // What instructions have beside the size, and how it is written.
        let rest = match op {
            Vop::Vfi => [QUIET, 5],
            Vop::Vflr | Vop::Vcfps | Vop::Vcfpl | Vop::Vcsfp | Vop::Vclfp => [QUIET, 6],
            Vop::Vflp => [0, POSITIVE],
            Vop::Vfmin | Vop::Vfmax => [0, LIKE_JAVA],
            _ => [0, 0],
        };
        let behind = match (op, rest) {
            (Vop::Vfmin | Vop::Vfmax, _) => ", 1".to_string(),
            (_, [QUIET, mode]) => format!(", 4, {mode}"),
            _ => String::new(),
        };
        let m = [size, rest[0], rest[1]];
        let (code, text) = match op.shape() {
            Shape::Two => (vector::two(op, a, b, m), format!("%v{a}, %v{b}{behind}")),
            Shape::Three | Shape::ThreeC => {
                (vector::three(op, a, b, c, m), format!("%v{a}, %v{b}, %v{c}{behind}"))
            }
            Shape::Four => (vector::four(op, a, b, c, d, [size, 0]), format!("%v{a}, %v{b}, %v{c}, %v{d}")),
            Shape::Imm => {
                let number = [2u16, 1, 0x8000, 0xfffe][n];
                let text = if op == Vop::Vgbm { i64::from(number) } else { i64::from(number as i16) };
                (vector::imm(op, a, number, size), format!("%v{a}, {text}"))
            }
            Shape::Shift => {
                let (base, by) = [(0, 63), (1, 0), (15, 7), (8, 1)][n];
                (
                    vector::shift(op, a, b, base, by, size),
                    format!("%v{a}, %v{b}, {}", address(by.into(), 0, base)),
                )
            }
            Shape::Memory => {
                let (offset, index, base) = [(0, 0, 1), (4095, 2, 3), (16, 15, 14), (8, 0, 15)][n];
                (
                    vector::memory(op, a, index, base, offset, size),
                    format!("%v{a}, {}", address(offset, index, base)),
                )
            }
        };
        list.push((code, format!("{name} {text}"), None));
    }
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn every_encoding_of_vectors() {
    let mut list = Vec::new();
    for &(op, name, sizes) in Vop::ALL {
        if sizes.is_empty() {
            vector_cases(op, name, 0, &mut list);
        }
        for letter in sizes.chars() {
            let (size, suffix) = match letter {
                's' => (2, "sb".to_string()),
                'd' => (3, "db".to_string()),
                letter => ("bhfgq".find(letter).expect("it is a size") as u8, letter.to_string()),
            };
            let irregular = IRREGULAR.iter().find(|row| (row.0, row.1) == (op, size));
            let name = irregular.map_or(format!("{name}{suffix}"), |row| row.2.to_string());
            vector_cases(op, &name, size, &mut list);
        }
    }
    let mut add = |code, text: String| list.push((code, text, None));
    for (v, w, r, s) in [(0u8, 31u8, 1u8, 15u8), (31, 15, 15, 1), (16, 0, 7, 8)] {
        for (size, letter) in "bhfg".chars().enumerate() {
            let (m, last) = (size as u8, (16 >> size) - 1);
            add(vector::repeat(v, w, last, m), format!("vrep{letter} %v{v}, %v{w}, {last}"));
            add(vector::take(r, v, last, m), format!("vlgv{letter} %r{r}, %v{v}, {last}"));
            add(vector::put(v, r, last, m), format!("vlvg{letter} %v{v}, %r{r}, {last}"));
            add(vector::mask(v, 3, 7, m), format!("vgm{letter} %v{v}, 3, 7"));
        }
        add(vector::join(v, w, v, 9), format!("vsldb %v{v}, %v{w}, %v{v}, 9"));
        add(vector::pair(v, r, s), format!("vlvgp %v{v}, %r{r}, %r{s}"));
    }
    check(&list);
}

#[test]
fn distances_behind() {
    let mut bytes = [0; 4];
    Fixup::Long.patch(&mut bytes, 1002, 0);
    assert_eq!(bytes, (-500i32).to_be_bytes());
    Fixup::Short.patch(&mut bytes[..2], 1002, 0);
    assert_eq!(bytes[..2], (-500i16).to_be_bytes());
    Fixup::Entry(8).patch(&mut bytes, 108, 50);
    assert_eq!(bytes, (-50i32).to_be_bytes());
}

//! The scalar tables.

use super::{REGS, check, check_preferred};
use crate::isa::aarch64::encode::{Extend, *};
use crate::isa::aarch64::ops::*;

const SIZES: [Size; 2] = [Size::S32, Size::S64];

/// The name of an integer register whose number 31 means zero.
pub fn r(size: Size, n: u8) -> String {
    let letter = if size == Size::S64 { 'x' } else { 'w' };
    if n == 31 { format!("{letter}zr") } else { format!("{letter}{n}") }
}

/// The name of an integer register whose number 31 is the stack pointer.
fn rsp(size: Size, n: u8) -> String {
    match (n, size) {
        (31, Size::S64) => "sp".to_string(),
        (31, Size::S32) => "wsp".to_string(),
        _ => r(size, n),
    }
}

fn s(wide: bool, n: u8) -> String {
    format!("{}{n}", if wide { 'd' } else { 's' })
}

/// Collects words with their texts for all registers, widths and rows.
macro_rules! cases {
    ($all:expr, |$op:ident, $name:ident, $d:ident, $n:ident, $m:ident| $body:expr) => {
        cases!(check, $all, |$op, $name, $d, $n, $m| $body)
    };
    ($check:ident, $all:expr, |$op:ident, $name:ident, $d:ident, $n:ident, $m:ident| $body:expr) => {{
        let mut list: Vec<(u32, String)> = Vec::new();
        for &($op, $name) in $all {
            for ($d, $n, $m) in REGS.into_iter().chain([(31, 31, 31)]) {
                list.extend($body);
            }
        }
        $check(&list);
    }};
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn arithmetic_and_logic() {
    let shifts = [(Shift::Lsl, "lsl"), (Shift::Lsr, "lsr"), (Shift::Asr, "asr")];
    cases!(AluOp::ALL, |op, name, d, n, m| SIZES.into_iter().flat_map(move |size| {
        let regs = format!("{name} {}, {}, {}", r(size, d), r(size, n), r(size, m));
        let plain = (alu_shifted(op, size, d, n, m, Shift::Lsl, 0), regs.clone());
        let shifted = shifts.into_iter().flat_map(move |(shift, text)| {
            let regs = regs.clone();
            [1, 5, size.bits() - 1].map(|amount| {
                (alu_shifted(op, size, d, n, m, shift, amount), format!("{regs}, {text} #{amount}"))
            })
        });
        shifted.chain([plain])
    }));
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn extended_operands() {
    use crate::isa::aarch64::encode::Extend::*;
    let extends = [
        (Uxtb, "uxtb"),
        (Uxth, "uxth"),
        (Uxtw, "uxtw"),
        (Sxtb, "sxtb"),
        (Sxth, "sxth"),
        (Sxtw, "sxtw"),
        (Uxtx, "uxtx"),
        (Sxtx, "sxtx"),
    ];
    let with_extended: Vec<_> =
        AluOp::ALL.iter().copied().filter(|(op, _)| op.extended().is_some()).collect();
    cases!(&with_extended, |op, name, d, n, m| extends.into_iter().flat_map(move |(extend, text)| {
        [0, 1, 4].into_iter().map(move |amount| {
            // Flags have no stack pointer to go to.
            let dst = if name.ends_with('s') { r(Size::S64, d) } else { rsp(Size::S64, d) };
            let from = if matches!(extend, Uxtx | Sxtx) { Size::S64 } else { Size::S32 };
            let shift = if amount == 0 { String::new() } else { format!(" #{amount}") };
            let word = alu_extended(op, Size::S64, d, n, m, extend, amount);
            let regs = format!("{name} {dst}, {}, {}", rsp(Size::S64, n), r(from, m));
            // Beside the stack pointer nothing extended is a register as it is.
            let plain = match (extend, amount) {
                (Uxtx, 0) => regs.clone(),
                _ => format!("{regs}, lsl{shift}"),
            };
            (word, format!("{regs}, {text}{shift} | {plain}"))
        })
    }));
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn constants_of_arithmetic() {
    let with_imm: Vec<_> = AluOp::ALL.iter().copied().filter(|(op, _)| op.is_arithmetic()).collect();
    let values =
        [(0, "#0"), (1, "#1"), (4095, "#4095"), (0x1000, "#1, lsl #12"), (0xfff000, "#4095, lsl #12")];
    cases!(&with_imm, |op, name, d, n, _m| SIZES.into_iter().flat_map(move |size| {
        values.into_iter().map(move |(value, text)| {
            let imm = Imm12::new(value).expect("it is of the form");
            let dst = if name.ends_with('s') { r(size, d) } else { rsp(size, d) };
            (alu_imm12(op, size, d, n, imm), format!("{name} {dst}, {}, {text}", rsp(size, n)))
        })
    }));
    assert!([0x1001, 0x100_0000, u64::MAX].into_iter().all(|value| Imm12::new(value).is_none()));
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn constants_of_logic() {
    let with_imm: Vec<_> = AluOp::ALL.iter().copied().filter(|(op, _)| !op.is_arithmetic()).collect();
    let with_imm: Vec<_> = with_imm.into_iter().filter(|(op, _)| op.immediate().is_some()).collect();
    // Every run of ones in every field at some rotations.
    let mut values = Vec::new();
    for width in [2u32, 4, 8, 16, 32, 64] {
        for ones in 1..width {
            for by in [0, 1, width / 2, width - 1] {
                let run = u64::MAX >> (64 - ones);
                let field = if by == 0 { run } else { run << by | run >> (width - by) };
                let field = field & (u64::MAX >> (64 - width));
                values.push((0..64 / width).fold(0, |all, n| all | field << (n * width)));
            }
        }
    }
    let mut list = Vec::new();
    for (op, name) in with_imm {
        for &value in &values {
            let imm = LogicImm::new(value, Size::S64).expect("it is of the form");
            list.push((alu_logic(op, Size::S64, 3, 4, imm), format!("{name} x3, x4, #{value:#x}")));
            let low = value as u32;
            if let Some(imm) = LogicImm::new(low.into(), Size::S32) {
                list.push((alu_logic(op, Size::S32, 3, 4, imm), format!("{name} w3, w4, #{low:#x}")));
            }
        }
    }
    check(&list);
    for value in [0, u64::MAX, 5, 0x1234, 0xff00_ff01, 0x8000_0000_0000_0002] {
        assert!(LogicImm::new(value, Size::S64).is_none(), "{value:#x}");
    }
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn two_three_and_one_operands() {
    cases!(Op2::ALL, |op, name, d, n, m| SIZES.into_iter().filter_map(move |size| {
        let long = matches!(op, Op2::Smulh | Op2::Umulh);
        let regs = format!("{}, {}, {}", r(size, d), r(size, n), r(size, m));
        let text = format!("{name} {regs} | {} {regs}", name.trim_end_matches('v'));
        (!long || size == Size::S64).then(|| (op2(op, size, d, n, m), text))
    }));
    cases!(Op1::ALL, |op, name, d, n, _m| SIZES
        .map(|size| (op1(op, size, d, n), format!("{name} {}, {}", r(size, d), r(size, n)))));
    cases!(Op3::ALL, |op, name, d, n, m| SIZES.into_iter().filter_map(move |size| {
        let long = !matches!(op, Op3::Madd | Op3::Msub);
        let factor = if long { Size::S32 } else { size };
        let text = format!("{name} {}, {}, {}, {}", r(size, d), r(factor, n), r(factor, m), r(size, 9));
        (!long || size == Size::S64).then(|| (op3(op, size, d, n, m, 9), text))
    }));
    let rows = [(CselOp::Csel, "")];
    cases!(&rows, |_op, _name, d, n, m| CselOp::ALL.iter().flat_map(move |&(op, name)| {
        Cc::ALL.into_iter().flat_map(move |(cc, cond)| {
            SIZES.map(|size| {
                let text = format!("{name} {}, {}, {}, {cond}", r(size, d), r(size, n), r(size, m));
                (csel(op, size, d, n, m, cc), text)
            })
        })
    }));
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn fields_of_bits() {
    cases!(BitfieldOp::ALL, |op, name, d, n, _m| SIZES.into_iter().flat_map(move |size| {
        let top = size.bits() - 1;
        [(0, 7), (0, top), (5, top), (top, 3), (12, 20)].into_iter().map(move |(immr, imms)| {
            let regs = format!("{}, {}", r(size, d), r(size, n));
            let (signed, bits) = (op == BitfieldOp::Sbfm, size.bits());
            let (letter, shift) = if signed { ('s', "asr") } else { ('u', "lsr") };
            let alias = match (immr, imms) {
                (0, 7) if signed => format!("sxtb {}, {}", r(size, d), r(Size::S32, n)),
                (0, 7) if size == Size::S32 => format!("uxtb {regs}"),
                _ if imms == top => format!("{shift} {regs}, #{immr}"),
                _ if imms < immr => {
                    format!("{letter}bfiz {regs}, #{}, #{}", bits - immr, imms + 1)
                }
                _ => format!("{letter}bfx {regs}, #{immr}, #{}", imms - immr + 1),
            };
            let text = format!("{name} {regs}, #{immr}, #{imms} | {alias}");
            (bitfield(op, size, d, n, immr, imms), text)
        })
    }));
    let rows = [((), "extr")];
    cases!(&rows, |_op, name, d, n, m| SIZES.into_iter().flat_map(move |size| {
        [0, 1, size.bits() - 1].map(|lsb| {
            let text = format!("{name} {}, {}, {}, #{lsb}", r(size, d), r(size, n), r(size, m));
            (extr(size, d, n, m, lsb), text)
        })
    }));
    cases!(MovOp::ALL, |op, name, d, _n, _m| SIZES.into_iter().flat_map(move |size| {
        [(0, 0), (0xffff, 0), (0x1234, 1), (0x8000, size.bits() / 16 - 1)].map(|(imm, part)| {
            let shift = if part == 0 { String::new() } else { format!(", lsl #{}", 16 * part) };
            let value = u64::from(imm) << (16 * part);
            let value = if op == MovOp::Movn { !value } else { value };
            let value = if size == Size::S64 { value as i64 } else { i64::from(value as i32) };
            let text = format!("{name} {reg}, #{imm}{shift} | mov {reg}, #{value}", reg = r(size, d));
            (mov(op, size, d, imm, part), text)
        })
    }));
    cases!(&rows, |_op, _name, _d, n, _m| Cc::ALL.into_iter().map(move |(cc, cond)| {
        let text = format!("ccmp {}, #{}, #{}, {cond}", r(Size::S64, n), n & 31, n & 15);
        (ccmp_imm(Size::S64, n, n & 31, n & 15, cc), text)
    }));
}

fn is_float(op: MemOp) -> Option<char> {
    match op {
        MemOp::StrS | MemOp::LdrS => Some('s'),
        MemOp::StrD | MemOp::LdrD => Some('d'),
        MemOp::StrQ | MemOp::LdrQ => Some('q'),
        _ => None,
    }
}

fn target(op: MemOp, t: u8) -> String {
    use MemOp::*;
    match is_float(op) {
        Some(letter) => format!("{letter}{t}"),
        None if matches!(op, LdrsbX | LdrshX | LdrswX | StrX | LdrX) => r(Size::S64, t),
        None => r(Size::S32, t),
    }
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn memory() {
    cases!(check_preferred, MemOp::ALL, |op, name, d, n, m| {
        let (t, base, size) = (target(op, d), rsp(Size::S64, n), 1 << op.scale());
        let scaled = [0, 1, 4095].map(|k| {
            let offset = k * size;
            let text = if k == 0 { String::new() } else { format!(", #{offset}") };
            (mem_scaled(op, d, n, offset), format!("{name} {t}, [{base}{text}]"))
        });
        let name_unscaled = name.replace("ldr", "ldur").replace("str", "stur");
        let unscaled = [-256, -1, 255].map(|offset| {
            (mem_unscaled(op, d, n, offset), format!("{name_unscaled} {t}, [{base}, #{offset}]"))
        });
        let extends =
            [(Extend::Uxtw, "uxtw"), (Extend::Sxtw, "sxtw"), (Extend::Uxtx, "lsl"), (Extend::Sxtx, "sxtx")];
        let indexed = extends.into_iter().flat_map(|(extend, text)| {
            let index = r(if matches!(text, "lsl" | "sxtx") { Size::S64 } else { Size::S32 }, m);
            let (t, base) = (t.clone(), base.clone());
            [false, true].map(move |scaled| {
                let start = format!("{name} {t}, [{base}, {index}");
                let text = match (text, scaled) {
                    ("lsl", false) => format!("{start}]"),
                    (text, false) => format!("{start}, {text}]"),
                    (text, true) => format!("{start}, {text} #{}]", op.scale()),
                };
                (mem_index(op, d, n, m, extend, scaled), text)
            })
        });
        scaled.into_iter().chain(unscaled).chain(indexed).collect::<Vec<_>>()
    });
    let literals: Vec<_> =
        [MemOp::LdrW, MemOp::LdrX, MemOp::LdrS, MemOp::LdrD, MemOp::LdrQ].map(|op| (op, "ldr")).into();
    cases!(&literals, |op, name, d, _n, _m| [(mem_literal(op, d), format!("{name} {}, #0", target(op, d)))]);
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn pairs() {
    cases!(PairOp::ALL, |op, name, d, n, m| {
        // Loads of the same register twice, or of the base that changes, are no instructions.
        let (d, m, n) = (d & 15, (m & 15) | 16, if n == 31 { 31 } else { 20 });
        let (letter, size) = match op {
            PairOp::StpD | PairOp::LdpD => ('d', 8),
            PairOp::StpQ | PairOp::LdpQ => ('q', 16),
            _ => ('x', 8),
        };
        [-64, -2, 0, 63].map(|k| {
            let (offset, base) = (k * size, rsp(Size::S64, n));
            let place = match op {
                PairOp::StpXPre if k == 0 => format!("[{base}]!"),
                PairOp::StpXPre => format!("[{base}, #{offset}]!"),
                PairOp::LdpXPost => format!("[{base}], #{offset}"),
                _ if k == 0 => format!("[{base}]"),
                _ => format!("[{base}, #{offset}]"),
            };
            let second = if letter == 'x' { r(Size::S64, m) } else { format!("{letter}{m}") };
            (pair(op, d, m, n, offset), format!("{name} {letter}{d}, {second}, {place}"))
        })
    });
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn atomics() {
    const SUFFIX: [&str; 4] = ["b", "h", "", ""];
    cases!(AtomicOp::ALL, |op, name, d, n, m| (0..4u8).map(move |width| {
        let size = if width == 3 { Size::S64 } else { Size::S32 };
        // The status is no register of the others.
        let (d, m, n) = (d & 15, (m & 7) | 16, if n == 31 { 31 } else { 25 });
        let status = if op == AtomicOp::Stlxr { format!("{}, ", r(Size::S32, m)) } else { String::new() };
        let suffix = SUFFIX[usize::from(width)];
        let text = format!("{name}{suffix} {status}{}, [{}]", r(size, d), rsp(Size::S64, n));
        (atomic(op, width, d, n, m), text)
    }));
    cases!(LseOp::ALL, |op, name, d, n, m| (0..4u8).map(move |width| {
        let size = if width == 3 { Size::S64 } else { Size::S32 };
        let suffix = SUFFIX[usize::from(width)];
        let text = format!("{name}{suffix} {}, {}, [{}]", r(size, m), r(size, d), rsp(Size::S64, n));
        (lse(op, width, m, d, n), text)
    }));
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn floats() {
    let wide = [false, true];
    cases!(Fp2::ALL, |op, name, d, n, m| wide
        .map(|w| (fp2(op, w, d, n, m), format!("{name} {}, {}, {}", s(w, d), s(w, n), s(w, m)))));
    cases!(Fp1::ALL, |op, name, d, n, _m| wide
        .map(|w| (fp1(op, w, d, n), format!("{name} {}, {}", s(w, d), s(w, n)))));
    cases!(Fp3::ALL, |op, name, d, n, m| wide.map(|w| {
        (fp3(op, w, d, n, m, 9), format!("{name} {}, {}, {}, {}", s(w, d), s(w, n), s(w, m), s(w, 9)))
    }));
    let rows = [((), "")];
    cases!(&rows, |_op, _name, d, n, m| wide.into_iter().flat_map(move |w| {
        [
            (fcvt(w, d, n), format!("fcvt {}, {}", s(w, d), s(!w, n))),
            (fcmp(w, n, m), format!("fcmp {}, {}", s(w, n), s(w, m))),
            (fcmp_zero(w, n), format!("fcmp {}, #0.0", s(w, n))),
        ]
    }));
    cases!(&rows, |_op, _name, d, n, m| Cc::ALL.into_iter().flat_map(move |(cc, cond)| {
        wide.map(|w| (fcsel(w, d, n, m, cc), format!("fcsel {}, {}, {}, {cond}", s(w, d), s(w, n), s(w, m))))
    }));
    let both = || SIZES.into_iter().flat_map(|size| [(size, false), (size, true)]);
    cases!(FromInt::ALL, |op, name, d, n, _m| both()
        .map(move |(size, w)| (from_int(op, size, w, d, n), format!("{name} {}, {}", s(w, d), r(size, n)))));
    cases!(ToInt::ALL, |op, name, d, n, _m| both()
        .map(move |(size, w)| (to_int(op, size, w, d, n), format!("{name} {}, {}", r(size, d), s(w, n)))));
    cases!(&rows, |_op, _name, d, n, _m| SIZES.into_iter().flat_map(move |size| {
        let w = size == Size::S64;
        [
            (fmov_from_int(size, d, n), format!("fmov {}, {}", s(w, d), r(size, n))),
            (fmov_to_int(size, d, n), format!("fmov {}, {}", r(size, d), s(w, n))),
        ]
    }));
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn simple_float_constants() {
    let mut list = Vec::new();
    for exponent in -3..=4 {
        for sixteenths in 16..32 {
            for sign in [1.0, -1.0] {
                let value = sign * f64::from(sixteenths) / 16.0 * 2f64.powi(exponent);
                let imm = float_imm8(value.to_bits(), true).expect("it is simple");
                assert_eq!(float_imm8((value as f32).to_bits().into(), false), Some(imm));
                list.push((fmov_imm(true, 8, imm), format!("fmov d8, #{value:.8}")));
                list.push((fmov_imm(false, 8, imm), format!("fmov s8, #{value:.8}")));
            }
        }
    }
    check(&list);
    for value in [0.0, 0.1, 32.0, 0.0625, 1.0 + 1.0 / 32.0, f64::NAN, f64::INFINITY] {
        assert_eq!(float_imm8(value.to_bits(), true), None, "{value}");
    }
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn control() {
    let mut list = vec![
        (RET, "ret x30 | ret".to_string()),
        (BRK, "brk #0".to_string()),
        (DMB, "dmb ish".to_string()),
        (u32::from_le_bytes([0x1f, 0x20, 0x03, 0xd5]), "hint #0".to_string()),
        (br(17), "br x17".to_string()),
        (blr(3), "blr x3".to_string()),
        (adr(9), "adr x9, #0".to_string()),
        (adrp(9), "adrp x9, #0".to_string()),
    ];
    list.extend(Cc::ALL.map(|(cc, name)| (b_cond(cc), format!("b.{name} #0"))));
    for size in SIZES {
        list.push((cbz(size, false, 12), format!("cbz {}, #0", r(size, 12))));
        list.push((cbz(size, true, 12), format!("cbnz {}, #0", r(size, 12))));
    }
    for bit in [0, 1, 31, 32, 63] {
        let size = if bit < 32 { Size::S32 } else { Size::S64 };
        list.push((tbz(bit, false, 12), format!("tbz {}, #{bit}, #0", r(size, 12))));
        list.push((tbz(bit, true, 12), format!("tbnz {}, #{bit}, #0", r(size, 12))));
    }
    check(&list);
}

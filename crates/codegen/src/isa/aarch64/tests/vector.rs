//! The vector tables.

use super::scalar::r;
use super::{REGS, check, check_preferred};
use crate::isa::aarch64::neon::*;
use crate::isa::aarch64::ops::Size;
use crate::isa::aarch64::regs;
use crate::reg::Reg;

fn v(n: u8) -> Reg {
    Reg::physical(regs::v(n.into()))
}

fn x(n: u8) -> Reg {
    Reg::physical(regs::x(n.into()))
}

fn word(inst: VecInst) -> u32 {
    inst.word().expect("it is one word")
}

/// Registers, of the last one also a number of a lane.
fn regs() -> impl Iterator<Item = (u8, u8, u8)> {
    REGS.into_iter().chain([(31, 30, 29)])
}

const INT: [(Arr, &str); 7] = Arr::ALL;

fn floats() -> impl Iterator<Item = (Arr, &'static str)> {
    Arr::ALL.into_iter().filter(|(arr, _)| matches!(arr, Arr::S2 | Arr::S4 | Arr::D2))
}

/// Whether there is an operation for lanes of this kind.
fn has(op: V3Op, arr: Arr) -> bool {
    match op {
        V3Op::Mul | V3Op::Smax | V3Op::Smin | V3Op::Umax | V3Op::Umin | V3Op::Urhadd | V3Op::Umaxp => {
            arr != Arr::D2
        }
        V3Op::Sqrdmulh => matches!(arr.size(), 1 | 2),
        _ => true,
    }
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn three_registers() {
    let mut list = Vec::new();
    for (d, n, m) in regs() {
        for &(op, name) in V3Op::ALL {
            for (arr, a) in INT.into_iter().filter(|(arr, _)| has(op, *arr)) {
                let inst = VecInst::V3 { op, arr, dst: v(d), n: v(n), m: v(m) };
                list.push((word(inst), format!("{name} v{d}.{a}, v{n}.{a}, v{m}.{a}")));
            }
        }
        for &(op, name) in VBitOp::ALL {
            let inst = VecInst::Bits { op, dst: v(d), n: v(n), m: v(m) };
            list.push((word(inst), format!("{name} v{d}.16b, v{n}.16b, v{m}.16b")));
        }
        for &(op, name) in VSelectOp::ALL {
            let inst = VecInst::Select { op, dst: v(d), acc: v(d), n: v(n), m: v(m) };
            list.push((word(inst), format!("{name} v{d}.16b, v{n}.16b, v{m}.16b")));
        }
        for (arr, a) in floats() {
            for &(op, name) in VFloatOp::ALL {
                let inst = VecInst::Float { op, arr, dst: v(d), n: v(n), m: v(m) };
                list.push((word(inst), format!("{name} v{d}.{a}, v{n}.{a}, v{m}.{a}")));
            }
            for &(op, name) in VFmaOp::ALL {
                let inst = VecInst::Fma { op, arr, dst: v(d), acc: v(d), n: v(n), m: v(m) };
                list.push((word(inst), format!("{name} v{d}.{a}, v{n}.{a}, v{m}.{a}")));
            }
        }
        for ((arr, a), wide) in INT.into_iter().zip(["8h", "8h", "4s", "4s", "2d", "2d"]) {
            let half = if a.len() == 3 || matches!(arr, Arr::H8 | Arr::S4) { "2" } else { "" };
            for &(op, name) in VLongOp::ALL {
                let inst = VecInst::Long { op, arr, dst: v(d), n: v(n), m: v(m) };
                list.push((word(inst), format!("{name}{half} v{d}.{wide}, v{n}.{a}, v{m}.{a}")));
            }
        }
        for &(op, name) in VLongAccOp::ALL {
            let inst = VecInst::LongAcc { op, arr: Arr::S2, dst: v(d), acc: v(d), n: v(n), m: v(m) };
            list.push((word(inst), format!("{name} v{d}.2d, v{n}.2s, v{m}.2s")));
        }
        for at in [0, 1, 15] {
            let inst = VecInst::Ext { dst: v(d), n: v(n), m: v(m), at };
            list.push((word(inst), format!("ext v{d}.16b, v{n}.16b, v{m}.16b, #{at}")));
        }
        let inst = VecInst::Tbl { dst: v(d), n: v(n), m: v(m) };
        list.push((word(inst), format!("tbl v{d}.16b, {{ v{n}.16b }}, v{m}.16b")));
        let inst = VecInst::Tbx { dst: v(d), acc: v(d), n: v(n), m: v(m) };
        list.push((word(inst), format!("tbx v{d}.16b, {{ v{n}.16b }}, v{m}.16b")));
    }
    check(&list);
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn two_registers() {
    let mut list = Vec::new();
    for (d, n, _) in regs() {
        for &(op, name) in V2Op::ALL {
            for (arr, a) in INT {
                let text = match op {
                    V2Op::Cnt | V2Op::Not | V2Op::Rev16 if arr.size() > 0 => continue,
                    V2Op::Rev32 if arr.size() > 1 => continue,
                    V2Op::Rev64 | V2Op::Saddlp | V2Op::Uaddlp if arr.size() > 2 => continue,
                    V2Op::Not => format!("not v{d}.{a}, v{n}.{a}"),
                    V2Op::Cmeq0 | V2Op::Cmge0 | V2Op::Cmgt0 | V2Op::Cmle0 | V2Op::Cmlt0 => {
                        format!("{name} v{d}.{a}, v{n}.{a}, #0")
                    }
                    V2Op::Saddlp | V2Op::Uaddlp => {
                        let wide = ["4h", "8h", "2s", "4s", "1d", "2d"]
                            [INT.iter().position(|(other, _)| *other == arr).expect("it is one")];
                        format!("{name} v{d}.{wide}, v{n}.{a}")
                    }
                    _ => format!("{name} v{d}.{a}, v{n}.{a}"),
                };
                list.push((word(VecInst::V2 { op, arr, dst: v(d), n: v(n) }), text));
            }
        }
        for &(op, name) in VFloat2Op::ALL {
            for (arr, a) in floats() {
                let inst = VecInst::Float2 { op, arr, dst: v(d), n: v(n) };
                list.push((word(inst), format!("{name} v{d}.{a}, v{n}.{a}")));
            }
        }
        for &(op, name) in VNarrowOp::ALL {
            for ((arr, a), wide) in INT.into_iter().zip(["8h", "8h", "4s", "4s", "2d", "2d"]) {
                let text = |half: &str| format!("{name}{half} v{d}.{a}, v{n}.{wide}");
                list.push(match arr {
                    Arr::B8 | Arr::H4 | Arr::S2 => {
                        (word(VecInst::Narrow { op, arr, dst: v(d), n: v(n) }), text(""))
                    }
                    _ => (word(VecInst::NarrowHigh { op, arr, dst: v(d), acc: v(d), n: v(n) }), text("2")),
                });
            }
        }
        for &(op, name) in VAcrossOp::ALL {
            for (arr, a) in INT.into_iter().filter(|(arr, _)| !matches!(arr, Arr::S2 | Arr::D2)) {
                let letter = ["b", "h", "s", "d"][usize::from(arr.size())];
                let inst = VecInst::Across { op, arr, dst: v(d), n: v(n) };
                list.push((word(inst), format!("{name} {letter}{d}, v{n}.{a}")));
            }
        }
        list.push((word(VecInst::Fcvtl { dst: v(d), n: v(n) }), format!("fcvtl v{d}.2d, v{n}.2s")));
        list.push((word(VecInst::Fcvtn { dst: v(d), n: v(n) }), format!("fcvtn v{d}.2s, v{n}.2d")));
        for (arr, a) in INT {
            let inst = VecInst::LoadSplat { arr, dst: v(d), addr: x(n), trap: None };
            list.push((word(inst), format!("ld1r {{ v{d}.{a} }}, [x{n}]")));
        }
    }
    check(&list);
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn shifts() {
    let mut list = Vec::new();
    for (d, n, _) in regs() {
        for (arr, a) in INT {
            let bits = 8 << arr.size();
            for &(op, name) in VShiftOp::ALL {
                let (wide, half) = match op {
                    VShiftOp::Sshll | VShiftOp::Ushll if arr == Arr::D2 => continue,
                    VShiftOp::Sshll | VShiftOp::Ushll => {
                        let wide = ["8h", "8h", "4s", "4s", "2d", "2d"]
                            [INT.iter().position(|(other, _)| *other == arr).expect("it is one")];
                        (wide, if matches!(arr, Arr::B16 | Arr::H8 | Arr::S4) { "2" } else { "" })
                    }
                    _ => (a, ""),
                };
                let right = matches!(op, VShiftOp::Sshr | VShiftOp::Ushr);
                for amount in if right { [1, 3, bits] } else { [0, 3, bits - 1] } {
                    let inst = VecInst::Shift { op, arr, dst: v(d), n: v(n), amount };
                    list.push((word(inst), format!("{name}{half} v{d}.{wide}, v{n}.{a}, #{amount}")));
                }
            }
            let inst = VecInst::Sli { arr, dst: v(d), acc: v(d), n: v(n), amount: bits - 1 };
            list.push((word(inst), format!("sli v{d}.{a}, v{n}.{a}, #{}", bits - 1)));
        }
    }
    check(&list);
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn lanes() {
    const LETTERS: [&str; 4] = ["b", "h", "s", "d"];
    let mut list = Vec::new();
    for (d, n, m) in regs() {
        for (arr, a) in INT {
            let from = if arr == Arr::D2 { Size::S64 } else { Size::S32 };
            let inst = VecInst::Dup { arr, dst: v(d), n: x(n) };
            list.push((word(inst), format!("dup v{d}.{a}, {}", r(from, n))));
            let letter = LETTERS[usize::from(arr.size())];
            let lane = m % (16 >> arr.size());
            let inst = VecInst::DupLane { arr, dst: v(d), n: v(n), lane };
            list.push((word(inst), format!("dup v{d}.{a}, v{n}.{letter}[{lane}]")));
        }
        for size in 0..4u8 {
            let (letter, lane) = (LETTERS[usize::from(size)], m % (16 >> size));
            let whole = if size == 3 { Size::S64 } else { Size::S32 };
            let inst = VecInst::Lane { size, dst: v(d), n: v(n), lane };
            let scalar = format!("{letter}{d}, v{n}.{letter}[{lane}]");
            list.push((word(inst), format!("dup {scalar} | mov {scalar}")));
            let (inst, name) = (VecInst::Umov { size, dst: x(d), n: v(n), lane }, r(whole, d));
            list.push((word(inst), format!("umov {name}, v{n}.{letter}[{lane}]")));
            let inst = VecInst::Ins { size, dst: v(d), acc: v(d), n: x(n), lane };
            list.push((
                word(inst),
                format!("ins v{d}.{letter}[{lane}], {} | mov v{d}.{letter}[{lane}], {0}", r(whole, n)),
            ));
            let inst = VecInst::InsLane { size, dst: v(d), acc: v(d), n: v(n), lane, from: 1 };
            let text = format!("v{d}.{letter}[{lane}], v{n}.{letter}[1]");
            list.push((word(inst), format!("ins {text} | mov {text}")));
            for wide in [false, true] {
                let to = if wide { Size::S64 } else { Size::S32 };
                if size < 2 || size == 2 && wide {
                    let inst = VecInst::Smov { size, wide, dst: x(d), n: v(n), lane };
                    list.push((word(inst), format!("smov {}, v{n}.{letter}[{lane}]", r(to, d))));
                }
            }
        }
    }
    check(&list);
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn constants() {
    let repeat = |low: u64| u128::from(low) << 64 | u128::from(low);
    let mut list = Vec::new();
    for (low, text) in [
        (0, "movi v9.16b, #0"),
        (0x7f7f_7f7f_7f7f_7f7f, "movi v9.16b, #127"),
        (0xff00_00ff_0000_ff00, "movi v9.2d, #0xff0000ff0000ff00"),
        (0x0000_0012_0000_0012, "movi v9.4s, #18"),
        (0x1200_0000_1200_0000, "movi v9.4s, #18, lsl #24"),
        (0xffff_edff_ffff_edff, "mvni v9.4s, #18, lsl #8"),
        (0x0012_0012_0012_0012, "movi v9.8h, #18"),
        (0x1200_1200_1200_1200, "movi v9.8h, #18, lsl #8"),
        (0xffed_ffed_ffed_ffed, "mvni v9.8h, #18"),
        (0x3f80_0000_3f80_0000, "fmov v9.4s, #1.00000000"),
        (0xc000_0000_0000_0000, "fmov v9.2d, #-2.00000000"),
    ] {
        list.push((const_word(9, repeat(low)).expect("it is simple"), text.to_string()));
    }
    check_preferred(&list);
    assert_eq!(const_word(9, 1), None);
    assert_eq!(const_word(9, repeat(0x1234_5678_1234_5678)), None);
}

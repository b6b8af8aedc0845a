//! From words back to text, by the table: what this target emits, and nothing else.

use super::ops::{Op, Shape};

/// The assembler's name of an x register.
pub fn x(n: u8) -> &'static str {
    const NAMES: [&str; 32] = [
        "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
        "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
    ];
    NAMES[usize::from(n & 31)]
}

/// The assembler's name of an f register.
pub fn f(n: u8) -> String {
    match n & 31 {
        n @ 0..=7 => format!("ft{n}"),
        n @ 8..=9 => format!("fs{}", n - 8),
        n @ 10..=17 => format!("fa{}", n - 10),
        n @ 18..=27 => format!("fs{}", n - 16),
        n => format!("ft{}", n - 20),
    }
}

/// The assembler's name of a rounding mode.
pub fn rounding(mode: u8) -> &'static str {
    ["rne", "rtz", "rdn", "rup", "rmm", "?", "?", "dyn"][usize::from(mode & 7)]
}

/// Ones where the shape has no operands.
fn opcode_mask(shape: Shape) -> u32 {
    let (funct3, funct7, rs2) = (7 << 12, 0x7f << 25, 0x1f << 20);
    0x7f | match shape {
        Shape::Xxx | Shape::Amo | Shape::Fff | Shape::Xff | Shape::Xx5 => funct3 | funct7,
        Shape::Xx6 => funct3 | 0x3f << 26,
        Shape::Xxi | Shape::Jalr | Shape::Branch => funct3,
        Shape::XLoad | Shape::FLoad | Shape::XStore | Shape::FStore => funct3,
        Shape::Xx | Shape::Lr | Shape::Ff | Shape::Xf | Shape::Fx => funct3 | funct7 | rs2,
        Shape::FffR => funct7,
        Shape::FfffR => 3 << 25,
        Shape::FfR | Shape::XfR | Shape::FxR => funct7 | rs2,
        Shape::Xu | Shape::Jal => 0,
        Shape::None => u32::MAX,
    }
}

/// A field of the word as a number with sign.
fn signed(word: u32, low: u32, bits: u32) -> i32 {
    (word << (32 - low - bits)) as i32 >> (32 - bits)
}

fn branch_distance(word: u32) -> i32 {
    let by = (word >> 31) << 12 | (word >> 7 & 1) << 11 | (word >> 25 & 0x3f) << 5 | (word >> 8 & 0xf) << 1;
    signed(by, 0, 13)
}

fn jump_distance(word: u32) -> i32 {
    let by =
        (word >> 31) << 20 | (word >> 12 & 0xff) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1;
    signed(by, 0, 21)
}

/// An instruction as text, registers by their names in the platform's convention and
/// distances as they are in the word; `None` if it is none of the table's.
pub fn instruction(word: u32) -> Option<String> {
    let (op, name) = Op::ALL
        .iter()
        .find_map(|&(op, name)| (word & opcode_mask(op.shape()) == op.bits()).then_some((op, name)))?;
    let field = |low: u32| (word >> low) as u8;
    let (d, a, b, c) = (field(7), field(15), field(20), field(27));
    let mode = rounding(field(12));
    let low = signed(word, 20, 12);
    let store = signed(word >> 25 << 5 | word >> 7 & 0x1f, 0, 12);
    let operands = match op.shape() {
        Shape::Xxx => format!("{}, {}, {}", x(d), x(a), x(b)),
        Shape::Xxi => format!("{}, {}, {low}", x(d), x(a)),
        Shape::Xx6 => format!("{}, {}, {}", x(d), x(a), b & 63),
        Shape::Xx5 => format!("{}, {}, {}", x(d), x(a), b & 31),
        Shape::Xx => format!("{}, {}", x(d), x(a)),
        Shape::Xu => format!("{}, {}", x(d), word >> 12),
        Shape::Jal => format!("{}, {}", x(d), jump_distance(word)),
        Shape::Branch => format!("{}, {}, {}", x(a), x(b), branch_distance(word)),
        Shape::Jalr | Shape::XLoad => format!("{}, {low}({})", x(d), x(a)),
        Shape::FLoad => format!("{}, {low}({})", f(d), x(a)),
        Shape::XStore => format!("{}, {store}({})", x(b), x(a)),
        Shape::FStore => format!("{}, {store}({})", f(b), x(a)),
        Shape::Lr => format!("{}, ({})", x(d), x(a)),
        Shape::Amo => format!("{}, {}, ({})", x(d), x(b), x(a)),
        Shape::Fff => format!("{}, {}, {}", f(d), f(a), f(b)),
        Shape::FffR => format!("{}, {}, {}, {mode}", f(d), f(a), f(b)),
        Shape::FfffR => format!("{}, {}, {}, {}, {mode}", f(d), f(a), f(b), f(c)),
        Shape::Ff => format!("{}, {}", f(d), f(a)),
        Shape::FfR => format!("{}, {}, {mode}", f(d), f(a)),
        Shape::Xff => format!("{}, {}, {}", x(d), f(a), f(b)),
        Shape::Xf => format!("{}, {}", x(d), f(a)),
        Shape::XfR => format!("{}, {}, {mode}", x(d), f(a)),
        Shape::Fx => format!("{}, {}", f(d), x(a)),
        Shape::FxR => format!("{}, {}, {mode}", f(d), x(a)),
        Shape::None => return Some(name.to_string()),
    };
    Some(format!("{name} {operands}"))
}

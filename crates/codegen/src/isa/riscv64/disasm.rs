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

/// The assembler's name of a v register.
pub fn v(n: u8) -> String {
    format!("v{}", n & 31)
}

/// The text of a vector type, as in `vsetivli`.
pub fn vector_type(bits: u32) -> String {
    let groups = ["m1", "m2", "m4", "m8", "?", "mf8", "mf4", "mf2"];
    let tail = if bits >> 6 & 1 == 1 { "ta" } else { "tu" };
    let mask = if bits >> 7 & 1 == 1 { "ma" } else { "mu" };
    format!("e{}, {}, {tail}, {mask}", 8 << (bits >> 3 & 7), groups[bits as usize & 7])
}

/// The assembler's name of a control register.
pub fn control_register(number: u32) -> &'static str {
    match number {
        2 => "frm",
        10 => "vxrm",
        _ => "?",
    }
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
        // funct6 and the mask's bit.
        Shape::VVv | Shape::VVx | Shape::VVf | Shape::VVi | Shape::VVu | Shape::VvvInto => funct3 | funct7,
        Shape::VVvM | Shape::VVxM | Shape::VVfM | Shape::VViM => funct3 | funct7,
        Shape::Vx | Shape::Vf | Shape::Vi => funct3 | funct7 | rs2,
        Shape::Vv | Shape::XV | Shape::FV => funct3 | funct7 | 0x1f << 15,
        Shape::VLoad | Shape::VStore => funct3 | funct7 | rs2,
        Shape::VSet => funct3 | 3 << 30,
        Shape::Csr => u32::MAX ^ 0x1f << 15,
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
        Shape::Csr => format!("zero, {}, {}", control_register(word >> 20), a & 31),
        Shape::VSet => format!("{}, {}, {}", x(d), a & 31, vector_type(word >> 20)),
        Shape::VLoad | Shape::VStore => format!("{}, ({})", v(d), x(a)),
        Shape::VVv => format!("{}, {}, {}", v(d), v(b), v(a)),
        Shape::VVx => format!("{}, {}, {}", v(d), v(b), x(a)),
        Shape::VVf => format!("{}, {}, {}", v(d), v(b), f(a)),
        Shape::VVi => format!("{}, {}, {}", v(d), v(b), signed(word, 15, 5)),
        Shape::VVu => format!("{}, {}, {}", v(d), v(b), a & 31),
        Shape::VVvM => format!("{}, {}, {}, v0", v(d), v(b), v(a)),
        Shape::VVxM => format!("{}, {}, {}, v0", v(d), v(b), x(a)),
        Shape::VVfM => format!("{}, {}, {}, v0", v(d), v(b), f(a)),
        Shape::VViM => format!("{}, {}, {}, v0", v(d), v(b), signed(word, 15, 5)),
        Shape::VvvInto => format!("{}, {}, {}", v(d), v(a), v(b)),
        Shape::Vv => format!("{}, {}", v(d), v(b)),
        Shape::Vx => format!("{}, {}", v(d), x(a)),
        Shape::Vf => format!("{}, {}", v(d), f(a)),
        Shape::Vi => format!("{}, {}", v(d), signed(word, 15, 5)),
        Shape::XV => format!("{}, {}", x(d), v(b)),
        Shape::FV => format!("{}, {}", f(d), v(b)),
    };
    Some(format!("{name} {operands}"))
}

//! The vector facility: its table of instructions, their encoding, and the instruction
//! type of vectors.
//!
//! A row of the table is the assembler's name without the letters for the size of elements,
//! the format, the opcode, and those letters: `b h f g q` for integers of 1 to 16 bytes,
//! `s d` for floats. Masks are given in the assembler's order; the first one is the size.
//!
//! Lane number n of a vector is element number n from the right, so that a register as a
//! number of 128 bits is what its bytes are in a little-endian memory.

use super::encode::{Code, fits12};
use super::inst::{Amount, Mem};
use crate::reg::Reg;
use crate::vcode::OperandVisitor;

/// Where an instruction's operands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Two registers, three masks.
    Two,
    /// Three registers, two masks.
    Three,
    /// Three registers, three masks.
    ThreeC,
    /// Four registers, two masks.
    Four,
    /// A register and 16 bits.
    Imm,
    /// Two registers and an amount to shift by.
    Shift,
    /// A register and an address.
    Memory,
}

macro_rules! ops {
    ($($variant:ident $text:literal $shape:ident $opcode:literal $sizes:literal;)*) => {
        /// An instruction on vectors without its operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Vop { $($variant,)* }

        impl Vop {
            /// All of them with their names and the letters of their sizes.
            #[cfg(test)]
            pub const ALL: &'static [(Vop, &'static str, &'static str)] =
                &[$((Vop::$variant, $text, $sizes),)*];

            /// The operands' places.
            pub const fn shape(self) -> Shape {
                match self { $(Vop::$variant => Shape::$shape,)* }
            }

            /// The first and the last byte.
            pub const fn opcode(self) -> u16 {
                match self { $(Vop::$variant => $opcode,)* }
            }
        }
    };
}

ops! {
    // Copies, constants, memory.
    Vlr     "vlr"    Two     0xe756 "";
    Vgbm    "vgbm"   Imm     0xe744 "";
    Vrepi   "vrepi"  Imm     0xe745 "bhfg";
    Vl      "vl"     Memory  0xe706 "";
    Vst     "vst"    Memory  0xe70e "";
    Vlbr    "vlbr"   Memory  0xe606 "hfgq";
    Vstbr   "vstbr"  Memory  0xe60e "hfgq";
    Vler    "vler"   Memory  0xe607 "hfg";
    Vster   "vster"  Memory  0xe60f "hfg";

    // Integers.
    Va      "va"     ThreeC  0xe7f3 "bhfg";
    Vs      "vs"     ThreeC  0xe7f7 "bhfg";
    Vml     "vml"    ThreeC  0xe7a2 "bhf";
    Vme     "vme"    ThreeC  0xe7a6 "bhf";
    Vmo     "vmo"    ThreeC  0xe7a7 "bhf";
    Vmx     "vmx"    ThreeC  0xe7ff "bhfg";
    Vmxl    "vmxl"   ThreeC  0xe7fd "bhfg";
    Vmn     "vmn"    ThreeC  0xe7fe "bhfg";
    Vmnl    "vmnl"   ThreeC  0xe7fc "bhfg";
    Vavgl   "vavgl"  ThreeC  0xe7f0 "bhfg";
    Vsum    "vsum"   ThreeC  0xe764 "bh";
    Vsumg   "vsumg"  ThreeC  0xe765 "hf";
    Vsumq   "vsumq"  ThreeC  0xe767 "fg";
    Vlc     "vlc"    Two     0xe7de "bhfg";
    Vlp     "vlp"    Two     0xe7df "bhfg";
    Vpopct  "vpopct" Two     0xe750 "bhfg";
    Vceq    "vceq"   Three   0xe7f8 "bhfg";
    Vch     "vch"    Three   0xe7fb "bhfg";
    Vchl    "vchl"   Three   0xe7f9 "bhfg";

    // Bits.
    Vn      "vn"     ThreeC  0xe768 "";
    Vnc     "vnc"    ThreeC  0xe769 "";
    Vo      "vo"     ThreeC  0xe76a "";
    Vno     "vno"    ThreeC  0xe76b "";
    Vx      "vx"     ThreeC  0xe76d "";
    Vsel    "vsel"   Four    0xe78d "";
    Vbperm  "vbperm" ThreeC  0xe785 "";
    Vesl    "vesl"   Shift   0xe730 "bhfg";
    Vesrl   "vesrl"  Shift   0xe738 "bhfg";
    Vesra   "vesra"  Shift   0xe73a "bhfg";

    // From place to place.
    Vperm   "vperm"  Four    0xe78c "";
    Vmrh    "vmrh"   ThreeC  0xe761 "bhfg";
    Vmrl    "vmrl"   ThreeC  0xe760 "bhfg";
    Vpk     "vpk"    ThreeC  0xe794 "hfg";
    Vpks    "vpks"   Three   0xe797 "hfg";
    Vpkls   "vpkls"  Three   0xe795 "hfg";
    Vuph    "vuph"   Two     0xe7d7 "bhf";
    Vupl    "vupl"   Two     0xe7d6 "bhf";
    Vuplh   "vuplh"  Two     0xe7d5 "bhf";
    Vupll   "vupll"  Two     0xe7d4 "bhf";

    // Floats.
    Vfa     "vfa"    ThreeC  0xe7e3 "sd";
    Vfs     "vfs"    ThreeC  0xe7e2 "sd";
    Vfm     "vfm"    ThreeC  0xe7e7 "sd";
    Vfd     "vfd"    ThreeC  0xe7e5 "sd";
    Vfce    "vfce"   ThreeC  0xe7e8 "sd";
    Vfch    "vfch"   ThreeC  0xe7eb "sd";
    Vfche   "vfche"  ThreeC  0xe7ea "sd";
    Vfmin   "vfmin"  ThreeC  0xe7ee "sd";
    Vfmax   "vfmax"  ThreeC  0xe7ef "sd";
    Vfma    "vfma"   Four    0xe78f "sd";
    Vfsq    "vfsq"   Two     0xe7ce "sd";
    Vfi     "vfi"    Two     0xe7c7 "sd";
    Vflc    "vflc"   Two     0xe7cc "sd";
    Vflp    "vflp"   Two     0xe7cc "sd";
    // Between floats of both sizes, and integers of the same size.
    Vfll    "vlde"   Two     0xe7c4 "s";
    Vflr    "vled"   Two     0xe7c5 "d";
    Vcfps   "vcfps"  Two     0xe7c3 "sd";
    Vcfpl   "vcfpl"  Two     0xe7c1 "sd";
    Vcsfp   "vcsfp"  Two     0xe7c2 "sd";
    Vclfp   "vclfp"  Two     0xe7c0 "sd";
}

/// Masks that instructions have beside the size.
pub const QUIET: u8 = 4;
pub const POSITIVE: u8 = 2;
/// The kind of minimum and maximum that prefers NaN and orders zeros.
pub const LIKE_JAVA: u8 = 1;

/// Register numbers in their four fields, with the bits beyond the fourth.
fn regs(list: [u8; 4]) -> u64 {
    let fields = [36, 32, 28, 12];
    let place =
        |(n, reg): (usize, u8)| u64::from(reg & 15) << fields[n] | u64::from(reg >> 4) << (8 + 3 - n as u32);
    list.into_iter().enumerate().map(place).fold(0, |all, bits| all | bits)
}

fn code(opcode: u16, bits: u64) -> Code {
    let opcode = u64::from(opcode);
    Code::new(opcode >> 8 << 40 | opcode & 0xff | bits, 6)
}

fn field(value: u8, shift: u32) -> u64 {
    debug_assert!(value < 16);
    u64::from(value) << shift
}

/// An instruction with two registers.
pub fn two(op: Vop, d: u8, s: u8, m: [u8; 3]) -> Code {
    code(op.opcode(), regs([d, s, 0, 0]) | field(m[0], 12) | field(m[1], 16) | field(m[2], 20))
}

/// An instruction with three registers.
pub fn three(op: Vop, d: u8, a: u8, b: u8, m: [u8; 3]) -> Code {
    let second = if op.shape() == Shape::Three { 20 } else { 16 };
    code(op.opcode(), regs([d, a, b, 0]) | field(m[0], 12) | field(m[1], second) | field(m[2], 20))
}

/// An instruction with four registers.
pub fn four(op: Vop, d: u8, a: u8, b: u8, c: u8, m: [u8; 2]) -> Code {
    code(op.opcode(), regs([d, a, b, c]) | field(m[0], 24) | field(m[1], 16))
}

/// An instruction with a constant.
pub fn imm(op: Vop, d: u8, imm: u16, m: u8) -> Code {
    code(op.opcode(), regs([d, 0, 0, 0]) | u64::from(imm) << 16 | field(m, 12))
}

/// Makes every element ones from the bit `start`, counted from the left, to `end`.
pub fn mask(d: u8, start: u8, end: u8, m: u8) -> Code {
    code(0xe746, regs([d, 0, 0, 0]) | u64::from(start) << 24 | u64::from(end) << 16 | field(m, 12))
}

/// Makes every element that of a number.
pub fn repeat(d: u8, s: u8, index: u8, m: u8) -> Code {
    code(0xe74d, regs([d, s, 0, 0]) | u64::from(index) << 16 | field(m, 12))
}

/// 16 bytes of two vectors, from a byte of the first on.
pub fn join(d: u8, a: u8, b: u8, by: u8) -> Code {
    code(0xe777, regs([d, a, b, 0]) | u64::from(by) << 16)
}

/// A shift by the sum of a register's and a constant number; base 0 is none.
pub fn shift(op: Vop, d: u8, s: u8, base: u8, offset: u8, m: u8) -> Code {
    code(op.opcode(), regs([d, s, base, 0]) | u64::from(offset) << 16 | field(m, 12))
}

/// The element of a number to an r register.
pub fn take(r: u8, v: u8, index: u8, m: u8) -> Code {
    code(0xe721, regs([r, v, 0, 0]) | u64::from(index) << 16 | field(m, 12))
}

/// An r register to the element of a number.
pub fn put(v: u8, r: u8, index: u8, m: u8) -> Code {
    code(0xe722, regs([v, r, 0, 0]) | u64::from(index) << 16 | field(m, 12))
}

/// Two r registers side by side.
pub fn pair(v: u8, high: u8, low: u8) -> Code {
    code(0xe762, regs([v, high, low, 0]))
}

/// A load or store; index 0 is none.
pub fn memory(op: Vop, reg: u8, index: u8, base: u8, offset: i32, m: u8) -> Code {
    debug_assert!(fits12(offset.into()));
    code(op.opcode(), regs([reg, index, base, 0]) | (offset as u64) << 16 | field(m, 12))
}

/// An instruction on vectors. `m` are its masks.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum VecInst {
    Two {
        op: Vop,
        m: [u8; 3],
        dst: Reg,
        src: Reg,
    },
    Three {
        op: Vop,
        m: [u8; 3],
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    Four {
        op: Vop,
        m: [u8; 2],
        dst: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    /// See [`repeat`].
    Repeat {
        m: u8,
        index: u8,
        dst: Reg,
        src: Reg,
    },
    /// See [`join`].
    Join {
        by: u8,
        dst: Reg,
        a: Reg,
        b: Reg,
    },
    /// By an amount modulo the elements' width.
    Shift {
        op: Vop,
        m: u8,
        dst: Reg,
        src: Reg,
        amount: Amount,
    },
    /// See [`take`].
    Take {
        m: u8,
        index: u8,
        dst: Reg,
        src: Reg,
    },
    /// Another vector with one element exchanged.
    Put {
        m: u8,
        index: u8,
        dst: Reg,
        old: Reg,
        src: Reg,
    },
    /// See [`pair`].
    Pair {
        dst: Reg,
        high: Reg,
        low: Reg,
    },
    Const {
        dst: Reg,
        value: u128,
    },
    Load {
        op: Vop,
        m: u8,
        dst: Reg,
        mem: Mem,
    },
    Store {
        op: Vop,
        m: u8,
        src: Reg,
        mem: Mem,
    },
}

impl VecInst {
    /// Shows the registers.
    pub fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            VecInst::Two { dst, src, .. }
            | VecInst::Repeat { dst, src, .. }
            | VecInst::Take { dst, src, .. } => {
                visitor.use_(src);
                visitor.def(dst);
            }
            VecInst::Three { dst, a, b, .. }
            | VecInst::Join { dst, a, b, .. }
            | VecInst::Pair { dst, high: a, low: b } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.def(dst);
            }
            VecInst::Four { dst, a, b, c, .. } => {
                visitor.use_(a);
                visitor.use_(b);
                visitor.use_(c);
                visitor.def(dst);
            }
            VecInst::Shift { dst, src, amount, .. } => {
                visitor.use_(src);
                if let Amount::Reg(reg) = amount {
                    visitor.use_(reg);
                }
                visitor.def(dst);
            }
            VecInst::Put { dst, old, src, .. } => {
                let index = visitor.use_(old);
                visitor.use_(src);
                visitor.def_reuse(dst, index);
            }
            VecInst::Const { dst, .. } => {
                visitor.def(dst);
            }
            VecInst::Load { dst, mem, .. } => {
                mem.visit(visitor);
                visitor.def(dst);
            }
            VecInst::Store { src, mem, .. } => {
                mem.visit(visitor);
                visitor.use_(src);
            }
        }
    }
}

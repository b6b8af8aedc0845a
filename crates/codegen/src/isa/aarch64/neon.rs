//! The table of vector instructions, by shape, and their words.
//!
//! A row's number is the word with all fields zero, in the form of 64 bits and bytes,
//! or single precision; the arrangement adds the rest. Scalars use the instructions
//! on bits as well: what they do to other lanes does not matter.

use super::ops::table;
use crate::reg::Reg;
use crate::vcode::OperandVisitor;

/// How a register is divided into lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Arr {
    B8,
    B16,
    H4,
    H8,
    S2,
    S4,
    D2,
}

impl Arr {
    /// All of them with their names.
    #[cfg(test)]
    pub const ALL: [(Arr, &'static str); 7] = [
        (Arr::B8, "8b"),
        (Arr::B16, "16b"),
        (Arr::H4, "4h"),
        (Arr::H8, "8h"),
        (Arr::S2, "2s"),
        (Arr::S4, "4s"),
        (Arr::D2, "2d"),
    ];

    /// All 16 bytes in lanes of which `size` is the logarithm in bytes.
    pub fn full(size: u8) -> Arr {
        [Arr::B16, Arr::H8, Arr::S4, Arr::D2][usize::from(size & 3)]
    }

    /// The lower 8 bytes in such lanes, of up to four bytes.
    pub fn half(size: u8) -> Arr {
        [Arr::B8, Arr::H4, Arr::S2, Arr::D2][usize::from(size & 3)]
    }

    /// The logarithm of a lane's bytes.
    pub fn size(self) -> u8 {
        match self {
            Arr::B8 | Arr::B16 => 0,
            Arr::H4 | Arr::H8 => 1,
            Arr::S2 | Arr::S4 => 2,
            Arr::D2 => 3,
        }
    }

    fn q(self) -> u32 {
        u32::from(matches!(self, Arr::B16 | Arr::H8 | Arr::S4 | Arr::D2)) << 30
    }

    fn int_fields(self) -> u32 {
        self.q() | u32::from(self.size()) << 22
    }

    /// The precision is one bit, and the other belongs to the operation.
    fn float_fields(self) -> u32 {
        self.q() | u32::from(self == Arr::D2) << 22
    }
}

table! {
    /// `dst = n op m` on integer lanes.
    V3Op {
        Add      "add"      0x0e20_8400;
        Sub      "sub"      0x2e20_8400;
        Mul      "mul"      0x0e20_9c00;
        Smax     "smax"     0x0e20_6400;
        Smin     "smin"     0x0e20_6c00;
        Umax     "umax"     0x2e20_6400;
        Umin     "umin"     0x2e20_6c00;
        Sqadd    "sqadd"    0x0e20_0c00;
        Uqadd    "uqadd"    0x2e20_0c00;
        Sqsub    "sqsub"    0x0e20_2c00;
        Uqsub    "uqsub"    0x2e20_2c00;
        Urhadd   "urhadd"   0x2e20_1400;
        Sqrdmulh "sqrdmulh" 0x2e20_b400;
        Cmeq     "cmeq"     0x2e20_8c00;
        Cmgt     "cmgt"     0x0e20_3400;
        Cmge     "cmge"     0x0e20_3c00;
        Cmhi     "cmhi"     0x2e20_3400;
        Cmhs     "cmhs"     0x2e20_3c00;
        Cmtst    "cmtst"    0x0e20_8c00;
        Sshl     "sshl"     0x0e20_4400;
        Ushl     "ushl"     0x2e20_4400;
        Addp     "addp"     0x0e20_bc00;
        Umaxp    "umaxp"    0x2e20_a400;
        Uzp1     "uzp1"     0x0e00_1800;
        Uzp2     "uzp2"     0x0e00_5800;
        Trn1     "trn1"     0x0e00_2800;
        Trn2     "trn2"     0x0e00_6800;
        Zip1     "zip1"     0x0e00_3800;
        Zip2     "zip2"     0x0e00_7800;
    }
}

table! {
    /// `dst = n op m` on bits; lanes do not matter.
    VBitOp {
        And "and" 0x0e20_1c00;
        Bic "bic" 0x0e60_1c00;
        Orr "orr" 0x0ea0_1c00;
        Orn "orn" 0x0ee0_1c00;
        Eor "eor" 0x2e20_1c00;
    }
}

table! {
    /// `dst = n op m` on float lanes.
    VFloatOp {
        Fadd  "fadd"  0x0e20_d400;
        Fsub  "fsub"  0x0ea0_d400;
        Fmul  "fmul"  0x2e20_dc00;
        Fdiv  "fdiv"  0x2e20_fc00;
        Fmax  "fmax"  0x0e20_f400;
        Fmin  "fmin"  0x0ea0_f400;
        Fcmeq "fcmeq" 0x0e20_e400;
        Fcmge "fcmge" 0x2e20_e400;
        Fcmgt "fcmgt" 0x2ea0_e400;
    }
}

table! {
    /// Bits of `n` where `dst` has ones, else of `m`.
    VSelectOp {
        Bsl "bsl" 0x2e60_1c00;
    }
}

table! {
    /// `dst += n * m`, or `dst -= n * m`, on float lanes with one rounding.
    VFmaOp {
        Fmla "fmla" 0x0e20_cc00;
        Fmls "fmls" 0x0ea0_cc00;
    }
}

table! {
    /// `dst = n * m`, in lanes of twice the size; of all 16 bytes their upper half.
    VLongOp {
        Smull "smull" 0x0e20_c000;
        Umull "umull" 0x2e20_c000;
    }
}

table! {
    /// As [`VLongOp`], added to `dst`.
    VLongAccOp {
        Umlal "umlal" 0x2e20_8000;
    }
}

table! {
    /// `dst = op n` on integer lanes; comparisons are with zero.
    V2Op {
        Cnt    "cnt"    0x0e20_5800;
        Not    "not"    0x2e20_5800;
        Neg    "neg"    0x2e20_b800;
        Abs    "abs"    0x0e20_b800;
        Rev64  "rev64"  0x0e20_0800;
        Rev32  "rev32"  0x2e20_0800;
        Rev16  "rev16"  0x0e20_1800;
        Cmeq0  "cmeq"   0x0e20_9800;
        Cmge0  "cmge"   0x2e20_8800;
        Cmgt0  "cmgt"   0x0e20_8800;
        Cmle0  "cmle"   0x2e20_9800;
        Cmlt0  "cmlt"   0x0e20_a800;
        Saddlp "saddlp" 0x0e20_2800;
        Uaddlp "uaddlp" 0x2e20_2800;
    }
}

table! {
    /// `dst = op n` on float lanes, or between them and integers.
    VFloat2Op {
        Fneg   "fneg"   0x2ea0_f800;
        Fabs   "fabs"   0x0ea0_f800;
        Fsqrt  "fsqrt"  0x2ea1_f800;
        Frintn "frintn" 0x0e21_8800;
        Frintm "frintm" 0x0e21_9800;
        Frintp "frintp" 0x0ea1_8800;
        Frintz "frintz" 0x0ea1_9800;
        Fcvtzs "fcvtzs" 0x0ea1_b800;
        Fcvtzu "fcvtzu" 0x2ea1_b800;
        Scvtf  "scvtf"  0x0e21_d800;
        Ucvtf  "ucvtf"  0x2e21_d800;
    }
}

table! {
    /// Lanes made half as wide; the arrangement is the result's: of 8 bytes, or of 16
    /// whose lower half stays as it was.
    VNarrowOp {
        Xtn    "xtn"    0x0e21_2800;
        Sqxtn  "sqxtn"  0x0e21_4800;
        Sqxtun "sqxtun" 0x2e21_2800;
        Uqxtn  "uqxtn"  0x2e21_4800;
    }
}

table! {
    /// All lanes to one.
    VAcrossOp {
        Addv   "addv"   0x0e31_b800;
        Uminv  "uminv"  0x2e31_a800;
    }
}

table! {
    /// Shifts by a constant. The long ones take lanes of the arrangement, half of the
    /// register, and make those of twice the size.
    VShiftOp {
        Sshr  "sshr"  0x0f00_0400;
        Ushr  "ushr"  0x2f00_0400;
        Shl   "shl"   0x0f00_5400;
        Sshll "sshll" 0x0f00_a400;
        Ushll "ushll" 0x2f00_a400;
    }
}

/// A vector instruction. `acc` is what `dst` holds before.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum VecInst {
    V3 {
        op: V3Op,
        arr: Arr,
        dst: Reg,
        n: Reg,
        m: Reg,
    },
    Bits {
        op: VBitOp,
        dst: Reg,
        n: Reg,
        m: Reg,
    },
    Float {
        op: VFloatOp,
        arr: Arr,
        dst: Reg,
        n: Reg,
        m: Reg,
    },
    Select {
        op: VSelectOp,
        dst: Reg,
        acc: Reg,
        n: Reg,
        m: Reg,
    },
    Fma {
        op: VFmaOp,
        arr: Arr,
        dst: Reg,
        acc: Reg,
        n: Reg,
        m: Reg,
    },
    Long {
        op: VLongOp,
        arr: Arr,
        dst: Reg,
        n: Reg,
        m: Reg,
    },
    LongAcc {
        op: VLongAccOp,
        arr: Arr,
        dst: Reg,
        acc: Reg,
        n: Reg,
        m: Reg,
    },
    V2 {
        op: V2Op,
        arr: Arr,
        dst: Reg,
        n: Reg,
    },
    Float2 {
        op: VFloat2Op,
        arr: Arr,
        dst: Reg,
        n: Reg,
    },
    Narrow {
        op: VNarrowOp,
        arr: Arr,
        dst: Reg,
        n: Reg,
    },
    NarrowHigh {
        op: VNarrowOp,
        arr: Arr,
        dst: Reg,
        acc: Reg,
        n: Reg,
    },
    Across {
        op: VAcrossOp,
        arr: Arr,
        dst: Reg,
        n: Reg,
    },
    Shift {
        op: VShiftOp,
        arr: Arr,
        dst: Reg,
        n: Reg,
        amount: u8,
    },
    /// Shift left, and insert below what is there.
    Sli {
        arr: Arr,
        dst: Reg,
        acc: Reg,
        n: Reg,
        amount: u8,
    },
    /// Two or four floats to the other precision: the lower half, or from two doubles.
    Fcvtl {
        dst: Reg,
        n: Reg,
    },
    Fcvtn {
        dst: Reg,
        n: Reg,
    },
    /// An integer register in every lane.
    Dup {
        arr: Arr,
        dst: Reg,
        n: Reg,
    },
    /// A lane in every lane.
    DupLane {
        arr: Arr,
        dst: Reg,
        n: Reg,
        lane: u8,
    },
    /// A lane as a scalar; `size` is the logarithm of its bytes.
    Lane {
        size: u8,
        dst: Reg,
        n: Reg,
        lane: u8,
    },
    /// An integer register into a lane.
    Ins {
        size: u8,
        dst: Reg,
        acc: Reg,
        n: Reg,
        lane: u8,
    },
    /// A lane into a lane.
    InsLane {
        size: u8,
        dst: Reg,
        acc: Reg,
        n: Reg,
        lane: u8,
        from: u8,
    },
    /// A lane to an integer register, zero-extended.
    Umov {
        size: u8,
        dst: Reg,
        n: Reg,
        lane: u8,
    },
    /// A lane of one or two bytes to an integer register, sign-extended to 32 bits, or
    /// one of up to four to 64.
    Smov {
        size: u8,
        wide: bool,
        dst: Reg,
        n: Reg,
        lane: u8,
    },
    /// Bytes from `at` on of `n` followed by `m`.
    Ext {
        dst: Reg,
        n: Reg,
        m: Reg,
        at: u8,
    },
    /// Bytes of `n` by the numbers in `m`; zero if beyond.
    Tbl {
        dst: Reg,
        n: Reg,
        m: Reg,
    },
    /// As `Tbl`, where what is beyond stays.
    Tbx {
        dst: Reg,
        acc: Reg,
        n: Reg,
        m: Reg,
    },
    /// A constant; a load where there is no simpler way.
    Const {
        dst: Reg,
        bits: u128,
    },
    /// A scalar of memory in every lane, from an address in a register.
    LoadSplat {
        arr: Arr,
        dst: Reg,
        addr: Reg,
        trap: Option<sidetrack_artifact::TrapCode>,
    },
}

impl VecInst {
    /// Shows the registers.
    pub fn visit(&mut self, visitor: &mut impl OperandVisitor) {
        match self {
            VecInst::V3 { dst, n, m, .. }
            | VecInst::Bits { dst, n, m, .. }
            | VecInst::Float { dst, n, m, .. }
            | VecInst::Long { dst, n, m, .. }
            | VecInst::Ext { dst, n, m, .. }
            | VecInst::Tbl { dst, n, m } => {
                visitor.use_(n);
                visitor.use_(m);
                visitor.def(dst);
            }
            VecInst::Select { dst, acc, n, m, .. }
            | VecInst::Fma { dst, acc, n, m, .. }
            | VecInst::LongAcc { dst, acc, n, m, .. }
            | VecInst::Tbx { dst, acc, n, m } => {
                let index = visitor.use_(acc);
                visitor.use_(n);
                visitor.use_(m);
                visitor.def_reuse(dst, index);
            }
            VecInst::NarrowHigh { dst, acc, n, .. }
            | VecInst::Sli { dst, acc, n, .. }
            | VecInst::Ins { dst, acc, n, .. }
            | VecInst::InsLane { dst, acc, n, .. } => {
                let index = visitor.use_(acc);
                visitor.use_(n);
                visitor.def_reuse(dst, index);
            }
            VecInst::V2 { dst, n, .. }
            | VecInst::Float2 { dst, n, .. }
            | VecInst::Narrow { dst, n, .. }
            | VecInst::Across { dst, n, .. }
            | VecInst::Shift { dst, n, .. }
            | VecInst::Fcvtl { dst, n }
            | VecInst::Fcvtn { dst, n }
            | VecInst::Dup { dst, n, .. }
            | VecInst::DupLane { dst, n, .. }
            | VecInst::Lane { dst, n, .. }
            | VecInst::Umov { dst, n, .. }
            | VecInst::Smov { dst, n, .. }
            | VecInst::LoadSplat { dst, addr: n, .. } => {
                visitor.use_(n);
                visitor.def(dst);
            }
            VecInst::Const { dst, .. } => {
                visitor.def(dst);
            }
        }
    }

    /// The instruction's word; of a constant none.
    pub fn word(&self) -> Option<u32> {
        let three = |base: u32, dst: Reg, n: Reg, m: Reg| base | reg(m) << 16 | reg(n) << 5 | reg(dst);
        let two = |base: u32, dst: Reg, n: Reg| base | reg(n) << 5 | reg(dst);
        Some(match *self {
            VecInst::V3 { op, arr, dst, n, m } => three(op.bits() | arr.int_fields(), dst, n, m),
            VecInst::Bits { op, dst, n, m } => three(op.bits() | 1 << 30, dst, n, m),
            VecInst::Float { op, arr, dst, n, m } => three(op.bits() | arr.float_fields(), dst, n, m),
            VecInst::Select { op, dst, n, m, .. } => three(op.bits() | 1 << 30, dst, n, m),
            VecInst::Fma { op, arr, dst, n, m, .. } => three(op.bits() | arr.float_fields(), dst, n, m),
            VecInst::Long { op, arr, dst, n, m } => three(op.bits() | arr.int_fields(), dst, n, m),
            VecInst::LongAcc { op, arr, dst, n, m, .. } => three(op.bits() | arr.int_fields(), dst, n, m),
            VecInst::V2 { op, arr, dst, n } => two(op.bits() | arr.int_fields(), dst, n),
            VecInst::Float2 { op, arr, dst, n } => two(op.bits() | arr.float_fields(), dst, n),
            VecInst::Narrow { op, arr, dst, n } | VecInst::NarrowHigh { op, arr, dst, n, .. } => {
                two(op.bits() | arr.int_fields(), dst, n)
            }
            VecInst::Across { op, arr, dst, n } => two(op.bits() | arr.int_fields(), dst, n),
            VecInst::Shift { op, arr, dst, n, amount } => {
                let (bits, amount) = (8 << arr.size(), u32::from(amount));
                let right = matches!(op, VShiftOp::Sshr | VShiftOp::Ushr);
                let field = if right { 2 * bits - amount } else { bits + amount };
                two(op.bits() | arr.q() | field << 16, dst, n)
            }
            VecInst::Sli { arr, dst, n, amount, .. } => {
                let field = (8 << arr.size()) + u32::from(amount);
                two(0x2f00_5400 | arr.q() | field << 16, dst, n)
            }
            VecInst::Fcvtl { dst, n } => two(0x0e61_7800, dst, n),
            VecInst::Fcvtn { dst, n } => two(0x0e61_6800, dst, n),
            VecInst::Dup { arr, dst, n } => two(0x0e00_0c00 | arr.q() | lane_field(arr.size(), 0), dst, n),
            VecInst::DupLane { arr, dst, n, lane } => {
                two(0x0e00_0400 | arr.q() | lane_field(arr.size(), lane), dst, n)
            }
            VecInst::Lane { size, dst, n, lane } => two(0x5e00_0400 | lane_field(size, lane), dst, n),
            VecInst::Ins { size, dst, n, lane, .. } => two(0x4e00_1c00 | lane_field(size, lane), dst, n),
            VecInst::InsLane { size, dst, n, lane, from, .. } => {
                let from = (u32::from(from) << size) << 11;
                two(0x6e00_0400 | lane_field(size, lane) | from, dst, n)
            }
            VecInst::Umov { size, dst, n, lane } => {
                let q = u32::from(size == 3) << 30;
                two(0x0e00_3c00 | q | lane_field(size, lane), dst, n)
            }
            VecInst::Smov { size, wide, dst, n, lane } => {
                two(0x0e00_2c00 | u32::from(wide) << 30 | lane_field(size, lane), dst, n)
            }
            VecInst::Ext { dst, n, m, at } => three(0x6e00_0000 | u32::from(at) << 11, dst, n, m),
            VecInst::Tbl { dst, n, m } => three(0x4e00_0000, dst, n, m),
            VecInst::Tbx { dst, n, m, .. } => three(0x4e00_1000, dst, n, m),
            VecInst::LoadSplat { arr, dst, addr, .. } => {
                two(0x0d40_c000 | arr.q() | u32::from(arr.size()) << 10, dst, addr)
            }
            VecInst::Const { .. } => return None,
        })
    }
}

fn reg(reg: Reg) -> u32 {
    u32::from(reg.hw_enc())
}

/// A lane's number and size.
fn lane_field(size: u8, lane: u8) -> u32 {
    ((u32::from(lane) << 1 | 1) << size) << 16
}

/// The word that makes a constant in all 16 bytes of register `dst`, if there is one.
pub fn const_word(dst: u8, bits: u128) -> Option<u32> {
    let low = bits as u64;
    if u128::from(low) << 64 | u128::from(low) != bits {
        return None;
    }
    // op, cmode and the eight bits of the constant
    let word = |op: u32, cmode: u32, imm: u64| {
        let imm = imm as u32;
        0x4f00_0400 | op << 29 | (imm >> 5) << 16 | cmode << 12 | (imm & 31) << 5 | u32::from(dst)
    };
    if low == (low & 0xff) * 0x0101_0101_0101_0101 {
        return Some(word(0, 0xe, low & 0xff));
    }
    // Every byte all ones or zero.
    if (0..8).all(|n| matches!(low >> (8 * n) & 0xff, 0 | 0xff)) {
        let imm = (0..8).fold(0, |imm, n| imm | (low >> (8 * n) & 1) << n);
        return Some(word(1, 0xe, imm));
    }
    let word32 = low as u32;
    if low == u64::from(word32) * 0x1_0000_0001 {
        for (op, value) in [(0, word32), (1, !word32)] {
            for shift in 0..4 {
                if value & !(0xff << (8 * shift)) == 0 {
                    return Some(word(op, shift << 1, u64::from(value >> (8 * shift))));
                }
            }
        }
        let half = word32 as u16;
        if word32 == u32::from(half) * 0x1_0001 {
            for (op, value) in [(0, half), (1, !half)] {
                for shift in 0..2 {
                    if value & !(0xff << (8 * shift)) == 0 {
                        return Some(word(op, 8 | shift << 1, u64::from(value >> (8 * shift))));
                    }
                }
            }
        }
        if let Some(imm) = super::encode::float_imm8(word32.into(), false) {
            return Some(word(0, 0xf, imm.into()));
        }
    }
    super::encode::float_imm8(low, true).map(|imm| word(1, 0xf, imm.into()))
}

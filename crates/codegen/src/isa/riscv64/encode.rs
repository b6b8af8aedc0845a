//! From an instruction and its operands to a word.

use super::inst::Fixup;
use super::ops::{Op, Shape};
use crate::buffer::Buffer;

/// The buffer of this target.
pub type Buf = Buffer<Fixup>;

/// Rounding modes.
pub const RNE: u8 = 0;
pub const RTZ: u8 = 1;
pub const RDN: u8 = 2;
pub const RUP: u8 = 3;

fn rd(n: u8) -> u32 {
    u32::from(n) << 7
}

fn rs1(n: u8) -> u32 {
    u32::from(n) << 15
}

fn rs2(n: u8) -> u32 {
    u32::from(n) << 20
}

/// Whether a number fits in 12 bits with sign.
pub fn fits12(imm: i64) -> bool {
    (-2048..2048).contains(&imm)
}

fn imm12(imm: i32) -> u32 {
    debug_assert!(fits12(imm.into()));
    (imm as u32) << 20
}

/// Bits of a branch's displacement.
pub fn branch_bits(by: i32) -> u32 {
    debug_assert!((-4096..4096).contains(&by) && by % 2 == 0);
    let by = by as u32;
    (by >> 12 & 1) << 31 | (by >> 5 & 0x3f) << 25 | (by >> 1 & 0xf) << 8 | (by >> 11 & 1) << 7
}

/// Bits of a jump's displacement.
pub fn jump_bits(by: i32) -> u32 {
    debug_assert!((-(1 << 20)..1 << 20).contains(&by) && by % 2 == 0);
    let by = by as u32;
    (by >> 20 & 1) << 31 | (by >> 1 & 0x3ff) << 21 | (by >> 11 & 1) << 20 | (by >> 12 & 0xff) << 12
}

/// Bits of a store's offset.
fn store_bits(imm: i32) -> u32 {
    debug_assert!(fits12(imm.into()));
    let imm = imm as u32;
    (imm >> 5 & 0x7f) << 25 | (imm & 0x1f) << 7
}

/// A distance as the immediate of `auipc` and the offset of the instruction after
/// it.
pub fn split(by: i32) -> (u32, i32) {
    let low = by << 20 >> 20;
    (by.wrapping_sub(low) as u32 >> 12, low)
}

/// An instruction with a destination and two sources; the last source is ignored
/// where the shape has one only. The rounding mode is to nearest.
pub fn three(op: Op, d: u8, a: u8, b: u8) -> u32 {
    let base = op.bits() | rd(d) | rs1(a);
    match op.shape() {
        Shape::Xxx | Shape::Fff | Shape::FffR | Shape::Xff | Shape::Amo => base | rs2(b),
        Shape::Xx | Shape::Xf | Shape::Fx | Shape::Ff | Shape::FfR | Shape::XfR | Shape::FxR | Shape::Lr => {
            base
        }
        shape => unreachable!("{op:?} is of the shape {shape:?}"),
    }
}

/// An instruction with a destination, a source and a rounding mode.
pub fn rounded(op: Op, d: u8, a: u8, mode: u8) -> u32 {
    debug_assert!(matches!(op.shape(), Shape::FfR | Shape::XfR | Shape::FxR));
    three(op, d, a, 0) | u32::from(mode) << 12
}

/// An instruction with three sources.
pub fn four(op: Op, d: u8, a: u8, b: u8, c: u8) -> u32 {
    debug_assert_eq!(op.shape(), Shape::FfffR);
    op.bits() | rd(d) | rs1(a) | rs2(b) | u32::from(c) << 27
}

/// An instruction with a destination, a source and a constant; also loads and
/// stores, whose source is the base and whose destination may be what is stored.
pub fn imm(op: Op, d: u8, a: u8, value: i32) -> u32 {
    match op.shape() {
        Shape::Xxi | Shape::Jalr | Shape::XLoad | Shape::FLoad => op.bits() | rd(d) | rs1(a) | imm12(value),
        Shape::Xx6 | Shape::Xx5 => {
            debug_assert!((0..if op.shape() == Shape::Xx6 { 64 } else { 32 }).contains(&value));
            op.bits() | rd(d) | rs1(a) | (value as u32) << 20
        }
        Shape::XStore | Shape::FStore => op.bits() | rs2(d) | rs1(a) | store_bits(value),
        shape => unreachable!("{op:?} is of the shape {shape:?}"),
    }
}

/// `lui` or `auipc` with the upper 20 bits.
pub fn upper(op: Op, d: u8, value: u32) -> u32 {
    debug_assert!(op.shape() == Shape::Xu && value < 1 << 20);
    op.bits() | rd(d) | value << 12
}

/// A branch over a known distance, or one to be filled in.
pub fn branch(op: Op, a: u8, b: u8, by: i32) -> u32 {
    debug_assert_eq!(op.shape(), Shape::Branch);
    op.bits() | rs1(a) | rs2(b) | branch_bits(by)
}

/// `jal` over a known distance, or one to be filled in.
pub fn jal(d: u8, by: i32) -> u32 {
    Op::Jal.bits() | rd(d) | jump_bits(by)
}

/// A vector instruction: `d` is the destination, `b` the field of the second source,
/// `a` that of the first, which may be a constant of 5 bits.
pub fn vector(op: Op, d: u8, b: u8, a: u8) -> u32 {
    op.bits() | rd(d) | rs2(b) | rs1(a & 31)
}

/// `vsetivli`: so many elements of a vector type.
pub fn vector_set(count: u8, vtype: u32) -> u32 {
    debug_assert!(count < 32 && vtype < 1 << 10);
    Op::Vsetivli.bits() | rs1(count) | vtype << 20
}

/// Writes 5 bits to a control register.
pub fn control(op: Op, value: u8) -> u32 {
    debug_assert_eq!(op.shape(), Shape::Csr);
    op.bits() | rs1(value)
}

/// Appending instructions.
pub trait Enc {
    /// Appends a word.
    fn word(&mut self, word: u32);

    /// Appends [`three`].
    fn three(&mut self, op: Op, d: u8, a: u8, b: u8) {
        self.word(three(op, d, a, b));
    }

    /// Appends [`imm`].
    fn imm(&mut self, op: Op, d: u8, a: u8, value: i32) {
        self.word(imm(op, d, a, value));
    }

    /// Appends an instruction without operands.
    fn plain(&mut self, op: Op) {
        debug_assert_eq!(op.shape(), Shape::None);
        self.word(op.bits());
    }
}

impl Enc for Buf {
    fn word(&mut self, word: u32) {
        self.put(&word.to_le_bytes());
    }
}

/// A step of making a constant; the first one's source is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The upper 20 bits.
    Upper(u32),
    /// An instruction with a constant.
    Imm(Op, i32),
}

/// The steps that make a constant in a register.
pub fn constant_steps(value: i64) -> smallvec::SmallVec<[Step; 8]> {
    let mut steps = smallvec::SmallVec::new();
    push_steps(value, &mut steps);
    let zeros = value.leading_zeros();
    if zeros > 0 && steps.len() > 2 {
        // A positive number may be simpler with its leading zeros made ones, or
        // shifted out.
        for low in [u64::MAX >> (64 - zeros), 0] {
            let mut other = smallvec::SmallVec::new();
            push_steps(((value as u64) << zeros | low) as i64, &mut other);
            other.push(Step::Imm(Op::Srli, zeros as i32));
            if other.len() < steps.len() {
                steps = other;
            }
        }
    }
    steps
}

fn push_steps(value: i64, steps: &mut smallvec::SmallVec<[Step; 8]>) {
    if fits12(value) {
        return steps.push(Step::Imm(Op::Addi, value as i32));
    }
    let low = value << 52 >> 52;
    if i32::try_from(value).is_ok() {
        steps.push(Step::Upper((value.wrapping_sub(low) >> 12) as u32 & 0xf_ffff));
        if low != 0 {
            steps.push(Step::Imm(Op::Addiw, low as i32));
        }
        return;
    }
    let high = value.wrapping_sub(low) >> 12;
    let zeros = high.trailing_zeros();
    push_steps(high >> zeros, steps);
    steps.push(Step::Imm(Op::Slli, 12 + zeros as i32));
    if low != 0 {
        steps.push(Step::Imm(Op::Addi, low as i32));
    }
}

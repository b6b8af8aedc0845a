//! From an instruction and its operands to bytes.

use super::inst::Fixup;
use super::ops::{Format, Op};
use crate::buffer::Buffer;

/// The buffer of this target.
pub type Buf = Buffer<Fixup>;

/// Rounding modes of instructions that have one.
pub const NEAREST: u8 = 4;
pub const TO_ZERO: u8 = 5;
pub const UP: u8 = 6;
pub const DOWN: u8 = 7;

/// The modifier of instructions that round: no exception for an inexact result.
const QUIET: u8 = 4;

/// A condition that always holds.
pub const ALWAYS: u8 = 15;

/// The bytes of one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    bytes: [u8; 6],
    len: u8,
}

impl Code {
    /// The instruction in the low `len` bytes of a number.
    pub const fn new(bits: u64, len: u8) -> Code {
        let [_, _, bytes @ ..] = (bits << (48 - 8 * len as u32)).to_be_bytes();
        Code { bytes, len }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len.into()]
    }
}

/// The opcode of an instruction of 6 bytes that has its last byte at the end.
fn outer(op: Op) -> u64 {
    let opcode = u64::from(op.opcode());
    opcode >> 8 << 40 | opcode & 0xff
}

/// The opcode of an instruction of 4 bytes with all of it in front, or of one that has
/// its last digit behind the first register.
fn front(op: Op) -> u64 {
    let opcode = u64::from(op.opcode());
    match op.format() {
        Format::Ri | Format::RiU | Format::RiB => (opcode >> 4 << 8 | opcode & 15) << 16,
        Format::Ril | Format::RilU | Format::RilP | Format::RilB => (opcode >> 4 << 8 | opcode & 15) << 32,
        _ => opcode << 16,
    }
}

fn wrong(op: Op) -> ! {
    unreachable!("{op:?} is of the format {:?}", op.format())
}

/// The bits of a number from its first on, in a field of an instruction.
fn at(value: u8, shift: u32) -> u64 {
    u64::from(value) << shift
}

/// Whether a number fits in 16 bits with sign.
pub fn fits16(imm: i64) -> bool {
    i16::try_from(imm).is_ok()
}

/// Whether an offset from a base fits an instruction with 20 bits.
pub fn fits20(offset: i64) -> bool {
    (-(1 << 19)..1 << 19).contains(&offset)
}

/// Whether it fits one with 12.
pub fn fits12(offset: i64) -> bool {
    (0..1 << 12).contains(&offset)
}

/// An instruction with two registers; the second is 0 where there is one only.
pub fn two(op: Op, a: u8, b: u8) -> Code {
    match op.format() {
        Format::Rr => Code::new(u64::from(op.opcode()) << 8 | at(a, 4) | at(b, 0), 2),
        Format::Re | Format::Rre => Code::new(front(op) | at(a, 4) | at(b, 0), 4),
        _ => wrong(op),
    }
}

/// An instruction with three registers, in the assembler's order.
pub fn three(op: Op, a: u8, b: u8, c: u8) -> Code {
    let bits = match op.format() {
        Format::RrfA => at(c, 12) | at(a, 4) | at(b, 0),
        Format::RrfB => at(b, 12) | at(a, 4) | at(c, 0),
        Format::Rrd => at(a, 12) | at(b, 4) | at(c, 0),
        _ => wrong(op),
    };
    Code::new(front(op) | bits, 4)
}

/// A copy under a condition, or an operation of the kind that a mask says.
pub fn conditional(op: Op, a: u8, b: u8, mask: u8) -> Code {
    match op.format() {
        Format::RrfC | Format::RrfM => Code::new(front(op) | at(mask, 12) | at(a, 4) | at(b, 0), 4),
        _ => wrong(op),
    }
}

/// A conversion or rounding.
pub fn rounded(op: Op, a: u8, mode: u8, b: u8) -> Code {
    match op.format() {
        Format::RrfE => Code::new(front(op) | at(mode, 12) | at(QUIET, 8) | at(a, 4) | at(b, 0), 4),
        _ => wrong(op),
    }
}

/// An instruction with a register and a constant.
pub fn imm(op: Op, a: u8, value: i64) -> Code {
    let bits = |fits: bool, mask: u64| {
        debug_assert!(fits, "{op:?} {value}");
        value as u64 & mask
    };
    match op.format() {
        Format::Ri => Code::new(front(op) | at(a, 20) | bits(fits16(value), 0xffff), 4),
        Format::RiU => Code::new(front(op) | at(a, 20) | bits(u16::try_from(value).is_ok(), 0xffff), 4),
        Format::Ril => Code::new(front(op) | at(a, 36) | bits(i32::try_from(value).is_ok(), 0xffff_ffff), 6),
        Format::RilU => Code::new(front(op) | at(a, 36) | bits(u32::try_from(value).is_ok(), 0xffff_ffff), 6),
        _ => wrong(op),
    }
}

/// A constant under a condition.
pub fn conditional_imm(op: Op, a: u8, value: i16, mask: u8) -> Code {
    match op.format() {
        Format::RieG => Code::new(outer(op) | at(a, 36) | at(mask, 32) | u64::from(value as u16) << 16, 6),
        _ => wrong(op),
    }
}

/// Bits `start` to `end`, counted from the highest, of the second register rotated left;
/// the others are zero if `zero`, else those of the first register.
pub fn rotated(op: Op, a: u8, b: u8, start: u8, end: u8, zero: bool, by: u8) -> Code {
    debug_assert!(start < 64 && end < 64 && by < 64);
    match op.format() {
        Format::RieF => {
            let end = end | u8::from(zero) << 7;
            Code::new(outer(op) | at(a, 36) | at(b, 32) | at(start, 24) | at(end, 16) | at(by, 8), 6)
        }
        _ => wrong(op),
    }
}

/// Base and offset with 20 bits, as they are in instructions of 6 bytes.
fn long_offset(op: Op, base: u8, offset: i32) -> u64 {
    debug_assert!(fits20(offset.into()), "{op:?} {offset}");
    let offset = offset as u64;
    at(base, 28) | (offset & 0xfff) << 16 | (offset >> 12 & 0xff) << 8
}

fn short_offset(op: Op, base: u8, offset: i32) -> u64 {
    debug_assert!(fits12(offset.into()), "{op:?} {offset}");
    at(base, 12) | offset as u64
}

/// An instruction with a register and an address; index 0 is none.
pub fn memory(op: Op, a: u8, index: u8, base: u8, offset: i32) -> Code {
    match op.format() {
        Format::Rx => {
            let opcode = u64::from(op.opcode()) << 24;
            Code::new(opcode | at(a, 20) | at(index, 16) | short_offset(op, base, offset), 4)
        }
        Format::Rxy => Code::new(outer(op) | at(a, 36) | at(index, 32) | long_offset(op, base, offset), 6),
        _ => wrong(op),
    }
}

/// An instruction with two registers and an address, or an amount to shift by.
pub fn registers_memory(op: Op, a: u8, b: u8, base: u8, offset: i32) -> Code {
    match op.format() {
        Format::Rs => {
            let opcode = u64::from(op.opcode()) << 24;
            Code::new(opcode | at(a, 20) | at(b, 16) | short_offset(op, base, offset), 4)
        }
        Format::Rsy => Code::new(outer(op) | at(a, 36) | at(b, 32) | long_offset(op, base, offset), 6),
        _ => wrong(op),
    }
}

/// An instruction with a register or condition and a distance, which is to be filled in.
pub fn distant(op: Op, a: u8) -> Code {
    match op.format() {
        Format::RiB => Code::new(front(op) | at(a, 20), 4),
        Format::RilB | Format::RilP => Code::new(front(op) | at(a, 36), 6),
        _ => wrong(op),
    }
}

/// A branch under a condition over so many bytes from its start.
pub fn brc(mask: u8, by: i32) -> Code {
    debug_assert!(by % 2 == 0 && fits16((by / 2).into()));
    Code::new(front(Op::Brc) | at(mask, 20) | u64::from((by / 2) as u16), 4)
}

/// A comparison of two registers with a branch, whose distance is to be filled in.
pub fn compare_branch(op: Op, a: u8, b: u8, mask: u8) -> Code {
    match op.format() {
        Format::RieB => Code::new(outer(op) | at(a, 36) | at(b, 32) | at(mask & 14, 12), 6),
        _ => wrong(op),
    }
}

/// A comparison with a constant of 8 bits and a branch.
pub fn compare_imm_branch(op: Op, a: u8, value: u8, mask: u8) -> Code {
    match op.format() {
        Format::RieC | Format::RieCU => {
            Code::new(outer(op) | at(a, 36) | at(mask & 14, 32) | at(value, 8), 6)
        }
        _ => wrong(op),
    }
}

/// Appending instructions.
pub trait Enc {
    /// Appends an instruction.
    fn code(&mut self, code: Code);

    /// Appends [`two`].
    fn two(&mut self, op: Op, a: u8, b: u8) {
        self.code(two(op, a, b));
    }

    /// Appends [`imm`].
    fn imm(&mut self, op: Op, a: u8, value: i64) {
        self.code(imm(op, a, value));
    }
}

impl Enc for Buf {
    fn code(&mut self, code: Code) {
        self.put(code.bytes());
    }
}

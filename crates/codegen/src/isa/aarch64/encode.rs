//! Words: the fields of each shape of instruction, immediates, and references to
//! labels.
//!
//! Registers are numbers here. A function for each shape takes an operation of the
//! table (`ops`) and its operands; what does not fit its field is the caller's error.

use super::ops::*;
use crate::buffer::{Buffer, FixupKind};

/// Code of this target.
pub type Buf = Buffer<Fixup>;

/// Appending words.
pub trait Words {
    /// Appends an instruction.
    fn word(&mut self, word: u32);
}

impl Words for Buf {
    fn word(&mut self, word: u32) {
        self.put(&word.to_le_bytes());
    }
}

/// How a register operand is shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Shift {
    Lsl,
    Lsr,
    Asr,
}

/// How a register operand is extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Extend {
    Uxtb,
    Uxth,
    Uxtw,
    Uxtx,
    Sxtb,
    Sxth,
    Sxtw,
    Sxtx,
}

/// A constant of twelve bits, perhaps shifted by twelve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imm12 {
    bits: u16,
    high: bool,
}

impl Imm12 {
    /// The constant, if it is of this form.
    pub fn new(value: u64) -> Option<Imm12> {
        match value {
            0..=0xfff => Some(Imm12 { bits: value as u16, high: false }),
            0x1000..=0xff_f000 if value & 0xfff == 0 => {
                Some(Imm12 { bits: (value >> 12) as u16, high: true })
            }
            _ => None,
        }
    }
}

/// A constant of logical instructions: a run of ones, rotated, in fields that repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogicImm {
    /// N, immr and imms as the instruction has them.
    bits: u16,
}

impl LogicImm {
    /// The constant of this width, if it is of this form. Neither zero nor all ones is.
    pub fn new(value: u64, size: Size) -> Option<LogicImm> {
        let mut value = value;
        if size == Size::S32 {
            value &= 0xffff_ffff;
            value |= value << 32;
        }
        if value == 0 || value == u64::MAX {
            return None;
        }
        // The smallest field that repeats.
        let mut width = 64;
        while width > 2 {
            let half = width / 2;
            let mask = (1 << half) - 1;
            if value & mask != value >> half & mask {
                break;
            }
            width = half;
        }
        let mask = u64::MAX >> (64 - width);
        let field = value & mask;
        // Turned so that the run of ones is at the bottom.
        let rotate = |by: u32| if by == 0 { field } else { (field >> by | field << (width - by)) & mask };
        let start =
            (0..width).find(|&by| rotate(by) & 1 == 1 && rotate((by + width - 1) % width) & 1 == 0)?;
        let ones = rotate(start).trailing_ones();
        if ones == width || rotate(start) != (1 << ones) - 1 {
            return None;
        }
        let immr = (width - start) % width;
        let imms = (!(2 * width - 1) & 0x3f) | (ones - 1);
        let n = u16::from(width == 64);
        Some(LogicImm { bits: n << 12 | (immr as u16) << 6 | imms as u16 })
    }
}

/// A scalar float's bits as eight, if it is so simple.
pub fn float_imm8(bits: u64, wide: bool) -> Option<u8> {
    // A sign, three bits of exponent around that of 1, four bits of fraction.
    let (exponent_bits, fraction_bits) = if wide { (11, 52) } else { (8, 23) };
    let sign = bits >> (exponent_bits + fraction_bits) & 1;
    let exponent =
        (bits >> fraction_bits & ((1 << exponent_bits) - 1)) as i64 - (1 << (exponent_bits - 1)) + 1;
    let fraction = bits & ((1 << fraction_bits) - 1);
    let simple = fraction & ((1 << (fraction_bits - 4)) - 1) == 0 && (-3..=4).contains(&exponent);
    // Exponents 1 to 4 are 0 to 3, and -3 to 0 are 4 to 7.
    let exponent = (exponent - 1) as u8 & 7;
    simple.then(|| (sign << 7) as u8 | exponent << 4 | (fraction >> (fraction_bits - 4)) as u8)
}

fn sf(size: Size) -> u32 {
    u32::from(size == Size::S64) << 31
}

fn rd(n: u8) -> u32 {
    u32::from(n)
}

fn rn(n: u8) -> u32 {
    u32::from(n) << 5
}

fn rm(n: u8) -> u32 {
    u32::from(n) << 16
}

fn ra(n: u8) -> u32 {
    u32::from(n) << 10
}

/// `dst = n op (m shift amount)`
pub fn alu_shifted(op: AluOp, size: Size, dst: u8, n: u8, m: u8, shift: Shift, amount: u8) -> u32 {
    op.bits() | sf(size) | (shift as u32) << 22 | rm(m) | u32::from(amount) << 10 | rn(n) | rd(dst)
}

/// `dst = n op (extend m << amount)`, in which `dst` and `n` may be the stack pointer.
pub fn alu_extended(op: AluOp, size: Size, dst: u8, n: u8, m: u8, extend: Extend, amount: u8) -> u32 {
    let base = op.extended().unwrap_or(0);
    base | sf(size) | rm(m) | (extend as u32) << 13 | u32::from(amount) << 10 | rn(n) | rd(dst)
}

/// `dst = n op imm`, in which `n`, and `dst` if flags are left alone, may be the stack
/// pointer.
pub fn alu_imm12(op: AluOp, size: Size, dst: u8, n: u8, imm: Imm12) -> u32 {
    let imm = u32::from(imm.high) << 22 | u32::from(imm.bits) << 10;
    op.immediate().unwrap_or(0) | sf(size) | imm | rn(n) | rd(dst)
}

/// `dst = n op imm`, in which `dst` may be the stack pointer unless flags are set.
pub fn alu_logic(op: AluOp, size: Size, dst: u8, n: u8, imm: LogicImm) -> u32 {
    op.immediate().unwrap_or(0) | sf(size) | u32::from(imm.bits) << 10 | rn(n) | rd(dst)
}

/// `dst = n op m`
pub fn op2(op: Op2, size: Size, dst: u8, n: u8, m: u8) -> u32 {
    op.bits() | sf(size) | rm(m) | rn(n) | rd(dst)
}

/// `dst = op n`
pub fn op1(op: Op1, size: Size, dst: u8, n: u8) -> u32 {
    // All bytes of 64 bits reversed is another operation than of 32.
    let rev = if op == Op1::Rev && size == Size::S64 { 0x400 } else { 0 };
    (op.bits() | rev | sf(size)) | rn(n) | rd(dst)
}

/// `dst = a ± n * m`
pub fn op3(op: Op3, size: Size, dst: u8, n: u8, m: u8, a: u8) -> u32 {
    op.bits() | sf(size) | rm(m) | ra(a) | rn(n) | rd(dst)
}

/// The move of a field of bits.
pub fn bitfield(op: BitfieldOp, size: Size, dst: u8, n: u8, immr: u8, imms: u8) -> u32 {
    let wide = u32::from(size == Size::S64) << 22;
    op.bits() | sf(size) | wide | u32::from(immr) << 16 | u32::from(imms) << 10 | rn(n) | rd(dst)
}

/// `dst = (n:m) >> lsb`
pub fn extr(size: Size, dst: u8, n: u8, m: u8, lsb: u8) -> u32 {
    let wide = u32::from(size == Size::S64) << 22;
    0x1380_0000 | sf(size) | wide | rm(m) | u32::from(lsb) << 10 | rn(n) | rd(dst)
}

/// `dst = cc ? n : op m`
pub fn csel(op: CselOp, size: Size, dst: u8, n: u8, m: u8, cc: Cc) -> u32 {
    op.bits() | sf(size) | rm(m) | (cc as u32) << 12 | rn(n) | rd(dst)
}

/// Flags of `n - imm`, which is below 32, if the condition holds, else these.
pub fn ccmp_imm(size: Size, n: u8, imm: u8, nzcv: u8, cc: Cc) -> u32 {
    0x7a40_0800 | sf(size) | rm(imm) | (cc as u32) << 12 | rn(n) | u32::from(nzcv)
}

/// Sixteen bits of a constant at bit `16 * part`.
pub fn mov(op: MovOp, size: Size, dst: u8, imm: u16, part: u8) -> u32 {
    op.bits() | sf(size) | u32::from(part) << 21 | u32::from(imm) << 5 | rd(dst)
}

/// An access at `base + offset`, a multiple of its size below 4096 times that.
pub fn mem_scaled(op: MemOp, t: u8, base: u8, offset: u32) -> u32 {
    op.bits() | 0x0100_0000 | (offset >> op.scale()) << 10 | rn(base) | rd(t)
}

/// An access at `base + offset` from -256 to 255.
pub fn mem_unscaled(op: MemOp, t: u8, base: u8, offset: i32) -> u32 {
    op.bits() | (offset as u32 & 0x1ff) << 12 | rn(base) | rd(t)
}

/// An access at `base + extend index`, which is multiplied by the access's size if
/// `scaled`.
pub fn mem_index(op: MemOp, t: u8, base: u8, index: u8, extend: Extend, scaled: bool) -> u32 {
    let field = (extend as u32) << 13 | u32::from(scaled) << 12;
    op.bits() | 0x0020_0800 | rm(index) | field | rn(base) | rd(t)
}

/// A load from a label; the reference to it is a fixup.
pub fn mem_literal(op: MemOp, t: u8) -> u32 {
    let base = match op {
        MemOp::LdrX => 0x5800_0000,
        MemOp::LdrS => 0x1c00_0000,
        MemOp::LdrD => 0x5c00_0000,
        MemOp::LdrQ => 0x9c00_0000,
        _ => 0x1800_0000,
    };
    base | rd(t)
}

/// Two registers at `base + offset`, a multiple of their size.
pub fn pair(op: PairOp, t: u8, t2: u8, base: u8, offset: i32) -> u32 {
    let scale = match op {
        PairOp::StpQ | PairOp::LdpQ => 4,
        _ => 3,
    };
    op.bits() | ((offset >> scale) as u32 & 0x7f) << 15 | ra(t2) | rn(base) | rd(t)
}

/// An atomic access of 1, 2, 4 or 8 bytes, of which `width` is the logarithm.
pub fn atomic(op: AtomicOp, width: u8, t: u8, base: u8, s: u8) -> u32 {
    let s = if op == AtomicOp::Stlxr { s } else { 0 };
    op.bits() | u32::from(width) << 30 | rm(s) | rn(base) | rd(t)
}

/// An atomic change.
pub fn lse(op: LseOp, width: u8, s: u8, t: u8, base: u8) -> u32 {
    op.bits() | u32::from(width) << 30 | rm(s) | rn(base) | rd(t)
}

fn precision(wide: bool) -> u32 {
    u32::from(wide) << 22
}

/// `dst = n op m`
pub fn fp2(op: Fp2, wide: bool, dst: u8, n: u8, m: u8) -> u32 {
    op.bits() | precision(wide) | rm(m) | rn(n) | rd(dst)
}

/// `dst = op n`
pub fn fp1(op: Fp1, wide: bool, dst: u8, n: u8) -> u32 {
    op.bits() | precision(wide) | rn(n) | rd(dst)
}

/// `dst = ±a ± n * m`
pub fn fp3(op: Fp3, wide: bool, dst: u8, n: u8, m: u8, a: u8) -> u32 {
    op.bits() | precision(wide) | rm(m) | ra(a) | rn(n) | rd(dst)
}

/// `fcvt` to the other precision, of which `wide` is the result's.
pub fn fcvt(wide: bool, dst: u8, n: u8) -> u32 {
    (if wide { 0x1e22_c000 } else { 0x1e62_4000 }) | rn(n) | rd(dst)
}

/// `fcmp n, m`
pub fn fcmp(wide: bool, n: u8, m: u8) -> u32 {
    0x1e20_2000 | precision(wide) | rm(m) | rn(n)
}

/// `fcmp n, #0.0`
pub fn fcmp_zero(wide: bool, n: u8) -> u32 {
    fcmp(wide, n, 0) | 8
}

/// `dst = cc ? n : m`
pub fn fcsel(wide: bool, dst: u8, n: u8, m: u8, cc: Cc) -> u32 {
    0x1e20_0c00 | precision(wide) | rm(m) | (cc as u32) << 12 | rn(n) | rd(dst)
}

/// A simple constant; see [`float_imm8`].
pub fn fmov_imm(wide: bool, dst: u8, imm: u8) -> u32 {
    0x1e20_1000 | precision(wide) | u32::from(imm) << 13 | rd(dst)
}

/// An integer converted.
pub fn from_int(op: FromInt, size: Size, wide: bool, dst: u8, n: u8) -> u32 {
    op.bits() | sf(size) | precision(wide) | rn(n) | rd(dst)
}

/// A float converted.
pub fn to_int(op: ToInt, size: Size, wide: bool, dst: u8, n: u8) -> u32 {
    op.bits() | sf(size) | precision(wide) | rn(n) | rd(dst)
}

/// The bits of an integer register in a vector register.
pub fn fmov_from_int(size: Size, dst: u8, n: u8) -> u32 {
    0x1e27_0000 | sf(size) | precision(size == Size::S64) | rn(n) | rd(dst)
}

/// The bits of a vector register in an integer register.
pub fn fmov_to_int(size: Size, dst: u8, n: u8) -> u32 {
    0x1e26_0000 | sf(size) | precision(size == Size::S64) | rn(n) | rd(dst)
}

/// `b` to a fixup.
pub const B: u32 = 0x1400_0000;
/// `bl` to a fixup or relocation.
pub const BL: u32 = 0x9400_0000;
/// `ret`
pub const RET: u32 = 0xd65f_03c0;
/// `brk #0`
pub const BRK: u32 = 0xd420_0000;
/// `dmb ish`
pub const DMB: u32 = 0xd503_3bbf;

/// `b.cc` to a fixup.
pub fn b_cond(cc: Cc) -> u32 {
    0x5400_0000 | cc as u32
}

/// `cbz` or `cbnz` to a fixup.
pub fn cbz(size: Size, nonzero: bool, t: u8) -> u32 {
    0x3400_0000 | sf(size) | u32::from(nonzero) << 24 | rd(t)
}

/// `tbz` or `tbnz` to a fixup.
pub fn tbz(bit: u8, nonzero: bool, t: u8) -> u32 {
    let bit = u32::from(bit);
    0x3600_0000 | (bit >> 5) << 31 | u32::from(nonzero) << 24 | (bit & 31) << 19 | rd(t)
}

/// `br n`
pub fn br(n: u8) -> u32 {
    0xd61f_0000 | rn(n)
}

/// `blr n`
pub fn blr(n: u8) -> u32 {
    0xd63f_0000 | rn(n)
}

/// `adr dst` of a fixup.
pub fn adr(dst: u8) -> u32 {
    0x1000_0000 | rd(dst)
}

/// `adrp dst` of a relocation.
pub fn adrp(dst: u8) -> u32 {
    0x9000_0000 | rd(dst)
}

/// A reference to a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixup {
    /// `b`, `bl`.
    Branch26,
    /// `b.cc`, `cbz`, `cbnz`.
    Branch19,
    /// `tbz`, `tbnz`.
    Branch14,
    /// A load from a label.
    Literal,
    /// `adr`.
    Adr,
    /// An entry of a jump table, relative to its start, so many bytes before.
    Table {
        /// From the entry back to the table's start.
        back: u32,
    },
}

impl FixupKind for Fixup {
    fn max_backward(self) -> u32 {
        self.max_forward()
    }

    fn max_forward(self) -> u32 {
        match self {
            Fixup::Branch26 => (1 << 27) - 4,
            Fixup::Branch19 | Fixup::Literal | Fixup::Adr => (1 << 20) - 4,
            Fixup::Branch14 => (1 << 15) - 4,
            Fixup::Table { .. } => i32::MAX as u32,
        }
    }

    fn size(self) -> u32 {
        4
    }

    fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32) {
        let distance = label_offset.wrapping_sub(use_offset);
        let words = distance.wrapping_shr(2);
        let (mask, field) = match self {
            Fixup::Branch26 => (0x03ff_ffff, words),
            Fixup::Branch19 | Fixup::Literal => (0x00ff_ffe0, words << 5),
            Fixup::Branch14 => (0x0007_ffe0, words << 5),
            Fixup::Adr => (0x60ff_ffe0, (distance & 3) << 29 | (words & 0x7ffff) << 5),
            Fixup::Table { back } => (u32::MAX, distance.wrapping_add(back)),
        };
        let mut word = [0; 4];
        word.copy_from_slice(code);
        let word = u32::from_le_bytes(word) & !mask | field & mask;
        code.copy_from_slice(&word.to_le_bytes());
    }

    fn veneer_size(self) -> Option<u32> {
        matches!(self, Fixup::Branch26 | Fixup::Branch19 | Fixup::Branch14).then_some(4)
    }

    fn write_veneer(self, code: &mut [u8]) -> (u32, Self) {
        code.copy_from_slice(&B.to_le_bytes());
        (0, Fixup::Branch26)
    }
}

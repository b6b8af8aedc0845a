//! Instruction encoding: prefixes, opcode, ModRM and SIB.
//!
//! Every instruction here has the form *legacy or VEX prefix, opcode, ModRM,
//! immediate*. [`Op`] says what is constant about one; [`Enc`] appends it with its
//! operands. The formats are those of the Intel manual, volume 2, chapter 2.

use crate::buffer::{Buffer, FixupKind, Label, ShortForm};

/// How code refers to a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixup {
    /// 4 bytes: the distance from the end of the instruction, which is this many
    /// bytes behind the displacement.
    Rel32 {
        /// Bytes of immediate after the displacement.
        after: u8,
    },
    /// As `Rel32`, of `jmp`.
    Jump,
    /// As `Rel32`, of a conditional jump.
    JumpIf,
    /// 1 byte: the distance from the end of the instruction, which ends there. The
    /// label is near: in the same pseudo-instruction, or found to be.
    Rel8,
    /// 4 bytes: the distance from the start of the table, which is this many bytes
    /// before the entry.
    Table {
        /// Bytes from the table's start to the entry.
        back: u32,
    },
}

impl FixupKind for Fixup {
    fn max_backward(self) -> u32 {
        i32::MAX as u32
    }

    fn max_forward(self) -> u32 {
        i32::MAX as u32
    }

    fn size(self) -> u32 {
        if self == Fixup::Rel8 { 1 } else { 4 }
    }

    fn patch(self, code: &mut [u8], use_offset: u32, label_offset: u32) {
        let from = match self {
            Fixup::Rel8 => {
                let distance = label_offset.wrapping_sub(use_offset + 1);
                debug_assert!(i8::try_from(distance as i32).is_ok());
                code[0] = distance as u8;
                return;
            }
            Fixup::Jump | Fixup::JumpIf => use_offset + 4,
            Fixup::Rel32 { after } => use_offset + 4 + u32::from(after),
            Fixup::Table { back } => use_offset - back,
        };
        code.copy_from_slice(&label_offset.wrapping_sub(from).to_le_bytes());
    }

    fn veneer_size(self) -> Option<u32> {
        None
    }

    fn write_veneer(self, _code: &mut [u8]) -> (u32, Self) {
        unreachable!("the use has no veneer")
    }

    const RELAXES: bool = true;

    fn short_form(self) -> Option<ShortForm<Self>> {
        // E9 becomes EB, 0F 8x becomes 7x.
        match self {
            Fixup::Jump => Some(ShortForm { opcode_bytes: 1, opcode: |_| 0xeb, kind: Fixup::Rel8 }),
            Fixup::JumpIf => {
                Some(ShortForm { opcode_bytes: 2, opcode: |bytes| bytes[1] ^ 0xf0, kind: Fixup::Rel8 })
            }
            _ => None,
        }
    }
}

/// Code of this target.
pub type Buf = Buffer<Fixup>;

/// A register or memory operand with hardware numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RmEnc {
    /// A register.
    Reg(u8),
    /// Memory at `base + disp`.
    Base(u8, i32),
    /// Memory at `base + (index << shift) + disp`; the index is not rsp.
    Index(u8, u8, u8, i32),
    /// Memory at a label.
    Rip(Label),
}

/// The opcode maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// One-byte opcodes.
    One,
    /// `0F`.
    M0f,
    /// `0F 38`.
    M38,
    /// `0F 3A`.
    M3a,
}

/// The constant part of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// 0, 66, F2 or F3.
    pub prefix: u8,
    /// The opcode's map.
    pub map: Map,
    /// The opcode.
    pub code: u8,
}

/// An instruction of the one-byte map.
pub const fn one(code: u8) -> Op {
    Op { prefix: 0, map: Map::One, code }
}

/// An instruction of the map `0F`.
pub const fn m0f(prefix: u8, code: u8) -> Op {
    Op { prefix, map: Map::M0f, code }
}

/// An instruction of the map `0F 38`.
pub const fn m38(prefix: u8, code: u8) -> Op {
    Op { prefix, map: Map::M38, code }
}

/// An instruction of the map `0F 3A`.
pub const fn m3a(prefix: u8, code: u8) -> Op {
    Op { prefix, map: Map::M3a, code }
}

/// An immediate: its value and how many bytes it takes.
pub type Imm = (i64, u8);
/// No immediate.
pub const NO_IMM: Imm = (0, 0);

/// Appending instructions.
pub trait Enc {
    /// Appends an instruction. `w` asks for 64 bits; `force_rex` for a REX prefix
    /// even if it is empty, which makes 4 to 7 the byte registers spl to dil.
    fn op(&mut self, op: Op, w: bool, force_rex: bool, reg: u8, rm: RmEnc, imm: Imm);
    /// Appends an instruction with a VEX prefix of 128 bits.
    fn vex(&mut self, op: Op, w: bool, reg: u8, vvvv: u8, rm: RmEnc, imm: Imm);
    /// Appends an instruction with an EVEX prefix of 128 bits. The operand is a register
    /// or at a label.
    fn evex(&mut self, op: Op, w: bool, reg: u8, vvvv: u8, rm: RmEnc, imm: Imm);
    /// Appends ModRM, SIB, displacement and immediate.
    fn modrm(&mut self, reg: u8, rm: RmEnc, imm: Imm);
}

/// The bits X and B of a REX prefix.
fn xb(rm: RmEnc) -> (u8, u8) {
    match rm {
        RmEnc::Reg(reg) => (0, reg >> 3),
        RmEnc::Base(base, _) => (0, base >> 3),
        RmEnc::Index(base, index, ..) => (index >> 3, base >> 3),
        RmEnc::Rip(_) => (0, 0),
    }
}

/// The prefix as VEX and EVEX have it.
fn prefix_bits(op: Op) -> u8 {
    match op.prefix {
        0x66 => 1,
        0xf3 => 2,
        0xf2 => 3,
        _ => 0,
    }
}

/// The map as VEX and EVEX have it.
fn map_bits(op: Op) -> u8 {
    match op.map {
        Map::One | Map::M0f => 1,
        Map::M38 => 2,
        Map::M3a => 3,
    }
}

impl Enc for Buf {
    fn op(&mut self, op: Op, w: bool, force_rex: bool, reg: u8, rm: RmEnc, imm: Imm) {
        if op.prefix != 0 {
            self.put1(op.prefix);
        }
        let (x, b) = xb(rm);
        let rex = u8::from(w) << 3 | (reg >> 3) << 2 | x << 1 | b;
        if rex != 0 || force_rex {
            self.put1(0x40 | rex);
        }
        match op.map {
            Map::One => {}
            Map::M0f => self.put1(0x0f),
            Map::M38 => self.put(&[0x0f, 0x38]),
            Map::M3a => self.put(&[0x0f, 0x3a]),
        }
        self.put1(op.code);
        self.modrm(reg, rm, imm);
    }

    fn vex(&mut self, op: Op, w: bool, reg: u8, vvvv: u8, rm: RmEnc, imm: Imm) {
        let (x, b) = xb(rm);
        let pp = prefix_bits(op);
        let r = (reg >> 3 ^ 1) << 7;
        let last = (vvvv ^ 15) << 3 | pp;
        if op.map == Map::M0f && !w && x == 0 && b == 0 {
            self.put(&[0xc5, r | last, op.code]);
        } else {
            let map = map_bits(op);
            self.put(&[0xc4, r | (x ^ 1) << 6 | (b ^ 1) << 5 | map, u8::from(w) << 7 | last, op.code]);
        }
        self.modrm(reg, rm, imm);
    }

    fn evex(&mut self, op: Op, w: bool, reg: u8, vvvv: u8, rm: RmEnc, imm: Imm) {
        // Inverted: R, X, B, and R' of registers from 16 on, which there are not here.
        let (_, b) = xb(rm);
        let first = (reg >> 3 ^ 1) << 7 | 1 << 6 | (b ^ 1) << 5 | 1 << 4 | map_bits(op);
        let second = u8::from(w) << 7 | (vvvv ^ 15) << 3 | 1 << 2 | prefix_bits(op);
        self.put(&[0x62, first, second, 1 << 3, op.code]);
        self.modrm(reg, rm, imm);
    }

    fn modrm(&mut self, reg: u8, rm: RmEnc, imm: Imm) {
        let reg = (reg & 7) << 3;
        let mut fixup = None;
        match rm {
            RmEnc::Reg(rm) => self.put1(0xc0 | reg | rm & 7),
            RmEnc::Base(base, disp) => {
                let (mode, len) = mode(base, disp);
                self.put1(mode | reg | base & 7);
                // rsp and r12 as a base need a SIB byte.
                if base & 7 == 4 {
                    self.put1(0x24);
                }
                self.put(&disp.to_le_bytes()[..len]);
            }
            RmEnc::Index(base, index, shift, disp) => {
                let (mode, len) = mode(base, disp);
                self.put1(mode | reg | 4);
                self.put1(shift << 6 | (index & 7) << 3 | base & 7);
                self.put(&disp.to_le_bytes()[..len]);
            }
            RmEnc::Rip(label) => {
                self.put1(reg | 5);
                fixup = Some((self.offset(), label));
                self.put(&[0; 4]);
            }
        }
        self.put(&imm.0.to_le_bytes()[..usize::from(imm.1)]);
        if let Some((at, label)) = fixup {
            self.use_label(at, label, Fixup::Rel32 { after: imm.1 });
        }
    }
}

/// The mode bits of a displacement, and how many bytes it takes. rbp and r13 as a
/// base always need one.
fn mode(base: u8, disp: i32) -> (u8, usize) {
    if disp == 0 && base & 7 != 5 {
        (0, 0)
    } else if i8::try_from(disp).is_ok() {
        (0x40, 1)
    } else {
        (0x80, 4)
    }
}

//! References to labels, and sequences whose length depends on their operands.

use super::{check, check_preferred};
use crate::buffer::{Buffer, FixupKind};
use crate::isa::aarch64::emit::{add_imm, load_imm, mem};
use crate::isa::aarch64::encode::*;
use crate::isa::aarch64::ops::*;
use crate::isa::aarch64::patch;

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn references_to_labels() {
    let patched = |word: u32, fixup: Fixup, distance: i64| {
        let (place, mut code) = (1 << 28, word.to_le_bytes());
        fixup.patch(&mut code, place, (i64::from(place) + distance) as u32);
        u32::from_le_bytes(code)
    };
    let mut list = Vec::new();
    for (word, fixup, name) in [
        (B, Fixup::Branch26, "b"),
        (BL, Fixup::Branch26, "bl"),
        (b_cond(Cc::Ne), Fixup::Branch19, "b.ne"),
        (cbz(Size::S64, true, 3), Fixup::Branch19, "cbnz x3,"),
        (tbz(40, false, 3), Fixup::Branch14, "tbz x3, #40,"),
        (mem_literal(MemOp::LdrD, 3), Fixup::Literal, "ldr d3,"),
        (adr(3), Fixup::Adr, "adr x3,"),
    ] {
        let reach = i64::from(fixup.max_forward());
        for distance in [0, 4, -4, 1024, reach, -reach - 4] {
            list.push((patched(word, fixup, distance), format!("{name} #{distance}")));
        }
    }
    check(&list);
}

/// What a sequence computes, run by a model of its few instructions.
fn model(code: &[u8]) -> [u64; 32] {
    let mut regs = [0u64; 32];
    regs[29] = 0x7_0000_0000;
    for word in code.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())) {
        let (d, n) = ((word & 31) as usize, (word >> 5 & 31) as usize);
        let (imm, part) = (u64::from(word >> 5 & 0xffff), (word >> 21 & 3) * 16);
        let add = |a: u64, b: u64| if word >> 30 & 1 == 1 { a.wrapping_sub(b) } else { a.wrapping_add(b) };
        let value = match word >> 23 & 0x3f {
            0x25 if word >> 29 & 3 == 2 => imm << part,
            0x25 if word >> 29 & 3 == 0 => !(imm << part),
            0x25 => regs[d] & !(0xffff << part) | imm << part,
            0x22 => add(regs[n], u64::from(word >> 10 & 0xfff) << (12 * (word >> 22 & 1))),
            0x16 => add(regs[n], regs[(word >> 16 & 31) as usize]),
            0x24 => {
                // orr of a pattern, which llvm-mc vouches for
                let size = if word >> 31 == 1 { Size::S64 } else { Size::S32 };
                let same = |value: &u64| {
                    LogicImm::new(*value, size)
                        .is_some_and(|imm| alu_logic(AluOp::Orr, size, d as u8, 31, imm) == word)
                };
                *VALUES.iter().find(|value| same(value)).expect("one of the values")
            }
            other => panic!("{word:#010x}: {other:#x}"),
        };
        regs[d] = if word >> 31 == 0 { value & 0xffff_ffff } else { value };
    }
    regs
}

const VALUES: [u64; 20] = [
    0,
    1,
    0xffff,
    0x1_0000,
    0x1234_5678,
    0xffff_ffff,
    0xffff_fffe,
    0xffff_1234,
    0x8000_0000,
    0x1_0000_0000,
    u64::MAX,
    u64::MAX - 1,
    0xffff_ffff_0000_ffff,
    0xffff_ffff_ffff_0000,
    0x5555_5555_5555_5555,
    0xffff_ffff_8000_0000,
    0x1234_5678_9abc_def0,
    0x00ff_00ff_00ff_00ff,
    0x8000_0000_0000_0000,
    0xffff_1234_ffff_5678,
];

#[test]
fn constants_are_made_as_they_are() {
    for value in VALUES {
        let mut buffer = Buffer::new(patch::BUFFER_SPEC);
        load_imm(&mut buffer, 7, value);
        assert_eq!(model(buffer.code())[7], value, "{value:#x}: {:02x?}", buffer.code());
        assert!(buffer.code().len() <= 16);
    }
}

#[test]
fn sums_with_constants() {
    for value in [0, 1, -1, 4095, 4096, -4097, 0xff_ffff, -0xff_ffff, 0x100_0000, i64::MAX, i64::MIN + 1] {
        let mut buffer = Buffer::new(patch::BUFFER_SPEC);
        add_imm(&mut buffer, 7, 29, value);
        let expected = 0x7_0000_0000u64.wrapping_add_signed(value);
        assert_eq!(model(buffer.code())[7], expected, "{value}: {:02x?}", buffer.code());
    }
}

#[test]
#[cfg_attr(not(llvm_mc), ignore = "llvm-mc is not installed")]
fn offsets_of_every_size() {
    let mut list = Vec::new();
    for (op, offset, expected) in [
        (MemOp::LdrX, 32760, vec!["ldr x7, [x29, #32760]"]),
        (MemOp::LdrX, -8, vec!["ldur x7, [x29, #-8]"]),
        (MemOp::LdrX, 9, vec!["ldur x7, [x29, #9]"]),
        (MemOp::Ldrb, 4096, vec!["add x16, x29, #1, lsl #12", "ldrb w7, [x16]"]),
        (MemOp::StrX, 0x12348, vec!["add x16, x29, #18, lsl #12", "str x7, [x16, #840]"]),
        (MemOp::StrX, 257, vec!["movz w16, #257 | mov w16, #257", "str x7, [x29, x16]"]),
        (MemOp::StrQ, -4096, vec!["movn x16, #4095 | mov x16, #-4096", "str q7, [x29, x16]"]),
    ] {
        let mut buffer = Buffer::new(patch::BUFFER_SPEC);
        mem(&mut buffer, op, 7, 29, offset, None);
        let words = buffer.code().chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
        list.extend(words.zip(expected.into_iter().map(str::to_string)));
    }
    check_preferred(&list);
}

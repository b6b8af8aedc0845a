//! Instructions of the vector facility: those that copy, load and store a register.

use super::encode::{Code, fits12};

/// The bits beyond the fourth of register numbers, in their field.
fn extra_bits(first: u8, second: u8) -> u64 {
    u64::from(first >> 4) << 3 | u64::from(second >> 4) << 2
}

/// Copies a register.
pub fn copy(d: u8, s: u8) -> Code {
    let regs = u64::from(d & 15) << 36 | u64::from(s & 15) << 32;
    Code::new(0xe7 << 40 | regs | extra_bits(d, s) << 8 | 0x56, 6)
}

/// Loads or stores a register at an address; index 0 is none.
pub fn memory(store: bool, reg: u8, index: u8, base: u8, offset: i32) -> Code {
    debug_assert!(fits12(offset.into()));
    let address = u64::from(index) << 32 | u64::from(base) << 28 | (offset as u64) << 16;
    let op = if store { 0x0e } else { 0x06 };
    Code::new(0xe7 << 40 | u64::from(reg & 15) << 36 | address | extra_bits(reg, 0) << 8 | op, 6)
}

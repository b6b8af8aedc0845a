//! AArch64: data caches are cleaned to the point where instruction caches meet them,
//! instruction caches are invalidated for all cores, and each core then drops what
//! it has fetched.

use std::arch::asm;
use std::io;
use std::ops::Range;

/// Cleans and invalidates the lines of `code`, and makes every core refetch.
pub(crate) fn synchronize(code: Range<usize>) -> io::Result<()> {
    let types: usize;
    // SAFETY: reads the register that describes the caches, which user code may.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) types, options(nomem, nostack, preserves_flags)) };
    // Logarithms of the smallest lines, in words of four bytes.
    let (data, instructions) = (4 << (types >> 16 & 15), 4 << (types & 15));
    let Range { start, end } = code;
    let mut line = start & !(data - 1);
    while line < end {
        // SAFETY: the line belongs to memory that is readable; its bytes do not change.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
        line += data;
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    let mut line = start & !(instructions - 1);
    while line < end {
        // SAFETY: as above.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
        line += instructions;
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    crate::os::synchronize_cores()
}

/// Changed code is always made known by [`synchronize`].
pub(crate) const SERIALIZES: bool = false;

/// Does nothing, see [`SERIALIZES`].
pub(crate) fn serialize() {}

/// The integer registers that callees keep, as they are in the caller.
#[inline(always)]
pub(crate) fn kept_registers() -> [u64; 12] {
    let mut registers = [0; 12];
    // SAFETY: stores registers to the array, and changes none.
    unsafe {
        asm!(
            "stp x19, x20, [{0}]",
            "stp x21, x22, [{0}, #16]",
            "stp x23, x24, [{0}, #32]",
            "stp x25, x26, [{0}, #48]",
            "stp x27, x28, [{0}, #64]",
            "str x29, [{0}, #80]",
            in(reg) registers.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    registers
}

//! z/Architecture keeps its instruction caches coherent, but a processor may have
//! fetched the old bytes already: each must serialise, which an interruption does. Linux
//! offers no barrier for that here, but one that interrupts them.

use std::io;
use std::ops::Range;

/// Makes this processor, and those that run other threads, serialise.
pub(crate) fn synchronize(_code: Range<usize>) -> io::Result<()> {
    // SAFETY: a branch on no condition, which serialises and does nothing else.
    unsafe { std::arch::asm!("bcr 15, 0", options(nostack, preserves_flags)) };
    crate::os::interrupt_cores()
}

/// Changed code is always made known by [`synchronize`].
pub(crate) const SERIALIZES: bool = false;

/// Does nothing, see [`SERIALIZES`].
pub(crate) fn serialize() {}

/// The integer registers that callees keep, as they are in the caller.
#[inline(always)]
pub(crate) fn kept_registers() -> [u64; 10] {
    let mut registers = [0; 10];
    // SAFETY: stores registers to the array, and changes none.
    unsafe {
        std::arch::asm!(
            "stmg %r6, %r15, 0({0})",
            in(reg_addr) registers.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    registers
}

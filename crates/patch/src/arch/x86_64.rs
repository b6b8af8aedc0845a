//! x86-64 keeps its instruction caches coherent, but a core may have decoded the
//! old bytes already: each core must serialise.

use std::io;
use std::ops::Range;

/// Makes every core serialise.
pub(crate) fn synchronize(_code: Range<usize>) -> io::Result<()> {
    crate::os::synchronize_cores()
}

/// Whether [`serialize`] is all that a core needs that executes code which it or another has
/// changed before.
pub(crate) const SERIALIZES: bool = true;

/// Makes this core serialise.
pub(crate) fn serialize() {
    // SAFETY: the instruction changes four registers, one of which the compiler keeps to
    // itself and gets back.
    unsafe {
        std::arch::asm!(
            "mov {0}, rbx",
            "cpuid",
            "mov rbx, {0}",
            out(reg) _,
            inout("eax") 0 => _,
            out("ecx") _,
            out("edx") _,
            options(nostack, preserves_flags),
        );
    }
}

/// The integer registers that callees keep, as they are in the caller.
#[inline(always)]
pub(crate) fn kept_registers() -> [u64; 6] {
    let mut registers = [0; 6];
    // SAFETY: stores registers to the array, and changes none.
    unsafe {
        std::arch::asm!(
            "mov [{0}], rbx",
            "mov [{0} + 8], rbp",
            "mov [{0} + 16], r12",
            "mov [{0} + 24], r13",
            "mov [{0} + 32], r14",
            "mov [{0} + 40], r15",
            in(reg) registers.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    registers
}

//! RISC-V: stores become visible to instruction fetch by `fence.i`, which acts on
//! one core only. Linux has a system call that does it on all cores that run a
//! thread of this process, now or before they run one next.

use std::io;
use std::ops::Range;

/// `__NR_riscv_flush_icache`, which the crate `libc` does not name.
const FLUSH_ICACHE: libc::c_long = 259;

/// Makes every core fetch the code anew.
pub(crate) fn synchronize(code: Range<usize>) -> io::Result<()> {
    // SAFETY: the call reads no memory; flags of 0 mean all threads.
    let result = unsafe { libc::syscall(FLUSH_ICACHE, code.start, code.end, 0usize) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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
        std::arch::asm!(
            "sd s0, 0({0})",
            "sd s1, 8({0})",
            "sd s2, 16({0})",
            "sd s3, 24({0})",
            "sd s4, 32({0})",
            "sd s5, 40({0})",
            "sd s6, 48({0})",
            "sd s7, 56({0})",
            "sd s8, 64({0})",
            "sd s9, 72({0})",
            "sd s10, 80({0})",
            "sd s11, 88({0})",
            in(reg) registers.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    registers
}

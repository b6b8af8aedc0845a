//! What words compiled code may be keeping while it has called the host or is stopped.
//!
//! Problem: the owner of objects that compiled code refers to has to know which of them
//! it still does, while its frames are under way. Approach: every word of the frames and
//! every register that code may have left something in is shown; the owner, which knows the
//! addresses of its objects, takes those words for references that are equal to one. So
//! an integer that looks like a reference keeps an object alive; nothing is moved or
//! changed. A reference that code needs later is in a whole aligned word of its frame, of
//! what a hook has saved, or in a register that callees keep.

use super::Machine;
use std::ops::Range;

/// Calls `each` with the words in a range of addresses.
///
/// # Safety
/// The range is of a stack of this process whose frames are live, and no thread changes it.
pub unsafe fn words_in(range: Range<usize>, each: &mut dyn FnMut(u64)) {
    let mut at = range.start.next_multiple_of(8);
    while at + 8 <= range.end {
        // SAFETY: by the caller. What is there may be a frame's of any language and hold
        // anything: it is read as memory, not as a value of a type.
        each(unsafe { (at as *const u64).read_volatile() });
        at += 8;
    }
}

/// Calls `each` with the words of this thread's stack from the caller's frame up to `top`, and
/// with those in the registers that callees keep.
///
/// # Safety
/// `top` is an address in a frame of this thread's stack that is live, further out than the
/// caller's.
#[inline(never)]
pub unsafe fn words_here(top: usize, each: &mut dyn FnMut(u64)) {
    let registers = crate::arch::kept_registers();
    registers.iter().for_each(|word| each(*word));
    let here = (&raw const registers) as usize;
    // SAFETY: by the caller, and this function's frame is further in than its caller's.
    unsafe { words_in(here..top, each) };
}

/// Calls `each` with the words that an interpreter has in its registers and on its stack.
///
/// # Safety
/// The machine is live, and no code runs on it right now: it waits for the host.
pub unsafe fn words_of_machine(machine: *const Machine, each: &mut dyn FnMut(u64)) {
    // SAFETY: by the caller.
    if let Machine::Pulley(interpreter) = unsafe { &*machine } {
        // SAFETY: by the caller.
        unsafe { interpreter.words(each) };
    }
}

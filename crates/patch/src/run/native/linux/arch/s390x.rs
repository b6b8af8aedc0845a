//! s390x. Calls leave the return address in r14, which the hook finds there. Veneers may
//! change r1, and emission uses r0, so no code needs them across a call; nor does any need
//! the condition code. Who calls the platform's functions leaves them 160 bytes above the
//! stack pointer; sites do not.
//!
//! Native code uses no vectors, whatever the processor has (the code generator's flags
//! for this host), so the hook has only floats to save.

use super::super::{RawLanding, SAVED_SP, land};
use crate::run::frames::Registers;
use crate::run::hook::{FLOATS, FP, PC, SIZE, call_hook};
use libc::{siginfo_t, ucontext_t};
use sidetrack_artifact::Architecture;
use std::arch::global_asm;
use std::mem::offset_of;

/// What the code is for.
pub(crate) const ARCHITECTURE: Architecture = Architecture::S390x;

/// Whether a fault at this address may be the fetch of the instruction at `pc`: of an address
/// the system tells the page only.
pub(crate) fn is_fetch(pc: usize, address: usize) -> bool {
    let page = |address: usize| address >> 12;
    page(address) == page(pc) || page(address) == page(pc + 5)
}

/// The registers at a fault.
pub(crate) fn registers(fault: &siginfo_t, context: &ucontext_t) -> Registers {
    let context = &context.uc_mcontext;
    let [fp, link, sp] = [11, 14, 15].map(|index: usize| context.gregs[index] as usize);
    let pc = match fault.si_signo {
        // The context has the address behind the instruction.
        libc::SIGILL | libc::SIGFPE => {
            // SAFETY: these signals carry an address.
            let address = unsafe { fault.si_addr() };
            address as usize
        }
        _ => context.psw.addr as usize,
    };
    Registers { pc, fp, sp, link: Some(link) }
}

/// Makes the thread go on as if something jumped to the function at `address` with an argument.
pub(crate) fn jump(context: &mut ucontext_t, address: usize, argument: usize) {
    context.uc_mcontext.psw.addr = address as u64;
    context.uc_mcontext.gregs[2] = argument as u64;
}

/// Makes the thread go on as if the instruction at `pc` were a call of `hook`.
///
/// # Safety
/// Nothing is kept below the stack pointer, where there is room.
pub(crate) unsafe fn call(context: &mut ucontext_t, pc: usize, hook: usize) {
    context.uc_mcontext.gregs[14] = pc as u64;
    context.uc_mcontext.psw.addr = hook as u64;
}

global_asm!(
    // (activation, stub, arguments, top of the stack to use or 0)
    ".globl sidetrack_enter",
    ".hidden sidetrack_enter",
    ".type sidetrack_enter, @function",
    "sidetrack_enter:",
    ".cfi_startproc",
    "stmg %r6, %r15, 48(%r15)",
    ".irp n, 6,7,8,9,10,11,12,13,14,15",
    ".cfi_offset %r\\n, 8 * \\n - 160",
    ".endr",
    "lay %r15, -232(%r15)",
    ".cfi_def_cfa_offset 392",
    ".irp n, 8,9,10,11,12,13,14,15",
    "std %f\\n, 8 * \\n + 96(%r15)",
    ".endr",
    "stfpc 224(%r15)",
    "stg %r15, {saved_sp}(%r2)",
    "lgr %r13, %r15",
    ".cfi_def_cfa_register %r13",
    // Compiled code aligns its stack to 16, the platform to 8 only.
    "nill %r15, 0xfff0",
    "ltgr %r5, %r5",
    "je 1f",
    "lay %r15, -160(%r5)",
    "1:",
    "lgr %r1, %r3",
    "lg %r2, 0(%r4)",
    "lg %r3, 8(%r4)",
    "lg %r5, 24(%r4)",
    "lg %r4, 16(%r4)",
    "basr %r14, %r1",
    "lgr %r15, %r13",
    "2:",
    ".irp n, 8,9,10,11,12,13,14,15",
    "ld %f\\n, 8 * \\n + 96(%r15)",
    ".endr",
    "lmg %r6, %r15, 280(%r15)",
    ".cfi_def_cfa %r15, 160",
    "br %r14",
    // (activation)
    ".globl sidetrack_leave",
    ".hidden sidetrack_leave",
    "sidetrack_leave:",
    "lg %r15, {saved_sp}(%r2)",
    "lfpc 224(%r15)",
    "j 2b",
    ".cfi_endproc",
    ".size sidetrack_enter, . - sidetrack_enter",
    // (tag, payload0, payload1), called by compiled code.
    ".globl sidetrack_throw",
    ".hidden sidetrack_throw",
    ".type sidetrack_throw, @function",
    "sidetrack_throw:",
    "lay %r15, -208(%r15)",
    "stg %r14, 160 + {landing_pc}(%r15)",
    "stg %r11, 160 + {landing_fp}(%r15)",
    "stg %r3, 192(%r15)",
    "stg %r4, 200(%r15)",
    "la %r5, 160(%r15)",
    "brasl %r14, {land}",
    "ltgr %r2, %r2",
    "jne sidetrack_leave",
    "lg %r2, 192(%r15)",
    "lg %r3, 200(%r15)",
    "lg %r1, 160 + {landing_pc}(%r15)",
    "lg %r11, 160 + {landing_fp}(%r15)",
    "lg %r15, 160 + {landing_sp}(%r15)",
    "br %r1",
    ".size sidetrack_throw, . - sidetrack_throw",
    saved_sp = const SAVED_SP,
    landing_pc = const offset_of!(RawLanding, pc),
    landing_sp = const offset_of!(RawLanding, sp),
    landing_fp = const offset_of!(RawLanding, fp),
    land = sym land,
);

global_asm!(
    ".globl sidetrack_hook",
    ".hidden sidetrack_hook",
    ".type sidetrack_hook, @function",
    "sidetrack_hook:",
    ".cfi_startproc",
    "lay %r15, -16(%r15)",
    ".cfi_def_cfa_offset 176",
    "stg %r14, 8(%r15)",
    ".cfi_offset %r14, -168",
    "stg %r11, 0(%r15)",
    ".cfi_offset %r11, -176",
    "lgr %r11, %r15",
    ".cfi_def_cfa_register %r11",
    "lay %r15, -({size} + 160)(%r15)",
    // Stacks are aligned to 8 only.
    "nill %r15, 0xfff0",
    "stmg %r0, %r15, 160(%r15)",
    "la %r1, 16(%r11)",
    "stg %r1, 160 + 8 * 15(%r15)",
    "stg %r14, 160 + {pc}(%r15)",
    "lg %r1, 0(%r11)",
    "stg %r1, 160 + 8 * 11(%r15)",
    "stg %r1, 160 + {fp}(%r15)",
    // The lower halves of the frame's 16 bytes for each.
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "std %f\\n, 160 + 8 + {floats} + 16 * \\n(%r15)",
    ".endr",
    "la %r2, 160(%r15)",
    "brasl %r14, {call_hook}",
    // Where to go instead.
    "lgr %r1, %r2",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "ld %f\\n, 160 + 8 + {floats} + 16 * \\n(%r15)",
    ".endr",
    "lg %r0, 160(%r15)",
    "lmg %r2, %r10, 176(%r15)",
    "lmg %r12, %r13, 160 + 8 * 12(%r15)",
    "lgr %r15, %r11",
    "lg %r14, 8(%r15)",
    "lg %r11, 0(%r15)",
    "la %r15, 16(%r15)",
    ".cfi_def_cfa %r15, 160",
    "ltgr %r1, %r1",
    "jne 2f",
    "br %r14",
    "2:",
    // The function there finds its return address as if the site had called it.
    "br %r1",
    ".cfi_endproc",
    ".size sidetrack_hook, . - sidetrack_hook",
    size = const SIZE,
    pc = const PC,
    fp = const FP,
    floats = const FLOATS,
    call_hook = sym call_hook,
);

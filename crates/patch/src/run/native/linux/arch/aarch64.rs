//! AArch64. Calls leave the return address in x30, which the hook finds there. Veneers
//! may change x16 and x17, so no code needs them across a call; nor does any need flags.

use super::super::{RawLanding, SAVED_SP, land};
use crate::run::frames::Registers;
use crate::run::hook::{FLOATS, FP, PC, SIZE, call_hook};
use libc::{siginfo_t, ucontext_t};
use sidetrack_artifact::Architecture;
use std::arch::global_asm;
use std::mem::offset_of;

/// What the code is for.
pub(crate) const ARCHITECTURE: Architecture = Architecture::Aarch64;

/// Whether a fault at this address may be the fetch of the instruction at `pc`.
pub(crate) fn is_fetch(pc: usize, address: usize) -> bool {
    (pc..pc + 4).contains(&address)
}

/// The registers at a fault.
pub(crate) fn registers(_: &siginfo_t, context: &ucontext_t) -> Registers {
    let context = &context.uc_mcontext;
    let [fp, link] = [context.regs[29], context.regs[30]].map(|value| value as usize);
    Registers { pc: context.pc as usize, fp, sp: context.sp as usize, link: Some(link) }
}

/// Makes the thread go on as if something jumped to the function at `address` with an argument.
pub(crate) fn jump(context: &mut ucontext_t, address: usize, argument: usize) {
    context.uc_mcontext.pc = address as u64;
    context.uc_mcontext.regs[0] = argument as u64;
}

/// Makes the thread go on as if the instruction at `pc` were a call of `hook`.
///
/// # Safety
/// Nothing is kept below the stack pointer, where there is room.
pub(crate) unsafe fn call(context: &mut ucontext_t, pc: usize, hook: usize) {
    context.uc_mcontext.regs[30] = pc as u64;
    context.uc_mcontext.pc = hook as u64;
}

global_asm!(
    // (activation, stub, arguments, top of the stack to use or 0)
    ".globl sidetrack_enter",
    ".hidden sidetrack_enter",
    ".type sidetrack_enter, %function",
    "sidetrack_enter:",
    ".cfi_startproc",
    "stp x29, x30, [sp, #-176]!",
    ".cfi_def_cfa_offset 176",
    ".cfi_offset x29, -176",
    ".cfi_offset x30, -168",
    "mov x29, sp",
    ".cfi_def_cfa x29, 176",
    "stp x19, x20, [sp, #16]",
    "stp x21, x22, [sp, #32]",
    "stp x23, x24, [sp, #48]",
    "stp x25, x26, [sp, #64]",
    "stp x27, x28, [sp, #80]",
    "stp d8, d9, [sp, #96]",
    "stp d10, d11, [sp, #112]",
    "stp d12, d13, [sp, #128]",
    "stp d14, d15, [sp, #144]",
    "mrs x9, fpcr",
    "str x9, [sp, #160]",
    "str x29, [x0, #{saved_sp}]",
    "cbz x3, 1f",
    "mov sp, x3",
    "1:",
    "mov x16, x1",
    "mov x9, x2",
    "ldp x0, x1, [x9]",
    "ldp x2, x3, [x9, #16]",
    "blr x16",
    "mov sp, x29",
    "2:",
    "ldp x19, x20, [sp, #16]",
    "ldp x21, x22, [sp, #32]",
    "ldp x23, x24, [sp, #48]",
    "ldp x25, x26, [sp, #64]",
    "ldp x27, x28, [sp, #80]",
    "ldp d8, d9, [sp, #96]",
    "ldp d10, d11, [sp, #112]",
    "ldp d12, d13, [sp, #128]",
    "ldp d14, d15, [sp, #144]",
    "ldp x29, x30, [sp], #176",
    ".cfi_def_cfa sp, 0",
    "ret",
    // (activation)
    ".globl sidetrack_leave",
    ".hidden sidetrack_leave",
    "sidetrack_leave:",
    "ldr x9, [x0, #{saved_sp}]",
    "mov sp, x9",
    "ldr x9, [sp, #160]",
    "msr fpcr, x9",
    "b 2b",
    ".cfi_endproc",
    ".size sidetrack_enter, . - sidetrack_enter",
    // (tag, payload0, payload1), called by compiled code.
    ".globl sidetrack_throw",
    ".hidden sidetrack_throw",
    ".type sidetrack_throw, %function",
    "sidetrack_throw:",
    "sub sp, sp, #48",
    "str x30, [sp, #{landing_pc}]",
    "str x29, [sp, #{landing_fp}]",
    "stp x1, x2, [sp, #32]",
    "mov x3, sp",
    "bl {land}",
    "cbnz x0, sidetrack_leave",
    "ldp x0, x1, [sp, #32]",
    "ldr x16, [sp, #{landing_pc}]",
    "ldr x29, [sp, #{landing_fp}]",
    "ldr x17, [sp, #{landing_sp}]",
    "mov sp, x17",
    "br x16",
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
    ".type sidetrack_hook, %function",
    "sidetrack_hook:",
    ".cfi_startproc",
    "stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset x29, -16",
    ".cfi_offset x30, -8",
    "mov x29, sp",
    ".cfi_def_cfa x29, 16",
    "sub sp, sp, #{size}",
    "stp x0, x1, [sp]",
    "stp x2, x3, [sp, #16]",
    "stp x4, x5, [sp, #32]",
    "stp x6, x7, [sp, #48]",
    "stp x8, x9, [sp, #64]",
    "stp x10, x11, [sp, #80]",
    "stp x12, x13, [sp, #96]",
    "stp x14, x15, [sp, #112]",
    "stp x16, x17, [sp, #128]",
    "stp x18, x19, [sp, #144]",
    "stp x20, x21, [sp, #160]",
    "stp x22, x23, [sp, #176]",
    "stp x24, x25, [sp, #192]",
    "stp x26, x27, [sp, #208]",
    "ldr x0, [x29]",
    "stp x28, x0, [sp, #224]",
    "add x1, x29, #16",
    "stp x30, x1, [sp, #240]",
    "str x0, [sp, #{fp}]",
    "str x30, [sp, #{pc}]",
    "stp q0, q1, [sp, #{floats}]",
    "stp q2, q3, [sp, #{floats} + 32]",
    "stp q4, q5, [sp, #{floats} + 64]",
    "stp q6, q7, [sp, #{floats} + 96]",
    "stp q8, q9, [sp, #{floats} + 128]",
    "stp q10, q11, [sp, #{floats} + 160]",
    "stp q12, q13, [sp, #{floats} + 192]",
    "stp q14, q15, [sp, #{floats} + 224]",
    "stp q16, q17, [sp, #{floats} + 256]",
    "stp q18, q19, [sp, #{floats} + 288]",
    "stp q20, q21, [sp, #{floats} + 320]",
    "stp q22, q23, [sp, #{floats} + 352]",
    "stp q24, q25, [sp, #{floats} + 384]",
    "stp q26, q27, [sp, #{floats} + 416]",
    "stp q28, q29, [sp, #{floats} + 448]",
    "stp q30, q31, [sp, #{floats} + 480]",
    "mov x0, sp",
    "bl {call_hook}",
    // Where to go instead.
    "mov x16, x0",
    "ldp q0, q1, [sp, #{floats}]",
    "ldp q2, q3, [sp, #{floats} + 32]",
    "ldp q4, q5, [sp, #{floats} + 64]",
    "ldp q6, q7, [sp, #{floats} + 96]",
    "ldp q8, q9, [sp, #{floats} + 128]",
    "ldp q10, q11, [sp, #{floats} + 160]",
    "ldp q12, q13, [sp, #{floats} + 192]",
    "ldp q14, q15, [sp, #{floats} + 224]",
    "ldp q16, q17, [sp, #{floats} + 256]",
    "ldp q18, q19, [sp, #{floats} + 288]",
    "ldp q20, q21, [sp, #{floats} + 320]",
    "ldp q22, q23, [sp, #{floats} + 352]",
    "ldp q24, q25, [sp, #{floats} + 384]",
    "ldp q26, q27, [sp, #{floats} + 416]",
    "ldp q28, q29, [sp, #{floats} + 448]",
    "ldp q30, q31, [sp, #{floats} + 480]",
    "ldp x0, x1, [sp]",
    "ldp x2, x3, [sp, #16]",
    "ldp x4, x5, [sp, #32]",
    "ldp x6, x7, [sp, #48]",
    "ldp x8, x9, [sp, #64]",
    "ldp x10, x11, [sp, #80]",
    "ldp x12, x13, [sp, #96]",
    "ldp x14, x15, [sp, #112]",
    "ldr x17, [sp, #136]",
    "ldp x18, x19, [sp, #144]",
    "ldp x20, x21, [sp, #160]",
    "ldp x22, x23, [sp, #176]",
    "ldp x24, x25, [sp, #192]",
    "ldp x26, x27, [sp, #208]",
    "ldr x28, [sp, #224]",
    "mov sp, x29",
    "ldp x29, x30, [sp], #16",
    ".cfi_def_cfa sp, 0",
    "cbnz x16, 2f",
    "ret",
    "2:",
    // The function there finds its return address as if the site had called it.
    "br x16",
    ".cfi_endproc",
    ".size sidetrack_hook, . - sidetrack_hook",
    size = const SIZE,
    pc = const PC,
    fp = const FP,
    floats = const FLOATS,
    call_hook = sym call_hook,
);

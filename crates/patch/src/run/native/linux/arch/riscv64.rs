//! RISC-V 64. Calls leave the return address in ra, which the hook finds there. Veneers
//! may change t6, so no code needs it across a call.
//!
//! Native code uses no vectors, whatever the processor has (the code generator's flags
//! for this host), so the hook has none to save.

use super::super::{RawLanding, SAVED_SP, land};
use crate::run::frames::Registers;
use crate::run::hook::{FLOATS, FP, PC, SIZE, call_hook};
use libc::{siginfo_t, ucontext_t};
use sidetrack_artifact::Architecture;
use std::arch::global_asm;
use std::mem::offset_of;

/// What the code is for.
pub(crate) const ARCHITECTURE: Architecture = Architecture::Riscv64;

/// Whether a fault at this address may be the fetch of the instruction at `pc`.
pub(crate) fn is_fetch(pc: usize, address: usize) -> bool {
    (pc..pc + 4).contains(&address)
}

/// Numbers of registers in the context of a signal, where the pc is in the place of zero.
const CONTEXT_PC: usize = 0;
const RA: usize = 1;
const SP: usize = 2;
const S0: usize = 8;
const A0: usize = 10;

/// The registers at a fault.
pub(crate) fn registers(_: &siginfo_t, context: &ucontext_t) -> Registers {
    let [pc, link, sp, fp] =
        [CONTEXT_PC, RA, SP, S0].map(|index| context.uc_mcontext.__gregs[index] as usize);
    Registers { pc, fp, sp, link: Some(link) }
}

/// Makes the thread go on as if something jumped to the function at `address` with an argument.
pub(crate) fn jump(context: &mut ucontext_t, address: usize, argument: usize) {
    context.uc_mcontext.__gregs[CONTEXT_PC] = address as u64;
    context.uc_mcontext.__gregs[A0] = argument as u64;
}

/// Makes the thread go on as if the instruction at `pc` were a call of `hook`.
///
/// # Safety
/// Nothing is kept below the stack pointer, where there is room.
pub(crate) unsafe fn call(context: &mut ucontext_t, pc: usize, hook: usize) {
    context.uc_mcontext.__gregs[RA] = pc as u64;
    context.uc_mcontext.__gregs[CONTEXT_PC] = hook as u64;
}

global_asm!(
    // The compiler leaves it to the assembly to say what it needs.
    ".option push",
    ".option arch, +d",
    // (activation, stub, arguments, top of the stack to use or 0)
    ".globl sidetrack_enter",
    ".hidden sidetrack_enter",
    ".type sidetrack_enter, @function",
    "sidetrack_enter:",
    ".cfi_startproc",
    "addi sp, sp, -224",
    ".cfi_def_cfa_offset 224",
    "sd ra, 216(sp)",
    ".cfi_offset ra, -8",
    "sd s0, 208(sp)",
    ".cfi_offset s0, -16",
    "addi s0, sp, 224",
    ".cfi_def_cfa s0, 0",
    // s1, then s2 to s11.
    "sd s1, 0(sp)",
    ".irp n, 2,3,4,5,6,7,8,9,10,11",
    "sd s\\n, (8 * \\n - 8)(sp)",
    ".endr",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11",
    "fsd fs\\n, (8 * \\n + 96)(sp)",
    ".endr",
    "frcsr t0",
    "sd t0, 192(sp)",
    "sd sp, {saved_sp}(a0)",
    "beqz a3, 1f",
    "mv sp, a3",
    "1:",
    "mv t0, a1",
    "mv t1, a2",
    "ld a0, 0(t1)",
    "ld a1, 8(t1)",
    "ld a2, 16(t1)",
    "ld a3, 24(t1)",
    "jalr t0",
    "addi sp, s0, -224",
    "2:",
    "ld s1, 0(sp)",
    ".irp n, 2,3,4,5,6,7,8,9,10,11",
    "ld s\\n, (8 * \\n - 8)(sp)",
    ".endr",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11",
    "fld fs\\n, (8 * \\n + 96)(sp)",
    ".endr",
    "ld ra, 216(sp)",
    "ld s0, 208(sp)",
    "addi sp, sp, 224",
    ".cfi_def_cfa sp, 0",
    "ret",
    // (activation)
    ".globl sidetrack_leave",
    ".hidden sidetrack_leave",
    "sidetrack_leave:",
    "ld sp, {saved_sp}(a0)",
    "ld t0, 192(sp)",
    "fscsr t0",
    "j 2b",
    ".cfi_endproc",
    ".size sidetrack_enter, . - sidetrack_enter",
    // (tag, payload0, payload1), called by compiled code.
    ".globl sidetrack_throw",
    ".hidden sidetrack_throw",
    ".type sidetrack_throw, @function",
    "sidetrack_throw:",
    "addi sp, sp, -48",
    "sd ra, {landing_pc}(sp)",
    "sd s0, {landing_fp}(sp)",
    "sd a1, 32(sp)",
    "sd a2, 40(sp)",
    "mv a3, sp",
    "call {land}",
    "bnez a0, 2f",
    "ld a0, 32(sp)",
    "ld a1, 40(sp)",
    "ld t6, {landing_pc}(sp)",
    "ld s0, {landing_fp}(sp)",
    "ld sp, {landing_sp}(sp)",
    "jr t6",
    "2:",
    "tail sidetrack_leave",
    ".size sidetrack_throw, . - sidetrack_throw",
    ".option pop",
    saved_sp = const SAVED_SP,
    landing_pc = const offset_of!(RawLanding, pc),
    landing_sp = const offset_of!(RawLanding, sp),
    landing_fp = const offset_of!(RawLanding, fp),
    land = sym land,
);

global_asm!(
    // The compiler leaves it to the assembly to say what it needs.
    ".option push",
    ".option arch, +d",
    ".globl sidetrack_hook",
    ".hidden sidetrack_hook",
    ".type sidetrack_hook, @function",
    "sidetrack_hook:",
    ".cfi_startproc",
    "addi sp, sp, -16",
    ".cfi_def_cfa_offset 16",
    "sd ra, 8(sp)",
    ".cfi_offset ra, -8",
    "sd s0, 0(sp)",
    ".cfi_offset s0, -16",
    "mv s0, sp",
    ".cfi_def_cfa s0, 16",
    "addi sp, sp, -{size}",
    ".irp n, 1,3,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "sd x\\n, (8 * \\n)(sp)",
    ".endr",
    "sd zero, 0(sp)",
    "addi t0, s0, 16",
    "sd t0, 16(sp)",
    "ld t0, 0(s0)",
    "sd t0, 64(sp)",
    "sd t0, {fp}(sp)",
    "sd ra, {pc}(sp)",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "fsd f\\n, ({floats} + 16 * \\n)(sp)",
    ".endr",
    "mv a0, sp",
    "call {call_hook}",
    // Where to go instead.
    "mv t6, a0",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "fld f\\n, ({floats} + 16 * \\n)(sp)",
    ".endr",
    ".irp n, 3,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
    "ld x\\n, (8 * \\n)(sp)",
    ".endr",
    "mv sp, s0",
    "ld ra, 8(sp)",
    "ld s0, 0(sp)",
    "addi sp, sp, 16",
    ".cfi_def_cfa sp, 0",
    "bnez t6, 2f",
    "ret",
    "2:",
    // The function there finds its return address as if the site had called it.
    "jr t6",
    ".cfi_endproc",
    ".size sidetrack_hook, . - sidetrack_hook",
    ".option pop",
    size = const SIZE,
    pc = const PC,
    fp = const FP,
    floats = const FLOATS,
    call_hook = sym call_hook,
);

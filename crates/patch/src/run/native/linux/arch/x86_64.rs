//! x86-64. The hook is entered as by the call of a site, with the stack aligned as
//! calls align it; flags are not kept, since no code needs them across a call.

use super::super::{RawLanding, SAVED_SP, land};
use crate::run::frames::Registers;
use crate::run::hook::{FLOATS, FP, PC, SIZE, call_hook};
use libc::{REG_RBP, REG_RDI, REG_RIP, REG_RSP, siginfo_t, ucontext_t};
use sidetrack_artifact::Architecture;
use std::arch::global_asm;
use std::mem::offset_of;

/// What the code is for.
pub(crate) const ARCHITECTURE: Architecture = Architecture::X86_64;

/// Whether a fault at this address may be the fetch of the instruction at `pc`.
pub(crate) fn is_fetch(pc: usize, address: usize) -> bool {
    (pc..pc + 15).contains(&address)
}

fn register(context: &ucontext_t, index: i32) -> usize {
    context.uc_mcontext.gregs[index as usize] as usize
}

/// The registers at a fault.
pub(crate) fn registers(_: &siginfo_t, context: &ucontext_t) -> Registers {
    let [pc, fp, sp] = [REG_RIP, REG_RBP, REG_RSP].map(|index| register(context, index));
    Registers { pc, fp, sp, link: None }
}

/// Makes the thread go on as if something jumped to the function at `address` with an argument.
pub(crate) fn jump(context: &mut ucontext_t, address: usize, argument: usize) {
    context.uc_mcontext.gregs[REG_RIP as usize] = address as i64;
    context.uc_mcontext.gregs[REG_RDI as usize] = argument as i64;
}

/// Makes the thread go on as if the instruction at `pc` were a call of `hook`.
///
/// # Safety
/// Nothing is kept below the stack pointer, where there is room.
pub(crate) unsafe fn call(context: &mut ucontext_t, pc: usize, hook: usize) {
    let sp = (register(context, REG_RSP) & !15) - 8;
    // SAFETY: by the caller.
    unsafe { (sp as *mut usize).write(pc) };
    context.uc_mcontext.gregs[REG_RSP as usize] = sp as i64;
    context.uc_mcontext.gregs[REG_RIP as usize] = hook as i64;
}

global_asm!(
    // (activation, stub, arguments, top of the stack to use or 0)
    ".globl sidetrack_enter",
    ".hidden sidetrack_enter",
    ".type sidetrack_enter, @function",
    "sidetrack_enter:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 8",
    "stmxcsr [rsp]",
    "fnstcw [rsp + 4]",
    "mov [rdi + {saved_sp}], rsp",
    "test rcx, rcx",
    "cmovnz rsp, rcx",
    "mov rax, rsi",
    "mov r10, rdx",
    "mov rdi, [r10]",
    "mov rsi, [r10 + 8]",
    "mov rdx, [r10 + 16]",
    "mov rcx, [r10 + 24]",
    "call rax",
    "lea rsp, [rbp - 40]",
    "2:",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    // (activation)
    ".globl sidetrack_leave",
    ".hidden sidetrack_leave",
    "sidetrack_leave:",
    "mov rsp, [rdi + {saved_sp}]",
    "cld",
    "ldmxcsr [rsp]",
    "fldcw [rsp + 4]",
    "add rsp, 8",
    "jmp 2b",
    ".cfi_endproc",
    ".size sidetrack_enter, . - sidetrack_enter",
    // (tag, payload0, payload1), called by compiled code.
    ".globl sidetrack_throw",
    ".hidden sidetrack_throw",
    "sidetrack_throw:",
    "mov rax, [rsp]",
    // Room for the landing, the payloads, and alignment to 16 at the call below.
    "sub rsp, 56",
    "mov [rsp + {pc}], rax",
    "mov [rsp + {fp}], rbp",
    "mov [rsp + 32], rsi",
    "mov [rsp + 40], rdx",
    "mov rcx, rsp",
    "call {land}",
    "test rax, rax",
    "jnz 2f",
    "mov rax, [rsp + 32]",
    "mov rdx, [rsp + 40]",
    "mov rcx, [rsp + {pc}]",
    "mov rbp, [rsp + {fp}]",
    "mov rsp, [rsp + {sp}]",
    "jmp rcx",
    "2:",
    "mov rdi, rax",
    "jmp sidetrack_leave",
    saved_sp = const SAVED_SP,
    pc = const offset_of!(RawLanding, pc),
    sp = const offset_of!(RawLanding, sp),
    fp = const offset_of!(RawLanding, fp),
    land = sym land,
);

global_asm!(
    ".globl sidetrack_hook",
    ".hidden sidetrack_hook",
    ".type sidetrack_hook, @function",
    "sidetrack_hook:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "sub rsp, {size}",
    "mov [rsp], rax",
    "mov [rsp + 8], rcx",
    "mov [rsp + 16], rdx",
    "mov [rsp + 24], rbx",
    "lea rax, [rbp + 16]",
    "mov [rsp + 32], rax",
    "mov rax, [rbp]",
    "mov [rsp + 40], rax",
    "mov [rsp + {fp}], rax",
    "mov rax, [rbp + 8]",
    "mov [rsp + {pc}], rax",
    "mov [rsp + 48], rsi",
    "mov [rsp + 56], rdi",
    "mov [rsp + 64], r8",
    "mov [rsp + 72], r9",
    "mov [rsp + 80], r10",
    "mov [rsp + 88], r11",
    "mov [rsp + 96], r12",
    "mov [rsp + 104], r13",
    "mov [rsp + 112], r14",
    "mov [rsp + 120], r15",
    "movaps [rsp + {floats}], xmm0",
    "movaps [rsp + {floats} + 16], xmm1",
    "movaps [rsp + {floats} + 32], xmm2",
    "movaps [rsp + {floats} + 48], xmm3",
    "movaps [rsp + {floats} + 64], xmm4",
    "movaps [rsp + {floats} + 80], xmm5",
    "movaps [rsp + {floats} + 96], xmm6",
    "movaps [rsp + {floats} + 112], xmm7",
    "movaps [rsp + {floats} + 128], xmm8",
    "movaps [rsp + {floats} + 144], xmm9",
    "movaps [rsp + {floats} + 160], xmm10",
    "movaps [rsp + {floats} + 176], xmm11",
    "movaps [rsp + {floats} + 192], xmm12",
    "movaps [rsp + {floats} + 208], xmm13",
    "movaps [rsp + {floats} + 224], xmm14",
    "movaps [rsp + {floats} + 240], xmm15",
    "cld",
    "mov rdi, rsp",
    "call {call_hook}",
    // Where to go instead, kept while the registers come back.
    "mov [rsp + {pc}], rax",
    "movaps xmm0, [rsp + {floats}]",
    "movaps xmm1, [rsp + {floats} + 16]",
    "movaps xmm2, [rsp + {floats} + 32]",
    "movaps xmm3, [rsp + {floats} + 48]",
    "movaps xmm4, [rsp + {floats} + 64]",
    "movaps xmm5, [rsp + {floats} + 80]",
    "movaps xmm6, [rsp + {floats} + 96]",
    "movaps xmm7, [rsp + {floats} + 112]",
    "movaps xmm8, [rsp + {floats} + 128]",
    "movaps xmm9, [rsp + {floats} + 144]",
    "movaps xmm10, [rsp + {floats} + 160]",
    "movaps xmm11, [rsp + {floats} + 176]",
    "movaps xmm12, [rsp + {floats} + 192]",
    "movaps xmm13, [rsp + {floats} + 208]",
    "movaps xmm14, [rsp + {floats} + 224]",
    "movaps xmm15, [rsp + {floats} + 240]",
    "mov rcx, [rsp + 8]",
    "mov rdx, [rsp + 16]",
    "mov rbx, [rsp + 24]",
    "mov rsi, [rsp + 48]",
    "mov rdi, [rsp + 56]",
    "mov r8, [rsp + 64]",
    "mov r9, [rsp + 72]",
    "mov r10, [rsp + 80]",
    "mov r11, [rsp + 88]",
    "mov r12, [rsp + 96]",
    "mov r13, [rsp + 104]",
    "mov r14, [rsp + 112]",
    "mov r15, [rsp + 120]",
    "test rax, rax",
    "jnz 2f",
    "mov rax, [rsp]",
    "leave",
    ".cfi_remember_state",
    ".cfi_def_cfa rsp, 8",
    "ret",
    "2:",
    ".cfi_restore_state",
    // The function at rax finds the stack as if the site had called it.
    "leave",
    ".cfi_def_cfa rsp, 8",
    "jmp rax",
    ".cfi_endproc",
    ".size sidetrack_hook, . - sidetrack_hook",
    size = const SIZE,
    pc = const PC,
    fp = const FP,
    floats = const FLOATS,
    call_hook = sym call_hook,
);

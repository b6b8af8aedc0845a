//! Entering and leaving native code on x86-64 Linux.
//!
//! `sidetrack_enter` saves the callee-saved registers and calls the stub, on the
//! stack that it is called on. There are two ways back: the stub returns, or a
//! signal handler or `%throw` goes to `sidetrack_leave` with the activation, which
//! restores the stack pointer and returns from `sidetrack_enter` all the same.
//! What is skipped that way are frames of compiled code only, which own nothing:
//! a host function that compiled code calls and that enters compiled code again
//! begins an activation of its own, and whatever leaves code leaves the innermost.

mod hook;
mod signals;
mod stack;

pub(crate) use hook::hook_address;
pub(crate) use stack::Stack;

use crate::run::frames::{Frame, Landing, find_handler};
use crate::run::{CallHooks, Exit, Left};
use sidetrack_artifact::{Architecture, TrapCode};
use std::arch::global_asm;
use std::cell::Cell;
use std::mem::offset_of;
use std::ptr::null;

/// Native code that can run here.
pub(crate) const ARCHITECTURE: Option<Architecture> = Some(Architecture::X86_64);

/// One entry into compiled code on this thread.
#[repr(C)]
struct Activation {
    /// The stack pointer to return to; written by `sidetrack_enter`.
    saved_sp: usize,
    outer: *const Activation,
    max_frames: usize,
    /// The stack that the code has to itself, if it has; then every fault of it is an exit.
    stack: *const Stack,
    /// Why the code was left, if it did not return.
    left: Cell<Option<Left>>,
}

/// What a thread needs to run code. Without a destructor, so that a signal handler may read it.
struct Thread {
    /// The innermost activation.
    current: Cell<*const Activation>,
    /// Whether signals can be handled on this thread.
    ready: Cell<bool>,
}

thread_local! {
    static THREAD: Thread = const { Thread { current: Cell::new(null()), ready: Cell::new(false) } };
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
    "mov r8, [rsp]",
    "mov rcx, rbp",
    // Room for the landing, the payloads, and alignment to 16 at the call below.
    "sub rsp, 56",
    "mov [rsp + 32], rsi",
    "mov [rsp + 40], rdx",
    "mov r9, rsp",
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
    saved_sp = const offset_of!(Activation, saved_sp),
    pc = const offset_of!(RawLanding, pc),
    sp = const offset_of!(RawLanding, sp),
    fp = const offset_of!(RawLanding, fp),
    land = sym land,
);

unsafe extern "C" {
    fn sidetrack_enter(activation: *mut u8, stub: *const u8, arguments: *const u64, stack: usize);
    fn sidetrack_leave(activation: *const u8) -> !;
    fn sidetrack_throw();
}

/// A [`Landing`] as the assembly reads it.
#[repr(C)]
struct RawLanding {
    pc: usize,
    sp: usize,
    fp: usize,
}

/// Finds the handler for a throw. Fills `out` and returns null, or returns the
/// activation to leave because nobody handles the exception.
///
/// # Safety
/// Called by `sidetrack_throw` only, with the caller's frame pointer and return address.
unsafe extern "C" fn land(
    tag: u64,
    first: u64,
    second: u64,
    fp: usize,
    return_address: usize,
    out: *mut RawLanding,
) -> *const Activation {
    let current = THREAD.with(|thread| thread.current.get());
    // SAFETY: compiled code runs only inside sidetrack_enter, whose activation outlives it.
    let activation = unsafe { &*current };
    let frame = Frame { pc: return_address, fp };
    // SAFETY: sidetrack_throw makes no frame, so these are its caller's.
    match unsafe { find_handler(frame, tag, activation.max_frames) } {
        Ok(Landing { pc, sp, fp }) => {
            // SAFETY: out is in sidetrack_throw's frame.
            unsafe { out.write(RawLanding { pc, sp, fp }) };
            null()
        }
        Err(frames) => {
            let exit = Exit::Uncaught { tag, payloads: [first, second], frames };
            activation.left.set(Some(Left::Exit(exit)));
            current
        }
    }
}

/// The address that `%throw` resolves to.
pub(crate) fn throw_address() -> Option<u64> {
    Some(sidetrack_throw as *const () as u64)
}

/// Why the activation that is about to be left trapped, if it is.
pub(crate) fn trapped() -> Option<TrapCode> {
    let current = THREAD.with(|thread| thread.current.get());
    // SAFETY: null, or set by enter for as long as the activation lives.
    let activation = unsafe { current.as_ref() }?;
    // SAFETY: the cell is this thread's, and nothing changes it while this reads.
    match unsafe { &*activation.left.as_ptr() } {
        Some(Left::Exit(Exit::Trap { code, .. })) => *code,
        _ => None,
    }
}

/// Leaves the innermost activation, which [`trapped`].
pub(crate) fn leave_trapped() -> ! {
    let current = THREAD.with(|thread| thread.current.get());
    // SAFETY: the activation lives, and the frames that are skipped besides those of compiled
    // code, this one and those of the hook, own nothing.
    unsafe { sidetrack_leave(current.cast()) }
}

/// The address that a signal handler goes on at, with the activation to leave as its argument.
fn leave_address() -> usize {
    sidetrack_leave as *const () as usize
}

/// Installs the signal handlers, once for the process.
pub(crate) fn prepare() -> std::io::Result<()> {
    signals::install()
}

/// Calls `stub`, on this thread's stack or one that it has to itself.
///
/// # Safety
/// As [`crate::run::call`]; nothing else may use the own stack meanwhile.
#[inline]
pub(crate) unsafe fn enter(
    stub: *const u8,
    args: &[u64; 4],
    hooks: &CallHooks,
    stack: Option<&Stack>,
) -> Result<(), Left> {
    THREAD.with(|thread| {
        if !thread.ready.get() {
            signals::prepare_thread(thread);
        }
        let mut activation = Activation {
            saved_sp: 0,
            outer: thread.current.get(),
            max_frames: hooks.max_frames,
            stack: stack.map_or(null(), |stack| stack),
            left: Cell::new(None),
        };
        let this = &raw mut activation;
        thread.current.set(this);
        // SAFETY: the caller vouches for the stub; the activation outlives the call, and
        // until it is over is used through `this` only.
        unsafe { sidetrack_enter(this.cast(), stub, args.as_ptr(), stack.map_or(0, Stack::top)) };
        thread.current.set(activation.outer);
        match activation.left.into_inner() {
            None => Ok(()),
            Some(left) => Err(left),
        }
    })
}

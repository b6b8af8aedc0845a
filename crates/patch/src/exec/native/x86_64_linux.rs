//! Entering and leaving native code on x86-64 Linux.
//!
//! `sidetrack_enter` saves the callee-saved registers and the stack pointer in
//! the activation, changes to the code's own stack and calls the trampoline.
//! There are two ways back: the trampoline returns, or a signal handler or
//! `%throw` goes to `sidetrack_leave` with the activation, which restores the stack
//! pointer and returns from `sidetrack_enter` all the same. What is skipped that
//! way are frames of compiled code only, which own nothing.

use super::{CodeMemory, ExecTrap};
use crate::exec::Place;
use crate::exec::unwind::{Landing, find_handler};
use sidetrack_artifact::{Architecture, TrapCode};
use std::arch::global_asm;
use std::cell::{Cell, OnceCell};
use std::io;
use std::mem::{MaybeUninit, offset_of};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// Native code that can run here.
pub(super) const ARCHITECTURE: Option<Architecture> = Some(Architecture::X86_64);

/// Bytes of stack that compiled code has.
const STACK_SIZE: usize = 1 << 20;
/// Bytes below the stack that fault; a frame larger than that could jump over them.
const GUARD_SIZE: usize = 16 << 20;
/// Bytes of the stack that signals are handled on.
const SIGNAL_STACK_SIZE: usize = 64 << 10;

/// One entry into compiled code on this thread.
#[repr(C)]
struct Activation {
    /// The stack pointer to return to; written by `sidetrack_enter`.
    saved_sp: usize,
    memory: *const CodeMemory,
    /// The addresses below the stack.
    guard: (usize, usize),
    outer: *const Activation,
    /// Why the code was left.
    exit: Cell<Exit>,
}

/// How control came back.
#[derive(Clone, Copy)]
enum Exit {
    Returned,
    StackOverflow { pc: usize },
    Fault { pc: usize, signal: i32 },
    Uncaught { tag: u64, payloads: [u64; 2] },
}

thread_local! {
    /// The innermost activation; without a destructor, so that a signal handler may read it.
    static CURRENT: Cell<*const Activation> = const { Cell::new(null()) };
    static STACKS: OnceCell<Stacks> = const { OnceCell::new() };
}

global_asm!(
    // (activation, entry, slots, stack top)
    ".globl sidetrack_enter",
    ".hidden sidetrack_enter",
    "sidetrack_enter:",
    "push rbp",
    "mov rbp, rsp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 8",
    "stmxcsr [rsp]",
    "mov [rdi + {saved_sp}], rsp",
    "mov rsp, rcx",
    // The frame that the walk by frame pointers ends in.
    "xor ebp, ebp",
    "mov rbx, rdi",
    "mov rdi, rdx",
    "call rsi",
    "mov rdi, rbx",
    // Falls through: (activation)
    ".globl sidetrack_leave",
    ".hidden sidetrack_leave",
    "sidetrack_leave:",
    "mov rsp, [rdi + {saved_sp}]",
    "cld",
    "ldmxcsr [rsp]",
    "add rsp, 8",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
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
    fn sidetrack_enter(activation: *mut u8, entry: *const u8, slots: *mut u64, stack: usize);
    fn sidetrack_leave();
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
    let current = CURRENT.get();
    // SAFETY: compiled code runs only inside sidetrack_enter, whose activation and memory outlive it.
    let (activation, memory) = unsafe { (&*current, &*(*current).memory) };
    // SAFETY: sidetrack_throw makes no frame, so these are its caller's.
    match unsafe { find_handler(memory.image(), memory.base() as usize, return_address, fp, tag) } {
        Some(Landing { pc, sp, fp }) => {
            // SAFETY: out is in sidetrack_throw's frame.
            unsafe { out.write(RawLanding { pc, sp, fp }) };
            null()
        }
        None => {
            activation.exit.set(Exit::Uncaught { tag, payloads: [first, second] });
            current
        }
    }
}

/// The address that `%throw` resolves to.
pub(super) fn throw_address() -> Option<u64> {
    Some(sidetrack_throw as *const () as u64)
}

/// Calls the trampoline at `entry` with the address of `slots`.
pub(super) fn invoke(memory: &CodeMemory, entry: u32, slots: &mut [u64]) -> Result<(), ExecTrap> {
    let failed = |error: io::Error| ExecTrap::Os(error.to_string());
    static HANDLERS: OnceLock<Result<(), String>> = OnceLock::new();
    HANDLERS
        .get_or_init(|| install_handlers().map_err(|error| error.to_string()))
        .clone()
        .map_err(ExecTrap::Os)?;
    STACKS.with(|cell| {
        if cell.get().is_none() {
            let _ = cell.set(Stacks::new().map_err(failed)?);
        }
        let stacks = cell.get().ok_or_else(|| ExecTrap::Os("no stack".to_string()))?;
        let outer = CURRENT.get();
        if !outer.is_null() {
            return Err(ExecTrap::Os("compiled code already runs on this thread".to_string()));
        }
        let guard = (stacks.base, stacks.base + GUARD_SIZE);
        let mut activation =
            Activation { saved_sp: 0, memory, guard, outer, exit: Cell::new(Exit::Returned) };
        CURRENT.set(&raw const activation);
        let code = memory.base().wrapping_add(entry as usize);
        // SAFETY: entry is a function of a published image; the stack is this thread's, and
        // nothing else runs on it; the activation outlives the call.
        unsafe {
            sidetrack_enter((&raw mut activation).cast(), code, slots.as_mut_ptr(), guard.1 + STACK_SIZE)
        };
        CURRENT.set(activation.outer);
        outcome(memory, activation.exit.get())
    })
}

/// What an exit means in terms of the image.
fn outcome(memory: &CodeMemory, exit: Exit) -> Result<(), ExecTrap> {
    let image = memory.image();
    let place = |pc: usize| Place::new(image, (pc - memory.base() as usize) as u32);
    match exit {
        Exit::Returned => Ok(()),
        Exit::Uncaught { tag, payloads } => Err(ExecTrap::Uncaught { tag, payloads }),
        Exit::StackOverflow { pc } => Err(ExecTrap::Trap { code: TrapCode::StackOverflow, place: place(pc) }),
        Exit::Fault { pc, signal } => {
            let place = place(pc);
            match image.trap_at(place.offset) {
                Some(code) => Err(ExecTrap::Trap { code, place }),
                None => Err(ExecTrap::Fault { reason: format!("signal {signal}"), place }),
            }
        }
    }
}

/// This thread's stack for compiled code and, above it, one for signals.
struct Stacks {
    base: usize,
    signal: bool,
}

impl Stacks {
    fn new() -> io::Result<Self> {
        let len = GUARD_SIZE + STACK_SIZE + SIGNAL_STACK_SIZE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: the kernel chooses a free address.
        let base = unsafe { libc::mmap(null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut stacks = Stacks { base: base as usize, signal: false };
        let usable = (stacks.base + GUARD_SIZE) as *mut libc::c_void;
        // SAFETY: the range is the upper part of the mapping made above.
        if unsafe {
            libc::mprotect(usable, STACK_SIZE + SIGNAL_STACK_SIZE, libc::PROT_READ | libc::PROT_WRITE)
        } != 0
        {
            return Err(io::Error::last_os_error());
        }
        let mut old = MaybeUninit::<libc::stack_t>::zeroed();
        // SAFETY: only asks for the present setting.
        if unsafe { libc::sigaltstack(null(), old.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a zeroed stack_t is valid, and the call above has filled it.
        if unsafe { old.assume_init() }.ss_flags & libc::SS_DISABLE != 0 {
            let ss_sp = (stacks.base + GUARD_SIZE + STACK_SIZE) as *mut libc::c_void;
            let new = libc::stack_t { ss_sp, ss_flags: 0, ss_size: SIGNAL_STACK_SIZE };
            // SAFETY: the memory is this thread's until Drop takes the setting back.
            if unsafe { libc::sigaltstack(&new, null_mut()) } != 0 {
                return Err(io::Error::last_os_error());
            }
            stacks.signal = true;
        }
        Ok(stacks)
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        if self.signal {
            let off = libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: no signal is being handled on the stack, since this code is not in a handler.
            unsafe { libc::sigaltstack(&off, null_mut()) };
        }
        let len = GUARD_SIZE + STACK_SIZE + SIGNAL_STACK_SIZE;
        // SAFETY: the mapping is this value's own, and compiled code does not run on it now.
        unsafe { libc::munmap(self.base as *mut libc::c_void, len) };
    }
}

const SIGNALS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
/// What handled each of `SIGNALS` before.
static PREVIOUS: [OnceLock<libc::sigaction>; 4] = [const { OnceLock::new() }; 4];

fn install_handlers() -> io::Result<()> {
    for (signal, previous) in SIGNALS.iter().zip(&PREVIOUS) {
        let mut old = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: only asks for the present handler, before ours can run.
        if unsafe { libc::sigaction(*signal, null(), old.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: filled by the call above.
        let _ = previous.set(unsafe { old.assume_init() });
        // SAFETY: all zeros is a valid sigaction with an empty mask.
        let mut new: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        new.sa_sigaction = handle as *const () as usize;
        // NODEFER: the handler does not return by sigreturn when it chains to one that never does.
        new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        // SAFETY: handle has the signature that SA_SIGINFO asks for and is async-signal-safe.
        if unsafe { libc::sigaction(*signal, &new, null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Leaves compiled code if the fault is in it; else does what was done before.
extern "C" fn handle(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo and a ucontext that live until the handler returns.
    let (info_ref, registers) =
        unsafe { (&*info, &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs) };
    let current = CURRENT.get();
    let pc = registers[libc::REG_RIP as usize] as usize;
    if !current.is_null() {
        // SAFETY: set by invoke for as long as the activation and its memory live.
        let (activation, memory) = unsafe { (&*current, &*(*current).memory) };
        if memory.addresses().contains(&pc) {
            // SAFETY: these signals carry an address.
            let address = unsafe { info_ref.si_addr() } as usize;
            let in_guard = (activation.guard.0..activation.guard.1).contains(&address);
            activation.exit.set(if signal == libc::SIGSEGV && in_guard {
                Exit::StackOverflow { pc }
            } else {
                Exit::Fault { pc, signal }
            });
            registers[libc::REG_RIP as usize] = sidetrack_leave as *const () as i64;
            registers[libc::REG_RDI as usize] = current as i64;
            return;
        }
    }
    chain(signal, info, context);
}

/// Hands the signal to whoever had it before.
fn chain(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let index = SIGNALS.iter().position(|s| *s == signal);
    let previous = index.and_then(|i| PREVIOUS[i].get());
    let handler = previous.map_or(libc::SIG_DFL, |p| p.sa_sigaction);
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        // The faulting instruction runs again, and the default action ends the process.
        // SAFETY: async-signal-safe.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    } else if previous.is_some_and(|p| p.sa_flags & libc::SA_SIGINFO != 0) {
        // SAFETY: the flag says that the handler has this signature.
        let function: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
            unsafe { std::mem::transmute(handler) };
        function(signal, info, context);
    } else {
        // SAFETY: without the flag the handler has this signature.
        let function: extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
        function(signal);
    }
}

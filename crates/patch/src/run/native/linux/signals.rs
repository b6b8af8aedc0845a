//! Faults of native code, as signals.
//!
//! A fault is ours if the thread is inside an activation, the instruction lies in
//! registered code, and its image lists it as one that can trap; then the handler
//! leaves the activation. Every other signal belongs to whoever had it before and
//! is handed on as if our handler were not there: with the signals blocked that
//! the previous handler asked for, once only if it asked for that, and by the
//! default action where that was the setting. One thing differs: the previous
//! handler runs on the signal stack even if it did not ask for one.
//!
//! Handlers run on a stack of their own, since the thread's may be what ran out: if it is,
//! the activation is left without showing the trap to anybody, for which there is no room.
//! Each thread that runs code gets one, freed when the thread ends.

use super::stack::Stack;
use super::{Activation, THREAD, Thread, arch, sidetrack_hook, sidetrack_leave};
use crate::run::frames::frames_at;
use crate::run::hook::hooks_traps;
use crate::run::registry::View;
use crate::run::{Exit, Left};
use sidetrack_artifact::TrapCode;
use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

const SIGNALS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// What handled a signal before.
struct Previous {
    action: libc::sigaction,
    /// Whether the handler was to run once only, and has.
    spent: AtomicBool,
}

static PREVIOUS: [OnceLock<Previous>; 4] = [const { OnceLock::new() }; 4];

/// Installs the handlers, once for the process.
pub(super) fn install() -> io::Result<()> {
    static DONE: OnceLock<Result<(), i32>> = OnceLock::new();
    let done = DONE.get_or_init(|| install_now().map_err(|error| error.raw_os_error().unwrap_or(0)));
    done.map_err(io::Error::from_raw_os_error)
}

fn install_now() -> io::Result<()> {
    for (signal, previous) in SIGNALS.iter().zip(&PREVIOUS) {
        let mut old = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: only asks for the present handler, before ours can run.
        check(unsafe { libc::sigaction(*signal, null(), old.as_mut_ptr()) })?;
        // SAFETY: filled by the call above.
        let action = unsafe { old.assume_init() };
        let _ = previous.set(Previous { action, spent: AtomicBool::new(false) });
        // SAFETY: all zeros is a valid sigaction with an empty mask.
        let mut new: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        new.sa_sigaction = handle as *const () as usize;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: handle has the signature that SA_SIGINFO asks for and is async-signal-safe.
        check(unsafe { libc::sigaction(*signal, &new, null_mut()) })?;
    }
    Ok(())
}

/// Whether the handlers are still these.
///
/// # Errors
/// If somebody has installed another one since, which then has every signal first.
pub(super) fn check_installed() -> io::Result<()> {
    for (signal, name) in SIGNALS.iter().zip(["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE"]) {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: only asks for the present handler.
        check(unsafe { libc::sigaction(*signal, null(), now.as_mut_ptr()) })?;
        // SAFETY: filled by the call above.
        if unsafe { now.assume_init() }.sa_sigaction != handle as *const () as usize {
            return Err(io::Error::other(format!(
                "another handler of {name} has been installed since the one that makes traps of faults"
            )));
        }
    }
    Ok(())
}

fn check(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What the kernel calls.
extern "C" fn handle(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the address of this thread's own.
    let errno = unsafe { *libc::__errno_location() };
    handle_fault(signal, info, context);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Leaves compiled code if the fault is a trap of it; else does what was done before.
fn handle_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo and a ucontext that live until the handler returns.
    let (fault, ucontext) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    let current = THREAD.with(|thread| thread.current.get());
    if signal == libc::SIGSEGV && fault.si_code > 0 && is_being_switched(fault, ucontext) {
        return;
    }
    // A signal that somebody sends has a code that is not positive.
    if !current.is_null() && fault.si_code > 0 {
        // SAFETY: set by enter for as long as the activation lives.
        let activation = unsafe { &*current };
        if let Some(left) = trap(signal, fault, ucontext, activation) {
            let is_known = matches!(left, Left::Exit(Exit::Trap { code: Some(_), .. }));
            let no_room = !activation.stack.is_null() || is_out_of_stack(signal, &left);
            activation.left.set(Some(left));
            if hooks_traps() && is_known && !no_room {
                let pc = arch::registers(fault, ucontext).pc;
                // SAFETY: compiled code keeps nothing below its stack pointer, and has not come to the
                // end of the stack, which checks at its entries see to.
                unsafe { arch::call(ucontext, pc, sidetrack_hook as *const () as usize) };
            } else {
                arch::jump(ucontext, sidetrack_leave as *const () as usize, current as usize);
            }
            return;
        }
    }
    chain(signal, info, ucontext);
}

/// Whether an access beyond the stack is what trapped. What compares the stack pointer with
/// a limit traps by an instruction that is undefined, and leaves room.
fn is_out_of_stack(signal: i32, left: &Left) -> bool {
    let code = Some(TrapCode::StackOverflow);
    let overflow = matches!(left, Left::Exit(Exit::Trap { code: found, .. }) if *found == code);
    overflow && matches!(signal, libc::SIGSEGV | libc::SIGBUS)
}

/// Whether the fault was the fetch of an instruction from a page that cannot be executed
/// now; then sees to it that it can, and the instruction can be tried again.
fn is_being_switched(fault: &libc::siginfo_t, context: &libc::ucontext_t) -> bool {
    let pc = arch::registers(fault, context).pc;
    // SAFETY: this signal carries an address.
    let address = unsafe { fault.si_addr() } as usize;
    if !arch::is_fetch(pc, address) {
        return false;
    }
    let memory = {
        let view = View::new();
        let Some(code) = view.find(pc) else { return false };
        &raw const *code.memory
    };
    // SAFETY: the thread runs this code, so nobody unloads it. The view is given back
    // first, since whoever switches may be waiting for it.
    unsafe { &*memory }.fetch_faulted(address);
    true
}

/// What a fault means to the activation; none if it is none of ours.
fn trap(
    signal: i32,
    fault: &libc::siginfo_t,
    context: &libc::ucontext_t,
    activation: &Activation,
) -> Option<Left> {
    let registers = arch::registers(fault, context);
    let pc = registers.pc;
    let view = View::new();
    let code = view.find(pc)?;
    let (image, offset) = code.at(pc);
    // The kernel does not know the address of an access to one that is not canonical.
    let known = matches!(signal, libc::SIGSEGV | libc::SIGBUS) && fault.si_code != libc::SI_KERNEL;
    // SAFETY: these signals carry an address.
    let fault_address = known.then(|| unsafe { fault.si_addr() } as usize);
    // SAFETY: null, or a reference that enter was given for the activation.
    let own = unsafe { activation.stack.as_ref() };
    let in_guard = own.is_some_and(|own| fault_address.is_some_and(|address| own.guard().contains(&address)));
    let code_here = if in_guard { Some(TrapCode::StackOverflow) } else { image.trap_at(offset) };
    // Of an image whose list of them is damaged any fault may be a trap, and of a file that has been
    // cut off there is nothing to execute: errors, as long as it is known where the code was.
    let is_cut_off =
        signal == libc::SIGBUS && fault_address.is_some_and(|address| arch::is_fetch(pc, address));
    if code_here.is_none() && image.damaged().is_none() && !is_cut_off {
        return own.map(|_| Left::Fault { pc, reason: format!("signal {signal}") });
    }
    // Allocates, which a handler may do here: the thread was in compiled code, which holds no lock.
    // SAFETY: these are the registers of the faulting instruction.
    let frames = unsafe { frames_at(&view, code, registers, activation.max_frames) };
    Some(Left::Exit(Exit::Trap { code: code_here, pc, fault_address, frames }))
}

/// Hands the signal to whoever had it before.
fn chain(signal: i32, info: *mut libc::siginfo_t, context: &mut libc::ucontext_t) {
    let index = SIGNALS.iter().position(|s| *s == signal);
    let previous = index.and_then(|i| PREVIOUS[i].get());
    let handler = previous.map_or(libc::SIG_DFL, |p| p.action.sa_sigaction);
    let flags = previous.map_or(0, |p| p.action.sa_flags);
    let once = flags & libc::SA_RESETHAND != 0;
    let spent = once && previous.is_some_and(|p| p.spent.swap(true, Ordering::SeqCst));
    // SAFETY: the kernel's siginfo.
    let sent = unsafe { (*info).si_code } <= 0;
    if handler == libc::SIG_DFL || spent || (handler == libc::SIG_IGN && !sent) {
        // SAFETY: async-signal-safe.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        if sent {
            // Blocked until this handler returns.
            // SAFETY: async-signal-safe.
            unsafe { libc::raise(signal) };
        }
        // Else the faulting instruction runs again, and the default action ends the process.
        return;
    }
    if handler == libc::SIG_IGN {
        return;
    }
    let Some(previous) = previous else { return };
    // The mask that the kernel would have set: what was blocked, what the handler asks
    // for, and the signal itself unless it asks for that not to be.
    let mut mask = context.uc_sigmask;
    let asked = &previous.action.sa_mask;
    // SAFETY: these only look at and change the local mask, and the thread's, which
    // returning from our handler restores from the context.
    unsafe {
        for number in 1..=64 {
            if libc::sigismember(asked, number) == 1 {
                libc::sigaddset(&mut mask, number);
            }
        }
        if flags & libc::SA_NODEFER == 0 {
            libc::sigaddset(&mut mask, signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &mask, null_mut());
    }
    let context: *mut libc::ucontext_t = context;
    if flags & libc::SA_SIGINFO != 0 {
        // SAFETY: the flag says that the handler has this signature.
        let function: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
            unsafe { std::mem::transmute(handler) };
        function(signal, info, context.cast());
    } else {
        // SAFETY: without the flag the handler has this signature.
        let function: extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
        function(signal);
    }
}

/// Bytes of a signal stack: the registers of the largest processors take 11 KiB.
const STACK_SIZE: usize = 128 << 10;
/// Bytes below it that fault: a page of the largest size.
const GUARD_SIZE: usize = 64 << 10;

thread_local! {
    static STACK: RefCell<Option<SignalStack>> = const { RefCell::new(None) };
}

/// Makes signals of this thread handleable: the handlers, and a stack for them. Where
/// the system refuses the stack, the thread runs code all the same, but when its stack
/// runs out, the process ends.
#[cold]
pub(super) fn prepare_thread(thread: &Thread) {
    let _ = install();
    thread.ready.set(true);
    // An error means that the thread is ending and its stack is freed already.
    let _ = STACK.try_with(|stack| {
        if let Ok(mut stack) = stack.try_borrow_mut()
            && stack.is_none()
        {
            *stack = SignalStack::new().ok().flatten();
        }
    });
}

/// The stack that this thread handles signals on.
struct SignalStack {
    stack: Stack,
}

impl SignalStack {
    /// Sets one up; none if the thread has one already that is large enough.
    fn new() -> io::Result<Option<Self>> {
        let old = present()?;
        if old.ss_flags & libc::SS_DISABLE == 0 && old.ss_size >= STACK_SIZE {
            return Ok(None);
        }
        let stack = Stack::new(GUARD_SIZE, STACK_SIZE)?;
        let ss_sp = stack.guard().end as *mut libc::c_void;
        let new = libc::stack_t { ss_sp, ss_flags: 0, ss_size: STACK_SIZE };
        // SAFETY: the memory is this thread's until Drop takes the setting back.
        check(unsafe { libc::sigaltstack(&new, null_mut()) })?;
        Ok(Some(SignalStack { stack }))
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        THREAD.with(|thread| thread.ready.set(false));
        if present().is_ok_and(|present| present.ss_sp as usize == self.stack.guard().end) {
            let off = libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: no signal is being handled on the stack, since this code is not in a handler.
            unsafe { libc::sigaltstack(&off, null_mut()) };
        }
    }
}

/// The thread's present signal stack.
fn present() -> io::Result<libc::stack_t> {
    let mut old = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: only asks for the present setting.
    check(unsafe { libc::sigaltstack(null(), old.as_mut_ptr()) })?;
    // SAFETY: a zeroed stack_t is valid, and the call above has filled it.
    Ok(unsafe { old.assume_init() })
}

//! Entering and leaving native code on Linux.
//!
//! `sidetrack_enter` saves the callee-saved registers and calls the stub, on the
//! stack that it is called on. There are two ways back: the stub returns, or a
//! signal handler or `%throw` goes to `sidetrack_leave` with the activation, which
//! restores the stack pointer and returns from `sidetrack_enter` all the same.
//! What is skipped that way are frames of compiled code only, which own nothing:
//! a host function that compiled code calls and that enters compiled code again
//! begins an activation of its own, and whatever leaves code leaves the innermost.
//!
//! What differs between instruction sets is in `arch`, a file for each.

mod arch;
mod signals;
mod stack;

pub(crate) use stack::{Stack, of_thread as stack_of_thread};

use crate::run::frames::{Frame, Landing, find_handler};
use crate::run::{CallHooks, Exit, Left};
use sidetrack_artifact::{Architecture, TrapCode};
use std::cell::Cell;
use std::mem::offset_of;
use std::ptr::null;

/// Native code that can run here.
pub(crate) const ARCHITECTURE: Option<Architecture> = Some(arch::ARCHITECTURE);

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

// The assembly of `arch`. `sidetrack_throw` and `sidetrack_hook` are for compiled code.
unsafe extern "C" {
    /// Calls the stub with four arguments on the stack with that top, or this one if 0.
    fn sidetrack_enter(activation: *mut u8, stub: *const u8, arguments: *const u64, stack: usize);
    fn sidetrack_leave(activation: *const u8) -> !;
    fn sidetrack_throw();
    fn sidetrack_hook();
}

/// Offset for the assembly.
const SAVED_SP: usize = offset_of!(Activation, saved_sp);

/// From where an exception is thrown, `sp` excepted; then the [`Landing`].
#[repr(C)]
struct RawLanding {
    pc: usize,
    sp: usize,
    fp: usize,
}

/// Finds the handler for a throw. Fills `at` and returns null, or returns the
/// activation to leave because nobody handles the exception.
///
/// # Safety
/// Called by `sidetrack_throw` only, with the caller's frame pointer and return address.
unsafe extern "C" fn land(tag: u64, first: u64, second: u64, at: *mut RawLanding) -> *const Activation {
    let current = THREAD.with(|thread| thread.current.get());
    // SAFETY: compiled code runs only inside sidetrack_enter, whose activation outlives it.
    let activation = unsafe { &*current };
    // SAFETY: it is in sidetrack_throw's frame.
    let frame = unsafe { Frame { pc: (*at).pc, fp: (*at).fp } };
    // SAFETY: sidetrack_throw makes no frame, so these are its caller's.
    match unsafe { find_handler(frame, tag, activation.max_frames) } {
        Ok(Landing { pc, sp, fp }) => {
            // SAFETY: as above.
            unsafe { at.write(RawLanding { pc, sp, fp }) };
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

/// The address that `%debug_hook` resolves to.
pub(crate) fn hook_address() -> Option<u64> {
    Some(sidetrack_hook as *const () as u64)
}

/// What tells this thread's innermost activation from others that are under way; 0 if there is none.
pub(crate) fn activation() -> usize {
    THREAD.with(|thread| thread.current.get()) as usize
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

/// Installs the signal handlers, once for the process.
pub(crate) fn prepare() -> std::io::Result<()> {
    signals::install()
}

/// Whether the signal handlers are still those that [`prepare`] installs.
pub(crate) fn check_prepared() -> std::io::Result<()> {
    signals::check_installed()
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
        if thread.current.get() != this.cast_const() {
            // Who changes stacks has begun another meanwhile that is still under way, whose
            // `outer` would be dangling, or has come to another thread.
            std::process::abort();
        }
        thread.current.set(activation.outer);
        match activation.left.into_inner() {
            None => Ok(()),
            Some(left) => Err(left),
        }
    })
}

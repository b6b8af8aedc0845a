//! Calling functions from the host.
//!
//! The outermost call of a store on a thread decides how deep the stack may get: compiled code
//! compares its stack pointer with the store's limit, and so does every call from
//! the host, so that recursion through the host is a trap as well. The limit is
//! [`crate::Config::max_wasm_stack`] away, or nearer on a thread that has less: below it
//! there is room for host functions.

use super::hook::Entered;
use super::host::{self, HostContext, HostError};
use super::roots::Thread;
use super::{FuncRecord, Slot, VmPtr};
use crate::store::{Exit, StoreOpaque};
use sidetrack_artifact::TrapCode;
use sidetrack_patch::run::{self, CallHooks, Frame, Frames, Machine};
use std::ptr::NonNull;

/// Why a call did not return.
pub enum Failure {
    /// An instruction trapped.
    Trap {
        /// Why; `None` if nobody knows.
        code: Option<TrapCode>,
        /// Where.
        at: Position,
    },
    /// A host function that was called failed.
    Host {
        /// How.
        error: HostError,
        /// Where.
        at: Position,
    },
    /// An exception has no handler.
    Exception {
        /// Its address.
        exception: u64,
        /// Where it was thrown.
        at: Position,
    },
}

/// Where compiled code has come to a halt: it has called the host, or is in a hook.
#[derive(Clone, Copy, Debug)]
pub struct Halt {
    /// Its innermost frame.
    pub frame: Frame,
    /// The lowest address of the thread's stack where there may be values of the code, if
    /// there are any.
    pub low: Option<usize>,
}

/// Where in the code a call has failed: in which operators, in this activation and those around it.
#[derive(Debug, Default)]
pub struct Position {
    /// An address in each operator that is under way, innermost first.
    pub addresses: Vec<usize>,
    /// Before which of them there are more.
    pub gap: usize,
    /// How many more there are.
    pub left_out: usize,
}

impl Position {
    /// Where functions are that wait for calls: what a frame has is the end of the call.
    fn in_calls(frames: Frames, outer: Vec<Frame>) -> Self {
        let (gap, left_out) = (frames.first.len(), frames.left_out);
        let frames = frames.first.into_iter().chain(frames.last).chain(outer);
        Position { addresses: frames.map(|frame| frame.pc - 1).collect(), gap, left_out }
    }
}

/// The address of something on the stack.
#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0u8;
    &raw const here as usize
}

/// Bytes of a thread's stack that are left to the host: to functions that code calls at its
/// limit, and to handlers. As much as most need; of a small stack, half.
const HOST_ROOM: usize = 128 << 10;
/// The least of it. A function makes room for the arguments of its tail calls, of which there are
/// at most a thousand of 16 bytes, before it looks at the limit, and touches no page on the way.
const LEAST_ROOM: usize = 20 << 10;

/// The lowest stack pointer for code that is called where it is `sp`, and is to have `max` bytes if
/// this thread has them.
fn lowest(sp: usize, max: usize) -> usize {
    // Whoever has changed to a stack of his own knows how large it is.
    let stack = run::stack_of_thread().filter(|stack| stack.contains(&sp));
    let end = stack.map_or(0, |stack| stack.start + HOST_ROOM.min((stack.len() / 2).max(LEAST_ROOM)));
    sp.saturating_sub(max).max(end)
}

/// Where the store's code has come to a halt, if any is under way.
fn halt(store: &StoreOpaque) -> Option<Halt> {
    if store.depth() == 0 {
        return None;
    }
    let native = store.engine().config().is_native();
    store.stopped_at().or_else(|| {
        // SAFETY: the fields live as long as the store, and no code of it runs right now.
        let exit = unsafe { (*store.fields().get()).last_exit_fp };
        Some(Halt { frame: caller_of_stub(exit), low: native.then_some(exit) })
    })
}

/// Calls the function of `record`; its parameters are in `slots`, and its results will be.
///
/// `slots` must have room for the parameters and for the results of the function's
/// type, with parameters of these types; the callers check that.
pub fn invoke(store: &mut StoreOpaque, record: VmPtr<FuncRecord>, slots: &mut [Slot]) -> Result<(), Failure> {
    // SAFETY: records live as long as their store, which is borrowed. What is called may give a
    // host function's record code, so the record does not stay borrowed.
    let FuncRecord { code, vmctx, entry, .. } = *unsafe { record.address(store.id()).as_ref() };
    if entry.is_null() {
        let context = NonNull::new(vmctx.cast_mut().cast::<HostContext>());
        let context = context.expect("a host function has a context");
        // SAFETY: without entry stub the record is a host function's, and the store is borrowed mutably.
        return match unsafe { host::call(context, slots.as_mut_ptr()) } {
            Ok(()) => Ok(()),
            Err(error) => Err(Failure::Host { error, at: Position::default() }),
        };
    }
    let sp = stack_pointer();
    let fields = store.fields().get();
    // SAFETY: the fields live as long as the store, and no code of it runs right now.
    let (outer_limit, outer_exit) = unsafe { ((*fields).stack_limit, (*fields).last_exit_fp) };
    let native = store.engine().config().is_native();
    let outer = halt(store);
    let thread = Thread::here();
    let goes_on = store.activations().last().is_some_and(|activation| activation.thread == thread);
    let native_limit = if goes_on {
        store.native_limit()
    } else {
        lowest(sp, store.engine().config().max_wasm_stack_bytes())
    };
    if sp < native_limit {
        let at = Position::in_calls(Frames::default(), outer_frames(store, outer.map(|halt| halt.frame)));
        return Err(Failure::Trap { code: Some(TrapCode::StackOverflow), at });
    }
    if store.debugger_mut().wants_entries() {
        let armed = crate::debug::arm_entry(store, code as usize);
        armed.map_err(|error| Failure::Host { error: HostError::Error(error), at: Position::default() })?;
    }
    let outer_native_limit = store.set_native_limit(native_limit);
    // SAFETY: as above.
    unsafe { (*fields).stack_limit = if native { native_limit } else { 0 } };
    super::switch::before_code();
    // Something in this function's frame, which is further out than those of what it calls.
    let args = [code as u64, vmctx as u64, slots.as_mut_ptr() as u64, 0];
    store.enter(outer, thread, &raw const args as usize);
    let stopped_at = store.stop_at(None);
    let entered = Entered::new(store.address());
    let result = run_code(store.machine(), entry, &args);
    drop(entered);
    store.stop_at(stopped_at);
    store.leave();
    store.set_native_limit(outer_native_limit);
    // SAFETY: as above; the code has been left.
    unsafe {
        (*fields).stack_limit = outer_limit;
        (*fields).last_exit_fp = outer_exit;
    }
    let position = |frames| Position::in_calls(frames, outer_frames(store, outer.map(|halt| halt.frame)));
    match result {
        Ok(()) => Ok(()),
        Err(run::Exit::Uncaught { payloads, frames, .. }) => {
            Err(Failure::Exception { exception: payloads[0], at: position(frames) })
        }
        Err(run::Exit::Trap { code, frames, .. }) => {
            let trapped = frames.first.first().map(|frame| frame.pc);
            let mut at = position(frames);
            if let (Some(address), Some(trapped)) = (at.addresses.first_mut(), trapped) {
                *address = trapped;
            }
            // A debug handler may have failed at whatever trap.
            if let Some(Exit::Host(error)) = store.take_exit() {
                return Err(Failure::Host { error, at });
            }
            Err(Failure::Trap { code, at })
        }
    }
}

/// Runs the code of a record. A frame of its own: all that the code and the machine leave on
/// this thread's stack is further in than the caller's frame.
#[inline(never)]
fn run_code(machine: *const Machine, entry: *const u8, args: &[u64; 4]) -> Result<(), run::Exit> {
    // SAFETY: the machine is the store's own, made for its engine's architecture, which is
    // that of the code of all its instances; the entry stub is that of the record and right for
    // the slots; modules, and with them the registered code, live as long as the store. The
    // caller does not use the store until the code has been left; what the code calls does.
    unsafe { run::call(machine, entry, args, &CallHooks::default()) }
}

/// The frames of the activations that are around the one that runs, innermost first; that
/// which has stopped at `innermost` is one more.
pub(super) fn outer_frames(store: &StoreOpaque, innermost: Option<Frame>) -> Vec<Frame> {
    let outer = store.outer().iter().rev().map(|halt| halt.frame);
    let stopped = innermost.into_iter().chain(outer);
    // SAFETY: they are frames of code that called the host, or came to a hook, and has not
    // gone on since.
    stopped.flat_map(|frame| unsafe { run::walk(frame.pc, frame.fp, usize::MAX) }).collect()
}

/// All frames, when a host function that compiled code has called is at work.
pub(super) fn frames_in_host(store: &StoreOpaque) -> Vec<Frame> {
    // SAFETY: the fields live as long as the store, whose code waits for the host.
    let exit = unsafe { (*store.fields().get()).last_exit_fp };
    outer_frames(store, Some(caller_of_stub(exit)))
}

/// The frame that called the exit stub with this frame pointer.
fn caller_of_stub(exit_fp: usize) -> Frame {
    // SAFETY: the exit stub is still on the stack, since the host function that it called
    // has not returned; a frame starts with the caller's frame pointer and return address.
    let [fp, pc] = unsafe { (exit_fp as *const [usize; 2]).read() };
    Frame { pc, fp }
}

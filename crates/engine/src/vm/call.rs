//! Calling functions from the host.
//!
//! The outermost call of a store decides how deep the stack may get: compiled code
//! compares its stack pointer with the store's limit, and so does every call from
//! the host, so that recursion through the host is a trap as well. Below the limit
//! there is what the thread's stack has beyond [`crate::Config::max_wasm_stack`], for
//! host functions.

use super::hook::Entered;
use super::host::{self, HostContext, HostError};
use super::{FuncRecord, Slot, VmPtr};
use crate::store::{Exit, StoreOpaque};
use sidetrack_artifact::TrapCode;
use sidetrack_patch::run::{self, CallHooks, Frame};
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

/// Where in the code a call has failed: an address in each operator that is under way,
/// innermost first, in this activation and those around it.
pub type Position = Vec<usize>;

/// The address of something on the stack.
#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0u8;
    &raw const here as usize
}

/// Calls the function of `record`; its parameters are in `slots`, and its results will be.
///
/// `slots` must have room for the parameters and for the results of the function's
/// type, with parameters of these types; the callers check that.
pub fn invoke(store: &mut StoreOpaque, record: VmPtr<FuncRecord>, slots: &mut [Slot]) -> Result<(), Failure> {
    // SAFETY: records live as long as their store, which is borrowed.
    let record = unsafe { record.address(store.id()).as_ref() };
    if record.entry.is_null() {
        let context = NonNull::new(record.vmctx.cast_mut().cast::<HostContext>());
        let context = context.expect("a host function has a context");
        // SAFETY: without entry stub the record is a host function's, and the store is borrowed mutably.
        return match unsafe { host::call(context, slots.as_mut_ptr()) } {
            Ok(()) => Ok(()),
            Err(error) => Err(Failure::Host { error, at: Vec::new() }),
        };
    }
    let sp = stack_pointer();
    let fields = store.fields().get();
    // SAFETY: the fields live as long as the store, and no code of it runs right now.
    let (outer_limit, outer_exit) = unsafe { ((*fields).stack_limit, (*fields).last_exit_fp) };
    let native = store.engine().config().is_native();
    let outer = match store.stopped_at() {
        _ if store.depth() == 0 => None,
        None => {
            let low = native.then_some(outer_exit);
            Some(Halt { frame: caller_of_stub(outer_exit), low })
        }
        stopped_at => stopped_at,
    };
    if store.depth() == 0 {
        let limit = sp.saturating_sub(store.engine().config().max_wasm_stack_bytes());
        store.set_native_limit(limit);
        // SAFETY: as above.
        unsafe { (*fields).stack_limit = if native { limit } else { 0 } };
    } else if sp < store.native_limit() {
        let at = in_calls(outer_frames(store, outer.map(|halt| halt.frame)));
        return Err(Failure::Trap { code: Some(TrapCode::StackOverflow), at });
    }
    if store.debugger_mut().wants_entries() {
        let armed = crate::debug::arm_entry(store, record.code as usize);
        armed.map_err(|error| Failure::Host { error: HostError::Error(error), at: Vec::new() })?;
    }
    super::switch::before_code(store);
    // Something in this function's frame, which is further out than those of what it calls.
    let args = [record.code as u64, record.vmctx as u64, slots.as_mut_ptr() as u64, 0];
    store.enter(outer, &raw const args as usize);
    let stopped_at = store.stop_at(None);
    let entered = Entered::new(store.address());
    let result = run_code(store, record, &args);
    drop(entered);
    store.stop_at(stopped_at);
    store.leave();
    // SAFETY: as above; the code has been left.
    unsafe {
        (*fields).stack_limit = outer_limit;
        (*fields).last_exit_fp = outer_exit;
    }
    match result {
        Ok(()) => Ok(()),
        Err(run::Exit::Uncaught { payloads, mut frames, .. }) => {
            frames.extend(outer_frames(store, outer.map(|halt| halt.frame)));
            Err(Failure::Exception { exception: payloads[0], at: in_calls(frames) })
        }
        Err(run::Exit::Trap { code, mut frames, .. }) => {
            frames.extend(outer_frames(store, outer.map(|halt| halt.frame)));
            let trapped = frames.first().map(|frame| frame.pc);
            let calls = in_calls(frames).into_iter().skip(1);
            let at = trapped.into_iter().chain(calls).collect();
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
fn run_code(store: &StoreOpaque, record: &FuncRecord, args: &[u64; 4]) -> Result<(), run::Exit> {
    let machine = store.machine();
    // SAFETY: the machine is the store's own, made for its engine's architecture, which is
    // that of the code of all its instances; the entry stub is right for the record and for
    // the slots; modules, and with them the registered code, live as long as the store. The
    // store is not used until the code has been left, but by what the code calls.
    unsafe { run::call(machine, record.entry, args, &CallHooks::default()) }
}

/// Where functions are that wait for calls: what a frame has is the end of the call.
fn in_calls(frames: Vec<Frame>) -> Position {
    frames.into_iter().map(|frame| frame.pc - 1).collect()
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

//! Entering and leaving compiled code.
//!
//! Problem: a host calls compiled code, which calls the host back, which may call
//! compiled code again; at any depth an instruction may trap or an exception may
//! be thrown, in code of several images. Approach: each [`call`] begins an
//! *activation*, which ends in one of three ways: the stub returns, an instruction
//! that its image lists as one that can trap does, or an exception finds no handler
//! in the activation. The last two skip frames of compiled code only; what an
//! [`Exit`] means to the activation outside is for the host function between to say.
//!
//! *Native code* runs on the thread's own stack. Faults become exits by a signal
//! handler, for the signals SIGSEGV, SIGBUS, SIGILL and SIGFPE; those that are
//! none of ours reach whoever handled them before. Who installs a handler later has to hand
//! on to ours what is none of theirs. *Bytecode* runs in an
//! interpreter with a stack of its own.
//!
//! *Exceptions.* The import `%throw`, with the signature `(i64 tag, i64 payload0,
//! i64 payload1) system_v`, walks the frame pointers from its caller, across images,
//! and resumes at the first handler for the tag, payloads in rax and rdx, or the
//! first two argument registers elsewhere. A handler finds its frame pointer and stack pointer as they were
//! at the call, and no other register: `try_call` counts as clobbering all. Context
//! clauses of exception tables are passed over.
//!
//! A host function that compiled code calls must not unwind: a panic that gets to a
//! compiled frame ends the process.

pub(crate) mod builtins;
mod frames;
mod hook;
mod kept;
pub(crate) mod native;
pub(crate) mod pulley;
pub(crate) mod registry;
mod roots;

pub use builtins::{builtin_address, throw_address};
pub use frames::{Frame, Frames, walk};
pub use hook::{HookFrame, Hooks, hook_address, read_frame, set_hooks};
pub use kept::Kept;
pub use pulley::Interpreter;
pub use registry::Registered;
pub use roots::{words_here, words_in, words_of_machine};

use sidetrack_artifact::{Architecture, SymbolName, TrapCode};
use std::io;

/// What runs code of one architecture.
///
/// A `Machine` is for one thread at a time. It is used through a raw pointer, because
/// a host function that compiled code calls may [`call`] with the same machine
/// again, while the outer call is under way.
#[derive(Debug)]
pub enum Machine {
    /// This processor.
    Native,
    /// An interpreter of bytecode.
    Pulley(Interpreter),
}

impl Machine {
    /// A machine for code of `architecture`. `stack_size` is that of an interpreter in
    /// bytes; native code runs on the thread's stack.
    ///
    /// # Errors
    /// Native code that does not run on this host; no memory.
    pub fn new(architecture: Architecture, stack_size: usize) -> io::Result<Machine> {
        if architecture == Architecture::Pulley64 {
            return Ok(Machine::Pulley(Interpreter::new(stack_size)?));
        }
        native::prepare()?;
        if native::ARCHITECTURE != Some(architecture) {
            let reason = format!("{architecture:?} code does not run on this host");
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        Ok(Machine::Native)
    }
}

/// Installs the signal handlers that make traps of the faults of native code, if they are not
/// yet, and finds out whether faults still come to them first.
///
/// # Errors
/// If the system refuses, or somebody has installed another handler since.
pub fn check_signal_handlers() -> io::Result<()> {
    native::prepare()?;
    native::check_prepared()
}

/// The addresses that the system has given this thread for its stack, if that is known. Asked
/// for once a thread, so what changes later does not show.
pub fn stack_of_thread() -> Option<std::ops::Range<usize>> {
    native::stack_of_thread()
}

/// What tells this thread's innermost activation of native code from the others that are
/// under way; 0 if there is none. Code that goes on in another than it was left in would be
/// taken for that one's.
pub fn activation() -> usize {
    native::activation()
}

/// What native code can run here, if any.
pub fn native_architecture() -> Option<Architecture> {
    native::ARCHITECTURE
}

/// Why compiled code did not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// An instruction trapped.
    Trap {
        /// Why. None if the interpreter refuses an instruction that no image lists as one that can trap.
        code: Option<TrapCode>,
        /// The address of the instruction.
        pc: usize,
        /// The address that a native instruction could not access, if the system says.
        fault_address: Option<usize>,
        /// The frames of the activation.
        frames: Frames,
    },
    /// An exception that nothing in the activation handles.
    Uncaught {
        /// Its tag.
        tag: u64,
        /// Its payloads.
        payloads: [u64; 2],
        /// The frames of the activation.
        frames: Frames,
    },
}

/// Settings of a [`call`].
#[derive(Clone, Debug)]
pub struct CallHooks {
    /// How many frames an [`Exit`] has from the innermost; of more than that it has the outermost.
    pub max_frames: usize,
}

impl Default for CallHooks {
    fn default() -> Self {
        CallHooks { max_frames: 1024 }
    }
}

/// Calls `stub` with up to four integer arguments.
///
/// # Errors
/// Whatever keeps the stub from returning.
///
/// # Safety
/// - `machine` must point to a live machine for the stub's architecture that no other
///   thread uses; host functions that the code calls may use it for calls of their own.
/// - `stub` must be the address of a function of published, [`Registered`] code, in the
///   convention `system_v`, with at most four parameters, all of them integers, and be
///   right for these arguments.
/// - The code must stay registered and published until the call is over.
/// - The host functions that it calls must be what it takes them for, and must not unwind.
#[inline]
pub unsafe fn call(
    machine: *const Machine,
    stub: *const u8,
    args: &[u64; 4],
    hooks: &CallHooks,
) -> Result<(), Exit> {
    // SAFETY: the caller vouches for the pointer; the reference ends before any code runs.
    let interpreter = match unsafe { &*machine } {
        Machine::Native => None,
        Machine::Pulley(interpreter) => Some(interpreter.vm()),
    };
    let result = match interpreter {
        // SAFETY: as the caller vouches.
        None => unsafe { native::enter(stub, args, hooks, None) },
        // SAFETY: as the caller vouches.
        Some(vm) => unsafe { pulley::enter(vm, stub, args, hooks) },
    };
    match result {
        Ok(()) => Ok(()),
        Err(left) => Err(left.into_exit()),
    }
}

/// Makes this thread execute code as it has been switched by a
/// [`crate::CodeMemory::idle_session`], on this thread or another.
pub fn serialize() {
    crate::arch::serialize();
}

/// Why code was left, with what is only of interest where nothing else understands it.
#[derive(Clone, Debug)]
pub(crate) enum Left {
    Exit(Exit),
    /// An instruction faulted that no image lists as one that can.
    Fault {
        pc: usize,
        reason: String,
    },
    /// A call of an import that has no address.
    Unknown {
        pc: usize,
        import: SymbolName,
    },
}

impl Left {
    #[cold]
    fn into_exit(self) -> Exit {
        match self {
            Left::Exit(exit) => exit,
            Left::Fault { pc, .. } | Left::Unknown { pc, .. } => {
                Exit::Trap { code: None, pc, fault_address: None, frames: Frames::default() }
            }
        }
    }
}

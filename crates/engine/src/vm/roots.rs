//! Which exceptions something of a store still reaches.
//!
//! Whatever looks like the address of an exception is taken for a reference to it: words on
//! the stacks of code that is under way and in its registers (see `run::words_here`), tables
//! and globals, values of exceptions. So nothing is freed that can be reached; what only an
//! integer looks like stays until the next time. What the host has is known (`Exceptions::begin_marking`). A
//! reference is never elsewhere: slots in which values are passed to compiled code are read
//! by it before it does anything else, and the debugger's shadows have copies of what the
//! stopped frame has, which are looked up before they are used.

use crate::store::StoreOpaque;
use sidetrack_patch::run;

/// An activation of the store's code: between the host that called it and the host that it
/// has called, or is stopped in.
#[derive(Clone, Copy, Debug)]
pub struct Activation {
    /// Whose stack it is on. A host function may lend its store to another thread.
    pub thread: Thread,
    /// An address in the frame of the host that called.
    pub top: usize,
    /// The lowest address of that stack that may have words of the code; `top` if none
    /// has. What runs right now has it where the stack ends.
    pub low: usize,
}

/// Tells a thread from others that are alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread(usize);

impl Thread {
    /// This one.
    pub fn here() -> Self {
        thread_local!(static PLACE: u8 = const { 0 });
        Thread(PLACE.with(|place| &raw const *place as usize))
    }
}

/// Frees the exceptions that nothing reaches.
pub fn collect(store: &mut StoreOpaque) {
    let mut exceptions = std::mem::take(store.exceptions_mut());
    if exceptions.begin_marking() {
        let mut mark = |word: u64| exceptions.mark(word);
        store.reference_words(&mut mark);
        let activations = store.activations();
        if let Some((running, waiting)) = activations.split_last() {
            for activation in waiting {
                // SAFETY: the code waits for what runs, so its frames stay as they are.
                unsafe { run::words_in(activation.low..activation.top, &mut mark) };
            }
            // Only code makes exceptions, so the one that runs does it on this thread.
            assert!(running.thread == Thread::here(), "an exception is made by code");
            // SAFETY: the frame of the host that called is on this thread's stack, and further out.
            unsafe { run::words_here(running.top, &mut mark) };
            // SAFETY: the machine is the store's, and its code waits for this.
            unsafe { run::words_of_machine(store.machine(), &mut mark) };
        }
        exceptions.sweep();
    }
    *store.exceptions_mut() = exceptions;
}

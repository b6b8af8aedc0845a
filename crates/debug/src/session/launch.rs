//! Running a program under a session.
//!
//! The program runs on the caller's thread. At a stop, the frontend is asked from inside
//! of the engine's debug handler, on the same thread; what it answers lets the handler
//! return. So there is no second thread that could disagree about what the program does.
//! Interrupts alone come from elsewhere.

use super::session::{Frontend, Session};
use sidetrack_engine::{InterruptHandle, Result, Store};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is debugged.
pub trait Program {
    /// What is in its stores.
    type Data: 'static;

    /// A store for a run of it, in which nothing has run yet.
    ///
    /// # Errors
    /// If there can be none.
    fn store(&mut self) -> Result<Store<Self::Data>>;

    /// Runs it in the store, from instantiation to the end; says how it ended.
    ///
    /// # Errors
    /// What stopped it; [`NotStarted`] if nothing of it has run.
    fn run(&mut self, store: &mut Store<Self::Data>) -> Result<Ending>;
}

/// How a program ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an exit code.
    Exited(i32),
    /// The function that was called has returned these results.
    Returned(Vec<String>),
}

/// What became of a program.
#[derive(Debug)]
pub enum Outcome {
    /// It ended itself.
    Ended(Ending),
    /// The user ended it.
    Killed,
    /// A trap, an exception or an error of the host stopped it.
    Failed(sidetrack_engine::Error),
}

/// The error of a program that cannot be started.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotStarted(pub String);

/// The error with which a program is left that the user ends.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("killed")]
pub struct Killed;

/// A session with who asks the user.
#[derive(Debug)]
pub struct Debugger<F> {
    /// The session.
    pub session: Session,
    /// Who asks the user.
    pub frontend: F,
}

/// A debugger that the thread of the program shares with who started it.
pub struct Shared<F>(Arc<Mutex<Debugger<F>>>);

impl<F> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Shared(self.0.clone())
    }
}

impl<F: Frontend + 'static> Shared<F> {
    /// A debugger.
    pub fn new(session: Session, frontend: F) -> Self {
        Shared(Arc::new(Mutex::new(Debugger { session, frontend })))
    }

    /// The debugger, for who holds it while no program runs.
    pub fn lock(&self) -> MutexGuard<'_, Debugger<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a program to its end. It stops before its first operator if that is asked for.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn launch<P: Program>(&self, program: &mut P, stop_at_entry: bool) -> Result<Outcome> {
        let mut store = program.store()?;
        let debugger = self.clone();
        store.debug_handler(move |stop, event| {
            let mut debugger = debugger.lock();
            let Debugger { session, frontend } = &mut *debugger;
            session.event(stop, event, frontend)
        });
        let interrupter = {
            let mut debugger = self.lock();
            debugger.session.begin(stop_at_entry);
            debugger.session.breakpoints.insert(&mut store)?;
            debugger.session.interrupter().clone()
        };
        if stop_at_entry {
            store.stop_at_entry();
        }
        interrupter.attach(store.interrupt_handle());
        let result = program.run(&mut store);
        interrupter.detach();
        self.lock().session.end();
        Ok(match result {
            Ok(ending) => Outcome::Ended(ending),
            Err(error) if error.downcast_ref::<Killed>().is_some() => Outcome::Killed,
            Err(error) if error.downcast_ref::<NotStarted>().is_some() => return Err(error),
            Err(error) => Outcome::Failed(error),
        })
    }
}

/// Interrupts the program of a session, whichever runs, from any thread.
#[derive(Clone, Default)]
pub struct Interrupter(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    /// There is no program.
    #[default]
    Idle,
    Stopped(InterruptHandle),
    /// It is stopped, and will be as soon as it goes on.
    Due(InterruptHandle),
    Running(InterruptHandle),
    /// It is interrupted and has not stopped yet.
    Interrupted(InterruptHandle),
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupter").finish_non_exhaustive()
    }
}

impl Interrupter {
    /// Interrupts the program that runs; one that is stopped, as soon as it goes on. False if
    /// there is none, or if it is interrupted already and has not stopped, since it is in a
    /// host function.
    pub fn interrupt(&self) -> bool {
        let mut state = self.lock();
        let (next, done) = match std::mem::take(&mut *state) {
            State::Running(handle) => {
                let done = handle.interrupt();
                (State::Interrupted(handle), done)
            }
            State::Stopped(handle) => (State::Due(handle), true),
            other => (other, false),
        };
        *state = next;
        done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attach(&self, handle: InterruptHandle) {
        *self.lock() = State::Running(handle);
    }

    fn detach(&self) {
        *self.lock() = State::Idle;
    }

    /// The program is stopped.
    pub(super) fn stopped(&self) {
        let mut state = self.lock();
        *state = match std::mem::take(&mut *state) {
            State::Running(handle) | State::Interrupted(handle) => State::Stopped(handle),
            other => other,
        };
    }

    /// The program goes on.
    pub(super) fn running(&self) {
        let mut state = self.lock();
        *state = match std::mem::take(&mut *state) {
            State::Stopped(handle) => State::Running(handle),
            State::Due(handle) => {
                handle.interrupt();
                State::Interrupted(handle)
            }
            other => other,
        };
    }
}

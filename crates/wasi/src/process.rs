//! The end of the guest.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};

/// The guest has ended itself. Calls into it return this as their error; an embedder
/// finds it with `error.downcast_ref::<Exit>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program has ended with status {0}")]
pub struct Exit(
    /// The status; 0 is success.
    pub i32,
);

/// What a signal does to a guest that cannot handle one.
fn ends(signal: u32) -> Result<bool> {
    match signal {
        0 | 13 | 16 | 17 | 22 | 27 => Ok(false), // none, pipe, chld, cont, urg, winch
        18..=21 => Err(Errno::Notsup),           // stop, tstp, ttin, ttou
        1..=30 => Ok(true),
        _ => Err(Errno::Inval),
    }
}

impl WasiCtx {
    /// Ends the guest with a status.
    pub fn proc_exit(&mut self, status: u32) -> Exit {
        Exit(status as i32)
    }

    /// Sends the guest a signal: does it end by it? The status is that of shells, 128 and the signal.
    ///
    /// # Errors
    /// `INVAL` for a number without a signal; `NOTSUP` for signals that stop.
    pub fn proc_raise(&mut self, signal: u32) -> Result<Option<Exit>> {
        Ok(ends(signal)?.then_some(Exit(128 + signal as i32)))
    }

    /// Lets other threads of the host run.
    pub fn sched_yield(&mut self) -> Result<()> {
        std::thread::yield_now();
        Ok(())
    }
}

//! Ending a wait from outside.
//!
//! Problem: a guest that waits in the host (for input, for room in a pipe, for time) does not
//! come to the sites where its code is interrupted. Approach: as long as anybody can
//! interrupt the store, whatever may wait polls for the wake-up as well, long transfers ask
//! between their pieces, and what is interrupted returns `INTR`. The code that called it then
//! stops at the site behind the call.

use crate::errno::{Errno, Result};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use sidetrack_engine::InterruptSignal;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// The most bytes between two looks at whether there is an interrupt.
pub(crate) const PIECE: usize = 64 << 10;

/// What can interrupt the guest, if anything.
#[derive(Default)]
pub(crate) struct Interrupt {
    signal: Option<InterruptSignal>,
    wake: Option<Wake>,
}

/// A pipe that has something to read when there is an interrupt.
struct Wake {
    reader: PipeReader,
    /// What writes to it; the signal calls it as long as it is here.
    _waker: Arc<dyn Fn() + Send + Sync>,
}

impl Wake {
    fn new(signal: &InterruptSignal) -> std::io::Result<Wake> {
        let (reader, writer) = std::io::pipe()?;
        // Who interrupts does not wait for a pipe that is full, nor do we for one that is empty.
        for fd in [rustix::fd::AsFd::as_fd(&reader), rustix::fd::AsFd::as_fd(&writer)] {
            rustix::fs::fcntl_setfl(fd, rustix::fs::fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
        }
        let waker: Arc<dyn Fn() + Send + Sync> = Arc::new(move || ring(&writer));
        signal.on_raise(&waker);
        Ok(Wake { reader, _waker: waker })
    }
}

fn ring(mut writer: &PipeWriter) {
    // A pipe that is full wakes as well.
    let _ = writer.write(&[0]);
}

impl Interrupt {
    /// The guest is now run by the store whose interrupts these are.
    pub(crate) fn attach(&mut self, signal: InterruptSignal) {
        if !self.signal.as_ref().is_some_and(|known| known.same(&signal)) {
            self.wake = None;
            self.signal = Some(signal);
        }
        if self.wake.is_none()
            && let Some(signal) = self.signal.as_ref().filter(|signal| signal.is_watched())
        {
            // Without descriptors for a pipe, waits are not ended.
            self.wake = Wake::new(signal).ok();
        }
    }

    /// Whether anybody can interrupt.
    pub(crate) fn is_watched(&self) -> bool {
        self.wake.is_some()
    }

    /// # Errors
    /// `INTR` if there is an interrupt.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.signal {
            Some(signal) if signal.is_raised() => Err(Errno::Intr),
            _ => Ok(()),
        }
    }

    /// Waits for a time.
    ///
    /// # Errors
    /// As [`Interrupt::poll`].
    pub(crate) fn sleep(&self, time: Duration) -> Result<()> {
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        self.poll(&mut Vec::new(), Some(&time))
    }

    /// Waits as the host's poll does; a signal of the host ends the wait with nothing ready.
    ///
    /// # Errors
    /// `INTR` if there is an interrupt; those of the host's poll.
    pub(crate) fn poll<'a>(&'a self, fds: &mut Vec<PollFd<'a>>, timeout: Option<&Timespec>) -> Result<()> {
        self.check()?;
        fds.extend(self.wake.as_ref().map(|wake| PollFd::new(&wake.reader, PollFlags::IN)));
        let result = rustix::event::poll(fds, timeout);
        if let Some(wake) = &self.wake {
            let woken = fds.pop().is_some_and(|fd| !fd.revents().is_empty());
            // The next wait begins without what rang before.
            if woken {
                let _ = (&wake.reader).read(&mut [0; 64]);
            }
        }
        self.check()?;
        match result {
            Err(rustix::io::Errno::INTR) | Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

//! Waiting for several things at once.
//!
//! A subscription is a moment or a descriptor that becomes ready. Those that have
//! their event already (what is always ready; mistakes) are found first; if there
//! are any, the rest is asked without waiting. Otherwise the host's poll waits for
//! all descriptors at once until the earliest moment, and once more if it came
//! back early. One call tells all events that there are, in the subscriptions' order.
//!
//! An absolute time is turned into a span by the guest's clock when the call begins;
//! setting the clock during the call does not move it.

use crate::clock::{Clock, Clocks};
use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::fd_table::FdTable;
use crate::interrupt::Interrupt;
use crate::memory::{GuestMemory, element};
use crate::rights::Rights;
use crate::stream::{HostFile, Stream};
use crate::types::{Event, EventType, FileType, SubclockFlags, Subscription, SubscriptionKind};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::time::{Duration, Instant};

/// The most subscriptions of one call.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// What a subscription is waiting for.
enum Wait<'a> {
    /// Nothing any more: the number of bytes that are ready, or what is wrong.
    Done(Result<u64>),
    /// A moment; none is so far away that it does not come.
    Moment(Option<Instant>),
    /// A file to become ready for reading or writing.
    Ready(&'a HostFile, PollFlags),
}

impl<'a> Wait<'a> {
    fn new(subscription: &Subscription, fds: &'a FdTable, clocks: &mut dyn Clocks) -> Wait<'a> {
        let wait = match subscription.kind {
            SubscriptionKind::Clock { id, timeout, flags } => Wait::clock(id, timeout, flags, clocks),
            SubscriptionKind::FdRead(fd) => Wait::stream(fds, fd, Rights::FD_READ, PollFlags::IN),
            SubscriptionKind::FdWrite(fd) => Wait::stream(fds, fd, Rights::FD_WRITE, PollFlags::OUT),
        };
        wait.unwrap_or_else(|errno| Wait::Done(Err(errno)))
    }

    fn clock(id: u32, timeout: u64, flags: SubclockFlags, clocks: &mut dyn Clocks) -> Result<Wait<'a>> {
        let clock = Clock::decode(id)?;
        if matches!(clock, Clock::ProcessCputime | Clock::ThreadCputime) {
            return Err(Errno::Notsup);
        }
        let absolute = flags.has(SubclockFlags::ABSTIME);
        let span = if absolute { timeout.saturating_sub(clocks.time(clock)) } else { timeout };
        Ok(Wait::Moment(Instant::now().checked_add(Duration::from_nanos(span))))
    }

    fn stream(fds: &'a FdTable, fd: u32, right: Rights, ready: PollFlags) -> Result<Wait<'a>> {
        Ok(match fds.stream(fd, Rights::POLL_FD_READWRITE | right)?.1 {
            Stream::Host(file) if file.always_ready() && right == Rights::FD_READ => {
                let size = u64::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0);
                let left = size.saturating_sub(rustix::fs::tell(file)?);
                Wait::Done(Ok(if file.filetype == FileType::BlockDevice { 1 } else { left }))
            }
            Stream::Host(file) if !file.always_ready() => Wait::Ready(file, ready),
            Stream::Input(input) => Wait::Done(Ok(input.remaining() as u64)),
            Stream::Null if right == Rights::FD_READ => Wait::Done(Ok(0)),
            // How much can be written is not known, but something can be.
            Stream::Host(_) | Stream::Null | Stream::Output(_) => Wait::Done(Ok(1)),
        })
    }

    /// The event, if it has come by now.
    fn event(&self, subscription: &Subscription, seen: PollFlags, now: Instant) -> Option<Event> {
        let kind = match subscription.kind {
            SubscriptionKind::Clock { .. } => EventType::Clock,
            SubscriptionKind::FdRead(_) => EventType::FdRead,
            SubscriptionKind::FdWrite(_) => EventType::FdWrite,
        };
        let mut event =
            Event { userdata: subscription.userdata, error: None, kind, nbytes: 0, hangup: false };
        match self {
            Wait::Done(Ok(nbytes)) => event.nbytes = *nbytes,
            Wait::Done(Err(errno)) => event.error = Some(*errno),
            Wait::Moment(moment) => return moment.filter(|moment| *moment <= now).map(|_| event),
            Wait::Ready(..) if seen.is_empty() => return None,
            Wait::Ready(..) if seen.contains(PollFlags::NVAL) => event.error = Some(Errno::Badf),
            Wait::Ready(file, ready) => {
                event.hangup = seen.intersects(PollFlags::HUP | PollFlags::ERR);
                event.nbytes = match *ready {
                    PollFlags::IN => rustix::io::ioctl_fionread(file).unwrap_or(0),
                    _ => 1,
                };
            }
        }
        Some(event)
    }
}

/// How long the host may wait for the first event; none is forever.
fn timeout(waits: &[Wait<'_>]) -> Option<Timespec> {
    let now = Instant::now();
    let span = |wait: &Wait<'_>| match wait {
        Wait::Done(_) => Some(Duration::ZERO),
        Wait::Moment(moment) => moment.map(|moment| moment.saturating_duration_since(now)),
        Wait::Ready(..) => None,
    };
    let shortest = waits.iter().filter_map(span).min()?;
    Some(Timespec {
        tv_sec: i64::try_from(shortest.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: shortest.subsec_nanos().into(),
    })
}

/// What the host's poll sees of each that waits for a file; nothing of the others.
fn poll(waits: &[Wait<'_>], timeout: Option<&Timespec>, interrupt: &Interrupt) -> Result<Vec<PollFlags>> {
    let file = |wait: &Wait<'_>| matches!(wait, Wait::Ready(..));
    let mut fds: Vec<PollFd<'_>> = waits
        .iter()
        .filter_map(|wait| match wait {
            Wait::Ready(file, ready) => Some(PollFd::new(*file, *ready)),
            _ => None,
        })
        .collect();
    interrupt.poll(&mut fds, timeout)?;
    let mut seen = fds.iter().map(PollFd::revents);
    let seen = |wait| if file(wait) { seen.next() } else { None }.unwrap_or(PollFlags::empty());
    Ok(waits.iter().map(seen).collect())
}

impl WasiCtx {
    /// Waits until one of `count` subscriptions at `subscriptions` has its event; the events go
    /// to `events`, which has room for as many, and their number to `found`.
    ///
    /// What is wrong with one subscription is told by its event.
    ///
    /// # Errors
    /// `INVAL` if there are no subscriptions or more than 4,096, or for one of no kind; `INTR` if
    /// there is an interrupt meanwhile.
    pub fn poll_oneoff(
        &mut self,
        memory: &mut [u8],
        subscriptions: u32,
        events: u32,
        count: u32,
        found: u32,
    ) -> Result<()> {
        if count == 0 || count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval);
        }
        memory.bytes(events, element(0, count, Event::SIZE)?)?;
        memory.bytes(subscriptions, element(0, count, Subscription::SIZE)?)?;
        let subscriptions: Vec<Subscription> = (0..count)
            .map(|index| Subscription::read(memory, element(subscriptions, index, Subscription::SIZE)?))
            .collect::<Result<_>>()?;
        let waits: Vec<Wait<'_>> = subscriptions
            .iter()
            .map(|subscription| Wait::new(subscription, &self.fds, &mut *self.clocks))
            .collect();
        let mut number = 0;
        while number == 0 {
            let seen = poll(&waits, timeout(&waits).as_ref(), &self.interrupt)?;
            let now = Instant::now();
            for ((wait, subscription), seen) in waits.iter().zip(&subscriptions).zip(seen) {
                if let Some(event) = wait.event(subscription, seen, now) {
                    event.write(memory, element(events, number, Event::SIZE)?)?;
                    number += 1;
                }
            }
        }
        memory.write_u32(found, number)
    }
}

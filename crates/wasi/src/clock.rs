//! Clocks.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::memory::GuestMemory;
use crate::types::nanoseconds;

/// The clocks of preview 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The time of day, from 1970 on.
    Realtime,
    /// Time that never goes back, from some moment on.
    Monotonic,
    /// Processor time of the process.
    ProcessCputime,
    /// Processor time of the thread.
    ThreadCputime,
}

impl Clock {
    /// The clock that the guest named; `INVAL` if there is none of that number.
    pub(crate) fn decode(id: u32) -> Result<Clock> {
        match id {
            0 => Ok(Clock::Realtime),
            1 => Ok(Clock::Monotonic),
            2 => Ok(Clock::ProcessCputime),
            3 => Ok(Clock::ThreadCputime),
            _ => Err(Errno::Inval),
        }
    }
}

/// Where a guest's clocks get their time from; all in nanoseconds.
pub trait Clocks: Send {
    /// The time of a clock.
    fn time(&mut self, clock: Clock) -> u64;
    /// The smallest difference that a clock can show; not 0.
    fn resolution(&mut self, clock: Clock) -> u64;
}

/// The host's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostClocks;

impl HostClocks {
    fn host(clock: Clock) -> rustix::time::ClockId {
        match clock {
            Clock::Realtime => rustix::time::ClockId::Realtime,
            Clock::Monotonic => rustix::time::ClockId::Monotonic,
            Clock::ProcessCputime => rustix::time::ClockId::ProcessCPUTime,
            Clock::ThreadCputime => rustix::time::ClockId::ThreadCPUTime,
        }
    }
}

impl Clocks for HostClocks {
    fn time(&mut self, clock: Clock) -> u64 {
        let time = rustix::time::clock_gettime(HostClocks::host(clock));
        nanoseconds(time.tv_sec, time.tv_nsec as u64)
    }

    fn resolution(&mut self, clock: Clock) -> u64 {
        let resolution = rustix::time::clock_getres(HostClocks::host(clock));
        nanoseconds(resolution.tv_sec, resolution.tv_nsec as u64).max(1)
    }
}

impl WasiCtx {
    /// The resolution of a clock goes to `resolution`.
    pub fn clock_res_get(&mut self, memory: &mut [u8], id: u32, resolution: u32) -> Result<()> {
        memory.write_u64(resolution, self.clocks.resolution(Clock::decode(id)?))
    }

    /// The time of a clock goes to `time`; it is always as precise as the clock is.
    pub fn clock_time_get(&mut self, memory: &mut [u8], id: u32, _precision: u64, time: u32) -> Result<()> {
        memory.write_u64(time, self.clocks.time(Clock::decode(id)?))
    }
}

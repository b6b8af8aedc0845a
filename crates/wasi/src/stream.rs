//! What a descriptor reads from and writes to when it is not a directory.
//!
//! A transfer is a call of the host with all buffers, or one for each piece of a long one, so
//! output is never split into small writes and nothing is kept back in a buffer of ours.
//!
//! A file description of the host that others share (inherited or given standard
//! streams) is never switched to non-blocking: that would change it for them too.
//! For those the guest's flag is kept here, and a transfer that would block is
//! recognised by polling first. The other way round, a description that the host
//! had made non-blocking is waited for if the guest did not ask for `NONBLOCK`;
//! so a full pipe never loses output.
//!
//! Where the guest can be interrupted, a call that may wait is made only when the host's poll
//! says that it will not; a write then has at most the bytes that a pipe takes at once.

use crate::errno::{Errno, Result};
use crate::interrupt::{Interrupt, PIECE};
use crate::transfer::Extent;
use crate::types::FileType;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io::{IoSlice, IoSliceMut, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a standard stream of the guest leads.
#[derive(Debug, Default)]
pub enum Stdio {
    /// Reading is at the end at once; what is written is dropped.
    #[default]
    Null,
    /// The same stream of this process.
    Inherit,
    /// A file, pipe, terminal or socket of the host.
    Host(OwnedFd),
    /// Reading takes from memory.
    Input(MemoryInputPipe),
    /// Writing appends to memory.
    Output(MemoryOutputPipe),
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Stdio {
        Stdio::Host(fd)
    }
}

impl From<std::fs::File> for Stdio {
    fn from(file: std::fs::File) -> Stdio {
        Stdio::Host(file.into())
    }
}

impl From<MemoryInputPipe> for Stdio {
    fn from(pipe: MemoryInputPipe) -> Stdio {
        Stdio::Input(pipe)
    }
}

impl From<MemoryOutputPipe> for Stdio {
    fn from(pipe: MemoryOutputPipe) -> Stdio {
        Stdio::Output(pipe)
    }
}

/// The value under a lock; one that a panic left behind is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A standard input that is in memory. Clones share what is left of it.
#[derive(Clone, Debug, Default)]
pub struct MemoryInputPipe(Arc<Mutex<Input>>);

#[derive(Debug, Default)]
struct Input {
    bytes: Vec<u8>,
    position: usize,
}

impl MemoryInputPipe {
    /// An input of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> MemoryInputPipe {
        MemoryInputPipe(Arc::new(Mutex::new(Input { bytes: bytes.into(), position: 0 })))
    }

    /// The number of bytes that were not read yet.
    pub fn remaining(&self) -> usize {
        let input = lock(&self.0);
        input.bytes.len() - input.position
    }

    fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> usize {
        let mut input = lock(&self.0);
        let mut total = 0;
        for buffer in buffers {
            let rest = &input.bytes[input.position..];
            let len = rest.len().min(buffer.len());
            buffer[..len].copy_from_slice(&rest[..len]);
            input.position += len;
            total += len;
        }
        total
    }
}

/// An output that is kept in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryOutputPipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    limit: Option<usize>,
}

impl MemoryOutputPipe {
    /// An output that nothing was written to.
    pub fn new() -> MemoryOutputPipe {
        MemoryOutputPipe::default()
    }

    /// An output that keeps `bytes` bytes at most. While it is full, writing is `NOSPC`.
    pub fn with_limit(bytes: usize) -> MemoryOutputPipe {
        MemoryOutputPipe { limit: Some(bytes), ..MemoryOutputPipe::default() }
    }

    /// What was written so far.
    pub fn contents(&self) -> Vec<u8> {
        lock(&self.bytes).clone()
    }

    /// Takes what was written since the last time.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.bytes))
    }

    fn write(&self, buffers: &[IoSlice<'_>]) -> Result<usize> {
        let mut output = lock(&self.bytes);
        let before = output.len();
        let room = self.limit.unwrap_or(usize::MAX).saturating_sub(before);
        if room == 0 {
            return Err(Errno::Nospc);
        }
        for buffer in buffers {
            let rest = room - (output.len() - before);
            output.extend_from_slice(&buffer[..buffer.len().min(rest)]);
        }
        Ok(output.len() - before)
    }
}

/// A file descriptor of the host, one of our own or a standard stream of this process.
#[derive(Debug)]
pub(crate) enum HostFd {
    Stdin,
    Stdout,
    Stderr,
    Owned(OwnedFd),
}

impl AsFd for HostFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            HostFd::Stdin => rustix::stdio::stdin(),
            HostFd::Stdout => rustix::stdio::stdout(),
            HostFd::Stderr => rustix::stdio::stderr(),
            HostFd::Owned(fd) => fd.as_fd(),
        }
    }
}

/// An open file of the host that is not a directory.
#[derive(Debug)]
pub(crate) struct HostFile {
    fd: HostFd,
    /// Do others have this file description as well?
    pub(crate) shared: bool,
    pub(crate) filetype: FileType,
    pub(crate) terminal: bool,
    /// Was it opened without waiting for somebody to write to it?
    pub(crate) expects_writer: bool,
}

/// The most bytes that a pipe takes at once if it takes any.
const PIPE_BUF: usize = 4096;

impl HostFile {
    pub(crate) fn new(fd: HostFd, shared: bool) -> Result<HostFile> {
        let mut filetype = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode).into();
        if filetype == FileType::SocketStream
            && rustix::net::sockopt::socket_type(&fd)? == rustix::net::SocketType::DGRAM
        {
            filetype = FileType::SocketDgram;
        }
        let terminal = filetype == FileType::CharacterDevice && fd.as_fd().is_terminal();
        Ok(HostFile { fd, shared, filetype, terminal, expects_writer: false })
    }

    /// Is it always ready, so that polling tells nothing?
    pub(crate) fn always_ready(&self) -> bool {
        matches!(self.filetype, FileType::RegularFile | FileType::BlockDevice)
    }

    pub(crate) fn is_socket(&self) -> bool {
        matches!(self.filetype, FileType::SocketStream | FileType::SocketDgram)
    }

    /// How much of a read is done before it returns.
    pub(crate) fn read_extent(&self) -> Extent {
        match self.filetype {
            FileType::RegularFile | FileType::BlockDevice => Extent::UntilShort,
            FileType::SocketDgram => Extent::Message,
            _ => Extent::Some,
        }
    }

    /// How much of a write is done before it returns, and how many bytes go to the host at once.
    pub(crate) fn write_extent(&self, interrupt: &Interrupt) -> (Extent, usize) {
        match self.filetype {
            FileType::SocketDgram => (Extent::Message, PIECE),
            FileType::Unknown | FileType::CharacterDevice if interrupt.is_watched() => {
                (Extent::All, PIPE_BUF)
            }
            _ => (Extent::All, PIECE),
        }
    }

    /// Runs a call of the host that waits for `ready`, as the guest's `NONBLOCK` says.
    ///
    /// # Errors
    /// `INTR` if there is an interrupt meanwhile; those of the call.
    pub(crate) fn call<T>(
        &self,
        ready: PollFlags,
        nonblock: bool,
        interrupt: &Interrupt,
        call: &mut dyn FnMut(BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> Result<T> {
        if nonblock {
            if self.shared && !self.always_ready() && !self.wait(ready, false, interrupt)? {
                return Err(Errno::Again);
            }
        } else if !self.always_ready() && (interrupt.is_watched() || self.expects_writer) {
            self.wait(ready, true, interrupt)?;
        }
        loop {
            match call(self.fd.as_fd()) {
                Err(rustix::io::Errno::INTR) => interrupt.check()?,
                Err(rustix::io::Errno::AGAIN) if !nonblock => {
                    self.wait(ready, true, interrupt)?;
                }
                result => return Ok(result?),
            }
        }
    }

    /// Is it ready? If `block`, waits until it is.
    fn wait(&self, ready: PollFlags, block: bool, interrupt: &Interrupt) -> Result<bool> {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        loop {
            let mut fds = vec![PollFd::new(&self.fd, ready)];
            interrupt.poll(&mut fds, if block { None } else { Some(&now) })?;
            let is_ready = fds.iter().any(|fd| !fd.revents().is_empty());
            if is_ready || !block {
                return Ok(is_ready);
            }
        }
    }

    fn read(&self, nonblock: bool, interrupt: &Interrupt, buffers: &mut [IoSliceMut<'_>]) -> Result<usize> {
        self.call(PollFlags::IN, nonblock, interrupt, &mut |fd| rustix::io::readv(fd, buffers))
    }

    fn write(&self, nonblock: bool, interrupt: &Interrupt, buffers: &[IoSlice<'_>]) -> Result<usize> {
        if self.is_socket() {
            return crate::socket::send(self, nonblock, interrupt, buffers);
        }
        self.call(PollFlags::OUT, nonblock, interrupt, &mut |fd| rustix::io::writev(fd, buffers))
    }
}

impl AsFd for HostFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Something that bytes are read from or written to.
#[derive(Debug)]
pub(crate) enum Stream {
    Host(HostFile),
    Null,
    Input(MemoryInputPipe),
    Output(MemoryOutputPipe),
}

impl Stream {
    /// How much of a read is done before it returns.
    pub(crate) fn read_extent(&self) -> Extent {
        match self {
            Stream::Host(file) => file.read_extent(),
            _ => Extent::UntilShort,
        }
    }

    /// How much of a write is done before it returns, and how many bytes go to the host at once.
    pub(crate) fn write_extent(&self, interrupt: &Interrupt) -> (Extent, usize) {
        match self {
            Stream::Host(file) => file.write_extent(interrupt),
            _ => (Extent::All, PIECE),
        }
    }

    pub(crate) fn read(
        &self,
        nonblock: bool,
        interrupt: &Interrupt,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Result<usize> {
        match self {
            Stream::Host(file) => file.read(nonblock, interrupt, buffers),
            Stream::Null => Ok(0),
            Stream::Input(input) => Ok(input.read(buffers)),
            Stream::Output(_) => Err(Errno::Badf),
        }
    }

    pub(crate) fn write(
        &self,
        nonblock: bool,
        interrupt: &Interrupt,
        buffers: &[IoSlice<'_>],
    ) -> Result<usize> {
        match self {
            Stream::Host(file) => file.write(nonblock, interrupt, buffers),
            Stream::Null => Ok(buffers.iter().map(|buffer| buffer.len()).sum()),
            Stream::Input(_) => Err(Errno::Badf),
            Stream::Output(output) => output.write(buffers),
        }
    }

    pub(crate) fn filetype(&self) -> FileType {
        match self {
            Stream::Host(file) => file.filetype,
            _ => FileType::Unknown,
        }
    }
}

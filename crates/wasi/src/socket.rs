//! Sockets that the guest was started with, and the connections it accepts on them.
//!
//! Preview 1 has no way to make a socket. A write to a connection that the peer
//! has closed is `PIPE`, never a signal.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::fd_table::Descriptor;
use crate::interrupt::Interrupt;
use crate::memory::GuestMemory;
use crate::rights::Rights;
use crate::stream::{HostFd, HostFile, Stream};
use crate::transfer::{Extent, gather, scatter};
use crate::types::{FdFlags, RiFlags, SdFlags};
use rustix::event::PollFlags;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketFlags,
};
use std::io::IoSlice;

/// Sends all buffers as one message.
pub(crate) fn send(
    socket: &HostFile,
    nonblock: bool,
    interrupt: &Interrupt,
    buffers: &[IoSlice<'_>],
) -> Result<usize> {
    // Waiting is ours, which can be interrupted.
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    socket.call(PollFlags::OUT, nonblock, interrupt, &mut |fd| {
        rustix::net::sendmsg(fd, buffers, &mut SendAncillaryBuffer::default(), flags)
    })
}

impl WasiCtx {
    /// Accepts a connection; the number of its descriptor goes to `accepted`.
    pub fn sock_accept(&mut self, memory: &mut [u8], fd: u32, flags: u32, accepted: u32) -> Result<()> {
        let flags = FdFlags::decode(flags)?;
        if flags.0 & !FdFlags::NONBLOCK.0 != 0 {
            return Err(Errno::Inval);
        }
        memory.bytes(accepted, 4)?; // before there is a connection that nobody could close
        let (descriptor, socket) = self.fds.socket(fd, Rights::SOCK_ACCEPT)?;
        let mut host_flags = SocketFlags::CLOEXEC;
        host_flags.set(SocketFlags::NONBLOCK, flags.has(FdFlags::NONBLOCK));
        self.fds.room()?;
        let connection = socket.call(PollFlags::IN, descriptor.nonblock(), &self.interrupt, &mut |fd| {
            rustix::net::accept_with(fd, host_flags)
        })?;
        let connection = Stream::Host(HostFile::new(HostFd::Owned(connection), false)?);
        let rights = Rights::SOCKET.without(Rights::SOCK_ACCEPT);
        let fd = self.fds.push(Descriptor { flags, ..Descriptor::stream(connection, rights) })?;
        memory.write_u32(accepted, fd)
    }

    /// Receives into an array of buffers; the number of bytes goes to `received`, and to
    /// `out_flags` whether a message was cut off.
    #[allow(clippy::too_many_arguments)] // the specification's
    pub fn sock_recv(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        flags: u32,
        received: u32,
        out_flags: u32,
    ) -> Result<()> {
        let flags = RiFlags::decode(flags)?;
        let (descriptor, socket) = self.fds.socket(fd, Rights::FD_READ)?;
        let mut host_flags = RecvFlags::empty();
        host_flags.set(RecvFlags::PEEK, flags.has(RiFlags::PEEK));
        // Waiting is ours, which can be interrupted, and so is going on until all is there.
        host_flags |= RecvFlags::DONTWAIT;
        let (nonblock, interrupt) = (descriptor.nonblock(), &self.interrupt);
        let all = flags.has(RiFlags::WAITALL) && !flags.has(RiFlags::PEEK);
        let extent = match socket.read_extent() {
            Extent::Some if all => Extent::All,
            extent => extent,
        };
        let mut truncated = false;
        let len = scatter(memory, (iovs, iovs_len), extent, interrupt, &mut |buffers| {
            socket.call(PollFlags::IN, nonblock, interrupt, &mut |fd| {
                let none = &mut RecvAncillaryBuffer::default();
                let message = rustix::net::recvmsg(fd, buffers, none, host_flags)?;
                truncated = message.flags.contains(ReturnFlags::TRUNC);
                Ok(message.bytes)
            })
        })?;
        memory.write_u32(received, u32::try_from(len)?)?;
        memory.write_u16(out_flags, truncated.into())
    }

    /// Sends an array of buffers; the number of bytes goes to `sent`. There are no flags.
    pub fn sock_send(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        flags: u32,
        sent: u32,
    ) -> Result<()> {
        if flags != 0 {
            return Err(Errno::Inval);
        }
        let (descriptor, socket) = self.fds.socket(fd, Rights::FD_WRITE)?;
        let (nonblock, interrupt) = (descriptor.nonblock(), &self.interrupt);
        let (extent, most) = socket.write_extent(interrupt);
        let len = gather(memory, (iovs, iovs_len), extent, most, interrupt, &mut |buffers| {
            send(socket, nonblock, interrupt, buffers)
        })?;
        memory.write_u32(sent, u32::try_from(len)?)
    }

    /// Ends one way of a connection, or both.
    pub fn sock_shutdown(&mut self, fd: u32, how: u32) -> Result<()> {
        let how = SdFlags::decode(how)?;
        let how = match (how.has(SdFlags::RD), how.has(SdFlags::WR)) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::Inval),
        };
        let (_, socket) = self.fds.socket(fd, Rights::SOCK_SHUTDOWN)?;
        Ok(rustix::net::shutdown(socket, how)?)
    }
}

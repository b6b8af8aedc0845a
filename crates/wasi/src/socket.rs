//! Sockets that the guest was started with, and the connections it accepts on them.
//!
//! Preview 1 has no way to make a socket. A write to a connection that the peer
//! has closed is `PIPE`, never a signal.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::fd_table::Descriptor;
use crate::memory::{GuestMemory, gather, scatter};
use crate::rights::Rights;
use crate::stream::{HostFd, HostFile, Stream};
use crate::types::{FdFlags, RiFlags, SdFlags};
use rustix::event::PollFlags;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketFlags,
};
use std::io::IoSlice;

/// Sends all buffers as one message.
pub(crate) fn send(socket: &HostFile, nonblock: bool, buffers: &[IoSlice<'_>]) -> Result<usize> {
    socket.call(PollFlags::OUT, nonblock, &mut |fd| {
        rustix::net::sendmsg(fd, buffers, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)
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
        let connection = socket
            .call(PollFlags::IN, descriptor.nonblock(), &mut |fd| rustix::net::accept_with(fd, host_flags))?;
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
        host_flags.set(RecvFlags::WAITALL, flags.has(RiFlags::WAITALL));
        let mut truncated = false;
        let len = scatter(memory, iovs, iovs_len, &mut |buffers| {
            socket.call(PollFlags::IN, descriptor.nonblock(), &mut |fd| {
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
        let len = send(socket, descriptor.nonblock(), &gather(memory, iovs, iovs_len)?)?;
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

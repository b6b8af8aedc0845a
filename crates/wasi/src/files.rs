//! Contents of open files: reading, writing, seeking, sizes, synchronising.
//!
//! A transfer of no buffers at all is still checked: descriptor, rights, addresses.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::memory::GuestMemory;
use crate::rights::Rights;
use crate::transfer::{gather, scatter};
use crate::types::{Advice, FdFlags, Whence};
use rustix::event::PollFlags;
use rustix::fs::SeekFrom;
use std::num::NonZeroU64;

impl WasiCtx {
    /// Reads from `fd` into an array of buffers; the number of bytes goes to `nread`.
    pub fn fd_read(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        nread: u32,
    ) -> Result<()> {
        let (descriptor, stream) = self.fds.stream(fd, Rights::FD_READ)?;
        let (nonblock, interrupt) = (descriptor.nonblock(), &self.interrupt);
        let len = scatter(memory, (iovs, iovs_len), stream.read_extent(), interrupt, &mut |buffers| {
            stream.read(nonblock, interrupt, buffers)
        })?;
        memory.write_u32(nread, u32::try_from(len)?)
    }

    /// Writes an array of buffers to `fd`; the number of bytes goes to `nwritten`.
    pub fn fd_write(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        nwritten: u32,
    ) -> Result<()> {
        let (descriptor, stream) = self.fds.stream(fd, Rights::FD_WRITE)?;
        let (nonblock, interrupt) = (descriptor.nonblock(), &self.interrupt);
        let (extent, most) = stream.write_extent(interrupt);
        let len = gather(memory, (iovs, iovs_len), extent, most, interrupt, &mut |buffers| {
            stream.write(nonblock, interrupt, buffers)
        })?;
        memory.write_u32(nwritten, u32::try_from(len)?)
    }

    /// Reads at an offset; the descriptor's own stays.
    pub fn fd_pread(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        offset: u64,
        nread: u32,
    ) -> Result<()> {
        let file = self.fds.seekable(fd, Rights::FD_READ | Rights::FD_SEEK)?;
        let (interrupt, mut offset) = (&self.interrupt, offset);
        let len = scatter(memory, (iovs, iovs_len), file.read_extent(), interrupt, &mut |buffers| {
            let len = file
                .call(PollFlags::IN, false, interrupt, &mut |fd| rustix::io::preadv(fd, buffers, offset))?;
            offset += len as u64;
            Ok(len)
        })?;
        memory.write_u32(nread, u32::try_from(len)?)
    }

    /// Writes at an offset; the descriptor's own stays.
    pub fn fd_pwrite(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        offset: u64,
        nwritten: u32,
    ) -> Result<()> {
        let file = self.fds.seekable(fd, Rights::FD_WRITE | Rights::FD_SEEK)?;
        let (interrupt, mut offset) = (&self.interrupt, offset);
        let (extent, most) = file.write_extent(interrupt);
        let len = gather(memory, (iovs, iovs_len), extent, most, interrupt, &mut |buffers| {
            let len = file
                .call(PollFlags::OUT, false, interrupt, &mut |fd| rustix::io::pwritev(fd, buffers, offset))?;
            offset += len as u64;
            Ok(len)
        })?;
        memory.write_u32(nwritten, u32::try_from(len)?)
    }

    /// Moves the offset of `fd`; the new one goes to `position`.
    pub fn fd_seek(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        offset: i64,
        whence: u32,
        position: u32,
    ) -> Result<()> {
        let whence = Whence::decode(whence)?;
        if whence == Whence::Cur && offset == 0 {
            return self.fd_tell(memory, fd, position);
        }
        let file = self.fds.seekable(fd, Rights::FD_SEEK)?;
        let target = match whence {
            Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
            Whence::Cur => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        memory.write_u64(position, rustix::fs::seek(file, target)?)
    }

    /// The offset of `fd` goes to `position`.
    pub fn fd_tell(&mut self, memory: &mut [u8], fd: u32, position: u32) -> Result<()> {
        let file = match self.fds.seekable(fd, Rights::FD_TELL) {
            Err(Errno::Notcapable) => self.fds.seekable(fd, Rights::FD_SEEK)?, // implies the other
            file => file?,
        };
        memory.write_u64(position, rustix::fs::tell(file)?)
    }

    /// Says what the guest will do with a range of a file.
    pub fn fd_advise(&mut self, fd: u32, offset: u64, len: u64, advice: u32) -> Result<()> {
        let advice = match Advice::decode(advice)? {
            Advice::Normal => rustix::fs::Advice::Normal,
            Advice::Sequential => rustix::fs::Advice::Sequential,
            Advice::Random => rustix::fs::Advice::Random,
            Advice::Willneed => rustix::fs::Advice::WillNeed,
            Advice::Dontneed => rustix::fs::Advice::DontNeed,
            Advice::Noreuse => rustix::fs::Advice::NoReuse,
        };
        let file = self.fds.file(fd, Rights::FD_ADVISE)?;
        Ok(rustix::fs::fadvise(file, offset, NonZeroU64::new(len), advice)?)
    }

    /// Makes a file at least as long as a range and gives that range its room on the disk.
    pub fn fd_allocate(&mut self, fd: u32, offset: u64, len: u64) -> Result<()> {
        let file = self.fds.file(fd, Rights::FD_ALLOCATE)?;
        Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), offset, len)?)
    }

    /// Cuts a file off or lengthens it with zeros.
    pub fn fd_filestat_set_size(&mut self, fd: u32, size: u64) -> Result<()> {
        let file = self.fds.file(fd, Rights::FD_FILESTAT_SET_SIZE)?;
        Ok(rustix::fs::ftruncate(file, size)?)
    }

    /// Brings the contents to the disk.
    pub fn fd_datasync(&mut self, fd: u32) -> Result<()> {
        let descriptor = self.fds.get(fd)?;
        descriptor.need(Rights::FD_DATASYNC)?;
        match descriptor.host_fd() {
            Some(fd) => Ok(rustix::fs::fdatasync(fd)?),
            None => Ok(()),
        }
    }

    /// Brings the contents and what is known of the file to the disk.
    pub fn fd_sync(&mut self, fd: u32) -> Result<()> {
        let descriptor = self.fds.get(fd)?;
        descriptor.need(Rights::FD_SYNC)?;
        match descriptor.host_fd() {
            Some(fd) => Ok(rustix::fs::fsync(fd)?),
            None => Ok(()),
        }
    }

    /// Changes `APPEND` and `NONBLOCK`; the others are for `path_open` alone.
    ///
    /// On streams that the guest was started with, `NONBLOCK` is seen by the guest only, and
    /// `APPEND` is as the host has it.
    pub fn fd_fdstat_set_flags(&mut self, fd: u32, flags: u32) -> Result<()> {
        use rustix::fs::OFlags;
        let flags = FdFlags::decode(flags)?;
        let descriptor = self.fds.get_mut(fd)?;
        let stream = descriptor.as_stream()?;
        descriptor.need(Rights::FD_FDSTAT_SET_FLAGS)?;
        let changed = FdFlags(flags.0 ^ descriptor.flags.0);
        if changed.has_any(FdFlags::DSYNC | FdFlags::RSYNC | FdFlags::SYNC) {
            return Err(Errno::Inval);
        }
        match stream {
            crate::stream::Stream::Host(file) if !file.shared => {
                let mut host = rustix::fs::fcntl_getfl(file)?;
                host.set(OFlags::APPEND, flags.has(FdFlags::APPEND));
                host.set(OFlags::NONBLOCK, flags.has(FdFlags::NONBLOCK));
                rustix::fs::fcntl_setfl(file, host)?;
            }
            _ if changed.has_any(FdFlags::APPEND) => return Err(Errno::Notsup),
            _ => {}
        }
        descriptor.flags = flags;
        Ok(())
    }
}

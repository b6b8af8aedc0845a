//! Descriptors as such: what they are, their rights, their times, closing and renumbering.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::fd_table::{Descriptor, Object};
use crate::memory::GuestMemory;
use crate::rights::Rights;
use crate::stream::Stream;
use crate::types::{FileStat, FileType, FstFlags};
use cap_fs_ext::SystemTimeSpec;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use std::time::{Duration, SystemTime};

impl Descriptor {
    /// The host's descriptor of it, if there is one.
    pub(crate) fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.object {
            Object::Stream(Stream::Host(file)) => Some(file.as_fd()),
            Object::Stream(_) => None,
            Object::Directory(directory) => Some(directory.dir.as_fd()),
        }
    }
}

/// What a time of a file is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewTime {
    Keep,
    Now,
    /// Nanoseconds since 1970.
    At(u64),
}

impl NewTime {
    /// The new access and modification time; `INVAL` for both a time and now.
    pub(crate) fn pair(flags: u32, atim: u64, mtim: u64) -> Result<(NewTime, NewTime)> {
        let flags = FstFlags::decode(flags)?;
        let new = |given: FstFlags, now: FstFlags, time: u64| match (flags.has(given), flags.has(now)) {
            (true, true) => Err(Errno::Inval),
            (true, false) => Ok(NewTime::At(time)),
            (false, true) => Ok(NewTime::Now),
            (false, false) => Ok(NewTime::Keep),
        };
        Ok((new(FstFlags::ATIM, FstFlags::ATIM_NOW, atim)?, new(FstFlags::MTIM, FstFlags::MTIM_NOW, mtim)?))
    }

    fn timespec(self) -> Timespec {
        match self {
            NewTime::Keep => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            NewTime::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            NewTime::At(time) => {
                let time = Duration::from_nanos(time);
                Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() }
            }
        }
    }

    /// Both times as the host takes them.
    pub(crate) fn timestamps(atim: NewTime, mtim: NewTime) -> Timestamps {
        Timestamps { last_access: atim.timespec(), last_modification: mtim.timespec() }
    }

    /// In the words of cap-std.
    pub(crate) fn system_time(self) -> Option<SystemTimeSpec> {
        match self {
            NewTime::Keep => None,
            NewTime::Now => Some(SystemTimeSpec::SymbolicNow),
            NewTime::At(time) => {
                let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(time);
                Some(SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(time)))
            }
        }
    }
}

impl WasiCtx {
    /// Kind, flags and rights of a descriptor go to `stat`.
    pub fn fd_fdstat_get(&mut self, memory: &mut [u8], fd: u32, stat: u32) -> Result<()> {
        self.fds.get(fd)?.stat().write(memory, stat)
    }

    /// Takes rights away.
    ///
    /// # Errors
    /// `NOTCAPABLE` for a right that the descriptor does not have.
    pub fn fd_fdstat_set_rights(&mut self, fd: u32, rights: u64, inheriting: u64) -> Result<()> {
        let (rights, inheriting) = (Rights(rights), Rights(inheriting));
        let descriptor = self.fds.get_mut(fd)?;
        if !descriptor.rights.contain(rights) || !descriptor.inheriting.contain(inheriting) {
            return Err(Errno::Notcapable);
        }
        descriptor.rights = rights;
        descriptor.inheriting = inheriting;
        Ok(())
    }

    /// What is known of the file behind a descriptor goes to `stat`.
    pub fn fd_filestat_get(&mut self, memory: &mut [u8], fd: u32, stat: u32) -> Result<()> {
        let descriptor = self.fds.get(fd)?;
        descriptor.need(Rights::FD_FILESTAT_GET)?;
        let mut filestat = match descriptor.host_fd() {
            Some(fd) => FileStat::from(rustix::fs::fstat(fd)?),
            None => FileStat::of_no_file(FileType::Unknown, 0),
        };
        filestat.filetype = descriptor.stat().filetype;
        filestat.write(memory, stat)
    }

    /// Sets the times of the file behind a descriptor.
    pub fn fd_filestat_set_times(&mut self, fd: u32, atim: u64, mtim: u64, flags: u32) -> Result<()> {
        let (atim, mtim) = NewTime::pair(flags, atim, mtim)?;
        let descriptor = self.fds.get(fd)?;
        descriptor.need(Rights::FD_FILESTAT_SET_TIMES)?;
        descriptor.need_writable()?;
        let times = NewTime::timestamps(atim, mtim);
        let fd = descriptor.host_fd().ok_or(Errno::Notsup)?;
        Ok(rustix::fs::futimens(fd, &times)?)
    }

    /// Closes a descriptor.
    pub fn fd_close(&mut self, fd: u32) -> Result<()> {
        self.fds.remove(fd).map(drop)
    }

    /// Gives descriptor `fd` the number of `to`, which is closed.
    pub fn fd_renumber(&mut self, fd: u32, to: u32) -> Result<()> {
        self.fds.renumber(fd, to)
    }

    /// Kind and name's length of a directory that the guest was started with go to `prestat`.
    pub fn fd_prestat_get(&mut self, memory: &mut [u8], fd: u32, prestat: u32) -> Result<()> {
        let len = u32::try_from(self.preopen(fd)?.len())?;
        let mut bytes = [0; 8]; // the kind at 0 is that of a directory, 0
        bytes.write_u32(4, len)?;
        memory.write(prestat, &bytes)
    }

    /// The name of a directory that the guest was started with goes to `path`, without a 0 at the end.
    ///
    /// # Errors
    /// `NAMETOOLONG` if it is longer than `path_len`.
    pub fn fd_prestat_dir_name(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Result<()> {
        let name = self.preopen(fd)?;
        if name.len() > path_len as usize {
            return Err(Errno::Nametoolong);
        }
        memory.write(path, name.as_bytes())
    }

    /// The guest's name of a directory that it was started with; `BADF` for every other descriptor.
    fn preopen(&self, fd: u32) -> Result<&str> {
        match &self.fds.get(fd)?.object {
            Object::Directory(directory) => directory.preopen.as_deref().ok_or(Errno::Badf),
            Object::Stream(_) => Err(Errno::Badf),
        }
    }
}

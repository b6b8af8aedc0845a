//! Opening by path.
//!
//! The lookup is cap-std's, which never leaves the directory. Rights are checked
//! before anything is opened, so a refused call creates and truncates nothing. A
//! file is opened for writing on the host only if a right that writes is asked
//! for (or if it must be truncated); then the rights of the descriptor
//! decide what the guest can do. Opening a pipe does not wait in the host, where nothing could
//! interrupt it: who reads waits at the first read, who writes asks again and again.

use crate::ctx::WasiCtx;
use crate::directory::Directory;
use crate::errno::{Errno, Result};
use crate::fd_table::{Descriptor, Object};
use crate::interrupt::Interrupt;
use crate::lookup::{self, Found, PATH_MAX};
use crate::memory::GuestMemory;
use crate::paths::path;
use crate::rights::Rights;
use crate::stream::{HostFd, HostFile, Stream};
use crate::types::{FdFlags, FileType, LookupFlags, OFlags};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt};
use cap_std::fs::{File, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, OFlags as HostFlags};
use std::borrow::Cow;
use std::io;
use std::time::Duration;

/// How long it is until a pipe is looked at again for who reads it.
const READER: Duration = Duration::from_millis(5);

/// How to open, as the guest asked.
#[derive(Clone, Copy)]
struct Request<'a> {
    path: &'a str,
    follow: bool,
    oflags: OFlags,
    fdflags: FdFlags,
    /// Asked for with the rights that read.
    read: bool,
    /// Asked for with rights that write, or to be truncated.
    write: bool,
}

impl Request<'_> {
    /// Opens in the way that the host would, but that nothing is waited for.
    fn open_with(&self, directory: &Directory, create: HostFlags) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(self.read || !self.write).write(self.write);
        options.follow(if self.follow { FollowSymlinks::Yes } else { FollowSymlinks::No }).maybe_dir(true);
        options
            .sync(self.fdflags.has(FdFlags::SYNC))
            .dsync(self.fdflags.has(FdFlags::DSYNC))
            .rsync(self.fdflags.has(FdFlags::RSYNC));
        // Given as the host's flags, since cap-std creates only what is to be written.
        let mut flags = HostFlags::NOCTTY | HostFlags::NONBLOCK | create;
        flags.set(HostFlags::TRUNC, self.oflags.has(OFlags::TRUNC));
        flags.set(HostFlags::DIRECTORY, self.oflags.has(OFlags::DIRECTORY));
        options.custom_flags(flags.bits() as i32);
        let mut path = Cow::Borrowed(self.path);
        if self.follow && self.oflags.has(OFlags::DIRECTORY) && path.len() + 1 < PATH_MAX {
            // Where cap-std walks the path itself, it follows a link to a directory only so.
            path += "/";
        }
        directory.dir.open_with(&*path, &options)
    }

    fn open(&self, directory: &Directory, read_only: bool, interrupt: &Interrupt) -> Result<File> {
        let create = self.oflags.has(OFlags::CREAT);
        let exclusive = create && self.oflags.has(OFlags::EXCL);
        if read_only && (self.write || exclusive) {
            return Err(Errno::Rofs);
        }
        // No file can have such a name, or it has one already.
        let dots = matches!(lookup::last_name(self.path), "." | "..");
        if create && self.path.ends_with('/') && !dots {
            lookup::place(&directory.dir, self.path)?;
            return Err(Errno::Isdir);
        }
        if exclusive && dots {
            lookup::file(&directory.dir, self.path)?;
            return Err(Errno::Exist);
        }
        let mut flags = HostFlags::empty();
        flags.set(HostFlags::CREATE, create && !read_only);
        flags.set(HostFlags::EXCL, exclusive);
        loop {
            let result = self.open_with(directory, flags).map_err(Errno::from);
            return match result {
                // The host says so of a link that is to be a directory and is not followed.
                Err(Errno::Notdir) if !self.follow && self.leads_to(directory, FileType::SymbolicLink) => {
                    Err(Errno::Loop)
                }
                Err(Errno::Noent) if create && read_only => Err(Errno::Rofs),
                Ok(file) if create && read_only && file.metadata()?.is_dir() => Err(Errno::Isdir),
                // A pipe that nobody reads yet.
                Err(Errno::Nxio)
                    if !self.fdflags.has(FdFlags::NONBLOCK)
                        && self.leads_to(directory, FileType::Unknown) =>
                {
                    interrupt.sleep(READER)?;
                    continue;
                }
                result => result,
            };
        }
    }

    /// Is there something of this kind at the path?
    fn leads_to(&self, directory: &Directory, filetype: FileType) -> bool {
        let stat = match lookup::find(&directory.dir, self.path, self.follow) {
            Ok(Found::Name(place)) => rustix::fs::statat(place.parent, place.name, AtFlags::SYMLINK_NOFOLLOW),
            Ok(Found::File(file)) => rustix::fs::fstat(file),
            Err(_) => return false,
        };
        stat.is_ok_and(|stat| FileType::from(rustix::fs::FileType::from_raw_mode(stat.st_mode)) == filetype)
    }
}

/// The rights that the directory needs for opening in this way.
fn needed(oflags: OFlags, fdflags: FdFlags) -> Rights {
    let mut needed = Rights::PATH_OPEN;
    for (asked, right) in [
        (oflags.has(OFlags::CREAT), Rights::PATH_CREATE_FILE),
        (oflags.has(OFlags::TRUNC), Rights::PATH_FILESTAT_SET_SIZE),
        (fdflags.has(FdFlags::DSYNC), Rights::FD_DATASYNC),
        (fdflags.has_any(FdFlags::SYNC | FdFlags::RSYNC), Rights::FD_SYNC),
    ] {
        if asked {
            needed = needed | right;
        }
    }
    needed
}

impl WasiCtx {
    /// Opens a file or directory; the number of its descriptor goes to `opened`.
    ///
    /// Rights that do not apply to what is opened are left out.
    ///
    /// # Errors
    /// `NOTCAPABLE` for rights that the directory does not pass on; `ROFS` for writing below a
    /// read-only directory; `LOOP` for a symbolic link that is not to be followed; `PERM` for a
    /// path that leads out of the directory; `MFILE` if there are as many descriptors as there may
    /// be.
    #[allow(clippy::too_many_arguments)] // the specification's
    pub fn path_open(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        dirflags: u32,
        path_address: u32,
        path_len: u32,
        oflags: u32,
        rights: u64,
        inheriting: u64,
        fdflags: u32,
        opened: u32,
    ) -> Result<()> {
        let follow = LookupFlags::decode(dirflags)?.has(LookupFlags::SYMLINK_FOLLOW);
        let (oflags, fdflags) = (OFlags::decode(oflags)?, FdFlags::decode(fdflags)?);
        let (rights, inheriting) = (Rights(rights), Rights(inheriting) & Rights::INHERITED);
        memory.bytes(opened, 4)?; // before something is opened that nobody could close
        let path = path(memory, path_address, path_len)?;
        let (parent, directory) = self.fds.directory(fd, needed(oflags, fdflags))?;
        let as_directory = oflags.has(OFlags::DIRECTORY);
        if as_directory && oflags.has(OFlags::CREAT) {
            return Err(Errno::Inval);
        }
        let wanted = rights & if as_directory { Rights::DIRECTORY } else { Rights::FILE };
        if !parent.inheriting.contain(wanted | inheriting) {
            return Err(Errno::Notcapable);
        }
        let request = Request {
            path,
            follow,
            oflags,
            fdflags,
            read: rights.meet(Rights::READS),
            write: wanted.meet(Rights::WRITES) || oflags.has(OFlags::TRUNC),
        };
        let read_only = parent.read_only;
        let passed_on = rights & parent.inheriting;
        self.fds.room()?;
        let file = request.open(directory, read_only, &self.interrupt)?.into_std();
        let descriptor = if file.metadata()?.is_dir() {
            let directory = Directory::new(cap_std::fs::Dir::from_std_file(file), None);
            Descriptor {
                object: Object::Directory(directory),
                rights: passed_on & Rights::DIRECTORY,
                inheriting,
                flags: fdflags,
                read_only,
                seekable: false,
            }
        } else {
            let mut flags = rustix::fs::fcntl_getfl(&file)?;
            flags.set(HostFlags::APPEND, fdflags.has(FdFlags::APPEND));
            flags.set(HostFlags::NONBLOCK, fdflags.has(FdFlags::NONBLOCK));
            rustix::fs::fcntl_setfl(&file, flags)?;
            let mut file = HostFile::new(HostFd::Owned(file.into()), false)?;
            file.expects_writer = file.filetype == FileType::Unknown && !request.write;
            Descriptor { flags: fdflags, read_only, ..Descriptor::stream(Stream::Host(file), passed_on) }
        };
        let fd = self.fds.push(descriptor)?;
        memory.write_u32(opened, fd)
    }
}

//! Opening by path.
//!
//! The lookup is cap-std's, which never leaves the directory. Rights are checked
//! before anything is opened, so a refused call creates and truncates nothing. A
//! file is opened for writing on the host only if a right that writes is asked
//! for (or if it must be created or truncated); then the rights of the descriptor
//! decide what the guest can do.

use crate::ctx::WasiCtx;
use crate::directory::Directory;
use crate::errno::{Errno, Result};
use crate::fd_table::{Descriptor, Object};
use crate::memory::GuestMemory;
use crate::paths::path;
use crate::rights::Rights;
use crate::stream::{HostFd, HostFile, Stream};
use crate::types::{FdFlags, LookupFlags, OFlags};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt};
use cap_std::fs::{File, OpenOptions, OpenOptionsExt};
use std::io;

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
    /// What cap-std is to do, creating aside.
    fn options(&self, write: bool) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(self.read || !write).write(write).truncate(self.oflags.has(OFlags::TRUNC));
        options.follow(if self.follow { FollowSymlinks::Yes } else { FollowSymlinks::No }).maybe_dir(true);
        options
            .sync(self.fdflags.has(FdFlags::SYNC))
            .dsync(self.fdflags.has(FdFlags::DSYNC))
            .rsync(self.fdflags.has(FdFlags::RSYNC))
            .nonblock(self.fdflags.has(FdFlags::NONBLOCK));
        if self.oflags.has(OFlags::DIRECTORY) {
            options.custom_flags(rustix::fs::OFlags::DIRECTORY.bits() as i32);
        }
        options
    }

    fn open(&self, directory: &Directory, read_only: bool) -> Result<File> {
        let open = |options: &OpenOptions| directory.dir.open_with(self.path, options);
        let create = self.oflags.has(OFlags::CREAT);
        let exclusive = create && self.oflags.has(OFlags::EXCL);
        if read_only && (self.write || exclusive) {
            return Err(Errno::Rofs);
        }
        if !create {
            return Ok(open(&self.options(self.write))?);
        }
        if exclusive {
            return Ok(open(self.options(true).create_new(true))?);
        }
        if !self.write {
            // Creating takes a file open for writing, and what is there may not be writable.
            match open(&self.options(false)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && read_only => {
                    return Err(Errno::Rofs);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => return Ok(result?),
            }
        }
        Ok(open(self.options(true).create(true))?)
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
    /// path that leads out of the directory.
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
        let file = request.open(directory, read_only)?.into_std();
        let descriptor = if file.metadata()?.is_dir() {
            let directory = Directory::new(cap_std::fs::Dir::from_std_file(file), None);
            Descriptor {
                object: Object::Directory(directory),
                rights: passed_on & Rights::DIRECTORY,
                inheriting,
                flags: fdflags,
                read_only,
            }
        } else {
            if fdflags.has(FdFlags::APPEND) {
                let flags = rustix::fs::fcntl_getfl(&file)?;
                rustix::fs::fcntl_setfl(&file, flags | rustix::fs::OFlags::APPEND)?;
            }
            let file = HostFile::new(HostFd::Owned(file.into()), false)?;
            Descriptor { flags: fdflags, read_only, ..Descriptor::stream(Stream::Host(file), passed_on) }
        };
        let fd = self.fds.push(descriptor)?;
        memory.write_u32(opened, fd)
    }
}

//! Functions on paths, opening aside.
//!
//! Each looks its paths up by `lookup`, which never leaves the directory, and then is the
//! host's own call on the last name: errors and what is left to the file system are the host's.
//! Nothing here follows the last name of a path unless asked to, or the path ends in a slash.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::lookup::{self, Found, PATH_MAX};
use crate::memory::GuestMemory;
use crate::rights::Rights;
use crate::status::NewTime;
use crate::types::{FileStat, LookupFlags};
use cap_fs_ext::DirExt;
use rustix::fs::{AtFlags, Mode};

/// The path of `len` bytes at `address`.
///
/// # Errors
/// `NAMETOOLONG`, before anything of it is read; `FAULT`; `ILSEQ` if it is not UTF-8; `INVAL` if
/// there is a 0 in it; `NOENT` if it is empty.
pub(crate) fn path(memory: &[u8], address: u32, len: u32) -> Result<&str> {
    if len as usize >= PATH_MAX {
        return Err(Errno::Nametoolong);
    }
    let path = memory.string(address, len)?;
    match path {
        "" => Err(Errno::Noent),
        path if path.contains('\0') => Err(Errno::Inval),
        path => Ok(path),
    }
}

impl WasiCtx {
    /// Creates a directory.
    pub fn path_create_directory(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        address: u32,
        len: u32,
    ) -> Result<()> {
        let path = path(memory, address, len)?;
        let directory = self.fds.writable_directory(fd, Rights::PATH_CREATE_DIRECTORY)?;
        let place = lookup::place(&directory.dir, path)?;
        Ok(rustix::fs::mkdirat(place.parent, place.name, Mode::from_raw_mode(0o777))?)
    }

    /// What is known of a file goes to `stat`.
    pub fn path_filestat_get(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        flags: u32,
        address: u32,
        len: u32,
        stat: u32,
    ) -> Result<()> {
        let follow = LookupFlags::decode(flags)?.has(LookupFlags::SYMLINK_FOLLOW);
        let path = path(memory, address, len)?;
        let (_, directory) = self.fds.directory(fd, Rights::PATH_FILESTAT_GET)?;
        let found = match lookup::find(&directory.dir, path, follow)? {
            Found::Name(place) => rustix::fs::statat(place.parent, place.name, AtFlags::SYMLINK_NOFOLLOW)?,
            Found::File(file) => rustix::fs::fstat(file)?,
        };
        FileStat::from(found).write(memory, stat)
    }

    /// Sets the times of a file.
    #[allow(clippy::too_many_arguments)] // the specification's
    pub fn path_filestat_set_times(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        flags: u32,
        address: u32,
        len: u32,
        atim: u64,
        mtim: u64,
        fst_flags: u32,
    ) -> Result<()> {
        let follow = LookupFlags::decode(flags)?.has(LookupFlags::SYMLINK_FOLLOW);
        let (atim, mtim) = NewTime::pair(fst_flags, atim, mtim)?;
        let path = path(memory, address, len)?;
        let dir = &self.fds.writable_directory(fd, Rights::PATH_FILESTAT_SET_TIMES)?.dir;
        let times = NewTime::timestamps(atim, mtim);
        let set = match lookup::find(dir, path, follow)? {
            Found::Name(place) => {
                rustix::fs::utimensat(place.parent, place.name, &times, AtFlags::SYMLINK_NOFOLLOW)
            }
            Found::File(file) => set_times(&file, &times),
        };
        match set {
            // A host that sets times only by a name, or of what is open to be read.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT | rustix::io::Errno::BADF) if follow => {
                Ok(dir.set_times(path, atim.system_time(), mtim.system_time())?)
            }
            set => Ok(set?),
        }
    }

    /// Makes another name of a file: of the file that a symbolic link leads to if it is to be followed.
    #[allow(clippy::too_many_arguments)] // the specification's
    pub fn path_link(
        &mut self,
        memory: &mut [u8],
        old_fd: u32,
        old_flags: u32,
        old_address: u32,
        old_len: u32,
        new_fd: u32,
        new_address: u32,
        new_len: u32,
    ) -> Result<()> {
        let follow = LookupFlags::decode(old_flags)?.has(LookupFlags::SYMLINK_FOLLOW);
        let old = path(memory, old_address, old_len)?;
        let new = path(memory, new_address, new_len)?;
        // A new name in a writable directory would make a file of a read-only one writable.
        let source = &self.fds.writable_directory(old_fd, Rights::PATH_LINK_SOURCE)?.dir;
        let target = &self.fds.writable_directory(new_fd, Rights::PATH_LINK_TARGET)?.dir;
        let end = if follow { Some(lookup::end_of_links(source, old)?) } else { None };
        // The host looks the old name up first.
        let old = lookup::find(source, end.as_deref().unwrap_or(old), false)?;
        if let Found::Name(place) = &old {
            rustix::fs::statat(&place.parent, place.name, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        let new = lookup::place(target, new)?;
        let linked = match old {
            Found::Name(old) => {
                rustix::fs::linkat(old.parent, old.name, new.parent, new.name, AtFlags::empty())
            }
            // A directory, which can have no other name; the host says what is wrong first.
            Found::File(file) => rustix::fs::linkat(file, ".", new.parent, new.name, AtFlags::empty()),
        };
        Ok(linked?)
    }

    /// Gives a file or directory another name.
    #[allow(clippy::too_many_arguments)] // the specification's
    pub fn path_rename(
        &mut self,
        memory: &mut [u8],
        old_fd: u32,
        old_address: u32,
        old_len: u32,
        new_fd: u32,
        new_address: u32,
        new_len: u32,
    ) -> Result<()> {
        let old = path(memory, old_address, old_len)?;
        let new = path(memory, new_address, new_len)?;
        let source = &self.fds.writable_directory(old_fd, Rights::PATH_RENAME_SOURCE)?.dir;
        let target = &self.fds.writable_directory(new_fd, Rights::PATH_RENAME_TARGET)?.dir;
        let (old, new) = (lookup::place(source, old)?, lookup::place(target, new)?);
        Ok(rustix::fs::renameat(old.parent, old.name, new.parent, new.name)?)
    }

    /// Creates a symbolic link to `target`, which must not be absolute.
    #[allow(clippy::too_many_arguments)] // the specification's
    pub fn path_symlink(
        &mut self,
        memory: &mut [u8],
        target_address: u32,
        target_len: u32,
        fd: u32,
        address: u32,
        len: u32,
    ) -> Result<()> {
        let target = path(memory, target_address, target_len)?;
        let path = path(memory, address, len)?;
        let directory = self.fds.writable_directory(fd, Rights::PATH_SYMLINK)?;
        if target.starts_with('/') {
            return Err(Errno::Perm);
        }
        let place = lookup::place(&directory.dir, path)?;
        Ok(rustix::fs::symlinkat(target, place.parent, place.name)?)
    }

    /// What a symbolic link says goes to `buf`, cut off at `buf_len`; the number of bytes goes to `used`.
    ///
    /// # Errors
    /// `PERM` if it says an absolute path, which is none of the guest's.
    #[allow(clippy::too_many_arguments)] // the specification's
    pub fn path_readlink(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        address: u32,
        len: u32,
        buf: u32,
        buf_len: u32,
        used: u32,
    ) -> Result<()> {
        let path = path(memory, address, len)?;
        let (_, directory) = self.fds.directory(fd, Rights::PATH_READLINK)?;
        let Found::Name(place) = lookup::find(&directory.dir, path, false)? else {
            return Err(Errno::Inval); // a directory
        };
        let target = rustix::fs::readlinkat(place.parent, place.name, Vec::new())?;
        let target = target.to_str().map_err(|_| Errno::Ilseq)?.as_bytes();
        if target.starts_with(b"/") {
            return Err(Errno::Perm);
        }
        let target = &target[..target.len().min(buf_len as usize)];
        memory.bytes(used, 4)?;
        memory.write(buf, target)?;
        memory.write_u32(used, u32::try_from(target.len())?)
    }

    /// Removes an empty directory.
    pub fn path_remove_directory(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        address: u32,
        len: u32,
    ) -> Result<()> {
        let path = path(memory, address, len)?;
        let directory = self.fds.writable_directory(fd, Rights::PATH_REMOVE_DIRECTORY)?;
        let place = lookup::place(&directory.dir, path)?;
        Ok(rustix::fs::unlinkat(place.parent, place.name, AtFlags::REMOVEDIR)?)
    }

    /// Removes a name that is not a directory's.
    pub fn path_unlink_file(&mut self, memory: &mut [u8], fd: u32, address: u32, len: u32) -> Result<()> {
        let path = path(memory, address, len)?;
        let directory = self.fds.writable_directory(fd, Rights::PATH_UNLINK_FILE)?;
        let place = lookup::place(&directory.dir, path)?;
        Ok(rustix::fs::unlinkat(place.parent, place.name, AtFlags::empty())?)
    }
}

/// Sets the times of what is open to be named only.
fn set_times(file: &rustix::fd::OwnedFd, times: &rustix::fs::Timestamps) -> rustix::io::Result<()> {
    #[cfg(target_os = "linux")]
    return rustix::fs::utimensat(file, "", times, AtFlags::EMPTY_PATH);
    #[cfg(not(target_os = "linux"))]
    rustix::fs::futimens(file, times)
}

//! Functions on paths, opening aside.
//!
//! Each looks a path up from a directory by cap-std, which never leaves it: not
//! by `..`, not by an absolute path, not through a symbolic link. Such an attempt
//! is `PERM`. Nothing here follows the last name of a path unless asked to.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::memory::GuestMemory;
use crate::rights::Rights;
use crate::status::NewTime;
use crate::types::{FileStat, LookupFlags};
use cap_fs_ext::DirExt;

/// The path of `len` bytes at `address`.
///
/// # Errors
/// `FAULT`; `ILSEQ` if it is not UTF-8; `INVAL` if there is a 0 in it; `NOENT` if it is empty.
pub(crate) fn path(memory: &[u8], address: u32, len: u32) -> Result<&str> {
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
        Ok(directory.dir.create_dir(path)?)
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
        let dir = &directory.dir;
        let metadata = if follow { dir.metadata(path)? } else { dir.symlink_metadata(path)? };
        FileStat::from(metadata).write(memory, stat)
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
        let (atim, mtim) = (atim.system_time(), mtim.system_time());
        if follow {
            Ok(dir.set_times(path, atim, mtim)?)
        } else {
            Ok(dir.set_symlink_times(path, atim, mtim)?)
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
        if follow {
            Ok(source.hard_link(source.canonicalize(old)?, target, new)?)
        } else {
            Ok(source.hard_link(old, target, new)?)
        }
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
        Ok(source.rename(old, target, new)?)
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
        Ok(directory.dir.symlink(target, path)?)
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
        let target = directory.dir.read_link(path)?;
        let target = target.to_str().ok_or(Errno::Ilseq)?.as_bytes();
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
        Ok(directory.dir.remove_dir(path)?)
    }

    /// Removes a name that is not a directory's.
    pub fn path_unlink_file(&mut self, memory: &mut [u8], fd: u32, address: u32, len: u32) -> Result<()> {
        let path = path(memory, address, len)?;
        let directory = self.fds.writable_directory(fd, Rights::PATH_UNLINK_FILE)?;
        Ok(directory.dir.remove_file(path)?)
    }
}

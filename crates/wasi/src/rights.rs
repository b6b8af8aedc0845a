//! What may be done with a descriptor.
//!
//! Each descriptor has the rights to what may be done with it and those that the
//! descriptors opened through it may have at most; both can only shrink. A right
//! that does not apply to the kind of file is never on its descriptor.

use crate::types::FileType;
use std::ops::{BitAnd, BitOr};

/// A set of rights, in the bits of the specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights(pub(crate) u64);

impl Rights {
    pub(crate) const FD_DATASYNC: Rights = Rights(1);
    pub(crate) const FD_READ: Rights = Rights(1 << 1);
    pub(crate) const FD_SEEK: Rights = Rights(1 << 2);
    pub(crate) const FD_FDSTAT_SET_FLAGS: Rights = Rights(1 << 3);
    pub(crate) const FD_SYNC: Rights = Rights(1 << 4);
    pub(crate) const FD_TELL: Rights = Rights(1 << 5);
    pub(crate) const FD_WRITE: Rights = Rights(1 << 6);
    pub(crate) const FD_ADVISE: Rights = Rights(1 << 7);
    pub(crate) const FD_ALLOCATE: Rights = Rights(1 << 8);
    pub(crate) const PATH_CREATE_DIRECTORY: Rights = Rights(1 << 9);
    pub(crate) const PATH_CREATE_FILE: Rights = Rights(1 << 10);
    pub(crate) const PATH_LINK_SOURCE: Rights = Rights(1 << 11);
    pub(crate) const PATH_LINK_TARGET: Rights = Rights(1 << 12);
    pub(crate) const PATH_OPEN: Rights = Rights(1 << 13);
    pub(crate) const FD_READDIR: Rights = Rights(1 << 14);
    pub(crate) const PATH_READLINK: Rights = Rights(1 << 15);
    pub(crate) const PATH_RENAME_SOURCE: Rights = Rights(1 << 16);
    pub(crate) const PATH_RENAME_TARGET: Rights = Rights(1 << 17);
    pub(crate) const PATH_FILESTAT_GET: Rights = Rights(1 << 18);
    pub(crate) const PATH_FILESTAT_SET_SIZE: Rights = Rights(1 << 19);
    pub(crate) const PATH_FILESTAT_SET_TIMES: Rights = Rights(1 << 20);
    pub(crate) const FD_FILESTAT_GET: Rights = Rights(1 << 21);
    pub(crate) const FD_FILESTAT_SET_SIZE: Rights = Rights(1 << 22);
    pub(crate) const FD_FILESTAT_SET_TIMES: Rights = Rights(1 << 23);
    pub(crate) const PATH_SYMLINK: Rights = Rights(1 << 24);
    pub(crate) const PATH_REMOVE_DIRECTORY: Rights = Rights(1 << 25);
    pub(crate) const PATH_UNLINK_FILE: Rights = Rights(1 << 26);
    pub(crate) const POLL_FD_READWRITE: Rights = Rights(1 << 27);
    pub(crate) const SOCK_SHUTDOWN: Rights = Rights(1 << 28);
    pub(crate) const SOCK_ACCEPT: Rights = Rights(1 << 29);

    pub(crate) const NONE: Rights = Rights(0);
    /// What can be done with the contents of a regular file, a device or a pipe that is read.
    pub(crate) const READS: Rights = Rights(Self::FD_READ.0 | Self::FD_READDIR.0);
    /// What changes the contents of a file, for which it must be open for writing.
    pub(crate) const WRITES: Rights =
        Rights(Self::FD_WRITE.0 | Self::FD_ALLOCATE.0 | Self::FD_FILESTAT_SET_SIZE.0);
    /// What streams have, less the direction: terminals, pipes.
    pub(crate) const STREAM: Rights =
        Rights(Self::FD_FDSTAT_SET_FLAGS.0 | Self::FD_FILESTAT_GET.0 | Self::POLL_FD_READWRITE.0);
    /// What a standard stream may have whatever is behind it, less the direction: the file is the
    /// host's, and reading or writing in order is all that the guest is given of it.
    pub(crate) const STANDARD: Rights = Rights(Self::STREAM.0 | Self::FD_READ.0 | Self::FD_WRITE.0);
    /// What moves the offset.
    pub(crate) const SEEKS: Rights = Rights(Self::FD_SEEK.0 | Self::FD_TELL.0);
    /// What applies to regular files and block devices.
    pub(crate) const FILE: Rights = Rights(
        Self::STREAM.0
            | Self::WRITES.0
            | Self::FD_READ.0
            | Self::FD_DATASYNC.0
            | Self::FD_SYNC.0
            | Self::FD_SEEK.0
            | Self::FD_TELL.0
            | Self::FD_ADVISE.0
            | Self::FD_FILESTAT_SET_TIMES.0,
    );
    /// What applies to directories.
    pub(crate) const DIRECTORY: Rights = Rights(
        Self::FD_DATASYNC.0
            | Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_SYNC.0
            | Self::PATH_CREATE_DIRECTORY.0
            | Self::PATH_CREATE_FILE.0
            | Self::PATH_LINK_SOURCE.0
            | Self::PATH_LINK_TARGET.0
            | Self::PATH_OPEN.0
            | Self::FD_READDIR.0
            | Self::PATH_READLINK.0
            | Self::PATH_RENAME_SOURCE.0
            | Self::PATH_RENAME_TARGET.0
            | Self::PATH_FILESTAT_GET.0
            | Self::PATH_FILESTAT_SET_SIZE.0
            | Self::PATH_FILESTAT_SET_TIMES.0
            | Self::FD_FILESTAT_GET.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::PATH_SYMLINK.0
            | Self::PATH_REMOVE_DIRECTORY.0
            | Self::PATH_UNLINK_FILE.0
            | Self::POLL_FD_READWRITE.0,
    );
    /// What applies to sockets.
    pub(crate) const SOCKET: Rights = Rights(
        Self::STREAM.0 | Self::FD_READ.0 | Self::FD_WRITE.0 | Self::SOCK_SHUTDOWN.0 | Self::SOCK_ACCEPT.0,
    );
    /// What a directory passes on at most: everything that a directory or a file can have.
    pub(crate) const INHERITED: Rights = Rights(Self::DIRECTORY.0 | Self::FILE.0);

    /// What applies to an open file of this kind. A character device keeps the right to seek
    /// only if it is no terminal: guests tell a terminal by its absence.
    pub(crate) fn of(filetype: FileType, terminal: bool) -> Rights {
        match filetype {
            FileType::Directory => Rights::DIRECTORY,
            FileType::RegularFile | FileType::BlockDevice => Rights::FILE,
            FileType::CharacterDevice if !terminal => Rights::FILE,
            FileType::SocketDgram | FileType::SocketStream => Rights::SOCKET,
            _ => Rights::STREAM | Rights::FD_READ | Rights::FD_WRITE,
        }
    }

    /// Are all of `other` among these?
    pub(crate) fn contain(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }

    /// Is one of `other` among these?
    pub(crate) fn meet(self, other: Rights) -> bool {
        self.0 & other.0 != 0
    }

    /// These without those of `other`.
    pub(crate) fn without(self, other: Rights) -> Rights {
        Rights(self.0 & !other.0)
    }
}

impl BitOr for Rights {
    type Output = Rights;
    fn bitor(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }
}

impl BitAnd for Rights {
    type Output = Rights;
    fn bitand(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }
}

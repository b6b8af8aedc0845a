//! The guest's descriptors.
//!
//! Invariants: a number names one descriptor from its opening to its closing, and
//! a new descriptor gets the smallest free number. There are no more than the limit. The
//! functions here that look a descriptor up are the only way to one, and each
//! says which rights the caller needs.
//!
//! What is wrong is told in this order: no such descriptor (`BADF`), not the kind
//! of file that the function is for (`BADF` or `NOTDIR`), not the right
//! (`NOTCAPABLE`), a change below a directory that is given read-only (`ROFS`).

use crate::directory::Directory;
use crate::errno::{Errno, Result};
use crate::rights::Rights;
use crate::stream::{HostFile, Stream};
use crate::types::{FdFlags, FdStat, FileType};

/// What a descriptor stands for.
#[derive(Debug)]
pub(crate) enum Object {
    Stream(Stream),
    Directory(Directory),
}

/// A descriptor of the guest.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) object: Object,
    pub(crate) rights: Rights,
    pub(crate) inheriting: Rights,
    pub(crate) flags: FdFlags,
    /// May nothing be changed through it?
    pub(crate) read_only: bool,
    /// Is there an offset in it, which a right that is missing keeps from the guest?
    pub(crate) seekable: bool,
}

impl Descriptor {
    /// A descriptor of a stream with all the rights of its kind that are in `rights`.
    pub(crate) fn stream(stream: Stream, rights: Rights) -> Descriptor {
        let kind = match &stream {
            Stream::Host(file) => Rights::of(file.filetype, file.terminal),
            _ => Rights::of(FileType::Unknown, false),
        };
        Descriptor {
            object: Object::Stream(stream),
            rights: kind & rights,
            inheriting: Rights::NONE,
            flags: FdFlags::default(),
            read_only: false,
            seekable: kind.contain(Rights::FD_SEEK),
        }
    }

    pub(crate) fn stat(&self) -> FdStat {
        let filetype = match &self.object {
            Object::Stream(stream) => stream.filetype(),
            Object::Directory(_) => FileType::Directory,
        };
        FdStat { filetype, flags: self.flags, rights: self.rights, inheriting: self.inheriting }
    }

    /// Has the guest asked not to be blocked?
    pub(crate) fn nonblock(&self) -> bool {
        self.flags.has(FdFlags::NONBLOCK)
    }

    /// # Errors
    /// `NOTCAPABLE` if one of `rights` is missing.
    pub(crate) fn need(&self, rights: Rights) -> Result<()> {
        if self.rights.contain(rights) { Ok(()) } else { Err(Errno::Notcapable) }
    }

    /// # Errors
    /// `ROFS` if nothing may be changed through it.
    pub(crate) fn need_writable(&self) -> Result<()> {
        if self.read_only { Err(Errno::Rofs) } else { Ok(()) }
    }

    /// Its stream; `BADF` if it is a directory.
    pub(crate) fn as_stream(&self) -> Result<&Stream> {
        match &self.object {
            Object::Stream(stream) => Ok(stream),
            Object::Directory(_) => Err(Errno::Badf),
        }
    }

    /// Its directory; `NOTDIR` if it is none.
    pub(crate) fn as_directory(&self) -> Result<&Directory> {
        match &self.object {
            Object::Directory(directory) => Ok(directory),
            Object::Stream(_) => Err(Errno::Notdir),
        }
    }
}

/// All descriptors of a guest.
#[derive(Debug)]
pub(crate) struct FdTable {
    descriptors: Vec<Option<Descriptor>>,
    /// The most that are open at once.
    limit: usize,
}

impl FdTable {
    /// A table without descriptors, for `limit` of them.
    pub(crate) fn new(limit: usize) -> FdTable {
        FdTable { descriptors: Vec::new(), limit: limit.min(i32::MAX as usize) }
    }

    /// The smallest free number. Whoever makes something for it asks first, so that nothing is
    /// made that there is no number for.
    ///
    /// # Errors
    /// `MFILE` if there are as many descriptors as there may be.
    pub(crate) fn room(&self) -> Result<usize> {
        let open = self.descriptors.iter().flatten().count();
        let free = self.descriptors.iter().position(Option::is_none).unwrap_or(self.descriptors.len());
        if open < self.limit { Ok(free) } else { Err(Errno::Mfile) }
    }

    /// Adds a descriptor under the smallest free number.
    ///
    /// # Errors
    /// As [`FdTable::room`].
    pub(crate) fn push(&mut self, descriptor: Descriptor) -> Result<u32> {
        let index = self.room()?;
        if index == self.descriptors.len() {
            self.descriptors.push(None);
        }
        self.descriptors[index] = Some(descriptor);
        Ok(u32::try_from(index)?)
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor> {
        self.descriptors.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        self.descriptors.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// A descriptor that is no directory and has `rights`.
    pub(crate) fn stream(&self, fd: u32, rights: Rights) -> Result<(&Descriptor, &Stream)> {
        let descriptor = self.get(fd)?;
        let stream = descriptor.as_stream()?;
        descriptor.need(rights)?;
        Ok((descriptor, stream))
    }

    /// A descriptor with an offset that has `rights`; `SPIPE` for one without.
    pub(crate) fn seekable(&self, fd: u32, rights: Rights) -> Result<&HostFile> {
        let descriptor = self.get(fd)?;
        descriptor.as_stream()?;
        if !descriptor.seekable {
            return Err(Errno::Spipe);
        }
        self.file(fd, rights)
    }

    /// A descriptor of an open file of the host that has `rights`; `SPIPE` for streams in memory.
    pub(crate) fn file(&self, fd: u32, rights: Rights) -> Result<&HostFile> {
        match self.stream(fd, rights)?.1 {
            Stream::Host(file) => Ok(file),
            _ => Err(Errno::Spipe),
        }
    }

    /// The socket `fd`; `NOTSOCK` if it is something else.
    pub(crate) fn socket(&self, fd: u32, rights: Rights) -> Result<(&Descriptor, &HostFile)> {
        let descriptor = self.get(fd)?;
        match &descriptor.object {
            Object::Stream(Stream::Host(file)) if file.is_socket() => {
                descriptor.need(rights)?;
                Ok((descriptor, file))
            }
            _ => Err(Errno::Notsock),
        }
    }

    /// The directory `fd` for a lookup that needs `rights`.
    pub(crate) fn directory(&self, fd: u32, rights: Rights) -> Result<(&Descriptor, &Directory)> {
        let descriptor = self.get(fd)?;
        let directory = descriptor.as_directory()?;
        descriptor.need(rights)?;
        Ok((descriptor, directory))
    }

    /// The directory `fd` for a change that needs `rights`.
    pub(crate) fn writable_directory(&self, fd: u32, rights: Rights) -> Result<&Directory> {
        let (descriptor, directory) = self.directory(fd, rights)?;
        descriptor.need_writable()?;
        Ok(directory)
    }

    /// Takes the descriptor out.
    pub(crate) fn remove(&mut self, fd: u32) -> Result<Descriptor> {
        self.descriptors.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::Badf)
    }

    /// Moves descriptor `from` to the number of `to`, which is closed. Both must be open.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            self.descriptors[to as usize] = self.descriptors[from as usize].take();
        }
        Ok(())
    }
}

//! Any system that can map anonymous memory: each view is a copy.
//!
//! A change of protection covers the whole view, which is what the mapping
//! crate offers; asking for a range is allowed and does more.

use super::Protection;
use memmap2::{Mmap, MmapMut};
use std::fs::File;
use std::io;
use std::ops::Range;

/// The pristine bytes of an image.
#[derive(Debug)]
pub(crate) struct Source {
    bytes: Vec<u8>,
}

impl Source {
    /// Keeps a copy of `bytes`.
    pub(crate) fn new(bytes: &[u8]) -> io::Result<Self> {
        Ok(Source { bytes: bytes.to_vec() })
    }

    /// Pages of files are not used here.
    ///
    /// # Safety
    /// None is needed.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) unsafe fn in_file(_file: &File, _offset: u64, _len: usize) -> io::Result<Self> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Whether the pages are those of a file: not here.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn is_file(&self) -> bool {
        false
    }

    /// A view whose changes nobody else sees.
    pub(crate) fn map_private(&self) -> io::Result<Mapping> {
        let mut map = MmapMut::map_anon(self.bytes.len().max(1).next_multiple_of(4096))?;
        map[..self.bytes.len()].copy_from_slice(&self.bytes);
        Ok(Mapping { state: State::Writable(map) })
    }

    /// Two views of the same bytes cannot be had here.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn map_twice(_bytes: &[u8]) -> io::Result<(Mapping, Mapping)> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

#[derive(Debug)]
enum State {
    Writable(MmapMut),
    Executable(Mmap),
    /// Only while a change of protection is under way, or after one failed.
    Lost,
}

/// A copy of a [`Source`].
#[derive(Debug)]
pub(crate) struct Mapping {
    state: State,
}

impl Mapping {
    /// The address of the first byte.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn base(&self) -> *mut u8 {
        self.bytes().as_ptr().cast_mut()
    }

    /// Length in bytes, whole pages.
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// The bytes of a range, which must be inside.
    pub(crate) fn read(&self, range: Range<usize>) -> impl Iterator<Item = u8> + '_ {
        self.bytes()[range].iter().copied()
    }

    /// The bytes; none after a failed change of protection.
    fn bytes(&self) -> &[u8] {
        match &self.state {
            State::Writable(map) => map,
            State::Executable(map) => map,
            State::Lost => &[],
        }
    }

    /// The bytes, none while the view is executable.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.state {
            State::Writable(map) => map,
            State::Executable(_) | State::Lost => &mut [],
        }
    }

    /// Makes the view readable and writable, not executable.
    pub(crate) fn make_writable(&mut self, _range: Range<usize>) -> io::Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Lost) {
            State::Executable(map) => State::Writable(map.make_mut()?),
            other => other,
        };
        Ok(())
    }

    /// Makes the view readable and executable, not writable.
    pub(crate) fn make_executable(&mut self, _range: Range<usize>) -> io::Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Lost) {
            State::Writable(map) => State::Executable(map.make_exec()?),
            other => other,
        };
        Ok(())
    }

    /// Whether protection can be changed while threads use the view: not here.
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) const SHARED: bool = false;

    /// Never called, see [`Mapping::SHARED`].
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn protect_shared(&self, _range: Range<usize>, _protection: Protection) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called, see [`Mapping::SHARED`].
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) unsafe fn write_through(&self, _at: usize, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called, see [`Mapping::SHARED`].
    #[cfg_attr(test, allow(dead_code))]
    pub(crate) fn write_shared(&self, _at: usize, _bytes: &[u8]) {}
}

/// A system call of the change of protection serialises the threads that it must.
#[cfg_attr(test, allow(dead_code))]
pub(crate) fn synchronize_cores() -> io::Result<()> {
    Ok(())
}

/// As [`synchronize_cores`].
#[allow(dead_code)]
pub(crate) fn interrupt_cores() -> io::Result<()> {
    Ok(())
}

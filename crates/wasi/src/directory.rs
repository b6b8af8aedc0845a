//! Open directories and the listing of one.
//!
//! A listing is read from the host as far as the guest has come, and a few entries before
//! that are kept, so that however large a directory is the host holds little of it. Cookies are
//! positions in the listing. They stay valid however the directory changes meanwhile (removing
//! entries while listing them is what every `rm -r` does), since the host goes on
//! where it was; only for one that is far back is the directory read again from the start.
//! `.` and `..` come first; both have the directory's own serial number, so nothing is said of a
//! parent outside of the sandbox. A name that is not UTF-8 cannot be said in preview 1
//! and is left out.

use crate::ctx::WasiCtx;
use crate::errno::Result;
use crate::fd_table::Object;
use crate::interrupt::Interrupt;
use crate::memory::GuestMemory;
use crate::rights::Rights;
use crate::types::FileType;
use std::collections::VecDeque;

/// The directory behind a descriptor.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) dir: cap_std::fs::Dir,
    /// The guest's name of it, if the guest was started with it.
    pub(crate) preopen: Option<String>,
    listing: Option<Listing>,
}

/// How many entries are kept that the guest has got already.
const KEPT: usize = 256;

/// A listing under way.
struct Listing {
    /// Where the host's listing goes on; nothing at its end.
    rest: Option<rustix::fs::Dir>,
    /// The entries that were read last.
    entries: VecDeque<Entry>,
    /// The position of the first of them.
    first: u64,
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing").field("first", &self.first).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Entry {
    ino: u64,
    filetype: FileType,
    name: String,
}

impl Entry {
    const HEADER: usize = 24;

    /// The header, with the cookie of the entry that follows.
    fn header(&self, next: u64) -> Result<[u8; Entry::HEADER]> {
        let mut bytes = [0; Entry::HEADER];
        bytes.write_u64(0, next)?;
        bytes.write_u64(8, self.ino)?;
        bytes.write_u32(16, u32::try_from(self.name.len())?)?;
        bytes[20] = self.filetype as u8;
        Ok(bytes)
    }
}

impl Directory {
    pub(crate) fn new(dir: cap_std::fs::Dir, preopen: Option<String>) -> Directory {
        Directory { dir, preopen, listing: None }
    }

    /// The listing, with the entry at `cookie` read already or yet to be.
    fn listing(&mut self, cookie: u64) -> Result<&mut Listing> {
        let listing = match self.listing.take() {
            Some(listing) if cookie > 0 && listing.first <= cookie => listing,
            _ => Listing::new(&self.dir)?,
        };
        Ok(self.listing.insert(listing))
    }
}

impl Listing {
    fn new(dir: &cap_std::fs::Dir) -> Result<Listing> {
        let ino = rustix::fs::fstat(dir)?.st_ino;
        let dot = |name: &str| Entry { ino, filetype: FileType::Directory, name: name.to_owned() };
        let rest = Some(rustix::fs::Dir::read_from(dir)?);
        Ok(Listing { rest, entries: [dot("."), dot("..")].into(), first: 0 })
    }

    /// The entry at a position, which does not go back.
    fn entry(&mut self, position: u64, interrupt: &Interrupt) -> Result<Option<&Entry>> {
        while self.first + self.entries.len() as u64 <= position {
            interrupt.check()?;
            let Some(entry) = self.read()? else { return Ok(None) };
            self.entries.push_back(entry);
            if self.entries.len() > KEPT {
                self.entries.pop_front();
                self.first += 1;
            }
        }
        let index = position.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        Ok(index.and_then(|index| self.entries.get(index)))
    }

    /// The host's next entry.
    fn read(&mut self) -> Result<Option<Entry>> {
        while let Some(entry) = self.rest.as_mut().and_then(Iterator::next) {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => {
                    let (ino, filetype) = (entry.ino(), entry.file_type().into());
                    return Ok(Some(Entry { ino, filetype, name: name.to_owned() }));
                }
            }
        }
        // The host's descriptor is not needed any more.
        self.rest = None;
        Ok(None)
    }
}

impl WasiCtx {
    /// Lists a directory from `cookie` on into `buf`, the last entry cut off at its end; the
    /// number of bytes goes to `used`, and is less than `buf_len` only at the end of the listing.
    pub fn fd_readdir(
        &mut self,
        memory: &mut [u8],
        fd: u32,
        buf: u32,
        buf_len: u32,
        cookie: u64,
        used: u32,
    ) -> Result<()> {
        let descriptor = self.fds.get_mut(fd)?;
        descriptor.as_directory()?;
        descriptor.need(Rights::FD_READDIR)?;
        let buffer = memory.bytes_mut(buf, buf_len)?;
        let mut filled = 0;
        if let Object::Directory(directory) = &mut descriptor.object {
            let listing = directory.listing(cookie)?;
            for position in cookie..u64::MAX {
                if filled == buffer.len() {
                    break;
                }
                let Some(entry) = listing.entry(position, &self.interrupt)? else { break };
                for part in [&entry.header(position + 1)?[..], entry.name.as_bytes()] {
                    let len = part.len().min(buffer.len() - filled);
                    buffer[filled..filled + len].copy_from_slice(&part[..len]);
                    filled += len;
                }
            }
        }
        memory.write_u32(used, u32::try_from(filled)?)
    }
}

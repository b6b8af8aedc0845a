//! Open directories and the listing of one.
//!
//! A listing is taken whole when it is read from the start and kept with the
//! descriptor, so cookies are positions in it: they stay valid however the
//! directory changes meanwhile (removing entries while listing them is what every
//! `rm -r` does). `.` and `..` come first; both have the directory's own serial
//! number, so nothing is said of a parent outside of the sandbox. A name that is
//! not UTF-8 cannot be said in preview 1 and is left out.

use crate::ctx::WasiCtx;
use crate::errno::Result;
use crate::fd_table::Object;
use crate::memory::GuestMemory;
use crate::rights::Rights;
use crate::types::FileType;

/// The directory behind a descriptor.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) dir: cap_std::fs::Dir,
    /// The guest's name of it, if the guest was started with it.
    pub(crate) preopen: Option<String>,
    /// What the last listing from the start found.
    listing: Option<Vec<Entry>>,
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

    /// The entries from `cookie` on.
    fn entries(&mut self, cookie: u64) -> Result<&[Entry]> {
        let listing = match self.listing.take() {
            Some(listing) if cookie > 0 => listing,
            _ => self.list()?,
        };
        let start = usize::try_from(cookie).unwrap_or(usize::MAX);
        Ok(self.listing.insert(listing).get(start..).unwrap_or_default())
    }

    fn list(&self) -> Result<Vec<Entry>> {
        let own = rustix::fs::fstat(&self.dir)?.st_ino;
        let dots = [".", ".."];
        let mut listing: Vec<Entry> = dots
            .iter()
            .map(|name| Entry { ino: own, filetype: FileType::Directory, name: name.to_string() })
            .collect();
        for entry in rustix::fs::Dir::read_from(&self.dir)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok(name) if !dots.contains(&name) => listing.push(Entry {
                    ino: entry.ino(),
                    filetype: entry.file_type().into(),
                    name: name.to_string(),
                }),
                _ => {}
            }
        }
        Ok(listing)
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
            for (entry, next) in directory.entries(cookie)?.iter().zip(cookie.saturating_add(1)..) {
                for part in [&entry.header(next)?[..], entry.name.as_bytes()] {
                    let len = part.len().min(buffer.len() - filled);
                    buffer[filled..filled + len].copy_from_slice(&part[..len]);
                    filled += len;
                }
                if filled == buffer.len() {
                    break;
                }
            }
        }
        memory.write_u32(used, u32::try_from(filled)?)
    }
}

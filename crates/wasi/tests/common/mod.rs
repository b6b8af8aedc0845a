//! A guest without a program: its memory, and preview 1's functions with arguments and
//! results of Rust, which are put into that memory and taken out of it.
#![allow(dead_code)] // each test file uses some of it

use sidetrack_wasi::{DirAccess, Errno, MemoryOutputPipe, WasiCtx, WasiCtxBuilder};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What preview 1's functions return.
pub type Result<T> = std::result::Result<T, Errno>;

pub const CREAT: u32 = 1;
pub const DIRECTORY: u32 = 2;
pub const EXCL: u32 = 4;
pub const TRUNC: u32 = 8;

pub const APPEND: u32 = 1;
pub const NONBLOCK: u32 = 4;
pub const SYNC: u32 = 16;

pub const FD_READ: u64 = 1 << 1;
pub const FD_SEEK: u64 = 1 << 2;
pub const FD_WRITE: u64 = 1 << 6;
pub const PATH_CREATE_FILE: u64 = 1 << 10;
/// Every right there is.
pub const ALL: u64 = (1 << 30) - 1;
/// Every right but those that need a file open for writing.
pub const READING: u64 = ALL & !(FD_WRITE | 1 << 8 | 1 << 22);

pub const FOLLOW: u32 = 1;

/// The first directory that a guest is given.
pub const DIR: u32 = 3;

/// A directory of the host that is removed again.
pub struct TempDir(pub PathBuf);

impl TempDir {
    pub fn new() -> TempDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sidetrack-wasi-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        TempDir(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, contents: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `fd_fdstat_get` tells.
#[derive(Debug)]
pub struct FdStat {
    pub filetype: u8,
    pub flags: u16,
    pub rights: u64,
    pub inheriting: u64,
}

/// What `fd_filestat_get` tells.
#[derive(Debug, PartialEq, Eq)]
pub struct FileStat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: u8,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
}

/// What `poll_oneoff` tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    pub userdata: u64,
    pub error: u16,
    pub kind: u8,
    pub nbytes: u64,
    pub flags: u16,
}

/// What `poll_oneoff` is asked.
pub enum Subscription {
    Clock { id: u32, timeout: u64, absolute: bool },
    Read(u32),
    Write(u32),
}

pub struct Guest {
    pub ctx: WasiCtx,
    pub memory: Vec<u8>,
    /// Where the next argument goes; results go to 0 and up.
    next: u32,
}

impl Guest {
    pub fn new(ctx: WasiCtx) -> Guest {
        Guest { ctx, memory: vec![0; 1 << 16], next: 1024 }
    }

    /// A guest with one directory, `/`.
    pub fn with_dir(dir: &Path, access: DirAccess) -> Guest {
        let ctx = WasiCtxBuilder::new().preopened_dir(dir, "/", access).unwrap().build().unwrap();
        Guest::new(ctx)
    }

    /// A guest that prints into memory.
    pub fn printing() -> (Guest, MemoryOutputPipe) {
        let output = MemoryOutputPipe::new();
        let ctx = WasiCtxBuilder::new().stdout(output.clone()).build().unwrap();
        (Guest::new(ctx), output)
    }

    /// Puts an argument into the memory.
    pub fn put(&mut self, bytes: &[u8]) -> (u32, u32) {
        if self.next as usize + bytes.len() + 8 > self.memory.len() {
            self.next = 1024;
        }
        let address = self.next;
        self.memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
        self.next = (address + bytes.len() as u32 + 7) & !7;
        (address, bytes.len() as u32)
    }

    /// Puts an array with one buffer into the memory.
    pub fn buffer(&mut self, bytes: &[u8]) -> (u32, u32) {
        let (address, len) = self.put(bytes);
        (self.put(&[address.to_le_bytes(), len.to_le_bytes()].concat()).0, address)
    }

    pub fn u16(&self, address: u32) -> u16 {
        u16::from_le_bytes(self.memory[address as usize..][..2].try_into().unwrap())
    }

    pub fn u32(&self, address: u32) -> u32 {
        u32::from_le_bytes(self.memory[address as usize..][..4].try_into().unwrap())
    }

    pub fn u64(&self, address: u32) -> u64 {
        u64::from_le_bytes(self.memory[address as usize..][..8].try_into().unwrap())
    }

    /// Opens a path below `dir`, following links.
    pub fn open_at(&mut self, dir: u32, path: &str, oflags: u32, rights: u64, fdflags: u32) -> Result<u32> {
        self.open_with(dir, FOLLOW, path, oflags, rights, fdflags)
    }

    pub fn open_with(
        &mut self,
        dir: u32,
        lookup: u32,
        path: &str,
        oflags: u32,
        rights: u64,
        fdflags: u32,
    ) -> Result<u32> {
        let (path, len) = self.put(path.as_bytes());
        self.ctx.path_open(&mut self.memory, dir, lookup, path, len, oflags, rights, ALL, fdflags, 0)?;
        Ok(self.u32(0))
    }

    /// Opens a path of the first directory for reading.
    pub fn open(&mut self, path: &str) -> Result<u32> {
        self.open_at(DIR, path, 0, READING, 0)
    }

    /// Opens a path of the first directory for everything, creating it.
    pub fn create(&mut self, path: &str) -> Result<u32> {
        self.open_at(DIR, path, CREAT, ALL, 0)
    }

    pub fn read(&mut self, fd: u32, len: usize) -> Result<Vec<u8>> {
        let (array, buffer) = self.buffer(&vec![0; len]);
        self.ctx.fd_read(&mut self.memory, fd, array, 1, 0)?;
        Ok(self.memory[buffer as usize..][..self.u32(0) as usize].to_vec())
    }

    pub fn write(&mut self, fd: u32, bytes: &[u8]) -> Result<u32> {
        let (array, _) = self.buffer(bytes);
        self.ctx.fd_write(&mut self.memory, fd, array, 1, 0)?;
        Ok(self.u32(0))
    }

    pub fn pread(&mut self, fd: u32, len: usize, offset: u64) -> Result<Vec<u8>> {
        let (array, buffer) = self.buffer(&vec![0; len]);
        self.ctx.fd_pread(&mut self.memory, fd, array, 1, offset, 0)?;
        Ok(self.memory[buffer as usize..][..self.u32(0) as usize].to_vec())
    }

    pub fn pwrite(&mut self, fd: u32, bytes: &[u8], offset: u64) -> Result<u32> {
        let (array, _) = self.buffer(bytes);
        self.ctx.fd_pwrite(&mut self.memory, fd, array, 1, offset, 0)?;
        Ok(self.u32(0))
    }

    pub fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Result<u64> {
        self.ctx.fd_seek(&mut self.memory, fd, offset, whence, 0)?;
        Ok(self.u64(0))
    }

    pub fn tell(&mut self, fd: u32) -> Result<u64> {
        self.ctx.fd_tell(&mut self.memory, fd, 0)?;
        Ok(self.u64(0))
    }

    pub fn fdstat(&mut self, fd: u32) -> Result<FdStat> {
        self.ctx.fd_fdstat_get(&mut self.memory, fd, 0)?;
        Ok(FdStat {
            filetype: self.memory[0],
            flags: self.u16(2),
            rights: self.u64(8),
            inheriting: self.u64(16),
        })
    }

    fn filestat(&self) -> FileStat {
        FileStat {
            dev: self.u64(0),
            ino: self.u64(8),
            filetype: self.memory[16],
            nlink: self.u64(24),
            size: self.u64(32),
            atim: self.u64(40),
            mtim: self.u64(48),
        }
    }

    pub fn stat_fd(&mut self, fd: u32) -> Result<FileStat> {
        self.ctx.fd_filestat_get(&mut self.memory, fd, 0)?;
        Ok(self.filestat())
    }

    pub fn stat(&mut self, lookup: u32, path: &str) -> Result<FileStat> {
        let (path, len) = self.put(path.as_bytes());
        self.ctx.path_filestat_get(&mut self.memory, DIR, lookup, path, len, 0)?;
        Ok(self.filestat())
    }

    pub fn mkdir(&mut self, path: &str) -> Result<()> {
        let (path, len) = self.put(path.as_bytes());
        self.ctx.path_create_directory(&mut self.memory, DIR, path, len)
    }

    pub fn rmdir(&mut self, path: &str) -> Result<()> {
        let (path, len) = self.put(path.as_bytes());
        self.ctx.path_remove_directory(&mut self.memory, DIR, path, len)
    }

    pub fn unlink(&mut self, path: &str) -> Result<()> {
        let (path, len) = self.put(path.as_bytes());
        self.ctx.path_unlink_file(&mut self.memory, DIR, path, len)
    }

    pub fn rename(&mut self, old: &str, new: &str) -> Result<()> {
        let (old, old_len) = self.put(old.as_bytes());
        let (new, new_len) = self.put(new.as_bytes());
        self.ctx.path_rename(&mut self.memory, DIR, old, old_len, DIR, new, new_len)
    }

    pub fn link(&mut self, lookup: u32, old: &str, new: &str) -> Result<()> {
        let (old, old_len) = self.put(old.as_bytes());
        let (new, new_len) = self.put(new.as_bytes());
        self.ctx.path_link(&mut self.memory, DIR, lookup, old, old_len, DIR, new, new_len)
    }

    pub fn symlink(&mut self, target: &str, path: &str) -> Result<()> {
        let (target, target_len) = self.put(target.as_bytes());
        let (path, len) = self.put(path.as_bytes());
        self.ctx.path_symlink(&mut self.memory, target, target_len, DIR, path, len)
    }

    pub fn readlink(&mut self, path: &str, room: u32) -> Result<String> {
        let (path, len) = self.put(path.as_bytes());
        let (buffer, _) = self.put(&vec![0; room as usize]);
        self.ctx.path_readlink(&mut self.memory, DIR, path, len, buffer, room, 0)?;
        let target = &self.memory[buffer as usize..][..self.u32(0) as usize];
        Ok(String::from_utf8(target.to_vec()).unwrap())
    }

    pub fn set_times(&mut self, lookup: u32, path: &str, atim: u64, mtim: u64, flags: u32) -> Result<()> {
        let (path, len) = self.put(path.as_bytes());
        self.ctx.path_filestat_set_times(&mut self.memory, DIR, lookup, path, len, atim, mtim, flags)
    }

    /// One call of `fd_readdir`: the bytes that it put into a buffer of `room` bytes.
    pub fn readdir(&mut self, fd: u32, room: u32, cookie: u64) -> Result<Vec<u8>> {
        let (buffer, _) = self.put(&vec![0xff; room as usize]);
        self.ctx.fd_readdir(&mut self.memory, fd, buffer, room, cookie, 0)?;
        Ok(self.memory[buffer as usize..][..self.u32(0) as usize].to_vec())
    }

    /// The names of a directory and their file types, by calls with a buffer of `room` bytes.
    pub fn list(&mut self, fd: u32, room: u32) -> Result<Vec<(String, u8)>> {
        let mut names = Vec::new();
        let mut cookie = 0;
        loop {
            let bytes = self.readdir(fd, room, cookie)?;
            let mut rest = &bytes[..];
            while let Some((header, after)) = rest.split_at_checked(24) {
                let len = u32::from_le_bytes(header[16..20].try_into().unwrap()) as usize;
                let Some((name, after)) = after.split_at_checked(len) else { break };
                names.push((String::from_utf8(name.to_vec()).unwrap(), header[20]));
                cookie = u64::from_le_bytes(header[..8].try_into().unwrap());
                rest = after;
            }
            if bytes.len() < room as usize {
                return Ok(names);
            }
        }
    }

    pub fn poll(&mut self, subscriptions: &[Subscription]) -> Result<Vec<Event>> {
        let mut bytes = Vec::new();
        for (index, subscription) in subscriptions.iter().enumerate() {
            let mut entry = [0; 48];
            entry[..8].copy_from_slice(&(index as u64).to_le_bytes());
            let (kind, first) = match subscription {
                Subscription::Clock { id, timeout, absolute } => {
                    entry[24..32].copy_from_slice(&timeout.to_le_bytes());
                    entry[40] = (*absolute).into();
                    (0, id)
                }
                Subscription::Read(fd) => (1, fd),
                Subscription::Write(fd) => (2, fd),
            };
            entry[8] = kind;
            entry[16..20].copy_from_slice(&first.to_le_bytes());
            bytes.extend(entry);
        }
        let count = subscriptions.len() as u32;
        let (subscriptions, _) = self.put(&bytes);
        let (events, _) = self.put(&vec![0xff; 32 * count as usize]);
        self.ctx.poll_oneoff(&mut self.memory, subscriptions, events, count, 0)?;
        let event = |index| {
            let at = events + 32 * index;
            Event {
                userdata: self.u64(at),
                error: self.u16(at + 8),
                kind: self.memory[at as usize + 10],
                nbytes: self.u64(at + 16),
                flags: self.u16(at + 24),
            }
        };
        Ok((0..self.u32(0)).map(event).collect())
    }
}

/// Is this refusal one that keeps a guest inside of its directory?
pub fn kept_inside<T: std::fmt::Debug>(result: Result<T>) {
    match result {
        Err(Errno::Perm | Errno::Notcapable) => {}
        other => panic!("not refused: {other:?}"),
    }
}

//! Directories: creating, removing, renaming, linking, listing.

mod common;

use common::*;
use sidetrack_wasi::{DirAccess, Errno, WasiCtxBuilder};

fn guest() -> (TempDir, Guest) {
    let host = TempDir::new();
    let guest = Guest::with_dir(&host.0, DirAccess::ReadWrite);
    (host, guest)
}

#[test]
fn preopened_directories() {
    let (first, second) = (TempDir::new(), TempDir::new());
    second.write("file", "second");
    let mut builder = WasiCtxBuilder::new();
    builder.preopened_dir(&first.0, "/", DirAccess::ReadWrite).unwrap();
    builder.preopened_dir(&second.0, "/data", DirAccess::ReadWrite).unwrap();
    let mut guest = Guest::new(builder.build().unwrap());
    let mut names = Vec::new();
    for fd in [3, 4] {
        guest.ctx.fd_prestat_get(&mut guest.memory, fd, 0).unwrap();
        assert_eq!(guest.memory[0], 0);
        let len = guest.u32(4);
        assert_eq!(
            guest.ctx.fd_prestat_dir_name(&mut guest.memory, fd, 16, len - 1),
            Err(Errno::Nametoolong)
        );
        guest.ctx.fd_prestat_dir_name(&mut guest.memory, fd, 16, len).unwrap();
        names.push(String::from_utf8(guest.memory[16..][..len as usize].to_vec()).unwrap());
    }
    assert_eq!(names, ["/", "/data"]);
    assert_eq!(guest.ctx.fd_prestat_get(&mut guest.memory, 5, 0), Err(Errno::Badf));
    let fd = guest.open_at(4, "file", 0, READING, 0).unwrap();
    assert_eq!(guest.read(fd, 100).unwrap(), b"second");
    assert!(WasiCtxBuilder::new().preopened_dir(second.path("file"), "/", DirAccess::ReadOnly).is_err());
    assert!(WasiCtxBuilder::new().preopened_dir(second.path("none"), "/", DirAccess::ReadOnly).is_err());
}

#[test]
fn creating_and_removing() {
    let (host, mut guest) = guest();
    guest.mkdir("dir").unwrap();
    assert_eq!(guest.mkdir("dir"), Err(Errno::Exist));
    assert_eq!(guest.mkdir("none/dir"), Err(Errno::Noent));
    guest.mkdir("dir/below/").unwrap();
    guest.create("dir/file").unwrap();
    assert_eq!(guest.rmdir("dir"), Err(Errno::Notempty));
    assert_eq!(guest.rmdir("dir/file"), Err(Errno::Notdir));
    assert_eq!(guest.unlink("dir/below"), Err(Errno::Isdir));
    assert_eq!(guest.unlink("dir/none"), Err(Errno::Noent));
    assert_eq!(guest.unlink("dir/file/"), Err(Errno::Notdir));
    guest.unlink("dir/file").unwrap();
    guest.rmdir("dir/below").unwrap();
    guest.rmdir("dir").unwrap();
    assert!(!host.path("dir").exists());
}

#[test]
fn renaming() {
    let (host, mut guest) = guest();
    host.write("file", "file");
    host.write("other", "other");
    host.write("dir/below", "below");
    guest.rename("file", "dir/file").unwrap();
    assert_eq!(host.read("dir/file"), "file");
    guest.rename("other", "dir/file").unwrap();
    assert_eq!(host.read("dir/file"), "other");
    guest.rename("dir", "new").unwrap();
    assert_eq!(host.read("new/below"), "below");
    assert_eq!(guest.rename("none", "x"), Err(Errno::Noent));
    assert_eq!(guest.rename("new", "new/x"), Err(Errno::Inval));
    guest.mkdir("empty").unwrap();
    assert_eq!(guest.rename("new/file", "empty"), Err(Errno::Isdir));
    assert_eq!(guest.rename("empty", "new/file"), Err(Errno::Notdir));
    assert_eq!(guest.rename("empty", "new"), Err(Errno::Notempty));
}

#[test]
fn links() {
    let (host, mut guest) = guest();
    host.write("file", "file");
    guest.link(0, "file", "hard").unwrap();
    assert_eq!(guest.stat(0, "hard").unwrap().nlink, 2);
    assert_eq!(guest.link(0, "file", "hard"), Err(Errno::Exist));
    assert_eq!(guest.link(0, "none", "x"), Err(Errno::Noent));
    guest.symlink("file", "soft").unwrap();
    assert_eq!(guest.symlink("file", "soft"), Err(Errno::Exist));
    assert_eq!(guest.readlink("soft", 100).unwrap(), "file");
    assert_eq!(guest.readlink("soft", 2).unwrap(), "fi");
    assert_eq!(guest.readlink("file", 100), Err(Errno::Inval));
    assert_eq!(guest.stat(0, "soft").unwrap().filetype, 7);
    assert_eq!(guest.stat(FOLLOW, "soft").unwrap().filetype, 4);
    guest.link(FOLLOW, "soft", "through").unwrap();
    guest.link(0, "soft", "itself").unwrap();
    assert_eq!(guest.stat(0, "through").unwrap().nlink, 3);
    assert_eq!(guest.stat(0, "itself").unwrap().filetype, 7);
    let fd = guest.open("soft").unwrap();
    assert_eq!(guest.read(fd, 10).unwrap(), b"file");
    assert_eq!(guest.open_with(DIR, 0, "soft", 0, READING, 0), Err(Errno::Loop));
    guest.symlink("loop", "loop").unwrap();
    assert_eq!(guest.open("loop"), Err(Errno::Loop));
    guest.symlink("none", "dangling").unwrap();
    assert_eq!(guest.open("dangling"), Err(Errno::Noent));
    guest.create("dangling").unwrap();
    assert_eq!(host.read("none"), "");
}

#[test]
fn listing() {
    let (host, mut guest) = guest();
    let mut expected = vec![(".".to_string(), 3), ("..".to_string(), 3)];
    for index in 0..100 {
        let name = format!("file{}{index}", "x".repeat(index));
        host.write(&name, "");
        expected.push((name, 4));
    }
    std::fs::create_dir(host.path("dir")).unwrap();
    std::os::unix::fs::symlink("x", host.path("link")).unwrap();
    expected.extend([("dir".to_string(), 3), ("link".to_string(), 7)]);
    expected.sort();
    for room in [200, 300, 4096, 20000] {
        let mut names = guest.list(DIR, room).unwrap();
        names.sort();
        assert_eq!(names, expected, "with a buffer of {room} bytes");
    }
    // The last entry is cut off where the buffer ends, even within its header.
    let whole = guest.readdir(DIR, 20000, 0).unwrap();
    for room in [0, 1, 23, 24, 25, 60] {
        assert_eq!(guest.readdir(DIR, room, 0).unwrap(), whole[..room as usize]);
    }
    assert_eq!(guest.readdir(DIR, 100, 1 << 40).unwrap(), b"");
    assert_eq!(guest.readdir(DIR, 100, u64::MAX).unwrap(), b"");
    let ino = u64::from_le_bytes(whole[8..16].try_into().unwrap());
    assert_eq!(guest.stat_fd(DIR).unwrap().ino, ino, "of the entry .");
}

/// A listing goes on where it was while entries come and go.
#[test]
fn listing_while_removing() {
    let (host, mut guest) = guest();
    for index in 0..50 {
        host.write(&format!("file{index}"), "");
    }
    let mut cookie = 0;
    let mut removed = 0;
    loop {
        let bytes = guest.readdir(DIR, 64, cookie).unwrap();
        let Some(header) = bytes.get(..24) else { break };
        cookie = u64::from_le_bytes(header[..8].try_into().unwrap());
        let len = header[16] as usize;
        let name = String::from_utf8(bytes[24..24 + len].to_vec()).unwrap();
        if name.starts_with("file") {
            guest.unlink(&name).unwrap();
            removed += 1;
        }
        host.write(&format!("new{removed}"), "");
    }
    assert_eq!(removed, 50);
    let names = guest.list(DIR, 4096).unwrap();
    assert!(names.iter().all(|(name, _)| !name.starts_with("file")), "read anew from the start");
    assert!(names.contains(&("new50".to_string(), 4)));
}

#[test]
fn open_directories() {
    let (host, mut guest) = guest();
    host.write("dir/file", "file");
    for oflags in [0, DIRECTORY] {
        let dir = guest.open_at(DIR, "dir", oflags, READING, 0).unwrap();
        let fd = guest.open_at(dir, "file", 0, READING, 0).unwrap();
        assert_eq!(guest.read(fd, 10).unwrap(), b"file");
        assert_eq!(guest.list(dir, 1000).unwrap().len(), 3);
        assert_eq!(guest.ctx.fd_prestat_get(&mut guest.memory, dir, 0), Err(Errno::Badf), "was not given");
    }
    // With all rights, as one asks for a directory that will be changed.
    let dir = guest.open_at(DIR, "dir", DIRECTORY, ALL, 0).unwrap();
    guest.open_at(dir, "new", CREAT, ALL, 0).unwrap();
    guest.ctx.fd_filestat_set_times(dir, 1, 2, 5).unwrap();
    assert_eq!(guest.stat_fd(dir).unwrap().mtim, 2);
    guest.ctx.fd_sync(dir).unwrap();
}

//! Files: contents, offsets, flags, sizes, times, rights.

mod common;

use common::*;
use sidetrack_wasi::{DirAccess, Errno};

fn guest() -> (TempDir, Guest) {
    let host = TempDir::new();
    host.write("file", "0123456789");
    let guest = Guest::with_dir(&host.0, DirAccess::ReadWrite);
    (host, guest)
}

#[test]
fn contents_and_offsets() {
    let (host, mut guest) = guest();
    let fd = guest.create("new").unwrap();
    assert_eq!(guest.write(fd, b"hello world"), Ok(11));
    assert_eq!(guest.seek(fd, 6, 0), Ok(6));
    assert_eq!(guest.read(fd, 100).unwrap(), b"world");
    assert_eq!(guest.read(fd, 100).unwrap(), b"");
    assert_eq!(guest.seek(fd, -5, 2), Ok(6));
    assert_eq!(guest.seek(fd, 1, 1), Ok(7));
    assert_eq!(guest.tell(fd), Ok(7));
    assert_eq!(guest.pread(fd, 5, 0).unwrap(), b"hello");
    assert_eq!(guest.pwrite(fd, b"J", 0), Ok(1));
    assert_eq!(guest.tell(fd), Ok(7), "where it was");
    assert_eq!(guest.seek(fd, -100, 1), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, -1, 0), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, 0, 3), Err(Errno::Inval));
    assert_eq!(guest.pread(fd, 1, u64::MAX), Err(Errno::Inval));
    assert_eq!(host.read("new"), "Jello world");
    guest.ctx.fd_sync(fd).unwrap();
    guest.ctx.fd_datasync(fd).unwrap();
    guest.ctx.fd_close(fd).unwrap();
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));
    assert_eq!(guest.ctx.fd_close(fd), Err(Errno::Badf));
}

#[test]
fn several_buffers_are_one_transfer() {
    let (host, mut guest) = guest();
    let fd = guest.create("new").unwrap();
    let parts = ["ab", "", "cde"].map(|part| guest.put(part.as_bytes()));
    let array: Vec<u8> =
        parts.iter().flat_map(|(at, len)| [at.to_le_bytes(), len.to_le_bytes()].concat()).collect();
    let (array, _) = guest.put(&array);
    guest.ctx.fd_write(&mut guest.memory, fd, array, 3, 0).unwrap();
    assert_eq!(guest.u32(0), 5);
    assert_eq!(host.read("new"), "abcde");
    host.write("new", "vwxyz");
    guest.ctx.fd_pread(&mut guest.memory, fd, array, 3, 0, 0).unwrap();
    assert_eq!(&guest.memory[parts[0].0 as usize..][..2], b"vw");
    assert_eq!(&guest.memory[parts[2].0 as usize..][..3], b"xyz");
}

#[test]
fn opening() {
    let (host, mut guest) = guest();
    assert_eq!(guest.open("none"), Err(Errno::Noent));
    assert_eq!(guest.open("file/"), Err(Errno::Notdir));
    assert_eq!(guest.open("file/x"), Err(Errno::Notdir));
    assert_eq!(guest.open(""), Err(Errno::Noent));
    assert_eq!(guest.open("fi\0le"), Err(Errno::Inval));
    assert_eq!(guest.open_at(DIR, "file", DIRECTORY, READING, 0), Err(Errno::Notdir));
    assert_eq!(guest.open_at(DIR, "file", CREAT | EXCL, ALL, 0), Err(Errno::Exist));
    assert_eq!(guest.open_at(DIR, "file", CREAT | DIRECTORY, ALL, 0), Err(Errno::Inval));
    assert_eq!(guest.open_at(DIR, "file", 16, ALL, 0), Err(Errno::Inval));
    assert_eq!(guest.open_at(DIR, ".", 0, ALL, 0), Err(Errno::Isdir));
    assert_eq!(guest.open_at(99, "file", 0, READING, 0), Err(Errno::Badf));
    assert_eq!(guest.open_at(1, "file", 0, READING, 0), Err(Errno::Notdir));
    let fd = guest.open("file").unwrap();
    assert_eq!(guest.open_at(fd, "file", 0, READING, 0), Err(Errno::Notdir));
    let fd = guest.open_at(DIR, "file", CREAT | TRUNC, ALL, 0).unwrap();
    assert_eq!(guest.stat_fd(fd).unwrap().size, 0);
    let fd = guest.open_at(DIR, "read", CREAT, READING, 0).unwrap();
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Notcapable));
    assert_eq!(host.read("read"), "");
    let long = "x".repeat(300);
    assert_eq!(guest.create(&long), Err(Errno::Nametoolong));
    let (path, _) = guest.put(&[0xff, 0xfe]);
    let open = guest.ctx.path_open(&mut guest.memory, DIR, 0, path, 2, 0, READING, 0, 0, 0);
    assert_eq!(open, Err(Errno::Ilseq));
}

/// A number is the smallest that is free, as POSIX has it.
#[test]
fn numbers_of_descriptors() {
    let (_host, mut guest) = guest();
    for fd in [4, 5, 6] {
        assert_eq!(guest.open("file"), Ok(fd));
    }
    guest.ctx.fd_close(5).unwrap();
    guest.ctx.fd_close(0).unwrap();
    assert_eq!(guest.open("file"), Ok(0));
    assert_eq!(guest.open("file"), Ok(5));
    assert_eq!(guest.open("file"), Ok(7));
    guest.seek(7, 3, 0).unwrap();
    guest.ctx.fd_renumber(7, 5).unwrap();
    assert_eq!(guest.tell(5), Ok(3));
    assert_eq!(guest.tell(7), Err(Errno::Badf));
    assert_eq!(guest.ctx.fd_renumber(5, 5), Ok(()));
    assert_eq!(guest.ctx.fd_renumber(5, 100), Err(Errno::Badf));
    assert_eq!(guest.ctx.fd_renumber(100, 5), Err(Errno::Badf));
    assert_eq!(guest.tell(5), Ok(3));
}

#[test]
fn flags() {
    let (host, mut guest) = guest();
    let fd = guest.open_at(DIR, "file", 0, ALL, APPEND).unwrap();
    guest.write(fd, b"ab").unwrap();
    assert_eq!(host.read("file"), "0123456789ab");
    assert_eq!(guest.fdstat(fd).unwrap().flags as u32, APPEND);
    guest.ctx.fd_fdstat_set_flags(fd, 0).unwrap();
    guest.seek(fd, 0, 0).unwrap();
    guest.write(fd, b"x").unwrap();
    assert_eq!(host.read("file"), "x123456789ab");
    guest.ctx.fd_fdstat_set_flags(fd, APPEND | NONBLOCK).unwrap();
    guest.seek(fd, 0, 0).unwrap();
    guest.write(fd, b"y").unwrap();
    assert_eq!(host.read("file"), "x123456789aby");
    assert_eq!(guest.ctx.fd_fdstat_set_flags(fd, SYNC), Err(Errno::Inval));
    assert_eq!(guest.ctx.fd_fdstat_set_flags(fd, 1 << 5), Err(Errno::Inval));
    let fd = guest.open_at(DIR, "file", 0, ALL, SYNC).unwrap();
    assert_eq!(guest.fdstat(fd).unwrap().flags as u32, SYNC);
    assert_eq!(guest.write(fd, b"z"), Ok(1));
    // Appending to a file that is cut off when it is opened, which POSIX allows.
    let fd = guest.open_at(DIR, "file", CREAT | TRUNC, ALL, APPEND).unwrap();
    guest.write(fd, b"new").unwrap();
    assert_eq!(host.read("file"), "new");
}

#[test]
fn sizes() {
    let (host, mut guest) = guest();
    let fd = guest.open_at(DIR, "file", 0, ALL, 0).unwrap();
    guest.ctx.fd_filestat_set_size(fd, 3).unwrap();
    assert_eq!(host.read("file"), "012");
    guest.ctx.fd_allocate(fd, 2, 4).unwrap();
    assert_eq!(host.read("file"), "012\0\0\0");
    assert_eq!(guest.ctx.fd_allocate(fd, 0, 0), Err(Errno::Inval));
    assert_eq!(guest.ctx.fd_filestat_set_size(fd, u64::MAX), Err(Errno::Inval));
    guest.ctx.fd_advise(fd, 0, 0, 3).unwrap();
    assert_eq!(guest.ctx.fd_advise(fd, 0, 0, 6), Err(Errno::Inval));
    let stat = guest.stat_fd(fd).unwrap();
    assert_eq!((stat.filetype, stat.size, stat.nlink), (4, 6, 1));
    assert_eq!(guest.stat(0, "file").unwrap(), stat);
    let reading = guest.open("file").unwrap();
    assert_eq!(guest.ctx.fd_filestat_set_size(reading, 3), Err(Errno::Notcapable));
}

#[test]
fn times() {
    let (_host, mut guest) = guest();
    let fd = guest.open_at(DIR, "file", 0, ALL, 0).unwrap();
    let times = |guest: &mut Guest| guest.stat(0, "file").map(|stat| (stat.atim, stat.mtim)).unwrap();
    guest.ctx.fd_filestat_set_times(fd, 1_000_000_007, 2_000_000_009, 1 | 4).unwrap();
    assert_eq!(times(&mut guest), (1_000_000_007, 2_000_000_009));
    guest.set_times(FOLLOW, "file", 5, 6, 4).unwrap();
    assert_eq!(times(&mut guest), (1_000_000_007, 6));
    guest.set_times(0, "file", 5, 7, 1).unwrap();
    assert_eq!(times(&mut guest), (5, 6));
    guest.ctx.fd_filestat_set_times(fd, 0, 0, 2 | 8).unwrap();
    assert!(times(&mut guest).0 > 1_600_000_000_000_000_000);
    assert_eq!(guest.ctx.fd_filestat_set_times(fd, 0, 0, 3), Err(Errno::Inval));
    assert_eq!(guest.set_times(0, "file", 0, 0, 12), Err(Errno::Inval));
    assert_eq!(guest.set_times(0, "none", 0, 0, 1), Err(Errno::Noent));
    guest.ctx.fd_filestat_set_times(DIR, 3, 4, 5).unwrap();
    assert_eq!(guest.stat_fd(DIR).unwrap().mtim, 4);
}

#[test]
fn rights_only_shrink() {
    let (_host, mut guest) = guest();
    let fd = guest.open_at(DIR, "file", 0, ALL, 0).unwrap();
    let stat = guest.fdstat(fd).unwrap();
    assert_eq!((stat.filetype, stat.inheriting), (4, 0));
    assert_eq!(stat.rights & PATH_CREATE_FILE, 0, "does not apply to files");
    guest.ctx.fd_fdstat_set_rights(fd, FD_READ, 0).unwrap();
    assert_eq!(guest.ctx.fd_fdstat_set_rights(fd, FD_READ | FD_SEEK, 0), Err(Errno::Notcapable));
    assert_eq!(guest.read(fd, 2).unwrap(), b"01");
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Notcapable));
    assert_eq!(guest.seek(fd, 0, 0), Err(Errno::Notcapable));
    assert_eq!(guest.tell(fd), Err(Errno::Notcapable));
    assert_eq!(guest.pread(fd, 1, 0), Err(Errno::Notcapable));
    assert_eq!(guest.stat_fd(fd), Err(Errno::Notcapable));
    assert_eq!(guest.ctx.fd_sync(fd), Err(Errno::Notcapable));

    let dir = guest.fdstat(DIR).unwrap();
    assert_eq!(dir.filetype, 3);
    assert_eq!(dir.rights & (FD_READ | FD_SEEK), 0, "do not apply to directories");
    guest.ctx.fd_fdstat_set_rights(DIR, dir.rights & !PATH_CREATE_FILE, dir.inheriting & !FD_WRITE).unwrap();
    assert_eq!(guest.open_at(DIR, "file", 0, FD_READ | FD_WRITE, 0), Err(Errno::Notcapable));
    assert_eq!(guest.open_at(DIR, "new", CREAT, FD_READ, 0), Err(Errno::Notcapable));
    assert_eq!(guest.stat(0, "new"), Err(Errno::Noent), "refused before it was created");
}

/// Functions for the other kind of file.
#[test]
fn wrong_kind() {
    let (_host, mut guest) = guest();
    let badf = Err(Errno::Badf);
    assert_eq!(guest.read(DIR, 1), Err(Errno::Badf));
    assert_eq!(guest.write(DIR, b"x"), Err(Errno::Badf));
    assert_eq!(guest.pread(DIR, 1, 0), Err(Errno::Badf));
    assert_eq!(guest.seek(DIR, 1, 0), Err(Errno::Badf));
    assert_eq!(guest.ctx.fd_allocate(DIR, 0, 1), badf);
    assert_eq!(guest.ctx.fd_filestat_set_size(DIR, 0), badf);
    assert_eq!(guest.ctx.fd_fdstat_set_flags(DIR, 0), badf);
    assert_eq!(guest.ctx.fd_advise(DIR, 0, 0, 0), badf);
    assert_eq!(guest.ctx.fd_sync(DIR), Ok(()));
    let fd = guest.open("file").unwrap();
    assert_eq!(guest.list(fd, 100), Err(Errno::Notdir));
    assert_eq!(guest.ctx.fd_prestat_get(&mut guest.memory, fd, 0), badf);
    assert_eq!(guest.ctx.sock_shutdown(fd, 1), Err(Errno::Notsock));
    assert_eq!(guest.ctx.sock_accept(&mut guest.memory, fd, 0, 0), Err(Errno::Notsock));
}

/// Addresses outside of the memory, in every place of some functions.
#[test]
fn bad_addresses() {
    let (_host, mut guest) = guest();
    let fd = guest.open_at(DIR, "file", 0, ALL, 0).unwrap();
    let fault = Err(Errno::Fault);
    let Guest { ctx, memory, .. } = &mut guest;
    let end = memory.len() as u32;
    for bad in [end, end - 3, u32::MAX - 3, u32::MAX] {
        assert_eq!(ctx.fd_read(memory, fd, bad, 1, 0), fault);
        assert_eq!(ctx.fd_write(memory, fd, bad, 1, 0), fault);
        assert_eq!(ctx.fd_write(memory, fd, 0, 0, bad), fault);
        assert_eq!(ctx.fd_tell(memory, fd, bad), fault);
        assert_eq!(ctx.fd_fdstat_get(memory, fd, bad), fault);
        assert_eq!(ctx.fd_filestat_get(memory, fd, bad), fault);
        assert_eq!(ctx.fd_prestat_get(memory, DIR, bad), fault);
        assert_eq!(ctx.fd_readdir(memory, DIR, 0, 10, 0, bad), fault);
        assert_eq!(ctx.fd_readdir(memory, DIR, bad, 100, 0, 0), fault);
        assert_eq!(ctx.path_open(memory, DIR, 0, bad, 4, 0, READING, 0, 0, 0), fault);
        assert_eq!(ctx.path_open(memory, DIR, 0, 0, 4, 0, READING, 0, 0, bad), fault);
        assert_eq!(ctx.path_unlink_file(memory, DIR, bad, 4), fault);
        assert_eq!(ctx.poll_oneoff(memory, bad, 0, 1, 0), fault);
        assert_eq!(ctx.poll_oneoff(memory, 0, bad, 1, 0), fault);
        assert_eq!(ctx.random_get(memory, bad, 4), fault);
        assert_eq!(ctx.clock_time_get(memory, 0, 0, bad), fault);
        assert_eq!(ctx.args_sizes_get(memory, bad, 0), fault);
    }
    assert_eq!(ctx.poll_oneoff(memory, 0, 0, 4096, 0), fault);
    assert_eq!(ctx.random_get(memory, 0, u32::MAX), fault);
    assert_eq!(ctx.fd_read(memory, fd, 0, u32::MAX, 0), Err(Errno::Inval));
}

//! What a guest can make the host hold, and what it cannot do to what the host has.

mod common;

use common::*;
use sidetrack_wasi::{DirAccess, Errno, MemoryOutputPipe, Stdio, WasiCtxBuilder};
use std::fs::{File, OpenOptions};
use std::sync::{Arc, Mutex};

/// A path that is too long is told so before anything of it is read, so it may be anywhere.
#[test]
fn paths_are_not_longer_than_they_may_be() {
    let host = TempDir::new();
    host.write("file", "");
    let mut guest = Guest::with_dir(&host.0, DirAccess::ReadWrite);
    let (file, len) = guest.put(b"file");
    let Guest { ctx, memory, .. } = &mut guest;
    let m = &mut memory[..];
    let long = Err(Errno::Nametoolong);
    for size in [4096, 1 << 30, u32::MAX] {
        assert_eq!(ctx.path_create_directory(m, DIR, 0, size), long);
        assert_eq!(ctx.path_filestat_get(m, DIR, 0, 0, size, 0), long);
        assert_eq!(ctx.path_filestat_set_times(m, DIR, 0, 0, size, 0, 0, 0), long);
        assert_eq!(ctx.path_link(m, DIR, 0, 0, size, DIR, file, len), long);
        assert_eq!(ctx.path_link(m, DIR, 0, file, len, DIR, 0, size), long);
        assert_eq!(ctx.path_open(m, DIR, 0, 0, size, 0, READING, 0, 0, 0), long);
        assert_eq!(ctx.path_readlink(m, DIR, 0, size, 0, 0, 0), long);
        assert_eq!(ctx.path_remove_directory(m, DIR, 0, size), long);
        assert_eq!(ctx.path_rename(m, DIR, 0, size, DIR, file, len), long);
        assert_eq!(ctx.path_rename(m, DIR, file, len, DIR, 0, size), long);
        assert_eq!(ctx.path_symlink(m, 0, size, DIR, file, len), long);
        assert_eq!(ctx.path_symlink(m, file, len, DIR, 0, size), long);
        assert_eq!(ctx.path_unlink_file(m, DIR, 0, size), long);
    }
    // Links that lead to a longer path are as long as that.
    std::os::unix::fs::symlink(format!("{}x", "a/../".repeat(800)), host.path("link")).unwrap();
    assert_eq!(guest.link(FOLLOW, &format!("{}link", "./".repeat(100)), "new"), Err(Errno::Nametoolong));
}

#[test]
fn random_numbers_come_in_pieces() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = sizes.clone();
    let mut ctx = WasiCtxBuilder::new()
        .random(move |buffer| {
            seen.lock().unwrap().push(buffer.len());
            buffer.fill(7);
            Ok(())
        })
        .build()
        .unwrap();
    let mut memory = vec![0; 1 << 20];
    ctx.random_get(&mut memory, 1, (1 << 20) - 1).unwrap();
    assert!(memory[0] == 0 && memory[1..].iter().all(|byte| *byte == 7));
    let sizes = sizes.lock().unwrap();
    assert_eq!((sizes.len(), sizes.iter().max()), (16, Some(&(64 << 10))));
    assert_eq!(ctx.random_get(&mut memory, u32::MAX, 0), Ok(()));
}

#[test]
fn long_transfers_are_whole() {
    let host = TempDir::new();
    let mut guest = Guest::with_dir(&host.0, DirAccess::ReadWrite);
    guest.memory = vec![0; 8 << 20];
    for (at, byte) in guest.memory[4 << 20..].iter_mut().enumerate() {
        *byte = (at % 251) as u8;
    }
    // Three buffers of odd lengths, 3 MiB and a bit together.
    let whole: Vec<(u32, u32)> = vec![(4 << 20, 1_000_001), (5_194_305, 2), (5_194_307, 2_200_000)];
    let array: Vec<u8> =
        whole.iter().flat_map(|(address, len)| [address.to_le_bytes(), len.to_le_bytes()].concat()).collect();
    guest.memory[100..100 + array.len()].copy_from_slice(&array);
    let fd = guest.create("file").unwrap();
    let total: u32 = whole.iter().map(|(_, len)| len).sum();
    guest.ctx.fd_write(&mut guest.memory, fd, 100, 3, 0).unwrap();
    assert_eq!(guest.u32(0), total);
    let written = std::fs::read(host.path("file")).unwrap();
    assert!(written.len() == total as usize);
    assert!(written.iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8));
    guest.memory[4 << 20..].fill(0);
    guest.ctx.fd_pread(&mut guest.memory, fd, 100, 3, 0, 0).unwrap();
    assert_eq!(guest.u32(0), total);
    assert!(guest.memory[4 << 20..][..total as usize] == written);
    guest.ctx.fd_pwrite(&mut guest.memory, fd, 100, 3, 10, 0).unwrap();
    assert!(std::fs::read(host.path("file")).unwrap()[10..] == written);
    guest.memory[4 << 20..].fill(0);
    guest.seek(fd, 10, 0).unwrap();
    guest.ctx.fd_read(&mut guest.memory, fd, 100, 3, 0).unwrap();
    assert!(guest.memory[4 << 20..][..total as usize] == written);
}

#[test]
fn empty_buffers_may_be_anywhere() {
    let host = TempDir::new();
    host.write("file", "contents");
    let mut guest = Guest::with_dir(&host.0, DirAccess::ReadWrite);
    let fd = guest.open_at(DIR, "file", 0, ALL, 0).unwrap();
    let (array, _) = guest.put(&[u32::MAX.to_le_bytes(), 0u32.to_le_bytes()].concat());
    let Guest { ctx, memory, .. } = &mut guest;
    for (array, count) in [(array, 1), (u32::MAX, 0)] {
        assert_eq!(ctx.fd_read(memory, fd, array, count, 0), Ok(()));
        assert_eq!(ctx.fd_write(memory, fd, array, count, 0), Ok(()));
        assert_eq!(ctx.fd_pread(memory, fd, array, count, 0, 0), Ok(()));
        assert_eq!(ctx.fd_pwrite(memory, fd, array, count, 0, 0), Ok(()));
    }
    assert_eq!(ctx.fd_readdir(memory, DIR, u32::MAX, 0, 0, 0), Ok(()));
    assert_eq!(host.read("file"), "contents");
}

#[test]
fn there_are_not_more_subscriptions_than_that() {
    let mut guest = Guest::new(WasiCtxBuilder::new().build().unwrap());
    guest.memory = vec![0; 1 << 20];
    let Guest { ctx, memory, .. } = &mut guest;
    for count in [4097, 10_000_000, u32::MAX] {
        assert_eq!(ctx.poll_oneoff(memory, 0, 0, count, 0), Err(Errno::Inval));
    }
    // As many as there may be, each a time that is over.
    ctx.poll_oneoff(memory, 0, 4096 * 48, 4096, 1 << 19).unwrap();
    assert_eq!(guest.u32(1 << 19), 4096);
}

#[test]
fn descriptors_have_a_limit() {
    let host = TempDir::new();
    host.write("file", "");
    let limited = |count: Option<usize>| {
        let mut builder = WasiCtxBuilder::new();
        builder.preopened_dir(&host.0, "/", DirAccess::ReadWrite).unwrap();
        count.map(|count| builder.max_open_files(count));
        builder.build().map(Guest::new)
    };
    let mut guest = limited(Some(6)).unwrap();
    let fds: Vec<u32> = (0..2).map(|_| guest.open("file").unwrap()).collect();
    assert_eq!(fds, [4, 5]);
    assert_eq!(guest.open("file"), Err(Errno::Mfile));
    assert_eq!(guest.create("new"), Err(Errno::Mfile));
    assert!(!host.path("new").exists(), "nothing is made that has no number");
    guest.ctx.fd_close(4).unwrap();
    assert_eq!(guest.create("new"), Ok(4));
    assert!(limited(Some(3)).is_err(), "what it starts with has room");
    // By itself there are 1,024.
    let mut guest = limited(None).unwrap();
    for fd in 4..900 {
        assert_eq!(guest.open("file"), Ok(fd));
    }
}

#[test]
fn output_in_memory_has_a_limit() {
    let output = MemoryOutputPipe::with_limit(10);
    let mut guest = Guest::new(WasiCtxBuilder::new().stdout(output.clone()).build().unwrap());
    assert_eq!(guest.write(1, b"12345678"), Ok(8));
    assert_eq!(guest.write(1, b"abcdef"), Ok(2));
    assert_eq!(guest.write(1, b"g"), Err(Errno::Nospc));
    assert_eq!(output.take(), b"12345678ab");
    assert_eq!(guest.write(1, b"g"), Ok(1));
}

/// Files behind standard streams are the host's: the guest reads or writes, and no more.
#[test]
fn files_behind_standard_streams_stay_what_they_are() {
    let host = TempDir::new();
    host.write("input", "some input");
    host.write("log", "what was there\n");
    let log = OpenOptions::new().append(true).open(host.path("log")).unwrap();
    let output = OpenOptions::new().read(true).write(true).open(host.path("input")).unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder.stdin(File::open(host.path("input")).unwrap()).stdout(log).stderr(Stdio::from(output));
    let mut guest = Guest::new(builder.build().unwrap());
    let before = std::fs::metadata(host.path("input")).unwrap().modified().unwrap();
    for fd in 0..3 {
        let refused = Err(Errno::Notcapable);
        assert_eq!(guest.ctx.fd_filestat_set_size(fd, 3), refused);
        assert_eq!(guest.ctx.fd_filestat_set_times(fd, 1, 1, 5), refused);
        assert_eq!(guest.ctx.fd_allocate(fd, 0, 100), refused);
        assert_eq!(guest.ctx.fd_advise(fd, 0, 100, 0), refused);
        assert_eq!(guest.ctx.fd_sync(fd), refused);
        assert_eq!(guest.seek(fd, 0, 0), Err(Errno::Spipe));
        assert_eq!(guest.tell(fd), Err(Errno::Spipe));
        assert_eq!(guest.pread(fd, 1, 0), Err(Errno::Spipe));
        assert_eq!(guest.pwrite(fd, b"x", 0), Err(Errno::Spipe));
        let direction = if fd == 0 { FD_READ } else { FD_WRITE };
        // fd_fdstat_set_flags, fd_filestat_get, poll_fd_readwrite.
        assert_eq!(guest.fdstat(fd).unwrap().rights, direction | 1 << 3 | 1 << 21 | 1 << 27);
    }
    assert_eq!(guest.stat_fd(0).unwrap().size, 10);
    assert_eq!(guest.read(0, 100).unwrap(), b"some input");
    assert_eq!(guest.write(1, b"more\n"), Ok(5));
    assert_eq!(host.read("log"), "what was there\nmore\n");
    assert_eq!(std::fs::metadata(host.path("input")).unwrap().modified().unwrap(), before);
}

/// A directory is listed as it is read; what was listed may go.
#[test]
fn large_directories() {
    let host = TempDir::new();
    let names: Vec<String> = (0..3000).map(|number| format!("entry-{number}")).collect();
    for name in &names {
        std::fs::write(host.path(name), "").unwrap();
    }
    let mut guest = Guest::with_dir(&host.0, DirAccess::ReadWrite);
    let sorted = |list: Vec<(String, u8)>| {
        let mut list: Vec<String> =
            list.into_iter().map(|entry| entry.0).filter(|name| !name.starts_with('.')).collect();
        list.sort();
        list
    };
    let mut expected = names.clone();
    expected.sort();
    for room in [300, 4096, 60_000] {
        assert_eq!(sorted(guest.list(DIR, room).unwrap()), expected);
    }
    // One entry at a time, though the buffer has room for more.
    let mut cookie = 0;
    let mut count = 0;
    loop {
        let bytes = guest.readdir(DIR, 2000, cookie).unwrap();
        let Some(header) = bytes.first_chunk::<24>() else { break };
        let next = u64::from_le_bytes(header[..8].try_into().unwrap());
        assert_eq!(next, cookie + 1);
        (cookie, count) = (next, count + 1);
    }
    assert_eq!(count, 3002);
    // Back again, to the middle and to the start.
    let middle = guest.readdir(DIR, 2000, 1500).unwrap();
    guest.readdir(DIR, 2000, 2900).unwrap();
    assert_eq!(guest.readdir(DIR, 2000, 1500).unwrap(), middle);
    assert_eq!(guest.readdir(DIR, 2000, u64::MAX).unwrap(), b"");
    assert_eq!(sorted(guest.list(DIR, 4096).unwrap()), expected);
    // Removing what was listed.
    let mut cookie = 0;
    loop {
        let bytes = guest.readdir(DIR, 700, cookie).unwrap();
        let mut rest = &bytes[..];
        let mut listed = Vec::new();
        while let Some((header, after)) = rest.split_at_checked(24) {
            let len = u32::from_le_bytes(header[16..20].try_into().unwrap()) as usize;
            let Some((name, after)) = after.split_at_checked(len) else { break };
            listed.push(String::from_utf8(name.to_vec()).unwrap());
            cookie = u64::from_le_bytes(header[..8].try_into().unwrap());
            rest = after;
        }
        for name in listed.iter().filter(|name| !name.starts_with('.')) {
            guest.unlink(name).unwrap();
        }
        if bytes.len() < 700 {
            break;
        }
    }
    assert_eq!(std::fs::read_dir(&host.0).unwrap().count(), 0);
}

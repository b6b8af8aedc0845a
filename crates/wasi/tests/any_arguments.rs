//! No arguments and no contents of the memory make a function panic or wait for ever.
//!
//! Arguments are picked from numbers where something ends (0, the size of the memory, the
//! largest of each size) and from small ones, which name descriptors and addresses that are
//! there. The memory is filled with such numbers as well.

mod common;

use common::{Guest, TempDir};
use sidetrack_wasi::{DirAccess, WasiCtxBuilder};

/// Picks numbers, the same in each run (xorshift).
struct Pick(u64);

impl Pick {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn u32(&mut self) -> u32 {
        const ENDS: [u32; 8] = [0, 8, 65528, 65535, 65536, 65537, i32::MAX as u32, u32::MAX];
        match self.next() % 4 {
            0 => ENDS[self.next() as usize % ENDS.len()],
            1 => (self.next() % 64) as u32 * 8,
            _ => (self.next() % 10) as u32,
        }
    }

    fn u64(&mut self) -> u64 {
        const ENDS: [u64; 6] = [0, 4096, u32::MAX as u64, i64::MAX as u64, 1 << 63, u64::MAX];
        match self.next() % 3 {
            0 => ENDS[self.next() as usize % ENDS.len()],
            1 => self.next() % 30,
            _ => (1 << 30) - 1, // all rights
        }
    }
}

/// Calls the function of a number with arguments of `p`.
fn call(number: usize, guest: &mut Guest, p: &mut Pick) {
    let Guest { ctx, memory, .. } = guest;
    let m = &mut memory[..];
    let _ = match number {
        0 => ctx.args_get(m, p.u32(), p.u32()),
        1 => ctx.args_sizes_get(m, p.u32(), p.u32()),
        2 => ctx.environ_get(m, p.u32(), p.u32()),
        3 => ctx.environ_sizes_get(m, p.u32(), p.u32()),
        4 => ctx.clock_res_get(m, p.u32(), p.u32()),
        5 => ctx.clock_time_get(m, p.u32(), p.u64(), p.u32()),
        6 => ctx.fd_advise(p.u32(), p.u64(), p.u64(), p.u32()),
        // More than this is room on the disk that a test must not take.
        7 => ctx.fd_allocate(p.u32(), p.u64() % 4097, p.u64() % 4097),
        8 => ctx.fd_close(p.u32()),
        9 => ctx.fd_fdstat_get(m, p.u32(), p.u32()),
        10 => ctx.fd_fdstat_set_flags(p.u32(), p.u32()),
        11 => ctx.fd_fdstat_set_rights(p.u32(), p.u64(), p.u64()),
        12 => ctx.fd_filestat_get(m, p.u32(), p.u32()),
        13 => ctx.fd_filestat_set_size(p.u32(), p.u64()),
        14 => ctx.fd_filestat_set_times(p.u32(), p.u64(), p.u64(), p.u32()),
        15 => ctx.fd_pread(m, p.u32(), p.u32(), p.u32(), p.u64(), p.u32()),
        16 => ctx.fd_prestat_get(m, p.u32(), p.u32()),
        17 => ctx.fd_prestat_dir_name(m, p.u32(), p.u32(), p.u32()),
        18 => ctx.fd_pwrite(m, p.u32(), p.u32(), p.u32(), p.u64(), p.u32()),
        19 => ctx.fd_read(m, p.u32(), p.u32(), p.u32(), p.u32()),
        20 => ctx.fd_readdir(m, p.u32(), p.u32(), p.u32(), p.u64(), p.u32()),
        21 => ctx.fd_renumber(p.u32(), p.u32()),
        22 => ctx.fd_seek(m, p.u32(), p.u64() as i64, p.u32(), p.u32()),
        23 => ctx.fd_tell(m, p.u32(), p.u32()),
        24 => ctx.fd_write(m, p.u32(), p.u32(), p.u32(), p.u32()),
        25 => ctx.path_create_directory(m, p.u32(), p.u32(), p.u32()),
        26 => ctx.path_filestat_get(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u32()),
        27 => ctx.path_filestat_set_times(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u64(), p.u64(), p.u32()),
        28 => ctx.path_link(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u32(), p.u32(), p.u32()),
        29 => {
            let (rights, inheriting) = (p.u64(), p.u64());
            ctx.path_open(
                m,
                p.u32(),
                p.u32(),
                p.u32(),
                p.u32(),
                p.u32(),
                rights,
                inheriting,
                p.u32(),
                p.u32(),
            )
        }
        30 => ctx.path_readlink(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u32(), p.u32()),
        31 => ctx.path_remove_directory(m, p.u32(), p.u32(), p.u32()),
        32 => ctx.path_rename(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u32(), p.u32()),
        33 => ctx.path_symlink(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u32()),
        34 => ctx.path_unlink_file(m, p.u32(), p.u32(), p.u32()),
        // With a subscription that is over at once in front.
        35 => {
            m[..48].fill(0);
            ctx.poll_oneoff(m, 0, p.u32(), p.u32(), p.u32())
        }
        36 => ctx.proc_raise(p.u32()).map(drop),
        37 => ctx.random_get(m, p.u32(), p.u32()),
        38 => ctx.sock_accept(m, p.u32(), p.u32(), p.u32()),
        39 => ctx.sock_recv(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u32(), p.u32()),
        40 => ctx.sock_send(m, p.u32(), p.u32(), p.u32(), p.u32(), p.u32()),
        41 => ctx.sock_shutdown(p.u32(), p.u32()),
        42 => ctx.fd_datasync(p.u32() % 3), // of what is no file, which would take long
        _ => ctx.fd_sync(p.u32() % 3),
    };
}

#[test]
fn any_arguments() {
    for seed in 1..=15u64 {
        let mut pick = Pick(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let host = TempDir::new();
        host.write("file", "contents");
        host.write("dir/file", "contents");
        let mut builder = WasiCtxBuilder::new();
        builder.arg("program").env("A", "B").preopened_dir(&host.0, "/", DirAccess::ReadWrite).unwrap();
        builder.preopened_dir(host.path("dir"), "/dir", DirAccess::ReadOnly).unwrap();
        let mut guest = Guest::new(builder.build().unwrap());
        for step in 0..2000 {
            if step % 100 == 0 {
                for at in (0..guest.memory.len()).step_by(4) {
                    let number = pick.u32();
                    guest.memory[at..at + 4].copy_from_slice(&number.to_le_bytes());
                }
                for (at, path) in
                    ["file", "dir/file", "dir", ".", "..", "new", "/", "../x"].iter().enumerate()
                {
                    guest.memory[at * 8..][..path.len()].copy_from_slice(path.as_bytes());
                }
                let _ = (guest.open("file"), guest.create("new"), guest.open("dir"));
            }
            call(pick.next() as usize % 44, &mut guest, &mut pick);
        }
    }
}

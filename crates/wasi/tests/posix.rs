//! Every function on paths beside the host's own call: the same error, the same tree afterwards.
//!
//! Two equal trees, one for the host's calls and one for the guest's. Each call starts from the
//! trees as they were. Where a path leads out of the directory, which the host's lookup below
//! a directory tells (`RESOLVE_BENEATH`), the guest must be refused, and nothing may have changed.

mod common;

use common::*;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps};
use rustix::io::Errno as HostErrno;
use sidetrack_wasi::{DirAccess, Errno};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

/// Paths that something is behind, or nothing, or that are hard to say right.
#[rustfmt::skip]
const PATHS: &[&str] = &[
    // What is there, and the slashes behind it.
    "file", "file/", "file//", "file/.", "file/..", "file/x", "file/x/",
    "dir", "dir/", "dir//", "dir/.", "dir/./", "dir/..", "dir/../", "dir/../file", "dir/../file/",
    "dir/file", "dir/file/", "dir//file", "./dir/./file", "dir/empty/../file", "full", "full/", "full/.",
    "empty", "empty/", "empty/.", "empty/..", "empty/../empty", "empty/../empty/",
    // Nothing is there.
    "none", "none/", "none//", "none/.", "none/..", "none/x", "dir/none", "dir/none/", "empty/none/",
    // Links to a file, a directory, nothing, each other.
    "lfile", "lfile/", "lfile/.", "lfile/x", "ldir", "ldir/", "ldir//", "ldir/.", "ldir/..", "ldir/file",
    "ldir/file/", "ldir/none", "ldir/none/", "lempty", "lempty/", "dangling", "dangling/", "dangling/x",
    "far", "far/", "slash", "slash/", "llfile", "lldir", "lldir/", "lldir/file",
    "loop", "loop/", "loop/x", "self", "self/",
    "dir/up", "dir/up/", "dir/up/file", "dir/up/ldir/file",
    // A pipe.
    "fifo", "fifo/", "fifo/x",
    // The directory itself.
    ".", "./", "./.", ".//", "./file",
    // Out of it.
    "..", "../", "../.", "../inside", "../inside/", "../inside/file", "../outside", "../outside/secret",
    "../outside/none", "dir/../..", "dir/../../outside/secret", "dir/../../inside/file",
    "out", "out/", "out/secret", "out/secret/", "out/none", "out/none/", "secret", "secret/", "nothing",
    "nothing/", "absolute", "absolute/", "absolute/secret", "to_root", "parent", "parent/", "parent/inside/file",
    "/", "//", "/file", "/etc/passwd", "/none",
];

/// Names that are longer than they may be.
fn long() -> [String; 6] {
    let name = "n".repeat(255);
    [
        name.clone(),
        format!("{name}n"),
        format!("{name}n/x"),
        format!("{}file", "./".repeat(2045)),
        format!("{}file", "./".repeat(2046)),
        format!("{}none", "dir/../".repeat(584)),
    ]
}

fn paths() -> Vec<String> {
    PATHS.iter().map(|path| path.to_string()).chain(long()).collect()
}

/// A directory with `inside` and `outside` in it.
fn tree() -> TempDir {
    let host = TempDir::new();
    host.write("inside/file", "contents");
    host.write("inside/dir/file", "in dir");
    host.write("inside/full/file", "in full");
    host.write("outside/secret", "secret");
    for name in ["inside/empty", "inside/dir/empty"] {
        std::fs::create_dir(host.path(name)).unwrap();
    }
    for (target, name) in [
        ("file", "lfile"),
        ("dir", "ldir"),
        ("empty", "lempty"),
        ("new", "dangling"),
        ("none/new", "far"),
        ("dir/", "slash"),
        ("lfile", "llfile"),
        ("ldir", "lldir"),
        ("loop2", "loop"),
        ("loop", "loop2"),
        ("self", "self"),
        ("..", "dir/up"),
        ("../outside", "out"),
        ("../outside/secret", "secret"),
        ("../outside/none", "nothing"),
        ("..", "parent"),
        ("/", "to_root"),
    ] {
        symlink(target, host.path("inside").join(name)).unwrap();
    }
    symlink(host.path("outside"), host.path("inside/absolute")).unwrap();
    let fifo = host.path("inside/fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .unwrap();
    host
}

/// What is in a tree, without what differs between two equal ones.
fn listing(folder: &Path, name: &str, found: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
        let metadata = path.symlink_metadata().unwrap();
        let kind = metadata.file_type();
        let stamped = if metadata.mtime() == 12345 { " stamped" } else { "" };
        if kind.is_dir() {
            found.push(format!("{name}/{stamped}"));
            listing(&path, &name, found);
        } else if kind.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            let target = if target.is_absolute() { "absolute".into() } else { target };
            found.push(format!("{name} -> {}{stamped}", target.display()));
        } else if kind.is_file() {
            let contents = std::fs::read_to_string(&path).unwrap();
            found.push(format!("{name} = {contents} ({} links){stamped}", metadata.nlink()));
        } else {
            found.push(format!("{name} | {stamped}"));
        }
    }
}

/// One of the two trees that calls are made in.
struct Side {
    host: TempDir,
    fresh: bool,
}

impl Side {
    fn contents(&self) -> Vec<String> {
        let mut found = Vec::new();
        listing(&self.host.0, "", &mut found);
        found
    }

    /// Lays the tree out again if the last call has changed it.
    fn renew(&mut self) {
        if !self.fresh {
            *self = Side { host: tree(), fresh: true };
        }
    }
}

type Outcome = Result<u64>;

/// What becomes of a path's last name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// It is followed if it is a link.
    Followed,
    /// It is followed if a slash comes after it.
    Looked,
    /// It is the name that counts, whatever comes after it.
    Name,
}

/// Does the host leave the directory on the way that it goes?
fn leads_out(dir: &impl AsFd, path: &str, last: Last) -> bool {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let out = |path: &str, flags: OFlags| {
        let flags = flags | OFlags::PATH | OFlags::CLOEXEC;
        rustix::fs::openat2(dir, path, flags, Mode::empty(), resolve).err() == Some(HostErrno::XDEV)
    };
    let end = path.trim_end_matches('/').len();
    let (parent, name) =
        path[..end].rsplit_once('/').map_or((".", &path[..end]), |(parent, name)| (parent, name));
    match last {
        Last::Followed => out(path, OFlags::empty()),
        Last::Looked => out(path, OFlags::NOFOLLOW),
        Last::Name if path.starts_with('/') => true,
        Last::Name => {
            out(&format!("{parent}/"), OFlags::empty()) || name == ".." && out(path, OFlags::empty())
        }
    }
}

/// A function of the host and of the guest.
struct Function {
    name: &'static str,
    last: Last,
    /// Can it change anything?
    changes: bool,
    host: fn(&OwnedFd, &str) -> rustix::io::Result<u64>,
    guest: fn(&mut Guest, &str) -> Outcome,
}

const TIMES: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 12345, tv_nsec: 0 },
    last_modification: Timespec { tv_sec: 12345, tv_nsec: 0 },
};
const STAMP: u64 = 12345 * 1_000_000_000;

fn host_open(dir: &OwnedFd, path: &str, flags: OFlags) -> rustix::io::Result<u64> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::openat(dir, path, flags, Mode::from_raw_mode(0o666)).map(|_| 0)
}

fn guest_open(guest: &mut Guest, lookup: u32, path: &str, oflags: u32, rights: u64) -> Outcome {
    let fd = guest.open_with(DIR, lookup, path, oflags, rights, NONBLOCK)?;
    guest.ctx.fd_close(fd).map(|()| 0)
}

fn done(result: Result<()>) -> Outcome {
    result.map(|()| 0)
}

/// What both sides can tell of a file: its kind and, of a regular file, its size.
fn known(kind: rustix::fs::FileType, size: u64) -> u64 {
    let kind = match kind {
        rustix::fs::FileType::Directory => 3,
        rustix::fs::FileType::RegularFile => 4,
        rustix::fs::FileType::Symlink => 7,
        _ => 0,
    };
    kind << 32 | if kind == 4 { size } else { 0 }
}

fn host_stat(dir: &OwnedFd, path: &str, flags: AtFlags) -> rustix::io::Result<u64> {
    let stat = rustix::fs::statat(dir, path, flags)?;
    Ok(known(rustix::fs::FileType::from_raw_mode(stat.st_mode), stat.st_size as u64))
}

fn guest_stat(guest: &mut Guest, lookup: u32, path: &str) -> Outcome {
    let stat = guest.stat(lookup, path)?;
    Ok(u64::from(stat.filetype) << 32 | if stat.filetype == 4 { stat.size } else { 0 })
}

/// Each function with a path; two of those with two paths come twice, the other one being fixed.
#[rustfmt::skip]
const FUNCTIONS: &[Function] = &[
    Function { name: "open", last: Last::Followed, changes: false,
        host: |dir, path| host_open(dir, path, OFlags::RDONLY),
        guest: |guest, path| guest_open(guest, FOLLOW, path, 0, READING) },
    Function { name: "open nofollow", last: Last::Looked, changes: false,
        host: |dir, path| host_open(dir, path, OFlags::RDONLY | OFlags::NOFOLLOW),
        guest: |guest, path| guest_open(guest, 0, path, 0, READING) },
    Function { name: "open directory", last: Last::Followed, changes: false,
        host: |dir, path| host_open(dir, path, OFlags::RDONLY | OFlags::DIRECTORY),
        guest: |guest, path| guest_open(guest, FOLLOW, path, DIRECTORY, READING) },
    Function { name: "open directory nofollow", last: Last::Looked, changes: false,
        // POSIX has LOOP for a link, Linux says that it is no directory.
        host: |dir, path| match host_open(dir, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW) {
            Err(HostErrno::NOTDIR) if host_open(dir, path, OFlags::RDONLY | OFlags::NOFOLLOW)
                == Err(HostErrno::LOOP) => Err(HostErrno::LOOP),
            result => result,
        },
        guest: |guest, path| guest_open(guest, 0, path, DIRECTORY, READING) },
    Function { name: "open for writing", last: Last::Followed, changes: false,
        host: |dir, path| host_open(dir, path, OFlags::RDWR),
        guest: |guest, path| guest_open(guest, FOLLOW, path, 0, ALL) },
    Function { name: "open to create and write", last: Last::Followed, changes: true,
        host: |dir, path| host_open(dir, path, OFlags::RDWR | OFlags::CREATE),
        guest: |guest, path| guest_open(guest, FOLLOW, path, CREAT, ALL) },
    Function { name: "open to create and read", last: Last::Followed, changes: true,
        host: |dir, path| host_open(dir, path, OFlags::RDONLY | OFlags::CREATE),
        guest: |guest, path| guest_open(guest, FOLLOW, path, CREAT, READING) },
    Function { name: "open to create nofollow", last: Last::Looked, changes: true,
        host: |dir, path| host_open(dir, path, OFlags::RDONLY | OFlags::CREATE | OFlags::NOFOLLOW),
        guest: |guest, path| guest_open(guest, 0, path, CREAT, READING) },
    Function { name: "open exclusively", last: Last::Looked, changes: true,
        host: |dir, path| host_open(dir, path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL),
        guest: |guest, path| guest_open(guest, 0, path, CREAT | EXCL, ALL) },
    Function { name: "open to truncate", last: Last::Followed, changes: true,
        host: |dir, path| host_open(dir, path, OFlags::RDWR | OFlags::TRUNC),
        guest: |guest, path| guest_open(guest, FOLLOW, path, TRUNC, ALL) },
    Function { name: "stat", last: Last::Followed, changes: false,
        host: |dir, path| host_stat(dir, path, AtFlags::empty()),
        guest: |guest, path| guest_stat(guest, FOLLOW, path) },
    Function { name: "lstat", last: Last::Looked, changes: false,
        host: |dir, path| host_stat(dir, path, AtFlags::SYMLINK_NOFOLLOW),
        guest: |guest, path| guest_stat(guest, 0, path) },
    Function { name: "utimens", last: Last::Followed, changes: true,
        host: |dir, path| rustix::fs::utimensat(dir, path, &TIMES, AtFlags::empty()).map(|()| 0),
        guest: |guest, path| done(guest.set_times(FOLLOW, path, STAMP, STAMP, 5)) },
    Function { name: "lutimens", last: Last::Looked, changes: true,
        host: |dir, path| rustix::fs::utimensat(dir, path, &TIMES, AtFlags::SYMLINK_NOFOLLOW).map(|()| 0),
        guest: |guest, path| done(guest.set_times(0, path, STAMP, STAMP, 5)) },
    Function { name: "mkdir", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::mkdirat(dir, path, Mode::from_raw_mode(0o777)).map(|()| 0),
        guest: |guest, path| done(guest.mkdir(path)) },
    Function { name: "rmdir", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::unlinkat(dir, path, AtFlags::REMOVEDIR).map(|()| 0),
        guest: |guest, path| done(guest.rmdir(path)) },
    Function { name: "unlink", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::unlinkat(dir, path, AtFlags::empty()).map(|()| 0),
        guest: |guest, path| done(guest.unlink(path)) },
    Function { name: "symlink", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::symlinkat("target", dir, path).map(|()| 0),
        guest: |guest, path| done(guest.symlink("target", path)) },
    Function { name: "readlink", last: Last::Looked, changes: false,
        host: |dir, path| rustix::fs::readlinkat(dir, path, Vec::new()).map(|target| target.count_bytes() as u64),
        guest: |guest, path| guest.readlink(path, 1000).map(|target| target.len() as u64) },
    Function { name: "link from", last: Last::Looked, changes: true,
        host: |dir, path| rustix::fs::linkat(dir, path, dir, "linked", AtFlags::empty()).map(|()| 0),
        guest: |guest, path| done(guest.link(0, path, "linked")) },
    Function { name: "link from, followed", last: Last::Followed, changes: true,
        host: |dir, path| rustix::fs::linkat(dir, path, dir, "linked", AtFlags::SYMLINK_FOLLOW).map(|()| 0),
        guest: |guest, path| done(guest.link(FOLLOW, path, "linked")) },
    Function { name: "link to", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::linkat(dir, "file", dir, path, AtFlags::empty()).map(|()| 0),
        guest: |guest, path| done(guest.link(0, "file", path)) },
    Function { name: "rename from", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::renameat(dir, path, dir, "renamed").map(|()| 0),
        guest: |guest, path| done(guest.rename(path, "renamed")) },
    Function { name: "rename from, to a directory's name", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::renameat(dir, path, dir, "renamed/").map(|()| 0),
        guest: |guest, path| done(guest.rename(path, "renamed/")) },
    Function { name: "rename a file to", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::renameat(dir, "file", dir, path).map(|()| 0),
        guest: |guest, path| done(guest.rename("file", path)) },
    Function { name: "rename a directory to", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::renameat(dir, "dir", dir, path).map(|()| 0),
        guest: |guest, path| done(guest.rename("dir", path)) },
    Function { name: "rename a link to", last: Last::Name, changes: true,
        host: |dir, path| rustix::fs::renameat(dir, "ldir", dir, path).map(|()| 0),
        guest: |guest, path| done(guest.rename("ldir", path)) },
];

#[test]
fn paths_mean_what_they_mean_to_the_host() {
    let paths = paths();
    assert!(paths.len() >= 72);
    let (mut host, mut guest) = (Side { host: tree(), fresh: true }, Side { host: tree(), fresh: true });
    let before = host.contents();
    assert_eq!(before, guest.contents());
    let mut wrong = Vec::new();
    let mut refused = 0;
    for function in FUNCTIONS {
        for path in &paths {
            host.renew();
            guest.renew();
            let inside = host.host.path("inside");
            let dir: OwnedFd = std::fs::File::open(&inside).unwrap().into();
            let mut confined = Guest::with_dir(&guest.host.path("inside"), DirAccess::ReadWrite);
            // A path is too long before it is looked at.
            // Nothing is created of a name with a slash behind it, so it is not followed.
            let creates = function.name.contains("create") || function.name.contains("exclusively");
            let last = if creates && path.ends_with('/') { Last::Name } else { function.last };
            let out = path.len() < 4096 && leads_out(&dir, path, last);
            let actual = (function.guest)(&mut confined, path);
            let expected = if out {
                refused += 1;
                Err(Errno::Perm)
            } else {
                (function.host)(&dir, path).map_err(Errno::from)
            };
            // A link's absolute path is not told, nor followed.
            let absolute = function.name == "readlink" && ["absolute", "to_root"].contains(&&**path);
            let expected = if absolute { Err(Errno::Perm) } else { expected };
            let changed = guest.contents();
            let should = if out || !function.changes { before.clone() } else { host.contents() };
            if actual != expected || changed != should {
                let path = if path.len() > 80 {
                    format!("{}… ({} bytes)", &path[..40], path.len())
                } else {
                    path.clone()
                };
                let same = if changed == should { "" } else { ", and the tree is another one" };
                wrong.push(format!("{} {path:?}: {actual:?}, not {expected:?}{same}", function.name));
            }
            if function.changes {
                host.fresh = should == before;
                guest.fresh = changed == before;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), FUNCTIONS.len() * paths.len(), wrong.join("\n"));
    assert!(refused > 500, "{refused} ways out were tried");
}

/// Two paths of these each, in both of the functions with two.
#[test]
fn two_paths_mean_what_they_mean_to_the_host() {
    const NAMES: &[&str] = &[
        "file",
        "file/",
        "dir",
        "dir/",
        "dir/.",
        "dir/..",
        "full",
        "empty",
        "empty/",
        "none",
        "none/",
        "lfile",
        "lfile/",
        "ldir",
        "ldir/",
        "dangling",
        "dangling/",
        "loop",
        "loop/",
        ".",
        "dir/empty",
        "dir/file",
        "fifo",
        "ldir/file",
    ];
    let (mut host, mut guest) = (Side { host: tree(), fresh: true }, Side { host: tree(), fresh: true });
    let before = host.contents();
    let mut wrong = Vec::new();
    for old in NAMES {
        for new in NAMES {
            for call in ["rename", "link", "link, followed"] {
                host.renew();
                guest.renew();
                let dir: OwnedFd = std::fs::File::open(host.host.path("inside")).unwrap().into();
                let mut confined = Guest::with_dir(&guest.host.path("inside"), DirAccess::ReadWrite);
                let (expected, actual) = match call {
                    "rename" => (rustix::fs::renameat(&dir, *old, &dir, *new), confined.rename(old, new)),
                    "link" => {
                        let flags = AtFlags::empty();
                        (rustix::fs::linkat(&dir, *old, &dir, *new, flags), confined.link(0, old, new))
                    }
                    _ => {
                        let flags = AtFlags::SYMLINK_FOLLOW;
                        (rustix::fs::linkat(&dir, *old, &dir, *new, flags), confined.link(FOLLOW, old, new))
                    }
                };
                let expected = expected.map_err(Errno::from);
                let (should, changed) = (host.contents(), guest.contents());
                if actual != expected || should != changed {
                    let same = if changed == should { "" } else { ", and the tree is another one" };
                    wrong.push(format!("{call} {old:?} {new:?}: {actual:?}, not {expected:?}{same}"));
                }
                (host.fresh, guest.fresh) = (should == before, changed == before);
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// As many links as the host follows, and one more.
#[test]
fn chains_of_links() {
    let host = TempDir::new();
    host.write("link0", "contents");
    for link in 1..=41 {
        symlink(format!("link{}", link - 1), host.path(&format!("link{link}"))).unwrap();
    }
    let dir: OwnedFd = std::fs::File::open(&host.0).unwrap().into();
    let mut guest = Guest::with_dir(&host.0, DirAccess::ReadWrite);
    for function in
        FUNCTIONS.iter().filter(|function| !function.changes || function.name.starts_with("utimens"))
    {
        for link in [39, 40, 41] {
            let path = format!("link{link}");
            let expected = (function.host)(&dir, &path).map_err(Errno::from);
            assert_eq!((function.guest)(&mut guest, &path), expected, "{} {path}", function.name);
        }
    }
    for link in [39, 40, 41] {
        let (path, one, two) = (format!("link{link}"), format!("one{link}"), format!("two{link}"));
        let expected =
            rustix::fs::linkat(&dir, &path, &dir, &one, AtFlags::SYMLINK_FOLLOW).map_err(Errno::from);
        assert_eq!(guest.link(FOLLOW, &path, &two), expected, "{path}");
    }
}

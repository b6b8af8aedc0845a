//! Nothing leads out of a directory that a guest is given.
//!
//! Each test lays out `inside`, which the guest has, next to `outside` with a file
//! `secret`, and tries every way by every function; `outside` stays as it was.

mod common;

use common::*;
use sidetrack_wasi::{DirAccess, Errno};
use std::os::unix::fs::symlink;

/// Ways out: the host's directory with `inside` and `outside` in it, and the guest.
fn prison() -> (TempDir, Guest) {
    let host = TempDir::new();
    host.write("inside/file", "mine");
    host.write("inside/dir/file", "mine too");
    host.write("outside/secret", "secret");
    std::fs::create_dir(host.path("outside/empty")).unwrap();
    symlink("../outside", host.path("inside/relative")).unwrap();
    symlink(host.path("outside"), host.path("inside/absolute")).unwrap();
    symlink("../outside/secret", host.path("inside/to_secret")).unwrap();
    symlink(host.path("outside/secret"), host.path("inside/to_secret_absolute")).unwrap();
    symlink("dir/../../outside", host.path("inside/winding")).unwrap();
    symlink("relative", host.path("inside/chain")).unwrap();
    symlink("../outside/new", host.path("inside/dangling")).unwrap();
    let guest = Guest::with_dir(&host.path("inside"), DirAccess::ReadWrite);
    (host, guest)
}

/// Names of the directory `outside`, as the guest could try to say them.
fn ways(host: &TempDir) -> Vec<String> {
    let absolute = host.path("outside").to_str().unwrap().to_string();
    ["../outside", "dir/../../outside", "./../outside", "dir/../../inside/../outside"]
        .map(String::from)
        .into_iter()
        .chain([absolute])
        .chain(["relative", "absolute", "winding", "chain", "dir/../relative"].map(String::from))
        .collect()
}

/// Is `outside` as it was?
fn untouched(host: &TempDir) {
    assert_eq!(host.read("outside/secret"), "secret");
    let mut names: Vec<_> =
        std::fs::read_dir(host.path("outside")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["empty", "secret"]);
    assert_eq!(host.read("inside/file"), "mine");
    let modified = std::fs::metadata(host.path("outside/secret")).unwrap().modified().unwrap();
    assert!(modified.elapsed().unwrap().as_secs() < 3600, "not set to 1970");
}

#[test]
fn reading_and_writing() {
    let (host, mut guest) = prison();
    for way in ways(&host) {
        let secret = format!("{way}/secret");
        for rights in [READING, ALL] {
            for oflags in [0, CREAT, TRUNC, CREAT | TRUNC] {
                kept_inside(guest.open_at(DIR, &secret, oflags, rights, 0));
            }
        }
        kept_inside(guest.open_at(DIR, &secret, CREAT | EXCL, ALL, 0));
        kept_inside(guest.open_at(DIR, &format!("{way}/new"), CREAT, ALL, 0));
        kept_inside(guest.open_at(DIR, &way, DIRECTORY, READING, 0));
        kept_inside(guest.stat(FOLLOW, &secret));
        kept_inside(guest.stat(0, &secret));
        kept_inside(guest.set_times(FOLLOW, &secret, 1, 1, 5));
        kept_inside(guest.set_times(0, &secret, 1, 1, 5));
    }
    for link in ["to_secret", "to_secret_absolute", "dangling"] {
        kept_inside(guest.open(link));
        kept_inside(guest.create(link));
        kept_inside(guest.open_at(DIR, link, TRUNC, ALL, 0));
        kept_inside(guest.stat(FOLLOW, link));
        kept_inside(guest.set_times(FOLLOW, link, 1, 1, 5));
        assert_eq!(guest.open_with(DIR, 0, link, 0, READING, 0), Err(Errno::Loop));
        assert_eq!(guest.stat(0, link).map(|stat| stat.filetype), Ok(7));
    }
    untouched(&host);
}

#[test]
fn creating_and_removing() {
    let (host, mut guest) = prison();
    for way in ways(&host) {
        kept_inside(guest.mkdir(&format!("{way}/new")));
        kept_inside(guest.rmdir(&format!("{way}/empty")));
        kept_inside(guest.unlink(&format!("{way}/secret")));
        kept_inside(guest.symlink("file", &format!("{way}/new")));
        kept_inside(guest.readlink(&format!("{way}/secret"), 100));
    }
    untouched(&host);
}

#[test]
fn renaming_and_linking() {
    let (host, mut guest) = prison();
    for way in ways(&host) {
        kept_inside(guest.rename("file", &format!("{way}/new")));
        kept_inside(guest.rename(&format!("{way}/secret"), "mine"));
        for lookup in [0, FOLLOW] {
            kept_inside(guest.link(lookup, "file", &format!("{way}/new")));
            kept_inside(guest.link(lookup, &format!("{way}/secret"), "mine"));
        }
    }
    kept_inside(guest.link(FOLLOW, "to_secret", "mine"));
    assert_eq!(guest.stat(0, "mine"), Err(Errno::Noent));
    untouched(&host);
}

#[test]
fn symbolic_links_of_the_guest() {
    let (host, mut guest) = prison();
    kept_inside(guest.symlink(host.path("outside").to_str().unwrap(), "mine"));
    kept_inside(guest.symlink("/", "mine"));
    guest.symlink("../outside", "mine").unwrap();
    kept_inside(guest.open("mine/secret"));
    kept_inside(guest.create("mine/new"));
    kept_inside(guest.mkdir("mine/new"));
    assert_eq!(guest.readlink("mine", 100).unwrap(), "../outside");
    kept_inside(guest.readlink("absolute", 100));
    untouched(&host);
}

/// A directory below the one that was given is no way out either.
#[test]
fn from_an_open_directory() {
    let (host, mut guest) = prison();
    let dir = guest.open_at(DIR, "dir", DIRECTORY, READING, 0).unwrap();
    kept_inside(guest.open_at(dir, "../file", 0, READING, 0));
    kept_inside(guest.open_at(dir, "..", DIRECTORY, READING, 0));
    kept_inside(guest.open_at(dir, "../../outside/secret", 0, READING, 0));
    assert!(guest.open_at(dir, "../dir/file", 0, READING, 0).is_err());
    assert!(guest.open_at(dir, "file", 0, READING, 0).is_ok());
    untouched(&host);
}

/// The parent's serial number is not told by a listing.
#[test]
fn the_parent_is_not_listed() {
    use std::os::unix::fs::MetadataExt;
    let (host, mut guest) = prison();
    let bytes = guest.readdir(DIR, 2000, 0).unwrap();
    let parent = std::fs::metadata(&host.0).unwrap().ino().to_le_bytes();
    assert!(!bytes.windows(8).any(|window| window == parent));
}

#[test]
fn read_only_directories_stay_as_they_are() {
    let host = TempDir::new();
    host.write("file", "mine");
    host.write("full/file", "mine");
    std::fs::create_dir(host.path("empty")).unwrap();
    let mut guest = Guest::with_dir(&host.0, DirAccess::ReadOnly);
    let rofs = Err(Errno::Rofs);
    let file = guest.open("file").unwrap();
    assert_eq!(guest.read(file, 100).unwrap(), b"mine");
    assert_eq!(guest.write(file, b"x"), Err(Errno::Notcapable));
    assert_eq!(guest.ctx.fd_filestat_set_times(file, 1, 1, 5), rofs);
    assert_eq!(guest.ctx.fd_filestat_set_times(DIR, 1, 1, 5), rofs);
    assert_eq!(guest.open_at(DIR, "file", 0, ALL, 0), Err(Errno::Rofs));
    assert_eq!(guest.open_at(DIR, "file", TRUNC, READING, 0), Err(Errno::Rofs));
    assert_eq!(guest.open_at(DIR, "new", CREAT, READING, 0), Err(Errno::Rofs));
    assert_eq!(guest.open_at(DIR, "new", CREAT | EXCL, READING, 0), Err(Errno::Rofs));
    assert!(guest.open_at(DIR, "file", CREAT, READING, 0).is_ok(), "nothing to create");
    assert_eq!(guest.mkdir("new"), rofs);
    assert_eq!(guest.rmdir("empty"), rofs);
    assert_eq!(guest.unlink("file"), rofs);
    assert_eq!(guest.rename("file", "new"), rofs);
    assert_eq!(guest.link(0, "file", "new"), rofs);
    assert_eq!(guest.symlink("file", "new"), rofs);
    assert_eq!(guest.set_times(0, "file", 1, 1, 5), rofs);
    let full = guest.open_at(DIR, "full", DIRECTORY, READING, 0).unwrap();
    assert_eq!(guest.open_at(full, "file", 0, ALL, 0), Err(Errno::Rofs), "and so below");
    assert_eq!(host.read("file"), "mine");
}

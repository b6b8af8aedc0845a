//! Looking paths up below a directory.
//!
//! Problem: the guest must get what the host's own calls give, to the last trailing slash,
//! and must not leave its directory. Approach: what confines is one step, opening the directory
//! that the last name of the path is in (cap-std, in the kernel where that can); the last name
//! then goes to the host's own call with that directory, as the guest wrote it. Calls that make,
//! remove and rename names never follow the last name, even with slashes after it, so they
//! cannot leave the directory any more. Where the last name is followed (because the caller asks for
//! it, by a trailing slash, or since it is `.` or `..`) the whole path is opened in that way.
//!
//! A path that leads out of the directory is `PERM`.

use crate::errno::{Errno, Result};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fd::OwnedFd;
use rustix::fs::OFlags;

/// The most symbolic links that a path leads through, as on Linux.
const MAX_LINKS: usize = 40;
/// The most bytes of a path, with the 0 at its end.
pub(crate) const PATH_MAX: usize = 4096;

/// Opens what need not be read: the directory's permission to be searched is enough.
#[cfg(target_os = "linux")]
const ONLY_TO_NAME: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const ONLY_TO_NAME: OFlags = OFlags::NONBLOCK;

/// A name in a directory that is inside.
pub(crate) struct Place<'p> {
    /// The directory.
    pub(crate) parent: OwnedFd,
    /// The name, with the slashes behind it.
    pub(crate) name: &'p str,
}

/// What a path leads to.
pub(crate) enum Found<'p> {
    /// A name that is not followed.
    Name(Place<'p>),
    /// What is there, opened to be named only.
    File(OwnedFd),
}

/// A path up to its last name, and that with the slashes behind it.
fn split(path: &str) -> (&str, &str) {
    let end = path.trim_end_matches('/').len();
    path.split_at(path[..end].rfind('/').map_or(0, |slash| slash + 1))
}

/// The last name of a path, without the slashes behind it.
pub(crate) fn last_name(path: &str) -> &str {
    split(path).1.trim_end_matches('/')
}

/// Whether a last name stands for a directory, which is looked up as such.
fn is_followed(name: &str) -> bool {
    name.ends_with('/') || matches!(name, "." | "..")
}

/// Opens a path, following links.
pub(crate) fn file(dir: &Dir, path: &str) -> Result<OwnedFd> {
    open(dir, path, ONLY_TO_NAME)
}

fn open(dir: &Dir, path: &str, flags: OFlags) -> Result<OwnedFd> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::Yes).custom_flags(flags.bits() as i32);
    Ok(dir.open_with(path, &options)?.into_std().into())
}

/// The directory of the last name of a path, and the name, for a call that does not follow it.
///
/// # Errors
/// `PERM` if the directory or, in case of `..`, the name is outside; what is wrong on the way.
pub(crate) fn place<'p>(dir: &Dir, path: &'p str) -> Result<Place<'p>> {
    let (parent, name) = split(path);
    if name.trim_end_matches('/').is_empty() {
        // The root.
        return Err(Errno::Perm);
    }
    let parent = open(dir, if parent.is_empty() { "." } else { parent }, ONLY_TO_NAME | OFlags::DIRECTORY)?;
    if name.trim_end_matches('/') == ".." {
        file(dir, path)?;
    }
    Ok(Place { parent, name })
}

/// What a path leads to. The last name is followed if it is asked for.
///
/// # Errors
/// As [`place`]. That there is no such name is not told for one that is not followed.
pub(crate) fn find<'p>(dir: &Dir, path: &'p str, follow: bool) -> Result<Found<'p>> {
    if follow || is_followed(split(path).1) {
        return file(dir, path).map(Found::File);
    }
    place(dir, path).map(Found::Name)
}

/// The path of what the links lead to of which the last name of a path is the first: its own
/// last name is no link, if it is there.
///
/// # Errors
/// As [`place`]; `LOOP` for too many links; `PERM` for one that says an absolute path.
pub(crate) fn end_of_links(dir: &Dir, path: &str) -> Result<String> {
    let mut path = path.to_owned();
    // The last turn finds what is no link.
    for _ in 0..=MAX_LINKS {
        let (before, name) = split(&path);
        if is_followed(name) {
            return Ok(path);
        }
        let parent = place(dir, &path)?.parent;
        let target = match rustix::fs::readlinkat(&parent, name, Vec::new()) {
            // No link, or nothing.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => return Ok(path),
            target => target?,
        };
        let target = target.to_str().map_err(|_| Errno::Ilseq)?;
        if target.starts_with('/') {
            return Err(Errno::Perm);
        }
        path = format!("{before}{target}");
        if path.len() >= PATH_MAX {
            return Err(Errno::Nametoolong);
        }
    }
    Err(Errno::Loop)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_path_is_what_leads_to_its_last_name_and_that() {
        for (path, parent, name) in [
            ("a", "", "a"),
            ("a/", "", "a/"),
            ("a/b", "a/", "b"),
            ("a//b//", "a//", "b//"),
            ("/", "", "/"),
            ("/a", "/", "a"),
            ("..", "", ".."),
            ("a/../", "a/", "../"),
        ] {
            assert_eq!(split(path), (parent, name), "{path}");
        }
    }
}

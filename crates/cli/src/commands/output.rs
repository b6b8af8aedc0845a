//! What the command prints and writes.
//!
//! Nobody need read what is printed: a stream that is closed, or a pipe whose reader has gone,
//! changes nothing but that the rest is not printed. So nothing here panics, and `println!` and its kin,
//! which would, are not used. Text may have names of strangers' modules in it, so what a
//! terminal obeys is escaped.
//!
//! A file that is written is there whole or not at all. That takes another file that is
//! renamed, which is done for regular files alone: a device or a pipe is written to, and
//! a link stays one.

use sidetrack_engine::Printable;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// The most links that a path leads through.
const MAX_LINKS: usize = 40;

/// Prints to standard output; a reader that went away is no error.
///
/// # Errors
/// Whatever else is wrong with standard output.
pub fn print(text: &str) -> Result<(), String> {
    print_bytes(Printable::text(text).to_string().as_bytes())
}

/// As [`print()`], for what is not text.
///
/// # Errors
/// As [`print()`].
pub fn print_bytes(bytes: &[u8]) -> Result<(), String> {
    match print_contents(&mut |to| to.write_all(bytes)) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(of_stdout(error)),
        _ => Ok(()),
    }
}

fn print_contents(contents: &mut Contents<'_>) -> io::Result<()> {
    let mut out = io::stdout();
    contents(&mut out).and_then(|()| out.flush())
}

fn of_stdout(error: io::Error) -> String {
    format!("standard output: {error}")
}

/// Prints a line on standard error, if anybody reads it.
pub fn say(text: impl Display) {
    let line = format!("{}\n", Printable::text(&text.to_string()));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// What writes all that is to be in a file, once.
pub type Contents<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

/// Writes a file in one step: whole, or not at all. What is there and is no regular file is
/// written to; `-` is standard output, which must take all of it.
///
/// # Errors
/// If it cannot be written whole, or is a directory, a disk or a socket; the message starts with the path.
pub fn write_whole(path: &Path, contents: &mut Contents<'_>) -> Result<(), String> {
    if path == Path::new("-") {
        return print_contents(contents).map_err(of_stdout);
    }
    write_to(path, contents).map_err(|error| format!("{}: {error}", Printable::path(path)))
}

fn write_to(path: &Path, contents: &mut Contents<'_>) -> io::Result<()> {
    let there = match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return replace(&end_of_links(path)?, contents, None);
        }
        there => there?,
    };
    let kind = there.file_type();
    if kind.is_file() {
        // Who may not write to a file may not replace it either.
        OpenOptions::new().write(true).open(path)?;
        return match path.canonicalize() {
            Ok(path) => replace(&path, contents, Some(there.permissions())),
            // A file that has no name any more.
            Err(_) => contents(&mut File::create(path)?),
        };
    }
    if kind.is_char_device() || kind.is_fifo() {
        return contents(&mut OpenOptions::new().write(true).open(path)?);
    }
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Err(io::Error::other("neither a file nor a device that is written in order"))
}

/// The path that a link leads to at last, where nothing is.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match path.read_link() {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Puts a new regular file in the place of another one or of none.
fn replace(
    path: &Path,
    contents: &mut Contents<'_>,
    permissions: Option<std::fs::Permissions>,
) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    // A new file, whatever somebody has put there.
    let mut file = match File::create_new(&temporary) {
        // A file in a folder that is not ours.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && permissions.is_some() => {
            return contents(&mut File::create(path)?);
        }
        file => file?,
    };
    let kept = || permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions));
    let result = kept().and_then(|()| contents(&mut file)).and_then(|()| std::fs::rename(&temporary, path));
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

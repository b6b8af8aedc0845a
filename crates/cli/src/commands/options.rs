//! What the options of a program say, from text.

use sidetrack_engine::Printable;
use sidetrack_wasi::DirAccess;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

/// What functions that nobody offers do.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum UnknownImports {
    /// They end the program when they are called.
    Trap,
    /// They return zeros; other imports are zero and as small as they may be.
    Default,
}

/// A directory that is given to a program: `HOST[::GUEST][::ro]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub host: PathBuf,
    /// What the program calls it.
    pub guest: String,
    /// What may be done with it.
    pub access: DirAccess,
}

impl FromStr for Directory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (names, access) = match text.strip_suffix("::ro") {
            Some(names) => (names, DirAccess::ReadOnly),
            None => (text, DirAccess::ReadWrite),
        };
        let (host, guest) = names.split_once("::").unwrap_or((names, names));
        if host.is_empty() || guest.is_empty() {
            return Err("expected HOST, HOST::GUEST or HOST::GUEST::ro".to_owned());
        }
        Ok(Directory { host: host.into(), guest: guest.to_owned(), access })
    }
}

/// A variable of a program's environment: `NAME=VALUE`, or `NAME` for what it is here.
#[derive(Clone, Debug)]
pub struct Variable {
    /// What it is called.
    pub name: String,
    value: Option<String>,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if name.is_empty() || name.contains('\0') {
            return Err("expected NAME=VALUE, or NAME for a variable that is set".to_owned());
        }
        Ok(Variable { name: name.to_owned(), value })
    }
}

impl Variable {
    /// What it is set to.
    ///
    /// # Errors
    /// If it is to be passed on and is not set.
    pub fn value(&self) -> Result<OsString, String> {
        match &self.value {
            Some(value) => Ok(value.into()),
            None => std::env::var_os(&self.name).ok_or_else(|| {
                let name = Printable::name(&self.name);
                format!("--env {name}: there is no such variable to pass on")
            }),
        }
    }
}

/// A module for others to import from: `NAME=FILE`.
#[derive(Clone, Debug)]
pub struct Preload {
    /// What they call it.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
}

impl FromStr for Preload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, file)) if !file.is_empty() => {
                Ok(Preload { name: name.to_owned(), file: file.into() })
            }
            _ => Err("expected NAME=FILE".to_owned()),
        }
    }
}

/// A number of bytes, perhaps with `K`, `M` or `G` behind it, which are powers of 1024.
///
/// # Errors
/// What is expected.
pub fn bytes(text: &str) -> Result<usize, String> {
    let expected = || "expected a number of bytes, as 65536, 64K, 512M or 2G".to_owned();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[number.len()..] {
        "" | "B" => 0,
        "K" | "k" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        _ => return Err(expected()),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(expected());
    }
    let number: usize = number.parse().map_err(|_| expected())?;
    number.checked_mul(1 << shift).ok_or_else(expected)
}

/// The least stack that a program can be promised.
const LEAST_STACK: usize = 16 << 10;

/// A size of a stack, as [`bytes`] reads it.
///
/// # Errors
/// What is expected.
pub fn stack(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        size @ LEAST_STACK.. => Ok(size),
        _ => Err("the least is 16K".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in
            [("0", 0), ("65536", 65536), ("64K", 65536), ("1MiB", 1 << 20), ("2G", 2 << 30), ("7B", 7)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "K", "-1", "+1", "1.5M", "1T", "1 K", "99999999999G"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn directories() {
        let directory = |text: &str| {
            text.parse::<Directory>()
                .map(|found| (found.host.display().to_string(), found.guest, found.access))
        };
        let expected = |host: &str, guest: &str, access| Ok((host.to_owned(), guest.to_owned(), access));
        assert_eq!(directory("a"), expected("a", "a", DirAccess::ReadWrite));
        assert_eq!(directory("a::/b"), expected("a", "/b", DirAccess::ReadWrite));
        assert_eq!(directory("a::/b::ro"), expected("a", "/b", DirAccess::ReadOnly));
        assert_eq!(directory("a::ro"), expected("a", "a", DirAccess::ReadOnly));
        assert!(directory("::b").is_err() && directory("").is_err() && directory("::ro").is_err());
    }
}

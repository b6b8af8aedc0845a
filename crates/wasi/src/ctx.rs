//! What a guest has of the outside, and how an embedder gives it to it.
//!
//! A guest has nothing that it was not given: without a word its standard input
//! is empty, what it prints is dropped, it has no arguments, no environment and no
//! files. Only clocks and random numbers are there from the start.

use crate::args::Strings;
use crate::clock::{Clocks, HostClocks};
use crate::directory::Directory;
use crate::errno::Errno;
use crate::fd_table::{Descriptor, FdTable, Object};
use crate::interrupt::Interrupt;
use crate::random::{self, RandomSource};
use crate::rights::Rights;
use crate::stream::{HostFd, HostFile, Stdio, Stream};
use crate::types::{FdFlags, FileType};
use rustix::fd::OwnedFd;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Everything that the functions of preview 1 work on for one guest.
///
/// Each function is a method of its name. Those that read or write the guest's memory take it
/// first; the other arguments are those of the specification, and results go to the addresses
/// that come last. No argument makes one panic.
pub struct WasiCtx {
    pub(crate) args: Strings,
    pub(crate) env: Strings,
    pub(crate) fds: FdTable,
    pub(crate) clocks: Box<dyn Clocks>,
    pub(crate) random: RandomSource,
    pub(crate) interrupt: Interrupt,
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WasiCtx { args, env, fds, .. } = self;
        f.debug_struct("WasiCtx")
            .field("args", args)
            .field("env", env)
            .field("fds", fds)
            .finish_non_exhaustive()
    }
}

/// Why a guest cannot be given something.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An argument, a variable or a directory's name has a 0 in it, which ends strings in the guest.
    #[error("{0:?} has a zero byte in it")]
    Zero(String),
    /// A directory of the host that cannot be opened.
    #[error("directory {}: {error}", path.display())]
    Directory {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// A standard stream or a socket that cannot be looked at.
    #[error("{what}: {errno}")]
    Stream {
        /// Which one.
        what: &'static str,
        /// Why not.
        #[source]
        errno: Errno,
    },
}

/// What may be done with a directory that is given to a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirAccess {
    /// Everything that the host lets this process do.
    ReadWrite,
    /// Nothing in it can be changed; an attempt is `ROFS`.
    ReadOnly,
}

/// Collects what a guest is to have.
#[derive(Default)]
pub struct WasiCtxBuilder {
    args: Vec<Vec<u8>>,
    env: Vec<Vec<u8>>,
    stdio: [Stdio; 3],
    directories: Vec<(File, String, DirAccess)>,
    sockets: Vec<OwnedFd>,
    clocks: Option<Box<dyn Clocks>>,
    random: Option<RandomSource>,
    open_files: Option<usize>,
}

/// How many descriptors a guest may have unless it is told otherwise.
const MAX_OPEN_FILES: usize = 1024;

impl WasiCtxBuilder {
    /// A guest that has nothing.
    pub fn new() -> WasiCtxBuilder {
        WasiCtxBuilder::default()
    }

    /// Adds an argument; the first is the program's name.
    pub fn arg(&mut self, arg: impl AsRef<[u8]>) -> &mut Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<[u8]>>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_vec()));
        self
    }

    /// Adds a variable to the environment.
    pub fn env(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        self.env.push([key.as_ref(), b"=", value.as_ref()].concat());
        self
    }

    /// Adds variables to the environment.
    pub fn envs<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        envs: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        for (key, value) in envs {
            self.env(key, value);
        }
        self
    }

    /// Where the guest reads from by default.
    pub fn stdin(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.stdio[0] = stdio.into();
        self
    }

    /// Where the guest prints to.
    pub fn stdout(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.stdio[1] = stdio.into();
        self
    }

    /// Where the guest complains.
    pub fn stderr(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.stdio[2] = stdio.into();
        self
    }

    /// Gives the guest the three standard streams of this process.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.stdin(Stdio::Inherit).stdout(Stdio::Inherit).stderr(Stdio::Inherit)
    }

    /// Gives the guest the directory `host`, which it calls `guest`. The first one is its descriptor 3.
    ///
    /// # Errors
    /// If the directory cannot be opened.
    pub fn preopened_dir(
        &mut self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        access: DirAccess,
    ) -> Result<&mut Self, BuildError> {
        let failed = |error| BuildError::Directory { path: host.as_ref().to_path_buf(), error };
        let directory = File::open(host.as_ref()).map_err(failed)?;
        if !directory.metadata().map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        self.directories.push((directory, guest.into(), access));
        Ok(self)
    }

    /// Gives the guest a socket, on which it can accept connections if it listens. Its descriptor
    /// comes after those of all directories.
    pub fn socket(&mut self, socket: impl Into<OwnedFd>) -> &mut Self {
        self.sockets.push(socket.into());
        self
    }

    /// Gives the guest other clocks than the host's.
    pub fn clocks(&mut self, clocks: impl Clocks + 'static) -> &mut Self {
        self.clocks = Some(Box::new(clocks));
        self
    }

    /// Gives the guest random numbers of another source than the host's.
    pub fn random(&mut self, source: impl FnMut(&mut [u8]) -> io::Result<()> + Send + 'static) -> &mut Self {
        self.random = Some(Box::new(source));
        self
    }

    /// Makes random numbers the same in each run. They are not fit for keys.
    pub fn random_seed(&mut self, seed: u64) -> &mut Self {
        self.random = Some(random::seeded(seed));
        self
    }

    /// How many descriptors the guest may have at once, those that it starts with included:
    /// 1,024 unless told otherwise. To open one more is `MFILE`.
    pub fn max_open_files(&mut self, count: usize) -> &mut Self {
        self.open_files = Some(count);
        self
    }

    /// The guest's outside. The builder is empty afterwards.
    ///
    /// # Errors
    /// Strings with a 0 in them; streams that are closed; more descriptors than there may be.
    pub fn build(&mut self) -> Result<WasiCtx, BuildError> {
        let WasiCtxBuilder { args, env, stdio, directories, sockets, clocks, random, open_files } =
            std::mem::take(self);
        let mut fds = FdTable::new(open_files.unwrap_or(MAX_OPEN_FILES));
        let full = |errno| BuildError::Stream { what: "descriptors", errno };
        let directions = [
            ("standard input", HostFd::Stdin, Rights::WRITES),
            ("standard output", HostFd::Stdout, Rights::READS),
            ("standard error", HostFd::Stderr, Rights::READS),
        ];
        for (stdio, (what, own, lacking)) in stdio.into_iter().zip(directions) {
            let failed = |errno| BuildError::Stream { what, errno };
            let descriptor = standard_stream(stdio, own, lacking).map_err(failed)?;
            fds.push(descriptor).map_err(full)?;
        }
        for (directory, name, access) in directories {
            if name.contains('\0') {
                return Err(BuildError::Zero(name));
            }
            let directory = Directory::new(cap_std::fs::Dir::from_std_file(directory), Some(name));
            let descriptor = Descriptor {
                object: Object::Directory(directory),
                rights: Rights::DIRECTORY,
                inheriting: Rights::INHERITED,
                flags: FdFlags::default(),
                read_only: access == DirAccess::ReadOnly,
                seekable: false,
            };
            fds.push(descriptor).map_err(full)?;
        }
        for socket in sockets {
            let failed = |errno| BuildError::Stream { what: "socket", errno };
            let socket = HostFile::new(HostFd::Owned(socket), true).map_err(failed)?;
            fds.push(Descriptor::stream(Stream::Host(socket), Rights::SOCKET)).map_err(full)?;
        }
        Ok(WasiCtx {
            args: strings(args)?,
            env: strings(env)?,
            fds,
            clocks: clocks.unwrap_or_else(|| Box::new(HostClocks)),
            random: random.unwrap_or_else(random::host),
            interrupt: Interrupt::default(),
        })
    }
}

/// A standard stream's descriptor, with all rights of one but `lacking`.
fn standard_stream(stdio: Stdio, own: HostFd, lacking: Rights) -> Result<Descriptor, Errno> {
    let stream = match stdio {
        Stdio::Null => Stream::Null,
        Stdio::Inherit => Stream::Host(HostFile::new(own, true)?),
        Stdio::Host(fd) => Stream::Host(HostFile::new(HostFd::Owned(fd), true)?),
        Stdio::Input(input) => Stream::Input(input),
        Stdio::Output(output) => Stream::Output(output),
    };
    // Guests tell a terminal by not being able to seek it, so other devices can be.
    let device = matches!(&stream, Stream::Host(file) if file.filetype == FileType::CharacterDevice);
    let rights = if device { Rights::STANDARD | Rights::SEEKS } else { Rights::STANDARD };
    let append = match &stream {
        Stream::Host(file) => rustix::fs::fcntl_getfl(file)?.contains(rustix::fs::OFlags::APPEND),
        _ => false,
    };
    let flags = if append { FdFlags::APPEND } else { FdFlags::default() };
    let descriptor = Descriptor::stream(stream, rights.without(lacking));
    let seekable = descriptor.rights.contain(Rights::FD_SEEK);
    Ok(Descriptor { flags, seekable, ..descriptor })
}

fn strings(strings: Vec<Vec<u8>>) -> Result<Strings, BuildError> {
    let zero = |index: usize| BuildError::Zero(String::from_utf8_lossy(&strings[index]).into_owned());
    match strings.iter().position(|string| string.contains(&0)) {
        Some(index) => Err(zero(index)),
        None => Ok(Strings::new(strings)),
    }
}

//! Where code comes from: it is run without a check, so whoever brings it vouches for it.

use super::builtins;
use crate::module::Module;
use crate::{Engine, Result};
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use memmap2::Mmap;
use sidetrack_artifact::{Image, SymbolName};
use sidetrack_patch::CodeMemory;
use sidetrack_patch::run::Registered;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// Maps an image, which must be the engine's compiler's, and makes its code known to the
/// machinery of traps. If the image has been read from a file, that file has the code.
pub fn load(image: Image, file: Option<&CodeFile>) -> Result<(Arc<CodeMemory>, Registered)> {
    let architecture = image.architecture;
    let resolve = &mut |name: &SymbolName| builtins::resolve(architecture, name);
    let image = Arc::new(image);
    let memory = match file {
        None => CodeMemory::new(image, resolve)?,
        // SAFETY: whoever brings the file vouches for what is in it, and for its staying so.
        Some(CodeFile { file, offset }) => unsafe { CodeMemory::new_in_file(image, file, *offset, resolve)? },
    };
    let memory = Arc::new(memory);
    let registered = register(memory.clone());
    Ok((memory, registered))
}

/// Where a file has code.
pub struct CodeFile {
    /// The file, which is closed when the code has been mapped.
    pub file: File,
    /// In bytes, a multiple of the page size.
    pub offset: u64,
}

/// The contents of an entry of the cache, read when they are used.
///
/// # Errors
/// If the system cannot map it.
pub fn map_cached(file: &File) -> io::Result<Bytes> {
    // SAFETY: nobody but the user can write to the entries that the cache takes, and what the
    // cache writes it puts in the place of an entry, of which it changes nothing.
    unsafe { map(file) }
}

/// The contents of a file, read when they are used.
///
/// # Errors
/// If the system cannot map it.
///
/// # Safety
/// Nobody changes the file or makes it shorter as long as the bytes or a part of them are there.
unsafe fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: by the caller.
    let map = unsafe { Mmap::map(file) }?;
    Ok(Bytes::from_owner(map))
}

/// Makes code of a module known to the machinery of traps.
pub fn register(memory: Arc<CodeMemory>) -> Registered {
    // SAFETY: the image is one that the compiler has made in this process, or that came with
    // a word for it (`Module::deserialize`, the cache of this version's code). The value goes
    // with the module, or the store that has a copy of its code; stores keep their modules,
    // and no code of a store runs when it is dropped.
    unsafe { Registered::new(memory) }
}

impl Module {
    /// A module from the bytes of [`Module::serialize`]. What is damaged, or of another
    /// version or other settings, is refused.
    ///
    /// # Errors
    /// If the bytes are none of this version's and this engine's settings'.
    ///
    /// # Safety
    /// The bytes are, unchanged, what [`Module::serialize`] has made. They hold machine code
    /// that is run as it is, outside of every sandbox: whoever writes them can do whatever
    /// this process can. The hash in them tells accidents and no attacks, since who writes
    /// other code writes another hash. So they may come from a place that only trusted
    /// people can write to, and never from whoever brings the module.
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Self> {
        Self::from_trusted_bytes(engine, bytes.as_ref())
    }

    /// As [`Module::deserialize`], from a file, which is mapped: what lies in it is used in
    /// place. Opening reads a few pages, whatever the size of the module; code comes out of the
    /// file as it is executed, what is known about it as somebody asks. Processes and stores
    /// share the pages, except those on which a store has switched sites.
    ///
    /// *What is checked when.* The header, with the hashes of all parts, and what instances are
    /// made of: when the file is opened. Machine code: then, if it has at most 1 MiB; larger
    /// code is not, since it would all have to be read. What traps, exceptions, backtraces and
    /// debuggers need: when it is first used; damage is the error of the call that has
    /// met it. [`Module::deserialize`] checks everything.
    ///
    /// # Errors
    /// If the file cannot be read or mapped, is damaged at its start, or none of this version's
    /// and this engine's settings'.
    ///
    /// # Safety
    /// As [`Module::deserialize`], for the contents of the file. In addition, nobody changes
    /// the file or makes it shorter for as long as the module is there: what is changed may be
    /// executed as it is at that moment, and a process that uses a part that is not there any more
    /// gets SIGBUS. If compiled code does, the call fails; anywhere else the process ends. To
    /// replace the file by another one of the same name (write it under another name and
    /// rename it) or to remove it is fine: what is mapped stays.
    pub unsafe fn deserialize_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = || format!("cannot read {}", path.display());
        // A pipe is refused below, not waited for.
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = file.with_context(failed)?;
        ensure!(file.metadata().with_context(failed)?.is_file(), "{} is no regular file", path.display());
        // SAFETY: the caller vouches for the file.
        let bytes = unsafe { map(&file) }.with_context(failed)?;
        Self::from_trusted_file(engine, file, bytes)
    }
}

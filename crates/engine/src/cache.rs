//! The folder of compiled modules.
//!
//! Problem: what is in the folder is run as machine code, and it fills the disk. Approach:
//!
//! - A file's name is the hash of the module's bytes, the version and the settings.
//! - Behind the compiled module is a keyed hash (MAC) of its name and of the head that decides all
//!   the rest, with a key that only this user of this machine has. So a file that was
//!   made elsewhere is ignored, whoever has put it there.
//! - A folder or file that others own or can write to is not used, and nothing but
//!   a regular file is read: a pipe in its place is not waited for.
//! - Files are written under another name and renamed, so that a reader sees a whole file or none.
//!   What was left by a process that was killed is removed an hour later.
//! - Whenever a module was kept, the ones that were not used for the longest time go until the
//!   rest is within the limits. When a file was used last is its time of modification.
//!
//! What is not right in the folder is as good as not there, and what cannot be written is not
//! kept: a cache is never a reason to fail, and who asks is told.

use crate::Engine;
use crate::serialize::{self, Artifact, Serialized};
use crate::vm::code::map_cached;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// Bytes of a key, and of what it signs with.
const KEY: usize = 32;
/// Digits of a module's key in the name of its file.
const DIGITS: usize = 64;
/// A file that is being written is not older than this.
const WRITTEN: Duration = Duration::from_secs(3600);
/// A file's time of use is not set again within this.
const USED: Duration = Duration::from_secs(3600);

/// Numbers the files that this process writes.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder of compiled modules; see [`crate::Config::cache_dir`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
    /// The file of the key; that of the user if none is given.
    key: Option<PathBuf>,
    max_bytes: u64,
    max_age: Duration,
}

/// How much there is in a folder of compiled modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUsage {
    /// The number of modules.
    pub modules: u64,
    /// The number of bytes, those of files that are being written included.
    pub bytes: u64,
}

/// A file of the folder.
struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
    /// Is it a module, and not one that is being written?
    whole: bool,
}

impl Cache {
    /// The most bytes that are kept unless told otherwise: 2 GiB.
    pub const MAX_BYTES: u64 = 2 << 30;
    /// For how long a module is kept that nobody uses, unless told otherwise: 30 days.
    pub const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

    /// The cache in a folder, which is made when there is something to keep.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Cache { folder: folder.into(), key: None, max_bytes: Self::MAX_BYTES, max_age: Self::MAX_AGE }
    }

    /// Keeps the key in a file of its own, which is made if it is not there. Otherwise it is in
    /// `$XDG_DATA_HOME/sidetrack`, or `~/.local/share/sidetrack`.
    pub fn key_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.key = Some(file.into());
        self
    }

    /// The most bytes that all modules may have together.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// For how long a module is kept that nobody uses.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How much is in the folder; nothing if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn usage(&self) -> io::Result<CacheUsage> {
        let mut usage = CacheUsage::default();
        for entry in self.entries()? {
            usage.modules += u64::from(entry.whole);
            usage.bytes += entry.bytes;
        }
        Ok(usage)
    }

    /// Removes all modules; returns what there was. Files that are none of the cache's stay.
    ///
    /// # Errors
    /// If the folder cannot be read or a file cannot be removed.
    pub fn clear(&self) -> io::Result<CacheUsage> {
        let mut usage = CacheUsage::default();
        for entry in self.entries()? {
            remove(&entry.path)?;
            usage.modules += u64::from(entry.whole);
            usage.bytes += entry.bytes;
        }
        Ok(usage)
    }

    /// The files of the cache.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let folder = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let mut entries = Vec::new();
        for entry in folder {
            let entry = entry?;
            let name = entry.file_name();
            let Some((key, rest)) = name.to_str().and_then(|name| name.split_at_checked(DIGITS)) else {
                continue;
            };
            let whole = rest == ".cwasm";
            if !key.bytes().all(|byte| byte.is_ascii_hexdigit()) || !whole && !rest.ends_with(".tmp") {
                continue;
            }
            // Somebody else may have removed it meanwhile.
            let Ok(metadata) = entry.metadata() else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            entries.push(Entry { path: entry.path(), bytes: metadata.len(), used, whole });
        }
        Ok(entries)
    }

    /// Removes what was not used for the longest time until the rest is within the limits,
    /// but not the module under `kept`, and what was left half written.
    fn tidy(&self, kept: &Path) -> io::Result<()> {
        let mut entries = self.entries()?;
        let now = SystemTime::now();
        let age = |entry: &Entry| now.duration_since(entry.used).unwrap_or_default();
        entries.sort_by_key(|entry| std::cmp::Reverse(age(entry)));
        let mut bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries.iter().filter(|entry| entry.path != kept) {
            let over = if entry.whole {
                bytes > self.max_bytes || age(entry) > self.max_age
            } else {
                age(entry) > WRITTEN
            };
            if over {
                remove(&entry.path)?;
                bytes -= entry.bytes;
            }
        }
        Ok(())
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.cwasm"))
    }

    /// The module kept under this key, if a good one is.
    pub(crate) fn read(&self, key: &str, engine: &Engine) -> Option<Artifact> {
        owned(&self.folder.metadata().ok()?).ok()?;
        let file = open(&self.path(key)).ok()?;
        let bytes = map_cached(&file).ok()?;
        let (contents, mac) = bytes.split_last_chunk::<KEY>()?;
        if self.mac(key, serialize::head(contents)?).ok()? != blake3::Hash::from_bytes(*mac) {
            return None;
        }
        let now = SystemTime::now();
        let used = file.metadata().and_then(|metadata| metadata.modified()).ok();
        if used.is_none_or(|used| now.duration_since(used).is_ok_and(|age| age > USED)) {
            // If the time cannot be set, it goes a bit earlier.
            let _ = file.set_modified(now);
        }
        serialize::open_cached(engine, file, bytes.slice(..contents.len())).ok()
    }

    /// Keeps a module under this key, and removes others if there are too many.
    ///
    /// # Errors
    /// Why it is not kept; nothing is left of it then.
    pub(crate) fn write(&self, key: &str, module: &Serialized) -> Result<(), String> {
        self.write_file(key, module)
            .map_err(|error| format!("cache folder {}: {error}", self.folder.display()))
    }

    fn write_file(&self, key: &str, module: &Serialized) -> io::Result<()> {
        if module.len() as u64 > self.max_bytes {
            return Err(io::Error::other(format!(
                "the module is larger than all may be, {} bytes",
                self.max_bytes
            )));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        owned(&self.folder.metadata()?)?;
        let mac = self.mac(key, module.head())?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!("{key}.{}.{number}.tmp", std::process::id()));
        let path = self.path(key);
        // One of the same name is from a process that has had our number.
        let _ = std::fs::remove_file(&temporary);
        let result = create(&temporary).and_then(|mut file| {
            module.write(&mut file)?;
            file.write_all(mac.as_bytes())?;
            std::fs::rename(&temporary, &path)
        });
        if result.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        result?;
        // What cannot be removed is tried again the next time.
        let _ = self.tidy(&path);
        Ok(())
    }

    /// What signs the module under a name: no other name's is taken for it.
    fn entry_key(&self, name: &str) -> io::Result<[u8; KEY]> {
        Ok(*blake3::keyed_hash(&self.user_key()?, name.as_bytes()).as_bytes())
    }

    /// What this user's key makes of a module with this header under a name.
    fn mac(&self, name: &str, head: &[u8]) -> io::Result<blake3::Hash> {
        Ok(blake3::keyed_hash(&self.entry_key(name)?, head))
    }

    /// The user's key, made if there is none.
    fn user_key(&self) -> io::Result<[u8; KEY]> {
        let path = match &self.key {
            Some(path) => path.clone(),
            None => data_folder()
                .ok_or_else(|| io::Error::other("the user has no home for its key"))?
                .join("cache.key"),
        };
        let failed = |error: io::Error| io::Error::other(format!("key file {}: {error}", path.display()));
        match read_key(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => return result.map_err(failed),
        }
        make_key(&path).and_then(|()| read_key(&path)).map_err(failed)
    }
}

/// The name of a module's file.
pub(crate) fn key(engine: &Engine, bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(serialize::fingerprint(engine).as_bytes());
    hasher.update(&[0]);
    hasher.update(bytes);
    hasher.finalize().to_hex().to_string()
}

/// The folder of what this user's programs keep.
fn data_folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = given.or_else(|| Some(std::env::home_dir()?.join(".local/share")))?;
    Some(base.join("sidetrack"))
}

/// Opens a file of this user that nobody else can write to; anything but a regular file is
/// refused without waiting for it.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    owned(&metadata)?;
    Ok(file)
}

/// Makes a file that only this user can read, where nothing is.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Removes a file that somebody else may have removed.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// # Errors
/// If others than this user and root own it or can write to it.
fn owned(metadata: &Metadata) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others can write to it (`chmod go-w` changes that)"));
    }
    Ok(())
}

fn read_key(path: &Path) -> io::Result<[u8; KEY]> {
    let mut file = open(path)?;
    if file.metadata()?.mode() & 0o077 != 0 {
        return Err(io::Error::other("others can read it (remove it, and a new one is made)"));
    }
    let mut key = [0; KEY];
    file.read_exact(&mut key)?;
    Ok(key)
}

/// Makes a key, unless somebody else has done so meanwhile.
fn make_key(path: &Path) -> io::Result<()> {
    let mut key = [0; KEY];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}.{number}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    create(&temporary)?.write_all(&key)?;
    let linked = std::fs::hard_link(&temporary, path);
    remove(&temporary)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

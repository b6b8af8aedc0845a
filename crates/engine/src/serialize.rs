//! Compiled modules as bytes.
//!
//! The format: a magic number, the hash of all that follows, the version with the
//! settings as text, the module's declarations and image, and the bytes that it was
//! compiled from, which debuggers read. The hash tells damaged
//! bytes; it is no protection from somebody who writes bytes with the right hash.

use crate::{Engine, Result};
use anyhow::{bail, ensure};
use sidetrack_artifact::{Image, ModuleInfo};

const MAGIC: &[u8; 8] = b"\0sidetrk";
const HASH: usize = 32;

/// A compiled module that is not loaded.
pub(crate) struct Artifact {
    pub info: ModuleInfo,
    pub image: Image,
    /// The bytes that it was compiled from.
    pub wasm: Box<[u8]>,
    /// Bytes of its serialised form, 0 if it has none.
    pub bytes: usize,
}

/// The version and the settings, which must be the same for writer and reader.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), engine.compiler().fingerprint())
}

/// Whether the bytes begin as an artifact does.
pub(crate) fn is_artifact(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The bytes of a module.
pub(crate) fn write(engine: &Engine, info: &ModuleInfo, image: &Image, wasm: &[u8]) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &[0; HASH]].concat();
    let contents = (fingerprint(engine), info, image, serde_bytes::Bytes::new(wasm));
    bytes = postcard::to_extend(&contents, bytes).expect("plain data can be serialised");
    let hash = blake3::hash(&bytes[MAGIC.len() + HASH..]);
    bytes[MAGIC.len()..MAGIC.len() + HASH].copy_from_slice(hash.as_bytes());
    bytes
}

/// The module in the bytes.
///
/// # Errors
/// If the bytes are damaged, or of another version or other settings.
pub(crate) fn read(engine: &Engine, bytes: &[u8]) -> Result<Artifact> {
    ensure!(is_artifact(bytes), "not a compiled module");
    let Some((hash, contents)) = bytes[MAGIC.len()..].split_at_checked(HASH) else {
        bail!("the compiled module is cut off");
    };
    ensure!(blake3::hash(contents).as_bytes() == hash, "the compiled module is damaged");
    let wanted = fingerprint(engine);
    let (found, rest) = postcard::take_from_bytes::<String>(contents)?;
    ensure!(found == wanted, "the module was compiled by `{found}`, this is `{wanted}`");
    let (info, image, wasm): (_, _, serde_bytes::ByteBuf) = postcard::from_bytes(rest)?;
    Ok(Artifact { info, image, wasm: wasm.into_vec().into(), bytes: bytes.len() })
}

//! Compiled modules as bytes.
//!
//! The format: a magic number, the hash of all that follows, the version with the
//! settings as text, the module's declarations and image, and the bytes that it was
//! compiled from, which debuggers read. The hash tells damaged
//! bytes; it is no protection from somebody who writes bytes with the right hash.

use crate::names::Printable;
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

/// What decides all the rest of an artifact: nothing is taken of bytes that do not fit it.
pub(crate) fn head(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..MAGIC.len() + HASH)
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
    ensure!(found == wanted, "{}", mismatch(&found, &wanted));
    let (info, image, wasm): (_, _, serde_bytes::ByteBuf) = postcard::from_bytes(rest)?;
    Ok(Artifact { info, image, wasm: wasm.into_vec().into(), bytes: bytes.len() })
}

/// What is different about who wrote a module and who reads it, on one line.
fn mismatch(found: &str, wanted: &str) -> String {
    let mut words = found.split(' ').zip(wanted.split(' '));
    let shown = |word: &str| Printable::name(&word.chars().take(40).collect::<String>()).to_string();
    match [words.next(), words.next()] {
        [Some((found, wanted)), _] if found != wanted => {
            format!("the module was compiled by version {}, this is {wanted}", shown(found))
        }
        [_, Some((found, wanted))] if found != wanted => {
            format!("the module was compiled for {}, not for {wanted}", shown(found))
        }
        _ => "the module was compiled with other settings, or for another kind of this machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::mismatch;

    #[test]
    fn a_mismatch_is_one_line() {
        let this = "0.1.0 x86_64 has_avx Flags { a: 1 }";
        for (found, message) in [
            ("0.2.0 x86_64 has_avx Flags { a: 1 }", "compiled by version 0.2.0, this is 0.1.0"),
            ("0.1.0 pulley64  Flags { a: 1 }", "compiled for pulley64, not for x86_64"),
            ("0.1.0 x86_64 has_avx Flags { a: 2 }", "compiled with other settings"),
            ("", "compiled by version , this is 0.1.0"),
            ("0\n1", "compiled by version 0\\n1, this"),
        ] {
            let text = mismatch(found, this);
            assert!(text.contains(message) && !text.contains('\n'), "{text}");
        }
    }
}

//! Compiled modules as bytes, and as files that are used in place.
//!
//! The format, numbers little-endian: a magic number; the version with the settings as text,
//! after its length (32 bits); the number of sections (32 bits), the length of the whole (64
//! bits); for each section its kind (32 bits), four zeros, where it begins (64 bits), its length
//! (64 bits) and its hash; the *seal*, the hash of all that so far; the sections. What is in
//! them is [`ModuleInfo`]'s and [`Image`]'s business, but for the WebAssembly module itself,
//! which debuggers read: it is there compressed and without its data segments, which have a
//! section to be copied from.
//!
//! *Integrity.* Hashes are BLAKE3's. The seal is checked when a module is opened, and covers
//! the hashes of the sections; a section is checked when it is first used, so opening a
//! module of any size reads a few pages. Nothing is decoded that nobody asks for.
//! Machine code of more than [`SMALL`] bytes is not checked in a mapped file: to check it
//! would be to read it all, which takes longer than most programs run. Hashes tell accidents; who can write the file can write
//! the right hashes.
//!
//! *Trust.* The cache signs the header ([`head`]) with a key of the user's, so it knows an entry
//! of its own by the first page, and one that somebody has planted is none. That the
//! pages behind the header are still those that it speaks of is for the file system
//! to see to: the cache takes only files that nobody but the user can write to. Who can
//! change such a file can change the program that reads it, too, so nothing would be gained by
//! hashing hundreds of megabytes at every start.

use crate::names::Printable;
use crate::vm::code::CodeFile;
use crate::{Engine, Result};
use anyhow::{Context as _, anyhow, bail, ensure};
use bytes::Bytes;
use sidetrack_artifact::{Architecture, Image, ModuleInfo, Section, SectionKind, compress_parts, decompress};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;

pub(crate) const MAGIC: &[u8; 8] = b"\0sidetrk";
const HASH: usize = 32;
/// Bytes of a section's entry in the header.
const ENTRY: usize = 24 + HASH;
/// What sections that are no code are aligned to.
const ALIGNMENT: usize = 16;
/// Machine code of so many bytes and fewer is checked when a file is opened, and so is all of
/// an entry of the cache, which takes less than a millisecond; a WebAssembly module of so many is
/// kept as it is.
const SMALL: usize = 1 << 20;
/// What is decoded or walked through when a module is loaded, and the code if it is to be checked.
const AT_ONCE: [SectionKind; 7] = [
    SectionKind::Info,
    SectionKind::Image,
    SectionKind::Functions,
    SectionKind::References,
    SectionKind::Symbols,
    SectionKind::SymbolOrder,
    SectionKind::Code,
];

/// A compiled module that is not loaded.
pub(crate) struct Artifact {
    pub info: ModuleInfo,
    pub image: Image,
    pub wasm: Wasm,
    /// Bytes of its serialised form, 0 if it has none.
    pub bytes: usize,
    /// The file that its code can be mapped from.
    pub file: Option<CodeFile>,
}

/// The bytes that a module was compiled from.
pub(crate) enum Wasm {
    Plain(Box<[u8]>),
    /// As [`pack`] makes them.
    Packed(Section),
}

impl Wasm {
    /// The bytes of a module, to be kept: only debuggers ask for them, so those of a large one
    /// are compressed.
    pub fn keep(info: &ModuleInfo, wasm: &[u8]) -> Self {
        if wasm.len() <= SMALL {
            Wasm::Plain(wasm.into())
        } else {
            Wasm::Packed(Section::new(pack(info, wasm)))
        }
    }
}

/// The version and the settings, which must be the same for writer and reader.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), engine.compiler().fingerprint())
}

/// Whether the bytes begin as an artifact does, or are all that is left of its beginning. The
/// first byte alone may be WebAssembly's.
pub(crate) fn is_artifact(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.len() > 1 && MAGIC.starts_with(bytes)
}

/// What decides all the rest of an artifact: its header, with the hashes of its sections.
pub(crate) fn head(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let len = u32::from_le_bytes(take(&mut rest).ok()?) as usize;
    rest = rest.get(len..)?;
    let count = u32::from_le_bytes(take(&mut rest).ok()?) as usize;
    let len = bytes.len() - rest.len() + size_of::<u64>() + count.checked_mul(ENTRY)?.checked_add(HASH)?;
    bytes.get(..len)
}

/// The module without its data, compressed, after its length.
fn pack(info: &ModuleInfo, wasm: &[u8]) -> Vec<u8> {
    let parts = info.without_data(wasm);
    let len: u64 = parts.clone().map(|part| part.len() as u64).sum();
    [&len.to_le_bytes()[..], &compress_parts(parts)].concat()
}

/// The module again; none if the bytes are damaged.
pub(crate) fn unpack(info: &ModuleInfo, packed: &[u8]) -> Option<Vec<u8>> {
    let (len, packed) = packed.split_first_chunk()?;
    let rest = decompress(packed, usize::try_from(u64::from_le_bytes(*len)).ok()?).ok()?;
    info.with_data(&rest)
}

/// What the code is aligned to in a file: the largest page of systems on the architecture.
fn code_alignment(architecture: Architecture) -> usize {
    if architecture == Architecture::Aarch64 { 1 << 16 } else { 1 << 12 }
}

/// A compiled module in the form of a file, of which only the header is made: the rest is
/// written out of the sections that it has anyway.
pub(crate) struct Serialized {
    /// The header, which decides all the rest.
    head: Vec<u8>,
    /// The sections with their places, in order.
    sections: Vec<(usize, Section)>,
    len: usize,
}

impl Serialized {
    /// A module with its code.
    pub fn new(engine: &Engine, info: &ModuleInfo, image: &Image, wasm: &Wasm) -> Self {
        let mut sections = info.to_sections();
        sections.extend(image.to_sections());
        let wasm = match wasm {
            Wasm::Plain(wasm) => Section::new(pack(info, wasm)),
            Wasm::Packed(section) => section.clone(),
        };
        sections.push((SectionKind::Wasm, wasm));
        sections.retain(|(_, section)| !section.is_empty());
        // Kinds are numbered in the order in which they are best read.
        sections.sort_by_key(|(kind, _)| *kind);
        let fingerprint = fingerprint(engine);
        let mut end = MAGIC.len() + 4 + fingerprint.len() + 12 + sections.len() * ENTRY + HASH;
        let mut placed = Vec::with_capacity(sections.len());
        let mut entries = Vec::with_capacity(sections.len() * ENTRY);
        for (kind, section) in sections {
            let is_code = kind == SectionKind::Code;
            let start =
                end.next_multiple_of(if is_code { code_alignment(image.architecture) } else { ALIGNMENT });
            end = start + section.len();
            entries.extend(u64::from(kind.number()).to_le_bytes());
            entries.extend((start as u64).to_le_bytes());
            entries.extend((section.len() as u64).to_le_bytes());
            entries.extend(blake3::hash(section.bytes()).as_bytes());
            placed.push((start, section));
        }
        let mut head = Vec::new();
        head.extend(MAGIC);
        head.extend((fingerprint.len() as u32).to_le_bytes());
        head.extend(fingerprint.as_bytes());
        head.extend((placed.len() as u32).to_le_bytes());
        head.extend((end as u64).to_le_bytes());
        head.extend(entries);
        let seal = blake3::hash(&head);
        head.extend(seal.as_bytes());
        Serialized { head, sections: placed, len: end }
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// What decides all the rest.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&self.head)?;
        let mut at = self.head.len();
        for (start, section) in &self.sections {
            to.write_all(&vec![0; start - at])?;
            to.write_all(section.bytes())?;
            at = start + section.len();
        }
        Ok(())
    }
}

/// Where sections are.
struct Header {
    /// Its own length.
    len: usize,
    sections: HashMap<SectionKind, (Range<usize>, [u8; HASH])>,
}

/// What is said of a file that ends too early.
const CUT_OFF: &str = "the compiled module is cut off";

/// The number at the start of the bytes, which are those behind it afterwards.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (number, rest) = bytes.split_first_chunk().context(CUT_OFF)?;
    *bytes = rest;
    Ok(*number)
}

impl Header {
    /// The header of an artifact of this engine's version and settings.
    fn read(engine: &Engine, artifact: &[u8]) -> Result<Self> {
        ensure!(is_artifact(artifact) || MAGIC.starts_with(artifact), "not a compiled module");
        let mut rest = artifact.strip_prefix(MAGIC).context(CUT_OFF)?;
        let len = u32::from_le_bytes(take(&mut rest)?) as usize;
        let (found, behind) = rest.split_at_checked(len).context(CUT_OFF)?;
        let wanted = fingerprint(engine);
        if found != wanted.as_bytes() {
            bail!("{}", mismatch(&String::from_utf8_lossy(found), &wanted));
        }
        rest = behind;
        let count = u32::from_le_bytes(take(&mut rest)?) as usize;
        let total = u64::from_le_bytes(take(&mut rest)?);
        ensure!(count <= SectionKind::ALL.len(), "the compiled module is damaged");
        let mut entries: Vec<[u8; ENTRY]> = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(take(&mut rest)?);
        }
        let sealed = &artifact[..artifact.len() - rest.len()];
        let found: [u8; HASH] = take(&mut rest)?;
        let len = artifact.len() - rest.len();
        ensure!(blake3::hash(sealed) == blake3::Hash::from(found), "the compiled module is damaged");
        ensure!(total <= artifact.len() as u64, CUT_OFF);
        ensure!(total == artifact.len() as u64, "the compiled module is damaged: something follows it");
        let mut sections = HashMap::new();
        for entry in &entries {
            let mut entry = &entry[..];
            let mut number = || take(&mut entry).map(u64::from_le_bytes);
            let [kind, start, size] = [number()?, number()?, number()?];
            let hash = take(&mut entry)?;
            let is = |known: &SectionKind| u64::from(known.number()) == kind;
            let kind = SectionKind::ALL.into_iter().find(is);
            let kind = kind.ok_or_else(|| anyhow!("the compiled module has an unknown section"))?;
            let end = start.checked_add(size).filter(|end| *end <= total);
            let end = end.ok_or_else(|| anyhow!("section {kind:?} is not there"))?;
            sections.insert(kind, (start as usize..end as usize, hash));
        }
        Ok(Header { len, sections })
    }
}

/// The module in the bytes, all of which are checked.
///
/// # Errors
/// If the bytes are damaged, or of another version or other settings.
pub(crate) fn read(engine: &Engine, bytes: &[u8]) -> Result<Artifact> {
    let sections = check(&Header::read(engine, bytes)?, bytes)?;
    let sections =
        sections.into_iter().map(|(kind, bytes)| (kind, Section::new(Bytes::copy_from_slice(bytes))));
    assemble(&sections.collect(), bytes.len(), None)
}

/// Checks all bytes behind a header; returns those of the sections.
fn check<'a>(header: &Header, bytes: &'a [u8]) -> Result<HashMap<SectionKind, &'a [u8]>> {
    let mut places: Vec<_> = header.sections.values().map(|(range, _)| range.clone()).collect();
    places.sort_by_key(|range| range.start);
    let ends = std::iter::once(header.len).chain(places.iter().map(|range| range.end));
    for (end, next) in ends.zip(&places) {
        let between = bytes.get(end..next.start).unwrap_or_default();
        ensure!(between.iter().all(|byte| *byte == 0), "the compiled module is damaged between sections");
    }
    let mut sections = HashMap::new();
    for (kind, (range, hash)) in &header.sections {
        let bytes = &bytes[range.clone()];
        ensure!(blake3::hash(bytes).as_bytes() == hash, "the compiled module is damaged in section {kind:?}");
        sections.insert(*kind, bytes);
    }
    Ok(sections)
}

/// As [`open`], for an entry of the cache: a small one is checked as a whole.
pub(crate) fn open_cached(engine: &Engine, file: File, bytes: Bytes) -> Result<Artifact> {
    if bytes.len() <= SMALL {
        check(&Header::read(engine, &bytes)?, &bytes)?;
    }
    open(engine, file, bytes)
}

/// The module in a file, whose contents `bytes` are; they are read as they are used.
///
/// # Errors
/// As [`read`], for what is checked at once.
pub(crate) fn open(engine: &Engine, file: File, bytes: Bytes) -> Result<Artifact> {
    let header = Header::read(engine, &bytes)?;
    let mut code = None;
    let section = |(kind, (range, hash)): (SectionKind, (Range<usize>, [u8; HASH]))| {
        let start = range.start as u64;
        let bytes = bytes.slice(range);
        if kind == SectionKind::Code {
            code = Some(start);
            if bytes.len() > SMALL {
                return (kind, Section::new(bytes));
            }
        }
        (kind, Section::checked_later(bytes, hash))
    };
    let sections = header.sections.into_iter().map(section).collect();
    let file = code.map(|offset| CodeFile { file, offset });
    assemble(&sections, bytes.len(), file)
}

fn assemble(
    sections: &HashMap<SectionKind, Section>,
    bytes: usize,
    file: Option<CodeFile>,
) -> Result<Artifact> {
    for kind in AT_ONCE {
        let damaged = sections.get(&kind).is_some_and(Section::is_damaged);
        ensure!(!damaged, "the compiled module is damaged in section {kind:?}");
    }
    let mut find = |kind| sections.get(&kind).cloned().unwrap_or_default();
    let info = ModuleInfo::from_sections(&mut find).context("the compiled module is damaged")?;
    let image = Image::from_sections(&mut find).context("the compiled module is damaged")?;
    let wasm = Wasm::Packed(find(SectionKind::Wasm));
    Ok(Artifact { info, image, wasm, bytes, file })
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

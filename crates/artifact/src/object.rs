//! ELF objects: compiled functions for another program to link, and their patch sites for it to find.
//!
//! The sites are in the section `sidetrack_patch_sites`. The name is a C identifier,
//! so the linker defines `__start_sidetrack_patch_sites` and `__stop_…` around the
//! records of all objects. A record is 64 bytes, aligned to 8, in the target's byte
//! order; in C:
//!
//! ```c
//! struct sidetrack_patch_site {
//!     unsigned char *site;        /* the first byte of the site */
//!     void *function;             /* the function that it is in */
//!     uint64_t tag;
//!     uint8_t len;                /* bytes in the site, and of each form in use */
//!     uint8_t kind;               /* 0 call, 1 try_call, 2 indirect */
//!     uint8_t initially_on;       /* which form the code has at first */
//!     uint8_t reserved[5];
//!     uint8_t on[16], off[16];    /* memcpy(site, on or off, len) switches it */
//! };
//! ```
//!
//! Both forms must be final when the object is written, since no ELF relocation
//! computes a displacement for one place (the site) and stores it at another (the
//! record). So a site calls into its own section, the distance to which is a
//! constant: the callee, if this object defines it, or else a veneer beside the code
//! that jumps to it.

mod elf;

use crate::{Architecture, CompiledFunction, Reloc, RelocKind, SiteKind, SymbolName, UnwindInfo, UnwindOp};
use elf::Target;
use gimli::write as dwarf;
use object::read::{Object as _, ObjectSection as _, ObjectSymbol as _};
use object::write;
use std::collections::HashMap;

/// The name of the section that the records are in.
pub const PATCH_SITES_SECTION: &str = "sidetrack_patch_sites";
/// Bytes in one record.
pub const RECORD_SIZE: usize = 64;
const FORM_SIZE: usize = 16;
const FIELD_FUNCTION: usize = 8;
const FIELD_TAG: usize = 16;
const FIELD_LEN: usize = 24;
const FIELD_KIND: usize = 25;
const FIELD_INITIALLY_ON: usize = 26;
const FIELD_ON: usize = 32;
const FIELD_OFF: usize = 48;

/// Why an object cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// No linker takes objects of this architecture.
    #[error("objects for {0:?} are not supported; run its code from an image")]
    Architecture(Architecture),
    /// Two functions have this name.
    #[error("duplicate symbol {0}")]
    Duplicate(SymbolName),
    /// A function's record contradicts itself or does not fit.
    #[error("{function}: {reason}")]
    Function {
        /// The function.
        function: SymbolName,
        /// What is wrong.
        reason: String,
    },
    /// The file's format.
    #[error("object file: {0}")]
    Format(String),
    /// A record of the patch site section.
    #[error("patch site record {index}: {reason}")]
    Record {
        /// Its index in the section.
        index: usize,
        /// What is wrong.
        reason: String,
    },
}

impl From<object::Error> for ObjectError {
    fn from(error: object::Error) -> Self {
        ObjectError::Format(error.to_string())
    }
}

impl From<object::write::Error> for ObjectError {
    fn from(error: object::write::Error) -> Self {
        ObjectError::Format(error.to_string())
    }
}

impl From<dwarf::Error> for ObjectError {
    fn from(error: dwarf::Error) -> Self {
        ObjectError::Format(error.to_string())
    }
}

/// One record of a relocatable object's patch site section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRecord {
    /// The linker's name of the function that the site is in.
    pub function: String,
    /// Offset of the site's first byte in the section of the code.
    pub site: u64,
    /// The user's tag.
    pub tag: u64,
    /// The kind of call.
    pub kind: SiteKind,
    /// Whether the code makes the call at first.
    pub initially_on: bool,
    /// The bytes that make the call.
    pub on: Vec<u8>,
    /// The bytes that do nothing.
    pub off: Vec<u8>,
}

/// The linker's name of a symbol: `%name` is `name`, `u1:2` is `u1_2`.
pub fn linker_name(name: &SymbolName) -> String {
    match name {
        SymbolName::User { namespace, index } => format!("u{namespace}_{index}"),
        SymbolName::Named(text) => text.clone(),
    }
}

/// Writes an object with the code, symbols, relocations, unwind tables and patch sites of `functions`.
///
/// # Errors
/// An architecture without objects; duplicate names; records that contradict themselves.
pub fn write_object(
    architecture: Architecture,
    functions: &[CompiledFunction],
) -> Result<Vec<u8>, ObjectError> {
    let target = elf::target(architecture).ok_or(ObjectError::Architecture(architecture))?;
    let mut writer = Writer::new(target);
    for function in functions {
        crate::link::check(function).map_err(|error| ObjectError::Function {
            function: function.name.clone(),
            reason: error.to_string(),
        })?;
        writer.define(function)?;
    }
    for (index, function) in functions.iter().enumerate() {
        writer.relocate(index, function)?;
    }
    writer.unwind_tables(functions)?;
    Ok(writer.object.write()?)
}

/// The object under construction. All code is in one section, so distances in it are final.
struct Writer {
    target: &'static Target,
    object: write::Object<'static>,
    text: write::SectionId,
    text_symbol: write::SymbolId,
    /// The records; writable, because a loader may have to relocate them.
    sites: write::SectionId,
    /// Offset of each function in the section, in their order.
    offsets: Vec<u64>,
    symbols: HashMap<SymbolName, (write::SymbolId, Option<u64>)>,
    veneers: HashMap<SymbolName, u64>,
}

impl Writer {
    fn new(target: &'static Target) -> Self {
        let mut object = write::Object::new(object::BinaryFormat::Elf, target.machine, target.endianness);
        object.flags = object::FileFlags::Elf {
            os_abi: object::elf::ELFOSABI_SYSV,
            abi_version: 0,
            e_flags: target.flags,
        };
        // Without this section linkers assume that the code needs an executable stack.
        object.add_section(vec![], b".note.GNU-stack".to_vec(), object::SectionKind::Other);
        let text = object.section_id(write::StandardSection::Text);
        let text_symbol = object.section_symbol(text);
        let sites = PATCH_SITES_SECTION.as_bytes().to_vec();
        let sites = object.add_section(vec![], sites, object::SectionKind::Data);
        let (symbols, veneers) = (HashMap::new(), HashMap::new());
        Writer { target, object, text, text_symbol, sites, offsets: vec![], symbols, veneers }
    }

    fn define(&mut self, function: &CompiledFunction) -> Result<(), ObjectError> {
        let offset =
            self.object.append_section_data(self.text, &function.code, u64::from(function.alignment));
        let symbol = self.object.add_symbol(write::Symbol {
            name: linker_name(&function.name).into_bytes(),
            value: offset,
            size: function.code.len() as u64,
            kind: object::SymbolKind::Text,
            scope: object::SymbolScope::Dynamic,
            weak: false,
            section: write::SymbolSection::Section(self.text),
            flags: object::SymbolFlags::None,
        });
        self.offsets.push(offset);
        if self.symbols.insert(function.name.clone(), (symbol, Some(offset))).is_some() {
            return Err(ObjectError::Duplicate(function.name.clone()));
        }
        Ok(())
    }

    /// The symbol of `name`, and its offset if this object defines it.
    fn symbol(&mut self, name: &SymbolName) -> (write::SymbolId, Option<u64>) {
        let object = &mut self.object;
        *self.symbols.entry(name.clone()).or_insert_with(|| {
            let symbol = write::Symbol {
                name: linker_name(name).into_bytes(),
                value: 0,
                size: 0,
                kind: object::SymbolKind::Unknown,
                scope: object::SymbolScope::Unknown,
                weak: false,
                section: write::SymbolSection::Undefined,
                flags: object::SymbolFlags::None,
            };
            (object.add_symbol(symbol), None)
        })
    }

    /// Where in the section a call of `name` leads: the function, or a veneer that jumps to it.
    fn local_target(&mut self, name: &SymbolName) -> Result<u64, ObjectError> {
        let (symbol, defined) = self.symbol(name);
        if let Some(offset) = defined.or_else(|| self.veneers.get(name).copied()) {
            return Ok(offset);
        }
        let offset = self.object.append_section_data(self.text, self.target.jump, 8);
        let (at, addend) = self.target.jump_at;
        for (delta, r_type) in elf::relocations(self.target, self.target.jump_kind).unwrap_or_default() {
            self.add_relocation(self.text, offset + at + delta, symbol, addend, r_type)?;
        }
        self.veneers.insert(name.clone(), offset);
        Ok(offset)
    }

    fn add_relocation(
        &mut self,
        section: write::SectionId,
        offset: u64,
        symbol: write::SymbolId,
        addend: i64,
        r_type: object::elf::RelocationType,
    ) -> Result<(), ObjectError> {
        let flags = object::RelocationFlags::Elf { r_type };
        Ok(self.object.add_relocation(section, write::Relocation { offset, symbol, addend, flags })?)
    }

    /// Relocates an `auipc` and the `addi` after it, whose relocation names the first.
    fn relocate_pc_relative(&mut self, place: u64, reloc: &Reloc) -> Result<(), ObjectError> {
        let (symbol, _) = self.symbol(&reloc.symbol);
        let (upper, lower) = (object::elf::R_RISCV_PCREL_HI20, object::elf::R_RISCV_PCREL_LO12_I);
        self.add_relocation(self.text, place, symbol, reloc.addend, upper)?;
        let here = self.object.add_symbol(write::Symbol {
            name: format!(".Lpcrel{place}").into_bytes(),
            value: place,
            size: 0,
            kind: object::SymbolKind::Label,
            scope: object::SymbolScope::Compilation,
            weak: false,
            section: write::SymbolSection::Section(self.text),
            flags: object::SymbolFlags::None,
        });
        self.add_relocation(self.text, place + 4, here, 0, lower)
    }

    /// Adds the relocations and patch sites of a function.
    fn relocate(&mut self, index: usize, function: &CompiledFunction) -> Result<(), ObjectError> {
        let base = self.offsets[index];
        let failed =
            |reason: &str| ObjectError::Function { function: function.name.clone(), reason: reason.into() };
        let in_site = |offset: u32| {
            let first = function.patch_sites.partition_point(|site| site.end <= offset);
            function.patch_sites.get(first).is_some_and(|site| site.start() <= offset)
        };
        for reloc in function.relocs.iter().filter(|reloc| !in_site(reloc.offset)) {
            let place = base + u64::from(reloc.offset);
            let parts = match (reloc.kind, elf::relocations(self.target, reloc.kind)) {
                (_, Some(parts)) => parts,
                (RelocKind::RiscvPcRel, None) => {
                    self.relocate_pc_relative(place, reloc)?;
                    continue;
                }
                _ => return Err(failed("a relocation that objects do not have")),
            };
            let (symbol, _) = self.symbol(&reloc.symbol);
            for (delta, r_type) in parts {
                self.add_relocation(self.text, place + delta, symbol, reloc.addend, r_type)?;
            }
        }
        for site in &function.patch_sites {
            let mut on = site.on.clone();
            let first = function.relocs.partition_point(|reloc| reloc.offset < site.start());
            for reloc in function.relocs[first..].iter().take_while(|reloc| reloc.offset < site.end) {
                if !reloc.kind.is_call() {
                    return Err(failed("a relocation in a patch site is not that of a call"));
                }
                let place = base + u64::from(reloc.offset);
                let target = self.local_target(&reloc.symbol)? as i64;
                let target = target.checked_add(reloc.addend);
                let at = (reloc.offset - site.start()) as usize;
                let field = on
                    .get_mut(at..at + reloc.kind.size() as usize)
                    .ok_or_else(|| failed("a relocation crosses a patch site"))?;
                let place = u32::try_from(place).ok();
                target
                    .zip(place)
                    .and_then(|(target, place)| crate::link::write_field(reloc.kind, field, place, target))
                    .ok_or_else(|| failed("a patch site's callee is out of reach"))?;
            }
            let mut off = site.off.clone();
            if self.target.machine == object::Architecture::S390x && off.len() == 6 && on.len() == 6 {
                // There the off form keeps the displacement.
                off[2..].copy_from_slice(&on[2..]);
            }
            let start = base + u64::from(site.start());
            let form = if site.initially_on { &on } else { &off };
            let code = self.object.section_mut(self.text).data_mut();
            code[start as usize..start as usize + form.len()].copy_from_slice(form);
            let big = self.target.endianness == object::Endianness::Big;
            let tag = if big { site.tag.to_be_bytes() } else { site.tag.to_le_bytes() };
            let record = record(tag, site.kind, site.initially_on, &on, &off)
                .ok_or_else(|| failed("a patch site is longer than 16 bytes"))?;
            let section = self.sites;
            let at = self.object.append_section_data(section, &record, 8);
            self.add_relocation(section, at, self.text_symbol, start as i64, self.target.abs64)?;
            let (symbol, _) = self.symbol(&function.name);
            self.add_relocation(section, at + FIELD_FUNCTION as u64, symbol, 0, self.target.abs64)?;
        }
        Ok(())
    }

    /// Adds `.eh_frame`.
    fn unwind_tables(&mut self, functions: &[CompiledFunction]) -> Result<(), ObjectError> {
        let encoding = gimli::Encoding { address_size: 8, format: gimli::Format::Dwarf32, version: 1 };
        let mut table = dwarf::FrameTable::default();
        let target = self.target;
        let mut cie = dwarf::CommonInformationEntry::new(encoding, 1, -8, target.return_address);
        cie.fde_address_encoding =
            gimli::DwEhPe(gimli::constants::DW_EH_PE_pcrel.0 | gimli::constants::DW_EH_PE_sdata4.0);
        let pushed = if target.pushed { 8 } else { 0 };
        cie.add_instruction(dwarf::CallFrameInstruction::Cfa(target.stack, pushed));
        if target.pushed {
            cie.add_instruction(dwarf::CallFrameInstruction::Offset(target.return_address, -8));
        }
        let cie = table.add_cie(cie);
        for (index, function) in functions.iter().enumerate() {
            // Addresses are written as offsets in the section of the code.
            let address = dwarf::Address::Symbol { symbol: 0, addend: self.offsets[index] as i64 };
            let mut fde = dwarf::FrameDescriptionEntry::new(address, function.code.len() as u32);
            add_unwind(&mut fde, &function.unwind, target).ok_or_else(|| ObjectError::Function {
                function: function.name.clone(),
                reason: "a stack offset in the unwind information is too large".to_string(),
            })?;
            table.add_fde(cie, fde);
        }
        let mut frames = dwarf::EhFrame::from(Recorder::new(target));
        table.write_eh_frame(&mut frames)?;
        let section = self.object.section_id(write::StandardSection::EhFrame);
        let at = self.object.append_section_data(section, frames.0.bytes.slice(), 8);
        for reloc in &frames.0.relocations {
            let r_type = if reloc.eh_pe.is_some() { target.rel32 } else { target.abs64 };
            self.add_relocation(section, at + reloc.offset as u64, self.text_symbol, reloc.addend, r_type)?;
        }
        Ok(())
    }
}

/// Collects the relocations of `.eh_frame` while it is written.
struct Recorder {
    bytes: dwarf::EndianVec<gimli::RunTimeEndian>,
    relocations: Vec<dwarf::Relocation>,
}

impl Recorder {
    fn new(target: &Target) -> Self {
        let endian = match target.endianness {
            object::Endianness::Little => gimli::RunTimeEndian::Little,
            object::Endianness::Big => gimli::RunTimeEndian::Big,
        };
        Recorder { bytes: dwarf::EndianVec::new(endian), relocations: vec![] }
    }
}

impl dwarf::RelocateWriter for Recorder {
    type Writer = dwarf::EndianVec<gimli::RunTimeEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: dwarf::Relocation) {
        self.relocations.push(relocation);
    }
}

/// Adds a function's unwind steps; none if an offset does not fit.
fn add_unwind(fde: &mut dwarf::FrameDescriptionEntry, unwind: &UnwindInfo, target: &Target) -> Option<()> {
    use dwarf::CallFrameInstruction as Cfi;
    for (offset, op) in &unwind.ops {
        match op {
            UnwindOp::PushFrame { size } => {
                let size = i32::try_from(*size).ok()?;
                fde.add_instruction(*offset, Cfi::CfaOffset(size));
                fde.add_instruction(*offset, Cfi::Offset(target.frame, -size));
                if !target.pushed {
                    // The return address is above the caller's frame pointer.
                    fde.add_instruction(*offset, Cfi::Offset(target.return_address, 8 - size));
                }
            }
            UnwindOp::DefineFrame => fde.add_instruction(*offset, Cfi::CfaRegister(target.frame)),
            UnwindOp::SaveReg { reg, cfa_offset } => {
                let below = i32::try_from(*cfa_offset).ok()?;
                fde.add_instruction(*offset, Cfi::Offset(gimli::Register(*reg), -below));
            }
        }
    }
    Some(())
}

/// The bytes of a record, its addresses left to relocations; none if a form is too long.
fn record(
    tag: [u8; 8],
    kind: SiteKind,
    initially_on: bool,
    on: &[u8],
    off: &[u8],
) -> Option<[u8; RECORD_SIZE]> {
    let mut record = [0; RECORD_SIZE];
    let kind = KINDS.iter().position(|k| *k == kind)?;
    record[FIELD_TAG..FIELD_TAG + 8].copy_from_slice(&tag);
    record[FIELD_LEN] = on.len() as u8;
    record[FIELD_KIND] = kind as u8;
    record[FIELD_INITIALLY_ON] = u8::from(initially_on);
    record[FIELD_ON..FIELD_ON + FORM_SIZE].get_mut(..on.len())?.copy_from_slice(on);
    record[FIELD_OFF..FIELD_OFF + FORM_SIZE].get_mut(..off.len())?.copy_from_slice(off);
    Some(record)
}

/// The kinds by their numbers.
const KINDS: [SiteKind; 3] = [SiteKind::Call, SiteKind::TryCall, SiteKind::Indirect];

/// Reads the patch sites of a relocatable object that [`write_object`] wrote; none if it has no such section.
///
/// # Errors
/// A file of another format; a record that is cut short or makes no sense.
pub fn read_patch_sites(bytes: &[u8]) -> Result<Vec<SiteRecord>, ObjectError> {
    let file = object::File::parse(bytes)?;
    let Some(section) = file.section_by_name(PATCH_SITES_SECTION) else { return Ok(vec![]) };
    let mut addresses = HashMap::new();
    for (offset, reloc) in section.relocations() {
        if let object::RelocationTarget::Symbol(symbol) = reloc.target() {
            addresses.insert(offset, (symbol, reloc.addend()));
        }
    }
    let data = section.data()?;
    let mut sites = vec![];
    for (index, bytes) in data.chunks(RECORD_SIZE).enumerate() {
        let failed = |reason: &str| ObjectError::Record { index, reason: reason.to_string() };
        let record: &[u8; RECORD_SIZE] = bytes.try_into().map_err(|_| failed("cut short"))?;
        let at = (index * RECORD_SIZE) as u64;
        let address =
            |field: usize| addresses.get(&(at + field as u64)).ok_or_else(|| failed("no relocation"));
        let (site_symbol, site_addend) = *address(0)?;
        let (function_symbol, _) = *address(FIELD_FUNCTION)?;
        let site = file.symbol_by_index(site_symbol)?.address().wrapping_add_signed(site_addend);
        let function = file.symbol_by_index(function_symbol)?.name()?.to_string();
        let len = usize::from(record[FIELD_LEN]);
        if len == 0 || len > FORM_SIZE {
            return Err(failed("the length is not 1 to 16"));
        }
        let tag = record[FIELD_TAG..FIELD_TAG + 8].try_into().map_err(|_| failed("tag"))?;
        let little = file.is_little_endian();
        let tag = if little { u64::from_le_bytes(tag) } else { u64::from_be_bytes(tag) };
        let kind = KINDS.get(usize::from(record[FIELD_KIND])).ok_or_else(|| failed("unknown kind"))?;
        sites.push(SiteRecord {
            function,
            site,
            tag,
            kind: *kind,
            initially_on: record[FIELD_INITIALLY_ON] != 0,
            on: record[FIELD_ON..FIELD_ON + len].to_vec(),
            off: record[FIELD_OFF..FIELD_OFF + len].to_vec(),
        });
    }
    Ok(sites)
}

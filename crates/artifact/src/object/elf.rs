//! What differs from one instruction set's objects to another's, as data.

use crate::{Architecture, RelocKind};
use gimli::Register;
use object::elf::{self, RelocationType};

/// An instruction set's objects.
#[derive(Debug)]
pub(super) struct Target {
    /// The file's machine.
    pub machine: object::Architecture,
    /// The file's byte order.
    pub endianness: object::Endianness,
    /// The relocation of an address of 8 bytes.
    pub abs64: RelocationType,
    /// The relocation of a distance of 4 bytes.
    pub rel32: RelocationType,
    /// A jump to a symbol that the linker gives whatever reach it takes.
    pub jump: &'static [u8],
    /// The header's flags: which of the platform's conventions the code is for.
    pub flags: elf::FileFlags,
    /// The relocations of that jump.
    pub jump_kind: RelocKind,
    /// Where they apply in it, and what is added to the symbol.
    pub jump_at: (u64, i64),
    /// The register of the return address on entry; on x86-64 its place in the table.
    pub return_address: Register,
    /// Whether a call pushes the return address.
    pub pushed: bool,
    /// The stack pointer and the frame pointer.
    pub stack: Register,
    /// The frame pointer.
    pub frame: Register,
}

const X86_64: Target = Target {
    machine: object::Architecture::X86_64,
    endianness: object::Endianness::Little,
    abs64: elf::R_X86_64_64,
    rel32: elf::R_X86_64_PC32,
    jump: &[0xE9, 0, 0, 0, 0],
    flags: elf::FileFlags(0),
    jump_kind: RelocKind::X86CallPcRel4,
    jump_at: (1, -4),
    return_address: gimli::X86_64::RA,
    pushed: true,
    stack: gimli::X86_64::RSP,
    frame: gimli::X86_64::RBP,
};

const AARCH64: Target = Target {
    machine: object::Architecture::Aarch64,
    endianness: object::Endianness::Little,
    abs64: elf::R_AARCH64_ABS64,
    rel32: elf::R_AARCH64_PREL32,
    // b
    jump: &[0, 0, 0, 0x14],
    flags: elf::FileFlags(0),
    jump_kind: RelocKind::Aarch64Call26,
    jump_at: (0, 0),
    return_address: gimli::AArch64::X30,
    pushed: false,
    stack: gimli::AArch64::SP,
    frame: gimli::AArch64::X29,
};

const RISCV64: Target = Target {
    machine: object::Architecture::Riscv64,
    endianness: object::Endianness::Little,
    abs64: elf::R_RISCV_64,
    rel32: elf::R_RISCV_32_PCREL,
    // auipc t6, 0; jr t6
    jump: &[0x97, 0x0f, 0, 0, 0x67, 0x80, 0x0f, 0],
    // Floats travel in registers of 64 bits.
    flags: elf::EF_RISCV_FLOAT_ABI_DOUBLE,
    jump_kind: RelocKind::RiscvCall,
    jump_at: (0, 0),
    return_address: gimli::RiscV::X1,
    pushed: false,
    stack: gimli::RiscV::X2,
    frame: gimli::RiscV::X8,
};

const S390X: Target = Target {
    machine: object::Architecture::S390x,
    endianness: object::Endianness::Big,
    abs64: elf::R_390_64,
    rel32: elf::R_390_PC32,
    // jg
    jump: &[0xc0, 0xf4, 0, 0, 0, 0],
    flags: elf::FileFlags(0),
    jump_kind: RelocKind::S390xCall32,
    jump_at: (2, 2),
    return_address: Register(14),
    pushed: false,
    stack: Register(15),
    frame: Register(11),
};

/// The objects of an architecture, if it has any.
pub(super) fn target(architecture: Architecture) -> Option<&'static Target> {
    match architecture {
        Architecture::X86_64 => Some(&X86_64),
        Architecture::Aarch64 => Some(&AARCH64),
        Architecture::Riscv64 => Some(&RISCV64),
        Architecture::S390x => Some(&S390X),
        Architecture::Pulley64 => None,
    }
}

/// The file's relocations for one of ours, each with its distance from the place:
/// one, or two for two instructions. None for bytecode, and where the second of
/// them would have to name the first.
pub(super) fn relocations(target: &Target, kind: RelocKind) -> Option<Vec<(u64, RelocationType)>> {
    let one = |r_type| Some(vec![(0, r_type)]);
    match kind {
        RelocKind::Abs8 => one(target.abs64),
        RelocKind::X86CallPcRel4 => one(elf::R_X86_64_PLT32),
        RelocKind::X86PcRel4 => one(elf::R_X86_64_PC32),
        RelocKind::Aarch64Call26 => one(elf::R_AARCH64_CALL26),
        RelocKind::Aarch64PageOffset => {
            Some(vec![(0, elf::R_AARCH64_ADR_PREL_PG_HI21), (4, elf::R_AARCH64_ADD_ABS_LO12_NC)])
        }
        RelocKind::RiscvJal => one(elf::R_RISCV_JAL),
        RelocKind::RiscvCall => one(elf::R_RISCV_CALL_PLT),
        RelocKind::RiscvPcRel | RelocKind::PulleyPcRel => None,
        RelocKind::S390xCall32 => one(elf::R_390_PLT32DBL),
        RelocKind::S390xPcRel32 => one(elf::R_390_PC32DBL),
    }
}

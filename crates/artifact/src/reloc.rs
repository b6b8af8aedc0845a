//! References from code to symbols that are resolved when code is linked.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of something outside a function's own code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SymbolName {
    /// A numbered function or datum of the user, `uNAMESPACE:INDEX`.
    User {
        /// Which of the user's tables the index is in.
        namespace: u32,
        /// The index in that table.
        index: u32,
    },
    /// A symbol given by its text, `%name`.
    Named(String),
}

impl fmt::Display for SymbolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SymbolName::User { namespace, index } => write!(f, "u{namespace}:{index}"),
            SymbolName::Named(name) => write!(f, "%{name}"),
        }
    }
}

/// How a relocation's bytes are computed from symbol address `S`, addend `A`
/// and the address `P` of the relocated bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RelocKind {
    /// 8 bytes in the target's byte order: `S + A`.
    Abs8,
    /// 4 bytes little-endian, the displacement of an x86-64 call or jump:
    /// `S + A - P`, where `A` is -4 for a displacement that ends the instruction.
    X86CallPcRel4,
    /// 4 bytes little-endian, an x86-64 RIP-relative operand: `S + A - P`.
    X86PcRel4,
    /// A Pulley call's 4-byte little-endian displacement, relative to the start
    /// of the call instruction: `S + A - P`, where `A` makes up for the opcode.
    PulleyPcRel,
    /// 4 bytes, the displacement of an AArch64 `b` or `bl`: `S + A - P`, in words,
    /// within 128 MiB.
    Aarch64Call26,
    /// 8 bytes, an AArch64 `adrp` and the `add` after it: the distance of `S + A`'s
    /// page from P's, and the offset in the page. The code's place must be known
    /// modulo 4096.
    Aarch64PageOffset,
    /// 4 bytes, the displacement of a RISC-V `jal`: `S + A - P`, within 1 MiB.
    RiscvJal,
    /// 8 bytes, a RISC-V `auipc` and the `jalr` after it: `S + A - P`.
    RiscvCall,
    /// 8 bytes, a RISC-V `auipc` and the `addi` after it: `S + A - P`.
    RiscvPcRel,
    /// 4 bytes big-endian, the displacement of an s390x `brasl` or `brcl`:
    /// `S + A - P`, in halfwords, where `A` is 2, the opcode's length.
    S390xCall32,
    /// As [`RelocKind::S390xCall32`], of an instruction that does not call, such as
    /// `larl`.
    S390xPcRel32,
}

impl RelocKind {
    /// How many bytes the relocation overwrites.
    pub fn size(self) -> u32 {
        match self {
            RelocKind::Abs8 | RelocKind::Aarch64PageOffset | RelocKind::RiscvCall | RelocKind::RiscvPcRel => {
                8
            }
            RelocKind::X86CallPcRel4
            | RelocKind::X86PcRel4
            | RelocKind::PulleyPcRel
            | RelocKind::Aarch64Call26
            | RelocKind::RiscvJal
            | RelocKind::S390xCall32
            | RelocKind::S390xPcRel32 => 4,
        }
    }

    /// Whether it is the displacement of one call or jump instruction.
    pub fn is_call(self) -> bool {
        matches!(
            self,
            RelocKind::X86CallPcRel4
                | RelocKind::PulleyPcRel
                | RelocKind::Aarch64Call26
                | RelocKind::RiscvJal
                | RelocKind::S390xCall32
        )
    }

    /// How far from its place a call may lead, in bytes; none if to wherever an image
    /// can have code.
    pub fn reach(self) -> Option<u32> {
        match self {
            RelocKind::Aarch64Call26 => Some((1 << 27) - 4),
            RelocKind::RiscvJal => Some((1 << 20) - 2),
            _ => None,
        }
    }
}

/// One unresolved reference in code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloc {
    /// Code offset of the first byte to overwrite.
    pub offset: u32,
    /// How to compute the bytes.
    pub kind: RelocKind,
    /// The symbol referred to.
    pub symbol: SymbolName,
    /// The constant added to the symbol's address.
    pub addend: i64,
}

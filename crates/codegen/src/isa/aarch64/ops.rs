//! The instruction table: operations of each shape with their names and encodings.
//!
//! A row's number is the instruction's word with all operand fields zero, in its form
//! of 32 bits, single precision or bytes; the shape adds the fields and the bits for
//! other widths (`encode`).

use sidetrack_ir::{IntCC, Type};

/// The width of an integer operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// 32 bits; the upper half of the destination becomes zero.
    S32,
    /// 64 bits.
    S64,
}

impl Size {
    /// The width of operations on a type.
    pub fn of(ty: Type) -> Size {
        if ty.bits() == 64 { Size::S64 } else { Size::S32 }
    }

    /// The width in bits.
    pub fn bits(self) -> u8 {
        if self == Size::S64 { 64 } else { 32 }
    }
}

/// A condition on the flags; the value is the hardware's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Cc {
    Eq,
    Ne,
    /// Carry set: not lower.
    Hs,
    /// Carry clear: lower.
    Lo,
    Mi,
    Pl,
    Vs,
    Vc,
    Hi,
    Ls,
    Ge,
    Lt,
    Gt,
    Le,
}

impl Cc {
    /// All of them with their names.
    pub const ALL: [(Cc, &'static str); 14] = [
        (Cc::Eq, "eq"),
        (Cc::Ne, "ne"),
        (Cc::Hs, "hs"),
        (Cc::Lo, "lo"),
        (Cc::Mi, "mi"),
        (Cc::Pl, "pl"),
        (Cc::Vs, "vs"),
        (Cc::Vc, "vc"),
        (Cc::Hi, "hi"),
        (Cc::Ls, "ls"),
        (Cc::Ge, "ge"),
        (Cc::Lt, "lt"),
        (Cc::Gt, "gt"),
        (Cc::Le, "le"),
    ];

    /// The opposite condition.
    pub fn inverted(self) -> Cc {
        Cc::ALL[(self as u8 ^ 1) as usize].0
    }

    /// The condition after a comparison of two integers.
    pub fn of(cc: IntCC) -> Cc {
        match cc {
            IntCC::Equal => Cc::Eq,
            IntCC::NotEqual => Cc::Ne,
            IntCC::SignedLessThan => Cc::Lt,
            IntCC::SignedGreaterThanOrEqual => Cc::Ge,
            IntCC::SignedGreaterThan => Cc::Gt,
            IntCC::SignedLessThanOrEqual => Cc::Le,
            IntCC::UnsignedLessThan => Cc::Lo,
            IntCC::UnsignedGreaterThanOrEqual => Cc::Hs,
            IntCC::UnsignedGreaterThan => Cc::Hi,
            IntCC::UnsignedLessThanOrEqual => Cc::Ls,
        }
    }
}

/// A table of operations: an enum, its rows' numbers, and its names for tests.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal $bits:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// All of them with their names.
            #[cfg(test)]
            pub const ALL: &'static [($name, &'static str)] = &[$(($name::$variant, $text),)*];

            /// The word without operands.
            pub fn bits(self) -> u32 {
                match self { $($name::$variant => $bits,)* }
            }
        }
    };
}
pub(super) use table;

table! {
    /// `dst = n op m`, where `m` is a register, perhaps shifted. Those that are in
    /// [`AluOp::extended`] or [`AluOp::immediate`] take other operands as well.
    AluOp {
        Add  "add"  0x0b00_0000;
        Adds "adds" 0x2b00_0000;
        Sub  "sub"  0x4b00_0000;
        Subs "subs" 0x6b00_0000;
        And  "and"  0x0a00_0000;
        Bic  "bic"  0x0a20_0000;
        Orr  "orr"  0x2a00_0000;
        Orn  "orn"  0x2a20_0000;
        Eor  "eor"  0x4a00_0000;
        Eon  "eon"  0x4a20_0000;
        Ands "ands" 0x6a00_0000;
    }
}

impl AluOp {
    /// The form whose `m` is extended, if there is one.
    pub fn extended(self) -> Option<u32> {
        self.is_arithmetic().then(|| self.bits() | 0x0020_0000)
    }

    /// The form whose `m` is a constant, if there is one: of twelve bits for
    /// arithmetic, else a pattern of bits.
    pub fn immediate(self) -> Option<u32> {
        let inverted = matches!(self, AluOp::Bic | AluOp::Orn | AluOp::Eon);
        let base = if self.is_arithmetic() { 0x1100_0000 } else { 0x1200_0000 };
        (!inverted).then_some(base | self.bits() & 0x6000_0000)
    }

    /// Whether it adds or subtracts.
    pub fn is_arithmetic(self) -> bool {
        matches!(self, AluOp::Add | AluOp::Adds | AluOp::Sub | AluOp::Subs)
    }
}

table! {
    /// `dst = n op m`
    Op2 {
        Udiv  "udiv"  0x1ac0_0800;
        Sdiv  "sdiv"  0x1ac0_0c00;
        Lslv  "lslv"  0x1ac0_2000;
        Lsrv  "lsrv"  0x1ac0_2400;
        Asrv  "asrv"  0x1ac0_2800;
        Rorv  "rorv"  0x1ac0_2c00;
        Adcs  "adcs"  0x3a00_0000;
        Sbcs  "sbcs"  0x7a00_0000;
        Smulh "smulh" 0x9b40_7c00;
        Umulh "umulh" 0x9bc0_7c00;
    }
}

table! {
    /// `dst = op n`
    Op1 {
        Rbit  "rbit"  0x5ac0_0000;
        Rev16 "rev16" 0x5ac0_0400;
        Rev   "rev"   0x5ac0_0800;
        Clz   "clz"   0x5ac0_1000;
        Cls   "cls"   0x5ac0_1400;
    }
}

table! {
    /// `dst = a ± n * m`; the long ones have factors of 32 bits and a sum of 64.
    Op3 {
        Madd   "madd"   0x1b00_0000;
        Msub   "msub"   0x1b00_8000;
        Smaddl "smaddl" 0x9b20_0000;
        Smsubl "smsubl" 0x9b20_8000;
        Umaddl "umaddl" 0x9ba0_0000;
        Umsubl "umsubl" 0x9ba0_8000;
    }
}

table! {
    /// Moves of fields of bits.
    BitfieldOp {
        Sbfm "sbfm" 0x1300_0000;
        Ubfm "ubfm" 0x5300_0000;
    }
}

table! {
    /// `n` if the condition holds, else something made of `m`.
    CselOp {
        Csel  "csel"  0x1a80_0000;
        Csinc "csinc" 0x1a80_0400;
        Csinv "csinv" 0x5a80_0000;
        Csneg "csneg" 0x5a80_0400;
    }
}

table! {
    /// Sixteen bits of a constant.
    MovOp {
        Movn "movn" 0x1280_0000;
        Movz "movz" 0x5280_0000;
        Movk "movk" 0x7280_0000;
    }
}

table! {
    /// Loads and stores of one register.
    MemOp {
        Strb   "strb"   0x3800_0000;
        Ldrb   "ldrb"   0x3840_0000;
        LdrsbX "ldrsb"  0x3880_0000;
        LdrsbW "ldrsb"  0x38c0_0000;
        Strh   "strh"   0x7800_0000;
        Ldrh   "ldrh"   0x7840_0000;
        LdrshX "ldrsh"  0x7880_0000;
        LdrshW "ldrsh"  0x78c0_0000;
        StrW   "str"    0xb800_0000;
        LdrW   "ldr"    0xb840_0000;
        LdrswX "ldrsw"  0xb880_0000;
        StrX   "str"    0xf800_0000;
        LdrX   "ldr"    0xf840_0000;
        StrS   "str"    0xbc00_0000;
        LdrS   "ldr"    0xbc40_0000;
        StrD   "str"    0xfc00_0000;
        LdrD   "ldr"    0xfc40_0000;
        StrQ   "str"    0x3c80_0000;
        LdrQ   "ldr"    0x3cc0_0000;
    }
}

impl MemOp {
    /// The logarithm of the access's size in bytes.
    pub fn scale(self) -> u8 {
        match self {
            MemOp::StrQ | MemOp::LdrQ => 4,
            _ => (self.bits() >> 30) as u8,
        }
    }
}

table! {
    /// Loads and stores of two registers, at an offset, and with the base changed.
    PairOp {
        StpX     "stp" 0xa900_0000;
        LdpX     "ldp" 0xa940_0000;
        StpD     "stp" 0x6d00_0000;
        LdpD     "ldp" 0x6d40_0000;
        StpQ     "stp" 0xad00_0000;
        LdpQ     "ldp" 0xad40_0000;
        StpXPre  "stp" 0xa980_0000;
        LdpXPost "ldp" 0xa8c0_0000;
    }
}

table! {
    /// Atomic accesses at an address in a register; the width is in the upper bits.
    /// Register `s` of `Stlxr` says whether it failed.
    AtomicOp {
        Ldar     "ldar"     0x08df_fc00;
        Stlr     "stlr"     0x089f_fc00;
        Ldaxr    "ldaxr"    0x085f_fc00;
        Stlxr    "stlxr"    0x0800_fc00;
    }
}

table! {
    /// Atomic changes (LSE): memory op= `s`, `t` is the old value. For `Cas` `s` is the
    /// value expected and becomes the old one, and `t` is the new one.
    LseOp {
        Ldadd  "ldaddal"  0x38e0_0000;
        Ldclr  "ldclral"  0x38e0_1000;
        Ldeor  "ldeoral"  0x38e0_2000;
        Ldset  "ldsetal"  0x38e0_3000;
        Ldsmax "ldsmaxal" 0x38e0_4000;
        Ldsmin "ldsminal" 0x38e0_5000;
        Ldumax "ldumaxal" 0x38e0_6000;
        Ldumin "lduminal" 0x38e0_7000;
        Swp    "swpal"    0x38e0_8000;
        Cas    "casal"    0x08e0_fc00;
    }
}

table! {
    /// `dst = n op m` on scalar floats.
    Fp2 {
        Fmul   "fmul"   0x1e20_0800;
        Fdiv   "fdiv"   0x1e20_1800;
        Fadd   "fadd"   0x1e20_2800;
        Fsub   "fsub"   0x1e20_3800;
        Fmax   "fmax"   0x1e20_4800;
        Fmin   "fmin"   0x1e20_5800;
    }
}

table! {
    /// `dst = op n` on scalar floats.
    Fp1 {
        Fabs   "fabs"   0x1e20_c000;
        Fneg   "fneg"   0x1e21_4000;
        Fsqrt  "fsqrt"  0x1e21_c000;
        Frintn "frintn" 0x1e24_4000;
        Frintp "frintp" 0x1e24_c000;
        Frintm "frintm" 0x1e25_4000;
        Frintz "frintz" 0x1e25_c000;
    }
}

table! {
    /// `dst = ±a ± n * m` with one rounding.
    Fp3 {
        Fmadd  "fmadd"  0x1f00_0000;
        Fmsub  "fmsub"  0x1f00_8000;
        Fnmadd "fnmadd" 0x1f20_0000;
        Fnmsub "fnmsub" 0x1f20_8000;
    }
}

table! {
    /// From an integer register to a scalar float, both of any width.
    FromInt {
        Scvtf "scvtf" 0x1e22_0000;
        Ucvtf "ucvtf" 0x1e23_0000;
    }
}

table! {
    /// From a scalar float to an integer register, both of any width: towards zero,
    /// NaN to zero, what does not fit to the nearest integer.
    ToInt {
        Fcvtzs "fcvtzs" 0x1e38_0000;
        Fcvtzu "fcvtzu" 0x1e39_0000;
    }
}

//! The table of instructions.
//!
//! A row is the assembler's name, the format, what the registers are in the assembler's
//! order (`r` an integer register, `p` the even one of a pair, `f` a float, `m` a
//! condition), and the opcode. Encoding, and the test against an independent disassembler,
//! read it.

/// Where an instruction's operands are. Names are the architecture's, but for the
/// letters behind, which tell apart what the assembler writes in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Two registers, 2 bytes.
    Rr,
    /// Two registers, 4 bytes.
    Rre,
    /// One register, 4 bytes.
    Re,
    /// Three registers.
    RrfA,
    /// Three registers, the second of the text where the mask is elsewhere.
    RrfB,
    /// Two registers and a condition.
    RrfC,
    /// Two registers and a mask, which the assembler writes behind them.
    RrfM,
    /// Two registers, rounding mode before the second, and a modifier.
    RrfE,
    /// Three registers of which the first is read, too.
    Rrd,
    /// Register and 16 bits with sign.
    Ri,
    /// Register and 16 bits without sign.
    RiU,
    /// Register and 32 bits with sign.
    Ril,
    /// Register and 32 bits without sign.
    RilU,
    /// Register and distance of 32 bits.
    RilP,
    /// Condition and distance of 16 bits.
    RiB,
    /// Condition and distance of 32 bits.
    RilB,
    /// Register and address with 12 bits without sign.
    Rx,
    /// Register and address with 20 bits with sign.
    Rxy,
    /// Register, register, address without index, 12 bits.
    Rs,
    /// Register, register, address without index, 20 bits.
    Rsy,
    /// Two registers and three numbers of 8 bits.
    RieF,
    /// Register, condition, 16 bits with sign.
    RieG,
    /// Two registers, condition, distance of 16 bits.
    RieB,
    /// Register, 8 bits with sign, condition, distance.
    RieC,
    /// Register, 8 bits without sign, condition, distance.
    RieCU,
}

macro_rules! ops {
    ($($variant:ident $text:literal $format:ident $regs:literal $opcode:literal;)*) => {
        /// A machine instruction without its operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Op { $($variant,)* }

        impl Op {
            /// All of them with their names and what their registers are.
            #[cfg(test)]
            pub const ALL: &'static [(Op, &'static str, &'static str)] =
                &[$((Op::$variant, $text, $regs),)*];

            /// The operands' places.
            pub const fn format(self) -> Format {
                match self { $(Op::$variant => Format::$format,)* }
            }

            /// The opcode: the first byte, and what the format has of it elsewhere, as
            /// the last digits.
            pub const fn opcode(self) -> u16 {
                match self { $(Op::$variant => $opcode,)* }
            }
        }
    };
}

ops! {
    // Branches. The condition of `bcr` is its first register.
    Bcr      "bcr"     Rr    "mr"  0x07;
    Basr     "basr"    Rr    "rr"  0x0d;
    Brc      "brc"     RiB   ""    0xa74;
    Brcl     "brcl"    RilB  ""    0xc04;
    Brasl    "brasl"   RilP  "r"   0xc05;
    Crj      "crj"     RieB  "rr"  0xec76;
    Cgrj     "cgrj"    RieB  "rr"  0xec64;
    Clrj     "clrj"    RieB  "rr"  0xec77;
    Clgrj    "clgrj"   RieB  "rr"  0xec65;
    Cij      "cij"     RieC  "r"   0xec7e;
    Cgij     "cgij"    RieC  "r"   0xec7c;
    Clij     "clij"    RieCU "r"   0xec7f;
    Clgij    "clgij"   RieCU "r"   0xec7d;

    // Constants.
    Lghi     "lghi"    Ri    "r"   0xa79;
    Llilh    "llilh"   RiU   "r"   0xa5e;
    Llihl    "llihl"   RiU   "r"   0xa5d;
    Llihh    "llihh"   RiU   "r"   0xa5c;
    Lgfi     "lgfi"    Ril   "r"   0xc01;
    Llilf    "llilf"   RilU  "r"   0xc0f;
    Llihf    "llihf"   RilU  "r"   0xc0e;
    Iihf     "iihf"    RilU  "r"   0xc08;
    Larl     "larl"    RilP  "r"   0xc00;
    Lgrl     "lgrl"    RilP  "r"   0xc48;

    // Memory.
    La       "la"      Rx    "r"   0x41;
    Lay      "lay"     Rxy   "r"   0xe371;
    Lg       "lg"      Rxy   "r"   0xe304;
    Lgf      "lgf"     Rxy   "r"   0xe314;
    Lgh      "lgh"     Rxy   "r"   0xe315;
    Lgb      "lgb"     Rxy   "r"   0xe377;
    Llgf     "llgf"    Rxy   "r"   0xe316;
    Llgh     "llgh"    Rxy   "r"   0xe391;
    Llgc     "llgc"    Rxy   "r"   0xe390;
    L        "l"       Rx    "r"   0x58;
    Lrvg     "lrvg"    Rxy   "r"   0xe30f;
    Lrv      "lrv"     Rxy   "r"   0xe31e;
    Lrvh     "lrvh"    Rxy   "r"   0xe31f;
    Stg      "stg"     Rxy   "r"   0xe324;
    St       "st"      Rx    "r"   0x50;
    Sty      "sty"     Rxy   "r"   0xe350;
    Sth      "sth"     Rx    "r"   0x40;
    Sthy     "sthy"    Rxy   "r"   0xe370;
    Stc      "stc"     Rx    "r"   0x42;
    Stcy     "stcy"    Rxy   "r"   0xe372;
    Strvg    "strvg"   Rxy   "r"   0xe32f;
    Strv     "strv"    Rxy   "r"   0xe33e;
    Strvh    "strvh"   Rxy   "r"   0xe33f;
    Le       "le"      Rx    "f"   0x78;
    Ley      "ley"     Rxy   "f"   0xed64;
    Ld       "ld"      Rx    "f"   0x68;
    Ldy      "ldy"     Rxy   "f"   0xed65;
    Ste      "ste"     Rx    "f"   0x70;
    Stey     "stey"    Rxy   "f"   0xed66;
    Std      "std"     Rx    "f"   0x60;
    Stdy     "stdy"    Rxy   "f"   0xed67;
    Lmg      "lmg"     Rsy   "rr"  0xeb04;
    Stmg     "stmg"    Rsy   "rr"  0xeb24;

    // Copies and extensions.
    Lgr      "lgr"     Rre   "rr"  0xb904;
    Lgfr     "lgfr"    Rre   "rr"  0xb914;
    Lghr     "lghr"    Rre   "rr"  0xb907;
    Lgbr     "lgbr"    Rre   "rr"  0xb906;
    Llgfr    "llgfr"   Rre   "rr"  0xb916;
    Llghr    "llghr"   Rre   "rr"  0xb985;
    Llgcr    "llgcr"   Rre   "rr"  0xb984;
    Ldr      "ldr"     Rr    "ff"  0x28;
    Lzdr     "lzdr"    Re    "f"   0xb375;
    Ldgr     "ldgr"    Rre   "fr"  0xb3c1;
    Lgdr     "lgdr"    Rre   "rf"  0xb3cd;
    Locgr    "locgr"   RrfC  "rr"  0xb9e2;
    Locghi   "locghi"  RieG  "r"   0xec46;

    // Integers.
    Ar       "ar"      Rr    "rr"  0x1a;
    Agr      "agr"     Rre   "rr"  0xb908;
    Ark      "ark"     RrfA  "rrr" 0xb9f8;
    Agrk     "agrk"    RrfA  "rrr" 0xb9e8;
    Sr       "sr"      Rr    "rr"  0x1b;
    Sgr      "sgr"     Rre   "rr"  0xb909;
    Srk      "srk"     RrfA  "rrr" 0xb9f9;
    Sgrk     "sgrk"    RrfA  "rrr" 0xb9e9;
    Alrk     "alrk"    RrfA  "rrr" 0xb9fa;
    Algrk    "algrk"   RrfA  "rrr" 0xb9ea;
    Slrk     "slrk"    RrfA  "rrr" 0xb9fb;
    Slgrk    "slgrk"   RrfA  "rrr" 0xb9eb;
    Aghi     "aghi"    Ri    "r"   0xa7b;
    Agfi     "agfi"    Ril   "r"   0xc28;
    Lcgr     "lcgr"    Rre   "rr"  0xb903;
    Lpgr     "lpgr"    Rre   "rr"  0xb900;
    Msr      "msr"     Rre   "rr"  0xb252;
    Msgr     "msgr"    Rre   "rr"  0xb90c;
    Mhi      "mhi"     Ri    "r"   0xa7c;
    Mghi     "mghi"    Ri    "r"   0xa7d;
    Msfi     "msfi"    Ril   "r"   0xc21;
    Msgfi    "msgfi"   Ril   "r"   0xc20;
    Mlgr     "mlgr"    Rre   "pr"  0xb986;
    Mgrk     "mgrk"    RrfA  "prr" 0xb9ec;
    Dlgr     "dlgr"    Rre   "pr"  0xb987;
    Dsgr     "dsgr"    Rre   "pr"  0xb90d;

    // Bits.
    Nr       "nr"      Rr    "rr"  0x14;
    Ngr      "ngr"     Rre   "rr"  0xb980;
    Nrk      "nrk"     RrfA  "rrr" 0xb9f4;
    Ngrk     "ngrk"    RrfA  "rrr" 0xb9e4;
    Or       "or"      Rr    "rr"  0x16;
    Ogr      "ogr"     Rre   "rr"  0xb981;
    Ork      "ork"     RrfA  "rrr" 0xb9f6;
    Ogrk     "ogrk"    RrfA  "rrr" 0xb9e6;
    Xr       "xr"      Rr    "rr"  0x17;
    Xgr      "xgr"     Rre   "rr"  0xb982;
    Xrk      "xrk"     RrfA  "rrr" 0xb9f7;
    Xgrk     "xgrk"    RrfA  "rrr" 0xb9e7;
    Ncrk     "ncrk"    RrfA  "rrr" 0xb9f5;
    Ncgrk    "ncgrk"   RrfA  "rrr" 0xb9e5;
    Nilf     "nilf"    RilU  "r"   0xc0b;
    Nihf     "nihf"    RilU  "r"   0xc0a;
    Oilf     "oilf"    RilU  "r"   0xc0d;
    Oihf     "oihf"    RilU  "r"   0xc0c;
    Xilf     "xilf"    RilU  "r"   0xc07;
    Xihf     "xihf"    RilU  "r"   0xc06;
    Sllk     "sllk"    Rsy   "rr"  0xebdf;
    Sllg     "sllg"    Rsy   "rr"  0xeb0d;
    Srlk     "srlk"    Rsy   "rr"  0xebde;
    Srlg     "srlg"    Rsy   "rr"  0xeb0c;
    Srak     "srak"    Rsy   "rr"  0xebdc;
    Srag     "srag"    Rsy   "rr"  0xeb0a;
    Rll      "rll"     Rsy   "rr"  0xeb1d;
    Rllg     "rllg"    Rsy   "rr"  0xeb1c;
    Risbgn   "risbgn"  RieF  "rr"  0xec59;
    Lrvr     "lrvr"    Rre   "rr"  0xb91f;
    Lrvgr    "lrvgr"   Rre   "rr"  0xb90f;
    Flogr    "flogr"   Rre   "pr"  0xb983;
    Popcnt   "popcnt"  Rre   "rr"  0xb9e1;
    PopcntAll "popcnt" RrfM  "rr"  0xb9e1;

    // Comparisons.
    Cr       "cr"      Rr    "rr"  0x19;
    Clr      "clr"     Rr    "rr"  0x15;
    Cgr      "cgr"     Rre   "rr"  0xb920;
    Clgr     "clgr"    Rre   "rr"  0xb921;
    Chi      "chi"     Ri    "r"   0xa7e;
    Cghi     "cghi"    Ri    "r"   0xa7f;
    Cfi      "cfi"     Ril   "r"   0xc2d;
    Cgfi     "cgfi"    Ril   "r"   0xc2c;
    Clfi     "clfi"    RilU  "r"   0xc2f;
    Clgfi    "clgfi"   RilU  "r"   0xc2e;
    Tmll     "tmll"    RiU   "r"   0xa71;
    Tmlh     "tmlh"    RiU   "r"   0xa70;
    Tmhl     "tmhl"    RiU   "r"   0xa73;
    Tmhh     "tmhh"    RiU   "r"   0xa72;

    // Floats.
    Aebr     "aebr"    Rre   "ff"  0xb30a;
    Adbr     "adbr"    Rre   "ff"  0xb31a;
    Sebr     "sebr"    Rre   "ff"  0xb30b;
    Sdbr     "sdbr"    Rre   "ff"  0xb31b;
    Meebr    "meebr"   Rre   "ff"  0xb317;
    Mdbr     "mdbr"    Rre   "ff"  0xb31c;
    Debr     "debr"    Rre   "ff"  0xb30d;
    Ddbr     "ddbr"    Rre   "ff"  0xb31d;
    Sqebr    "sqebr"   Rre   "ff"  0xb314;
    Sqdbr    "sqdbr"   Rre   "ff"  0xb315;
    Maebr    "maebr"   Rrd   "fff" 0xb30e;
    Madbr    "madbr"   Rrd   "fff" 0xb31e;
    Msebr    "msebr"   Rrd   "fff" 0xb30f;
    Msdbr    "msdbr"   Rrd   "fff" 0xb31f;
    Lcdfr    "lcdfr"   Rre   "ff"  0xb373;
    Lpdfr    "lpdfr"   Rre   "ff"  0xb370;
    Cpsdr    "cpsdr"   RrfB  "fff" 0xb372;
    Cebr     "cebr"    Rre   "ff"  0xb309;
    Cdbr     "cdbr"    Rre   "ff"  0xb319;
    Ldebr    "ldebr"   Rre   "ff"  0xb304;
    Ledbra   "ledbra"  RrfE  "ff"  0xb344;
    Fiebra   "fiebra"  RrfE  "ff"  0xb357;
    Fidbra   "fidbra"  RrfE  "ff"  0xb35f;
    Cefbra   "cefbra"  RrfE  "fr"  0xb394;
    Cdfbra   "cdfbra"  RrfE  "fr"  0xb395;
    Cegbra   "cegbra"  RrfE  "fr"  0xb3a4;
    Cdgbra   "cdgbra"  RrfE  "fr"  0xb3a5;
    Celfbr   "celfbr"  RrfE  "fr"  0xb390;
    Cdlfbr   "cdlfbr"  RrfE  "fr"  0xb391;
    Celgbr   "celgbr"  RrfE  "fr"  0xb3a0;
    Cdlgbr   "cdlgbr"  RrfE  "fr"  0xb3a1;
    Cfebra   "cfebra"  RrfE  "rf"  0xb398;
    Cfdbra   "cfdbra"  RrfE  "rf"  0xb399;
    Cgebra   "cgebra"  RrfE  "rf"  0xb3a8;
    Cgdbra   "cgdbra"  RrfE  "rf"  0xb3a9;
    Clfebr   "clfebr"  RrfE  "rf"  0xb39c;
    Clfdbr   "clfdbr"  RrfE  "rf"  0xb39d;
    Clgebr   "clgebr"  RrfE  "rf"  0xb3ac;
    Clgdbr   "clgdbr"  RrfE  "rf"  0xb3ad;

    // Atomic accesses.
    Cs       "cs"      Rs    "rr"  0xba;
    Csg      "csg"     Rsy   "rr"  0xeb30;
    Laa      "laa"     Rsy   "rr"  0xebf8;
    Laag     "laag"    Rsy   "rr"  0xebe8;
    Lan      "lan"     Rsy   "rr"  0xebf4;
    Lang     "lang"    Rsy   "rr"  0xebe4;
    Lao      "lao"     Rsy   "rr"  0xebf6;
    Laog     "laog"    Rsy   "rr"  0xebe6;
    Lax      "lax"     Rsy   "rr"  0xebf7;
    Laxg     "laxg"    Rsy   "rr"  0xebe7;
}

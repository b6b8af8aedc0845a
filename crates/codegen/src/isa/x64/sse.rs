//! The table of vector instructions: operations on 128 bits, by shape.
//!
//! Each has two encodings: the legacy one, whose destination is its first source
//! and whose memory operand must be aligned, and that with a VEX prefix (AVX), which
//! has the same opcode and neither limit.

use super::encode::{Map, Op, m0f, m3a, m38};

const fn p(code: u8) -> Op {
    m0f(0x66, code)
}

const fn p38(code: u8) -> Op {
    m38(0x66, code)
}

const fn p3a(code: u8) -> Op {
    m3a(0x66, code)
}

/// Whether an instruction of these tables has an immediate.
pub fn takes_imm(op: Op) -> bool {
    op.map == Map::M3a || op.map == Map::M0f && matches!(op.code, 0x70 | 0xc2 | 0xc4 | 0xc6)
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal $op:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// All of them with their names.
            #[cfg(test)]
            pub const ALL: &'static [($name, &'static str)] = &[$(($name::$variant, $text),)*];

            /// The encoding.
            pub fn op(self) -> Op {
                match self { $($name::$variant => $op,)* }
            }
        }
    };
}

table! {
    /// `dst = src1 op src2`; source 2 may be memory of 16 bytes.
    VecOp {
        Paddb      "paddb"      p(0xfc);
        Paddw      "paddw"      p(0xfd);
        Paddd      "paddd"      p(0xfe);
        Paddq      "paddq"      p(0xd4);
        Psubb      "psubb"      p(0xf8);
        Psubw      "psubw"      p(0xf9);
        Psubd      "psubd"      p(0xfa);
        Psubq      "psubq"      p(0xfb);
        Paddsb     "paddsb"     p(0xec);
        Paddsw     "paddsw"     p(0xed);
        Paddusb    "paddusb"    p(0xdc);
        Paddusw    "paddusw"    p(0xdd);
        Psubsb     "psubsb"     p(0xe8);
        Psubsw     "psubsw"     p(0xe9);
        Psubusb    "psubusb"    p(0xd8);
        Psubusw    "psubusw"    p(0xd9);
        Pmullw     "pmullw"     p(0xd5);
        Pmulld     "pmulld"     p38(0x40);
        Pmulhw     "pmulhw"     p(0xe5);
        Pmulhuw    "pmulhuw"    p(0xe4);
        Pmuludq    "pmuludq"    p(0xf4);
        Pmuldq     "pmuldq"     p38(0x28);
        Pmaddwd    "pmaddwd"    p(0xf5);
        Pmaddubsw  "pmaddubsw"  p38(0x04);
        Pmulhrsw   "pmulhrsw"   p38(0x0b);
        Phaddw     "phaddw"     p38(0x01);
        Phaddd     "phaddd"     p38(0x02);
        Pavgb      "pavgb"      p(0xe0);
        Pavgw      "pavgw"      p(0xe3);
        Pminub     "pminub"     p(0xda);
        Pminuw     "pminuw"     p38(0x3a);
        Pminud     "pminud"     p38(0x3b);
        Pminsb     "pminsb"     p38(0x38);
        Pminsw     "pminsw"     p(0xea);
        Pminsd     "pminsd"     p38(0x39);
        Pmaxub     "pmaxub"     p(0xde);
        Pmaxuw     "pmaxuw"     p38(0x3e);
        Pmaxud     "pmaxud"     p38(0x3f);
        Pmaxsb     "pmaxsb"     p38(0x3c);
        Pmaxsw     "pmaxsw"     p(0xee);
        Pmaxsd     "pmaxsd"     p38(0x3d);
        Pand       "pand"       p(0xdb);
        Pandn      "pandn"      p(0xdf);
        Por        "por"        p(0xeb);
        Pxor       "pxor"       p(0xef);
        Psllw      "psllw"      p(0xf1);
        Pslld      "pslld"      p(0xf2);
        Psllq      "psllq"      p(0xf3);
        Psrlw      "psrlw"      p(0xd1);
        Psrld      "psrld"      p(0xd2);
        Psrlq      "psrlq"      p(0xd3);
        Psraw      "psraw"      p(0xe1);
        Psrad      "psrad"      p(0xe2);
        Pcmpeqb    "pcmpeqb"    p(0x74);
        Pcmpeqw    "pcmpeqw"    p(0x75);
        Pcmpeqd    "pcmpeqd"    p(0x76);
        Pcmpeqq    "pcmpeqq"    p38(0x29);
        Pcmpgtb    "pcmpgtb"    p(0x64);
        Pcmpgtw    "pcmpgtw"    p(0x65);
        Pcmpgtd    "pcmpgtd"    p(0x66);
        Pcmpgtq    "pcmpgtq"    p38(0x37);
        Packsswb   "packsswb"   p(0x63);
        Packssdw   "packssdw"   p(0x6b);
        Packuswb   "packuswb"   p(0x67);
        Packusdw   "packusdw"   p38(0x2b);
        Punpcklbw  "punpcklbw"  p(0x60);
        Punpcklwd  "punpcklwd"  p(0x61);
        Punpckldq  "punpckldq"  p(0x62);
        Punpcklqdq "punpcklqdq" p(0x6c);
        Punpckhbw  "punpckhbw"  p(0x68);
        Punpckhwd  "punpckhwd"  p(0x69);
        Punpckhdq  "punpckhdq"  p(0x6a);
        Punpckhqdq "punpckhqdq" p(0x6d);
        Psadbw     "psadbw"     p(0xf6);
        Pshufb     "pshufb"     p38(0x00);
        Palignr    "palignr"    p3a(0x0f);
        Pblendw    "pblendw"    p3a(0x0e);
        Insertps   "insertps"   p3a(0x21);
        Shufps     "shufps"     m0f(0, 0xc6);
        // The low lane of source 2, the others of source 1; memory is one lane.
        Movss      "movss"      m0f(0xf3, 0x10);
        Movsd      "movsd"      m0f(0xf2, 0x10);
        // The low half of source 1 below that of source 2; memory is 8 bytes.
        Movlhps    "movlhps"    m0f(0, 0x16);
        Addps      "addps"      m0f(0, 0x58);
        Addpd      "addpd"      p(0x58);
        Subps      "subps"      m0f(0, 0x5c);
        Subpd      "subpd"      p(0x5c);
        Mulps      "mulps"      m0f(0, 0x59);
        Mulpd      "mulpd"      p(0x59);
        Divps      "divps"      m0f(0, 0x5e);
        Divpd      "divpd"      p(0x5e);
        Minps      "minps"      m0f(0, 0x5d);
        Minpd      "minpd"      p(0x5d);
        Maxps      "maxps"      m0f(0, 0x5f);
        Maxpd      "maxpd"      p(0x5f);
        Andps      "andps"      m0f(0, 0x54);
        Andnps     "andnps"     m0f(0, 0x55);
        Orps       "orps"       m0f(0, 0x56);
        Xorps      "xorps"      m0f(0, 0x57);
        Cmpps      "cmpeqps"    m0f(0, 0xc2);
        Cmppd      "cmpeqpd"    p(0xc2);
    }
}

table! {
    /// `dst = op src`; the source may be memory of as many bytes as the operation
    /// reads, aligned in the legacy encoding if that is 16.
    VecUnaryOp {
        Pshufd     "pshufd"     p(0x70);
        Pshuflw    "pshuflw"    m0f(0xf2, 0x70);
        Pshufhw    "pshufhw"    m0f(0xf3, 0x70);
        Pabsb      "pabsb"      p38(0x1c);
        Pabsw      "pabsw"      p38(0x1d);
        Pabsd      "pabsd"      p38(0x1e);
        Pmovsxbw   "pmovsxbw"   p38(0x20);
        Pmovsxwd   "pmovsxwd"   p38(0x23);
        Pmovsxdq   "pmovsxdq"   p38(0x25);
        Pmovzxbw   "pmovzxbw"   p38(0x30);
        Pmovzxwd   "pmovzxwd"   p38(0x33);
        Pmovzxdq   "pmovzxdq"   p38(0x35);
        Cvtdq2ps   "cvtdq2ps"   m0f(0, 0x5b);
        Cvtdq2pd   "cvtdq2pd"   m0f(0xf3, 0xe6);
        Cvttps2dq  "cvttps2dq"  m0f(0xf3, 0x5b);
        Cvttpd2dq  "cvttpd2dq"  p(0xe6);
        Cvtps2pd   "cvtps2pd"   m0f(0, 0x5a);
        Cvtpd2ps   "cvtpd2ps"   p(0x5a);
        Sqrtps     "sqrtps"     m0f(0, 0x51);
        Sqrtpd     "sqrtpd"     p(0x51);
        Roundps    "roundps"    p3a(0x08);
        Roundpd    "roundpd"    p3a(0x09);
        Movddup    "movddup"    m0f(0xf2, 0x12);
        Movups     "movups"     m0f(0, 0x10);
        // 8 bytes, the rest zero.
        Movq       "movq"       m0f(0xf3, 0x7e);
    }
}

table! {
    /// As [`VecUnaryOp`], with a VEX prefix only: AVX2.
    BroadcastOp {
        Vpbroadcastb "vpbroadcastb" p38(0x78);
        Vpbroadcastw "vpbroadcastw" p38(0x79);
        Vpbroadcastd "vpbroadcastd" p38(0x58);
        Vpbroadcastq "vpbroadcastq" p38(0x59);
    }
}

table! {
    /// A lane of memory or of an integer register into a vector; the immediate is
    /// the lane.
    InsertOp {
        Pinsrb     "pinsrb"     p3a(0x20);
        Pinsrw     "pinsrw"     p(0xc4);
        Pinsrd     "pinsrd"     p3a(0x22);
        Pinsrq     "pinsrq"     p3a(0x22);
    }
}

table! {
    /// A lane of a vector to memory or to an integer register, zero-extended; the
    /// immediate is the lane.
    ExtractOp {
        Pextrb     "pextrb"     p3a(0x14);
        Pextrw     "pextrw"     p3a(0x15);
        Pextrd     "pextrd"     p3a(0x16);
        Pextrq     "pextrq"     p3a(0x16);
    }
}

table! {
    /// The sign bits of all lanes, to an integer register.
    MaskOp {
        Pmovmskb   "pmovmskb"   p(0xd7);
        Movmskps   "movmskps"   m0f(0, 0x50);
        Movmskpd   "movmskpd"   p(0x50);
    }
}

table! {
    /// `dst = src1 op src2` with an EVEX prefix: AVX-512 on 128 bits.
    EvexOp {
        Vpmullq    "vpmullq"    p38(0x40);
        Vpsraq     "vpsraq"     p(0xe2);
    }
}

table! {
    /// `dst = op src` with an EVEX prefix.
    EvexUnaryOp {
        Vpabsq     "vpabsq"     p38(0x1f);
        Vcvtudq2ps "vcvtudq2ps" m0f(0xf2, 0x7a);
        // What does not fit becomes all ones.
        Vcvttps2udq "vcvttps2udq" m0f(0, 0x78);
        Vpopcntb   "vpopcntb"   p38(0x54);
    }
}

table! {
    /// `dst = op(dst, src2, src3)` with an EVEX prefix.
    EvexTernaryOp {
        // Bytes of source 2 and 3 by the numbers in the destination.
        Vpermi2b   "vpermi2b"   p38(0x75);
        // The immediate has a bit for each triple of bits.
        Vpternlogd "vpternlogd" p3a(0x25);
    }
}

/// `vpsraq` by an immediate, and the opcode's digit.
pub const VPSRAQ: (Op, u8) = (p(0x72), 4);

/// Shifts of all lanes, or of the whole by bytes, by an immediate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum VecShiftOp {
    Psllw,
    Pslld,
    Psllq,
    Psrlw,
    Psrld,
    Psrlq,
    Psraw,
    Psrad,
    Pslldq,
    Psrldq,
}

impl VecShiftOp {
    /// The encoding and the opcode's digit.
    pub fn op(self) -> (Op, u8) {
        match self {
            VecShiftOp::Psllw => (p(0x71), 6),
            VecShiftOp::Pslld => (p(0x72), 6),
            VecShiftOp::Psllq => (p(0x73), 6),
            VecShiftOp::Psrlw => (p(0x71), 2),
            VecShiftOp::Psrld => (p(0x72), 2),
            VecShiftOp::Psrlq => (p(0x73), 2),
            VecShiftOp::Psraw => (p(0x71), 4),
            VecShiftOp::Psrad => (p(0x72), 4),
            VecShiftOp::Pslldq => (p(0x73), 7),
            VecShiftOp::Psrldq => (p(0x73), 3),
        }
    }
}

/// Choices by the sign bits of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BlendOp {
    Pblendvb,
    Blendvps,
    Blendvpd,
}

impl BlendOp {
    /// The legacy encoding, whose mask is in xmm0, and that with a VEX prefix, whose
    /// mask is the upper half of an immediate.
    pub fn ops(self) -> (Op, Op) {
        match self {
            BlendOp::Pblendvb => (p38(0x10), p3a(0x4c)),
            BlendOp::Blendvps => (p38(0x14), p3a(0x4a)),
            BlendOp::Blendvpd => (p38(0x15), p3a(0x4b)),
        }
    }
}

/// `ptest`: zero flag if source 1 and 2 have no bit in common, carry if source 2
/// has no bit beyond those of source 1.
pub const PTEST: Op = p38(0x17);

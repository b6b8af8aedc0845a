//! The table of instructions.
//!
//! A row is the assembler's name, the shape of the operands, the bits that no
//! operand fills, and what the processor must have beyond the base. Everything
//! else (encoding, and the test against an independent disassembler) reads it.

/// What an instruction's operands are, in the assembler's order; `X` is an integer
/// register, `F` a float register, the destination comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Integer registers: destination and two sources.
    Xxx,
    /// Destination, source, immediate of 12 bits.
    Xxi,
    /// Destination, source, shift amount of 6 bits.
    Xx6,
    /// Destination, source, shift amount of 5 bits.
    Xx5,
    /// Destination and source.
    Xx,
    /// Destination, immediate of 20 bits.
    Xu,
    /// Destination, displacement of 21 bits.
    Jal,
    /// Destination, offset of 12 bits, base.
    Jalr,
    /// Two sources, displacement of 13 bits.
    Branch,
    /// Destination, offset of 12 bits, base.
    XLoad,
    /// Float destination, offset, base.
    FLoad,
    /// Source, offset, base.
    XStore,
    /// Float source, offset, base.
    FStore,
    /// Destination, base: `lr`.
    Lr,
    /// Destination, source, base.
    Amo,
    /// Float registers: destination and two sources.
    Fff,
    /// As [`Shape::Fff`], with a rounding mode.
    FffR,
    /// Float registers: destination and three sources, with a rounding mode.
    FfffR,
    /// Float destination and source.
    Ff,
    /// As [`Shape::Ff`], with a rounding mode.
    FfR,
    /// Integer destination, two float sources.
    Xff,
    /// Integer destination, float source.
    Xf,
    /// As [`Shape::Xf`], with a rounding mode.
    XfR,
    /// Float destination, integer source.
    Fx,
    /// As [`Shape::Fx`], with a rounding mode.
    FxR,
    /// Nothing.
    None,
    /// A field of 5 bits in a control register, which the bits name.
    Csr,
    /// The vector length, constant, and the vector type.
    VSet,
    /// Vector destination and base.
    VLoad,
    /// Vector source and base.
    VStore,
    /// Vectors: destination and two sources.
    VVv,
    /// Vector destination and source, integer source.
    VVx,
    /// Vector destination and source, float source.
    VVf,
    /// Vector destination and source, constant of 5 bits with sign.
    VVi,
    /// Vector destination and source, constant of 5 bits without sign.
    VVu,
    /// As [`Shape::VVv`], chosen by the mask in v0.
    VVvM,
    /// As [`Shape::VVx`], chosen by the mask in v0.
    VVxM,
    /// As [`Shape::VVf`], chosen by the mask in v0.
    VVfM,
    /// As [`Shape::VVi`], chosen by the mask in v0.
    VViM,
    /// Vector that is read and written, and two sources, the first one last in the
    /// word.
    VvvInto,
    /// Vector destination and source.
    Vv,
    /// Vector destination, integer source.
    Vx,
    /// Vector destination, float source.
    Vf,
    /// Vector destination, constant of 5 bits with sign.
    Vi,
    /// Integer destination, vector source.
    XV,
    /// Float destination, vector source.
    FV,
}

/// What a processor must have for an instruction. The rules ask the target's features.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The base: G.
    G,
    /// Address computation.
    Zba,
    /// Basic bit manipulation.
    Zbb,
    /// Single bits.
    Zbs,
    /// Vectors.
    V,
}

const fn op(opcode: u32, funct3: u32, funct7: u32) -> u32 {
    opcode | funct3 << 12 | funct7 << 25
}

/// A unary instruction: the second source's field is part of the opcode.
const fn un(opcode: u32, funct3: u32, funct7: u32, rs2: u32) -> u32 {
    op(opcode, funct3, funct7) | rs2 << 20
}

/// An atomic instruction with the bits aq and rl.
const fn amo(funct3: u32, funct5: u32, aq_rl: u32) -> u32 {
    op(0x2f, funct3, funct5 << 2 | aq_rl)
}

/// A vector instruction without mask.
const fn v(funct3: u32, funct6: u32) -> u32 {
    0x57 | funct3 << 12 | funct6 << 26 | 1 << 25
}

/// A vector instruction whose first source's field is part of the opcode.
const fn vu(funct3: u32, funct6: u32, vs1: u32) -> u32 {
    v(funct3, funct6) | vs1 << 15
}

/// A vector instruction that chooses by the mask.
const fn vm(funct3: u32, funct6: u32) -> u32 {
    0x57 | funct3 << 12 | funct6 << 26
}

/// A load or store of a vector, with the width of an element.
const fn vmem(opcode: u32, width: u32) -> u32 {
    opcode | width << 12 | 1 << 25
}

macro_rules! ops {
    ($($variant:ident $text:literal $shape:ident $needs:ident $bits:expr;)*) => {
        /// A machine instruction without its operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Op { $($variant,)* }

        impl Op {
            /// All of them with their names.
            pub const ALL: &'static [(Op, &'static str)] = &[$((Op::$variant, $text),)*];

            /// What it needs.
            #[cfg(test)]
            pub fn needs(self) -> Needs {
                match self { $(Op::$variant => Needs::$needs,)* }
            }

            /// The operands.
            pub fn shape(self) -> Shape {
                match self { $(Op::$variant => Shape::$shape,)* }
            }

            /// The bits that no operand fills.
            pub const fn bits(self) -> u32 {
                match self { $(Op::$variant => $bits,)* }
            }
        }
    };
}

ops! {
    // Constants, jumps, branches.
    Lui      "lui"       Xu     G   0x37;
    Auipc    "auipc"     Xu     G   0x17;
    Jal      "jal"       Jal    G   0x6f;
    Jalr     "jalr"      Jalr   G   0x67;
    Beq      "beq"       Branch G   op(0x63, 0, 0);
    Bne      "bne"       Branch G   op(0x63, 1, 0);
    Blt      "blt"       Branch G   op(0x63, 4, 0);
    Bge      "bge"       Branch G   op(0x63, 5, 0);
    Bltu     "bltu"      Branch G   op(0x63, 6, 0);
    Bgeu     "bgeu"      Branch G   op(0x63, 7, 0);

    // Memory.
    Lb       "lb"        XLoad  G   op(0x03, 0, 0);
    Lh       "lh"        XLoad  G   op(0x03, 1, 0);
    Lw       "lw"        XLoad  G   op(0x03, 2, 0);
    Ld       "ld"        XLoad  G   op(0x03, 3, 0);
    Lbu      "lbu"       XLoad  G   op(0x03, 4, 0);
    Lhu      "lhu"       XLoad  G   op(0x03, 5, 0);
    Lwu      "lwu"       XLoad  G   op(0x03, 6, 0);
    Sb       "sb"        XStore G   op(0x23, 0, 0);
    Sh       "sh"        XStore G   op(0x23, 1, 0);
    Sw       "sw"        XStore G   op(0x23, 2, 0);
    Sd       "sd"        XStore G   op(0x23, 3, 0);
    Flw      "flw"       FLoad  G   op(0x07, 2, 0);
    Fld      "fld"       FLoad  G   op(0x07, 3, 0);
    Fsw      "fsw"       FStore G   op(0x27, 2, 0);
    Fsd      "fsd"       FStore G   op(0x27, 3, 0);

    // Integers.
    Addi     "addi"      Xxi    G   op(0x13, 0, 0);
    Slti     "slti"      Xxi    G   op(0x13, 2, 0);
    Sltiu    "sltiu"     Xxi    G   op(0x13, 3, 0);
    Xori     "xori"      Xxi    G   op(0x13, 4, 0);
    Ori      "ori"       Xxi    G   op(0x13, 6, 0);
    Andi     "andi"      Xxi    G   op(0x13, 7, 0);
    Slli     "slli"      Xx6    G   op(0x13, 1, 0);
    Srli     "srli"      Xx6    G   op(0x13, 5, 0);
    Srai     "srai"      Xx6    G   op(0x13, 5, 0x20);
    Addiw    "addiw"     Xxi    G   op(0x1b, 0, 0);
    Slliw    "slliw"     Xx5    G   op(0x1b, 1, 0);
    Srliw    "srliw"     Xx5    G   op(0x1b, 5, 0);
    Sraiw    "sraiw"     Xx5    G   op(0x1b, 5, 0x20);
    Add      "add"       Xxx    G   op(0x33, 0, 0);
    Sub      "sub"       Xxx    G   op(0x33, 0, 0x20);
    Sll      "sll"       Xxx    G   op(0x33, 1, 0);
    Slt      "slt"       Xxx    G   op(0x33, 2, 0);
    Sltu     "sltu"      Xxx    G   op(0x33, 3, 0);
    Xor      "xor"       Xxx    G   op(0x33, 4, 0);
    Srl      "srl"       Xxx    G   op(0x33, 5, 0);
    Sra      "sra"       Xxx    G   op(0x33, 5, 0x20);
    Or       "or"        Xxx    G   op(0x33, 6, 0);
    And      "and"       Xxx    G   op(0x33, 7, 0);
    Addw     "addw"      Xxx    G   op(0x3b, 0, 0);
    Subw     "subw"      Xxx    G   op(0x3b, 0, 0x20);
    Sllw     "sllw"      Xxx    G   op(0x3b, 1, 0);
    Srlw     "srlw"      Xxx    G   op(0x3b, 5, 0);
    Sraw     "sraw"      Xxx    G   op(0x3b, 5, 0x20);
    Mul      "mul"       Xxx    G   op(0x33, 0, 1);
    Mulh     "mulh"      Xxx    G   op(0x33, 1, 1);
    Mulhu    "mulhu"     Xxx    G   op(0x33, 3, 1);
    Div      "div"       Xxx    G   op(0x33, 4, 1);
    Divu     "divu"      Xxx    G   op(0x33, 5, 1);
    Rem      "rem"       Xxx    G   op(0x33, 6, 1);
    Remu     "remu"      Xxx    G   op(0x33, 7, 1);
    Mulw     "mulw"      Xxx    G   op(0x3b, 0, 1);
    Divw     "divw"      Xxx    G   op(0x3b, 4, 1);
    Divuw    "divuw"     Xxx    G   op(0x3b, 5, 1);
    Remw     "remw"      Xxx    G   op(0x3b, 6, 1);
    Remuw    "remuw"     Xxx    G   op(0x3b, 7, 1);

    // Addresses.
    Sh1add   "sh1add"    Xxx    Zba op(0x33, 2, 0x10);
    Sh2add   "sh2add"    Xxx    Zba op(0x33, 4, 0x10);
    Sh3add   "sh3add"    Xxx    Zba op(0x33, 6, 0x10);
    AddUw    "add.uw"    Xxx    Zba op(0x3b, 0, 0x04);
    Sh1addUw "sh1add.uw" Xxx    Zba op(0x3b, 2, 0x10);
    Sh2addUw "sh2add.uw" Xxx    Zba op(0x3b, 4, 0x10);
    Sh3addUw "sh3add.uw" Xxx    Zba op(0x3b, 6, 0x10);
    SlliUw   "slli.uw"   Xx6    Zba op(0x1b, 1, 0x04);

    // Bits.
    Andn     "andn"      Xxx    Zbb op(0x33, 7, 0x20);
    Orn      "orn"       Xxx    Zbb op(0x33, 6, 0x20);
    Xnor     "xnor"      Xxx    Zbb op(0x33, 4, 0x20);
    Min      "min"       Xxx    Zbb op(0x33, 4, 0x05);
    Minu     "minu"      Xxx    Zbb op(0x33, 5, 0x05);
    Max      "max"       Xxx    Zbb op(0x33, 6, 0x05);
    Maxu     "maxu"      Xxx    Zbb op(0x33, 7, 0x05);
    Rol      "rol"       Xxx    Zbb op(0x33, 1, 0x30);
    Ror      "ror"       Xxx    Zbb op(0x33, 5, 0x30);
    Rolw     "rolw"      Xxx    Zbb op(0x3b, 1, 0x30);
    Rorw     "rorw"      Xxx    Zbb op(0x3b, 5, 0x30);
    Rori     "rori"      Xx6    Zbb op(0x13, 5, 0x30);
    Roriw    "roriw"     Xx5    Zbb op(0x1b, 5, 0x30);
    Clz      "clz"       Xx     Zbb un(0x13, 1, 0x30, 0);
    Ctz      "ctz"       Xx     Zbb un(0x13, 1, 0x30, 1);
    Cpop     "cpop"      Xx     Zbb un(0x13, 1, 0x30, 2);
    SextB    "sext.b"    Xx     Zbb un(0x13, 1, 0x30, 4);
    SextH    "sext.h"    Xx     Zbb un(0x13, 1, 0x30, 5);
    ZextH    "zext.h"    Xx     Zbb un(0x3b, 4, 0x04, 0);
    Clzw     "clzw"      Xx     Zbb un(0x1b, 1, 0x30, 0);
    Ctzw     "ctzw"      Xx     Zbb un(0x1b, 1, 0x30, 1);
    Cpopw    "cpopw"     Xx     Zbb un(0x1b, 1, 0x30, 2);
    Rev8     "rev8"      Xx     Zbb un(0x13, 5, 0x35, 0x18);
    Bclr     "bclr"      Xxx    Zbs op(0x33, 1, 0x24);
    Bext     "bext"      Xxx    Zbs op(0x33, 5, 0x24);
    Binv     "binv"      Xxx    Zbs op(0x33, 1, 0x34);
    Bset     "bset"      Xxx    Zbs op(0x33, 1, 0x14);
    Bclri    "bclri"     Xx6    Zbs op(0x13, 1, 0x24);
    Bexti    "bexti"     Xx6    Zbs op(0x13, 5, 0x24);
    Binvi    "binvi"     Xx6    Zbs op(0x13, 1, 0x34);
    Bseti    "bseti"     Xx6    Zbs op(0x13, 1, 0x14);

    // Floats.
    FaddS    "fadd.s"    FffR   G   op(0x53, 0, 0x00);
    FsubS    "fsub.s"    FffR   G   op(0x53, 0, 0x04);
    FmulS    "fmul.s"    FffR   G   op(0x53, 0, 0x08);
    FdivS    "fdiv.s"    FffR   G   op(0x53, 0, 0x0c);
    FsqrtS   "fsqrt.s"   FfR    G   op(0x53, 0, 0x2c);
    FsgnjS   "fsgnj.s"   Fff    G   op(0x53, 0, 0x10);
    FsgnjnS  "fsgnjn.s"  Fff    G   op(0x53, 1, 0x10);
    FsgnjxS  "fsgnjx.s"  Fff    G   op(0x53, 2, 0x10);
    FminS    "fmin.s"    Fff    G   op(0x53, 0, 0x14);
    FmaxS    "fmax.s"    Fff    G   op(0x53, 1, 0x14);
    FmaddS   "fmadd.s"   FfffR  G   op(0x43, 0, 0);
    FmsubS   "fmsub.s"   FfffR  G   op(0x47, 0, 0);
    FnmsubS  "fnmsub.s"  FfffR  G   op(0x4b, 0, 0);
    FnmaddS  "fnmadd.s"  FfffR  G   op(0x4f, 0, 0);
    FeqS     "feq.s"     Xff    G   op(0x53, 2, 0x50);
    FltS     "flt.s"     Xff    G   op(0x53, 1, 0x50);
    FleS     "fle.s"     Xff    G   op(0x53, 0, 0x50);
    FmvXW    "fmv.x.w"   Xf     G   un(0x53, 0, 0x70, 0);
    FmvWX    "fmv.w.x"   Fx     G   un(0x53, 0, 0x78, 0);
    FcvtWS   "fcvt.w.s"  XfR    G   un(0x53, 0, 0x60, 0);
    FcvtWuS  "fcvt.wu.s" XfR    G   un(0x53, 0, 0x60, 1);
    FcvtLS   "fcvt.l.s"  XfR    G   un(0x53, 0, 0x60, 2);
    FcvtLuS  "fcvt.lu.s" XfR    G   un(0x53, 0, 0x60, 3);
    FcvtSW   "fcvt.s.w"  FxR    G   un(0x53, 0, 0x68, 0);
    FcvtSWu  "fcvt.s.wu" FxR    G   un(0x53, 0, 0x68, 1);
    FcvtSL   "fcvt.s.l"  FxR    G   un(0x53, 0, 0x68, 2);
    FcvtSLu  "fcvt.s.lu" FxR    G   un(0x53, 0, 0x68, 3);
    FcvtSD   "fcvt.s.d"  FfR    G   un(0x53, 0, 0x20, 1);
    FaddD    "fadd.d"    FffR   G   op(0x53, 0, 0x01);
    FsubD    "fsub.d"    FffR   G   op(0x53, 0, 0x05);
    FmulD    "fmul.d"    FffR   G   op(0x53, 0, 0x09);
    FdivD    "fdiv.d"    FffR   G   op(0x53, 0, 0x0d);
    FsqrtD   "fsqrt.d"   FfR    G   op(0x53, 0, 0x2d);
    FsgnjD   "fsgnj.d"   Fff    G   op(0x53, 0, 0x11);
    FsgnjnD  "fsgnjn.d"  Fff    G   op(0x53, 1, 0x11);
    FsgnjxD  "fsgnjx.d"  Fff    G   op(0x53, 2, 0x11);
    FminD    "fmin.d"    Fff    G   op(0x53, 0, 0x15);
    FmaxD    "fmax.d"    Fff    G   op(0x53, 1, 0x15);
    FmaddD   "fmadd.d"   FfffR  G   op(0x43, 0, 1);
    FmsubD   "fmsub.d"   FfffR  G   op(0x47, 0, 1);
    FnmsubD  "fnmsub.d"  FfffR  G   op(0x4b, 0, 1);
    FnmaddD  "fnmadd.d"  FfffR  G   op(0x4f, 0, 1);
    FeqD     "feq.d"     Xff    G   op(0x53, 2, 0x51);
    FltD     "flt.d"     Xff    G   op(0x53, 1, 0x51);
    FleD     "fle.d"     Xff    G   op(0x53, 0, 0x51);
    FmvXD    "fmv.x.d"   Xf     G   un(0x53, 0, 0x71, 0);
    FmvDX    "fmv.d.x"   Fx     G   un(0x53, 0, 0x79, 0);
    FcvtWD   "fcvt.w.d"  XfR    G   un(0x53, 0, 0x61, 0);
    FcvtWuD  "fcvt.wu.d" XfR    G   un(0x53, 0, 0x61, 1);
    FcvtLD   "fcvt.l.d"  XfR    G   un(0x53, 0, 0x61, 2);
    FcvtLuD  "fcvt.lu.d" XfR    G   un(0x53, 0, 0x61, 3);
    FcvtDW   "fcvt.d.w"  Fx     G   un(0x53, 0, 0x69, 0);
    FcvtDWu  "fcvt.d.wu" Fx     G   un(0x53, 0, 0x69, 1);
    FcvtDL   "fcvt.d.l"  FxR    G   un(0x53, 0, 0x69, 2);
    FcvtDLu  "fcvt.d.lu" FxR    G   un(0x53, 0, 0x69, 3);
    FcvtDS   "fcvt.d.s"  Ff     G   un(0x53, 0, 0x21, 0);

    // Atomic accesses.
    LrW      "lr.w.aqrl"      Lr  G amo(2, 0x02, 3);
    LrD      "lr.d.aqrl"      Lr  G amo(3, 0x02, 3);
    ScW      "sc.w.rl"        Amo G amo(2, 0x03, 1);
    ScD      "sc.d.rl"        Amo G amo(3, 0x03, 1);
    SwapW    "amoswap.w.aqrl" Amo G amo(2, 0x01, 3);
    SwapD    "amoswap.d.aqrl" Amo G amo(3, 0x01, 3);
    AmoAddW  "amoadd.w.aqrl"  Amo G amo(2, 0x00, 3);
    AmoAddD  "amoadd.d.aqrl"  Amo G amo(3, 0x00, 3);
    AmoXorW  "amoxor.w.aqrl"  Amo G amo(2, 0x04, 3);
    AmoXorD  "amoxor.d.aqrl"  Amo G amo(3, 0x04, 3);
    AmoAndW  "amoand.w.aqrl"  Amo G amo(2, 0x0c, 3);
    AmoAndD  "amoand.d.aqrl"  Amo G amo(3, 0x0c, 3);
    AmoOrW   "amoor.w.aqrl"   Amo G amo(2, 0x08, 3);
    AmoOrD   "amoor.d.aqrl"   Amo G amo(3, 0x08, 3);
    AmoMinW  "amomin.w.aqrl"  Amo G amo(2, 0x10, 3);
    AmoMinD  "amomin.d.aqrl"  Amo G amo(3, 0x10, 3);
    AmoMaxW  "amomax.w.aqrl"  Amo G amo(2, 0x14, 3);
    AmoMaxD  "amomax.d.aqrl"  Amo G amo(3, 0x14, 3);
    AmoMinuW "amominu.w.aqrl" Amo G amo(2, 0x18, 3);
    AmoMinuD "amominu.d.aqrl" Amo G amo(3, 0x18, 3);
    AmoMaxuW "amomaxu.w.aqrl" Amo G amo(2, 0x1c, 3);
    AmoMaxuD "amomaxu.d.aqrl" Amo G amo(3, 0x1c, 3);
    FenceRwRw "fence rw, rw"  None G 0x0330_000f;
    FenceRRw  "fence r, rw"   None G 0x0230_000f;
    FenceRwW  "fence rw, w"   None G 0x0310_000f;
    Ebreak    "ebreak"        None G 0x0010_0073;
    Unimp     "unimp"         None G 0xc000_1073;

    // Vectors.
    CsrFrm    "csrrwi"             Csr     G 0x0020_5073;
    CsrVxrm   "csrrwi"             Csr     G 0x00a0_5073;
    Vsetivli  "vsetivli"           VSet    V 0xc000_7057;
    Vle8      "vle8.v"             VLoad   V vmem(0x07, 0);
    Vse8      "vse8.v"             VStore  V vmem(0x27, 0);
    Vadd      "vadd.vv"            VVv     V v(0, 0x00);
    VaddI     "vadd.vi"            VVi     V v(3, 0x00);
    Vsub      "vsub.vv"            VVv     V v(0, 0x02);
    VrsubI    "vrsub.vi"           VVi     V v(3, 0x03);
    Vminu     "vminu.vv"           VVv     V v(0, 0x04);
    Vmin      "vmin.vv"            VVv     V v(0, 0x05);
    Vmaxu     "vmaxu.vv"           VVv     V v(0, 0x06);
    Vmax      "vmax.vv"            VVv     V v(0, 0x07);
    VmaxX     "vmax.vx"            VVx     V v(4, 0x07);
    Vand      "vand.vv"            VVv     V v(0, 0x09);
    VandX     "vand.vx"            VVx     V v(4, 0x09);
    Vor       "vor.vv"             VVv     V v(0, 0x0a);
    Vxor      "vxor.vv"            VVv     V v(0, 0x0b);
    VxorI     "vxor.vi"            VVi     V v(3, 0x0b);
    Vrgather  "vrgather.vv"        VVv     V v(0, 0x0c);
    VslideupI "vslideup.vi"        VVu     V v(3, 0x0e);
    VslidedownI "vslidedown.vi"      VVu     V v(3, 0x0f);
    Vmseq     "vmseq.vv"           VVv     V v(0, 0x18);
    VmseqI    "vmseq.vi"           VVi     V v(3, 0x18);
    Vmsne     "vmsne.vv"           VVv     V v(0, 0x19);
    VmsneI    "vmsne.vi"           VVi     V v(3, 0x19);
    Vmsltu    "vmsltu.vv"          VVv     V v(0, 0x1a);
    VmsltuX   "vmsltu.vx"          VVx     V v(4, 0x1a);
    Vmslt     "vmslt.vv"           VVv     V v(0, 0x1b);
    VmsltX    "vmslt.vx"           VVx     V v(4, 0x1b);
    Vmsleu    "vmsleu.vv"          VVv     V v(0, 0x1c);
    Vmsle     "vmsle.vv"           VVv     V v(0, 0x1d);
    Vsaddu    "vsaddu.vv"          VVv     V v(0, 0x20);
    Vsadd     "vsadd.vv"           VVv     V v(0, 0x21);
    Vssubu    "vssubu.vv"          VVv     V v(0, 0x22);
    Vssub     "vssub.vv"           VVv     V v(0, 0x23);
    VsllX     "vsll.vx"            VVx     V v(4, 0x25);
    Vsmul     "vsmul.vv"           VVv     V v(0, 0x27);
    VsrlX     "vsrl.vx"            VVx     V v(4, 0x28);
    VsrlI     "vsrl.vi"            VVu     V v(3, 0x28);
    VsraX     "vsra.vx"            VVx     V v(4, 0x29);
    Vnsrl     "vnsrl.wx"           VVx     V v(4, 0x2c);
    Vnclipu   "vnclipu.wi"         VVu     V v(3, 0x2e);
    Vnclip    "vnclip.wi"          VVu     V v(3, 0x2f);
    Vmerge    "vmerge.vvm"         VVvM    V vm(0, 0x17);
    VmergeX   "vmerge.vxm"         VVxM    V vm(4, 0x17);
    VmergeI   "vmerge.vim"         VViM    V vm(3, 0x17);
    VfmergeF  "vfmerge.vfm"        VVfM    V vm(5, 0x17);
    VmvX      "vmv.v.x"            Vx      V v(4, 0x17);
    VmvI      "vmv.v.i"            Vi      V v(3, 0x17);
    VfmvF     "vfmv.v.f"           Vf      V v(5, 0x17);
    Vmv1r     "vmv1r.v"            Vv      V v(3, 0x27);
    Vaaddu    "vaaddu.vv"          VVv     V v(2, 0x08);
    Vmul      "vmul.vv"            VVv     V v(2, 0x25);
    VmvXS     "vmv.x.s"            XV      V vu(2, 0x10, 0);
    VmvSX     "vmv.s.x"            Vx      V v(6, 0x10);
    Vcpop     "vcpop.m"            XV      V vu(2, 0x10, 0x10);
    VfmvFS    "vfmv.f.s"           FV      V vu(1, 0x10, 0);
    VfmvSF    "vfmv.s.f"           Vf      V v(5, 0x10);
    Vzext     "vzext.vf2"          Vv      V vu(2, 0x12, 6);
    Vsext     "vsext.vf2"          Vv      V vu(2, 0x12, 7);
    Vmandn    "vmandn.mm"          VVv     V v(2, 0x18);
    Vmand     "vmand.mm"           VVv     V v(2, 0x19);
    Vmor      "vmor.mm"            VVv     V v(2, 0x1a);
    Vmxor     "vmxor.mm"           VVv     V v(2, 0x1b);
    Vmnand    "vmnand.mm"          VVv     V v(2, 0x1d);
    Vmnor     "vmnor.mm"           VVv     V v(2, 0x1e);
    Vfadd     "vfadd.vv"           VVv     V v(1, 0x00);
    Vfsub     "vfsub.vv"           VVv     V v(1, 0x02);
    Vfmin     "vfmin.vv"           VVv     V v(1, 0x04);
    Vfmax     "vfmax.vv"           VVv     V v(1, 0x06);
    Vfsgnj    "vfsgnj.vv"          VVv     V v(1, 0x08);
    Vfsgnjn   "vfsgnjn.vv"         VVv     V v(1, 0x09);
    Vfsgnjx   "vfsgnjx.vv"         VVv     V v(1, 0x0a);
    Vmfeq     "vmfeq.vv"           VVv     V v(1, 0x18);
    Vmfle     "vmfle.vv"           VVv     V v(1, 0x19);
    Vmflt     "vmflt.vv"           VVv     V v(1, 0x1b);
    Vmfne     "vmfne.vv"           VVv     V v(1, 0x1c);
    Vfdiv     "vfdiv.vv"           VVv     V v(1, 0x20);
    Vfmul     "vfmul.vv"           VVv     V v(1, 0x24);
    VmfltF    "vmflt.vf"           VVf     V v(5, 0x1b);
    Vfmacc    "vfmacc.vv"          VvvInto V v(1, 0x2c);
    Vfnmsac   "vfnmsac.vv"         VvvInto V v(1, 0x2f);
    Vfsqrt    "vfsqrt.v"           Vv      V vu(1, 0x13, 0);
    VfcvtXuF  "vfcvt.rtz.xu.f.v"   Vv      V vu(1, 0x12, 6);
    VfcvtXF   "vfcvt.rtz.x.f.v"    Vv      V vu(1, 0x12, 7);
    VfcvtXFR  "vfcvt.x.f.v"        Vv      V vu(1, 0x12, 1);
    VfcvtFXu  "vfcvt.f.xu.v"       Vv      V vu(1, 0x12, 2);
    VfcvtFX   "vfcvt.f.x.v"        Vv      V vu(1, 0x12, 3);
    VfwcvtFF  "vfwcvt.f.f.v"       Vv      V vu(1, 0x12, 0x0c);
    VfncvtFF  "vfncvt.f.f.w"       Vv      V vu(1, 0x12, 0x14);
}

//! The table of instructions, by shape.
//!
//! A shape is what an instruction's operands are: `Xxx` writes an x register from
//! two x registers, `Ff` an f register from one, and so on. A row of the table is
//! the encoder's function for the instruction, whose name the variant bears.

use pulley_interpreter::encode;
use pulley_interpreter::regs::{BinaryOperands, FReg, VReg, XReg};
use pulley_interpreter::{AddrO32, AddrZ, U6};
use smallvec::SmallVec;

/// Where instructions are encoded to.
pub type Code = SmallVec<[u8; 32]>;

macro_rules! shape {
    ($(#[$doc:meta])* $name:ident($code:ident $(, $arg:ident: $ty:ty)*) => $operands:tt; $($op:ident)*) => {
        $(#[$doc])*
        #[allow(non_camel_case_types, missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($op),* }

        impl $name {
            /// Appends the instruction with these operands.
            pub fn encode(self, $code: &mut Code $(, $arg: $ty)*) {
                match self { $($name::$op => encode::$op $operands),* }
            }
        }
    };
}

/// Like `shape!` for instructions that access memory: each has a form for any
/// address, and one that traps if the base register is null.
macro_rules! memory_shape {
    ($(#[$doc:meta])* $name:ident($code:ident, $addr:ident, $reg:ident: $ty:ty) => $operands:tt;
     $($op:ident $any:ident $null_traps:ident;)*) => {
        $(#[$doc])*
        #[allow(non_camel_case_types, missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($op),* }

        impl $name {
            /// Appends the instruction with these operands.
            pub fn encode(self, $code: &mut Code, base: XReg, offset: i32, null_traps: bool, $reg: $ty) {
                if null_traps {
                    let $addr = AddrZ { addr: base, offset };
                    match self { $($name::$op => encode::$null_traps $operands),* }
                } else {
                    let $addr = AddrO32 { addr: base, offset };
                    match self { $($name::$op => encode::$any $operands),* }
                }
            }
        }
    };
}

shape! {
    /// An x register from an x register.
    Xx(code, dst: XReg, src: XReg) => (code, dst, src);
    zext8 zext16 zext32 sext8 sext16 sext32 xneg32 xneg64 xabs32 xabs64 xbnot32 xbnot64
    xclz32 xclz64 xctz32 xctz64 xpopcnt32 xpopcnt64 bswap32 bswap64 xbmask32 xbmask64
}

shape! {
    /// An x register from two x registers.
    Xxx(code, dst: XReg, src1: XReg, src2: XReg) => (code, BinaryOperands { dst, src1, src2 });
    xadd32 xadd64 xsub32 xsub64 xmul32 xmul64 xmulhi64_s xmulhi64_u
    xdiv32_s xdiv64_s xdiv32_u xdiv64_u xrem32_s xrem64_s xrem32_u xrem64_u
    xband32 xband64 xbor32 xbor64 xbxor32 xbxor64
    xshl32 xshl64 xshr32_s xshr64_s xshr32_u xshr64_u xrotl32 xrotl64 xrotr32 xrotr64
    xmin32_u xmin64_u xmin32_s xmin64_s xmax32_u xmax64_u xmax32_s xmax64_s
    xeq32 xeq64 xneq32 xneq64 xslt32 xslt64 xslteq32 xslteq64 xult32 xult64 xulteq32 xulteq64
    xadd32_uoverflow_trap xadd64_uoverflow_trap
}

shape! {
    /// An x register from an x register and a zero-extended byte.
    XxU8(code, dst: XReg, src: XReg, imm: u8) => (code, dst, src, imm);
    xadd32_u8 xadd64_u8 xsub32_u8 xsub64_u8
}

shape! {
    /// An x register from an x register and a zero-extended word.
    XxU32(code, dst: XReg, src: XReg, imm: u32) => (code, dst, src, imm);
    xadd32_u32 xadd64_u32 xsub32_u32 xsub64_u32
}

shape! {
    /// An x register from an x register and a sign-extended byte.
    XxI8(code, dst: XReg, src: XReg, imm: i8) => (code, dst, src, imm);
    xmul32_s8 xmul64_s8 xband32_s8 xband64_s8 xbor32_s8 xbor64_s8 xbxor32_s8 xbxor64_s8
}

shape! {
    /// An x register from an x register and a sign-extended word.
    XxI32(code, dst: XReg, src: XReg, imm: i32) => (code, dst, src, imm);
    xmul32_s32 xmul64_s32 xband32_s32 xband64_s32 xbor32_s32 xbor64_s32 xbxor32_s32 xbxor64_s32
}

shape! {
    /// An x register from an x register and a number below 64.
    XxU6(code, dst: XReg, src1: XReg, src2: U6) => (code, BinaryOperands { dst, src1, src2 });
    xshl32_u6 xshl64_u6 xshr32_s_u6 xshr64_s_u6 xshr32_u_u6 xshr64_u_u6
}

shape! {
    /// An x register from three x registers.
    Xxxx(code, dst: XReg, a: XReg, b: XReg, c: XReg) => (code, dst, a, b, c);
    xselect32 xselect64 xmadd32 xmadd64
}

shape! {
    /// An f register from an f register.
    Ff(code, dst: FReg, src: FReg) => (code, dst, src);
    fmov f32_from_f64 f64_from_f32 fneg32 fneg64 fabs32 fabs64 fsqrt32 fsqrt64 fceil32 fceil64
    ffloor32 ffloor64 ftrunc32 ftrunc64 fnearest32 fnearest64
}

shape! {
    /// An f register from two f registers.
    Fff(code, dst: FReg, src1: FReg, src2: FReg) => (code, BinaryOperands { dst, src1, src2 });
    fadd32 fadd64 fsub32 fsub64 fmul32 fmul64 fdiv32 fdiv64
    fminimum32 fminimum64 fmaximum32 fmaximum64 fcopysign32 fcopysign64
}

shape! {
    /// An x register from two f registers.
    Xff(code, dst: XReg, a: FReg, b: FReg) => (code, dst, a, b);
    feq32 feq64 fneq32 fneq64 flt32 flt64 flteq32 flteq64
}

shape! {
    /// An x register from an f register.
    Xf(code, dst: XReg, src: FReg) => (code, dst, src);
    bitcast_int_from_float_32 bitcast_int_from_float_64
    x32_from_f32_s x32_from_f32_u x32_from_f64_s x32_from_f64_u
    x64_from_f32_s x64_from_f32_u x64_from_f64_s x64_from_f64_u
    x32_from_f32_s_sat x32_from_f32_u_sat x32_from_f64_s_sat x32_from_f64_u_sat
    x64_from_f32_s_sat x64_from_f32_u_sat x64_from_f64_s_sat x64_from_f64_u_sat
}

shape! {
    /// An f register from an x register.
    Fx(code, dst: FReg, src: XReg) => (code, dst, src);
    bitcast_float_from_int_32 bitcast_float_from_int_64
    f32_from_x32_s f32_from_x32_u f32_from_x64_s f32_from_x64_u
    f64_from_x32_s f64_from_x32_u f64_from_x64_s f64_from_x64_u
}

shape! {
    /// An f register from a condition and two f registers.
    Fxff(code, dst: FReg, cond: XReg, if_nonzero: FReg, if_zero: FReg) => (code, dst, cond, if_nonzero, if_zero);
    fselect32 fselect64
}

shape! {
    /// All lanes of a v register from an f register.
    Vf(code, dst: VReg, src: FReg) => (code, dst, src);
    vsplatf32 vsplatf64
}

shape! {
    /// All lanes of a v register from an x register.
    Vx(code, dst: VReg, src: XReg) => (code, dst, src);
    vsplatx8 vsplatx16 vsplatx32 vsplatx64
}

shape! {
    /// An f register from a lane of a v register.
    Fv(code, dst: FReg, src: VReg, lane: u8) => (code, dst, src, lane);
    fextractv32x4 fextractv64x2
}

shape! {
    /// An x register from a lane of a v register, zero-extended to 32 bits.
    XvLane(code, dst: XReg, src: VReg, lane: u8) => (code, dst, src, lane);
    xextractv8x16 xextractv16x8 xextractv32x4 xextractv64x2
}

shape! {
    /// A v register from one, with a lane from an x register.
    VvxLane(code, dst: VReg, src1: VReg, src2: XReg, lane: u8) =>
        (code, BinaryOperands { dst, src1, src2 }, lane);
    vinsertx8 vinsertx16 vinsertx32 vinsertx64
}

shape! {
    /// A v register from one, with a lane from an f register.
    VvfLane(code, dst: VReg, src1: VReg, src2: FReg, lane: u8) =>
        (code, BinaryOperands { dst, src1, src2 }, lane);
    vinsertf32 vinsertf64
}

shape! {
    /// The low 32 bits of an x register from a v register.
    Xv(code, dst: XReg, src: VReg) => (code, dst, src);
    vbitmask8x16 vbitmask16x8 vbitmask32x4 vbitmask64x2
    valltrue8x16 valltrue16x8 valltrue32x4 valltrue64x2 vanytrue8x16
}

shape! {
    /// A v register from a v register.
    Vv(code, dst: VReg, src: VReg) => (code, dst, src);
    vneg8x16 vneg16x8 vneg32x4 vneg64x2 vabs8x16 vabs16x8 vabs32x4 vabs64x2 vbnot128 vpopcnt8x16
    vnegf32x4 vnegf64x2 vabsf32x4 vabsf64x2 vsqrt32x4 vsqrt64x2
    vceil32x4 vceil64x2 vfloor32x4 vfloor64x2 vtrunc32x4 vtrunc64x2 vnearest32x4 vnearest64x2
    vwidenlow8x16_s vwidenlow16x8_s vwidenlow32x4_s vwidenlow8x16_u vwidenlow16x8_u vwidenlow32x4_u
    vwidenhigh8x16_s vwidenhigh16x8_s vwidenhigh32x4_s vwidenhigh8x16_u vwidenhigh16x8_u vwidenhigh32x4_u
    vf32x4_from_i32x4_s vf32x4_from_i32x4_u vf64x2_from_i64x2_s vf64x2_from_i64x2_u
    vi32x4_from_f32x4_s vi32x4_from_f32x4_u vi64x2_from_f64x2_s vi64x2_from_f64x2_u
    vfpromotelow vfdemote
}

shape! {
    /// A v register from two v registers.
    Vvv(code, dst: VReg, src1: VReg, src2: VReg) => (code, BinaryOperands { dst, src1, src2 });
    vaddi8x16 vaddi16x8 vaddi32x4 vaddi64x2 vsubi8x16 vsubi16x8 vsubi32x4 vsubi64x2
    vmuli8x16 vmuli16x8 vmuli32x4 vmuli64x2
    vaddi8x16_sat vaddi16x8_sat vaddu8x16_sat vaddu16x8_sat
    vsubi8x16_sat vsubi16x8_sat vsubu8x16_sat vsubu16x8_sat
    vavground8x16 vavground16x8 vqmulrsi16x8 vaddpairwisei16x8_s vaddpairwisei32x4_s
    vmin8x16_s vmin16x8_s vmin32x4_s vmin8x16_u vmin16x8_u vmin32x4_u
    vmax8x16_s vmax16x8_s vmax32x4_s vmax8x16_u vmax16x8_u vmax32x4_u
    vband128 vbor128 vbxor128
    veq8x16 veq16x8 veq32x4 veq64x2 vneq8x16 vneq16x8 vneq32x4 vneq64x2
    vslt8x16 vslt16x8 vslt32x4 vslt64x2 vslteq8x16 vslteq16x8 vslteq32x4 vslteq64x2
    vult8x16 vult16x8 vult32x4 vult64x2 vulteq8x16 vulteq16x8 vulteq32x4 vulteq64x2
    vnarrow16x8_s vnarrow32x4_s vnarrow64x2_s vnarrow16x8_u vnarrow32x4_u vnarrow64x2_u vunarrow64x2_u
    vswizzlei8x16
    vaddf32x4 vaddf64x2 vsubf32x4 vsubf64x2 vmulf32x4 vmulf64x2 vdivf32x4 vdivf64x2
    vminimumf32x4 vminimumf64x2 vmaximumf32x4 vmaximumf64x2
    veqf32x4 veqf64x2 vneqf32x4 vneqf64x2 vltf32x4 vltf64x2 vlteqf32x4 vlteqf64x2
}

shape! {
    /// A v register from a v register and the low 32 bits of an x register, modulo
    /// the width of a lane.
    Vvx(code, dst: VReg, src1: VReg, src2: XReg) => (code, BinaryOperands { dst, src1, src2 });
    vshli8x16 vshli16x8 vshli32x4 vshli64x2 vshri8x16_s vshri16x8_s vshri32x4_s vshri64x2_s
    vshri8x16_u vshri16x8_u vshri32x4_u vshri64x2_u
}

shape! {
    /// A v register from three v registers.
    Vvvv(code, dst: VReg, a: VReg, b: VReg, c: VReg) => (code, dst, a, b, c);
    vfma32x4 vfma64x2 vbitselect128
}

memory_shape! {
    /// A load to a v register.
    VLoad(code, addr, reg: VReg) => (code, reg, addr);
    vload128le vload128le_o32 vload128le_z;
}

memory_shape! {
    /// A store of a v register.
    VStore(code, addr, reg: VReg) => (code, addr, reg);
    vstore128le vstore128le_o32 vstore128le_z;
}

shape! {
    /// A load of 8 bytes as lanes made twice as wide; traps if the base register is
    /// null.
    VLoadWiden(code, dst: VReg, addr: AddrZ) => (code, dst, addr);
    vload8x8_s_z vload8x8_u_z vload16x4le_s_z vload16x4le_u_z vload32x2le_s_z vload32x2le_u_z
}

memory_shape! {
    /// A load to an x register. Loads named `32` write its lower half only.
    XLoad(code, addr, reg: XReg) => (code, reg, addr);
    xload8_u32 xload8_u32_o32 xload8_u32_z;
    xload8_s32 xload8_s32_o32 xload8_s32_z;
    xload16le_u32 xload16le_u32_o32 xload16le_u32_z;
    xload16le_s32 xload16le_s32_o32 xload16le_s32_z;
    xload32le xload32le_o32 xload32le_z;
    xload64le xload64le_o32 xload64le_z;
    xload16be_u32 xload16be_u32_o32 xload16be_u32_z;
    xload16be_s32 xload16be_s32_o32 xload16be_s32_z;
    xload32be xload32be_o32 xload32be_z;
    xload64be xload64be_o32 xload64be_z;
}

memory_shape! {
    /// A store of an x register.
    XStore(code, addr, reg: XReg) => (code, addr, reg);
    xstore8 xstore8_o32 xstore8_z;
    xstore16le xstore16le_o32 xstore16le_z;
    xstore32le xstore32le_o32 xstore32le_z;
    xstore64le xstore64le_o32 xstore64le_z;
    xstore16be xstore16be_o32 xstore16be_z;
    xstore32be xstore32be_o32 xstore32be_z;
    xstore64be xstore64be_o32 xstore64be_z;
}

memory_shape! {
    /// A load to an f register.
    FLoad(code, addr, reg: FReg) => (code, reg, addr);
    fload32le fload32le_o32 fload32le_z;
    fload64le fload64le_o32 fload64le_z;
    fload32be fload32be_o32 fload32be_z;
    fload64be fload64be_o32 fload64be_z;
}

memory_shape! {
    /// A store of an f register.
    FStore(code, addr, reg: FReg) => (code, addr, reg);
    fstore32le fstore32le_o32 fstore32le_z;
    fstore64le fstore64le_o32 fstore64le_z;
    fstore32be fstore32be_o32 fstore32be_z;
    fstore64be fstore64be_o32 fstore64be_z;
}

shape! {
    /// A jump if an x register is not zero, or is.
    BrX(code, cond: XReg, offset: i32) => (code, cond, offset);
    br_if32 br_if_not32
}

shape! {
    /// A jump if two x registers compare so.
    BrXx(code, a: XReg, b: XReg, offset: i32) => (code, a, b, offset);
    br_if_xeq32 br_if_xneq32 br_if_xslt32 br_if_xslteq32 br_if_xult32 br_if_xulteq32
    br_if_xeq64 br_if_xneq64 br_if_xslt64 br_if_xslteq64 br_if_xult64 br_if_xulteq64
}

shape! {
    /// A jump if an x register and a sign-extended word compare so.
    BrXI32(code, a: XReg, b: i32, offset: i32) => (code, a, b, offset);
    br_if_xeq32_i32 br_if_xneq32_i32 br_if_xslt32_i32 br_if_xslteq32_i32 br_if_xsgt32_i32 br_if_xsgteq32_i32
    br_if_xeq64_i32 br_if_xneq64_i32 br_if_xslt64_i32 br_if_xslteq64_i32 br_if_xsgt64_i32 br_if_xsgteq64_i32
}

shape! {
    /// A jump if an x register and a sign-extended byte compare so.
    BrXI8(code, a: XReg, b: i8, offset: i32) => (code, a, b, offset);
    br_if_xeq32_i8 br_if_xneq32_i8 br_if_xslt32_i8 br_if_xslteq32_i8 br_if_xsgt32_i8 br_if_xsgteq32_i8
    br_if_xeq64_i8 br_if_xneq64_i8 br_if_xslt64_i8 br_if_xslteq64_i8 br_if_xsgt64_i8 br_if_xsgteq64_i8
}

shape! {
    /// A jump if an x register and a zero-extended word compare so.
    BrXU32(code, a: XReg, b: u32, offset: i32) => (code, a, b, offset);
    br_if_xult32_u32 br_if_xulteq32_u32 br_if_xugt32_u32 br_if_xugteq32_u32
    br_if_xult64_u32 br_if_xulteq64_u32 br_if_xugt64_u32 br_if_xugteq64_u32
}

shape! {
    /// A jump if an x register and a zero-extended byte compare so.
    BrXU8(code, a: XReg, b: u8, offset: i32) => (code, a, b, offset);
    br_if_xult32_u8 br_if_xulteq32_u8 br_if_xugt32_u8 br_if_xugteq32_u8
    br_if_xult64_u8 br_if_xulteq64_u8 br_if_xugt64_u8 br_if_xugteq64_u8
}

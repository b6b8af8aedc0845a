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
    /// An f register from the first lane of a v register.
    Fv(code, dst: FReg, src: VReg) => (code, dst, src, 0);
    fextractv32x4 fextractv64x2
}

shape! {
    /// A v register from three v registers.
    Vvvv(code, dst: VReg, a: VReg, b: VReg, c: VReg) => (code, dst, a, b, c);
    vfma32x4 vfma64x2
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

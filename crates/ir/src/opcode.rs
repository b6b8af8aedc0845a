//! The opcode table: one row per instruction of the language.
//!
//! Problem: reader, writer, verifier, interpreter, optimiser and code generators
//! all need to know an instruction's operands, types and effects. Approach: one
//! declarative table, plain data, that all of them read. A row gives the name in
//! CLIF text, the format (which immediates stand where), how the controlling type
//! is found, what it may be, the types of arguments and results in terms of it,
//! and the effects.
//!
//! Meaning and naming follow the CLIF instruction reference (the documentation of
//! `cranelift_codegen::ir::InstBuilder`).

mod operand;

pub use operand::{OperandType, TypeSet};

use crate::types::{F32, F32X4, F64, F64X2, I8, I8X16, I16X8, I32, I32X4, I64, I64X2};
use std::fmt;

/// Where immediates and value operands stand in an instruction's text, and so
/// which [`crate::Extra`] it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// No operands.
    Nullary,
    /// `x`
    Unary,
    /// `x, y`
    Binary,
    /// `x, y, z`
    Ternary,
    /// An integer: `Extra::Imm`, sign-extended from the controlling type.
    UnaryImm,
    /// A float's bits: `Extra::Imm`.
    UnaryFloat,
    /// The 16 bytes of a vector: `Extra::Bytes`.
    UnaryConst,
    /// `x, lane`: `Extra::Lane`.
    ExtractLane,
    /// `x, y, lane`: `Extra::Lane`.
    InsertLane,
    /// `x, y, mask`: `Extra::Bytes`.
    Shuffle,
    /// `cond x, y`: `Extra::IntCC`.
    IntCompare,
    /// `cond x, y`: `Extra::FloatCC`.
    FloatCompare,
    /// `x, y, code`: `Extra::Trap`.
    IntAddTrap,
    /// `flags p+offset`: `Extra::Mem`.
    Load,
    /// `flags x, p+offset`: `Extra::Mem`.
    Store,
    /// `flags x`: `Extra::Mem` with offset 0.
    LoadNoOffset,
    /// `flags x, p`: `Extra::Mem` with offset 0.
    StoreNoOffset,
    /// `flags op p, x`: `Extra::Atomic`.
    AtomicRmw,
    /// `flags p, expected, new`: `Extra::Mem` with offset 0.
    AtomicCas,
    /// `ss+offset`: `Extra::Stack`.
    StackAddr,
    /// `gv`: `Extra::Global`.
    GlobalValue,
    /// `fn`: `Extra::Func`.
    FuncAddr,
    /// `fn(args)`: `Extra::Func`.
    Call,
    /// `sig, callee(args)`: `Extra::Sig`; the callee is the first argument.
    CallIndirect,
    /// `fn(args), sig, normal, [handlers]`: `Extra::TryCall`.
    TryCall,
    /// `callee(args), sig, normal, [handlers]`: `Extra::TryCallIndirect`; the
    /// callee is the first argument.
    TryCallIndirect,
    /// `block(args)`: `Extra::Jump`.
    Jump,
    /// `x, then(args), else(args)`: `Extra::Brif`.
    Brif,
    /// `x, default(args), [entries]`: `Extra::Table`.
    BrTable,
    /// `code`: `Extra::Trap`.
    Trap,
    /// `x, code`: `Extra::Trap`.
    CondTrap,
    /// Any number of values.
    MultiAry,
}

/// How the controlling type of an instruction is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ctrl {
    /// There is none.
    None,
    /// Written after the opcode: `iconst.i32`.
    Explicit,
    /// The type of this argument; it may be written as well.
    Infer(u8),
}

/// Effects and structure of an instruction, a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Props(u16);

impl Props {
    /// No effect: may be removed, merged and moved freely.
    pub const PURE: Props = Props(0);
    /// Ends its block.
    pub const TERMINATOR: Props = Props(1);
    /// Names blocks to go on in.
    pub const BRANCH: Props = Props(2);
    /// Calls a function.
    pub const CALL: Props = Props(4);
    /// Leaves the function.
    pub const RETURN: Props = Props(8);
    /// Reads memory.
    pub const LOAD: Props = Props(16);
    /// Writes memory.
    pub const STORE: Props = Props(32);
    /// May trap for some operands.
    pub const TRAP: Props = Props(64);
    /// Does something else that must stay where it is.
    pub const SIDE: Props = Props(128);
    /// Its first two operands may be exchanged.
    pub const COMMUTATIVE: Props = Props(256);

    /// Both sets together.
    pub const fn or(self, other: Props) -> Props {
        Props(self.0 | other.0)
    }

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Props) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct OpcodeInfo {
    /// The name in CLIF text.
    pub name: &'static str,
    /// The operands' places.
    pub format: Format,
    /// How the controlling type is found.
    pub ctrl: Ctrl,
    /// What the controlling type may be.
    pub types: TypeSet,
    /// The fixed value arguments; those of calls, branches and returns depend on
    /// a signature or block.
    pub args: &'static [OperandType],
    /// The results; those of calls depend on the signature.
    pub results: &'static [OperandType],
    /// Effects and structure.
    pub props: Props,
}

const S: OperandType = OperandType::Same;
const BOOL: OperandType = OperandType::Fixed(I8);
const TRUTH: OperandType = OperandType::Truth;
const LANE: OperandType = OperandType::Lane;
const ADDR: OperandType = OperandType::Addr;
const INT: OperandType = OperandType::AnyInt;
const FLT: OperandType = OperandType::AnyFloat;

const PURE: Props = Props::PURE;
const COMM: Props = Props::COMMUTATIVE;
const LOAD: Props = Props::LOAD;
const STORE: Props = Props::STORE;
const TRAP: Props = Props::TRAP;
const SIDE: Props = Props::SIDE;
const TERM: Props = Props::TERMINATOR;
const BRANCH: Props = TERM.or(Props::BRANCH);
const CALL: Props = Props::CALL.or(LOAD).or(STORE).or(SIDE);
const RETURN: Props = TERM.or(Props::RETURN);
const ATOMIC: Props = LOAD.or(STORE).or(SIDE);

macro_rules! opcodes {
    ($($variant:ident $name:literal $format:ident $ctrl:expr, $types:ident, [$($arg:expr),*] -> [$($res:expr),*], $props:expr;)*) => {
        /// What an instruction does; the table in this file describes each.
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        #[repr(u8)]
        pub enum Opcode { $($variant,)* }

        impl Opcode {
            /// All opcodes, in the order of the table.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$variant,)*];
        }

        static TABLE: &[OpcodeInfo] = &[$(OpcodeInfo {
            name: $name,
            format: Format::$format,
            ctrl: $ctrl,
            types: TypeSet::$types,
            args: &[$($arg),*],
            results: &[$($res),*],
            props: $props,
        },)*];
    };
}

use Ctrl::{Explicit, Infer, None as NoCtrl};
use OperandType::{AnyVec, Fixed, FloatOf, IntOf, Narrowed, NarrowerInt, SameBits, Widened, WiderInt};

opcodes! {
    // Control flow.
    Jump                "jump"                 Jump            NoCtrl,   None,      [] -> [],           BRANCH;
    Brif                "brif"                 Brif            Infer(0), Int,       [S] -> [],          BRANCH;
    BrTable             "br_table"             BrTable         NoCtrl,   None,      [Fixed(I32)] -> [], BRANCH;
    Return              "return"               MultiAry        NoCtrl,   None,      [] -> [],           RETURN;
    Trap                "trap"                 Trap            NoCtrl,   None,      [] -> [],           TERM.or(TRAP);
    Trapz               "trapz"                CondTrap        Infer(0), Int,       [S] -> [],          TRAP;
    Trapnz              "trapnz"               CondTrap        Infer(0), Int,       [S] -> [],          TRAP;
    Debugtrap           "debugtrap"            Nullary         NoCtrl,   None,      [] -> [],           SIDE.or(LOAD).or(STORE);
    Call                "call"                 Call            NoCtrl,   None,      [] -> [],           CALL;
    CallIndirect        "call_indirect"        CallIndirect    NoCtrl,   None,      [ADDR] -> [],       CALL;
    ReturnCall          "return_call"          Call            NoCtrl,   None,      [] -> [],           CALL.or(RETURN);
    ReturnCallIndirect  "return_call_indirect" CallIndirect    NoCtrl,   None,      [ADDR] -> [],       CALL.or(RETURN);
    TryCall             "try_call"             TryCall         NoCtrl,   None,      [] -> [],           CALL.or(BRANCH);
    TryCallIndirect     "try_call_indirect"    TryCallIndirect NoCtrl,   None,      [ADDR] -> [],       CALL.or(BRANCH);

    // Constants and environment.
    Iconst              "iconst"               UnaryImm        Explicit, Int,       [] -> [S],          PURE;
    F32const            "f32const"             UnaryFloat      NoCtrl,   None,      [] -> [Fixed(F32)], PURE;
    F64const            "f64const"             UnaryFloat      NoCtrl,   None,      [] -> [Fixed(F64)], PURE;
    FuncAddr            "func_addr"            FuncAddr        Explicit, Int32Or64, [] -> [S],          PURE;
    SymbolValue         "symbol_value"         GlobalValue     Explicit, Any,       [] -> [S],          PURE;
    GlobalValue         "global_value"         GlobalValue     Explicit, Any,       [] -> [S],          PURE;
    TlsValue            "tls_value"            GlobalValue     Explicit, Int32Or64, [] -> [S],          PURE;
    StackAddr           "stack_addr"           StackAddr       Explicit, Int32Or64, [] -> [S],          PURE;
    GetFramePointer     "get_frame_pointer"    Nullary         Explicit, Int32Or64, [] -> [S],          PURE;
    GetStackPointer     "get_stack_pointer"    Nullary         Explicit, Int32Or64, [] -> [S],          PURE;
    GetReturnAddress    "get_return_address"   Nullary         Explicit, Int32Or64, [] -> [S],          PURE;
    Nop                 "nop"                  Nullary         NoCtrl,   None,      [] -> [],           PURE;
    SequencePoint       "sequence_point"       Nullary         NoCtrl,   None,      [] -> [],           SIDE;

    // Memory.
    Load                "load"                 Load            Explicit, AnyOrVec,  [ADDR] -> [S],          LOAD.or(TRAP);
    Store               "store"                Store           Infer(0), AnyOrVec,  [S, ADDR] -> [],        STORE.or(TRAP);
    Uload8              "uload8"               Load            Explicit, WideInt,   [ADDR] -> [S],          LOAD.or(TRAP);
    Sload8              "sload8"               Load            Explicit, WideInt,   [ADDR] -> [S],          LOAD.or(TRAP);
    Istore8             "istore8"              Store           Infer(0), WideInt,   [S, ADDR] -> [],        STORE.or(TRAP);
    Uload16             "uload16"              Load            Explicit, Int32Or64, [ADDR] -> [S],          LOAD.or(TRAP);
    Sload16             "sload16"              Load            Explicit, Int32Or64, [ADDR] -> [S],          LOAD.or(TRAP);
    Istore16            "istore16"             Store           Infer(0), Int32Or64, [S, ADDR] -> [],        STORE.or(TRAP);
    Uload32             "uload32"              Load            NoCtrl,   None,      [ADDR] -> [Fixed(I64)], LOAD.or(TRAP);
    Sload32             "sload32"              Load            NoCtrl,   None,      [ADDR] -> [Fixed(I64)], LOAD.or(TRAP);
    Istore32            "istore32"             Store           NoCtrl,   None,      [Fixed(I64), ADDR] -> [], STORE.or(TRAP);
    Uload8x8            "uload8x8"             Load            NoCtrl,   None,      [ADDR] -> [Fixed(I16X8)], LOAD.or(TRAP);
    Sload8x8            "sload8x8"             Load            NoCtrl,   None,      [ADDR] -> [Fixed(I16X8)], LOAD.or(TRAP);
    Uload16x4           "uload16x4"            Load            NoCtrl,   None,      [ADDR] -> [Fixed(I32X4)], LOAD.or(TRAP);
    Sload16x4           "sload16x4"            Load            NoCtrl,   None,      [ADDR] -> [Fixed(I32X4)], LOAD.or(TRAP);
    Uload32x2           "uload32x2"            Load            NoCtrl,   None,      [ADDR] -> [Fixed(I64X2)], LOAD.or(TRAP);
    Sload32x2           "sload32x2"            Load            NoCtrl,   None,      [ADDR] -> [Fixed(I64X2)], LOAD.or(TRAP);
    AtomicRmw           "atomic_rmw"           AtomicRmw       Explicit, Int,       [ADDR, S] -> [S],       ATOMIC.or(TRAP);
    AtomicCas           "atomic_cas"           AtomicCas       Infer(1), Int,       [ADDR, S, S] -> [S],    ATOMIC.or(TRAP);
    AtomicLoad          "atomic_load"          LoadNoOffset    Explicit, Int,       [ADDR] -> [S],          LOAD.or(SIDE).or(TRAP);
    AtomicStore         "atomic_store"         StoreNoOffset   Infer(0), Int,       [S, ADDR] -> [],        STORE.or(SIDE).or(TRAP);
    Fence               "fence"                Nullary         NoCtrl,   None,      [] -> [],               ATOMIC;

    // Choice and comparison.
    Select              "select"               Ternary         Infer(1), AnyOrVec,  [INT, S, S] -> [S], PURE;
    SelectSpectreGuard  "select_spectre_guard" Ternary         Infer(1), Any,       [INT, S, S] -> [S], SIDE;
    Bitselect           "bitselect"            Ternary         Infer(0), AnyOrVec,  [S, S, S] -> [S],   PURE;
    Icmp                "icmp"                 IntCompare      Infer(0), IntOrVec,  [S, S] -> [TRUTH], PURE;
    Fcmp                "fcmp"                 FloatCompare    Infer(0), FloatOrVec, [S, S] -> [TRUTH], PURE;

    // Integer arithmetic.
    Iadd                "iadd"                 Binary          Infer(0), IntOrVec,  [S, S] -> [S],      COMM;
    Isub                "isub"                 Binary          Infer(0), IntOrVec,  [S, S] -> [S],      PURE;
    Ineg                "ineg"                 Unary           Infer(0), IntOrVec,  [S] -> [S],         PURE;
    Iabs                "iabs"                 Unary           Infer(0), IntOrVec,  [S] -> [S],         PURE;
    Imul                "imul"                 Binary          Infer(0), IntOrVec,  [S, S] -> [S],      COMM;
    Umulhi              "umulhi"               Binary          Infer(0), Int,       [S, S] -> [S],      COMM;
    Smulhi              "smulhi"               Binary          Infer(0), Int,       [S, S] -> [S],      COMM;
    Udiv                "udiv"                 Binary          Infer(0), Int,       [S, S] -> [S],      TRAP;
    Sdiv                "sdiv"                 Binary          Infer(0), Int,       [S, S] -> [S],      TRAP;
    Urem                "urem"                 Binary          Infer(0), Int,       [S, S] -> [S],      TRAP;
    Srem                "srem"                 Binary          Infer(0), Int,       [S, S] -> [S],      TRAP;
    Smin                "smin"                 Binary          Infer(0), IntOrVec,  [S, S] -> [S],      COMM;
    Umin                "umin"                 Binary          Infer(0), IntOrVec,  [S, S] -> [S],      COMM;
    Smax                "smax"                 Binary          Infer(0), IntOrVec,  [S, S] -> [S],      COMM;
    Umax                "umax"                 Binary          Infer(0), IntOrVec,  [S, S] -> [S],      COMM;
    UaddOverflow        "uadd_overflow"        Binary          Infer(0), Int,       [S, S] -> [S, BOOL],       COMM;
    SaddOverflow        "sadd_overflow"        Binary          Infer(0), Int,       [S, S] -> [S, BOOL],       COMM;
    UsubOverflow        "usub_overflow"        Binary          Infer(0), Int,       [S, S] -> [S, BOOL],       PURE;
    SsubOverflow        "ssub_overflow"        Binary          Infer(0), Int,       [S, S] -> [S, BOOL],       PURE;
    UmulOverflow        "umul_overflow"        Binary          Infer(0), Int,       [S, S] -> [S, BOOL],       COMM;
    SmulOverflow        "smul_overflow"        Binary          Infer(0), Int,       [S, S] -> [S, BOOL],       COMM;
    UaddOverflowCin     "uadd_overflow_cin"    Ternary         Infer(0), Int,       [S, S, BOOL] -> [S, BOOL], COMM;
    SaddOverflowCin     "sadd_overflow_cin"    Ternary         Infer(0), Int,       [S, S, BOOL] -> [S, BOOL], COMM;
    UsubOverflowBin     "usub_overflow_bin"    Ternary         Infer(0), Int,       [S, S, BOOL] -> [S, BOOL], PURE;
    SsubOverflowBin     "ssub_overflow_bin"    Ternary         Infer(0), Int,       [S, S, BOOL] -> [S, BOOL], PURE;
    UaddOverflowTrap    "uadd_overflow_trap"   IntAddTrap      Infer(0), Int32Or64, [S, S] -> [S],      TRAP.or(COMM);

    // Bits.
    Band                "band"                 Binary          Infer(0), AnyOrVec,  [S, S] -> [S],      COMM;
    Bor                 "bor"                  Binary          Infer(0), AnyOrVec,  [S, S] -> [S],      COMM;
    Bxor                "bxor"                 Binary          Infer(0), AnyOrVec,  [S, S] -> [S],      COMM;
    Bnot                "bnot"                 Unary           Infer(0), AnyOrVec,  [S] -> [S],         PURE;
    Rotl                "rotl"                 Binary          Infer(0), Int,       [S, INT] -> [S],    PURE;
    Rotr                "rotr"                 Binary          Infer(0), Int,       [S, INT] -> [S],    PURE;
    Ishl                "ishl"                 Binary          Infer(0), IntOrVec,  [S, INT] -> [S],    PURE;
    Ushr                "ushr"                 Binary          Infer(0), IntOrVec,  [S, INT] -> [S],    PURE;
    Sshr                "sshr"                 Binary          Infer(0), IntOrVec,  [S, INT] -> [S],    PURE;
    Bitrev              "bitrev"               Unary           Infer(0), Int,       [S] -> [S],         PURE;
    Clz                 "clz"                  Unary           Infer(0), Int,       [S] -> [S],         PURE;
    Cls                 "cls"                  Unary           Infer(0), Int,       [S] -> [S],         PURE;
    Ctz                 "ctz"                  Unary           Infer(0), Int,       [S] -> [S],         PURE;
    Bswap               "bswap"                Unary           Infer(0), WideInt,   [S] -> [S],         PURE;
    Popcnt              "popcnt"               Unary           Infer(0), IntOrVec,  [S] -> [S],         PURE;
    Bmask               "bmask"                Unary           Explicit, Int,       [INT] -> [S],       PURE;

    // Floats.
    Fadd                "fadd"                 Binary          Infer(0), FloatOrVec, [S, S] -> [S],      PURE;
    Fsub                "fsub"                 Binary          Infer(0), FloatOrVec, [S, S] -> [S],      PURE;
    Fmul                "fmul"                 Binary          Infer(0), FloatOrVec, [S, S] -> [S],      PURE;
    Fdiv                "fdiv"                 Binary          Infer(0), FloatOrVec, [S, S] -> [S],      PURE;
    Sqrt                "sqrt"                 Unary           Infer(0), FloatOrVec, [S] -> [S],         PURE;
    Fma                 "fma"                  Ternary         Infer(0), FloatOrVec, [S, S, S] -> [S],   PURE;
    Fneg                "fneg"                 Unary           Infer(0), FloatOrVec, [S] -> [S],         PURE;
    Fabs                "fabs"                 Unary           Infer(0), FloatOrVec, [S] -> [S],         PURE;
    Fcopysign           "fcopysign"            Binary          Infer(0), FloatOrVec, [S, S] -> [S],      PURE;
    Fmin                "fmin"                 Binary          Infer(0), FloatOrVec, [S, S] -> [S],      PURE;
    Fmax                "fmax"                 Binary          Infer(0), FloatOrVec, [S, S] -> [S],      PURE;
    Ceil                "ceil"                 Unary           Infer(0), FloatOrVec, [S] -> [S],         PURE;
    Floor               "floor"                Unary           Infer(0), FloatOrVec, [S] -> [S],         PURE;
    Trunc               "trunc"                Unary           Infer(0), FloatOrVec, [S] -> [S],         PURE;
    Nearest             "nearest"              Unary           Infer(0), FloatOrVec, [S] -> [S],         PURE;

    // Conversions.
    Bitcast             "bitcast"              LoadNoOffset    Explicit, AnyOrVec,  [SameBits] -> [S],    PURE;
    Ireduce             "ireduce"              Unary           Explicit, Int,       [WiderInt] -> [S],    PURE;
    Uextend             "uextend"              Unary           Explicit, Int,       [NarrowerInt] -> [S], PURE;
    Sextend             "sextend"              Unary           Explicit, Int,       [NarrowerInt] -> [S], PURE;
    Fpromote            "fpromote"             Unary           Explicit, Float,     [FLT] -> [S],         PURE;
    Fdemote             "fdemote"              Unary           Explicit, Float,     [FLT] -> [S],         PURE;
    FcvtToUint          "fcvt_to_uint"         Unary           Explicit, Int,       [FLT] -> [S],         TRAP;
    FcvtToSint          "fcvt_to_sint"         Unary           Explicit, Int,       [FLT] -> [S],         TRAP;
    FcvtToUintSat       "fcvt_to_uint_sat"     Unary           Explicit, IntOrVec,  [FloatOf] -> [S],         PURE;
    FcvtToSintSat       "fcvt_to_sint_sat"     Unary           Explicit, IntOrVec,  [FloatOf] -> [S],         PURE;
    FcvtFromUint        "fcvt_from_uint"       Unary           Explicit, FloatOrVec, [IntOf] -> [S],         PURE;
    FcvtFromSint        "fcvt_from_sint"       Unary           Explicit, FloatOrVec, [IntOf] -> [S],         PURE;

    // Vectors: lanes.
    Vconst              "vconst"               UnaryConst      Explicit, Vec,       [] -> [S],          PURE;
    Splat               "splat"                Unary           Explicit, Vec,       [LANE] -> [S],      PURE;
    ScalarToVector      "scalar_to_vector"     Unary           Explicit, Vec,       [LANE] -> [S],      PURE;
    Extractlane         "extractlane"          ExtractLane     Infer(0), Vec,       [S] -> [LANE],      PURE;
    Insertlane          "insertlane"           InsertLane      Infer(0), Vec,       [S, LANE] -> [S],   PURE;
    Swizzle             "swizzle"              Binary          NoCtrl,   None,      [Fixed(I8X16), Fixed(I8X16)] -> [Fixed(I8X16)], PURE;
    Shuffle             "shuffle"              Shuffle         NoCtrl,   None,      [Fixed(I8X16), Fixed(I8X16)] -> [Fixed(I8X16)], PURE;
    VanyTrue            "vany_true"            Unary           Infer(0), Vec,       [S] -> [BOOL],      PURE;
    VallTrue            "vall_true"            Unary           Infer(0), Vec,       [S] -> [BOOL],      PURE;
    VhighBits           "vhigh_bits"           Unary           Explicit, Int,       [AnyVec] -> [S],    PURE;

    // Vectors: integers.
    UaddSat             "uadd_sat"             Binary          Infer(0), IntVec,    [S, S] -> [S],      COMM;
    SaddSat             "sadd_sat"             Binary          Infer(0), IntVec,    [S, S] -> [S],      COMM;
    UsubSat             "usub_sat"             Binary          Infer(0), IntVec,    [S, S] -> [S],      PURE;
    SsubSat             "ssub_sat"             Binary          Infer(0), IntVec,    [S, S] -> [S],      PURE;
    AvgRound            "avg_round"            Binary          Infer(0), IntVec,    [S, S] -> [S],      COMM;
    SqmulRoundSat       "sqmul_round_sat"      Binary          Infer(0), Int16Or32Vec, [S, S] -> [S],   COMM;
    IaddPairwise        "iadd_pairwise"        Binary          Infer(0), IntVec,    [S, S] -> [S],      PURE;
    Snarrow             "snarrow"              Binary          Infer(0), WideIntVec, [S, S] -> [Narrowed],  PURE;
    Unarrow             "unarrow"              Binary          Infer(0), WideIntVec, [S, S] -> [Narrowed],  PURE;
    Uunarrow            "uunarrow"             Binary          Infer(0), WideIntVec, [S, S] -> [Narrowed],  PURE;
    SwidenLow           "swiden_low"           Unary           Infer(0), NarrowIntVec, [S] -> [Widened],    PURE;
    SwidenHigh          "swiden_high"          Unary           Infer(0), NarrowIntVec, [S] -> [Widened],    PURE;
    UwidenLow           "uwiden_low"           Unary           Infer(0), NarrowIntVec, [S] -> [Widened],    PURE;
    UwidenHigh          "uwiden_high"          Unary           Infer(0), NarrowIntVec, [S] -> [Widened],    PURE;

    // Vectors: floats.
    FvpromoteLow        "fvpromote_low"        Unary           NoCtrl,   None,      [Fixed(F32X4)] -> [Fixed(F64X2)], PURE;
    Fvdemote            "fvdemote"             Unary           NoCtrl,   None,      [Fixed(F64X2)] -> [Fixed(F32X4)], PURE;
}

impl Opcode {
    /// The opcode's row of the table.
    pub fn info(self) -> &'static OpcodeInfo {
        &TABLE[self as usize]
    }

    /// The name in CLIF text.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The operands' places.
    pub fn format(self) -> Format {
        self.info().format
    }

    /// Effects and structure.
    pub fn props(self) -> Props {
        self.info().props
    }

    /// The opcode that CLIF text calls `name`.
    pub fn parse(name: &str) -> Option<Opcode> {
        Self::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// Whether it ends its block.
    pub fn is_terminator(self) -> bool {
        self.props().has(Props::TERMINATOR)
    }

    /// Whether it names blocks to go on in.
    pub fn is_branch(self) -> bool {
        self.props().has(Props::BRANCH)
    }

    /// Whether it calls a function, tail calls included.
    pub fn is_call(self) -> bool {
        self.props().has(Props::CALL)
    }

    /// Whether it leaves the function, tail calls included.
    pub fn is_return(self) -> bool {
        self.props().has(Props::RETURN)
    }

    /// Whether it reads memory.
    pub fn can_load(self) -> bool {
        self.props().has(Props::LOAD)
    }

    /// Whether it writes memory.
    pub fn can_store(self) -> bool {
        self.props().has(Props::STORE)
    }

    /// Whether it may trap.
    pub fn can_trap(self) -> bool {
        self.props().has(Props::TRAP)
    }

    /// Whether an unused one may be removed, an equal one merged, and any one
    /// moved to where its operands dominate.
    pub fn is_pure(self) -> bool {
        let effects = Props::TERMINATOR.or(CALL).or(TRAP);
        self.props().0 & effects.0 == 0
    }

    /// Whether it is a constant: the immediates are its value.
    pub fn is_constant(self) -> bool {
        matches!(self, Opcode::Iconst | Opcode::F32const | Opcode::F64const | Opcode::Vconst)
    }

    /// Whether the first two operands may be exchanged.
    pub fn is_commutative(self) -> bool {
        self.props().has(Props::COMMUTATIVE)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_rows_consistent() {
        for &op in Opcode::ALL {
            assert_eq!(Opcode::parse(op.name()), Some(op));
            let info = op.info();
            assert_eq!(info.ctrl == Ctrl::None, info.types == TypeSet::None, "{op}");
            if let Ctrl::Infer(arg) = info.ctrl {
                assert_eq!(info.args[usize::from(arg)], OperandType::Same, "{op}");
            }
        }
    }

    #[test]
    fn purity() {
        assert!(Opcode::Iadd.is_pure() && Opcode::Iconst.is_pure());
        for op in [Opcode::Load, Opcode::Store, Opcode::Udiv, Opcode::Call, Opcode::Jump, Opcode::Fence] {
            assert!(!op.is_pure(), "{op}");
        }
    }
}

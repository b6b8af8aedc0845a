//! The register file: x0 to x31 (integers), f0 to f31 (floats) and, with vectors, v0 to
//! v31.
//!
//! Not allocated: x0 is zero, ra holds the return address, sp and fp are the stack
//! and frame pointers, gp and tp are the system's, and t6 is left to emission:
//! for offsets that no instruction holds, and for veneers, which must leave every
//! other register alone. Between calls ra is free for emission too, as every
//! function keeps its return address in its frame. v0 is left to masks.

use crate::emit;
use crate::reg::Reg;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

/// The x register number `n`.
pub const fn x(n: usize) -> PReg {
    PReg::new(n, RegClass::Int)
}

/// The f register number `n`.
pub const fn f(n: usize) -> PReg {
    PReg::new(n, RegClass::Float)
}

/// The v register number `n`.
pub const fn v(n: usize) -> PReg {
    PReg::new(n, RegClass::Vector)
}

/// The register that masks are in, as an operand of instructions before and after
/// allocation. It is not allocated.
pub const V0: Reg = Reg::physical(v(0));

/// The v registers that are allocated, by number.
pub fn vectors() -> impl Iterator<Item = PReg> {
    (1..32).map(v)
}

/// Zero, as an operand of instructions before and after allocation.
pub const ZERO: Reg = Reg::physical(x(0));

/// Hardware numbers of the x registers that emission names.
pub const X0: u8 = 0;
pub const RA: u8 = 1;
pub const SP: u8 = 2;
pub const FP: u8 = 8;
pub const T6: u8 = 31;

/// The register that holds the callee of an indirect tail call: no argument, not
/// saved by callees, and no hint to the return address predictor.
pub const TAIL_CALLEE: PReg = x(6);

/// The first argument and return registers of each class.
pub const A0: usize = 10;
pub const FA0: usize = 10;

/// The x registers that are allocated, by number.
pub fn ints() -> impl Iterator<Item = PReg> {
    (5..31).filter(|&n| n != usize::from(FP)).map(x)
}

/// All f registers, by number.
pub fn floats() -> impl Iterator<Item = PReg> {
    (0..32).map(f)
}

/// Whether the platform's convention has callees save the register.
pub fn is_saved(preg: PReg) -> bool {
    preg.class() != RegClass::Vector && matches!(preg.hw_enc(), 8 | 9 | 18..=27)
}

/// A set of registers.
pub fn set(pregs: impl IntoIterator<Item = PReg>) -> PRegSet {
    pregs.into_iter().fold(PRegSet::empty(), |set, preg| set.with(preg))
}

/// The registers to allocate: first those that calls overwrite.
pub fn machine_env(has_vectors: bool) -> MachineEnv {
    let all = || ints().chain(floats()).chain(vectors().filter(|_| has_vectors));
    emit::machine_env(all().filter(|&preg| !is_saved(preg)), all().filter(|&preg| is_saved(preg)))
}

/// The DWARF number of a register: x, then f; v from 96.
pub fn dwarf(preg: PReg) -> u16 {
    let base = match preg.class() {
        RegClass::Int => 0,
        RegClass::Float => 32,
        RegClass::Vector => 96,
    };
    base + preg.hw_enc() as u16
}

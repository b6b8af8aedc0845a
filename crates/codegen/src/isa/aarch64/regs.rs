//! The register file: 31 integer registers x and 32 vector registers v.
//!
//! x0 to x15 and x19 to x28 are allocated. x16 and x17 are for sequences that need a
//! register of their own, and for veneers; x18 is the platform's; x29 is the frame
//! pointer and x30 holds the return address. Number 31 is the stack pointer or zero,
//! as the instruction has it. Registers v are of the class `Float` and hold a scalar
//! or a vector.

use crate::emit;
use crate::reg::Reg;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

/// The integer register number `n`.
pub const fn x(n: usize) -> PReg {
    PReg::new(n, RegClass::Int)
}

/// The vector register number `n`.
pub const fn v(n: usize) -> PReg {
    PReg::new(n, RegClass::Float)
}

/// Zero as a source, nothing as a destination.
pub const ZR: Reg = Reg::physical(x(31));
/// The stack pointer, in instructions that take it.
pub const SP: Reg = Reg::physical(x(31));
/// The frame pointer.
pub const FP: Reg = Reg::physical(x(29));
/// The number of a register for sequences.
pub const SCRATCH: u8 = 16;
/// The number of another.
pub const SCRATCH2: u8 = 17;

/// The integer registers that are allocated, by number.
pub fn ints() -> impl Iterator<Item = PReg> {
    (0..16).chain(19..29).map(x)
}

/// All vector registers, by number.
pub fn vectors() -> impl Iterator<Item = PReg> {
    (0..32).map(v)
}

/// A set of registers.
pub fn set(pregs: impl IntoIterator<Item = PReg>) -> PRegSet {
    pregs.into_iter().fold(PRegSet::empty(), |set, preg| set.with(preg))
}

/// Whether the platform's convention has the callee save the register, at least its
/// lower 8 bytes.
pub fn is_platform_saved(preg: PReg) -> bool {
    match preg.class() {
        RegClass::Int => (19..29).contains(&preg.hw_enc()),
        _ => (8..16).contains(&preg.hw_enc()),
    }
}

/// The registers to allocate: first those that calls overwrite.
pub fn machine_env() -> MachineEnv {
    let all = || ints().chain(vectors());
    emit::machine_env(
        all().filter(|&preg| !is_platform_saved(preg)),
        all().filter(|&preg| is_platform_saved(preg)),
    )
}

/// The DWARF number of a register.
pub fn dwarf(preg: PReg) -> u16 {
    let base = if preg.class() == RegClass::Int { 0 } else { 64 };
    base + preg.hw_enc() as u16
}

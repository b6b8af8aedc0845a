//! The register file: r0 to r15 (integers), f0 to f15 (floats) and, with the vector
//! facility, v0 to v31, of which f0 to f15 are the first halves of the first 16. Floats are
//! kept in these, vectors in the others, so that neither is a part of the other;
//! instructions on vectors read and write both.
//!
//! Not allocated: r15 is the stack pointer, r11 the frame pointer, calls put the return
//! address into r14. r0 and r1 are left to emission, for addresses that no instruction
//! holds (r1; as a base r0 means none) and as the pair that wide products and
//! dividends are in; veneers of the linker overwrite r1. Between calls r14 is free for
//! emission too, as every function keeps its return address in its frame.

use crate::emit;
use crate::reg::Reg;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

/// The r register number `n`.
pub const fn r(n: usize) -> PReg {
    PReg::new(n, RegClass::Int)
}

/// The f register number `n`.
pub const fn f(n: usize) -> PReg {
    PReg::new(n, RegClass::Float)
}

/// Hardware numbers of the r registers that emission names.
pub const R0: u8 = 0;
pub const R1: u8 = 1;
pub const FP: u8 = 11;
pub const LR: u8 = 14;
pub const SP: u8 = 15;

/// The v register number `n`, of the last 16.
pub const fn v(n: usize) -> PReg {
    PReg::new(n, RegClass::Vector)
}

/// The frame pointer as an operand of instructions before and after allocation.
pub const FP_REG: Reg = Reg::physical(r(11));

/// The r registers that are allocated, by number.
pub fn ints() -> impl Iterator<Item = PReg> {
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13].into_iter().map(r)
}

/// The f registers, all of which are allocated, by number.
pub fn floats() -> impl Iterator<Item = PReg> {
    (0..16).map(f)
}

/// The v registers that vectors are in, by number.
pub fn vectors() -> impl Iterator<Item = PReg> {
    (16..32).map(v)
}

/// Whether the platform's convention has callees save the register.
pub fn is_saved(preg: PReg) -> bool {
    match preg.class() {
        RegClass::Int => matches!(preg.hw_enc(), 6..=13),
        RegClass::Float => matches!(preg.hw_enc(), 8..=15),
        RegClass::Vector => false,
    }
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

/// The DWARF number of a register. Floats are numbered by their bits' rotation.
pub fn dwarf(preg: PReg) -> u16 {
    let n = preg.hw_enc() as u16;
    match preg.class() {
        RegClass::Int => n,
        // f0, f2, f4, f6, f1, f3, f5, f7, and the same from f8; likewise v16 and on.
        RegClass::Float => 16 + (n & 8) + (n >> 1 & 3) + 4 * (n & 1),
        RegClass::Vector => 68 + (n & 8) + (n >> 1 & 3) + 4 * (n & 1),
    }
}

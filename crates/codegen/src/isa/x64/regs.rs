//! The register file: sixteen integer registers and sixteen XMM registers.
//!
//! rsp and rbp are not allocated: the first is the stack pointer, the second the
//! frame pointer. XMM registers are of the class `Float` and hold one scalar.

use crate::emit;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

/// The integer register with this hardware number.
pub const fn gpr(n: usize) -> PReg {
    PReg::new(n, RegClass::Int)
}

/// The XMM register with this number.
pub const fn xmm(n: usize) -> PReg {
    PReg::new(n, RegClass::Float)
}

pub const RAX: PReg = gpr(0);
pub const RCX: PReg = gpr(1);
pub const RDX: PReg = gpr(2);
pub const RBX: PReg = gpr(3);
pub const RSP: PReg = gpr(4);
pub const RBP: PReg = gpr(5);
pub const RSI: PReg = gpr(6);
pub const RDI: PReg = gpr(7);
pub const R10: PReg = gpr(10);
pub const R11: PReg = gpr(11);

/// The integer registers that are allocated, by number.
pub fn gprs() -> impl Iterator<Item = PReg> {
    (0..16).map(gpr).filter(|&preg| preg != RSP && preg != RBP)
}

/// All XMM registers, by number.
pub fn xmms() -> impl Iterator<Item = PReg> {
    (0..16).map(xmm)
}

/// A set of registers.
pub fn set(pregs: impl IntoIterator<Item = PReg>) -> PRegSet {
    pregs.into_iter().fold(PRegSet::empty(), |set, preg| set.with(preg))
}

/// The registers to allocate: first those that System V calls overwrite.
pub fn machine_env() -> MachineEnv {
    let saved = |preg: &PReg| *preg == RBX || preg.hw_enc() >= 12;
    let scratch = gprs().filter(|preg| !saved(preg)).chain(xmms());
    emit::machine_env(scratch, gprs().filter(saved))
}

/// The DWARF number of a register.
pub fn dwarf(preg: PReg) -> u16 {
    // rax rcx rdx rbx rsp rbp rsi rdi
    const FIRST: [u16; 8] = [0, 2, 1, 3, 7, 6, 4, 5];
    let n = preg.hw_enc();
    match preg.class() {
        RegClass::Int => FIRST.get(n).copied().unwrap_or(n as u16),
        _ => 17 + n as u16,
    }
}

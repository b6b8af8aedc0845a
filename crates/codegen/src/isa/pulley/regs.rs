//! The register file: x (integers), f (floats) and v (vectors).
//!
//! x0 to x29 are allocated; x30 is the stack pointer, and x31, which the
//! interpreter sets aside for spilling, is not used. The frame pointer and the link register are not
//! among the numbered registers. In each class the upper half, from 16 on, is
//! saved by the callee in conventions that have such registers.

use crate::emit;
use crate::reg::Reg;
use pulley_interpreter::regs::{FReg, Reg as _, VReg, XReg};
use regalloc2::{MachineEnv, PReg, RegClass};

/// How many x registers are allocated.
pub const NUM_X: usize = 30;
/// How many f registers, and how many v registers, are allocated.
pub const NUM_F: usize = 32;
/// The first register of each class that callees save.
pub const FIRST_SAVED: usize = 16;

/// The stack pointer.
pub const SP: Reg = Reg::physical(x(30));

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

/// All allocated registers whose number is in `range`.
pub fn numbered(range: std::ops::Range<usize>) -> impl Iterator<Item = PReg> {
    let ints = range.start..range.end.min(NUM_X);
    ints.map(x).chain(range.clone().map(f)).chain(range.map(v))
}

/// Size in bytes of a register of this class.
pub fn bytes(class: RegClass) -> u32 {
    match class {
        RegClass::Int | RegClass::Float => 8,
        RegClass::Vector => 16,
    }
}

/// The registers to allocate.
pub fn machine_env() -> MachineEnv {
    emit::machine_env(numbered(0..FIRST_SAVED), numbered(FIRST_SAVED..NUM_F))
}

/// The number by which unwinding steps name a register: x, f, v in this order,
/// 32 each.
pub fn unwind_number(preg: PReg) -> u16 {
    let base = match preg.class() {
        RegClass::Int => 0,
        RegClass::Float => 32,
        RegClass::Vector => 64,
    };
    base + preg.hw_enc() as u16
}

/// The encoder's name of an allocated x register.
pub fn xreg(reg: Reg) -> XReg {
    XReg::new(reg.hw_enc()).expect("register numbers are below 32")
}

/// The encoder's name of an allocated f register.
pub fn freg(reg: Reg) -> FReg {
    FReg::new(reg.hw_enc()).expect("register numbers are below 32")
}

/// The encoder's name of an allocated v register.
pub fn vreg(reg: Reg) -> VReg {
    VReg::new(reg.hw_enc()).expect("register numbers are below 32")
}

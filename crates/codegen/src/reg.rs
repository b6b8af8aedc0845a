//! Registers as instructions name them, before and after allocation.

use regalloc2::{PReg, RegClass, SpillSlot, VReg};
use std::fmt;

const KIND_SHIFT: u32 = 30;
const PAYLOAD: u32 = (1 << KIND_SHIFT) - 1;
const VIRTUAL: u32 = 0;
const PHYSICAL: u32 = 1;
const SPILLED: u32 = 2;

/// A register operand of an instruction: virtual before register allocation,
/// physical after it. An operand that may live anywhere can also become a spill
/// slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reg(u32);

impl Reg {
    /// A physical register.
    pub const fn physical(preg: PReg) -> Reg {
        Reg(PHYSICAL << KIND_SHIFT | preg.index() as u32)
    }

    /// A virtual register.
    pub fn virtual_(vreg: VReg) -> Reg {
        debug_assert!(vreg.bits() as u32 <= PAYLOAD);
        Reg(VIRTUAL << KIND_SHIFT | vreg.bits() as u32)
    }

    /// A spill slot, which an operand with the constraint *any* can become, and one of a register
    /// that is always in the frame.
    pub fn spilled(slot: SpillSlot) -> Reg {
        Reg(SPILLED << KIND_SHIFT | slot.index() as u32)
    }

    /// The physical register, if it is one.
    pub fn as_preg(self) -> Option<PReg> {
        (self.0 >> KIND_SHIFT == PHYSICAL).then(|| PReg::from_index((self.0 & PAYLOAD) as usize))
    }

    /// The virtual register, if it is one.
    pub fn as_vreg(self) -> Option<VReg> {
        (self.0 >> KIND_SHIFT == VIRTUAL).then(|| VReg::from((self.0 & PAYLOAD) as usize as u32))
    }

    /// The spill slot, if it is one.
    pub fn as_spill_slot(self) -> Option<SpillSlot> {
        (self.0 >> KIND_SHIFT == SPILLED).then(|| SpillSlot::new((self.0 & PAYLOAD) as usize))
    }

    /// The hardware number of a physical register.
    ///
    /// # Panics
    /// If the register is not physical.
    pub fn hw_enc(self) -> u8 {
        self.as_preg().expect("the register is physical").hw_enc() as u8
    }

    /// The register's class.
    ///
    /// # Panics
    /// If it is a spill slot.
    pub fn class(self) -> RegClass {
        match (self.as_preg(), self.as_vreg()) {
            (Some(preg), _) => preg.class(),
            (_, Some(vreg)) => vreg.class(),
            _ => panic!("a spill slot has no class"),
        }
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_preg(), self.as_vreg()) {
            (Some(preg), _) => write!(f, "{preg}"),
            (_, Some(vreg)) => write!(f, "{vreg}"),
            _ => write!(f, "slot{}", self.0 & PAYLOAD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip() {
        let preg = PReg::new(5, RegClass::Float);
        let vreg = VReg::new(1000, RegClass::Int);
        assert_eq!(Reg::physical(preg).as_preg(), Some(preg));
        assert_eq!(Reg::physical(preg).as_vreg(), None);
        assert_eq!(Reg::virtual_(vreg).as_vreg(), Some(vreg));
        assert_eq!(Reg::spilled(SpillSlot::new(3)).as_spill_slot(), Some(SpillSlot::new(3)));
    }
}

//! What an operator is about to read or write, for watchpoints.

use super::Shadow;
use super::op::Op;

/// A range of a linear memory that an operator loads or stores. It may lie outside of
/// the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The memory's index in the module.
    pub memory: u32,
    /// The first byte.
    pub address: u64,
    /// How many bytes.
    pub bytes: u32,
    /// Whether they are written.
    pub is_store: bool,
}

impl Shadow {
    /// What the operator that is up loads or stores; none if it does neither, or at an
    /// address that is not available or beyond 64 bits.
    pub fn access(&self) -> Option<Access> {
        let (bytes, place, is_store, below_top) = match self.body.ops[self.state.position as usize] {
            Op::Load { bytes, place, .. } => (bytes, place, false, 0),
            Op::LoadLane { bytes, place, .. } => (bytes, place, false, 1),
            Op::Store { bytes, place } | Op::StoreLane { bytes, place, .. } => (bytes, place, true, 1),
            Op::Rmw { bytes, place, .. } => (bytes, place, true, 1),
            Op::CompareExchange { bytes, place } => (bytes, place, true, 2),
            _ => return None,
        };
        let place = self.body.places[place as usize];
        let index = self.state.operand(below_top)?;
        let address = (index as u64).checked_add(place.offset)?;
        Some(Access { memory: place.memory, address, bytes: bytes.into(), is_store })
    }
}

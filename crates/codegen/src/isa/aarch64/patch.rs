//! What a patcher must know: the NOP, traps and the form of a site.
//!
//! A site is one `bl` or `blr`, an aligned word like every instruction; off, it is
//! `nop`. The architecture allows one of these to be replaced by another while other
//! cores execute it, by one store.

use crate::buffer::{BufferSpec, FarJump, OffForm};
use sidetrack_artifact::RelocKind;

/// Every NOP encoding.
pub const NOP_UNITS: &[&[u8]] = &[&[0x1f, 0x20, 0x03, 0xd5]];

/// `udf #0xc11f`, which no processor ever executes.
pub const TRAP: &[u8] = &[0x1f, 0xc1, 0, 0];

/// `adrp x16, page; add x16, x16, offset; br x16`
const FAR_JUMP: FarJump = FarJump {
    bytes: &[0x10, 0, 0, 0x90, 0x10, 2, 0, 0x91, 0, 2, 0x1f, 0xd6],
    kind: RelocKind::Aarch64PageOffset,
};

/// The buffer's facts.
pub const BUFFER_SPEC: BufferSpec = BufferSpec {
    nop_units: NOP_UNITS,
    trap_bytes: TRAP,
    function_alignment: 16,
    inst_alignment: 4,
    far_jump: Some(FAR_JUMP),
    off_form: OffForm::Nops,
};

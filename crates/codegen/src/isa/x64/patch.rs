//! What a patcher must know: NOPs, traps and the form of a site.
//!
//! A site is one direct call (`E8` and a displacement, five bytes) or one call
//! through a register (two or three bytes); off, it is the recommended NOP of that
//! length. Where sites are switched while threads run, each lies inside one aligned
//! word of eight bytes, so that one store switches it.

use crate::buffer::{BufferSpec, OffForm};

/// Every NOP encoding: the multi-byte forms that the manuals recommend.
pub const NOP_UNITS: &[&[u8]] = &[
    &[0x90],
    &[0x66, 0x90],
    &[0x0f, 0x1f, 0x00],
    &[0x0f, 0x1f, 0x40, 0x00],
    &[0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
    &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

/// `ud2`.
pub const TRAP: &[u8] = &[0x0f, 0x0b];

/// The buffer's facts.
pub const BUFFER_SPEC: BufferSpec = BufferSpec {
    nop_units: NOP_UNITS,
    trap_bytes: TRAP,
    function_alignment: 16,
    inst_alignment: 1,
    far_jump: None,
    off_form: OffForm::Nops,
};

/// Bytes of NOPs before a site of `len` bytes at `offset` that keep it inside one
/// aligned word.
pub fn padding(offset: u32, len: u32) -> u32 {
    let room = 8 - offset % 8;
    if len <= room { 0 } else { room }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_site_is_inside_one_word() {
        for offset in 0..16 {
            for len in [2, 3, 5] {
                let start = offset + padding(offset, len);
                assert_eq!(start / 8, (start + len - 1) / 8);
            }
        }
        assert!(NOP_UNITS.iter().enumerate().all(|(n, unit)| unit.len() == n + 1));
    }
}

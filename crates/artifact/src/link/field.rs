//! The bytes of a relocation: how a value is spread over an instruction's fields.
//!
//! Instructions are read, changed and written back: what is not the field stays.

use crate::RelocKind;

const PAGE: i64 = 4096;

/// Writes a relocation of `kind` at image offset `place` that refers to image offset
/// `target`, its addend included, into the bytes there; none if the distance does
/// not fit. Not for [`RelocKind::Abs8`].
pub(crate) fn write(kind: RelocKind, bytes: &mut [u8], place: u32, target: i64) -> Option<()> {
    let distance = target.checked_sub(i64::from(place))?;
    match kind {
        RelocKind::Abs8 => None,
        RelocKind::X86CallPcRel4 | RelocKind::X86PcRel4 | RelocKind::PulleyPcRel => {
            bytes.copy_from_slice(&i32::try_from(distance).ok()?.to_le_bytes());
            Some(())
        }
        RelocKind::Aarch64Call26 => {
            let words = signed(distance, 28).filter(|d| d % 4 == 0)? >> 2;
            change(bytes, 0, 0x03ff_ffff, words as u32)
        }
        RelocKind::Aarch64PageOffset => {
            let pages = signed(target.div_euclid(PAGE) - i64::from(place) / PAGE, 21)? as u32;
            // adrp: two low bits at 29, nineteen more at 5; add: twelve bits at 10.
            change(bytes, 0, 0x60ff_ffe0, (pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5)?;
            change(bytes, 4, 0x003f_fc00, (target.rem_euclid(PAGE) as u32) << 10)
        }
        RelocKind::RiscvJal => {
            let d = signed(distance, 21).filter(|d| d % 2 == 0)? as u32;
            let field = (d >> 20 & 1) << 31 | (d >> 1 & 0x3ff) << 21 | (d >> 11 & 1) << 20;
            change(bytes, 0, 0xffff_f000, field | (d >> 12 & 0xff) << 12)
        }
        RelocKind::RiscvCall | RelocKind::RiscvPcRel => {
            // The second instruction sign-extends its twelve bits.
            let upper = i32::try_from(distance.checked_add(0x800)?).ok()? as u32;
            change(bytes, 0, 0xffff_f000, upper)?;
            change(bytes, 4, 0xfff0_0000, (distance as u32) << 20)
        }
        RelocKind::S390xCall32 | RelocKind::S390xPcRel32 => {
            let halfwords = i32::try_from(distance).ok().filter(|d| d % 2 == 0)? >> 1;
            bytes.copy_from_slice(&halfwords.to_be_bytes());
            Some(())
        }
    }
}

/// The number, if it fits `bits` bits with its sign.
fn signed(value: i64, bits: u32) -> Option<i64> {
    let limit = 1 << (bits - 1);
    (-limit..limit).contains(&value).then_some(value)
}

/// Replaces the bits of `mask` in the little-endian word at `at`.
fn change(bytes: &mut [u8], at: usize, mask: u32, value: u32) -> Option<()> {
    let word: &mut [u8] = bytes.get_mut(at..at + 4)?;
    let old = u32::from_le_bytes((&*word).try_into().ok()?);
    word.copy_from_slice(&(old & !mask | value & mask).to_le_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(kind: RelocKind, old: &[u32], place: u32, target: i64) -> Option<Vec<u32>> {
        let mut bytes: Vec<u8> = old.iter().flat_map(|word| word.to_le_bytes()).collect();
        write(kind, &mut bytes, place, target)?;
        Some(bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect())
    }

    #[test]
    fn fields_are_spread_as_the_instruction_sets_say() {
        // bl 8 back; b as far as it goes and one word further
        assert_eq!(words(RelocKind::Aarch64Call26, &[0x9400_0000], 16, 8), Some(vec![0x97ff_fffe]));
        let reach = i64::from(RelocKind::Aarch64Call26.reach().unwrap());
        assert_eq!(words(RelocKind::Aarch64Call26, &[0x1400_0000], 0, reach), Some(vec![0x15ff_ffff]));
        assert_eq!(words(RelocKind::Aarch64Call26, &[0x1400_0000], 0, reach + 4), None);
        // adrp x16, one page back; add x16, x16, 0x123
        let pair = [0x9000_0010, 0x9100_0210];
        let expected = vec![0xf0ff_fff0, 0x9104_8e10];
        assert_eq!(words(RelocKind::Aarch64PageOffset, &pair, 0x2ffc, 0x1123), Some(expected));
        // jal ra, -4; auipc t6, 1; jalr zero, -2048(t6); auipc t6, 0; jalr zero, 2047(t6)
        assert_eq!(words(RelocKind::RiscvJal, &[0xef], 8, 4), Some(vec![0xffdf_f0ef]));
        assert_eq!(words(RelocKind::RiscvJal, &[0xef], 0, 1 << 20), None);
        let far = [0x0000_0f97, 0x000f_8067];
        let expected = vec![0x0000_1f97, 0x800f_8067];
        assert_eq!(words(RelocKind::RiscvCall, &far, 0, 2048), Some(expected));
        assert_eq!(words(RelocKind::RiscvCall, &far, 0, 2047), Some(vec![0x0000_0f97, 0x7fff_8067]));
        let mut brasl = [0; 4];
        write(RelocKind::S390xCall32, &mut brasl, 10, 10 + 2 - 12).unwrap();
        assert_eq!(brasl, (-5i32).to_be_bytes());
    }
}

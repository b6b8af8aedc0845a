//! Permutations of bytes.
//!
//! A mask has the number of a byte for each byte of the result: 0 to 15 are those of
//! the first operand, 16 to 31 those of the second. Masks that one instruction does
//! without a constant are looked for first; any other takes one table look-up for each
//! operand.

use super::*;

type Mask = [u8; 16];

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match (opcode, ctx.func.dfg.insts[inst].extra) {
        (Opcode::Swizzle, _) => {
            // Numbers beyond give zero.
            let (n, m) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
            result(ctx, inst, |dst| VecInst::Tbl { dst, n, m });
        }
        (Opcode::Shuffle, Extra::Bytes(mask)) => shuffle(ctx, inst, mask),
        _ => return false,
    }
    true
}

fn shuffle(ctx: &mut Ctx<'_>, inst: IrInst, mut mask: Mask) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let same = behind_bitcasts(ctx, a) == behind_bitcasts(ctx, b);
    // An operand that is not used is the other one.
    if same || mask.iter().all(|&n| n < 16) || mask.iter().all(|&n| n >= 16) {
        let second = !same && mask[0] >= 16;
        mask.iter_mut().for_each(|n| *n &= 15);
        let n = arg(ctx, inst, usize::from(second));
        return one(ctx, inst, n, mask);
    }
    let (n, m) = (arg(ctx, inst, 0), arg(ctx, inst, 1));
    if let Some(make) = two_known(&mask, n, m) {
        return result(ctx, inst, make);
    }
    let table = |keep: u8| u128::from_le_bytes(mask.map(|n| if n & 16 == keep { n & 15 } else { 0xff }));
    let (first, second) = (vector_constant(ctx, table(0)), vector_constant(ctx, table(16)));
    let acc = new(ctx, |dst| VecInst::Tbl { dst, n, m: first });
    result(ctx, inst, |dst| VecInst::Tbx { dst, acc, n: m, m: second });
}

/// A permutation of one operand.
fn one(ctx: &mut Ctx<'_>, inst: IrInst, n: Reg, mask: Mask) {
    for size in 0..4u8 {
        let Some(units) = units(&mask, size) else { continue };
        let lane = units[0];
        if units.iter().all(|&unit| unit == lane) {
            return result(ctx, inst, |dst| VecInst::DupLane { arr: Arr::full(size), dst, n, lane });
        }
    }
    // Bytes of larger fields in reverse.
    for (op, field) in [(V2Op::Rev16, 2), (V2Op::Rev32, 4), (V2Op::Rev64, 8)] {
        for size in 0..3u8 {
            let bytes = 1 << size;
            let reversed = |k: u8| {
                let (unit, within) = (k % field / bytes, k % bytes);
                k / field * field + (field / bytes - 1 - unit) * bytes + within
            };
            if bytes < field && (0..16).all(|k| mask[usize::from(k)] == reversed(k)) {
                return result(ctx, inst, |dst| VecInst::V2 { op, arr: Arr::full(size), dst, n });
            }
        }
    }
    if let Some(make) = two_known(&mask, n, n) {
        return result(ctx, inst, make);
    }
    let m = vector_constant(ctx, u128::from_le_bytes(mask));
    result(ctx, inst, |dst| VecInst::Tbl { dst, n, m });
}

/// The mask in units of `1 << size` bytes, if it moves such units whole.
fn units(mask: &Mask, size: u8) -> Option<Vec<u8>> {
    let bytes = 1 << size;
    mask.chunks(bytes)
        .map(|unit| {
            let whole =
                unit.iter().enumerate().all(|(n, &byte)| usize::from(byte) == usize::from(unit[0]) + n);
            (whole && usize::from(unit[0]) % bytes == 0).then(|| unit[0] >> size)
        })
        .collect()
}

/// The instruction on two operands that does what the mask says. If they are the same
/// one, numbers count modulo 16.
fn two_known(mask: &Mask, n: Reg, m: Reg) -> Option<impl FnOnce(Reg) -> VecInst> {
    let modulus = if n == m { 16 } else { 32 };
    let same = |expected: &dyn Fn(u8) -> u8, offset: u8| {
        (0..16).all(|k| mask[usize::from(k)] % modulus == (expected(k) + offset) % modulus)
    };
    // The operands as they are, or exchanged.
    for (offset, first, second) in [(0, n, m), (16, m, n)] {
        if let Some(at) = (1..16).find(|&at| same(&|k| k + at, offset)) {
            return Some(Known::Ext(at, first, second).maker());
        }
        for size in 0..4u8 {
            let (bytes, lanes) = (1u8 << size, 16u8 >> size);
            // The lane of both operands that lane number n of the result is.
            let rows: [(V3Op, &dyn Fn(u8) -> u8); 6] = [
                (V3Op::Zip1, &|n| n / 2 + n % 2 * lanes),
                (V3Op::Zip2, &|n| n / 2 + lanes / 2 + n % 2 * lanes),
                (V3Op::Uzp1, &|n| 2 * n),
                (V3Op::Uzp2, &|n| 2 * n + 1),
                (V3Op::Trn1, &|n| n / 2 * 2 + n % 2 * lanes),
                (V3Op::Trn2, &|n| n / 2 * 2 + 1 + n % 2 * lanes),
            ];
            for (op, lane) in rows {
                if same(&|k| lane(k / bytes) * bytes + k % bytes, offset) {
                    return Some(Known::Lanes(op, Arr::full(size), first, second).maker());
                }
            }
        }
    }
    None
}

/// A permutation that is one instruction.
enum Known {
    Ext(u8, Reg, Reg),
    Lanes(V3Op, Arr, Reg, Reg),
}

impl Known {
    fn maker(self) -> impl FnOnce(Reg) -> VecInst {
        move |dst| match self {
            Known::Ext(at, n, m) => VecInst::Ext { dst, n, m, at },
            Known::Lanes(op, arr, n, m) => VecInst::V3 { op, arr, dst, n, m },
        }
    }
}

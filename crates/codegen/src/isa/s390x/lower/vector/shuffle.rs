//! Permutations of bytes.

use super::*;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match (opcode, ctx.func.dfg.insts[inst].extra) {
        (Opcode::Swizzle, _) => {
            // Numbers beyond take zeros, which are to the left of the vector's bytes.
            let [a, numbers] = args(ctx, inst);
            let limit = super::number(ctx, splat(I8X16, 16));
            let limited = three(ctx, Vop::Vmnl, 0, numbers, limit);
            let places = three(ctx, Vop::Vno, 0, limited, limited);
            let (zero, dst) = (super::number(ctx, 0), ctx.result(inst, 0));
            permute_to(ctx, dst, zero, a, places);
        }
        (Opcode::Shuffle, Extra::Bytes(mask)) => {
            let ([a, b], dst) = (args(ctx, inst), ctx.result(inst, 0));
            shuffle_to(ctx, dst, a, b, mask);
        }
        _ => return false,
    }
    true
}

fn permute_to(ctx: &mut Ctx<'_>, dst: Reg, a: Reg, b: Reg, places: Reg) {
    ctx.emit(Inst::Vec(VecInst::Four { op: Vop::Vperm, m: [0; 2], dst, a, b, c: places }));
}

/// Bytes by constant numbers: 0 to 15 are those of `a`, 16 to 31 those of `b`.
pub fn shuffle_to(ctx: &mut Ctx<'_>, dst: Reg, a: Reg, b: Reg, mask: [u8; 16]) {
    // Places in both from the left, `b` first.
    let modulus = if a == b { 16 } else { 32 };
    let places: [u8; 16] = std::array::from_fn(|n| (31 - mask[15 - n]) % modulus);
    if let Some(make) = known(&places, modulus, b, a) {
        return ctx.emit(Inst::Vec(make(dst)));
    }
    let c = super::number(ctx, u128::from_be_bytes(places));
    permute_to(ctx, dst, b, a, c);
}

/// The instruction that does a permutation without a constant, if there is one.
fn known(places: &[u8; 16], modulus: u8, left: Reg, right: Reg) -> Option<impl FnOnce(Reg) -> VecInst> {
    let same = |expected: &dyn Fn(u8) -> u8, by: u8| {
        (0..16u8).all(|n| places[usize::from(n)] == (expected(n) + by) % modulus)
    };
    for m in 0..4u8 {
        let bytes = 1 << m;
        let first = places[0];
        if first.is_multiple_of(bytes) && same(&|n| first + n % bytes, 0) {
            let (index, src) = (first % 16 / bytes, if first < 16 { left } else { right });
            return Some(Known::Repeat(m, index, src).maker());
        }
    }
    // The operands as they are, or exchanged.
    for (by, a, b) in [(0, left, right), (16, right, left)] {
        if let Some(at) = (0..16).find(|&at| same(&|n| n + at, by)) {
            return Some(Known::Join(at, a, b).maker());
        }
        for m in 0..4u8 {
            let (bytes, lanes) = (1u8 << m, 16u8 >> m);
            let rows: [(Vop, u8, &dyn Fn(u8) -> u8); 3] = [
                (Vop::Vmrh, m, &|n| n / 2 + n % 2 * lanes),
                (Vop::Vmrl, m, &|n| lanes / 2 + n / 2 + n % 2 * lanes),
                (Vop::Vpk, m + 1, &|n| 2 * n + 1),
            ];
            for (op, m, lane) in rows {
                if m < 4 && same(&|n| lane(n / bytes) * bytes + n % bytes, by) {
                    return Some(Known::Lanes(op, m, a, b).maker());
                }
            }
        }
    }
    None
}

/// A permutation that is one instruction.
enum Known {
    Repeat(u8, u8, Reg),
    Join(u8, Reg, Reg),
    Lanes(Vop, u8, Reg, Reg),
}

impl Known {
    fn maker(self) -> impl FnOnce(Reg) -> VecInst {
        move |dst| match self {
            Known::Repeat(m, index, src) => VecInst::Repeat { m, index, dst, src },
            Known::Join(by, a, b) => VecInst::Join { by, dst, a, b },
            Known::Lanes(op, m, a, b) => VecInst::Three { op, m: [m, 0, 0], dst, a, b },
        }
    }
}

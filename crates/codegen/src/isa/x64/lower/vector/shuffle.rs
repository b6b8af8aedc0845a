//! Permutations of bytes.
//!
//! A mask has the number of a byte for each byte of the result: 0 to 15 are those of
//! the first operand, 16 to 31 those of the second, and here 128 stands for a zero.
//! Masks that one instruction does without a constant are looked for first; any other
//! takes one `pshufb` for each operand.

use super::*;

type Mask = [u8; 16];

/// A byte that is zero.
const ZERO: u8 = 0x80;

/// Lowers an instruction of this family; whether it was one.
pub fn lower(ctx: &mut Ctx<'_>, inst: IrInst, opcode: Opcode) -> bool {
    match (opcode, ctx.func.dfg.insts[inst].extra) {
        (Opcode::Swizzle, _) => swizzle(ctx, inst),
        (Opcode::Shuffle, Extra::Bytes(mask)) => shuffle(ctx, inst, mask),
        _ => return false,
    }
    true
}

/// Numbers of 16 and more stand for zero. With 0x70 added they have the top bit set,
/// which is what the instruction looks at.
fn swizzle(ctx: &mut Ctx<'_>, inst: IrInst) {
    let order = ctx.arg(inst, 1);
    let order = match vconst(ctx, order) {
        Some(bits) => {
            let order = bits.to_le_bytes().map(|n| if n < 16 { n } else { ZERO });
            return one(ctx, inst, ctx.arg(inst, 0), order);
        }
        None => {
            let order = reg(ctx, order);
            op(ctx, VecOp::Paddusb, order, mask(0x70, 8))
        }
    };
    let (src, dst) = (arg(ctx, inst, 0), ctx.result(inst, 0));
    op_to(ctx, VecOp::Pshufb, dst, src, Rmi::Reg(order));
}

fn shuffle(ctx: &mut Ctx<'_>, inst: IrInst, mut mask: Mask) {
    let (a, b) = (ctx.arg(inst, 0), ctx.arg(inst, 1));
    let (a, b) = (behind_bitcasts(ctx, a), behind_bitcasts(ctx, b));
    let zeros = [a, b].map(|v| vconst(ctx, v) == Some(0));
    for n in &mut mask {
        if zeros[usize::from(*n >= 16)] {
            *n = ZERO;
        } else if a == b {
            *n %= 16;
        }
    }
    let uses = |first: u8| mask.iter().any(|&n| n != ZERO && n & 16 == first);
    match (uses(0), uses(16)) {
        (_, false) => one(ctx, inst, a, mask),
        (false, true) => one(ctx, inst, b, mask.map(|n| if n == ZERO { n } else { n - 16 })),
        (true, true) => two(ctx, inst, a, b, mask),
    }
}

/// The mask in units of `size` bytes, if it moves such units whole.
fn units<const COUNT: usize>(mask: &Mask) -> Option<[u8; COUNT]> {
    let size = 16 / COUNT;
    let mut units = [0; COUNT];
    for (unit, bytes) in units.iter_mut().zip(mask.chunks(size)) {
        let whole = bytes.iter().enumerate().all(|(n, &byte)| byte == bytes[0] + n as u8);
        if !whole || !(bytes[0] as usize).is_multiple_of(size) || bytes[0] >= 32 {
            return None;
        }
        *unit = bytes[0] / size as u8;
    }
    Some(units)
}

/// Four numbers modulo 4 as an immediate.
fn quarters(order: [u8; 4]) -> u8 {
    order.iter().rev().fold(0, |imm, &n| imm << 2 | n & 3)
}

/// Interleavings: units of so many bytes, the low or high halves of both.
fn interleaving(mask: &Mask, a: u8, b: u8) -> Option<VecOp> {
    const UNPACK: [(u8, VecOp, VecOp); 4] = [
        (1, VecOp::Punpcklbw, VecOp::Punpckhbw),
        (2, VecOp::Punpcklwd, VecOp::Punpckhwd),
        (4, VecOp::Punpckldq, VecOp::Punpckhdq),
        (8, VecOp::Punpcklqdq, VecOp::Punpckhqdq),
    ];
    UNPACK.iter().find_map(|&(size, low, high)| {
        let at = |n: u8, half: u8| {
            n / (2 * size) * size + n % size + half + if (n / size).is_multiple_of(2) { a } else { b }
        };
        let is = |half: u8| (0..16).all(|n| mask[usize::from(n)] == at(n, half));
        if is(0) { Some(low) } else { is(8).then_some(high) }
    })
}

/// The bytes from number `n` of `low` on, then those of `high`: n.
fn rotation(mask: &Mask, low: u8, high: u8) -> Option<u8> {
    let n = mask[0].checked_sub(low).filter(|n| (1..16).contains(n))?;
    let at = |byte: u8| if byte + n < 16 { low + byte + n } else { high + byte + n - 16 };
    (0..16).all(|byte| mask[usize::from(byte)] == at(byte)).then_some(n)
}

/// A permutation of one vector.
fn one(ctx: &mut Ctx<'_>, inst: IrInst, v: Value, mask: Mask) {
    let dst = ctx.result(inst, 0);
    if mask == [ZERO; 16] {
        return ctx.emit(Inst::XmmZero { dst });
    }
    let src = reg(ctx, v);
    if mask == std::array::from_fn(|n| n as u8) {
        return copy_to(ctx, dst, src);
    }
    if ctx.backend.features.avx2() {
        let broadcast = [
            (mask == [0; 16], BroadcastOp::Vpbroadcastb),
            (units::<8>(&mask) == Some([0; 8]), BroadcastOp::Vpbroadcastw),
        ];
        if let Some(&(_, op)) = broadcast.iter().find(|(is, _)| *is) {
            return ctx.emit(Inst::Broadcast { op, dst, src: Rmi::Reg(src) });
        }
    }
    if let Some(order) = units::<4>(&mask) {
        return unary_to(ctx, VecUnaryOp::Pshufd, quarters(order), dst, Rmi::Reg(src));
    }
    if let Some([a, b, c, d, e, f, g, h]) = units::<8>(&mask) {
        let (low, high) = ([a, b, c, d], [e, f, g, h]);
        if high == [4, 5, 6, 7] && low.iter().all(|&n| n < 4) {
            return unary_to(ctx, VecUnaryOp::Pshuflw, quarters(low), dst, Rmi::Reg(src));
        }
        if low == [0, 1, 2, 3] && high.iter().all(|&n| n >= 4) {
            return unary_to(ctx, VecUnaryOp::Pshufhw, quarters(high), dst, Rmi::Reg(src));
        }
    }
    if let Some(op) = interleaving(&mask, 0, 0) {
        return op_to(ctx, op, dst, src, Rmi::Reg(src));
    }
    if let Some(n) = rotation(&mask, 0, 0) {
        return op_imm_to(ctx, VecOp::Palignr, n, dst, src, Rmi::Reg(src));
    }
    if let Some((op, n)) = byte_shift(&mask) {
        return shift_to(ctx, op, dst, src, n);
    }
    op_to(ctx, VecOp::Pshufb, dst, src, Rmi::vector(u128::from_le_bytes(mask)));
}

/// A shift of the whole, zeros moving in.
fn byte_shift(mask: &Mask) -> Option<(VecShiftOp, u32)> {
    let right = |n: u8| (0..16).all(|at| mask[usize::from(at)] == if at + n < 16 { at + n } else { ZERO });
    let left = |n: u8| (0..16).all(|at: u8| mask[usize::from(at)] == at.checked_sub(n).unwrap_or(ZERO));
    let find = |is: &dyn Fn(u8) -> bool| (1..16).find(|&n| is(n)).map(u32::from);
    let right = find(&right).map(|n| (VecShiftOp::Psrldq, n));
    right.or_else(|| find(&left).map(|n| (VecShiftOp::Pslldq, n)))
}

/// A permutation of two vectors, without zeros.
fn two(ctx: &mut Ctx<'_>, inst: IrInst, a: Value, b: Value, mask: Mask) {
    let (x, y) = (reg(ctx, a), reg(ctx, b));
    let dst = ctx.result(inst, 0);
    let swapped = mask.map(|n| n ^ 16);
    for (mask, x, y) in [(mask, x, y), (swapped, y, x)] {
        let y = Rmi::Reg(y);
        if let Some(op) = interleaving(&mask, 0, 16) {
            return op_to(ctx, op, dst, x, y);
        }
        if let Some(words) = units::<8>(&mask)
            && let Some(imm) = blending(words)
        {
            return op_imm_to(ctx, VecOp::Pblendw, imm, dst, x, y);
        }
        if let Some(n) = rotation(&mask, 16, 0) {
            // The first source is the upper half of what is shifted.
            return op_imm_to(ctx, VecOp::Palignr, n, dst, x, y);
        }
        if let Some(order) = units::<4>(&mask) {
            if order.iter().enumerate().all(|(at, &n)| (n < 4) == (at < 2)) {
                return op_imm_to(ctx, VecOp::Shufps, quarters(order), dst, x, y);
            }
            if let Some(imm) = insertion(order) {
                return op_imm_to(ctx, VecOp::Insertps, imm, dst, x, y);
            }
        }
    }
    if ctx.backend.features.avx512vbmi() {
        let order = constant(ctx, u128::from_le_bytes(mask));
        let (op, src3) = (EvexTernaryOp::Vpermi2b, Rmi::Reg(y));
        return ctx.emit(Inst::EvexTernary { op, imm: 0, dst, src1: order, src2: x, src3 });
    }
    let part = |ctx: &mut Ctx<'_>, src: Reg, first: u8| {
        let order = mask.map(|n| if n != ZERO && n & 16 == first { n & 15 } else { ZERO });
        op(ctx, VecOp::Pshufb, src, Rmi::vector(u128::from_le_bytes(order)))
    };
    let (x, y) = (part(ctx, x, 0), part(ctx, y, 16));
    op_to(ctx, VecOp::Por, dst, x, Rmi::Reg(y));
}

/// The immediate that chooses each word from its place in one of the two.
fn blending(words: [u8; 8]) -> Option<u8> {
    let mut imm = 0;
    for (at, &n) in words.iter().enumerate() {
        if usize::from(n) % 8 != at {
            return None;
        }
        imm |= (n / 8) << at;
    }
    Some(imm)
}

/// The immediate that puts one double word of the second operand into the first.
fn insertion(order: [u8; 4]) -> Option<u8> {
    let mut foreign = order.iter().enumerate().filter(|(at, n)| usize::from(**n) != *at);
    let (at, &n) = foreign.next()?;
    (n >= 4 && foreign.next().is_none()).then(|| (n - 4) << 6 | (at as u8) << 4)
}

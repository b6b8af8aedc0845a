//! Integer arithmetic, comparison and bits; the logic operations also on floats.
//!
//! Approach: arguments are widened to 128 bits, where no operation on 64-bit
//! operands overflows except the product of two unsigned ones, which just fits
//! in `u128`; the result is cut to the type, and overflow is a comparison.

use super::Results;
use crate::data_value::DataValue;
use crate::inst::Extra;
use crate::memflags::TrapCode;
use crate::opcode::Opcode;
use crate::types::Type;
use smallvec::smallvec;

/// Evaluates an operation on well-typed arguments; `None` when the opcode is not
/// one of this file's.
pub(super) fn eval(
    opcode: Opcode,
    ty: Type,
    extra: &Extra,
    args: &[DataValue],
) -> Option<Result<Results, TrapCode>> {
    let one = |bits: u64| Some(Ok(smallvec![DataValue::from_bits(ty, bits)]));
    let (&x, rest) = args.split_first()?;
    match opcode {
        Opcode::Icmp => match *extra {
            Extra::IntCC(cc) => Some(Ok(smallvec![DataValue::bool(cc.test(x.sext(), args[1].sext()))])),
            _ => None,
        },
        Opcode::Bitselect => {
            let (c, t, f) = (x.bits(), args[1].bits(), args[2].bits());
            one(c & t | !c & f)
        }
        Opcode::Bmask => one(if x.bits() != 0 { u64::MAX } else { 0 }),
        Opcode::Udiv | Opcode::Sdiv | Opcode::Urem | Opcode::Srem => {
            Some(divide(opcode, ty, x, args[1]).map(|bits| smallvec![DataValue::from_bits(ty, bits)]))
        }
        Opcode::UaddOverflowTrap => {
            let Extra::Trap(code) = *extra else { return None };
            let sum = u128::from(x.bits()) + u128::from(args[1].bits());
            if sum > u128::from(ty.mask()) { Some(Err(code)) } else { one(sum as u64) }
        }
        _ => {
            if let Some((value, overflow)) = with_overflow(opcode, ty, args) {
                return Some(Ok(smallvec![DataValue::from_bits(ty, value), DataValue::bool(overflow)]));
            }
            match rest {
                [] => unary(opcode, ty, x).and_then(one),
                [y] => binary(opcode, ty, x, *y).and_then(one),
                _ => None,
            }
        }
    }
}

fn unary(opcode: Opcode, ty: Type, x: DataValue) -> Option<u64> {
    let (bits, signed) = (x.bits(), x.sext());
    let unused = 64 - ty.bits();
    Some(match opcode {
        Opcode::Ineg => bits.wrapping_neg(),
        Opcode::Iabs => signed.unsigned_abs(),
        Opcode::Bnot => !bits,
        Opcode::Bitrev => bits.reverse_bits() >> unused,
        Opcode::Bswap => bits.swap_bytes() >> unused,
        Opcode::Clz => u64::from(bits.leading_zeros() - unused),
        Opcode::Ctz => u64::from(bits.trailing_zeros().min(ty.bits())),
        // Bits after the sign bit that equal it.
        Opcode::Cls => u64::from((signed ^ signed >> 63).leading_zeros() - unused - 1),
        Opcode::Popcnt => u64::from(bits.count_ones()),
        _ => return None,
    })
}

fn binary(opcode: Opcode, ty: Type, x: DataValue, y: DataValue) -> Option<u64> {
    let (a, b) = (x.bits(), y.bits());
    let (sa, sb) = (x.sext(), y.sext());
    let width = ty.bits();
    let amount = (b % u64::from(width.max(1))) as u32;
    // A rotation by 0 must not shift by the whole width, which 64 does not allow.
    let rotate_left = |n: u32| if n == 0 { a } else { a << n | a >> (width - n) };
    Some(match opcode {
        Opcode::Iadd => a.wrapping_add(b),
        Opcode::Isub => a.wrapping_sub(b),
        Opcode::Imul => a.wrapping_mul(b),
        Opcode::Umulhi => ((u128::from(a) * u128::from(b)) >> width) as u64,
        Opcode::Smulhi => ((i128::from(sa) * i128::from(sb)) >> width) as u64,
        Opcode::Smin => sa.min(sb) as u64,
        Opcode::Smax => sa.max(sb) as u64,
        Opcode::Umin => a.min(b),
        Opcode::Umax => a.max(b),
        Opcode::Band => a & b,
        Opcode::Bor => a | b,
        Opcode::Bxor => a ^ b,
        Opcode::Ishl => a << amount,
        Opcode::Ushr => a >> amount,
        Opcode::Sshr => (sa >> amount) as u64,
        Opcode::Rotl => rotate_left(amount),
        Opcode::Rotr => rotate_left((width - amount) % width),
        _ => return None,
    })
}

fn divide(opcode: Opcode, ty: Type, x: DataValue, y: DataValue) -> Result<u64, TrapCode> {
    if y.bits() == 0 {
        return Err(TrapCode::INTEGER_DIVISION_BY_ZERO);
    }
    let (a, b) = (x.bits(), y.bits());
    let (sa, sb) = (i128::from(x.sext()), i128::from(y.sext()));
    Ok(match opcode {
        Opcode::Udiv => a / b,
        Opcode::Urem => a % b,
        Opcode::Srem => (sa % sb) as u64,
        _ => {
            let quotient = sa / sb;
            if quotient > i128::from(ty.mask() >> 1) {
                return Err(TrapCode::INTEGER_OVERFLOW);
            }
            quotient as u64
        }
    })
}

/// The wrapped result and whether it overflowed. A carry or borrow in counts as
/// one when it is not zero.
fn with_overflow(opcode: Opcode, ty: Type, args: &[DataValue]) -> Option<(u64, bool)> {
    let (&x, &y) = (args.first()?, args.get(1)?);
    let carry = i128::from(args.get(2).is_some_and(|c| c.bits() != 0));
    let (ua, ub) = (i128::from(x.bits()), i128::from(y.bits()));
    let (sa, sb) = (i128::from(x.sext()), i128::from(y.sext()));
    let max = i128::from(ty.mask());
    let unsigned = |wide: i128| (wide as u64, wide < 0 || wide > max);
    let signed = |wide: i128| (wide as u64, wide > max >> 1 || wide < -(max >> 1) - 1);
    Some(match opcode {
        Opcode::UaddOverflow | Opcode::UaddOverflowCin => unsigned(ua + ub + carry),
        Opcode::SaddOverflow | Opcode::SaddOverflowCin => signed(sa + sb + carry),
        Opcode::UsubOverflow | Opcode::UsubOverflowBin => unsigned(ua - ub - carry),
        Opcode::SsubOverflow | Opcode::SsubOverflowBin => signed(sa - sb - carry),
        Opcode::UmulOverflow => {
            let wide = u128::from(x.bits()) * u128::from(y.bits());
            (wide as u64, wide > u128::from(ty.mask()))
        }
        Opcode::SmulOverflow => signed(sa * sb),
        _ => return None,
    })
}

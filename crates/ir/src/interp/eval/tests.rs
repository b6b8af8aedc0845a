//! Every operation against a second definition: all pairs of i8 by wide
//! arithmetic, wider types by edge values, floats by tables.

use super::*;
use crate::condcodes::{FloatCC, IntCC};
use crate::types::{F32, F64, I8, I16, I32, I64};

fn run(op: Opcode, ty: Type, args: &[DataValue]) -> Result<Vec<DataValue>, EvalError> {
    eval(op, ty, &Extra::None, args).map(|results| results.to_vec())
}

fn one(op: Opcode, ty: Type, args: &[DataValue]) -> DataValue {
    let results = run(op, ty, args).unwrap_or_else(|e| panic!("{op}.{ty} {args:?}: {e:?}"));
    assert_eq!(results.len(), 1, "{op}");
    results[0]
}

fn int(ty: Type, value: i128) -> DataValue {
    DataValue::from_bits(ty, value as u64)
}

const TRAP_DIVZ: EvalError = EvalError::Trap(TrapCode::INTEGER_DIVISION_BY_ZERO);
const TRAP_OVF: EvalError = EvalError::Trap(TrapCode::INTEGER_OVERFLOW);
const TRAP_TOINT: EvalError = EvalError::Trap(TrapCode::BAD_CONVERSION_TO_INTEGER);

/// The value of a bit string by its digits, so that bit operations are defined
/// without bit operations.
fn digits(value: i128, width: u32) -> Vec<bool> {
    (0..width).map(|i| value.div_euclid(1 << i).rem_euclid(2) == 1).collect()
}

fn number(digits: &[bool]) -> i128 {
    digits.iter().enumerate().map(|(i, &d)| i128::from(d) << i).sum()
}

/// What `op` gives for x and y: `ux`, `uy` unsigned, `sx`, `sy` signed.
fn wide_binary(op: Opcode, width: u32, (ux, sx): (i128, i128), (uy, sy): (i128, i128)) -> Option<i128> {
    let modulus = 1i128 << width;
    let amount = uy % i128::from(width);
    let zip = |f: fn(bool, bool) -> bool| {
        let (dx, dy) = (digits(ux, width), digits(uy, width));
        number(&dx.iter().zip(&dy).map(|(&a, &b)| f(a, b)).collect::<Vec<_>>())
    };
    let rotate = |left: i128| {
        let dx = digits(ux, width);
        let at = |i: i128| dx[(i - left).rem_euclid(i128::from(width)) as usize];
        number(&(0..i128::from(width)).map(at).collect::<Vec<_>>())
    };
    Some(match op {
        Opcode::Iadd => ux + uy,
        Opcode::Isub => ux - uy,
        Opcode::Imul => sx * sy,
        Opcode::Umulhi => (ux as u128 * uy as u128 / modulus as u128) as i128,
        Opcode::Smulhi => (sx * sy).div_euclid(modulus),
        Opcode::Smin => sx.min(sy),
        Opcode::Smax => sx.max(sy),
        Opcode::Umin => ux.min(uy),
        Opcode::Umax => ux.max(uy),
        Opcode::Band => zip(|a, b| a && b),
        Opcode::Bor => zip(|a, b| a || b),
        Opcode::Bxor => zip(|a, b| a != b),
        Opcode::Ishl => (0..amount).fold(ux, |x, _| x * 2 % modulus),
        Opcode::Ushr => ux / (1 << amount),
        Opcode::Sshr => sx.div_euclid(1 << amount),
        Opcode::Rotl => rotate(amount),
        Opcode::Rotr => rotate(-amount),
        _ => return None,
    })
}

fn wide_overflow(
    op: Opcode,
    (ux, sx): (i128, i128),
    (uy, sy): (i128, i128),
    c: i128,
) -> Option<(i128, bool)> {
    Some(match op {
        Opcode::UaddOverflow | Opcode::UaddOverflowCin => (ux + uy + c, false),
        Opcode::SaddOverflow | Opcode::SaddOverflowCin => (sx + sy + c, true),
        Opcode::UsubOverflow | Opcode::UsubOverflowBin => (ux - uy - c, false),
        Opcode::SsubOverflow | Opcode::SsubOverflowBin => (sx - sy - c, true),
        Opcode::UmulOverflow => (ux * uy, false),
        Opcode::SmulOverflow => (sx * sy, true),
        _ => return None,
    })
}

fn wide_unary(op: Opcode, width: u32, ux: i128, sx: i128) -> Option<i128> {
    let digits = || digits(ux, width);
    let leading = |digit: bool| digits().iter().rev().take_while(|&&d| d == digit).count() as i128;
    Some(match op {
        Opcode::Ineg => -sx,
        Opcode::Iabs => sx.abs(),
        Opcode::Bnot => -1 - sx,
        Opcode::Bitrev => number(&digits().iter().rev().copied().collect::<Vec<_>>()),
        Opcode::Bswap if width > 8 => {
            number(&digits().chunks(8).rev().flatten().copied().collect::<Vec<_>>())
        }
        Opcode::Clz => leading(false),
        Opcode::Ctz => digits().iter().take_while(|&&d| !d).count() as i128,
        Opcode::Cls => leading(sx < 0) - 1,
        Opcode::Popcnt => digits().iter().filter(|&&d| d).count() as i128,
        _ => return None,
    })
}

/// Checks every integer operation on one pair; returns how many were checked.
fn check_integers(ty: Type, x: i128, y: i128) -> usize {
    let width = ty.bits();
    let modulus = 1i128 << width;
    let signed = |u: i128| if u >= modulus / 2 { u - modulus } else { u };
    let ((ux, sx), (uy, sy)) = ((x, signed(x)), (y, signed(y)));
    let (vx, vy) = (int(ty, x), int(ty, y));
    let fits = |value: i128, is_signed: bool| {
        if is_signed { value >= -modulus / 2 && value < modulus / 2 } else { value >= 0 && value < modulus }
    };
    let mut checked = 0;
    for &op in Opcode::ALL {
        if let Some(expected) = wide_unary(op, width, ux, sx) {
            assert_eq!(one(op, ty, &[vx]), int(ty, expected), "{op}.{ty} {x}");
            checked += 1;
        }
        if let Some(expected) = wide_binary(op, width, (ux, sx), (uy, sy)) {
            assert_eq!(one(op, ty, &[vx, vy]), int(ty, expected), "{op}.{ty} {x} {y}");
            checked += 1;
        }
        let carries: &[i128] = if op.info().args.len() == 3 { &[0, 1] } else { &[0] };
        for &carry in carries {
            // The product of two 64-bit numbers is past i128; tested apart.
            if width == 64 && op == Opcode::UmulOverflow {
                continue;
            }
            if let Some((wide, is_signed)) = wide_overflow(op, (ux, sx), (uy, sy), carry) {
                let mut args = vec![vx, vy];
                args.extend((carries.len() == 2).then(|| int(I8, carry)));
                let expected = vec![int(ty, wide), DataValue::bool(!fits(wide, is_signed))];
                assert_eq!(run(op, ty, &args), Ok(expected), "{op}.{ty} {x} {y} {carry}");
                checked += 1;
            }
        }
        let quotient = match op {
            Opcode::Udiv | Opcode::Urem => Some((ux, uy, false)),
            Opcode::Sdiv | Opcode::Srem => Some((sx, sy, true)),
            _ => None,
        };
        if let Some((a, b, is_signed)) = quotient {
            let remainder = matches!(op, Opcode::Urem | Opcode::Srem);
            let expected = match b {
                0 => Err(TRAP_DIVZ),
                _ if remainder => Ok(vec![int(ty, a - a / b * b)]),
                _ if !fits(a / b, is_signed) => Err(TRAP_OVF),
                _ => Ok(vec![int(ty, a / b)]),
            };
            assert_eq!(run(op, ty, &[vx, vy]), expected, "{op}.{ty} {x} {y}");
            checked += 1;
        }
    }
    for &cc in IntCC::ALL {
        let (a, b) = if cc.is_signed() { (sx, sy) } else { (ux, uy) };
        let text = cc.to_string();
        let expected = match &text[text.len() - 2..] {
            "eq" => a == b,
            "ne" => a != b,
            "lt" => a < b,
            "ge" => a >= b,
            "gt" => a > b,
            _ => a <= b,
        };
        let result = eval(Opcode::Icmp, ty, &Extra::IntCC(cc), &[vx, vy]).map(|r| r.to_vec());
        assert_eq!(result, Ok(vec![DataValue::bool(expected)]), "icmp.{ty} {cc} {x} {y}");
    }
    checked
}

#[test]
fn all_pairs_of_i8() {
    for x in 0..256 {
        for y in 0..256 {
            assert_eq!(check_integers(I8, x, y), 17 + 8 + 14 + 4);
        }
    }
}

#[test]
fn edge_values_of_wider_integers() {
    for ty in [I16, I32, I64] {
        let modulus = 1i128 << ty.bits();
        let offsets = [0, modulus / 2, modulus / 3, 0xff, 0x8000, 0x1234_5678_9abc_def1];
        let edges: Vec<i128> =
            offsets.iter().flat_map(|base| (-2..3).map(move |d| (base + d).rem_euclid(modulus))).collect();
        for &x in &edges {
            for &y in &edges {
                check_integers(ty, x, y);
            }
        }
    }
    let max = int(I64, -1);
    assert_eq!(run(Opcode::UmulOverflow, I64, &[max, max]), Ok(vec![int(I64, 1), DataValue::bool(true)]));
    assert_eq!(run(Opcode::UmulOverflow, I64, &[max, int(I64, 1)]), Ok(vec![max, DataValue::bool(false)]));
}

#[test]
fn the_rest_of_the_integers() {
    let (x, y) = (int(I32, 0x0ff0_1234), int(I32, 0x5555_aaaa));
    assert_eq!(one(Opcode::Bitselect, I32, &[int(I32, 0xffff_0000), x, y]), int(I32, 0x0ff0_aaaa));
    assert_eq!(one(Opcode::Select, I32, &[int(I64, 256), x, y]), x);
    assert_eq!(one(Opcode::SelectSpectreGuard, I32, &[int(I8, 0), x, y]), y);
    assert_eq!(one(Opcode::Bmask, I64, &[int(I8, 4)]), int(I64, -1));
    assert_eq!(one(Opcode::Bmask, I8, &[int(I64, 0)]), int(I8, 0));
    let trap = Extra::Trap(TrapCode::HEAP_OUT_OF_BOUNDS);
    let add = |a: i128, b: i128| eval(Opcode::UaddOverflowTrap, I32, &trap, &[int(I32, a), int(I32, b)]);
    assert_eq!(add(0xffff_fffe, 1).map(|r| r[0]), Ok(int(I32, -1)));
    assert_eq!(add(0xffff_ffff, 1), Err(EvalError::Trap(TrapCode::HEAP_OUT_OF_BOUNDS)));
    // The amount's own type does not matter: 40 mod 32.
    assert_eq!(one(Opcode::Ishl, I32, &[int(I32, 1), int(I64, 40)]), int(I32, 0x100));
    assert_eq!(one(Opcode::Bxor, F32, &[DataValue::F32(7), DataValue::F32(5)]), DataValue::F32(2));
    let iconst = eval(Opcode::Iconst, I16, &Extra::Imm(-2), &[]);
    assert_eq!(iconst.map(|r| r[0]), Ok(DataValue::I16(-2)));
    let f32const = eval(Opcode::F32const, Type::INVALID, &Extra::Imm(0x3f80_0000), &[]);
    assert_eq!(f32const.map(|r| r[0]), Ok(DataValue::f32(1.0)));
}

const QUIET: u64 = 1 << 51;
const DEFAULT: u64 = 0xfff8_0000_0000_0000;

#[test]
fn floats_by_table() {
    use Opcode::*;
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let table: &[(Opcode, &[f64], f64)] = &[
        (Fadd, &[1.5, 2.25], 3.75),
        (Fsub, &[1.0, 1.0], 0.0),
        (Fmul, &[-0.0, 3.0], -0.0),
        (Fdiv, &[1.0, -0.0], -inf),
        (Sqrt, &[-0.0], -0.0),
        (Sqrt, &[6.25], 2.5),
        // Rounded once: the product alone would round to 1.
        (Fma, &[1.0 + f64::EPSILON, 1.0 - f64::EPSILON, -1.0], -(f64::EPSILON * f64::EPSILON)),
        (Fneg, &[0.0], -0.0),
        (Fabs, &[-inf], inf),
        (Fcopysign, &[3.0, -0.0], -3.0),
        (Fmin, &[0.0, -0.0], -0.0),
        (Fmin, &[-0.0, 0.0], -0.0),
        (Fmin, &[2.0, 1.0], 1.0),
        (Fmax, &[0.0, -0.0], 0.0),
        (Fmax, &[-0.0, 0.0], 0.0),
        (Fmax, &[-inf, 1.0], 1.0),
        (Ceil, &[-0.5], -0.0),
        (Ceil, &[1.1], 2.0),
        (Floor, &[-1.1], -2.0),
        (Trunc, &[-1.9], -1.0),
        (Trunc, &[1.9], 1.0),
        (Nearest, &[0.5], 0.0),
        (Nearest, &[1.5], 2.0),
        (Nearest, &[2.5], 2.0),
        (Nearest, &[-2.5], -2.0),
        (Nearest, &[-0.4], -0.0),
    ];
    for &(op, args, expected) in table {
        let wide: Vec<DataValue> = args.iter().map(|&x| DataValue::f64(x)).collect();
        assert_eq!(one(op, F64, &wide), DataValue::f64(expected), "{op} {args:?}");
        if op != Fma {
            let narrow: Vec<DataValue> = args.iter().map(|&x| DataValue::f32(x as f32)).collect();
            assert_eq!(one(op, F32, &narrow), DataValue::f32(expected as f32), "{op} {args:?}");
        }
    }
    for (op, args) in [
        (Fadd, &[inf, -inf][..]),
        (Fsub, &[inf, inf]),
        (Fmul, &[0.0, inf]),
        (Fdiv, &[0.0, 0.0]),
        (Sqrt, &[-1.0]),
        (Fma, &[0.0, inf, 1.0]),
    ] {
        let values: Vec<DataValue> = args.iter().map(|&x| DataValue::f64(x)).collect();
        assert_eq!(one(op, F64, &values), DataValue::F64(DEFAULT), "{op}");
    }
    for &cc in FloatCC::ALL {
        for (a, b) in [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (0.0, -0.0), (nan, 1.0), (1.0, nan), (nan, nan)] {
            let expected = DataValue::bool(cc.test(a.partial_cmp(&b)));
            let result = eval(Fcmp, F64, &Extra::FloatCC(cc), &[DataValue::f64(a), DataValue::f64(b)]);
            assert_eq!(result.map(|r| r[0]), Ok(expected), "fcmp {cc} {a} {b}");
        }
    }
}

#[test]
fn nan_operands() {
    let signalling = 0xfff0_0000_0000_1234;
    let (snan, x) = (DataValue::F64(signalling), DataValue::f64(1.0));
    let quiet = DataValue::F64(signalling | QUIET);
    for op in [Opcode::Fadd, Opcode::Fsub, Opcode::Fmul, Opcode::Fdiv, Opcode::Fmin, Opcode::Fmax] {
        assert_eq!(one(op, F64, &[snan, x]), quiet, "{op}");
        assert_eq!(one(op, F64, &[x, snan]), quiet, "{op}");
        assert_eq!(one(op, F64, &[snan, DataValue::f64(f64::NAN)]), quiet, "{op}");
    }
    for op in [Opcode::Sqrt, Opcode::Ceil, Opcode::Floor, Opcode::Trunc, Opcode::Nearest] {
        assert_eq!(one(op, F64, &[snan]), quiet, "{op}");
    }
    assert_eq!(one(Opcode::Fma, F64, &[x, x, snan]), quiet);
    // These move bits.
    assert_eq!(one(Opcode::Fneg, F64, &[snan]), DataValue::F64(0x7ff0_0000_0000_1234));
    assert_eq!(one(Opcode::Fabs, F64, &[snan]), DataValue::F64(0x7ff0_0000_0000_1234));
    assert_eq!(one(Opcode::Fcopysign, F64, &[snan, x]), DataValue::F64(0x7ff0_0000_0000_1234));
    assert_eq!(one(Opcode::Bitcast, I64, &[snan]), DataValue::I64(signalling as i64));
    assert_eq!(one(Opcode::Select, F64, &[DataValue::I8(1), snan, x]), snan);
    assert!(same_modulo_nan(snan, DataValue::f64(f64::NAN)) && !same_modulo_nan(snan, x));
    assert!(!same_modulo_nan(DataValue::f32(f32::NAN), snan) && !same_modulo_nan(x, DataValue::f64(2.0)));
}

#[test]
fn conversions_between_floats_and_integers() {
    use Opcode::*;
    for ty in Type::INTS {
        let bits = ty.bits() as i32;
        let (umax, smax) = (2f64.powi(bits), 2f64.powi(bits - 1));
        // (operation, input, value or trap of the trapping form, saturated value)
        let below = |x: f64| f64::from_bits(x.to_bits() - 1);
        let signed_past = if bits < 53 { -smax - 1.0 } else { -smax * (1.0 + f64::EPSILON) };
        let top_unsigned = int(ty, below(umax).trunc() as i128);
        let top_signed = int(ty, below(smax).trunc() as i128);
        let (all, max, min) =
            (int(ty, -1), int(ty, (1i128 << (bits - 1)) - 1), int(ty, -(1i128 << (bits - 1))));
        let table = [
            (true, 3.9, Ok(int(ty, 3)), int(ty, 3)),
            (true, -0.9, Ok(int(ty, 0)), int(ty, 0)),
            (true, -1.0, Err(TRAP_OVF), int(ty, 0)),
            (true, f64::NAN, Err(TRAP_TOINT), int(ty, 0)),
            (true, umax, Err(TRAP_OVF), all),
            (true, below(umax), Ok(top_unsigned), top_unsigned),
            (true, f64::NEG_INFINITY, Err(TRAP_OVF), int(ty, 0)),
            (false, -3.9, Ok(int(ty, -3)), int(ty, -3)),
            (false, f64::NAN, Err(TRAP_TOINT), int(ty, 0)),
            (false, smax, Err(TRAP_OVF), max),
            (false, below(smax), Ok(top_signed), top_signed),
            (false, -smax, Ok(min), min),
            (false, signed_past, Err(TRAP_OVF), min),
            (false, f64::INFINITY, Err(TRAP_OVF), max),
        ];
        for (unsigned, x, trapping, saturated) in table {
            let (op, sat) = if unsigned { (FcvtToUint, FcvtToUintSat) } else { (FcvtToSint, FcvtToSintSat) };
            let x = DataValue::f64(x);
            assert_eq!(run(op, ty, &[x]), trapping.map(|v| vec![v]), "{op}.{ty} {x:?}");
            assert_eq!(one(sat, ty, &[x]), saturated, "{sat}.{ty} {x:?}");
        }
        let fraction = DataValue::f32(-1.5);
        assert_eq!(one(FcvtToSint, ty, &[fraction]), int(ty, -1));
        assert_eq!(one(FcvtFromUint, F64, &[all]), DataValue::f64(umax - 1.0));
        assert_eq!(one(FcvtFromSint, F32, &[all]), DataValue::f32(-1.0));
    }
    // Rounded once, to even: a detour through binary64 would round down.
    let x = DataValue::I64((1 << 54) + (1 << 30) + 1);
    assert_eq!(one(FcvtFromUint, F32, &[x]), DataValue::F32(0x5a80_0001));
    assert_eq!(one(FcvtFromSint, F32, &[x]), DataValue::F32(0x5a80_0001));
}

#[test]
fn other_conversions() {
    use Opcode::*;
    let wide = int(I64, 0x1234_5678_9abc_def0);
    assert_eq!(one(Ireduce, I16, &[wide]), int(I16, 0xdef0));
    assert_eq!(one(Uextend, I64, &[DataValue::I16(-2)]), int(I64, 0xfffe));
    assert_eq!(one(Sextend, I64, &[DataValue::I16(-2)]), int(I64, -2));
    assert_eq!(one(Bitcast, F32, &[int(I32, 0x3f80_0000)]), DataValue::f32(1.0));
    assert_eq!(one(Fpromote, F64, &[DataValue::f32(0.1)]), DataValue::f64(f64::from(0.1f32)));
    assert_eq!(one(Fdemote, F32, &[DataValue::f64(0.1)]), DataValue::f32(0.1));
    assert_eq!(one(Fdemote, F32, &[DataValue::f64(1e300)]), DataValue::f32(f32::INFINITY));
    assert_eq!(one(Fpromote, F64, &[DataValue::F32(0xff80_0001)]), DataValue::F64(0xfff8_0000_2000_0000));
    assert_eq!(one(Fdemote, F32, &[DataValue::F64(0x7ff0_0000_2000_0000)]), DataValue::F32(0x7fc0_0001));
}

#[test]
fn ill_typed_operands_are_errors() {
    let (narrow, wide, float) = (DataValue::I8(1), DataValue::I64(1), DataValue::f32(1.0));
    for (op, ty, args) in [
        (Opcode::Iadd, I8, &[narrow, wide][..]),
        (Opcode::Iadd, I8, &[narrow]),
        (Opcode::Iadd, F32, &[float, float]),
        (Opcode::Fadd, I8, &[narrow, narrow]),
        (Opcode::Ireduce, I64, &[narrow]),
        (Opcode::Bitcast, I64, &[float]),
        (Opcode::Bswap, I8, &[narrow]),
        (Opcode::Icmp, I8, &[narrow, narrow]),
        (Opcode::Iconst, I8, &[]),
        (Opcode::Load, I8, &[wide]),
        (Opcode::Return, Type::INVALID, &[]),
    ] {
        assert_eq!(run(op, ty, args), Err(EvalError::NotScalar), "{op}.{ty} {args:?}");
    }
}

#[test]
fn every_scalar_operation_of_the_table_is_evaluated_at_every_type() {
    let extras = [
        Extra::None,
        Extra::Imm(1),
        Extra::IntCC(IntCC::Equal),
        Extra::FloatCC(FloatCC::Equal),
        Extra::Trap(TrapCode::INTEGER_OVERFLOW),
    ];
    for &op in Opcode::ALL {
        let info = op.info();
        let environment = matches!(
            op,
            Opcode::FuncAddr
                | Opcode::SymbolValue
                | Opcode::GlobalValue
                | Opcode::TlsValue
                | Opcode::StackAddr
        ) || op.name().starts_with("get_");
        let control = !op.is_pure() && op != Opcode::SelectSpectreGuard && info.results.is_empty();
        if environment || control || op.can_load() || op.can_store() || info.results.is_empty() {
            continue;
        }
        for ty in Type::SCALARS.into_iter().chain([Type::INVALID]).filter(|&ty| info.types.contains(ty)) {
            let args: Option<Vec<DataValue>> = info
                .args
                .iter()
                .map(|operand| {
                    // The same type also for conversions, where that is allowed.
                    let types = [ty].into_iter().chain(Type::SCALARS);
                    types.into_iter().find(|&arg| operand.accepts(ty, arg))
                })
                .map(|arg| arg.map(|arg| DataValue::from_bits(arg, 1)))
                .collect();
            // `ireduce.i64` and the like have no possible operand.
            let Some(args) = args else { continue };
            let result = extras.iter().find_map(|extra| eval(op, ty, extra, &args).ok());
            let types: Option<Vec<Type>> = result.map(|values| values.iter().map(|v| v.ty()).collect());
            let expected: Vec<Type> = info.results.iter().filter_map(|r| r.resolve(ty)).collect();
            assert_eq!(types, Some(expected), "{op}.{ty}");
        }
    }
}

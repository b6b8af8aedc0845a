//! Operations on vectors: lane by lane what the scalar files say, and what moves,
//! joins and splits lanes.
//!
//! Lane 0 is the least significant; the byte order of a machine plays no part but
//! in a `bitcast` that is told one.

use super::{Results, eval as eval_scalar};
use crate::data_value::{DataValue, Lanes};
use crate::inst::Extra;
use crate::memflags::Endianness;
use crate::opcode::Opcode;
use crate::types::{F32, F64, Type};
use smallvec::smallvec;

/// Evaluates an operation on well-typed arguments of which one is a vector, or
/// whose result is; `None` when the opcode has no meaning there.
pub(super) fn eval(opcode: Opcode, ty: Type, extra: &Extra, args: &[DataValue]) -> Option<Results> {
    let &x = args.first()?;
    let value = match (opcode, *extra) {
        (Opcode::Splat, _) => {
            let lanes: Lanes = (0..ty.lane_count()).map(|_| x).collect();
            DataValue::from_lanes(&lanes)
        }
        (Opcode::ScalarToVector, _) => DataValue::from_bits128(ty, x.bits128()),
        (Opcode::Extractlane, Extra::Lane(lane)) => *x.lanes().get(usize::from(lane))?,
        (Opcode::Insertlane, Extra::Lane(lane)) => {
            let mut lanes = x.lanes();
            *lanes.get_mut(usize::from(lane))? = *args.get(1)?;
            DataValue::from_lanes(&lanes)
        }
        (Opcode::Swizzle, _) => chosen(&x.bytes(), args.get(1)?.bytes()),
        (Opcode::Shuffle, Extra::Bytes(mask)) => chosen(&[x.bytes(), args.get(1)?.bytes()].concat(), mask),
        (Opcode::VanyTrue, _) => DataValue::bool(x.bits128() != 0),
        (Opcode::VallTrue, _) => DataValue::bool(x.lanes().iter().all(|lane| lane.bits() != 0)),
        (Opcode::VhighBits, _) => {
            let top = x.ty().lane_bits() - 1;
            let lanes = x.lanes();
            let bits = lanes.iter().rev().fold(0, |bits, lane| bits << 1 | lane.bits() >> top);
            DataValue::from_bits(ty, bits)
        }
        (Opcode::Bitcast, Extra::Mem(flags, _)) => match flags.endianness {
            Some(Endianness::Big) => DataValue::V128(ty, big_endian(big_endian(x.bytes(), x.ty()), ty)),
            _ => DataValue::from_bits128(ty, x.bits128()),
        },
        (Opcode::FvpromoteLow, _) => {
            let lanes = x.lanes().into_iter().take(2).map(|lane| scalar(Opcode::Fpromote, F64, &[lane]));
            DataValue::from_lanes(&lanes.collect::<Option<Lanes>>()?)
        }
        (Opcode::Fvdemote, _) => {
            let lanes = x.lanes().into_iter().map(|lane| scalar(Opcode::Fdemote, F32, &[lane]));
            let zeros = [Some(DataValue::F32(0)); 2];
            DataValue::from_lanes(&lanes.chain(zeros).collect::<Option<Lanes>>()?)
        }
        _ => {
            let lanes = joined(opcode, ty, args).or_else(|| lane_wise(opcode, ty, extra, args))?;
            DataValue::from_lanes(&lanes)
        }
    };
    Some(smallvec![value])
}

fn scalar(opcode: Opcode, ty: Type, args: &[DataValue]) -> Option<DataValue> {
    eval_scalar(opcode, ty, &Extra::None, args).ok()?.first().copied()
}

/// The bytes with these numbers, zero for numbers past the end.
fn chosen(bytes: &[u8], numbers: [u8; 16]) -> DataValue {
    let byte = |number: u8| bytes.get(usize::from(number)).copied().unwrap_or(0);
    DataValue::V128(crate::types::I8X16, numbers.map(byte))
}

/// The bytes of every lane in reverse.
fn big_endian(mut bytes: [u8; 16], ty: Type) -> [u8; 16] {
    bytes.chunks_mut(ty.lane().bytes() as usize).for_each(<[u8]>::reverse);
    bytes
}

/// Operations whose lanes are made from other lanes than those in their place.
fn joined(opcode: Opcode, ty: Type, args: &[DataValue]) -> Option<Lanes> {
    let (x, y) = (args[0].lanes(), args.get(1).map(|y| y.lanes()).unwrap_or_default());
    let both = || x.iter().chain(&y).copied();
    let low = || x.iter().take(x.len() / 2).copied();
    let high = || x.iter().skip(x.len() / 2).copied();
    let wide = ty.widened().unwrap_or(ty).lane();
    let narrow = ty.narrowed().unwrap_or(ty).lane();
    let sign_extended = |lane: DataValue| DataValue::from_bits(wide, lane.sext() as u64);
    let zero_extended = |lane: DataValue| DataValue::from_bits(wide, lane.bits());
    let signed_max = (narrow.mask() >> 1) as i64;
    Some(match opcode {
        Opcode::SwidenLow => low().map(sign_extended).collect(),
        Opcode::SwidenHigh => high().map(sign_extended).collect(),
        Opcode::UwidenLow => low().map(zero_extended).collect(),
        Opcode::UwidenHigh => high().map(zero_extended).collect(),
        Opcode::Snarrow => {
            let clamp = |lane: DataValue| lane.sext().clamp(-signed_max - 1, signed_max);
            both().map(|lane| DataValue::from_bits(narrow, clamp(lane) as u64)).collect()
        }
        Opcode::Unarrow => {
            let clamp = |lane: DataValue| (lane.sext().max(0) as u64).min(narrow.mask());
            both().map(|lane| DataValue::from_bits(narrow, clamp(lane))).collect()
        }
        Opcode::Uunarrow => {
            both().map(|lane| DataValue::from_bits(narrow, lane.bits().min(narrow.mask()))).collect()
        }
        Opcode::IaddPairwise => {
            let all: Vec<DataValue> = both().collect();
            let sum = |pair: &[DataValue]| pair[0].bits().wrapping_add(pair[1].bits());
            all.chunks_exact(2).map(|pair| DataValue::from_bits(ty.lane(), sum(pair))).collect()
        }
        _ => return None,
    })
}

/// Operations on the lanes in the same place.
fn lane_wise(opcode: Opcode, ty: Type, extra: &Extra, args: &[DataValue]) -> Option<Lanes> {
    let lanes = args.iter().map(|arg| arg.lanes()).collect::<Vec<Lanes>>();
    let lane_type = ty.lane();
    let one = |n: usize| {
        // A scalar among the arguments is an amount to shift all lanes by.
        let at = |lanes: &Lanes| if lanes.len() == 1 { lanes[0] } else { lanes[n] };
        let args: Lanes = lanes.iter().map(at).collect();
        if let [x, y] = args[..]
            && let Some(bits) = saturating(opcode, lane_type, x, y)
        {
            return Some(DataValue::from_bits(lane_type, bits));
        }
        let result = eval_scalar(opcode, lane_type, extra, &args).ok()?.first().copied()?;
        Some(match opcode {
            Opcode::Icmp | Opcode::Fcmp => {
                DataValue::from_bits(ty.as_int().lane(), result.bits().wrapping_neg())
            }
            _ => result,
        })
    };
    (0..ty.lane_count() as usize).map(one).collect()
}

/// Lanes of operations that there are on vectors only.
fn saturating(opcode: Opcode, ty: Type, x: DataValue, y: DataValue) -> Option<u64> {
    let (ua, ub) = (i128::from(x.bits()), i128::from(y.bits()));
    let (sa, sb) = (i128::from(x.sext()), i128::from(y.sext()));
    let max = i128::from(ty.mask());
    let unsigned = |wide: i128| wide.clamp(0, max) as u64;
    let signed = |wide: i128| wide.clamp(-(max >> 1) - 1, max >> 1) as u64;
    Some(match opcode {
        Opcode::UaddSat => unsigned(ua + ub),
        Opcode::SaddSat => signed(sa + sb),
        Opcode::UsubSat => unsigned(ua - ub),
        Opcode::SsubSat => signed(sa - sb),
        Opcode::AvgRound => unsigned((ua + ub + 1) >> 1),
        // A product of fixed-point numbers between -1 and 1, to the nearest, up
        // when it is in the middle.
        Opcode::SqmulRoundSat => {
            let fraction = ty.bits() - 1;
            signed((sa * sb + (1 << (fraction - 1))) >> fraction)
        }
        _ => return None,
    })
}

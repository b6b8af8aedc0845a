//! Operators on vectors: lane by lane.
//!
//! A vector is a list of lanes, lane 0 first; every operator says what becomes of the
//! lists. Those on memory are in [`crate::simd_memory`].

use crate::float as fl;
use crate::operands::{Operand, Operands, Outcome};
use crate::value::Trap;
use wasmparser::Operator as O;

/// What can be a lane.
pub(super) trait Lane: Copy {
    const BITS: usize;
    fn of(bits: u64) -> Self;
    fn bits(self) -> u64;
}

macro_rules! lanes {
    ($($ty:ident: $bits:ident, $x:ident => $of:expr, $y:ident => $to:expr;)*) => {$(
        impl Lane for $ty {
            const BITS: usize = $bits::BITS as usize;
            fn of($x: u64) -> Self {
                $of
            }
            fn bits(self) -> u64 {
                let $y = self;
                ($to) as $bits as u64
            }
        }
    )*};
}

lanes! {
    i8: u8, x => x as i8, y => y;
    u8: u8, x => x as u8, y => y;
    i16: u16, x => x as i16, y => y;
    u16: u16, x => x as u16, y => y;
    i32: u32, x => x as i32, y => y;
    u32: u32, x => x as u32, y => y;
    i64: u64, x => x as i64, y => y;
    u64: u64, x => x, y => y;
    f32: u32, x => f32::from_bits(x as u32), y => y.to_bits();
    f64: u64, x => f64::from_bits(x), y => y.to_bits();
}

/// The lanes of a vector.
pub(super) fn split<T: Lane>(vector: u128) -> Vec<T> {
    (0..128 / T::BITS).map(|i| T::of((vector >> (i * T::BITS)) as u64)).collect()
}

/// The vector of these lanes; those that are missing are zero.
pub(super) fn join<T: Lane>(lanes: &[T]) -> u128 {
    lanes.iter().enumerate().fold(0, |vector, (i, lane)| vector | u128::from(lane.bits()) << (i * T::BITS))
}

/// The half that `low` or `high` in an operator's name means.
#[derive(Clone, Copy)]
enum Half {
    Low,
    High,
}

fn half<T: Lane>(vector: u128, which: Half) -> Vec<T> {
    let lanes = split(vector);
    let (low, high) = lanes.split_at(lanes.len() / 2);
    match which {
        Half::Low => low.to_vec(),
        Half::High => high.to_vec(),
    }
}

/// All ones for true, all zeros for false.
fn mask<T: Lane>(all: bool) -> T {
    T::of(if all { u64::MAX } else { 0 })
}

type Done = Result<(), Trap>;

impl Operands {
    fn map<T: Lane, U: Lane>(&mut self, f: impl Fn(T) -> U) -> Done {
        self.unary(|x| join(&split(x).into_iter().map(&f).collect::<Vec<U>>()))
    }

    fn zip<T: Lane, U: Lane>(&mut self, f: impl Fn(T, T) -> U) -> Done {
        self.binary(|x, y| {
            let pairs = split(x).into_iter().zip(split(y));
            join(&pairs.map(|(x, y)| f(x, y)).collect::<Vec<U>>())
        })
    }

    fn zip3<T: Lane>(&mut self, f: impl Fn(T, T, T) -> T) -> Done {
        self.ternary(|x, y, z| {
            let all = split(x).into_iter().zip(split(y)).zip(split(z));
            join(&all.map(|((x, y), z)| f(x, y, z)).collect::<Vec<T>>())
        })
    }

    fn compare<T: Lane>(&mut self, f: impl Fn(T, T) -> bool) -> Done {
        self.zip(|x, y| mask::<T>(f(x, y)))
    }

    /// Shifts all lanes by a scalar, modulo the lanes' width.
    fn shift<T: Lane>(&mut self, f: impl Fn(T, u32) -> T) -> Done {
        let by = self.take::<u32>() % T::BITS as u32;
        self.map(|x| f(x, by))
    }

    fn splat<T: Operand, L: Lane>(&mut self, f: impl Fn(T) -> L) -> Done {
        self.unary(|x| join(&vec![f(x); 128 / L::BITS]))
    }

    fn extract<L: Lane, R: Outcome>(&mut self, lane: u8, f: impl Fn(L) -> R) -> Done {
        self.unary(|x| f(split(x)[usize::from(lane)]))
    }

    fn replace<T: Operand, L: Lane>(&mut self, lane: u8, f: impl Fn(T) -> L) -> Done {
        let new = f(self.take());
        self.unary(|x| {
            let mut lanes = split(x);
            lanes[usize::from(lane)] = new;
            join(&lanes)
        })
    }

    /// Makes wider lanes of those in one half.
    fn extend<T: Lane, U: Lane>(&mut self, which: Half, f: impl Fn(T) -> U) -> Done {
        self.unary(|x| join(&half(x, which).into_iter().map(&f).collect::<Vec<U>>()))
    }

    /// Makes wider lanes of pairs of those in one half.
    fn extend_pairs<T: Lane, U: Lane>(&mut self, which: Half, f: impl Fn(T, T) -> U) -> Done {
        self.binary(|x, y| {
            let pairs = half(x, which).into_iter().zip(half(y, which));
            join(&pairs.map(|(x, y)| f(x, y)).collect::<Vec<U>>())
        })
    }

    /// Makes a wider lane of each two neighbours.
    fn pairwise<T: Lane, U: Lane>(&mut self, f: impl Fn(T, T) -> U) -> Done {
        self.unary(|x| join(&split(x).chunks(2).map(|pair| f(pair[0], pair[1])).collect::<Vec<U>>()))
    }

    /// Makes a wider lane of each two neighbours in both vectors.
    fn dot<T: Lane, U: Lane>(&mut self, f: impl Fn([T; 2], [T; 2]) -> U) -> Done {
        self.binary(|x, y| {
            let (x, y) = (split(x), split(y));
            let both = x.chunks(2).zip(y.chunks(2));
            join(&both.map(|(x, y)| f([x[0], x[1]], [y[0], y[1]])).collect::<Vec<U>>())
        })
    }

    /// Makes narrower lanes of the first vector's lanes and the second's.
    fn narrow<T: Lane, U: Lane>(&mut self, f: impl Fn(T) -> U) -> Done {
        self.binary(|x, y| {
            let lanes = split(x).into_iter().chain(split(y));
            join(&lanes.map(&f).collect::<Vec<U>>())
        })
    }

    fn all_true<T: Lane>(&mut self) -> Done {
        self.unary(|x| split::<T>(x).into_iter().all(|lane| lane.bits() != 0))
    }

    /// The lanes' most significant bits.
    fn bitmask<T: Lane>(&mut self) -> Done {
        self.unary(|x| {
            let tops = split::<T>(x).into_iter().map(|lane| (lane.bits() >> (T::BITS - 1)) as u32);
            tops.enumerate().fold(0, |bits, (i, top)| bits | top << i)
        })
    }
}

/// Executes an operator on vectors.
///
/// # Panics
/// If it is none that this interpreter knows.
pub(super) fn execute(op: &O<'_>, s: &mut Operands) -> Done {
    match op {
        O::V128Const { value } => {
            s.push(u128::from_le_bytes(*value.bytes()));
            Ok(())
        }
        O::V128Not => s.unary(|x: u128| !x),
        O::V128And => s.binary(|x: u128, y| x & y),
        O::V128AndNot => s.binary(|x: u128, y| x & !y),
        O::V128Or => s.binary(|x: u128, y| x | y),
        O::V128Xor => s.binary(|x: u128, y| x ^ y),
        O::V128Bitselect
        | O::I8x16RelaxedLaneselect
        | O::I16x8RelaxedLaneselect
        | O::I32x4RelaxedLaneselect
        | O::I64x2RelaxedLaneselect => s.ternary(|x: u128, y, mask| x & mask | y & !mask),
        O::V128AnyTrue => s.unary(|x: u128| x != 0),

        O::I8x16Shuffle { lanes } => s.binary(|x, y| {
            let all = [split::<u8>(x), split(y)].concat();
            join(&lanes.map(|lane| all[usize::from(lane)]))
        }),
        O::I8x16Swizzle | O::I8x16RelaxedSwizzle => s.binary(|x, y| {
            let all = split::<u8>(x);
            let chosen =
                split::<u8>(y).into_iter().map(|lane| all.get(usize::from(lane)).copied().unwrap_or(0));
            join(&chosen.collect::<Vec<u8>>())
        }),
        O::I8x16Splat => s.splat(|x: u32| x as u8),
        O::I16x8Splat => s.splat(|x: u32| x as u16),
        O::I32x4Splat => s.splat(|x: u32| x),
        O::I64x2Splat => s.splat(|x: u64| x),
        O::F32x4Splat => s.splat(|x: f32| x),
        O::F64x2Splat => s.splat(|x: f64| x),
        O::I8x16ExtractLaneS { lane } => s.extract(*lane, |x: i8| i32::from(x)),
        O::I8x16ExtractLaneU { lane } => s.extract(*lane, |x: u8| u32::from(x)),
        O::I16x8ExtractLaneS { lane } => s.extract(*lane, |x: i16| i32::from(x)),
        O::I16x8ExtractLaneU { lane } => s.extract(*lane, |x: u16| u32::from(x)),
        O::I32x4ExtractLane { lane } => s.extract(*lane, |x: u32| x),
        O::I64x2ExtractLane { lane } => s.extract(*lane, |x: u64| x),
        O::F32x4ExtractLane { lane } => s.extract(*lane, |x: f32| x),
        O::F64x2ExtractLane { lane } => s.extract(*lane, |x: f64| x),
        O::I8x16ReplaceLane { lane } => s.replace(*lane, |x: u32| x as u8),
        O::I16x8ReplaceLane { lane } => s.replace(*lane, |x: u32| x as u16),
        O::I32x4ReplaceLane { lane } => s.replace(*lane, |x: u32| x),
        O::I64x2ReplaceLane { lane } => s.replace(*lane, |x: u64| x),
        O::F32x4ReplaceLane { lane } => s.replace(*lane, |x: f32| x),
        O::F64x2ReplaceLane { lane } => s.replace(*lane, |x: f64| x),
        _ => compare(op, s),
    }
}

fn compare(op: &O<'_>, s: &mut Operands) -> Done {
    match op {
        O::I8x16Eq => s.compare(|x: i8, y| x == y),
        O::I8x16Ne => s.compare(|x: i8, y| x != y),
        O::I8x16LtS => s.compare(|x: i8, y| x < y),
        O::I8x16LtU => s.compare(|x: u8, y| x < y),
        O::I8x16GtS => s.compare(|x: i8, y| x > y),
        O::I8x16GtU => s.compare(|x: u8, y| x > y),
        O::I8x16LeS => s.compare(|x: i8, y| x <= y),
        O::I8x16LeU => s.compare(|x: u8, y| x <= y),
        O::I8x16GeS => s.compare(|x: i8, y| x >= y),
        O::I8x16GeU => s.compare(|x: u8, y| x >= y),
        O::I16x8Eq => s.compare(|x: i16, y| x == y),
        O::I16x8Ne => s.compare(|x: i16, y| x != y),
        O::I16x8LtS => s.compare(|x: i16, y| x < y),
        O::I16x8LtU => s.compare(|x: u16, y| x < y),
        O::I16x8GtS => s.compare(|x: i16, y| x > y),
        O::I16x8GtU => s.compare(|x: u16, y| x > y),
        O::I16x8LeS => s.compare(|x: i16, y| x <= y),
        O::I16x8LeU => s.compare(|x: u16, y| x <= y),
        O::I16x8GeS => s.compare(|x: i16, y| x >= y),
        O::I16x8GeU => s.compare(|x: u16, y| x >= y),
        O::I32x4Eq => s.compare(|x: i32, y| x == y),
        O::I32x4Ne => s.compare(|x: i32, y| x != y),
        O::I32x4LtS => s.compare(|x: i32, y| x < y),
        O::I32x4LtU => s.compare(|x: u32, y| x < y),
        O::I32x4GtS => s.compare(|x: i32, y| x > y),
        O::I32x4GtU => s.compare(|x: u32, y| x > y),
        O::I32x4LeS => s.compare(|x: i32, y| x <= y),
        O::I32x4LeU => s.compare(|x: u32, y| x <= y),
        O::I32x4GeS => s.compare(|x: i32, y| x >= y),
        O::I32x4GeU => s.compare(|x: u32, y| x >= y),
        O::I64x2Eq => s.compare(|x: i64, y| x == y),
        O::I64x2Ne => s.compare(|x: i64, y| x != y),
        O::I64x2LtS => s.compare(|x: i64, y| x < y),
        O::I64x2GtS => s.compare(|x: i64, y| x > y),
        O::I64x2LeS => s.compare(|x: i64, y| x <= y),
        O::I64x2GeS => s.compare(|x: i64, y| x >= y),
        O::F32x4Eq => s.compare(|x: f32, y| x == y),
        O::F32x4Ne => s.compare(|x: f32, y| x != y),
        O::F32x4Lt => s.compare(|x: f32, y| x < y),
        O::F32x4Gt => s.compare(|x: f32, y| x > y),
        O::F32x4Le => s.compare(|x: f32, y| x <= y),
        O::F32x4Ge => s.compare(|x: f32, y| x >= y),
        O::F64x2Eq => s.compare(|x: f64, y| x == y),
        O::F64x2Ne => s.compare(|x: f64, y| x != y),
        O::F64x2Lt => s.compare(|x: f64, y| x < y),
        O::F64x2Gt => s.compare(|x: f64, y| x > y),
        O::F64x2Le => s.compare(|x: f64, y| x <= y),
        O::F64x2Ge => s.compare(|x: f64, y| x >= y),
        _ => bytes(op, s),
    }
}

fn bytes(op: &O<'_>, s: &mut Operands) -> Done {
    match op {
        O::I8x16Abs => s.map(i8::wrapping_abs),
        O::I8x16Neg => s.map(i8::wrapping_neg),
        O::I8x16Popcnt => s.map(|x: u8| x.count_ones() as u8),
        O::I8x16AllTrue => s.all_true::<i8>(),
        O::I8x16Bitmask => s.bitmask::<i8>(),
        O::I8x16NarrowI16x8S => s.narrow(|x: i16| x.clamp(-128, 127) as i8),
        O::I8x16NarrowI16x8U => s.narrow(|x: i16| x.clamp(0, 255) as u8),
        O::I8x16Shl => s.shift(|x: u8, by| x << by),
        O::I8x16ShrS => s.shift(|x: i8, by| x >> by),
        O::I8x16ShrU => s.shift(|x: u8, by| x >> by),
        O::I8x16Add => s.zip(u8::wrapping_add),
        O::I8x16AddSatS => s.zip(i8::saturating_add),
        O::I8x16AddSatU => s.zip(u8::saturating_add),
        O::I8x16Sub => s.zip(u8::wrapping_sub),
        O::I8x16SubSatS => s.zip(i8::saturating_sub),
        O::I8x16SubSatU => s.zip(u8::saturating_sub),
        O::I8x16MinS => s.zip(|x: i8, y: i8| x.min(y)),
        O::I8x16MinU => s.zip(|x: u8, y: u8| x.min(y)),
        O::I8x16MaxS => s.zip(|x: i8, y: i8| x.max(y)),
        O::I8x16MaxU => s.zip(|x: u8, y: u8| x.max(y)),
        O::I8x16AvgrU => s.zip(|x: u8, y: u8| (u16::from(x) + u16::from(y)).div_ceil(2) as u8),
        _ => halves(op, s),
    }
}

/// The nearest of `x` * `y` / 2^15, in the middle the greater one, saturating.
fn multiply_q15(x: i16, y: i16) -> i16 {
    let product = i32::from(x) * i32::from(y);
    ((product + (1 << 14)) >> 15).clamp(-32768, 32767) as i16
}

/// The sum of two products of bytes, wrapping.
fn dot_bytes(x: [i8; 2], y: [i8; 2]) -> i16 {
    let product = |i: usize| i16::from(x[i]) * i16::from(y[i]);
    product(0).wrapping_add(product(1))
}

fn halves(op: &O<'_>, s: &mut Operands) -> Done {
    use Half::{High, Low};
    match op {
        O::I16x8ExtAddPairwiseI8x16S => s.pairwise(|x: i8, y: i8| i16::from(x) + i16::from(y)),
        O::I16x8ExtAddPairwiseI8x16U => s.pairwise(|x: u8, y: u8| u16::from(x) + u16::from(y)),
        O::I16x8Abs => s.map(i16::wrapping_abs),
        O::I16x8Neg => s.map(i16::wrapping_neg),
        O::I16x8Q15MulrSatS | O::I16x8RelaxedQ15mulrS => s.zip(multiply_q15),
        O::I16x8AllTrue => s.all_true::<i16>(),
        O::I16x8Bitmask => s.bitmask::<i16>(),
        O::I16x8NarrowI32x4S => s.narrow(|x: i32| x.clamp(-32768, 32767) as i16),
        O::I16x8NarrowI32x4U => s.narrow(|x: i32| x.clamp(0, 65535) as u16),
        O::I16x8ExtendLowI8x16S => s.extend(Low, |x: i8| i16::from(x)),
        O::I16x8ExtendHighI8x16S => s.extend(High, |x: i8| i16::from(x)),
        O::I16x8ExtendLowI8x16U => s.extend(Low, |x: u8| u16::from(x)),
        O::I16x8ExtendHighI8x16U => s.extend(High, |x: u8| u16::from(x)),
        O::I16x8Shl => s.shift(|x: u16, by| x << by),
        O::I16x8ShrS => s.shift(|x: i16, by| x >> by),
        O::I16x8ShrU => s.shift(|x: u16, by| x >> by),
        O::I16x8Add => s.zip(u16::wrapping_add),
        O::I16x8AddSatS => s.zip(i16::saturating_add),
        O::I16x8AddSatU => s.zip(u16::saturating_add),
        O::I16x8Sub => s.zip(u16::wrapping_sub),
        O::I16x8SubSatS => s.zip(i16::saturating_sub),
        O::I16x8SubSatU => s.zip(u16::saturating_sub),
        O::I16x8Mul => s.zip(u16::wrapping_mul),
        O::I16x8MinS => s.zip(|x: i16, y: i16| x.min(y)),
        O::I16x8MinU => s.zip(|x: u16, y: u16| x.min(y)),
        O::I16x8MaxS => s.zip(|x: i16, y: i16| x.max(y)),
        O::I16x8MaxU => s.zip(|x: u16, y: u16| x.max(y)),
        O::I16x8AvgrU => s.zip(|x: u16, y: u16| (u32::from(x) + u32::from(y)).div_ceil(2) as u16),
        O::I16x8ExtMulLowI8x16S => s.extend_pairs(Low, |x: i8, y: i8| i16::from(x) * i16::from(y)),
        O::I16x8ExtMulHighI8x16S => s.extend_pairs(High, |x: i8, y: i8| i16::from(x) * i16::from(y)),
        O::I16x8ExtMulLowI8x16U => s.extend_pairs(Low, |x: u8, y: u8| u16::from(x) * u16::from(y)),
        O::I16x8ExtMulHighI8x16U => s.extend_pairs(High, |x: u8, y: u8| u16::from(x) * u16::from(y)),
        O::I16x8RelaxedDotI8x16I7x16S => s.dot(dot_bytes),
        _ => words(op, s),
    }
}

/// The sum of two products, wrapping.
fn dot_halves(x: [i16; 2], y: [i16; 2]) -> i32 {
    let product = |i: usize| i32::from(x[i]) * i32::from(y[i]);
    product(0).wrapping_add(product(1))
}

fn words(op: &O<'_>, s: &mut Operands) -> Done {
    use Half::{High, Low};
    match op {
        O::I32x4ExtAddPairwiseI16x8S => s.pairwise(|x: i16, y: i16| i32::from(x) + i32::from(y)),
        O::I32x4ExtAddPairwiseI16x8U => s.pairwise(|x: u16, y: u16| u32::from(x) + u32::from(y)),
        O::I32x4Abs => s.map(i32::wrapping_abs),
        O::I32x4Neg => s.map(i32::wrapping_neg),
        O::I32x4AllTrue => s.all_true::<i32>(),
        O::I32x4Bitmask => s.bitmask::<i32>(),
        O::I32x4ExtendLowI16x8S => s.extend(Low, |x: i16| i32::from(x)),
        O::I32x4ExtendHighI16x8S => s.extend(High, |x: i16| i32::from(x)),
        O::I32x4ExtendLowI16x8U => s.extend(Low, |x: u16| u32::from(x)),
        O::I32x4ExtendHighI16x8U => s.extend(High, |x: u16| u32::from(x)),
        O::I32x4Shl => s.shift(|x: u32, by| x << by),
        O::I32x4ShrS => s.shift(|x: i32, by| x >> by),
        O::I32x4ShrU => s.shift(|x: u32, by| x >> by),
        O::I32x4Add => s.zip(u32::wrapping_add),
        O::I32x4Sub => s.zip(u32::wrapping_sub),
        O::I32x4Mul => s.zip(u32::wrapping_mul),
        O::I32x4MinS => s.zip(|x: i32, y: i32| x.min(y)),
        O::I32x4MinU => s.zip(|x: u32, y: u32| x.min(y)),
        O::I32x4MaxS => s.zip(|x: i32, y: i32| x.max(y)),
        O::I32x4MaxU => s.zip(|x: u32, y: u32| x.max(y)),
        O::I32x4DotI16x8S => s.dot(dot_halves),
        O::I32x4RelaxedDotI8x16I7x16AddS => {
            let added = s.take::<u128>();
            s.dot(dot_bytes)?;
            s.pairwise(|x: i16, y: i16| i32::from(x) + i32::from(y))?;
            s.push(added);
            s.zip(i32::wrapping_add)
        }
        O::I32x4ExtMulLowI16x8S => s.extend_pairs(Low, |x: i16, y: i16| i32::from(x) * i32::from(y)),
        O::I32x4ExtMulHighI16x8S => s.extend_pairs(High, |x: i16, y: i16| i32::from(x) * i32::from(y)),
        O::I32x4ExtMulLowI16x8U => s.extend_pairs(Low, |x: u16, y: u16| u32::from(x) * u32::from(y)),
        O::I32x4ExtMulHighI16x8U => s.extend_pairs(High, |x: u16, y: u16| u32::from(x) * u32::from(y)),
        O::I64x2Abs => s.map(i64::wrapping_abs),
        O::I64x2Neg => s.map(i64::wrapping_neg),
        O::I64x2AllTrue => s.all_true::<i64>(),
        O::I64x2Bitmask => s.bitmask::<i64>(),
        O::I64x2ExtendLowI32x4S => s.extend(Low, |x: i32| i64::from(x)),
        O::I64x2ExtendHighI32x4S => s.extend(High, |x: i32| i64::from(x)),
        O::I64x2ExtendLowI32x4U => s.extend(Low, |x: u32| u64::from(x)),
        O::I64x2ExtendHighI32x4U => s.extend(High, |x: u32| u64::from(x)),
        O::I64x2Shl => s.shift(|x: u64, by| x << by),
        O::I64x2ShrS => s.shift(|x: i64, by| x >> by),
        O::I64x2ShrU => s.shift(|x: u64, by| x >> by),
        O::I64x2Add => s.zip(u64::wrapping_add),
        O::I64x2Sub => s.zip(u64::wrapping_sub),
        O::I64x2Mul => s.zip(u64::wrapping_mul),
        O::I64x2ExtMulLowI32x4S => s.extend_pairs(Low, |x: i32, y: i32| i64::from(x) * i64::from(y)),
        O::I64x2ExtMulHighI32x4S => s.extend_pairs(High, |x: i32, y: i32| i64::from(x) * i64::from(y)),
        O::I64x2ExtMulLowI32x4U => s.extend_pairs(Low, |x: u32, y: u32| u64::from(x) * u64::from(y)),
        O::I64x2ExtMulHighI32x4U => s.extend_pairs(High, |x: u32, y: u32| u64::from(x) * u64::from(y)),
        _ => floats(op, s),
    }
}

fn floats(op: &O<'_>, s: &mut Operands) -> Done {
    match op {
        O::F32x4Ceil => s.map(fl::ceil::<f32>),
        O::F32x4Floor => s.map(fl::floor::<f32>),
        O::F32x4Trunc => s.map(fl::trunc::<f32>),
        O::F32x4Nearest => s.map(fl::nearest::<f32>),
        O::F32x4Abs => s.map(fl::abs::<f32>),
        O::F32x4Neg => s.map(fl::neg::<f32>),
        O::F32x4Sqrt => s.map(fl::sqrt::<f32>),
        O::F32x4Add => s.zip(fl::add::<f32>),
        O::F32x4Sub => s.zip(fl::sub::<f32>),
        O::F32x4Mul => s.zip(fl::mul::<f32>),
        O::F32x4Div => s.zip(fl::div::<f32>),
        O::F32x4Min | O::F32x4RelaxedMin => s.zip(fl::min::<f32>),
        O::F32x4Max | O::F32x4RelaxedMax => s.zip(fl::max::<f32>),
        O::F32x4PMin => s.zip(fl::pseudo_min::<f32>),
        O::F32x4PMax => s.zip(fl::pseudo_max::<f32>),
        O::F32x4RelaxedMadd => s.zip3(|x: f32, y, z| fl::add(fl::mul(x, y), z)),
        O::F32x4RelaxedNmadd => s.zip3(|x: f32, y, z| fl::add(fl::mul(fl::neg(x), y), z)),
        O::F64x2Ceil => s.map(fl::ceil::<f64>),
        O::F64x2Floor => s.map(fl::floor::<f64>),
        O::F64x2Trunc => s.map(fl::trunc::<f64>),
        O::F64x2Nearest => s.map(fl::nearest::<f64>),
        O::F64x2Abs => s.map(fl::abs::<f64>),
        O::F64x2Neg => s.map(fl::neg::<f64>),
        O::F64x2Sqrt => s.map(fl::sqrt::<f64>),
        O::F64x2Add => s.zip(fl::add::<f64>),
        O::F64x2Sub => s.zip(fl::sub::<f64>),
        O::F64x2Mul => s.zip(fl::mul::<f64>),
        O::F64x2Div => s.zip(fl::div::<f64>),
        O::F64x2Min | O::F64x2RelaxedMin => s.zip(fl::min::<f64>),
        O::F64x2Max | O::F64x2RelaxedMax => s.zip(fl::max::<f64>),
        O::F64x2PMin => s.zip(fl::pseudo_min::<f64>),
        O::F64x2PMax => s.zip(fl::pseudo_max::<f64>),
        O::F64x2RelaxedMadd => s.zip3(|x: f64, y, z| fl::add(fl::mul(x, y), z)),
        O::F64x2RelaxedNmadd => s.zip3(|x: f64, y, z| fl::add(fl::mul(fl::neg(x), y), z)),

        O::I32x4TruncSatF32x4S | O::I32x4RelaxedTruncF32x4S => s.map(|x: f32| x as i32),
        O::I32x4TruncSatF32x4U | O::I32x4RelaxedTruncF32x4U => s.map(|x: f32| x as u32),
        O::F32x4ConvertI32x4S => s.map(|x: i32| x as f32),
        O::F32x4ConvertI32x4U => s.map(|x: u32| x as f32),
        // Two lanes become the lower two of four; `join` fills up with zeros.
        O::I32x4TruncSatF64x2SZero | O::I32x4RelaxedTruncF64x2SZero => s.map(|x: f64| x as i32),
        O::I32x4TruncSatF64x2UZero | O::I32x4RelaxedTruncF64x2UZero => s.map(|x: f64| x as u32),
        O::F32x4DemoteF64x2Zero => s.map(fl::demote),
        O::F64x2ConvertLowI32x4S => s.extend(Half::Low, |x: i32| f64::from(x)),
        O::F64x2ConvertLowI32x4U => s.extend(Half::Low, |x: u32| f64::from(x)),
        O::F64x2PromoteLowF32x4 => s.extend(Half::Low, fl::promote),
        _ => panic!("no rule for {op:?}"),
    }
}

//! Lanes in and out of pairs of integers, and short forms of instructions.

use super::{Pair, Split};
use sidetrack_ir::types::I64;
use sidetrack_ir::{Builder, Extra, IntCC, MemFlags, Opcode, Position, Type, Value};
use smallvec::SmallVec;

/// The lanes of a vector, lane 0 first.
pub(super) type Lanes = SmallVec<[Value; 16]>;

impl Split {
    /// A builder in front of the instruction that is being replaced.
    pub(super) fn builder(&mut self) -> Builder<'_> {
        let loc = self.func.source_locs[self.at];
        let mut builder = Builder::at(&mut self.func, Position::Before(self.at));
        builder.set_source_loc(loc);
        builder
    }

    pub(super) fn op(&mut self, opcode: Opcode, args: &[Value]) -> Value {
        self.builder().op(opcode, args)
    }

    pub(super) fn typed(&mut self, opcode: Opcode, ty: Type, args: &[Value]) -> Value {
        self.builder().op_typed(opcode, ty, args)
    }

    pub(super) fn number(&mut self, value: u64) -> Value {
        self.builder().iconst(I64, value as i64)
    }

    /// An operation with a constant of 64 bits.
    pub(super) fn with(&mut self, opcode: Opcode, x: Value, value: u64) -> Value {
        let y = self.number(value);
        self.op(opcode, &[x, y])
    }

    /// A shift to the left, or right by a negative amount, of 64 bits.
    pub(super) fn moved(&mut self, x: Value, by: i32) -> Value {
        match by {
            0 => x,
            1.. => self.with(Opcode::Ishl, x, by as u64),
            _ => self.with(Opcode::Ushr, x, u64::from(by.unsigned_abs())),
        }
    }

    pub(super) fn icmp(&mut self, cc: IntCC, x: Value, y: Value) -> Value {
        self.builder().icmp(cc, x, y)
    }

    pub(super) fn select(&mut self, cond: Value, yes: Value, no: Value) -> Value {
        self.op(Opcode::Select, &[cond, yes, no])
    }

    pub(super) fn bitcast(&mut self, ty: Type, x: Value) -> Value {
        let inst = self.builder().inst(Opcode::Bitcast, ty, &[x], Extra::Mem(MemFlags::default(), 0));
        self.func.dfg.first_result(inst)
    }

    /// The low bits of 64 as a value of a lane's type.
    pub(super) fn as_lane(&mut self, ty: Type, x: Value) -> Value {
        let bits = Type::int(ty.bits()).unwrap_or(I64);
        let x = if bits == I64 { x } else { self.typed(Opcode::Ireduce, bits, &[x]) };
        if ty.is_float() { self.bitcast(ty, x) } else { x }
    }

    /// A lane's bits, zero-extended to 64.
    pub(super) fn bits_of_lane(&mut self, x: Value) -> Value {
        let ty = self.ty(x);
        let bits = Type::int(ty.bits()).unwrap_or(I64);
        let x = if ty.is_float() { self.bitcast(bits, x) } else { x };
        if bits == I64 { x } else { self.typed(Opcode::Uextend, I64, &[x]) }
    }

    /// Lane number `n` of a vector.
    pub(super) fn lane(&mut self, pair: Pair, ty: Type, n: usize) -> Value {
        let per = 64 / ty.lane_bits() as usize;
        let low = self.moved(pair[n / per], -((n % per) as i32 * ty.lane_bits() as i32));
        self.as_lane(ty.lane(), low)
    }

    /// The lanes of a vector of this type.
    pub(super) fn lanes(&mut self, pair: Pair, ty: Type) -> Lanes {
        (0..ty.lane_count() as usize).map(|n| self.lane(pair, ty, n)).collect()
    }

    /// The lanes of an integer vector, extended to 64 bits.
    pub(super) fn wide_lanes(&mut self, pair: Pair, ty: Type, signed: bool) -> Lanes {
        let bits = ty.lane_bits() as i32;
        let per = 64 / bits;
        let one = |split: &mut Split, n: i32| {
            let top = split.moved(pair[(n / per) as usize], 64 - bits * (n % per + 1));
            let opcode = if signed { Opcode::Sshr } else { Opcode::Ushr };
            if bits == 64 { top } else { split.with(opcode, top, 64 - bits as u64) }
        };
        (0..ty.lane_count() as i32).map(|n| one(self, n)).collect()
    }

    /// A vector from its lanes, of the lane's type or of 64 bits that are to be cut.
    pub(super) fn joined(&mut self, lanes: &[Value], lane_bits: u32) -> Pair {
        let per = 64 / lane_bits as usize;
        [0, 1].map(|half| {
            let mut all = None;
            for (n, &lane) in lanes[half * per..(half + 1) * per].iter().enumerate() {
                let mut bits = self.bits_of_lane(lane);
                // The last one's upper bits are shifted out.
                if self.ty(lane).bits() > lane_bits && n + 1 < per {
                    bits = self.with(Opcode::Band, bits, u64::MAX >> (64 - lane_bits));
                }
                let bits = self.moved(bits, (n as u32 * lane_bits) as i32);
                all = Some(all.map_or(bits, |all| self.op(Opcode::Bor, &[all, bits])));
            }
            all.expect("a half has lanes")
        })
    }

    /// An operation on each half.
    pub(super) fn halves(&mut self, opcode: Opcode, args: &[Pair]) -> Pair {
        [0, 1].map(|half| {
            let args: SmallVec<[Value; 3]> = args.iter().map(|pair| pair[half]).collect();
            self.op(opcode, &args)
        })
    }
}

/// The number in every lane of 64 bits.
pub(super) fn repeated(lane_bits: u32, value: u64) -> u64 {
    let value = value & (u64::MAX >> (64 - lane_bits));
    (0..64 / lane_bits).fold(0, |all, n| all | value << (n * lane_bits))
}

/// The highest bit of every lane.
pub(super) fn tops(lane_bits: u32) -> u64 {
    repeated(lane_bits, 1 << (lane_bits - 1))
}
